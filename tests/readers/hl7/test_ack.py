"""An answer finds its way back: swapped names, the sender's version, delimiters and character set; problems placed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.knowledge import load
from azaward.readers.hl7.ack import BETWEEN, answer, unknown_person
from azaward.readers.hl7.codes import codes
from azaward.readers.hl7.messages import read_frame
from tests.readers.hl7.spec import AT

KNOWLEDGE = load()
HEADER = "MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|20261120||ORU^R01^ORU_R01|C7|P|2.5.1"
REST = "\rPID|1||42^^^RIVERSIDE||Doe^Jo\rOBR|1||17||||20261120\rOBX|1|NM|751-8^^LN||4.2|10*9/L|||||F"


def answered(message: str, codec: str = "utf-8", *more: object) -> str:
    content = message.encode(codec)
    notice = read_frame(content, KNOWLEDGE)
    return answer(content, notice, codes(KNOWLEDGE), AT, more).decode(codec)  # type: ignore[arg-type]


def segments(said: str) -> list[list[str]]:
    return [line.split("|") for line in said.split("\r") if line]


def test_the_names_are_swapped_and_the_id_is_that_of_the_message() -> None:
    header, msa = segments(answered(HEADER + REST))
    assert header[2:6] == ["AZAWARD", "CLINIC", "LAB", "RIVERSIDE"]
    assert (header[6], header[8], header[10:12]) == ("20261120090000+0000", "ACK^R01^ACK", ["P", "2.5.1"])
    assert msa == ["MSA", "AA", "C7"]


def test_the_answer_to_a_message_is_always_the_same() -> None:
    assert answered(HEADER + REST) == answered(HEADER + REST)


@pytest.mark.parametrize(
    ("version", "kind", "error"),
    [
        ("2.2", "ACK^R01", "ERR|PID^1^3^204&unknown key&HL70357"),
        ("2.3", "ACK^R01", "ERR|PID^1^3^204&unknown key&HL70357"),
        ("2.4", "ACK^R01^ACK", "ERR|PID^1^3^204&unknown key&HL70357"),
        ("2.5", "ACK^R01^ACK", "ERR||PID^1^3^1|204^unknown key^HL70357|W||||"),
        ("2.8.2", "ACK^R01^ACK", "ERR||PID^1^3^1|204^unknown key^HL70357|W||||"),
    ],
)
def test_a_person_whom_nobody_knows_is_a_warning_in_the_senders_version(version: str, kind: str, error: str) -> None:
    said = answered(HEADER.replace("2.5.1", version) + REST, "utf-8", unknown_person())
    header, msa, _ = segments(said)
    assert (msa[1], header[8], header[11]) == ("AA", kind, version)
    assert f"\r{error}" in said


def test_what_the_store_could_not_keep_is_an_error() -> None:
    problem = replace(unknown_person(), severity="error", fault="application")
    assert segments(answered(HEADER + REST, "utf-8", problem))[1][1] == "AE"


def test_the_answer_has_the_senders_delimiters_and_escapes_them() -> None:
    swapped = (HEADER + REST).translate(str.maketrans("|^~\\&", "#%*!+")).replace("4.2", "a#b")
    said = answered(swapped.replace("ORU%R01%ORU_R01", "FOO%R01"))
    assert said.startswith("MSH#%*!+#AZAWARD#CLINIC#LAB#RIVERSIDE#")
    assert "\rMSA#AR#C7\r" in said
    assert "ERR##MSH%1%9%1#200%message type%HL70357#E" in said


@pytest.mark.parametrize(("charset", "codec"), [("8859/1", "iso8859-1"), ("UNICODE UTF-8", "utf-8")])
def test_the_answer_is_in_the_senders_character_set(charset: str, codec: str) -> None:
    message = HEADER.replace("LAB", "LABÖR") + f"||||||{charset}" + REST
    header = segments(answered(message, codec))[0]
    assert (header[4], header[17]) == ("LABÖR", charset)


@pytest.mark.parametrize(
    ("asked", "fault", "codes_said"),
    [
        ("|||AL|AL", "", ["CA", "AA"]),
        ("|||AL|NE", "", ["CA"]),
        ("|||NE|AL", "", ["AA"]),
        ("|||NE|NE", "", []),
        ("|||ER|ER", "", []),
        ("|||AL|", "", ["CA"]),
        ("|||AL|ER", "no patient", ["CA", "AE"]),
        ("|||ER|AL", "version", ["CR"]),
        ("|||SU|SU", "version", []),
        ("|||??|NE", "", ["CA"]),
    ],
)
def test_in_enhanced_mode_what_is_asked_for_is_answered(asked: str, fault: str, codes_said: list[str]) -> None:
    rest = REST.replace("\rPID", "\rZID") if fault == "no patient" else REST
    header = HEADER.replace("2.5.1", "3.0") if fault == "version" else HEADER
    said = answered(header + asked + rest)
    parts = said.split(BETWEEN.decode()) if said else []
    assert [segments(part)[1][1] for part in parts] == codes_said


def test_an_error_in_words_stands_on_one_line() -> None:
    said = answered(HEADER + REST.replace("4.2", "").replace("||||F", "||||?"))
    assert re.fullmatch(
        r"ERR\|\|OBX\^1\^11\^1\|103\^table value\^HL70357\|W\|\|\|\|[^|\r]+", said.strip().split("\r")[-1]
    )
