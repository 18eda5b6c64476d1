"""The worklist and one patient in full, for a terminal: one screen wide, coloured where there is a terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from azaward.assessment import Assessment, Finding, PatientAssessment
from azaward.plans import dose_in_words
from azaward.wording import COMPARISONS, amount, unit

_STYLES = {
    "emergency": "bold white on red",
    "same-day": "bold red",
    "this-week": "yellow",
    "routine": "cyan",
    "info": "dim",
}
_SHOWN_UNTREATED = 20
_SHOWN_PER_PATIENT = 3
_SHOWN_ASIDE = 5


def show(assessment: Assessment, *, in_full: bool = False, console: Console | None = None) -> None:
    """Prints the worklist, or every finding of the patients where `in_full`."""
    console = console or Console(highlight=False)
    console.print(
        f"[bold]azaward[/] as of {assessment.as_of}, protocol {escape(assessment.protocol)}, "
        f"knowledge {assessment.knowledge}"
    )
    if in_full:
        for patient in assessment.patients:
            _patient(patient, console)
    else:
        _worklist(assessment, console)
    _aside(assessment, console)
    console.print(Text(assessment.disclaimer, style="dim"))


def _worklist(assessment: Assessment, console: Console) -> None:
    needing = [patient for patient in assessment.patients if patient.plan.urgency not in ("routine", "info")]
    routine = [patient for patient in assessment.patients if patient.plan.urgency == "routine"]
    untreated = [patient for patient in assessment.patients if patient.status == "none"]
    counts = Counter(patient.plan.urgency for patient in assessment.patients)
    console.print(
        f"{len(assessment.patients)} {'person' if len(assessment.patients) == 1 else 'people'}: "
        + ", ".join(f"[{_STYLES[word]}]{counts[word]} {word}[/]" for word in _STYLES if counts[word])
    )
    table = Table(box=None, pad_edge=False, padding=(0, 1), expand=True, show_edge=False)
    table.add_column("who", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("do", no_wrap=True)
    table.add_column("why, and the source", ratio=1)
    for patient in needing:
        heads = [patient.findings[problem.findings[0]] for problem in patient.plan.problems]
        pressing = [finding for finding in heads if finding.urgency not in ("routine", "info")]
        for place, finding in enumerate(pressing[:_SHOWN_PER_PATIENT]):
            why = Text(finding.says.split(". ")[0].rstrip(".") + ".")
            why.append(f" {finding.sources[0].source}" if finding.sources else "", style="dim")
            when = Text(finding.urgency, style=_STYLES[finding.urgency])
            table.add_row(escape(patient.patient_id) if place == 0 else "", when, finding.action, why)
        if len(pressing) > _SHOWN_PER_PATIENT:
            table.add_row("", "", "", Text(f"and {len(pressing) - _SHOWN_PER_PATIENT} more", style="dim"))
    if needing:
        console.print(table)
    elif not assessment.patients:
        console.print("This record holds no patient, so nobody was assessed.")
    elif len(untreated) < len(assessment.patients):
        console.print("No patient needs action before the next routine visit.")
    if untreated:
        listed = ", ".join(patient.patient_id for patient in untreated[:_SHOWN_UNTREATED])
        more = f", and {len(untreated) - _SHOWN_UNTREATED} more" if len(untreated) > _SHOWN_UNTREATED else ""
        console.print(f"No thiopurine is recorded, so their blood tests are not monitored: {escape(listed)}{more}")
    if routine:
        console.print(
            Padding(
                Text("routine: " + ", ".join(patient.patient_id for patient in routine), style=_STYLES["routine"]),
                (1, 0, 0, 0),
            )
        )
    console.print(Text("One patient in full: azaward assess RECORD --patient ID", style="dim"))


def _patient(patient: PatientAssessment, console: Console) -> None:
    plan = patient.plan
    console.rule(f"[bold]{escape(patient.patient_id)}[/]", align="left")
    console.print(
        f"protocol {patient.protocol} · {patient.status} · [{_STYLES[plan.urgency]}]{plan.urgency}[/] · for: {plan.who}"
    )
    first, *more = dose_in_words(plan.dose)
    console.print(f"dose: {escape(first)}")
    for line in more:
        console.print(Padding(Text(line), (0, 0, 0, 6)))
    for test in plan.next_tests:
        console.print(f"next test: {escape(test.why)}, due {test.due_on}")
    for problem in patient.plan.problems:
        console.print()
        console.print(Text(problem.title, style="bold underline"))
        first, *evidence = (patient.findings[place] for place in problem.findings)
        _finding(first, console)
        for finding in evidence:
            _evidence(finding, console)
    if not patient.findings:
        console.print("No findings.")


def _evidence(finding: Finding, console: Console) -> None:
    """What else says so, in a line with its source."""
    line = Text.assemble(
        "also  ", (finding.urgency, _STYLES[finding.urgency]), "  ", finding.action, "  ", finding.says
    )
    line.append(f" {', '.join(source.source for source in finding.sources)}", style="dim")
    console.print(Padding(line, (0, 0, 0, 2)))


def _finding(finding: Finding, console: Console) -> None:
    console.print(
        Text.assemble((finding.urgency, _STYLES[finding.urgency]), "  ", (finding.action, "bold"), "  ", finding.says)
    )
    facts = [f"rule {finding.rule}/{finding.code}"]
    if finding.limit and finding.limit.comparison in COMPARISONS:
        limit = f"{amount(finding.limit.value)} {unit(finding.limit.unit)}".rstrip()
        facts.append(f"limit: {COMPARISONS[finding.limit.comparison]} {limit}")
    facts += [f"{source.title}, {source.locator} ({source.how})" for source in finding.sources]
    for fact in facts:
        console.print(Padding(Text(fact, style="dim"), (0, 0, 0, 4)))
    if finding.says_patient:
        console.print(Padding(Text(f"for the patient: {finding.says_patient}"), (0, 0, 0, 4)))


def _aside(assessment: Assessment, console: Console) -> None:
    if not assessment.set_aside:
        return
    console.print()
    count = len(assessment.set_aside)
    console.print(f"[bold]{count} item(s) of the input were set aside or read cautiously[/] (all: --format json)")
    for item in assessment.set_aside[:_SHOWN_ASIDE]:
        console.print(Padding(Text(f"{item.where}: {item.what}: {item.why}", style="dim"), (0, 0, 0, 2)))
