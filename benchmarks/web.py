"""How long does the worklist take with fifty people at it, and how soon does a new result stand on it?

Run: python benchmarks/web.py [--patients 10000] [--results 40] [--users 50] [--seconds 60] [--folder FOLDER]. A real
server (`azaward serve`, one process) on a SQLite file of invented people; the users are another process. Each user
asks for the worklist, in turn by urgency, by words and by page, looks at it for a second, and asks again; one nurse
among them enters a result every two seconds. Then the same without looking: as fast as answers come. It ends with one
JSON line {"patients", "worklist_p50_ms", "worklist_p95_ms", "result_to_worklist_ms", "rps", "errors", "peak_mb"}.
`result_to_worklist_ms` is from sending a result until a page that listens has been told and has fetched a worklist
that holds it: the 95th of 100. Beside these: `results`; `unpaused`, the same figures without looking; `growth`, the
median for a user alone on a fifth of the people, with these results each and with four times as many.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyotp
from sqlalchemy import func, select, update

from azaward.knowledge import load
from azaward.record.tables import TABLES, Record
from azaward.store import Store, accounts, imports
from azaward.store.care import acts
from azaward.store.schema import RECORD, users
from azaward.synthesis import synthesise
from azaward.web.demo import CLINIC, DAY, PASSWORD

ADDRESS = ("127.0.0.1", 8471)
PAGES = ("", "?urgency=same-day", "?page=2", "?overdue=true", "?words=crohn", "?sort=due", "?everyone=true&page=3")
AT_ONCE = 1_000


def furnish(database: str, patients: int, results: int) -> None:
    """A clinic of invented people with so many results each, and fifty staff."""
    store, knowledge = Store.open(database), load()
    imports.make_clinic(store, CLINIC, "Benchmark")
    with store.write() as connection:
        number = accounts.make_user(connection, "nurse", "nurse", "nurse", CLINIC, PASSWORD)
        # Staff need a second factor; the sessions of this run are begun whole.
        connection.execute(update(users).where(users.c.id == number).values(totp_secret=pyotp.random_base32()))
    actor = acts.Actor("benchmark", CLINIC, DAY)
    for first in range(0, patients, AT_ONCE):
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        for person in synthesise(min(AT_ONCE, patients - first), 2026, DAY, results, first, width=6):
            for name, columns in TABLES.items():
                names = [column.name for column in columns]
                rows[name] += [dict(zip(names, row, strict=False)) for row in person.tables[name]]
        imports.keep(store, actor, f"people {first}", f"{patients}-{results}-{first}", Record.of(rows), knowledge)
        print(f"{first + AT_ONCE:,} of {patients:,} people are in the database", file=sys.stderr)
    store.close()


async def ask(cookie: str, path: str, form: dict[str, str] | None = None) -> tuple[int, bytes]:
    """One request on a connection of its own, as HTTP/1.1; the status and the body."""
    reader, writer = await asyncio.open_connection(*ADDRESS)
    body = urlencode(form or {}).encode()
    lines = [f"{'POST' if form else 'GET'} {path} HTTP/1.1", f"Host: {ADDRESS[0]}", f"Cookie: azaward={cookie}"]
    lines += ["Connection: close", "Accept: text/html"]
    if form:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer


async def look(cookie: str, until: float, pause: float, took: list[float], wrong: list[int], seed: int) -> None:
    """One user: the worklist again and again."""
    chance = random.Random(seed)
    await asyncio.sleep(chance.random() * pause)
    while time.monotonic() < until:
        began = time.perf_counter()
        status, _ = await ask(cookie, f"/worklist{chance.choice(PAGES)}")
        took.append(time.perf_counter() - began)
        if status != 200:
            wrong.append(status)
        await asyncio.sleep(pause * 2 * chance.random())


async def listen(cookie: str, heard: asyncio.Event) -> None:
    """A page that listens for changes."""
    reader, writer = await asyncio.open_connection(*ADDRESS)
    head = f"GET /worklist/live HTTP/1.1\r\nHost: {ADDRESS[0]}\r\nCookie: azaward={cookie}\r\n\r\n"
    writer.write(head.encode())
    while line := await reader.readline():
        if line.startswith(b"event: change"):
            heard.set()


async def enter(cookie: str, csrf: str, patients: int, times: int, wrong: list[int]) -> list[float]:
    """A nurse who enters results: how long each takes until a listening page shows it."""
    heard = asyncio.Event()
    listening = asyncio.create_task(listen(cookie, heard))
    await asyncio.sleep(0.5)
    took: list[float] = []
    chance = random.Random(7)
    for turn in range(times):
        patient = f"c{chance.randrange(patients) + 1:06d}"
        value = f"0.{chance.randrange(1, 40):02d}{turn:02d}1"
        form = {"csrf": csrf, "analyte": "neutrophils", "value": value, "unit": "10*9/L", "taken_on": DAY.isoformat()}
        heard.clear()
        began = time.perf_counter()
        status, _ = await ask(cookie, f"/patients/{patient}/results", form)
        if status != 303:
            wrong.append(status)
            continue
        shown = False
        while not shown and time.perf_counter() - began < 10:
            await asyncio.wait_for(heard.wait(), 10)
            heard.clear()
            _, page = await ask(cookie, f"/worklist?words={patient}&urgency=")
            shown = re.search(rb"Emergency|Same day", page) is not None and patient.encode() in page
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.5)
    listening.cancel()
    return took


async def crowd(cookies: list[str], seconds: float, pause: float) -> dict[str, Any]:
    """Every user at once for so long."""
    took: list[float] = []
    wrong: list[int] = []
    began = time.monotonic()
    await asyncio.gather(
        *(look(cookie, began + seconds, pause, took, wrong, seed) for seed, cookie in enumerate(cookies))
    )
    return {
        "worklist_p50_ms": milliseconds(statistics.median(took)),
        "worklist_p95_ms": milliseconds(statistics.quantiles(took, n=20)[-1]),
        "rps": round(len(took) / (time.monotonic() - began), 1),
        "errors": len(wrong),
    }


async def busy(given: argparse.Namespace, cookies: list[str], csrf: str) -> dict[str, Any]:
    """The minute with pauses and a nurse who enters results, then without pauses."""
    wrong: list[int] = []
    times = max(2, min(100, int(given.seconds / 0.6)))
    looking = asyncio.create_task(crowd(cookies[1:], given.seconds, given.pause))
    entered = await enter(cookies[0], csrf, given.patients, times, wrong)
    seen = await looking
    seen["errors"] += len(wrong)
    ordered = sorted(entered)
    seen["result_to_worklist_ms"] = milliseconds(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))])
    seen["results_entered"] = len(entered)
    return {**seen, "unpaused": await crowd(cookies[1:], given.seconds / 3, 0.0)}


async def alone(cookie: str) -> float:
    """The median of one user's worklist, in milliseconds."""
    took: list[float] = []
    for turn in range(140):
        began = time.perf_counter()
        await ask(cookie, f"/worklist{PAGES[turn % len(PAGES)]}")
        took.append(time.perf_counter() - began)
    return milliseconds(statistics.median(took[20:]))


def milliseconds(seconds: float) -> float:
    """As reported."""
    return round(seconds * 1e3, 1)


def served(database: str, given: argparse.Namespace, whole: bool) -> dict[str, Any]:
    """The figures of one database."""
    store = Store.open(database)
    user = accounts.by_password(store, "nurse", PASSWORD)
    assert user is not None
    now = dt.datetime.now(dt.UTC)
    cookies = [accounts.begin(store, user, True, now) for _ in range(given.users + 1)]
    session = accounts.session_of(store, cookies[0], now)
    assert session is not None
    with store.read() as connection:
        results = connection.execute(select(func.count()).select_from(RECORD["results"])).scalar_one()
    store.close()
    command = [sys.executable, "-m", "azaward.cli", "serve", "--database", database, "--as-of", DAY.isoformat()]
    command += ["--host", ADDRESS[0], "--port", str(ADDRESS[1])]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for_server()
        figures: dict[str, Any] = {"results": results, "alone_p50_ms": asyncio.run(alone(cookies[0]))}
        if whole:
            figures |= asyncio.run(busy(given, cookies, session.csrf))
        status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        return {**figures, "peak_mb": round(int(peak[1]) / 1024) if peak else None}
    finally:
        server.terminate()
        server.wait()


def wait_for_server() -> None:
    """Until it answers."""
    for _ in range(300):
        try:
            asyncio.run(ask("", "/static/mark.svg"))
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server didn't start")


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=10_000)
    arguments.add_argument("--results", type=int, default=40)
    arguments.add_argument("--users", type=int, default=50)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--pause", type=float, default=1.0, help="how long a user looks, seconds in the mean")
    arguments.add_argument("--folder", type=Path, help="keep the databases here for the next run")
    given = arguments.parse_args()
    fifth = max(1, given.patients // 5)
    with tempfile.TemporaryDirectory() as scratch:
        figures: list[dict[str, Any]] = []
        for patients, results in ((fifth, given.results), (fifth, 4 * given.results), (given.patients, given.results)):
            name = f"web-{patients}-{results}.db"
            folder = given.folder or Path(scratch)
            if not (folder / name).exists():
                folder.mkdir(parents=True, exist_ok=True)
                furnish(f"sqlite:///{folder / name}", patients, results)
            work = Path(scratch) / f"work-{name}"
            shutil.copy(folder / name, work)
            figures.append(served(f"sqlite:///{work}", given, whole=patients == given.patients))
        *growth, seen = figures
        keys = ("worklist_p50_ms", "worklist_p95_ms", "result_to_worklist_ms", "rps", "errors", "peak_mb")
        told = {"patients": given.patients, **{key: seen.pop(key) for key in keys}, **seen}
        shown = [{"patients": fifth, **{key: each[key] for key in ("results", "alone_p50_ms")}} for each in growth]
        print(json.dumps({**told, "growth": shown}))


if __name__ == "__main__":
    main()
