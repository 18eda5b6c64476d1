"""The same people under several protocols: each protocol's own answer, and who differs."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from azaward.assessment import UnknownProtocolError
from azaward.assessment import assess as assess_record
from azaward.cli import app
from azaward.cohort.sweep import as_text, sweep
from azaward.knowledge import load
from azaward.readers.tables.folder import read_folder
from azaward.record.tables import Record
from azaward.synthesis import record_of, synthesise
from tests.arrow_tables import write_record
from tests.proof import rounds

KNOWLEDGE = load()
AS_OF = dt.date(2026, 6, 1)
PROTOCOLS = ("bsr-2017", "bsg-2019", "most-cautious", "auto")


def written(record: Record, folder: Path) -> Path:
    folder.mkdir()
    write_record(record, folder)
    return folder


def person(who: str, neutrophils: float, started: dt.date) -> dict[str, list[dict[str, Any]]]:
    """Someone with rheumatoid arthritis and a full blood count of yesterday."""
    result = {"patient_id": who, "unit": "10*9/L", "taken_on": AS_OF - dt.timedelta(1), "status": "final"}
    counts = {"wbc": 6.0, "neutrophils": neutrophils, "platelets": 250.0}
    return {
        "patients": [
            {
                "patient_id": who,
                "birth_date": dt.date(1970, 1, 1),
                "sex": "male",
                "indication": "rheumatoid_arthritis",
            }
        ],
        "exposures": [{"patient_id": who, "medicine": "azathioprine", "dose_mg_per_day": 100.0, "started_on": started}],
        "results": [{**result, "analyte": analyte, "value": value} for analyte, value in counts.items()],
    }


def together(*each: dict[str, list[dict[str, Any]]]) -> Record:
    tables: dict[str, list[dict[str, Any]]] = {}
    for one in each:
        for name, rows in one.items():
            tables.setdefault(name, []).extend(rows)
    return Record.of(tables)


def test_one_count_is_abnormal_under_one_protocol_alone(tmp_path: Path) -> None:
    """Neutrophils of 1.8 hold azathioprine back under sps-nhs (below 2), not under bsr-2017 (below 1.6)."""
    begun = AS_OF - dt.timedelta(1000)
    folder = written(together(person("low", 1.8, begun), person("well", 4.0, begun)), tmp_path / "n")
    found = sweep(folder, AS_OF, ["bsr-2017", "sps-nhs"], KNOWLEDGE)
    bsr, sps = found.protocols
    assert bsr.by_decision == {"continue": 2}
    assert sps.by_decision == {"continue": 1, "withhold": 1}
    (pair,) = found.pairs
    assert pair.decision_differs == 1
    assert pair.agreement == 0.5
    assert pair.decisions == {"continue": {"continue": 1, "withhold": 1}}
    # Someone long on treatment: four tests every 84 days under bsr-2017.
    assert bsr.tests_per_year == pytest.approx(4 * 365.25 / 84, abs=0.01)
    assert bsr.visits_per_year == pytest.approx(365.25 / 84, abs=0.01)


def test_tests_a_year_are_those_of_the_phase(tmp_path: Path) -> None:
    """Under bsr-2017 every 14 days in the first 42."""
    folder = written(together(person("new", 4.0, AS_OF - dt.timedelta(10))), tmp_path / "n")
    found = sweep(folder, AS_OF, ["bsr-2017", "auto"], KNOWLEDGE)
    assert [one.visits_per_year for one in found.protocols] == [pytest.approx(365.25 / 14, abs=0.01)] * 2
    assert found.pairs[0].decision_differs == 0


def test_each_protocol_is_answered_as_by_itself(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(80, 3, AS_OF)), tmp_path / "n")
    people = read_folder(folder, KNOWLEDGE)
    found = sweep(folder, AS_OF, PROTOCOLS, KNOWLEDGE, share=rounds(60, 33))
    decisions: dict[str, dict[str, str]] = {}
    alarmed: dict[str, set[str]] = {}
    for one in found.protocols:
        alone = assess_record(people, AS_OF, one.protocol, KNOWLEDGE)
        rules = Counter(finding.rule for each in alone.patients for finding in each.findings)
        assert one.by_rule == rules
        assert one.findings == rules.total()
        assert one.by_urgency == Counter(finding.urgency for each in alone.patients for finding in each.findings)
        decisions[one.protocol] = {each.patient_id: each.plan.dose.decision for each in alone.patients}
        assert one.by_decision == Counter(decisions[one.protocol].values())
        alarmed[one.protocol] = {
            each.patient_id for each in alone.patients if each.plan.urgency in ("emergency", "same-day", "this-week")
        }
        assert one.alarmed == len(alarmed[one.protocol])
    assert [pair.protocols for pair in found.pairs] == list(combinations(PROTOCOLS, 2))
    assert any(pair.decision_differs for pair in found.pairs)
    for pair in found.pairs:
        first, second = pair.protocols
        both = Counter((decisions[first][who], decisions[second][who]) for who in decisions[first])
        assert {(one, other): n for one, line in pair.decisions.items() for other, n in line.items()} == both
        assert pair.decision_differs == sum(n for (one, other), n in both.items() if one != other)
        assert pair.alarmed_by_both == len(alarmed[first] & alarmed[second])
        assert pair.alarmed_by_first_alone == len(alarmed[first] - alarmed[second])
        assert pair.alarmed_by_second_alone == len(alarmed[second] - alarmed[first])


def test_the_most_cautious_alarms_whoever_any_alarms(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(80, 4, AS_OF)), tmp_path / "n")
    found = sweep(folder, AS_OF, ["bsr-2017", "most-cautious"], KNOWLEDGE)
    (pair,) = found.pairs
    assert pair.alarmed_by_first_alone == 0


def test_the_size_of_shares_changes_nothing(tmp_path: Path) -> None:
    folder = written(record_of(synthesise(40, 4, AS_OF)), tmp_path / "n")
    few, all_ = (sweep(folder, AS_OF, PROTOCOLS[:2], KNOWLEDGE, share=share) for share in (rounds(15, 7), 1000))
    assert few == all_


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["cohort", "sweep", *words, "--as-of", AS_OF.isoformat()])


def test_the_command_gives_json_and_a_table_for_people(tmp_path: Path) -> None:
    folder = written(together(person("low", 1.8, dt.date(2024, 1, 1))), tmp_path / "n")
    result = run(str(folder), "--protocol", "bsr-2017, sps-nhs")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [one["protocol"] for one in found["protocols"]] == ["bsr-2017", "sps-nhs"]
    assert "bsr-2017 and sps-nhs: another decision for 1 of 1 people" in result.stderr


@pytest.mark.parametrize("asked", ["bsr-2017", "bsr-2017,bsr-2017", ","])
def test_one_protocol_is_no_comparison(asked: str, tmp_path: Path) -> None:
    result = run(str(tmp_path), "--protocol", asked)
    assert result.exit_code == 2
    assert "two different" in result.stderr


def test_what_can_not_be_used_is_said_in_a_line(tmp_path: Path) -> None:
    folder = written(together(person("a", 4.0, dt.date(2024, 1, 1))), tmp_path / "n")
    for words, line in (
        ((str(folder), "--protocol", "bsr-2017,bsr-1066"), "no protocol 'bsr-1066'"),
        ((str(folder), "--protocol", "bsr-2017,nothing.yaml"), "nothing.yaml"),
        ((str(tmp_path / "none"), "--protocol", "bsr-2017,us-label"), "no such folder"),
    ):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (1, "")
        assert line in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    with pytest.raises(UnknownProtocolError):
        sweep(folder, AS_OF, ["bsr-2017", "bsr-1066"], KNOWLEDGE)


def test_nobody_has_an_empty_answer(tmp_path: Path) -> None:
    found = sweep(written(Record.of({}), tmp_path / "n"), AS_OF, ["bsr-2017", "auto"], KNOWLEDGE)
    assert (found.patients, found.pairs[0].agreement, found.protocols[0].tests_per_year) == (0, None, None)
    assert "another decision for 0 of 0 people" in as_text(found)
