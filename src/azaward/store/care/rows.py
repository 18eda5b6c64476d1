"""Who enters rows, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

# Why a row no longer stands, where a message changed it; it stands again if a later one says the same again.
CHANGED = "changed by a later message"
# Why, where it had been stored for the wrong patient; what was said follows.
TAKEN_BACK = "its message was taken back"


@dataclass(frozen=True)
class By:
    """The author and time of rows, and the number of their import."""

    who: str
    at: dt.datetime
    import_id: int | None = None
