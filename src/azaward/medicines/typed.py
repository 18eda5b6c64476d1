"""What was typed, fit to be shown on one line (`clean`) and to be looked up (`fold`)."""

from __future__ import annotations

import re
import unicodedata

# The vowel signs of the scripts of India and of Thailand are no letters to `re`, and no separators either.
_VOWEL_SIGNS = "\u0900-\u0963\u0966-\u0dff\u0e01-\u0e3a\u0e40-\u0e7f"
_SEPARATORS = re.compile(rf"[^\w{_VOWEL_SIGNS}+/&%'-]+")


def clean(text: str) -> str:
    """The text on one line without control characters, for showing and for reading.

    >>> clean("Zyloric\\x1b[31m\\n 300 mg")
    'Zyloric [31m 300 mg'
    """
    return " ".join(
        "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text).split()
    )


def fold(text: str) -> str:
    """A name without case, accents and surplus punctuation.

    >>> fold(" Méthotrexate,  2.5 mg ")
    'methotrexate 2 5 mg'
    """
    bare = text.casefold()
    if not bare.isascii():
        decomposed = unicodedata.normalize("NFKD", bare)
        bare = unicodedata.normalize(
            "NFC", "".join(character for character in decomposed if not unicodedata.combining(character))
        )
    return _SEPARATORS.sub(" ", bare).strip(" '-/&+")
