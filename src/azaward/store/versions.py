"""Which version of the tables does a database have, and how does it get to this program's?

Alembic's migrations stand in `migrations/versions/`, one a change. A database of a newer version is left alone.
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
    """The version that this program's tables have."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


def known() -> frozenset[str]:
    """Every version that this program can bring up to date."""
    return frozenset(script.revision for script in ScriptDirectory.from_config(config()).walk_revisions())


def bring_up_to_date(engine: Engine, name: str) -> None:
    """Makes the tables, or changes them to this program's version, in one transaction."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        if current == newest():
            return
        if current is not None and current not in known():
            raise StoreError(
                f"{name}: its tables are of version {current}, newer than this program's {newest()}. "
                "Use the newer azaward, or restore a backup of this one."
            )
        if current is None and (tables := inspect(connection).get_table_names()):
            raise StoreError(f"{name}: holds other tables ({tables[0]}) and none of azaward's. Give it one of its own.")
    with engine.connect().execution_options(azaward_writes=True) as connection, connection.begin():
        command.upgrade(config(connection), "head")
