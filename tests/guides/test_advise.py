"""Advice for daily life: the page holds, the tables are proven, the cautious answer wins, the program says it."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import textstat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.guides.advice_facts import FactError, WrongWordError
from azaward.guides.advise import UnknownTopicError, advise, next_question
from azaward.knowledge import ACTIONS, URGENCIES, Knowledge, load
from azaward.knowledge.loading.advice import faults, numbers, spoken, topics, used
from tests.proof import rounds

PAGE = Path(__file__).parents[2] / "docs" / "advise.md"
KNOWLEDGE = load()
TOPICS = topics(KNOWLEDGE)
EXPECTED = ("urgency", "action", "lines")
HIGHEST_GRADE = 8
ANSWER_SECONDS = 60


def tables(heading: str) -> list[dict[str, str]]:
    """The rows of the table under a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


@lru_cache(maxsize=1)
def cases() -> dict[str, list[dict[str, str]]]:
    return {topic: tables(topic) for topic in TOPICS}


def answered(topic: str, case: dict[str, str], knowledge: Knowledge = KNOWLEDGE) -> dict[str, str]:
    facts = {name: cell for name, cell in case.items() if name not in EXPECTED and cell}
    answer = advise(topic, facts, knowledge)
    lines = ", ".join(line.line for line in answer.lines)
    return {"urgency": answer.urgency, "action": answer.action, "lines": lines}


CASES = [(topic, case) for topic in TOPICS for case in tables(topic)]


# The page is the specification.


@pytest.mark.parametrize(
    ("topic", "case"), CASES, ids=lambda one: one if isinstance(one, str) else "-".join(one.values())
)
def test_the_page_says_what_is_answered(topic: str, case: dict[str, str]) -> None:
    assert answered(topic, case) == {name: case[name] for name in EXPECTED}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_page_shows_every_fact_and_every_line_of_a_topic(topic: str) -> None:
    rows = tables(topic)
    assert set(rows[0]) - set(EXPECTED) == {question.fact for question in TOPICS[topic].questions}
    shown = {line for row in rows for line in row["lines"].split(", ")}
    assert shown == {line.row.line for line in TOPICS[topic].lines}
    assert any(not any(row[question.fact] for question in TOPICS[topic].questions) for row in rows)


def said(knowledge: Knowledge, topic: str, name: str) -> str:
    line = next(row for row in knowledge.tables["advice"] if (row.topic, row.line) == (topic, name))
    return f"{spoken(line.says, knowledge)} {spoken(line.says_patient, knowledge)}"


@pytest.mark.parametrize("row", tables("Numbers in the answers"), ids=lambda row: f"{row['topic']}-{row['says']}")
def test_a_line_says_its_numbers(row: dict[str, str]) -> None:
    assert row["says"] in said(KNOWLEDGE, row["topic"], row["line"])


# Every number matters.


def changed(number: str, by: float) -> Knowledge:
    """The knowledge with one number changed."""

    def rows(name: str) -> tuple[Any, ...]:
        return tuple(
            msgspec.structs.replace(row, value=round(row.value + by, 6)) if row.id == number else row
            for row in KNOWLEDGE.tables[name]
        )

    held = {**KNOWLEDGE.tables, "advice_numbers": rows("advice_numbers"), "parameters": rows("parameters")}
    return replace(KNOWLEDGE, tables=held)


def holds(knowledge: Knowledge, number: str) -> bool:
    """Whether the page still holds for the topics that use a number."""
    if list(faults(knowledge)):
        return False
    concerned = {row.topic for row in knowledge.tables["advice"] if number in used(row)}
    return all(
        answered(topic, case, knowledge) == {name: case[name] for name in EXPECTED}
        for topic in concerned
        for case in cases()[topic]
    ) and all(
        row["says"] in said(knowledge, row["topic"], row["line"])
        for row in tables("Numbers in the answers")
        if row["topic"] in concerned
    )


NUMBERS = sorted({one for row in KNOWLEDGE.tables["advice"] for one in used(row)})


@pytest.mark.parametrize("number", NUMBERS)
def test_a_changed_number_is_noticed(number: str) -> None:
    value = repr(numbers(KNOWLEDGE)[number].value).removesuffix(".0")
    step = 10.0 ** -len(value.partition(".")[2]) if "." in value else 1.0
    unnoticed = [by for by in (step, -step) if holds(changed(number, by), number)]
    assert unnoticed == []


def test_no_number_stands_in_the_words() -> None:
    """Numbers have one place each, advice_numbers.csv or parameters.csv; the names of genes and SGLT2 are words."""
    words = re.compile(r"NUDT15|SGLT2")
    for row in KNOWLEDGE.tables["advice"]:
        for text in (row.says, row.says_patient):
            bare = words.sub("", re.sub(r"\{\w+\}", "", text))
            assert not re.search(r"\d", bare), (row.topic, row.line, text)


# The tables are proven, and the proof can fail.


def test_the_tables_are_whole() -> None:
    assert list(faults(KNOWLEDGE)) == []


def without(topic: str, name: str) -> Knowledge:
    rows = tuple(row for row in KNOWLEDGE.tables["advice"] if (row.topic, row.line) != (topic, name))
    return replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "advice": rows})


def with_cell(topic: str, name: str, **cells: Any) -> Knowledge:
    rows = tuple(
        msgspec.structs.replace(row, **cells) if (row.topic, row.line) == (topic, name) else row
        for row in KNOWLEDGE.tables["advice"]
    )
    return replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "advice": rows})


@pytest.mark.parametrize(
    ("knowledge", "fault"),
    [
        (without("missed-dose", "never-double"), None),
        (without("fever", "antibiotics"), "fever: no line answers signs none, temperature 26"),
        (without("fever", "well"), "fever: no line answers signs none, temperature 26"),
        (with_cell("fever", "fever", action="continue"), "fever and neutropenic contradict each other"),
        (with_cell("fever", "cold-only", when="signs=cold"), "cold-only and "),
        (with_cell("surgery", "joint", when=None), "joint and joint-lupus-soon contradict each other"),
        (
            with_cell("fever", "well", when="signs=none & signs=cough"),
            "fever: no line answers signs none",
        ),
        (
            with_cell("splitting", "hands", when="wish=whole & wish=crush"),
            "hands: no combination of facts meets this line",
        ),
        (with_cell("fever", "fever", when="temperature>fever_kelvin"), "no number 'fever_kelvin'"),
        (with_cell("fever", "fever", when="heat>fever_celsius"), "no question of this topic asks for 'heat'"),
        (with_cell("fever", "fever", when="temperature=38"), "a number is compared"),
        (with_cell("fever", "fever", when="hot"), "'hot' is no condition"),
        (
            with_cell("fever", "fever", when="temperature>fever_celsius"),
            "the row of 'fever_celsius' compares by at-least: expected >= or <",
        ),
        (with_cell("fever", "fever", when="temperature>overdose_low_days"), "'overdose_low_days' has no `comparison`"),
        (with_cell("splitting", "split", when="wish=half"), "wish is never half"),
        (with_cell("fever", "fever", says="above {nothing}"), "no number 'nothing'"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_broken_table_is_noticed(knowledge: Knowledge, fault: str | None) -> None:
    found = list(faults(knowledge))
    assert any(fault in one for one in found) if fault else not found, found


# The cautious answer wins.


@st.composite
def known(draw: st.DrawFn) -> tuple[str, dict[str, str]]:
    """A topic and an answer to each of its questions."""
    topic = TOPICS[draw(st.sampled_from(list(TOPICS)))]
    facts: dict[str, str] = {}
    for question in topic.questions:
        value = draw(st.sampled_from(question.domain))
        if isinstance(value, float):
            facts[question.fact] = f"{value:g}"
        elif question.kind == "vaccine":
            facts[question.fact] = draw(
                st.sampled_from(["zostavax", "shingrix", "opv", "rotarix", "mmr", "hep b", "ivig"])
            )
        else:
            facts[question.fact] = ",".join(sorted(value))
    return topic.id, facts


def caution(topic: str, facts: dict[str, Any]) -> tuple[int, int]:
    answer = advise(topic, facts)
    return URGENCIES.index(answer.urgency), ACTIONS.index(answer.action)


@settings(max_examples=rounds(60, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known(), st.data())
def test_knowing_less_never_gives_a_less_cautious_answer(one: tuple[str, dict[str, str]], data: st.DataObject) -> None:
    topic, facts = one
    fewer = {name: cell for name, cell in facts.items() if data.draw(st.booleans())}
    assert caution(topic, fewer) <= caution(topic, facts)


@settings(max_examples=rounds(60, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known(), st.data())
def test_a_fact_that_is_not_asked_for_changes_nothing(one: tuple[str, dict[str, str]], data: st.DataObject) -> None:
    topic, facts = one
    fewer = {name: cell for name, cell in facts.items() if data.draw(st.booleans())}
    answer = advise(topic, fewer)
    if answer.unknown or answer.urgency == "emergency":
        return
    full = advise(topic, facts)
    assert (full.says_patient, full.urgency) == (answer.says_patient, answer.urgency)


@settings(max_examples=rounds(40, 5000), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(known())
def test_answering_the_questions_one_by_one_leaves_nothing_unknown(one: tuple[str, dict[str, str]]) -> None:
    topic, facts = one
    given_so_far: dict[str, Any] = {}
    while question := next_question(topic, given_so_far):
        assert question.fact not in given_so_far
        given_so_far[question.fact] = facts[question.fact]
    answer = advise(topic, given_so_far)
    assert answer.unknown == []
    assert answer.urgency == advise(topic, facts).urgency or answer.urgency == "emergency"


def test_what_is_said_alike_to_everybody_is_certain() -> None:
    """Four hours late: take it, whether it is taken once or twice a day. Nobody is asked, and nothing is in doubt."""
    answer = advise("missed-dose", {"hours_late": "4"})
    assert answer.unknown == []
    assert answer.says_patient == "Take it now. Take the next one at its usual time."
    # What the clinician reads names the kind of person, which is not known here.
    later = advise("missed-dose", {"hours_late": "24"})
    assert later.says_patient.startswith("If you have missed more than one dose")
    assert later.says.startswith("Not all is known")


def test_a_fever_without_facts_is_an_emergency_and_says_what_it_would_have_to_know() -> None:
    answer = advise("fever")
    assert answer.urgency == "emergency"
    assert answer.unknown == ["signs", "temperature", "neutrophils", "antibiotics"]
    assert answer.says_patient.startswith("We do not know enough")


def test_nothing_is_asked_where_nobody_should_wait() -> None:
    assert advise("fever", {"signs": "confused"}).unknown == []


def test_all_lines_that_hold_are_said_most_urgent_first() -> None:
    for topic, case in CASES:
        facts = {name: cell for name, cell in case.items() if name not in EXPECTED and cell}
        urgencies = [URGENCIES.index(line.urgency) for line in advise(topic, facts).lines]
        assert urgencies == sorted(urgencies)


# Names of vaccines, units and words.


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("yellow fever", "live-now"),
        ("Stamaril", "live-now"),
        ("MMR vaccine", "live-now"),
        ("shingrix", "not-live"),
        ("flu jab", "not-live"),
        ("nasal flu vaccine", "live-now"),
        ("hepatitis B", "not-live"),
        ("shingles", "live-now"),
        ("typhoid", "live-now"),
        ("japanese encephalitis", "live-now"),
        ("ixiaro", "not-live"),
        ("no such vaccine", "live-now"),
    ],
)
def test_a_vaccine_by_its_name(typed: str, line: str) -> None:
    answer = advise("vaccine", {"name": typed, "who": "me", "taking": "now"})
    assert answer.lines[0].line == line


def test_a_name_that_fits_two_vaccines_is_said_to_be_unclear() -> None:
    answer = advise("vaccine", {"name": "shingles", "who": "me", "taking": "now"})
    assert answer.unknown == ["name"]
    assert answer.notes == ["'shingles' may be: zoster_live, zoster_recombinant."]


def test_a_vaccine_that_nothing_knows_counts_as_live_and_is_said_to_be_unknown() -> None:
    answer = advise("vaccine", {"name": "shingrixx", "who": "me", "taking": "now"})
    assert answer.action == "avoid"
    assert answer.unknown == ["name"]
    assert "taken as live. Near to it: shingrix" in answer.notes[0]


@pytest.mark.parametrize(("typed", "known_as"), [("38.5", 38.5), (38.5, 38.5), ("101.3 F", 38.5), ("100.4F", 38.0)])
def test_a_number_may_carry_its_unit(typed: Any, known_as: float) -> None:
    assert advise("fever", {"temperature": typed}).asked["temperature"] == pytest.approx(known_as)


@pytest.mark.parametrize(
    ("facts", "error", "words"),
    [
        ({"temperature": 101}, FactError, "temperature 101 in °C is not plausible (expected 26 to 45). Is it in F?"),
        ({"neutrophils": 900}, FactError, "Is it in /uL? Then type 900/uL."),
        ({"temperature": "38 kg"}, FactError, "'kg' is no unit of it"),
        ({"temperature": "-1"}, FactError, "not plausible"),
        ({"temperature": "hot"}, WrongWordError, "expected a number in °C"),
        ({"temperature": "nan"}, WrongWordError, "expected a number"),
        ({"antibiotics": "perhaps"}, WrongWordError, "expected one of: yes, no"),
        ({"signs": "none,cough"}, WrongWordError, "both 'none' and cough"),
        ({"heat": "38"}, WrongWordError, "asks nothing called 'heat'. It asks: signs, temperature"),
    ],
)
def test_a_fact_that_cannot_be_used_says_why(facts: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        advise("fever", facts)
    assert words in str(raised.value)


def test_an_unknown_topic_lists_those_there_are() -> None:
    with pytest.raises(UnknownTopicError, match="missed-dose"):
        advise("weather")


@pytest.mark.parametrize("nothing", [None, "", "unknown", "?", []])
def test_unknown_may_be_said_in_words(nothing: Any) -> None:
    assert advise("fever", {"temperature": nothing}) == advise("fever")


# What people read.


def test_everything_for_patients_is_easy_to_read() -> None:
    texts = [spoken(row.says_patient, KNOWLEDGE) for row in KNOWLEDGE.tables["advice"]]
    texts += [row.question for row in KNOWLEDGE.tables["advice_questions"]]
    texts += [row.who_patient for row in KNOWLEDGE.tables["advice_calls"]]
    hard = {text: grade for text in texts if (grade := textstat.flesch_kincaid_grade(text)) > HIGHEST_GRADE}
    assert hard == {}


def test_whoever_must_act_this_week_or_sooner_knows_whom_to_call() -> None:
    soon = ("emergency", "same-day", "this-week")
    named = {row.line for row in KNOWLEDGE.tables["advice"] if row.urgency in soon and not row.call}
    # What to do is all in the line: pause these, change no nappies.
    assert named == set()


# The program.


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "azaward.cli", "advise", *arguments],
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
        check=False,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
    )


def test_the_program_answers_in_text() -> None:
    done = run("missed-dose", "--hours-late", "5", "--times-a-day", "2")
    assert done.returncode == 0, done.stderr
    assert "Take it now." in done.stdout
    assert "not a certified medical device" in done.stdout
    assert done.stderr == ""


def test_the_program_answers_in_json() -> None:
    done = run("fever", "--temperature", "38.5", "--neutrophils", "0.4", "--signs", "none", "--format", "json")
    answer = json.loads(done.stdout)
    assert {"topic", "asked", "action", "urgency", "says", "says_patient", "sources"} <= set(answer)
    assert answer["asked"] == {"temperature": 38.5, "neutrophils": 0.4, "signs": "none"}
    assert (answer["urgency"], answer["action"], answer["unknown"]) == ("emergency", "withhold", [])
    assert answer["sources"][0]["source"] in KNOWLEDGE.sources


def test_the_program_without_a_terminal_asks_nothing_and_names_what_it_would_have_to_know() -> None:
    done = run("fever")
    assert done.returncode == 0
    assert "We do not know enough" in done.stdout
    assert "--temperature" in done.stdout


def test_the_program_lists_its_topics() -> None:
    done = run()
    assert all(f"azaward advise {topic}" in done.stdout for topic in TOPICS)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("fever", "--temperature", "101"), 1, "azaward: temperature 101 in °C is not plausible"),
        (("fever", "--temperature", "hot"), 2, "expected a number"),
        (("missed-dose", "--times-a-day", "7"), 2, "expected one of: 1, 2"),
        (("fever", "--heat", "38"), 2, "--heat"),
        (("weather",), 2, "weather"),
    ],
)
def test_what_cannot_be_used_ends_with_one_clear_line(arguments: tuple[str, ...], code: int, words: str) -> None:
    done = run(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert code == 2 or len(done.stderr.splitlines()) == 1


def typed_at_a_terminal(topic: str, answers: list[str]) -> Iterator[str]:
    """What a terminal shows while the questions are answered, one answer a prompt."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover
        os.execv(sys.executable, [sys.executable, "-m", "azaward.cli", "advise", topic])
    shown, left, deadline = "", list(answers), time.monotonic() + ANSWER_SECONDS
    try:
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                part = os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                break
            if not part:
                break
            shown += part
            if shown.rstrip().endswith("you don't know):") and left:
                os.write(terminal, f"{left.pop(0)}\n".encode())
                yield shown
                shown = ""
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    yield shown


def test_at_a_terminal_it_asks_until_the_answer_is_sure() -> None:
    shown = list(typed_at_a_terminal("fever", ["1", "101", "101F", "", "no"]))
    assert "Which of these do you have?" in shown[0]
    assert "What is your temperature?" in shown[1]
    assert "is not plausible" in shown[2]
    assert "neutrophil count" in shown[3]
    assert "antibiotics" in shown[4]
    assert "We do not know enough" in shown[5]
    assert "--neutrophils" in shown[5]
