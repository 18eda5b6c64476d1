"""A backup holds everything and comes back on either database; one that isn't whole or was altered is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from azaward.errors import StoreError
from azaward.knowledge import load
from azaward.readers.read import read
from azaward.record.tables import Record, SetAside
from azaward.store import Store, accounts, audit, imports, keys, tray
from azaward.store.backup import MANIFEST, backup, read_manifest, restore
from azaward.store.care import acts, reassess
from azaward.store.care.acts import Actor, Decision
from azaward.store.schema import RECORD, metadata, passkeys, users
from tests.conftest import Templates, new_database

EXAMPLES = Path(__file__).parents[2] / "examples"
TODAY = dt.date(2026, 11, 23)
NURSE = Actor("nurse", "one", TODAY)


def furnish(address: str) -> None:
    """A clinic with something in every kind of column."""
    store, knowledge = Store.open(address), load()
    imports.make_clinic(store, "one", "Klinik für Rheumatologie")
    record = read(EXAMPLES / "clinic", knowledge)
    some = [f"c{number:03}" for number in range(1, 21)]
    rows = {name: [row for row in rows if row[0] in some] for name, rows in record.rows.items()}
    asides = [SetAside("f.csv line 3", "value '\u00e4\u2603\U0001f9ea'", "expected a number\nor none", "c001")]
    imports.keep(store, NURSE, "clinic", "d1", Record(rows, asides), knowledge)
    with store.write() as connection:
        number = accounts.make_user(connection, "n@clinic.example", "N", "nurse", "one", "a long enough pass phrase")
        given = {
            "user_id": number,
            "credential_id": bytes(range(256)),
            "public_key": b"\x00\xff",
            "sign_count": 2**31 - 1,
        }
        connection.execute(sa.insert(passkeys).values(**given, name="key", created_at=dt.datetime.now(dt.UTC)))
    user = accounts.by_id(store, number)
    assert user is not None
    accounts.begin(store, user, True, dt.datetime.now(dt.UTC), step={"challenge": "abc"})
    with store.read() as connection:
        standing = reassess.of_patient(connection, "one", "c001")
    assert standing is not None
    marks = [reassess.fingerprint(finding) for finding in standing[0].findings]
    decision = Decision(standing[1], "monitor", "soon", marks, TODAY + dt.timedelta(3))
    acts.decide(store, NURSE, "c001", decision, knowledge)
    store.close()


@pytest.fixture
def full(kind: str, templates: Templates, tmp_path: Path) -> Iterator[Store]:
    """That clinic, on each kind of database in turn."""
    store = Store.open(templates.copy(kind, tmp_path / "store.db", "backup", furnish))
    yield store
    store.close()


def everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with store.read() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))
            ]
            for table in metadata.sorted_tables
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables, on each kind of store in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'restored.db'}"
    return new_database(request.getfixturevalue("postgresql"))


def test_what_is_restored_is_what_was_there(full: Store, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    made = backup(full, file, "keeper")
    restore(file, empty)
    again = Store.open(empty)
    try:
        assert everything(again) == everything(full)
        found = audit.verify(again)
        assert found.wrong is None
        assert (found.entries, found.head) == (made.audit.entries, made.audit.head)
        assert made.rows == sum(len(rows) for rows in everything(again).values())
        # Life goes on: new rows get new numbers, and the trail grows.
        row = {"patient_id": "c001", "analyte": "neutrophils", "value": 0.3, "unit": "10*9/L", "taken_on": TODAY}
        assert acts.add_rows(again, NURSE, {"results": [{**row, "status": "final"}]}, load()) == 1
        assert audit.verify(again, made.audit.head).wrong is None
        with again.write() as connection:
            accounts.make_user(connection, "new", "new", "nurse", "one", "a long enough pass phrase")
    finally:
        again.close()


def test_a_backup_of_a_backup_is_the_same(full: Store, empty: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    backup(full, first, "keeper")
    restore(first, empty)
    again = Store.open(empty)
    backup(again, second, "keeper")
    again.close()
    parts = [{part.table: part.sha256 for part in read_manifest(file).parts} for file in (first, second)]
    differ = {name for name in parts[0] if parts[0][name] != parts[1][name]}
    # The second backup is itself in the second trail.
    assert differ == {"audit", "audit_head"}


def test_it_is_its_owners_alone_and_takes_the_place_of_an_earlier_one(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    backup(full, file, "keeper")
    first = file.read_bytes()
    backup(full, file, "keeper")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() != first
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup.zip"]
    with full.read() as connection:
        question = sa.select(audit.audit.c.actor, audit.audit.c.subject).where(audit.audit.c.action == "back up")
        assert [tuple(row) for row in connection.execute(question)] == [("keeper", "backup.zip")] * 2


def test_another_file_is_never_overwritten(full: Store, tmp_path: Path) -> None:
    file = tmp_path / "thesis.doc"
    file.write_text("years of work")
    with pytest.raises(StoreError, match=r"thesis\.doc: already exists and is not an azaward backup"):
        backup(full, file, "keeper")
    assert file.read_text() == "years of work"


def test_it_is_one_moment_while_others_write(full: Store, empty: str, tmp_path: Path) -> None:
    file, stop, knowledge = tmp_path / "backup.zip", threading.Event(), load()

    def write() -> None:
        for number in range(1000):
            if stop.is_set():
                return
            value = {"analyte": "neutrophils", "value": 2 + number / 1000, "unit": "10*9/L", "taken_on": TODAY}
            acts.add_rows(full, NURSE, {"results": [{"patient_id": "c001", "status": "final", **value}]}, knowledge)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            backup(full, file, "keeper")
    finally:
        stop.set()
        writer.join()
    # A restore checks the trail against the backup's own head; what is entered in the trail is in the tables.
    restore(file, empty)
    again = Store.open(empty)
    with again.read() as connection:
        trail = audit.audit.c
        entered = sa.select(sa.func.count()).where(trail.action == "enter")
        results = RECORD["results"]
        by_hand = sa.select(sa.func.count()).where(results.c.import_id.is_(None))
        assert connection.execute(entered).scalar_one() == connection.execute(by_hand).scalar_one()
    again.close()


@pytest.fixture
def whole(full: Store, tmp_path: Path) -> Path:
    file = tmp_path / "whole.zip"
    backup(full, file, "keeper")
    return file


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def altered(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same backup after somebody changed its parts."""
    parts = members(file)
    change(parts)
    other = file.with_name("altered.zip")
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return other


def with_right_digests(parts: dict[str, bytes]) -> None:
    """What somebody does who knows how the manifest is made."""
    manifest = json.loads(parts[MANIFEST])
    for part in manifest["parts"]:
        content = parts[f"tables/{part['table']}.jsonl"]
        part |= {"sha256": hashlib.sha256(content).hexdigest(), "rows": content.count(b"\n")}
    parts[MANIFEST] = json.dumps(manifest).encode()


def replaced(name: str, old: bytes, new: bytes, *, knowing: bool = False) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        assert old in parts[name]
        parts[name] = parts[name].replace(old, new)
        if knowing:
            with_right_digests(parts)

    return change


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    return lambda parts: parts.pop(name) and None


def emptied(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        parts[name] = b""
        with_right_digests(parts)

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            replaced("tables/results.jsonl", b"neutrophils", b"lymphocytes"),
            "results.jsonl was altered after",
        ),
        (replaced("tables/audit.jsonl", b'"nurse"', b'"nobody"', knowing=True), "entry 2 .* was altered"),
        (emptied("tables/audit.jsonl"), "the last entries are missing"),
        (emptied("tables/audit_head.jsonl"), "audit_head: expected one row"),
        (emptied("tables/clinics.jsonl"), "FOREIGN KEY|foreign key"),
        (replaced("tables/results.jsonl", b'"2026-', b'"the year of 2026-', knowing=True), "jsonl line .*Invalid"),
        (without("tables/results.jsonl"), "its parts differ from those"),
        (without(MANIFEST), "manifest.json is missing"),
        (replaced(MANIFEST, b'"format": 1', b'"format": 2'), "format 2"),
        (
            replaced(MANIFEST, b'"tables_version": "0', b'"tables_version": "9'),
            "tables of version 9.*newer version",
        ),
        (replaced(MANIFEST, b'"kind": "day"', b'"kind": "month"'), "unknown column type 'month'"),
        (
            replaced(
                MANIFEST,
                b"{",
                b"",
            ),
            "can't be read",
        ),
    ],
)
def test_an_altered_backup_is_refused_and_nothing_is_kept(
    whole: Path, empty: str, change: Callable[[dict[str, bytes]], None], says: str
) -> None:
    with pytest.raises(StoreError, match=says) as error:
        restore(altered(whole, change), empty)
    assert "\n" not in str(error.value)
    untouched = Store.at(empty)
    with untouched.read() as connection:
        assert sa.inspect(connection).get_table_names() == []
    untouched.close()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_half_written_backup_is_refused(whole: Path, empty: str, part: float) -> None:
    content = whole.read_bytes()
    half = whole.with_name("half.zip")
    half.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(StoreError, match=r"half\.zip: not a complete backup"):
        restore(half, empty)


def test_one_byte_that_fell_over_is_noticed(whole: Path, tmp_path: Path, empty: str) -> None:
    content = bytearray(whole.read_bytes())
    for place in range(100, len(content), len(content) // 20):
        other = tmp_path / "fallen.zip"
        fallen = content.copy()
        fallen[place] ^= 0x10
        other.write_bytes(fallen)
        try:
            read_manifest(other)
        except StoreError:
            continue
        # A zip says when each file was written, which nothing depends on: what it holds is the same.
        assert held_in(other) == held_in(whole)


def held_in(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_a_file_that_is_no_backup(tmp_path: Path, empty: str) -> None:
    for name, content in {"x.zip": b"", "y.zip": b"SQLite format 3\x00", "z.zip": None}.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(StoreError, match=name):
            restore(tmp_path / name, empty)


def test_only_an_empty_database_takes_a_backup(whole: Path, full: Store, empty: str) -> None:
    before = everything(full)
    with pytest.raises(StoreError, match=r"not empty: .* rows\. Use an empty database"):
        restore(whole, full.engine.url.render_as_string(hide_password=False))
    assert everything(full) == before
    # One that azaward has only just made is empty; one with other tables is not.
    Store.open(empty).close()
    restore(whole, empty)
    with pytest.raises(StoreError, match="not empty"):
        restore(whole, empty)


def test_a_database_of_others_is_left_alone(whole: Path, empty: str) -> None:
    other = Store.at(empty)
    with other.write() as connection:
        connection.execute(sa.text("CREATE TABLE novels (title TEXT)"))
    with pytest.raises(StoreError, match="its tables differ"):
        restore(whole, empty)
    with other.read() as connection:
        assert sa.inspect(connection).get_table_names() == ["novels"]
    other.close()


def test_where_it_can_not_be_written_there_is_no_backup(full: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"can't be written: No such file or directory\. No backup was made"):
        backup(full, tmp_path / "no" / "backup.zip", "keeper")


def test_a_trail_that_was_altered_is_backed_up_as_it_is(full: Store, empty: str, tmp_path: Path) -> None:
    guards = (
        ["DROP TRIGGER audit_no_update"]
        if full.engine.dialect.name == "sqlite"
        else ["DROP TRIGGER audit_only_grows ON audit"]
    )
    with full.write() as connection:
        for guard in guards:
            connection.execute(sa.text(guard))
        connection.execute(sa.update(audit.audit).where(audit.audit.c.seq == 2).values(actor="nobody"))
    made = backup(full, tmp_path / "b.zip", "keeper")
    assert made.audit.wrong is not None
    restore(tmp_path / "b.zip", empty)
    again = Store.open(empty)
    assert audit.verify(again).wrong == made.audit.wrong
    again.close()


def test_sqlite_moves_to_postgresql_and_people_sign_in_as_before(tmp_path: Path, postgresql: str) -> None:
    old = Store.open(f"sqlite:///{tmp_path / 'old.db'}")
    imports.make_clinic(old, "one", "One")
    with old.write() as connection:
        accounts.make_user(connection, "nurse", "Nurse", "nurse", "one", "a long enough pass phrase")
    backup(old, tmp_path / "b.zip", "keeper")
    address = new_database(postgresql)
    restore(tmp_path / "b.zip", address)
    new = Store.open(address)
    assert accounts.by_password(new, "nurse", "a long enough pass phrase") is not None
    with new.read() as connection:
        assert connection.execute(sa.select(users.c.created_at)).scalar_one().tzinfo is not None
    for store in (old, new):
        store.close()


@pytest.fixture(autouse=True)
def _plain_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_what_is_kept_of_people_and_messages_is_restored_and_the_key_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")
    from tests.store.taking import Clinic, adt, oru

    first, second = (f"sqlite:///{tmp_path / name}" for name in ("clinic.db", "again.db"))
    store = Store.open(first)
    clinic = Clinic(store)
    clinic.send(adt("A40", "4217^^^RIVERSIDE^MR", mrg="5000^^^RIVERSIDE^MR"), oru("0.4", numbers="1^^^RIVERSIDE^MR"))
    clinic.send(oru("3.0", "F", at="202611291200"), oru("0.6", "W", order="18"))
    store.close()
    file, said = str(tmp_path / "all.zip"), []
    for command in (["backup", file, "--database", first], ["restore", file, "--database", second]):
        done = subprocess.run([sys.executable, "-m", "azaward", *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said.append(done.stderr)
    assert "Copy the key file too" in said[0]
    assert str(tmp_path / "clinic.db.key") in said[0]
    assert str(tmp_path / "again.db.key") in said[1]
    shutil.copy(tmp_path / "clinic.db.key", tmp_path / "again.db.key")
    again = Store.open(second)
    for name in ("identities", "merges", "messages", "unmatched", "resources"):
        with Store.open(first).read() as before, again.read() as after:
            table = sa.select(metadata.tables[name])
            assert before.execute(table).all() == after.execute(table).all()
    with again.write() as connection:
        held = keys.keys_of(again, connection)
        (waiting,) = tray.waiting(connection, "one")
        assert b"MSH|" in tray.content(connection, NURSE, waiting.id, held).content
    again.close()
