"""`azaward check` as a person would use it: brands, lists, doubts, facts, and whatever else gets typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azaward.cli import app
from azaward.medicines.check import Facts, NotInQuestionError, check


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["check", *words], input=given)


def answer(*words: str) -> dict[str, Any]:
    result = run(*words, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def codes(findings: list[dict[str, Any]]) -> list[str]:
    return [finding["code"] for finding in findings]


def facts_of(findings: list[dict[str, Any]]) -> set[str]:
    return {finding["detail"]["fact"] for finding in findings if finding["detail"]}


def test_the_shape_is_the_contract() -> None:
    found = answer("Zyloric 300mg tabs")
    assert {"on", "medicines", "findings"} <= set(found)
    (medicine,) = found["medicines"]
    assert medicine["asked"] == "Zyloric 300mg tabs"
    assert medicine["matches"] == [{"ingredient": "allopurinol", "how": "brand", "score": 1.0}]
    (finding,) = medicine["findings"]
    assert (finding["action"], finding["urgency"], finding["dose_fraction"]) == ("reduce", "same-day", [0.25, 0.25])
    assert finding["sources"][0]["source"] == "medsafe-allopurinol-1998"


def test_a_finding_says_how_and_how_sure_and_what_else_is_said() -> None:
    detail = answer("allopurinol")["medicines"][0]["findings"][0]["detail"]
    assert "xanthine oxidase" in detail["mechanism"].lower()
    assert detail["evidence"] == "established"
    assert detail["test"] == "full_blood_count"
    assert {one["source"] for one in detail["also"]} == {
        "imuran-us-label",
        "allopurinol-mepha-ch-2025",
        "immufalk-es-2024",
    }


def test_a_combination_is_taken_apart() -> None:
    (medicine,) = answer("co-trimoxazole 480 mg")["medicines"]
    assert {match["ingredient"] for match in medicine["matches"]} == {"sulfamethoxazole", "trimethoprim"}
    assert {match["how"] for match in medicine["matches"]} == {"combination"}
    assert {"co_trimoxazole", "trimethoprim"} <= facts_of(medicine["findings"])


def test_what_matches_nothing_was_not_checked() -> None:
    (medicine,) = answer("wonderpill")["medicines"]
    assert medicine["matches"] == []
    (finding,) = medicine["findings"]
    assert "NOT checked" in finding["says"]
    assert finding["action"] == "review"


def test_a_dose_where_a_name_belongs_was_not_checked() -> None:
    (medicine,) = answer("300 mg")["medicines"]
    assert (medicine["matches"], codes(medicine["findings"])) == ([], ["name_is_dose"])


def test_a_match_by_spelling_says_so() -> None:
    (medicine,) = answer("febuxostad")["medicines"]
    assert medicine["matches"][0]["ingredient"] == "febuxostat"
    assert medicine["matches"][0]["how"] == "spelling"
    assert "name_by_spelling" in codes(medicine["findings"])
    assert "febuxostat" in facts_of(medicine["findings"])


def test_between_two_the_cautious_answer_counts() -> None:
    (medicine,) = answer("alloperidol")["medicines"]
    assert {"allopurinol", "haloperidol"} <= {match["ingredient"] for match in medicine["matches"]}
    assert medicine["findings"][0]["action"] == "reduce"
    assert "name_unsure" in codes(medicine["findings"])


def test_a_group_is_checked_member_by_member_and_said_once() -> None:
    (medicine,) = answer("ACE inhibitors")["medicines"]
    assert {match["how"] for match in medicine["matches"]} == {"class"}
    assert codes(medicine["findings"]).count("interaction") == 1
    assert "name_is_class" in codes(medicine["findings"])


def test_a_vaccine() -> None:
    live, killed = answer("MMR", "flu jab")["medicines"]
    assert (live["findings"][0]["action"], live["findings"][0]["urgency"]) == ("avoid", "same-day")
    assert killed["findings"][0]["action"] == "inform"


def test_nothing_held_is_no_proof() -> None:
    (medicine,) = answer("loratadine")["medicines"]
    assert codes(medicine["findings"]) == ["nothing_held"]
    assert "no proof" in medicine["findings"][0]["says"]


def test_the_medicine_in_question_under_two_names() -> None:
    found = answer("Imuran", "azathioprine 50 mg")
    assert all(codes(one["findings"]) == ["medicine_in_question"] for one in found["medicines"])
    assert ("same_ingredient", "same-day") in [(one["code"], one["urgency"]) for one in found["findings"]]


def test_two_thiopurines() -> None:
    (medicine,) = answer("Purinethol")["medicines"]
    assert (medicine["findings"][0]["action"], medicine["findings"][0]["urgency"]) == ("stop", "same-day")


def test_the_list_as_a_whole() -> None:
    found = answer("ganciclovir", "ribavirin", "prednisolone", "isoniazid")
    assert facts_of(found["findings"]) >= {"white_cells", "infection", "liver"}


def test_what_two_others_on_the_list_do_with_each_other() -> None:
    found = answer("methotrexate", "trimethoprim")
    assert "methotrexate_trimethoprim" in facts_of(found["findings"])
    assert "methotrexate_trimethoprim" not in facts_of(found["medicines"][1]["findings"])


@pytest.mark.parametrize(
    ("on", "typed", "fact"),
    [
        ("mercaptopurine", "allopurinol", "allopurinol"),
        ("methotrexate", "Septrin", "methotrexate_trimethoprim"),
        ("mycophenolate mofetil", "rifampicin", "mycophenolate_rifampicin"),
        ("CellCept", "MMR", "mycophenolate_live_vaccines"),
        ("ciclosporin", "St John's wort", "ciclosporin_st_johns_wort"),
        ("tacrolimus", "clarithromycin", "cni_macrolide"),
        ("methotrexate", "azathioprine", "methotrexate"),
        ("mercaptopurine", "Imuran", "second_thiopurine_mercaptopurine"),
    ],
)
def test_another_medicine_in_question(on: str, typed: str, fact: str) -> None:
    (medicine,) = answer(typed, "--on", on)["medicines"]
    assert fact in facts_of(medicine["findings"])


def test_a_medicine_that_nothing_is_held_about_is_not_in_question() -> None:
    result = run("allopurinol", "--on", "omeprazole")
    assert result.exit_code == 1
    assert "azathioprine" in result.stderr
    assert result.stdout == ""
    with pytest.raises(NotInQuestionError):
        check(["allopurinol"], on="wonderpill")


def test_facts_sharpen_it() -> None:
    plain = answer("allopurinol", "adalimumab")
    weak = answer("allopurinol", "adalimumab", "--egfr", "25", "--age", "60", "--sex", "female")
    assert "allopurinol_kidney" not in facts_of(plain["medicines"][0]["findings"])
    assert "allopurinol_kidney" in facts_of(weak["medicines"][0]["findings"])
    assert "anti_tnf_young_men" in facts_of(plain["medicines"][1]["findings"])
    assert "anti_tnf_young_men" not in facts_of(weak["medicines"][1]["findings"])
    genes = answer("paracetamol", "--tpmt", "poor", "--weight", "70", "--dose", "150")
    assert any(finding["rule"] == "dosing" for finding in genes["findings"])
    assert any(finding["rule"] == "life" for finding in answer("paracetamol", "--pregnant")["findings"])


def test_a_low_dose_with_allopurinol_is_recognised_and_checked() -> None:
    found = answer("allopurinol", "--dose", "25", "--weight", "70")
    assert codes(found["medicines"][0]["findings"]) == ["interaction_dose_cut"]
    assert set(codes(found["findings"])) >= {
        "low_dose_allopurinol_high",
        "low_dose_tpmt_unknown",
        "low_dose_not_measured",
    }
    full = answer("allopurinol", "--dose", "150", "--weight", "70")
    assert full["medicines"][0]["findings"][0]["action"] == "reduce"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--egfr", "-3"), "--egfr"),
        (("--weight", "7000"), "--weight"),
        (("--dose", "-5"), "--dose"),
        (("--dose", "nan"), "--dose"),
        (("--egfr", "nan"), "--egfr"),
        (("--tpmt", "wild guess"), "--tpmt"),
        (("--indication", "itch"), "--indication"),
    ],
)
def test_a_fact_that_cannot_be_used_is_refused(words: tuple[str, str], says: str) -> None:
    result = run("allopurinol", *words)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_list_in_a_file(tmp_path: Path) -> None:
    plain = tmp_path / "list.txt"
    plain.write_text("# my medicines\nZyloric 300mg\n\nwonderpill\r\n", encoding="utf-8-sig")
    assert [one["asked"] for one in answer("--list", str(plain))["medicines"]] == ["Zyloric 300mg", "wonderpill"]
    table = tmp_path / "list.csv"
    table.write_text('id,medicine\n1,"allopurinol, 100 mg"\n2,warfarin\n', encoding="utf-8")
    assert [one["asked"] for one in answer("--list", str(table))["medicines"]] == ["allopurinol, 100 mg", "warfarin"]


def test_a_record_as_the_list(tmp_path: Path) -> None:
    code = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "519"}
    subject = {"reference": "Patient/c001"}
    resources = [
        {"resourceType": "Patient", "id": "c001", "birthDate": "1980-01-02"},
        {
            "resourceType": "MedicationStatement",
            "status": "active",
            "subject": subject,
            "medicationCodeableConcept": {"coding": [code]},
        },
        {
            "resourceType": "MedicationStatement",
            "status": "active",
            "subject": subject,
            "medicationCodeableConcept": {"text": "wonderpill"},
        },
    ]
    bundle = tmp_path / "record.json"
    bundle.write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}))
    found = answer("--list", str(bundle))["medicines"]
    assert [[match["ingredient"] for match in one["matches"]] for one in found] == [["allopurinol"], []]


@pytest.mark.parametrize("content", [b"", b"\n \n# nothing\n", b"\xff\xfe\x00a", b"\n".join([b"allopurinol"] * 10_001)])
def test_a_list_that_cannot_be_used_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    result = run("--list", str(path), "--format", "json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "list.txt" in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_such_file_and_nothing_asked(tmp_path: Path) -> None:
    missing = run("--list", str(tmp_path / "none.txt"))
    assert (missing.exit_code, missing.stdout) == (1, "")
    assert run().exit_code == 2


def test_ten_thousand_names(tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("\n".join(["Zyloric 300 mg", "wonderpill", "omeprazole", "5 mg"] * 2_500))
    found = answer("--list", str(path))
    assert len(found["medicines"]) == 10_000
    assert {codes(one["findings"])[0] for one in found["medicines"][:4]} == {
        "interaction",
        "name_unknown",
        "nothing_held",
        "name_is_dose",
    }


def test_control_characters_and_other_alphabets_are_shown_as_text() -> None:
    result = run("zy\x1b[31mloric", "аллопуринол", "[bold]x[/bold]", "{name}", "day:1", "")
    assert result.exit_code == 0
    assert "\x1b[31m" not in result.stdout
    assert "[bold]x[/bold]" in result.stdout
    assert "{name}" in result.stdout
    assert result.stdout.count("NOT CHECKED") >= 5


def test_the_text_has_what_a_clinician_needs() -> None:
    text = " ".join(run("Zyloric 300mg tabs").stdout.split())
    for part in (
        "allopurinol",
        "same-day",
        "reduce",
        "how sure: established",
        "25% of the usual",
        "every 7 days",
        "full text",
    ):
        assert part in text


def test_the_same_rules_speak_in_an_assessment(tmp_path: Path) -> None:
    (tmp_path / "exposures.csv").write_text(
        "patient_id,medicine,dose_mg_per_day,started_on\n"
        "c001,azathioprine,100,2025-01-01\nc001,Zyloric,,2026-01-01\n"
        "c002,methotrexate,,2025-01-01\nc002,trimethoprim,,2026-01-01\n"
    )
    (tmp_path / "patients.csv").write_text(
        "patient_id,birth_date,sex,indication\nc001,1980-01-01,male,\nc002,1980-01-01,male,\n"
    )
    (tmp_path / "results.csv").write_text("patient_id,analyte,value,unit,taken_on,status\n")
    words = ["assess", str(tmp_path), "--as-of", "2026-06-01", "--format", "json"]
    patients = json.loads(CliRunner().invoke(app, words).stdout)["patients"]
    found = {
        (patient["patient_id"], finding["subject"], finding["action"])
        for patient in patients
        for finding in patient["findings"]
        if finding["rule"] == "medicines"
    }
    assert {("c001", "allopurinol", "reduce"), ("c002", "trimethoprim", "avoid")} <= found


def test_it_starts_without_the_heavy_libraries() -> None:
    program = (
        "import sys; from azaward.medicines.check import check; check(['Zyloric', 'allopurinal']);"
        "print([name for name in ('ibis', 'duckdb', 'pandas', 'pint', 'numpy') if name in sys.modules])"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)  # the SQL is kept from here on
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_facts_are_a_value() -> None:
    assert Facts(egfr=25) == Facts(egfr=25)
