"""How does an open page learn that something changed?

Each clinic counts its changes in the database, whoever made them and from which process. One task watches the
counts; the pages that listen (server-sent events) are told, and fetch the moving part again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from azaward.store.database import Store
from azaward.store.schema import clinics

_EVERY_S = 0.2
# A line now and then keeps proxies from closing the stream, and tells when the browser has gone.
_BREATH_S = 15.0


class Changes:
    """The count of changes of each clinic, as it was last seen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[str, int] = {}
        self._told = asyncio.Condition()
        self._ended = False

    async def watch(self) -> None:
        """Looks again and again until cancelled; a database that is away for a while is waited for."""
        while True:
            try:
                counts = await run_in_threadpool(self._read)
            except DBAPIError:
                counts = self._counts
            if counts != self._counts:
                async with self._told:
                    self._counts = counts
                    self._told.notify_all()
            await asyncio.sleep(_EVERY_S)

    async def end(self) -> None:
        """Lets every listener go, so that the server can stop."""
        async with self._told:
            self._ended = True
            self._told.notify_all()

    async def of(self, clinic_id: str) -> AsyncIterator[str]:
        """The events of a clinic, in the words of server-sent events."""
        seen = self._counts.get(clinic_id)
        yield f"retry: 1000\nevent: begin\ndata: {seen}\n\n"
        while not self._ended:
            try:
                async with asyncio.timeout(_BREATH_S), self._told:
                    await self._told.wait_for(lambda before=seen: self._ended or self._counts.get(clinic_id) != before)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            seen = self._counts.get(clinic_id)
            if not self._ended:
                yield f"event: change\ndata: {seen}\n\n"

    def _read(self) -> dict[str, int]:
        with self._store.read() as connection:
            return {row.id: row.changes for row in connection.execute(sa.select(clinics.c.id, clinics.c.changes))}
