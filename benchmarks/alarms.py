"""Is what was planted in a synthetic clinic found, and how many who are well get an alarm?

Run: python benchmarks/alarms.py [--seed 5 --patients 1000] [--show]. Without options it assesses examples/clinic.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from azaward.assessment import Assessment, assess
from azaward.knowledge import URGENCIES, load
from azaward.readers.tables.folder import read_folder
from azaward.record import Record
from azaward.synthesis import Planted, record_of, synthesise

AS_OF = dt.date(2026, 11, 23)
CLINIC = Path(__file__).parent.parent / "examples" / "clinic"
ROUTINE = URGENCIES.index("routine")


def read_clinic(folder: Path = CLINIC) -> tuple[Record, dict[str, Planted]]:
    """The record in a folder and what its troubles.csv says was planted in each person."""
    with (folder / "troubles.csv").open(encoding="utf-8", newline="") as file:
        planted = {
            row["patient_id"]: Planted(
                row["trouble"], row["rule"] or None, row["code"] or None, row["least_urgency"] or None, row["planted"]
            )
            for row in csv.DictReader(file)
        }
    return read_folder(folder, load()), planted


def make_clinic(patients: int, seed: int) -> tuple[Record, dict[str, Planted]]:
    """A clinic that nobody has seen before."""
    people = list(synthesise(patients, seed, AS_OF))
    return record_of(people), {person.patient_id: person.planted for person in people}


def missed(assessment: Assessment, planted: Mapping[str, Planted]) -> list[str]:
    """The people whose trouble was not found by its rule and code, at least as urgently as it must be."""
    found: set[str] = set()
    for patient in assessment.patients:
        what = planted[patient.patient_id]
        if what.least_urgency and any(
            (finding.rule, finding.code) == (what.rule, what.code)
            and URGENCIES.index(finding.urgency) <= URGENCIES.index(what.least_urgency)
            for finding in patient.findings
        ):
            found.add(patient.patient_id)
    return [patient_id for patient_id, what in planted.items() if what.rule and patient_id not in found]


def alarmed(assessment: Assessment, planted: Mapping[str, Planted]) -> dict[str, list[str]]:
    """The people without trouble who got anything above routine, and which findings those are."""
    return {
        patient.patient_id: [
            f"{finding.rule}/{finding.code} {finding.subject} ({finding.urgency}, {patient.protocol})"
            for finding in patient.findings
            if URGENCIES.index(finding.urgency) < ROUTINE
        ]
        for patient in assessment.patients
        if planted[patient.patient_id].rule is None and URGENCIES.index(patient.plan.urgency) < ROUTINE
    }


def main() -> None:
    """Prints the table and the JSON line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int)
    options.add_argument("--patients", type=int, default=1000)
    options.add_argument("--show", action="store_true", help="name every miss and every false alarm")
    given = options.parse_args()
    record, planted = read_clinic() if given.seed is None else make_clinic(given.patients, given.seed)
    assessment = assess(record, AS_OF)
    lost, alarms = missed(assessment, planted), alarmed(assessment, planted)
    count = Counter(what.trouble for what in planted.values())
    not_found = Counter(planted[patient_id].trouble for patient_id in lost)
    expected = {what.trouble: what for what in planted.values()}
    print(f"{'trouble':28} {'planted':>7} {'found':>6}  by, at least")
    for trouble in sorted(set(count) - {"none"}):
        what = expected[trouble]
        found = count[trouble] - not_found[trouble]
        print(f"{trouble:28} {count[trouble]:7} {found:6}  {what.rule}, {what.least_urgency}")
    print(f"{'none':28} {count['none']:7} {len(alarms):6}  got anything above routine")
    if given.show:
        for patient_id in lost:
            print(f"missed: {patient_id} {planted[patient_id].trouble}: {planted[patient_id].what}")
        for patient_id, findings in alarms.items():
            print(f"false alarm: {patient_id} {'; '.join(findings)}")
    troubled = len(planted) - count["none"]
    summary = {
        "people": len(planted),
        "planted": troubled,
        "found": troubled - len(lost),
        "share_found": round((troubled - len(lost)) / troubled, 4) if troubled else None,
        "untroubled": count["none"],
        "alarmed": len(alarms),
        "share_alarmed": round(len(alarms) / count["none"], 4) if count["none"] else None,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
