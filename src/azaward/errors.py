"""What a user is told when something can't be used: one line that says where, what was found, what was expected, and
what to do. Whatever a user did not cause is no `UserError` and goes to the log with its traceback.
"""

from __future__ import annotations


class UserError(ValueError):
    """The base of every error that a user sees. Its text is one line, or one line a fault where there are several.

    >>> print(UserError.of("results.csv line 14", "neutrophils without a unit", "'10*9/L'", "Ask the laboratory."))
    results.csv line 14: neutrophils without a unit; expected '10*9/L'. Ask the laboratory.
    """

    @classmethod
    def of(cls, place: str, found: str, expected: str = "", what_to_do: str = "") -> UserError:
        """The error from its parts; `expected` and `what_to_do` may be empty, `what_to_do` is a sentence."""
        line = f"{place}: {found}" + (f"; expected {expected}" if expected else "")
        return cls(f"{line}. {what_to_do}" if what_to_do else line)


class InputError(UserError):
    """The input can't be used: which file, where in it, what was wrong, what to do."""


class KnowledgeError(UserError):
    """A file of knowledge can't be used; the text is one line a fault."""


class StoreError(UserError):
    """The database can't be used: which one, why, and what to do."""


class FullError(StoreError):
    """There is no room left on the disk; nothing of the change was kept."""
