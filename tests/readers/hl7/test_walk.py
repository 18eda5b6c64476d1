"""From a file of messages to findings: the count of blood alarms, and that of another fluid doesn't hide it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from typer.testing import CliRunner

from azaward.assessment import assess
from azaward.cli import app
from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.hl7.files.record import read_hl7

EXAMPLE = Path(__file__).parents[3] / "examples" / "hl7" / "riverside.hl7"


def asked(path: Path) -> dict[str, object]:
    done = CliRunner().invoke(app, ["assess", str(path), "--as-of", "2026-11-23", "--format", "json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def findings(answer: dict[str, object]) -> list[dict[str, object]]:
    (person,) = answer["patients"]  # type: ignore[misc]
    return person["findings"]  # type: ignore[index]


def test_a_low_count_is_an_emergency_and_ascites_does_not_hide_it() -> None:
    answer = asked(EXAMPLE)
    first = findings(answer)[0]
    assert (first["urgency"], first["action"], first["subject"]) == ("emergency", "stop", "neutrophils")
    assert first["observed"]["value"] == 0.4  # type: ignore[index]
    aside = answer["set_aside"]
    assert any("Ascitic fluid" in item["why"] for item in aside)  # type: ignore[union-attr, index]


def test_a_correction_in_a_later_message_takes_the_alarm_away(tmp_path: Path) -> None:
    low = EXAMPLE.read_text(encoding="utf-8").split("MSH|")[1:4]
    corrected = low[2].replace("20261119|", "20261120|").replace("|L1|", "|L3|")
    corrected = corrected.replace("0.4|10*9/L|1.5-7.5|LL|||F", "4.4|10*9/L|1.5-7.5||||C").replace("|1.9|", "|6.9|")
    (tmp_path / "a.hl7").write_text("".join(f"MSH|{part}" for part in (*low, corrected)), encoding="utf-8")
    assert all(each["urgency"] != "emergency" for each in findings(asked(tmp_path / "a.hl7")))


CHANGED = ("", '""', "x", "0", "^", "a~b", "20261399", "\xe9")


@pytest.mark.parametrize("number", range(5))
def test_no_field_of_a_result_that_goes_wrong_makes_a_low_count_quiet(number: int) -> None:
    """The file is refused, or somebody is told on the same day."""
    before, _, count = EXAMPLE.read_text(encoding="utf-8").rpartition("MSH|")[0].rpartition("MSH|")
    lines = [line for line in f"MSH|{count}".splitlines() if "6690-2" not in line and "777-3" not in line]
    lines += ["SPM|1|||BLD"]
    fields = lines[number].split("|")
    # Without its name, a header's message is a part of the one before it.
    first = 1 if number == 0 else 0
    for place, cell in ((place, cell) for place in range(first, len(fields)) for cell in CHANGED):
        changed = [*fields[:place], cell, *fields[place + 1 :]]
        text = "\n".join([*lines[:number], "|".join(changed), *lines[number + 1 :]])
        try:
            record = read_hl7(f"{before}{text}".encode(), "a.hl7", load())
        except InputError:
            continue
        found = [each.urgency for each in assess(record, dt.date(2026, 11, 23)).patients[0].findings]
        assert {"emergency", "same-day"} & {str(urgency) for urgency in found}, (lines[number][:3], place, cell)


def test_what_is_missing_of_a_person_is_told_for_that_person(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8").replace(
        "Azathioprine 50 mg tablets", "Azathioprine 50 mg Tabletten für Ada"
    )
    (tmp_path / "a.hl7").write_text(text, encoding="utf-8")
    told = next(each for each in findings(asked(tmp_path / "a.hl7")) if each["code"] == "record_unreadable")
    assert "byte 0xc3 is not ASCII" in str(told["says"])


def test_a_file_without_messages_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_text("hello", encoding="utf-8")
    done = CliRunner().invoke(app, ["assess", str(tmp_path / "a.hl7")])
    assert done.exit_code == 1
    assert "a.hl7, MSH: 1 line before the first MSH" in done.stderr
    assert "Traceback" not in done.output
