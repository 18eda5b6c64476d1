"""Doses, activities and releases to the letter: which row is taken, and what is said in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from azaward.genetics.activity import read_activity, weigh
from azaward.genetics.amounts import amount, usual_dose
from azaward.genetics.dosing import BODIES, ORDER, Person, advice, plan
from azaward.genetics.possible import ANY, phenotype_of_body, possible_phenotypes
from azaward.genetics.releases import changes, reclassified, release, release_name
from azaward.knowledge import Knowledge, load
from azaward.treatment import thiopurines

KNOWLEDGE = load()
NORMAL, INTERMEDIATE, POOR = "Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"
UNTOLD = "Indeterminate"
SOME = "reduce to 30-80% of the usual dose"
CROHNS = usual_dose(KNOWLEDGE, "crohns_disease")
OLDER, NEWER = "clinpgx-alleles-2025-11-05", "clinpgx-alleles-2026-05-05"


def with_rows(table: str, *rows: Any) -> Knowledge:
    """The knowledge with other rows in one table."""
    tables: Any = {**dict(KNOWLEDGE.tables.items()), table: rows}
    return replace(KNOWLEDGE, tables=tables)


def row_of(table: str, identifier: str) -> Any:
    return next(row for row in KNOWLEDGE.tables[table] if row.id == identifier)


# Releases.


def test_the_newest_release_counts_where_rows_of_two_are_left() -> None:
    first, *rest = KNOWLEDGE.tables["alleles"]
    for rows in ((msgspec.structs.replace(first, source=OLDER), *rest), (*rest, first)):
        mixed = with_rows("alleles", *rows)
        assert (release(mixed), release_name(mixed)) == (NEWER, "ClinPGx 2026-05-05")


def test_of_two_changes_of_an_allele_the_newest_counts_wherever_it_stands() -> None:
    rows = KNOWLEDGE.tables["allele_changes"]
    newest = next(row for row in rows if row.allele == "*16")
    undated = msgspec.structs.replace(newest, changed_on=None, before="Unknown function")
    for both in ((newest, undated), (undated, newest)):
        assert changes(with_rows("allele_changes", *both))["TPMT", "*16"] == newest


@pytest.mark.parametrize(
    ("gene", "calls", "lines"),
    [
        ("TPMT", ["*1/*3A"], []),
        ("TPMT", ["*16/*16", "*1/*16"], ["TPMT *16: classed Uncertain function until February 2026"]),
        ("TPMT", ["*1/*30"], ["TPMT *30: classed Unknown function in the release of 2025-11-05"]),
        ("TPMT", ["*1/*42"], ["TPMT *42: not named in the release of 2025-11-05"]),
        (
            "TPMT",
            ["*1/[*5 + *42]"],
            [
                "TPMT *5: classed Uncertain function until February 2026",
                "TPMT *42: not named in the release of 2025-11-05",
            ],
        ),
        ("NUDT15", ["*1/*16"], ["NUDT15 *16: not named in the release of 2025-11-05"]),
    ],
)
def test_each_allele_that_was_classed_otherwise_is_named_once(gene: str, calls: list[str], lines: list[str]) -> None:
    assert reclassified(KNOWLEDGE, gene, calls) == [f"{line}; an earlier report may say otherwise." for line in lines]


# The usual dose.


@pytest.mark.parametrize(
    ("indication", "protocol", "per_kg", "per_day", "target"),
    [
        ("crohns_disease", "bsg-2019", 2.0, None, (2.0, 2.5)),
        ("autoimmune_hepatitis", "aasld-2019", None, 50.0, (1.0, 1.5)),
        ("atopic_eczema", "bad-2011", 1.0, None, (2.5, 2.5)),
        ("pemphigus", "bad-2011", None, None, (2.0, 2.0)),
        ("kidney_transplant", "edinburgh-transplant-2018", 1.0, None, (1.0, 1.0)),
        ("liver_transplant", "edinburgh-transplant-2018", None, None, (1.0, 4.0)),
        ("sle", "bsr-2017", 1.0, None, (2.0, 2.5)),
        ("itp", "aasld-2019", 1.0, None, (2.0, 2.5)),
    ],
)
def test_the_usual_dose_is_the_protocols_own_for_the_disease_before_its_general_one(
    indication: str, protocol: str, per_kg: float | None, per_day: float | None, target: tuple[float, float]
) -> None:
    usual = usual_dose(KNOWLEDGE, indication)
    assert usual is not None
    assert (usual.protocol, usual.start_mg_per_kg, usual.start_mg_per_day) == (protocol, per_kg, per_day)
    assert usual.target_mg_per_kg == target


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ((1.0, None), (2.0, None), "first"),
        ((2.0, None), (1.0, None), "second"),
        ((None, None), (None, 50.0), "second"),
        ((None, None), (2.0, None), "second"),
        ((None, 50.0), (1.0, None), "second"),
        ((1.0, None), (None, 50.0), "first"),
        ((None, None), (None, None), "first"),
    ],
)
def test_of_several_protocols_the_lowest_start_is_taken(first: Any, second: Any, taken: str) -> None:
    model: Any = KNOWLEDGE.protocols["bsr-2017"]
    dose = next(row for row in model.lists["doses"] if row.indication == "any")
    protocols = {
        name: replace(
            model,
            lists={"doses": (msgspec.structs.replace(dose, start_mg_per_kg=start[0], start_mg_per_day=start[1]),)},
        )
        for name, start in (("first", first), ("second", second))
    }
    usual = usual_dose(replace(KNOWLEDGE, protocols=protocols), "itp")
    assert usual is not None
    assert usual.protocol == taken


@pytest.mark.parametrize(
    ("indication", "weight", "share", "per_kg", "per_day", "up_to"),
    [
        ("crohns_disease", 60.123, (0.3, 0.5), (0.6, 1.0), (36.07, 60.12), 75.2),
        ("crohns_disease", None, (0.3, 0.5), (0.6, 1.0), None, None),
        ("autoimmune_hepatitis", 60, (0.5, 0.5), None, (25.0, 25.0), 45.0),
        ("autoimmune_hepatitis", None, (0.5, 0.5), None, (25.0, 25.0), None),
        ("pemphigus", 60, (0.5, 0.5), None, None, 60.0),
    ],
)
def test_a_share_in_milligrams(
    indication: str, weight: float | None, share: tuple[float, float], per_kg: Any, per_day: Any, up_to: Any
) -> None:
    usual = usual_dose(KNOWLEDGE, indication)
    assert usual is not None
    made = amount(KNOWLEDGE, usual, weight, share)
    assert (made.per_kg, made.per_day, made.up_to) == (per_kg, per_day, up_to)


@pytest.mark.parametrize(
    ("indication", "weight", "share", "why"),
    [
        ("sle", 12.5, (1, 1), "100% of 1 mg/kg for 12.5 kg is 12.5 mg a day, less than"),
        ("sle", 12.4, (1, 1), "100% of 1 mg/kg for 12.4 kg is 12.4 mg a day, less than half of"),
        ("sle", 24.9, (0.3, 1), "30-100% of 1 mg/kg for 24.9 kg is 7.47-24.9 mg a day, less than"),
        ("sle", 25, (0.3, 1), None),
        ("autoimmune_hepatitis", None, (0.1, 0.1), "10% of 50 mg is 5 mg a day, less than half of"),
    ],
)
def test_why_no_tablet_makes_a_share(
    indication: str, weight: float | None, share: tuple[float, float], why: str | None
) -> None:
    usual = usual_dose(KNOWLEDGE, indication)
    assert usual is not None
    assert amount(KNOWLEDGE, usual, weight, share).no_tablet == (why and f"{why} the smallest tablet (25 mg)")


# What the bodies say.


@pytest.mark.parametrize("drug", thiopurines(KNOWLEDGE))
def test_of_rows_that_are_as_strict_the_one_about_both_genes_counts(drug: str) -> None:
    for opinion in advice(KNOWLEDGE, drug, INTERMEDIATE, INTERMEDIATE, malignant=False):
        identifier = f"{opinion.body.lower()}-{drug}-tpmt-im-nudt15-im"
        both = [row.says for row in KNOWLEDGE.tables["genotype_doses"] if row.id == identifier]
        assert [opinion.says] == both or not both


@pytest.mark.parametrize(
    ("shares", "taken"),
    [
        ([(0.3, 0.8), (0.5, 0.5)], (0.5, 0.5)),
        ([(0.5, 0.5), (0.3, 0.8)], (0.5, 0.5)),
        ([(0.3, 0.8), (0.2, 0.8)], (0.2, 0.8)),
        ([(None, None), (0.3, 0.8)], (0.3, 0.8)),
        ([(0.3, 0.8), (None, None)], (0.3, 0.8)),
        ([(None, 0.8), (0.3, 0.8)], (0.3, 0.8)),
    ],
)
def test_of_rows_that_are_as_strict_the_smaller_share_counts(shares: list[Any], taken: Any) -> None:
    row = row_of("genotype_doses", "cpic-azathioprine-tpmt-im-nudt15-any")
    rows = [
        msgspec.structs.replace(row, id=f"row {place}", fraction_low=low, fraction_high=high)
        for place, (low, high) in enumerate(shares)
    ]
    (opinion,) = advice(with_rows("genotype_doses", *rows), "azathioprine", INTERMEDIATE, NORMAL, malignant=False)
    assert opinion.fraction == taken


def test_of_the_waits_that_bodies_ask_for_the_longest_counts() -> None:
    cpic = row_of("genotype_doses", "cpic-azathioprine-tpmt-im-nudt15-any")
    theirs = msgspec.structs.replace(cpic, id="theirs", body="DPWG", wait_weeks_low=4, wait_weeks_high=6)
    for rows in ((cpic, theirs), (theirs, cpic)):
        knowledge = with_rows("genotype_doses", *rows)
        made = plan(knowledge, "azathioprine", {"TPMT": INTERMEDIATE, "NUDT15": NORMAL}, {}, Person())
        assert (cpic.wait_weeks_low, cpic.wait_weeks_high) == (2, 4)
        assert made.outcome.wait_weeks == (4, 6)


def planned(tpmt: str | None, nudt15: str | None, of_dpwg: str | None = None, **more: Any) -> Any:
    theirs = {"DPWG": {"TPMT": of_dpwg, "NUDT15": nudt15}} if of_dpwg else {}
    person = Person(usual=CROHNS, weight_kg=60, **more)
    return plan(KNOWLEDGE, "azathioprine", {"TPMT": tpmt, "NUDT15": nudt15}, {}, person, theirs)


@pytest.mark.parametrize(
    ("tpmt", "nudt15", "begins"),
    [
        (NORMAL, NORMAL, "Your genes for handling this medicine look usual."),
        (INTERMEDIATE, NORMAL, "Your genes make you handle this medicine more slowly."),
        (POOR, NORMAL, "Your genes mean that even a usual dose of this medicine could harm your bone marrow."),
        (INTERMEDIATE, None, "Your genes make you handle this medicine more slowly."),
        (POOR, UNTOLD, "Your genes mean that even a usual dose of this medicine could harm your bone marrow."),
        (NORMAL, None, "Your gene test does not show everything about how you handle this medicine"),
        (None, None, "Your gene test does not show everything about how you handle this medicine"),
    ],
)
def test_the_patient_is_told_what_the_strictest_body_says(tpmt: str | None, nudt15: str | None, begins: str) -> None:
    assert planned(tpmt, nudt15).says_patient.startswith(begins)


def test_the_patient_is_told_what_one_body_says_where_it_is_stricter() -> None:
    said = planned(NORMAL, NORMAL, INTERMEDIATE).says_patient
    assert said.startswith("Your genes make you handle this medicine more slowly.")


@pytest.mark.parametrize(
    ("tpmt", "nudt15", "gene", "then"),
    [
        (INTERMEDIATE, None, "NUDT15", "Have it tested before the first tablet."),
        (POOR, None, "NUDT15", "The other gene decides here."),
        (None, NORMAL, "TPMT", "Have it tested before the first tablet."),
    ],
)
def test_a_gene_that_is_not_known_is_said_before_all_else(
    tpmt: str | None, nudt15: str | None, gene: str, then: str
) -> None:
    said = planned(tpmt, nudt15).says
    assert said[0] == f"{gene} is not known: this is not a normal result. {then}"
    assert not any("is not known: this" in line for line in said[1:])


def test_the_bodies_are_heard_from_the_strictest_on() -> None:
    said = planned(INTERMEDIATE, NORMAL).says
    assert [line.partition(".")[0].partition(": ")[2] for line in said] == [
        "start at half of the usual dose, then adjust according to blood counts and effect",
        "start at 30-80% of the usual dose when the usual start is 2 mg/kg a day or more",
        "a reduced dose is recommended; the label gives no number",
    ]


@pytest.mark.parametrize(
    ("tpmt", "of_dpwg", "differ"),
    [
        (NORMAL, None, None),
        (INTERMEDIATE, None, f"CPIC: {SOME}; DPWG: reduce to 50% of the usual dose; FDA: reduce"),
        (POOR, None, "CPIC: do not start; DPWG: avoid, else 10% of the usual dose; FDA: do not start"),
        (NORMAL, INTERMEDIATE, "CPIC: continue; DPWG: reduce to 50% of the usual dose"),
        (INTERMEDIATE, POOR, f"CPIC: {SOME}; DPWG: avoid, else 10% of the usual dose; FDA: reduce"),
    ],
)
def test_where_the_bodies_differ_each_is_quoted(tpmt: str, of_dpwg: str | None, differ: str | None) -> None:
    said = f"The bodies differ ({differ}). The most cautious decides the plan." if differ else None
    assert planned(tpmt, NORMAL, of_dpwg).disagreement == said


def test_the_body_that_would_give_least_is_named_where_no_tablet_is_that_small() -> None:
    why = planned(INTERMEDIATE, NORMAL, POOR).outcome.no_tablet
    assert why.startswith(
        "The share that DPWG would still give: 10% of 2 mg/kg for 60 kg is 12 mg a day, less than half"
    )


@pytest.mark.parametrize("other", ORDER)
def test_what_a_gene_may_be_at_best_and_at_worst_goes_into_the_plan(other: str) -> None:
    possible = {"TPMT": (INTERMEDIATE, NORMAL), "NUDT15": (NORMAL, POOR)}
    made = plan(KNOWLEDGE, "azathioprine", {"TPMT": None, "NUDT15": other}, possible, Person())
    best, worst = (NORMAL, POOR) if other == UNTOLD else (other, other)
    assert made.best is not None
    assert made.worst is not None
    assert (made.best.tpmt, made.best.nudt15) == (NORMAL, best)
    assert (made.worst.tpmt, made.worst.nudt15) == (INTERMEDIATE, worst)


def test_a_body_that_says_nothing_is_named() -> None:
    for pair in ((NORMAL, NORMAL), (INTERMEDIATE, NORMAL), (NORMAL, None), (None, None)):
        made = planned(*pair)
        assert made.silent == [body for body in BODIES if body not in [one.body for one in made.bodies]]


# Haplotypes that can't be read.


@pytest.mark.parametrize("call", ["", "*1", "*1/*2/*3A", "*1/*99", "*2]/*1", "[*2/*1", "*1/rs1 A>C"])
def test_what_is_no_pair_of_known_alleles_may_be_anything(call: str) -> None:
    assert possible_phenotypes(KNOWLEDGE, "TPMT", [call]) == ANY
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", call, INTERMEDIATE) == INTERMEDIATE
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", call, None) is None


def test_a_body_without_classes_of_its_own_says_what_all_say() -> None:
    for phenotype in (None, NORMAL, UNTOLD):
        assert phenotype_of_body(KNOWLEDGE, "FDA", "TPMT", "*3A/*3A", phenotype) == phenotype
    assert phenotype_of_body(KNOWLEDGE, "DPWG", "TPMT", "*3A/*3A", NORMAL) == POOR


# Activities.

NUDT15_HAS_NONE = "nudt15-no-activity-test"


@pytest.mark.parametrize(
    ("genotype", "activity", "said"),
    [
        (NORMAL, "100 mU/L", []),
        (NORMAL, "30 mU/L", ["nm-im"]),
        (NORMAL, "5 mU/L", ["nm-pm"]),
        (INTERMEDIATE, "100 mU/L", ["im-normal"]),
        (INTERMEDIATE, "30 mU/L", []),
        (INTERMEDIATE, "5 mU/L", ["im-pm"]),
        (POOR, "100 mU/L", ["pm-normal"]),
        (POOR, "30 mU/L", ["pm-im"]),
        (POOR, "5 mU/L", []),
        ("Possible Intermediate Metabolizer", "5 mU/L", []),
        (UNTOLD, "100 mU/L", ["indeterminate-any"]),
        (UNTOLD, "30 mU/L", ["indeterminate-any"]),
        (UNTOLD, "5 mU/L", ["deficient-misread", "indeterminate-any"]),
        (None, "100 mU/L", []),
        (None, "30 mU/L", []),
        (None, "5 mU/L", ["deficient-misread"]),
    ],
)
@pytest.mark.parametrize("presumed", [None, POOR])
def test_what_is_said_where_gene_and_enzyme_stand_side_by_side(
    genotype: str | None, activity: str, said: list[str], presumed: str | None
) -> None:
    rows = [row_of("discordance", identifier) for identifier in (*said, NUDT15_HAS_NONE)]
    told = weigh(genotype, read_activity(activity, KNOWLEDGE), KNOWLEDGE, presumed)
    own = (
        "The genotype doesn't settle TPMT: of what is presumed and what was measured, the weaker counts."
        if presumed
        else "The genotype doesn't settle TPMT; its measured activity decides here."
    )
    first = [own] if "indeterminate-any" in said else []
    assert told.says == first + [row.says for row in rows if row.id != "indeterminate-any"]
    assert told.sources == [(row.source, row.locator, row.how) for row in rows]


@pytest.mark.parametrize(
    ("text", "bands"),
    [
        ("12 U/mL arup", [("ARUP", "deficient")]),
        ("24 U/mL", [("ARUP", "normal"), ("Linkoping", "normal")]),
        ("23.9 U/mL", [("ARUP", "intermediate"), ("Linkoping", "normal")]),
        ("<17 U/mL", [("ARUP", "deficient"), ("Linkoping", "normal")]),
        ("44 U / mL", [("ARUP", "high"), ("Linkoping", "normal")]),
        ("2.9 nmol/mL/h riboside", [("Mayo", "low"), ("Mayo", "normal")]),
    ],
)
def test_an_activity_falls_into_one_band_of_each_laboratory(text: str, bands: list[tuple[str, str]]) -> None:
    found = read_activity(text, KNOWLEDGE).bands
    assert [(band.method.split()[0].strip(","), band.category) for band in found] == bands
    assert all((band.says == "Below the normal range of this method.") == (band.category == "low") for band in found)


def test_below_all_bands_the_lowest_of_the_method_is_cited() -> None:
    rows: Any = KNOWLEDGE.tables["enzyme_activity"]
    lowest = next(row for row in rows if row.method.endswith("6-methylmercaptopurine"))
    higher = msgspec.structs.replace(lowest, low=2 * lowest.low, category="high", locator="elsewhere")
    for rows in ((lowest, higher), (higher, lowest)):
        (band,) = read_activity("2 nmol/mL/h", with_rows("enzyme_activity", *rows)).bands
        assert (band.category, band.locator) == ("low", lowest.locator)
