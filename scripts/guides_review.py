"""Writes what the guides say now, for whoever reviews a change: tests/guides/shown.md, and each guide's reading grade.

    python scripts/guides_review.py

A changed fact changes tests/guides/shown.md; the diff is what a reviewer reads. tests/guides/test_guides.py fails until
this has been run, so no number of a guide changes unseen.
"""

from __future__ import annotations

import re
from pathlib import Path

from textstat import textstat

from azaward.guides.library import Guide, library
from azaward.guides.reading import sentences
from azaward.guides.words import TEXTS
from azaward.knowledge import Knowledge, load
from azaward.reports.guides.appendix import facts_used

SHOWN = Path(__file__).parents[1] / "tests" / "guides" / "shown.md"


def grade(guide: Guide, knowledge: Knowledge) -> float:
    """The Flesch-Kincaid grade of a guide's sentences."""
    return round(float(textstat.flesch_kincaid_grade(sentences(guide.body(knowledge)))), 1)


def shown(guide: Guide, knowledge: Knowledge) -> str:
    """One guide as a reviewer reads it: its words, its sources, its pictures in numbers."""
    body = guide.body(knowledge)
    sources = "\n".join(f"{one.number}. {one.source}: {'; '.join(one.locators)} ({one.how})" for one in body.sources)
    pictures = "\n".join(
        f"- {icons.caption}: " + ", ".join(f"{share.label} {icons.filled(share)}/{icons.per}" for share in icons.shares)
        for icons in body.pictures
    )
    return f"# {guide.id}: {guide.front.title}\n\n{body.readable}\nPictures:\n{pictures}\n\nSources:\n{sources}\n"


def facts(knowledge: Knowledge) -> str:
    """Every fact that the guides use, unrounded, as the appendix of the book shows it."""
    bodies = [guide.body(knowledge) for guide in library().guides]
    rows = facts_used(bodies)
    return "# Facts\n\n" + "\n".join(f"- {row.table} {row.id}: {row.says} [{row.source}, {row.how}]" for row in rows)


def document(knowledge: Knowledge) -> str:
    """All guides and all their facts as one text."""
    return "\n".join([*(shown(guide, knowledge) for guide in library().guides), facts(knowledge), ""])


def main() -> None:
    """Measures and writes."""
    knowledge, held = load(), library()
    for guide in held.guides:
        path = TEXTS / "en" / f"{guide.id}.md"
        text = path.read_text(encoding="utf-8")
        found = grade(guide, knowledge)
        path.write_text(re.sub(r"^reading_grade: .*$", f"reading_grade: {found}", text, count=1, flags=re.M), "utf-8")
        print(f"{found:5.1f}  {guide.id}")
    SHOWN.parent.mkdir(exist_ok=True)
    library.cache_clear()
    SHOWN.write_text(document(knowledge), encoding="utf-8")


if __name__ == "__main__":
    main()
