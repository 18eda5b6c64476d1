"""The dose that two phenotypes allow: the same advice as the rules of a record, never more for a weaker enzyme, and
never a usual dose for a gene that nobody knows."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest

from azaward.assessment import assess
from azaward.genetics.activity import read_activity, weigh
from azaward.genetics.dosing import BODIES, ORDER, Person, advice, plan, usual_dose
from azaward.genetics.possible import phenotype_of_body, possible_phenotypes
from azaward.knowledge import ACTIONS, load
from azaward.record import Record
from azaward.treatment import thiopurines

KNOWLEDGE = load()
NORMAL, INTERMEDIATE, POOR = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"
PAIRS = list(itertools.product(ORDER, ORDER))
CROHNS = Person(usual=usual_dose(KNOWLEDGE, "crohns_disease"), weight_kg=70)


def outcome(drug: str, tpmt: str | None, nudt15: str | None, person: Person = CROHNS):
    return plan(KNOWLEDGE, drug, {"TPMT": tpmt, "NUDT15": nudt15}, {}, person)


@pytest.mark.parametrize("indication", ["crohns_disease", "acute_lymphoblastic_leukaemia"])
@pytest.mark.parametrize("drug", thiopurines(KNOWLEDGE))
def test_a_genome_and_a_record_are_told_the_same(drug: str, indication: str) -> None:
    """The rule for records and the plan for genomes are two readings of one table: every pair, every body."""
    day = dt.date(2026, 11, 24)
    rows = {"patients": [], "exposures": [], "genotypes": []}
    for number, pair in enumerate(PAIRS):
        who = f"p{number}"
        rows["patients"].append({"patient_id": who, "birth_date": dt.date(1980, 1, 1), "indication": indication})
        rows["exposures"].append({"patient_id": who, "medicine": drug})
        for gene, phenotype in zip(("TPMT", "NUDT15"), pair, strict=True):
            rows["genotypes"].append(
                {"patient_id": who, "gene": gene, "phenotype": phenotype, "method": "genotype", "reported_on": day}
            )
    found = assess(Record.of(rows), day, knowledge=KNOWLEDGE)
    malignant = indication == "acute_lymphoblastic_leukaemia"
    for number, pair in enumerate(PAIRS):
        told = next(one for one in found.patients if one.patient_id == f"p{number}")
        by_rule = {
            (finding.sources[0].source, finding.sources[0].locator, finding.action)
            for finding in told.findings
            if finding.rule == "dosing"
        }
        # For a genome the usual dose is a plan; to a record, where other findings may say stop, it is news.
        ours = {
            (one.source, one.locator, "inform" if one.action == "continue" else one.action)
            for one in advice(KNOWLEDGE, drug, *pair, malignant=malignant)
        }
        assert ours == by_rule, pair


@pytest.mark.parametrize("drug", thiopurines(KNOWLEDGE))
@pytest.mark.parametrize("malignant", [False, True])
def test_a_weaker_enzyme_never_gets_a_less_cautious_plan(drug: str, malignant: bool) -> None:
    told = (POOR, INTERMEDIATE, NORMAL)
    person = Person(malignant=malignant)
    for tpmt, nudt15 in itertools.product(told, told):
        this = outcome(drug, tpmt, nudt15, person).outcome
        for weaker in itertools.product(told[: told.index(tpmt) + 1], told[: told.index(nudt15) + 1]):
            other = outcome(drug, *weaker, person).outcome
            if this.action == "test":  # no body says anything: stricter than any dose that is said
                continue
            assert ACTIONS.index(other.action) <= ACTIONS.index(this.action), (weaker, (tpmt, nudt15))
            if this.fraction and other.fraction:
                assert other.fraction[1] <= this.fraction[1]


@pytest.mark.parametrize("drug", thiopurines(KNOWLEDGE))
@pytest.mark.parametrize("untold", [None, "Indeterminate"])
@pytest.mark.parametrize("other", ORDER)
def test_a_gene_that_is_not_known_is_never_taken_as_normal(drug: str, untold: str | None, other: str) -> None:
    for pair in ((untold, other), (other, untold)):
        made = outcome(drug, *pair)
        assert ACTIONS.index(made.outcome.action) <= ACTIONS.index("test")
        assert made.outcome.urgency != "info"
        assert made.best is not None
        assert made.worst is not None
        assert ACTIONS.index(made.worst.action) <= ACTIONS.index(made.best.action)
        assert POOR in (made.worst.tpmt, made.worst.nudt15)
        assert "usual" not in made.says_patient.split(".")[0] or "harm" in made.says_patient


def test_nothing_known_at_all_asks_for_the_test() -> None:
    made = outcome("azathioprine", None, None)
    assert made.outcome.action == "test"
    assert made.bodies == []
    assert made.silent == list(BODIES)
    assert made.outcome.fraction is None
    assert any("TPMT is not known" in line for line in made.says)
    assert any("NUDT15 is not known" in line for line in made.says)


@pytest.mark.parametrize(
    ("pair", "action", "fraction", "mg", "tablets", "wait"),
    [
        ((NORMAL, NORMAL), "continue", (1, 1), (140, 140), "2 x 50 mg + 1 x 25 mg a day", (2, 2)),
        ((INTERMEDIATE, NORMAL), "reduce", (0.3, 0.5), (42, 70), "1 x 50 mg a day", (2, 4)),
        ((INTERMEDIATE, INTERMEDIATE), "reduce", (0.2, 0.5), (28, 70), "1 x 50 mg a day", (2, 4)),
        ((POOR, NORMAL), "do-not-start", None, None, None, None),
        ((NORMAL, POOR), "do-not-start", None, None, None, None),
    ],
)
def test_the_dose_of_azathioprine_for_crohns_disease(pair, action, fraction, mg, tablets, wait) -> None:
    made = outcome("azathioprine", *pair).outcome
    assert (made.action, made.fraction, made.start_mg_per_day, made.tablets, made.wait_weeks) == (
        action,
        fraction,
        mg,
        tablets,
        wait,
    )


def test_leukaemia_keeps_a_very_small_dose_of_mercaptopurine() -> None:
    made = outcome("mercaptopurine", POOR, NORMAL, Person(malignant=True))
    assert (made.outcome.action, made.outcome.fraction, made.outcome.wait_weeks) == ("reduce", (0, 0.1), (4, 6))
    assert {one.body: one.fraction for one in made.bodies} == {"CPIC": (0.1, 0.1), "DPWG": (0.1, 0.1), "FDA": (0, 0.1)}
    assert {one.body: one.wait_weeks for one in made.bodies}["CPIC"] == (4, 6)


def test_where_bodies_differ_it_is_said_and_the_cautious_one_decides() -> None:
    made = outcome("azathioprine", INTERMEDIATE, NORMAL)
    assert made.disagreement is not None
    assert "CPIC: reduce to 30-80%" in made.disagreement
    assert "DPWG: reduce to 50%" in made.disagreement
    assert outcome("azathioprine", NORMAL, NORMAL).silent == ["FDA"]


def test_without_weight_or_indication_no_dose_in_mg_is_made_up() -> None:
    bare = outcome("azathioprine", INTERMEDIATE, NORMAL, Person()).outcome
    assert (bare.start_mg_per_kg, bare.start_mg_per_day, bare.tablets) == (None, None, None)
    unweighed = outcome("azathioprine", INTERMEDIATE, NORMAL, Person(usual=CROHNS.usual)).outcome
    assert unweighed.start_mg_per_kg == (0.6, 1.0)
    assert unweighed.start_mg_per_day is None


def test_every_indication_has_a_usual_dose_or_none_is_invented() -> None:
    for row in KNOWLEDGE.tables["indications"]:
        usual = usual_dose(KNOWLEDGE, row.id)
        if usual is not None:
            assert usual.source in KNOWLEDGE.sources
            assert usual.start_mg_per_kg or usual.start_mg_per_day or usual.target_mg_per_kg


def test_an_allele_of_unknown_function_is_followed_both_ways() -> None:
    assert possible_phenotypes(KNOWLEDGE, "TPMT", ["*3A/*9"]) == (POOR, INTERMEDIATE)
    assert possible_phenotypes(KNOWLEDGE, "NUDT15", ["*1/*11"]) == (INTERMEDIATE, NORMAL)
    # Of an allele of decreased function it is known what it does.
    assert possible_phenotypes(KNOWLEDGE, "NUDT15", ["*1/*5"]) == (NORMAL,)
    assert possible_phenotypes(KNOWLEDGE, "NUDT15", ["*5/*11"]) == (POOR, NORMAL)
    assert possible_phenotypes(KNOWLEDGE, "NUDT15", ["not/known"]) == (POOR, INTERMEDIATE, NORMAL)


def test_dpwg_is_asked_with_its_own_class_of_an_allele() -> None:
    """CPIC cannot tell *1/*9; DPWG counts *9 as without function and halves the dose: so does the plan."""
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*1/*9", "Indeterminate") == INTERMEDIATE
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*1/*3A", INTERMEDIATE) == INTERMEDIATE
    made = plan(
        KNOWLEDGE,
        "azathioprine",
        {"TPMT": "Indeterminate", "NUDT15": NORMAL},
        {"TPMT": (INTERMEDIATE, NORMAL)},
        CROHNS,
        {"DPWG": {"TPMT": INTERMEDIATE, "NUDT15": NORMAL}},
    )
    assert {one.body: one.action for one in made.bodies} == {"CPIC": "test", "DPWG": "reduce"}
    assert made.outcome.action == "reduce"
    assert made.outcome.fraction == (0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "phenotype"),
    [
        ("8 nmol/h/g Hb", POOR),
        ("10 nmol/h/g{Hb}", INTERMEDIATE),
        ("25.5 nmol/h/gHb", INTERMEDIATE),
        ("26 nmol/h/g Hb", NORMAL),
        ("19 mU/L", POOR),
        ("20 mU/L", INTERMEDIATE),
        ("68 mU/L", NORMAL),
        ("200 mU/L", NORMAL),
        ("<10 nmol/h/g Hb", POOR),
        ("<26 nmol/h/g Hb", INTERMEDIATE),
        ("12 U/mL", POOR),
        ("12 U/mL Linkoping", NORMAL),
        ("30 U/mL ARUP", NORMAL),
        ("0 mU/L", POOR),
        ("2 nmol/mL/h", INTERMEDIATE),
    ],
)
def test_an_activity_is_read_in_the_bands_of_its_own_unit(text: str, phenotype: str) -> None:
    assert read_activity(text, KNOWLEDGE).phenotype == phenotype


@pytest.mark.parametrize("text", ["12", "12 furlongs", "high", ">5 mU/L", "", "mU/L 12", "12 U/mL Nowhere"])
def test_an_activity_that_cannot_be_read_says_why_and_counts_for_nothing(text: str) -> None:
    read = read_activity(text, KNOWLEDGE)
    assert read.phenotype is None
    assert read.why_not
    assert weigh(INTERMEDIATE, read, KNOWLEDGE).phenotype == INTERMEDIATE


@pytest.mark.parametrize(
    ("genotype", "activity", "decided", "said"),
    [
        (INTERMEDIATE, "100 mU/L", INTERMEDIATE, "In carriers the genotype is more reliable"),
        (NORMAL, "30 mU/L", INTERMEDIATE, "the lower result determines"),
        (NORMAL, "5 mU/L", POOR, "activity is deficient"),
        (POOR, "100 mU/L", POOR, "The genotype takes precedence"),
        ("Indeterminate", "100 mU/L", NORMAL, "consider measuring TPMT activity"),
        ("Indeterminate", "30 mU/L", INTERMEDIATE, "consider measuring TPMT activity"),
        (None, "30 mU/L", INTERMEDIATE, "no activity test for NUDT15"),
    ],
)
def test_gene_and_enzyme_are_weighed(genotype: str | None, activity: str, decided: str, said: str) -> None:
    weighed = weigh(genotype, read_activity(activity, KNOWLEDGE), KNOWLEDGE)
    assert weighed.phenotype == decided
    assert any(said in line for line in weighed.says), weighed.says
