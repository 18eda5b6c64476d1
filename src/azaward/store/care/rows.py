"""Who enters rows, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class By:
    """The author and time of rows, and the number of their import."""

    who: str
    at: dt.datetime
    import_id: int | None = None
