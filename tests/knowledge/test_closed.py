"""No word of knowledge joins to nothing in silence: a misspelt one is found, with its line and what was meant."""

from __future__ import annotations

import importlib
import random
import shutil
import sys
from pathlib import Path

import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.check import faults
from azaward.knowledge.loading.closed import Vocabularies
from azaward.knowledge.loading.load import HERE, load_folder

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
misspell = importlib.import_module("misspell")


def test_every_column_of_words_says_whether_it_is_closed() -> None:
    assert misspell.unclassified() == []


def test_a_misspelt_word_is_noticed() -> None:
    """A sample in every run, and all of the clinic's; scripts/misspell.py changes every word."""
    knowledge = load()
    words = random.Random(1).sample([*misspell.words_of_tables(knowledge)], 1000)
    words += random.Random(1).sample([*misspell.words_of_protocols(knowledge)], 300)
    words += misspell.words_of_clinic(knowledge, misspell.clinic_example())
    assert misspell.unnoticed(words) == []


def test_a_vocabulary_that_takes_any_word_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    knowledge = load()
    monkeypatch.setattr(Vocabularies, "fault", lambda *_: None)
    lines = misspell.unnoticed([*misspell.words_of_protocols(knowledge)][:40])
    assert any("source" in line for line in lines)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        (
            "medicines/interactions.csv",
            (",kidney,,", ",kidny,,"),
            "test: 'kidny' isn't a test. Did you mean 'kidney'?",
        ),
        (
            "medicines/medicines.csv",
            (",thiopurine;immunosuppressant;", ",thiopurin;immunosuppressant;"),
            "classes: 'thiopurin' isn't a class of medicines. Did you mean 'thiopurine'?",
        ),
        (
            "people/events.csv",
            (",infection_warning;marrow_warning,", ",infection_warning;marow_warning,"),
            "classes: 'marow_warning' isn't a class of events. Did you mean 'marrow_warning'?",
        ),
        (
            "people/indications.csv",
            (",bsg-2019,", ",bsg-2091,"),
            "protocol: 'bsg-2091' isn't a protocol. Did you mean 'bsg-2019'?",
        ),
        (
            "genetics/allele_frequencies.csv",
            ("TPMT,*3A,European", "TPMT,*3X,European"),
            "allele: '*3X' isn't an allele or other.",
        ),
        (
            "advice/advice.csv",
            (",team-week,", ",team-weak,"),
            "call: 'team-weak' isn't a call. Did you mean 'team-week'?",
        ),
        (
            "parameters.csv",
            (",nice-cg151,", ",nice-cg115,"),
            "source: 'nice-cg115' isn't a source. Did you mean 'nice-cg151'?",
        ),
    ],
)
def test_a_misspelt_word_of_a_table_names_file_and_line(
    file: str, change: tuple[str, str], says: str, tmp_path: Path
) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    line = text[: text.index(change[0])].count("\n") + 1
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    assert [fault for fault in faults(load_folder(folder)) if fault.startswith(f"{file}:{line} {says}")]


def test_all_lines_that_can_not_be_read_are_said_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for file, word, other in (
        ("people/events.csv", "symptom,fever", "symptm,fever"),
        ("people/events.csv", "symptom,cough", "symptm,cough"),
        ("risks/risks.csv", ",thiopurine now,", ",thiopurine then,"),
    ):
        path = folder / file
        path.write_text(path.read_text(encoding="utf-8").replace(word, other, 1), encoding="utf-8")
    lines = faults(load_folder(folder))
    assert len(lines) == 3
    assert all("isn't a" in line for line in lines)
