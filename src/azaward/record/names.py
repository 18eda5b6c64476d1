"""A medicine in the record is an ingredient's id, or, where no name matched, what was written, marked as such."""

from __future__ import annotations

# In front of a name that nothing matched; such a medicine is kept, reported, and checked against nothing.
UNRECOGNISED = "unknown:"


# A medicine that nothing in the record names.
UNNAMED = f"{UNRECOGNISED}unnamed"


def unrecognised(written: str) -> str:
    """The cell for a name that nothing matched.

    >>> unrecognised("Zyloprimm")
    'unknown:Zyloprimm'
    """
    return f"{UNRECOGNISED}{written}"


def is_recognised(medicine: str) -> bool:
    """Whether a cell holds an ingredient's id.

    >>> is_recognised("allopurinol"), is_recognised("unknown:Zyloprimm")
    (True, False)
    """
    return not medicine.startswith(UNRECOGNISED)


def as_written(medicine: str) -> str:
    """The cell without its mark: an id, or the name as it was written.

    >>> as_written("allopurinol"), as_written("unknown:Zyloprimm")
    ('allopurinol', 'Zyloprimm')
    """
    return medicine.removeprefix(UNRECOGNISED)
