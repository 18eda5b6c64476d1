"""Checks the version of a database's tables and upgrades them to the version of this program.

Alembic's migrations are in `migrations/versions/`, one for each change. A database of a newer version is not changed.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.engine import Connection, Engine

from azaward.errors import StoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings, for this connection."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["connection"] = connection
    return made


def newest() -> str:
    """The version of this program's tables."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def known() -> frozenset[str]:
    """Every version that this program can upgrade."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def bring_up_to_date(engine: Engine, name: str) -> None:
    """Creates the tables, or upgrades them to this program's version, in one transaction."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == newest():
            return
        if current is not None and current not in known():
            raise StoreError(
                f"{name}: its tables have version {current}, newer than this program's {newest()}. "
                "Use the newer version of azaward, or restore a backup from this one."
            )
        if current is None and (tables := inspect(connection).get_table_names()):
            raise StoreError(f"{name}: contains tables ({tables[0]}), but not azaward's. Use a separate database.")
    with engine.connect().execution_options(azaward_writes=True) as connection, connection.begin():
        command.upgrade(config(connection), "head")
