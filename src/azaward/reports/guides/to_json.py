"""A guide as JSON: the same field names wherever guides are listed, found or shown."""

from __future__ import annotations

from typing import Any

import msgspec

from azaward.guides.library import Guide
from azaward.knowledge import Knowledge


def listed(guide: Guide) -> dict[str, str]:
    """What a list of guides says of one.

    >>> from azaward.guides.library import library
    >>> listed(library().get("missed-dose"))["topic"]
    'daily'
    """
    front = guide.front
    return {"id": guide.id, "title": front.title, "topic": front.topic, "question": front.question}


def shown(guide: Guide, knowledge: Knowledge) -> dict[str, Any]:
    """The guide in full: the list's fields, `body` (Markdown), `sources`, `reviewed_on`, `reading_grade`."""
    body = guide.body(knowledge)
    return {
        **listed(guide),
        "body": body.readable,
        "sources": [source._asdict() for source in body.sources],
        "reviewed_on": guide.front.reviewed_on.isoformat(),
        "reading_grade": guide.front.reading_grade,
    }


def to_json(value: Any) -> bytes:
    """Indented JSON with a line break at its end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
