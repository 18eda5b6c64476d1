"""The six tables of a patient record, with their columns and types.

The columns are the same in CSV, Parquet, DuckDB and Spark (docs/tables.md). A record does not depend on the clock: the
`as_of` date passed to a rule decides which day counts as today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from azaward.record.identity import Identity

Type = Literal["string", "date", "float"]
Cell = str | float | dt.date | None


class Column(NamedTuple):
    """One column: its name, its type, whether it is required, its meaning, and whether rules see it."""

    name: str
    type: Type
    required: bool
    meaning: str
    ruled: bool = True


# Which resource or message a row came from, so that a later version of it takes the row's place. Always the last two.
IDENTITY = (
    Column("resource", "string", False, "what it was in its source: system, type and id, joined by |", ruled=False),
    Column("version", "string", False, "which version of that: a later one sorts after an earlier one", ruled=False),
)

_COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "patients": (
        Column("patient_id", "string", True, "the clinic's own patient id, never a name"),
        Column("birth_date", "date", True, "a partial date is read as the latest possible birth date"),
        Column("sex", "string", True, "female, male, other or unknown"),
        Column("indication", "string", True, "why azathioprine is taken: an id from indications.csv, or words"),
        Column("ancestry", "string", False, "biogeographical group, if known"),
        Column("clinic", "string", False, "the clinic that looks after the patient; figures can be broken down by it"),
    ),
    "exposures": (
        Column("patient_id", "string", True, "whose"),
        Column("medicine", "string", True, "an ingredient id, or `unknown:` followed by the original text"),
        Column("dose_mg_per_day", "float", False, "total dose in mg a day"),
        Column("frequency", "string", False, "as written"),
        Column("started_on", "date", False, "empty if planned but not begun"),
        Column("stopped_on", "date", False, "the first day without it; empty if still taken"),
        Column("started_text", "string", False, "a start that isn't a date, as written: begun on an unknown day"),
        Column("origin", "string", False, "where it was: file and line, or place in the bundle"),
        Column("status", "string", False, "as in FHIR; an order `on-hold` is neither active nor ended"),
        Column("may_be", "string", False, "for an unknown medicine, the ingredient that its name may mean"),
        Column("told_as", "string", False, "report, copy (of an order), supply or administration; empty: an order"),
    ),
    "results": (
        Column("patient_id", "string", True, "whose"),
        Column("analyte", "string", True, "an id from analytes.csv"),
        Column("value", "float", False, "as measured, in `unit`"),
        Column("comparator", "string", False, "<, <=, > or >="),
        Column("text", "string", False, "a result in words"),
        Column("unit", "string", False, "as written; never guessed"),
        Column("ref_low", "float", False, "the laboratory's lower limit of normal, in `unit`"),
        Column("ref_high", "float", False, "the laboratory's upper limit of normal, in `unit`"),
        Column("taken_on", "date", True, "the day of the sample"),
        Column("status", "string", True, "as in FHIR; entered-in-error and cancelled results are not used"),
        Column("origin", "string", False, "where it was: file and line, or place in the bundle"),
        Column("specimen", "string", False, "what was measured, as written; empty if not said"),
        Column("flag", "string", False, "the laboratory's own mark, as in HL7: L, LL, H, HH, A, AA, N"),
        Column("doubt", "string", False, "why the result is not believed to be one of this analyte"),
        Column("zone", "string", False, "the time zone of the sample's moment, if one was given"),
    ),
    "genotypes": (
        Column("patient_id", "string", True, "whose"),
        Column("gene", "string", True, "TPMT or NUDT15"),
        Column("diplotype", "string", False, "such as *1/*3A"),
        Column("phenotype", "string", False, "as named in phenotype_rules.csv"),
        Column("method", "string", True, "genotype or activity"),
        Column("reported_on", "date", True, "the day of the report"),
    ),
    "events": (
        Column("patient_id", "string", True, "whose"),
        Column(
            "kind",
            "string",
            True,
            "condition, allergy, pregnancy, breastfeeding, vaccination, symptom, infection, "
            "exposure_to_infection, transfusion, procedure",
        ),
        Column("code", "string", True, "an id from events.csv, a coding, or plain words"),
        Column("started_on", "date", True, "a partial date is read as its first day"),
        Column("ended_on", "date", False, "empty if ongoing or unknown"),
    ),
    "contacts": (
        Column("patient_id", "string", True, "whose"),
        Column("kind", "string", True, "such as attended, did_not_attend, reminder, call, letter"),
        Column("on", "date", True, "the day"),
        Column("note", "string", False, "in words"),
    ),
}

TABLES: Mapping[str, tuple[Column, ...]] = {name: (*columns, *IDENTITY) for name, columns in _COLUMNS.items()}

STATUS_NEVER_COUNTS = ("entered-in-error", "cancelled")


@dataclass(frozen=True)
class SetAside:
    """An item in the input that was not used: where it was, what it was, why, and what to do."""

    where: str
    what: str
    why: str
    patient_id: str | None = None
    kind: str = "unusable"
    resource: str | None = None
    version: str | None = None
    on: dt.date | None = None


@dataclass(frozen=True)
class Record:
    """The six tables as rows, and the items that could not be read.

    Each table is a list of tuples in the order of `TABLES[name]`.

    >>> record = Record.of({"patients": [{"patient_id": "p1", "birth_date": dt.date(1980, 1, 2)}]})
    >>> record.rows["patients"]
    [('p1', datetime.date(1980, 1, 2), None, None, None, None, None, None)]
    """

    rows: Mapping[str, list[tuple[Cell, ...]]]
    set_aside: list[SetAside] = field(default_factory=list[SetAside])
    # What only the store keeps: who the people are; the version of each resource that was read, by patient and
    # resource, whether or not it made a row; and the resources that were deleted, with the version of that.
    identities: list[Identity] = field(default_factory=list[Identity])
    resources: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    deleted: Mapping[str, str] = field(default_factory=dict[str, str])

    @staticmethod
    def of(tables: Mapping[str, Iterable[Mapping[str, Cell]]], set_aside: Sequence[SetAside] = ()) -> Record:
        """A record from tables of mappings. Absent columns are empty; unknown names raise an error."""
        rows: dict[str, list[tuple[Cell, ...]]] = {}
        for name, columns in TABLES.items():
            names = [column.name for column in columns]
            table: list[tuple[Cell, ...]] = []
            for row in tables.get(name, ()):
                if extra := set(row) - set(names):
                    raise ValueError(f"{name}: unknown column: {', '.join(sorted(extra))}")
                table.append(tuple(row.get(column) for column in names))
            rows[name] = table
        return Record(rows, list(set_aside))

    def patient_ids(self) -> list[str]:
        """Every patient mentioned in any table, in order of first appearance."""
        seen: dict[str, None] = {}
        for name in TABLES:
            for row in self.rows[name]:
                seen.setdefault(str(row[0]))
        return list(seen)

    def of_patient(self, patient_id: str) -> Record:
        """The same record for one patient."""
        return Record(
            {name: [row for row in rows if row[0] == patient_id] for name, rows in self.rows.items()},
            [item for item in self.set_aside if item.patient_id in (None, patient_id)],
            [each for each in self.identities if each.patient_id == patient_id],
            {key: version for key, version in self.resources.items() if key[0] == patient_id},
            self.deleted,
        )
