"""A rule that names what isn't there is refused when rules are compiled: one line that names rule, word and file."""

from __future__ import annotations

from typing import Any

import pytest

from azaward.errors import KnowledgeError
from azaward.knowledge import load
from azaward.rules import pipeline
from azaward.rules.illness import allergy
from azaward.rules.language import finding
from azaward.rules.language.limit import limit
from azaward.rules.language.tables import knowledge
from azaward.terms import Action, Rule, Urgency

FINDINGS = finding.findings
ALLERGY = "rules/illness.allergy.thiopurine"


def said(**changed: Any) -> Any:
    """The rule of allergies with other arguments to `findings`."""
    return lambda rows, rule, **given: FINDINGS(rows, changed.pop("rule", rule), **{**given, **changed})


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"action": "witholdd"},
            f"{ALLERGY}: 'witholdd' isn't an action. Did you mean 'withhold'?",
        ),
        (
            {"urgency": "sameday"},
            f"{ALLERGY}: 'sameday' isn't an urgency. Did you mean 'same-day'?",
        ),
        ({"rule": "alergy"}, f"{ALLERGY}: 'alergy' isn't a rule. Did you mean 'allergy'?"),
        ({"code": "alergy"}, f"{ALLERGY}: no words for 'alergy' in knowledge/messages.yaml."),
        ({"code": "limit_low"}, f"{ALLERGY}: nothing says where 'limit_low' was read."),
    ],
)
def test_a_word_that_is_none_is_one_line(changed: dict[str, Any], line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allergy, "findings", said(**changed))
    with pytest.raises(KnowledgeError) as error:
        pipeline.expressions(load().parameters)
    assert [each for each in str(error.value).splitlines() if each.startswith(line)], str(error.value)


def test_all_rules_with_a_missing_number_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allergy, "treated", lambda *_: limit("fever_celsus"))
    fewer = {id: row for id, row in load().parameters.items() if id != "pancreatitis_multiple"}
    with pytest.raises(KnowledgeError) as error:
        pipeline.expressions(fewer)
    lines = str(error.value).splitlines()
    assert any("rules/illness.allergy.thiopurine: no parameter 'fever_celsus'" in line for line in lines)
    assert any("Did you mean 'fever_celsius'?" in line for line in lines)
    assert any("rules/organs.pancreas.pancreas: no parameter 'pancreatitis_multiple'" in line for line in lines)


@pytest.mark.parametrize(
    ("name", "needs", "line"),
    [
        ("illness.allergy.thiopurin", (), "rules/pipeline.py: 'illness.allergy.thiopurin' names no function"),
        ("illness.alergy.thiopurine", (), "rules/pipeline.py: 'illness.alergy.thiopurine' names no function"),
        ("illness.allergy.thiopurine", ("event",), "rules/illness.allergy.thiopurine: no stage is called 'event'."),
    ],
)
def test_a_name_of_the_pipeline_that_is_none_is_one_line(
    name: str, needs: tuple[str, ...], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pipeline.RULES, name, needs)
    with pytest.raises(KnowledgeError) as error:
        pipeline.expressions(load().parameters)
    assert str(error.value).startswith(line)


def test_a_table_that_is_none_is_one_line() -> None:
    with pytest.raises(
        KnowledgeError, match=r"no table 'protocol_limit' of knowledge\. Did you mean 'protocol_limits'\?"
    ):
        knowledge("protocol_limit")


def test_actions_and_urgencies_are_in_order() -> None:
    assert Action.STOP.rank < Action.WITHHOLD.rank < Action.INFORM.rank
    assert Urgency.EMERGENCY.rank < Urgency.INFO.rank
    assert Rule("limits") is Rule.LIMITS
