"""A recall as text, JSON lines or TSV: one line for each thing that is otherwise, and how many people are unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from azaward.reports.recall.genes import ANEW, ASK
from azaward.reports.recall.recall import CHANGED, Finding

COLUMNS = ("sample", "kind", "gene", "diplotype", "what", "before", "after", "why")
_SAID = {CHANGED: "", ANEW: "to be called anew: ", ASK: "can't be decided from this report: "}
# What would break a line or a cell.
_BREAKS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]+")


class Summary(msgspec.Struct):
    """How many reports were read, and in how many nothing is otherwise, something is, has to be called or asked for.

    One report may count under several of the last three: of two genes one may change and the other be asked for.
    """

    reports: int = 0
    unchanged: int = 0
    changed: int = 0
    call_anew: int = 0
    ask: int = 0

    def count(self, findings: Iterable[Finding]) -> None:
        """Counts one person's report."""
        kinds = {finding.kind for finding in findings}
        self.reports += 1
        self.ask += ASK in kinds
        self.call_anew += ANEW in kinds
        self.changed += CHANGED in kinds
        self.unchanged += not kinds

    def in_words(self, release: str) -> str:
        """One line for a terminal.

        >>> Summary(reports=3, unchanged=2, changed=1).in_words("ClinPGx 2026-05-05")
        '3 reports against ClinPGx 2026-05-05: 2 unchanged, 1 changed, 0 to be called anew, 0 to be asked about.'
        """
        return (
            f"{self.reports:,} {'report' if self.reports == 1 else 'reports'} against {release}: "
            f"{self.unchanged:,} unchanged, {self.changed:,} changed, {self.call_anew:,} to be called anew, "
            f"{self.ask:,} to be asked about."
        )


def as_text(sample: str, finding: Finding) -> str:
    """One line for a terminal: sample, gene, diplotype, before and after, and why."""
    of = finding.gene or finding.what
    what = f" {finding.what}" if finding.gene and finding.what != "phenotype" else ""
    if finding.kind == CHANGED:
        change = f"{finding.before or 'none'} -> {finding.after or 'none'}; {finding.why}"
    else:
        change = f"{finding.before}; {_SAID[finding.kind]}{finding.why}"
    return _clean(f"{sample}: {' '.join(f'{of} {finding.diplotype}'.split())}{what}: {change}") + "\n"


def as_json(sample: str, finding: Finding) -> bytes:
    """One object a line."""
    return msgspec.json.encode({"sample": sample, **msgspec.structs.asdict(finding)}) + b"\n"


def as_tsv(sample: str, finding: Finding) -> str:
    """One row; the columns are `COLUMNS`."""
    held = {"sample": sample, **msgspec.structs.asdict(finding)}
    return "\t".join(_clean(held[name]) for name in COLUMNS) + "\n"


def _clean(text: str) -> str:
    return _BREAKS.sub(" ", text)
