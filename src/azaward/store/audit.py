"""The audit trail: who read or changed what, protected against tampering.

Every entry contains the hash of the previous one, so that changing, removing or inserting an entry breaks the chain. A
change and its entry are one transaction; data are shown only after the entry for the read has been stored.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.store.database import Store
from azaward.store.schema import audit, audit_head

_AT_ONCE = 500
_HEAD = sa.select(audit_head.c.seq, audit_head.c.hash).with_for_update()
_FIELDS = ("seq", "at", "clinic_id", "actor", "action", "subject", "detail", "previous")


@dataclass(frozen=True)
class Entry:
    """One act: `actor` did `action` to `subject` (a patient's id, a user's login, a file)."""

    actor: str
    action: str
    clinic_id: str | None = None
    subject: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Verified:
    """The outcome of verifying the chain: the number of entries, the last hash, and the first fault, if any."""

    entries: int
    head: str
    wrong: str | None


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Adds entries in the transaction of `connection`, which waits for other writers."""
    seq, previous = connection.execute(_HEAD).one()
    now = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
    rows: list[dict[str, Any]] = []
    for entry in entries:
        seq += 1
        row: dict[str, Any] = {
            "seq": seq,
            "at": now,
            "clinic_id": entry.clinic_id,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "detail": json.dumps(entry.detail, sort_keys=True, ensure_ascii=False, default=str),
            "previous": previous,
        }
        previous = row["hash"] = link(row)
        rows.append(row)
    connection.execute(sa.insert(audit), rows)
    connection.execute(sa.update(audit_head).values(seq=seq, hash=previous))


def link(row: Mapping[str, Any]) -> str:
    """The hash of an entry, which includes the hash of the previous one."""
    return hashlib.sha256(json.dumps([row[name] for name in _FIELDS], ensure_ascii=False).encode()).hexdigest()


def verify(store: Store, head: str | None = None) -> Verified:
    """Verifies the chain from its beginning; `head` is a hash noted earlier, which the chain must contain.

    Someone who can write to the database could forge a whole new chain; a hash noted elsewhere reveals this.
    """
    with store.read() as connection:
        return follow(connection, head)


def follow(connection: Connection, head: str | None = None) -> Verified:
    """The same, in the transaction of `connection`."""
    last_seq, last_hash = connection.execute(sa.select(audit_head.c.seq, audit_head.c.hash)).one()
    count, previous, met = 0, "", head is None or head == ""
    for row in _rows(connection, last_seq):
        count += 1
        if row["seq"] != count:
            return Verified(count - 1, last_hash, f"entry {count} is missing: the next entry is number {row['seq']}")
        if row["previous"] != previous or row["hash"] != link(row):
            return Verified(count - 1, last_hash, f"entry {count} of {row['at']} was altered")
        previous = str(row["hash"])
        met = met or previous == head
    if (count, previous) != (last_seq, last_hash):
        return Verified(count, last_hash, f"the last entries are missing: only {count} of {last_seq} exist")
    if not met:
        return Verified(count, last_hash, f"no entry has the hash {head}: the trail has been replaced")
    return Verified(count, last_hash, None)


def _rows(connection: Connection, last: int) -> Iterator[Mapping[Any, Any]]:
    question = sa.select(audit).where(audit.c.seq <= last).order_by(audit.c.seq)
    yield from connection.execution_options(yield_per=5_000).execute(question).mappings()


class Reads:
    """Stores entries for reads: simultaneous ones share a transaction, and each caller waits until it is stored."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: SimpleQueue[tuple[Entry, Future[None]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._keep, name="audit of reads", daemon=True)
        self._thread.start()

    def note(self, entry: Entry) -> None:
        """Returns once the entry is stored; raises the error if it can't be."""
        if not self._thread.is_alive():
            raise StoreError("the audit trail is closed: the server is shutting down.")
        kept: Future[None] = Future()
        self._waiting.put((entry, kept))
        kept.result()

    def close(self) -> None:
        """Stores the entries that are waiting, and ends."""
        self._waiting.put(None)
        self._thread.join()

    def _keep(self) -> None:
        ended = False
        while not ended:
            batch = [self._waiting.get()]
            while not self._waiting.empty() and len(batch) < _AT_ONCE:
                batch.append(self._waiting.get())
            ended = None in batch
            notes = [note for note in batch if note is not None]
            if not notes:
                continue
            try:
                with self._store.write() as connection:
                    append(connection, [entry for entry, _ in notes])
            except Exception as error:
                # A full disk says so itself.
                said = error if isinstance(error, StoreError) else None
                for _, kept in notes:
                    kept.set_exception(said or StoreError(f"the audit trail can't be written: {error}"))
            else:
                for _, kept in notes:
                    kept.set_result(None)
