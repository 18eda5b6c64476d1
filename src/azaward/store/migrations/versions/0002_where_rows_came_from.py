"""Which resource a row came from and which version of it, and what more is known of medicines and results."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_IDENTITY = ("resource", "version")
_COLUMNS = {
    "patients": _IDENTITY,
    "exposures": ("status", "may_be", *_IDENTITY),
    "results": ("specimen", "flag", "doubt", "zone", *_IDENTITY),
    "genotypes": _IDENTITY,
    "events": _IDENTITY,
    "contacts": _IDENTITY,
    "set_aside": _IDENTITY,
}


def upgrade() -> None:
    """To this version."""
    for table, columns in _COLUMNS.items():
        for column in columns:
            op.add_column(table, sa.Column(column, sa.Text(), nullable=True))
    op.add_column("set_aside", sa.Column("on", sa.Date(), nullable=True))
