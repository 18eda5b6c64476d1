"""Each source is one document that a reader can find, and what was read in no better place gets less, never more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from azaward.knowledge import load
from azaward.knowledge.loading.check import facts, on_web_copies
from azaward.knowledge.loading.schema import Source
from azaward.knowledge.loading.schema.facts import HOWS, SourceKind, least_read
from azaward.knowledge.loading.sources import rests_on_a_copy, source_faults

KNOWLEDGE = load()
PAGE = Path(__file__).parents[2] / "docs" / "knowledge" / "provenance.md"
# So many facts rest on copied labels, shops, blogs or news. Lower it with every one that is read in a better place.
ON_WEB_COPIES = 164

PAPER = Source(
    id="a-2020",
    title="A trial of one thing",
    publisher="A Journal",
    published_on="2020",
    identifier="doi:10.1000/ABC",
    kind="trial",
)


def test_fewer_facts_rest_on_copies_and_never_more() -> None:
    assert len(on_web_copies(KNOWLEDGE)) <= ON_WEB_COPIES


def test_a_copy_is_known_by_its_source_or_by_the_row() -> None:
    row = next(row for _, row in facts(KNOWLEDGE) if row.source == "sps-azathioprine")
    source = KNOWLEDGE.sources["sps-azathioprine"]
    assert not rests_on_a_copy(row, source)
    assert rests_on_a_copy(row, msgspec.structs.replace(source, kind="web copy"))
    copied = msgspec.structs.replace(row, locator="Before starting, as copied at example.org")
    assert rests_on_a_copy(copied, source)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"identifier": "https://doi.org/10.1000/abc", "title": "B"}, "'b-2020' has the address of 'a-2020'"),
        ({"identifier": "doi:10.1000/abc", "title": "B"}, "'b-2020' has the address of 'a-2020'"),
        (
            {"identifier": "PMID:1", "title": "A trial, of one thing.", "publisher": "a journal"},
            "'b-2020' has the title of 'a-2020'",
        ),
        ({"identifier": "seen in a hospital", "title": "B"}, "nobody can find 'seen in a hospital'"),
        ({"identifier": "urn:azaward:b", "title": "B"}, "nobody can find 'urn:azaward:b'"),
        ({"identifier": "doi:", "title": "B"}, "nobody can find 'doi:'"),
        ({"identifier": "https://example.org", "title": "B", "kind": "own"}, "is no text of ours"),
    ],
)
def test_a_source_under_two_ids_or_without_an_address_is_refused(changes: dict[str, str], says: str) -> None:
    other = msgspec.structs.replace(PAPER, id="b-2020", **changes)
    (fault,) = source_faults([PAPER, other])
    assert fault.startswith("sources.csv:3 ")
    assert says in fault


@pytest.mark.parametrize(
    "changes",
    [
        {"identifier": "https://example.org/b", "title": "B"},
        {"identifier": "PMC12", "title": "B"},
        {"identifier": "PMID:12", "publisher": "Another Journal"},
        {"identifier": "doi:10.1000/abc.d", "title": "B"},
        {"identifier": "urn:azaward:words", "title": "B", "kind": "own"},
        {"identifier": "docs/decisions/b.md", "title": "B", "kind": "own"},
    ],
)
def test_another_document_is_not(changes: dict[str, str]) -> None:
    assert list(source_faults([PAPER, msgspec.structs.replace(PAPER, id="b-2020", **changes)])) == []


def test_every_word_for_how_and_kind_is_explained() -> None:
    explained = re.findall(r"^\| `([\w ]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.M)
    assert sorted(explained) == sorted([*HOWS, *get_args(SourceKind)])


def test_what_was_read_least_well_counts() -> None:
    assert least_read(["own", "full text", "abstract"]) == "abstract"
    assert least_read(["full text"]) == "full text"


def test_what_a_protocol_is_named_after_is_a_source_that_is_held() -> None:
    for protocol in KNOWLEDGE.protocols.values():
        assert set(protocol.own_text) <= set(KNOWLEDGE.sources), protocol.id


@pytest.mark.parametrize(
    ("id", "none"), [("bsr-2017", True), ("bsg-2019", True), ("bad-2011", True), ("sps-nhs", False)]
)
def test_a_protocol_counts_what_was_read_in_the_text_it_is_named_after(id: str, none: bool) -> None:
    read, rows = KNOWLEDGE.protocols[id].from_own_text()
    assert (read == 0) == none
    assert 0 <= read <= rows
