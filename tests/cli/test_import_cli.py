"""`azaward import`, `backup`, `restore` and `audit verify`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from azaward.cli import app
from azaward.store import Store, audit, imports
from azaward.store.schema import RECORD, metadata

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENTS = "patient_id,birth_date,sex,indication\nc001,1980-01-02,female,crohns_disease\n"
EXPOSURES = "patient_id,medicine,dose_mg_per_day,started_on,stopped_on\nc001,azathioprine,100,2025-01-01,\n"
RESULTS = "patient_id,analyte,value,unit,taken_on,status\nc001,neutrophils,0.4,10*9/L,2026-11-20,final\n"
TABLES = {"patients.csv": PATIENTS, "exposures.csv": EXPOSURES, "results.csv": RESULTS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "tables"
    place.mkdir()
    for name, content in TABLES.items():
        (place / name).write_text(content)
    return place


def typed(*words: str | Path, database: str | None = None) -> Result:
    given = [str(word) for word in words] + (["--database", database] if database else [])
    return CliRunner().invoke(app, given, catch_exceptions=False)


def brought(*words: str | Path, database: str) -> dict[str, Any]:
    return json.loads(typed("import", *words, "--format", "json", database=database).stdout)


def rows(database: str, table: str) -> int:
    store = Store.open(database)
    with store.read() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[table])).scalar_one()
    store.close()
    return count


def test_a_first_file_makes_the_clinic_and_says_so(folder: Path, database: str) -> None:
    done = typed("import", folder, "--clinic", "one", "--as-of", "2026-11-23", database=database)
    assert done.exit_code == 0
    assert f"{folder}: 3 of 3 rows new, 1 patient, 3 set aside." in done.stdout
    assert "the database had no clinic; created 'one'" in done.stderr
    again = typed("import", folder, "--clinic", "one", database=database)
    assert again.exit_code == 0
    assert "already imported on 20" in again.stdout
    assert rows(database, "results") == 1


def test_without_a_clinic_it_asks_for_one(folder: Path, database: str) -> None:
    done = typed("import", folder, database=database)
    assert done.exit_code == 1
    assert "holds no clinic. Name one with --clinic" in done.stderr
    store = Store.open(database)
    imports.make_clinic(store, "one", "One")
    store.close()
    assert typed("import", folder, database=database).exit_code == 0
    wrong = typed("import", folder, "--clinic", "onne", database=database)
    assert wrong.exit_code == 1
    assert "--clinic onne: no such clinic" in wrong.stderr
    assert "Expected one of: one." in wrong.stderr


def test_a_bad_file_is_one_line_and_the_others_go_in(folder: Path, tmp_path: Path, database: str) -> None:
    broken, odd = tmp_path / "broken.json", tmp_path / "letter.pdf"
    broken.write_text('{"resourceType": "Bundle", "entry": [')
    odd.write_bytes(b"%PDF")
    none = tmp_path / "none.json"
    done = typed("import", broken, odd, none, folder, "--clinic", "one", database=database)
    assert done.exit_code == 1
    for says in ("broken.json line 1: the file ends", "letter.pdf: unknown file type", "none.json: No such file"):
        assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert (rows(database, "imports"), rows(database, "results")) == (1, 1)


def test_a_bad_file_alone_makes_no_clinic(tmp_path: Path, database: str) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF")
    assert typed("import", tmp_path / "letter.pdf", "--clinic", "one", database=database).exit_code == 1
    assert (rows(database, "clinics"), rows(database, "imports")) == (0, 0)


def test_an_id_that_a_database_can_not_hold_is_one_line(tmp_path: Path, database: str) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"patients": [{"patient_id": "c\x00001", "birth_date": "1980-01-02", "sex": "male"}]}))
    done = typed("import", file, "--clinic", "one", database=database)
    assert "Traceback" not in done.output
    if done.exit_code:
        assert "own.json" in done.stderr
        assert rows(database, "imports") == 0


def test_every_format_comes_in_and_json_tells_all(folder: Path, database: str) -> None:
    fhir = sorted((EXAMPLES / "fhir").glob("*.*json"))
    said = brought(folder, *fhir, "--clinic", "one", database=database)
    assert said["clinic"] == "one"
    assert len(said["files"]) == len(fhir) + 1
    assert [one["file"] for one in said["files"] if "error" in one or one["before"]] == []
    assert sum(one["new_rows"] for one in said["files"]) == sum(rows(database, name) for name in RECORD)
    again = brought(folder, *fhir, "--clinic", "one", database=database)
    assert all(one["before"] and not one["new_rows"] for one in again["files"])


def test_backup_restore_and_verify_as_they_are_typed(folder: Path, database: str, tmp_path: Path) -> None:
    typed("import", folder, "--clinic", "one", database=database)
    file, other = tmp_path / "b.zip", f"sqlite:///{tmp_path / 'other.db'}"
    made = typed("backup", file, database=database)
    assert made.exit_code == 0
    head = made.stdout.split("head ")[1].strip()
    came = typed("restore", file, database=other)
    assert came.exit_code == 0
    assert head in came.stdout
    for where in (database, other):
        found = typed("audit", "verify", "--head", head, database=where)
        assert (found.exit_code, head in found.stdout) == (0, True)
    refused = typed("restore", file, database=other)
    assert refused.exit_code == 1
    assert "Use an empty database" in refused.stderr


def test_an_altered_trail_is_one_line(folder: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'store.db'}"
    typed("import", folder, "--clinic", "one", database=database)
    store = Store.open(database)
    with store.write() as connection:
        connection.execute(sa.text("DROP TRIGGER audit_no_update"))
        connection.execute(sa.update(audit.audit).where(audit.audit.c.seq == 2).values(actor="nobody"))
    store.close()
    found = typed("audit", "verify", database=database)
    assert found.exit_code == 1
    assert found.stderr.count("\n") == 1
    assert "the audit trail is damaged: entry 2 of" in found.stderr


@pytest.mark.parametrize("words", [["backup", "b.zip"], ["audit", "verify"]])
def test_a_database_that_is_not_there_is_not_made(words: list[str], tmp_path: Path) -> None:
    done = typed(*words, database=f"sqlite:///{tmp_path / 'typo.db'}")
    assert done.exit_code == 1
    assert "typo.db: no such file" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_genome_goes_to_the_patient_whose_id_its_sample_bears(folder: Path, database: str) -> None:
    genome = EXAMPLES / "genotype" / "one.vcf"
    early = typed("import", genome, "--clinic", "one", database=database)
    assert early.exit_code == 1
    assert "has no patients yet. Import their records first." in early.stderr
    typed("import", folder, "--clinic", "one", "--as-of", "2026-11-23", database=database)
    done = typed("import", genome, "--as-of", "2026-11-23", database=database)
    assert done.exit_code == 0
    assert rows(database, "genotypes") == 2
    assert rows(database, "patients") == 1


def test_nobody_elses_genome_is_kept(folder: Path, database: str, tmp_path: Path) -> None:
    (folder / "patients.csv").write_text(PATIENTS + "c002,1981-01-02,male,crohns_disease\n")
    typed("import", folder, "--clinic", "one", "--as-of", "2026-11-23", database=database)
    other = tmp_path / "other.vcf"
    text = (EXAMPLES / "genotype" / "one.vcf").read_text()
    other.write_text(text.replace("c001", "stranger"))
    done = typed("import", other, database=database)
    assert done.exit_code == 1
    assert "no sample is a patient of the record (samples: stranger" in done.stderr
    assert rows(database, "genotypes") == 0
