"""Do the rules and messages.yaml agree? Every code has words, and every gap in them is filled by its rule.

Asked once, when the rules are compiled: a gap that nothing fills would otherwise show in an assessment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from azaward.errors import KnowledgeError
from azaward.knowledge.loading.messages import gaps_in, messages

# What any words may have a gap for, whatever the rule: columns of a finding in words, and names of its subject.
ALWAYS = frozenset(
    (
        *("name", "plain_name", "value", "unit", "on", "text", "comparison", "limit", "limit_unit", "low", "high"),
        *("advice", "own_says", "own_says_patient"),
    )
)


class Said:
    """What a rule may say: its codes, and the names of the gaps that it fills in their words."""

    def __init__(self, rule: str, codes: Iterable[str], gaps: Iterable[str]) -> None:
        self.rule, self.codes, self.gaps = rule, frozenset(codes), frozenset(gaps)


def check_words(said: Iterable[Said]) -> None:
    """`KnowledgeError` with a line for each code without words, gap that nothing fills, and gap that no words have."""
    if faults := sorted(set(_faults(said))):
        raise KnowledgeError("\n".join(faults))


def _faults(said: Iterable[Said]) -> Iterator[str]:
    for each in said:
        where = f"rules/{each.rule}"
        spoken = [code for code in each.codes if code in messages()]
        for code in each.codes - set(spoken):
            yield f"{where}: no words for {code!r} in knowledge/messages.yaml. Add `says` and `says_patient`."
        for code in spoken:
            for gap in gaps_in(code) - ALWAYS - each.gaps:
                yield (
                    f"{where}: nothing fills the gap {{{gap}}} in the words for {code!r} (knowledge/messages.yaml). "
                    f"Give findings(..., {gap}=...), or use one of: {', '.join(sorted(each.gaps | ALWAYS))}."
                )
        used = frozenset[str]().union(*(gaps_in(code) for code in spoken))
        for gap in each.gaps - used if spoken else ():
            what = "is no column of a finding, and no words have a gap for it"
            yield f"{where}: {gap!r} {what} (knowledge/messages.yaml: {', '.join(sorted(each.codes))})."
