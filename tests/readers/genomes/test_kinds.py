"""A file of another kind is named for what it is, in one line that says what turns it into one that can be read."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pysam
import pytest

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.genomes.chips.arrays import is_array
from azaward.readers.genomes.kinds import check_kind
from azaward.readers.genomes.text import lines
from azaward.readers.genomes.variants import read
from tests.readers.genomes.variant_files import R139C, at, header, write

PLINK2 = "--chr 6,13 --ref-from-fa force --fa GRCh38.fa --export vcf bgz --out x"
REPORT = "azaward genotype --report 'TPMT *1/*3A; NUDT15 normal'"
BGEN = bytes(16) + b"bgen" + bytes(100)
PED = b"F1 c001 0 0 1 -9 T C C T G G\n"

CASES: list[tuple[str, bytes, str, str]] = [
    ("x.bed", b"\x6c\x1b\x01\xdc\x0f", "PLINK's binary genotypes (.bed)", f"plink2 --bfile x {PLINK2}"),
    ("x.dat", b"\x6c\x1b\x01\xdc\x0f", "PLINK's binary genotypes (.bed)", f"plink2 --bfile x {PLINK2}"),
    ("x.pgen", b"\x6c\x1b\x10\x05\x00", "PLINK 2's binary genotypes (.pgen)", f"plink2 --pfile x {PLINK2}"),
    ("x.bgen", BGEN, "BGEN genotypes", f"plink2 --bgen x.bgen ref-first --sample x.sample {PLINK2}"),
    ("x.bim", b"6\trs1142345\t0\t18130918\tC\tT\n", "PLINK's list of variants (.bim)", "plink2 --bfile x"),
    ("x.map", b"6 rs1142345 0 18130918\n", "PLINK's list of variants (.map)", "plink2 --pedmap x"),
    ("x.fam", b"F1 c001 0 0 2 -9\n", "PLINK's list of people (.fam)", "plink2 --bfile x"),
    ("x.ped", PED, "PLINK's genotypes as text (.ped)", "plink2 --pedmap x"),
    ("x.psam", b"#FID\tIID\tSEX\nF1\tc001\t2\n", "PLINK 2's list of people (.psam)", "plink2 --pfile x"),
    ("x.pvar", b"#CHROM\tPOS\tID\tREF\tALT\n6\t1\t.\tA\tC\n", "PLINK 2's list of variants (.pvar)", "plink2 --pfile x"),
    ("x.sample", b"ID_1 ID_2 missing\n0 0 0\n", "Oxford's list of people (.sample)", "plink2 --bgen x.bgen"),
    ("x.bam", gzip.compress(b"BAM\x01" + bytes(50)), "aligned reads (BAM)", "bcftools mpileup -f GRCh38.fa"),
    ("x.cram", b"CRAM\x03\x00" + bytes(50), "aligned reads (CRAM)", "| bcftools call -m --gvcf 10 -a GQ -Oz -o x"),
    ("x.sam", b"@HD\tVN:1.6\n@SQ\tSN:chr6\tLN:170805979\n", "aligned reads (SAM)", "bcftools mpileup"),
    ("x.fastq.gz", gzip.compress(b"@r1/1\nACGTN\n+\nIIIII\n"), "reads (FASTQ)", "Ask your laboratory for the gVCF."),
    ("x.fa", b">chr6 dna\nACGTACGT\n", "sequence (FASTA)", "Ask your laboratory for the gVCF."),
    ("x.bed", b"chr6\t18128000\t18156000\tTPMT\n", "a list of intervals (BED), without genotypes", "Expected a VCF"),
    ("x.bed", b"track name=a\nchr6\t1\t2\n", "a list of intervals (BED), without genotypes", "Expected a VCF"),
    ("x.idat", b"IDAT\x03\x00\x00\x00", "an array's intensities (IDAT)", "on the plus strand"),
    ("x.pdf", b"%PDF-1.7\n\xe2\xe3\n", "a PDF", REPORT),
    ("x.vcf", b"%PDF-1.7\n\xe2\xe3\n", "a PDF", REPORT),
    ("x.png", b"\x89PNG\r\n\x1a\n", "a picture", REPORT),
    ("x.jpg", b"\xff\xd8\xff\xe0", "a picture", REPORT),
    ("x.heic", b"\x00\x00\x00\x18ftypheic", "a picture", REPORT),
    ("x.xls", b"\xd0\xcf\x11\xe0\xa1\xb1", "a document or workbook of an old version of Office", REPORT),
    ("x.tar.gz", gzip.compress(bytes(257) + b"ustar" + bytes(50)), "a tar archive", "Unpack it first"),
    ("x.vcf.xz", b"\xfd7zXZ\x00", "compressed with xz", "Unpack it first"),
    ("x.vcf.bz2", b"BZh91AY", "compressed with bzip2", "Unpack it first"),
    ("x.vcf.zst", b"\x28\xb5\x2f\xfd\x00", "compressed with zstd", "Unpack it first"),
    ("x.tbi", gzip.compress(b"TBI\x01" + bytes(20)), "an index", "Give the file that it belongs to."),
    ("x.html", b"<!DOCTYPE html>\n<html>", "a web page", "Expected a VCF"),
    ("x.json", b'{"resourceType": "Bundle"}', "JSON", "use azaward assess"),
    ("x.bin", b"\x01\x02\x00\x03" * 50, "neither text nor a binary format that azaward knows", "copy it again"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "kind", "to_do"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)])
def test_each_kind_is_named_and_told_what_to_do(
    tmp_path: Path, name: str, content: bytes, kind: str, to_do: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        list(read([tmp_path / name], load()))
    said = str(caught.value)
    assert said.startswith(f"{name}: {kind}")
    assert to_do in said
    assert "\n" not in said
    assert not said.endswith("...")


def test_a_real_alignment_is_refused(tmp_path: Path) -> None:
    with pysam.AlignmentFile(str(tmp_path / "x.bam"), "wb", header={"SQ": [{"SN": "chr6", "LN": 170805979}]}):
        pass
    with pytest.raises(InputError, match=r"x.bam: aligned reads \(BAM\)"):
        check_kind(tmp_path / "x.bam")


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ("xl/workbook.xml", "a workbook"),
        ("word/document.xml", "a document"),
        ("genome.vcf.gz", "a zip with genome.vcf.gz in it"),
        ("c001/genome.bam", "a zip with genome.bam in it"),
    ],
)
def test_zips_that_are_not_of_an_array(tmp_path: Path, inside: str, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr(inside, "content")
    with pytest.raises(InputError, match=f"x.zip: {kind}"):
        list(read([tmp_path / "x.zip"], load()))


def test_a_macs_own_files_in_a_zip_do_not_count(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as out:
        out.writestr("__MACOSX/._genome.vcf", "x")
        out.writestr("genome.txt", f"{R139C}\t13\t48619855\tCT\n")
    check_kind(tmp_path / "x.zip")


def test_what_can_be_read_passes(tmp_path: Path) -> None:
    text = header() + at(R139C, "0/1")
    check_kind(write(tmp_path / "x.vcf", text))
    (tmp_path / "x.vcf.gz").write_bytes(gzip.compress(text.encode()))
    check_kind(tmp_path / "x.vcf.gz")
    check_kind(write(tmp_path / "x.txt", f"{R139C}\t13\t48619855\tCT\n"))
    check_kind(write(tmp_path / "y.txt", f"{R139C} 13 48619855 C T\n"))
    check_kind(write(tmp_path / "empty.vcf", ""))
    check_kind(tmp_path / "none.vcf")


def test_what_has_no_end_or_no_content_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.vcf")
    with (tmp_path / "sparse.vcf").open("wb") as out:
        out.truncate(4 << 30)
    for made, byte in (("zeros", b"\x00"), ("letters", b"A")):
        (tmp_path / f"{made}.vcf.gz").write_bytes(gzip.compress(byte * (64 << 20)))
    for name, said in (
        ("pipe.vcf", "not a regular file"),
        ("sparse.vcf", "neither text nor a binary format"),
        ("zeros.vcf.gz", "neither text nor a binary format"),
        ("letters.vcf.gz", "its first line is longer than"),
    ):
        with pytest.raises(InputError, match=said) as caught:
            list(read([tmp_path / name], load()))
        assert "\n" not in str(caught.value)
    assert not is_array(tmp_path / "pipe.vcf")
    with pytest.raises(InputError, match=r"Is a directory. Give the files in it"):
        list(read([tmp_path], load()))


def test_a_line_without_an_end_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("azaward.readers.genomes.text._LONGEST", 3 << 20)
    write(tmp_path / "x.vcf", "a\n" + "b" * (5 << 20))
    with pytest.raises(InputError, match=r"x.vcf: a line is longer than"):
        list(lines(tmp_path / "x.vcf"))
    monkeypatch.undo()
    assert [len(line) for line in lines(tmp_path / "x.vcf")] == [1, 5 << 20]


def test_the_program_says_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.bed").write_bytes(b"\x6c\x1b\x01\xdc")
    command = [Path(sys.executable).with_name("azaward"), "genotype", tmp_path / "x.bed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "plink2 --bfile x" in done.stderr
