"""Checks the version of a database's tables and upgrades them to the version of this program.

Alembic's migrations are in `migrations/versions/`, one for each change. A database of a newer version is not changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, inspect
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


def not_migrated(connection: Connection, metadata: MetaData) -> list[str]:
    """A line for each difference between the tables in the code and those that the migrations make."""
    from alembic.autogenerate import compare_metadata

    differences: list[Any] = compare_metadata(MigrationContext.configure(connection), metadata)
    return [_difference(one) for change in differences for one in (change if isinstance(change, list) else [change])]


def _difference(change: Any) -> str:
    where = "Add a migration to src/azaward/store/migrations/versions/."
    match change:
        case ("add_table", table):
            return f"table {table.name} is in the code, but no migration makes it. {where}"
        case ("add_column", _, table, column):
            return f"column {table}.{column.name} is in the code, but no migration makes it. {where}"
        case (what, *rest):
            return f"{what} {rest}: the code and the migrations differ. {where}"
        case _:
            return f"{change}: the code and the migrations differ. {where}"
