"""The guides say what the knowledge base holds: each number a fact, each sentence with its source, in plain words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from scripts import guides_review

from azaward.errors import KnowledgeError
from azaward.guides import marks
from azaward.guides.facts import FactBook
from azaward.guides.figures import counted
from azaward.guides.library import Body, Guide, UnknownGuideError, library
from azaward.guides.words import TEXTS, words_of
from azaward.knowledge import load

KNOWLEDGE = load()
GUIDES = library().guides
HARDEST = 8.0
# Names that hold a digit and mean no number.
NAMES = re.compile(r"NUDT15|B12|1000 Genomes \w+")
EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
COUNTED = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|fifty|hundred|thousand|half|dozen"
MEASURES = "minutes?|hours?|days?|weeks?|months?|years?|times|percent|per cent|in|of|mg|tablets a day"
SPELLED = re.compile(rf"\b(?:{COUNTED})\s+(?:{MEASURES})\b|\b(?:twice|thrice|percent|double the)\b", re.I)


@lru_cache(maxsize=1)
def bodies() -> dict[str, Body]:
    return {guide.id: guide.body(KNOWLEDGE) for guide in GUIDES}


def ids(guides: Any) -> list[str]:
    return [guide.id for guide in guides]


# Numbers are references.


@pytest.mark.parametrize("guide", GUIDES, ids=ids(GUIDES))
def test_no_number_stands_in_a_text(guide: Guide) -> None:
    said = NAMES.sub("", f"{EXPRESSION.sub('', guide.text)} {guide.front.title} {guide.front.question}")
    assert re.findall(r"\S*\d\S*", said) == []


@pytest.mark.parametrize("guide", GUIDES, ids=ids(GUIDES))
def test_no_number_is_spelled_out_to_escape(guide: Guide) -> None:
    allowed = {"half of those", "half had"}
    found = [match[0].casefold() for match in SPELLED.finditer(EXPRESSION.sub("", guide.text))]
    assert [one for one in found if not any(phrase.startswith(one) for phrase in allowed)] in ([], ["twice"])


def test_no_number_stands_in_the_words_around_the_guides() -> None:
    words = words_of("en").sections
    for section in ("medicines", "trials", "pictures", "side_effects", "vaccines", "topics"):
        said = NAMES.sub("", yaml.safe_dump(list(words[section].values())))
        assert re.findall(r"\d+", said) == [], section


@pytest.mark.parametrize("guide", GUIDES, ids=ids(GUIDES))
def test_each_sentence_with_a_number_has_its_source(guide: Guide) -> None:
    body = bodies()[guide.id]
    bare: list[str] = []
    for line in body.markdown.splitlines():
        if line.startswith("#") or marks.PICTURE.search(line):
            continue
        # A row of a table, or a sentence that ends with its sources.
        parts = [line] if line.startswith("|") else re.split(r"(?<=[.!?])\s+", line)
        bare += [
            part
            for part in parts
            if re.search(r"\d", NAMES.sub("", marks.bare(part))) and not marks.CITED.search(part) and "---" not in part
        ]
    # "Of 100 people" heads a column.
    assert [part for part in bare if "Of 100 people" not in part] == []


@pytest.mark.parametrize("guide", GUIDES, ids=ids(GUIDES))
def test_sources_are_numbered_without_a_gap_and_each_is_used(guide: Guide) -> None:
    body = bodies()[guide.id]
    numbers = {int(number) for number in marks.CITED.findall(body.markdown)}
    assert numbers == {source.number for source in body.sources}
    assert numbers == set(range(1, len(numbers) + 1))


def test_every_guide_rests_on_several_sources() -> None:
    assert [id for id, body in bodies().items() if len(body.sources) < 2] == ["versus-jak-inhibitors"]


def test_what_the_guides_say_is_what_was_reviewed() -> None:
    """A changed fact or text changes the document; `python scripts/guides_review.py` writes it for the reviewer."""
    assert guides_review.document(KNOWLEDGE) == guides_review.SHOWN.read_text(encoding="utf-8")


@pytest.mark.parametrize("table", ["guide_facts", "risks", "trials", "trial_arms", "side_effects"])
def test_every_fact_for_guides_is_told_by_one(table: str) -> None:
    told = {id(row) for body in bodies().values() for row in body.facts}
    assert [row for row in KNOWLEDGE.tables[table] if id(row) not in told] == []


@pytest.mark.parametrize("table", ["guide_facts", "risks", "trials", "trial_arms", "side_effects"])
def test_every_number_for_guides_stands_in_the_reviewed_document(table: str) -> None:
    """Unrounded, beside its name: no number of these tables can change unseen."""
    lines = guides_review.SHOWN.read_text(encoding="utf-8").partition("\n# Facts\n")[2].splitlines()
    for row in KNOWLEDGE.tables[table]:
        name = getattr(row, "id", None) or row.trial
        own = [line for line in lines if line.startswith(f"- {type(row).__name__} {name}: ")]
        for field in msgspec.structs.fields(type(row)):
            cell = getattr(row, field.name)
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                told = f"{field.name.replace('_', ' ')}: {cell:g}"
                assert any(f"{told};" in line or f"{told} [" in line for line in own), (name, told)


@pytest.mark.parametrize(
    ("table", "id", "column", "value", "guide", "before", "after"),
    [
        ("guide_facts", "sun_factor", "value", 50, "cancer", "factor 30 or more", "factor 50 or more"),
        ("parameters", "fever_celsius", "value", 38.5, "neutrophils", "of 38 °C or more", "of 38.5 °C or more"),
        ("risks", "pancreatitis", "rate_exposed", 5, "pancreatitis", "4 in 100", "5 in 100"),
        ("risks", "lymphoma_thiopurine", "rate_exposed", 0.9, "cancer", "5 in 10,000", "9 in 10,000"),
        ("trial_arms", "maintain", "events", 14, "for-joints", "13 of 52", "14 of 52"),
        ("onset", "myasthenia_gravis", "weeks_high", 40, "for-nerves", "17 to 43 weeks", "17 to 40 weeks"),
        ("side_effects", "marrow_change", "low", 0.2, "side-effects", "more than 1 in 10", "more than 1 in 5"),
        ("genotype_doses", "cpic-azathioprine-tpmt-im-nudt15-any", "fraction_low", 0.4, "gene-test", "30 to", "40 to"),
    ],
)
def test_change_the_fact_and_the_guide_changes(
    table: str, id: str, column: str, value: float, guide: str, before: str, after: str
) -> None:
    def named(row: Any) -> str:
        return getattr(row, "id", None) or getattr(row, "trial", None) or row.indication

    rows = list(KNOWLEDGE.tables[table])
    place = next(place for place, row in enumerate(rows) if named(row) == id)
    rows[place] = msgspec.structs.replace(rows[place], **{column: value})
    changed = replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, table: tuple(rows)})
    old, new = marks.bare(bodies()[guide].markdown), marks.bare(library().get(guide).body(changed).markdown)
    assert before in old
    assert after not in old
    assert after in new


# Trials.


@pytest.mark.parametrize("arm", KNOWLEDGE.tables["trial_arms"], ids=lambda arm: f"{arm.trial}-{arm.outcome}-{arm.arm}")
def test_each_count_is_what_its_trial_printed(arm: Any) -> None:
    share = counted(arm.arm, arm.events, arm.n)
    assert 0 <= arm.events <= arm.n
    assert share.low is not None
    assert share.high is not None
    assert share.low <= share.rate <= share.high
    if arm.printed_percent is not None:
        # Printed to a whole or to a tenth of a percent.
        digits = 0 if arm.printed_percent == int(arm.printed_percent) else 1
        assert 100 * share.rate == pytest.approx(arm.printed_percent, abs=0.5 * 10**-digits + 0.01)


@given(n=st.integers(1, 5000), part=st.floats(0, 1))
def test_an_interval_is_wilsons(n: int, part: float) -> None:
    events = round(part * n)
    share = counted("", events, n)
    interval = binomtest(events, n).proportion_ci(0.95, method="wilson")
    assert (share.low, share.high) == (pytest.approx(interval.low, abs=1e-9), pytest.approx(interval.high, abs=1e-9))


def test_every_trial_compares_at_least_two_arms_and_names_azathioprine() -> None:
    for trial in KNOWLEDGE.tables["trials"]:
        outcomes = Counter(arm.outcome for arm in KNOWLEDGE.tables["trial_arms"] if arm.trial == trial.id)
        assert outcomes, trial.id
        assert min(outcomes.values()) >= 2, trial.id
        assert trial.indication in {row.id for row in KNOWLEDGE.tables["indications"]}, trial.id


# Plain words.


@pytest.mark.parametrize("guide", GUIDES, ids=ids(GUIDES))
def test_the_reading_grade_is_measured_and_low(guide: Guide) -> None:
    found = guides_review.grade(guide, KNOWLEDGE)
    assert found <= HARDEST
    assert found == pytest.approx(guide.front.reading_grade, abs=0.05), "run: python scripts/guides_review.py"


def test_a_hard_text_is_noticed() -> None:
    hard = "Thiopurine-associated myelosuppression necessitates haematological surveillance irrespective of genotype."
    guide = replace(library().get("missed-dose"), text=hard)
    assert guides_review.grade(guide, KNOWLEDGE) > HARDEST


def test_every_topic_has_guides_and_every_guide_keywords() -> None:
    assert {guide.front.topic for guide in GUIDES} == set(words_of("en").sections["topics"])
    assert [guide.id for guide in GUIDES if len(guide.front.keywords) < 5] == []
    assert set(words_of("en").sections["ui"]["order"]) <= set(ids(GUIDES))
    assert len(GUIDES) >= 35


# Search.


@pytest.mark.parametrize(
    ("words", "id"),
    [
        ("throwing up", "nausea"),
        ("forgot my pill", "missed-dose"),
        ("I have a temperature", "infection"),
        ("can I drink beer", "daily-life"),
        ("gout tablet", "interactions"),
        ("does it cause cancer", "cancer"),
        ("yellow eyes", "liver-trouble"),
        ("my daughter takes it", "children-for-parents"),
        ("trying for a baby", "pregnancy-mothers"),
        ("flu jab", "vaccines"),
        ("NUDT15 result", "gene-test"),
        ("bruising", "platelets"),
        ("come off it", "stopping"),
        ("Crohn's", "for-bowel"),
        ("new kidney", "for-transplant"),
        ("CellCept", "versus-mycophenolate"),
        ("belly pain", "pancreatitis"),
        ("needles scare me", "skipping-tests"),
    ],
)
def test_everyday_words_find_their_guide(words: str, id: str) -> None:
    assert id in ids(library().search(words))[:2]


@pytest.mark.parametrize("words", ["", "   ", '"', "xyzzy", "* OR (", "'; xyzzy --"])
def test_words_that_mean_nothing_find_nothing_and_break_nothing(words: str) -> None:
    assert library().search(words) == []
    assert library().search("nausea")


def test_an_unknown_guide_names_the_nearest() -> None:
    with pytest.raises(UnknownGuideError, match="Did you mean missed-dose"):
        library().get("mised-dose")


# What is wrong is named.


def test_a_fact_that_is_not_there_names_the_guide_and_the_fact() -> None:
    guide = replace(library().get("nausea"), text='It takes {{ fact("no_such_fact") }}.')
    with pytest.raises(KnowledgeError, match=r"guides/texts/en/nausea\.md: no fact 'no_such_fact' in guide_facts\.csv"):
        guide.body(KNOWLEDGE)


def test_a_fact_without_a_number_cannot_be_written_as_one() -> None:
    book = FactBook(KNOWLEDGE, words_of("en"))
    with pytest.raises(KnowledgeError, match="holds no number"):
        book.fact("missed_no_double")


def test_a_vaccine_that_is_not_live_is_never_called_live() -> None:
    with pytest.raises(KnowledgeError, match="not a live vaccine"):
        FactBook(KNOWLEDGE, words_of("en")).live("influenza")


def test_a_language_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(KnowledgeError, match="no guides in the language 'xx'"):
        library("xx")


def test_a_translation_is_one_folder(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the folder with one word changed is a language of its own; no code knows its name."""
    import shutil

    from azaward.guides import library as guides
    from azaward.guides import words

    shutil.copytree(TEXTS / "en", tmp_path / "zz")
    path = tmp_path / "zz" / "words.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("wk: [week, weeks]", "wk: [Woche, Wochen]"), "utf-8")
    monkeypatch.setattr(words, "TEXTS", tmp_path)
    monkeypatch.setattr(guides, "TEXTS", tmp_path)
    assert "6 to 8 Wochen" in marks.bare(library("zz").get("for-joints").body(KNOWLEDGE).markdown)


def test_serious_signs_are_told_wherever_harm_is() -> None:
    """The guides about harm and about people each say when to call, in a box of its own."""
    must = [
        *("side-effects", "infection", "neutrophils", "platelets", "liver-test", "liver-trouble", "pancreatitis"),
        *("nausea", "children-for-parents", "for-teenagers", "pregnancy-mothers", "for-transplant", "stopping"),
    ]
    assert [id for id in must if "\n> " not in f"\n{bodies()[id].markdown}"] == []
