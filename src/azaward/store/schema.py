"""The tables of a clinic's database.

They include the six tables of a record, as in `record/tables.py`, with the author and time of each row; assessments;
decisions; accounts; and the audit trail. Rows of the six tables are never changed. A mistake is struck out, with the
person and the reason, and a correction is a new row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

from azaward.record.tables import TABLES, Type

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_SQL: Mapping[Type, Any] = {"string": Text, "date": Date, "float": Float}


class Moment(TypeDecorator[dt.datetime]):
    """A UTC timestamp, with its time zone on either database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """In UTC; a moment without a time zone is refused."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a timestamp without a time zone: {value}")
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """SQLite keeps no time zone: what was stored is UTC."""
        return None if value is None else value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value


def _key() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _clinic(**options: Any) -> Column[str]:
    return Column("clinic_id", Text, ForeignKey("clinics.id"), nullable=False, **options)


def _at(name: str, nullable: bool = False) -> Column[Any]:
    return Column(name, Moment, nullable=nullable)


clinics = Table(
    "clinics",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("phone", Text),
    Column("protocol", Text, nullable=False, default="auto"),
    # Counts every change in the clinic, so that open pages know when to look again.
    Column("changes", Integer, nullable=False, default=0),
    _at("created_at"),
)

imports = Table(
    "imports",
    metadata,
    _key(),
    _clinic(index=True),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("by", Text, nullable=False),
    _at("at"),
    Column("rows", Integer, nullable=False),
    Column("new_rows", Integer, nullable=False),
    Column("patients", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
    UniqueConstraint("clinic_id", "digest"),
)


def _rows_of(name: str) -> Table:
    """One of the six tables, with where each row came from and whether it was struck out."""
    return Table(
        name,
        metadata,
        _key(),
        _clinic(),
        *(Column(column.name, _SQL[column.type], nullable=column.name != "patient_id") for column in TABLES[name]),
        # Of the row's cells: the same row again is no new row.
        Column("digest", Text, nullable=False),
        Column("import_id", Integer, ForeignKey("imports.id")),
        Column("entered_by", Text, nullable=False),
        _at("entered_at"),
        Column("struck_by", Text),
        _at("struck_at", nullable=True),
        Column("struck_why", Text),
        UniqueConstraint("clinic_id", "digest"),
        Index(f"ix_{name}_of", "clinic_id", "patient_id"),
    )


RECORD: Mapping[str, Table] = {name: _rows_of(name) for name in TABLES}

set_aside = Table(
    "set_aside",
    metadata,
    _key(),
    _clinic(),
    Column("import_id", Integer, ForeignKey("imports.id"), index=True),
    Column("patient_id", Text),
    Column("where", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("resource", Text),
    Column("version", Text),
    Column("on", Date),
    Column("resolved_by", Text),
    _at("resolved_at", nullable=True),
    Column("resolved_why", Text),
    Index("ix_set_aside_of", "clinic_id", "patient_id"),
)

# Which version of each resource stands: an earlier one that arrives later changes nothing. The same id may be another
# patient's where nothing says which server it comes from.
resources = Table(
    "resources",
    metadata,
    _clinic(primary_key=True),
    Column("patient_id", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("gone", Boolean, nullable=False),
    Index("ix_resources_named", "clinic_id", "resource"),
)

# Who people are: names, birth dates, numbers with their authority. Sealed with a key that is not in the database, and
# found by a keyed hash of the normal form.
identities = Table(
    "identities",
    metadata,
    _key(),
    _clinic(),
    Column("patient_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("authority", Text),
    Column("found_by", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("entered_by", Text, nullable=False),
    _at("entered_at"),
    UniqueConstraint("clinic_id", "patient_id", "kind", "found_by"),
    Index("ix_identities_found", "clinic_id", "kind", "found_by"),
)

# Two records that may be of one person, and what was decided.
pairs = Table(
    "pairs",
    metadata,
    _key(),
    _clinic(),
    Column("one", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("why", Text, nullable=False),
    _at("found_at"),
    Column("decided", Text),
    Column("decided_by", Text),
    _at("decided_at", nullable=True),
    Column("decided_why", Text),
    UniqueConstraint("clinic_id", "one", "other"),
)

# Records of one person: the rows of an id that is given up are read with those of the id that is kept. No row moves, so
# that what was joined can be separated again.
merges = Table(
    "merges",
    metadata,
    _key(),
    _clinic(),
    Column("given_up", Text, nullable=False),
    Column("kept", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    _at("at"),
    Column("undone_by", Text),
    _at("undone_at", nullable=True),
    Column("undone_why", Text),
    Index("ix_merges_of", "clinic_id", "given_up"),
)

# Every message that was answered, so that the same message gets the same answer and nothing is stored twice.
messages = Table(
    "messages",
    metadata,
    _key(),
    _clinic(),
    Column("sender", Text, nullable=False),
    Column("control", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    _at("at"),
    UniqueConstraint("clinic_id", "sender", "control"),
)

# The tray of messages about nobody known here, sealed; somebody empties it.
unmatched = Table(
    "unmatched",
    metadata,
    _key(),
    _clinic(),
    Column("message_id", Integer, ForeignKey("messages.id")),
    Column("sender", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("key", Text, nullable=False),
    Column("why", Text, nullable=False),
    # The finding of a severe value in it, which is work for the same day.
    Column("severe", Text),
    _at("at"),
    Column("resolved_by", Text),
    _at("resolved_at", nullable=True),
    Column("resolved_how", Text),
    Column("patient_id", Text),
    Index("ix_unmatched_of", "clinic_id", "resolved_at"),
)

# What was worked out of a patient's rows, and how often they or it changed: the version that a decision rests on.
assessments = Table(
    "assessments",
    metadata,
    _clinic(primary_key=True),
    Column("patient_id", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("as_of", Date, nullable=False, index=True),
    _at("assessed_at"),
    Column("knowledge", Text, nullable=False),
    Column("document", LargeBinary, nullable=False),
)

# A line of the worklist a patient, kept ready: what it costs to show doesn't grow with the results.
worklist = Table(
    "worklist",
    metadata,
    _clinic(primary_key=True),
    Column("patient_id", Text, primary_key=True),
    Column("urgency", Integer, nullable=False),
    Column("action", Integer, nullable=False),
    Column("since", Date, nullable=False),
    Column("headline", Text, nullable=False),
    Column("doing", Text, nullable=False),
    Column("others", Integer, nullable=False),
    Column("hidden", Integer, nullable=False),
    Column("test_due_on", Date),
    Column("overdue_days", Integer),
    Column("who", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("indication", Text),
    Column("assigned_to", Text),
    Column("note", Text),
    Column("search", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Index("ix_worklist_order", "clinic_id", "urgency", "action", "since", "patient_id"),
)

# Findings that someone has dealt with, until when, and how. A finding is known by what it says, so that a new
# value, or a more urgent one, is a new finding.
handled = Table(
    "handled",
    metadata,
    _key(),
    _clinic(),
    Column("patient_id", Text, nullable=False),
    Column("finding", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("until", Date, nullable=False),
    Column("by", Text, nullable=False),
    _at("at"),
    Index("ix_handled_of", "clinic_id", "patient_id"),
)

decisions = Table(
    "decisions",
    metadata,
    _key(),
    _clinic(),
    Column("patient_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("findings", Text, nullable=False),
    Column("by", Text, nullable=False),
    _at("at"),
    Index("ix_decisions_of", "clinic_id", "patient_id"),
)

questions = Table(
    "questions",
    metadata,
    _key(),
    _clinic(),
    Column("patient_id", Text, nullable=False),
    Column("words", Text, nullable=False),
    _at("at"),
    _at("answered_at", nullable=True),
    Index("ix_questions_of", "clinic_id", "patient_id"),
)

users = Table(
    "users",
    metadata,
    _key(),
    _clinic(index=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # Whose record a patient may see.
    Column("patient_id", Text),
    Column("password_hash", Text),
    Column("totp_secret", Text),
    # The last time step whose code was used: a code counts once.
    Column("totp_step", Integer, nullable=False, default=0),
    # Who the hospital's identity provider says this is.
    Column("oidc_subject", Text, unique=True),
    Column("disabled", Boolean, nullable=False, default=False),
    _at("created_at"),
)

passkeys = Table(
    "passkeys",
    metadata,
    _key(),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", Integer, nullable=False),
    Column("name", Text, nullable=False),
    _at("created_at"),
)

sessions = Table(
    "sessions",
    metadata,
    # Of the token that the browser holds; the token itself is nowhere.
    Column("digest", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("csrf", Text, nullable=False),
    # Signed in wholly: the second factor too, where there is one.
    Column("whole", Boolean, nullable=False),
    _at("created_at"),
    _at("seen_at"),
    _at("ends_at"),
    # What a sign-in in several steps has to remember, such as a passkey's challenge.
    Column("step", Text),
)

tokens = Table(
    "tokens",
    metadata,
    _key(),
    Column("digest", Text, nullable=False, unique=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    _at("created_at"),
    _at("ends_at"),
    _at("revoked_at", nullable=True),
)

invitations = Table(
    "invitations",
    metadata,
    _key(),
    Column("digest", Text, nullable=False, unique=True),
    _clinic(),
    Column("role", Text, nullable=False),
    Column("patient_id", Text),
    Column("by", Text, nullable=False),
    _at("created_at"),
    _at("ends_at"),
    _at("used_at", nullable=True),
    # Whose new password it lets them choose, where it isn't for a new account.
    Column("user_id", Integer, ForeignKey("users.id")),
)

attempts = Table(
    "attempts",
    metadata,
    _key(),
    Column("login", Text, nullable=False),
    Column("address", Text, nullable=False),
    _at("at"),
    Index("ix_attempts_of", "login", "at"),
    Index("ix_attempts_from", "address", "at"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    # As written in the link, so that it can be worked out again to the letter.
    Column("at", Text, nullable=False),
    Column("clinic_id", Text),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text),
    Column("detail", Text, nullable=False),
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("ix_audit_of", "clinic_id", "subject"),
)

# One row: the last link of the chain, locked by whoever adds the next.
audit_head = Table(
    "audit_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)
