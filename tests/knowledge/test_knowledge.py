"""The knowledge base is whole, its conversions are the UCUM library's, its words are those of records."""

from __future__ import annotations

import pickle
import random
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from azaward.errors import KnowledgeError
from azaward.knowledge import MOST_CAUTIOUS, load
from azaward.knowledge.loading import units
from azaward.knowledge.loading.check import facts, faults
from azaward.knowledge.loading.load import HERE, load_folder
from azaward.knowledge.loading.messages import NOT_CODES, messages
from azaward.knowledge.loading.relations import relations
from azaward.knowledge.loading.schema import FILES, TABLES
from azaward.knowledge.loading.words.vocabulary import Coding, vocabulary
from azaward.rules.stages.lab import PROBLEMS

KNOWLEDGE = load()


def test_it_is_whole() -> None:
    assert faults(KNOWLEDGE) == []


def test_every_fact_was_checked_on_a_day_and_says_how() -> None:
    for where, fact in facts(KNOWLEDGE):
        assert (fact.how == "own") == (KNOWLEDGE.sources[fact.source].kind == "own"), where
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
    spoken = {code for code in messages() if code not in NOT_CODES}
    made = {f"metabolites_{row.pattern}" for row in KNOWLEDGE.tables["metabolites"]}
    made |= {f"result_{problem}" for problem in PROBLEMS}
    made |= {"skin_check_due", "cervical_screening_due"}
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
    [("wbc", "g/L"), ("wbc", "mmol/L"), ("alt", "mg/L"), ("wbc", "K"), ("haemoglobin", "%"), ("wbc", "furlong")]
    + [("wbc", remark) for remark in ("{INR}", "{ratio}", "{}", "[", "10*", "%{cells}")],
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
    assert words.analyte("WBC") == "wbc"
    assert words.analyte(None, [Coding("http://loinc.org", "751-8")]) == "neutrophils"
    assert words.indication("Crohn's disease") == "crohns_disease"
    assert words.indication(None, [Coding("http://hl7.org/fhir/sid/icd-10-cm", "K50.90")]) == "crohns_disease"
    assert words.diplotype_phenotype("TPMT", "*1/*3A") == "Intermediate Metabolizer"
    assert words.diplotype_phenotype("NUDT15", "*3/*3") == "Poor Metabolizer"
    assert words.diplotype_phenotype("TPMT", "*1/*99") is None
    assert words.phenotype("Intermediate metaboliser") == "Intermediate Metabolizer"


def test_a_row_that_can_not_be_read_names_file_and_line(tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "knowledge"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / "parameters.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",38,", ",warm,"), encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"parameters.csv:\d+ value: expected a number, found 'warm'"):
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
        "31",
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


def test_the_type_checker_knows_the_rows_of_every_table() -> None:
    text = (HERE / "loading" / "schema" / "tables.py").read_text(encoding="utf-8")
    listed = dict(re.findall(r'name: Literal\["(\w+)"\]\) -> tuple\[(\w+), \.\.\.\]', text))
    assert listed == {name: row.__name__ for name, row in TABLES.items()}


def test_knowledge_can_be_pickled_while_another_thread_reads_it() -> None:
    """A listener hands it to processes while it begins to store; a process that wasn't begun assessed nobody."""
    knowledge = load_folder(HERE)
    done = threading.Event()

    def read() -> None:
        for name in list(knowledge.tables):
            assert knowledge.tables[name] is not None
        done.set()

    threading.Thread(target=read).start()
    while not done.is_set():
        pickle.dumps(knowledge)
    again = pickle.loads(pickle.dumps(knowledge))
    assert (again.version, again.parameters.keys()) == (knowledge.version, knowledge.parameters.keys())
