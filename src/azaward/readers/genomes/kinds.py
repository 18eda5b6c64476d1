"""Which kind of file is this, if it is neither a variant file nor array text, and what turns it into one?

Genotypes come in many containers, and people also have reads, reports and pictures of reports. Each is recognised by
its content and refused with one line that names it and says what to do.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

from azaward.errors import InputError
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.regular import regular

EXPECTED = "Expected a VCF, a BCF or a genotyping-array file."
_HEAD = 1 << 20
_CONVERT = "--chr 6,13 --ref-from-fa force --fa GRCh38.fa --export vcf bgz --out {stem}"
_PLINK2 = (
    "Convert it: plink2 {given} "
    + _CONVERT
    + " (GRCh38.fa stands for the FASTA of the file's own assembly; without it "
    "the reference alleles may be wrong)."
)
_READS = (
    "Ask your laboratory for the gVCF, or call the variants: bcftools mpileup -f GRCh38.fa -r chr6,chr13 -a FORMAT/DP "
    "--gvcf 10 {name} | bcftools call -m --gvcf 10 -a GQ -Oz -o {stem}.g.vcf.gz (GRCh38.fa stands for the FASTA that "
    "the reads were aligned to)."
)
_LABORATORY = "Ask your laboratory for the gVCF."
_REPORT = "If it is a laboratory's report, type its words: azaward genotype --report 'TPMT *1/*3A; NUDT15 normal'."
_DAMAGED = f"It may be damaged: copy it again. {EXPECTED}"
_UNPACK = "Unpack it first, and give the file inside."
_INTENSITIES = "Call its genotypes, for instance with GenomeStudio, and export the alleles on the plus strand."
_BFILE, _PFILE = (_PLINK2.replace("{given}", f"--{word} {{stem}}") for word in ("bfile", "pfile"))
_BGEN = _PLINK2.replace("{given}", "--bgen {stem}.bgen ref-first --sample {stem}.sample")
_PED = _PLINK2.replace("{given}", "--pedmap {stem}")

Kind = tuple[str, str]
"""What the file is, and what to do."""
# Where its mark stands, the mark, and the kind.
_MARKS: tuple[tuple[int, bytes, Kind], ...] = (
    (0, b"\x6c\x1b\x01", ("PLINK's binary genotypes (.bed)", _BFILE)),
    (0, b"\x6c\x1b\x00", ("PLINK's binary genotypes (.bed), sorted by person", _BFILE)),
    (0, b"\x6c\x1b", ("PLINK 2's binary genotypes (.pgen)", _PFILE)),
    (16, b"bgen", ("BGEN genotypes", _BGEN)),
    (0, b"BAM\x01", ("aligned reads (BAM)", _READS)),
    (0, b"CRAM", ("aligned reads (CRAM)", _READS)),
    (0, b"IDAT", ("an array's intensities (IDAT)", _INTENSITIES)),
    (0, b"gtc", ("an array's intensities (GTC)", _INTENSITIES)),
    (0, b"%PDF", ("a PDF", _REPORT)),
    (0, b"\x89PNG", ("a picture", _REPORT)),
    (0, b"\xff\xd8\xff", ("a picture", _REPORT)),
    (0, b"GIF8", ("a picture", _REPORT)),
    (0, b"II*\x00", ("a picture", _REPORT)),
    (0, b"MM\x00*", ("a picture", _REPORT)),
    (8, b"WEBP", ("a picture", _REPORT)),
    (4, b"ftyphei", ("a picture", _REPORT)),
    (4, b"ftypmif1", ("a picture", _REPORT)),
    (128, b"DICM", ("a DICOM picture", _REPORT)),
    (0, b"\xd0\xcf\x11\xe0", ("a document or workbook of an old version of Office", _REPORT)),
    (0, b"{\\rtf", ("a document (RTF)", _REPORT)),
    (0, b"7z\xbc\xaf", ("a 7z archive", _UNPACK)),
    (0, b"Rar!", ("a RAR archive", _UNPACK)),
    (0, b"\xfd7zXZ", ("compressed with xz", _UNPACK)),
    (0, b"BZh", ("compressed with bzip2", _UNPACK)),
    (0, b"\x28\xb5\x2f\xfd", ("compressed with zstd", _UNPACK)),
    (257, b"ustar", ("a tar archive", _UNPACK)),
    (0, b"SQLite format 3", ("a database (SQLite)", EXPECTED)),
    (0, b"PAR1", ("a Parquet table", EXPECTED)),
    (0, b"\x89HDF", ("an HDF5 file", EXPECTED)),
    (0, b"TBI\x01", ("an index", "Give the file that it belongs to.")),
    (0, b"CSI\x01", ("an index", "Give the file that it belongs to.")),
    (0, b"BAI\x01", ("an index", _READS)),
)
# The first line or lines of a text, and the kind.
_TEXTS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"@(?:HD|SQ|RG|PG)\t"), ("aligned reads (SAM)", _READS)),
    (re.compile(r"@[^\n]*\n[A-Za-z.]+\n\+"), ("reads (FASTQ)", _LABORATORY)),
    (re.compile(r">\S[^\n]*\n[A-Za-z*-]+(?:\n|$)"), ("sequence (FASTA)", _LABORATORY)),
    (re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE), ("a web page", EXPECTED)),
    (re.compile(r"\s*<\?xml|\s*<[A-Za-z]+[ >]"), ("XML", EXPECTED)),
    (re.compile(r"\s*[{\[]\s*[\"{\[]"), ("JSON", f"{EXPECTED} For a patient's record, use azaward assess.")),
    (re.compile(r"#[FI]ID\b"), ("PLINK 2's list of people (.psam)", _PFILE)),
    (re.compile(r"(?:##(?!fileformat)[^\n]*\n)*#CHROM\tPOS\tID\tREF\tALT(?:\t(?:QUAL|FILTER|INFO|CM))*\n"), (
        "PLINK 2's list of variants (.pvar), or a VCF without its first line", _PFILE
    )),
    (re.compile(r"ID_1 ID_2\b"), ("Oxford's list of people (.sample)", _BGEN)),
)  # fmt: skip


def check_kind(path: Path) -> None:
    """Raises a one-line `InputError` if the path is of another kind than those that azaward reads.

    A file that isn't there, is empty or is of no kind that is known here passes.

    >>> check_kind(Path("examples/genotype/one.vcf"))
    >>> check_kind(Path("/dev/null"))
    Traceback (most recent call last):
    azaward.errors.InputError: /dev/null: not a regular file. Expected a VCF, a BCF or a genotyping-array file.
    """
    if not regular(path, EXPECTED).exists():
        return
    if path.is_dir():
        raise InputError(f"{path}: Is a directory. Give the files in it. {EXPECTED}")
    try:
        raw = _raw(path)
        head = unpacked(raw)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}. {EXPECTED}") from None
    if head.startswith((b"##fileformat=VCF", b"BCF")):
        return
    kind = _by_mark(raw) or _by_mark(head) or (_zipped(path) if raw.startswith(b"PK\x03\x04") else _text(path, head))
    if kind is not None:
        what, to_do = kind
        stem = path.name.split(".")[0] or path.name
        raise InputError(f"{path.name}: {what}. {to_do.format(name=path.name, stem=stem)}")


def _raw(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD)


def unpacked(raw: bytes) -> bytes:
    """The first bytes of what gzip or bgzip has packed, or the bytes themselves."""
    if raw[:2] != b"\x1f\x8b":
        return raw
    try:
        return zlib.decompressobj(31).decompress(raw, _HEAD)
    except zlib.error:
        return b""


def _by_mark(head: bytes) -> Kind | None:
    return next((kind for at, mark, kind in _MARKS if head[at : at + len(mark)] == mark), None)


def _zipped(path: Path) -> Kind | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
    except Exception:  # told by whoever reads the zip
        return None
    for folder, what in (("xl/", "a workbook"), ("word/", "a document"), ("ppt/", "slides")):
        if any(name.startswith(folder) for name in names):
            more = " If it is an array's table, save it as CSV." if folder == "xl/" else ""
            return f"{what} (Office)", _REPORT + more
    inside = [name for name in names if re.search(r"\.(?:g?vcf|bcf|bam|cram)(?:\.b?gz)?$", name.casefold())]
    return (f"a zip with {Path(inside[0]).name} in it", _UNPACK) if inside else None


def _text(path: Path, head: bytes) -> Kind | None:
    """The kind of a text, by its first lines; what is no text at all is of no known kind."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.decode("utf-16", "replace")
    elif b"\x00" in head:
        return "neither text nor a binary format that azaward knows", _DAMAGED
    else:
        text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > _HEAD // 4 and "\n" not in text:
        return (
            f"its first line is longer than {len(text):,} characters",
            _DAMAGED,
        )
    if found := next((kind for pattern, kind in _TEXTS if pattern.match(text)), None):
        return found
    rows = [line for line in text.split("\n")[:50] if line.strip() and not line.startswith(("#", "track", "browser"))]
    return _table(path, rows[0].split()) if rows else None


def _table(path: Path, cells: list[str]) -> Kind | None:
    """The kind of a table without a header, by its first row."""
    of_chromosome = bool(re.fullmatch(r"chr(?:\d{1,2}|[XYM])", chromosome(cells[0])))
    numbers = [cell.isascii() and cell.isdigit() for cell in cells]
    if of_chromosome and len(cells) >= 3 and numbers[1] and numbers[2] and int(cells[1]) <= int(cells[2]):
        return "a list of intervals (BED), without genotypes", EXPECTED
    if of_chromosome and len(cells) in (4, 6) and numbers[3] and re.fullmatch(r"-?[\d.]+(?:e-?\d+)?", cells[2]):
        if len(cells) == 4:
            return "PLINK's list of variants (.map), without genotypes", _PED
        return "PLINK's list of variants (.bim), without genotypes", _BFILE
    if len(cells) >= 6 and cells[4] in ("0", "1", "2") and re.fullmatch(r"-?\d+(?:\.\d+)?|NA", cells[5]):
        if len(cells) == 6 and not path.name.casefold().endswith((".txt", ".csv", ".tsv")):
            return "PLINK's list of people (.fam), without genotypes", _BFILE
        if len(cells) >= 8 and all(re.fullmatch(r"[ACGTID0-2-]+", cell) for cell in cells[6:]):
            return "PLINK's genotypes as text (.ped)", _PED
    return None
