"""What is said of a word or a value that can't be used: where it stood, what it was, and what to write instead."""

from __future__ import annotations

import datetime as dt
import math
import re
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin

import msgspec

from azaward.knowledge.loading.schema import Row
from azaward.knowledge.loading.schema.columns import Published, fixed_words, without_none

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}$")
_WORTH_SUGGESTING = 60
_SHOWN = 12
_OF_MANY = 6
# What a column holds is called by its name, but for these.
CALLED = {"how": "way of having read it", "since": "day to count from", "relative_to": "way to read a value"}
_EXPECTED: Mapping[Any, str] = {
    str: "words",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    dt.date: "a day such as 2026-09-01",
    tuple: "two numbers such as [2, 2.5]",
    list: "a list such as [full_blood_count, liver]",
}


class Fault(NamedTuple):
    """What is wrong with a file: the line (0: with the file as a whole), the key, and the words."""

    line: int
    where: str
    says: str

    def of(self, file: str) -> str:
        """The fault as a line for whoever wrote the file."""
        place = f"{file}:{self.line}" if self.line else file
        return f"{place} {self.where}: {self.says}" if self.where else f"{place}: {self.says}"


def misspelt(word: str, what: str, known: Iterable[str], shown: int = _SHOWN) -> str:
    """A word that isn't known, the nearest one, and those that there are: all of them, or of many the nearest few.

    >>> misspelt("hold", "action", ["stop", "withhold", "do-not-start"])
    "'hold' isn't an action. Did you mean 'withhold'? Choose from: stop, withhold, do-not-start."
    """
    from rapidfuzz import process

    ids = dict.fromkeys(known)
    # Some words may be written as an id or in plain words; one of the two is enough to show.
    words = list(dict.fromkeys(plain if (plain := word.replace("_", " ")) in ids else word for word in ids))
    said = f"{word!r} isn't {'an' if what[0] in 'aeiou' else 'a'} {what}.{did_you_mean(word, words)}"
    if not words:
        return f"{said} There is none for this row."
    if len(words) <= shown:
        return f"{said} Choose from: {', '.join(words)}."
    near = [match[0] for match in process.extract(word, words, limit=_OF_MANY, processor=str.casefold)]
    return f"{said} Choose from {len(words)}, such as: {', '.join(near)}."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words as a question, to follow a sentence; nothing where none is near.

    >>> did_you_mean("witholdd", ["withhold", "review"])
    " Did you mean 'withhold'?"
    """
    best = nearest(word, known)
    return "" if best is None else f" Did you mean {best!r}?"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word that was probably meant, if any is near."""
    from rapidfuzz import process

    best = process.extractOne(word, list(known), processor=str.casefold, score_cutoff=_WORTH_SUGGESTING)
    return best[0] if best else None


@lru_cache(maxsize=64)
def _hints(row_type: type[Row]) -> Mapping[str, Any]:
    hints = typing.get_type_hints(row_type, include_extras=True)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(row_type)}


def value_fault(row_type: type[Row], key: str, value: Any, *, strict: bool = True) -> str | None:
    """What is wrong with the kind of a value, or with a word of a fixed list; None where nothing is.

    >>> from azaward.knowledge.loading.schema import PROTOCOL_LISTS
    >>> value_fault(PROTOCOL_LISTS["limits"], "value", "1.8")
    "expected a number, found the text '1.8'. Take the quotes off."
    """
    hint = _hints(row_type)[key]
    base = _bare(hint)
    if (words := fixed_words(base)) and isinstance(value, str):
        return None if value in words else misspelt(value, CALLED.get(key, key.replace("_", " ")), words)
    return type_fault(value, hint, strict=strict)


def _bare(hint: Any) -> Any:
    """A type without the None that it may be, and without what is noted beside it."""
    hint = without_none(hint)
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def type_fault(value: Any, hint: Any, *, strict: bool = True) -> str | None:
    """What is wrong with the kind of a value; None where nothing is."""
    base = _bare(hint)
    try:
        msgspec.convert(value, hint, strict=strict)
    except msgspec.ValidationError:
        expected = _EXPECTED.get(get_origin(base) or base, "a word")
        if value is None:
            return f"expected {expected}, found nothing."
        if isinstance(value, str):
            if base is str:
                return f"expected a year, a month or a day such as 2026-09-01, found {value!r}."
            if base in (int, float, bool) and _is_a_number(value):
                return f"expected {expected}, found the text {value!r}. Take the quotes off."
            return f"expected {expected}, found {value!r}."
        return f"expected {expected}, found {value!r}." + (" Put it in quotes." if base is str else "")
    if hint == Published and _DAY.match(value) and not _is_a_day(value):
        return f"expected a year, a month or a day such as 2026-09-01, found {value!r}."
    numbers: Iterable[Any] = value if isinstance(value, list | tuple) else (value,)
    if odd := [number for number in numbers if isinstance(number, float) and not math.isfinite(number)]:
        return f"expected a number, found {odd[0]!r}."
    return None


def _is_a_day(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _is_a_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
