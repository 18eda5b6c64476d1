"""People on azathioprine who don't exist: who they are, their treatment, their tests, and one planted trouble or none.

Each person depends only on the seed, their index and the day, so that any number can stream and any part of
a clinic can be made again by itself. In every 200 people in a row 80 have a trouble, each kind as often.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import cast

from azaward.record.tables import TABLES
from azaward.synthesis.draw import draw
from azaward.synthesis.lives import well
from azaward.synthesis.person import NO_TROUBLE, Draft, Person, Planted, Rows, day
from azaward.synthesis.troubles import TROUBLES, Trouble

BLOCK = 200
TROUBLED = 80
RESULTS_PER_PATIENT = 40
WEIGH_AGAIN_AFTER = 180


def synthesise(
    patients: int,
    seed: int,
    as_of: dt.date,
    results_per_patient: int = RESULTS_PER_PATIENT,
    first: int = 0,
    width: int = 3,
) -> Iterator[Person]:
    """People number `first` to `first + patients - 1`, one at a time.

    Ids have `width` digits at least. `results_per_patient` is what someone long on treatment has on record; who began
    lately has fewer.

    >>> one = next(synthesise(1, 7, dt.date(2026, 11, 23)))
    >>> one.patient_id, sorted(one.tables) == sorted(TABLES)
    ('c001', True)
    >>> one == next(synthesise(1, 7, dt.date(2026, 11, 23)))
    True
    """
    for index in range(first, first + patients):
        yield _person(seed, index, as_of, results_per_patient, width)


def _person(seed: int, index: int, as_of: dt.date, results: int, width: int) -> Person:
    place = _troubles(seed, index // BLOCK)[index % BLOCK]
    trouble: Trouble | None = None if place is None else TROUBLES[place]
    # Two whole numbers below make one seed; people of neighbouring seeds share nothing.
    rng = Random((seed << 64) | index)
    draft = draw(rng, f"c{index + 1:0{width}d}", as_of.toordinal(), results, trouble.wishes if trouble else None)
    planted = NO_TROUBLE
    if trouble:
        code, what = trouble.plant(draft)
        planted = Planted(trouble.name, trouble.rule, code, trouble.least_urgency, what)
    else:
        well(draft)
    return Person(draft.patient_id, _rows(draft), planted)


@lru_cache(maxsize=64)
def _troubles(seed: int, block: int) -> tuple[int | None, ...]:
    """For each place of a block the number of its trouble, or None; the kinds take turns from block to block."""
    places: list[int | None] = [(block * TROUBLED + turn) % len(TROUBLES) for turn in range(TROUBLED)]
    places += [None] * (BLOCK - TROUBLED)
    rng = Random((seed << 96) | (1 << 95) | block)
    keys = [rng.random() for _ in places]
    return tuple(places[at] for at in sorted(range(BLOCK), key=keys.__getitem__))


def _rows(draft: Draft) -> dict[str, Rows]:
    """The draft as rows of the six tables, results in order of their days."""
    who = draft.patient_id
    for panel in draft.panels:
        for analyte, value in panel.values.items():
            draft.number(analyte, value, panel.day)
        draft.contact("attended", panel.day)
    _weigh(draft)
    exposures: Rows = [
        (
            who,
            "azathioprine",
            step.mg,
            "once a day",
            None if step.start is None else day(step.start),
            None if step.stop is None else day(step.stop),
        )
        for step in draft.steps
    ]
    tables: dict[str, Rows] = {
        # One clinic for each specialty.
        "patients": [
            (*row, draft.care.family)
            for row in [(who, day(draft.birth), draft.sex, draft.care.indication, draft.ancestry), *draft.patients]
        ],
        "exposures": exposures + draft.medicines,
        "results": sorted(draft.results, key=lambda row: cast(dt.date, row[_TAKEN_ON])),
        "genotypes": draft.genotypes,
        "events": sorted(draft.events, key=lambda row: cast(dt.date, row[_STARTED_ON])),
        "contacts": sorted(draft.contacts, key=lambda row: cast(dt.date, row[_ON])),
    }
    # Nobody who doesn't exist has a start in words, a line of a file or a resource of a record system.
    return {name: [(*row, *(None,) * (len(TABLES[name]) - len(row))) for row in rows] for name, rows in tables.items()}


def _weigh(draft: Draft) -> None:
    """Weighed before treatment, and again at the last blood test where that was long after."""
    last = draft.panels[-1].day if draft.panels else draft.entry
    if last - draft.entry > WEIGH_AGAIN_AFTER:
        draft.number("weight", draft.weight * (0.96 + 0.06 * draft.rng.random()), draft.entry)
        draft.number("weight", draft.weight, last)
    else:
        draft.number("weight", draft.weight, draft.entry)


_TAKEN_ON = [column.name for column in TABLES["results"]].index("taken_on")
_STARTED_ON = [column.name for column in TABLES["events"]].index("started_on")
_ON = [column.name for column in TABLES["contacts"]].index("on")
