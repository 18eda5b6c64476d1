"""Every finding belongs to a problem whose name is known, and every name in `problems` is one that rules use."""

from __future__ import annotations

from azaward.knowledge import load
from azaward.knowledge.loading.messages import NOT_CODES, messages
from azaward.problems import title_of
from azaward.terms import Rule
from azaward.wording import Words

PROBLEMS = messages()["problems"].values()
WORDS = Words(load())
# Found about results alone, each of which belongs to an organ.
BY_SUBJECT = {Rule.LIMITS, Rule.FLOOR, Rule.RECOVERY}


def test_every_rule_and_every_code_named_is_one() -> None:
    named = {kind: [name for problem in PROBLEMS for name in problem.get(kind, ())] for kind in ("codes", "rules")}
    assert set(named["rules"]) == {str(rule) for rule in Rule} - {str(rule) for rule in BY_SUBJECT}
    assert set(named["codes"]) <= set(messages()) - set(NOT_CODES)
    assert all(len(set(names)) == len(names) for names in named.values())


def test_every_analyte_that_a_limit_is_about_belongs_to_an_organ() -> None:
    knowledge = load()
    limited = {row.analyte for protocol in knowledge.protocols.values() for row in protocol.lists["limits"]}
    limited |= {row.analyte for row in knowledge.tables["floor"]}
    apart = {title_of(("limits", "limit_low", analyte), WORDS) for analyte in limited}
    assert apart <= {str(problem["title"]) for problem in PROBLEMS} | {"C-reactive protein"}, apart
