"""Assesses everyone in a folder of Parquet tables: findings and plans to Parquet, a summary of them back.

What is done is kept share by share, so that a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from azaward import __version__
from azaward.assessment import UnknownProtocolError, explain
from azaward.cohort.nation import Nation, Share
from azaward.cohort.source import find
from azaward.cohort.words import word_findings
from azaward.cohort.written import Target, write_set_aside
from azaward.errors import InputError
from azaward.knowledge import MOST_CAUTIOUS, Knowledge
from azaward.record.tables import SetAside
from azaward.wording import Words

# So many patients at a time: their tables and the largest grouping stay well inside the memory.
SHARE = 50_000
MEMORY_MB = 3_000
Progress = Callable[[int, int], None]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, counted; `set_aside` by kind, with the first few of each."""

    patients: int
    findings: int
    by_rule: dict[str, int]
    by_urgency: dict[str, int]
    engine: str
    seconds: float
    by_decision: dict[str, int]
    patients_by_urgency: dict[str, int]
    set_aside: dict[str, int]
    first_set_aside: dict[str, list[str]]
    as_of: dt.date
    protocol: str
    azaward: str
    knowledge: str
    resumed: int
    disclaimer: str


def assess(
    folder: Path,
    out: Path,
    as_of: dt.date,
    protocol: str,
    knowledge: Knowledge,
    progress: Progress = lambda done, all: None,
    share: int = SHARE,
    memory_mb: int = MEMORY_MB,
    clock: Callable[[], float] = lambda: 0.0,
) -> Summary:
    """Assesses all patients of `folder` on DuckDB and writes `out` and what stands beside it.

    `progress` hears how many patients are done, of how many; `clock` gives seconds, for the summary alone.

    `InputError` where the folder can't be used, before any work is done; `UnknownProtocolError`.
    """
    from azaward.assessment import DISCLAIMER

    knowledge = knowledge.held_on(as_of)
    check_protocol(protocol, knowledge)
    began = clock()
    source = find(folder)
    target = Target(out)
    job = {
        "files": [list(each) for each in source.fingerprint()],
        "as_of": as_of.isoformat(),
        "protocol": protocol,
        "knowledge": knowledge.fingerprint,
        "azaward": __version__,
        "share": share,
    }
    target.prepare(job)
    nation = Nation(source, knowledge, memory_mb, target.parts / "scratch")
    shares = nation.shares(share) or [Share(0, 0, "", None)]
    counts: list[Mapping[str, Any]] = []
    resumed = 0
    for part in shares:
        kept = target.done(part.number)
        resumed += kept is not None
        counts.append(kept if kept is not None else _one_share(nation, part, target, as_of, protocol, knowledge))
        progress(sum(each["patients"] for each in counts), nation.patients)
    nation.database.close()
    target.finish(len(shares))
    return Summary(
        engine="duckdb",
        seconds=round(clock() - began, 3),
        as_of=as_of,
        protocol=protocol,
        azaward=__version__,
        knowledge=knowledge.version,
        resumed=resumed,
        disclaimer=DISCLAIMER,
        **added_up(counts),
    )


def check_protocol(protocol: str, knowledge: Knowledge) -> None:
    """Raises `UnknownProtocolError` where no protocol has that id."""
    if protocol not in ("auto", MOST_CAUTIOUS, *knowledge.protocols):
        raise UnknownProtocolError(
            f"no protocol {protocol!r}. Known: auto, {MOST_CAUTIOUS}, {', '.join(knowledge.protocols)}"
        )


def _one_share(
    nation: Nation, share: Share, target: Target, as_of: dt.date, protocol: str, knowledge: Knowledge
) -> Mapping[str, Any]:
    """Works out one share, writes it, and counts what is in it."""
    asides = nation.assess(share, as_of, None if protocol == "auto" else protocol)
    nation.write(word_findings(nation.database, knowledge), target.part(share.number, "findings"))
    nation.write(
        "SELECT i.patient_id, p.* EXCLUDE (patient_id) FROM s_plan AS p JOIN ids AS i ON p.patient_id = i.n "
        "ORDER BY i.n",
        target.part(share.number, "plans"),
    )
    nation.write(
        "SELECT i.patient_id, t.test, DATE '1970-01-01' + t.due_day::INTEGER AS due_on, t.subject, t.action, t.phase, "
        "t.every_days, t.protocol FROM s_next_tests AS t JOIN ids AS i ON t.patient_id = i.n "
        "ORDER BY i.n, due_on, test",
        target.part(share.number, "next_tests"),
    )
    if share.number == 0:
        asides = [*nation.set_aside, *asides]
    named = {aside.where for aside in asides}
    asides = [*asides, *(aside for aside in _unusable(nation, Words(knowledge)) if aside.where not in named)]
    write_set_aside(nation.database, asides, target.part(share.number, "set_aside"))
    counts = _counted(nation, share.patients, asides)
    target.keep(share.number, counts)
    return counts


# What `explain` wants to know of a result that can't be used.
_EXPLAINED: tuple[str, ...] = (
    "analyte",
    "unit",
    "value",
    "text",
    "taken_on",
    "canonical",
    "problem",
    "doubt",
    "plausible_low",
    "plausible_high",
)


def _unusable(nation: Nation, words: Words) -> Iterator[SetAside]:
    """Results that were read and can't be used, with the place and what to do."""
    rows = nation.rows(
        f"SELECT i.patient_id, u.origin, {', '.join(f'u.{name}' for name in _EXPLAINED)} "
        "FROM s_unusable AS u JOIN ids AS i ON u.patient_id = i.n ORDER BY i.n, u.origin, u.analyte, u.taken_on"
    )
    for cells in rows:
        yield unusable_aside(dict(zip(("patient_id", "origin", *_EXPLAINED), cells, strict=True)), words)


def unusable_aside(row: Mapping[str, Any], words: Words) -> SetAside:
    """A result that can't be used, as what was set aside."""
    what, why = explain(row, words)
    return SetAside(row["origin"] or "results", what, why, row["patient_id"], f"result_{row['problem']}")


def _counted(nation: Nation, patients: int, asides: Sequence[SetAside]) -> Mapping[str, Any]:
    """The counts of a share, of which the summary is the sum."""
    first: dict[str, list[str]] = {}
    for aside in asides:
        if len(lines := first.setdefault(aside.kind, [])) < 3:
            lines.append(f"{aside.where}: {aside.what}: {aside.why}")

    def of(table: str, column: str) -> dict[str, int]:
        return dict(nation.rows(f"SELECT {column}, count(*) FROM {table} GROUP BY {column} ORDER BY {column}"))

    by_rule = of("findings", "rule")
    return {
        "patients": patients,
        "findings": sum(by_rule.values()),
        "by_rule": by_rule,
        "by_urgency": of("findings", "urgency"),
        "by_decision": of("s_plan", "decision"),
        "patients_by_urgency": of("s_plan", "urgency"),
        "set_aside": dict(Counter(aside.kind for aside in asides)),
        "first_set_aside": first,
    }


def added_up(shares: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The sum of the shares' counts; of the first few set aside, the first."""
    whole: dict[str, Any] = {"patients": 0, "findings": 0}
    for name in ("by_rule", "by_urgency", "by_decision", "patients_by_urgency", "set_aside"):
        counter: Counter[str] = Counter()
        for share in shares:
            counter.update(share[name])
        whole[name] = dict(counter.most_common())
    first: dict[str, list[str]] = {}
    for share in shares:
        whole["patients"] += share["patients"]
        whole["findings"] += share["findings"]
        for kind, lines in share["first_set_aside"].items():
            first[kind] = [*first.get(kind, []), *lines][:3]
    return {**whole, "first_set_aside": first}


__all__ = ["InputError", "Summary", "assess"]
