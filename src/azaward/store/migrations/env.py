"""Runs azaward's migrations on the connection that it is given."""

from typing import Literal

from alembic import context

from azaward.store.schema import Moment, metadata


def _moment(kind: str, item: object, _: object) -> str | Literal[False]:
    """A migration keeps to SQLAlchemy's own types: what `Moment` is may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True, render_item=_moment)
context.run_migrations()
