"""Limits repeated failures to sign in.

Every attempt is counted before it is checked, so that simultaneous attempts can't bypass the limit; a successful one is
removed again. Logins are stored as digests, because people sometimes type passwords into the wrong field.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.store.database import Store
from azaward.store.schema import attempts, audit_head

WITHIN = dt.timedelta(minutes=15)
BY_LOGIN, BY_ADDRESS = 5, 20


class TooManyError(StoreError):
    """There were too many failures; `seconds` is the time until the next attempt."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        minutes = -(-seconds // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many failed attempts. Try again in {minutes} {unit}, or ask your clinic.")


def claim(store: Store, login: str, address: str, now: dt.datetime) -> int:
    """Counts an attempt and returns its number. Raises `TooManyError` if there were too many before it.

    An empty login (a passkey reveals it only afterwards) is subject only to the limit for the address.
    """
    name, network = key_of(login), network_of(address)
    with store.write() as connection:
        # Writers meet here, so that of two tries at once each sees the other.
        connection.execute(sa.select(audit_head.c.id).with_for_update())
        connection.execute(sa.delete(attempts).where(attempts.c.at <= now - WITHIN))
        waits = [_wait(connection, attempts.c.address == network, BY_ADDRESS, now)]
        if login:
            waits.append(_wait(connection, attempts.c.login == name, BY_LOGIN, now))
        if (wait := max(waits)) > 0:
            raise TooManyError(wait)
        made = sa.insert(attempts).values(login=name, address=network, at=now).returning(attempts.c.id)
        return int(connection.execute(made).scalar_one())


def forget(connection: Connection, number: int | None = None, login: str | None = None) -> None:
    """Removes a successful attempt, or all attempts for a login once it is fully signed in."""
    if number is not None:
        connection.execute(sa.delete(attempts).where(attempts.c.id == number))
    if login is not None:
        connection.execute(sa.delete(attempts).where(attempts.c.login == key_of(login)))


def key_of(login: str) -> str:
    """The key under which attempts for a login are counted."""
    return hashlib.sha256(login.strip().casefold().encode()).hexdigest()


def network_of(address: str) -> str:
    """The key under which attempts from an address are counted; an IPv6 network counts as one.

    >>> network_of("2001:db8::1:2:3:4"), network_of("192.0.2.7")
    ('2001:db8::/64', '192.0.2.7')
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def _wait(connection: Connection, which: sa.ColumnElement[bool], limit: int, now: dt.datetime) -> int:
    """The number of seconds until another attempt is within the limit."""
    tries = sa.select(attempts.c.at).where(which, attempts.c.at > now - WITHIN)
    held = list(connection.scalars(tries.order_by(attempts.c.at.desc()).limit(limit)))
    if len(held) < limit:
        return 0
    return max(1, int((held[-1] + WITHIN - now).total_seconds()) + 1)
