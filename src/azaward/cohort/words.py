"""Gives a share's findings their words and their sources, each combination of gaps worded once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azaward.knowledge import Knowledge
from azaward.rules.columns import COLUMNS
from azaward.wording import Words, default_sources

# What a finding keeps besides its words: the gaps a, b and c have gone into these.
KEPT = tuple(name for name in COLUMNS if name not in ("a", "b", "c", "says", "says_patient", "sources"))
_SAID = tuple(name for name in COLUMNS if name not in ("patient_id", "rule", "protocol", "urgency", "fact", "sources"))


def worded(found: Any, knowledge: Knowledge) -> Any:
    """A table of findings (columns.COLUMNS, `on` a date) with `says`, `says_patient` and `sources` filled in."""
    import pyarrow as pa

    words = Words(knowledge)
    cells: dict[str, list[Any]] = {name: found.column(name).to_pylist() for name in _SAID}
    said: dict[tuple[Any, ...], tuple[str, str]] = {}
    clinician: list[str] = []
    patient: list[str] = []
    for row in zip(*cells.values(), strict=True):
        if (both := said.get(row)) is None:
            both = said[row] = words.say(dict(zip(_SAID, row, strict=True)))
        clinician.append(both[0])
        patient.append(both[1])
    of_code: dict[str, str] = {}
    sources: list[str] = []
    for code, own in zip(cells["code"], found.column("sources").to_pylist(), strict=True):
        if not own:
            if code not in of_code:
                of_code[code] = _lines(default_sources(code, knowledge))
            own = of_code[code]
        sources.append(own)
    kept: Mapping[str, Any] = {name: found.column(name) for name in KEPT}
    text = pa.string()
    return pa.table(
        {
            **kept,
            "says": pa.array(clinician, text),
            "says_patient": pa.array(patient, text),
            "sources": pa.array(sources, text),
        }
    )


def _lines(sources: list[dict[str, str]]) -> str:
    return "\n".join("|".join((each["source"], each["locator"], each["how"])) for each in sources)
