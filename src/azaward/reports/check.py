"""What was found about a list of medicines, for a terminal: the most urgent first, with its reason and source."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from azaward.medicines.check import Check, CheckFinding, Detail, MedicineChecked

_STYLES = {
    "emergency": "bold white on red",
    "same-day": "bold red",
    "this-week": "yellow",
    "routine": "cyan",
    "info": "dim",
}


def show(check: Check, console: Console | None = None) -> None:
    """Prints each name with what it was taken for and its findings, then what holds for the list as a whole."""
    console = console or Console(highlight=False)
    console.print(Text.assemble(("azaward check", "bold"), f" on {check.on}, knowledge {check.knowledge}"))
    for medicine in check.medicines:
        console.print()
        console.print(_heading(medicine))
        for finding in medicine.findings:
            _finding(finding, console)
    if check.findings:
        console.print()
        console.print(Text("The list as a whole", style="bold"))
        for finding in check.findings:
            _finding(finding, console)
    console.print()
    console.print(Text(check.disclaimer, style="dim"))


def _heading(medicine: MedicineChecked) -> Text:
    taken_for = [match.ingredient.replace("_", " ") for match in medicine.matches]
    heading = Text(medicine.asked or "(nothing)", style="bold")
    if not taken_for:
        return heading.append("  NOT CHECKED", style="bold red")
    if taken_for != [medicine.asked.casefold()]:
        how = "/".join(dict.fromkeys(match.how for match in medicine.matches))
        heading.append(f"  = {', '.join(taken_for)} ({how})", style="dim")
    return heading


def _finding(finding: CheckFinding, console: Console) -> None:
    action = "" if finding.urgency == "info" else f"  {finding.action}"
    line = Text.assemble((finding.urgency, _STYLES[finding.urgency]), (action, "bold"), "  ", finding.says)
    console.print(Padding(line, (0, 0, 0, 2)))
    if finding.detail is not None:
        for text in _facts(finding.detail, finding):
            console.print(Padding(Text(text, style="dim"), (0, 0, 0, 6)))
        sources = "; ".join(f"{source.title}, {source.locator} ({source.how})" for source in finding.sources)
        console.print(Padding(Text(f"source: {sources}", style="dim"), (0, 0, 0, 6)))
        console.print(Padding(Text(f"for the patient: {finding.says_patient}"), (0, 0, 0, 6)))


def _facts(detail: Detail, finding: CheckFinding) -> list[str]:
    """The lines under a finding: how, how large, how sure, which dose, which test, for how long, what else is said."""
    lines = [f"{name}: {text}" for name, text in (("how", detail.mechanism), ("how large", detail.effect_size)) if text]
    if detail.evidence:
        lines.append(f"how sure: {detail.evidence}")
    if finding.dose_fraction:
        low, high = finding.dose_fraction
        share = f"{high:.0%}" if low == high else f"{low:.0%} to {high:.0%}"
        lines.append(f"dose: {share} of the usual one")
    if detail.test:
        every = f", every {detail.test_every_days:g} days at first" if detail.test_every_days else ""
        lines.append(f"test: {detail.test.replace('_', ' ')}{every}")
    if detail.mechanism:
        lasts = detail.lasts_days_after
        lines.append(f"after either is stopped: {f'{lasts:g} days' if lasts else 'the source names no time'}")
    lines += [f"also: {other.says} ({other.source})" for other in detail.also]
    return lines
