"""The knowledge base for a terminal: what there is, one protocol as a clinician would read it, and the check."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from azaward.knowledge import Knowledge, Protocol
from azaward.knowledge.loading.check import facts, on_web_copies, replaced
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, Fact
from azaward.knowledge.loading.schema.facts import HOWS

# So many places are enough to find a source's rows.
_PLACES = 12
_CITATION = ("source", "locator", "how", "checked_on")
_ROWS = {
    "limits": ("limit", "limits"),
    "schedule": ("schedule row", "schedule rows"),
    "doses": ("dose", "doses"),
    "baseline": ("baseline row", "baseline rows"),
    "symptoms": ("symptom", "symptoms"),
}


def show_list(knowledge: Knowledge, console: Console | None = None) -> None:
    """Protocols and tables, a line each."""
    console = console or Console(highlight=False)
    console.print(f"knowledge {knowledge.version}")
    table = Table("protocol", "published", "own text", "title", box=None, pad_edge=False)
    for protocol in knowledge.protocols.values():
        read, rows = protocol.from_own_text()
        table.add_row(protocol.id, protocol.published_on, f"{read} of {rows}", escape(protocol.title))
    console.print(table)
    console.print(
        "own text: so many of a protocol's own rows were read in the text after which it is named", style="dim"
    )
    rows = Table("table", "rows", box=None, pad_edge=False)
    for name, held in knowledge.tables.items():
        rows.add_row(name, str(len(held)))
    console.print()
    console.print(rows)


def show_one(knowledge: Knowledge, id: str, console: Console | None = None) -> bool:
    """A protocol, a table, a source or the rows of an id; False where there is none."""
    console = console or Console(highlight=False)
    if id in knowledge.protocols:
        _protocol(knowledge.protocols[id], knowledge, console)
        return True
    if id in knowledge.tables:
        _rows(id, knowledge.tables[id], console)
        return True
    shown = False
    for name, rows in knowledge.tables.items():
        keys = ("id", "code", "test", "analyte", "indication", "name", "trial")
        named = [row for row in rows if id in (getattr(row, key, None) for key in keys)]
        if named and name not in ("units", "conversions"):
            _rows(name, named, console)
            shown = True
    return shown


def show_check(knowledge: Knowledge, console: Console | None = None) -> None:
    """How each fact was read, and on which web pages those rest that were read in no better place."""
    console = console or Console(highlight=False)
    counted: dict[str, Counter[str]] = {}
    for where, fact in facts(knowledge):
        counted.setdefault(where.partition(":")[0], Counter())[fact.how] += 1
    hows = tuple(reversed(HOWS))
    table = Table("where", *hows, box=None, pad_edge=False)
    for where, counts in counted.items():
        table.add_row(where, *(str(counts[how]) for how in hows))
    console.print(table)
    total = sum(counted.values(), Counter[str]())
    console.print(
        f"{sum(total.values())} facts from {len(knowledge.sources)} sources: "
        + ", ".join(f"{total[how]} {how}" for how in hows)
    )
    secondary = Counter(fact.source for _, fact in facts(knowledge) if fact.how == "secondary")
    console.print(
        "secondary, by source: " + ", ".join(f"{escape(source)} {n}" for source, n in secondary.most_common())
    )
    copies: dict[str, list[str]] = {}
    for where, fact in on_web_copies(knowledge):
        copies.setdefault(fact.source, []).append(where.partition(" ")[0])
    console.print(f"\n{sum(map(len, copies.values()))} facts rest on copies, shops, blogs or news:")
    for source, places in sorted(copies.items()):
        shown = f"- {source}: {', '.join(places[:_PLACES])}{_more(len(places) - _PLACES)}"
        console.print(escape(shown), soft_wrap=True)


def _more(places: int) -> str:
    return f" and {places} more" if places > 0 else ""


def own_protocol(protocol: Protocol, knowledge: Knowledge) -> str:
    """What a clinic's own protocol that is complete holds, in one line: its rows, and what it borrows."""
    held = [_count(len(protocol.lists[name]), *words) for name, words in _ROWS.items()]
    lines = [f"{protocol.file}: complete, {', '.join(held)}"]
    whole: dict[str, list[str]] = {}
    for name, lender in protocol.borrowed.items():
        if not protocol.own[name]:
            whole.setdefault(lender, []).append(name)
    lines += [f"{' and '.join(names)} borrowed from {lender}" for lender, names in whole.items()]
    if lenders := dict.fromkeys(lender for name, lender in protocol.borrowed.items() if protocol.own[name]):
        lines.append(f"{_count(replaced(protocol, knowledge), 'row', 'rows')} of {' and '.join(lenders)} replaced")
    return "; ".join(lines)


def _count(number: int, single: str, many: str) -> str:
    return f"{number} {single if number == 1 else many}"


def _protocol(protocol: Protocol, knowledge: Knowledge, console: Console) -> None:
    console.rule(f"[bold]{escape(protocol.title)}[/]", align="left")
    console.print(escape(f"{protocol.id} · {protocol.body} · {protocol.country or ''} · {protocol.published_on}"))
    read, rows = protocol.from_own_text()
    console.print(f"{read} of its {_count(rows, 'own row', 'own rows')} were read in the text after which it is named")
    for note in protocol.notes:
        console.print(f"note: {escape(note)}", style="dim")
    for name in PROTOCOL_LISTS:
        lender = protocol.borrowed.get(name)
        console.print()
        console.print(f"[bold]{name}[/]" + (f" (with rows of {lender})" if lender else ""))
        _rows(None, protocol.lists[name], console)


def _rows(title: str | None, rows: Any, console: Console) -> None:
    """Rows as blocks of what is stated, with the citation under each."""
    if title:
        console.print(f"[bold]{title}[/]")
    for row in rows:
        cells = {
            key: cell for key, cell in msgspec.structs.asdict(row).items() if cell is not None and key not in _CITATION
        }
        said = ", ".join(f"{key.rstrip('_')} {_plain(cell)}" for key, cell in cells.items() if cell != "any")
        console.print(f"- {escape(said)}")
        if isinstance(row, Fact):
            console.print(f"    {escape(f'{row.source}: {row.locator} ({row.how}, {row.checked_on})')}", style="dim")


def _plain(cell: Any) -> str:
    if isinstance(cell, tuple | list):
        return " to ".join(map(str, cell)) if isinstance(cell, tuple) else " + ".join(map(str, cell))
    return str(cell)
