"""The rows about interactions: what asks for a test names it, so that the next test can come sooner."""

from __future__ import annotations

from azaward.knowledge import load


def test_every_interaction_that_asks_for_a_test_names_it() -> None:
    assert [row.id for row in load().tables["interactions"] if row.action == "test" and row.test is None] == []
