"""Which analyte a laboratory's code or name means, and what makes it another test that only looks like it.

A code decides over a name. A name is matched whole: its case, accents, punctuation, units and the order of its words
say nothing, nor does what laboratories put around every name ("serum", "level", "Anzahl"). A word that says percent,
another specimen or a part of the whole makes a doubt, and a doubted test is never believed, whatever is beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple, get_args

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.laboratory import CodeSystem, Unlike
from azaward.knowledge.loading.words.near_tests import NearTests, told

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
NPU = "http://npu-terminology.org"
JLAC10 = "urn:oid:1.2.392.200119.4.504"
READ = "http://read.info/readv2"
# What the name and the code say together; the others are `Unlike`, the most telling first.
CODE, WORDS = "code", "words"
DOUBTS: tuple[str, ...] = (*get_args(Unlike), CODE, WORDS)
_SYSTEMS: tuple[str, ...] = get_args(CodeSystem)
# Here the specimen and the property are in the code alone: a code that isn't listed may be another test of that name.
_EXACT = (LOINC, NPU, JLAC10)
# A code without its system, as a table of results may hold it, alone or behind a name.
_BARE = (
    (re.compile(r"(?<![\w-])\d{1,6}-\d(?![\w-])"), LOINC),
    (re.compile(r"\b(?:NPU|DNK|NOR)\d{5}\b", re.I), NPU),
    (re.compile(r"\b\d[A-Z]\d{3}-?\d{4}-?\d{3}-?\d{3}-?\d{2}\b", re.I), JLAC10),
)
_JLAC10_SPECIMEN = 12  # the places of a code of JLAC10 up to its specimen
# Parts that make up the whole where a name adds them up: "segmented + bands".
_PARTS = ("segmented", "bands", "group")
_ADDED = re.compile(r"\+|\b(?:plus|und|with|incl\w*|inkl\w*)\b", re.I)
_NO_DOUBT = ("plain", "absolute", "weak", "another")
# The panels of tests whose near names are asked about.
_OF_BLOOD = ("blood count", "liver", "kidney", "pancreas")
# What may stand beside the name of a cell that already is a doubt: "segs %".
_AROUND = ("percent", "differential", "specimen", "ratio")

_NPU_TAIL = re.compile(r"\s*=\s*\?.*$")
_POSSESSIVE = re.compile(r"['’]s\b")
_UNIT = re.compile(
    r"ml/min(?:\s*/\s*1[.,]73\s*m\s*\^?2)?"
    r"|pmol\s*/\s*8\s*x\s*10.*"
    r"|(?:[x×]\s*)?(?:10\s*[\^*e]*\s*\(?\d{1,2}\)?|(?<![^\W_])(?:[mnukpμ]?(?:g|mol|u|iu|ui|kat|eq)|k|m|t|cells?|thou|mil"
    r"|giga|tera|gpt|tpt))?\s*/\s*(?:[munpcdfμ]?l|mm\s*\^?\s*3|cmm|cumm)(?![^\W_])"
    r"|(?:10\s*[\^*]*\s*\d{1,2}|[нмкп]{0,2}моль|[мк]{0,2}г|ме|ед\.?|тыс\.?)\s*/\s*(?:мк|м|д)?л(?![^\W_])"
    r"|mm\s*/\s*h(?:r|our)?\b"
    r"|\bx\s*1000\b"
    r"|[(\[]\s*(?:fl|kg|cm|m|mm|mm\^?3|g|u|[°º]?[cf]|lbs?|in)\s*[)\]]"
)
_CELLS = re.compile(r"10\s*[\^*e]*\s*\(?\d{1,2}\)?\s*/|cells?\s*/|/\s*(?:[uμ]l|mm)")
# "S-ALAT", "B—Neutrophilocytter", "fP-Glucose": the specimen as Nordic laboratories write it.
_BLOOD_FIRST = re.compile(
    r"^(?:f?(?:b|p|s|sg|sr|pl|wb|pt|vb|ab|kb|cb|erc|ery))(?:\s*\([^)]*\))?\s*(?:[-–—]+|:(?=\s))\s*"
)
_URINE_FIRST = re.compile(r"^(?:d|t)?u(?:\s*\([^)]*\))?\s*[-–—]+\s*")
_FLUID_FIRST = re.compile(
    r"^(?:(?:csf|csv|li|liq|ascv?|pleu|plf|syn?|fl?|f(?:ae)?c|dial)(?:\s*\([^)]*\))?\s*[-–—]+"
    r"|[a-z]{1,6}(?:\s*\([^)]*\))?\s*—)\s*"
)
_BLOOD_LAST = re.compile(r"(?:;\s*(?:f?(?:b|p|s|pt|erc|ery))(?:\([^)]*\))?|\([bps]\))\s*$")
_FLUID_LAST = re.compile(r";\s*[a-z]{1,4}(?:\([^)]*\))?\s*$")
_PIECES = re.compile(r"[()\[\]{},:/|;]|\s[-–—]\s")
_TOKEN = re.compile(r"=[a-z]+|[^\W_]+|[%#]")
_INITIALS = re.compile(r"(?<![^\W_])(?:[a-z]\.){2,}[a-z]?(?![^\W_])")
_MARKS = re.compile("[\u0300-\u036f]")


class Test(NamedTuple):
    """What a code or a name means. It is believed where there is no doubt; without an analyte it is unknown."""

    __test__ = False  # a laboratory's test, not one of pytest's

    analyte: str | None
    doubt: str | None = None


UNKNOWN = Test(None)


class _Reading(NamedTuple):
    """What a name means by itself, and every doubt that its words raise about whatever it is."""

    test: Test
    doubts: frozenset[str]


def folded(text: str) -> str:
    """A name without case, accents and half-width letters.

    >>> folded("Hémoglobine"), folded("ＷＢＣ")
    ('hemoglobine', 'wbc')
    """
    if not text.isascii():
        apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
        text = unicodedata.normalize("NFC", _MARKS.sub("", apart))
    return " ".join(text.casefold().split())


def _stem(token: str) -> str:
    """English and Romance plurals say nothing: "platelets" and "platelet" are one name."""
    return token[:-1] if len(token) > 3 and token.endswith("s") and not token.endswith("ss") else token


def _unspaced(text: str) -> bool:
    """Whether a text is in a script that puts no spaces between words, as in Japanese."""
    return not text.isascii() and any("\u3040" <= letter <= "\u9fff" for letter in text)


class _Words:
    """What the words around a name mean, and the words of a name itself."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.kinds: dict[str, str] = {}
        phrases: dict[str, str] = {}
        for row in knowledge.tables["test_words"]:
            for word in split(row.words):
                word = folded(word)
                single = (word in ("%", "#") or word.isalnum()) and not _unspaced(word)
                (self.kinds if single else phrases)[_stem(word) if single else word] = row.kind
        self._phrases = phrases
        self._phrase = _any_of(phrases)

    def marked(self, text: str) -> str:
        """A folded name with its units taken out, and each phrase that has a meaning replaced by `=` and its kind."""
        said = _INITIALS.sub(lambda found: found[0].replace(".", ""), _NPU_TAIL.sub("", _POSSESSIVE.sub("", text)))
        counted = " =absolute " if _CELLS.search(said) else ""
        said = _UNIT.sub(" ", said)
        if _BLOOD_FIRST.match(said) or _BLOOD_LAST.search(said):
            said = _BLOOD_LAST.sub("", _BLOOD_FIRST.sub("", said))
        elif _URINE_FIRST.match(said):
            said = _URINE_FIRST.sub("urine ", said)
        elif _FLUID_FIRST.match(said) or _FLUID_LAST.search(said):
            said = "=specimen " + _FLUID_LAST.sub("", _FLUID_FIRST.sub("", said))
        return self.phrased(said) + counted

    def phrased(self, text: str) -> str:
        """A folded name with each phrase that has a meaning replaced by `=` and its kind."""
        if text.isascii() and text.isalnum():
            return text
        return self._phrase.sub(lambda found: f" ={self._phrases[found[0]]} ", text)

    def tokens(self, marked: str) -> list[tuple[str, str]]:
        """The words of a marked name, each with its kind; a word of the name itself has none."""
        kinds = self.kinds
        return [
            (token, token[1:]) if token[0] == "=" else (stem := _stem(token), kinds.get(stem, ""))
            for token in _TOKEN.findall(marked)
        ]

    def doubts(self, tokens: Iterable[tuple[str, str]]) -> set[str]:
        """The kinds of doubt that some words raise."""
        kinds = {kind for _, kind in tokens if kind and kind not in _NO_DOUBT}
        if "differential" in kinds:
            kinds.remove("differential")
            if not any(kind == "absolute" for _, kind in tokens):
                kinds.add("percent")
        return kinds


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """What finds phrases, the longest first: by whole words, but anywhere in a script without spaces."""
    longest = sorted(phrases, key=len, reverse=True)
    spaced = [re.escape(each) for each in longest if each[0].isalnum() and not _unspaced(each)]
    others = [re.escape(each) for each in longest if not each[0].isalnum() or _unspaced(each)]
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(spaced)})(?![^\W_])|{'|'.join(others)}")


Key = frozenset[str]


class TestNames:
    """Look-ups of tests by code and by name, made once for a knowledge base."""

    __test__ = False

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._words = _Words(knowledge)
        self._exact: dict[Key, Test] = {}
        self._bare: dict[Key, Test] = {}
        # Records repeat a few names often.
        self._of_name = lru_cache(maxsize=4096)(self._read_name)
        self._of_near = lru_cache(maxsize=4096)(self._read_near)
        # Of what has no unit, its presence is the result.
        self._natural = {row.id: set() if row.unit else {"other"} for row in knowledge.tables["analytes"]}
        # The first meaning of a name stays: what is doubted is learnt first.
        for row in sorted(knowledge.tables["test_names"], key=lambda row: row.believed):
            self._learn(row.name, Test(row.analyte, None if row.believed == "yes" else row.property))
        for row in knowledge.tables["analytes"]:
            for name in (row.id, row.name, *split(row.synonyms)):
                self._learn(name, Test(row.id))

    @cached_property
    def _codes(self) -> dict[tuple[str, str], Test]:
        return {
            (row.system, row.code): Test(row.analyte, None if row.believed == "yes" else row.property)
            for row in self._knowledge.tables["test_codes"]
        }

    @cached_property
    def _coded(self) -> set[tuple[str, str | None]]:
        """Which analytes have codes of which systems."""
        return {(system, test.analyte) for (system, _), test in self._codes.items()}

    def _learn(self, name: str, test: Test) -> None:
        # Names of the tables hold no units, and few a specimen before a dash.
        said = folded(name.replace("_", " "))
        tokens = self._words.tokens(self._words.marked(said) if "-" in said[:3] else self._words.phrased(said))
        named = [each for each in tokens if each[1] not in ("plain", "absolute")]
        self._exact.setdefault(frozenset(token for token, _ in tokens), test)
        # Where only a plain word makes it another test, as in "haemoglobin plasma", the others alone are none.
        whole = not test.doubt or len(named) == len(tokens)
        if whole and (len(named) > 1 or any(kind != "weak" for _, kind in named)):
            self._bare.setdefault(frozenset(token for token, _ in named), test)
        if test.analyte and not test.doubt:
            self._natural[test.analyte] |= self._words.doubts(tokens)

    def test(self, names: str | Iterable[str] | None, codings: Iterable[tuple[str, str]] = ()) -> Test:
        """What the names and the (system, code) pairs of one test mean together.

        >>> from azaward.knowledge import load
        >>> tests = TestNames(load())
        >>> tests.test("Neutrophils (10^9/L)").analyte, tests.test("Neutrophils %").doubt
        ('neutrophils', 'percent')
        >>> tests.test("Neutrophils", [(LOINC, "768-2")])
        Test(analyte='neutrophils', doubt='segmented')
        """
        texts = [names] if isinstance(names, str) else [name for name in names or () if name]
        codes = list(codings)
        listed = [test for system, code in codes if (test := self._of_code(system, code))]
        listed += [test for text in texts for test in self._in_text(text)]
        # A code without a system may be one of LOINC; under another system it only raises doubts.
        unknown = [(system, code) for system, code in codes if system not in _SYSTEMS]
        listed += [test for system, code in unknown for test in self._in_text(code) if test.doubt or not system]
        said = [self._of_name(text) for text in texts]
        # A laboratory's own code may be a name, but what else is in it says nothing.
        local = [self._of_name(code) for _, code in unknown]
        said += [reading for reading in local if reading.test.analyte and not reading.test.doubt]
        if listed:
            return self._with_code(listed, said)
        named = self._by_name(said, codes)
        return named if named.analyte else self._like((*texts, *(code for _, code in unknown)))

    @cached_property
    def _near(self) -> NearTests:
        """Names of what is measured in blood: of height and weight a near name hides nothing severe."""
        of_blood = {row.id for row in self._knowledge.tables["analytes"] if row.panel in _OF_BLOOD}
        known = ((key, test) for key, test in self._bare.items() if not test.doubt and test.analyte in of_blood)
        return NearTests({key: str(test.analyte) for key, test in known})

    def _like(self, texts: Iterable[str]) -> Test:
        """The analyte that unknown names may mean, with the doubt that names them."""
        return next((test for text in texts if (test := self._of_near(text)).analyte), UNKNOWN)

    def _read_near(self, text: str) -> Test:
        tokens = self._words.tokens(self._words.marked(folded(text)))
        near = self._near.near(each for each in tokens if each[1] not in ("plain", "absolute"))
        if near is None:
            return UNKNOWN
        return Test(near.analyte, _worst(self._words.doubts(tokens)) or told(near.looks, text))

    def _of_code(self, system: str, code: str) -> Test | None:
        if system not in _SYSTEMS:
            return None
        code = code.strip()
        if system == READ and (system, code) not in self._codes:
            # With its two digits for a term, or without the dots at its end.
            code = code[:-2] if len(code) == 7 and code.endswith("00") else code.ljust(5, ".")
        elif system in (NPU, JLAC10):
            code = code.upper().replace("-", "")
        return self._codes.get((system, code)) or self._codes.get((system, f"{code[:_JLAC10_SPECIMEN]}*"))

    def _in_text(self, text: str) -> list[Test]:
        """What the codes mean that stand in a name: "Neutrophils (770-8)"."""
        if not any(letter.isdigit() for letter in text):
            return []
        found = [self._of_code(system, code) for form, system in _BARE for code in form.findall(text)]
        return [test for test in found if test]

    def _with_code(self, listed: list[Test], said: list[_Reading]) -> Test:
        """A code decides over the names, but neither a doubted code nor a doubt of a name is ever overruled."""
        if doubted := next((test for test in listed if test.doubt), None):
            return doubted
        first = listed[0]
        if doubt := _worst(self._doubts(first, said) - {WORDS}):
            return Test(first.analyte, doubt)
        others = {test.analyte for test in listed} | {each.test.analyte for each in said if each.test.doubt != WORDS}
        return first if others <= {first.analyte, None} else Test(first.analyte, CODE)

    def _by_name(self, said: list[_Reading], codes: list[tuple[str, str]]) -> Test:
        named = [each.test for each in said if each.test.analyte]
        if not named:
            return UNKNOWN
        first = next((test for test in named if not test.doubt), named[0])
        doubts = self._doubts(first, said) - {WORDS}
        if len({test.analyte for test in named if test.doubt != WORDS}) > 1:
            doubts.add(CODE)
        if any(system in _EXACT and (system, first.analyte) in self._coded for system, _ in codes):
            doubts.add(CODE)
        return Test(first.analyte, _worst(doubts) or first.doubt)

    def _doubts(self, about: Test, said: list[_Reading]) -> set[str]:
        """The doubts that some names raise about an analyte: urine is none about the protein in it."""
        raised = {doubt for each in said for doubt in (*each.doubts, each.test.doubt) if doubt}
        return raised - self._own(about)

    def _own(self, test: Test) -> set[str]:
        """What would be a doubt about another analyte and belongs to the names of this one."""
        return self._natural.get(str(test.analyte), set[str]())

    def _read_name(self, text: str) -> _Reading:
        """What a name means, with every doubt that its words raise."""
        marked = self._words.marked(folded(text))
        tokens = self._words.tokens(marked)
        doubts = self._words.doubts(tokens)
        test = self._whole(tokens) or self._in_pieces(marked, doubts)
        if test.doubt in _PARTS and _ADDED.search(text):
            # Two parts together are the whole, or nearly: never less than it.
            return _Reading(Test(test.analyte, "group"), frozenset())
        return _Reading(test, frozenset() if test.analyte and not test.doubt else frozenset(doubts))

    def _whole(self, tokens: list[tuple[str, str]]) -> Test | None:
        """A name all of whose words are known: as it stands, or without the words that raise a doubt."""
        if test := self._exact.get(frozenset(token for token, _ in tokens)):
            return test
        named = [(token, kind) for token, kind in tokens if kind not in ("plain", "absolute")]
        if test := self._bare.get(frozenset(token for token, _ in named)):
            return test
        doubts = self._words.doubts(tokens)
        for dropped in (("differential",), _AROUND, DOUBTS):
            kept = frozenset(token for token, kind in named if kind not in dropped and kind != "differential")
            if kept != frozenset(token for token, _ in named) and (test := self._bare.get(kept)):
                return Test(test.analyte, _worst(doubts - self._own(test)) or test.doubt)
        return None

    def _in_pieces(self, marked: str, doubts: set[str]) -> Test:
        """A name with another in brackets, behind a comma or a stroke: "Leucocytes (GB)", "ALT/SGPT"."""
        pieces = [tokens for piece in _PIECES.split(marked) if (tokens := self._words.tokens(piece))]
        if len(pieces) < 2:
            return UNKNOWN
        read = [self._whole(tokens) for tokens in pieces]
        found = [test for test in read if test]
        if not found:
            return UNKNOWN
        if len({test.analyte for test in found}) > 1:
            return Test(found[0].analyte, "ratio")
        unread = any(
            test is None and any(not kind for _, kind in tokens) for test, tokens in zip(read, pieces, strict=True)
        )
        doubt = _worst(doubts - self._own(found[0]) | {test.doubt for test in found if test.doubt})
        return Test(found[0].analyte, doubt or (WORDS if unread else None))


def _worst(doubts: Iterable[str]) -> str | None:
    return min(doubts, key=DOUBTS.index, default=None)


@lru_cache(maxsize=2)
def loinc_codes(knowledge: Knowledge) -> Mapping[str, str]:
    """The LOINC code to ask for each analyte by: the first in test_codes.csv that is believed.

    >>> from azaward.knowledge import load
    >>> loinc_codes(load())["neutrophils"]
    '751-8'
    """
    rows = [row for row in knowledge.tables["test_codes"] if row.system == LOINC and row.believed == "yes"]
    return {row.analyte: row.code for row in reversed(rows)}
