"""Where DuckDB overtakes SQLite: the same people, the same rules, on both engines, one table.

Run: python benchmarks/engines.py. Ends with one JSON line {"sizes": {people: {"results", "sqlite_ms", "duckdb_ms"}}}.
`engine.MANY_RESULTS` is set from it.
"""

from __future__ import annotations

import datetime as dt
import json
import statistics
import time
from pathlib import Path

from azaward.engine import DuckDBEngine, Engine, Request, SQLiteEngine
from azaward.formats.folder import read_folder
from azaward.knowledge import load
from azaward.record import Record

CLINIC = Path(__file__).parents[1] / "examples" / "clinic"
AS_OF = dt.date(2026, 11, 23)


def of_patients(record: Record, ids: list[str]) -> Record:
    wanted = set(ids)
    return Record({name: [row for row in rows if row[0] in wanted] for name, rows in record.rows.items()})


def median_ms(engine: Engine, record: Record, ids: list[str], runs: int = 7) -> float:
    times: list[float] = []
    for _ in range(runs):
        start = time.perf_counter()
        engine.ask(record, [Request(one, AS_OF) for one in ids])
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def main() -> None:
    knowledge = load()
    clinic = read_folder(CLINIC, knowledge)
    engines: dict[str, Engine] = {"sqlite": SQLiteEngine(knowledge), "duckdb": DuckDBEngine(knowledge)}
    sizes: dict[int, dict[str, float]] = {}
    for people in (1, 5, 20, 50, 100, 200):
        ids = clinic.patient_ids()[:people]
        record = of_patients(clinic, ids)
        times = {f"{name}_ms": round(median_ms(engine, record, ids), 1) for name, engine in engines.items()}
        sizes[people] = {"results": len(record.rows["results"]), **times}
        print(f"{people:4} people, {sizes[people]['results']:6.0f} results: {times}")
    print(json.dumps({"sizes": sizes}))


if __name__ == "__main__":
    main()
