"""Refuses what isn't a file with an end: a pipe may never begin, and a device may never stop."""

from __future__ import annotations

from pathlib import Path

from azaward.errors import InputError

RECORD = "Expected a FHIR Bundle, HL7 messages, a folder of tables or azaward's own JSON."


def regular(path: Path, expected: str = RECORD) -> Path:
    """The path itself, if it is a file or a folder, or isn't there. Raises a one-line `InputError`.

    >>> regular(Path("/dev/zero"), "Expected a list.")
    Traceback (most recent call last):
    azaward.errors.InputError: /dev/zero: not a regular file. Expected a list.
    """
    try:
        odd = path.exists() and not path.is_file() and not path.is_dir()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. {expected}") from None
    if odd:
        raise InputError(f"{path}: not a regular file. {expected}")
    return path
