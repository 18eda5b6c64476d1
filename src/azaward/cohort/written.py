"""What a cohort's assessment leaves on disk: findings, plans, next tests and what was set aside, as Parquet.

Each share of patients is written beside the result under a name of its own; the result itself appears whole, under
its own name, when all shares are there. A share that is there is not worked out again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azaward import parquet
from azaward.errors import InputError
from azaward.record.tables import SetAside

# What stands beside the findings, under the name of their file.
BESIDE = ("plans", "next_tests", "set_aside")
# Beside the six tables, where they are a translation of something else: what that set aside.
TRANSLATED = "translated.set_aside.parquet"
# What was set aside of the folder as a whole.
OF_NOBODY = "patient_id IS NULL"
# What is said of whatever was set aside.
ASIDE_COLUMNS = ("kind", "patient_id", "where", "what", "why")


@dataclass(frozen=True)
class Target:
    """The file of findings, and the others beside it."""

    findings: Path

    def path(self, kind: str) -> Path:
        """Where one kind of result is in the end.

        >>> Target(Path("out.parquet")).path("plans").name
        'out.plans.parquet'
        """
        return self.findings if kind == "findings" else self.findings.with_suffix(f".{kind}.parquet")

    @property
    def parts(self) -> Path:
        """The folder of the shares that are done."""
        return self.findings.with_name(f".{self.findings.name}.parts")

    def prepare(self, job: Mapping[str, Any]) -> bool:
        """Makes the folder ready; True where shares of the same job are there already, others are removed."""
        if self.findings.is_dir():
            raise InputError(f"{self.findings}: a folder stands there. Give a file, such as findings.parquet.")
        note = self.parts / "job.json"
        text = json.dumps(job, sort_keys=True)
        try:
            if note.exists() and note.read_text(encoding="utf-8") == text:
                return True
            shutil.rmtree(self.parts, ignore_errors=True)
            self.parts.mkdir(parents=True)
            note.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{self.findings}: can't be written: {error.strerror}. Nothing was begun.") from None
        return False

    def done(self, number: int) -> Mapping[str, Any] | None:
        """What was counted in a share that is done; None where it is not."""
        try:
            return json.loads((self.parts / f"{number:06d}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def part(self, number: int, kind: str) -> Path:
        """Where one kind of result of one share is written."""
        return self.parts / f"{number:06d}.{kind}.parquet"

    def keep(self, number: int, counts: Mapping[str, Any]) -> None:
        """Keeps one share that is written; its counts come last, and say that the rest is there."""
        waiting = self.parts / f"{number:06d}.json.new"
        waiting.write_text(json.dumps(counts), encoding="utf-8")
        os.replace(waiting, self.parts / f"{number:06d}.json")

    def finish(self, shares: int) -> None:
        """Puts the shares together, each file under its own name at once; then the shares go."""
        ready: list[tuple[Path, Path]] = []
        for kind in ("findings", *BESIDE):
            whole = self.parts / f"whole.{kind}.parquet"
            parquet.join([self.part(number, kind) for number in range(shares)], whole)
            ready.append((whole, self.path(kind)))
        # The findings come last: where they are, the others are.
        for whole, path in reversed(ready):
            os.replace(whole, path)
        shutil.rmtree(self.parts, ignore_errors=True)


def set_aside_before(folder: Path | str, whose: str = "true") -> list[SetAside]:
    """What a translation into `folder` set aside, of those whom a condition in SQL names; else nothing."""
    path = Path(folder) / TRANSLATED
    if not path.exists():
        return []
    with parquet.connect() as database:
        names = ", ".join(f'"{name}"' for name in ("where", "what", "why", "patient_id", "kind"))
        rows = database.execute(f"SELECT {names} FROM {parquet.reader([path])} WHERE {whose}").fetchall()
        return [SetAside(*row) for row in rows]


def write_set_aside(database: Any, rows: Iterable[SetAside], path: Path) -> None:
    """What was set aside, as a file of words."""
    cells = [[getattr(row, name) for name in ASIDE_COLUMNS] for row in rows]
    parquet.write_rows(database, dict.fromkeys(ASIDE_COLUMNS, "VARCHAR"), cells, path)
