"""Coded values (CE, CWE, CNE): their codes with the code systems under the names that the knowledge base uses."""

from __future__ import annotations

import re
from typing import NamedTuple

from azaward.knowledge.loading.words.vocabulary import Coding
from azaward.readers.hl7.codes import Codes
from azaward.readers.hl7.parts import Value
from azaward.readers.hl7.senders import Sender

# Where a code, its text and its code system stand: the first, the alternate and (from version 2.7) a second alternate.
_TRIPLETS = ((1, 2, 3), (4, 5, 6), (10, 11, 12))
_ORIGINAL_TEXT = 9


class Concept(NamedTuple):
    """The names and codes of a value, and its first code as written.

    `local` is the name of a test that the sender's settings give a code of its own.
    """

    names: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()
    code: str = ""
    local: str | None = None

    @property
    def text(self) -> str | None:
        """Its name, or else its code."""
        return next(iter(self.names), None) or self.code or None


def concept(value: Value | None, codes: Codes, sender: Sender | None = None) -> Concept:
    """The concept that a value states.

    >>> from azaward.knowledge import load
    >>> from azaward.readers.hl7.codes import codes
    >>> from azaward.readers.hl7.segments import Raw, parse
    >>> message = parse(Raw(b"MSH|^~\\\\&|LAB\\rOBX|1|NM|751-8^Neutrophils^LN"), codes(load()))
    >>> concept(message.segments[1].repetitions(3)[0], codes(load())).codings[0].system
    'http://loinc.org'
    """
    if value is None:
        return Concept()
    names: list[str] = []
    codings: list[Coding] = []
    first, local = "", None
    for code_at, text_at, system_at in _TRIPLETS:
        code, text, system = value.text(code_at), value.text(text_at), value.text(system_at)
        names += [text] if text else []
        if not code:
            continue
        first = first or code
        meant = sender.coding(code) if sender else None
        if isinstance(meant, Coding):
            codings.append(meant)
        local = local or (meant if isinstance(meant, str) else None)
        codings.append(Coding.of(_system(system, codes), code))
    names += [text] if (text := value.text(_ORIGINAL_TEXT)) else []
    return Concept(tuple(dict.fromkeys(names)), tuple(codings), first or (names[0] if names else ""), local)


def _system(written: str | None, codes: Codes) -> str:
    if written and re.fullmatch(r"\d+(\.\d+)+", written):
        return f"urn:oid:{written}"
    return codes.means("0396", written) or written or ""
