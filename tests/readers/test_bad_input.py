"""Bad input through the command line: refused in one line, or set aside with its place and the others assessed."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azaward.cli import app
from azaward.engine import DuckDBEngine, Engine, Request, SQLiteEngine
from azaward.knowledge import load
from azaward.record import Record

PATIENTS = """patient_id,birth_date,sex,indication
c001,1980-01-02,female,crohns_disease
c002,1975-03-04,male,ulcerative_colitis
"""
EXPOSURES = """patient_id,medicine,dose_mg_per_day,started_on,stopped_on
c001,azathioprine,100,2025-01-01,
c002,azathioprine,150,2025-01-01,
"""
RESULTS = """patient_id,analyte,value,unit,taken_on,status
c001,neutrophils,3.1,10*9/L,2026-05-20,final
c002,neutrophils,0.4,10*9/L,2026-05-20,final
"""
GOOD = {"patients.csv": PATIENTS, "exposures.csv": EXPOSURES, "results.csv": RESULTS}
PATIENT = {"resourceType": "Patient", "id": "c001", "birthDate": "1980-01-02"}
OWN = """id: mine
title: Our clinic
body: Our clinic
published_on: 2026-01-01
builds_on: bsg-2019
"""


def folder(home: Path, **changed: str | bytes | None) -> Path:
    """The good folder with some files changed, or taken away where None; `results` stands for results.csv."""
    place = home / "clinic"
    place.mkdir()
    for name, text in {**GOOD, **{f"{key}.csv": text for key, text in changed.items()}}.items():
        if text is not None:
            (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return place


def file(home: Path, name: str, content: str | bytes) -> Path:
    path = home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def bundle(*resources: dict[str, Any]) -> str:
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}, indent=1)


def assess(record: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["assess", str(record), "--as-of", "2026-06-01", "--format", "json", *more])


def refused(result: Result) -> list[str]:
    """The lines on stderr of a run that gave nothing else."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()


@pytest.mark.parametrize(
    ("command", "name"), [("assess", "r.json"), ("check --list", "r.json"), ("assess", "results.csv")]
)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, command: str, name: str) -> None:
    record = folder(tmp_path, results=None) if name.endswith("csv") else tmp_path / name
    os.mkfifo(record / name if record.is_dir() else record)
    (line,) = refused(CliRunner().invoke(app, [*command.split(), str(record)]))
    assert f"{name}: not a regular file. Expected" in line


def test_a_name_too_long_for_a_file_is_one_line(tmp_path: Path) -> None:
    (line,) = refused(assess(tmp_path / f"{'x' * 300}.json"))
    assert "File name too long. Expected" in line


def test_a_table_in_another_case_is_named(tmp_path: Path) -> None:
    place = folder(tmp_path, results=None)
    (place / "Results.CSV").write_text(RESULTS)
    (line,) = refused(assess(place))
    assert "results.csv (or .parquet) is missing" in line
    assert "Rename Results.CSV." in line


@pytest.mark.parametrize("unit", ["10*99999999/L", "10*-9999/L", "m99999999", "/" * 5000])
def test_no_unit_holds_up_an_assessment(tmp_path: Path, unit: str) -> None:
    done = assess(folder(tmp_path, results=RESULTS.replace("10*9/L", unit, 1)))
    findings = {each["patient_id"]: json.dumps(each["findings"]) for each in json.loads(done.stdout)["patients"]}
    assert unit[:20] in findings["c001"]
    assert "limit_low" in findings["c002"]


SECOND_LINE = RESULTS.splitlines()[1]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"patients": ""}, ["patients.csv", "empty"]),
        ({"results": None}, ["results.csv", "missing", "only the header line"]),
        (
            {"results": RESULTS.replace("taken_on", "date")},
            ["results.csv line 1", "'taken_on' is missing", "found: patient_id"],
        ),
        (
            {"results": RESULTS.replace("status", "status,unit")},
            ["results.csv line 1", "duplicate column 'unit'", "Keep one"],
        ),
        (
            {"patients": PATIENTS.replace(",", ";")},
            ["patients.csv line 1", "'patient_id' is missing", "patient_id;birth_date"],
        ),
        ({"patients": PATIENTS.encode().replace(b"female", b"f\xe9male")}, ["patients.csv line 2", "0xe9", "UTF-8"]),
        ({"results": RESULTS.replace("final", '"final', 1)}, ["results.csv line", "invalid CSV"]),
        ({"results": RESULTS.encode("utf-16")}, ["results.csv line 1", "UTF-8"]),
    ],
)
def test_a_table_that_cant_be_used_is_refused(tmp_path: Path, changed: dict[str, Any], says: list[str]) -> None:
    (line,) = refused(assess(folder(tmp_path, **changed)))
    assert all(part in line for part in says), line


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("r.json", "", ["r.json", "empty"]),
        ("r.json", " \n", ["r.json", "empty"]),
        ("r.json", '{\n"resourceType": "Bundle",\n"entry": [}', ["r.json line 3", "Expected JSON"]),
        ("r.json", '{\n"patients": [\n', ["r.json line 2", "ends before its JSON does"]),
        ("r.json", '{\n"patients": [\n}', ["r.json line 3", "Expected JSON"]),
        ("r.json", b'{"resourceType": "Bundle", "x": "\xff"}', ["r.json line 1", "0xff", "UTF-8"]),
        ("r.json", '{"resourceType": "Bundle"}', ["r.json", "no readable Patient", "Export"]),
        (
            "r.json",
            '{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": 5}}]}',
            ["no readable Patient", "entry[0]", "id is 5; expected str"],
        ),
        (
            "r.json",
            '{"resourceType": "Bundle", "entry": {}}',
            ["r.json", "no readable Patient", "Bundle.entry is {}; expected array"],
        ),
        ("r.json", json.dumps(PATIENT), ["r.json", "'Patient'", "expected 'Bundle'", ".ndjson"]),
        ("r.json", '["resourceType"]', ["r.json", "Expected a FHIR Bundle"]),
        ("r.json", '{"patient": []}', ["r.json", "neither", "'patients'"]),
        ("r.json", "[]", ["r.json", "neither"]),
        ("r.json", '{"patients": [], "result": []}', ["r.json", "'result'", "results"]),
        (
            "r.json",
            '{"patients": [], "results": [], "results": []}',
            ["r.json: the key 'results' appears twice", "Keep one"],
        ),
        (
            "r.json",
            '{"results": [{"patient_id": "c001", "value": 0.3, "value": 4.0}]}',
            ["r.json: the key 'value' appears twice in one object (patient_id 'c001')"],
        ),
        ("r.json", '{"patients": {}}', ["r.json $.patients", "list of rows", "dict"]),
        ("r.json", '{"resourceType": "Bundle", "entry": ' + "[" * 5000, ["r.json: nested too deeply"]),
        ("r.json", "[" * 100000, ["r.json: nested too deeply"]),
        (
            "r.ndjson",
            json.dumps(PATIENT) + '\n{"resourceType": "Obs',
            ["r.ndjson line 2", "FHIR resource per line"],
        ),
        ("r.ndjson", '{"resourceType": "Observation"}\n', ["r.ndjson", "no readable Patient"]),
        ("r.xml", "<Bundle/>", ["r.xml", "unknown file type", ".ndjson"]),
        ("patients.csv", PATIENTS, ["patients.csv", "unknown file type", "folder"]),
    ],
)
def test_a_file_that_cant_be_used_is_refused(tmp_path: Path, name: str, content: str | bytes, says: list[str]) -> None:
    (line,) = refused(assess(file(tmp_path, name, content)))
    assert all(part in line for part in says), line
    assert len(line) < 300


def test_what_isnt_there_is_refused(tmp_path: Path) -> None:
    (line,) = refused(assess(tmp_path / "lost.json"))
    assert "lost.json: No such file" in line
    (line,) = refused(assess(tmp_path))
    assert "contains no tables. Expected patients.csv" in line
    (line,) = refused(assess(folder(tmp_path), "--patient", "c009"))
    assert "c009" in line


def test_a_parquet_file_that_is_none_is_refused(tmp_path: Path) -> None:
    place = folder(tmp_path, results=None)
    file(place, "results.parquet", "PAR1 not really")
    (line,) = refused(assess(place))
    assert line.startswith("azaward: results.parquet: not Parquet")


def test_an_unknown_protocol_is_refused_with_those_there_are(tmp_path: Path) -> None:
    (line,) = refused(assess(folder(tmp_path), "--protocol", "bsg-1066"))
    assert "'bsg-1066'" in line
    assert "bsg-2019" in line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["own.yaml: expected a protocol"]),
        (OWN + "limits: [", ["own.yaml:7: not YAML"]),
        (OWN + "colour: red\n", ["own.yaml:6 colour: 'colour' isn't a key of a protocol"]),
        (OWN.replace("id: mine", "id: bsg-2019"), ["own.yaml:1 id: 'bsg-2019' is taken"]),
        (OWN.replace("bsg-2019", "lost-2001"), ["own.yaml:5 builds_on: 'lost-2001' isn't a protocol"]),
        (
            OWN.replace("title: Our clinic\nbody: Our clinic\n", ""),
            ["own.yaml: title is missing", "own.yaml: body is missing"],
        ),
        (
            OWN.replace("builds_on: bsg-2019\n", ""),
            [f"own.yaml: no {name}, and none borrowed" for name in ("baseline", "schedule", "limits", "doses")],
        ),
        (OWN + "limits: 5\n", ["own.yaml:6 limits: expected a list of rows"]),
        (
            OWN + "limits:\n  - {analyte: wbc, comparison: under}\n  - 7\n  - {analyte: wbc, colour: red}\n"
            "symptoms: none\n",
            [
                "own.yaml:7 limits: locator, how, checked_on, value, relative_to, action, urgency missing",
                "own.yaml:7 limits.comparison: 'under' isn't a comparison",
                "own.yaml:7 source: none in this row, nor in line 9",
                "own.yaml:8 limits: expected {key: value, ...}",
                "own.yaml:9 limits: locator, how, checked_on, comparison, value, relative_to, action, urgency missing",
                "own.yaml:9 limits.colour: 'colour' isn't a key",
                "own.yaml:10 symptoms: expected a list",
            ],
        ),
    ],
)
def test_each_fault_of_a_clinics_own_protocol_is_a_line(tmp_path: Path, text: str, says: list[str]) -> None:
    lines = refused(assess(folder(tmp_path), "--protocol", str(file(tmp_path, "own.yaml", text))))
    assert len(lines) == len(says), lines
    for line, start in zip(sorted(lines), sorted(says), strict=True):
        assert line.startswith(f"azaward: {start}"), line


def test_a_clinics_protocol_that_isnt_there_or_isnt_text(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (line,) = refused(assess(place, "--protocol", str(tmp_path / "lost.yaml")))
    assert "lost.yaml: No such file" in line
    (line,) = refused(assess(place, "--protocol", str(file(tmp_path, "own.yaml", b"\xff\xfe"))))
    assert "own.yaml: byte 0 is not UTF-8" in line


def test_a_protocol_that_is_a_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    place = folder(tmp_path)
    (line,) = refused(assess(place, "--protocol", str(file(tmp_path, "own", "colour: ["))))
    assert line.startswith("azaward: own:2: not YAML")
    (line,) = refused(assess(place, "--protocol", str(place)))
    assert "Is a directory. Expected a file of text that you can read." in line


def test_a_record_of_nobody_says_so(tmp_path: Path) -> None:
    nobody = {"patients": PATIENTS, "exposures": EXPOSURES, "results": RESULTS}
    place = folder(tmp_path, **{name: text.splitlines()[0] + "\n" for name, text in nobody.items()})
    result = CliRunner().invoke(app, ["assess", str(place), "--as-of", "2026-06-01"])
    assert "This record holds no patient, so nobody was assessed." in result.stdout
    assert "No patient needs action" not in result.stdout


# One row is bad: the others are assessed, and nothing of the fault is lost.


def assessed(result: Result) -> tuple[dict[str, Any], dict[str, set[str]]]:
    """The JSON, and the codes found for each patient; the neutrophils of c002 are always found."""
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    found = {one["patient_id"]: {each["code"] for each in one["findings"]} for one in document["patients"]}
    c002 = next(one for one in document["patients"] if one["patient_id"] == "c002")
    assert any(each["subject"] == "neutrophils" and each["action"] == "stop" for each in c002["findings"])
    assert all(line.startswith("azaward: ") for line in result.stderr.splitlines())
    return document, found


def with_row(text: str, row: str) -> str:
    """The table with a row added as its last line, which is line 4."""
    return text + row + "\n"


def reading(row: str, what: str, code: str) -> tuple[dict[str, str], str, str, str]:
    """A row added to the results, what is said of it, and the finding."""
    return {"results": with_row(RESULTS, row)}, "results.csv line 4", what, code


UNREADABLE = "record_unreadable"


@pytest.mark.parametrize(
    ("changed", "where", "what", "code"),
    [
        reading("c001,neutrophils,3.0,10*9/L,2026-02-30,final", "taken_on: no such day: 2026-02-30", UNREADABLE),
        reading(
            "c001,neutrophils,3.0,10*9/L,30/05/2026,final", "taken_on: not a day (YYYY-MM-DD): 30/05/2026", UNREADABLE
        ),
        reading("c001,neutrophils,3.0,2026-05-30,final", "5 cells", UNREADABLE),
        reading("c001,neutrophils,3,0,10*9/L,2026-05-30,final", "7 cells", UNREADABLE),
        (
            {"results": with_row(RESULTS, 'c001,wbc,3,10*9/L,2026-05-30,"final\nc001,wbc,1,10*9/L,2026-05-31,final"')},
            "results.csv line 5",
            "a line break inside 'status'",
            UNREADABLE,
        ),
        reading(
            "c001,neutrophils,4200,10*9/L,2026-05-30,final", "Neutrophil count 4200.0 (10*9/L)", "result_implausible"
        ),
        reading("c001,neutrophils,2.0,,2026-05-30,final", "Neutrophil count 2.0 (no unit)", "result_no_unit"),
        reading("c001,neutrophils,2.0,mmol/L,2026-05-30,final", "Neutrophil count 2.0 (mmol/L)", "result_unknown_unit"),
        reading(
            '"c001",neutrophils,"2,0",10*9/L,2026-05-30,final',
            "Neutrophil count 2,0 (10*9/L)",
            "result_words_for_number",
        ),
        reading("c001,neutrophils,,10*9/L,2026-05-30,final", "Neutrophil count without a value", "result_no_value"),
        reading("c001,neutrophils,2.0,10*9/L,2027-05-30,final", "Neutrophil count 2.0 (10*9/L)", "result_future"),
        (
            {"exposures": EXPOSURES.replace("2025-01-01", "last spring", 1)},
            "exposures.csv line 2",
            "started_on: not a day (YYYY-MM-DD): last spring",
            "start_unreadable",
        ),
        (
            {"exposures": EXPOSURES.replace("c001,azathioprine,100", "c001,azathioprine,much")},
            "exposures.csv line 2",
            "dose_mg_per_day: not a number: much",
            UNREADABLE,
        ),
        (
            {"exposures": EXPOSURES.replace("c001,azathioprine,100", "c001,azathioprine,-100")},
            "exposures.csv line 2",
            "dose_mg_per_day -100",
            UNREADABLE,
        ),
        (
            {"exposures": EXPOSURES.replace("2025-01-01,", "2025-01-01,2024-01-01", 1)},
            "exposures.csv line 2",
            "stopped_on 2024-01-01",
            UNREADABLE,
        ),
        (
            {"patients": PATIENTS.replace("1980-01-02", "1980-13-02")},
            "patients.csv line 2",
            "birth_date: no such day: 1980-13-02",
            UNREADABLE,
        ),
        (
            {"patients": with_row(PATIENTS, "c001,1990-01-02,male,")},
            "patients.csv line 4",
            "patient_id c001",
            "identity_conflict",
        ),
        (
            {"patients": PATIENTS.replace("c001,1980-01-02,female", "c001,1980-01-02,woman")},
            "patients.csv line 2",
            "sex 'woman'",
            UNREADABLE,
        ),
        (
            {"genotypes": "patient_id,gene,phenotype,method,reported_on\nc001,TPMT,blue,genotype,2024-01-01\n"},
            "genotypes.csv line 2",
            "TPMT phenotype 'blue'",
            UNREADABLE,
        ),
        (
            {"events": "patient_id,kind,code,started_on\nc001,symptom,fever,yesterday\n"},
            "events.csv line 2",
            "started_on: not a day (YYYY-MM-DD): yesterday",
            UNREADABLE,
        ),
    ],
)
def test_a_bad_row_is_set_aside_and_found(
    tmp_path: Path, changed: dict[str, str], where: str, what: str, code: str
) -> None:
    result = assess(folder(tmp_path, **changed))
    document, found = assessed(result)
    (item,) = [each for each in document["set_aside"] if each["where"] == where]
    assert (item["what"], item["patient_id"]) == (what, "c001")
    assert item["why"]
    assert code in found["c001"]
    assert UNREADABLE not in found["c002"]
    assert sum(f"{where}: {what}: {item['why']}" in line for line in result.stderr.splitlines()) == 1


@pytest.mark.parametrize("kind", [SQLiteEngine, DuckDBEngine])
def test_half_a_character_is_named_with_its_table(kind: type[Engine]) -> None:
    record = Record.of({"patients": [{"patient_id": "c001", "indication": "Crohn\ud800"}]})
    with pytest.raises(ValueError, match=r"^patients: 'Crohn\\ud800' holds half of a character"):
        kind(load()).ask(record, [Request("c001", dt.date(2026, 6, 1))])


def test_a_line_that_stands_there_twice_is_asked_about(tmp_path: Path) -> None:
    twice = with_row(EXPOSURES, EXPOSURES.splitlines()[1])
    _, found = assessed(assess(folder(tmp_path, exposures=twice)))
    assert "dose_repeated" in found["c001"]
    assert "dose_repeated" not in found["c002"]


def test_a_reference_to_nobody_is_assessed_as_far_as_it_goes(tmp_path: Path) -> None:
    document, found = assessed(
        assess(folder(tmp_path, exposures=with_row(EXPOSURES, "c007,azathioprine,100,2025-01-01,")))
    )
    assert [(each["where"], each["what"]) for each in document["set_aside"] if each["patient_id"]] == [
        ("exposures", "patient_id c007")
    ]
    assert UNREADABLE in found["c007"]


def test_a_row_of_nobody_is_set_aside(tmp_path: Path) -> None:
    document, _ = assessed(assess(folder(tmp_path, results=with_row(RESULTS, ",wbc,2.0,10*9/L,2026-05-30,final"))))
    assert ("results.csv line 4", "patient_id is empty") in {(x["where"], x["what"]) for x in document["set_aside"]}


def test_a_missing_table_and_a_strange_column_are_said(tmp_path: Path) -> None:
    document, _ = assessed(
        assess(
            folder(
                tmp_path,
                patients=PATIENTS.replace("indication", "indication,shoe_size")
                .replace("disease", "disease,40")
                .replace("colitis", "colitis,44"),
            )
        )
    )
    said = {each["what"] for each in document["set_aside"]}
    assert said == {"column 'shoe_size'", "genotypes.csv", "events.csv", "contacts.csv"}


def test_a_bad_row_of_azawards_own_json(tmp_path: Path) -> None:
    rows = {name.removesuffix(".csv"): table(text) for name, text in GOOD.items()}
    rows["results"] += [{**rows["results"][0], "taken_on": "2026-02-30"}, "c001"]
    document, found = assessed(assess(file(tmp_path, "r.json", json.dumps(rows))))
    assert [(each["where"], each["patient_id"]) for each in document["set_aside"]] == [
        ("r.json $.results[2]", "c001"),
        ("r.json $.results[3]", None),
    ]
    assert UNREADABLE in found["c001"]


def table(text: str) -> list[Any]:
    header, *lines = [line.split(",") for line in text.splitlines()]
    return [{name: cell or None for name, cell in zip(header, line, strict=True)} for line in lines]


def test_a_broken_resource_is_set_aside_and_found(tmp_path: Path) -> None:
    me, you = ({"reference": f"Patient/{name}"} for name in ("c001", "c002"))
    use = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "authoredOn": "2025-01-01",
        "medicationCodeableConcept": {"text": "Azathioprine"},
    }
    seen = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "neutrophils"},
        "effectiveDateTime": "2026-05-20",
    }
    value = {"valueQuantity": {"value": 0.4, "unit": "10*9/L"}}
    text = bundle(
        PATIENT,
        {**PATIENT, "id": "c002"},
        {**use, "subject": me},
        {**use, "subject": you},
        {**seen, **value, "subject": you},
        {**seen, "valueQuantity": {"value": [0.4], "unit": "10*9/L"}, "subject": me},
    )
    result = assess(file(tmp_path, "r.json", text))
    document, found = assessed(result)
    item = document["set_aside"][0]
    assert (item["where"], item["patient_id"]) == ("r.json Bundle.entry[5].valueQuantity.value", "c001")
    assert item["what"] == "Observation valueQuantity: [0.4]"
    assert UNREADABLE in found["c001"]
    assert "r.json Bundle.entry[5]" in result.stderr


def test_many_faults_give_a_few_lines_and_a_count(tmp_path: Path) -> None:
    rows = "".join(f"c001,neutrophils,3.0,10*9/L,2026-02-{day},final\n" for day in range(30, 60))
    result = assess(folder(tmp_path, results=RESULTS + rows))
    document, _ = assessed(result)
    assert len([each for each in document["set_aside"] if each["patient_id"] == "c001"]) == 30
    lines = result.stderr.splitlines()
    assert len(lines) <= 12
    assert "more" in lines[-1]


def test_the_program_itself_ends_with_1_and_says_one_line(tmp_path: Path) -> None:
    """In a process of its own, as a shell script meets it."""
    path = file(tmp_path, "r.json", "{")
    done = subprocess.run(
        [sys.executable, "-m", "azaward.cli", "assess", str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert done.stderr.startswith("azaward: r.json line 1:")
