"""How long a nation's records take against reading them: azaward's rules to what DuckDB needs for the columns alone.

Run: python benchmarks/cohort.py --patients 100000 --results 40 [--folder FOLDER] [--growth]. The people are made (or
found in FOLDER, where an earlier run left them); each measure is a process of its own, so that its peak memory is its
own. `scan_s` aggregates every column of the same files in DuckDB with the same threads; best of three. The last line
is JSON; `growth` has the same for a tenth and a hundredth of the people.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

AS_OF = dt.date(2026, 11, 23)
SEED = 7


def scan(folder: Path) -> float:
    """Seconds in which DuckDB reads every column of the six tables, as an aggregate over each."""
    import duckdb

    from azaward.record.tables import TABLES

    times: list[float] = []
    for _ in range(3):
        database = duckdb.connect()
        began = time.perf_counter()
        for name in TABLES:
            path = str(folder / f"{name}.parquet").replace("'", "''")
            columns = [row[0] for row in database.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
            chosen = ", ".join(f'max("{column}")' for column in columns)
            database.execute(f"SELECT {chosen} FROM '{path}'").fetchall()
        times.append(time.perf_counter() - began)
    return min(times)


def assess(folder: Path, out: Path) -> dict[str, Any]:
    """One whole assessment, with the peak memory of this process."""
    from azaward.cohort.assess import assess as assess_cohort
    from azaward.knowledge import load

    knowledge = load()
    began = time.perf_counter()
    summary = assess_cohort(folder, out, AS_OF, "auto", knowledge)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"assess_s": seconds, "peak_mb": peak, "findings": summary.findings, "patients": summary.patients}


def measured(patients: int, results: int, folder: Path | None) -> dict[str, Any]:
    """Both measures of so many people."""
    with tempfile.TemporaryDirectory() as scratch:
        people = (folder or Path(scratch)) / f"people-{patients}-{results}"
        if not (people / "done").exists():
            command = [sys.executable, "-m", "azaward.cli", "cohort", "synthesise", "--patients", str(patients)]
            command += ["--seed", str(SEED), "--out", str(people), "--as-of", AS_OF.isoformat()]
            subprocess.run([*command, "--results", str(results)], check=True)
            (people / "done").touch()
        out = Path(scratch) / "findings.parquet"
        parts = [
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, "--only", only, "--people", str(people), "--out", str(out)],
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout
            )
            for only in ("scan", "assess")
        ]
        rows = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in (parts[0] | parts[1]).items()
        }
        return {**rows, "ratio": round(rows["assess_s"] / rows["scan_s"], 1), "peak_mb": round(rows["peak_mb"])}


def main() -> None:
    """Measures and prints."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--patients", type=int, default=100_000)
    arguments.add_argument("--results", type=int, default=40)
    arguments.add_argument("--folder", type=Path, help="keep the people here for the next run")
    arguments.add_argument("--growth", action="store_true", help="a hundredth and a tenth of the people too")
    arguments.add_argument("--only", choices=("scan", "assess"), help=argparse.SUPPRESS)
    arguments.add_argument("--people", type=Path, help=argparse.SUPPRESS)
    arguments.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.only == "scan":
        print(json.dumps({"scan_s": scan(given.people)}))
        return
    if given.only == "assess":
        print(json.dumps(assess(given.people, given.out)))
        return
    growth: list[dict[str, Any]] = []
    if given.growth:
        for share in (100, 10):
            growth.append(measured(given.patients // share, given.results, given.folder))
            print(json.dumps(growth[-1]), flush=True)
    whole = measured(given.patients, given.results, given.folder)
    keys = ("patients", "scan_s", "assess_s", "ratio", "peak_mb", "findings")
    print(json.dumps({**{key: whole[key] for key in keys}, **({"growth": growth} if growth else {})}))


if __name__ == "__main__":
    main()
