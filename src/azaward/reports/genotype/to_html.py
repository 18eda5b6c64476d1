"""A genotype report as HTML: one page a person, to open and to print; nothing loaded, every cell escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from azaward.knowledge import Knowledge
from azaward.reports.genotype.page import page
from azaward.reports.genotype.report import SampleReport
from azaward.reports.words import printable

HERE = Path(__file__).parent


def to_html(reports: Iterable[SampleReport], knowledge: Knowledge) -> str:
    """The reports as one file.

    >>> from azaward.knowledge import load
    >>> to_html([], load()).splitlines()[0]
    '<!doctype html>'
    """
    style = (HERE / "genotype.css").read_text(encoding="utf-8")
    return _template().render(
        pages=[page(one, knowledge) for one in reports],
        style=Markup(style),  # noqa: S704 our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    return environment.get_template("genotype.html.jinja")


def _printable(value: Any) -> Any:
    return printable(value)
