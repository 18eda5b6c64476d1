"""The dose that two phenotypes allow: the same advice as the rules of a record, never more for a weaker enzyme, and
never a usual dose for a gene that nobody knows."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azaward.assessment import assess
from azaward.genetics.activity import read_activity, weigh
from azaward.genetics.amounts import amount
from azaward.genetics.dosing import BODIES, NO_DOSE, ORDER, Advice, Outcome, Person, advice, plan, usual_dose
from azaward.genetics.possible import phenotype_of_body, possible_phenotypes
from azaward.knowledge import ACTIONS, URGENCIES, load
from azaward.record import Record
from azaward.rules.whole.plan import DOSE_ACTIONS, NOT_NOW
from azaward.treatment import tablet_sizes, thiopurines

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


def test_leukaemia_keeps_a_very_small_dose_of_mercaptopurine_where_nothing_can_take_its_place() -> None:
    made = outcome("mercaptopurine", POOR, NORMAL, Person(malignant=True))
    assert (made.outcome.action, made.outcome.fraction) == ("avoid", None)
    assert (made.outcome.fraction_if_unavoidable, made.outcome.days_per_week) == ((0, 0.1), 3)
    assert {one.body: one.fraction for one in made.bodies} == {"CPIC": (0.1, 0.1), "DPWG": (0.1, 0.1), "FDA": (0, 0.1)}
    assert {one.body: one.wait_weeks for one in made.bodies}["CPIC"] == (4, 6)
    # Where a body says not to start at all, no way out is left.
    assert outcome("mercaptopurine", POOR, NORMAL, Person()).outcome.fraction_if_unavoidable is None


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
        ("<150 mU/L", None),
        ("<=68 mU/L", None),
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
        ("Indeterminate", "100 mU/L", NORMAL, "its measured activity decides"),
        ("Indeterminate", "30 mU/L", INTERMEDIATE, "its measured activity decides"),
        (None, "30 mU/L", INTERMEDIATE, "no activity test for NUDT15"),
    ],
)
def test_gene_and_enzyme_are_weighed(genotype: str | None, activity: str, decided: str, said: str) -> None:
    weighed = weigh(genotype, read_activity(activity, KNOWLEDGE), KNOWLEDGE)
    assert weighed.phenotype == decided
    assert any(said in line for line in weighed.says), weighed.says


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ACTIONS, 2)))
def test_one_order_of_actions_decides_for_genomes_and_for_records(one: str, other: str) -> None:
    """Of every two actions the record's plan and the genome's know the same as the more cautious."""
    if one in DOSE_ACTIONS and other in DOSE_ACTIONS:
        assert DOSE_ACTIONS.index(one) < DOSE_ACTIONS.index(other)
    assert not (other in NO_DOSE and one not in NO_DOSE)
    assert set(NO_DOSE) == set(NOT_NOW)


def no_milder(made: Outcome, opinion: Advice) -> bool:
    """Whether an outcome is at least as cautious as what a body says."""
    smaller = made.fraction is None or opinion.fraction is None or made.fraction[1] <= opinion.fraction[1]
    action = ACTIONS.index(made.action) <= ACTIONS.index(opinion.action)
    return action and smaller and URGENCIES.index(made.urgency) <= URGENCIES.index(opinion.urgency)


INDICATIONS = [None, *(row.id for row in KNOWLEDGE.tables["indications"])]
CLASSES = [None, *ORDER]


@pytest.mark.parametrize("indication", INDICATIONS)
def test_no_outcome_is_milder_than_any_body(indication: str | None) -> None:
    """Every pair of phenotypes, known or not, with and without a malignant disease, an indication and a weight."""
    usual = usual_dose(KNOWLEDGE, indication) if indication else None
    weights = (None, 12.0, 60.0) if usual else (None,)
    for pair, malignant, weight in itertools.product(itertools.product(CLASSES, CLASSES), (False, True), weights):
        person = Person(malignant=malignant, usual=usual, weight_kg=weight)
        phenotypes = dict(zip(("TPMT", "NUDT15"), pair, strict=True))
        for drug in thiopurines(KNOWLEDGE):
            made = plan(KNOWLEDGE, drug, phenotypes, {}, person)
            assert all(no_milder(made.outcome, opinion) for opinion in made.bodies), (pair, drug)
            assert (made.outcome.fraction is None) or made.outcome.action not in NO_DOSE
            assert (made.outcome.fraction_if_unavoidable is None) or made.outcome.action == "avoid"
            assert made.outcome.start_mg_per_day is None or weight or (usual and usual.start_mg_per_day)


@pytest.mark.parametrize("malignant", [False, True])
@pytest.mark.parametrize("drug", thiopurines(KNOWLEDGE))
def test_what_dpwg_makes_of_its_own_class_is_never_undercut(drug: str, malignant: bool) -> None:
    """Nor by the best that an untold gene may be: DPWG has told it."""
    person = Person(malignant=malignant)
    for tpmt, nudt15, theirs in itertools.product(ORDER, ORDER, ORDER):
        own = {"TPMT": min(tpmt, theirs, key=ORDER.index), "NUDT15": nudt15}
        made = plan(KNOWLEDGE, drug, {"TPMT": tpmt, "NUDT15": nudt15}, {}, person, {"DPWG": own})
        said = [one for one in advice(KNOWLEDGE, drug, *own.values(), malignant=malignant) if one.body == "DPWG"]
        for opinion in said:
            assert no_milder(made.outcome, opinion), (tpmt, nudt15, theirs)
            if theirs != "Indeterminate" and made.best is not None and nudt15 != "Indeterminate":
                assert no_milder(made.best, opinion), (tpmt, nudt15, theirs)


def test_avoid_is_never_softened_to_a_smaller_dose() -> None:
    """TPMT *3A/*8: intermediate for CPIC, poor for DPWG, in leukaemia as elsewhere."""
    own = {"DPWG": {"TPMT": POOR, "NUDT15": NORMAL}}
    for malignant in (False, True):
        person = Person(malignant=malignant, usual=CROHNS.usual, weight_kg=60)
        made = plan(KNOWLEDGE, "azathioprine", {"TPMT": INTERMEDIATE, "NUDT15": NORMAL}, {}, person, own)
        assert (made.outcome.action, made.outcome.fraction, made.outcome.tablets) == ("avoid", None, None)
        assert made.outcome.fraction_if_unavoidable == (0.1, 0.1)
        assert made.outcome.no_tablet is not None
        assert (
            "10% of 2 mg/kg for 60 kg is 12 mg a day, less than half of the smallest tablet" in made.outcome.no_tablet
        )


@pytest.mark.parametrize(
    ("weight", "tablets"),
    [
        (24.9, "no tablet makes 14.94-24.9 mg a day; ask the pharmacist what can be given"),
        (25, "1 x 25 mg a day"),
        (50, "1 x 50 mg a day"),
        (12, "no tablet makes 7.2-12 mg a day; ask the pharmacist what can be given"),
    ],
)
def test_a_dose_below_the_smallest_tablet_says_so(weight: float, tablets: str) -> None:
    person = Person(usual=CROHNS.usual, weight_kg=weight)
    made = outcome("azathioprine", INTERMEDIATE, NORMAL, person).outcome
    assert made.tablets == tablets
    assert (made.no_tablet is not None) == (weight < 25)


@given(weight=st.floats(min_value=1, max_value=300), low=st.floats(0.01, 1), high=st.floats(0.01, 1))
def test_tablets_are_named_only_where_one_is_small_enough(weight: float, low: float, high: float) -> None:
    assert CROHNS.usual is not None
    made = amount(KNOWLEDGE, CROHNS.usual, weight, (min(low, high), max(low, high)))
    assert made.per_day is not None
    small = made.per_day[1] < tablet_sizes(KNOWLEDGE)[-1]
    assert small == (made.no_tablet is not None)
    assert small == str(made.tablets).startswith("no tablet")


def test_how_a_body_gives_less_than_a_tablet_is_said() -> None:
    """CPIC gives a tenth on three days a week in leukaemia; where nobody says how, that is said."""
    usual = CROHNS.usual
    leukaemia = outcome("azathioprine", POOR, NORMAL, Person(malignant=True, usual=usual, weight_kg=60)).outcome
    assert leukaemia.no_tablet is not None
    assert "CPIC: on 3 days a week instead of daily" in leukaemia.no_tablet
    elsewhere = outcome("azathioprine", POOR, NORMAL, Person(usual=usual, weight_kg=60)).outcome
    assert elsewhere.no_tablet is not None
    assert elsewhere.no_tablet.startswith("The share that DPWG would still give: 10% of")
    assert "None of the bodies says how to give so little" in elsewhere.no_tablet


def test_three_days_a_week_stands_in_the_words_of_every_row_that_counts_them() -> None:
    rows = [row for row in KNOWLEDGE.tables["genotype_doses"] if row.days_per_week]
    assert len(rows) == 5
    assert all(row.days_per_week == 3 and "three days a week instead of daily" in row.says for row in rows)


@pytest.mark.parametrize(
    ("presumed", "activity", "decided"),
    [
        (POOR, None, POOR),
        (POOR, "100 mU/L", POOR),
        (INTERMEDIATE, "5 mU/L", POOR),
        (INTERMEDIATE, "100 mU/L", INTERMEDIATE),
        (INTERMEDIATE, "5", INTERMEDIATE),
    ],
)
def test_what_is_presumed_is_never_measured_away(presumed: str, activity: str | None, decided: str) -> None:
    read = read_activity(activity, KNOWLEDGE) if activity else None
    assert weigh("Indeterminate", read, KNOWLEDGE, presumed).phenotype == decided


@pytest.mark.parametrize(
    ("gene", "call", "phenotypes"),
    [
        ("TPMT", "*1/[*2 + rs1142345 T>A]", (INTERMEDIATE,)),
        ("TPMT", "*3A/[*2 + rs1142345 T>A]", (POOR,)),
        ("TPMT", "[*2 + *3C]/[*3B + rs1 A>C]", (POOR,)),
        ("TPMT", "*3A/[rs1142345 T>A]", (POOR, INTERMEDIATE)),
        ("TPMT", "*1/[rs1142345 T>A]", (INTERMEDIATE, NORMAL)),
        ("TPMT", "*1/[*9 + rs1142345 T>A]", (INTERMEDIATE, NORMAL)),
        ("TPMT", "[rs1 A>C]/[rs2 A>C]", (POOR, INTERMEDIATE, NORMAL)),
        ("NUDT15", "*3/[*5 + rs1 A>C]", (POOR,)),
        ("TPMT", "*1/[*99 + rs1142345 T>A]", (POOR, INTERMEDIATE, NORMAL)),
        ("TPMT", "*1/[" + " + ".join(f"rs{number} A>C" for number in range(40)) + "]", (INTERMEDIATE, NORMAL)),
    ],
)
def test_a_haplotype_without_a_name_is_no_better_than_its_worst_part(gene, call, phenotypes) -> None:
    assert possible_phenotypes(KNOWLEDGE, gene, [call]) == phenotypes


def test_dpwg_is_asked_about_the_parts_of_a_haplotype_without_a_name() -> None:
    untold = "Indeterminate"
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*1/[*8 + rs1142345 T>A]", untold) == INTERMEDIATE
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*1/[*35 + rs1142345 T>A]", untold) == untold
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*1/[rs1142345 T>A]", untold) == untold
