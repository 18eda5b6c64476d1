"""From the cells of a file to rows of the six tables, the same for CSV, Parquet and azaward's own JSON.

A cell that can't be read is set aside with its place and the reason; the rest of the row stays, so that a
result whose date is nonsense still raises a finding. A file that can't be used at all is an `InputError`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.vocabulary import Vocabulary, vocabulary
from azaward.record.dates import DateError, is_partial, read_day
from azaward.record.tables import TABLES, Cell, Column, Record, SetAside

_NUMBER = re.compile(r"([<>]=?|≤|≥)?\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
# What may stand for a start that has not come; anything else that is no day is a start whose day isn't known.
_NOT_BEGUN = re.compile(r"\b(?:planned|not (?:yet )?(?:begun|started)|to (?:begin|start)|pending|tbc|tbd|none|n/?a)\b")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_COMPARATORS = {"≤": "<=", "≥": ">="}
_ONLY_COUNTED = ("unknown_analyte", "unknown_event", "unknown_column", "not_read", "uncounted")
_SIGNS = ("<", "<=", ">", ">=")
# What a partial date is for decides how it is read.
_LATEST = {("patients", "birth_date"), ("exposures", "stopped_on"), ("events", "ended_on")}
_SEXES = {"f": "female", "m": "male", "female": "female", "male": "male", "other": "other", "unknown": "unknown"}


def read_number(text: str) -> tuple[str | None, float] | None:
    """A comparator and a number, or None where the text is something else.

    >>> read_number("<0.5"), read_number("4.2"), read_number("4,2")
    (('<', 0.5), (None, 4.2), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    sign, digits = found.groups()
    return (_COMPARATORS.get(sign, sign) if sign else None), float(digits)


class RowReader:
    """Collects rows of the six tables, in the words of the knowledge base, and what could not be read."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.words: Vocabulary = vocabulary(knowledge)
        self.rows: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
        self.set_aside: list[SetAside] = []
        self._unknown_analytes: dict[str, tuple[str, int]] = {}
        self._unknown_events: dict[tuple[str, str], tuple[str, int]] = {}
        self._patients: dict[str, dict[str, Cell]] = {}

    def aside(self, where: str, what: str, why: str, patient_id: str | None = None, kind: str = "unusable") -> None:
        """Notes something that was not used."""
        self.set_aside.append(SetAside(where, what, why, patient_id, kind))

    def add(self, table: str, row: Mapping[str, Any], where: str) -> None:
        """One row as a mapping of column names to cells; a cell may be text or already typed."""
        patient = row.get("patient_id")
        patient_id = _CONTROL.sub(" ", str(patient)).strip() if patient is not None else ""
        if not patient_id:
            self.aside(where, "patient_id is empty", "whose row this is can't be told. Fill in the clinic's id.")
            return
        cells: dict[str, Cell] = {"patient_id": patient_id}
        for column in TABLES[table][1:]:
            try:
                cell = self._cell(table, column, row.get(column.name), cells, where)
            except (DateError, ValueError) as error:
                self.aside(where, f"{column.name}: {error}", _WHAT_TO_DO[column.type], patient_id)
                cell = None
                if (table, column.name) == ("exposures", "started_on"):
                    cells["started_text"] = _start_in_words(row[column.name])
            # A value such as "<0.5" or "haemolysed" has filled these two; their own columns may add to it.
            if (found := cells.get(column.name)) is not None and cell != found:
                cell = found if cell is None else f"{found} {cell}"
            cells[column.name] = cell
        self._in_our_words(table, cells, where)

    def measured(
        self,
        patient_id: str,
        analyte: str,
        value: float,
        unit: str,
        bounds: tuple[float | None, float | None],
        on: str,
        status: str,
        where: str,
    ) -> bool:
        """Adds a plain number of a known analyte on a whole day; False where `add` has to look closer.

        Most results are like this, and a bundle holds thousands.
        """
        if is_partial(on) or not math.isfinite(value) or patient_id.strip() != patient_id:
            return False
        try:
            day = read_day(on)
        except DateError:
            return False
        self.rows["results"].append((patient_id, analyte, value, None, None, unit, *bounds, day, status, where))
        return True

    def record(self, *, whole: bool = True) -> Record:
        """All rows added so far; where they are only part of a record (not `whole`), nobody is missing from it."""
        for name, (where, count) in self._unknown_analytes.items():
            more = f" and {count - 1} more" if count > 1 else ""
            self.aside(
                where + more,
                f"result {name!r}",
                "not a test that azaward knows. If it is one, name it as in analytes.csv or by its LOINC code.",
                kind="unknown_analyte",
            )
        for (kind, code), (where, count) in self._unknown_events.items():
            more = f" and {count - 1} more" if count > 1 else ""
            why = (
                "not one that azaward knows: kept in words. Symptoms in such words are still asked about; no rule acts "
                "on the rest. Name it as in events.csv if it stands there."
            )
            self.aside(where + more, f"{kind} {code!r}", why, kind="unknown_event")
        known = {row[0] for row in self.rows["patients"]}
        if whole and any(self.rows.values()):
            for name in TABLES:
                if name == "patients":
                    continue
                for patient_id in dict.fromkeys(row[0] for row in self.rows[name]):
                    if patient_id not in known:
                        known.add(patient_id)
                        self.aside(
                            name,
                            f"patient_id {patient_id}",
                            "no such patient: assessed without age, sex or indication. Add the patient's row.",
                            str(patient_id),
                            "no_patient",
                        )
        # What may hide harm comes before what was only counted.
        self.set_aside.sort(key=lambda item: item.kind in _ONLY_COUNTED)
        return Record(self.rows, self.set_aside)

    def _cell(self, table: str, column: Column, raw: Any, cells: dict[str, Cell], where: str) -> Cell:
        if raw is None or raw == "":
            return None
        if column.type == "string":
            # A control character means nothing in a record, and something to a terminal.
            return _CONTROL.sub(" ", str(raw)).strip() or None
        if column.type == "date":
            if isinstance(raw, dt.datetime):
                return raw.date()
            if isinstance(raw, dt.date):
                return raw
            text = str(raw)
            day = read_day(text, "latest" if (table, column.name) in _LATEST else "earliest")
            if is_partial(text):
                self.aside(
                    where,
                    f"{column.name} {text!r}",
                    f"the day is missing: read the cautious way, as {day}",
                    str(cells["patient_id"]),
                    "partial_date",
                )
            return day
        if isinstance(raw, bool):
            raise ValueError(f"not a number: {raw}")
        if isinstance(raw, int | float):
            if math.isnan(raw):
                return None
            if math.isinf(raw):
                raise ValueError(f"not a number: {raw}")
            return float(raw)
        number = read_number(str(raw))
        if number is None:
            if (table, column.name) == ("results", "value"):
                cells["text"] = str(raw).strip()
                return None
            raise ValueError(f"not a number: {raw}")
        if math.isinf(number[1]):
            raise ValueError(f"too large: {raw}")
        if number[0]:
            if (table, column.name) != ("results", "value"):
                raise ValueError(f"not a plain number: {raw}")
            cells["comparator"] = number[0]
        return number[1]

    def _in_our_words(self, table: str, cells: dict[str, Cell], where: str) -> None:
        patient_id = str(cells["patient_id"])
        match table:
            case "patients":
                sex = str(cells.get("sex") or "unknown").casefold()
                if sex not in _SEXES:
                    self.aside(where, f"sex {cells['sex']!r}", "expected female, male, other or unknown", patient_id)
                cells["sex"] = _SEXES.get(sex, "unknown")
                if text := cells.get("indication"):
                    cells["indication"] = self.words.indication(str(text)) or text
                self._one_patient(patient_id, cells, where)
            case "exposures":
                dose = cells.get("dose_mg_per_day")
                if isinstance(dose, float) and dose <= 0:
                    why = "expected milligrams above 0; a stop is `stopped_on`"
                    self.aside(where, f"dose_mg_per_day {dose:g}", why, patient_id)
                    cells["dose_mg_per_day"] = None
                self._in_order(cells, "stopped_on", where)
                cells["origin"] = cells.get("origin") or where
                for medicine in self.words.medicine(str(cells.get("medicine") or "unnamed")):
                    self._append(table, {**cells, "medicine": medicine})
                return
            case "results":
                name = str(cells.get("analyte") or "unnamed")
                analyte = self.words.analyte(name)
                if analyte is None:
                    first, count = self._unknown_analytes.get(name, (where, 0))
                    self._unknown_analytes[name] = (first, count + 1)
                    return
                cells |= {"analyte": analyte, "origin": cells.get("origin") or where}
                self._comparator(cells, where)
            case "genotypes":
                self.genotype(cells, where)
                return
            case "events":
                self._in_order(cells, "ended_on", where)
                kind = str(cells.get("kind") or "condition")
                if kind == "allergy":
                    medicine = self.words.medicine(str(cells.get("code") or ""))[0]
                    cells["code"] = cells.get("code") if medicine.startswith("unknown:") else medicine
                known = self.words.event(kind, str(cells.get("code") or ""))
                if known:
                    cells["kind"], cells["code"] = known
                elif not cells.get("code"):
                    cells["code"] = kind
                elif kind != "allergy" and cells["code"] != "deceased":
                    self._unknown_event(kind, str(cells["code"]), where)
            case _:
                pass
        self._append(table, cells)

    def _unknown_event(self, kind: str, code: str, where: str) -> None:
        """Counts an event that no rule can act on; what azathioprine treats is known as an indication."""
        if self.words.indication(code) is None:
            first, count = self._unknown_events.get((kind, code), (where, 0))
            self._unknown_events[kind, code] = (first, count + 1)

    def _one_patient(self, patient_id: str, cells: Mapping[str, Cell], where: str) -> None:
        """Notes a second patient with an id that another has; the same line again says nothing new."""
        first = self._patients.setdefault(patient_id, dict(cells))
        if odd := [name for name, cell in cells.items() if cell != first.get(name)]:
            self.aside(
                where,
                f"patient_id {patient_id}",
                f"a second patient with this id; {', '.join(odd)} differ. Give each patient an id of their own.",
                patient_id,
                "two_patients",
            )

    def _in_order(self, cells: dict[str, Cell], end: str, where: str) -> None:
        """An end before its start is no end: what may go on counts as going on."""
        start, stop = cells.get("started_on"), cells.get(end)
        if isinstance(start, dt.date) and isinstance(stop, dt.date) and stop < start:
            self.aside(
                where,
                f"{end} {stop}",
                f"lies before started_on {start}: not used, so that it counts as going on. Correct one of them.",
                str(cells["patient_id"]),
            )
            cells[end] = None

    def _comparator(self, cells: dict[str, Cell], where: str) -> None:
        """Only <, <=, > and >= say which way a value may lie; with another sign the value is only words."""
        sign = str(cells.get("comparator") or "").strip()
        sign = _COMPARATORS.get(sign, sign)
        cells["comparator"] = sign or None
        if sign and sign not in _SIGNS:
            value = cells["value"]
            shown = f"{sign} {value:g}" if isinstance(value, float) else sign
            why = "expected <, <=, > or >=: not used as a number"
            self.aside(where, f"comparator {sign!r}", why, str(cells["patient_id"]))
            cells |= {"comparator": None, "value": None, "text": cells.get("text") or shown}

    def genotype(self, cells: dict[str, Cell], where: str) -> None:
        """A genotype or activity; where diplotype and phenotype disagree, both stay and rules meet both."""
        patient_id = str(cells["patient_id"])
        gene = str(cells.get("gene") or "").upper()
        cells["gene"] = gene
        cells["method"] = str(cells.get("method") or "genotype").casefold()
        phenotypes: list[str | None] = []
        if text := cells.get("phenotype"):
            phenotype = self.words.phenotype(str(text))
            if phenotype is None:
                self.aside(
                    where,
                    f"{gene} phenotype {text!r}",
                    "expected Normal, Intermediate, Poor or Possible Intermediate Metabolizer, or Indeterminate",
                    patient_id,
                    "genotype",
                )
            phenotypes.append(phenotype)
        if diplotype := cells.get("diplotype"):
            found = self.words.diplotype_phenotypes(gene, str(diplotype))
            if not found:
                why = "not a pair of named alleles such as *1/*3A"
                self.aside(where, f"{gene} diplotype {diplotype!r}", why, patient_id, "genotype")
            phenotypes += found
        each = {phenotype for phenotype in phenotypes if phenotype} or {None}
        for phenotype in sorted(each, key=str):
            self._append("genotypes", {**cells, "phenotype": phenotype})

    def _append(self, table: str, cells: Mapping[str, Cell]) -> None:
        self.rows[table].append(tuple(cells.get(column.name) for column in TABLES[table]))


def _start_in_words(raw: Any) -> str | None:
    """What stands for a start that is no day; None where it says that nothing has begun."""
    text = _CONTROL.sub(" ", str(raw)).strip()
    return None if _NOT_BEGUN.search(text.casefold()) else text


_WHAT_TO_DO = {
    "date": "expected a day that exists, as YYYY-MM-DD",
    "float": "expected a number with a decimal point, such as 4.2",
    "string": "expected text",
}
