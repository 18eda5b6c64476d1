"""A sender's settings: what its own words mean, and one line for whatever is wrong in the file."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.senders import Senders, read_sender, read_senders

KNOWLEDGE = load()
EXAMPLE = Path(__file__).parents[3] / "examples" / "hl7" / "riverside-laboratory.yaml"
MESSAGE = (
    "MSH|^~\\&|LAB|RIVERSIDE|||20261120||ORU^R01|1|{processing}|2.5.1\rPID|1||42^^^RIVERSIDE||Müller\r"
    "OBR|1||17||||202611200015\r{rest}"
)


def read(settings: str, rest: str, processing: str = "P"):  # type: ignore[no-untyped-def]
    senders = Senders((read_sender("lab.yaml", settings, KNOWLEDGE),))
    content = MESSAGE.format(rest=rest, processing=processing).encode("iso8859-1")
    return read_frame(content, KNOWLEDGE, "feed", senders)


def test_the_example_is_read() -> None:
    (sender,) = read_senders([EXAMPLE], KNOWLEDGE).known
    assert sender.zone == "Europe/London"
    assert sender.trusted == ("RIVERSIDE", "NHS")


def test_codes_units_character_set_and_zone_are_the_senders() -> None:
    settings = (
        "sender: LAB|*\ncharset: 8859/1\nzone: Europe/Berlin\ntrusted: [RIVERSIDE]\n"
        "codes: {0815: neutrophils, PLT7: 777-3}\nunits: {Tsd/ul: 10*3/uL}\nspecimens: {Monovette: blood}"
    )
    rest = "OBX|1|NM|0815^Seg.^L||4.2|Tsd/ul|||||F\rOBX|2|NM|PLT7^Thr.^L||210|Tsd/ul|||||F\rSPM|1|||Monovette"
    notice = read(settings, rest)
    assert notice.problems == ()
    assert [(row[1], row[2], row[5]) for row in notice.record.rows["results"]] == [
        ("neutrophils", 4.2, "10*3/uL"),
        ("platelets", 210.0, "10*3/uL"),
    ]
    assert notice.people[0].names[0].family == "Müller"
    assert notice.trusted == ("RIVERSIDE",)


def test_a_named_field_of_a_z_segment_is_read_and_others_are_counted() -> None:
    settings = "sender: LAB|*\ncharset: 8859/1\nz_fields: {ZWT-2: {analyte: weight, unit: kg, on: ZWT-3}}"
    notice = read(settings, "ZWT|1|72|20261119\rZZZ|1")
    assert [(row[1], row[2], str(row[8])) for row in notice.record.rows["results"]] == [("weight", 72.0, "2026-11-19")]
    assert notice.ignored == {"ZZZ": 1}


def test_a_feed_of_test_messages_takes_no_other() -> None:
    settings = "sender: '*|*'\ncharset: 8859/1\nprocessing: test"
    assert read(settings, "", "T").outcome == "accept"
    assert read(settings, "", "P").outcome == "reject"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sender: LAB", ["lab.yaml sender", "application|facility"]),
        ("charset: ASCII", ["lab.yaml", "the setting 'sender' is missing", "Expected"]),
        ("sender: A|B\ncharsett: ASCII", ["charsett", "Expected: sender, charset"]),
        ("sender: A|B\nsystems: {HOSP: ''}", ["lab.yaml systems.HOSP", "https://hosp.example/mrn"]),
        ("sender: A|B\ncharset: KLINGON", ["lab.yaml charset", "KLINGON", "8859/1"]),
        ("sender: A|B\ncharset: JAS2020", ["lab.yaml charset", "JAS2020"]),
        ("sender: A|B\nzone: Mars/Base", ["lab.yaml zone", "Mars/Base", "Europe/London"]),
        ("sender: A|B\nzone: ../../etc/passwd", ["lab.yaml zone"]),
        ("sender: A|B\ncodes: {X: moonlight}", ["lab.yaml codes.X", "moonlight", "analytes.csv"]),
        ("sender: A|B\ncodes: {X: 1-1}", ["lab.yaml codes.X", "1-1"]),
        ("sender: A|B\nunits: {X: furlong}", ["lab.yaml units.X", "furlong", "units.csv"]),
        ("sender: A|B\nspecimens: {X: ascites}", ["lab.yaml", "Invalid enum value 'ascites'"]),
        (
            "sender: A|B\nz_fields: {PID-3: {analyte: weight, unit: kg, on: PID-7}}",
            ["lab.yaml z_fields.PID-3", "ZWT-2"],
        ),
        ("sender: A|B\nz_fields: {ZA1-3: {analyte: x, unit: kg, on: ZA1-7}}", ["lab.yaml z_fields.ZA1-3"]),
        ("sender: A|B\ncodes: {X: wbc, X: alt}", ["lab.yaml line 2", "'X' appears twice"]),
        ("sender: [A", ["lab.yaml", "not YAML"]),
        ("", ["lab.yaml", "Expected"]),
        ("- a", ["lab.yaml", "Expected"]),
        ("sender: !!python/object/apply:os.system [ls]", ["lab.yaml", "Expected"]),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, says: list[str]) -> None:
    with pytest.raises(InputError) as error:
        read_sender("lab.yaml", text, KNOWLEDGE)
    assert "\n" not in str(error.value)
    assert all(each in str(error.value) for each in says), error.value


def test_two_files_of_one_sender_and_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("sender: A|B", encoding="utf-8")
    with pytest.raises(InputError, match="two files"):
        read_senders([tmp_path / "a.yaml", tmp_path / "b.yaml"], KNOWLEDGE)
    with pytest.raises(InputError, match=r"none.yaml: No such file"):
        read_senders([tmp_path / "none.yaml"], KNOWLEDGE)
    (tmp_path / "odd.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_senders([tmp_path / "odd.yaml"], KNOWLEDGE)
