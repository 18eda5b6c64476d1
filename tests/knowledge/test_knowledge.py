"""The knowledge base is whole, its conversions are the UCUM library's, a clinic's protocol is checked by the line."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from azaward.errors import KnowledgeError
from azaward.knowledge import load
from azaward.knowledge.loading import units
from azaward.knowledge.loading.check import facts, faults, with_protocol
from azaward.knowledge.loading.load import HERE, load_folder
from azaward.knowledge.loading.messages import messages
from azaward.knowledge.loading.relations import MOST_CAUTIOUS, relations
from azaward.knowledge.loading.schema import FILES
from azaward.knowledge.loading.vocabulary import Coding, vocabulary

KNOWLEDGE = load()


def test_it_is_whole() -> None:
    assert faults(KNOWLEDGE) == []


def test_every_fact_was_checked_on_a_day_and_says_how() -> None:
    for where, fact in facts(KNOWLEDGE):
        assert fact.how in ("read", "secondary"), where
        assert fact.checked_on.year >= 2026, where


def test_every_source_is_cited() -> None:
    cited = {fact.source for _, fact in facts(KNOWLEDGE)}
    cited |= {
        one["source"]
        for message in messages().values()
        for one in message.get("sources", ())
        if isinstance(message, dict)
    }
    text = "".join(path.read_text(encoding="utf-8") for path in HERE.rglob("*.yaml"))
    text += "".join(fact.locator for _, fact in facts(KNOWLEDGE))
    assert [one for one in KNOWLEDGE.sources if one not in cited and one not in text] == []


def test_messages_cite_sources_and_parameters_that_exist() -> None:
    for code, message in messages().items():
        for one in message.get("sources", ()):
            assert one["source"] in KNOWLEDGE.sources, code
        for one in message.get("parameters", ()):
            assert one in KNOWLEDGE.parameters, code


def test_every_code_of_the_rules_has_words_and_the_other_way_round() -> None:
    """Codes stand in the rules as literals; a code without words would end an assessment."""
    modules = (path for path in (HERE.parent / "rules").rglob("*.py") if path.parent.name != "stages")
    text = "".join(path.read_text(encoding="utf-8") for path in modules)
    text += (HERE.parent / "medicines/check.py").read_text(encoding="utf-8")
    spoken = {code for code in messages() if code not in ("actions", "urgencies")}
    made = {f"metabolites_{row.pattern}" for row in KNOWLEDGE.tables["metabolites"]}
    made |= {f"result_{problem}" for problem in ("no_date", "future", "no_value", "words_for_number", "no_unit")}
    made |= {"result_unknown_unit", "result_implausible", "skin_check_due", "cervical_screening_due"}
    unspoken = {code for code in spoken if f'"{code}"' not in text and code not in made}
    assert unspoken == set()
    literal = set(re.findall(r'code="(\w+)"', text))
    assert literal - spoken == set()


def test_conversions_are_the_librarys() -> None:
    """A sample in every run; scripts/conversions.py writes them all."""
    rows = KNOWLEDGE.tables["conversions"]
    for row in random.Random(1).sample(rows, 150):
        assert units.convert(row.analyte, row.written, KNOWLEDGE) == (row.factor, row.offset), row


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "canonical"),
    [
        ("wbc", 4.5, "K/uL", 4.5),
        ("wbc", 4500, "/uL", 4.5),
        ("wbc", 4500, "cells/mm3", 4.5),
        ("neutrophils", 1.2, "10*3/uL", 1.2),
        ("haemoglobin", 13.5, "g/dL", 135),
        ("haemoglobin", 8.4, "mmol/L", 8.4 * 16.113),
        ("bilirubin", 1.0, "mg/dL", 17.1),
        ("creatinine", 1.0, "mg/dL", 88.4),
        ("albumin", 4.1, "g/dL", 41),
        ("alt", 0.5, "ukat/L", 30),
        ("alt", 30, "IU/L", 30),
        ("weight", 154, "lb", 69.85),
        ("temperature", 100.4, "degF", 38),
        ("crp", 1.2, "mg/dL", 12),
    ],
)
def test_units_of_many_countries(analyte: str, value: float, unit: str, canonical: float) -> None:
    converted = units.convert(analyte, unit, KNOWLEDGE)
    assert converted is not None
    assert value * converted[0] + converted[1] == pytest.approx(canonical, rel=2e-3)


@pytest.mark.parametrize(
    ("analyte", "unit"),
    [("wbc", "g/L"), ("wbc", "mmol/L"), ("alt", "mg/L"), ("wbc", "K"), ("haemoglobin", "%"), ("wbc", "furlong")],
)
def test_a_unit_that_does_not_fit_is_never_converted(analyte: str, unit: str) -> None:
    assert units.convert(analyte, unit, KNOWLEDGE) is None


def test_most_cautious_holds_every_row_of_every_protocol() -> None:
    schema, rows = relations(KNOWLEDGE)["protocol_limits"]
    protocol = list(schema).index("protocol")
    union = {row[1:] for row in rows if row[protocol] == MOST_CAUTIOUS}
    assert union == {row[1:] for row in rows if row[protocol] != MOST_CAUTIOUS}


def test_words_of_records() -> None:
    words = vocabulary(KNOWLEDGE)
    assert words.medicine("Zyloric 300mg tabs") == ("allopurinol",)
    assert set(words.medicine("co-trimoxazole 960 mg")) == {"trimethoprim", "sulfamethoxazole"}
    assert words.medicine("Azathioprine 50 MG Oral Tablet") == ("azathioprine",)
    assert words.medicine("Green drops") == ("unknown:Green drops",)
    assert words.analyte("WBC") == "wbc"
    assert words.analyte(None, [Coding("http://loinc.org", "751-8")]) == "neutrophils"
    assert words.indication("Crohn's disease") == "crohns_disease"
    assert words.indication(None, [Coding("http://hl7.org/fhir/sid/icd-10-cm", "K50.90")]) == "crohns_disease"
    assert words.diplotype_phenotype("TPMT", "*1/*3A") == "Intermediate Metabolizer"
    assert words.diplotype_phenotype("NUDT15", "*3/*3") == "Poor Metabolizer"
    assert words.diplotype_phenotype("TPMT", "*1/*99") is None
    assert words.phenotype("Intermediate metaboliser") == "Intermediate Metabolizer"


OWN = """\
id: my-clinic
title: Our clinic
body: A clinic
published_on: 2026-01-01
builds_on: bsr-2017
defaults: {source: ledingham-2017, how: secondary, checked_on: 2026-01-01}
limits:
  - {analyte: neutrophils, comparison: below, value: 1.8, relative_to: absolute,
     action: withhold, urgency: same-day, locator: "our table"}
"""


def test_a_clinics_own_protocol_builds_on_a_published_one(tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN, encoding="utf-8")
    held, name = with_protocol(KNOWLEDGE, path)
    assert name == "my-clinic"
    own: Any = held.protocols[name].lists["limits"]
    bsr: Any = KNOWLEDGE.protocols["bsr-2017"].lists["limits"]
    # The clinic's withhold takes the place of the other's; the emergency at a severe count stays.
    assert [(row.value, row.urgency) for row in own if row.analyte == "neutrophils"] == [
        (1.8, "same-day"),
        (1.0, "emergency"),
    ]
    assert [row for row in own if row.analyte != "neutrophils"] == [row for row in bsr if row.analyte != "neutrophils"]
    assert held.protocols[name].lists["schedule"] == KNOWLEDGE.protocols["bsr-2017"].lists["schedule"]


def borrowed(text: str, tmp_path: Path, name: str) -> list[Any]:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(text, encoding="utf-8")
    held, protocol = with_protocol(KNOWLEDGE, path)
    return list(held.protocols[protocol].lists[name])


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        # Asks for the same, as urgently: replaced, whatever the number.
        ("comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: same-day", [1.2, 1.0]),
        # Less urgent, another action, the other direction: beside it.
        ("comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: routine", [1.2, 1.6, 1.0]),
        ("comparison: below, value: 1.2, relative_to: absolute, action: review, urgency: same-day", [1.2, 1.6, 1.0]),
        ("comparison: above, value: 8, relative_to: absolute, action: withhold, urgency: same-day", [8.0, 1.6, 1.0]),
        # For one specialty alone: what holds for all stays.
        (
            "comparison: below, value: 1.2, relative_to: absolute, action: withhold, urgency: same-day, "
            "specialty: dermatology",
            [1.2, 1.6, 1.0],
        ),
    ],
)
def test_what_a_clinics_own_limit_replaces(own: str, kept: list[float], tmp_path: Path) -> None:
    row = f'  - {{analyte: neutrophils, {own}, locator: "our table"}}\n'
    limits = borrowed(OWN.partition("  - ")[0] + row, tmp_path, "limits")
    assert [row.value for row in limits if row.analyte == "neutrophils"] == kept


def test_an_emergency_symptom_is_not_made_less_by_a_clinics_own_row(tmp_path: Path) -> None:
    own = OWN.replace("bsr-2017", "sps-nhs") + (
        "symptoms:\n"
        '  - {symptom: pancreatitis, action: review, urgency: routine, locator: "ours"}\n'
        '  - {symptom: cough, action: review, urgency: routine, locator: "ours"}\n'
    )
    rows = borrowed(own, tmp_path, "symptoms")
    assert [row.action for row in rows if row.symptom == "pancreatitis"] == ["review", "stop"]
    assert [row.action for row in rows if row.symptom == "cough"] == ["review"]


def test_a_schedule_for_one_specialty_leaves_the_others_theirs(tmp_path: Path) -> None:
    row = (
        "  - {{tests: [full_blood_count], since: start, phase: ours, from_day: 0, until_day: null, every_days: 7, "
        'specialty: {specialty}, locator: "ours"}}\n'
    )
    for specialty, counts in (("any", 1), ("dermatology", 6)):
        rows = borrowed(OWN + "schedule:\n" + row.format(specialty=specialty), tmp_path, "schedule")
        assert len([row for row in rows if "full_blood_count" in row.tests]) == counts
        assert [row for row in rows if "liver" in row.tests]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            ("value: 1.8", "value: low"),
            "my-clinic.yaml line 8: limits: value: expected `float`, got `str`, found 'low'",
        ),
        (("action: withhold", "action: ponder"), "my-clinic.yaml line 8: limits: action: invalid enum value 'ponder'"),
        (('locator: "our table"', 'page: "3"'), "my-clinic.yaml line 8: limits: Object"),
        (("builds_on: bsr-2017", "builds_on: bsr-1917"), "my-clinic.yaml line 5: builds_on: no protocol 'bsr-1917'"),
        (("title: Our clinic", "titel: Our clinic"), "my-clinic.yaml line 2: no such key: titel"),
        (("id: my-clinic", "id: bsr-2017"), "my-clinic.yaml line 1: id 'bsr-2017' is a published protocol's"),
        (("limits:", "limits: ["), "my-clinic.yaml line "),
        (
            ("checked_on: 2026-01-01}", "checked_on: 2026-01-01}\nnotes: 5"),
            "my-clinic.yaml line 7: notes: expected a list",
        ),
        (("title: Our clinic", "title: Our clinic\ntitle: Ours"), "my-clinic.yaml line 3: title stands there twice"),
        (
            ("analyte: neutrophils", "analyte: neutrophil"),
            "my-clinic.yaml: protocols/my-clinic: no analyte 'neutrophil'",
        ),
        (
            (
                "limits:",
                "doses:\n  - {indication: any, population: adults, max_mg_per_kg: 2, locator: ours}\nlimits:",
            ),
            "my-clinic.yaml: protocols/my-clinic: doses: no rule chooses population 'adults'",
        ),
    ],
)
def test_a_fault_in_a_clinics_protocol_names_its_line(change: tuple[str, str], line: str, tmp_path: Path) -> None:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(OWN.replace(*change), encoding="utf-8")
    with pytest.raises(KnowledgeError) as error:
        with_protocol(KNOWLEDGE, path)
    assert any(part.startswith(line) for part in str(error.value).splitlines()), str(error.value)


def test_a_row_that_can_not_be_read_names_file_and_line(tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "knowledge"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "parameters.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",38,", ",warm,"), encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"parameters.csv line \d+: value: expected `float`"):
        list(load_folder(folder).tables["parameters"])


def test_no_clinical_number_stands_in_the_rules() -> None:
    """Numbers in rules are day and week arithmetic and the method's own; the rest are rows of knowledge."""
    allowed = {
        "0",
        "1",
        "2",
        "3",
        "5",
        "8",
        "0.0",
        "0.5",
        "1.0",
        "2.0",
        "100",
        "1970",
        "10000",
        "1_000_000",
        "100_000",
        # The places of a person's last nine days of an analyte.
        "4",
        "6",
        "9",
        "7",
        "30.4375",
        "365.25",
        "10",
    }
    found: dict[str, set[str]] = {}
    for path in (HERE.parent / "rules").rglob("*.py"):
        code = re.sub(r'"""[\s\S]*?"""|#.*|"[^"\n]*"', "", path.read_text(encoding="utf-8"))
        numbers = set(re.findall(r"(?<![\w.])\d[\d_]*(?:\.\d+)?(?![\w.])", code)) - allowed
        if numbers:
            found[path.name] = numbers
    assert found == {}


def test_every_file_of_the_folder_is_a_table() -> None:
    assert {str(path.relative_to(HERE)) for path in HERE.rglob("*.csv")} == set(FILES.values())


def test_mutating_knowledge_is_noticed() -> None:
    """A handful here; `make test` runs a larger sample and `make mutation` all of them."""
    done = subprocess.run(
        [sys.executable, "scripts/mutate_knowledge.py", "--only", "metabolites", "--sample", "3", "--seed", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
