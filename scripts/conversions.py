"""Writes knowledge/laboratory/conversions.csv: what the UCUM library makes of every known unit for every analyte.

Loading the library takes most of a second; the table saves that second for the usual units.
tests/knowledge/test_knowledge.py holds the table and the library together. Run: python scripts/conversions.py
"""

from __future__ import annotations

import csv
from pathlib import Path

from azaward.knowledge import load
from azaward.knowledge.loading import units
from azaward.knowledge.loading.load import HERE


def rows() -> list[tuple[str, str, float, float]]:
    """(analyte, written, factor, offset) for each spelling of units.csv that fits the analyte."""
    knowledge = load()
    found: list[tuple[str, str, float, float]] = []
    for analyte in knowledge.analytes.values():
        spellings = dict.fromkeys(unit.written for unit in knowledge.tables["units"])
        spellings |= dict.fromkeys(unit.ucum for unit in knowledge.tables["units"])
        if analyte.unit:
            spellings[analyte.unit] = None
        for written in spellings:
            if factor := units.convert(analyte.id, written, knowledge):
                found.append((analyte.id, written, *factor))
    return sorted(found)


def main(path: Path = HERE / "laboratory" / "conversions.csv") -> None:
    """Writes the table."""
    made = rows()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("analyte", "written", "factor", "offset"))
        writer.writerows(made)


if __name__ == "__main__":
    main()
