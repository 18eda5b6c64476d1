"""A listener as a process whose handler keeps messages in an SQLite file: `python -m tests.mllp.listener FOLDER`.

It prints its port. What it keeps it keeps once, by the key of the message.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import signal
import sqlite3
import sys
import threading
from pathlib import Path

from azaward.knowledge import load
from azaward.mllp.journal import Journal, Received
from azaward.mllp.server import Server, Settings
from azaward.readers.hl7.ack import answer
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.messages import read_frame

_TABLE = """
create table if not exists kept (
    sender text, control_id text, digest text, neutrophils real, answer blob, primary key (sender, control_id, digest)
) strict
"""


class Keeper:
    """The handler: reads a message, keeps it with its answer in one transaction, and answers."""

    def __init__(self, file: Path) -> None:
        self.knowledge = load()
        self.codes = codes(self.knowledge)
        self._lock = threading.Lock()
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        self._database.execute(_TABLE)

    def __call__(self, content: bytes, received: Received) -> bytes:
        notice = read_frame(content, self.knowledge, received.id)
        said = answer(content, notice, self.codes, dt.datetime.now(dt.UTC))
        values = [row[2] for row in notice.record.rows["results"]]
        with self._lock:
            self._database.execute(
                "insert into kept values (?, ?, ?, ?, ?) on conflict do nothing",
                (*notice.key, values[0] if values else None, said),
            )
            kept = self._database.execute(
                "select answer from kept where (sender, control_id, digest) = (?, ?, ?)", notice.key
            )
            return bytes(kept.fetchone()[0])


async def main(folder: Path) -> None:
    journal = Journal(folder / "journal")
    server = Server(Settings(port=0), journal, Keeper(folder / "kept.db"))
    await server.start()
    print(server.port, flush=True)
    until = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
    await until.wait()
    await server.stop()
    journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
