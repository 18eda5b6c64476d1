"""What `test_killed.py` kills: children that import and decide, each forked from a parent that has imported all once.

The parent reads a line from its input for each child: the database's address and the child's number; it prints the
child's process id. A child prints a line for each import and decision once it was acknowledged.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import sys

from azaward import assessment
from azaward.knowledge import load
from azaward.record.tables import Cell, Record
from azaward.store import Store, imports
from azaward.store.care import acts, reassess
from azaward.store.care.acts import Actor, Decision

TODAY = dt.date(2026, 11, 23)
EACH = 3


def record(prefix: str, value: float) -> Record:
    """A small file: three people on azathioprine, each with a count."""
    rows: dict[str, list[dict[str, Cell]]] = {"patients": [], "exposures": [], "results": []}
    for number in range(EACH):
        who: dict[str, Cell] = {"patient_id": f"{prefix}-{number}"}
        rows["patients"].append({**who, "birth_date": dt.date(1980, 1, 1), "sex": "female"})
        begun = dt.date(2024, 1, 1)
        rows["exposures"].append({**who, "medicine": "azathioprine", "dose_mg_per_day": 150.0, "started_on": begun})
        count: dict[str, Cell] = {"analyte": "neutrophils", "value": value, "unit": "10*9/L", "taken_on": TODAY}
        rows["results"].append({**who, **count, "status": "final"})
    return Record.of(rows)


def say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def work(address: str, number: int) -> None:
    """Imports and decides until it is killed."""
    knowledge = load()
    store, actor = Store.open(address), Actor("clinician", "one", TODAY)
    say(opened=True)
    for turn in range(10_000):
        prefix = f"k{number}-{turn}"
        brought = imports.keep(store, actor, prefix, prefix, record(prefix, 0.4), knowledge)
        say(imported=prefix, rows=brought.new_rows)
        for person in range(EACH):
            patient_id = f"{prefix}-{person}"
            with store.read() as connection:
                standing = reassess.of_patient(connection, "one", patient_id)
            if standing is None:
                raise RuntimeError(f"{patient_id}: acknowledged and not there")
            marks = [reassess.fingerprint(finding) for finding in standing[0].findings]
            until, dose = TODAY + dt.timedelta(days=3), ("azathioprine", 50.0, TODAY)
            decision = Decision(standing[1], "reduce", f"decided about {patient_id}", marks, until, dose)
            acts.decide(store, actor, patient_id, decision, knowledge)
            say(decided=patient_id)


def main() -> None:
    """Forks a child for each line; the rules, and what opens a database, are ready before the first."""
    assessment.assess(record("warm", 0.4), TODAY, knowledge=load())
    for module in ("psycopg", "sqlalchemy.dialects.postgresql.psycopg"):
        importlib.import_module(module)
    Store.open("sqlite://").close()
    for line in sys.stdin:
        address, number, out = line.split("\t")
        child = os.fork()
        if child == 0:
            os.dup2(os.open(out.strip(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            work(address, int(number))
            os._exit(0)
        say(pid=child)
        os.waitpid(child, 0)
        say(ended=child)


if __name__ == "__main__":
    main()
