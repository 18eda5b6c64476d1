"""The key with which names and numbers are sealed. It is in a file of its own, outside the database.

With the database alone, nobody can read a name or look one up. Whoever loses the file loses the names and the
tray of unmatched messages, and nothing else: results, medicines and decisions need no key. The file is created when it
is first needed, but never to replace one that a database already needs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from azaward.errors import StoreError
from azaward.store.database import Store
from azaward.store.schema import identities, unmatched

_BYTES, _NONCE = 32, 12
_LOST = "Restore it from a backup. Without it, names, numbers and waiting messages can't be read; everything else can."


@dataclass(frozen=True)
class Key:
    """One key: what seals, and what finds. Its id stands beside all that it sealed."""

    id: str
    seal: bytes
    find: bytes

    @staticmethod
    def made() -> Key:
        """A new key from the system's randomness."""
        name = f"{dt.datetime.now(dt.UTC):%Y%m%d}-{secrets.token_hex(4)}"
        return Key(name, secrets.token_bytes(_BYTES), secrets.token_bytes(_BYTES))


_PASSING: WeakKeyDictionary[Engine, Keys] = WeakKeyDictionary()


class Keys:
    """The keys of a database, the newest last: it seals, and each opens what it sealed."""

    def __init__(self, each: Sequence[Key]) -> None:
        self.each = {key.id: key for key in each}
        self.newest = each[-1]

    def seal(self, text: bytes) -> tuple[str, bytes]:
        """The id of the key, and the text as only that key opens it.

        >>> keys = Keys([Key.made()])
        >>> keys.opened(*keys.seal(b"Ada Sample"))
        b'Ada Sample'
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return self.newest.id, nonce + AESGCM(self.newest.seal).encrypt(nonce, text, self.newest.id.encode())

    def opened(self, key_id: str, sealed: bytes) -> bytes:
        """What was sealed. Raises `StoreError` without its key, or where somebody changed it."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self.each.get(key_id)
        if key is None:
            raise StoreError(f"key {key_id} is not in the key file. {_LOST}")
        try:
            return AESGCM(key.seal).decrypt(sealed[:_NONCE], sealed[_NONCE:], key_id.encode())
        except InvalidTag:
            what = f"data sealed with key {key_id} can't be opened: the data or the key have been altered."
            raise StoreError(f"{what} Restore the database and its key file from a backup.") from None

    def found_by(self, kind: str, authority: str, text: str) -> str:
        """By what a name or number is found: a keyed hash of its normal form."""
        return _hash(self.newest, kind, authority, text)

    def all_found_by(self, kind: str, authority: str, text: str) -> list[str]:
        """The same under every key, for what older keys sealed."""
        return [_hash(key, kind, authority, text) for key in self.each.values()]


def _hash(key: Key, kind: str, authority: str, text: str) -> str:
    return hmac.new(key.find, "\0".join((kind, authority, text)).encode(), hashlib.sha256).hexdigest()


def default_file(database: str) -> Path:
    """Where the key file is unless told otherwise: beside an SQLite file, else among the user's settings.

    >>> str(default_file("sqlite:///clinic.db"))
    'clinic.db.key'
    """
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:":
        return Path(f"{url.database}.key")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "azaward" / "azaward.key"


def keys_of(store: Store, connection: Connection) -> Keys:
    """The keys of an open database. One in memory has keys that end with it."""
    if _is_passing(store):
        return _PASSING.setdefault(store.engine, Keys([Key.made()]))
    return open_keys(file_of(store), connection)


def _is_passing(store: Store) -> bool:
    return store.key_file is None and store.engine.url.database in (None, "", ":memory:")


def file_of(store: Store) -> Path:
    """Where the keys of a store lie."""
    return store.key_file or default_file(store.engine.url.render_as_string(hide_password=False))


def keys_again(store: Store, connection: Connection) -> Keys:
    """The keys as they stand now: another process may have rotated them. What they open was checked at the start."""
    file = file_of(store)
    return read(file) if file.exists() and not _is_passing(store) else keys_of(store, connection)


def needed(connection: Connection) -> list[str]:
    """The keys by which something in the database is sealed, without which it can't be read."""
    return sorted(_needed(connection))


def lacking(connection: Connection, keys: Keys) -> list[str]:
    """The keys that something in the database needs and that are not there."""
    return sorted(_needed(connection) - keys.each.keys())


def open_keys(file: Path, connection: Connection) -> Keys:
    """The keys in a file, which is made if there is none and nothing was sealed yet. Raises `StoreError`."""
    needed = _needed(connection)
    if not file.exists():
        if needed:
            raise StoreError(f"{file}: the key file of this database is missing. {_LOST}")
        keys = Keys([Key.made()])
        write(file, keys)
        return keys
    keys = read(file)
    # Another database's file is refused; one key that is lost must not keep what the others open from being used.
    if needed and not needed & keys.each.keys():
        raise StoreError(f"{file}: key {min(needed)} of this database is not in the file. {_LOST}")
    return keys


def _needed(connection: Connection) -> set[str]:
    """The keys by which something in the database is sealed."""
    return {
        str(key) for table in (identities, unmatched) for key in connection.scalars(sa.select(table.c.key).distinct())
    }


def read(file: Path) -> Keys:
    """The keys in a file. Raises `StoreError` for a file that is none, or that others can read."""
    try:
        if file.stat().st_mode & 0o077:
            raise StoreError(f"{file}: other users can read the key. Restrict it to yourself: chmod 600 {file}")
        content: Any = json.loads(file.read_text(encoding="utf-8"))
        found = [Key(each["id"], bytes.fromhex(each["seal"]), bytes.fromhex(each["find"])) for each in content["keys"]]
        if any(len(part) != _BYTES for key in found for part in (key.seal, key.find)):
            raise ValueError
        return Keys(found)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}. Expected azaward's key file.") from None
    except (ValueError, KeyError, TypeError, IndexError):
        raise StoreError(f"{file}: not azaward's key file. {_LOST}") from None


def write(file: Path, keys: Keys) -> None:
    """Writes a key file that only its owner can read, whole or not at all."""
    content: Mapping[str, Any] = {
        "what": "The key to the names and numbers in azaward's database. Keep a copy elsewhere.",
        "keys": [{"id": key.id, "seal": key.seal.hex(), "find": key.find.hex()} for key in keys.each.values()],
    }
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}. Expected a folder where the key file can be written.") from None
