"""How does an entry of the audit trail read? What its detail holds, in words, for the pages that show entries."""

from __future__ import annotations

import json
from typing import Any

# A page stays a page: what is longer is in the CSV whole.
_LONGEST = 300


def detail(text: str) -> list[tuple[str, str]]:
    """The parts of an entry's detail, by name; what isn't a JSON object stays as it is.

    >>> detail('{"table": "results", "row": {"value": 0.4, "unit": null}, "words": ""}')
    [('table', 'results'), ('row', 'value 0.4')]
    >>> detail("{}"), detail('{"patients": ["c001", "c002"]}'), detail("not JSON")
    ([], [('patients', 'c001, c002')], [('', 'not JSON')])
    """
    try:
        held = json.loads(text)
    except ValueError:
        return [("", text)] if text else []
    if not isinstance(held, dict):
        return [("", _words(held))]
    parts: dict[str, Any] = held
    return [(name.replace("_", " "), said) for name, value in parts.items() if (said := _words(value))]


def _words(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case dict():
            rows: dict[str, Any] = value
            return _short(", ".join(f"{name} {said}" for name, inner in rows.items() if (said := _words(inner))))
        case list():
            several: list[Any] = value
            return _short(", ".join(_words(inner) for inner in several))
        case _:
            return _short(str(value))


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST].rstrip()} …"
