"""How long one patient takes: 300 results, warm; a bundle of 2,000 Observations; the whole process.

Run: python benchmarks/assess_one.py. Ends with one JSON line {"p50_ms", "p99_ms", "bundle_read_ms", "json_load_ms",
"process_s"} and, beside these, "help_s" and "read_ratio". `json_load_ms` is msgspec decoding the same bundle in the
same run. Limits: p50 20 ms, p99 40 ms, read at most 5 times the decoding, the process 1 s, --help 0.3 s.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from azaward.assessment import assess
from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle
from azaward.record import Record

AS_OF = dt.date(2026, 11, 23)
AZAWARD = Path(sys.executable).with_name("azaward")
PANEL = (
    ("wbc", "6690-2", 5.2, "10*3/uL"),
    ("neutrophils", "751-8", 3.1, "10*3/uL"),
    ("lymphocytes", "731-0", 1.4, "10*3/uL"),
    ("platelets", "777-3", 240.0, "10*3/uL"),
    ("haemoglobin", "718-7", 13.4, "g/dL"),
    ("mcv", "787-2", 94.0, "fL"),
    ("alt", "1742-6", 24.0, "U/L"),
    ("ast", "1920-8", 22.0, "U/L"),
    ("alp", "6768-6", 71.0, "U/L"),
    ("bilirubin", "1975-2", 0.6, "mg/dL"),
    ("creatinine", "2160-0", 0.9, "mg/dL"),
    ("albumin", "1751-7", 4.1, "g/dL"),
)


def observations(count: int) -> list[dict[str, object]]:
    """Panels of twelve, every four weeks up to the day."""
    found: list[dict[str, object]] = []
    for number in range(count):
        name, loinc, value, unit = PANEL[number % len(PANEL)]
        day = AS_OF - dt.timedelta(days=3 + 28 * (number // len(PANEL)))
        found.append(
            {
                "resourceType": "Observation",
                "id": f"o{number}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": loinc, "display": name}], "text": name},
                "subject": {"reference": "Patient/p1"},
                "effectiveDateTime": f"{day}T08:30:00+00:00",
                "valueQuantity": {
                    "value": round(value * (1 + (number % 7 - 3) / 100), 3),
                    "unit": unit,
                    "system": "http://unitsofmeasure.org",
                    "code": unit,
                },
                "referenceRange": [
                    {"low": {"value": value / 2, "unit": unit}, "high": {"value": value * 2, "unit": unit}}
                ],
            }
        )
    return found


def bundle(count: int) -> bytes:
    """One patient on azathioprine with so many Observations."""
    began = (AS_OF - dt.timedelta(days=900)).isoformat()
    crohns = {"coding": [{"system": "http://snomed.info/sct", "code": "34000006"}], "text": "Crohn's disease"}
    resources: list[dict[str, object]] = [
        {"resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17", "gender": "female"},
        {
            "resourceType": "Condition",
            "id": "c1",
            "subject": {"reference": "Patient/p1"},
            "code": crohns,
            "onsetDateTime": began,
        },
        {
            "resourceType": "MedicationStatement",
            "id": "m1",
            "status": "active",
            "subject": {"reference": "Patient/p1"},
            "medicationCodeableConcept": {"text": "Azathioprine 50 mg tablets"},
            "effectivePeriod": {"start": began},
            "reasonCode": [crohns],
            "dosage": [
                {
                    "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                    "doseAndRate": [{"doseQuantity": {"value": 100, "unit": "mg"}}],
                }
            ],
        },
        {
            "resourceType": "Immunization",
            "id": "i1",
            "status": "completed",
            "patient": {"reference": "Patient/p1"},
            "vaccineCode": {"text": "influenza"},
            "occurrenceDateTime": "2026-10-01",
        },
        *observations(count),
    ]
    return json.dumps(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    ).encode()


def times_ms(what: Callable[[], object], runs: int) -> list[float]:
    found: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        what()
        found.append((time.perf_counter() - start) * 1000)
    return sorted(found)


def process_s(*arguments: str) -> float:
    """The median of five whole processes, the cache of compiled SQL warm."""

    def run() -> None:
        subprocess.run([str(AZAWARD), *arguments], check=True, capture_output=True)

    run()
    return statistics.median(times_ms(run, 5)) / 1000


def main() -> None:
    knowledge = load()
    record: Record = read_bundle(bundle(300), "one.json", knowledge)
    for _ in range(3):
        assess(record, AS_OF, knowledge=knowledge)
    assessed = times_ms(lambda: assess(record, AS_OF, knowledge=knowledge), 200)
    large = bundle(2000)
    read_bundle(large, "large.json", knowledge)
    read = statistics.median(times_ms(lambda: read_bundle(large, "large.json", knowledge), 15))
    decode = statistics.median(times_ms(lambda: msgspec.json.decode(large), 15))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "one.json")
        path.write_bytes(bundle(300))
        whole = process_s("assess", str(path), "--as-of", AS_OF.isoformat())
    print(
        json.dumps(
            {
                "p50_ms": round(statistics.median(assessed), 1),
                "p99_ms": round(assessed[int(len(assessed) * 0.99) - 1], 1),
                "bundle_read_ms": round(read, 1),
                "json_load_ms": round(decode, 1),
                "process_s": round(whole, 2),
                "help_s": round(process_s("--help"), 2),
                "read_ratio": round(read / decode, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
