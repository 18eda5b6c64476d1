"""The documentation says what the program does: every rule, command, option and knowledge file has its words."""

from __future__ import annotations

import ast
import datetime as dt
import doctest
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from azaward.assessment import Assessment, assess
from azaward.cli import app
from azaward.errors import KnowledgeError
from azaward.knowledge import load
from azaward.knowledge.loading.check import faults, with_protocol
from azaward.knowledge.loading.load import HERE
from azaward.knowledge.loading.schema import PROTOCOL_LISTS, TABLES
from azaward.readers.tables.folder import read_own_json
from azaward.record import Record
from azaward.record.tables import TABLES as RECORD
from azaward.rules.pipeline import RULES, STAGES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
sys.path.insert(0, str(ROOT / "scripts"))
docs_markdown, docs_tables, docs_hooks = (
    importlib.import_module(f"docs_{name}") for name in ("markdown", "tables", "hooks")
)
bold, PARTS, described = docs_markdown.bold, docs_tables.PARTS, docs_tables.described
filled, pages = docs_hooks.filled, docs_hooks.pages

BUILD_SECONDS = 60


def text_of(*names: str) -> str:
    return "\n".join((DOCS / name).read_text(encoding="utf-8") for name in names)


def fences(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text_of(page), flags=re.M | re.S)


def commands(command: Any, name: str = "azaward") -> Iterator[tuple[str, list[str]]]:
    """Each command as it is typed, and the names of its options and arguments."""
    if hasattr(command, "commands"):
        for each, inner in command.commands.items():
            yield from commands(inner, f"{name} {each}")
        return
    yield (
        name,
        [
            option if parameter.param_type_name == "option" else parameter.name.upper()
            for parameter in command.params
            for option in (max(parameter.opts, key=len),)
            if option != "--help"
        ],
    )


# The first page.

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_what_the_program_prints() -> None:
    shown = re.findall(r"^\$ azaward (.+)\n((?:.+\n)+?)```$", README, flags=re.M)
    assert shown
    for typed, printed in shown:
        words = [sys.executable, "-m", "azaward", *shlex.split(typed)]
        narrow = {**os.environ, "COLUMNS": "80"}
        said = subprocess.run(words, capture_output=True, text=True, check=True, env=narrow).stdout
        lines = [line.strip() for line in said.splitlines()]
        assert all(line.strip() in lines for line in printed.splitlines() if line.strip() != "...")


def test_every_command_of_the_readme_is_one() -> None:
    known = dict(commands(typer.main.get_command(app)))
    blocks = "".join(re.findall(r"^```\n(.*?)^```$", README, flags=re.M | re.S))
    typed = [line.partition("#")[0].split() for line in blocks.splitlines() if re.match(r"(\$ )?azaward [a-z]", line)]
    assert len(typed) > 10
    for words in typed:
        name = " ".join(words[words.index("azaward") :][:3])
        while name not in known:
            assert " " in name, words
            name = name.rpartition(" ")[0]
        for option in (word for word in words if word.startswith("--")):
            assert option in known[name], (name, option)


# The site.


def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        # Quiet would be deaf: MkDocs then counts no warnings, and nothing is strict.
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages_built = sorted(tmp_path.rglob("*.html"))
    assert len(pages_built) > len(TABLES) + len(load().protocols)
    asked: set[str] = set()
    for page in pages_built:
        asked |= fetched(page.read_text(encoding="utf-8"))
    assert not [address for address in asked if "//" in address], "a page of the site fetches from the network"


class _Fetched(HTMLParser):
    """Addresses that a browser fetches to show a page; links that a reader may follow are none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe") and given.get("src"):
            self.found.add(str(given["src"]))
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next") and given.get("href"):
            self.found.add(str(given["href"]))


def fetched(page: str) -> set[str]:
    parser = _Fetched()
    parser.feed(page)
    return parser.found


def test_a_page_that_fetches_is_noticed() -> None:
    assert fetched('<link rel="stylesheet" href="https://fonts.example/a.css">') == {"https://fonts.example/a.css"}


# Every part of the program is described.


def test_every_rule_module_has_its_page() -> None:
    missing = {rule.split(".")[1] for rule in RULES} - {path.stem for path in (DOCS / "rules").glob("*.md")}
    assert not missing


@pytest.mark.parametrize(("command", "options"), list(commands(typer.main.get_command(app))), ids=str)
def test_every_command_and_option_is_described(command: str, options: list[str]) -> None:
    text = text_of("start.md", "commands.md")
    assert command in text
    section = text[text.index(command) :]
    assert not [option for option in options if option not in section]


def test_every_knowledge_file_is_described() -> None:
    files = {str(path.relative_to(HERE)) for path in (*HERE.rglob("*.csv"), *HERE.glob("*.yaml"))}
    assert set(described()) == files | {"protocols/"}


def test_the_readme_of_knowledge_names_every_list_and_key_of_a_protocol() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert not [name for name in PROTOCOL_LISTS if f"{name}:" not in text or f"{name}_from" not in text]


def test_the_record_page_shows_every_column() -> None:
    page = filled(text_of("tables.md"), load())
    for name, columns in RECORD.items():
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert not [column.name for column in columns if f"| {bold(column.name)} |" not in section]


def test_every_generated_part_is_used_and_made() -> None:
    asked = {name for path in DOCS.rglob("*.md") for name in re.findall(r"<!-- generated: (\w+) -->", path.read_text())}
    assert asked == set(PARTS)


def test_every_stage_is_named_for_whoever_writes_a_rule() -> None:
    text = text_of("add-a-rule.md")
    assert not [name for name, _ in STAGES if f"`{name}`" not in text]


def test_every_reason_to_set_a_result_aside_is_described() -> None:
    words = yaml.safe_load((HERE / "messages.yaml").read_text(encoding="utf-8"))
    codes = [code for code in words if code.startswith(("result_", "record_"))]
    text = text_of("set-aside.md")
    assert codes
    assert not [code for code in codes if f"`{code}`" not in text]


# Generated pages say what the knowledge says.


@lru_cache(maxsize=1)
def made() -> dict[str, str]:
    return pages(load())


@pytest.mark.parametrize("id", list(load().protocols))
def test_a_protocol_page_shows_each_row_and_marks_what_is_second_hand(id: str) -> None:
    page, protocol = made()[f"protocols/{id}.md"], load().protocols[id]
    rows = [row for rows in protocol.lists.values() for row in rows]
    shown = [line for line in page.splitlines() if "sources.md#" in line]
    assert len(shown) == len(rows)
    marked = [line for line in shown if "second-hand" in line.split("|")[-2]]
    assert len(marked) == sum(row.how == "secondary" for row in rows)
    for lender in protocol.borrowed.values():
        assert f"borrowed from {lender}" in page


def test_a_limit_is_shown_with_its_number_action_and_urgency() -> None:
    rows: tuple[Any, ...] = load().protocols["bsr-2017"].lists["limits"]
    row = next(row for row in rows if row.analyte == "neutrophils")
    begins = f"| Neutrophil count | **below {row.value:g} ×10⁹/L** | {row.action} | {row.urgency} |"
    assert begins in made()["protocols/bsr-2017.md"]


def test_the_most_cautious_page_begins_where_the_strictest_limit_does() -> None:
    limits: list[Any] = [row for each in load().protocols.values() for row in each.lists["limits"]]
    highest = max(row.value for row in limits if (row.analyte, row.comparison) == ("neutrophils", "below"))
    assert f"| Neutrophil count | **below {highest:g} ×10⁹/L** |" in made()["protocols/most-cautious.md"]


def test_what_a_protocol_borrows_stands_apart() -> None:
    page = made()["protocols/edinburgh-transplant-2018.md"]
    own, _, lent = (
        page.partition("## Limits\n")[2].partition("\n## Doses")[0].partition("### Limits: borrowed from bsr-2017")
    )
    assert own.count("White cell count") == 2
    assert "Neutrophil count" not in own
    assert "Neutrophil count" in lent


def test_the_examples_of_the_markdown_helpers_hold() -> None:
    done = doctest.testmod(docs_markdown)
    assert done.attempted
    assert not done.failed


# Examples that a reader may copy do what the page says.


def record(page: str) -> Record:
    return read_own_json(json.loads(fences(page, "json")[0]), "c001.json", load())


@lru_cache(maxsize=1)
def first_assessment() -> Assessment:
    day = re.search(r"--as-of (\S+)", text_of("start.md"))
    assert day
    return assess(record("start.md"), dt.date.fromisoformat(day[1]))


def test_the_first_assessment_finds_what_the_page_says() -> None:
    found = {(f.code, f.subject, f.action, f.urgency) for f in first_assessment().patients[0].findings}
    shown = re.findall(r"^\| `(\w+)` (\w+) \| ([\w-]+) \| ([\w-]+) \|", text_of("start.md"), flags=re.M)
    assert len(shown) >= 3
    assert set(shown) <= found


def test_the_first_assessment_sets_aside_what_the_page_says() -> None:
    assert [item.what for item in first_assessment().set_aside] == ["White cell count 4500.0 (10^9/L)"]


def test_the_python_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c001.json").write_text(fences("start.md", "json")[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(fences("start.md", "python")[0], {})
    plan = first_assessment().patients[0].plan
    assert capsys.readouterr().out == f"c001 {plan.urgency} {plan.dose.decision}\n"


@pytest.fixture
def my_clinic(tmp_path: Path) -> Path:
    path = tmp_path / "my-clinic.yaml"
    path.write_text(fences("protocols/add.md", "yaml")[0], encoding="utf-8")
    return path


def test_the_clinic_protocol_of_the_page_is_whole(my_clinic: Path) -> None:
    knowledge, id = with_protocol(load(), my_clinic)
    assert not faults(knowledge)
    assert set(knowledge.protocols[id].borrowed.values()) == {"bsr-2017"}


def test_the_clinic_protocol_of_the_page_decides(my_clinic: Path) -> None:
    knowledge, id = with_protocol(load(), my_clinic)
    day = dt.date(2026, 9, 2)
    tables: dict[str, list[dict[str, Any]]] = {
        "patients": [{"patient_id": "c002", "birth_date": dt.date(1970, 1, 1), "indication": "rheumatoid_arthritis"}],
        "exposures": [{"patient_id": "c002", "medicine": "azathioprine", "started_on": dt.date(2026, 6, 1)}],
        "results": [
            {
                "patient_id": "c002",
                "analyte": "neutrophils",
                "value": 1.9,
                "unit": "10*9/L",
                "taken_on": dt.date(2026, 9, 1),
                "status": "final",
            }
        ],
    }

    def low(protocol: str) -> list[float | None]:
        findings = assess(Record.of(tables), day, protocol, knowledge).patients[0].findings
        return [f.limit and f.limit.value for f in findings if f.code == "limit_low"]

    assert low(id) == [2.0]
    assert low("bsr-2017") == []


def test_a_fault_in_a_clinic_protocol_reads_as_the_page_shows(my_clinic: Path) -> None:
    broken = my_clinic.read_text(encoding="utf-8").replace("action: withhold", "action: hold", 1)
    my_clinic.write_text(broken, encoding="utf-8")
    with pytest.raises(KnowledgeError) as error:
        with_protocol(load(), my_clinic)
    shown = re.search(r"^azaward: (my-clinic\.yaml:\d+ .*)$", text_of("protocols/add.md"), flags=re.M)
    assert shown
    assert str(error.value) == shown[1]


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    modules = [path.stem for path in (ROOT / "src").rglob("*.py")]
    assert not set(modules) & sys.stdlib_module_names


def test_no_folder_has_more_than_twenty_modules_and_no_rule_more_than_forty_lines() -> None:
    for folder in {path.parent for path in (ROOT / "src").rglob("*.py")}:
        assert len(list(folder.glob("*.py"))) <= 20, folder
    for path in (ROOT / "src" / "azaward" / "rules").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{path}: {node.name}"
