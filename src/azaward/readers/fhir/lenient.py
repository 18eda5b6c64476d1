"""Decodes a resource element by element: one of the wrong type is left out with its place, and the rest is read.

A system that writes a number as text, or one object where a list belongs, writes everything else as it should. What
is left out is never made up: a dose without its period is unknown, and a value without its comparator is in doubt.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

T = TypeVar("T")
# A part of these that can't be read makes the whole of it unreadable: half a timing is another timing.
_WHOLE = ("timing", "doseAndRate", "referenceRange", "repeat")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MOST = 64


class Damage(NamedTuple):
    """An element that was left out: its place in the resource, what stood there, and what was expected."""

    place: str
    found: str
    expected: str

    @property
    def element(self) -> str:
        """The name of the outermost element."""
        return re.split(r"[.\[]", self.place)[0]


def decode(content: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, tuple[Damage, ...]]:
    """A resource, and what had to be left out of it. Raises `msgspec.DecodeError` where it isn't JSON.

    >>> from azaward.readers.fhir.resources import Patient
    >>> made, damage = decode(b'{"id": 7, "gender": "female"}', msgspec.json.Decoder(Patient))
    >>> made.gender, damage
    ('female', (Damage(place='id', found='7', expected='str | null'),))
    """
    try:
        return decoder.decode(content), ()
    except msgspec.ValidationError:
        pass
    tree: Any = msgspec.json.decode(content)
    damage: list[Damage] = []
    while len(damage) < _MOST:
        try:
            # Written out again: `msgspec.convert` can't give a part of a tree undecoded, as what is contained is kept.
            return decoder.decode(msgspec.json.encode(tree)), tuple(damage)
        except msgspec.ValidationError as error:
            why, _, place = str(error).partition(" - at `$")
            steps = _steps(place.rstrip("`"))
            if not steps or not isinstance(tree, dict):
                raise
            damage.append(_leave_out(cast(dict[str, Any], tree), steps, why))
    raise msgspec.ValidationError(f"more than {_MOST} elements of the wrong type")


def _steps(place: str) -> list[str | int]:
    return [name if name else int(number) for name, number in _STEP.findall(place)]


def _leave_out(tree: dict[str, Any], steps: list[str | int], why: str) -> Damage:
    """Removes the element that the steps lead to, or the whole that has no sense without it."""
    whole = next((place + 1 for place, step in enumerate(steps) if step in _WHOLE), len(steps))
    if whole < len(steps) and isinstance(steps[whole], int):
        whole += 1
    steps = steps[:whole]
    parent: Any = tree
    for step in steps[:-1]:
        parent = parent[step]
    found = msgspec.json.encode(parent[steps[-1]]).decode()
    del parent[steps[-1]]
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    expected = why.removeprefix("Expected ").partition(", got")[0].replace("`", "")
    return Damage(shown, found if len(found) <= 60 else found[:57] + "...", expected)
