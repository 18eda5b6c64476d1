"""The clinic's figures: the same as the command line's, of this clinic alone, worked out once for each state."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from azaward.cohort.quality.figures import quality
from azaward.knowledge import load
from azaward.record.tables import TABLES
from azaward.store import Store, imports
from azaward.store.care import acts
from azaward.store.care.acts import Actor
from azaward.synthesis import synthesise, write_parquet
from azaward.web import demo
from azaward.web.clinic.figures import Figures, write_tables
from tests.web.clinic_room import TODAY, app_of, signed_in

JSON = {"accept": "application/json"}
PATIENTS = 12


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The example clinic with twelve patients, and another with one."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('clinic') / 'example.db'}")
    demo.furnish(store, load(), PATIENTS)
    imports.make_clinic(store, "two", "Another clinic")
    rows = {"patients": [{"patient_id": "c901", "birth_date": dt.date(1980, 1, 2), "sex": "male"}]}
    acts.add_rows(store, Actor("test", "two", TODAY), rows, load())
    yield store
    store.close()


@pytest.fixture(scope="module")
def nurse(furnished: Store) -> Iterator[TestClient]:
    with signed_in(app_of(furnished), "another-nurse", "nurse", demo.CLINIC) as client:
        yield client


def ready(client: TestClient, **wanted: Any) -> Any:
    """The figures once they are of the clinic as it stands."""
    for _ in range(600):
        answer = client.get("/quality", params=wanted, headers=JSON)
        assert answer.status_code == 200, answer.text
        model = answer.json()
        assert not (model["progress"] and model["progress"]["failed"]), model["progress"]
        if model["figures"] is not None and model["progress"] is None:
            return model
        time.sleep(0.1)
    raise AssertionError("the figures were not ready within a minute")


def test_until_they_are_ready_the_page_says_so_and_looks_again(furnished: Store) -> None:
    with signed_in(app_of(furnished), "first-nurse", "nurse", demo.CLINIC) as client:
        page = client.get("/quality").text
        assert "being worked out" in page
        assert 'hx-trigger="every 2s"' in page
        ready(client)
        assert "being worked out" not in client.get("/quality").text


def test_they_are_those_of_the_command_line(nurse: TestClient, tmp_path: Path) -> None:
    found = ready(nurse)
    assert found["as_of"] == str(TODAY)
    write_parquet(synthesise(PATIENTS, demo.SEED, demo.DAY, demo.RESULTS), tmp_path)
    expected = quality(tmp_path, TODAY, load())
    shown = {figure["id"]: figure for figure in found["figures"]["figures"]}
    assert found["figures"]["patients"] == expected.patients == PATIENTS
    for figure in expected.figures:
        for row, same in zip(figure.rows, shown[figure.id]["rows"], strict=True):
            assert (row.name, row.counts, row.of) == (tuple(same["name"]), same["counts"], same["of"])
            assert row.interval == (None if same["interval"] is None else tuple(same["interval"]))


def test_the_page_has_tables_intervals_and_plots_without_styles(nurse: TestClient) -> None:
    ready(nurse)
    page = nurse.get("/quality").text
    for words in ("Tested on time", "95% interval", "How these were worked out", "still on treatment"):
        assert words.casefold() in page.casefold()
    assert '<circle class="dot"' in page
    assert " style=" not in page
    assert "<style" not in page


def test_small_numbers_are_hidden_where_that_is_asked(nurse: TestClient) -> None:
    whole, hidden = ready(nurse), ready(nurse, hide_below=5)
    small = [n for one in whole["figures"]["figures"] for row in one["rows"] for n in row["counts"].values()]
    assert any(isinstance(n, int) and 0 < n < 5 for n in small)
    for one in hidden["figures"]["figures"]:
        for row in one["rows"]:
            assert not any(isinstance(n, int) and 0 < n < 5 for n in [*row["counts"].values(), row["of"]])
    assert "&lt;5" in nurse.get("/quality?hide_below=5").text
    assert "&lt;5" not in nurse.get("/quality").text


def test_they_can_be_divided_by_year(nurse: TestClient) -> None:
    found = ready(nurse, by="year")["figures"]
    assert found["by"] == "year"
    assert all(group.isdigit() or group == "not known" for group in found["groups"])
    assert len(found["groups"]) > 1


def test_they_are_worked_out_once_for_each_state(nurse: TestClient, furnished: Store) -> None:
    ready(nurse)
    figures: Figures = nurse.app.state.room.notes["figures"]  # type: ignore[attr-defined]
    first, _ = figures.of(demo.CLINIC, TODAY, "none")
    assert figures.of(demo.CLINIC, TODAY, "none") == (first, None)
    row = {"patient_id": "c777", "birth_date": dt.date(1980, 1, 2), "sex": "male"}
    acts.add_rows(furnished, Actor("test", demo.CLINIC, TODAY), {"patients": [row]}, load())
    # The earlier ones are shown until the new ones are there, and the page says that they are on their way.
    old = nurse.get("/quality", headers=JSON).json()
    assert old["progress"] is None or old["figures"]["patients"] == PATIENTS
    assert ready(nurse)["figures"]["patients"] == PATIENTS + 1
    with furnished.write() as connection:
        connection.exec_driver_sql("UPDATE patients SET struck_at = '2026-11-23 00:00:00' WHERE patient_id = 'c777'")


def test_only_the_clinic_s_own_rows_that_stand_are_counted(furnished: Store, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write_tables(furnished, "two", tmp_path)
    tables = {name: pq.read_table(tmp_path / f"{name}.parquet") for name in TABLES}
    assert tables["patients"].column("patient_id").to_pylist() == ["c901"]
    assert {name: table.num_rows for name, table in tables.items() if table.num_rows} == {"patients": 1}
    assert {name: table.column_names for name, table in tables.items()} == {
        name: [column.name for column in columns] for name, columns in TABLES.items()
    }


def test_an_empty_clinic_has_a_page_too(furnished: Store) -> None:
    imports.make_clinic(furnished, "three", "A new clinic")
    with signed_in(app_of(furnished), "third-nurse", "nurse", "three") as client:
        assert ready(client)["figures"]["patients"] == 0
        assert "Nobody in the clinic" in client.get("/quality").text


def test_a_failure_is_said_and_not_hidden(furnished: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nowhere to write: the page says what went wrong, and nobody sees figures."""
    with signed_in(app_of(furnished), "fourth-nurse", "nurse", demo.CLINIC) as client:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "not there"))
        client.get("/quality")
        for _ in range(200):
            page = client.get("/quality").text
            if "could not be worked out" in page:
                break
            time.sleep(0.05)
        assert "could not be worked out" in page
        assert "Tested on time" not in page


@pytest.mark.parametrize("wanted", [{"by": "patient"}, {"hide_below": "-1"}, {"hide_below": "few"}])
def test_what_can_t_be_asked_is_refused(nurse: TestClient, wanted: dict[str, str]) -> None:
    answer = nurse.get("/quality", params=wanted, headers=JSON)
    assert answer.status_code == 422
    assert next(iter(wanted)) in answer.json()["error"]
