"""What is written as HL7 in any lawful manner is read back as the same rows; another library sees the same fields."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from hypothesis import given, settings
from hypothesis import strategies as st

from azaward.knowledge import load
from azaward.knowledge.loading.words.test_names import loinc_codes
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.segments import parse, split
from tests import proof
from tests.readers.hl7.spec import Case, cases, sent_bytes

KNOWLEDGE = load()
LOINC_CODES = loinc_codes(KNOWLEDGE)
# Analytes with a LOINC code and a unit in which every number below is plausible enough to be kept.
TESTS = [
    (row.id, LOINC_CODES[row.id], row.unit)
    for row in KNOWLEDGE.tables["analytes"]
    if row.id in LOINC_CODES and row.unit and row.panel not in ("body", "pregnancy", "urine")
]
CODECS = {"8859/1": "iso8859-1", "8859/15": "iso8859-15", "UNICODE UTF-8": "utf-8"}


class Manner(NamedTuple):
    """How a sender writes."""

    signs: str
    end: str
    charset: str
    framed: bool

    def text(self, text: str) -> str:
        """Text with its escapes."""
        field, component, repetition, escape, sub = self.signs
        for sign, letter in ((escape, "E"), (field, "F"), (component, "S"), (repetition, "R"), (sub, "T")):
            text = text.replace(sign, f"\0{letter}\0")
        return text.replace("\0", escape)


class Result(NamedTuple):
    analyte: str
    loinc: str
    unit: str
    sign: str
    number: float
    day: dt.date
    code: str
    as_text: bool


manners = st.builds(
    Manner,
    st.permutations("|^~\\&#!%$*;").map(lambda signs: "".join(signs[:5])),
    st.sampled_from(["\r", "\n", "\r\n"]),
    st.sampled_from(sorted(CODECS)),
    st.booleans(),
)
results = st.builds(
    lambda test, *rest: Result(*test, *rest),
    st.sampled_from(TESTS),
    st.sampled_from(["", "<", ">", "<=", ">="]),
    st.integers(1, 400).map(lambda tenths: tenths / 10),
    st.dates(dt.date(2020, 1, 1), dt.date(2026, 11, 20)),
    st.sampled_from("FPCRSABV"),
    st.booleans(),
)
names = st.text(st.sampled_from("Aäöé|^~\\&#!%$*;o' -"), min_size=1, max_size=12)
STATUS = {"F": "final", "A": "final", "B": "final", "V": "final", "C": "corrected"}


def written(manner: Manner, name: str, made: list[Result]) -> bytes:
    field, component, repetition, escape, sub = manner.signs
    lines = [
        f"MSH\x01{component}{repetition}{escape}{sub}\x01LAB\x01X\x01\x01\x0120261120\x01\x01ORU{component}R01\x011\x01P\x012.5.1\x01\x01\x01\x01\x01\x01{manner.charset}",
        f"PID\x011\x01\x0142{component * 3}X\x01\x01{manner.text(name)}\x01\x0119800102\x01F",
    ]
    for number, result in enumerate(made, 1):
        value = f"{result.sign}{result.number}" if result.as_text else f"{result.sign}{component}{result.number}"
        unit = manner.text(result.unit)
        kind = "ST" if result.as_text else "SN"
        gap = [""] * 4
        lines += [
            f"OBR\x01{number}\x01\x01{number}\x01\x01\x01\x01{result.day:%Y%m%d}",
            "\x01".join(("OBX", "1", kind, f"{result.loinc}{component * 2}LN", "", value, unit, *gap, result.code)),
        ]
    text = manner.end.join(lines).replace("\x01", field)
    content = text.encode(CODECS[manner.charset])
    return b"\x0b" + content + b"\x1c\r" if manner.framed else content


@settings(max_examples=proof.rounds(100, 3_000), deadline=None)
@given(manners, names, st.lists(results, min_size=1, max_size=6))
def test_results_come_back_as_they_were(manner: Manner, name: str, made: list[Result]) -> None:
    notice = read_frame(written(manner, name, made), KNOWLEDGE)
    assert notice.outcome == "accept", notice.problems
    assert [each.family for each in notice.people[0].names] == ([name.strip()] if name.strip() else [])
    read = [(row[1], row[2], row[3] or "", row[5], row[8], row[9]) for row in notice.record.rows["results"]]
    assert read == [
        (each.analyte, each.number, each.sign, each.unit, each.day, STATUS.get(each.code, "preliminary"))
        for each in made
    ]


PLAIN = [
    case for case in cases() if not case.sent and case.text.startswith("MSH|^~\\&|") and case.text.count("MSH|") == 1
]


@pytest.mark.parametrize("case", PLAIN, ids=[case.title for case in PLAIN])
def test_another_library_divides_a_message_alike(case: Case) -> None:
    parser = pytest.importorskip("hl7apy.parser", reason="hl7apy gives a second opinion, and is not installed")
    message = parse(split(sent_bytes(case.text, "")).messages[0], codes(KNOWLEDGE))
    lines = case.text.split("\n")
    assert [segment.name for segment in message.segments] == [line[:3] for line in lines]
    for segment, line in zip(message.segments[1:], lines[1:], strict=True):
        if segment.name.startswith("Z"):
            continue
        theirs = parser.parse_segment(line, version="2.5.1", validation_level=2)
        for child in theirs.children:
            number = int(child.name.split("_")[1])
            if child.to_er7() in ("", '""'):
                continue
            values = segment.repetitions(number)
            ours = ["^".join(value.raw(part + 1) for part in range(len(value.components))) for value in values]
            # It escapes the escapes of a text once more.
            repetitions = [each.to_er7().replace("\\E\\", "\\") for each in theirs.children if each.name == child.name]
            assert ours == [each for each in "~".join(repetitions).split("~") if each], (segment.name, number)
