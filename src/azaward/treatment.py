"""Which medicines are thiopurines, and which tablets of them there are."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.columns import split


@lru_cache(maxsize=4)
def thiopurines(knowledge: Knowledge) -> Mapping[str, str]:
    """The id and the name of each, in the order of medicines.csv: what is meant where nothing else is said first.

    >>> from azaward.knowledge import load
    >>> list(thiopurines(load()))
    ['azathioprine', 'mercaptopurine', 'tioguanine']
    """
    return {row.id: row.name for row in knowledge.tables["medicines"] if "thiopurine" in split(row.classes)}


@lru_cache(maxsize=16)
def tablet_sizes(knowledge: Knowledge, medicine: str = "azathioprine") -> tuple[float, ...]:
    """The milligrams of the tablets that there are, the largest first; none where no text names any.

    >>> from azaward.knowledge import load
    >>> tablet_sizes(load()), tablet_sizes(load(), "tioguanine")
    ((50.0, 25.0), (40.0,))
    """
    sizes = (row.mg for row in knowledge.tables["tablets"] if row.medicine == medicine)
    return tuple(sorted(sizes, reverse=True))


def tablets_for(mg_per_day: float, knowledge: Knowledge, medicine: str = "azathioprine") -> str:
    """Whole tablets that stay at or below a daily dose.

    >>> from azaward.knowledge import load
    >>> tablets_for(130, load()), tablets_for(40, load()), tablets_for(10, load())
    ('2 x 50 mg + 1 x 25 mg a day', '1 x 25 mg a day', 'less than one 25 mg tablet a day')
    >>> tablets_for(75, load(), "mercaptopurine")
    '1 x 50 mg + 2 x 10 mg a day'
    """
    sizes = tablet_sizes(knowledge, medicine)
    parts: list[str] = []
    for size in sizes:
        count, mg_per_day = divmod(mg_per_day, size)
        if count:
            parts.append(f"{count:.0f} x {size:g} mg")
    return f"{' + '.join(parts)} a day" if parts else f"less than one {sizes[-1]:g} mg tablet a day"
