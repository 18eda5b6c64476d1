"""Finds the time zone of timestamps in a Parquet file. Parquet itself stores them in UTC without the zone.

Software that writes with Arrow (pandas, Polars, R) adds Arrow's own schema to the file, and that includes the zone. A
sample taken at half past midnight belongs to the local date.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator

_TIMESTAMP = 10
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def zones(described: bytes) -> dict[str, str]:
    """The time zone of each column that has one, from Arrow's schema (base64, as stored in Parquet)."""
    try:
        return dict(_Message(base64.b64decode(described)).zones())
    except (ValueError, struct.error, IndexError):
        return {}


def there(cell: str, zone: str) -> str:
    """SQL for a timestamp in the local time of a zone.

    >>> there("c1", "Europe/Berlin"), there("c1", "+02:00")
    ("timezone('Europe/Berlin', c1)", "(timezone('UTC', c1) + INTERVAL (120) MINUTE)")
    """
    if offset := _OFFSET.fullmatch(zone):
        sign, hours, minutes = offset.groups()
        return f"(timezone('UTC', {cell}) + INTERVAL ({sign.strip('+')}{int(hours) * 60 + int(minutes)}) MINUTE)"
    return f"timezone('{zone.replace(chr(39), '')}', {cell})"


class _Message:
    """An Arrow message, which is a FlatBuffer: tables of slots, each an offset to the position of its value."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def zones(self) -> Iterator[tuple[str, str]]:
        """The name and zone of each of the schema's timestamps that has a zone."""
        start = 8 if self._number(0) == 0xFFFFFFFF else 4
        schema = self._follow(self._slot(self._follow(start), 2))
        fields = self._follow(self._slot(schema, 1))
        for place in range(self._number(fields)):
            field = self._follow(fields + 4 + 4 * place)
            kind = self._slot(field, 2)
            if kind and self._content[kind] == _TIMESTAMP:
                zone = self._slot(self._follow(self._slot(field, 3)), 1)
                if zone:
                    yield self._text(self._slot(field, 0)), self._text(zone)

    def _number(self, at: int) -> int:
        return struct.unpack_from("<I", self._content, at)[0]

    def _follow(self, at: int) -> int:
        return at + self._number(at)

    def _slot(self, table: int, number: int) -> int:
        """The position of a slot's value; 0 if it has none."""
        slots = table - struct.unpack_from("<i", self._content, table)[0]
        size, place = struct.unpack_from("<H", self._content, slots)[0], 4 + 2 * number
        offset = struct.unpack_from("<H", self._content, slots + place)[0] if place < size else 0
        return table + offset if offset else 0

    def _text(self, at: int) -> str:
        begins = self._follow(at)
        return self._content[begins + 4 : begins + 4 + self._number(begins)].decode()
