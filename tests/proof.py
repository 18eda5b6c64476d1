"""How long does a proof run? A short while with every change; at full length with `pytest --proof`.

Kills, soaks and fuzzing prove more the longer they run. `make test` runs a few rounds of each, so that a proof that no
longer works is noticed at once; `scripts/proof.py` runs the same tests at full length and writes down the results.
"""

from __future__ import annotations

_full_length = False


def at_full_length(whether: bool) -> None:
    """Said once, before tests are collected."""
    global _full_length
    _full_length = whether


def rounds(short: int, long: int) -> int:
    """How many rounds, files or examples a proof has: `long` with `--proof`."""
    return long if _full_length else short
