"""The order in which stages and rules are worked out, and their SQL for an engine.

Compiling is slow and the result depends only on this package's code, so `compiled` keeps it in a cache
file. Data flows one way: record and knowledge -> stages -> rules.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import os
import re
import tempfile
from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from azaward.errors import KnowledgeError
from azaward.record.tables import TABLES

if TYPE_CHECKING:
    from azaward.knowledge.loading.schema.facts import Parameter
    from azaward.rules.language.expressions import Table

STAGES: tuple[tuple[str, str], ...] = (
    ("schedule", "due.schedule"),
    ("looked_at", "looked_at.looked_at"),
    ("readings", "lab.readings"),
    ("unusable", "lab.unusable"),
    ("latest", "lab.latest"),
    ("history", "lab.history"),
    ("taken", "person.medicines"),
    ("met", "beside.met"),
    ("course", "person.course"),
    ("person", "person.person"),
    ("beyond", "beyond.beyond"),
    ("crossed", "crossed.crossed"),
    ("reported", "reported.reported"),
    ("done", "due.done"),
    ("tested", "tested.tested"),
    ("signs", "signs.signs"),
    ("due", "due.due"),
    ("counts", "counts.counts"),
    ("genes", "genes.genes"),
    ("usual", "usual.usual"),
)
# Stages that rest on the knowledge base alone: an engine works them out once.
ONCE = ("schedule", "looked_at")
# What all findings together come to, worked out last.
PLANS = ("plan", "until", "next_tests")
# Each rule, and the tables without whose rows it can't find anything: it is not asked where one is empty.
RULES: dict[str, tuple[str, ...]] = {
    "counts.limits.limits": ("beyond",),
    "counts.limits.unknowable": ("latest",),
    "counts.floor.severe": ("crossed",),
    "counts.floor.together": ("crossed",),
    "illness.allergy.thiopurine": ("events",),
    "illness.syndromes.hypersensitivity": ("signs",),
    "illness.syndromes.jaundice": ("signs",),
    "illness.syndromes.cholestasis": ("signs",),
    "illness.syndromes.fever_inflamed": ("signs", "latest"),
    "illness.syndromes.lungs": ("signs",),
    "illness.syndromes.bleeding": ("signs",),
    "illness.syndromes.activation": ("signs", "latest"),
    "illness.syndromes.lymphoma": ("signs",),
    "illness.syndromes.brain": ("signs",),
    "illness.syndromes.varicella": ("events",),
    "illness.syndromes.macrocytic": ("latest",),
    "illness.events.advised": ("events",),
    "illness.events.not_looked_at": (),
    "illness.infection.fever": (),
    "illness.infection.symptoms": ("reported",),
    "illness.infection.contact": ("events",),
    "illness.infection.live_vaccine": ("events",),
    "counts.recovery.paused": ("crossed",),
    "counts.recovery.restarted": ("crossed",),
    "counts.recovery.planned_again": ("course",),
    "counts.recovery.weak_enzyme_stopped": ("course",),
    "before.dosing.dosing": ("genes",),
    "before.enzyme.untrusted": ("genes",),
    "before.enzyme.disagree": ("genotypes",),
    "before.enzyme.reports_disagree": ("genotypes",),
    "dose.dose_range.too_high": ("usual",),
    "dose.dose_range.start_high": ("usual",),
    "dose.dose_range.low": ("usual",),
    "dose.dose_range.unknown": (),
    "dose.dose_range.supplied": ("course",),
    "dose.dose_range.child": (),
    "dose.dose_range.kidney": ("latest",),
    "beside.medicines.interactions": ("met",),
    "beside.medicines.between_others": ("taken",),
    "beside.unknown.unrecognised": ("taken",),
    "beside.unknown.severe_count": ("crossed",),
    "beside.together.together": ("taken",),
    "dose.low_dose.low_dose": ("met",),
    "organs.liver.pattern": ("latest",),
    "organs.liver.nodular": ("history",),
    "organs.pancreas.pancreas": ("latest",),
    "organs.pancreas.pain": ("signs",),
    "organs.metabolites.metabolites": ("latest",),
    "organs.metabolites.unclear": ("latest",),
    "organs.metabolites.without_treatment": ("latest",),
    "before.baseline.baseline": (),
    "before.baseline.gene_test_limits": (),
    "before.baseline.screening_found": ("latest",),
    "before.baseline.ebv": (),
    "before.baseline.pregnancy_test": ("latest",),
    "counts.schedule.overdue": ("due",),
    "counts.schedule.did_not_attend": ("contacts",),
    "counts.schedule.switched": ("course",),
    "counts.flags.marked": ("latest",),
    "counts.flags.whole_and_part": ("latest",),
    "counts.drift.step": ("history",),
    "counts.drift.trend": ("history",),
    "counts.drift.sequential": ("history",),
    "life.life.pregnancy": ("events",),
    "life.life.surgery": ("events",),
    "life.held.on_hold": ("taken",),
    "dose.onset.onset": (),
    "dose.onset.steroid": ("taken",),
    "life.long_run.years": (),
    "life.long_run.checks": (),
    "life.long_run.risks": (),
    "whole.record_quality.unusable_results": ("unusable",),
    "whole.unread.unread": ("unread",),
    "whole.record_quality.not_yet": (),
    "whole.record_quality.who": (),
}


class Step(NamedTuple):
    """A stage to be stored under its name, or a rule whose rows are findings.

    `constants` are the columns of a rule that are the same in every row; they stand outside the SQL.
    """

    name: str
    is_rule: bool
    needs: tuple[str, ...]
    constants: dict[str, str | float | None]
    sql: str


def expressions(parameters: Mapping[str, Parameter]) -> list[tuple[str, bool, Table]]:
    """Every stage and rule as an Ibis expression over the tables before it, with the rows of parameters.csv by id.

    `KnowledgeError` names every rule whose words or numbers are missing.
    """
    from azaward.rules.language.columns import FOUND
    from azaward.rules.language.expressions import ibis
    from azaward.rules.language.finding import LISTENING
    from azaward.rules.language.said import word_faults
    from azaward.rules.language.tables import BUILDING, PARAMETERS

    PARAMETERS.set(parameters)
    listening = LISTENING.set(heard := [])
    tables: dict[str, Table] = {}
    made: list[tuple[str, bool, Table]] = []
    faults: list[str] = []
    for name, dotted in (
        *((name, f"stages.{dotted}") for name, dotted in STAGES),
        *zip(RULES, RULES, strict=True),
        *((plan, f"whole.plan.{plan}") for plan in PLANS),
    ):
        BUILDING.set(dotted)
        if name == PLANS[0]:
            tables["found"] = ibis.table(FOUND, name="s_found")
        try:
            expression = _built(dotted, tables)
        except KnowledgeError as error:
            if name not in RULES:
                raise  # every rule after it would miss it
            faults.append(str(error))
            continue
        made.append((name, name in RULES, expression))
        if name not in RULES:
            tables[name] = ibis.table(expression.schema(), name=f"s_{name}")
    LISTENING.reset(listening)
    if faults := [*faults, *word_faults(heard, parameters)]:
        raise KnowledgeError("\n".join(faults))
    return made


def _built(dotted: str, tables: Mapping[str, Table]) -> Table:
    """A stage or rule over the tables that its arguments name; `KnowledgeError` where one of the names is none."""
    from azaward.knowledge.loading.faults import did_you_mean

    build = _function(dotted)
    arguments = list(inspect.signature(build).parameters)
    known = [*tables, *TABLES, "unread"]
    for argument in [*arguments, *RULES.get(dotted, ())]:
        if argument not in (tables if argument in arguments else known):
            raise KnowledgeError(f"rules/{dotted}: no stage is called {argument!r}.{did_you_mean(argument, known)}")
    try:
        return build(*(tables[argument] for argument in arguments))
    except AttributeError as error:
        raise KnowledgeError(f"rules/{dotted}: {error}") from error


def _function(dotted: str) -> Callable[..., Table]:
    module, _, name = dotted.rpartition(".")
    try:
        return getattr(importlib.import_module(f"azaward.rules.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise KnowledgeError(f"rules/pipeline.py: {dotted!r} names no function: {error}") from error


def compiled(parameters: Mapping[str, Parameter], dialect: str = "duckdb") -> tuple[Step, ...]:
    """The SQL of every step in order, from the cache where code, parameters and versions are the same."""
    cache = _cache_file(dialect, parameters)
    try:
        kept = tuple(Step(*step) for step in json.loads(cache.read_text(encoding="utf-8")))
        if [step.name for step in kept] == [*(name for name, _ in STAGES), *RULES, *PLANS]:
            return kept
    except (OSError, ValueError, TypeError):
        pass  # made again: a file that lost a rule would lose its findings in silence
    from azaward.rules.language.expressions import ibis

    if dialect == "pyspark":
        # Its options are there once its backend is.
        from ibis.backends.pyspark import Backend

        ibis.options.pyspark = Backend.Options()
    steps: list[Step] = []
    for name, is_rule, expression in expressions(parameters):
        constants, varying = _take_out_constants(expression) if is_rule else ({}, expression)
        # Compact: APSW keeps statements of up to 16 KB ready.
        sql = str(ibis.to_sql(varying, dialect=dialect, pretty=False))
        steps.append(Step(name, is_rule, RULES.get(name, ()), constants, sql))
    if _code() != _CODE_AT_IMPORT:
        return tuple(steps)  # the files are no longer those that are running: keep nothing under their name
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=cache.parent, delete=False, encoding="utf-8") as file:
            json.dump(steps, file)
        os.replace(file.name, cache)
    except OSError:
        pass  # a read-only home costs time, not correctness
    return tuple(steps)


_NAMED = re.compile(r"\b([ks])_(\w+)")


def needed(steps: tuple[Step, ...], only: Collection[str] | None) -> tuple[tuple[Step, ...], frozenset[str]]:
    """The rules of `only` (all where None) and the stages that they rest on, in order, and the relations they join."""
    by_name = {step.name: step for step in steps}
    waiting = list(by_name if only is None else only)
    if odd := [name for name in waiting if name not in by_name]:
        raise ValueError(f"no rule {odd[0]!r}; the rules are: {', '.join(RULES)}")
    found: set[str] = set()
    joined: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in found:
            found.add(name)
            for kind, table in _NAMED.findall(by_name[name].sql):
                (joined.add if kind == "k" else waiting.append)(table)
            # What decides whether the rule is asked at all.
            waiting += [table for table in by_name[name].needs if table in by_name]
    return tuple(step for step in steps if step.name in found), frozenset(joined)


def _take_out_constants(expression: Any) -> tuple[dict[str, Any], Any]:
    """A rule's columns that are literals, and the rule without them: each column costs an engine time."""
    import ibis.expr.operations as ops

    operation = expression.op()
    if not isinstance(operation, ops.Project):
        return {}, expression
    constants: dict[str, str | float | None] = {}
    for name, value in cast(Mapping[str, Any], operation.values).items():
        is_number = value.dtype.is_floating()
        while isinstance(value, ops.Cast):
            value = value.arg
        if isinstance(value, ops.Literal):
            constant = cast(Any, value).value
            # A number of parameters.csv is a text that is cast.
            constants[name] = float(constant) if is_number and isinstance(constant, str) else constant
    return constants, expression.drop(*constants) if constants else expression


def _code() -> str:
    """The fingerprint of the code that the SQL is made by."""
    digest = hashlib.sha256()
    rules = Path(__file__).parent
    beside = ("terms.py", "record/*.py", "knowledge/loading/*.py", "knowledge/messages.yaml")
    for path in sorted((*rules.rglob("*.py"), *(path for each in beside for path in rules.parent.glob(each)))):
        digest.update(path.read_bytes())
    return digest.hexdigest()


_CODE_AT_IMPORT = _code()


def _cache_file(dialect: str, parameters: Mapping[str, Parameter]) -> Path:
    digest = hashlib.sha256(_CODE_AT_IMPORT.encode())
    limits = {id: (row.value, row.comparison, row.unit) for id, row in parameters.items()}
    digest.update(json.dumps(limits, sort_keys=True).encode())
    digest.update(f"{version('ibis-framework')} {version('sqlglot')}".encode())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "azaward" / f"rules-{dialect}-{digest.hexdigest()[:16]}.json"
