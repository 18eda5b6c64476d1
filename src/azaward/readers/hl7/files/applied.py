"""Applies what later messages of a file change in the rows of earlier ones, where no store does it.

A superseded or withdrawn result stays in the record as entered in error; other rows that no longer hold are left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from azaward.readers.hl7.notice import Correction, Notice
from azaward.readers.rows import RowReader
from azaward.record.dates import DateError, read_day
from azaward.record.tables import TABLES, Cell

_Row = tuple[Cell, ...]
_DAY = {"results": "taken_on", "exposures": "started_on", "events": "started_on", "genotypes": "reported_on"}
_ALONE = {
    "finalise": "reported as final, but the result itself is not here: its value is unknown. Ask for it.",
    "stop": "its end is here but its beginning is not: not counted as taken. Ask for the order.",
}


NO_ORIGINAL = "corrects a result that is not here: counted as it is."
# What is said of a message that changes what is not in its file: it may be in a store.
NOT_HERE = frozenset((*_ALONE.values(), NO_ORIGINAL))


class Applied:
    """The rows of several messages in the order of their arrival, each with its identity and its person."""

    def __init__(self, rows: RowReader, ids: Mapping[str, str]) -> None:
        self.rows, self.ids = rows, ids
        self._taken = dict.fromkeys(TABLES, 0)
        self._identities: dict[str, list[str | None]] = {name: [] for name in TABLES}
        # When each row was observed, where a time is known; where the rows of an identity or of an order are.
        self._at: dict[str, list[str | None]] = {name: [] for name in TABLES}
        self._places: dict[tuple[str, str], list[int]] = {}
        self._gone: dict[str, set[int]] = {name: set() for name in TABLES}

    def take(self, notice: Notice) -> None:
        """Takes the next message: first what it changes in the rows before it, then its own rows."""
        for correction in notice.corrections:
            self._apply(correction, notice)
        times = {(each.table, each.identity): each.on for each in notice.corrections if each.kind == "replace"}
        for name in TABLES:
            for identity in notice.identities.get(name, ()):
                self._at[name].append(times.get((name, identity or "")))
                if identity is not None:
                    for key in {identity, _order_of(identity)}:
                        self._places.setdefault((name, key), []).append(self._taken[name])
                self._identities[name].append(identity)
                self._taken[name] += 1

    def leave_out(self, table: str, unless: Callable[[int, _Row], bool]) -> None:
        """Leaves out the rows of a table that don't meet a condition."""
        self._gone[table] |= {place for place, row in enumerate(self.rows.rows[table]) if not unless(place, row)}

    def settle(self) -> None:
        """Leaves out the rows that no longer hold."""
        for name, gone in self._gone.items():
            self.rows.rows[name] = [row for place, row in enumerate(self.rows.rows[name]) if place not in gone]

    def _apply(self, correction: Correction, notice: Notice) -> None:
        table = correction.table
        places = self._places.get((table, correction.identity), ())
        met = [place for place in places if place not in self._gone[table] and self._is_meant(correction, table, place)]
        if met and correction.kind in ("hold", "release", "stop") and self._newer(correction, table, met, notice):
            return
        for place in met:
            self._change(correction, table, place, notice)
        if not met and correction.kind in _ALONE and not self._brings(correction, notice):
            self._say(correction, _ALONE[correction.kind], "unusable")
        if not met and correction.kind == "replace" and correction.why == "corrected":
            self._say(correction, NO_ORIGINAL, "no_original")

    def _say(self, correction: Correction, why: str, kind: str) -> None:
        what = " ".join(correction.identity.split("|")).strip()
        self.rows.aside(correction.where, what, why, correction.provisional_id, kind)

    def _is_meant(self, correction: Correction, table: str, place: int) -> bool:
        row = self.rows.rows[table][place]
        if self.ids.get(str(row[0])) != self.ids.get(correction.provisional_id):
            return False
        if not correction.means(self._identities[table][place]):
            return False
        if correction.kind != "replace" or correction.on is None:
            return True
        before = self._at[table][place]
        if before and "T" in before and "T" in correction.on:
            return before == correction.on
        day = _cell(table, row, _DAY[table])
        return day is None or day == _day(correction.on)

    def _newer(self, correction: Correction, table: str, met: list[int], notice: Notice) -> bool:
        """Of an order that stands twice, the row that says when it began stays; whether that is the message's own."""
        mine = [
            self._taken[table] + offset
            for offset, identity in enumerate(notice.identities.get(table, ()))
            if correction.means(identity)
        ]
        dated = any(_cell(table, self.rows.rows[table][place], _DAY[table]) is not None for place in mine)
        self._gone[table].update(met if dated else mine)
        return dated

    def _brings(self, correction: Correction, notice: Notice) -> bool:
        """Whether the message itself has a row of that identity."""
        return any(correction.means(identity) for identity in notice.identities.get(correction.table, ()))

    def _change(self, correction: Correction, table: str, place: int, notice: Notice) -> None:
        row = self.rows.rows[table][place]
        match correction.kind, table:
            case (("replace" | "strike"), "results"):
                self._set(table, place, "status", "entered-in-error")
            case "replace", "exposures" if (new := self._begins_later(correction, row, notice)) is not None:
                ended = _cell(table, row, "stopped_on")
                self._set(table, place, "stopped_on", min(ended, new) if isinstance(ended, dt.date) else new)
            case (("replace" | "strike"), _):
                self._gone[table].add(place)
            case "finalise", "results":
                self._set(table, place, "status", "final")
            case "stop", _ if (day := _day(correction.on)) is not None:
                self._set(table, place, "stopped_on", day)
            case "stop", _:
                self._say(correction, "ended on an unstated day: counted as still taken. Ask for the day.", "no_end")
            case "hold", _:
                self._set(table, place, "status", "on-hold")
                self._set(table, place, "stopped_on", _day(correction.on))
            case "release", _:
                self._set(table, place, "status", "active")
                self._set(table, place, "stopped_on", None)
            case _:
                pass

    def _begins_later(self, correction: Correction, row: _Row, notice: Notice) -> dt.date | None:
        """The day from which a changed order holds, if the earlier one held until then."""
        start = self._taken["exposures"]
        for offset, identity in enumerate(notice.identities.get("exposures", ())):
            new = _cell("exposures", self.rows.rows["exposures"][start + offset], "started_on")
            old = _cell("exposures", row, "started_on")
            if correction.means(identity) and isinstance(new, dt.date) and isinstance(old, dt.date) and new > old:
                return new
        return None

    def _set(self, table: str, place: int, column: str, cell: Cell) -> None:
        names = [each.name for each in TABLES[table]]
        row = list(self.rows.rows[table][place])
        row[names.index(column)] = cell
        self.rows.rows[table][place] = tuple(row)


def _order_of(identity: str) -> str:
    """The identity of the order of a result: all but its code and sub-id."""
    return identity.rsplit("|", 2)[0] + "|"


def _cell(table: str, row: Sequence[Cell], column: str) -> Cell:
    return row[[each.name for each in TABLES[table]].index(column)]


def _day(text: str | None) -> dt.date | None:
    try:
        return read_day(text) if text else None
    except DateError:
        return None
