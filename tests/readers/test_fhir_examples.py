"""The example bundles of examples/fhir/: read as the tables beside them say, whole, damaged and cut."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.fhir.bundle import read_bundle
from azaward.readers.fhir.resources import READ
from azaward.readers.read import read
from azaward.record import TABLES, Record
from tests.arrow_tables import arrow
from tests.proof import rounds

EXAMPLES = Path(__file__).parents[2] / "examples" / "fhir"
FILES = sorted([*EXAMPLES.glob("*.json"), *EXAMPLES.glob("*.ndjson")])
Resource = dict[str, Any]


def drawn(record: Record) -> str:
    """A record as tables that a person can check; empty columns are left out."""
    blocks = [_table(name, [c.name for c in columns if c.ruled], record.rows[name]) for name, columns in TABLES.items()]
    asides = [(a.where, a.patient_id, a.what, a.why) for a in record.set_aside]
    return "\n".join(filter(None, [*blocks, _table("set aside", ["where", "patient_id", "what", "why"], asides)]))


def _table(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [["" if x is None else f"{x:g}" if isinstance(x, float) else str(x) for x in row] for row in rows]
    if not lines:
        return ""
    lines = [list(header), *(line[: len(header)] for line in lines)]
    columns = [cells for cells in zip(*lines, strict=True) if any(cells[1:])]
    widths = [max(map(len, cells)) for cells in columns]
    drawn_rows = (
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*columns, strict=True)
    )
    return "\n".join([name, *(f"  {row}" for row in drawn_rows)]) + "\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_example_is_read_as_the_tables_beside_it(path: Path) -> None:
    expected = EXAMPLES / "expected" / f"{path.stem}.txt"
    found = drawn(read(path, load()))
    if os.environ.get("WRITE_EXPECTED"):  # to be read line by line before it is kept
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [path for path in FILES if path.stem != "trouble"], ids=lambda path: path.stem)
def test_example_is_fhir(path: Path) -> None:
    """Kinds that azaward only counts stand in the examples by name alone, and are not complete."""
    for resource in (entry["resource"] for entry in entries_of(path)):
        if resource["resourceType"] in READ:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def entries_of(path: Path) -> list[Resource]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ndjson":
        return [{"resource": json.loads(line)} for line in text.splitlines()]
    return json.loads(text)["entry"]


def record_of_entries(entries: list[Resource]) -> Record:
    return read_bundle(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), "b.json", load())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_dropped_in_silence(path: Path) -> None:
    """Put an unused medicine's name in place of a resource: a row, a count or a line set aside must go."""
    entries = entries_of(path)
    whole = drawn(record_of_entries(entries))
    for number, entry in enumerate(entries):
        if entry.get("resource", {}).get("resourceType") not in ("Patient", "Medication"):
            rest = [*entries[:number], {"resource": {"resourceType": "Medication"}}, *entries[number + 1 :]]
            assert drawn(record_of_entries(rest)) != whole, entry


# Whatever else arrives.

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
)
BUNDLES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES if path.suffix == ".json"}


def paths(node: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every node below this one."""
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, child in steps for place in ((*here, key), *paths(child, (*here, key)))]


def mutate(node: Any, data: st.DataObject, times: int) -> Any:
    """A copy with nodes taken away or replaced by something else."""
    node = json.loads(json.dumps(node))
    for _ in range(times):
        places = paths(node)
        if not places:
            break
        *way, last = data.draw(st.sampled_from(places))
        parent = node
        for step in way:
            parent = parent[step]
        if data.draw(st.booleans()):
            del parent[last]
        else:
            parent[last] = data.draw(JUNK)
    return node


often = settings(
    max_examples=rounds(150, 5000),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@often
@given(st.sampled_from(sorted(BUNDLES)), st.integers(1, 6), st.data())
def test_a_damaged_bundle_is_read_or_refused_never_a_crash(name: str, times: int, data: st.DataObject) -> None:
    content = json.dumps(mutate(BUNDLES[name], data, times)).encode()
    message = ""
    try:
        record = read_bundle(content, "b.json", load())
    except InputError as error:
        message = str(error)
    else:
        arrow(record)  # every cell has its column's type
    assert "\n" not in message


@often
@given(st.sampled_from(sorted(BUNDLES)), st.integers(1, 4), st.data())
def test_one_damaged_resource_hides_no_other(name: str, times: int, data: st.DataObject) -> None:
    entries = BUNDLES[name]["entry"]
    spoken_of = ("Patient", "Medication", "Condition", "MedicationRequest")
    places = [i for i, entry in enumerate(entries) if entry.get("resource", {}).get("resourceType") not in spoken_of]
    at = data.draw(st.sampled_from(places))
    damaged = [*entries[:at], mutate(entries[at], data, times), *entries[at + 1 :]]
    without = [*entries[:at], {"resource": {"resourceType": "Medication"}}, *entries[at + 1 :]]
    found, least = (record_of_entries(each) for each in (damaged, without))
    for table in TABLES:
        kept = list(map(str, found.rows[table]))
        for row in map(str, least.rows[table]):
            assert row in kept
            kept.remove(row)
