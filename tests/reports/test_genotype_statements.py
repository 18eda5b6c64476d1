"""A report never says two things that exclude each other: for every mixture of what genes and an activity may say, the
lines of a page are held against a list of statements and of what they must not stand beside."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from azaward.genetics import Caller, Status, nothing_seen
from azaward.genetics.dosing import NO_DOSE, Person, usual_dose
from azaward.genetics.model import GeneCall, SampleCall
from azaward.knowledge import load
from azaward.reports.genotype.page import page
from azaward.reports.genotype.report import Reporter, SampleReport
from azaward.reports.genotype.to_text import _why  # pyright: ignore[reportPrivateUsage]

KNOWLEDGE = load()
NORMAL, INTERMEDIATE, POOR, UNTOLD = (
    *("Normal Metabolizer", "Intermediate Metabolizer", "Poor Metabolizer"),
    "Indeterminate",
)
# What the two copies carry, by rs number; None where nothing was seen of the whole gene.
GENOTYPES: dict[str, dict[str, dict[str, tuple[int, int]] | None]] = {
    "missing": {"TPMT": None, "NUDT15": None},
    "normal": {"TPMT": {}, "NUDT15": {}},
    "intermediate": {"TPMT": {"rs1142345": (0, 1), "rs1800460": (0, 1)}, "NUDT15": {"rs116855232": (0, 1)}},
    "poor": {"TPMT": {"rs1142345": (1, 1), "rs1800460": (1, 1)}, "NUDT15": {"rs116855232": (1, 1)}},
    "indeterminate": {"TPMT": {"rs1142345": (0, -2)}, "NUDT15": {"rs116855232": (0, -2)}},
}
GENES = ("absent", *GENOTYPES, f"presumed {INTERMEDIATE}", f"presumed {POOR}")
ACTIVITIES = {"none": None, "normal": "100 mU/L", "low": "30 mU/L", "deficient": "5 mU/L", "unreadable": "much"}
PERSONS = {
    "bare": Person(),
    "weighed": Person(usual=usual_dose(KNOWLEDGE, "crohns_disease"), weight_kg=60),
    "unweighed": Person(usual=usual_dose(KNOWLEDGE, "crohns_disease")),
    "leukaemia": Person(malignant=True, usual=usual_dose(KNOWLEDGE, "acute_lymphoblastic_leukaemia"), weight_kg=60),
}


def called() -> dict[str, dict[str, GeneCall]]:
    """Each gene in each state, as the caller calls it."""
    people = nothing_seen(list(GENOTYPES), KNOWLEDGE)
    for gene, held in people.genes.items():
        at = {site.rsid: place for place, site in enumerate(held.sites)}
        for row, name in enumerate(GENOTYPES):
            found = GENOTYPES[name][gene]
            if found is None:
                continue
            held.alleles[row], held.status[row] = 0, Status.SEEN
            for rsid, codes in found.items():
                held.alleles[row, at[rsid]] = codes
    calls = {name: dict(call.genes) for name, call in zip(GENOTYPES, Caller(KNOWLEDGE).call(people), strict=True)}
    for phenotype in (INTERMEDIATE, POOR):
        base = calls["indeterminate"]
        calls[f"presumed {phenotype}"] = {
            gene: msgspec.structs.replace(call, presumed=phenotype) for gene, call in base.items()
        }
    return calls


CALLED = called()


def reports() -> Iterator[tuple[str, SampleReport]]:
    for (activity, text), (who, person), dose in itertools.product(ACTIVITIES.items(), PERSONS.items(), (None, 100.0)):
        reporter = Reporter(KNOWLEDGE, person=person, activity=text, dose_mg_per_day=dose)
        for tpmt, nudt15 in itertools.product(GENES, GENES):
            states = {"TPMT": tpmt, "NUDT15": nudt15}
            genes = {gene: CALLED[state][gene] for gene, state in states.items() if state != "absent"}
            case = f"TPMT {tpmt}, NUDT15 {nudt15}, activity {activity}, {who}, dose {dose}"
            yield case, reporter.of_call(SampleCall("c001", genes))


def lines_of(report: SampleReport) -> list[str]:
    """Every sentence of the page and of the terminal."""
    found: list[str] = []

    def collect(held: Any) -> None:
        if isinstance(held, str):
            found.append(held)
        for part in held.values() if isinstance(held, dict) else held if isinstance(held, list) else ():
            collect(part)

    shown = page(report, KNOWLEDGE)
    collect({name: part for name, part in shown.items() if name != "sources"})
    for plan in report.dosing.values():
        found += _why(plan)
    return found


def readable(report: SampleReport) -> bool:
    return report.activity is not None and report.activity.phenotype is not None


def told(report: SampleReport, gene: str) -> bool:
    """Whether the gene itself says what it is."""
    return gene in report.genes and report.genes[gene].phenotype != UNTOLD


def refused(report: SampleReport) -> bool:
    return report.dosing["azathioprine"].outcome.action in NO_DOSE


def untold(report: SampleReport) -> bool:
    return None in report.dosed_by.values() or UNTOLD in report.dosed_by.values()


# A statement, and what a report that makes it must not be.
EXCLUDED: list[tuple[str, Callable[[SampleReport], bool]]] = [
    ("No result for TPMT was given", lambda report: "TPMT" in report.genes or readable(report)),
    ("No result for NUDT15 was given", lambda report: "NUDT15" in report.genes),
    ("TPMT was not genotyped", lambda report: "TPMT" in report.genes or not readable(report)),
    ("its measured activity decides", lambda report: not readable(report) or told(report, "TPMT")),
    ("Its measured activity decides", lambda report: not readable(report) or "TPMT" in report.genes),
    ("onsider measuring TPMT activity", readable),
    ("with the other test", lambda report: told(report, "TPMT")),
    ("was set aside", readable),
    ("usually leave no working enzyme", lambda report: not any(gene.presumed for gene in report.genes.values())),
    ("The measured activity is weaker still", lambda report: not readable(report)),
    ("before the first tablet", refused),
    ("is within what these results allow", lambda report: refused(report) or untold(report)),
    ("does not fit these results", lambda report: not refused(report)),
    ("give --weight", lambda report: report.weight_kg is not None),
    ("can't be judged", lambda report: not untold(report) or refused(report)),
    ("(TPMT) was not looked at", lambda report: "TPMT" in report.genes or report.activity is not None),
    ("(NUDT15) was not looked at", lambda report: "NUDT15" in report.genes),
    ("You can start at the usual dose", lambda report: report.dosing["azathioprine"].outcome.action != "continue"),
    ("Your genes and a blood test", lambda report: not readable(report)),
    ("Reported as *1/*3A", lambda report: True),
    ("Usual dose", untold),
    ("Start lower", untold),
    ("Test, then", lambda report: not untold(report) or refused(report)),
]


def test_no_report_says_what_excludes_another_line_of_it() -> None:
    seen: set[str] = set()
    for case, report in reports():
        lines = "\n".join(lines_of(report))
        for statement, wrong in EXCLUDED:
            if statement in lines:
                seen.add(statement)
                assert not wrong(report), (case, statement)
    # A statement that no report makes any more would test nothing.
    assert {statement for statement, _ in EXCLUDED} - seen <= {"Reported as *1/*3A"}


def test_what_decides_is_what_is_dosed_by() -> None:
    """The activity where the gene can't be told, what is presumed where nothing better is, the weaker of both."""
    weak = (POOR, INTERMEDIATE, NORMAL)
    for case, report in reports():
        tpmt = report.genes.get("TPMT")
        gene = None if tpmt is None else tpmt.presumed or (None if tpmt.phenotype == UNTOLD else tpmt.phenotype)
        measured = report.activity.phenotype if report.activity else None
        known = [one for one in (gene, measured) if one is not None]
        expected = min(known, key=weak.index) if known else None if tpmt is None else UNTOLD
        assert report.dosed_by["TPMT"] == expected, case


@pytest.mark.parametrize("presumed", [INTERMEDIATE, POOR])
def test_what_is_presumed_is_shown_wherever_the_phenotype_is(presumed: str) -> None:
    genes = {"TPMT": CALLED[f"presumed {presumed}"]["TPMT"], "NUDT15": CALLED["normal"]["NUDT15"]}
    report = Reporter(KNOWLEDGE).of_call(SampleCall("c001", genes))
    assert (report.genes["TPMT"].phenotype, report.genes["TPMT"].presumed) == (UNTOLD, presumed)
    assert report.dosed_by["TPMT"] == presumed
    assert f"Indeterminate, presumed {presumed}" in lines_of(report)


def test_nothing_is_said_twice_on_a_page() -> None:
    for case, report in reports():
        shown = page(report, KNOWLEDGE)
        said = [*shown["notes"], *(line for gene in shown["genes"] for line in gene["lines"])]
        known = [line for line in said if not line.startswith(("No result was given", "No allele can hide"))]
        twice = {line for line in known if known.count(line) > 1}
        assert not twice, (case, twice)
