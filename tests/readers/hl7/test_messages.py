"""Every message of docs/hl7-messages.md gives the rows and the answer that stand below it."""

from __future__ import annotations

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from tests.readers.hl7.spec import Case, cases, shown

CASES = cases()


def test_the_page_has_its_messages() -> None:
    assert len(CASES) >= 40
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_a_message_of_the_page(case: Case) -> None:
    rows, answers = shown(case.text, case.sent)
    assert rows == case.rows
    assert answers == case.answers
