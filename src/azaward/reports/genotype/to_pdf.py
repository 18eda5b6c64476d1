"""A genotype report as PDF: one page a person, set by typst. Names and notes reach it as data, never as markup."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from azaward.knowledge import Knowledge
from azaward.reports.genotype.page import page
from azaward.reports.genotype.report import SampleReport
from azaward.reports.paper import typeset

TEMPLATE = Path(__file__).parent / "genotype.typ"


def to_pdf(reports: Iterable[SampleReport], knowledge: Knowledge) -> bytes:
    """The reports as one document; the same reports give the same bytes.

    >>> from azaward.knowledge import load
    >>> to_pdf([], load())[:5]
    b'%PDF-'
    """
    return typeset(TEMPLATE, {"pages": [page(report, knowledge) for report in reports]})
