"""Hashes passwords and checks their strength.

Passwords are stored as argon2 hashes. Only a few are computed at a time, because each needs a lot of memory.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from azaward.errors import StoreError

SHORTEST, LONGEST = 12, 1000
_FEWEST_CHARACTERS = 5
_hasher = PasswordHasher()
_at_once = threading.BoundedSemaphore(4)


class PasswordError(StoreError):
    """The password is not acceptable; one line gives the reason."""


def check(password: str, login: str = "") -> None:
    """Raises `PasswordError` if a password is too short, too long, too simple, or the same as the login.

    >>> check("correct horse battery")
    >>> check("short")
    Traceback (most recent call last):
    ...
    azaward.store.passwords.PasswordError: password: 5 characters. Expected at least 12.
    """
    if len(password) < SHORTEST:
        raise PasswordError(f"password: {len(password)} characters. Expected at least {SHORTEST}.")
    if len(password) > LONGEST:
        raise PasswordError(f"password: {len(password)} characters. Expected at most {LONGEST}.")
    if len(set(password)) < _FEWEST_CHARACTERS:
        raise PasswordError(f"password: expected at least {_FEWEST_CHARACTERS} different characters.")
    if login and password.casefold() == login.casefold():
        raise PasswordError("password: the same as the login. Choose another.")


def hash_of(password: str) -> str:
    """The stored hash of a password."""
    with _at_once:
        return _hasher.hash(_plain(password))


# So that an unknown login takes as long to refuse as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


def fits(held: str | None, password: str) -> bool:
    """Whether a password matches a hash; without a hash, False takes just as long."""
    with _at_once:
        try:
            _hasher.verify(held or _NOBODY, _plain(password))
        except (VerificationError, InvalidHashError):
            return False
    return held is not None


def is_old(held: str) -> bool:
    """Whether a hash was made with outdated parameters."""
    return _hasher.check_needs_rehash(held)


def _plain(password: str) -> str:
    # One keyboard sends an accented letter as one character, another as two.
    return unicodedata.normalize("NFKC", password)
