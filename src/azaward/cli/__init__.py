"""The command line: the words of docs/commands.md, typed; one module a command.

Whatever can't be used is said in one line on stderr and ends with exit code 1; what was typed wrongly ends with 2.
"""

from __future__ import annotations

from azaward.cli import advise, assess, check, cite, cohort, genotype, guides, knowledge, serve, store
from azaward.cli.edge import app

__all__ = [
    "advise",
    "app",
    "assess",
    "check",
    "cite",
    "cohort",
    "genotype",
    "guides",
    "knowledge",
    "main",
    "serve",
    "store",
]


def main() -> None:
    """The program."""
    app()
