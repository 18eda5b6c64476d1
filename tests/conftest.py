"""What many tests share: a real PostgreSQL server, a database on each kind of store, and how long proofs run.

What is expensive is made once per run and copied: every process that runs tests shares the server, and the tables that
the migrations make are kept as a database of their own, of which each test gets a copy.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import proof

OF_THE_RUN = "AZAWARD_TESTS_OF_THE_RUN"
_IN_EARNEST = pytest.StashKey[Any]()
_numbers = itertools.count()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proof", action="store_true", help="soaks, kills and fuzzing at full length")


def pytest_configure(config: pytest.Config) -> None:
    proof.at_full_length(bool(config.getoption("--proof")))
    if _begins_here(config):
        # Processes that run tests are children of this one, and find the folder here.
        os.environ[OF_THE_RUN] = tempfile.mkdtemp(prefix="azaward-tests-")
    _hash_quickly(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    """The rules are compiled once, before anything that rests on them: one that lacks its words is said once."""
    if _begins_here(session.config):
        from azaward.errors import KnowledgeError
        from azaward.knowledge import load
        from azaward.rules.pipeline import compiled

        try:
            for dialect in ("sqlite", "duckdb"):
                compiled(load().parameters, dialect)
        except KnowledgeError as error:
            raise pytest.UsageError(*str(error).splitlines()) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    if _begins_here(config) and (folder := os.environ.pop(OF_THE_RUN, None)):
        server = Path(folder) / "postgresql"
        if (server / "data" / "postmaster.pid").exists():
            _control(server, "-s", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _begins_here(config: pytest.Config) -> bool:
    return not hasattr(config, "workerinput")


def _hash_quickly(config: pytest.Config) -> None:
    """Argon2 as ever, at a small part of the cost: nearly every test of the pages signs somebody in.

    `in_earnest` gives a test the hashes that people's passwords get.
    """
    from argon2 import PasswordHasher

    from azaward.store import passwords

    config.stash[_IN_EARNEST] = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=256, parallelism=1)
    passwords._NOBODY = passwords._hasher.hash("nobody")


@pytest.fixture
def in_earnest(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed as a clinic's are."""
    from azaward.store import passwords

    hasher = pytestconfig.stash[_IN_EARNEST]
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody"))


@contextmanager
def _one_process_at_a_time() -> Iterator[Path]:
    """The folder of the run, which no other process of it changes meanwhile."""
    folder = Path(os.environ[OF_THE_RUN])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


@pytest.fixture(scope="session")
def postgresql() -> str:
    """The folder of the socket of a PostgreSQL server that is this test run's own; whoever needs it first starts it."""
    with _one_process_at_a_time() as folder:
        server = folder / "postgresql"
        if not server.exists():
            _start(server)
    return str(server)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    assert found, "PostgreSQL is missing: make test installs it, or: apt-get install postgresql"
    return found[-1]


def _as_postgres(server: Path) -> dict[str, Any]:
    # PostgreSQL refuses to run as root.
    root: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    return {"check": True, "cwd": server, **root}


def _control(server: Path, *words: str) -> None:
    subprocess.run([_programs() / "pg_ctl", "-D", server / "data", *words], **_as_postgres(server))


def _start(server: Path) -> None:
    server.parent.chmod(0o711)
    server.mkdir()
    if os.geteuid() == 0:
        shutil.chown(server, "postgres", "postgres")
    command = [_programs() / "initdb", "-D", server / "data", "-A", "trust", "-U", "azaward", "-E", "UTF8", "-N"]
    subprocess.run(command, capture_output=True, **_as_postgres(server))
    # No test crashes this server or its machine, so commits need not reach the disk.
    options = f"-c listen_addresses= -c unix_socket_directories={server} -c max_connections=400 -c fsync=off"
    _control(server, "-s", "-w", "-l", str(server / "log"), "-o", options, "start")


def new_database(socket: str, copied_from: str = "template1") -> str:
    """The URL of a fresh database on the server at this socket."""
    import psycopg

    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}_{next(_numbers)}"
    with psycopg.connect(f"host={socket} user=azaward dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {copied_from}")
    return f"postgresql://azaward@/{name}?host={socket}"


class Templates:
    """Databases that are made once and copied: a copy costs a small part of what is in it."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest) -> None:
        self._folder, self._request = folder, request
        self._made: dict[tuple[str, str], str] = {}

    def copy(self, kind: str, file: Path, name: str, furnish: Callable[[str], None]) -> str:
        """The URL of a copy, at `file` where it is SQLite; `furnish` fills the first of this name, given its URL."""
        if (kind, name) not in self._made:
            made = self._empty(kind, self._folder / f"{name}.db", "template1")
            furnish(made)
            self._made[kind, name] = made
        return self._empty(kind, file, self._made[kind, name])

    def _empty(self, kind: str, file: Path, copied_from: str) -> str:
        if kind == "postgresql":
            name = copied_from.removeprefix("postgresql://azaward@/").partition("?")[0]
            return new_database(self._request.getfixturevalue("postgresql"), name)
        if copied_from != "template1":
            shutil.copy(copied_from.removeprefix("sqlite:///"), file)
        return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def templates(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"), request)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of database in turn."""
    return request.param


def with_tables(address: str) -> None:
    """azaward's tables, with nothing in them."""
    from azaward.store import Store

    Store.open(address).close()


@pytest.fixture
def database(kind: str, templates: Templates, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database, on each kind of store in turn: without tables, unless the test asks for a store too."""
    file = tmp_path / "store.db"
    if "store" in request.fixturenames:
        return templates.copy(kind, file, "tables", with_tables)
    return f"sqlite:///{file}" if kind == "sqlite" else new_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(database: str) -> Iterator[Any]:
    """An open store with azaward's tables, on each kind of database in turn."""
    from azaward.store import Store

    opened = Store.open(database)
    yield opened
    opened.close()
