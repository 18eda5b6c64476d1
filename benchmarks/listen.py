"""How many HL7 messages a second a listener takes: journal, reading, an SQLite file and the answer, over MLLP.

    python benchmarks/listen.py [--seconds 60] [--rate 200] [--connections 8] [--results 20] [--people 500]

With `--people`, `azaward listen` itself takes them into a store with so many patients, and the seconds from the last
answer to the last assessment are shown too.

Each message has a blood count and liver tests of one person. Messages are sent at a fixed rate, however
long the answers take; the time of an answer is counted from when its message was due. With `--rate 0`, as fast as it
goes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.mllp.sending import Sender, StoreListener, listening

_TESTS = (
    *("6690-2", "751-8", "731-0", "777-3", "718-7", "787-2", "711-2", "1742-6"),
    *("1920-8", "6768-6", "2324-2", "1975-2", "1751-7", "2160-0", "1988-5"),
)


def message(control_id: str, results: int = 20, person: str = "") -> bytes:
    lines = [
        f"MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|20261120||ORU^R01^ORU_R01|{control_id}|P|2.5.1",
        f"PID|1||{person or control_id}^^^RIVERSIDE^MR||Sample^Ada||19800102|F",
        f"OBR|1||{control_id}||||202611200815",
    ]
    for number in range(results):
        loinc = _TESTS[number % len(_TESTS)]
        lines.append(f"OBX|{number + 1}|NM|{loinc}^^LN|{number}|4.2|10*9/L|1.5-7.5|N|||F")
    return "\r".join(lines).encode()


class Feed(threading.Thread):
    def __init__(
        self, port: int, name: int, of: int, rate: float, until: float, results: int = 20, people: int = 0
    ) -> None:
        super().__init__(daemon=True)
        self.results, self.people = results, people
        self.first = name * people // max(of, 1)
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
            if b"MSA|AA|" not in self.sender.ask(message(control_id, self.results, self._person(number))):
                self.refused += 1
            self.waits.append(time.perf_counter() - began)
            number += 1
            due += self.every

    def _person(self, number: int) -> str:
        # Each connection goes through all people from another one on, as several systems would.
        return f"p{(self.first + number * 7919) % self.people}" if self.people else ""


def furnished(folder: Path, people: int) -> StoreListener:
    """A store with so many patients who take azathioprine, and `azaward listen` with it."""
    record = {
        "patients": [
            {"patient_id": f"p{n}", "birth_date": "1980-01-02", "sex": "female", "indication": "crohns_disease"}
            for n in range(people)
        ],
        "exposures": [
            {"patient_id": f"p{n}", "medicine": "azathioprine", "dose_mg_per_day": 100, "started_on": "2025-01-01"}
            for n in range(people)
        ],
        "results": [
            {
                "patient_id": f"p{n}",
                "analyte": analyte,
                "value": value,
                "unit": unit,
                "taken_on": day,
                "status": "final",
            }
            for n in range(people)
            for day in ("2026-03-02", "2026-06-01", "2026-09-01")
            for analyte, value, unit in (
                ("wbc", 6, "10*9/L"),
                ("neutrophils", 4, "10*9/L"),
                ("platelets", 250, "10*9/L"),
            )
        ],
    }
    (folder / "people.json").write_text(json.dumps(record), encoding="utf-8")
    database = ["--database", f"sqlite:///{folder / 'clinic.db'}"]
    program = [sys.executable, "-m", "azaward", "import", str(folder / "people.json"), "--clinic", "one", *database]
    subprocess.run(program, check=True, capture_output=True)
    return StoreListener(folder)


def assessed_after(listener: StoreListener) -> float:
    """Seconds from now until nobody's assessment is behind."""
    began = time.perf_counter()
    while time.perf_counter() - began < 120:
        with sqlite3.connect(listener.folder / "clinic.db") as database:
            (behind,) = database.execute("SELECT count(*) FROM assessments WHERE knowledge LIKE 'behind %'").fetchone()
        if not behind:
            break
        time.sleep(0.05)
    return time.perf_counter() - began


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--seconds", type=float, default=60)
    words.add_argument("--rate", type=float, default=200)
    words.add_argument("--connections", type=int, default=8)
    words.add_argument("--results", type=int, default=20)
    words.add_argument("--people", type=int, default=0)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as ends:
        listener = (
            furnished(Path(folder), asked.people) if asked.people else ends.enter_context(listening(Path(folder)))
        )
        Sender(listener.port).ask(message("warm"))
        began = time.perf_counter()
        until = began + asked.seconds
        feeds = [
            Feed(listener.port, name, asked.connections, asked.rate, until, asked.results, asked.people)
            for name in range(asked.connections)
        ]
        for feed in feeds:
            feed.start()
        for feed in feeds:
            feed.join()
        took = time.perf_counter() - began
        waits = sorted(wait for feed in feeds for wait in feed.waits)
        refused = sum(feed.refused for feed in feeds)
        behind = assessed_after(listener) if isinstance(listener, StoreListener) else None
        listener.end()
    shown = f"{len(waits)} messages in {took:.1f} s: {len(waits) / took:.0f} a second, {refused} refused"
    middle, late = statistics.median(waits), waits[int(len(waits) * 0.99)]
    print(f"{shown}; an answer takes {middle * 1000:.0f} ms, 99 of 100 under {late * 1000:.0f} ms")
    if behind is not None:
        print(f"everybody is assessed {behind:.1f} s after the last answer")


if __name__ == "__main__":
    main()
