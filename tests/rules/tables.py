"""Reads the spec tables of docs/rules/*.md: a patient drawn as small tables, and the findings expected.

The same pages are the rules' documentation. A case is a `###` heading; under it a line "As of DAY, protocol
`ID`." (each may be left out), tables named by a bold line (**exposures**), and what is expected: **findings of
`RULE`**, **due** or **plan**, each a table or the word "none". A table **set aside** holds what a reader left out.
docs/rules/index.md says what is assumed where a table isn't drawn; a case that says "otherwise well" fills in the
results, genes and checks of someone who is.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from azaward.engine import Request
from azaward.knowledge import Knowledge
from azaward.readers.rows import RowReader
from azaward.record import TABLES, Record

PAGES = Path(__file__).parents[2] / "docs" / "rules"
Table = list[dict[str, str]]

AS_OF = "2026-06-01"
# What a page may expect beside the findings of a rule.
# What a reader set aside: kind, and where it counts where, what, why and on.
ASIDE = "set aside"
EXPECTED = ("due", "plan", "next tests", "problems")
DEFAULTS: dict[str, dict[str, str]] = {
    "patients": {"birth_date": "1980-01-01", "sex": "male", "indication": "crohns_disease"},
    "exposures": {"medicine": "azathioprine", "dose_mg_per_day": "100", "started_on": "2025-01-01"},
    "results": {"status": "final", "taken_on": "2026-05-25"},
    "genotypes": {"method": "genotype", "reported_on": "2024-12-01"},
}

# What a case that says "otherwise well" assumes of each patient, where a table draws nothing else of the kind.
WELL: dict[str, dict[str, str]] = {
    "wbc": {"value": "6.2"},
    "neutrophils": {"value": "3.8"},
    "lymphocytes": {"value": "1.5"},
    "platelets": {"value": "250", "ref_low": "150", "ref_high": "400"},
    "haemoglobin": {"value": "135"},
    "mcv": {"value": "91"},
    "alt": {"value": "22", "ref_high": "40"},
    "albumin": {"value": "42"},
    "creatinine": {"value": "68"},
    "egfr": {"value": "92"},
    "weight": {"value": "70"},
    "height": {"value": "175"},
    **{analyte: {"value": "", "text": "negative"} for analyte in ("hbsag", "anti_hcv", "hiv_test")},
    **{analyte: {"value": "", "text": "positive"} for analyte in ("vzv_igg", "ebv_igg")},
}
CARED_FOR: Table = [
    {"kind": "procedure", "code": "blood pressure", "started_on": "2026-05-20"},
    {"kind": "procedure", "code": "skin check", "started_on": "2026-05-20"},
    {"kind": "vaccination", "code": "influenza", "started_on": "2025-10-10"},
    {"kind": "vaccination", "code": "pneumococcal", "started_on": "2025-10-10"},
]
GENES: Table = [{"gene": gene, "diplotype": "*1/*1"} for gene in ("TPMT", "NUDT15")]


@dataclass
class Case:
    """One heading of a page: what is known, and what is to be found."""

    page: str
    title: str
    as_of: dt.date
    protocol: str | None
    otherwise_well: bool = False
    given: dict[str, Table] = field(default_factory=dict)
    expected: dict[str, Table] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        return re.sub(r"\W+", "-", f"{self.page}-{self.title}".lower()).strip("-") + ":"

    def patients(self) -> list[str]:
        """Every patient drawn, in order; "1" where none is."""
        seen: dict[str, None] = {}
        for rows in (*self.given.values(), *self.expected.values()):
            for row in rows:
                seen.setdefault(row.get("patient_id", "1"))
        return list(seen) or ["1"]

    def requests(self) -> list[Request]:
        return [Request(self.prefix + one, self.as_of, self.protocol) for one in self.patients()]

    def add_to(self, reader: RowReader, knowledge: Knowledge) -> None:
        """The case's rows, with what the pages assume where nothing is drawn."""
        for name in TABLES:
            rows = self.given.get(name)
            if name in ("patients", "exposures"):
                drawn = {row.get("patient_id", "1") for row in rows or []}
                missing = [one for one in self.patients() if one not in drawn]
                if name == "patients" or rows is None:
                    rows = [*(rows or []), *({"patient_id": one} for one in missing)]
            for row in [*(rows or []), *(self._assumed(name) if self.otherwise_well else ())]:
                cells: dict[str, str | None] = {**DEFAULTS.get(name, {}), **row}
                cells["patient_id"] = self.prefix + row.get("patient_id", "1")
                if name == "results" and "unit" not in row and (about := knowledge.analytes.get(row["analyte"])):
                    cells["unit"] = about.unit
                reader.add(name, cells, f"{self.page} {self.title}")
        for row in self.given.get(ASIDE, []):
            on = dt.date.fromisoformat(row["on"]) if row.get("on") else None
            whose = self.prefix + row.get("patient_id", "1")
            reader.aside(row.get("where", "file"), row.get("what", "it"), row.get("why", ""), whose, row["kind"], on)

    def _assumed(self, name: str) -> Iterator[dict[str, str]]:
        """The rows of someone who is well, but for what is drawn."""
        for one in self.patients():
            own = [row for row in self.given.get(name, []) if row.get("patient_id", "1") == one]
            if name == "results":
                measured = {row["analyte"] for row in own}
                for analyte, cells in WELL.items():
                    if analyte not in measured:
                        yield {"patient_id": one, "analyte": analyte, **cells}
            elif name == "genotypes":
                known = {row["gene"] for row in own}
                yield from ({"patient_id": one, **gene} for gene in GENES if gene["gene"] not in known)
            elif name == "events":
                yield from ({"patient_id": one, **event} for event in CARED_FOR)


def pages() -> list[Path]:
    return sorted(path for path in PAGES.glob("*.md") if path.stem != "index")


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a page, in order."""
    for block in re.split(r"^### ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        title, _, body = block.partition("\n")
        body = re.split(r"^## ", body, flags=re.M)[0]
        as_of = re.search(r"As of (\d{4}-\d{2}-\d{2})", body)
        protocol = re.search(r"protocol `([\w-]+)`", body)
        case = Case(
            path.stem,
            title.strip(),
            dt.date.fromisoformat(as_of.group(1) if as_of else AS_OF),
            protocol.group(1) if protocol else None,
            "otherwise well" in body.lower(),
        )
        for name, text in re.findall(r"^\*\*(.+?)\*\*:?[ ]*\n*((?:none|\|.*\n?)(?:\|.*\n?)*)", body, flags=re.M):
            rows = [] if text.strip() == "none" else list(_rows(text, f"{path.name}: {title}"))
            rule = re.fullmatch(r"findings of `(\w+)`", name)
            if rule or name in EXPECTED:
                case.expected[rule.group(1) if rule else name] = rows
            elif name in TABLES or name == ASIDE:
                case.given[name] = rows
            else:
                raise ValueError(f"{path.name}: {title}: no table is called {name!r}")
        if not case.expected:
            raise ValueError(f"{path.name}: {title}: nothing is expected")
        yield case


def _rows(text: str, where: str) -> Iterator[dict[str, str]]:
    lines = [
        [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")] for line in text.strip().splitlines()
    ]
    header, _, *body = lines
    for cells in body:
        if len(cells) != len(header):
            raise ValueError(f"{where}: a row with {len(cells)} cells under {len(header)} columns")
        yield dict(zip(header, cells, strict=True))


def all_cases() -> list[Case]:
    return [case for path in pages() for case in read_cases(path)]


def record_of(cases: list[Case], knowledge: Knowledge) -> Record:
    """All cases as one record: every case is other patients, so that they are answered together."""
    reader = RowReader(knowledge)
    for case in cases:
        case.add_to(reader, knowledge)
    return reader.record()
