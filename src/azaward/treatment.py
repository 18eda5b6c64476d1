"""Which medicines are thiopurines? Those that medicines.csv puts into their class, in its order: azathioprine first."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.columns import split


@lru_cache(maxsize=4)
def thiopurines(knowledge: Knowledge) -> Mapping[str, str]:
    """The id and the name of each, the one that is meant where nothing else is said first.

    >>> from azaward.knowledge import load
    >>> list(thiopurines(load()))
    ['azathioprine', 'mercaptopurine', 'tioguanine']
    """
    return {row.id: row.name for row in knowledge.tables["medicines"] if "thiopurine" in split(row.classes)}
