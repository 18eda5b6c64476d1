"""Is what was planted in a synthetic clinic found, and how many who are well get an alarm?

Run: python benchmarks/alarms.py [--seed 5 --patients 1000] [--show] [--thiomon FILE] [--write].

Without options it assesses examples/clinic, whose people follow the rules' own limits, and the people of odd.py, who
don't: those who are odd but stable may not be answered on the same day nor told to stop, those in trouble must be.
`--thiomon` asks about the visits of a real clinic: thiomon.csv of the R package medicaldata (MIT licence), which can be
had from https://github.com/higgi13425/medicaldata and is not part of this project. `--write` writes the tables into
docs/alarms.md. Exit 1 where a trouble is missed, or 3 in 100 of the others are alarmed.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.odd import STABLE, TROUBLED, Kind, Visit, kinds_of, make, read_thiomon

from azaward.assessment import Assessment, PatientAssessment, assess
from azaward.knowledge import URGENCIES, load
from azaward.readers.tables.folder import read_folder
from azaward.record import Record
from azaward.synthesis import Planted, record_of, synthesise

AS_OF = dt.date(2026, 11, 23)
CLINIC = Path(__file__).parent.parent / "examples" / "clinic"
ROUTINE = URGENCIES.index("routine")
SAME_DAY = URGENCIES.index("same-day")
AGAINST = ("stop", "withhold", "do-not-start")
MOST = 0.03
PAGE = Path(__file__).parents[1] / "docs" / "alarms.md"


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


def loud(patient: PatientAssessment) -> bool:
    """Whether someone must act today, or the medicine is held back."""
    return URGENCIES.index(patient.plan.urgency) <= SAME_DAY or patient.plan.dose.decision in AGAINST


def by_kind(kinds: tuple[Kind, ...], each: int, seed: int) -> tuple[list[list[str]], int, int]:
    """A row for each kind: how many there are, how many are answered as the kind's trouble asks; and both sums."""
    record, people = make(kinds, each, seed, AS_OF)
    assessed = {patient.patient_id: patient for patient in assess(record, AS_OF).patients}
    rows: list[list[str]] = []
    answered_in_all = 0
    for kind, ids in kinds_of(people):
        least = URGENCIES.index(kind.least)
        answered = sum(loud(assessed[one]) or URGENCIES.index(assessed[one].plan.urgency) <= least for one in ids)
        answered_in_all += answered
        rows.append([kind.name, kind.figure, str(len(ids)), str(answered)])
    return rows, len(people), answered_in_all


def of_visits(file: Path) -> list[list[str]]:
    """How real visits are answered, as last panels without any before: by CTCAE grade, and those in order."""
    record, visits = read_thiomon(file, AS_OF)
    assessed = {patient.patient_id: patient for patient in assess(record, AS_OF).patients}

    def row(name: str, which: Iterable[tuple[str, Visit]]) -> list[str]:
        ids = [one for one, _ in which]
        week = sum(URGENCIES.index(assessed[one].plan.urgency) < ROUTINE for one in ids)
        return [
            name,
            str(len(ids)),
            _percent(week, len(ids)),
            _percent(sum(loud(assessed[one]) for one in ids), len(ids)),
        ]

    graded = [
        row(f"CTCAE grade {grade}", ((one, visit) for one, visit in visits.items() if visit.grade == grade))
        for grade in (4, 3, 2)
    ]
    well = row("remission, all in order", ((one, visit) for one, visit in visits.items() if visit.well))
    return [*graded, row("all visits", visits.items()), well]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else ""


def table(header: list[str], rows: list[list[str]]) -> str:
    """Rows as a table of Markdown."""
    widths = [max(len(row[place]) for row in [header, *rows]) for place in range(len(header))]

    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join([line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])


def write(name: str, text: str) -> None:
    """Puts a table between its marks in the page."""
    page = PAGE.read_text(encoding="utf-8")
    marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
    new = re.sub(f"{marks[0]}.*?{marks[1]}", lambda _: f"{marks[0]}\n\n{text}\n\n{marks[1]}", page, flags=re.DOTALL)
    PAGE.write_text(new, encoding="utf-8")


def clinic_of(given: argparse.Namespace) -> dict[str, object]:
    """Assesses the synthetic clinic and prints its table; the sums."""
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
    return {
        "people": len(planted),
        "planted": troubled,
        "found": troubled - len(lost),
        "share_found": round((troubled - len(lost)) / troubled, 4) if troubled else None,
        "untroubled": count["none"],
        "alarmed": len(alarms),
        "share_alarmed": round(len(alarms) / count["none"], 4) if count["none"] else None,
    }


def main() -> int:
    """Prints the tables and the JSON line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seed", type=int)
    options.add_argument("--patients", type=int, default=1000)
    options.add_argument("--each", type=int, default=25, help="people of each kind of odd.py")
    options.add_argument("--show", action="store_true", help="name every miss and every false alarm")
    options.add_argument("--thiomon", type=Path, help="thiomon.csv, the visits of a real clinic")
    options.add_argument("--write", action="store_true", help="write the tables into docs/alarms.md")
    given = options.parse_args()
    summary = clinic_of(given)
    seed = given.seed or 0
    stable, odd, alarms = by_kind(STABLE, given.each, seed)
    troubled, in_trouble, found = by_kind(TROUBLED, given.each, seed)
    tables = {
        "stable": table(["odd but stable", "level", "people", "alarmed"], stable),
        "troubled": table(["in trouble", "from", "people", "answered"], troubled),
    }
    if given.thiomon:
        tables["visits"] = table(
            ["visits", "number", "this week or sooner", "same day or withheld"], of_visits(given.thiomon)
        )
    for name, text in tables.items():
        print(f"\n{text}")
        if given.write:
            write(name, text)
    summary |= {"odd": odd, "odd_alarmed": alarms, "share_odd_alarmed": round(alarms / odd, 4)}
    summary |= {"in_trouble": in_trouble, "answered": found}
    print(json.dumps(summary))
    well = summary["share_found"] in (1, None) and float(str(summary["share_alarmed"] or 0)) < MOST
    return int(not (well and alarms < MOST * odd and found == in_trouble))


if __name__ == "__main__":
    sys.exit(main())
