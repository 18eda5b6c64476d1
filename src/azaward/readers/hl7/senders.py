"""What a sender does in its own way: one YAML file a sender, with its codes, units, character set, zone and numbers.

The file is strict: an unknown key, a code that means no test of ours or a zone that doesn't exist is an error in one
line. Nothing in it can loosen a check: it only says what the sender's own words mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import LOINC, Coding, vocabulary
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.notice import Header

_Z_FIELD = re.compile(r"(Z[A-Z0-9]{2})-(\d{1,3})")


class ZField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field of a Z-segment that holds a measured value: of which test, in which unit, and the field with its day."""

    analyte: str
    unit: str
    on: str


class Sender(msgspec.Struct, frozen=True, forbid_unknown_fields=True, eq=False):
    """The settings of one sender; every one may be left out but `sender`, MSH-3 and MSH-4 with `|` between them.

    `*` stands for any application or facility.

    >>> Sender("LAB|*").sends(Header(sending=("LAB", "RIVERSIDE")))
    True
    """

    sender: str
    charset: str | None = None
    zone: str | None = None
    processing: Literal["production", "test"] = "production"
    unused: Literal["accept", "reject"] = "accept"
    trusted: tuple[str, ...] = ()
    patient_ids: str | None = None
    systems: dict[str, str] = {}
    newcomers: Literal["pass", "tray"] = "pass"
    codes: dict[str, str] = {}
    units: dict[str, str] = {}
    specimens: dict[str, Literal["blood", "other"]] = {}
    z_fields: dict[str, ZField] = {}

    def sends(self, header: Header) -> bool:
        """Whether a message of that header is this sender's."""
        asked = self.sender.split("|")
        return all(name in ("*", found) for name, found in zip(asked, header.sending, strict=True))

    def coding(self, code: str) -> Coding | str | None:
        """What a code of its own means: a LOINC code, or the name of a test; None where it isn't listed."""
        meant = self.codes.get(code)
        return Coding(LOINC, meant) if meant and re.fullmatch(r"\d+-\d", meant) else meant

    def timezone(self) -> ZoneInfo | None:
        """Where its clocks are."""
        return ZoneInfo(self.zone) if self.zone else None


ANY = Sender("*|*")


@dataclass(frozen=True)
class Senders:
    """The settings of every sender; the most exact name decides.

    >>> Senders((Sender("*|*", zone="UTC"), Sender("LAB|*"))).of(Header(sending=("LAB", ""))).sender
    'LAB|*'
    """

    known: tuple[Sender, ...] = ()

    @cached_property
    def _in_order(self) -> list[Sender]:
        return sorted(self.known, key=lambda sender: sender.sender.count("*"))

    def of(self, header: Header) -> Sender:
        """The settings for a message of that header; without any, those that say nothing."""
        return next((sender for sender in self._in_order if sender.sends(header)), ANY)


def read_senders(files: Iterable[Path], knowledge: Knowledge) -> Senders:
    """The settings in some files. Raises `InputError` with one line for what is wrong."""
    read = [read_sender(path.name, _content(path), knowledge) for path in files]
    names = [sender.sender for sender in read]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"the sender {twice[0]!r} has two files. Keep one.")
    return Senders(tuple(read))


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'not UTF-8'}. Expected a YAML file.") from None


def read_sender(file: str, text: str, knowledge: Knowledge) -> Sender:
    """The settings in a file's text. Raises `InputError`.

    >>> from azaward.knowledge import load
    >>> read_sender("lab.yaml", "sender: LAB|RIVERSIDE\\ncodes: {NEUA: neutrophils}", load()).codes
    {'NEUA': 'neutrophils'}
    >>> read_sender("lab.yaml", "sender: LAB|RIVERSIDE\\ncharsett: ASCII", load())
    Traceback (most recent call last):
    azaward.errors.InputError: lab.yaml: 'charsett' is not a setting. Expected: sender, charset, zone, \
processing, unused, trusted, patient_ids, systems, newcomers, codes, units, specimens, z_fields.
    """
    import yaml

    class Strict(yaml.BaseLoader):
        """Takes every cell as text (0715 is a code, `on` a word), and refuses a key that stands twice."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            keys = [key.value for key, _ in node.value]
            if twice := [key for key in keys if keys.count(key) > 1]:
                raise InputError(
                    f"{file} line {node.start_mark.line + 1}: the key {twice[0]!r} appears twice. Keep one."
                )
            return super().construct_mapping(node, deep)

    try:
        document: Any = yaml.load(text, Strict)  # noqa: S506 - it makes nothing but text
        sender = msgspec.convert(document, Sender)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise InputError(f"{file}{line}: not YAML: {getattr(error, 'problem', None) or error}.") from None
    except msgspec.ValidationError as error:
        raise InputError(f"{file}: {_in_words(error)}. Expected: {', '.join(Sender.__struct_fields__)}.") from None
    _check(file, sender, knowledge)
    return sender


def _in_words(error: msgspec.ValidationError) -> str:
    """What is wrong with a file's keys; the library says it in words for programmers."""
    said = str(error)
    if unknown := re.match(r"Object contains unknown field `(.+)`", said):
        return f"{unknown[1]!r} is not a setting"
    if missing := re.match(r"Object missing required field `(.+)`", said):
        return f"the setting {missing[1]!r} is missing"
    return said


def _check(file: str, sender: Sender, knowledge: Knowledge) -> None:
    words, tables = vocabulary(knowledge), codes(knowledge)
    if sender.sender.count("|") != 1:
        raise InputError(f"{file} sender: {sender.sender!r}; expected application|facility, such as LAB|RIVERSIDE.")
    try:
        sender.timezone()
    except (OSError, ValueError, KeyError):
        raise InputError(f"{file} zone: {sender.zone!r} isn't a time zone; expected one like Europe/London.") from None
    if sender.charset and tables.means("0211", sender.charset) in (None, "not-read"):
        raise InputError(f"{file} charset: {sender.charset!r}; expected one such as UNICODE UTF-8 or 8859/1.")
    if empty := next((name for name, system in sender.systems.items() if not name.strip() or not system.strip()), None):
        raise InputError(
            f"{file} systems.{empty}: empty; expected an identifier.system such as https://hosp.example/mrn."
        )
    for code in sender.codes:
        meant = sender.coding(code)
        found = words.analyte(None, [meant]) if isinstance(meant, Coding) else words.analyte(meant)
        if found is None:
            why = "is not a test that azaward knows; expected an id or a LOINC code from analytes.csv."
            raise InputError(f"{file} codes.{code}: {sender.codes[code]!r} {why}")
    units = {row.written for row in knowledge.tables["units"]}
    for written, unit in sender.units.items():
        if unit not in units:
            raise InputError(f"{file} units.{written}: {unit!r} isn't in units.csv; expected a unit such as 10*9/L.")
    for place, read in sender.z_fields.items():
        if not _Z_FIELD.fullmatch(place) or not _Z_FIELD.fullmatch(read.on):
            raise InputError(f"{file} z_fields.{place}: expected a segment and a field such as ZWT-2, in `on` too.")
        if words.analyte(read.analyte) is None or read.unit not in units:
            raise InputError(f"{file} z_fields.{place}: expected a test from analytes.csv and a unit from units.csv.")
