"""When are a clinic's figures worked out, and how long do they stand?

They are counted in the background, one clinic at a time, when somebody asks for them: at most once for each state of
the clinic's rows and each day. Until new ones are ready the last ones are shown, with what they are of.
"""

from __future__ import annotations

import datetime as dt
import logging
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from azaward.knowledge import Knowledge
from azaward.parquet import Growing, columns_of
from azaward.record.tables import TABLES
from azaward.store.database import Store
from azaward.store.schema import RECORD, clinics

if TYPE_CHECKING:
    from azaward.cohort.quality.counts import Counts
    from azaward.cohort.quality.figures import Quality

By = Literal["none", "protocol", "year"]
# Pages are answered meanwhile: the counting takes no more memory and no larger shares than this.
_SHARE, _MEMORY_MB, _ROWS = 2_000, 1_000, 50_000
_NOTES = "figures"
_log = logging.getLogger("azaward")


@dataclass(frozen=True)
class State:
    """What figures are of: the count of the clinic's changes, and the day."""

    changes: int
    as_of: dt.date


@dataclass(frozen=True)
class Progress:
    """How far the counting is: patients done, of how many; `failed` says why it stopped."""

    of: State
    done: int = 0
    all: int = 0
    failed: str = ""


@dataclass(frozen=True)
class _Counted:
    of: State
    counts: Counts
    aside: Mapping[str, int]
    # Hiding small numbers takes a while: each limit that was asked for is worked out once.
    shown: dict[int | None, Quality] = field(default_factory=dict)


@dataclass
class Figures:
    """The figures of every clinic of a server, as far as they were asked for."""

    store: Store
    knowledge: Knowledge
    _ready: dict[tuple[str, By], _Counted] = field(default_factory=dict[tuple[str, By], _Counted])
    _running: dict[tuple[str, By], Progress] = field(default_factory=dict[tuple[str, By], Progress])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # One at a time: the counting takes every core it is given.
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def of(self, clinic_id: str, today: dt.date, by: By) -> tuple[_Counted | None, Progress | None]:
        """What stands, and how far newer figures are where it isn't of this state; begins them where nobody has."""
        with self.store.read() as connection:
            question = sa.select(clinics.c.changes).where(clinics.c.id == clinic_id)
            state = State(connection.execute(question).scalar_one(), today)
        key = (clinic_id, by)
        with self._lock:
            ready, running = self._ready.get(key), self._running.get(key)
            if ready is not None and ready.of == state:
                return ready, None
            if running is not None and (not running.failed or running.of == state):
                return ready, running
            running = self._running[key] = Progress(state)
        threading.Thread(target=self._count, args=(key, state), name="figures", daemon=True).start()
        return ready, running

    def shown(self, counted: _Counted, by: By, hide_below: int | None) -> Quality:
        """The figures that the counts come to, small numbers hidden where that was asked for."""
        from azaward.cohort.quality.figures import figures

        if hide_below not in counted.shown:
            as_of = counted.of.as_of
            quality = figures(counted.counts, as_of, self.knowledge, by, hide_below, counted.aside)
            counted.shown[hide_below] = quality
        return counted.shown[hide_below]

    def _count(self, key: tuple[str, By], state: State) -> None:
        def progress(done: int, all: int) -> None:
            self._running[key] = replace(self._running[key], done=done, all=all)

        try:
            with self._turn, tempfile.TemporaryDirectory(prefix="azaward-") as folder:
                from azaward.cohort.quality.figures import count

                write_tables(self.store, key[0], Path(folder))
                counts, aside = count(Path(folder), state.as_of, self.knowledge, key[1], progress, _SHARE, _MEMORY_MB)
        except Exception as error:
            _log.exception("the figures of a clinic failed")
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            with self._lock:
                self._running[key] = replace(self._running[key], failed=line)
            return
        with self._lock:
            self._ready[key] = _Counted(state, counts, aside)
            del self._running[key]


def of_room(notes: dict[str, Any], store: Store, knowledge: Knowledge) -> Figures:
    """The figures of a server, which its room keeps."""
    held: Figures = notes.setdefault(_NOTES, Figures(store, knowledge))
    return held


def write_tables(store: Store, clinic_id: str, folder: Path) -> None:
    """The rows of a clinic that stand, as the six tables in Parquet, all of one moment."""
    with store.read() as connection, Growing(folder, {name: columns_of(name) for name in TABLES}) as files:
        for name, columns in TABLES.items():
            table = RECORD[name]
            question = (
                sa.select(*(table.c[column.name] for column in columns))
                .where(table.c.clinic_id == clinic_id, table.c.struck_at.is_(None))
                .order_by(table.c.id)
            )
            for some in connection.execution_options(yield_per=_ROWS).execute(question).partitions():
                files.add(name, some)
