"""From the words and codes that records use to the ids of this knowledge base.

A name is matched whole, never by resemblance: what isn't known stays as it came (`unknown:` in front of a
medicine) and is reported. Matching ignores case, punctuation and, for medicines, strength and form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.laboratory import Flag
from azaward.knowledge.loading.words.allergy_words import AllergyWords
from azaward.knowledge.loading.words.reactions import ANY, UNCLEAR, Reactions
from azaward.knowledge.loading.words.report_words import ReportWords
from azaward.knowledge.loading.words.specimens import OTHER_NAMES, Flags, Measured, Specimens
from azaward.knowledge.loading.words.test_names import JLAC10, LOINC, NPU, READ, SNOMED, Test, TestNames

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
DMD = "https://dmd.nhs.uk"
PZN = "http://fhir.de/CodeSystem/ifa/pzn"
CVX = "http://hl7.org/fhir/sid/cvx"
NDC = "http://hl7.org/fhir/sid/ndc"
DIN = "http://hl7.org/fhir/NamingSystem/ca-hc-din"
# The French numbers of a medicine and of its packs.
UNII = "http://fdasis.nlm.nih.gov"
CIS, CIP = "urn:oid:1.2.250.1.213.2.3.1", "urn:oid:1.2.250.1.213.2.3.2"
# The Japanese number of a medicine (YJ).
YJ = "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"
ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "urn:oid:2.16.840.1.113883.6.3",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "http://fhir.de/CodeSystem/dimdi/icd-10-gm",
)
_Phenotypes = dict[tuple[str, frozenset[str]], str]
# Other names by which record systems call the code systems: addresses and OIDs of FHIR and CDA, words of HL7 v2.
_SYSTEMS = {
    name: system
    for system, names in {
        LOINC: ("loinc.org", "2.16.840.1.113883.6.1", "ln", "lnc", "loinc"),
        SNOMED: ("2.16.840.1.113883.6.96", "sct", "snm", "snomed", "snomedct", "snomed-ct", "snomed ct"),
        NPU: ("npu-terminology.org", "1.2.208.176.2.1", "npu"),
        JLAC10: ("1.2.392.200119.4.504", "jc10"),
        READ: ("read.info/readv2", "read.info/v2", "read.info/ctv2", "read.info/ctv3", "read", "readv2", "ctv3"),
        RXNORM: ("nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88", "rxnorm"),
        ATC: (
            "whocc.no/atc",
            "2.16.840.1.113883.6.73",
            "fhir.de/codesystem/bfarm/atc",
            "fhir.de/codesystem/dimdi/atc",
            "atc",
        ),
        DMD: ("dmd.nhs.uk", "dmd", "dm+d"),
        PZN: ("fhir.de/codesystem/ifa/pzn", "pzn"),
        NDC: ("hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69", "ndc"),
        DIN: ("hl7.org/fhir/namingsystem/ca-hc-din", "hl7.org/fhir/ns/ca-hc-din", "2.16.840.1.113883.5.1105", "din"),
        CIS: ("1.2.250.1.213.2.3.1", "cis"),
        CIP: ("1.2.250.1.213.2.3.2", "cip", "cip13", "cip7"),
        UNII: ("fdasis.nlm.nih.gov", "2.16.840.1.113883.4.9", "unii"),
        YJ: (
            "capstandard.jp/iyaku.info/codesystem/yj-code",
            "capstandard.jp/iyaku.info/codesystem/yj-code-active",
            "jpfhir.jp/fhir/core/codesystem/jp_jfagymedicationallergen_cs",
            "jpfhir.jp/fhir/core/codesystem/ycm/jp_jfagymedicationallergen_cs",
            "1.2.392.100495.20.1.73",
            "1.2.392.100495.20.2.73",
            "yj",
        ),
        CVX: ("hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292", "2.16.840.1.113883.6.59", "cvx"),
        ICD10[0]: ("hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3", "icd-10", "icd10", "i10"),
        f"{ICD10[0]}-cm": ("hl7.org/fhir/sid/icd-10-cm", "icd-10-cm", "icd10cm", "i10c"),
        ICD10[2]: ("fhir.de/codesystem/bfarm/icd-10-gm",),
        ICD10[3]: ("fhir.de/codesystem/dimdi/icd-10-gm",),
        **OTHER_NAMES,
    }.items()
    for name in names
}
_ADDRESS = re.compile(r"^(?:https?://)?(?:www\.)?|^(?:urn:)?oid:|\|.*$|[/#]+$")
_ASIDE = re.compile(r"\s\([^()]*\)")  # a brand, a maker, SNOMED's "(disorder)"
_SEPARATORS = re.compile(r"[^\w+/&-]+")


class Coding(NamedTuple):
    """A code of a code system, as FHIR writes it."""

    system: str
    code: str

    @classmethod
    def of(cls, system: str, code: str) -> Coding:
        """A coding with its system under the name that this knowledge base uses.

        >>> Coding.of("https://loinc.org/", " 751-8 ") == Coding.of("LN", "751-8")
        True
        """
        return cls(_known_system(system), code.strip())


@lru_cache(maxsize=1024)
def _known_system(system: str) -> str:
    """A code system however it is written: by http or https, with a slash, an edition of SNOMED CT, an OID, a word."""
    name = _ADDRESS.sub("", system.strip().casefold())
    if name.startswith("snomed.info/sct"):
        return SNOMED
    if "jlac10" in name:
        return JLAC10
    return _SYSTEMS.get(name, system.strip())


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """A name without case and surplus punctuation.

    >>> plain("  Crohn's  Disease, unspecified ")
    'crohn s disease unspecified'
    """
    return _SEPARATORS.sub(" ", text.casefold()).strip()


_THIOPURINES = ("azathioprine", "mercaptopurine", "tioguanine")


class Vocabulary:
    """Look-ups by code and by name, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._meant: dict[tuple[str | tuple[str, ...] | None, tuple[Coding, ...]], Test] = {}
        self._told: dict[tuple[str, str | None, tuple[Coding, ...]], list[tuple[str, str]]] = {}
        self._read_indications(knowledge)
        self._read_events(knowledge)
        self._read_genes(knowledge)

    def _read_indications(self, knowledge: Knowledge) -> None:
        self._indications: dict[str, str] = {}
        self._icd10: dict[str, str] = {}
        self._indication_codes: dict[Coding, str] = {}
        for row in knowledge.tables["indications"]:
            for name in (row.id, row.id.replace("_", " "), row.name, row.plain_name, *split(row.synonyms)):
                self._indications.setdefault(plain(name), row.id)
            for code in split(row.icd10):
                self._icd10[code] = row.id
            self._indication_codes |= {Coding(SNOMED, code): row.id for code in split(row.snomed)}

    def _read_events(self, knowledge: Knowledge) -> None:
        self._events: dict[tuple[str, str], str] = {}
        self._event_codes: dict[Coding, tuple[str, str]] = {}
        for row in knowledge.tables["events"]:
            for name in (row.code, row.code.replace("_", " "), *split(row.synonyms)):
                self._events.setdefault((row.kind, plain(name)), row.code)
            for coding in split(row.codings):
                system, _, code = coding.partition("|")
                self._event_codes[Coding(system, code)] = (row.kind, row.code)
        # What passes: on record as a condition, it says when it was and not that it goes on.
        self._passing = {row.symptom for row in knowledge.tables["floor_symptoms"] if row.passes}
        grave = {row.symptom for row in knowledge.tables["floor_symptoms"]}
        self._within = {kind: self._words_within(kind, grave) for kind in _SEARCHED}
        self._hot = knowledge.parameters["fever_celsius"].value
        self._reactions = Reactions(
            self._names_of_thiopurines(),
            {
                name: code
                for (kind, name), code in self._events.items()
                if kind != "allergy" and name.startswith(f"{ANY} ")
            },
        )

    def _names_of_thiopurines(self) -> Iterator[str]:
        for row in self._knowledge.tables["medicines"]:
            if row.id in _THIOPURINES:
                yield from dict.fromkeys((row.id, plain(row.name)))
        for row in self._knowledge.tables["medicine_names"]:
            if row.ingredients in _THIOPURINES:
                yield plain(row.name)

    def _read_genes(self, knowledge: Knowledge) -> None:
        self._functions: dict[tuple[str, str], str | None] = {
            (row.gene, row.allele): row.function for row in knowledge.tables["alleles"]
        }
        self._otherwise: dict[str, dict[tuple[str, str], str | None]] = {}
        for row in knowledge.tables["allele_classes"]:
            if row.body != "CPIC":
                own = self._otherwise.setdefault(row.body, dict(self._functions))
                own[row.gene, row.allele] = row.function
        self._phenotypes = _pair_phenotypes(knowledge)
        self._phenotype_names = {plain(name): name for name in self._phenotypes.values()}

    @cached_property
    def _tests(self) -> TestNames:
        return TestNames(self._knowledge)

    def test(self, text: str | Iterable[str] | None, codings: Iterable[Coding] = ()) -> Test:
        """The analyte that a test's name or names and codes mean, and the doubt that keeps it from being believed."""
        named = text if text is None or isinstance(text, str) else tuple(text)
        key = (named, tuple(codings))
        if key not in self._meant:
            if len(self._meant) > _KEPT:
                self._meant.clear()
            self._meant[key] = self._tests.test(*key)
        return self._meant[key]

    def analyte(self, text: str | None, codings: Iterable[Coding] = ()) -> str | None:
        """The analyte's id where the test is believed: from its code, or else from its name."""
        test = self.test(text, codings)
        return None if test.doubt else test.analyte

    @cached_property
    def _specimens(self) -> Specimens:
        return Specimens(self._knowledge, _known_system)

    @cached_property
    def _flags(self) -> Flags:
        return Flags(self._knowledge)

    def specimen(self, text: str, analyte: str) -> Measured:
        """Whether a result of an analyte from a specimen, in words or by its code, is one of that analyte."""
        return self._specimens.measured(text, analyte)

    def other_materials(self, text: str) -> tuple[str, ...]:
        """The other materials than blood that a text names anywhere: of a report, a method, a category."""
        return self._specimens.other_materials(text)

    def is_no_site(self, text: str) -> bool:
        """Whether a text says no more than that no part of the body is given."""
        return self._specimens.is_no_site(text)

    def stated_materials(self, text: str) -> tuple[str, ...]:
        """The other materials than blood that a note says the sample is."""
        return self._specimens.stated_materials(text)

    def is_sound(self, condition: str) -> bool:
        """Whether a specimen in this condition can be measured as it should be."""
        return self._reports.is_sound(condition)

    def is_serious(self, text: str) -> bool:
        """Whether a text says, and doesn't deny, what somebody has to read today."""
        return self._reports.is_serious(text)

    def is_calm(self, text: str) -> bool:
        """Whether a text says no more than that all is well."""
        return self._reports.is_calm(text)

    @cached_property
    def allergies(self) -> AllergyWords:
        """The words of allergies."""
        return AllergyWords(self._knowledge)

    @cached_property
    def _reports(self) -> ReportWords:
        return ReportWords(self._knowledge)

    def flag(self, text: str) -> Flag | None:
        """What a laboratory's mark beside a result means; None where it isn't understood."""
        return self._flags.flag(text)

    def indication(self, text: str | None, codings: Iterable[Coding] = ()) -> str | None:
        """The indication's id from SNOMED and ICD-10 codes, then from names."""
        for coding in codings:
            if indication := self._indication_codes.get(coding):
                return indication
            if coding.system.startswith(ICD10):
                code = coding.code.upper()
                for length in range(len(code), 2, -1):
                    if indication := self._icd10.get(code[:length].rstrip(".")):
                        return indication
        if not text:
            return None
        return self._indications.get(plain(text)) or self._indications.get(plain(_ASIDE.sub("", text)))

    def event(self, kind: str, text: str | None, codings: Iterable[Coding] = ()) -> tuple[str, str] | None:
        """The first of `events`: (kind, code)."""
        return next(iter(self.events(kind, text, codings)), None)

    def events(self, kind: str, text: str | None, codings: Iterable[Coding] = ()) -> list[tuple[str, str]]:
        """(kind, code) of each event that a text names, the most dangerous first.

        A code system's code may correct the kind (a transfusion among procedures). A text that is no name by itself may
        hold one or several: "sore throat, temp 39.2". Answers are kept: a record names few things many times.
        """
        key = (kind, text, tuple(codings))
        if key not in self._told:
            if len(self._told) > _KEPT:
                self._told.clear()
            self._told[key] = self._find_events(*key)
        return self._told[key]

    def _find_events(self, kind: str, text: str | None, codings: tuple[Coding, ...]) -> list[tuple[str, str]]:
        for coding in codings:
            if event := self._event_codes.get(coding):
                return [event]
        if not text:
            return []
        if exact := self._exactly(kind, text):
            return [exact]
        blamed = self._reactions.of(plain(text))
        if blamed in (None, UNCLEAR) and self.allergies.complains(text):
            denied = self.allergies.denies(text)
            blamed = None if denied else self._reactions.of(plain(self.allergies.in_english(text)))
        if blamed and blamed != UNCLEAR:
            return [("condition", blamed)]
        if exact := self._exactly(kind, _ASIDE.sub("", text)):
            return [exact]
        if found := self._named_within(kind, text):
            return found
        return [("condition", blamed)] if blamed and kind in _ILL else []

    def _exactly(self, kind: str, text: str) -> tuple[str, str] | None:
        for candidate in (kind, *_NEAR_KINDS.get(kind, ())):
            if code := self._events.get((candidate, plain(text))):
                return self._of_kind(kind, candidate, code)
        return None

    def _named_within(self, kind: str, text: str) -> list[tuple[str, str]]:
        """What a longer text names, unless it denies it; of a condition the first counts for all."""
        words = plain(text)
        if kind not in _SEARCHED or _DENIED.search(words) or self.indication(text):
            return []
        for candidate in dict.fromkeys((kind, *(near for near in _NEAR_KINDS.get(kind, ()) if near in _SEARCHED))):
            pattern, order = self._within[candidate]
            named = sorted({*pattern.findall(words)}, key=order.__getitem__)
            codes = dict.fromkeys(self._events[candidate, name] for name in named)
            if candidate == "symptom" and self._says_fever(text):
                codes = {"fever": None} | codes
            if codes:
                found = [self._of_kind(kind, candidate, code) for code in codes]
                return found if candidate in ("symptom", "infection") else found[:1]
        return []

    def _of_kind(self, kind: str, found: str, code: str) -> tuple[str, str]:
        return (kind, code) if kind == "condition" and found == "symptom" and code in self._passing else (found, code)

    def _says_fever(self, text: str) -> bool:
        """Whether a text gives a temperature that is a fever: "temp 39.2", "T 39C"."""
        degrees = _TEMPERATURE.search(text)
        return degrees is not None and float(degrees[1].replace(",", ".")) >= self._hot

    def _words_within(self, kind: str, grave: set[str]) -> tuple[re.Pattern[str], dict[str, int]]:
        """What finds the names of a kind in a longer text, and their order: the most dangerous first, then the longest.

        Names of a few letters are found in too many other words.
        """
        names = [name for of_kind, name in self._events if of_kind == kind and len(name) > _SHORTEST]
        names.sort(key=lambda name: (self._events[kind, name] not in grave, -len(name)))
        longest = sorted(names, key=len, reverse=True)
        return re.compile(rf"\b({'|'.join(map(re.escape, longest))})(?:s|es)?\b"), {n: i for i, n in enumerate(names)}

    def phenotype(self, text: str) -> str | None:
        """A phenotype in the words of phenotype_rules.csv, from British spelling or a laboratory's abbreviation.

        "Normal", "NM" and the like are understood; anything unclear is not.
        """
        name = plain(text).replace("metaboliser", "metabolizer")
        return self._phenotype_names.get(name) or _PHENOTYPE_WORDS.get(name)

    def diplotype_phenotype(self, gene: str, diplotype: str) -> str | None:
        """The phenotype of a diplotype such as *1/*3A by the functions of its alleles."""
        return self._of_diplotype(self._functions, gene, diplotype)

    def diplotype_phenotypes(self, gene: str, diplotype: str) -> list[str]:
        """Every phenotype that a body gives the diplotype: CPIC's, and DPWG's where it classes an allele otherwise."""
        bodies = (self._functions, *self._otherwise.values())
        phenotypes = (self._of_diplotype(functions, gene, diplotype) for functions in bodies)
        return list(dict.fromkeys(phenotype for phenotype in phenotypes if phenotype))

    def _of_diplotype(self, of: Mapping[tuple[str, str], str | None], gene: str, diplotype: str) -> str | None:
        functions = [of.get((gene, allele.strip())) for allele in diplotype.split("/")]
        if len(functions) != 2 or None in functions:
            return None
        return self.pair_phenotype(gene, str(functions[0]), str(functions[1]))

    def pair_phenotype(self, gene: str, function_1: str, function_2: str) -> str | None:
        """The phenotype of two allele functions: the rule for this gene, else the rule for any gene."""
        return _of_pair(self._phenotypes, gene, function_1, function_2)


def pair_phenotype(knowledge: Knowledge, gene: str, function_1: str, function_2: str) -> str | None:
    """As `Vocabulary.pair_phenotype`, for who needs no other word: the vocabulary takes ten times as long to make.

    >>> from azaward.knowledge import load
    >>> pair_phenotype(load(), "TPMT", "No function", "Normal function")
    'Intermediate Metabolizer'
    """
    return _of_pair(_pair_phenotypes(knowledge), gene, function_1, function_2)


def _of_pair(phenotypes: _Phenotypes, gene: str, function_1: str, function_2: str) -> str | None:
    pair = frozenset(word.replace("Function not assigned", "Unknown function") for word in (function_1, function_2))
    return phenotypes.get((gene, pair)) or phenotypes.get(("any", pair))


@lru_cache(maxsize=2)
def _pair_phenotypes(knowledge: Knowledge) -> _Phenotypes:
    return {
        (row.gene, frozenset((row.function_1, row.function_2))): row.phenotype
        for row in knowledge.tables["phenotype_rules"]
    }


@lru_cache(maxsize=2)
def vocabulary(knowledge: Knowledge) -> Vocabulary:
    """The look-ups of a knowledge base, made once."""
    return Vocabulary(knowledge)


_SEARCHED = ("symptom", "condition", "infection", "exposure_to_infection", "pregnancy")
_SHORTEST = 4
_KEPT = 20_000
_DENIED = re.compile(
    r"\b(no|not|never|nil|without|denies|denied|family|risk|fear|screen\w*|excluded|ruled out|benign|"
    r"resolved|vaccin\w*|immunity|immune to|carrier)\b"
)
_TEMPERATURE = re.compile(r"\b(?:t|temp|temps|temperature|fever)\b[^0-9]{0,8}([34]\d(?:[.,]\d+)?)", re.I)
# What may say in its own words that a thiopurine did harm.
_ILL = ("condition", "allergy", "symptom")
_NEAR_KINDS: Mapping[str, tuple[str, ...]] = {
    "condition": ("infection", "symptom", "pregnancy", "exposure_to_infection", "breastfeeding"),
    "procedure": ("transfusion", "vaccination"),
    "infection": ("condition",),
    "symptom": ("condition", "infection"),
}
_PHENOTYPE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(("normal", "nm", "wild type", "normal activity"), "Normal Metabolizer"),
    **dict.fromkeys(
        ("intermediate", "im", "heterozygous", "low", "reduced", "intermediate activity", "low activity", "carrier"),
        "Intermediate Metabolizer",
    ),
    **dict.fromkeys(
        (
            "poor",
            "pm",
            "deficient",
            "absent",
            "homozygous deficient",
            "very low",
            "absent activity",
            "deficient activity",
        ),
        "Poor Metabolizer",
    ),
    "possible intermediate": "Possible Intermediate Metabolizer",
    "indeterminate": "Indeterminate",
}
