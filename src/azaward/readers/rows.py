"""Turns the cells of a CSV, Parquet or JSON file into rows of the six tables.

An unreadable cell is set aside with its place and the reason. The rest of the row is kept, so that a result with an
invalid date still raises a finding. A file that can't be used at all raises `InputError`.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from azaward.genetics.dosing import INDETERMINATE, NORMAL
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.reactions import ANY, UNCLEAR
from azaward.knowledge.loading.words.vocabulary import Coding, Vocabulary, vocabulary
from azaward.medicines.names import Names, names
from azaward.readers.gene_words import GENES, asked, said_of
from azaward.readers.measures import measures
from azaward.readers.strengths import Strengths
from azaward.readers.written import SHARE
from azaward.record.dates import DateError, is_partial, read_day
from azaward.record.identity import Identity
from azaward.record.names import UNNAMED
from azaward.record.tables import STATUS_NEVER_COUNTS, TABLES, Cell, Column, Record, SetAside
from azaward.treatment import thiopurines

_NUMBER = re.compile(r"([<>]=?|≤|≥)?\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)")
# Words for a treatment that has not started. Any other text that isn't a date means a start on an unknown day.
_NOT_BEGUN = re.compile(r"\b(?:planned|not (?:yet )?(?:begun|started)|to (?:begin|start)|pending|tbc|tbd|none|n/?a)\b")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_COMPARATORS = {"≤": "<=", "≥": ">="}
_ONLY_COUNTED = ("unknown_analyte", "unknown_event", "unknown_column", "not_read", "uncounted")
_SIGNS = ("<", "<=", ">", ">=")
_NAMES = {table: tuple(column.name for column in columns) for table, columns in TABLES.items()}
# How a partial date is read depends on its column.
_LATEST = {("patients", "birth_date"), ("exposures", "stopped_on"), ("events", "ended_on")}
_SEXES = {"f": "female", "m": "male", "female": "female", "male": "male", "other": "other", "unknown": "unknown"}


def read_number(text: str) -> tuple[str | None, float] | None:
    """A comparator and a number, or None if the text is anything else.

    >>> read_number("<0.5"), read_number("4.2"), read_number("4,2")
    (('<', 0.5), (None, 4.2), None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    sign, digits = found.groups()
    return (_COMPARATORS.get(sign, sign) if sign else None), float(digits)


# Of a medicine whose code and name disagree.
CODE_AND_NAME = "its code and its name are those of different medicines: both are counted. Find out which it is."
_CRITICAL = ("LL", "HH", "AA")
# What is expected of a gene's result.
_GENE_WORDS = {
    "phenotype": "expected Normal, Intermediate, Poor or Possible Intermediate Metabolizer, or Indeterminate",
    "diplotype": "expected a pair of named alleles, such as *1/*3A",
}
# Doubts that say another specimen than the analyte's: such a result is none of it.
_NEVER_BLOOD = ("specimen",)
# What makes a name of a test more than a code.
_NAMED = re.compile(r"[^\W\d_]{3}")
# So much of a long text is shown.
_SHOWN = 200
# How a culture says that nothing grew.
_NOTHING = re.compile(r"\b(no|not|nil|negative|sterile|normal|pending|without)\b", re.I)


class RowReader:
    """Collects rows of the six tables, in the terms of the knowledge base, and items that could not be read."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self.words: Vocabulary = vocabulary(knowledge)
        self.medicines: Names = names(knowledge)
        self.strengths = Strengths(knowledge)
        self.measures = measures(knowledge)
        self.thiopurines = frozenset(thiopurines(knowledge))
        self.rows: dict[str, list[tuple[Cell, ...]]] = {name: [] for name in TABLES}
        self.set_aside: list[SetAside] = []
        self.identities: list[Identity] = []
        self.resources: dict[tuple[str, str], str] = {}
        # Which resource the rows come from that are added next, and which version of it.
        self.source: tuple[str | None, str | None] = (None, None)
        self._unknown_analytes: dict[str, tuple[str, int]] = {}
        self._unknown_events: dict[tuple[str, str], tuple[str, int]] = {}
        self._patients: dict[str, dict[str, Cell]] = {}

    def aside(
        self,
        where: str,
        what: str,
        why: str,
        patient_id: str | None = None,
        kind: str = "unusable",
        on: dt.date | None = None,
    ) -> None:
        """Sets an item aside; `on` is the day that it is about, where that counts."""
        self.set_aside.append(SetAside(where, what, why, patient_id, kind, *self.source, on))

    def add(self, table: str, row: Mapping[str, Any], where: str) -> None:
        """Adds one row, given as a mapping of column names to cells; a cell may be text or already typed."""
        patient = row.get("patient_id")
        patient_id = _clean(str(patient)) if patient is not None else ""
        if not patient_id:
            self.aside(where, "patient_id is empty", "the patient is unknown. Enter the clinic's patient id.")
            return
        cells: dict[str, Cell] = dict.fromkeys(_NAMES[table])
        cells["patient_id"] = patient_id
        for column in TABLES[table][1:]:
            raw = row.get(column.name)
            if raw is None or raw == "":
                continue
            try:
                cell = self._cell(table, column, raw, cells, where)
            except (DateError, ValueError) as error:
                self.aside(where, f"{column.name}: {error}", _WHAT_TO_DO[column.type], patient_id)
                cell = None
                if (table, column.name) == ("exposures", "started_on"):
                    cells["started_text"] = _start_in_words(raw)
                elif (table, column.name) == ("results", "value"):
                    cells["doubt"] = "damaged"
            # A value such as "<0.5" or "haemolysed" already filled these two; their own columns may add to it.
            if (found := cells.get(column.name)) is not None and cell != found:
                one = cell is None or column.name == "doubt"
                cell = (cell or found) if one else f"{found} {cell}"
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
        flag: str | None = None,
        zone: str | None = None,
    ) -> bool:
        """Adds a plain number for a known analyte on a complete date; False if it needs the full checks of `add`.

        Most results are this simple, and a bundle holds thousands.
        """
        if is_partial(on) or not math.isfinite(value) or patient_id.strip() != patient_id:
            return False
        if flag and not self.words.flag(flag):
            return False
        if bounds != (None, None) and self.measures.range_fault(analyte, unit, *bounds):
            return False
        try:
            day = read_day(on)
        except DateError:
            return False
        cells = (patient_id, analyte, value, None, None, unit, *bounds, day, status, where, None, flag, None, zone)
        self.rows["results"].append((*cells, *self.source))
        return True

    def record(self, *, whole: bool = True) -> Record:
        """All rows added so far. If they are only part of a record (not `whole`), missing patients are not reported."""
        for name, (where, count) in self._unknown_analytes.items():
            more = f" and {count - 1} more" if count > 1 else ""
            self.aside(
                where + more,
                f"result {name!r}",
                "not a test that azaward recognises. If it is a test, use its name in analytes.csv or its LOINC code.",
                kind="unknown_analyte",
            )
        for (kind, code), (where, count) in self._unknown_events.items():
            more = f" and {count - 1} more" if count > 1 else ""
            why = (
                "not an event that azaward recognises: kept as text. Symptoms in the text still raise a question; no "
                "rule uses the rest. If events.csv has this event, use its name there."
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
                            "not in the patients table: assessed without age, sex or indication. Add a row there.",
                            str(patient_id),
                            "no_patient",
                        )
        # Items that could hide harm come before those that are only counted.
        self.set_aside.sort(key=lambda item: item.kind in _ONLY_COUNTED)
        return Record(self.rows, self.set_aside, self.identities, self.resources)

    def _cell(self, table: str, column: Column, raw: Any, cells: dict[str, Cell], where: str) -> Cell:
        if column.type == "string":
            return _clean(str(raw)) or None
        if column.type == "date":
            if isinstance(raw, dt.datetime):
                return raw.date()
            if isinstance(raw, dt.date):
                return raw
            text = str(raw)
            if (table, column.name) == ("results", "taken_on") and len(text.strip()) == 4:
                # Any day of a year that isn't over may be newer than what is known.
                cells["doubt"] = "year"
                day = read_day(text, "latest")
                why = "only a year: the day of the sample is unknown. Give it as YYYY-MM-DD."
                self.aside(where, f"{column.name} {text!r}", why, str(cells["patient_id"]), "partial_date")
                return day
            day = read_day(text, "latest" if (table, column.name) in _LATEST else "earliest")
            if is_partial(text):
                if (table, column.name) == ("results", "taken_on"):
                    cells["doubt"] = "month"
                self.aside(
                    where,
                    f"{column.name} {text!r}",
                    f"incomplete date: read cautiously as {day}",
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
                    why = "expected a dose above 0 mg. To record a stop, use `stopped_on`"
                    self.aside(where, f"dose_mg_per_day {dose:g}", why, patient_id)
                    cells["dose_mg_per_day"] = None
                self._in_order(cells, "stopped_on", where)
                cells["origin"] = cells.get("origin") or where
                taken = self.medicines.of_record(str(cells.get("medicine") or UNNAMED))
                cells["may_be"] = cells.get("may_be") or taken.may_be
                for medicine in taken.ingredients:
                    self._append(table, {**cells, "medicine": medicine})
                return
            case "results":
                if not self._result(cells, where):
                    return
            case "genotypes":
                self.genotype(cells, where)
                return
            case "events":
                self._in_order(cells, "ended_on", where)
                kind = str(cells.get("kind") or "condition")
                if kind == "allergy":
                    text = str(cells.get("code") or "")
                    # What a text blames on a medicine is known as that harm.
                    named = [("allergy", medicine) for medicine in self.allergens(text)]
                    known = [each for each in self.words.events(kind, text) if not (named and each[1] == UNCLEAR)]
                    for of, code in known or named or [(kind, text or kind)]:
                        self._append(table, {**cells, "kind": of, "code": code})
                    self.ask_allergy(patient_id, text, where)
                    return
                known = self.words.events(kind, str(cells.get("code") or ""))
                for other in known[1:]:
                    self._append(table, {**cells, "kind": other[0], "code": other[1]})
                if known:
                    cells["kind"], cells["code"] = known[0]
                elif not cells.get("code"):
                    cells["code"] = kind
                elif self.words.allergies.complains(str(cells["code"])):
                    self.ask_allergy(patient_id, str(cells["code"]), where)
                    self._unknown_event(kind, str(cells["code"]), where)
                elif kind != "allergy" and cells["code"] != "deceased":
                    self._unknown_event(kind, str(cells["code"]), where)
            case _:
                pass
        self._append(table, cells)

    def _result(self, cells: dict[str, Cell], where: str) -> bool:
        """Puts a result in our words; False for one that nothing here looks at, or of another specimen than blood."""
        name = str(cells.get("analyte") or "unnamed")
        test = self.words.test(name)
        if test.analyte is None or str(test.doubt) in _NEVER_BLOOD:
            self._unknown_result(name, cells, where)
            return False
        specimen = str(cells.get("specimen") or "")
        measured = self.words.specimen(specimen, test.analyte) if specimen else "right"
        if measured == "wrong" or str(cells.get("doubt")) in _NEVER_BLOOD:
            self._unknown_result(f"{name} ({specimen or cells.get('doubt')})", cells, where)
            return False
        given = cells.get("doubt")
        doubt = given if given not in ("year", "month") else None
        doubt = doubt or test.doubt or ("specimen_unknown" if measured == "unknown" else None) or given
        cells |= {"analyte": test.analyte, "doubt": doubt, "origin": cells.get("origin") or where}
        self._flag(cells, where)
        self._comparator(cells, where)
        self._number_in_words(cells)
        self._range(cells, where)
        return True

    def _flag(self, cells: dict[str, Cell], where: str) -> None:
        """The laboratory's mark in our words; one that isn't understood is kept as it is, and said."""
        if text := cells.get("flag"):
            cells["flag"] = self.words.flag(str(text)) or text
            if not self.words.flag(str(text)):
                why = "a mark that azaward does not know: nobody has judged it. Ask the laboratory what it means."
                self.aside(where, f"mark {text!r} beside {cells['analyte']}", why, str(cells["patient_id"]), "partial")

    def _number_in_words(self, cells: dict[str, Cell]) -> None:
        """Puts the number that stands among words beside them, as a doubt: it says only how soon somebody asks."""
        text = cells.get("text")
        # A plain number would have been read as the value: alone among words it is a code.
        if text is None or cells.get("value") is not None or read_number(str(text)):
            return
        if found := self.measures.written(str(cells["analyte"]), str(text)):
            cells |= {"value": found.value, "comparator": found.comparator, "unit": cells.get("unit") or found.unit}
            cells["doubt"] = cells.get("doubt") or ("percent" if cells["unit"] in SHARE else "written")

    def _range(self, cells: dict[str, Cell], where: str) -> None:
        """Leaves out a range that can't be one of this value, and says so."""
        low, high = (each if isinstance(each := cells.get(name), float) else None for name in ("ref_low", "ref_high"))
        unit = str(cells["unit"]) if cells.get("unit") else None
        if why := self.measures.range_fault(str(cells["analyte"]), unit, low, high):
            ends = " to ".join("any" if end is None else f"{end:g}" for end in (low, high))
            self.aside(where, f"range {ends} of {cells['analyte']}", why, str(cells["patient_id"]), "partial")
            cells |= {"ref_low": None, "ref_high": None}

    def cannot_wait(self, name: str, said: str) -> bool:
        """Whether words may be serious, whatever the test: blasts in the film, a germ in a culture, neutropenia.

        >>> from azaward.knowledge import load
        >>> rows = RowReader(load())
        >>> rows.cannot_wait("blood film", "blasts seen"), rows.cannot_wait("blood film", "no blasts seen")
        (True, False)
        >>> rows.cannot_wait("blood culture", "Staphylococcus aureus"), rows.cannot_wait("blood culture", "no growth")
        (True, False)
        """
        if not said:
            return False
        grown = "culture" in name.lower() and not _NOTHING.search(said)
        return grown or self.words.is_serious(said)

    def allergens(self, text: str | None, codings: Iterable[Coding] = ()) -> tuple[str, ...]:
        """The medicines that a text or code names as what somebody is allergic to; none where it denies that.

        A class counts where all of it are thiopurines.
        """
        codings = tuple(codings)
        if coded := self.medicines.allergy(codings):
            return coded
        if text and self.words.allergies.denies(text):
            return ()
        reading = self.medicines.read(self.words.allergies.cause(text) if text else "", codings)
        if reading.doubt not in (None, "part"):
            return ()
        found = dict.fromkeys(match.ingredient for match in reading.matches)
        named = dict.fromkeys(match.ingredient for match in reading.matches if match.how != "class")
        return tuple(found if set(found) <= self.thiopurines else named)

    def ask_allergy(self, patient_id: str, text: str, where: str, codings: Iterable[Coding] = ()) -> None:
        """Asks about an allergy that may mean a thiopurine: a near spelling, or a group that holds it."""
        codings = tuple(codings)
        if self.words.allergies.denies(text) or self.thiopurines & {*self.allergens(text, codings)}:
            return
        cause = self.words.allergies.cause(text)
        found = (*self.medicines.read(cause).matches, *self.medicines.read("", codings).matches)
        near = any(match.ingredient in self.thiopurines for match in found)
        if near or self.words.allergies.names_group(text) or self.medicines.in_group(codings):
            self.may_be_allergy(patient_id, text or ", ".join(f"{each.system}|{each.code}" for each in codings), where)

    def blames(self, text: str) -> bool:
        """Whether a text names a thiopurine, and not as what is only given."""
        reading = self.medicines.read(self.words.allergies.cause(text))
        named = any(match.ingredient in self.thiopurines for match in reading.matches)
        blamed = any(code.startswith(ANY) for _, code in self.words.events("condition", text))
        return blamed or (named and not reading.rest)

    def may_be_allergy(self, patient_id: str, said: str, where: str) -> None:
        """Asks whether it is an allergy to a thiopurine."""
        why = "it may be an allergy to azathioprine or a related medicine. Ask the patient, and correct the record."
        self.aside(where, f"allergy {said[:_SHOWN]!r}", why, patient_id, "may_be_allergy")

    def _unknown_event(self, kind: str, code: str, where: str) -> None:
        """Counts an event that no rule uses; conditions that azathioprine treats are handled as indications."""
        if self.words.indication(code) is None:
            first, count = self._unknown_events.get((kind, code), (where, 0))
            self._unknown_events[kind, code] = (first, count + 1)

    def _one_patient(self, patient_id: str, cells: Mapping[str, Cell], where: str) -> None:
        """Reports a second patient with the same id; an identical row is not reported."""
        first = self._patients.setdefault(patient_id, dict(cells))
        if odd := [name for name, cell in cells.items() if cell != first.get(name)]:
            self.aside(
                where,
                f"patient_id {patient_id}",
                f"duplicate patient id with a different {', '.join(odd)}. Give each patient a unique id.",
                patient_id,
                "two_patients",
            )

    def _in_order(self, cells: dict[str, Cell], end: str, where: str) -> None:
        """Sets aside an end date before the start date, so that the medicine or event counts as ongoing."""
        start, stop = cells.get("started_on"), cells.get(end)
        if isinstance(start, dt.date) and isinstance(stop, dt.date) and stop < start:
            self.aside(
                where,
                f"{end} {stop}",
                f"before started_on {start}: not used, so counted as ongoing. Correct one of the dates.",
                str(cells["patient_id"]),
            )
            cells[end] = None

    def _unknown_result(self, name: str, cells: Mapping[str, Any], where: str) -> None:
        """Counts a test that nothing here looks at; where its words can't wait, somebody has to read it."""
        said = str(cells.get("text") or "")
        if str(cells.get("status")) not in STATUS_NEVER_COUNTS and self.cannot_wait(name, said):
            why = "not a test that azaward recognises, in words that may be serious. Read it."
            self.aside(where, f"result {name!r}: {said!r}", why, str(cells["patient_id"]))
            return
        flag = self.words.flag(str(cells["flag"])) if cells.get("flag") else None
        if flag in _CRITICAL and str(cells.get("status")) not in STATUS_NEVER_COUNTS:
            value = said or (f"{cells['value']:g}" if cells.get("value") is not None else "")
            what = f"result {name!r}: {value} {cells.get('unit') or ''}, marked {flag}"
            why = "not a test that azaward recognises, and its laboratory marks it as critical. Read it today."
            on = cells.get("taken_on")
            kind = "report_serious" if _NAMED.search(name) else "unnamed_result"
            self.aside(where, what, why, str(cells["patient_id"]), kind, on if isinstance(on, dt.date) else None)
            return
        first, count = self._unknown_analytes.get(name, (where, 0))
        self._unknown_analytes[name] = (first, count + 1)

    def _comparator(self, cells: dict[str, Cell], where: str) -> None:
        """Accepts only <, <=, > and >=, which bound the value; with any other sign, the value is kept as text."""
        sign = str(cells.get("comparator") or "").strip()
        sign = _COMPARATORS.get(sign, sign)
        cells["comparator"] = sign or None
        if sign and sign not in _SIGNS:
            value = cells["value"]
            shown = f"{sign} {value:g}" if isinstance(value, float) else sign
            why = "expected <, <=, > or >=: value kept as text"
            self.aside(where, f"comparator {sign!r}", why, str(cells["patient_id"]))
            cells |= {"comparator": None, "value": None, "text": cells.get("text") or shown}

    def genotype(self, cells: dict[str, Cell], where: str) -> None:
        """Adds a genotype or activity. If diplotype and phenotype disagree, both are kept and rules consider both.

        Beside words that aren't understood, nothing is normal.
        """
        gene = str(cells.get("gene") or "").upper()
        cells["gene"] = gene
        cells["method"] = str(cells.get("method") or "genotype").casefold()
        read = [self._of_gene(gene, name, cells, where) for name in ("phenotype", "diplotype") if cells.get(name)]
        each = {phenotype for found in read for phenotype in found}
        if not all(read):
            each.discard(NORMAL)
        for phenotype in sorted(each or {None}, key=str):
            self._append("genotypes", {**cells, "phenotype": phenotype})

    def _of_gene(self, gene: str, column: str, cells: dict[str, Cell], where: str) -> list[str]:
        """The phenotypes that a cell of a genotype stands for; none, and the cell set aside, if it isn't understood."""
        text = str(cells[column])
        phenotype = self.words.phenotype(text) if column == "phenotype" else None
        found = self.words.diplotype_phenotypes(gene, text) if column == "diplotype" else [phenotype]
        if known := [each for each in found if each]:
            return known
        said = said_of(gene, text, self._knowledge) if gene in GENES else None
        if said and said.phenotype and not said.asked:
            cells[column] = said.diplotype if column == "diplotype" else cells[column]
            bodies = self.words.diplotype_phenotypes(gene, said.diplotype) if said.diplotype else []
            return list(dict.fromkeys([said.phenotype, *bodies]))
        why = asked([said.asked]) if said and said.asked else _GENE_WORDS[column]
        self.aside(where, f"{gene} {column} {text[:_SHOWN]!r}", why, str(cells["patient_id"]), "genotype")
        if said is None or said.may_be is None:
            return []
        # A sentence that isn't used is no test that was done; one that may mean a weaker enzyme is in doubt.
        cells[column] = None
        return [] if said.may_be == NORMAL else [INDETERMINATE]

    def _append(self, table: str, cells: Mapping[str, Cell]) -> None:
        row = tuple(map(cells.get, _NAMES[table]))
        self.rows[table].append(row if row[-2] is not None else (*row[:-2], *self.source))


def _clean(text: str) -> str:
    """A text without control characters, which mean nothing in a record but could affect a terminal."""
    return (text if text.isprintable() else _CONTROL.sub(" ", text)).strip()


def _start_in_words(raw: Any) -> str | None:
    """The text of a start that isn't a date; None if it says that treatment has not begun."""
    text = _clean(str(raw))
    return None if _NOT_BEGUN.search(text.casefold()) else text


_WHAT_TO_DO = {
    "date": "expected a valid date (YYYY-MM-DD)",
    "float": "expected a number with a decimal point, such as 4.2",
    "string": "expected text",
}
