"""Where DuckDB overtakes SQLite: the same people, the same rules, on both engines.

SQLite is asked a few people at a time, as `assess` does; DuckDB is asked once, and its start counts, since every
command begins anew. `engine.MANY_PEOPLE` is set from this.

Run: python benchmarks/engines.py. Ends with one JSON line {"sizes": {people: {"results", "sqlite_s", "duckdb_s"}}}.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import time

from azaward import assessment
from azaward.engine import DuckDBEngine, Engine, Request, SQLiteEngine
from azaward.knowledge import Knowledge, load
from azaward.record import Record
from azaward.synthesis.clinic import synthesise
from azaward.synthesis.write import record_of

AS_OF = dt.date(2026, 11, 23)
RUNS = 3


def seconds(kind: type[Engine], record: Record, knowledge: Knowledge) -> float:
    """The median of a few runs, each with an engine of its own."""
    requests = [Request(one, AS_OF) for one in record.patient_ids()]
    times: list[float] = []
    for _ in range(RUNS):
        assessment.engine.cache_clear()
        start = time.perf_counter()
        assessment.asked(record, requests, knowledge, kind)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    words = argparse.ArgumentParser(description="Where DuckDB overtakes SQLite.")
    words.add_argument("--people", type=int, nargs="*", default=[1, 5, 50, 200, 500, 1_000, 2_000, 5_000])
    knowledge = load()
    sizes: dict[int, dict[str, float]] = {}
    # The compiled rules are kept from here on.
    for kind in (SQLiteEngine, DuckDBEngine):
        kind(knowledge)
    for people in words.parse_args().people:
        record = record_of(list(synthesise(people, 7, AS_OF, 40)))
        times = {
            "sqlite_s": round(seconds(SQLiteEngine, record, knowledge), 3),
            "duckdb_s": round(seconds(DuckDBEngine, record, knowledge), 3),
        }
        sizes[people] = {"results": len(record.rows["results"]), **times}
        print(f"{people:6,} people, {sizes[people]['results']:8,.0f} results: {times}", flush=True)
    print(json.dumps({"sizes": sizes}))


if __name__ == "__main__":
    main()
