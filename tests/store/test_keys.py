"""The keys to names and messages: rotated while others use the store, lost in part, and damaged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.errors import StoreError
from azaward.store import Store, keys, tray
from azaward.store.care import people
from azaward.store.schema import unmatched
from tests.store.taking import ACTOR, Clinic, adt, oru

UNKNOWN = "1^^^RIVERSIDE^MR"


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    store = Store.open(f"sqlite:///{tmp_path / 'clinic.db'}")
    yield Clinic(store)
    store.close()


@pytest.fixture
def file(tmp_path: Path, clinic: Clinic) -> Path:
    return tmp_path / "clinic.db.key"


def rotate(clinic: Clinic, file: Path) -> keys.Keys:
    with clinic.store.write() as connection:
        return people.rotate(connection, file, keys.read(file))


def content(clinic: Clinic, number: int, held: keys.Keys) -> bytes:
    with clinic.store.write() as connection:
        return tray.content(connection, ACTOR, number, held).content


def test_a_rotation_while_messages_arrive_loses_nobody(clinic: Clinic, file: Path) -> None:
    clinic.send(oru("0.1", numbers=UNKNOWN))
    rotate(clinic, file)
    clinic.send(oru("0.2"), oru("0.3", numbers=UNKNOWN, order="18"))
    assert clinic.counts() == [0.2]
    for waiting in clinic.waiting():
        assert b"MSH|" in content(clinic, waiting.id, keys.read(file))


def test_who_still_holds_the_old_keys_seals_what_the_file_can_open(clinic: Clinic, file: Path) -> None:
    before = keys.read(file)
    rotate(clinic, file)
    key, sealed = before.seal(b"a message")
    assert keys.read(file).opened(key, sealed) == b"a message"


def test_one_lost_key_keeps_only_what_it_sealed(clinic: Clinic, file: Path) -> None:
    clinic.send(oru("0.1", numbers=UNKNOWN))
    rotate(clinic, file)
    newest = keys.Keys([list(keys.read(file).each.values())[-1]])
    with clinic.store.write() as connection:
        lost = keys.Keys([keys.Key.made()])
        kept = tray.Kept(b"MSH|lost", clinic.senders.known[0])
        key, sealed = lost.seal(kept.whole())
        row = dict(connection.execute(sa.select(unmatched)).mappings().first() or {})
        connection.execute(sa.insert(unmatched).values(**{**row, "id": 99, "key": key, "sealed": sealed}))
    keys.write(file, newest)
    with clinic.store.read() as connection:
        held = keys.keys_of(clinic.store, connection)
        assert keys.lacking(connection, held) == [key]
    assert b"MSH|" in content(clinic, clinic.waiting()[0].id, held)
    with pytest.raises(StoreError, match="is not in the key file"):
        content(clinic, 99, held)
    clinic.send(oru("0.2"))
    assert clinic.counts() == [0.2]
    clinic.send(adt("A31", "4217^^^RIVERSIDE^MR~9990000026^^^NHS^NH"))
    assert rotate(clinic, file)


@pytest.mark.parametrize(
    "damage",
    [
        lambda key: {**key, "seal": "00"},
        lambda key: {**key, "find": ""},
        lambda key: {**key, "seal": "zz"},
        lambda key: {"id": key["id"]},
    ],
    ids=["short", "empty", "not hexadecimal", "without its parts"],
)
def test_a_damaged_key_file_is_one_line(clinic: Clinic, file: Path, damage: object) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    assert callable(damage)
    file.write_text(json.dumps({**found, "keys": [damage(found["keys"][0])]}), encoding="utf-8")
    with pytest.raises(StoreError, match="key file") as said:
        keys.read(file)
    assert "\n" not in str(said.value)
