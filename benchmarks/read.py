"""How long reading takes against decoding the same bytes, and how much memory, for long histories and one large bundle.

Run: python benchmarks/read.py [--megabytes 51] [--observations 2000]. The NDJSON file has 91 long histories as a
generator of whole lives writes them: encounters, conditions, vital signs and laboratory results, prescriptions,
immunisations, procedures, reports with an attached text, and claims and explanations of benefit, which nobody here
reads. Each figure is of a process of its own: `ratio` is the time of `azaward.readers.read` to that of
`msgspec.json.decode` for each line, best of three; `memory` the peak beyond what a record of ten results takes, which
is what the imports and the look-ups of the knowledge base need, as a multiple of the file. Files of a quarter and a
half of the people show how both grow. The last line is JSON.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from azaward.knowledge import load
from azaward.knowledge.loading.words.test_names import loinc_codes

PEOPLE, SEED = 91, 7
MEGABYTE = 1_000_000
OF_BENEFITS = "ExplanationOfBenefit"
# How many of each a visit brings; the claims are the larger part of such a file.
VITALS = ("weight", "height", "temperature")
COUNTS = ("wbc", "neutrophils", "lymphocytes", "platelets", "haemoglobin", "mcv", "alt", "ast", "alp", "bilirubin")
LEVELS = {"wbc": 6.1, "neutrophils": 3.9, "lymphocytes": 1.6, "platelets": 250.0, "haemoglobin": 138.0, "mcv": 92.0}
WORDS = ("the patient was seen for the review of a long illness", "and is well on the present treatment")


LOINC_CODES = loinc_codes(load())


class History:
    """One person's resources, made visit by visit."""

    def __init__(self, number: int, analytes: Any) -> None:
        self._random = random.Random(SEED * 1_000 + number)
        self._analytes, self.id, self._made = analytes, f"person-{number}", 0
        self._loinc = LOINC_CODES

    def _resource(self, kind: str, **cells: Any) -> dict[str, Any]:
        self._made += 1
        about = {
            "resourceType": kind,
            "id": f"{self.id}-{self._made}",
            "meta": {"profile": [f"http://example.org/{kind}"]},
        }
        whose = {} if kind == "Patient" else {"patient" if kind in _BY_PATIENT else "subject": self._me()}
        return {**about, **whose, **cells}

    def _me(self) -> dict[str, str]:
        return {"reference": f"Patient/{self.id}", "display": f"Invented {self.id}"}

    def _text(self, words: int) -> str:
        return " ".join(self._random.choices(" ".join(WORDS).split(), k=words))

    def patient(self) -> dict[str, Any]:
        """The person, who was born some time in the last century."""
        born = dt.date(1950, 1, 1) + dt.timedelta(days=self._random.randrange(16_000))
        return {**self._resource("Patient", gender="female", birthDate=born.isoformat()), "id": self.id}

    def visit(self, day: dt.date) -> Iterator[dict[str, Any]]:
        """What one visit leaves in a record system."""
        when = f"{day.isoformat()}T09:{self._random.randrange(60):02d}:00+00:00"
        seen = self._resource(
            "Encounter", status="finished", period={"start": when, "end": when}, **_code("type", "visit")
        )
        yield seen
        for analyte in (*VITALS, *COUNTS):
            yield self.observation(analyte, when, seen["id"])
        yield self._resource(
            "Condition", **_code("code", self._text(3)), onsetDateTime=when, clinicalStatus=_concept("resolved")
        )
        yield self._resource("MedicationRequest", **_prescription(when))
        yield self._resource(
            "Immunization", status="completed", occurrenceDateTime=when, vaccineCode=_concept("influenza")
        )
        yield self._resource("Procedure", status="completed", performedDateTime=when, **_code("code", self._text(2)))
        data = base64.b64encode(self._text(250).encode()).decode()
        form = [{"contentType": "text/plain", "data": data}]
        yield self._resource(
            "DiagnosticReport", status="final", effectiveDateTime=when, **_code("code", "note"), presentedForm=form
        )
        items = [
            {"sequence": n, "productOrService": _concept(self._text(4)), "net": {"value": 12.5}} for n in range(20)
        ]
        for kind in ("Claim", OF_BENEFITS):
            yield self._resource(kind, status="active", created=when, use="claim", item=items, insurance=items[:3])

    def observation(self, analyte: str, when: str, visit: str) -> dict[str, Any]:
        """One result or vital sign."""
        about = self._analytes[analyte]
        value = round(LEVELS.get(analyte, 40.0) * self._random.uniform(0.8, 1.2), 2)
        coding = {"system": "http://loinc.org", "code": self._loinc[analyte], "display": about.name}
        unit = {"value": value, "unit": about.unit, "system": "http://unitsofmeasure.org", "code": about.unit}
        code = {"coding": [coding], "text": about.name}
        seen = {"reference": f"Encounter/{visit}"}
        return self._resource(
            "Observation",
            status="final",
            code=code,
            encounter=seen,
            effectiveDateTime=when,
            issued=when,
            valueQuantity=unit,
        )


_BY_PATIENT = ("Immunization", "Claim", OF_BENEFITS)


def _concept(text: str) -> dict[str, Any]:
    return {
        "coding": [{"system": "http://example.org/codes", "code": text.replace(" ", "-"), "display": text}],
        "text": text,
    }


def _code(name: str, text: str) -> dict[str, Any]:
    return {name: [_concept(text)] if name == "type" else _concept(text)}


def _prescription(when: str) -> dict[str, Any]:
    often = {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}
    dose = {**often, "doseAndRate": [{"doseQuantity": {"value": 150, "unit": "mg"}}]}
    medicine = {"text": "Azathioprine 50 mg tablets"}
    state = {"status": "completed", "intent": "order", "authoredOn": when}
    return {**state, "medicationCodeableConcept": medicine, "dosageInstruction": [dose]}


def write_histories(path: Path, size: int, people: int) -> None:
    """Writes the histories of so many people, together of about `size` bytes."""
    from azaward.knowledge import load

    analytes = load().analytes
    with path.open("wb") as file:
        for number in range(people):
            history, day, end = History(number, analytes), dt.date(2026, 11, 16), size * (number + 1) // people
            file.write(json.dumps(history.patient()).encode() + b"\n")
            while file.tell() < end:
                for resource_ in history.visit(day):
                    file.write(json.dumps(resource_).encode() + b"\n")
                day -= dt.timedelta(days=21)


def write_bundle(path: Path, observations: int) -> None:
    """Writes one person's bundle of so many Observations."""
    from azaward.knowledge import load

    history = History(0, load().analytes)
    found: list[dict[str, Any]] = [history.patient()]
    for number in range(observations):
        when = f"{dt.date(2026, 11, 16) - dt.timedelta(days=number)}T09:00:00+00:00"
        found.append(history.observation(COUNTS[number % len(COUNTS)], when, "visit"))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in found]}
    path.write_text(json.dumps(bundle), encoding="utf-8")


def decode(path: Path) -> None:
    """What reading can't do without: every byte decoded."""
    import msgspec

    content = path.read_bytes()
    for part in content.splitlines() if path.suffix == ".ndjson" else [content]:
        msgspec.json.decode(part)


def measured(path: Path, only: str) -> dict[str, float]:
    """Seconds of one way to take in the file, best of three, and the peak memory that the first one adds."""
    from azaward.knowledge import load
    from azaward.readers.read import read

    knowledge = load()
    with tempfile.TemporaryDirectory() as scratch:
        write_bundle(small := Path(scratch) / "small.json", len(COUNTS))
        read(small, knowledge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: list[float] = []
    peak = 0
    for turn in range(3):
        began = time.process_time()
        if only == "decode":
            decode(path)
        else:
            read(path, knowledge)
        times.append(time.process_time() - began)
        if turn == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"seconds": min(times), "peak": peak * 1024}


def compared(path: Path) -> dict[str, Any]:
    """Reading against decoding, each in a process of its own."""
    found: dict[str, dict[str, float]] = {}
    for only in ("decode", "read"):
        done = subprocess.run([sys.executable, __file__, "--only", only, str(path)], check=True, stdout=subprocess.PIPE)
        found[only] = json.loads(done.stdout)
    size = path.stat().st_size
    return {
        "file": path.name,
        "megabytes": round(size / MEGABYTE, 1),
        "decode_s": round(found["decode"]["seconds"], 3),
        "read_s": round(found["read"]["seconds"], 3),
        "ratio": round(found["read"]["seconds"] / found["decode"]["seconds"], 1),
        "memory": round(found["read"]["peak"] / size, 1),
    }


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=float, default=51)
    arguments.add_argument("--observations", type=int, default=2_000)
    arguments.add_argument("--keep", type=Path, help="keep the files in this folder")
    arguments.add_argument("--only", nargs=2, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.only:
        print(json.dumps(measured(Path(given.only[1]), given.only[0])))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        found: list[dict[str, Any]] = []
        write_bundle(bundle := folder / "bundle.json", given.observations)
        found.append(compared(bundle))
        print(json.dumps(found[-1]), flush=True)
        for share in (4, 2, 1):
            path = folder / f"histories-{PEOPLE // share}.ndjson"
            write_histories(path, int(given.megabytes * MEGABYTE / share), PEOPLE // share)
            found.append(compared(path))
            print(json.dumps(found[-1]), flush=True)
        print(json.dumps({"bundle": found[0], "histories": found[-1], "growth": found[1:-1]}))


if __name__ == "__main__":
    main()
