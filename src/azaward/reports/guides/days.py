"""A day as a guide's reader writes it, in the words of the guide's language."""

from __future__ import annotations

import datetime as dt

from azaward.guides.words import GuideWords


def in_words(day: dt.date, words: GuideWords) -> str:
    """The day in words.

    >>> from azaward.guides.words import words_of
    >>> in_words(dt.date(2026, 11, 24), words_of("en"))
    '24 November 2026'
    """
    return f"{day.day} {words.sections['ui']['months'][day.month - 1]} {day.year}"
