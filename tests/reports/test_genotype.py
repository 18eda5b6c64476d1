"""`azaward genotype` from a file to a page: the same result in every format, whole or not at all, and nothing in a
name or a note can change a page."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from azaward.cli import app
from azaward.genetics.dosing import Person, usual_dose
from azaward.genetics.nomenclature import read_report
from azaward.knowledge import load
from azaward.reports.genotype.page import page
from azaward.reports.genotype.report import Reporter
from azaward.reports.genotype.to_html import to_html
from azaward.reports.genotype.to_pdf import to_pdf
from azaward.reports.genotype.words import percent
from tests.genetics.genotype_files import vcf

KNOWLEDGE = load()
STAR_3A = {"rs1800460": ("C", "T"), "rs1142345": ("T", "C")}
STAR_3_TWICE = {"rs116855232": ("T", "T")}
FORMATS = ("text", "json", "tsv", "html", "pdf")


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def as_json(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run("genotype", *arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return vcf(tmp_path / "three.vcf", {"c001": STAR_3A, "c002": STAR_3_TWICE, "c003": {}})


def test_one_object_a_line_with_the_names_that_are_promised(three: Path) -> None:
    people = as_json(three)
    assert [one["sample"] for one in people] == ["c001", "c002", "c003"]
    for one in people:
        assert set(one["genes"]) == {"TPMT", "NUDT15"}
        for gene in one["genes"].values():
            assert {"diplotypes", "phenotype", "missing_positions", "undocumented", "notes"} <= set(gene)
            assert {"call", "probability"} <= set(gene["diplotypes"][0])
        assert set(one["dosing"]) == {"azathioprine", "mercaptopurine", "tioguanine"}
        for plan in one["dosing"].values():
            assert {"action", "fraction", "wait_weeks", "bodies", "disagreement", "best", "worst"} <= set(plan)
    first, second, third = people
    assert first["genes"]["TPMT"]["diplotypes"][0]["call"] == "*1/*3A"
    assert (first["dosing"]["azathioprine"]["action"], first["dosing"]["azathioprine"]["fraction"]) == (
        "reduce",
        [0.3, 0.5],
    )
    assert second["genes"]["NUDT15"]["phenotype"] == "Poor Metabolizer"
    assert second["dosing"]["azathioprine"]["action"] == "do-not-start"
    assert third["dosing"]["azathioprine"]["action"] == "continue"


def test_every_body_is_cited_with_a_source_that_exists(three: Path) -> None:
    for one in as_json(three):
        for plan in one["dosing"].values():
            for body in plan["bodies"]:
                assert body["source"] in KNOWLEDGE.sources
                assert body["locator"]
        assert {cited["source"] for cited in one["sources"]} <= set(KNOWLEDGE.sources)


def test_what_was_not_seen_is_never_called_normal(tmp_path: Path) -> None:
    file = vcf(tmp_path / "gap.vcf", {"c001": {}}, without=["rs1142345", "rs1800460"])
    (one,) = as_json(file)
    tpmt = one["genes"]["TPMT"]
    assert tpmt["phenotype"] == "Indeterminate"
    assert {"rs1142345", "rs1800460"} <= set(tpmt["missing_positions"])
    plan = one["dosing"]["azathioprine"]
    assert plan["action"] == "test"
    assert plan["worst"]["action"] == "do-not-start"
    assert plan["best"]["action"] == "continue"
    text = run("genotype", file).stdout
    assert "rs1142345" in text
    assert "At worst" in text


def test_the_formats_say_the_same(three: Path, tmp_path: Path) -> None:
    people = as_json(three)
    rows = list(csv.DictReader(io.StringIO(run("genotype", three, "--format", "tsv").stdout), delimiter="\t"))
    assert [row["sample"] for row in rows] == [one["sample"] for one in people]
    for row, one in zip(rows, people, strict=True):
        for gene in ("TPMT", "NUDT15"):
            assert row[f"{gene}_diplotype"] == one["genes"][gene]["diplotypes"][0]["call"]
            assert row[f"{gene}_phenotype"] == one["genes"][gene]["phenotype"]
        assert row["azathioprine_action"] == one["dosing"]["azathioprine"]["action"]
    html = run("genotype", three, "--format", "html").stdout
    text = run("genotype", three).stdout
    for one in people:
        for shown in (html, text):
            assert one["sample"] in shown
            assert one["genes"]["TPMT"]["diplotypes"][0]["call"] in shown
    assert html.count("<article>") == 3
    assert "1/2" not in run("genotype", three, "--format", "json", "--sample", "c002").stdout
    assert len(as_json(three, "--sample", "c002")) == 1


def test_many_people_take_one_line_each_on_a_terminal(tmp_path: Path) -> None:
    file = vcf(tmp_path / "many.vcf", {f"c{number:03}": {} for number in range(1, 8)})
    lines = run("genotype", file).stdout.splitlines()
    assert len(lines) == 8
    assert lines[1].startswith("c001: TPMT *1/*1 Normal Metabolizer; NUDT15 *1/*1")


def test_weight_and_indication_give_milligrams_and_tablets(three: Path) -> None:
    options = ("--sample", "c001", "--indication", "Crohn's disease", "--weight", "70", "--dose", "100")
    (one,) = as_json(three, *options)
    aza = one["dosing"]["azathioprine"]
    assert aza["start_mg_per_kg"] == [0.6, 1.0]
    assert aza["start_mg_per_day"] == [42, 70]
    assert aza["tablets"] == "1 x 50 mg a day"
    assert any("100 mg azathioprine a day is above" in note for note in one["notes"])
    assert as_json(three, *options[:-1], "60")[0]["notes"][0].startswith("60 mg azathioprine a day is within")


def test_an_activity_is_weighed_with_the_genotype(three: Path) -> None:
    (one,) = as_json(three, "--sample", "c003", "--activity", "5 mU/L")
    assert one["genes"]["TPMT"]["phenotype"] == "Normal Metabolizer"
    assert one["dosed_by"]["TPMT"] == "Poor Metabolizer"
    assert one["dosing"]["azathioprine"]["action"] == "do-not-start"
    assert any("activity is deficient" in line for line in one["weighed"])


def test_an_activity_without_a_unit_is_set_aside_and_said(three: Path) -> None:
    (one,) = as_json(three, "--sample", "c003", "--activity", "5")
    assert one["dosed_by"]["TPMT"] == "Normal Metabolizer"
    assert any("no unit" in note for note in one["notes"])


def test_a_laboratorys_words_give_the_same_dose_as_the_genome(three: Path) -> None:
    (genome,) = as_json(three, "--sample", "c001")
    (words,) = as_json("--report", "TPMT *1/*3A; NUDT15 *1/*1")
    for drug in genome["dosing"]:
        for name in ("action", "fraction", "says", "bodies", "disagreement"):
            assert genome["dosing"][drug][name] == words["dosing"][drug][name]


def test_what_a_report_leaves_unsaid_is_said() -> None:
    done = run("genotype", "--report", "TPMT *1/*1; NUDT15 purple", "--format", "json")
    assert done.exit_code == 0
    assert "NUDT15 purple" in done.stderr
    one = json.loads(done.stdout)
    assert one["unread"] == ["NUDT15 purple"]
    assert one["dosing"]["azathioprine"]["action"] == "test"
    assert any(note.startswith("No result for NUDT15 was given") for note in one["notes"])


def test_what_keeps_a_result_from_being_used_stands_in_every_answer(tmp_path: Path) -> None:
    said = ("--report", "TPMT *3A/*3A (mother); NUDT15 *1/*1 zzz", "--sample", "c001")
    (one,) = as_json(*said)
    assert [gene["phenotype"] for gene in one["genes"].values()] == ["Indeterminate", "Indeterminate"]
    assert one["unread"] == ["mother", "zzz"]
    assert one["dosing"]["azathioprine"]["action"] == "test"
    assert one["dosing"]["azathioprine"]["worst"]["action"] == "do-not-start"
    assert "would be Poor Metabolizer" in " ".join(one["genes"]["TPMT"]["notes"])
    for format in ("text", "tsv", "html"):
        told = " ".join(html.unescape(run("genotype", *said, "--format", format).stdout).split())
        for words in ("'mother' names another person", "'zzz' is not understood"):
            assert words in told, format
    out = tmp_path / "a.pdf"
    assert run("genotype", *said, "--format", "pdf", "--out", out).exit_code == 0
    assert pages_of(out.read_bytes()) == 1
    made = Reporter(KNOWLEDGE).of_words(read_report(said[1], KNOWLEDGE), "c001")
    # The question quotes what was not used; it isn't listed once more.
    assert page(made, KNOWLEDGE)["notes"] == []
    assert not any("as the laboratory reports it" in note for gene in one["genes"].values() for note in gene["notes"])


def test_words_without_any_result_end_with_one_line_that_says_what_to_write() -> None:
    done = run("genotype", "--report", "Mother seen; TPMT not tested")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Write the result alone, such as 'TPMT *1/*3A; NUDT15 normal'" in done.stderr


HOSTILE = "c9<script>alert(1)</script>#panic()[*x*]\t=cmd|' /C calc'!A0"


def hostile() -> Any:
    person = Person(usual=usual_dose(KNOWLEDGE, "crohns_disease"), weight_kg=70)
    reporter = Reporter(KNOWLEDGE, person=person, read_from=HOSTILE)
    return reporter.of_words(read_report("TPMT *1/*3A; NUDT15 *1/*3; <b>x</b> #let a = 1", KNOWLEDGE), HOSTILE)


def test_nothing_in_a_name_or_a_note_changes_a_page() -> None:
    html = to_html([hostile()], KNOWLEDGE)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "default-src &#39;none&#39;" in html or "default-src 'none'" in html
    assert to_pdf([hostile()], KNOWLEDGE).startswith(b"%PDF-")
    from azaward.reports.genotype import to_tsv as genotype_report_tsv

    line = genotype_report_tsv.line(hostile())
    assert line.count("\n") == 1
    assert line.count("\t") == genotype_report_tsv.header(KNOWLEDGE).count("\t")


def pages_of(pdf: bytes) -> int:
    counts = [int(one) for one in re.findall(rb"/Type\s*/Pages\b.{0,200}?/Count\s+(\d+)", pdf, re.S)]
    counts += [int(one) for one in re.findall(rb"/Count\s+(\d+)", pdf)]
    return max(counts)


@pytest.mark.parametrize("people", [{"c001": STAR_3A}, {"c001": STAR_3A, "c002": STAR_3_TWICE, "c003": {}}])
def test_a_page_a_person_on_paper(tmp_path: Path, people: dict[str, Any]) -> None:
    file, out = vcf(tmp_path / "a.vcf", people, without=["rs1142345"]), tmp_path / "a.pdf"
    done = run("genotype", file, "--format", "pdf", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert pages_of(out.read_bytes()) == len(people)
    again = tmp_path / "b.pdf"
    run("genotype", file, "--format", "pdf", "--out", again)
    assert again.read_bytes() == out.read_bytes()


def test_the_fullest_report_still_fits_on_one_page(tmp_path: Path) -> None:
    """Nearly nothing seen, an activity that laboratories read differently, a dose to compare, a long name."""
    seen = "rs116855232"
    unseen = [row.rsid for row in KNOWLEDGE.tables["gene_positions"] if row.rsid and row.rsid != seen]
    file = vcf(tmp_path / f"{'long' * 20}.vcf", {"c-" + "0123456789" * 7: {}}, without=unseen)
    out = tmp_path / "out.pdf"
    options = ("--indication", "crohns_disease", "--weight", "70", "--dose", "100", "--activity", "12 U/mL")
    done = run("genotype", file, *options, "--format", "pdf", "--out", out)
    assert done.exit_code == 0, done.stderr
    assert pages_of(out.read_bytes()) == 1


def test_the_patient_is_told_of_the_enzyme_that_decides(three: Path) -> None:
    text = run("genotype", three, "--sample", "c003", "--activity", "5 mU/L").stdout
    assert "Your first enzyme (TPMT) hardly works." in " ".join(text.split())
    assert "Your second enzyme (NUDT15) works as usual." in " ".join(text.split())


def test_a_body_that_classes_an_allele_otherwise_is_named_to_all() -> None:
    """TPMT *1/*8 is normal for CPIC and halved by DPWG: the plan halves it, and the patient is told why."""
    person = as_json("--report", "TPMT *1/*8; NUDT15 normal")[0]
    assert person["dosed_by"]["TPMT"] == "Normal Metabolizer"
    assert person["dosed_otherwise"] == {"DPWG": {"TPMT": "Intermediate Metabolizer"}}
    assert person["dosing"]["azathioprine"]["fraction"] == [0.5, 0.5]
    assert any(note.startswith("DPWG classes an allele of TPMT differently") for note in person["notes"])
    told = " ".join(run("genotype", "--report", "TPMT *1/*8; NUDT15 normal").stdout.split())
    assert "works as usual. By another guideline it works more slowly than usual. The more careful answer" in told
    assert as_json("--report", "TPMT *1/*3A; NUDT15 normal")[0]["dosed_otherwise"] == {}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("TPMT *1/*16; NUDT15 *1/*1", "TPMT *16: classed Uncertain function until February 2026"),
        ("TPMT *1/*45; NUDT15 *1/*1", "TPMT *45: not named in the release of 2025-11-05"),
        ("TPMT *1/*30; NUDT15 *1/*1", "TPMT *30: classed Unknown function in the release of 2025-11-05"),
        ("TPMT *1/*3A; NUDT15 *1/*1", None),
    ],
)
def test_a_report_names_its_release_and_what_it_classes_anew(words: str, said: str | None) -> None:
    one = as_json("--report", words)[0]
    assert one["release"] == "ClinPGx 2026-05-05"
    assert one["reclassified"] == ([] if said is None else [f"{said}; an earlier report may say otherwise."])
    shown = [" ".join(run("genotype", "--report", words, "--format", how).stdout.split()) for how in ("text", "html")]
    for text in shown:
        assert "llele tables" in text
        assert said is None or said in text
    assert ("clinpgx-alleles-2025-11-05" in {cited["source"] for cited in one["sources"]}) == (said is not None)


@pytest.mark.parametrize("format", FORMATS)
def test_bad_input_gives_one_line_and_no_file(tmp_path: Path, format: str) -> None:
    broken = tmp_path / "broken.vcf"
    broken.write_text("this is no variant file\n", encoding="utf-8")
    out = tmp_path / "out"
    done = run("genotype", broken, "--format", format, "--out", out)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("azaward: broken.vcf")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["broken.vcf"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--indication", "hiccups"), "--indication 'hiccups': unknown indication"),
        (("--weight", "70000", "--sample", "c001"), "--weight 70000: not plausible"),
        (("--dose", "-5", "--sample", "c001"), "--dose -5: expected a dose"),
        (("--ancestry", "Martian"), "ancestry 'Martian'"),
        (("--ancestry", "European=x"), "expected a group and its share"),
        (("--sample", "c999"), "c999"),
        (("--weight", "70"), "apply to one person"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(three: Path, options: tuple[str, ...], said: str) -> None:
    done = run("genotype", three, *options)
    assert done.exit_code == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_neither_files_nor_words_or_both_is_typed_wrongly(three: Path) -> None:
    assert run("genotype").exit_code == 2
    assert run("genotype", three, "--report", "TPMT normal").exit_code == 2


def test_ancestry_changes_probabilities_and_shares_are_understood(tmp_path: Path) -> None:
    file = vcf(tmp_path / "a.vcf", {"c001": {"rs116855232": ("C", "T")}}, without=["rs746071566"])
    latino, korean, both = (
        {
            pair["call"]: pair["probability"]
            for pair in as_json(file, "--ancestry", words)[0]["genes"]["NUDT15"]["diplotypes"]
        }
        for words in ("Latino", "Korean", "Latino=1,Korean=1")
    )
    assert latino["*1/*2"] > korean["*1/*2"]
    assert korean["*1/*2"] < both["*1/*2"] < latino["*1/*2"]


def record(folder: Path, *patients: str) -> Path:
    folder.mkdir()
    rows = "\n".join(f"{one},1980-01-01,female,crohns_disease" for one in patients)
    (folder / "patients.csv").write_text(f"patient_id,birth_date,sex,indication\n{rows}\n", encoding="utf-8")
    planned = "\n".join(f"{one},azathioprine,100" for one in patients)
    (folder / "results.csv").write_text("patient_id,analyte,value,unit,taken_on,status\n", encoding="utf-8")
    (folder / "exposures.csv").write_text(f"patient_id,medicine,dose_mg_per_day\n{planned}\n", encoding="utf-8")
    return folder


def assessed(*arguments: str | Path) -> Any:
    done = run("assess", *arguments, "--as-of", "2026-11-24", "--format", "json")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_a_genome_beside_a_record_decides_the_plan(three: Path, tmp_path: Path) -> None:
    clinic = record(tmp_path / "clinic", "c001", "c002")
    found, said = assessed(clinic, "--genotype", three)
    people = {one["patient_id"]: one for one in found["patients"]}
    assert people["c002"]["plan"]["dose"]["decision"] == "do-not-start"
    dosing = {name: [one for one in each["findings"] if one["rule"] == "dosing"] for name, each in people.items()}
    assert {"stop", "do-not-start", "avoid"} & {one["action"] for one in dosing["c002"]}
    assert [0.5, 0.5] in [one["dose_fraction"] for one in dosing["c001"]]
    assert "sample c003" in said
    without, _ = assessed(clinic)
    assert not [one for each in without["patients"] for one in each["findings"] if one["rule"] == "dosing"]


def test_a_lone_sample_is_a_lone_patients_and_that_is_said(three: Path, tmp_path: Path) -> None:
    clinic = record(tmp_path / "clinic", "p7")
    found, said = assessed(clinic, "--genotype", three, "--sample", "c002")
    assert found["patients"][0]["plan"]["dose"]["decision"] == "do-not-start"
    assert "assigned to patient p7" in said


def test_samples_that_are_nobodys_end_in_one_line(three: Path, tmp_path: Path) -> None:
    done = run("assess", record(tmp_path / "clinic", "p7", "p8"), "--genotype", three)
    assert done.exit_code == 1
    assert "no sample is a patient of the record" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "100%"), (0.99995, ">99.9%"), (0.5, "50%"), (0.0001, "0.01%"), (1e-9, "<0.01%")]
)
def test_a_probability_is_never_rounded_to_certainty(share: float, words: str) -> None:
    assert percent(share) == words


def test_what_is_said_of_both_genes_and_of_a_change_is_said_once(tmp_path: Path) -> None:
    array = " ".join(run("genotype", "examples/genotype/array.txt").stdout.split())
    assert array.count("it isn't a confirmed result") == 1
    stop = tmp_path / "stop.vcf"
    stop.write_text(
        "##fileformat=VCFv4.2\n##contig=<ID=chr6,length=170805979>\n##contig=<ID=chr13,length=114364328>\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tc001\n"
        "chr6\t18139003\t.\tT\tA\t.\tPASS\t.\tGT\t0/1\n"
    )
    told = " ".join(run("genotype", stop, "--ancestry", "European").stdout.split())
    assert "no named allele has: c.454A>T" not in told
    assert "TPMT: presumed Intermediate Metabolizer, because c.454A>T p.Arg152Ter was seen." in told
    assert "Ask the laboratory to confirm the change, and consider measuring TPMT activity." in told
    measured = run("genotype", stop, "--ancestry", "European", "--activity", "5 mU/L").stdout
    assert "consider measuring TPMT activity" not in " ".join(measured.split())
