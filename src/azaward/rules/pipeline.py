"""The order in which stages and rules are worked out, and their SQL for an engine.

Compiling is slow and the result depends only on this package's code, so `compiled` keeps it in a cache
file. Data flows one way: record and knowledge -> stages -> rules.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

STAGES: tuple[tuple[str, str], ...] = (
    ("checked", "lab.checked"),
    ("daily", "lab.daily"),
    ("latest", "lab.latest"),
    ("taken", "person.medicines"),
    ("met", "person.met"),
    ("course", "person.course"),
    ("person", "person.person"),
    ("done", "due.done"),
    ("due", "due.due"),
    ("genes", "genes.genes"),
    ("usual", "usual.usual"),
)
RULES: tuple[str, ...] = (
    "limits.limits",
    "limits.unknowable",
    "infection.fever",
    "infection.symptoms",
    "infection.contact",
    "infection.live_vaccine",
    "recovery.paused",
    "recovery.restarted",
    "dosing.dosing",
    "enzyme.untrusted",
    "enzyme.disagree",
    "enzyme.reports_disagree",
    "dose_range.too_high",
    "dose_range.start_high",
    "dose_range.low",
    "dose_range.unknown",
    "dose_range.child",
    "dose_range.kidney",
    "medicines.interactions",
    "medicines.unrecognised",
    "liver.pattern",
    "liver.nodular",
    "liver.pancreas",
    "metabolites.metabolites",
    "metabolites.unclear",
    "baseline.baseline",
    "baseline.gene_test_limits",
    "baseline.screening_found",
    "schedule.overdue",
    "schedule.did_not_attend",
    "drift.step",
    "drift.trend",
    "drift.sequential",
    "life.pregnancy",
    "life.surgery",
    "onset.onset",
    "onset.steroid",
    "long_run.years",
    "long_run.checks",
    "long_run.risks",
    "record_quality.unusable_results",
    "record_quality.unread",
    "record_quality.who",
)


class Step(NamedTuple):
    """A stage to be stored under its name, or a rule whose rows are findings."""

    name: str
    is_rule: bool
    sql: str


def expressions() -> list[tuple[str, bool, Any]]:
    """Every stage and rule as an Ibis expression over the tables before it."""
    import importlib

    import ibis

    def function(package: str, dotted: str) -> Callable[..., Any]:
        module, name = dotted.split(".")
        return getattr(importlib.import_module(f"azaward.rules{package}.{module}"), name)

    stages: dict[str, Any] = {}
    found: list[tuple[str, bool, Any]] = []
    for package, is_rule, names in (
        (".stages", False, STAGES),
        ("", True, [(rule, rule) for rule in RULES]),
    ):
        for name, dotted in names:
            build = function(package, dotted)
            expression = build(*(stages[argument] for argument in inspect.signature(build).parameters))
            found.append((name, is_rule, expression))
            if not is_rule:
                stages[name] = ibis.table(expression.schema(), name=f"s_{name}")
    return found


@lru_cache(maxsize=4)
def compiled(dialect: str = "duckdb") -> tuple[Step, ...]:
    """The SQL of every step in order, from the cache where code and versions are the same."""
    cache = _cache_file(dialect)
    try:
        return tuple(Step(*step) for step in json.loads(cache.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        pass
    import ibis

    steps = tuple(
        Step(name, is_rule, str(ibis.to_sql(expression, dialect=dialect)))
        for name, is_rule, expression in expressions()
    )
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, delete=False, encoding="utf-8") as file:
            json.dump(steps, file)
        os.replace(file.name, cache)
    except OSError:
        pass  # a read-only home costs time, not correctness
    return steps


def _cache_file(dialect: str) -> Path:
    digest = hashlib.sha256()
    rules = Path(__file__).parent
    for path in sorted(
        (*rules.rglob("*.py"), *rules.parent.glob("record/tables.py"), *rules.parent.glob("knowledge/*.py"))
    ):
        digest.update(path.read_bytes())
    digest.update((rules.parent / "knowledge" / "parameters.csv").read_bytes())
    digest.update(f"{version('ibis-framework')} {version('sqlglot')}".encode())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "azaward" / f"rules-{dialect}-{digest.hexdigest()[:16]}.json"
