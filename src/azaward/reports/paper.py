"""How does a page get onto paper? Typst sets a template from data; nothing that was typed reaches it as markup.

For guides, genotype reports, letters and the booklet. The same data give the same bytes: only the fonts that come with
typst, and instead of the clock the day that the paper speaks of, if it speaks of one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from azaward.reports.words import printable

NO_DAY = dt.date(1970, 1, 1)


def typeset(template: Path, content: Mapping[str, Any], day: dt.date = NO_DAY) -> bytes:
    """The PDF of `content`, set by a Typst template."""
    import typst

    made: bytes = typst.compile(
        template,
        format="pdf",
        sys_inputs={"content": json.dumps(clean(content))},
        ignore_system_fonts=True,
        timestamp=int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()),
    )
    return made


def clean(content: Any) -> Any:
    """The same data, every text in it without characters that paper can't carry.

    >>> clean({"id": "c1\\x00", "days": [3, None]})
    {'id': 'c1\ufffd', 'days': [3, None]}
    """
    if isinstance(content, Mapping):
        return {str(key): clean(value) for key, value in cast(Mapping[Any, Any], content).items()}
    if isinstance(content, list | tuple):
        return [clean(value) for value in cast(list[Any], content)]
    return printable(content)


def one_line(text: str) -> str:
    """A text without line breaks, tabs and unprintable characters: a name as it stands in a heading.

    >>> one_line("Joint\\n clinic\\x07")
    'Joint clinic\ufffd'
    """
    return " ".join(str(printable(text)).split())
