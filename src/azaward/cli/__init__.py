"""The command line described in docs/commands.md, with one module for each command.

Unusable input is reported in one line on stderr with exit code 1. A usage error gives exit code 2.
"""

from __future__ import annotations

from azaward.cli import (
    advise,
    arrivals,
    assess,
    check,
    cite,
    cohort,
    genotype,
    guides,
    knowledge,
    people,
    serve,
    store,
    tray,
)
from azaward.cli.edge import app

__all__ = [
    "advise",
    "app",
    "arrivals",
    "assess",
    "check",
    "cite",
    "cohort",
    "genotype",
    "guides",
    "knowledge",
    "main",
    "people",
    "serve",
    "store",
    "tray",
]


def main() -> None:
    """Runs the program."""
    app()
