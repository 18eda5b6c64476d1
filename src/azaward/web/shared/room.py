"""What does every page need: the database, the knowledge, the audit trail of reads, and which day it is?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from azaward.knowledge import Knowledge
from azaward.store.audit import Reads
from azaward.store.database import Store
from azaward.wording import Words


@dataclass(frozen=True)
class OpenIDConnect:
    """A hospital's identity provider: its address, and what it knows this program as."""

    issuer: str
    client_id: str
    client_secret: str


@dataclass(frozen=True)
class Examples:
    """The accounts of the example clinic, which anybody may sign in to: their logins, and the password of each."""

    logins: tuple[str, ...]
    password: str


@dataclass(frozen=True)
class Settings:
    """How this server was started.

    `demo` is set where it shows the example clinic and nobody real; `today` fixes the day, for examples; `secure` is
    for https in front of it.
    """

    demo: Examples | None = None
    secure: bool = False
    today: dt.date | None = None
    largest_upload: int = 100_000_000
    oidc: OpenIDConnect | None = None


@dataclass(frozen=True)
class Room:
    """What pages share for as long as the server runs; `notes` holds what the first visit needs to know."""

    store: Store
    knowledge: Knowledge
    words: Words
    reads: Reads
    settings: Settings = Settings()
    notes: dict[str, Any] = field(default_factory=dict[str, Any])

    def today(self) -> dt.date:
        """The day that counts as today, asked once a request."""
        return self.settings.today or dt.date.today()


def room_of(request: Request) -> Room:
    """The room of the server that got this request."""
    room: Room = request.app.state.room
    return room


def now() -> dt.datetime:
    """This moment, in UTC."""
    return dt.datetime.now(dt.UTC)


Model = Mapping[str, Any]
