"""What one file says about one sample at one site: the states that the columns of a cohort are made of."""

from __future__ import annotations

from typing import NamedTuple

from azaward.genetics.model import MISSING, Status, Unsure
from azaward.readers.genomes.alleles import NOTHING


class State(NamedTuple):
    """What one file says about one sample at one site: two allele codes, a `Status`, the phase set, a note, and what
    else it may be."""

    first: int
    second: int
    status: int
    phase: int = 0
    text: str | None = None
    unsure: Unsure | None = None

    @property
    def known(self) -> bool:
        """Whether both alleles are."""
        return MISSING not in self[:2] and NOTHING not in self[:2]


ABSENT = State(MISSING, MISSING, Status.NO_RECORD)
