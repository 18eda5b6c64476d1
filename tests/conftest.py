"""What many tests stand on: a real PostgreSQL server, and a database on each kind of store."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The folder of the socket of a PostgreSQL server that is this test run's own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    assert programs, "PostgreSQL is missing: make test installs it, or: apt-get install postgresql"
    folder = Path(tempfile.mkdtemp(prefix="azaward-postgresql-"))
    # PostgreSQL refuses to run as root.
    as_postgres: dict[str, Any] = {}
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        as_postgres = {"user": "postgres", "group": "postgres", "extra_groups": []}
    quiet: dict[str, Any] = {"check": True, "capture_output": True, "cwd": folder, **as_postgres}
    data = folder / "data"
    subprocess.run([programs[-1] / "initdb", "-D", data, "-A", "trust", "-U", "azaward", "-E", "UTF8"], **quiet)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
    control = programs[-1] / "pg_ctl"
    log = folder / "log"
    subprocess.run([control, "-D", data, "-w", "-l", log, "-o", options, "start"], **{**quiet, "capture_output": False})
    yield str(folder)
    subprocess.run([control, "-D", data, "-m", "immediate", "stop"], **quiet)
    shutil.rmtree(folder, ignore_errors=True)


def new_database(socket: str) -> str:
    """The URL of a fresh database on the server at this socket."""
    import psycopg

    name = f"test{next(_numbers)}"
    with psycopg.connect(f"host={socket} user=azaward dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://azaward@/{name}?host={socket}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, on each kind of store in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return new_database(request.getfixturevalue("postgresql"))


@pytest.fixture
def store(database: str) -> Iterator[Any]:
    """An open store with azaward's tables, on each kind of database in turn."""
    from azaward.store import Store

    opened = Store.open(database)
    yield opened
    opened.close()
