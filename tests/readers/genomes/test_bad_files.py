"""What can't be used ends in one line: which file, where in it, what was found, what to do. Nothing is guessed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from azaward.errors import InputError
from azaward.knowledge import load
from azaward.readers.genomes.alleles import AssemblyName
from azaward.readers.genomes.variants import read
from tests.readers.genomes.test_variants import of, seen
from tests.readers.genomes.variant_files import LENGTHS, R139C, TPMT3B, TPMT3C, at, header, line, position, whole, write

KNOWLEDGE = load()
AZAWARD = Path(sys.executable).with_name("azaward")


def refused(path: Path, assembly: AssemblyName | None = None, sample: str | None = None) -> str:
    """The line with which a file is refused."""
    with pytest.raises(InputError) as caught:
        list(read([path], KNOWLEDGE, assembly=assembly, sample=sample))
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("text", "line_said"),
    [
        ("", "x.vcf: the file is empty."),
        ("hello\n", "x.vcf: line 1: found 'hello', expected ##fileformat=VCFv4.2 or another version."),
        ("##fileformat=VCFv4.2\n", "x.vcf: no line begins with #CHROM."),
        (header(), "x.vcf: contains no records, so nothing is known about anyone. Use the complete file."),
        (header(()), "x.vcf: line 15: no sample after FORMAT."),
        (header(()).replace("\tFORMAT", ""), "x.vcf: contains sites but no samples."),
        (header(("c001", "c001")), "x.vcf: line 15: duplicate sample 'c001'."),
        (
            header() + line("chr1", 5, "A", "C", "0/1"),
            "x.vcf: no contig chr6 or chr13 (6 or 13). Found: chr1.",
        ),
        (
            header() + at(R139C, "0/1/1"),
            "x.vcf line 16, chr13:48045719: sample 'c001' has 3 alleles. Expected two: call the chromosome as diploid.",
        ),
        (
            header() + at(R139C, "0/7"),
            "x.vcf line 16, chr13:48045719: sample 'c001' has allele 7; the record lists 1 besides the reference.",
        ),
        (
            header() + at(R139C, "13", fields="DP"),
            "x.vcf line 16, chr13:48045719: no GT among its FORMAT fields.",
        ),
        (
            header() + line("chr13", position(R139C), "G", "T", "0/1"),
            "x.vcf line 16, chr13:48045719: REF is G at 48045719, where GRCh38 has C. The file doesn't use GRCh38, or "
            "it is damaged.",
        ),
        (header(("c001", "c002")) + at(R139C, "0/1"), "x.vcf: line 16: 10 columns, expected 11 as in the #CHROM line."),
        (
            header() + at(TPMT3C, "0/1") + "chr13\tsome\t.\tC\tT\t.\t.\t.\tGT\t0/1\n",
            "x.vcf: line 17: position 'some' isn't a number.",
        ),
        (
            header() + at(R139C, "0/1:9.5", fields="GT:DP"),
            "x.vcf: line 16: DP is '9.5' for the sample in column 10, where the header says Type=Integer for DP "
            "(Type=Float would be right). It may be truncated or damaged: create or copy it again.",
        ),
        (header() + at(R139C, "0/x"), "x.vcf: line 16: '0/x' for the sample in column 10 isn't a genotype."),
        (header() + "chr13\t5\n", "x.vcf: line 16: 2 columns, expected 10"),
    ],
)
def test_each_fault_has_its_line(tmp_path: Path, text: str, line_said: str) -> None:
    assert refused(write(tmp_path / "x.vcf", text)).startswith(line_said)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "no.vcf").endswith(
        "no.vcf: No such file or directory. Expected a VCF, a BCF or a genotyping-array file."
    )
    assert "Is a directory" in refused(tmp_path)


def test_a_sample_that_is_not_in_the_file(tmp_path: Path) -> None:
    names = [f"c{each:03d}" for each in range(8)]
    path = write(tmp_path / "x.vcf", header(names) + at(R139C, *["0/1"] * 8))
    assert refused(path, sample="c9") == (
        "x.vcf: has no sample 'c9'. Expected one of: c000, c001, c002, c003, c004 and 3 more."
    )


def packed(tmp_path: Path, how: str) -> bytes:
    text = header() + "".join(line("chr1", each, "A", "C", "0/1") for each in range(1, 30_000)) + whole()
    if how == "gzip":
        return gzip.compress(text.encode())
    plain = write(tmp_path / "plain.vcf", text)
    if how == "bgzip":
        pysam.tabix_compress(str(plain), str(tmp_path / "whole.vcf.gz"), force=True)
        return (tmp_path / "whole.vcf.gz").read_bytes()
    with (
        pysam.VariantFile(str(plain)) as records,
        pysam.VariantFile(str(tmp_path / "whole.bcf"), "wb", header=records.header) as out,
    ):
        for record in records:
            out.write(record)
    return (tmp_path / "whole.bcf").read_bytes()


@pytest.mark.parametrize(
    ("how", "name", "cut", "said"),
    [
        ("bgzip", "x.vcf.gz", lambda raw: raw[:-28], "x.vcf.gz: the bgzip file is truncated."),
        ("bgzip", "x.vcf.gz", lambda raw: raw[: len(raw) // 2], "x.vcf.gz: the bgzip file is truncated"),
        ("bcf", "x.bcf", lambda raw: raw[:-28], "x.bcf: the bgzip file is truncated"),
        ("bcf", "x.bcf", lambda raw: raw[: len(raw) // 2] + raw[-28:], "x.bcf: record "),
        ("gzip", "x.vcf.gz", lambda raw: raw[: len(raw) // 2], "x.vcf.gz: "),
        ("gzip", "x.vcf.gz", lambda raw: raw[:-4], "x.vcf.gz: "),
        ("bgzip", "x.vcf.gz", lambda raw: raw[:5000] + bytes([raw[5000] ^ 255]) + raw[5001:], "x.vcf.gz: "),
    ],
)
def test_a_cut_or_damaged_file_is_refused(
    tmp_path: Path, how: str, name: str, cut: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(packed(tmp_path, how))
    list(read([path], KNOWLEDGE))
    path.write_bytes(cut(path.read_bytes()))
    found = refused(path)
    assert found.startswith(said)
    assert found.endswith(("again.", "Expected a VCF (4.1 to 4.4) or a BCF."))


def test_an_index_of_another_file_is_refused_or_finds_nothing(tmp_path: Path) -> None:
    pysam.tabix_compress(str(write(tmp_path / "a.vcf", header() + whole())), str(tmp_path / "a.vcf.gz"))
    Path(f"{tmp_path / 'a.vcf.gz'}.tbi").write_bytes(b"nonsense")
    assert refused(tmp_path / "a.vcf.gz") == (
        "a.vcf.gz: can't be read with its index a.vcf.gz.tbi. The file or its index is damaged: create both again."
    )


def unsaid(assembly: AssemblyName, *records: str) -> str:
    """A file whose header doesn't say its assembly."""
    return header(assembly=None) + "".join(records)


def test_the_assembly_is_told_by_the_bases_where_the_header_is_silent(tmp_path: Path) -> None:
    for assembly in LENGTHS:
        part = of(tmp_path, header(assembly=None), whole({R139C: "0/1"}, assembly=assembly))
        assert seen(part, R139C)[0] == (0, 1)
        few = of(tmp_path, header(assembly=None), at(R139C, "0/1", assembly=assembly))
        assert seen(few, R139C)[0] == (0, 1)


def test_the_assembly_is_never_guessed(tmp_path: Path) -> None:
    ask = "Ask the file's provider, then use --assembly GRCh38 or --assembly GRCh37."
    far = write(tmp_path / "x.vcf", header(assembly=None) + line("chr6", 18_135_000, "A", "G", "0/1"))
    assert refused(far).endswith(f"the header doesn't give it, and too few reference bases fit either. {ask}")
    other = header(assembly=None) + line("chr13", position(R139C), "G", "A", "0/1")
    assert refused(write(tmp_path / "x.vcf", other)).endswith(ask)
    assert list(read([far], KNOWLEDGE, assembly="GRCh37"))


@pytest.mark.parametrize(
    "said",
    [
        "##reference=file:///data/human_g1k_v37.fasta",
        "##reference=hs37d5.fa",
        "##contig=<ID=chr22,assembly=b37,length=1>",
        "##assembly=GRCh37.p13",
        "##contig=<ID=chr22,URL=ftp://somewhere/hg19.fa.gz>",
    ],
)
def test_a_header_tells_by_name(tmp_path: Path, said: str) -> None:
    text = header(assembly=None, extra=[said]) + at(R139C, "0/1", assembly="GRCh37")
    path = write(tmp_path / "x.vcf", text)
    assert list(read([path], KNOWLEDGE))
    assert refused(path, assembly="GRCh38") == (
        "x.vcf: the header says GRCh37, but you gave --assembly GRCh38. Omit --assembly, or give the file that uses "
        "GRCh38."
    )


def test_a_header_that_contradicts_itself(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", header(assembly="GRCh38", extra=["##reference=hg19.fa"]) + whole())
    assert refused(path).startswith("x.vcf: the header contradicts itself: ")


def test_an_assembly_that_azaward_does_not_read(tmp_path: Path) -> None:
    text = header().replace(str(LENGTHS["GRCh38"]["chr6"]), "172126628") + whole()
    assert refused(write(tmp_path / "x.vcf", text)) == (
        "x.vcf: header: contig chr6 has length 172126628; expected 170805979 (GRCh38) or 171115067 (GRCh37). azaward "
        "reads GRCh38 and GRCh37: realign or lift over the file to one of them."
    )


@pytest.mark.parametrize(("says", "has"), [("GRCh38", "GRCh37"), ("GRCh37", "GRCh38")])
def test_bases_of_the_other_assembly_are_refused(tmp_path: Path, says: AssemblyName, has: AssemblyName) -> None:
    text = whole(assembly=has)
    for first in (says, None):
        said = refused(write(tmp_path / "x.vcf", header(assembly=first) + text), assembly=None if first else says)
        assert f"where {says} has" in said or f"its records lie where {has} has these variants" in said


def test_the_program_says_it_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", header() + at(R139C, "0/1") + at(TPMT3B, "0/1/1"))
    done = subprocess.run([AZAWARD, "genotype", path, "--format", "json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "sample 'c001' has 3 alleles" in done.stderr


def test_htslib_says_nothing_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "x.vcf", "##fileformat=VCFv4.2\n" + header().splitlines()[-1] + "\n" + whole())
    done = subprocess.run(
        [AZAWARD, "genotype", path, "--assembly", "GRCh38", "--format", "json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
