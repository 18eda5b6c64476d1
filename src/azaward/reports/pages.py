"""How does a page become HTML that can be trusted? Every word escaped, nothing loaded, one style sheet named by hash.

The reports are files that stand alone; the clinic's and the patient's pages are made in the same way.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from azaward.plans import mg_in_words
from azaward.reports.words import (
    URGENCY,
    at,
    limits_in_words,
    long_day,
    normal_range,
    phrase,
    pretty_unit,
    printable,
)
from azaward.wording import amount


def environment(folders: Path | Sequence[Path], **filters: Callable[..., Any]) -> Environment:
    """What makes pages of the templates in these folders, with the filters that every page has and its own."""
    made = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=printable,
    )
    everywhere: dict[str, Any] = {
        "urgency": URGENCY.__getitem__,
        "action": phrase,
        "longday": long_day,
        "unit": pretty_unit,
        "amount": amount,
        "mg": mg_in_words,
        "why": limits_in_words,
        "at": at,
        "normal": normal_range,
    }
    made.filters.update({**everywhere, **filters})
    return made


def alone(template: Template, style: str, **values: Any) -> str:
    """A page with its style sheet in it, and the hash by which its content security policy lets that one in."""
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # A style sheet is made here; words of a record that stand in it were made safe for it.
    return template.render(**values, style=Markup(style), style_hash=style_hash)  # noqa: S704
