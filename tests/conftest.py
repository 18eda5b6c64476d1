"""What many tests stand on: a real PostgreSQL server, a database on each kind of store, and how long proofs run.

What is dear is made once for a run and copied: every process that runs tests shares the server, and the tables that
the migrations make are kept as a database of their own, of which each test gets a copy.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests import proof

OF_THE_RUN = "AZAWARD_TESTS_OF_THE_RUN"
WITH_TABLES = "with_tables"
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
    """The rules are compiled once where several processes would each do it at the same moment."""
    if getattr(session.config.option, "numprocesses", None) and _begins_here(session.config):
        from azaward.knowledge import load
        from azaward.rules.pipeline import compiled

        for dialect in ("sqlite", "duckdb"):
            compiled({row.id: row.value for row in load().tables["parameters"]}, dialect)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _begins_here(config) and (folder := os.environ.pop(OF_THE_RUN, None)):
        server = Path(folder) / "postgresql"
        if (server / "data" / "postmaster.pid").exists():
            _control(server, "-m", "immediate", "stop")
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
    # The server itself is never killed here, nor is its machine: what it says is kept need not reach the disk.
    options = f"-c listen_addresses= -c unix_socket_directories={server} -c max_connections=400 -c fsync=off"
    _control(server, "-s", "-w", "-l", str(server / "log"), "-o", options, "start")
    from azaward.store import Store

    Store.open(new_database(str(server), name=WITH_TABLES)).close()


def new_database(socket: str, copied_from: str = "template1", name: str | None = None) -> str:
    """The URL of a fresh database on the server at this socket."""
    import psycopg

    name = name or f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}_{next(_numbers)}"
    with psycopg.connect(f"host={socket} user=azaward dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {copied_from}")
    return f"postgresql://azaward@/{name}?host={socket}"


@pytest.fixture(scope="session")
def sqlite_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with azaward's tables and nothing in them, to be copied."""
    from azaward.store import Store

    path = tmp_path_factory.mktemp("tables") / "store.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database, on each kind of store in turn: without tables, unless the test asks for a store too."""
    opened = "store" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "store.db"
        if opened:
            shutil.copy(request.getfixturevalue("sqlite_with_tables"), path)
        return f"sqlite:///{path}"
    return new_database(request.getfixturevalue("postgresql"), WITH_TABLES if opened else "template1")


@pytest.fixture
def store(database: str) -> Iterator[Any]:
    """An open store with azaward's tables, on each kind of database in turn."""
    from azaward.store import Store

    opened = Store.open(database)
    yield opened
    opened.close()
