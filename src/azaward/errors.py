"""The errors that users see: one line with the place, what was found, what was expected and what to do. An error that
the user did not cause is not a `UserError`; it goes to the log with its traceback.
"""

from __future__ import annotations


class UserError(ValueError):
    """The base of every error that a user sees. Its text is one line for each fault.

    >>> print(UserError.of("results.csv line 14", "neutrophils without a unit", "'10*9/L'", "Ask the laboratory."))
    results.csv line 14: neutrophils without a unit; expected '10*9/L'. Ask the laboratory.
    """

    @classmethod
    def of(cls, place: str, found: str, expected: str = "", what_to_do: str = "") -> UserError:
        """The error from its parts; `expected` and `what_to_do` may be empty, `what_to_do` is a sentence."""
        line = f"{place}: {found}" + (f"; expected {expected}" if expected else "")
        return cls(f"{line}. {what_to_do}" if what_to_do else line)


class InputError(UserError):
    """The input can't be used. The text names the file, the place in it, the fault and the remedy."""


class KnowledgeError(UserError):
    """A knowledge file can't be used. The text is one line for each fault."""


class StoreError(UserError):
    """The database can't be used. The text names the database, the reason and the remedy."""


class FullError(StoreError):
    """The disk is full. The change was rolled back."""
