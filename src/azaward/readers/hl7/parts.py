"""The parts of a message: segments of fields, fields of repetitions, components and subcomponents, with their escapes.

Escapes are undone here and not by the library that divides a message, which drops those that it doesn't know and
whatever follows one that doesn't end.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from azaward.readers.hl7.problems import Place, Problem, UnreadableError

DELETED = '""'
_ESCAPES = {"H": "", "N": "", ".br": "\n", ".sp": "\n", ".fi": "", ".nf": "", ".in": " ", ".ti": " ", ".sk": " "}
_COUNTED = re.compile(r"(\.[a-z]{2})[+-]?\d+")


class Delimiters(NamedTuple):
    """What divides a message, as its own MSH-1 and MSH-2 say.

    >>> Delimiters.of("MSH|^~\\\\&|LAB").encoding
    '^~\\\\&'
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    encoding: str = "^~\\&"

    @classmethod
    def of(cls, header: str) -> Delimiters:
        """The delimiters of a header segment; `UnreadableError` where two are the same or one is a letter or digit."""
        if len(header) < 6:
            raise _unreadable(1, "the header ends before its delimiters", "expected a header such as MSH|^~\\&|.")
        sign, encoding = header[3], header[4:].partition(header[3])[0]
        usual = "^~\\&"
        parts = [encoding[place] if place < len(encoding) else usual[place] for place in range(4)]
        signs = [sign, *parts]
        if len(set(signs)) < 5 or any(each.isalnum() or each.isspace() for each in signs):
            why = "expected five different characters, such as |^~\\&. Correct the header."
            raise _unreadable(2, f"delimiters {sign + encoding[:8]!r}", why)
        return cls(sign, *parts, encoding=encoding)


def _unreadable(number: int, what: str, why: str) -> UnreadableError:
    return UnreadableError(Problem(Place("MSH", 1, number), what, why, "data-type"))


class Value(NamedTuple):
    """One repetition of a field: components of subcomponents, still escaped."""

    components: tuple[tuple[str, ...], ...]
    delimiters: Delimiters
    codec: str

    def raw(self, component: int = 1) -> str:
        """A component as written, its subcomponents joined again."""
        if not 0 < component <= len(self.components):
            return ""
        parts = self.components[component - 1]
        return parts[0] if len(parts) == 1 else self.delimiters.subcomponent.join(parts)

    def text(self, component: int = 1) -> str | None:
        """A component's text; None where it is absent or deleted."""
        raw = self.raw(component)
        return unescape(raw, self.delimiters, self.codec).strip() or None if raw != DELETED else None

    def sub(self, component: int, number: int) -> str | None:
        """A subcomponent's text; None where it is absent or deleted."""
        parts = self.components[component - 1] if 0 < component <= len(self.components) else ()
        raw = parts[number - 1] if 0 < number <= len(parts) else ""
        return unescape(raw, self.delimiters, self.codec).strip() or None if raw != DELETED else None

    def whole(self) -> str | None:
        """The text with its components put together again: for what is one text, whatever signs stand in it."""
        raw = self.delimiters.component.join(self.raw(number + 1) for number in range(len(self.components)))
        return unescape(raw, self.delimiters, self.codec).strip() or None if raw != DELETED else None

    @property
    def is_deleted(self) -> bool:
        """Whether it says `""`: what is held is to be removed. An absent value says nothing."""
        return len(self.components) == 1 and self.raw() == DELETED


class Segment:
    """A segment: its name, its place among those of its name, and its fields, which are taken apart when asked for."""

    def __init__(self, number: int, fields: Sequence[str], delimiters: Delimiters, codec: str) -> None:
        self.name, self.number = fields[0], number
        self._fields, self._delimiters, self._codec = fields, delimiters, codec

    def at(self, number: int | None = None, repetition: int | None = None, component: int | None = None) -> Place:
        """A place in it."""
        return Place(self.name, self.number, number, repetition, component)

    def repetitions(self, number: int) -> tuple[Value, ...]:
        """Every repetition of a field, those without content left out."""
        written = self._fields[number] if 0 < number < len(self._fields) else ""
        return divided(written, self._delimiters, self._codec) if written else ()

    def text(self, number: int, component: int = 1) -> str | None:
        """The text of a component of a field's first repetition; None where it is absent or deleted."""
        values = self.repetitions(number)
        return values[0].text(component) if values else None

    def is_deleted(self, number: int) -> bool:
        """Whether the field says `""`."""
        values = self.repetitions(number)
        return bool(values) and values[0].is_deleted


def divided(written: str, delimiters: Delimiters, codec: str) -> tuple[Value, ...]:
    """A field's repetitions, those without content left out.

    >>> [value.components for value in divided("4217^^^A&B~~9", Delimiters(), "ascii")]
    [(('4217',), ('',), ('',), ('A', 'B')), (('9',),)]
    """
    # A feed repeats its codes, units and ranges without end; a document is not worth keeping.
    return _divided(written, delimiters, codec) if len(written) <= _SHORT else _divide(written, delimiters, codec)


def _divide(written: str, delimiters: Delimiters, codec: str) -> tuple[Value, ...]:
    """The same as the library `hl7` divides it: it leaves out the levels that a value doesn't need."""
    if not any(sign in written for sign in (delimiters.component, delimiters.repetition, delimiters.subcomponent)):
        return (Value(((written,),), delimiters, codec),)
    library: Any = import_module("hl7")
    header = f"MSH{delimiters.field}{delimiters.encoding}{delimiters.field}"
    values: list[Value] = []
    for repetition in library.parse(header + written, factory=_Lists)[0][3]:
        parts = [repetition] if isinstance(repetition, str) else repetition
        components = tuple((part,) if isinstance(part, str) else tuple(part) for part in parts)
        if any(any(component) for component in components):
            values.append(Value(components, delimiters, codec))
    return tuple(values)


_SHORT = 120
_divided = lru_cache(maxsize=16_384)(_divide)


class _Lists:
    """Makes plain lists of what the library divides: its own containers cost more than the dividing."""

    @staticmethod
    def _list(sequence: list[Any], **_: object) -> list[Any]:
        return sequence

    create_message = create_field = create_repetition = create_component = _list

    @staticmethod
    def create_segment(sequence: list[Any], **_: object) -> list[Any]:
        """Its own, because the library knows a segment by it."""
        return sequence


def unescape(text: str, delimiters: Delimiters, codec: str = "ascii") -> str:
    r"""Text with its escapes undone. One that isn't known stays as it was written: nothing is lost.

    >>> unescape(r"10\S\9/L, \H\low\N\, caf\XE9\, C:\new", Delimiters(), "iso8859-1")
    '10^9/L, low, café, C:\\new'
    """
    sign = delimiters.escape
    if sign not in text:
        return text
    pattern = re.compile(re.escape(sign) + r"([^\r\n]{1,200}?)" + re.escape(sign))
    return pattern.sub(lambda found: _escaped(found[1], found[0], delimiters, codec), text)


def _escaped(body: str, written: str, delimiters: Delimiters, codec: str) -> str:
    signs = {
        "F": delimiters.field,
        "S": delimiters.component,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "T": delimiters.subcomponent,
        "P": delimiters.encoding[4:5] or "#",
    }
    if body in signs:
        return signs[body]
    if body in _ESCAPES:
        return _ESCAPES[body]
    if (counted := _COUNTED.fullmatch(body)) and counted[1] in _ESCAPES:
        return _ESCAPES[counted[1]]
    if re.fullmatch(r"X(?:[0-9A-Fa-f]{2})+", body):
        try:
            return bytes.fromhex(body[1:]).decode(codec)
        except UnicodeDecodeError:
            return written
    return written
