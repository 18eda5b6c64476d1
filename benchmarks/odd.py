"""People for benchmarks/alarms.py that the rules had no hand in: chronically odd but stable, and in trouble.

Their levels are figures of the literature, named beside each kind; how far a result strays from a person's level is
the within-person variation of the EFLM's meta-analyses (doi 10.1515/cclm-2019-0658), not that of the rules' own table.
`read_thiomon` makes the last panels of a real clinic into records.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple

from azaward.knowledge import load
from azaward.readers.rows import RowReader
from azaward.record import Record

# A healthy panel: level, and the share by which a result strays from it.
NORMAL = {
    "wbc": (6.2, 0.11),
    "neutrophils": (3.8, 0.125),
    "lymphocytes": (1.5, 0.105),
    "platelets": (250.0, 0.073),
    "haemoglobin": (138.0, 0.028),
    "mcv": (93.0, 0.0075),
    "alt": (22.0, 0.093),
    "ast": (21.0, 0.095),
    "bilirubin": (9.0, 0.0),
    "albumin": (42.0, 0.025),
    "creatinine": (70.0, 0.044),
    "egfr": (92.0, 0.044),
}
UPPER = {"alt": 40, "ast": 40, "bilirubin": 21, "creatinine": 100}
DAYS_APART = 84
PANELS = 9


@dataclass(frozen=True)
class Kind:
    """One kind of people: the odd analytes with the range of levels, and what is known of the person.

    `last` is what the last result comes to instead, as a share of the level or, with `absolute`, as it stands.
    """

    name: str
    figure: str
    levels: dict[str, tuple[float, float]]
    condition: str | None = None
    indication: str = "rheumatoid_arthritis"
    before: bool = False
    last: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])
    absolute: bool = False
    strays: dict[str, float] = field(default_factory=dict[str, float])
    least: str = "same-day"


STABLE = (
    Kind(
        "Duffy-null",
        "1.2 to 2.0: UK interval from 1.185 (doi 10.1182/blood.2025029359)",
        {"neutrophils": (1.3, 2.0)},
        "duffy_null",
    ),
    Kind("Duffy-null, bowel disease", "as above", {"neutrophils": (1.3, 2.0)}, "duffy_null", "crohns_disease"),
    Kind(
        "Felty's syndrome",
        "persistently below 1.5 (doi 10.2174/1874312901408010129)",
        {"neutrophils": (1.25, 1.5)},
        "felty_syndrome",
    ),
    Kind("neutropenia since before", "below 1.5 for 3 months (PMC5380401)", {"neutrophils": (1.2, 1.45)}, before=True),
    Kind("white cells low since before", "3.0 to 3.4", {"wbc": (3.0, 3.4)}, before=True),
    Kind(
        "cirrhosis",
        "platelets 88 ± 51 (Ikura, autopsies)",
        {"platelets": (62, 125)},
        "cirrhosis",
        "autoimmune_hepatitis",
    ),
    Kind(
        "large spleen",
        "white cells and platelets low together",
        {"wbc": (3.0, 3.4), "platelets": (75, 125)},
        "splenomegaly",
    ),
    Kind(
        "immune thrombocytopenia",
        "treated to keep platelets above 20 (doi 10.5694/mja2.51284)",
        {"platelets": (65, 130)},
        indication="itp",
    ),
    Kind(
        "platelets low since before",
        "100 to 150, stable in 88% (doi 10.1371/journal.pmed.0030024)",
        {"platelets": (115, 135)},
        before=True,
    ),
    Kind(
        "fatty liver",
        "ALT below three times normal for months (BS/CB/DCB/PROTOCOLS/25)",
        {"alt": (50, 95), "ast": (35, 60)},
        "fatty_liver",
    ),
    Kind(
        "fatty liver, bowel disease",
        "as above",
        {"alt": (50, 95), "ast": (35, 60)},
        "fatty_liver",
        "ulcerative_colitis",
    ),
    Kind("ALT raised since before", "as above", {"alt": (60, 95)}, before=True, indication="crohns_disease"),
    Kind(
        "kidney disease",
        "KDIGO G3: eGFR 30 to 59",
        {"egfr": (36, 58), "creatinine": (105, 160)},
        "chronic_kidney_disease",
    ),
    Kind("kidneys weak, no word of it", "as above", {"egfr": (36, 58), "creatinine": (105, 160)}),
    Kind(
        "little muscle",
        "creatinine 45 to 55, up by a third with a normal eGFR",
        {"creatinine": (45, 55)},
        last={"creatinine": (1.31, 1.4)},
    ),
    Kind(
        "asthma",
        "mild eosinophilia: 0.5 to 1.5 (idwiki.org)",
        {"eosinophils": (0.55, 1.0)},
        "asthma",
        strays={"eosinophils": 0.2},
    ),
    Kind("large red cells", "macrocytosis on azathioprine (doi 10.2165/11539930)", {"mcv": (105.5, 112)}),
    Kind("large red cells, other", "as above", {"mcv": (105.5, 112)}, indication="myasthenia_gravis"),
    Kind("albumin in active disease", "25 to 29 g/L", {"albumin": (25, 29)}, indication="crohns_disease"),
    Kind(
        "a small rise of ALT",
        "up to twice normal in 9% of the well (BS/CB/DCB/PROTOCOLS/25)",
        {},
        indication="crohns_disease",
        last={"alt": (41, 78)},
        absolute=True,
    ),
)

TROUBLED = (
    Kind(
        "neutrophils below 1",
        "CTCAE 5 grade 3",
        {},
        last={"neutrophils": (0.1, 0.95), "wbc": (1.6, 3.0)},
        absolute=True,
    ),
    Kind(
        "white cells below 2",
        "CTCAE 5 grade 3",
        {},
        indication="crohns_disease",
        last={"wbc": (0.6, 1.95)},
        absolute=True,
    ),
    Kind("platelets below 50", "CTCAE 5 grade 3", {}, last={"platelets": (5, 49)}, absolute=True),
    Kind("ALT over five times", "CTCAE 5 grade 3", {}, indication="sle", last={"alt": (205, 1500)}, absolute=True),
    Kind(
        "pancytopenia in the sixth week",
        "lupus, week 6 of 75 mg (doi 10.59556/japi.73.0958)",
        {},
        indication="sle",
        last={"wbc": (0.8, 1.8), "neutrophils": (0.2, 0.8), "platelets": (30, 90), "haemoglobin": (70, 95)},
        absolute=True,
    ),
    Kind(
        "Duffy-null, really fallen",
        "to a third",
        {"neutrophils": (2.6, 3.5)},
        "duffy_null",
        last={"neutrophils": (0.25, 0.38)},
    ),
    Kind(
        "Felty, below 1",
        "CTCAE 5 grade 3",
        {"neutrophils": (1.2, 1.5)},
        "felty_syndrome",
        last={"neutrophils": (0.3, 0.95)},
        absolute=True,
    ),
    Kind(
        "cirrhosis, platelets halved",
        "from 80 to 130",
        {"platelets": (80, 130)},
        "cirrhosis",
        "autoimmune_hepatitis",
        last={"platelets": (0.35, 0.55)},
    ),
    Kind(
        "fatty liver, ALT tripled",
        "CTCAE 5: more than 1.5 times an abnormal baseline",
        {"alt": (60, 90)},
        "fatty_liver",
        last={"alt": (1.6, 3.0)},
    ),
    Kind(
        "kidney disease, worse",
        "more than 30% off baseline (NHS SPS)",
        {"egfr": (45, 58), "creatinine": (105, 130)},
        "chronic_kidney_disease",
        last={"egfr": (0.4, 0.65), "creatinine": (1.5, 2.4)},
        least="this-week",
    ),
    Kind(
        "creatinine doubled",
        "twice the level and more",
        {"creatinine": (60, 90)},
        last={"creatinine": (2.0, 2.9), "egfr": (0.3, 0.48)},
    ),
    Kind(
        "white cells low since before, halved", "from 3.3", {"wbc": (3.1, 3.4)}, before=True, last={"wbc": (0.4, 0.6)}
    ),
)


def make(kinds: tuple[Kind, ...], each: int, seed: int, as_of: dt.date) -> tuple[Record, dict[str, Kind]]:
    """So many people of each kind, as one record, and the kind of each."""
    reader, random = RowReader(load()), Random(seed)
    people = {f"{kind.name} {number}": kind for kind in kinds for number in range(each)}
    for patient_id, kind in people.items():
        _add(reader, random, patient_id, kind, as_of)
    return reader.record(), people


def _add(reader: RowReader, random: Random, patient_id: str, kind: Kind, as_of: dt.date) -> None:
    days = [as_of - dt.timedelta(days=5 + DAYS_APART * back) for back in reversed(range(PANELS))]
    started = days[4] - dt.timedelta(days=14) if kind.before else days[0] - dt.timedelta(days=300)
    _person(reader, patient_id, kind.indication, started, days[0])
    if kind.condition:
        reader.add(
            "events",
            {"patient_id": patient_id, "kind": "condition", "code": kind.condition, "started_on": "2015-01-01"},
            "made",
        )
    levels = {analyte: level * random.uniform(0.92, 1.08) for analyte, (level, _) in NORMAL.items()}
    levels |= {analyte: random.uniform(low, high) for analyte, (low, high) in kind.levels.items()}
    for day in days:
        for analyte, level in levels.items():
            strays = kind.strays.get(analyte, NORMAL.get(analyte, (0, 0.1))[1])
            value = level * math.exp(random.gauss(0, strays))
            if day == days[-1] and analyte in kind.last:
                value = random.uniform(*kind.last[analyte]) * (1 if kind.absolute else level)
            _result(reader, patient_id, analyte, value, day)


def _person(reader: RowReader, patient_id: str, indication: str, started: dt.date, weighed: dt.date) -> None:
    of = {"patient_id": patient_id}
    reader.add("patients", {**of, "birth_date": "1976-05-01", "sex": "female", "indication": indication}, "made")
    dose = "50" if indication == "autoimmune_hepatitis" else "125"
    reader.add(
        "exposures", {**of, "medicine": "azathioprine", "dose_mg_per_day": dose, "started_on": f"{started}"}, "made"
    )
    for gene in ("TPMT", "NUDT15"):
        cells = {"gene": gene, "diplotype": "*1/*1", "method": "genotype", "reported_on": "2020-01-01"}
        reader.add("genotypes", {**of, **cells}, "made")
    _result(reader, patient_id, "weight", 62, weighed)


def _result(reader: RowReader, patient_id: str, analyte: str, value: float, day: dt.date) -> None:
    cells: dict[str, str | None] = {"patient_id": patient_id, "analyte": analyte, "value": f"{value:.3g}"}
    cells |= {"unit": load().analytes[analyte].unit, "taken_on": f"{day}", "status": "final"}
    if analyte in UPPER:
        cells["ref_high"] = f"{UPPER[analyte]}"
    reader.add("results", cells, "made")


class Visit(NamedTuple):
    """One panel of a real visit: CTCAE's grade of the worst of its counts and ALT, and whether all is in order."""

    grade: int
    well: bool


def read_thiomon(file: Path, as_of: dt.date) -> tuple[Record, dict[str, Visit]]:
    """Each visit as somebody's last panel, without any before it; R package medicaldata, data set `thiomon`."""
    reader, visits = RowReader(load()), dict[str, Visit]()
    day = as_of - dt.timedelta(days=5)
    with file.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines), 1):
            panel = _panel({name: float(cell) for name, cell in row.items() if cell not in ("", "NA")})
            patient_id = f"visit {number}"
            visits[patient_id] = Visit(_grade(panel), row["remission"] == "1" and _in_order(panel))
            _person(reader, patient_id, "crohns_disease", day - dt.timedelta(days=700), day)
            for analyte, value in panel.items():
                _result(reader, patient_id, analyte, value, day)
    return reader.record(), visits


def _panel(row: dict[str, float]) -> dict[str, float]:
    """A row's values in azaward's units."""
    same = {"wbc": "wbc", "plt": "platelets", "mcv": "mcv", "alt": "alt", "ast": "ast"}
    panel = {analyte: row[name] for name, analyte in same.items() if name in row}
    panel |= {
        analyte: row[name] * 10 for name, analyte in {"hgb": "haemoglobin", "alb": "albumin"}.items() if name in row
    }
    panel |= {
        analyte: row[name] * factor
        for name, analyte, factor in (("creat", "creatinine", 88.4), ("tbil", "bilirubin", 17.1))
        if name in row
    }
    for name, analyte in {"neut_percent": "neutrophils", "lymph_percent": "lymphocytes"}.items():
        if name in row and "wbc" in row:
            panel[analyte] = row["wbc"] * row[name] / 100
    return panel


# CTCAE 5, Investigations: the number below (or, for ALT, above times the upper limit) which grades 4, 3 and 2 begin.
_BELOW = {"neutrophils": (0.5, 1.0, 1.5), "wbc": (1.0, 2.0, 3.0), "platelets": (25, 50, 75)}
_ALT_ABOVE = (20, 5, 3)


def _grade(panel: dict[str, float]) -> int:
    grades = [0]
    for analyte, limits in _BELOW.items():
        grades += [4 - place for place, number in enumerate(limits) if panel.get(analyte, math.inf) < number]
    grades += [4 - place for place, times in enumerate(_ALT_ABOVE) if panel.get("alt", 0) > times * UPPER["alt"]]
    return max(grades)


def _in_order(panel: dict[str, float]) -> bool:
    """Within usual laboratory limits: white cells 4 to 11, neutrophils from 2, platelets 150 to 450, ALT up to 40."""
    return (
        4 <= panel.get("wbc", 0) <= 11
        and panel.get("neutrophils", 0) >= 2
        and 150 <= panel.get("platelets", 0) <= 450
        and panel.get("alt", math.inf) <= UPPER["alt"]
        and panel.get("albumin", 0) >= 35
        and panel.get("creatinine", math.inf) <= UPPER["creatinine"]
    )


def kinds_of(people: dict[str, Kind]) -> Iterator[tuple[Kind, list[str]]]:
    """Each kind with the ids of its people."""
    for kind in dict.fromkeys(kind.name for kind in people.values()):
        ids = [patient_id for patient_id, one in people.items() if one.name == kind]
        yield people[ids[0]], ids
