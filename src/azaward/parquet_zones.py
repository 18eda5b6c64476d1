"""In which zone was a moment in a Parquet file written? Parquet itself keeps moments in UTC and forgets the zone.

Whoever writes by way of Arrow (pandas, Polars, R) leaves Arrow's own description of the columns beside them, and there
the zone stands. A sample taken at half past midnight belongs to the day of the place where it was taken.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator

_TIMESTAMP = 10
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def zones(described: bytes) -> dict[str, str]:
    """The zone of each column that has one, from Arrow's description (base64, as Parquet keeps it)."""
    try:
        return dict(_Message(base64.b64decode(described)).zones())
    except (ValueError, struct.error, IndexError):
        return {}


def there(cell: str, zone: str) -> str:
    """SQL for a moment as the clock of a zone showed it.

    >>> there("c1", "Europe/Berlin"), there("c1", "+02:00")
    ("timezone('Europe/Berlin', c1)", "(timezone('UTC', c1) + INTERVAL (120) MINUTE)")
    """
    if offset := _OFFSET.fullmatch(zone):
        sign, hours, minutes = offset.groups()
        return f"(timezone('UTC', {cell}) + INTERVAL ({sign.strip('+')}{int(hours) * 60 + int(minutes)}) MINUTE)"
    return f"timezone('{zone.replace(chr(39), '')}', {cell})"


class _Message:
    """A message of Arrow's, which is a FlatBuffer: tables of slots, each an offset to where its value lies."""

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
        """Where a slot of a table has its value; 0 where it has none."""
        slots = table - struct.unpack_from("<i", self._content, table)[0]
        size, place = struct.unpack_from("<H", self._content, slots)[0], 4 + 2 * number
        offset = struct.unpack_from("<H", self._content, slots + place)[0] if place < size else 0
        return table + offset if offset else 0

    def _text(self, at: int) -> str:
        begins = self._follow(at)
        return self._content[begins + 4 : begins + 4 + self._number(begins)].decode()
