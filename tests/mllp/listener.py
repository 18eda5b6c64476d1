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
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue

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
    """The handler: reads a message, keeps it with its answer, and answers once both are on the disk.

    Messages that arrive together are kept in one transaction, since it is the disk that takes time.
    """

    def __init__(self, file: Path) -> None:
        self.knowledge = load()
        self.codes = codes(self.knowledge)
        self._file = file
        self._waiting: SimpleQueue[tuple[tuple[object, ...], Future[bytes]]] = SimpleQueue()
        threading.Thread(target=self._keep, daemon=True).start()

    def __call__(self, content: bytes, received: Received) -> bytes:
        notice = read_frame(content, self.knowledge, received.id)
        said = answer(content, notice, self.codes, dt.datetime.now(dt.UTC))
        values = [row[2] for row in notice.record.rows["results"]]
        kept: Future[bytes] = Future()
        self._waiting.put(((*notice.key, values[0] if values else None, said), kept))
        return kept.result()

    def _keep(self) -> None:
        database = sqlite3.connect(self._file, isolation_level=None)
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        database.execute(_TABLE)
        while True:
            together = [self._waiting.get()]
            while not self._waiting.empty():
                together.append(self._waiting.get())
            database.execute("begin immediate")
            answers = [_kept(database, row) for row, _ in together]
            database.execute("commit")
            for (_, future), said in zip(together, answers, strict=True):
                future.set_result(said)


def _kept(database: sqlite3.Connection, row: tuple[object, ...]) -> bytes:
    """Keeps a message once; its answer, or that of the first time."""
    database.execute("insert into kept values (?, ?, ?, ?, ?) on conflict do nothing", row)
    question = "select answer from kept where (sender, control_id, digest) = (?, ?, ?)"
    return bytes(database.execute(question, row[:3]).fetchone()[0])


async def main(folder: Path) -> None:
    journal = Journal(folder / "journal")
    server = Server(Settings(port=0, threads=8), journal, Keeper(folder / "kept.db"))
    await server.start()
    print(server.port, flush=True)
    until = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, until.set)
    await until.wait()
    await server.stop()
    journal.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
