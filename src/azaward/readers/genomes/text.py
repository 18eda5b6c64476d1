"""Reads a VCF as lines of text, to find what htslib does not report: which line can't be read, and why.

It also rewrites the one VCF 4.4 feature that htslib 1.19 can't read: a genotype that begins with its own phase, such as
`|0|1`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import IO

from azaward.errors import InputError

_GENOTYPE = re.compile(rb"[|/]?(?:\.|\d+)(?:[|/](?:\.|\d+))*")
_ALLELES = re.compile(rb"[ACGTNacgtn]+|[RYSWKMBDHVryswkmbdhv]+")
_INTEGERS = re.compile(rb"##FORMAT=<ID=([^,>]+),Number=[^,>]+,Type=Integer\b")
_DECIMALS = re.compile(rb"\d\.\d")
_CHUNK = 1 << 20
_LONGEST = 1 << 29
"""Bytes of a line beyond which a file isn't read on: a million samples need fewer."""
FIXED = 9
"""The number of columns before the first sample."""


def lines(path: Path) -> Iterator[bytes]:
    """The lines of a plain, gzip or bgzip file without line endings; stops early if the compression is damaged."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        file: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw
        rest: list[bytes] = []
        held = 0
        while True:
            try:
                chunk = file.read(_CHUNK)
            except (EOFError, OSError, zlib.error):
                return
            if not chunk:
                break
            *whole, last = chunk.split(b"\n")
            for line in whole:
                yield (b"".join(rest) + line).rstrip(b"\r")
                rest, held = [], 0
            rest.append(last)
            held += len(last)
            if held > _LONGEST:
                raise InputError(
                    f"{path.name}: a line is longer than {_LONGEST:,} bytes. It may be damaged: copy it again."
                )
        if held:
            yield b"".join(rest).rstrip(b"\r")


def first_bad_line(path: Path, near: int | None = None) -> str | None:
    """The fault in the first line that isn't valid VCF, or None if no line shows one.

    With `near`, only the header, that line and those after it are checked.
    """
    columns = 0
    number = 0
    integers: set[bytes] = set()
    for number, line in enumerate(lines(path), start=1):
        if number == 1 and not line.startswith(b"##fileformat=VCF"):
            return f"line 1: found {_short(line)}, expected ##fileformat=VCFv4.2 or another version"
        if line.startswith(b"##"):
            integers |= {found[1]} if (found := _INTEGERS.match(line)) else set()
            continue
        if line.startswith(b"#"):
            columns = line.count(b"\t") + 1
            names = line.split(b"\t")[FIXED:]
            if twice := [name for name in set(names) if names.count(name) > 1] if len(names) < 10_000 else []:
                return f"line {number}: duplicate sample {_short(twice[0])}"
            if not line.startswith(b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"):
                return f"line {number}: found {_short(line)}, expected #CHROM, POS, ID and so on, separated by tabs"
            if columns == FIXED:
                return f"line {number}: no sample after FORMAT"
            continue
        if not columns:
            return f"line {number}: a record before the line that begins with #CHROM"
        if (near is None or number >= near) and line and (wrong := _wrong(line, columns, integers)):
            return f"line {number}: {wrong}"
    if number == 0:
        return "no part of it can be read as VCF"
    if not columns:
        return "no line begins with #CHROM"
    if near is not None and number < near:
        return f"it ends after line {number}, in the middle of the compressed data"
    return None


def _wrong(line: bytes, columns: int, integers: Collection[bytes]) -> str | None:
    cells = line.split(b"\t")
    if len(cells) != columns:
        return f"{len(cells)} columns, expected {columns} as in the #CHROM line"
    if not cells[1].isdigit():
        return f"position {_short(cells[1])} isn't a number"
    if not _ALLELES.fullmatch(cells[3]):
        return f"REF {_short(cells[3])} isn't a sequence of bases"
    if columns > FIXED and cells[8].split(b":")[0] == b"GT":
        for place, cell in enumerate(cells[FIXED:], start=1):
            genotype = cell.split(b":", 1)[0]
            if genotype != b"." and not _GENOTYPE.fullmatch(genotype):
                return f"{_short(genotype)} for the sample in column {FIXED + place} isn't a genotype"
    return _not_whole(cells, integers) if columns > FIXED else None


def _not_whole(cells: Sequence[bytes], integers: Collection[bytes]) -> str | None:
    """A number with decimals in a field that the header declares as whole numbers: htslib then reads no further."""
    fields = cells[8].split(b":")
    if not any(field in integers for field in fields):
        return None
    for place, cell in enumerate(cells[FIXED:], start=1):
        for field, value in zip(fields, cell.split(b":"), strict=False):
            if field in integers and _DECIMALS.search(value):
                name = field.decode("utf-8", "replace")
                return (
                    f"{name} is {_short(value)} for the sample in column {FIXED + place}, where the header says "
                    f"Type=Integer for {name} (Type=Float would be right)"
                )
    return None


def _short(cell: bytes) -> str:
    text = cell[:40].decode("utf-8", "replace")
    return repr("".join(each if each.isprintable() else "?" for each in text))


def may_lead_with_phase(header: str) -> bool:
    """Whether the file's version (4.4 or later) allows a genotype to begin with its phase."""
    found = re.match(r"##fileformat=VCFv(\d{1,3})\.(\d{1,3})", header)
    return found is not None and (int(found[1]), int(found[2])) >= (4, 4)


def without_leading_phase(path: Path, wanted: Callable[[bytes, int], bool], to: Path) -> bool:
    """Writes the header and the wanted records (contig, position) with genotypes in the form of earlier versions.

    `|0|1` becomes `0|1`; `/0|1`, whose first allele has unknown phase, becomes `0/1`. False if nothing changed.
    """
    changed = False
    with to.open("wb") as out:
        for line in lines(path):
            if line.startswith(b"#"):
                out.write(line + b"\n")
                continue
            contig, _, rest = line.partition(b"\t")
            position = rest.partition(b"\t")[0]
            # A block may begin before the genes; its end isn't looked for here, so all that begin before are kept.
            if not position.isdigit() or not wanted(contig, int(position)):
                continue
            cells = line.split(b"\t")
            for place in range(FIXED, len(cells)):
                if cells[place][:1] in (b"|", b"/"):
                    genotype, colon, others = cells[place].partition(b":")
                    plain = genotype[1:] if genotype.startswith(b"|") else genotype[1:].replace(b"|", b"/")
                    cells[place], changed = plain + colon + others, True
            out.write(b"\t".join(cells) + b"\n")
    return changed
