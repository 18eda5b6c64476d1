"""Makes the rows of a rule into findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from azaward.rules.language.columns import COLUMNS, GAPS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import Limit
from azaward.rules.language.said import Said
from azaward.rules.language.tables import BUILDING, day_number
from azaward.terms import Action, Concerns, Rule, Urgency

_SET_BY_FINDINGS = {"patient_id", "rule", "gaps", *GAPS}


# Who listens while rules are made: the check that messages.yaml has words for all of them.
LISTENING: ContextVar[list[Said] | None] = ContextVar("LISTENING", default=None)


def findings(
    rows: Table,
    rule: Rule,
    *,
    code: Value | str,
    action: Value | Action,
    urgency: Value | Urgency,
    subject: Value | str,
    concerns: Value | Concerns = Concerns.THIOPURINE,
    limit: Limit | None = None,
    codes: Iterable[str] = (),
    **more: Any,
) -> Table:
    """`rows` as findings. `more` holds columns of a finding, and under any other name what fills that gap in its words.

    `concerns` says what the action is about: only what concerns the thiopurine decides about its dose. `asks_for` names
    the tests that the finding asks for, by their ids in tests.csv.
    `limit` is what the value was compared with. What isn't given is empty; `protocol` comes from the rows where they
    have that column. Where `code` is made of a column, `codes` names all that it may be.
    """
    columns = {name: value for name, value in more.items() if name in COLUMNS and name not in _SET_BY_FINDINGS}
    gaps = {name: value for name, value in more.items() if name not in columns}
    if len(gaps) > len(GAPS):
        raise ValueError(f"{rule}: {len(gaps)} gaps in its words ({', '.join(gaps)}); at most {len(GAPS)} fit.")
    columns |= {"code": code, "action": action, "urgency": urgency, "subject": subject, "concerns": concerns}
    if (listening := LISTENING.get()) is not None:
        listening.append(_said(rule, columns, codes, gaps))
    if limit is not None:
        columns |= {"comparison": limit.comparison, "limit_value": limit.value, "limit_unit": limit.unit}
    columns |= {"patient_id": rows.patient_id, "rule": str(rule), "gaps": " ".join(gaps) or None}
    columns |= dict(zip(GAPS, gaps.values(), strict=False))
    if "protocol" in rows.columns:
        columns.setdefault("protocol", rows.protocol)
    return rows.select(**{name: _cell(columns.get(name), name, kind) for name, kind in COLUMNS.items()})


def _said(rule: str, columns: Mapping[str, Any], codes: Iterable[str], gaps: Iterable[str]) -> Said:
    return Said(
        BUILDING.get(),
        str(rule),
        frozenset(codes or _words_of(columns["code"], whole=True)),
        frozenset(_words_of(columns["action"])),
        frozenset(_words_of(columns["urgency"])),
        frozenset(gaps),
        columns.get("fact") is not None,
    )


def _cell(cell: Any, name: str, kind: str) -> Value:
    if cell is None or isinstance(cell, str | int | float):
        cell = ibis.literal(str(cell) if isinstance(cell, str) else cell, type=kind)
    if name == "on" and cell.type().is_date():
        cell = day_number(cell)
    return cell.cast(kind)


def _words_of(value: Value | str, whole: bool = False) -> Iterator[str]:
    """The words that stand in an expression of words; with `whole`, all that it may come to."""
    import ibis.expr.operations as ops

    if isinstance(value, str):
        yield value
        return
    waiting: list[Any] = [value.op()]
    while waiting:
        match waiting.pop():
            case ops.Literal(value=None):
                pass
            case ops.Literal(value=word):
                yield str(word)
            case ops.IfElse(true_expr=true, false_null_expr=false):
                waiting += [true, false]
            case ops.SearchedCase(results=results, default=default):
                waiting += [*results, default]
            case ops.Cast(arg=arg):
                waiting.append(arg)
            case other if whole:
                raise TypeError(f"what {other} comes to can't be listed: give `codes=`")
            case _:
                pass  # a column of knowledge, whose words are checked where it is read


def number(value: Value) -> Value:
    """A number as text for the gaps in a message; whole numbers without a point."""
    # No engine turns infinity into an integer.
    value = (value.abs() < float("inf")).ifelse(value, ibis.null("float64"))
    whole = value.round(0) == value
    # Engines differ in what they make of the half at the third place; this arithmetic is the same on each.
    two_places = (value * 100 + 0.5).floor() / 100
    return whole.ifelse(value.round(0).cast("int64").cast("string"), two_places.cast("string"))
