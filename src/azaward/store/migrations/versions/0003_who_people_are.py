"""Which version of each resource stands, who people are (sealed), which records are of one person, and what waits."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _of_clinic(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=f"fk_{table}_clinic_id")


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "resources",
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        _of_clinic("resources"),
        sa.PrimaryKeyConstraint("clinic_id", "patient_id", "resource", name="pk_resources"),
    )
    op.create_index("ix_resources_named", "resources", ["clinic_id", "resource"])
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("patient_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("entered_by", sa.Text(), nullable=False),
        _moment("entered_at"),
        _of_clinic("identities"),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint(
            "clinic_id", "patient_id", "kind", "found_by", name="uq_identities_clinic_id_patient_id_kind_found_by"
        ),
    )
    op.create_index("ix_identities_found", "identities", ["clinic_id", "kind", "found_by"])
    op.create_table(
        "pairs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("one", sa.Text(), nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        _moment("found_at"),
        sa.Column("decided", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        _moment("decided_at", nullable=True),
        sa.Column("decided_why", sa.Text(), nullable=True),
        _of_clinic("pairs"),
        sa.PrimaryKeyConstraint("id", name="pk_pairs"),
        sa.UniqueConstraint("clinic_id", "one", "other", name="uq_pairs_clinic_id_one_other"),
    )
    op.create_table(
        "merges",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("given_up", sa.Text(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        _moment("at"),
        sa.Column("undone_by", sa.Text(), nullable=True),
        _moment("undone_at", nullable=True),
        sa.Column("undone_why", sa.Text(), nullable=True),
        _of_clinic("merges"),
        sa.PrimaryKeyConstraint("id", name="pk_merges"),
    )
    op.create_index("ix_merges_of", "merges", ["clinic_id", "given_up"])
    op.create_table(
        "messages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("control", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        _moment("at"),
        _of_clinic("messages"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("clinic_id", "sender", "control", name="uq_messages_clinic_id_sender_control"),
    )
    op.create_table(
        "unmatched",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("clinic_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("severe", sa.Text(), nullable=True),
        _moment("at"),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        _moment("resolved_at", nullable=True),
        sa.Column("resolved_how", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        _of_clinic("unmatched"),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_unmatched_message_id"),
        sa.PrimaryKeyConstraint("id", name="pk_unmatched"),
    )
    op.create_index("ix_unmatched_of", "unmatched", ["clinic_id", "resolved_at"])
