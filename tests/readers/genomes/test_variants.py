"""What variant files say is read as it is meant, however it is written; what they don't say is missing."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pysam
import pytest

from azaward.errors import InputError
from azaward.genetics.model import GENES, Genotypes, Status
from azaward.knowledge import load
from azaward.readers.genomes.alleles import map_of
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import (
    R139C,
    REPEAT,
    SITES,
    TPMT2,
    TPMT3B,
    TPMT3C,
    at,
    header,
    line,
    position,
    site,
    whole,
    write,
)

KNOWLEDGE = load()
Seen = tuple[tuple[int, int], Status]


def seen(part: Genotypes, name: str | int, sample: int = 0) -> Seen:
    """What stands for a sample at a site."""
    one = site(name)
    held = part.genes[one.gene]
    row = sample if held.row_of is None else int(held.row_of[sample])
    column = held.sites.index(one)
    first, second = (int(code) for code in held.alleles[row, column])
    return (first, second), Status(held.status[row, column])


def phase(part: Genotypes, name: str | int, sample: int = 0) -> int:
    held = part.genes[site(name).gene]
    row = sample if held.row_of is None else int(held.row_of[sample])
    return int(held.phase[row, held.sites.index(site(name))])


def undocumented(part: Genotypes, name: str | int) -> str | None:
    held = part.genes[site(name).gene]
    return held.undocumented.get((0, held.sites.index(site(name))))


def table(part: Genotypes) -> dict[str, list[tuple[object, ...]]]:
    """Every sample's alleles, status and phase, as plain values."""
    found: dict[str, list[tuple[object, ...]]] = {}
    for number, name in enumerate(part.samples):
        for gene in GENES:
            held = part.genes[gene]
            row = number if held.row_of is None else int(held.row_of[number])
            found.setdefault(name, []).append(
                (held.alleles[row].tolist(), held.status[row].tolist(), held.phase[row].tolist())
            )
    return found


def of(tmp_path: Path, *texts: str, sample: str | None = None, name: str = "x.vcf") -> Genotypes:
    (part,) = read([write(tmp_path / name, "".join(texts))], KNOWLEDGE, sample=sample)
    return part


def test_a_record_for_every_site_is_read_whole(tmp_path: Path) -> None:
    part = of(tmp_path, header(), whole({TPMT3C: "0/1", TPMT3B: "1/0", R139C: "1/1", REPEAT: "1/2"}))
    assert part.samples == ("c001",)
    assert seen(part, TPMT3C) == ((0, 1), Status.SEEN)
    assert sorted(seen(part, TPMT3B)[0]) == [0, 1]
    assert seen(part, R139C)[0] == (1, 1)
    assert sorted(seen(part, REPEAT)[0]) == [1, 2]
    others = [seen(part, name) for name in SITES if name not in (TPMT3C, TPMT3B, R139C, REPEAT)]
    assert set(others) == {((0, 0), Status.SEEN)}


@pytest.mark.parametrize("assembly", ["GRCh38", "GRCh37"])
@pytest.mark.parametrize("prefix", ["chr", "", "CHR"])
def test_names_of_contigs_and_assemblies_change_nothing(tmp_path: Path, assembly: str, prefix: str) -> None:
    given = {TPMT3C: "0|1", R139C: "1|0", REPEAT: "2|0"}
    plain = of(tmp_path, header(), whole(given))
    other = of(tmp_path, header(assembly=assembly, prefix=prefix), whole(given, assembly=assembly, prefix=prefix))
    assert table(other) == table(plain)


def test_every_kind_of_file_says_the_same(tmp_path: Path) -> None:
    text = header(("c001", "c002")) + "".join(
        at(name, "0|1" if name in (TPMT3C, R139C) else "0|0", "1|1" if name == REPEAT else "0/0") for name in SITES
    )
    plain = write(tmp_path / "a.vcf", text)
    (tmp_path / "b.vcf.gz").write_bytes(gzip.compress(text.encode()))
    pysam.tabix_compress(str(plain), str(tmp_path / "c.vcf.gz"))
    pysam.tabix_compress(str(plain), str(tmp_path / "d.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "d.vcf.gz"), preset="vcf")
    pysam.tabix_compress(str(plain), str(tmp_path / "e.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "e.vcf.gz"), preset="vcf", csi=True)
    for name in ("f.bcf", "g.bcf", "h.dat"):
        with (
            pysam.VariantFile(str(plain)) as records,
            pysam.VariantFile(str(tmp_path / name), "wb", header=records.header) as out,
        ):
            for record in records:
                out.write(record)
    pysam.tabix_index(str(tmp_path / "g.bcf"), preset="bcf")
    assert (tmp_path / "g.bcf.csi").exists()
    head, *records = text.splitlines(keepends=True)
    body = [each for each in records if not each.startswith("#")]
    random.Random(3).shuffle(body)
    write(tmp_path / "i.vcf", head + "".join(each for each in records if each.startswith("#")) + "".join(body))
    write(tmp_path / "j.vcf", text.replace("\n", "\r\n"))
    (first,) = read([plain], KNOWLEDGE)
    for name in ("b.vcf.gz", "c.vcf.gz", "d.vcf.gz", "e.vcf.gz", "f.bcf", "g.bcf", "h.dat", "i.vcf", "j.vcf"):
        (part,) = read([tmp_path / name], KNOWLEDGE)
        assert table(part) == table(first), name


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("./.", ((-1, -1), Status.NO_CALL)),
        (".", ((-1, -1), Status.NO_CALL)),
        (".|.", ((-1, -1), Status.NO_CALL)),
        ("./1", ((-1, 1), Status.HALF_CALL)),
        ("0/.", ((0, -1), Status.HALF_CALL)),
        ("1", ((1, -1), Status.HAPLOID)),
        ("0", ((0, -1), Status.HAPLOID)),
    ],
)
def test_what_was_not_called_is_missing_and_says_why(tmp_path: Path, call: str, expected: Seen) -> None:
    assert seen(of(tmp_path, header(), at(R139C, call)), R139C) == expected


def test_a_haploid_call_beside_diploid_ones(tmp_path: Path) -> None:
    part = of(tmp_path, header(("c001", "c002")), at(R139C, "1", "0/1"))
    assert seen(part, R139C, 0) == ((1, -1), Status.HAPLOID)
    assert seen(part, R139C, 1) == ((0, 1), Status.SEEN)


def test_a_position_without_a_record_is_never_reference(tmp_path: Path) -> None:
    part = of(tmp_path, header(), at(TPMT3C, "0/1"))
    assert seen(part, TPMT3B) == ((-1, -1), Status.NO_RECORD)
    assert seen(part, R139C) == ((-1, -1), Status.NO_RECORD)


@pytest.mark.parametrize(("filters", "usable"), [("PASS", True), (".", True), ("LowQual", False)])
def test_a_filtered_record_is_missing(tmp_path: Path, filters: str, usable: bool) -> None:
    found = seen(of(tmp_path, header(), at(R139C, "0/1", filters=filters)), R139C)
    assert found == (((0, 1), Status.SEEN) if usable else ((-1, -1), Status.FILTERED))


def test_the_mark_of_a_reference_call_holds_for_reference_alone(tmp_path: Path) -> None:
    part = of(tmp_path, header(("c001", "c002")), at(R139C, "0/0", "0/1", filters="RefCall"))
    assert seen(part, R139C, 0) == ((0, 0), Status.SEEN)
    assert seen(part, R139C, 1) == ((-1, -1), Status.FILTERED)


def test_depth_and_quality_limits_are_those_of_the_knowledge(tmp_path: Path) -> None:
    depth = int(KNOWLEDGE.parameters["genotype_min_depth"].value)
    quality = int(KNOWLEDGE.parameters["genotype_min_quality"].value)
    assert (depth, quality) == (10, 20)
    calls = ["0/1:10:20", "0/1:9:99", "0/1:99:19", "0/1:.:.", "0/1:9:19"]
    part = of(tmp_path, header([f"c{each}" for each in range(5)]), at(R139C, *calls, fields="GT:DP:GQ"))
    expected = [Status.SEEN, Status.LOW_DEPTH, Status.LOW_QUALITY, Status.SEEN, Status.LOW_DEPTH]
    assert [seen(part, R139C, sample)[1] for sample in range(5)] == expected


def test_depth_is_judged_where_the_header_does_not_declare_it(tmp_path: Path) -> None:
    bare = "\n".join(each for each in header().splitlines() if "ID=DP" not in each and "ID=GQ" not in each) + "\n"
    assert seen(of(tmp_path, bare, at(R139C, "0/1:4:99", fields="GT:DP:GQ")), R139C)[1] == Status.LOW_DEPTH


def test_a_samples_own_filter_counts(tmp_path: Path) -> None:
    part = of(tmp_path, header(("c001", "c002")), at(R139C, "0/1:PASS", "0/1:LowGQ", fields="GT:FT"))
    assert [seen(part, R139C, sample)[1] for sample in (0, 1)] == [Status.SEEN, Status.FILTERED]


def block(chrom: str, low: int, high: int, ref: str, call: str = "0/0", alt: str = "<NON_REF>", depth: int = 30) -> str:
    return line(chrom, low, ref, alt, f"{call}:{depth}:60", fields="GT:MIN_DP:GQ", info=f"END={high}")


@pytest.mark.parametrize("alt", ["<NON_REF>", "<*>", "."])
def test_blocks_of_reference_are_reference_where_they_reach(tmp_path: Path, alt: str) -> None:
    low, high = position(TPMT3C), position(TPMT3B)
    part = of(tmp_path, header(), block("chr6", low, high - 1, "T", alt=alt))
    inside = [each for each in SITES.values() if each.gene == "TPMT" and low <= each.pos_grch38 < high]
    assert {seen(part, one.rsid or one.pos_grch38) for one in inside} == {((0, 0), Status.SEEN)}
    assert seen(part, TPMT3B) == ((-1, -1), Status.NO_RECORD)


def test_a_block_that_began_before_the_gene_is_found_with_and_without_an_index(tmp_path: Path) -> None:
    text = header() + block("chr6", 18_000_000, 18_200_000, "N") + block("chr13", 48_000_000, 48_100_000, "N")
    plain = write(tmp_path / "a.g.vcf", text)
    pysam.tabix_compress(str(plain), str(tmp_path / "b.g.vcf.gz"))
    pysam.tabix_index(str(tmp_path / "b.g.vcf.gz"), preset="vcf")
    for path in (plain, tmp_path / "b.g.vcf.gz"):
        (part,) = read([path], KNOWLEDGE)
        assert {seen(part, name) for name in SITES} == {((0, 0), Status.SEEN)}


def test_a_shallow_block_is_missing(tmp_path: Path) -> None:
    part = of(tmp_path, header(), block("chr13", position(R139C), position(R139C), "C", depth=9))
    assert seen(part, R139C) == ((-1, -1), Status.LOW_DEPTH)


def test_an_insertion_site_needs_all_its_bases_covered(tmp_path: Path) -> None:
    start = position(REPEAT)
    both = block("chr13", start, start + 2, "A") + block("chr13", start + 3, start + 10, "A")
    assert seen(of(tmp_path, header(), both), REPEAT) == ((0, 0), Status.SEEN)
    assert seen(of(tmp_path, header(), block("chr13", start, start + 2, "A")), REPEAT)[0] == (-1, -1)
    weak = block("chr13", start, start + 2, "A") + block("chr13", start + 3, start + 10, "A", depth=2)
    assert seen(of(tmp_path, header(), weak), REPEAT) == ((-1, -1), Status.LOW_DEPTH)


def test_a_change_in_a_gvcf_stands_beside_any_other_allele(tmp_path: Path) -> None:
    part = of(tmp_path, header(), at(R139C, "0/1", alt="T,<NON_REF>"), at(TPMT3C, "0/2", alt="C,<NON_REF>"))
    assert seen(part, R139C) == ((0, 1), Status.SEEN)
    assert seen(part, TPMT3C) == ((0, -2), Status.SEEN)


def test_a_spanning_deletion_and_an_unnamed_base_are_undocumented(tmp_path: Path) -> None:
    part = of(tmp_path, header(), at(R139C, "0/1", alt="*"), at(TPMT3C, "1/2", alt="C,A"))
    assert seen(part, R139C) == ((0, -2), Status.SEEN)
    assert undocumented(part, R139C) == "C>*"
    assert sorted(seen(part, TPMT3C)[0]) == [-2, 1]
    assert undocumented(part, TPMT3C) == "T>A"


def test_a_deletion_over_a_site_is_undocumented_and_its_other_copy_unknown(tmp_path: Path) -> None:
    one = position(R139C)
    part = of(tmp_path, header(), line("chr13", one - 1, "GCGT", "G", "0/1"))
    assert seen(part, R139C)[0] == (-1, -2)
    assert seen(part, "rs147390019")[0] == (-1, -2)


def test_a_whole_gene_deletion_is_not_reference(tmp_path: Path) -> None:
    part = of(tmp_path, header(), line("chr6", 18_100_000, "N", "<DEL>", "0/1", info="END=18200000"))
    assert seen(part, TPMT3C)[0] == (-1, -1)
    assert [(one.term, one.copies) for one in part.genes["TPMT"].unnamed[0]] == [("transcript_ablation", 1)]


def test_two_changes_in_one_record_are_two_changes(tmp_path: Path) -> None:
    part = of(tmp_path, header(), line("chr13", position(R139C), "CG", "TA", "0/1"))
    assert seen(part, R139C) == ((0, 1), Status.SEEN)
    assert seen(part, "rs147390019") == ((0, 1), Status.SEEN)


def test_an_insertion_in_coding_bases_that_has_no_name_is_told(tmp_path: Path) -> None:
    one = position(TPMT3B)
    part = of(tmp_path, header(), whole(), line("chr6", one + 10, "C", "CT", "0/1"))
    (told,) = part.genes["TPMT"].unnamed[0]
    assert (told.term, told.name, told.copies) == ("frameshift_variant", "c.449_450insA p.Trp150Ter", 1)
    clean = of(tmp_path, header(), whole({REPEAT: "1/2"}))
    assert not clean.genes["NUDT15"].unnamed


def test_phase_sets_are_told_apart(tmp_path: Path) -> None:
    part = of(
        tmp_path,
        header(),
        at(TPMT3C, "0|1:500", fields="GT:PS"),
        at(TPMT3B, "1|0:500", fields="GT:PS"),
        at(TPMT2, "0|1:900", fields="GT:PS"),
        at("rs1800584", "0/1:.", fields="GT:PS"),
        at("rs56161402", "0|1:.", fields="GT:PS"),
    )
    assert (seen(part, TPMT3C)[0], seen(part, TPMT3B)[0]) == ((0, 1), (1, 0))
    assert phase(part, TPMT3C) == phase(part, TPMT3B) > 0
    assert len({phase(part, name) for name in (TPMT3C, TPMT2, "rs56161402")}) == 3
    assert phase(part, "rs1800584") == 0


def test_phase_without_sets_is_one_set(tmp_path: Path) -> None:
    part = of(tmp_path, header(), at(TPMT3C, "0|1"), at(TPMT3B, "0|1"), at(TPMT2, "0/1"))
    assert phase(part, TPMT3C) == phase(part, TPMT3B) == 1
    assert phase(part, TPMT2) == 0


def test_samples_with_equal_genotypes_share_a_row_whatever_their_sets_are_called(tmp_path: Path) -> None:
    calls = [f"0|1:{name}" for name in (100, 200, 300)]
    part = of(
        tmp_path,
        header(("c001", "c002", "c003")),
        at(TPMT3C, *calls, fields="GT:PS"),
        at(TPMT3B, *calls, fields="GT:PS"),
    )
    assert [phase(part, TPMT3C, sample) for sample in range(3)] == [1, 1, 1]
    assert len({str(rows) for rows in table(part).values()}) == 1


def test_vcf_4_4_may_begin_a_genotype_with_its_phase(tmp_path: Path) -> None:
    text = header(("c001", "c002"), version="4.4") + at(TPMT3C, "|0|1", "/0|1") + at(TPMT3B, "|0|1", "0/0")
    plain = write(tmp_path / "a.vcf", text)
    pysam.tabix_compress(str(plain), str(tmp_path / "b.vcf.gz"))
    (tmp_path / "c.vcf.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("a.vcf", "b.vcf.gz", "c.vcf.gz"):
        (part,) = read([tmp_path / name], KNOWLEDGE)
        assert seen(part, TPMT3C, 0)[0] == seen(part, TPMT3C, 1)[0] == (0, 1)
        assert [phase(part, TPMT3C, sample) for sample in (0, 1)] == [1, 0]


@pytest.mark.parametrize("version", ["4.1", "4.2", "4.3", "4.4"])
def test_versions(tmp_path: Path, version: str) -> None:
    assert seen(of(tmp_path, header(version=version), at(R139C, "0/1")), R139C)[0] == (0, 1)


def test_one_sample_of_many(tmp_path: Path) -> None:
    text = header(("c001", "c002", "c003")) + at(R139C, "0/0", "0/1", "1/1")
    part = of(tmp_path, text, sample="c002")
    assert part.samples == ("c002",)
    assert seen(part, R139C)[0] == (0, 1)


def test_genes_may_stand_in_a_file_each(tmp_path: Path) -> None:
    six = write(tmp_path / "six.vcf", header(("c001", "c002")) + at(TPMT3C, "0/1", "0/0"))
    thirteen = write(tmp_path / "thirteen.vcf", header(("c003", "c002", "c001")) + at(R139C, "1/1", "0/0", "0/1"))
    (part,) = read([six, thirteen], KNOWLEDGE)
    assert part.samples == ("c001", "c002", "c003")
    assert [seen(part, TPMT3C, sample) for sample in range(3)] == [
        ((0, 1), Status.SEEN),
        ((0, 0), Status.SEEN),
        ((-1, -1), Status.NO_RECORD),
    ]
    assert [seen(part, R139C, sample)[0] for sample in range(3)] == [(0, 1), (0, 0), (1, 1)]


def test_files_that_disagree_leave_the_site_missing(tmp_path: Path) -> None:
    head = header(("c001", "c002"))
    one = head + at(R139C, "0/1", "0/0") + at(TPMT3C, "./.", "0/0") + at(TPMT3B, "0/1", "0/0")
    two = head + at(R139C, "0/0", "0/0") + at(TPMT3C, "0/1", "0/0") + at(TPMT3B, "1/0", "0/0")
    (part,) = read([write(tmp_path / "one.vcf", one), write(tmp_path / "two.vcf", two)], KNOWLEDGE)
    assert seen(part, R139C) == ((-1, -1), Status.CONFLICT)
    assert seen(part, TPMT3C) == ((0, 1), Status.CONFLICT_SETTLED)
    assert sorted(seen(part, TPMT3B)[0]) == [0, 1]


def test_files_of_one_sample_that_are_sure_of_different_genotypes_may_be_of_two_people(tmp_path: Path) -> None:
    one = write(tmp_path / "one.vcf", header() + at(R139C, "0/1"))
    two = write(tmp_path / "two.vcf", header(assembly="GRCh37") + at(R139C, "0/0", assembly="GRCh37"))
    many = write(tmp_path / "many.vcf", header(("c001", "c002")) + at(R139C, "0/0", "0/0"))
    with pytest.raises(InputError) as refused:
        list(read([one, two], KNOWLEDGE))
    assert str(refused.value) == (
        "one.vcf, two.vcf: sample 'c001' has C/T in one.vcf and C/C in two.vcf at NUDT15 rs116855232. Are both files "
        "of one person? Give them one by one, and ask the laboratory which of them is right."
    )
    with pytest.raises(InputError, match="Are both files of one person"):
        list(read([one, many], KNOWLEDGE, sample="c001"))
    unsure = header() + at(R139C, "0/0:9", fields="GT:GQ") + at(TPMT3C, "0/0")
    (part,) = read([one, write(tmp_path / "two.vcf", unsure)], KNOWLEDGE)
    assert seen(part, R139C) == ((0, 1), Status.CONFLICT_SETTLED)


def test_a_sample_may_be_in_one_file_only(tmp_path: Path) -> None:
    one = write(tmp_path / "one.vcf", header(("c001",)) + at(R139C, "0/1"))
    two = write(tmp_path / "two.vcf", header(("c002",)) + at(R139C, "0/0"))
    (part,) = read([one, two], KNOWLEDGE, sample="c002")
    assert part.samples == ("c002",)
    with pytest.raises(InputError, match=r"one.vcf: has no sample 'c003'. Expected one of: c001"):
        list(read([one, two], KNOWLEDGE, sample="c003"))


def test_a_file_of_one_chromosome_warns_of_the_other_gene(tmp_path: Path) -> None:
    path = write(tmp_path / "six.vcf", header() + at(TPMT3C, "0/1"))
    lines: list[str] = []
    list(read([path], KNOWLEDGE, warn=lines.append))
    assert lines == ["six.vcf: nothing on chr13, so NUDT15 is unknown. Add the file that has it."]


def test_long_files_report_their_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azaward.readers.genomes.file.EVERY", 2)
    path = write(
        tmp_path / "x.vcf",
        header() + "".join(line("chr1", each, "A", "C", "0/0") for each in range(1, 6)) + at(R139C, "0/1"),
    )
    lines: list[str] = []
    list(read([path], KNOWLEDGE, progress=lines.append))
    assert lines == [
        "x.vcf: 2 records read, now at chr1:2",
        "x.vcf: 4 records read, now at chr1:4",
        f"x.vcf: 6 records read, now at chr13:{position(R139C):,}",
    ]


def test_a_cohort_in_parts_is_the_cohort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"c{each:03d}" for each in range(7)]
    rng = np.random.default_rng(1)
    body = "".join(at(name, *rng.choice(["0/0", "0/1", "1|1", "./."], 7).tolist()) for name in SITES)
    path = write(tmp_path / "x.vcf", header(names) + body)
    (once,) = read([path], KNOWLEDGE)
    monkeypatch.setattr("azaward.readers.genomes.variants.PART", 3)
    parts = list(read([path], KNOWLEDGE))
    assert [part.samples for part in parts] == [tuple(names[:3]), tuple(names[3:6]), tuple(names[6:])]
    together = {name: rows for part in parts for name, rows in table(part).items()}
    assert together == table(once)


def test_rows_are_worked_out_once_for_equal_people(tmp_path: Path) -> None:
    names = [f"c{each:03d}" for each in range(300)]
    part = of(tmp_path, header(names), at(R139C, *(["0/0"] * 150 + ["0/1"] * 150)))
    assert len(part.genes["NUDT15"].alleles) == 2
    assert len(part.genes["TPMT"].alleles) == 1


@pytest.mark.parametrize("assembly", ["GRCh38", "GRCh37"])
def test_the_knowledge_of_positions_fits_its_own_sequences(assembly: str) -> None:
    on = map_of(KNOWLEDGE, "GRCh38" if assembly == "GRCh38" else "GRCh37")
    for place in on.places:
        for offset, base in enumerate(place.site.ref):
            assert on.base(place.site.chrom, place.start + offset) == base
