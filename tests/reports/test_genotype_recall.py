"""A recall tells what calling anew would tell, or says that it can't; it passes nobody over, whatever a line holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from azaward.cli import app
from azaward.genetics import Caller, Genotypes, Status, nothing_seen
from azaward.genetics.haplotypes import named_alleles
from azaward.genetics.nomenclature import read_report
from azaward.knowledge import Knowledge, load
from azaward.readers.genomes.variants import read
from azaward.reports.genotype.report import Reporter
from azaward.reports.recall.earlier import Report
from azaward.reports.recall.recall import Finding, Recall
from tests.genetics.genotype_files import vcf
from tests.readers.genomes.variant_files import TPMT3C, at, header, line, whole, write

KNOWLEDGE = load()
GENES = ("TPMT", "NUDT15")
DECODE = msgspec.json.Decoder(Report)


def as_of_2025() -> Knowledge:
    """The knowledge base with the alleles and the classes of the release of 2025-11-05."""
    changed = {(row.gene, row.allele): row for row in KNOWLEDGE.tables["allele_changes"]}
    rows: list[Any] = []
    for row in KNOWLEDGE.tables["alleles"]:
        change = changed.get((row.gene, row.allele))
        if change is None:
            rows.append(row)
        elif change.before is not None:
            rows.append(msgspec.structs.replace(row, function=change.before))
    frequencies = [
        row
        for row in KNOWLEDGE.tables["allele_frequencies"]
        if (row.gene, row.allele) not in changed or changed[row.gene, row.allele].before is not None
    ]
    tables: Any = {**dict(KNOWLEDGE.tables.items()), "alleles": tuple(rows), "allele_frequencies": tuple(frequencies)}
    return replace(KNOWLEDGE, tables=tables)


OLD = as_of_2025()
RECALL = Recall(KNOWLEDGE)


def earlier(line: bytes, **more: Any) -> Report:
    """A report as an older version wrote it: with another release, or with none."""
    held = json.loads(line)
    held.pop("release")
    held.pop("reclassified")
    return DECODE.decode(json.dumps({**held, **more}))


def of_kind(findings: tuple[Finding, ...], kind: str, what: str = "phenotype") -> dict[str, Finding]:
    return {finding.gene: finding for finding in findings if finding.kind == kind and finding.what == what}


def carrying(pairs: list[dict[str, tuple[str, str]]], hidden: list[list[int]] | None = None) -> Genotypes:
    """People who carry these alleles of each gene, phase unknown; some positions not seen."""
    people = nothing_seen([f"c{number:04}" for number in range(len(pairs))], KNOWLEDGE)
    for gene, held in people.genes.items():
        alleles = named_alleles(KNOWLEDGE, gene)
        for row, pair in enumerate(pairs):
            both = [alleles.carries[alleles.names.index(name)] for name in pair[gene]]
            held.alleles[row], held.status[row] = np.stack(both, axis=1), Status.SEEN
            for number in (hidden or [[]] * len(pairs))[row]:
                place = number % len(held.sites)
                held.alleles[row, place], held.status[row, place] = -1, Status.NO_CALL
    return people


NAMES = {gene: named_alleles(KNOWLEDGE, gene).names for gene in GENES}
MANY = [
    *({"TPMT": pair, "NUDT15": ("*1", "*1")} for pair in itertools.combinations_with_replacement(NAMES["TPMT"], 2)),
    *({"TPMT": ("*1", "*1"), "NUDT15": pair} for pair in itertools.combinations_with_replacement(NAMES["NUDT15"], 2)),
]


def compared(people: Genotypes, old: Knowledge) -> Iterator[tuple[Any, Report, tuple[Finding, ...]]]:
    """Each person as today's knowledge calls them, the report made with the older one, and what a recall finds."""
    then, now = Reporter(old), Reporter(KNOWLEDGE)
    for before, after in zip(Caller(old).call(people), Caller(KNOWLEDGE).call(people), strict=True):
        report = earlier(then.to_json(then.of_call(before, every_position=False)))
        yield now.of_call(after), report, RECALL.of(report)


def agrees(today: Any, report: Report, findings: tuple[Finding, ...]) -> None:
    """What the recall tells is what calling anew tells."""
    undone = {finding.gene for finding in findings if finding.kind != "changed"}
    changed = of_kind(findings, "changed")
    before = json.loads(bytes(report.genes))
    for gene in set(GENES) - undone:
        told = changed[gene].after if gene in changed else before[gene]["phenotype"]
        assert told == today.genes[gene].phenotype, (gene, before[gene]["diplotypes"])
    if not undone:
        doses = json.loads(bytes(report.dosing))
        for drug, plan in today.dosing.items():
            found = of_kind(findings, "changed", drug)
            told_action = found[""].after.split()[0] if found else doses[drug]["action"]
            assert told_action == plan.outcome.action


def test_every_pair_of_alleles_is_told_as_calling_anew_tells_it() -> None:
    told = 0
    for today, report, findings in compared(carrying(MANY), OLD):
        agrees(today, report, findings)
        told += not any(finding.kind != "changed" for finding in findings)
    # Most are told without the file; what earlier releases could not name is not.
    assert told > 0.6 * len(MANY)


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(
        st.fixed_dictionaries(
            {gene: st.tuples(st.sampled_from(NAMES[gene]), st.sampled_from(NAMES[gene])) for gene in GENES}
        ),
        min_size=1,
        max_size=3,
    ),
    hidden=st.lists(st.lists(st.integers(0, 44), max_size=6), min_size=3, max_size=3),
)
@example([{"TPMT": ("*2", "*8"), "NUDT15": ("*1", "*1")}], [[19]])
def test_with_positions_not_seen_it_is_told_alike_or_called_anew(pairs: Any, hidden: Any) -> None:
    for old in (OLD, KNOWLEDGE):
        for today, report, findings in compared(carrying(pairs, hidden), old):
            agrees(today, report, findings)


def test_under_the_same_knowledge_nothing_is_otherwise() -> None:
    named = [pair for pair in MANY if pair["TPMT"][0] == "*1" or pair["NUDT15"][0] == "*1"]
    for _, report, findings in compared(carrying(named), KNOWLEDGE):
        assert not [finding for finding in findings if finding.kind == "changed"], report.sample


DOUBTFUL = {
    "a stop without a genotype": line("chr6", 18139003, "T", "A", "./."),
    "a stop that failed": line("chr6", 18139003, "T", "A", "0/1", filters="LowQual"),
    "a stop by half of the reads": line("chr6", 18139003, "T", "A", "0/0:15,15", fields="GT:AD"),
    "a deletion without an end": line("chr6", 18100000, "A", "<DEL>", "0/1"),
    "*3C that failed beside a reference": at(TPMT3C, "0/1", filters="LowQual"),
}


@pytest.mark.parametrize("old", [OLD, KNOWLEDGE], ids=["2025", "today"])
@pytest.mark.parametrize("doubtful", DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_may_be_there_stays_in_doubt(doubtful: str, old: Knowledge, tmp_path: Path) -> None:
    reads = '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">'
    path = write(tmp_path / "one.vcf", header(extra=[reads]) + whole() + doubtful)
    (people,) = read([path], KNOWLEDGE)
    for today, report, findings in compared(people, old):
        assert today.genes["TPMT"].phenotype == "Indeterminate"
        agrees(today, report, findings)
        # Nothing but a change of knowledge makes normal what wasn't: an older report may not have held the reason.
        held = json.loads(bytes(report.genes))
        held["TPMT"].pop("changes")
        without = RECALL.of(msgspec.structs.replace(report, genes=msgspec.Raw(json.dumps(held).encode())))
        agrees(today, report, without)
        assert of_kind(without, "call anew")


@pytest.mark.parametrize("pair", list(itertools.combinations_with_replacement(NAMES["TPMT"], 2)))
def test_a_laboratorys_alleles_are_told_anew(pair: tuple[str, str]) -> None:
    words = f"TPMT {'/'.join(pair)}; NUDT15 *1/*1"
    said = read_report(words, OLD)
    then = Reporter(OLD)
    findings = RECALL.of(earlier(then.to_json(then.of_words(said, "c001"))))
    if not said.genes["TPMT"].diplotypes:  # an allele that nobody had named by then
        assert of_kind(findings, "ask")["TPMT"].before == "Indeterminate"
        return
    now = read_report(words, KNOWLEDGE).genes["TPMT"].phenotype
    changed = of_kind(findings, "changed")
    assert (changed["TPMT"].after if changed else said.genes["TPMT"].phenotype) == now


def report_of(words: str, **genes: Any) -> Report:
    held = json.loads(Reporter(KNOWLEDGE).to_json(Reporter(KNOWLEDGE).of_words(read_report(words, KNOWLEDGE), "c001")))
    for gene, changes in genes.items():
        held["genes"][gene].update(changes)
    return DECODE.decode(json.dumps(held))


GENOME: dict[str, Any] = {
    "method": "genotype",
    "positions": 45,
    "diplotypes": [{"call": "*1/*3A", "probability": 1.0, "phenotype": "Intermediate Metabolizer"}],
    "phenotypes": [{"phenotype": "Intermediate Metabolizer", "probability": 1.0}],
}


@pytest.mark.parametrize(
    ("changes", "kind", "why"),
    [
        ({}, None, ""),
        ({"positions": 44}, "call anew", "positions were added since: 44 were looked at, today 45"),
        ({"positions": 46}, "call anew", "use a newer one"),
        ({"positions": None}, "ask", "no number of positions: ask for the file again"),
        ({"diplotypes": []}, "ask", "no pair of alleles: ask for the file again"),
        ({"diplotypes": [{"call": "*1/*3A"}]}, "ask", "no probabilities"),
        ({"undocumented": ["rs1142345 T>A"]}, "ask", "no named allele matched rs1142345 T>A: ask for the file again"),
        (
            {"diplotypes": [{"call": "*1/[*2 + *3C]", "probability": 1.0, "phenotype": "Intermediate Metabolizer"}]},
            "ask",
            "no named allele matched *1/[*2 + *3C]",
        ),
        (
            {"diplotypes": [{"call": "*1/*999", "probability": 1.0, "phenotype": "Intermediate Metabolizer"}]},
            "call anew",
            "an allele of it is no longer named",
        ),
        (
            {"diplotypes": [{"call": "*1/*3A", "probability": 0.8, "phenotype": "Intermediate Metabolizer"}]},
            "call anew",
            "pairs that make up 20% of the probability are not in the report",
        ),
    ],
)
def test_what_a_report_cannot_tell_is_listed(changes: dict[str, Any], kind: str | None, why: str) -> None:
    findings = RECALL.of(report_of("TPMT *1/*3A; NUDT15 *1/*1", TPMT={**GENOME, **changes}))
    if kind is None:
        assert findings == ()
    else:
        assert findings[0].kind == kind
        assert why in findings[0].why


def test_words_without_alleles_are_asked_for_and_still_compared() -> None:
    findings = RECALL.of(report_of("TPMT intermediate; NUDT15 normal"))
    assert set(of_kind(findings, "ask")) == {"TPMT", "NUDT15"}
    assert not [finding for finding in findings if finding.kind == "changed"]


def test_a_dose_that_a_body_or_the_order_of_actions_changes_is_listed_with_who_says_so() -> None:
    held = json.loads(
        Reporter(KNOWLEDGE).to_json(
            Reporter(KNOWLEDGE).of_words(read_report("TPMT *1/*3A; NUDT15 *1/*1", KNOWLEDGE), "c001")
        )
    )
    held["dosing"]["azathioprine"] |= {"action": "continue", "fraction": [1, 1]}
    (found,) = RECALL.of(DECODE.decode(json.dumps(held)))
    assert (found.what, found.before, found.after) == ("azathioprine", "continue to 100%", "reduce to 30-50%")
    assert "genotype_doses.csv, the most cautious of CPIC: reduce (clinpgx-prescribing-guidance)" in found.why


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, ["genotype", *(str(one) for one in arguments)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Reports of the earlier release: one that changes, one that doesn't, one to be called anew."""
    then = Reporter(OLD)
    lines: list[bytes] = []
    pairs = [{"TPMT": ("*1", "*16"), "NUDT15": ("*1", "*1")}, {"TPMT": ("*1", "*3A"), "NUDT15": ("*1", "*1")}]
    for call in Caller(OLD).call(carrying(pairs)):
        lines.append(then.to_json(then.of_call(call, every_position=False)))
    short = json.loads(lines[1])
    short["sample"] = "c002"
    short["genes"]["TPMT"]["positions"] = 40
    path = tmp_path / "old.json"
    path.write_bytes(b"".join(lines) + json.dumps(short).encode() + b"\n")
    return path


def test_each_format_lists_the_same(file: Path) -> None:
    text = run("--recall", file)
    assert text.exit_code == 0, text.stderr
    assert "c0000: TPMT *1/*16: Indeterminate -> Intermediate Metabolizer; TPMT *16: Uncertain" in text.stdout
    assert "c002: TPMT *1/*3A: Intermediate Metabolizer; to be called anew: positions were added since" in text.stdout
    assert "3 reports against ClinPGx 2026-05-05: 1 unchanged, 1 changed, 1 to be called anew, 0" in text.stdout
    objects = [json.loads(line) for line in run("--recall", file, "--format", "json").stdout.splitlines()]
    table = run("--recall", file, "--format", "tsv")
    rows = [line.split("\t") for line in table.stdout.splitlines()]
    assert [dict(zip(rows[0], row, strict=True)) for row in rows[1:]] == objects[:-1]
    assert len(objects) == len(text.stdout.splitlines())
    assert objects[-1]["summary"]["unchanged"] == 1
    assert "1 unchanged" in table.stderr


def test_a_file_answers_for_those_whose_report_does_not(file: Path, tmp_path: Path) -> None:
    genome = vcf(tmp_path / "a.vcf", {"c002": {"rs1142345": ("C", "C"), "rs1800460": ("T", "T")}})
    done = run("--recall", file, genome)
    assert done.exit_code == 0, done.stderr
    assert "c002: TPMT *1/*3A: Intermediate Metabolizer -> Poor Metabolizer; called anew from the file" in done.stdout
    assert "0 to be called anew" in done.stdout
    other = vcf(tmp_path / "b.vcf", {"c009": {}})
    assert "1 to be called anew" in run("--recall", file, other).stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"sample": 7, "genes": {}}', "Expected `str`, got `int`"),
        (b'{"genes": {}}', "missing required field `sample`"),
        (b'{"sample": "c1", "genes": {"TPMT": {"phenotype": 3}}}', "Expected `str`, got `int`"),
        (
            b'{"sample": "c1", "genes": {"TPMT": {"phenotype": "x", "diplotypes": [{"call": "a", "probability": 7}]}}}',
            "<= 1.0",
        ),
        (b'{"sample": "c1", "genes": {}, "dosing": {"azathioprine": 1}}', "Expected `object`, got `int`"),
        (b'{"sample": "\xff", "genes": {}}', "not UTF-8"),
        (b'{"sample": "c1", "genes": {"TPMT": {"phenotype": "\xff"}}}', "not UTF-8"),
        (b'{"sample": "c1", "genes": {"TPMT": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}", "recursion"),
        (b"sample\tTPMT_diplotype", "malformed"),
    ],
)
@pytest.mark.parametrize("format", ["text", "json", "tsv"])
def test_a_line_that_is_no_report_is_one_line_with_its_number(file: Path, line: bytes, said: str, format: str) -> None:
    with file.open("ab") as more:
        more.write(line + b"\n")
    done = run("--recall", file, "--format", format)
    assert done.exit_code == 1
    assert done.stderr.startswith("azaward: old.json:4: no report: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    out = file.parent / "out"
    assert run("--recall", file, "--format", format, "--out", out).exit_code == 1
    assert not out.exists()


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_a_file_without_reports_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "empty.json"
    path.write_bytes(content)
    done = run("--recall", path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "contains no reports" in done.stderr
    assert run("--recall", tmp_path / "none.json").exit_code == 1


def test_every_file_and_every_sample_that_is_named_is_looked_at(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "other.json"
    copy.write_bytes(file.read_bytes())
    assert "6 reports against" in run("--recall", file, "--recall", copy).stdout
    assert "1 report against" in run("--recall", file, "--sample", "c002").stdout
    assert "2 reports against" in run("--recall", file, "--sample", "c002", "--sample", "c0000").stdout
    for arguments, said in (
        (("--sample", "c009"), "old.json: no report of sample 'c009'."),
        ((tmp_path / "none.vcf",), "none.vcf: no such file."),
    ):
        done = run("--recall", file, *arguments)
        assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
        assert said in done.stderr


def test_a_deleted_gene_and_a_change_that_does_nothing_are_worked_out(tmp_path: Path) -> None:
    synonymous = line("chr6", 18130686, "A", "G", "0/1")
    deleted = line("chr6", 18120000, "N", "<DEL>", "0/1", info="END=18170000")
    for record, expected in ((synonymous, "1 unchanged"), (deleted, "1 unchanged"), (deleted + synonymous, "1 unch")):
        genome = write(tmp_path / "a.vcf", header() + whole() + record)
        (tmp_path / "old.json").write_text(run(genome, "--format", "json").stdout)
        assert expected in run("--recall", tmp_path / "old.json").stdout


@pytest.mark.parametrize(
    "option",
    [("--report", "TPMT normal"), ("--weight", "60"), ("--format", "html"), ("--ancestry", "European")],
)
def test_what_a_recall_does_not_take_is_typed_wrongly(file: Path, option: tuple[str, str]) -> None:
    assert run("--recall", file, *option).exit_code == 2


@given(
    line=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["sample", "genes", "TPMT", "diplotypes", "call", "phenotype"]), inner)
        ),
        max_leaves=12,
    ).map(lambda held: json.dumps(held).encode())
)
@settings(deadline=None, max_examples=50)
def test_whatever_a_line_holds_there_is_no_traceback(line: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "old.json"
    path.write_bytes(line + b"\n")
    done = run("--recall", path)
    assert done.exit_code in (0, 1)
    assert done.exception is None or isinstance(done.exception, SystemExit)
