"""Do the rules and messages.yaml agree? Every code has words, and every gap in them is filled by its rule.

Asked once, when the rules are compiled: a gap that nothing fills would otherwise show in an assessment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from azaward.knowledge.loading.faults import did_you_mean
from azaward.knowledge.loading.messages import NOT_CODES, gaps_in, messages
from azaward.rules.language.columns import FILLED_BY
from azaward.terms import Action, Rule, Urgency

# What any words may have a gap for, whatever the rule.
ALWAYS = frozenset(FILLED_BY)


@dataclass(frozen=True)
class Said:
    """What one call of `findings` may say: codes, actions and urgencies, and the gaps in the words that it fills."""

    where: str
    rule: str
    codes: frozenset[str]
    actions: frozenset[str]
    urgencies: frozenset[str]
    gaps: frozenset[str]
    names_fact: bool


def word_faults(said: Iterable[Said], parameters: Collection[str]) -> list[str]:
    """A line for each code without words or source, each gap that nothing fills, and each word that isn't one."""
    return sorted(set(_faults(said, parameters)))


def _faults(said: Iterable[Said], parameters: Collection[str]) -> Iterator[str]:
    for each in said:
        for what, words, terms in (
            ("a rule", {each.rule}, Rule),
            ("an action", each.actions, Action),
            ("an urgency", each.urgencies, Urgency),
        ):
            for word in words - {str(term) for term in terms}:
                yield f"rules/{each.where}: {word!r} isn't {what}.{did_you_mean(word, map(str, terms))}"
        for code in each.codes:
            yield from _code_faults(code, each, parameters)
        spoken = [code for code in each.codes if code in messages()]
        used = frozenset[str]().union(*(gaps_in(code) for code in spoken))
        for gap in each.gaps - used if spoken else ():
            what = "is no column of a finding, and no words have a gap for it"
            yield f"rules/{each.where}: {gap!r} {what} (knowledge/messages.yaml: {', '.join(sorted(each.codes))})."


def _code_faults(code: str, said: Said, parameters: Collection[str]) -> Iterator[str]:
    where, file = f"rules/{said.where}", "knowledge/messages.yaml"
    words = messages().get(code)
    if words is None or code in NOT_CODES:
        yield f"{where}: no words for {code!r} in {file}. Add `says` and `says_patient`."
        return
    for key in ("says", "says_patient"):
        if key not in words:
            yield f"{file}: {code}: no `{key}`. Add it, empty if nothing is to be said."
    for gap in gaps_in(code) - ALWAYS - said.gaps:
        yield (
            f"{where}: nothing fills the gap {{{gap}}} in the words for {code!r} ({file}). "
            f"Give findings(..., {gap}=...), or use one of: {', '.join(sorted(said.gaps | ALWAYS))}."
        )
    named = words.get("parameters", ())
    for id in set(named) - set(parameters):
        yield f"{file}: {code}: no parameter {id!r} in knowledge/parameters.csv.{did_you_mean(id, parameters)}"
    if not (said.names_fact or named or words.get("sources")):
        yield (
            f"{where}: nothing says where {code!r} was read. Give findings(..., fact=rows.fact), or `parameters` or "
            f"`sources` beside its words in {file}."
        )
