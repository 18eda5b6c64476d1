"""What a laboratory measures, in which units, and what tests are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from azaward.knowledge.loading.schema.columns import AnalyteId, Closed, Own, Prose, TestId, WrittenUnit
from azaward.knowledge.loading.schema.facts import Fact, Row, UnitCode
from azaward.terms import Action, Comparison, Urgency

Panel = Literal[
    "blood count",
    "liver",
    "infection",
    "thiopurine",
    "body",
    "kidney",
    "inflammation",
    "pancreas",
    "pregnancy",
    "urine",
]
# What a test has places for; rows of one test with the same slot fill one place.
Slot = Literal[
    "albumin",
    "antibody",
    "examination",
    "filtration",
    "height",
    "immunity",
    "marker",
    "measurement",
    "mmp",
    "neutrophils",
    "pancreatic enzyme",
    "platelets",
    "screen",
    "status",
    "surface antigen",
    "test",
    "tgn",
    "transaminase",
    "vaccine",
    "wbc",
    "weight",
]


class Analyte(Fact, frozen=True):
    id: Own
    name: Own
    plain_name: Own
    panel: Panel | None
    unit: UnitCode | None
    synonyms: Own | None
    plausible_low: float | None
    plausible_high: float | None
    molar_mass: float | None
    worse: Literal["low", "high", "both"] | None
    plain_meaning: Prose


CodeSystem = Literal[
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://npu-terminology.org",
    "urn:oid:1.2.392.200119.4.504",
    "http://read.info/readv2",
]
# What makes a test another one than the analyte that it looks like.
Unlike = Literal["specimen", "percent", "glycated", "segmented", "bands", "group", "part", "ratio", "other"]
# What a test measures of its analyte.
Like = Literal[
    "activity",
    "antibody or antigen",
    "body",
    "concentration",
    "count",
    "presence",
    "rate",
    "urine",
    "volume",
]


class TestCode(Fact, frozen=True):
    """A code for a test. `believed` is `no` where it looks like the analyte and is another test.

    A code that ends with `*` is the beginning of every code of that test: the analyte and the specimen of JLAC10.
    """

    system: CodeSystem
    code: Own
    name: Own | None
    analyte: AnalyteId
    property: Literal[Like, Unlike]
    believed: Literal["yes", "no"]


class TestName(Fact, frozen=True):
    """A name that laboratories use for a test, beside the synonyms of its analyte."""

    name: Own
    language: Literal[
        "Arabic",
        "Bulgarian",
        "Chinese",
        "Croatian",
        "Czech",
        "Danish",
        "Dutch",
        "English",
        "Estonian",
        "Finnish",
        "French",
        "German",
        "Greek",
        "Hebrew",
        "Hungarian",
        "Hindi",
        "Indonesian",
        "Italian",
        "Japanese",
        "Korean",
        "Norwegian",
        "Persian",
        "Polish",
        "Portuguese",
        "Romanian",
        "Russian",
        "Slovak",
        "Slovenian",
        "Spanish",
        "Swedish",
        "Thai",
        "Turkish",
        "Ukrainian",
        "Vietnamese",
    ]
    analyte: AnalyteId
    property: Unlike | None
    believed: Literal["yes", "no"]


class TestWords(Row, frozen=True):
    """What laboratories put around a name: nothing, or what makes it another test; says nothing of medicine.

    `differential` means a percentage unless a word of `absolute` stands beside it. A word of `weak` is no name alone.
    A word of `another` belongs to tests that nothing here reads, so that a name near to a known one isn't asked about.
    """

    kind: Literal["plain", "absolute", "differential", "weak", "another", Unlike]
    words: Own


SpecimenSystem = Literal[
    "http://terminology.hl7.org/CodeSystem/v2-0487",
    "http://terminology.hl7.org/CodeSystem/v2-0070",
    "http://terminology.hl7.org/CodeSystem/v2-0163",
    "http://terminology.hl7.org/CodeSystem/v3-SpecimenType",
    "http://snomed.info/sct",
]
# What a specimen is made of. A `site` is where blood is drawn, a `place` any other part of the body, and `nothing` says
# no more than that there is a specimen.
Holds = Literal["blood", "red cells", "urine", "other", "site", "place", "tube", "nothing", "unsaid", "no site"]


class Specimen(Fact, frozen=True):
    """What a code for a specimen, or words of one, mean. A row without a code is a list of words."""

    system: SpecimenSystem | None
    code: Own | None
    name: Own
    holds: Holds


# `<` and `>` are off the scale of the instrument; `other` is a mark that says neither how far from normal a value is
# nor that it is normal.
Flag = Literal["LL", "HH", "AA", "L", "H", "A", "N", "<", ">", "other"]


class ResultFlag(Fact, frozen=True):
    """What a laboratory's mark beside a result means, as a code, a sign or words."""

    code: Own
    flag: Flag
    meaning: Prose


class ReportWords(Fact, frozen=True):
    """Words of reports, samples and allergies; a star stands for any ending.

    The meaning of each kind is in report_words.py, allergy_words.py and, for numbers, readers/fhir/values.py.
    """

    kind: Literal[
        "serious",
        "denies",
        "denied",
        "open",
        "parts",
        "lists",
        "sound",
        "calm",
        "allergy",
        "intolerance",
        "to",
        "unallergic",
        "except",
        "group",
        "earlier",
        "if",
        "aims",
        "links",
        "under",
        "elsewhere",
        "about",
        "findings",
        "virus",
        "past",
        "recent",
        "positive",
    ]
    words: Own


class Unit(Fact, frozen=True):
    written: Own
    ucum: UnitCode


class Conversion(Row, frozen=True):
    """Made by scripts/conversions.py from the UCUM library; a test holds the two together."""

    analyte: AnalyteId
    written: WrittenUnit
    factor: float
    offset: float


class Test(Fact, frozen=True):
    test: Own
    name: Own
    plain_name: Own
    slot: Slot
    satisfied_by: Literal["analyte", "genotype", "event"]
    code: Annotated[str, Closed("what fills a test", by=("satisfied_by",))]
    why_plain: Prose


class Lateness(Fact, frozen=True):
    """A step on which a scheduled test is late: by so many intervals, or by so many days where those are fewer.

    A row without a test is for the tests that have no rows of their own.
    """

    test: TestId | None
    tested: Literal["since the start", "never since the start"]
    time: Literal["any", "first weeks"]
    tpmt: Literal["any", "not known"]
    late_intervals: float
    late_days: float | None
    action: Action
    urgency: Urgency


class Order(Fact, frozen=True):
    """How a test is asked for in LOINC: the code of its panel, or of the one analyte that answers it."""

    test: TestId
    loinc: Own
    display: Own


class BiologicalVariation(Fact, frozen=True):
    analyte: AnalyteId
    population: Literal["healthy", "UK primary care"]
    cv_within_percent: float
    cv_between_percent: float | None
    cv_analytical_percent: float | None


class EnzymeBand(Fact, frozen=True):
    method: Own
    unit: UnitCode
    category: Literal["deficient", "low", "intermediate", "normal", "high"]
    low: float | None
    high: float | None
    says: Prose


class OwnLevel(Fact, frozen=True):
    """A limit that a source judges by more than its number: by what is known of the person, up to `up_to`."""

    analyte: AnalyteId
    side: Literal["low", "high"]
    because: Literal["known-cause", "before-treatment", "own-level", "kidneys-good", "unexplained"]
    cause: Annotated[str, Closed("known cause")] | None
    level: Literal["steady", "not-changed", "any"]
    up_to: float | None
    up_to_of: Literal["absolute", "upper-limit-of-normal", "egfr"] | None
    change_percent: float | None
    action: Action
    urgency: Urgency
    says: Prose


Pattern = Literal["not_taking", "under_dosed", "shunting", "therapeutic", "over_dosed"]


class Metabolites(Fact, frozen=True):
    protocol: Annotated[str, Closed("protocol, or its own for children")]
    pattern: Pattern
    tgn_low: float | None
    tgn_high: float | None
    mmp_low: float | None
    mmp_high: float | None
    ratio_low: float | None
    ratio_high: float | None
    action: Action
    urgency: Urgency
    meaning: Prose
    says: Prose


class Floor(Fact, frozen=True):
    """What is severe under every protocol. Rows with a `sign` count together: two parts of it are needed.

    `own-level`: so many times the mean of the up to five results before the last.
    """

    sign: Own | None
    part: Own | None
    analyte: AnalyteId
    comparison: Comparison
    value: float
    relative_to: Literal["absolute", "upper-limit-of-normal", "no-limit-given", "own-level"]
    unless_known: Annotated[str, Closed("class of events")] | None
    action: Action
    urgency: Urgency
    test: TestId
    says: Prose


TABLES: dict[str, type[Row]] = {
    "analytes": Analyte,
    "test_codes": TestCode,
    "test_names": TestName,
    "test_words": TestWords,
    "specimens": Specimen,
    "result_flags": ResultFlag,
    "report_words": ReportWords,
    "units": Unit,
    "conversions": Conversion,
    "tests": Test,
    "lateness": Lateness,
    "orders": Order,
    "biological_variation": BiologicalVariation,
    "own_level": OwnLevel,
    "enzyme_activity": EnzymeBand,
    "metabolites": Metabolites,
    "floor": Floor,
}
