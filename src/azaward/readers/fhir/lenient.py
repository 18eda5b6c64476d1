"""Decodes a resource element by element: one of the wrong type is left out with its place, and the rest is read.

A system that writes a number as text, or one object where a list belongs, writes everything else as it should. What
says the same in another shape is read in the shape that was meant, and said to be: one thing where a list of them
belongs, a list of one, digits without quotes, the words of a concept alone. What is left out is never made up: a dose
without its period is unknown, and a value without its comparator is in doubt.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

T = TypeVar("T")
# A part of these that can't be read makes the whole of it unreadable: half a timing is another timing.
_WHOLE = ("timing", "doseAndRate", "referenceRange", "repeat")
# Elements that hold a concept or refer to something: their words alone say the same.
_IN_WORDS = re.compile(
    r"^(?:\w*[cC]ode|code[A-Z]\w*|type|bodySite|method|category|medication\w*|substance|manifestation|interpretation|"
    r"specimen|item\w+|reason\w*|clinicalStatus|verificationStatus|details|concept|coding)$"
)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_MOST = 64


class Damage(NamedTuple):
    """An element of a wrong type: its place in the resource, what stood there, what was expected, whether it was read.

    What was not read was left out.
    """

    place: str
    found: str
    expected: str
    is_read: bool = False

    @property
    def element(self) -> str:
        """The name of the outermost element."""
        return re.split(r"[.\[]", self.place)[0]


def decode(content: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, tuple[Damage, ...]]:
    """A resource, and which of its elements were of a wrong type. Raises `msgspec.DecodeError` where it isn't JSON.

    >>> from azaward.readers.fhir.resources import Patient
    >>> made, damage = decode(b'{"id": true, "gender": "female"}', msgspec.json.Decoder(Patient))
    >>> made.gender, damage
    ('female', (Damage(place='id', found='true', expected='str | null', is_read=False),))
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
            mended = _mend(cast(dict[str, Any], tree), steps, why)
            damage.append(mended or _leave_out(cast(dict[str, Any], tree), steps, why))
    raise msgspec.ValidationError(f"more than {_MOST} elements of the wrong type")


def _steps(place: str) -> list[str | int]:
    return [name if name else int(number) for name, number in _STEP.findall(place)]


def _mend(tree: dict[str, Any], steps: list[str | int], why: str) -> Damage | None:
    """Gives an element the shape that was meant, where nothing of what it says changes by it."""
    parent: Any = tree
    for step in steps[:-1]:
        parent = parent[step]
    found, wanted = parent[steps[-1]], why.partition(", got")[0]
    name = next((step for step in reversed(steps) if isinstance(step, str)), "")
    shaped: Any = None
    if name in ("id", "resourceType") or "float" in wanted or "int" in wanted:
        return None
    if "array" in wanted and isinstance(found, dict | str) and found:
        shaped = [found]
    elif isinstance(found, list) and len(cast(list[Any], found)) == 1 and ("object" in wanted or "str" in wanted):
        shaped = found[0]
    elif name == "value" and isinstance(found, int) and not isinstance(found, bool):
        shaped = str(found)
    elif "object" in wanted and isinstance(found, str) and found.strip() and _IN_WORDS.match(name):
        shaped = {"text": found, "display": found}
    if shaped is None:
        return None
    parent[steps[-1]] = shaped
    return _damage(steps, found, why)._replace(is_read=True)


def _leave_out(tree: dict[str, Any], steps: list[str | int], why: str) -> Damage:
    """Removes the element that the steps lead to, or the whole that has no sense without it."""
    whole = next((place + 1 for place, step in enumerate(steps) if step in _WHOLE), len(steps))
    if whole < len(steps) and isinstance(steps[whole], int):
        whole += 1
    steps = steps[:whole]
    parent: Any = tree
    for step in steps[:-1]:
        parent = parent[step]
    found = parent[steps[-1]]
    del parent[steps[-1]]
    return _damage(steps, found, why)


def _damage(steps: list[str | int], found: Any, why: str) -> Damage:
    text = msgspec.json.encode(found).decode()
    shown = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    expected = why.removeprefix("Expected ").partition(", got")[0].replace("`", "")
    return Damage(shown, text if len(text) <= 60 else text[:57] + "...", expected)
