"""Opens the database and keeps it consistent.

Every change is one transaction, on disk before it is acknowledged. SQLite has one writer at a time; PostgreSQL's
writers are serialised by locking the head of the audit trail. A database that can't be used gives a one-line error.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError

from azaward.errors import FullError, StoreError

DEFAULT = "sqlite:///azaward.db"
_WAIT_S, _REACH_S = 30, 5
_POOL: dict[str, Any] = {"pool_size": 20, "max_overflow": 30}


class _Turns:
    """A fair lock: lets threads in one after another, in order of arrival.

    SQLite allows one writer and has no queue, so a thread that writes repeatedly could starve the others.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next, self._now = 0, 0

    def __enter__(self) -> None:
        with self._changed:
            mine = self._next
            self._next += 1
            self._changed.wait_for(lambda: self._now == mine)

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._now += 1
            self._changed.notify_all()


class Store:
    """An open database. `read` and `write` give a connection for one transaction.

    >>> store = Store.open("sqlite://")
    >>> with store.read() as connection:
    ...     connection.execute(sa.text("SELECT seq FROM audit_head")).scalar_one()
    0
    >>> store.close()
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # Where the key to names and numbers lies, unless beside the database.
        self.key_file: Path | None = None
        self._turns = _Turns() if engine.dialect.name == "sqlite" else nullcontext()

    @property
    def name(self) -> str:
        """The database's address, without a password."""
        return self.engine.url.render_as_string(hide_password=True)

    @staticmethod
    def open(address: str = DEFAULT) -> Store:
        """Opens the database at a URL (`sqlite:///FILE` or `postgresql://...`) and upgrades its tables.

        Raises `StoreError` if it can't be reached, isn't azaward's, or was created by a newer version.
        """
        from azaward.store.versions import bring_up_to_date

        store = Store.at(address)
        try:
            bring_up_to_date(store.engine, store.name)
        except DBAPIError as error:
            store.close()
            raise StoreError(_unreachable(store.name, error)) from None
        except BaseException:
            store.close()
            raise
        return store

    @staticmethod
    def at(address: str) -> Store:
        """Opens the database at a URL without upgrading its tables. Raises `StoreError` if it can't be reached."""
        store = Store(_engine(_url(address)))
        try:
            store.engine.connect().close()
        except DBAPIError as error:
            store.close()
            raise StoreError(_unreachable(store.name, error)) from None
        return store

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A read-only connection that sees a consistent snapshot."""
        try:
            with self.engine.connect() as connection:
                yield connection
        except DataError as error:
            raise StoreError(_unheld(error)) from None

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A connection whose changes are committed together, or rolled back."""
        try:
            with self._turns, self.engine.connect() as plain:
                connection = plain.execution_options(azaward_writes=True)
                with connection.begin():
                    yield connection
        except DBAPIError as error:
            if _is_full(error):
                raise FullError(
                    f"{self.name}: the disk is full. Nothing was changed. Free some space, then try again."
                ) from None
            if isinstance(error, DataError):
                raise StoreError(_unheld(error)) from None
            raise

    def close(self) -> None:
        """Closes every connection."""
        self.engine.dispose()


def _url(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError:
        raise StoreError(
            f"database {address!r}: invalid address. Expected sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreError(f"database {address!r}: expected sqlite:///FILE or postgresql://USER@HOST/NAME.")
    return url


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": _REACH_S}, **_POOL)
    memory = url.database in (None, "", ":memory:")
    if url.database and not memory and not Path(url.database).exists():
        # It holds health data: its owner's alone. SQLite's other files beside it follow it.
        with suppress(OSError):
            os.close(os.open(url.database, os.O_CREAT, 0o600))
    pool: dict[str, Any] = {"poolclass": sa.StaticPool} if memory else _POOL
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": _WAIT_S}, **pool)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: Any) -> None:
    # The driver must not begin transactions by itself: a writer has to say at the start that it will write.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("azaward_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _is_full(error: DBAPIError) -> bool:
    """Whether the disk is full, in SQLite's words or in PostgreSQL's code."""
    original = error.orig
    return "disk is full" in str(original) or getattr(original, "sqlstate", None) == "53100"


def _unheld(error: DataError) -> str:
    """The error for a value that the database can't store, such as a control character in PostgreSQL."""
    line = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
    return f"a value can't be stored: {line}. Nothing was changed. Correct it at its source."


def _unreachable(name: str, error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines() or ["no reason given"]
    return f"{name}: can't be used: {lines[0]}. Check the address, the server and the write permissions."
