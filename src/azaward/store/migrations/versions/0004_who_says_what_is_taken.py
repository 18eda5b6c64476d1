"""Whether an exposure is an order, a report of what is taken, a supply or an administration."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """To this version."""
    op.add_column("exposures", sa.Column("told_as", sa.Text(), nullable=True))
