"""The knowledge tables as pages, and the parts of handwritten pages that repeat what code or knowledge says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from azaward.knowledge import ACTIONS, MOST_CAUTIOUS, URGENCIES, Knowledge, load
from azaward.knowledge.loading.advice import spoken
from azaward.knowledge.loading.check import facts, on_web_copies
from azaward.knowledge.loading.load import HERE
from azaward.knowledge.loading.schema import FILES, TABLES, Fact
from azaward.knowledge.loading.schema.facts import HOWS, SourceKind
from azaward.record.tables import TABLES as RECORD
from docs_markdown import Markdown, bold, cited, interval, table
from docs_protocols import counted, page_of

# Hundreds of spellings would drown what a reader searches for.
_NOT_SEARCHED = ("medicine_names", "medicine_codes", "units", "conversions")


def described() -> dict[str, str]:
    """What each file of the knowledge folder says, from the table in its README."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| `([\w./]+)` \| (.+) \|$", text, flags=re.M))


def table_page(name: str, knowledge: Knowledge) -> str:
    """One table whole, its rows in the order of the file, with where each was read."""
    rows = knowledge.tables[name]
    # A table of facts needs the room of the list of contents.
    front = "hide: [toc]\n" + ("search: {exclude: true}\n" if name in _NOT_SEARCHED else "")
    title = name.replace("_", " ").capitalize()
    about = described().get(FILES[name], "")
    return (
        f"---\n{front}---\n\n# {title}\n\n{about[:1].upper()}{about[1:]}.\n\n"
        f"`knowledge/{FILES[name]}`, {len(rows)} rows.\n\n"
        f"{_PAGES.get(name, _any_table)(rows)}"
    )


def _any_table(rows: Sequence[Any]) -> str:
    fields = [field for field in msgspec.structs.fields(type(rows[0])) if field.name not in Fact.__struct_fields__]
    header = [field.encode_name.replace("_", " ") for field in fields]
    if not isinstance(rows[0], Fact):
        return table(header, ([getattr(row, field.name) for field in fields] for row in rows))
    return table(
        [*header, "read where"], ([*(getattr(row, field.name) for field in fields), cited(row, "")] for row in rows)
    )


def _sources(rows: Sequence[Any]) -> str:
    def link(identifier: str) -> str:
        if identifier.startswith("http"):
            return Markdown(f"<{identifier}>")
        if identifier.lower().startswith("doi:"):
            return Markdown(f"[{identifier}](https://doi.org/{identifier[4:].strip()})")
        return identifier

    return table(
        ("id", "kind", "title", "publisher", "published", "identifier"),
        (
            (
                Markdown(f'<a id="{row.id}"></a>**{row.id}**'),
                row.kind,
                row.title,
                row.publisher,
                row.published_on,
                link(row.identifier),
            )
            for row in rows
        ),
    )


def _conversions(rows: Sequence[Any]) -> str:
    spellings: dict[tuple[str, float, float], list[str]] = {}
    for row in rows:
        spellings.setdefault((row.analyte, row.factor, row.offset), []).append(row.written)
    return "Canonical = value × factor + offset. Spellings that mean the same stand together.\n\n" + table(
        ("analyte", "factor", "offset", "written as"),
        ((analyte, factor, offset or None, "; ".join(words)) for (analyte, factor, offset), words in spellings.items()),
    )


def _interactions(rows: Sequence[Any]) -> str:
    header = ("medicine", "with", "for whom", "action", "urgency", "dose left", "effect", "how large", "why")
    header = (*header, "how sure", "says", "test", "still counts")
    return table(
        (*header, "read where"),
        (
            (
                row.drug.replace("_", " "),
                Markdown(bold(row.with_.replace("_", " ")) + f" ({row.with_kind})"),
                _for_whom(row),
                row.action,
                row.urgency,
                _share(row.dose_fraction_low, row.dose_fraction_high),
                row.effect,
                row.effect_size,
                row.mechanism,
                row.evidence,
                row.says,
                row.test and f"{row.test} {interval(row.test_every_days) if row.test_every_days else ''}",
                row.lasts_days_after and f"{row.lasts_days_after:.0f} days after its end",
                cited(row, ""),
            )
            for row in rows
        ),
    )


def _genotype_doses(rows: Sequence[Any]) -> str:
    header = ("body", "TPMT", "NUDT15", "disease", "action", "urgency", "dose left", "from mg/kg", "says")
    parts: list[str] = []
    for drug in dict.fromkeys(row.drug for row in rows):
        parts.append(f"## {drug.capitalize()}\n")
        parts.append(
            table(
                (*header, "read where"),
                (
                    (
                        row.body,
                        row.tpmt,
                        row.nudt15,
                        row.condition.replace("_", " "),
                        row.action,
                        row.urgency,
                        _share(row.fraction_low, row.fraction_high),
                        row.applies_from_mg_per_kg,
                        row.says,
                        cited(row, ""),
                    )
                    for row in rows
                    if row.drug == drug
                ),
            )
        )
    return "\n".join(parts)


def _advice(rows: Sequence[Any]) -> str:
    """The decision tables, one a topic, with their numbers in place."""
    knowledge = load()
    titles = {row.topic: row.title for row in knowledge.tables["advice_topics"]}
    parts: list[str] = []
    for topic, title in titles.items():
        parts.append(f"## {title}\n")
        parts.append(
            table(
                ("line", "when", "about", "action", "urgency", "says", "says to patients", "call", "read where"),
                (
                    (
                        row.line,
                        row.when or "always",
                        row.about,
                        row.action,
                        row.urgency,
                        spoken(row.says, knowledge),
                        spoken(row.says_patient, knowledge),
                        row.call,
                        cited(row, ""),
                    )
                    for row in rows
                    if row.topic == topic
                ),
            )
        )
    return "\n".join(parts)


_PAGES: Mapping[str, Callable[[Sequence[Any]], str]] = {
    "sources": _sources,
    "conversions": _conversions,
    "interactions": _interactions,
    "genotype_doses": _genotype_doses,
    "advice": _advice,
}


def _for_whom(row: Any) -> str | None:
    """The people whom a row is for, where not everyone."""
    parts = [row.sex, row.family and f"{row.family} patients"]
    parts += [row.age_below and f"under {row.age_below:.0f}", row.egfr_below and f"eGFR below {row.egfr_below:.0f}"]
    return ", ".join(part for part in parts if part) or None


def _share(low: float | None, high: float | None) -> str | None:
    """A share of the usual dose as a percentage."""
    ends = [f"{end * 100:.0f}%" for end in (low, high) if end is not None]
    return " to ".join(dict.fromkeys(ends)) or None


def _record(knowledge: Knowledge) -> str:
    parts: list[str] = []
    for name, columns in RECORD.items():
        rows = ((bold(one.name), one.type, "yes" if one.required else None, one.meaning) for one in columns)
        parts.append(f"## {name}\n\n{table(('column', 'type', 'column needed', 'meaning'), rows)}")
    return "\n".join(parts)


def _units(knowledge: Knowledge) -> str:
    def bounds(row: Any) -> str | None:
        if row.unit is None:
            return None
        low, high = ("no bound" if end is None else f"{end:g}" for end in (row.plausible_low, row.plausible_high))
        return "no bounds" if low == high == "no bound" else f"{low} to {high}"

    return table(
        ("test", "id", "canonical unit", "plausible", "read where"),
        ((row.name, row.id, row.unit, bounds(row), cited(row, "knowledge/")) for row in knowledge.tables["analytes"]),
    )


def _protocols(knowledge: Knowledge) -> str:
    return table(
        (
            "protocol",
            "what it holds",
            "specialty",
            "published",
            "own facts",
            "in its own text",
            "second-hand",
            "borrows",
        ),
        (
            (
                Markdown(f"[{each.id}]({each.id}.md)"),
                each.title,
                each.specialty,
                each.published_on,
                len(own),
                str(each.from_own_text()[0]),
                sum(row.how == "secondary" for row in own),
                f"{len(lent)} from {', '.join(dict.fromkeys(each.borrowed.values()))}" if lent else None,
            )
            for each in knowledge.protocols.values()
            for own, lent in [counted(each)]
        ),
    )


def _indications(knowledge: Knowledge) -> str:
    return table(
        ("why azathioprine is taken", "id", "protocol"),
        (
            (row.name, row.id, Markdown(f"[{id}](../{page_of(id)})"))
            for row in knowledge.tables["indications"]
            for id in [row.protocol or MOST_CAUTIOUS]
        ),
    )


def _knowledge(knowledge: Knowledge) -> str:
    about = described()
    return f"This site was built from knowledge `{knowledge.version}`.\n\n" + table(
        ("table", "rows", "what it says"),
        (
            (Markdown(f"[{name}]({name}.md)"), len(knowledge.tables[name]), Markdown(about.get(f"{name}.csv", "")))
            for name in TABLES
        ),
    )


def _how(knowledge: Knowledge) -> str:
    counted: dict[str, Counter[str]] = {}
    for where, fact in facts(knowledge):
        counted.setdefault(where.partition("/")[0].partition(":")[0], Counter())[fact.how] += 1
    counted["all"] = sum(counted.values(), Counter[str]())
    hows = tuple(reversed(HOWS))
    return table(("part", *hows), ((part, *(str(counts[how]) for how in hows)) for part, counts in counted.items()))


def _kinds(knowledge: Knowledge) -> str:
    sources = Counter(source.kind for source in knowledge.tables["sources"])
    rows = Counter(knowledge.sources[fact.source].kind for _, fact in facts(knowledge))
    return table(
        ("kind", "sources", "facts"), ((kind, str(sources[kind]), str(rows[kind])) for kind in get_args(SourceKind))
    )


def _copies(knowledge: Knowledge) -> str:
    counted = Counter((where.partition(":")[0], row.source) for where, row in on_web_copies(knowledge))
    total = f"{counted.total()} facts.\n\n"
    return total + table(
        ("file", "source", "facts"),
        ((file, Markdown(f"[{source}](sources.md#{source})"), n) for (file, source), n in sorted(counted.items())),
    )


def _own_text(knowledge: Knowledge) -> str:
    return table(
        ("protocol", "what it holds", "own facts", "in its own text"),
        (
            (Markdown(f"[{each.id}](../{page_of(each.id)})"), each.title, str(rows), str(read))
            for each in knowledge.protocols.values()
            for read, rows in [each.from_own_text()]
        ),
    )


def _words(knowledge: Knowledge) -> str:
    return f"- **action**, most cautious first: {', '.join(ACTIONS)}\n- **urgency**: {', '.join(URGENCIES)}"


PARTS: Mapping[str, Callable[[Knowledge], str]] = {
    "record": _record,
    "units": _units,
    "protocols": _protocols,
    "indications": _indications,
    "knowledge": _knowledge,
    "words": _words,
    "how": _how,
    "kinds": _kinds,
    "copies": _copies,
    "own_text": _own_text,
}
