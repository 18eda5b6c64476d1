"""What is said where a part of azaward is asked for that wasn't installed with it?

Large libraries that only some need come with an extra of their own. Whoever reaches for one asks here: the library is
there, or one line names it, the extra and the command that brings it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


class MissingExtraError(RuntimeError):
    """A library isn't there: one line that says what needs it, and the command that brings it."""

    def __init__(self, what: str, module: str, extra: str) -> None:
        super().__init__(
            f"{what} needs azaward's {extra} part: pip install 'azaward[{extra}]' (there is no {module} yet)"
        )
        self.module, self.extra = module, extra


def is_there(module: str) -> bool:
    """Whether a library could be imported, without importing it.

    >>> is_there("json"), is_there("no_such_library")
    (True, False)
    """
    return find_spec(module) is not None


def needed(module: str, extra: str, what: str) -> Any:
    """The library `module`, which the extra `extra` brings; `MissingExtraError` where it isn't there.

    >>> needed("json", "cohort", "a test").dumps(1)
    '1'
    >>> needed("no_such_library", "cohort", "a nation")
    Traceback (most recent call last):
    azaward.extras.MissingExtraError: a nation needs azaward's cohort part: pip install 'azaward[cohort]' (there is no
    no_such_library yet)
    """
    if not is_there(module):
        raise MissingExtraError(what, module, extra)
    return import_module(module)
