"""MkDocs asks here for the pages that would otherwise repeat what the code and the knowledge files say.

One page a protocol and one a knowledge table are made whole. In a page of docs/ the line `<!-- generated: NAME -->`
is replaced by the part of that name. MkDocs calls the functions whose names begin with `on_`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from azaward.knowledge import MOST_CAUTIOUS, Knowledge, load
from azaward.knowledge.loading.schema import TABLES
from azaward.rules.pipeline import RULES
from docs_protocols import most_cautious_page, page_of, protocol_page
from docs_tables import PARTS, table_page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Pages that stand in the root of the repository, where people look for them first.
ROOT_PAGES = {
    "glossary.md": "GLOSSARY.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fills in the entries of `nav` that end with a slash."""
    rules = [*dict.fromkeys(rule.split(".")[1] for rule in RULES), "plan", "patients"]
    folders: dict[str, list[Any]] = {
        "rules/": ["rules/index.md", *(uri for name in rules if (DOCS / (uri := f"rules/{name}.md")).exists())],
        "protocols/": [
            "protocols/index.md",
            "protocols/add.md",
            *({id: page_of(id)} for id in (*load().protocols, MOST_CAUTIOUS)),
        ],
        "knowledge/": ["knowledge/index.md", "knowledge/provenance.md", *(f"knowledge/{name}.md" for name in TABLES)],
        "decisions/": [f"decisions/{path.name}" for path in sorted((DOCS / "decisions").glob("*.md"))],
    }
    config.nav = _filled_nav(config.nav, folders)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are made here."""
    for uri, content in pages(load()).items():
        files.append(File.generated(config, uri, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Puts the generated parts into handwritten pages."""
    return filled(markdown, load())


def filled(markdown: str, knowledge: Knowledge) -> str:
    """A page with its generated parts in place."""
    return re.sub(r"^<!-- generated: (\w+) -->$", lambda found: PARTS[found[1]](knowledge), markdown, flags=re.M)


def pages(knowledge: Knowledge) -> dict[str, str]:
    """Every page that no file of docs/ holds, by its place in the site."""
    made = {page_of(id): protocol_page(protocol, knowledge) for id, protocol in knowledge.protocols.items()}
    made[page_of(MOST_CAUTIOUS)] = most_cautious_page(knowledge)
    made |= {f"knowledge/{name}.md": table_page(name, knowledge) for name in TABLES}
    for uri, name in ROOT_PAGES.items():
        made[uri] = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
    return made


def _filled_nav(nav: Any, folders: Mapping[str, list[Any]]) -> Any:
    if isinstance(nav, list):
        return [_filled_nav(item, folders) for item in nav]
    if isinstance(nav, dict):
        return {title: _filled_nav(item, folders) for title, item in nav.items()}
    return folders.get(nav, nav)
