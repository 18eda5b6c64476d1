"""A genotype report for a terminal: the call, what was not seen, the dose, who says so."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from io import StringIO
from itertools import chain, islice

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from azaward.genetics.dosing import DrugPlan
from azaward.reports.genotype.report import PositionOut, SampleReport
from azaward.reports.genotype.words import (
    called,
    for_the_patient,
    is_assumed,
    may_also_be,
    notes,
    of_whole,
    phenotype,
    read_as,
    seen,
    share_now,
    start_now,
    to_do,
    untold,
    wait_now,
    what_else,
)

_STYLES = {
    "Poor Metabolizer": "bold red",
    "Intermediate Metabolizer": "yellow",
    "Possible Intermediate Metabolizer": "yellow",
    "Indeterminate": "magenta",
    "Normal Metabolizer": "green",
}


def contents(reports: Iterable[SampleReport], *, in_full: int) -> Iterator[bytes]:
    """Every report in full where there are few; of more people than that, one line each."""
    rest = iter(reports)
    few = list(islice(rest, in_full + 1))
    if len(few) <= in_full:
        for report in few:
            yield _written(partial(show, report))
        return
    yield b"One person in full: --sample NAME. Everything: --format json or tsv.\n"
    for report in chain(few, rest):
        yield _line(report).encode()


def _written(draw: Callable[[Console], None]) -> bytes:
    """What a console draws: coloured where the output is a terminal."""
    terminal = sys.stdout.isatty()
    into = StringIO()
    width = shutil.get_terminal_size((100, 24)).columns
    draw(Console(file=into, highlight=False, force_terminal=terminal, no_color=not terminal, width=width))
    return into.getvalue().encode("utf-8", "replace")


def _line(report: SampleReport) -> str:
    """One person on one line."""
    genes = [
        f"{name} {gene.diplotypes[0].call if gene.diplotypes else '?'} {phenotype(gene)}"
        + (f" ({len(gene.missing_positions)} of {gene.positions} positions not seen)" if gene.missing_positions else "")
        for name, gene in report.genes.items()
    ]
    plan = report.dosing["azathioprine"]
    dose = f"azathioprine: {to_do(plan).lower()}" + (f", {share_now(plan)}" if plan.outcome.fraction else "")
    return " ".join(f"{report.sample}: {'; '.join(genes)}; {dose}".split()) + "\n"


def show(report: SampleReport, console: Console | None = None) -> None:
    """Prints one report."""
    console = console or Console(highlight=False)
    console.rule(Text(report.sample, style="bold"), align="left")
    for name, gene in report.genes.items():
        console.print(
            Text.assemble(
                *((name, "bold"), "  ", called(gene), "  "), (phenotype(gene), _STYLES.get(gene.phenotype, ""))
            )
        )
        lines = [seen(gene)] if gene.positions else []
        if others := may_also_be(gene):
            lines.append(f"also possible: {others}")
        lines += [
            f"{position.rsid or position.pos_grch38} {position.hgvs}: {position.alleles}"
            for position in gene.evidence
            if _found(position)
        ]
        lines += [f"no named allele has: {variant}" for variant in untold(gene)]
        for line in (*lines, *notes(gene, report)):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))
    _activity(report, console)
    for note in of_whole(report):
        console.print(Text(note, style="magenta"))
    console.print()
    _doses(report, console)
    console.print(Padding(Text("For the patient: " + " ".join(for_the_patient(report))), (1, 0, 0, 0)))
    console.print(
        Padding(
            Text(f"{report.disclaimer} Knowledge {report.knowledge}. Allele tables: {report.release}.", style="dim"),
            (1, 0, 1, 0),
        )
    )


def _found(position: PositionOut) -> bool:
    return not position.reference_only and "." not in position.alleles and not is_assumed(position)


def _activity(report: SampleReport, console: Console) -> None:
    if report.activity is None or report.activity.phenotype is None:
        return
    console.print(Text.assemble(("TPMT activity", "bold"), f"  {read_as(report.activity)}"))
    for line in report.weighed:
        console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))
    console.print(Padding(Text(f"The dose goes by TPMT {report.dosed_by['TPMT']}."), (0, 0, 0, 4)))


def _doses(report: SampleReport, console: Console) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 1), expand=True)
    for name in ("drug", "do", "of the usual dose", "start", "wait"):
        table.add_column(name, ratio=2 if name == "start" else None)
    for drug, plan in report.dosing.items():
        table.add_row(drug.capitalize(), to_do(plan), share_now(plan), start_now(plan), wait_now(plan))
    console.print(table)
    for drug, plan in report.dosing.items():
        console.print(Padding(Text(drug.capitalize(), style="bold"), (1, 0, 0, 0)))
        for line in _why(plan):
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))


def _why(plan: DrugPlan) -> list[str]:
    lines = [*(f"{body.body}: {body.says} ({body.source}, {body.how})" for body in plan.bodies)]
    if plan.silent:
        lines.append(f"{' and '.join(plan.silent)}: no advice for this pair of results.")
    if plan.disagreement:
        lines.append(plan.disagreement)
    return lines + what_else(plan)
