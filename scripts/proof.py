"""Runs the proofs that are too long for every change, and writes what came out of them into docs/proof.md.

    python scripts/proof.py                    every proof at full length (hours), docs/proof.md written anew
    python scripts/proof.py kills fuzz         these alone; the others' rows stay as they were
    python scripts/proof.py --short            a short run of each, printed and not kept

The tests are those of `make test`; `pytest --proof` makes them run longer. Every figure is read from what the run
itself said, and stands beside the command that says it again. Exit 1 where a proof fails: its row says so.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import json
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "proof.md"
HEADER = ("Proof", "What is tried", "Result", "Date", "Minutes", "Command")
INTRODUCTION = """# Proof

The proofs that take too long to run with every change: killing the program, fuzzing, laws tried on many invented
people, and each deciding number of the knowledge changed in turn. `make test` runs a short piece of each; `make proof`
runs them at full length and writes this page. Every figure was read from the run on the day shown; the command beside
it repeats that run.
"""


class Outcome(NamedTuple):
    """Whether a proof held, and its figures in words."""

    held: bool
    figures: list[str]


class Proof(NamedTuple):
    """What is tried, the command at full length and the short one, and who reads the figures."""

    tries: str
    full: Sequence[str]
    short: Sequence[str]
    read: Callable[[subprocess.CompletedProcess[str], Path], Outcome]


def of_tests(done: subprocess.CompletedProcess[str], report: Path) -> Outcome:
    """The figures of a run of pytest: how many tests, their own counts, and how many examples were drawn."""
    if not report.exists():
        return Outcome(False, [])
    suites = ElementTree.parse(report).getroot()
    results: Counter[str] = Counter()
    counts: dict[str, int] = {}
    for case in suites.iter("testcase"):
        bad = [kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None]
        results[bad[0] if bad else "passed"] += 1
        which = re.search(r"\[(.+)\]$", case.get("name") or "")
        for one in case.iter("property"):
            name = f"{one.get('name')} ({which[1]})" if which else str(one.get("name"))
            counts[name] = int(str(one.get("value")))
    examples = sum(
        int(passing)
        for one in suites.iter("property")
        if str(one.get("name")).startswith("hypothesis-statistics-")
        for passing in re.findall(r"(\d+) passing", base64.b64decode(str(one.get("value"))).decode())
    )
    figures = [f"{count:,} tests {what}" for what, count in results.items()]
    figures += [f"{count:,} {what}" for what, count in counts.items()]
    figures += [f"{examples:,} examples passed"] if examples else []
    return Outcome(done.returncode == 0, figures)


def of_fuzzer(done: subprocess.CompletedProcess[str], _: Path) -> Outcome:
    """The fuzzer ends with one line of JSON."""
    said = json.loads(done.stdout.splitlines()[-1])
    found = said.pop("found")
    figures = [f"{count:,} {what}" for what, count in said.items()]
    return Outcome(not found, [*figures, f"{sum(found.values())} found: {', '.join(found) or 'nothing'}"])


def of_mutation(done: subprocess.CompletedProcess[str], _: Path) -> Outcome:
    """The lines that the script ends with."""
    return Outcome(done.returncode == 0, [line.strip() for line in done.stdout.splitlines() if "noticed" in line])


def proof_of_tests(tries: str, *words: str) -> Proof:
    """A proof that tests give, which run longer with `--proof`."""
    return Proof(tries, ("-m", "pytest", "--proof", *words), ("-m", "pytest", *words), of_tests)


PROOFS: dict[str, Proof] = {
    "kills": proof_of_tests(
        "The program is killed while it imports and decides, on SQLite and on PostgreSQL. After each kill: all that "
        "was acknowledged is there, nothing is half there, and the audit trail is whole.",
        "tests/store/test_killed.py",
        "-k",
        "killed_in_the_middle",
    ),
    "fuzz": Proof(
        "Variant files are damaged and read by a process of their own: an answer or one clear line, never a crash.",
        ("scripts/fuzz_variants.py", "--minutes", "30"),
        ("scripts/fuzz_variants.py", "--minutes", "0.2"),
        of_fuzzer,
    ),
    "pages": proof_of_tests(
        "Requests made of the OpenAPI description, sent as each role: none breaks the server, and the audit trail is "
        "whole after them.",
        "tests/web/test_openapi.py",
    ),
    "laws": proof_of_tests(
        "What must hold for any record, tried on unusual invented people: row order, duplicates and other patients "
        "change nothing; a worse value never gets less care; both engines agree; threads don't mix up answers.",
        "tests/test_laws.py",
    ),
    "formats": proof_of_tests(
        "Bundles, tables, variant files and answers with anything in any place: each is read, or refused in one line.",
        "tests/readers/test_fhir_examples.py",
        "tests/readers/test_folder.py",
        "tests/readers/genomes/test_fuzz.py",
        "tests/guides/test_advise.py",
    ),
    "listener": proof_of_tests(
        "A listener is killed while messages arrive on several connections, and begun again: every message that was "
        "acknowledged is kept, and once.",
        "tests/mllp/test_kills.py",
    ),
    "messages": proof_of_tests(
        "HL7 messages with anything in any place, and any bytes: each gives rows or one clear line, and an answer. "
        "Results written in any lawful manner come back as they were.",
        "tests/readers/hl7/test_fuzz.py",
        "tests/readers/hl7/test_round_trip.py",
    ),
    "cohort": proof_of_tests(
        "Dividing a nation into shares of any size doesn't change the answer, and the figures of a service agree with "
        "the rules about the last day, on unusual histories too.",
        "tests/cohort/test_assess.py",
        "tests/cohort/test_quality.py",
        "tests/cohort/test_sweep.py",
        "-k",
        "shares or odd",
    ),
    "mutation": Proof(
        "Each number that a rule decides by is moved up, and then down, by one unit of its last digit: a spec page, or "
        "the check of the knowledge, notices at least one of the two.",
        ("scripts/mutate_knowledge.py", "--seed", "1"),
        ("scripts/mutate_knowledge.py", "--seed", "1", "--sample", "5"),
        of_mutation,
    ),
}


def run(name: str, short: bool, today: dt.date) -> tuple[bool, list[str]]:
    """Runs a proof; whether it held, and its row."""
    proof = PROOFS[name]
    words = proof.short if short else proof.full
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        more = (f"--junitxml={report}",) if "pytest" in words else ()
        began = time.monotonic()
        done = subprocess.run([sys.executable, *words, *more], cwd=ROOT, capture_output=True, text=True, check=False)
        minutes = (time.monotonic() - began) / 60
        outcome = proof.read(done, report)
    if not outcome.held:
        print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
    figures = outcome.figures if outcome.held else ["**failed**", *outcome.figures]
    again = "python " + " ".join(f'"{word}"' if " " in word else word for word in words)
    return outcome.held, [name, proof.tries, "; ".join(figures), today.isoformat(), f"{minutes:.1f}", f"`{again}`"]


def kept(page: Path) -> dict[str, list[str]]:
    """The rows that the page has, by the name of their proof."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return {row[0]: row for row in rows[2:]}


def write(page: Path, rows: dict[str, list[str]]) -> None:
    """The page with these rows, in the order of the proofs."""
    ordered = [HEADER, ["---"] * len(HEADER), *(rows[name] for name in PROOFS if name in rows)]
    page.write_text(
        INTRODUCTION + "\n" + "\n".join(f"| {' | '.join(row)} |" for row in ordered) + "\n", encoding="utf-8"
    )


def main() -> int:
    """Runs the proofs asked for, one after another; each row is kept as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(PROOFS)}; all where none is named")
    parser.add_argument("--short", action="store_true", help="a short run, printed and not kept")
    parser.add_argument("--out", type=Path, help="the page to write; docs/proof.md unless the run is short")
    given = parser.parse_args()
    if unknown := set(given.names) - set(PROOFS):
        parser.error(f"no such proof: {', '.join(sorted(unknown))}. There are: {', '.join(PROOFS)}")
    page = given.out or (None if given.short else PAGE)
    all_held = True
    for name in given.names or PROOFS:
        held, row = run(name, given.short, dt.date.today())
        all_held &= held
        print(" | ".join(row), flush=True)
        if page is not None:
            write(page, {**kept(page), name: row})
    return 0 if all_held else 1


if __name__ == "__main__":
    sys.exit(main())
