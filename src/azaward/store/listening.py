"""From messages that arrive one by one to a store that takes many at once, and assessments that follow.

Messages are read, and patients assessed, in processes beside this one. Messages are stored together by one writer, and
answered when their transaction is on the disk. The patients whom they are about are assessed at once in the background;
what is behind when the process ends is assessed when it starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial

import sqlalchemy as sa

from azaward import assessment
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.units import conversions_of
from azaward.mllp.journal import Journal, Received
from azaward.mllp.log import shown
from azaward.mllp.processes import Processes
from azaward.mllp.server import Server, Settings
from azaward.readers.hl7.ack import in_short
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.notice import Notice
from azaward.readers.hl7.senders import Senders
from azaward.store.arrivals import Arrivals, Arrived
from azaward.store.care import reassess
from azaward.store.care.acts import Actor
from azaward.store.care.rows import By
from azaward.store.database import Store
from azaward.store.schema import assessments

# A transaction costs as much as several messages: one waits so long for messages that are being read.
_AT_ONCE, _TOGETHER_S = 64, 0.02
_ASSESSED_AT_ONCE, _ASSESSORS, _READERS = 40, 2, 4
# Where so many messages came within so many seconds, assessments wait for a pause, but no longer than this.
_MANY, _WITHIN_S, _PAUSE_S, _LONGEST_S = 20, 0.5, 0.05, 3.0
_TURN_S, _AGAIN_S = 0.0005, 5.0
_UNCOMMON = frozenset({("haemoglobin", "kg/L")})
_LOG = logging.getLogger("azaward.store")


class Listening:
    """A clinic that listens: takes messages, answers them, keeps assessments up to date."""

    def __init__(
        self,
        store: Store,
        actor: Actor,
        knowledge: Knowledge,
        senders: Senders,
        today: Callable[[], dt.date],
        log: Callable[[str], object] = lambda line: None,
    ) -> None:
        self.store, self.actor, self.knowledge, self._today = store, actor, knowledge, today
        self.senders, self._log = senders, log
        # One processor is left to store what is read.
        readers = max(1, min(_READERS, (os.cpu_count() or 1) - 1))
        self._reading = Processes(partial(_read, knowledge, senders), readers)
        self._assessing = Processes(partial(assessment.assess, knowledge=knowledge), _ASSESSORS)
        self._arrivals = Arrivals(store, actor, knowledge)
        self._waiting: queue.SimpleQueue[tuple[Arrived, Future[bytes]] | None] = queue.SimpleQueue()
        # Whoever has waited longest first: a dictionary, for its order.
        self._behind: dict[str, None] = {}
        self._since = 0.0
        self._being_read = 0
        self._latest: deque[float] = deque(maxlen=_MANY)
        self._changed = threading.Condition()
        self._ended = False
        self._writer = threading.Thread(target=self._write, name="writer", daemon=True)
        self._assessors = [
            threading.Thread(target=self._assess, name="assessor", daemon=True) for _ in range(_ASSESSORS)
        ]

    def start(self) -> None:
        """Begins to store and to assess; whoever was left behind is assessed first."""
        with self.store.read() as connection:
            left = sa.select(assessments.c.patient_id).where(
                assessments.c.clinic_id == self.actor.clinic_id,
                assessments.c.knowledge.startswith(reassess.BEHIND),
            )
            self._behind |= dict.fromkeys(connection.scalars(left))
        for thread in (self._writer, *self._assessors):
            thread.start()
        # What takes seconds to load, so that no message has to wait for it.
        threading.Thread(target=partial(conversions_of, _UNCOMMON, self.knowledge), daemon=True).start()

    def stop(self) -> None:
        """Ends when all that was taken is stored and assessed."""
        self._waiting.put(None)
        self._writer.join()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._assessors:
            thread.join()
        self._reading.close()
        self._assessing.close()

    def handle(self, content: bytes, received: Received) -> bytes:
        """One message, to its answer: it is stored when this returns."""
        with self._changed:
            self._being_read += 1
            self._latest.append(time.monotonic())
        try:
            notice = self._reading.ask(received.id, content, received.id)
        finally:
            with self._changed:
                self._being_read -= 1
        done: Future[bytes] = Future()
        self._waiting.put((Arrived(content, notice, received.at, self.senders.of(notice.header)), done))
        try:
            answer = done.result()
        except Exception:
            self._log(f"{_named(content, notice)}: closed without an answer; the sender keeps it")
            raise
        self._log(f"{_named(content, notice)}: {in_short(answer)}")
        return answer

    def _write(self) -> None:
        """Stores what waits, many messages in one transaction."""
        ended = False
        while not ended:
            following = self._waiting.get()
            until = time.monotonic() + _TOGETHER_S
            batch: list[tuple[Arrived, Future[bytes]]] = []
            while following is not None:
                batch.append(following)
                try:
                    following = self._following(until, full=len(batch) == _AT_ONCE)
                except queue.Empty:
                    break
            ended = following is None
            if batch:
                self._store(batch)

    def _following(self, until: float, *, full: bool) -> tuple[Arrived, Future[bytes]] | None:
        """The next message of the same transaction, if there is one or soon will be. Raises `queue.Empty`."""
        if full:
            raise queue.Empty
        with contextlib.suppress(queue.Empty):
            return self._waiting.get_nowait()
        left = until - time.monotonic()
        if left <= 0 or not self._being_read:
            raise queue.Empty
        return self._waiting.get(timeout=left)

    def _store(self, batch: Sequence[tuple[Arrived, Future[bytes]]]) -> None:
        by = By("hl7", dt.datetime.now(dt.UTC))
        # What is severe is so on the day on which it arrives, however long ago the listener was started.
        self._arrivals.actor = replace(self.actor, today=self._today())
        try:
            answers, touched = self._arrivals.take([arrived for arrived, _ in batch], by)
        except Exception as error:
            if len(batch) > 1:
                # One message that can't be stored keeps none of the others waiting.
                for each in batch:
                    self._store([each])
                return
            batch[0][1].set_exception(error)
            return
        with self._changed:
            self._behind |= dict.fromkeys(sorted(touched))
            self._changed.notify_all()
        for (_, done), answer in zip(batch, answers, strict=True):
            done.set_result(answer)

    def _assess(self) -> None:
        """Assesses whoever is behind: at once while little arrives, else when it pauses or they have waited long."""
        while some := self._next_behind():
            stale = self._caught_up(some)
            with self._changed:
                self._behind |= dict.fromkeys(sorted(stale))

    def _caught_up(self, some: Sequence[str]) -> set[str]:
        """Assesses some patients; gives those who are still behind. One who can't be assessed holds up no other."""
        ask = partial(self._assessing.ask, "an assessment")
        try:
            return reassess.catch_up(self.store, self.actor.clinic_id, some, self._today(), self.knowledge, ask)
        except Exception as error:
            if len(some) > 1:
                return {one for each in some for one in self._caught_up([each])}
            _LOG.error("a patient could not be assessed, and stays marked as behind: %s", type(error).__name__)
            with self._changed:
                self._changed.wait_for(lambda: self._ended, _AGAIN_S)
                return set() if self._ended else set(some)

    def _next_behind(self) -> list[str]:
        """Those to assess now, once there are some; nobody at the end."""
        with self._changed:
            while True:
                if not self._behind:
                    self._changed.wait_for(lambda: self._behind or self._ended)
                    self._since = time.monotonic()
                if not self._behind or self._ended or not self._many_come():
                    break
                if time.monotonic() - self._since >= _LONGEST_S:
                    break
                self._changed.wait(_PAUSE_S)
            self._since = time.monotonic()
            some = list(self._behind)[:_ASSESSED_AT_ONCE]
            for one in some:
                del self._behind[one]
            return some

    def _many_come(self) -> bool:
        if self._being_read or not self._waiting.empty():
            return True  # Whoever waits for an answer comes first, however slow a busy machine is.
        return len(self._latest) == _MANY and time.monotonic() - self._latest[0] < _WITHIN_S

    def serve(self, settings: Settings, journal: Journal, say: Callable[[str], None]) -> None:
        """Listens until the process is told to end; what was taken by then is stored and answered."""
        # A writer gives way at each question that it asks; it must not wait long until it may go on.
        sys.setswitchinterval(_TURN_S)
        self.start()
        try:
            asyncio.run(self._serve(settings, journal, say))
        finally:
            self.stop()
            journal.close()

    async def _serve(self, settings: Settings, journal: Journal, say: Callable[[str], None]) -> None:
        server = Server(settings, journal, self.handle)
        await server.start()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(ValueError):  # Only the main thread may listen for signals.
                loop.add_signal_handler(name, ended.set)
        say(f"listening for HL7 messages on {settings.host}:{server.port}")
        await ended.wait()
        await server.stop()


def _named(content: bytes, notice: Notice) -> str:
    """A message as the log names it: by its header and its size, never by what it says."""
    header = notice.header
    kind = f"{header.type}^{header.event}".strip("^")
    parts = (header.sender.strip("|") and header.sender, kind, header.control_id)
    return f"{'  '.join(shown(part) for part in parts)}  {len(content)} bytes"


def _read(knowledge: Knowledge, senders: Senders, content: bytes, where: str) -> Notice:
    return read_frame(content, knowledge, where, senders)
