"""What was typed, fit to be shown on one line (`clean`) and to be looked up (`fold`)."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile(r"[^\w+/&%'-]+")


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
