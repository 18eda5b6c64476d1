"""The database keeps what it was given, once, and tells who did what; on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from azaward import assessment
from azaward.errors import StoreError
from azaward.knowledge import URGENCIES, load
from azaward.readers.read import read
from azaward.record.tables import Cell, Record, SetAside
from azaward.store import Store, audit, imports
from azaward.store.audit import Entry, Reads
from azaward.store.care import acts, lists, reassess, records
from azaward.store.care.acts import Actor, ChangedMeanwhileError, Decision
from azaward.store.care.lists import Wanted
from azaward.store.schema import RECORD, assessments, metadata
from azaward.store.versions import newest, not_migrated

EXAMPLES = Path(__file__).parents[2] / "examples"
TODAY = dt.date(2026, 11, 23)
NURSE = Actor("nurse", "one", TODAY)
OTHER = Actor("somebody", "two", TODAY)


def result(value: float, on: dt.date = TODAY, analyte: str = "neutrophils", **cells: Cell) -> dict[str, Cell]:
    unit = {"neutrophils": "10*9/L", "wbc": "10*9/L"}[analyte]
    return {
        "patient_id": "p1",
        "analyte": analyte,
        "value": value,
        "unit": unit,
        "taken_on": on,
        "status": "final",
        **cells,
    }


def somebody(**cells: Cell) -> dict[str, Cell]:
    return {
        "patient_id": "p1",
        "birth_date": dt.date(1980, 1, 1),
        "sex": "female",
        "indication": "crohns_disease",
        **cells,
    }


def azathioprine(**cells: Cell) -> dict[str, Cell]:
    return {
        "patient_id": "p1",
        "medicine": "azathioprine",
        "dose_mg_per_day": 150.0,
        "started_on": dt.date(2024, 1, 1),
        **cells,
    }


@pytest.fixture
def clinic(store: Store) -> Store:
    imports.make_clinic(store, "one", "Clinic one")
    imports.make_clinic(store, "two", "Clinic two")
    return store


@pytest.fixture
def one_patient(clinic: Store) -> Store:
    acts.add_rows(clinic, NURSE, {"patients": [somebody()], "exposures": [azathioprine()]}, load())
    return clinic


def lines(store: Store, clinic_id: str = "one", wanted: Wanted | None = None) -> list[lists.Line]:
    with store.read() as connection:
        return list(lists.page(connection, clinic_id, wanted or Wanted(everyone=True), TODAY).lines)


def held(store: Store, patient_id: str = "p1") -> Record:
    with store.read() as connection:
        return records.of_patient(connection, "one", patient_id)


def standing(store: Store, patient_id: str = "p1") -> tuple[assessment.PatientAssessment, int]:
    with store.read() as connection:
        found = reassess.of_patient(connection, "one", patient_id)
    assert found is not None
    return found[0], found[1]


def test_the_tables_are_those_of_the_migrations(clinic: Store) -> None:
    from alembic.migration import MigrationContext

    with clinic.read() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest()
        assert not_migrated(connection, metadata) == []


def test_a_missing_migration_is_named_with_its_table_and_column(clinic: Store) -> None:
    grown = sa.MetaData()
    for table in metadata.tables.values():
        table.to_metadata(grown)
    grown.tables["exposures"].append_column(sa.Column("route", sa.Text()))
    sa.Table("allergens", grown, sa.Column("id", sa.Integer(), primary_key=True))
    with clinic.read() as connection:
        said = not_migrated(connection, grown)
    add = "Add a migration to src/azaward/store/migrations/versions/."
    assert said == [
        f"table allergens is in the code, but no migration makes it. {add}",
        f"column exposures.route is in the code, but no migration makes it. {add}",
    ]


def test_a_database_opened_again_is_as_it_was(one_patient: Store, database: str) -> None:
    again = Store.open(database)
    assert [line.patient_id for line in lines(again)] == ["p1"]
    again.close()


def test_a_newer_database_is_left_alone(clinic: Store, database: str) -> None:
    with clinic.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="version 9999, newer than this program's"):
        Store.open(database)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("nonsense", "invalid address"),
        ("mysql://somewhere/x", "expected sqlite:///FILE or postgresql://"),
        ("sqlite:////no/such/folder/x.db", "unable to open database file"),
        ("postgresql://nobody@127.0.0.1:1/x", "can't be used"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_line(address: str, says: str) -> None:
    with pytest.raises(StoreError, match=says) as error:
        Store.open(address)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{tmp_path / 'x.db'}")


def test_what_goes_in_comes_out_with_the_same_findings(clinic: Store) -> None:
    knowledge = load()
    record = read(EXAMPLES / "clinic", knowledge)
    brought = imports.keep(clinic, NURSE, "clinic", "d1", record, knowledge)
    assert brought.patients == 200
    found = assessment.assess(record, TODAY, knowledge=knowledge)
    with clinic.read() as connection:
        for patient in found.patients:
            kept = reassess.of_patient(connection, "one", patient.patient_id)
            assert kept is not None
            assert kept[0] == patient
        shown = lists.page(connection, "one", Wanted(), TODAY, size=1000)
    pressing = {one.patient_id for one in found.patients if one.plan.urgency != "info"}
    assert {line.patient_id for line in shown.lines} == pressing
    assert [URGENCIES.index(line.urgency) for line in shown.lines] == sorted(
        URGENCIES.index(line.urgency) for line in shown.lines
    )


def test_the_same_file_twice_is_one(clinic: Store) -> None:
    knowledge = load()
    record = read(EXAMPLES / "clinic", knowledge)
    first = imports.keep(clinic, NURSE, "clinic", "d1", record, knowledge)
    again = imports.keep(clinic, NURSE, "clinic", "d1", record, knowledge)
    assert again.new_rows == 0
    assert again.before is not None
    # Another file with the same rows adds nothing either.
    other = imports.keep(clinic, NURSE, "a copy", "d2", record, knowledge)
    assert (other.rows, other.new_rows) == (first.rows, 0)


def test_a_failing_import_leaves_nothing(clinic: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record.of({"patients": [somebody()], "results": [result(1.0)]})

    def fails(*_: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(reassess, "_keep", fails)
    with pytest.raises(RuntimeError, match="in the middle"):
        imports.keep(clinic, NURSE, "file", "d1", record, load())
    with clinic.read() as connection:
        for table in (*RECORD.values(), metadata.tables["imports"], assessments):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
    assert audit.verify(clinic).wrong is None


def test_clinics_are_kept_apart(one_patient: Store) -> None:
    acts.add_rows(one_patient, OTHER, {"patients": [somebody(sex="male")]}, load())
    assert held(one_patient).rows["patients"][0][2] == "female"
    assert [line.decision for line in lines(one_patient, "two")] != [line.decision for line in lines(one_patient)]
    with pytest.raises(acts.NoSuchPatientError):
        acts.strike(one_patient, OTHER, "p1", "exposures", 1, "not mine", load())


def test_a_low_count_rises_to_the_top(one_patient: Store) -> None:
    before = lines(one_patient)[0]
    acts.add_rows(one_patient, NURSE, {"results": [result(0.4)]}, load())
    after = lines(one_patient)[0]
    assert URGENCIES.index(after.urgency) < URGENCIES.index(before.urgency)
    assert "0.4" in after.headline


def test_what_was_dealt_with_comes_back_on_its_day_or_when_it_is_worse(one_patient: Store) -> None:
    knowledge = load()
    acts.add_rows(one_patient, NURSE, {"results": [result(0.4)]}, knowledge)
    patient, version = standing(one_patient)
    marks = [reassess.fingerprint(finding) for finding in patient.findings]
    until = TODAY + dt.timedelta(days=7)
    acts.handle(one_patient, NURSE, "p1", version, marks, "done", "phoned", until, knowledge)
    assert lines(one_patient)[0].urgency == "info"
    assert lines(one_patient)[0].hidden == len(marks)
    # A worse value is another finding.
    acts.add_rows(one_patient, NURSE, {"results": [result(0.2)]}, knowledge)
    assert "0.2" in lines(one_patient)[0].headline
    patient, version = standing(one_patient)
    marks = [reassess.fingerprint(finding) for finding in patient.findings]
    acts.handle(one_patient, NURSE, "p1", version, marks, "snoozed", "in hospital", until, knowledge)
    assert lines(one_patient)[0].urgency == "info"
    # The day comes, and it still stands.
    assert reassess.new_day(one_patient, until, knowledge) == 1
    assert lines(one_patient)[0].urgency != "info"


def test_of_two_who_decide_the_second_is_told(one_patient: Store) -> None:
    knowledge = load()
    acts.add_rows(one_patient, NURSE, {"results": [result(0.4)]}, knowledge)
    patient, version = standing(one_patient)
    marks = [reassess.fingerprint(patient.findings[0])]
    told: list[str] = []
    kept: list[str] = []

    def decide(login: str) -> None:
        by = Actor(login, "one", TODAY)
        until = TODAY + dt.timedelta(days=1)
        try:
            acts.decide(one_patient, by, "p1", Decision(version, "withhold", "stop now", marks, until), knowledge)
            kept.append(login)
        except ChangedMeanwhileError as error:
            told.append(str(error))

    both = [threading.Thread(target=decide, args=(login,)) for login in ("first", "second")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(kept) == 1
    assert len(told) == 1
    assert kept[0] in told[0]
    assert "Your change was not saved" in told[0]


def test_a_decision_changes_the_dose(one_patient: Store) -> None:
    knowledge = load()
    _, version = standing(one_patient)
    dose = ("azathioprine", 50.0, TODAY)
    acts.decide(one_patient, NURSE, "p1", Decision(version, "reduce", "counts fall", [], TODAY, dose), knowledge)
    rows = [(row[2], row[4], row[5]) for row in held(one_patient).rows["exposures"]]
    assert rows == [(150.0, dt.date(2024, 1, 1), TODAY), (50.0, TODAY, None)]
    _, version = standing(one_patient)
    dose = ("azathioprine", None, TODAY + dt.timedelta(days=1))
    acts.decide(one_patient, NURSE, "p1", Decision(version, "stop", "leukopenia", [], TODAY, dose), knowledge)
    assert all(row[5] is not None for row in held(one_patient).rows["exposures"])


def test_what_is_struck_out_no_longer_counts_and_is_still_there(one_patient: Store) -> None:
    knowledge = load()
    acts.add_rows(one_patient, NURSE, {"results": [result(0.4)]}, knowledge)
    with one_patient.read() as connection:
        row_id = connection.execute(sa.select(RECORD["results"].c.id)).scalar_one()
    with pytest.raises(acts.NoSuchPatientError, match="patient p2 has no such row"):
        acts.strike(one_patient, NURSE, "p2", "results", row_id, "a slip in the address", knowledge)
    acts.strike(one_patient, NURSE, "p1", "results", row_id, "another patient's", knowledge)
    assert held(one_patient).rows["results"] == []
    with one_patient.read() as connection:
        row = connection.execute(sa.select(RECORD["results"])).one()
    assert (row.value, row.struck_by, row.struck_why) == (0.4, "nurse", "another patient's")


@pytest.mark.parametrize(
    ("table", "first", "second", "left"),
    [
        ("results", result(0.4), result(0.4, status="entered-in-error"), ["entered-in-error"]),
        (
            "exposures",
            azathioprine(medicine="allopurinol"),
            azathioprine(medicine="allopurinol", stopped_on=TODAY),
            [TODAY],
        ),
    ],
)
def test_a_later_row_takes_an_earlier_one_back(
    one_patient: Store, table: str, first: dict[str, Cell], second: dict[str, Cell], left: list[Cell]
) -> None:
    knowledge = load()
    acts.add_rows(one_patient, NURSE, {table: [first]}, knowledge)
    acts.add_rows(one_patient, NURSE, {table: [second]}, knowledge)
    place = {"results": 9, "exposures": 5}[table]
    rows = [row for row in held(one_patient).rows[table] if row[1] != "azathioprine"]
    assert [row[place] for row in rows] == left


def test_two_who_may_be_two_people_are_both_kept_and_told(one_patient: Store) -> None:
    acts.add_rows(one_patient, NURSE, {"patients": [somebody(birth_date=dt.date(2015, 1, 1))]}, load())
    assert [row[1] for row in held(one_patient).rows["patients"]] == [dt.date(1980, 1, 1), dt.date(2015, 1, 1)]
    patient, _ = standing(one_patient)
    assert "identity_conflict" in [finding.code for finding in patient.findings]


def test_another_contradiction_is_told(one_patient: Store) -> None:
    acts.add_rows(one_patient, NURSE, {"patients": [somebody(indication="kidney_transplant")]}, load())
    record = held(one_patient)
    assert [row[3] for row in record.rows["patients"]] == ["crohns_disease"]
    assert [aside.what for aside in record.set_aside] == ["indication kidney_transplant"]
    assert any("kidney_transplant" in finding.says for finding in standing(one_patient)[0].findings)


def test_what_was_empty_is_filled_in(clinic: Store) -> None:
    knowledge = load()
    acts.add_rows(clinic, NURSE, {"patients": [somebody(indication=None)]}, knowledge)
    acts.add_rows(clinic, NURSE, {"patients": [somebody(sex=None)]}, knowledge)
    assert [row[:4] for row in held(clinic).rows["patients"]] == [
        ("p1", dt.date(1980, 1, 1), "female", "crohns_disease")
    ]
    assert held(clinic).set_aside == []


def test_what_was_set_aside_stands_until_somebody_looked_into_it(one_patient: Store) -> None:
    knowledge = load()
    aside = SetAside("file.csv, line 3", "value 'abc'", "expected a number", "p1")
    record = Record.of({}, [aside])
    imports.keep(one_patient, NURSE, "file.csv", "d1", record, knowledge)
    assert any("file.csv, line 3" in finding.says for finding in standing(one_patient)[0].findings)
    with one_patient.read() as connection:
        number = connection.execute(sa.select(metadata.tables["set_aside"].c.id)).scalar_one()
    acts.resolve(one_patient, NURSE, "p1", number, "the laboratory sent it again", knowledge)
    assert not any("file.csv, line 3" in finding.says for finding in standing(one_patient)[0].findings)


def test_letters_name_the_clinic_as_it_says(clinic: Store) -> None:
    imports.describe_clinic(clinic, NURSE, "North clinic", " 01632 960000 ")
    with clinic.read() as connection:
        held = imports.clinic_of(connection, "one")
        assert (held["name"], held["phone"]) == ("North clinic", "01632 960000")
        assert imports.clinic_of(connection, "two")["name"] == "Clinic two"
    with pytest.raises(StoreError, match="name: empty"):
        imports.describe_clinic(clinic, NURSE, " ", None)


def test_a_test_that_is_repeated_today_is_as_overdue_as_it_was(clinic: Store) -> None:
    knowledge = load()
    imports.keep(clinic, NURSE, "clinic", "d1", read(EXAMPLES / "clinic", knowledge), knowledge)
    with clinic.read() as connection:
        late = {line.patient_id: line.overdue_days for line in lists.overdue(connection, "one")}
        told = {
            row.patient_id
            for row in connection.execute(sa.select(assessments.c.patient_id))
            if "test_overdue" in [f.code for f in reassess.of_patient(connection, "one", row.patient_id)[0].findings]  # pyright: ignore[reportOptionalSubscript]
        }
    assert told <= set(late)


def altered(store: Store, change: Callable[[sa.engine.Connection], object]) -> str | None:
    """What checking the trail says after somebody got past the database's own guard."""
    guards = (
        ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"]
        if store.engine.dialect.name == "sqlite"
        else ["DROP TRIGGER audit_only_grows ON audit"]
    )
    with store.write() as connection:
        for guard in guards:
            connection.execute(sa.text(guard))
        change(connection)
    return audit.verify(store).wrong


def test_the_audit_trail_only_grows(one_patient: Store) -> None:
    for change in (sa.update(audit.audit).values(actor="nobody"), sa.delete(audit.audit)):
        with pytest.raises(DBAPIError, match="only grows"), one_patient.write() as connection:
            connection.execute(change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (sa.update(audit.audit).where(audit.audit.c.seq == 2).values(actor="nobody"), "entry 2 .* was altered"),
        (sa.delete(audit.audit).where(audit.audit.c.seq == 2), "entry 2 is missing"),
        (sa.delete(audit.audit).where(audit.audit.c.seq >= 4), "last entries are missing: only 3 of 4"),
    ],
)
def test_an_altered_trail_tells(one_patient: Store, change: sa.Executable, says: str) -> None:
    assert audit.verify(one_patient).wrong is None
    wrong = altered(one_patient, lambda connection: connection.execute(change))
    assert wrong is not None
    assert re.search(says, wrong)


def test_a_trail_made_anew_lacks_the_hash_that_was_noted(one_patient: Store) -> None:
    noted = audit.verify(one_patient).head
    assert audit.verify(one_patient, noted).wrong is None
    wrong = audit.verify(one_patient, "0" * 64).wrong
    assert wrong is not None
    assert "has been replaced" in wrong


def test_reads_that_come_together_are_all_kept_in_one_chain(one_patient: Store) -> None:
    reads = Reads(one_patient)
    threads = [
        threading.Thread(target=lambda: [reads.note(Entry("nurse", "read", "one", "p1")) for _ in range(10)])
        for _ in range(8)
    ]
    before = audit.verify(one_patient).entries
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reads.close()
    assert audit.verify(one_patient) == audit.Verified(before + 80, audit.verify(one_patient).head, None)


def test_the_worklist_finds_filters_and_sorts(clinic: Store) -> None:
    knowledge = load()
    imports.keep(clinic, NURSE, "clinic", "d1", read(EXAMPLES / "clinic", knowledge), knowledge)
    everyone = Wanted(everyone=True)
    with clinic.read() as connection:
        whole = lists.page(connection, "one", everyone, TODAY, size=1000)
        assert whole.found == 200
        assert sum(whole.counts.values()) == 200
        some = lists.page(connection, "one", Wanted(urgency="same-day"), TODAY, size=1000)
        assert {line.urgency for line in some.lines} == {"same-day"}
        assert len(some.lines) == whole.counts["same-day"]
        assert [line.patient_id for line in lists.page(connection, "one", Wanted(words="C019"), TODAY).lines] == [
            "c019"
        ]
        assert lists.page(connection, "one", Wanted(words="100%_"), TODAY).found == 0
        overdue = lists.overdue(connection, "one")
        assert overdue
        assert all((line.overdue_days or 0) > 0 for line in overdue)
        pages = [lists.page(connection, "one", Wanted(everyone=True, page=n), TODAY) for n in (1, 2, 3, 4, 5)]
    ids = [line.patient_id for shown in pages[:4] for line in shown.lines]
    assert ids == [line.patient_id for line in whole.lines]
    assert pages[4].page == 4
