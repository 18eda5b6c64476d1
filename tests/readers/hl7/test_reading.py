"""What the page of messages doesn't show: notices, corrections by identity, and the siblings of its cases."""

from __future__ import annotations

import pytest

pytest.importorskip("hl7", reason="the extra azaward[hl7] is not installed")

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.hl7.files.record import read_hl7
from azaward.readers.hl7.medicines import times_a_day
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.notice import Notice, rename
from azaward.readers.hl7.parts import Delimiters, unescape
from azaward.readers.hl7.reading import Reading
from azaward.record.tables import TABLES, Record

KNOWLEDGE = load()
MSH = "MSH|^~\\&|LAB|RIVERSIDE|AZAWARD|CLINIC|{at}||{type}|{id}|P|2.5.1"
PID = "PID|1||42^^^RIVERSIDE^MR||Sample^Ada||19800102|F"
OBX = "OBX|{n}|NM|751-8^Neutrophils^LN|{sub}|{value}|10*9/L|1.5-7.5||||{status}"


def message(*lines: str, type: str = "ORU^R01", id: str = "1", at: str = "20261120", pid: str = PID) -> str:
    return "\r".join([MSH.format(at=at, type=type, id=id), pid, *lines])


def notice(*lines: str, **header: str) -> Notice:
    return read_frame(message(*lines, **header).encode(), KNOWLEDGE)


def record(*messages: str) -> Record:
    return read_hl7("\r".join(messages).encode(), "a.hl7", KNOWLEDGE)


def cells(found: Record, table: str, *columns: str) -> list[tuple[object, ...]]:
    places = [[column.name for column in TABLES[table]].index(name) for name in columns]
    return [tuple(row[place] for place in places) for row in found.rows[table]]


def obx(value: str, status: str = "F", n: int = 1, sub: str = "") -> str:
    return OBX.format(n=n, sub=sub, value=value, status=status)


ORDER = "OBR|1||17^LABNR|CBC^^L|||202611200815"


def test_a_notice_says_whose_rows_they_are_and_what_they_change() -> None:
    found = notice("ORC|RE||17", ORDER, obx("4.4", "C"), obx("3.1", sub="b", n=2))
    (said,) = found.people
    assert (said.identifiers[0].value, said.identifiers[0].authority, said.identifiers[0].type) == (
        *("42", "RIVERSIDE"),
        "MR",
    )
    assert found.event == "results"
    assert found.record.patient_ids() == [said.provisional_id]
    assert found.identities["results"] == ("LABNR|17|751-8|", "LABNR|17|751-8|b")
    assert [(each.kind, each.identity, each.on) for each in found.corrections] == [
        ("replace", "LABNR|17|751-8|", None),
        ("replace", "LABNR|17|751-8|b", "2026-11-20T08:15"),
    ]
    assert rename(found.record, {said.provisional_id: "c001"}).patient_ids() == ["c001"]


def test_the_key_of_a_message_is_that_of_its_content() -> None:
    first = notice(ORDER, obx("0.4"))
    assert first.key == notice(ORDER, obx("0.4"), at="20261121").key
    assert first.key != notice(ORDER, obx("4.0")).key
    assert first.key != notice(ORDER, obx("0.4"), id="2").key


@pytest.mark.parametrize(
    ("pid", "expected"),
    [
        ("PID|1||7^^^&1.2.826&ISO^NH~8^^^LAB^MR", [("7", "1.2.826", True), ("8", "LAB", True)]),
        ("PID|1||7^^^LAB^AN", [("7", "LAB", False)]),
        ("PID|1|7||9", [("7", None, True)]),
        ("PID|1||7^^^LAB||||||||||||||||123456789", [("7", "LAB", True), ("123456789", None, True)]),
        ('PID|1||""', []),
    ],
)
def test_every_number_of_a_person_has_its_authority(pid: str, expected: list[tuple[object, ...]]) -> None:
    (said,) = notice(pid=pid).people
    assert [(each.value, each.authority, each.is_personal) for each in said.identifiers] == expected


def test_a_deleted_field_is_not_an_empty_one() -> None:
    deleted = notice(type="ADT^A08", pid='PID|1||42^^^R||""||""|""')
    assert deleted.people[0].deleted == {"names", "birth_date", "sex"}
    empty = notice(type="ADT^A08", pid="PID|1||42^^^R")
    assert empty.people[0].deleted == frozenset()
    assert (empty.people[0].birth_date, empty.people[0].sex) == (None, None)


@pytest.mark.parametrize(
    ("event", "expected"),
    [("A01", "register"), ("A31", "update"), ("A18", "merge"), ("A47", "renumber"), ("A43", "apart"), ("A02", "other")],
)
def test_events_are_known_by_their_codes(event: str, expected: str) -> None:
    found = notice("MRG|41^^^RIVERSIDE^MR", type=f"ADT^{event}")
    assert found.event == expected
    assert found.outcome == "accept"
    assert found.ignored == ({"ADT^A02": 1} if event == "A02" else {})


def test_a_merge_of_accounts_merges_nobody() -> None:
    found = record(
        message(ORDER, obx("0.4")),
        message("MRG|41^^^RIVERSIDE^AN", type="ADT^A35", id="2", pid=PID.replace("42", "43")),
    )
    assert [row[0] for row in found.rows["patients"]] == ["42", "43"]


def test_one_number_of_two_authorities_is_two_people() -> None:
    found = record(message(ORDER, obx("0.4")), message(id="2", pid=PID.replace("RIVERSIDE", "HILLSIDE")))
    assert found.patient_ids() == ["42 (RIVERSIDE)", "42 (HILLSIDE)"]


def test_a_number_without_authority_is_the_same_persons_where_the_birth_dates_agree() -> None:
    bare = PID.replace("^^^RIVERSIDE^MR", "")
    assert record(message(), message(id="2", pid=bare)).patient_ids() == ["42"]
    other = record(message(), message(id="2", pid=bare.replace("1980", "1981")))
    assert len(other.patient_ids()) == 2


def test_numbers_that_one_message_gives_to_one_person_join_others() -> None:
    both = PID.replace("^MR", "^MR~9^^^NHS^NH")
    national = PID.replace("42^^^RIVERSIDE^MR", "9^^^NHS^NH")
    found = record(message(ORDER, obx("0.4")), message(id="2", pid=national), message(id="3", pid=both))
    assert found.patient_ids() == ["42"]


def test_a_changed_day_is_another_result_unless_it_is_a_correction() -> None:
    later = ORDER.replace("20261120", "20261121")
    both = record(message(ORDER, obx("0.4")), message(later, obx("4.0"), id="2"))
    assert cells(both, "results", "value", "status") == [(0.4, "final"), (4.0, "final")]
    corrected = record(message(ORDER, obx("0.4")), message(later, obx("4.0", "C"), id="2"))
    assert cells(corrected, "results", "value", "status") == [(0.4, "entered-in-error"), (4.0, "corrected")]


def test_a_result_without_sub_id_leaves_those_with_one_alone() -> None:
    found = record(message(ORDER, obx("0.4", sub="1")), message(ORDER, obx("4.0", "C"), id="2"))
    assert cells(found, "results", "value", "status") == [(0.4, "final"), (4.0, "corrected")]


def test_samples_of_one_order_at_other_times_are_other_results() -> None:
    later = ORDER.replace("0815", "1600")
    found = record(message(ORDER, obx("0.4")), message(later, obx("4.0"), id="2"))
    assert cells(found, "results", "value", "status") == [(0.4, "final"), (4.0, "final")]
    dayless = record(message(ORDER, obx("0.4")), message(later.replace("1600", ""), obx("4.0"), id="2"))
    assert cells(dayless, "results", "value", "status") == [(0.4, "entered-in-error"), (4.0, "final")]


def test_two_values_of_one_identity_in_one_message_both_count() -> None:
    found = record(message(ORDER, obx("0.4"), obx("4.0", n=2)))
    assert cells(found, "results", "value", "status") == [(0.4, "final"), (4.0, "final")]


def test_without_an_order_number_nothing_is_replaced() -> None:
    bare = ORDER.replace("17^LABNR", "")
    found = record(message(bare, obx("0.4")), message(bare, obx("4.0", "C"), id="2"))
    assert cells(found, "results", "value", "status") == [(0.4, "final"), (4.0, "corrected")]


def test_a_correction_of_another_persons_order_changes_nothing() -> None:
    found = record(message(ORDER, obx("0.4")), message(ORDER, obx("4.0", "C"), id="2", pid=PID.replace("42", "43")))
    assert cells(found, "results", "patient_id", "value", "status") == [
        ("42", 0.4, "final"),
        ("43", 4.0, "corrected"),
    ]


@pytest.mark.parametrize(
    ("obr25", "orc", "counts"), [("X", "RE", False), ("F", "OC", False), ("F", "CA", False), ("F", "RE", True)]
)
def test_a_cancelled_order_strikes_out_its_results(obr25: str, orc: str, counts: bool) -> None:
    cancelled = message(f"ORC|{orc}||17^LABNR", ORDER + "|" * 18 + obr25, id="2")
    found = record(message(ORDER, obx("0.4")), cancelled)
    assert cells(found, "results", "status") == [("final" if counts else "entered-in-error",)]


def test_a_value_in_a_cancelled_order_counts_and_is_asked_about() -> None:
    found = record(message("ORC|OC||17^LABNR", ORDER, obx("0.4")))
    assert cells(found, "results", "status") == [("final",)]
    assert any("order is cancelled" in item.why and item.patient_id == "42" for item in found.set_aside)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *(("^4.2", (4.2, None, None)), ("<^0.1", (0.1, "<", None)), ("=^4.2", (4.2, None, None))),
        *(("4.2", (4.2, None, None)), ("<0.1", (0.1, "<", None)), ("^1^:^128", (None, None, "1 : 128"))),
        *(("~^4.2", (4.2, None, None)), ("~^", (None, None, None)), ("<>^4.2", (4.2, None, "<> 4.2"))),
    ],
)
def test_structured_numbers(value: str, read: tuple[object, ...]) -> None:
    found = record(message(ORDER, obx(value).replace("|NM|", "|SN|")))
    assert cells(found, "results", "value", "comparator", "text") == [read]


def test_the_status_of_an_order_is_that_of_results_without_one() -> None:
    found = record(message(ORDER + "|" * 18 + "P", obx("0.4", "")))
    assert cells(found, "results", "status") == [("preliminary",)]


@pytest.mark.parametrize(
    ("spm", "means"),
    [
        ("SPM|1|||BLD", "blood"),
        ("SPM|1|||119297000^Blood specimen^SCT", "blood"),
        ("SPM|1|||^Serum", "blood"),
        ("SPM|1|||^EDTA-Vollblut", "blood"),
        ("SPM|1|||PRT", "other"),
        ("SPM|1|||^Peritoneal fluid", "other"),
        ("SPM|1|||309051001^Body fluid sample^SCT", "other"),
        ("SPM|1|||^CSF", "other"),
        ("SPM|1|||^Menstrual blood", "other"),
        ("SPM|1|||^Liquor cerebrospinalis", "other"),
        ("SPM|1|||UR", "other"),
        ("SPM|1|||^Cord blood", "other"),
        ("SPM|1|||BLDCO", "other"),
        ("SPM|1|||^Bone marrow aspirate", "other"),
        ("SPM|1|||OTH", "unclear"),
        ("SPM|1|||Q9", "unclear"),
        ("SPM|1|||BLD\rSPM|2|||UR", "unclear"),
        ("", "blood"),
    ],
)
def test_other_fluids_never_count_as_blood(spm: str, means: str) -> None:
    found = record(message(*[each for each in (ORDER, obx("2.5"), spm) if each]))
    assert len(found.rows["results"]) == (means != "other")
    said = {item.kind for item in found.set_aside}
    assert said == {"other": {"other_specimen"}, "unclear": {"specimen"}, "blood": set()}[means]


def test_a_urine_test_of_urine_counts() -> None:
    found = record(message(ORDER, "OBX|1|ST|20454-5^Protein urine^LN||negative||||||F", "SPM|1|||UR"))
    assert cells(found, "results", "analyte", "text") == [("urine_protein", "negative")]


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("1.5-7.5", 1.5, 7.5),
        ("1.5 to 7.5", 1.5, 7.5),
        ("[1.5 - 7.5]", 1.5, 7.5),
        ("<5", None, 5.0),
        (">= 1.5", 1.5, None),
    ],
)
def test_ranges_are_read(written: str, low: float | None, high: float | None) -> None:
    found = record(message(ORDER, obx("4.0").replace("1.5-7.5", written)))
    assert cells(found, "results", "ref_low", "ref_high") == [(low, high)]


@pytest.mark.parametrize("written", ["7.5-1.5", "1,5-7,5", "normal", "M 13-17 F 12-15", "-"])
def test_a_range_that_is_none_is_left_out(written: str) -> None:
    found = record(message(ORDER, obx("4.0").replace("1.5-7.5", written)))
    assert cells(found, "results", "value", "ref_low", "ref_high") == [(4.0, None, None)]


@pytest.mark.parametrize(
    ("pattern", "times"),
    [
        *(("QD", 1.0), ("bid", 2.0), ("TID", 3.0), ("Q8H", 3.0), ("Q2D", 0.5), ("Q1W", 1 / 7), ("QOD", 0.5)),
        *(("5ID", 5.0), ("QHS", 1.0), ("WK", 1 / 7), ("PRN", None), ("Once", None), ("Q0H", None), ("", None)),
        *(("as needed", None), ("C", None)),
    ],
)
def test_how_often_a_day(pattern: str, times: float | None) -> None:
    from azaward.readers.hl7.codes import codes
    from azaward.readers.hl7.notice import Header
    from azaward.readers.rows import RowReader

    reading = Reading(RowReader(KNOWLEDGE), codes(KNOWLEDGE), Header(), "a")
    assert times_a_day(reading, (pattern,)) == times


RXE = "RXE||^Azathioprine|{amount}||{unit}"


def taken(*lines: str, type: str = "RDE^O11") -> list[tuple[object, ...]]:
    found = record(message(*lines, type=type))
    return cells(found, "exposures", "medicine", "dose_mg_per_day", "started_on", "stopped_on")


@pytest.mark.parametrize(
    ("lines", "dose"),
    [
        (("ORC|NW|1", "RXE||^Azathioprine|50||MG", "TQ1|1||BID"), 100.0),
        (("ORC|NW|1", "RXE||^Azathioprine|0.15||G", "TQ1|1||QD"), 150.0),
        (("ORC|NW|1", "RXE||^Azathioprine|2||TAB", "TQ1|1||QD"), None),
        (("ORC|NW|1", "RXE||^Azathioprine|50||MG", "TQ1|1||PRN"), None),
        (("ORC|NW|1", "RXE||^Azathioprine|50||MG"), None),
        (("ORC|NW|1", "RXE||^Azathioprine|||" + "|" * 13 + "|125^MG"), 125.0),
        (("ORC|NW|1", "RXE||^Azathioprine|50||MG", "TQ1|1||QAM", "TQ1|2||QPM"), 100.0),
        (("ORC|NW|1", "RXE||^Azathioprine|50||MG", "TQ1|1|2|QAM", "TQ1|2|1|QPM"), None),
        (("ORC|NW|1", "RXE||^Azathioprine|0||MG", "TQ1|1||QD"), None),
    ],
)
def test_a_dose_is_milligrams_a_day_or_unknown(lines: tuple[str, ...], dose: float | None) -> None:
    ((medicine, found, _, _),) = taken(*lines)
    assert (medicine, found) == ("azathioprine", dose)


def test_an_order_that_ends_without_its_beginning_is_asked_about() -> None:
    found = record(message("ORC|DC|1|7||||||20261101", "RXE||^Azathioprine|50||MG", type="RDE^O11"))
    assert found.rows["exposures"] == []
    assert any("its beginning is not" in item.why for item in found.set_aside)


NEW = message("ORC|NW|1|7", "RXE||^Azathioprine|150||MG", "TQ1|1||QD||||20260110", type="RDE^O11")


@pytest.mark.parametrize(
    ("control", "timing", "expected"),
    [
        ("HD", (), [("2026-01-10", "2026-11-01")]),
        ("HD", ("TQ1|1||QD||||20260110",), [("2026-01-10", "2026-11-01")]),
        ("RL", (), [("2026-01-10", None)]),
        ("DC", (), [("2026-01-10", "2026-11-01")]),
        ("DC", ("TQ1|1||QD||||20260110",), [("2026-01-10", "2026-11-01")]),
        ("XO", ("TQ1|1||QD||||20260110",), [("2026-01-10", None)]),
        ("XO", (), [("2026-01-10", "2026-11-01"), ("2026-11-01", None)]),
    ],
)
def test_what_becomes_of_an_order_stands_once(control: str, timing: tuple[str, ...], expected: list[object]) -> None:
    lines = (f"ORC|{control}|1|7||||||20261101", "RXE||^Azathioprine|150||MG", *timing)
    found = record(NEW, message(*lines, type="RDE^O11", id="2"))
    said = cells(found, "exposures", "started_on", "stopped_on")
    assert [tuple(str(day) if day else None for day in row) for row in said] == expected


def test_an_order_on_hold_whose_beginning_is_not_here_is_still_seen() -> None:
    lines = ("ORC|HD|1|7||||||20261101", "RXE||^Azathioprine|150||MG", "TQ1|1||QD")
    found = record(message(*lines, type="RDE^O11"))
    assert cells(found, "exposures", "medicine", "dose_mg_per_day", "started_text") == [
        ("azathioprine", 150.0, "not said")
    ]


def test_the_encoded_order_goes_before_the_request_and_the_dispense() -> None:
    lines = ("ORC|NW|1", "RXO|^Azathioprine|100||MG", "RXE||^Azathioprine|50||MG", "TQ1|1||QD||||20260110")
    assert [row[1] for row in taken(*lines)] == [50.0]


def test_an_order_that_goes_on_is_no_longer_on_hold() -> None:
    hold = message("ORC|HD|1|7||||||20261101", "RXE||^Azathioprine|150||MG", type="RDE^O11", id="2")
    on = message("ORC|RL|1|7||||||20261110", "RXE||^Azathioprine|150||MG", type="RDE^O11", id="3")
    assert cells(record(NEW, hold), "exposures", "status") == [("on-hold",)]
    assert cells(record(NEW, hold, on), "exposures", "status", "stopped_on") == [("active", None)]


def test_an_unknown_medicine_is_kept_with_its_words() -> None:
    assert [row[0] for row in taken("ORC|NW|1", "RXE||X9^Wonder drug^L|1||TAB")] == ["unknown:Wonder drug"]


def test_an_allergy_that_is_deleted_or_erroneous_is_struck_out() -> None:
    first = message("IAM|1|DA|^Azathioprine||rash|A|7", type="ADT^A60")
    for second in ("IAM|1|DA|^Azathioprine||rash|D|7", "IAM|1|DA|^Azathioprine||rash|U|7" + "|" * 10 + "E"):
        assert record(first, message(second, type="ADT^A60", id="2")).rows["events"] == []
    again = record(first, message("IAM|1|DA|^Azathioprine||rash|U|7", type="ADT^A60", id="2"))
    assert cells(again, "events", "kind", "code") == [("allergy", "azathioprine")]


def test_the_last_word_on_a_death_counts() -> None:
    dead, alive = PID + "|" * 21 + "20261118|Y", PID + "|" * 22 + "N"
    says = [message(type="ADT^A08", pid=dead), message(type="ADT^A08", id="2", pid=alive)]
    assert record(*says).rows["events"] == []
    assert len(record(says[0], message(type="ADT^A08", id="3", pid=dead)).rows["events"]) == 1


def test_a_message_that_cannot_be_read_does_not_hide_the_others() -> None:
    broken = message(ORDER, obx("0.4"), id="2").replace("|^~\\&|", "|^^^^|")
    found = record(message(ORDER, obx("0.4")), broken)
    assert len(found.rows["results"]) == 1
    assert any(item.where.startswith("a.hl7 message 2") for item in found.set_aside)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "a.hl7: holds no HL7 message"),
        (b"hello", "a.hl7, MSH: 1 line before the first MSH"),
        (b"\x0bMSH|^~\\&|LAB|R|||20261120||ORU^R01|1|P|2.5\rPID|1||4", "an incomplete message"),
        (b"\xff\xfeM\x00S\x00H", "a.hl7, MSH field 18"),
        (b"MSH|^~\\&", "a.hl7 message 1, MSH: a header that ends after its delimiters"),
        (b"MSH|^~\\&\n|LAB|R|||20261120||ORU^R01|1|P|2.5", "a.hl7 message 1, MSH: a header that ends after"),
        (b"MSH|^~\n\\&|LAB|R|||20261120||ORU^R01|1|P|2.5", "a.hl7 message 1, MSH: a header that ends after"),
    ],
)
def test_a_file_that_holds_nothing_usable_is_refused_in_one_line(content: bytes, says: str) -> None:
    with pytest.raises(InputError) as error:
        read_hl7(content, "a.hl7", KNOWLEDGE)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_utf_16_with_its_mark_is_read() -> None:
    text = message(ORDER, obx("0.4"), pid=PID.replace("Sample", "Ælfred"))
    found = read_hl7(text.encode("utf-16"), "a.hl7", KNOWLEDGE)
    assert cells(found, "results", "value") == [(0.4,)]


def test_two_messages_in_a_frame_are_an_error() -> None:
    both = message(ORDER, obx("0.4")) + "\r" + message(ORDER, obx("0.4"), id="2")
    assert read_frame(both.encode(), KNOWLEDGE).outcome == "error"


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\F\\S\\T\\R\\E\\P\ ", "|^&~\\# "),
        (r"a\.br\b\.sp2\c\.in+4\d", "a\nb\nc d"),
        (r"\H\low\N\ ", "low "),
        (r"\XC3A9\ ", "é "),
        (r"\Zlocal\ \C2842\ \unended", r"\Zlocal\ \C2842\ \unended"),
        (r"C:\data\new", r"C:\data\new"),
        ("9\\", "9\\"),
    ],
)
def test_escapes_are_undone_and_nothing_is_lost(escaped: str, text: str) -> None:
    assert unescape(escaped, Delimiters(), "utf-8") == text
