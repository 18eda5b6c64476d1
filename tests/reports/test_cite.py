"""`azaward cite`: every finding and every fact leads to where it was read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from azaward.assessment import assess
from azaward.cli import app
from azaward.knowledge import load
from azaward.knowledge.loading.check import with_protocol
from azaward.knowledge.loading.facts import facts
from azaward.readers.read import read
from azaward.reports.cite import as_bibtex, references

KNOWLEDGE = load()
CLINIC = Path(__file__).parents[2] / "examples" / "clinic"


def test_every_finding_of_the_example_clinic_can_be_cited_as_it_cites_itself() -> None:
    from datetime import date

    assessment = assess(read(CLINIC, KNOWLEDGE), date(2026, 11, 23), knowledge=KNOWLEDGE)
    findings = [finding for patient in assessment.patients for finding in patient.findings]
    assert findings
    for code, ids, sources in {
        (f.code, tuple(f.facts), tuple((s.source, s.locator) for s in f.sources)) for f in findings
    }:
        cited = {(r.source, r.locator) for id in (ids or (code,)) for r in references(id, KNOWLEDGE)}
        assert cited <= set(sources), code
        assert cited, code


def test_every_id_is_one_word_and_its_fact_names_a_source_that_is_there() -> None:
    named = facts(KNOWLEDGE)
    assert all(KNOWLEDGE.sources[fact.source] for fact in named.values())
    assert not [id for id in named if re.search(r"\s", id)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("parameters/fever_celsius", ["crgh-preparing"]),
        ("fever_celsius", ["crgh-preparing"]),
        ("fever_untested", ["crgh-preparing"]),
        ("bsg-2019/limits/neutrophils-below-1", ["intest-res-2021"]),
        ("who-atc-2026", ["who-atc-2026"]),
    ],
)
def test_what_may_be_cited(asked: str, expected: list[str]) -> None:
    assert [reference.source for reference in references(asked, KNOWLEDGE)] == expected


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("fever_celsus", "nothing to cite is called 'fever_celsus'. Nearest: parameters/fever_celsius"),
        ("limit_low", "a finding 'limit_low' rests on the row of knowledge that decided it"),
        ("actions", "nothing to cite is called 'actions'"),
    ],
)
def test_what_is_not_there_is_one_line_and_exit_1(asked: str, said: str) -> None:
    result = CliRunner().invoke(app, ["cite", asked])
    assert result.exit_code == 1
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_bibtex_has_an_entry_a_source_and_no_bare_special_character() -> None:
    cited = [reference for id in ("allopurinol", "fever_celsius") for reference in references(id, KNOWLEDGE)]
    entries = as_bibtex(cited).split("\n\n")
    assert len(entries) == len({reference.source for reference in cited})
    for entry in entries:
        assert entry.startswith("@misc{")
        assert entry.count("{") == entry.count("}")
        text = "".join(line for line in entry.splitlines() if not line.startswith(("  url", "  doi", "@")))
        assert not re.search(r"(?<!\\)[&%$#_]", text)


def test_json_holds_the_same() -> None:
    result = CliRunner().invoke(app, ["cite", "fever_celsius", "--format", "json"])
    [reference] = json.loads(result.output)
    assert (reference["of"], reference["source"]) == ("parameters/fever_celsius", "crgh-preparing")


def test_a_clinics_own_row_is_cited_with_its_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "protocols" / "add.md").read_text(encoding="utf-8")
    path = tmp_path / "my-clinic.yaml"
    path.write_text(re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S)[0], encoding="utf-8")
    knowledge, own = with_protocol(KNOWLEDGE, path)
    id = next(id for id in facts(knowledge) if id.startswith(f"{own}/limits/"))
    assert CliRunner().invoke(app, ["cite", id]).exit_code == 1
    told = CliRunner().invoke(app, ["cite", id, "--protocol", str(path)])
    assert told.exit_code == 0
    assert told.output.startswith(id)
