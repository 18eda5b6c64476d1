"""Whether a specimen is what an analyte is measured in, and what a laboratory's mark beside a result means.

A specimen is known by its code or by its words, all of which must be known: one word that isn't leaves it unknown, and
whoever reads the record is asked. Nothing is believed to be blood because it isn't said to be something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Literal

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.laboratory import Flag
from azaward.knowledge.loading.words.test_names import folded

Measured = Literal["right", "wrong", "unknown"]

# What record systems also call the code systems of specimens: addresses and OIDs of FHIR, words of HL7 v2.
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    **{
        system: (f"terminology.hl7.org/codesystem/v2-{table}", f"hl7.org/fhir/v2/{table}", oid, f"hl7{table}")
        for table, system, oid in (
            ("0487", "http://terminology.hl7.org/CodeSystem/v2-0487", "2.16.840.1.113883.18.311"),
            ("0070", "http://terminology.hl7.org/CodeSystem/v2-0070", "2.16.840.1.113883.18.28"),
            ("0163", "http://terminology.hl7.org/CodeSystem/v2-0163", "2.16.840.1.113883.18.81"),
        )
    },
    "http://terminology.hl7.org/CodeSystem/v3-SpecimenType": (
        "terminology.hl7.org/codesystem/v3-specimentype",
        "hl7.org/fhir/v3/specimentype",
        "2.16.840.1.113883.5.129",
    ),
}

_MATERIALS = ("blood", "red cells", "urine", "other")
# Whatever isn't named here is measured in blood.
_WANTED: Mapping[str | None, tuple[str, ...]] = {
    "urine": ("urine",),
    "pregnancy": ("blood", "site", "urine"),
    "thiopurine": ("blood", "site", "red cells"),
}
_BLOOD = ("blood", "site")
# Words that together say no more than the first of them.
_SAME: Mapping[frozenset[str], str] = {
    frozenset({"blood", "site"}): "blood",
    frozenset({"red cells", "blood"}): "red cells",
    frozenset({"red cells", "site"}): "red cells",
    frozenset({"red cells", "blood", "site"}): "red cells",
    frozenset({"other", "place"}): "other",
    frozenset({"other", "site"}): "other",
    frozenset({"place", "site"}): "place",
}
# "No" is a number among the words of tests; here it denies.
_DENIED = re.compile(r"\bno\b")
_DOTLESS = str.maketrans({".": " ", "_": " "})
_NOT_SPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_PIECES = re.compile(r"[;,~()\[\]:]|\s[-–]\s")
_SENTENCES = re.compile(r"[.;!?\n]+")
# Of a sentence that asks for a sample, and of one that says what this sample is.
_ASKED = re.compile(
    r"\b(?:please|send|repeat|suggest\w*|advise\w*|recommend\w*|request\w*|consider|require\w*|awaited|pending|if|"
    r"bitte|priere|merci|por favor|ripetere|repetir)\b"
)
# Of a sentence that tells of another sample beside this one, or of the patient.
_BESIDE = re.compile(
    r"\b(?:also|too|as well|separate\w*|additional\w*|sent(?! (?:was|is|as))|follows?|intake|encourag\w*|drink\w*|"
    r"patient is|ebenfalls|zusatzlich|auch|separat|eingesandt|trink\w*|"
    r"aussi|egalement|separement|envoye\w*|tambien|anche|inviat\w*)\b"
)
# What a sample is said not to be.
_IS_NOT = re.compile(
    r"\b(?:not|instead of|rather than|nicht|kein\w*|statt|anstatt|pas|au lieu d\w*|no|en vez de|non)\b[^,:;]*"
)
# A word for any fluid, which names none.
_ANY_FLUID = ("fluid", "fluids", "liquide", "liquido", "flussigkeit")
_FEW = 2
_OTHER = ("other", "urine")
_WORDS = re.compile(r"[^\W_]+|\?")
_LOW: tuple[Flag, ...] = ("LL", "<", "L")
_HIGH: tuple[Flag, ...] = ("HH", ">", "H")
# The gravest first.
_GRAVE: tuple[Flag, ...] = ("LL", "HH", "AA", "<", ">", "L", "H", "A")


class Specimens:
    """Look-ups of specimens, made once for a knowledge base. `known` gives a code system its usual name."""

    def __init__(self, knowledge: Knowledge, known: Callable[[str], str] = str) -> None:
        self._known = known
        self._panels = {row.id: row.panel for row in knowledge.tables["analytes"]}
        self._codes: dict[tuple[str, str], str] = {}
        self._bare: dict[str, set[str]] = {}
        self._names: dict[str, str] = {}
        # The words that laboratories put around the names of tests come first: what a specimen's own words say counts.
        words = {"specimen": "other", "plain": "nothing"}
        for row in knowledge.tables["test_words"]:
            if row.kind in words:
                self._learn(split(row.words), words[row.kind])
        for row in knowledge.tables["specimens"]:
            if row.system and row.code:
                self._codes[row.system, row.code.casefold()] = row.holds
                self._bare.setdefault(row.code.casefold(), set()).add(row.holds)
                self._learn([row.name], row.holds)
        for row in knowledge.tables["specimens"]:
            if not row.code:
                self._learn(split(row.name), row.holds)
        # Records repeat a few specimens often.
        self._of_part = lru_cache(maxsize=4096)(self._read_part)

    @cached_property
    def _name(self) -> re.Pattern[str]:
        return _any_of(self._names)

    def _learn(self, names: Iterable[str], holds: str) -> None:
        self._names |= {_said(name): holds for name in names}

    def measured(self, text: str, analyte: str) -> Measured:
        """Whether a result of an analyte from this specimen is one of that analyte.

        >>> from azaward.knowledge import load
        >>> specimens = Specimens(load())
        >>> specimens.measured("Venous blood", "neutrophils"), specimens.measured("Ascitic fluid", "neutrophils")
        ('right', 'wrong')
        >>> specimens.measured("http://snomed.info/sct|119297000", "wbc"), specimens.measured("Drain 2", "wbc")
        ('right', 'unknown')
        """
        if analyte not in self._panels:
            return "unknown"
        panel = self._panels[analyte]
        verdicts: set[Measured] = {_verdict(self._of_part(part), panel) for part in text.split(";") if part.strip()}
        return verdicts.pop() if len(verdicts) == 1 else "unknown"

    def other_materials(self, text: str) -> tuple[str, ...]:
        """The names in a text, or the code that it is, of other materials than blood.

        >>> from azaward.knowledge import load
        >>> specimens = Specimens(load())
        >>> specimens.other_materials("Ascitic fluid cell count"), specimens.other_materials("Full blood count")
        (('ascitic fluid',), ())
        """
        if "|" in text:
            return (text,) if self._of_part(text) in _OTHER else ()
        return tuple(dict.fromkeys(name for name in self._name.findall(_said(text)) if self._names[name] in _OTHER))

    def is_no_site(self, text: str) -> bool:
        """Whether a text says no more than that no part of the body is given: "unknown", "not applicable".

        >>> from azaward.knowledge import load
        >>> Specimens(load()).is_no_site("Not applicable"), Specimens(load()).is_no_site("Left arm")
        (True, False)
        """
        return self._of_part(text) == "no site"

    def stated_materials(self, text: str) -> tuple[str, ...]:
        """The other materials than blood that a sentence says the sample is: it says little else, or says "sample".

        >>> from azaward.knowledge import load
        >>> specimens = Specimens(load())
        >>> specimens.stated_materials("Sample is ascitic fluid."), specimens.stated_materials("Please send urine")
        (('ascitic fluid',), ())
        """
        found: dict[str, None] = {}
        for sentence in _SENTENCES.split(text):
            said = _IS_NOT.sub(" ", _said(sentence))
            kinds = {self._names[name] for name in self._name.findall(said)}
            rest = _WORDS.findall(self._name.sub(" ", said))
            is_plain = "unsaid" in kinds or "nothing" in kinds or len(rest) <= _FEW
            if is_plain and "blood" not in kinds and not (_ASKED.search(said) or _BESIDE.search(said)):
                of_this = (each for each in self.other_materials(said) if rest == [] or each not in _ANY_FLUID)
                found |= dict.fromkeys(of_this)
        return tuple(found)

    def _read_part(self, part: str) -> str | None:
        """What one specimen is made of; None where something of it isn't understood."""
        system, bar, code = part.rpartition("|")
        if bar:
            return self._codes.get((self._known(system), code.strip().casefold()))
        if bare := self._bare.get(part.strip().casefold()):
            return next(iter(bare)) if len(bare) == 1 else None
        said = _said(part)
        if said in self._names:
            return "blood" if self._names[said] == "tube" else self._names[said]
        kinds = {self._names[found] for found in self._name.findall(said)} - {"nothing"}
        kinds = kinds - {"unsaid"} or kinds
        if _DENIED.search(said) or _WORDS.search(self._name.sub(" ", said)):
            return None
        if "tube" in kinds:
            # A tube that blood is drawn into says nothing beside the words of what is in it.
            kinds = kinds - {"tube"} or {"blood"}
        return next(iter(kinds)) if len(kinds) == 1 else _SAME.get(frozenset(kinds))


def _said(text: str) -> str:
    return " ".join(folded(text).translate(_DOTLESS).split())


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """What finds names, the longest first: by whole words, but anywhere in a script without spaces."""
    longest = sorted(names, key=len, reverse=True)
    spaced = [re.escape(name) for name in longest if name[0].isalnum() and not _NOT_SPACED.search(name)]
    others = [re.escape(name) for name in longest if not name[0].isalnum() or _NOT_SPACED.search(name)]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(spaced)})(?![^\W_])|{'|'.join(others)}")


def _verdict(held: str | None, panel: str | None) -> Measured:
    if panel == "body":
        return "wrong" if held in _MATERIALS else "right"
    # Whoever says only that there is a sample has said nothing of it.
    if held == "unsaid" or held in _WANTED.get(panel, _BLOOD):
        return "right"
    # Red cells and a place where blood is drawn aren't another specimen than blood.
    doubted = held is None or held in ("place", "nothing", "no site", "site", "red cells")
    return "unknown" if doubted else "wrong"


class Flags:
    """Look-ups of a laboratory's marks, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._codes: dict[str, Flag] = {}
        self._words: dict[frozenset[str], Flag] = {}
        for row in knowledge.tables["result_flags"]:
            self._codes[folded(row.code)] = row.flag
            if words := _words(row.code):
                self._words.setdefault(words, row.flag)

    def flag(self, text: str) -> Flag | None:
        """What a mark means; of several the gravest. None where it isn't understood.

        >>> from azaward.knowledge import load
        >>> flags = Flags(load())
        >>> flags.flag("critically low"), flags.flag("H (High)"), flags.flag("not critical")
        ('LL', 'H', None)
        """
        if whole := self._of(text):
            return whole
        found = [self._of(piece) for piece in _PIECES.split(text) if piece.strip()]
        known = set(found)
        if known.intersection(_LOW) and known.intersection(_HIGH):
            return "AA" if known & {"LL", "HH", "AA"} else "A"
        # What is grave is believed beside words that aren't understood; what is normal isn't.
        for flag in _GRAVE:
            if flag in known:
                return flag
        if None in known or not known:
            return None
        return "other" if "other" in known else "N"

    def _of(self, text: str) -> Flag | None:
        return self._codes.get(folded(text)) or self._words.get(_words(text))


def _words(text: str) -> frozenset[str]:
    """Its words in any order; none of a mark that is a code or has other signs."""
    words = _WORDS.findall(folded(text))
    return frozenset(words) if len(text.strip()) > 3 else frozenset()
