"""How many HL7 messages a second a listener takes: journal, reading, an SQLite file and the answer, over MLLP.

    python benchmarks/listen.py [--seconds 60] [--rate 200] [--connections 8] [--results 20]

Each message has a blood count and liver tests of one person. Messages are sent at a fixed rate, however
long the answers take; the time of an answer is counted from when its message was due. With `--rate 0`, as fast as it
goes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mllp.sending import Sender, listening

_TESTS = (
    *("6690-2", "751-8", "731-0", "777-3", "718-7", "787-2", "711-2", "1742-6"),
    *("1920-8", "6768-6", "2324-2", "1975-2", "1751-7", "2160-0", "1988-5"),
)


def message(control_id: str, results: int = 20) -> bytes:
    lines = [
        f"MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|20261120||ORU^R01^ORU_R01|{control_id}|P|2.5.1",
        f"PID|1||{control_id}^^^RIVERSIDE^MR||Sample^Ada||19800102|F",
        f"OBR|1||{control_id}||||202611200815",
    ]
    for number in range(results):
        loinc = _TESTS[number % len(_TESTS)]
        lines.append(f"OBX|{number + 1}|NM|{loinc}^^LN|{number}|4.2|10*9/L|1.5-7.5|N|||F")
    return "\r".join(lines).encode()


class Feed(threading.Thread):
    def __init__(self, port: int, name: int, of: int, rate: float, until: float, results: int = 20) -> None:
        super().__init__(daemon=True)
        self.results = results
        self.sender, self.prefix = Sender(port), f"{name}-"
        self.every, self.begins, self.until = of / rate if rate else 0.0, name / rate if rate else 0.0, until
        self.waits: list[float] = []
        self.refused = 0

    def run(self) -> None:
        due = time.perf_counter() + self.begins
        number = 0
        while time.perf_counter() < self.until:
            if (early := due - time.perf_counter()) > 0:
                time.sleep(early)
            control_id = f"{self.prefix}{number}"
            began = due if self.every else time.perf_counter()
            if b"MSA|AA|" not in self.sender.ask(message(control_id, self.results)):
                self.refused += 1
            self.waits.append(time.perf_counter() - began)
            number += 1
            due += self.every


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--rate", type=float, default=200)
    words.add_argument("--connections", type=int, default=8)
    words.add_argument("--results", type=int, default=20)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder, listening(Path(folder)) as listener:
        Sender(listener.port).ask(message("warm"))
        began = time.perf_counter()
        until = began + asked.seconds
        feeds = [
            Feed(listener.port, name, asked.connections, asked.rate, until, asked.results)
            for name in range(asked.connections)
        ]
        for feed in feeds:
            feed.start()
        for feed in feeds:
            feed.join()
        took = time.perf_counter() - began
        waits = sorted(wait for feed in feeds for wait in feed.waits)
        refused = sum(feed.refused for feed in feeds)
        listener.end()
    shown = f"{len(waits)} messages in {took:.1f} s: {len(waits) / took:.0f} a second, {refused} refused"
    middle, late = statistics.median(waits), waits[int(len(waits) * 0.99)]
    print(f"{shown}; an answer takes {middle * 1000:.0f} ms, 99 of 100 under {late * 1000:.0f} ms")


if __name__ == "__main__":
    main()
