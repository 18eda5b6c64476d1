"""A genotype report as HTML: one page a person, to open and to print; nothing loaded, every cell escaped."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment

from azaward.knowledge import Knowledge
from azaward.reports.genotype.page import page
from azaward.reports.genotype.report import SampleReport
from azaward.reports.pages import alone, environment

HERE = Path(__file__).parent


def to_html(reports: Iterable[SampleReport], knowledge: Knowledge) -> str:
    """The reports as one file.

    >>> from azaward.knowledge import load
    >>> to_html([], load()).splitlines()[0]
    '<!doctype html>'
    """
    template = _environment().get_template("genotype.html.jinja")
    style = (HERE / "genotype.css").read_text(encoding="utf-8")
    return alone(template, style, pages=[page(report, knowledge) for report in reports])


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return environment(HERE)
