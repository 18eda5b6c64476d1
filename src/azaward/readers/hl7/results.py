"""Reads OBX: a result with its test, value, unit, range, flags, specimen, day and status, or the end of an earlier one.

A result is believed where it says what it is. Another specimen than blood never counts as blood; a value that isn't
wholly a number stays words; what replaces, withdraws or completes an earlier result says which one by its identity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import LOINC, Vocabulary
from azaward.readers.fhir import datatypes, genes
from azaward.readers.fhir import resources as fhir
from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.concepts import Concept, concept
from azaward.readers.hl7.orders import Group
from azaward.readers.hl7.parts import Segment, Value
from azaward.readers.hl7.reading import Reading
from azaward.readers.hl7.senders import Sender
from azaward.readers.rows import read_number

# Panels whose results don't come from blood, so that no specimen contradicts them.
_NOT_OF_BLOOD = ("body", "pregnancy", "urine")
_CODED = ("CE", "CWE", "CNE", "CF", "IS", "ID")
_NUMERIC = ("NM", "SN")
_DOCUMENTS = ("ED", "RP")
_LINES = ("ST", "TX", "FT")
_TYPES = (*_CODED, *_NUMERIC, *_DOCUMENTS, "ST", "TX", "FT", "NR", "DT", "TM", "TS", "DTM", "CQ", "MO", "SI")
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_RANGE = re.compile(rf"\(?\[?\s*({_NUMBER})\s*(?:-|–|—|to|\.\.)\s*({_NUMBER})\s*\]?\)?")
_BOUND = re.compile(rf"(<=?|≤|>=?|≥)\s*({_NUMBER})")
_RAW = re.compile(r"\boct\w*.?stream", re.I)
_PICTURE = re.compile(r"histogram|scatter|waveform|\bplot\b|\bgraph\b|\bcurve\b", re.I)
_WITHDRAWN = {"deleted": "deleted", "wrong-patient": "sent for the wrong patient"}


@dataclass(frozen=True)
class Specimen:
    """What a sample was, as written, and whether it is blood: `blood`, `other`, `unclear` or None where not said."""

    written: str | None = None
    means: str | None = None


class Test(NamedTuple):
    """What OBX-3 names: our id of it, a test of ours that has its name and another code, whether it is of a gene."""

    concept: Concept
    analyte: str | None
    named: str | None
    is_of_gene: bool


@lru_cache(maxsize=8192)
def _test(value: Value | None, tables: Codes, sender: Sender, words: Vocabulary) -> Test:
    """The test that a code and its name mean; a feed repeats a few of them without end."""
    found = concept(value, tables, sender)
    names = [each for each in (found.local, *found.names) if each]
    analyte = words.analyte(found.local) if found.local else None
    analyte = analyte or next((known for each in (*names, None) if (known := words.analyte(each, found.codings))), None)
    named = next((known for each in names if (known := words.analyte(each))), None)
    believed = analyte is not None or not any(coding.system == LOINC for coding in found.codings)
    return Test(found, analyte, None if believed else named, genes.names_gene(_observation(found, None)))


def _observation(found: Concept, text: str | None, flags: Sequence[str] = ()) -> fhir.Observation:
    """A result as the reader of gene reports takes it."""
    codings = tuple(datatypes.Coding(coding.system, coding.code) for coding in found.codings)
    marks = tuple(fhir.Concept((), flag) for flag in flags if flag)
    return fhir.Observation(code=fhir.Concept(codings, found.text), valueString=text, interpretation=marks)


@dataclass(frozen=True)
class OfOrder:
    """What all results of an order share."""

    identity: str | None
    taken: str | None
    status: str | None
    specimen: Specimen


def results(reading: Reading, group: Group, knowledge: Knowledge) -> None:
    """Every result of an order, and what its status says of those sent earlier."""
    obr, orc = group.obr, group.orc
    status = reading.codes.means("0123", obr.text(25)) if obr else None
    identity = reading.order_identity((obr, 3, ""), (orc, 3, ""), (obr, 2, "placer:"), (orc, 2, "placer:"))
    withdrawn = status == "cancelled" or (orc and reading.codes.means("0119", orc.text(1)) == "cancel")
    if withdrawn:
        place = (obr or orc or reading_place(group)).at(25 if obr else 1)
        reading.correct("strike", "results", identity, "cancelled", place, of_order=True)
        reading.correct("strike", "genotypes", identity, "cancelled", place, of_order=True)
        reading.ignored["order cancelled"] += 1
    taken = (obr.text(7) if obr else None) or next((day for each in group.specimens if (day := each.text(17))), None)
    shared = OfOrder(identity, reading.iso(taken), status, _specimen(reading, group))
    whole = Comments(tuple(group.comments))
    made = [
        _Result(reading, obx, shared, Comments((*whole.segments, *notes)), knowledge) for obx, notes in group.results
    ]
    for each in made:
        each.read(withdrawn=bool(withdrawn), lines=_lines_beside(each, made))


def _lines_beside(of: _Result, results: Sequence[_Result]) -> list[str]:
    """The other lines of a gene's report that a sender cut into one OBX a line: "Mother:", then "*1/*1"."""
    if not of.test.is_of_gene or of.type not in _LINES:
        return []
    same = [each for each in results if each is not of and each.test == of.test and each.type in _LINES]
    texts = (value.whole() for each in same for value in each.values)
    return [text for text in texts if text]


def reading_place(group: Group) -> Segment:
    """A segment that stands for an order without ORC and OBR."""
    return group.results[0][0]


@dataclass(frozen=True)
class Comments:
    """The comments (NTE) that belong to a result."""

    segments: Sequence[Segment]

    def text(self) -> str | None:
        """All of them, joined."""
        lines = (value.whole() for segment in self.segments for value in segment.repetitions(3))
        return " ".join(" ".join(line.split()) for line in lines if line) or None


class _Result:
    """One OBX."""

    def __init__(
        self, reading: Reading, obx: Segment, shared: OfOrder, comments: Comments, knowledge: Knowledge
    ) -> None:
        self.reading, self.obx, self.shared, self.comments = reading, obx, shared, comments
        self.knowledge = knowledge
        value = next(iter(obx.repetitions(3)), None)
        self.test = _test(value, reading.codes, reading.sender, reading.rows.words)
        self.concept = self.test.concept
        self.values = obx.repetitions(5)
        self.type = (obx.text(2) or "ST").upper()
        # A bar divides the parts of an identity.
        sub = (obx.text(4) or "").replace("|", "/")
        key = self.concept.code.replace("|", "/")
        self.identity = f"{shared.identity}{key}|{sub}" if shared.identity and key else None
        self.lines: Sequence[str] = ()

    def read(self, *, withdrawn: bool, lines: Sequence[str] = ()) -> None:
        """Adds the result; `lines` are those of the same report beside it."""
        self.lines = lines
        obx, reading = self.obx, self.reading
        name = self.concept.text
        if name is None:
            reading.aside(obx.at(3), "a result without its test", "name the test in OBX-3.", fault="missing")
            return
        status = self._status()
        table = "genotypes" if self.test.is_of_gene and self.type not in _NUMERIC else "results"
        if status in _WITHDRAWN or obx.is_deleted(5):
            why = status if status in _WITHDRAWN else "value-deleted"
            reading.correct("strike", table, self.identity, str(why), obx.at(11))
            said = _WITHDRAWN.get(str(status), "its value is deleted")
            why = "struck out; a result sent before no longer counts. Ask for the right one."
            reading.aside(obx.at(11), f"{name}: {said}", why, "withdrawn")
            return
        if status == "finalised" and not self.values:
            reading.correct("finalise", table, self.identity, "final", obx.at(11))
            return
        if status == "not-asked":
            reading.ignored["OBX without a result"] += 1
            return
        if status == "not-obtained":
            reading.correct("strike", table, self.identity, "not-obtained", obx.at(11))
        if withdrawn and self.values:
            why = "the order is cancelled, but there is a value: counted until somebody has asked the laboratory."
            reading.aside(obx.at(11), name, why, "contradiction")
        self._keep(name, {"finalised": "final", "not-obtained": "cancelled"}.get(str(status), str(status)), table)

    def _status(self) -> str | None:
        said = self.obx.text(11)
        means = self.reading.codes.means("0085", said)
        if said and means is None:
            why = "expected a code of HL7's table 0085, such as F. Counted as a result of unknown status."
            self.reading.problem(self.obx.at(11), f"result status {said!r}", why, "table-value")
        if said is None and self.shared.status in ("preliminary", "final", "corrected"):
            return self.shared.status
        return means or "unknown"

    def _keep(self, name: str, status: str, table: str) -> None:
        reading, obx = self.reading, self.obx
        on = reading.iso(obx.text(14)) or self.shared.taken
        if status != "cancelled":
            again = None if status == "corrected" else on
            reading.correct("replace", table, self.identity, status, obx.at(), again)
        if table == "genotypes":
            if status != "cancelled":
                self._genotype(name, on)
            return
        if self.type in _DOCUMENTS and self._is_a_picture():
            reading.ignored["OBX with a picture or raw data"] += 1
            return
        if self.type in _DOCUMENTS:
            why = "a document, which azaward can't read. Read it, and enter what it says."
            reading.aside(obx.at(5), name, why)
            return
        row: dict[str, Any] = {"taken_on": on, "status": status, "unit": self._unit()}
        row |= self._value(name)
        row |= {"flag": self._flags(), "specimen": self.shared.specimen.written}
        if status == "cancelled":
            row["text"] = row.get("text") or "not obtained"
        self._of_test(name, row)

    def _is_a_picture(self) -> bool:
        """Whether it is an analyser's histogram or raw data, and no report that somebody should read."""
        kind = " ".join(value.text(3) or "" for value in self.values)
        return bool(_RAW.search(kind) or _PICTURE.search(self.concept.text or ""))

    def _of_test(self, name: str, row: dict[str, Any]) -> None:
        """Adds the result under our name for its test; one that isn't believed says why."""
        reading, obx, analyte = self.reading, self.obx, self.test.analyte
        if analyte is None:
            row["text"] = ": ".join(part for part in (row.get("text"), self.comments.text()) if part) or None
            if self.test.named:
                why = "the name is a known test but the code is not: not used. Correct the code."
                reading.aside(obx.at(3), f"{name} ({self.concept.code})", why, fault="table-value")
            else:
                reading.add("results", {**row, "analyte": name, "value": row.get("value")}, obx.at(5), self.identity)
            return
        specimen = self.shared.specimen
        if specimen.means == "other" and _panels(self.knowledge)[analyte] not in _NOT_OF_BLOOD:
            what = f"{name} {row.get('value') or row.get('text') or ''}".strip()
            why = f"the specimen is {specimen.written}: never counted as a result of blood."
            reading.aside(obx.at(5), what, why, "other_specimen")
            return
        if specimen.means == "unclear" and _panels(self.knowledge)[analyte] not in _NOT_OF_BLOOD:
            why = "not known to be blood: not used. Ask the laboratory, or name it in the sender's settings."
            reading.aside(obx.at(5), f"{name}: specimen {specimen.written!r}", why, "specimen", "table-value")
        row["ref_low"], row["ref_high"] = self._range()
        self._comment(name, analyte, row)
        reading.add("results", {**row, "analyte": analyte}, obx.at(5), self.identity)

    def _comment(self, name: str, analyte: str, row: dict[str, Any]) -> None:
        """Puts the laboratory's comment beside a number. Beside words it would be read as a part of the answer."""
        said = self.comments.text()
        if said is None:
            return
        number = self.knowledge.analytes[analyte].unit and read_number(str(row.get("value") or ""))
        if row.get("text") is None and (number or row.get("value") is None):
            row["text"] = said
        else:
            why = "a comment from the laboratory: read it with the result."
            self.reading.rows.aside(
                self.reading.place(self.obx.at()), f"{name}: {said}", why, self.reading.patient_id, "comment"
            )

    def _value(self, name: str) -> dict[str, Any]:
        """The cells of the value: a number with its comparator, or words."""
        if self.type not in _TYPES:
            why = "expected a value type of HL7's table 0125: read as text."
            self.reading.problem(self.obx.at(2), f"value type {self.type!r}", why, "table-value")
        if not self.values:
            return {"text": None}
        if len(self.values) > 1:
            said = [_in_words(value, self.type) or "" for value in self.values]
            if self.type in _NUMERIC:
                why = "several values in one result: kept as words, none of them counts. Send one OBX for each."
                self.reading.problem(self.obx.at(5), f"{name}: {', '.join(said)}", why, "cardinality")
                return {"text": " and ".join(said)}
            return {"text": "; ".join(said) or None}
        value = next(iter(self.values))
        if self.type == "SN":
            return _structured(value)
        if self.type in ("NR", *_CODED):
            return {"text": _in_words(value, self.type)}
        # Whether words are a number, with a comparator or without, is decided as for every other file.
        text = _full(" ".join((value.whole() or "").split()))
        return {"value": text} if re.search(r"\d", text) else {"text": text or None}

    def _unit(self) -> str | None:
        """The unit as written, or as the sender's settings say; a bare `10^9/L` is put together again."""
        units = self.obx.repetitions(6)
        if not units:
            return None
        value, own = units[0], self.reading.sender.units
        whole, first = value.whole() or "", value.text() or value.text(2)
        joined = re.match(r"[x×]?\s?10\^\d+\s?/\s?\S+", whole)
        unit = joined.group() if joined else first
        return own.get(unit or "") or own.get(whole) or unit

    def _range(self) -> tuple[float | None, float | None]:
        """The limits of normal; one that can't be read is said to the sender and left out."""
        values = self.obx.repetitions(7)
        text = (values[0].whole() or "") if values else ""
        if found := _RANGE.fullmatch(text.strip()):
            low, high = float(found[1]), float(found[2])
            if low <= high:
                return low, high
        elif found := _BOUND.fullmatch(text.strip()):
            bound = float(found[2])
            return (None, bound) if found[1] in ("<", "<=", "≤") else (bound, None)
        if text:
            why = "expected a range such as 1.5-7.5 or <5: the laboratory's range is not known."
            self.reading.problem(self.obx.at(7), f"reference range {text!r}", why, "data-type", "information")
        return None, None

    def _flags(self) -> str | None:
        return ";".join(flag for value in self.obx.repetitions(8) if (flag := value.text())) or None

    def _genotype(self, name: str, on: str | None) -> None:
        """A TPMT or NUDT15 result in words or codes."""
        reading, obx = self.reading, self.obx
        said = [_in_words(value, self.type) for value in self.values]
        flags = (self._flags() or "").split(";")
        seen = _observation(self.concept, "; ".join(each for each in said if each), flags)
        around = [*filter(None, (self.comments.text(), self.shared.specimen.written)), *self.lines]
        for call in genes.calls(seen, self.knowledge, around):
            if genes.is_piece(seen) or not (call.diplotype or call.phenotype or call.unread or call.asked):
                why = "no genotype: unknown, not assumed normal. Ask the laboratory."
                reading.aside(obx.at(5), f"{call.gene}: {name}", why, "genotype")
                continue
            row = {"gene": call.gene, "method": call.method, "reported_on": on, "diplotype": call.diplotype}
            row["phenotype"] = call.phenotype or call.unread
            reading.add("genotypes", row, obx.at(5), self.identity)
            if call.asked:
                reading.aside(obx.at(5), f"{call.gene} {call.method} {call.said!r}", call.asked, "genotype")


def _structured(value: Value) -> dict[str, Any]:
    """A structured number: comparator, number, separator, number."""
    sign, first, between, second = (value.text(part) for part in range(1, 5))
    if second is not None or between is not None:
        shown = " ".join(part for part in (sign, first, between, second) if part)
        return {"text": shown}
    if first is None:
        # Some senders put the whole number where its comparator belongs.
        return {"value": _full(sign or "")} if re.search(r"\d", sign or "") else {"text": sign}
    first = _full(first)
    bare = sign if sign and sign != "=" else ""
    return {"value": f"{bare}{first}"} if bare in ("", "<", "<=", ">", ">=") else {"value": first, "comparator": bare}


def _full(number: str) -> str:
    """A number with the digits that HL7 lets a sender leave out: `.4` and `4.` are lawful.

    >>> _full("<.4"), _full("4."), _full("see 4.")
    ('<0.4', '4', 'see 4.')
    """
    found = re.fullmatch(r"([<>≤≥]?=?\s*[-+]?)(\d*)\.?(\d*)", number)
    if not found or not (found[2] or found[3]) or (found[2] and found[3]):
        return number
    return f"{found[1]}{found[2] or '0'}" + (f".{found[3]}" if found[3] else "")


def _in_words(value: Value, kind: str) -> str | None:
    if kind in _CODED:
        return value.text(9) or value.text(2) or value.text(5) or value.text(1)
    if kind == "NR":
        return " to ".join(part for part in (value.text(1), value.text(2)) if part) or None
    if kind == "SN":
        return "".join(value.text(part) or "" for part in range(1, 5)) or None
    return value.whole()


def _specimen(reading: Reading, group: Group) -> Specimen:
    """The sample of an order: SPM-4, or before version 2.5 OBR-15. Several that differ are unclear."""
    found = [_one_specimen(reading, value) for each in group.specimens for value in each.repetitions(4)]
    if not found and group.obr:
        found = [_old_specimen(reading, value) for value in group.obr.repetitions(15)]
    found = [each for each in found if each.written]
    if len({each.means for each in found}) > 1:
        return Specimen(" and ".join(str(each.written) for each in found), "unclear")
    return found[0] if found else Specimen()


def _one_specimen(reading: Reading, value: Value) -> Specimen:
    names = (value.text(1), value.text(2), value.text(4), value.text(5), value.text(9))
    return _judged(reading, names)


def _old_specimen(reading: Reading, value: Value) -> Specimen:
    """OBR-15: the code and its text as subcomponents, then free text and a site of the body."""
    return _judged(reading, (value.sub(1, 1), value.sub(1, 2), value.text(3), value.sub(4, 2)))


def _judged(reading: Reading, names: Sequence[str | None]) -> Specimen:
    said = [name for name in names if name]
    if not said:
        return Specimen()
    means = {judged for name in said if (judged := _means(reading, name))}
    written = next((name for name in said[1:] if not name.isdigit()), said[0])
    if "other" in means:
        return Specimen(written, "other")
    if any(reading.sender.specimens.get(name) == "blood" for name in said):
        # Its own word is known to nobody but the sender's settings.
        return Specimen("blood", "blood")
    return Specimen(written, "blood" if "blood" in means else "unclear")


def _means(reading: Reading, name: str) -> str | None:
    """What a code or name of a specimen means: the sender's word, the tables', or that of the words in it."""
    codes = reading.codes
    if own := reading.sender.specimens.get(name):
        return own
    if means := codes.means("0487", name) or codes.means("0070", name):
        return means
    if means := codes.named("0487", name) or codes.named("0070", name):
        return means
    words = [codes.means("0487", word) for word in re.split(r"[^\w]+", name.casefold()) if len(word) > 2]
    return "other" if "other" in words else "blood" if "blood" in words else None


@lru_cache(maxsize=2)
def _panels(knowledge: Knowledge) -> Mapping[str, str | None]:
    return {row.id: row.panel for row in knowledge.tables["analytes"]}
