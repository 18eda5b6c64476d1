"""The lines of an array's text file, however they are packed and encoded, and which of its columns holds what.

Makers agree on little: tabs, commas or semicolons, quotes or none, one column of bases or two, in any order, with or
without a header, and Illumina's reports with their sections `[Header]` and `[Data]`.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from azaward.errors import InputError
from azaward.readers.genomes.contigs import chromosome

TOO_LONG = 10_000
"""Characters of a line beyond which a file is no array's text."""
_MOST = 1 << 30
"""Bytes of a zip's content beyond which it isn't unpacked: a download has less than a tenth of it."""
_HEADER_LINES = 200
_NAMES = ("rsid", "rs", "rsnumber", "rsids", "dbsnprsid", "dbsnp", "snpname", "name", "snpid", "markername", "marker",
          "markerid", "variantid", "variant", "id", "snp")  # fmt: skip
_CHROMOSOMES = ("chromosome", "chr", "chrom", "chromosomenumber", "chrno")
_POSITIONS = ("position", "pos", "mapinfo", "bp", "basepair", "coordinate", "physicalposition", "chromosomeposition")
_GENOTYPES = ("genotype", "genotypes", "result", "results", "call", "calls", "alleles", "gt", "yourcode")
_PAIRS = (("allele1plus", "allele2plus"), ("allele1", "allele2"), ("a1", "a2"), ("allelea", "alleleb"))
# Columns of tables about alleles in general, whose A1 and A2 are nobody's genotype.
_OF_NOBODY = {"beta", "or", "se", "p", "pval", "pvalue", "maf", "frq", "freq", "eaf", "af", "zscore", "cm", "morgan"}
_STRANDS = ("top", "forward", "design", "ab", "bottom", "bot")
_NAME = re.compile(r"[A-Za-z]{1,12}[-_:.]?\w+(?:[-_.:]\w+)*|(?:\d{1,2}|[XYM]):\d+\S*")
_OF_GENOME = re.compile(r"chr(?:\d{1,2}|X|Y|M|MT|XY|PAR\d?|Un)", re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """Which column holds what; `width` is the number of columns, 0 if no header gives it."""

    name: int = 0
    chrom: int = 1
    position: int = 2
    bases: tuple[int, ...] = (3, 4)
    width: int = 0
    sample: int | None = None
    strand: int | None = None
    tested: int | None = None
    """Illumina's column of the two bases that a probe compares, such as `[T/C]`."""
    plus: bool = False
    """Whether the header says that the alleles are on the assembly's strand."""

    @property
    def least(self) -> int:
        """The number of cells that a row must have."""
        return max(self.name, self.chrom, self.position, self.bases[0]) + 1


def looks_like_array(path: Path) -> bool:
    """Whether the first lines of a file are those of array text."""
    section = False
    for number, line in enumerate(text_lines(path)):
        if line.startswith("##fileformat=VCF") or number > _HEADER_LINES or len(line) > TOO_LONG or "\x00" in line:
            return False
        section = section or line.strip().casefold() == "[header]"
        if section or _header(cells_of(line)) is not None or is_row(line):
            return True
    return False


def is_row(line: str) -> bool:
    """Whether a line without a header before it begins with a name, a chromosome and a position."""
    cells = without_empty(cells_of(line), 0)
    return (
        len(cells) >= 4
        and _NAME.fullmatch(cells[0]) is not None
        and _OF_GENOME.fullmatch(chromosome(cells[1])) is not None
        and cells[2].isascii()
        and cells[2].isdigit()
    )


def layout_of(line: str, where: str) -> Layout | None:
    """The columns that a header names, or None if the line is no header.

    Raises `InputError` if it names alleles on another strand than the assembly's, alleles of nobody, or none.

    >>> layout_of("# rsid\\tchromosome\\tposition\\tgenotype", "a.txt line 1").bases
    (3,)
    """
    words = _header(cells_of(line))
    if words is None:
        return None
    if found := sorted(_OF_NOBODY.intersection(words)):
        raise InputError(f"{where}: a table with {', '.join(found)} is about alleles, not about a person's genotypes.")
    name, chrom, position = (_first(words, known) for known in (_NAMES, _CHROMOSOMES, _POSITIONS))
    if name is None or chrom is None or position is None:
        if line.startswith("#"):
            return None  # a sentence about the columns
        lacks = [what for what, at in (("name", name), ("chromosome", chrom), ("position", position)) if at is None]
        raise InputError(f"{where}: the header has no column for {' and '.join(lacks)}. Export the file with it.")
    bases = next((pair for pair in _PAIRS if all(each in words for each in pair)), None)
    if bases is None and (one := _first(words, _GENOTYPES)) is not None:
        bases = (words[one],)
    if bases is None:
        raise _without_bases(words, where)
    return Layout(
        name,
        chrom,
        position,
        tuple(words.index(each) for each in bases),
        len(words),
        _first(words, ("sampleid", "samplename")),
        _first(words, ("strand",)),
        words.index("snp") if "snp" in words and words[name] != "snp" else None,
        plus=bases == _PAIRS[0],
    )


def _without_bases(words: list[str], where: str) -> InputError:
    strands = sorted({each[7:] for each in words if re.fullmatch(rf"allele[12](?:{'|'.join(_STRANDS)})", each)})
    if not strands:
        return InputError(f"{where}: the header names no genotype. Expected genotype, or allele1 and allele2.")
    return InputError(
        f"{where}: the alleles are on the strands {', '.join(strands)}, which aren't the assembly's. Export "
        "'Allele1 - Plus' and 'Allele2 - Plus'."
    )


def _header(cells: list[str]) -> list[str] | None:
    """A header's words in small letters without spaces and signs; None if the cells are no header."""
    words = [re.sub(r"[^a-z0-9]", "", cell.casefold()) for cell in cells]
    if {"ref", "alt"} <= set(words):
        return None  # a VCF without its first line
    known = [_first(words, each) for each in (_NAMES, _CHROMOSOMES, _POSITIONS)]
    bases = any(word in _GENOTYPES or word.startswith("allele") for word in words)
    of_illumina = known[0] is not None and any(word.startswith("allele1") for word in words)
    return words if of_illumina or sum(at is not None for at in known) + bases >= 3 else None


def _first(words: list[str], known: tuple[str, ...]) -> int | None:
    found = next((word for word in known if word in words), None)
    if found is None and "position" in known:
        found = next((word for word in words if word.startswith(("position", "mapinfo"))), None)
    return None if found is None else words.index(found)


def cells_of(line: str) -> list[str]:
    """The cells of a line, by the separator that it uses."""
    text = line.strip("\r\n")
    by = next((each for each in "\t;," if each in text), None)
    if by is None:
        return text.split()
    if '"' not in text:
        return [cell.strip() for cell in text.split(by)]
    cells = next(csv.reader([text], delimiter=by), [])
    if len(cells) == 1 and by in cells[0]:  # the whole line in quotes
        return cells_of(cells[0])
    return [cell.strip().strip('"') for cell in cells]


def without_empty(cells: list[str], width: int) -> list[str]:
    """The cells without those that a doubled separator added."""
    if (width and len(cells) > width) or (not width and "" in cells[:3]):
        full = [cell for cell in cells if cell]
        return full if len(full) <= len(cells) and len(full) >= min(width or 4, 4) else cells
    return cells


def text_lines(path: Path) -> Iterator[str]:
    """The file's lines, unpacked and decoded. Raises `InputError` if it can't be unpacked to its end."""
    with ExitStack() as opened:
        raw = opened.enter_context(path.open("rb"))
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == b"PK":
            yield from _zip_lines(path)
            return
        file: IO[bytes] = opened.enter_context(gzip.open(raw)) if magic[:2] == b"\x1f\x8b" else raw  # type: ignore[assignment]
        try:
            yield from _decoded(file)
        except (EOFError, OSError, zlib.error):
            raise InputError(f"{path.name}: can't be unpacked to its end. Copy or download it again.") from None


def _decoded(file: IO[bytes]) -> Iterator[str]:
    first = file.read(2)
    file.seek(0)
    encoding = "utf-16" if first in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = io.TextIOWrapper(file, encoding, errors="replace", newline=None)
    try:
        while line := text.readline(2 * TOO_LONG):
            yield line.rstrip("\n")
    finally:
        text.detach()


def _zip_lines(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = _inside(path, archive)
            with archive.open(inside) as file:
                yield from _decoded(file)
    except (InputError, GeneratorExit):
        raise
    except Exception:  # zipfile raises a dozen kinds for what may be damaged
        raise InputError(f"{path.name}: the zip can't be unpacked. Download it again.") from None


def _inside(path: Path, archive: zipfile.ZipFile) -> str:
    """The one array among the files of a zip; what a Mac adds for itself doesn't count."""
    named = [each for each in archive.infolist() if not each.is_dir() and not _of_a_mac(each.filename)]
    if huge := next((each.filename for each in named if each.file_size > _MOST), None):
        raise InputError(f"{path.name}: {Path(huge).name} in the zip is larger than {_MOST:,} bytes. Unpack it first.")
    texts = [each.filename for each in named if each.filename.casefold().endswith((".txt", ".csv", ".tsv"))]
    if len(texts) > 1:
        arrays = [name for name in texts if _member_is_array(archive, name)]
        if len(arrays) > 1:
            shown = ", ".join(Path(name).name for name in arrays[:5])
            raise InputError(f"{path.name}: the zip has {len(arrays)} arrays: {shown}. Unpack it and give one.")
        texts = arrays or texts
    if len(texts) != 1:
        raise InputError(f"{path.name}: the zip has {len(texts)} text files; expected one. Unpack it first.")
    return texts[0]


def _of_a_mac(name: str) -> bool:
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _member_is_array(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as file:
        for number, line in enumerate(_decoded(file)):
            if number > _HEADER_LINES:
                return False
            if line.strip().casefold() == "[header]" or _header(cells_of(line)) is not None or is_row(line):
                return True
    return False
