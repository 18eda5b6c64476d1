"""The knowledge base for a terminal: what there is, one protocol as a clinician would read it, and the check."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from azaward.knowledge import Knowledge, Protocol
from azaward.knowledge.loading.check import facts
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, Fact

_CITATION = ("source", "locator", "how", "checked_on")


def show_list(knowledge: Knowledge, console: Console | None = None) -> None:
    """Protocols and tables, a line each."""
    console = console or Console(highlight=False)
    console.print(f"knowledge {knowledge.version}")
    table = Table("protocol", "published", "body", "title", box=None, pad_edge=False)
    for protocol in knowledge.protocols.values():
        table.add_row(protocol.id, protocol.published_on, escape(protocol.body), escape(protocol.title))
    console.print(table)
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
    any_row = False
    for name, rows in knowledge.tables.items():
        keys = ("id", "code", "test", "analyte", "indication", "name", "trial")
        named = [row for row in rows if id in (getattr(row, key, None) for key in keys)]
        if named and name not in ("units", "conversions"):
            _rows(name, named, console)
            any_row = True
    return any_row


def show_check(knowledge: Knowledge, console: Console | None = None) -> None:
    """How many facts were read at their source, and the list of those that were not."""
    console = console or Console(highlight=False)
    counted: dict[str, Counter[str]] = {}
    for where, fact in facts(knowledge):
        counted.setdefault(where.split(" ")[0], Counter())[fact.how] += 1
    table = Table("where", "read", "secondary", box=None, pad_edge=False)
    for where, counts in counted.items():
        table.add_row(where, str(counts["read"]), str(counts["secondary"]))
    console.print(table)
    total = sum(counted.values(), Counter[str]())
    console.print(
        f"{sum(total.values())} facts from {len(knowledge.sources)} sources: {total['read']} read at the source, "
        f"{total['secondary']} secondary"
    )
    secondary = Counter(fact.source for _, fact in facts(knowledge) if fact.how == "secondary")
    console.print(
        "secondary, by source: " + ", ".join(f"{escape(source)} {n}" for source, n in secondary.most_common())
    )


def _protocol(protocol: Protocol, knowledge: Knowledge, console: Console) -> None:
    console.rule(f"[bold]{escape(protocol.title)}[/]", align="left")
    console.print(escape(f"{protocol.id} · {protocol.body} · {protocol.country or ''} · {protocol.published_on}"))
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
