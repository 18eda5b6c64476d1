"""The Markdown that generated pages are made of: tables whose cells are data, and where each fact was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from azaward.knowledge.loading.schema import Fact

SECOND_HAND = '<span class="second-hand">second-hand</span>'
_ESCAPED = str.maketrans({"<": "&lt;", ">": "&gt;"} | {sign: f"\\{sign}" for sign in "|*_[]`"})
_INTERVALS = {1: "every day", 7: "every week", 14: "every 2 weeks", 28: "every 4 weeks", 84: "every 12 weeks"}


class Markdown(str):
    """Text that is Markdown already; any other text is data, and stays as it is written."""

    __slots__ = ()


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; columns that are empty in every row are left out.

    >>> print(table(("a", "b", "c"), [(1.50, None, "x|y"), (True, "", "z")]))
    | a | c |
    | --- | --- |
    | 1.5 | x\\|y |
    | yes | z |
    <BLANKLINE>
    """
    body = [[cell(each) for each in row] for row in rows]
    if not body:
        return "None.\n"
    keep = [at for at in range(len(header)) if any(row[at] for row in body)]
    lines = [[header[at] for at in keep], ["---"] * len(keep), *([row[at] for at in keep] for row in body)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: object) -> str:
    """A cell of a table."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Markdown():
            return str(value)
        case float():
            return f"{value:.10g}"
        case list() | tuple():
            return ", ".join(cell(each) for each in value)
        case _:
            return plain(str(value))


def plain(text: str) -> str:
    """Data as Markdown that shows it unchanged."""
    return " ".join(text.split()).translate(_ESCAPED)


def bold(text: object) -> Markdown:
    """Data in bold."""
    return Markdown(f"**{cell(text)}**")


def cited(row: Fact, folder: str) -> Markdown:
    """Where a fact was read, marked where that is a text that quotes the source; `folder` holds sources.md."""
    mark = f"{SECOND_HAND} " if row.how == "secondary" else ""
    return Markdown(f"{mark}[{plain(row.source)}]({folder}sources.md#{row.source}): {plain(row.locator)}")


def interval(days: float) -> str:
    """How often, in words.

    >>> interval(14), interval(10)
    ('every 2 weeks', 'every 10 days')
    """
    return _INTERVALS.get(int(days), f"every {days:g} days")
