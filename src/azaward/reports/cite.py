"""Where was it read? The reference behind a finding or a fact, as text or as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rapidfuzz import process

from azaward.errors import UserError
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.facts import fact, facts
from azaward.knowledge.loading.messages import NOT_CODES, messages

_NEAR = 3
# What BibTeX and LaTeX read as something other than the character itself.
_SPECIAL = {character: "\\" + character for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_HOW = {
    "full text": "Read in the source's own text",
    "abstract": "Read in the source's abstract",
    "secondary": "As quoted by another text",
    "own": "A decision of azaward's own",
}
_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")


class Reference(NamedTuple):
    """A source, and where in it a fact was read; `of` is the fact's id, or the finding's code."""

    of: str
    source: str
    title: str
    publisher: str
    published_on: str
    identifier: str
    locator: str
    how: str
    checked_on: str


def references(asked: str, knowledge: Knowledge) -> list[Reference]:
    """The references behind a fact's id, the end of one, a finding's code, or a source's id.

    `UserError` where nothing is called so; it names what is nearest.

    >>> from azaward.knowledge import load
    >>> [reference.source for reference in references("fever_celsius", load())]
    ['crgh-preparing']
    """
    named = facts(knowledge)
    if asked in named:
        return [_of_fact(asked, knowledge)]
    if asked in messages() and asked not in NOT_CODES:
        return list(_of_code(asked, knowledge))
    if ends := [id for id in named if id.endswith(f"/{asked}")]:
        return [_of_fact(id, knowledge) for id in ends]
    if asked in knowledge.sources:
        return [_reference(asked, asked, "", "", "", knowledge)]
    known = [*named, *(code for code in messages() if code not in NOT_CODES), *knowledge.sources]
    short = {id.rpartition("/")[2]: id for id in known}
    near = [short[word] for word, _, _ in process.extract(asked, list(short), limit=_NEAR)]
    raise UserError(
        f"nothing to cite is called {asked!r}. Nearest: {', '.join(near)}. Give the id of a fact (`facts` in a "
        "finding's JSON), the code of a finding, or the id of a source."
    )


def _of_fact(id: str, knowledge: Knowledge) -> Reference:
    row = fact(id, knowledge)
    return _reference(id, row.source, row.locator, row.how, row.checked_on.isoformat(), knowledge)


def _of_code(code: str, knowledge: Knowledge) -> Iterable[Reference]:
    words = messages()[code]
    for name in words.get("parameters", ()):
        yield _of_fact(f"parameters/{name}", knowledge)
    for cited in words.get("sources", ()):
        yield _reference(code, cited["source"], cited["locator"], cited["how"], "", knowledge)
    if not words.get("parameters") and not words.get("sources"):
        raise UserError(
            f"a finding {code!r} rests on the row of knowledge that decided it: give the id under `facts` in its JSON "
            "(azaward assess RECORD --format json)."
        )


def _reference(of: str, source: str, locator: str, how: str, checked_on: str, knowledge: Knowledge) -> Reference:
    row = knowledge.sources[source]
    return Reference(of, source, row.title, row.publisher, row.published_on, row.identifier, locator, how, checked_on)


def as_text(cited: Iterable[Reference]) -> str:
    """A reference a paragraph, as it would stand in a letter.

    >>> print(as_text([Reference("parameters/x", "who-2025", "A title", "WHO", "2025", "doi:10.1/2", "Table 1",
    ...                          "full text", "2026-11-23")]))
    parameters/x
      A title. WHO, 2025. https://doi.org/10.1/2
      Table 1. Read in the source's own text, last checked on 2026-11-23.
    """
    return "\n\n".join(_paragraph(reference) for reference in cited)


def _paragraph(reference: Reference) -> str:
    lines = [reference.of, f"  {reference.title}. {reference.publisher}, {reference.published_on}. {_link(reference)}"]
    if reference.locator:
        how = _HOW[reference.how]
        checked = f", last checked on {reference.checked_on}" if reference.checked_on else ""
        lines.append(f"  {reference.locator.rstrip('.')}. {how}{checked}.")
    return "\n".join(lines)


def as_bibtex(cited: Iterable[Reference]) -> str:
    """An entry a source: what several facts cite of one source stands in its note.

    >>> print(as_bibtex([Reference("parameters/x", "who-2025", "Rates of 5% & more", "WHO", "2025-03", "doi:10.1/2",
    ...                            "Table 1", "full text", "2026-11-23")]))
    @misc{who-2025,
      title = {Rates of 5\\% \\& more},
      author = {{WHO}},
      year = {2025},
      doi = {10.1/2},
      note = {Table 1},
    }
    """
    by_source: dict[str, list[Reference]] = {}
    for reference in cited:
        by_source.setdefault(reference.source, []).append(reference)
    return "\n\n".join(_entry(source, of_source) for source, of_source in by_source.items())


def _entry(source: str, of_source: list[Reference]) -> str:
    first = of_source[0]
    kind, _, number = first.identifier.partition(":")
    locators = dict.fromkeys(reference.locator for reference in of_source if reference.locator)
    year = _YEAR.search(first.published_on)
    fields = {
        "title": _escaped(first.title),
        "author": "{" + _escaped(first.publisher) + "}",
        "year": year[0] if year else "",
        "doi": number if kind == "doi" else "",
        # Some identifiers name the place behind the address.
        "url": "" if kind == "doi" else _link(first).split(" ")[0],
        "note": _escaped("; ".join(locators)),
    }
    lines = [f"  {name} = {{{text}}}," for name, text in fields.items() if text]
    return "\n".join([f"@misc{{{source},", *lines, "}"])


def _link(reference: Reference) -> str:
    kind, _, number = reference.identifier.partition(":")
    match kind:
        case "doi":
            return f"https://doi.org/{number.strip()}"
        case "PMID":
            return f"https://pubmed.ncbi.nlm.nih.gov/{number.strip()}/"
        case _:
            return reference.identifier


def _escaped(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)
