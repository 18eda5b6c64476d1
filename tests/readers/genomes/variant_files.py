"""Small variant files for tests, written as a caller would write them: invented samples, real positions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from azaward.genetics.model import GENES, Site, sites
from azaward.knowledge import load

LENGTHS = {"GRCh38": {"chr6": 170805979, "chr13": 114364328}, "GRCh37": {"chr6": 171115067, "chr13": 115169878}}
SITES = {(site.rsid or site.pos_grch38): site for gene in GENES for site in sites(load(), gene)}
R139C, TPMT3C, TPMT3B, TPMT2 = "rs116855232", "rs1142345", "rs1800460", "rs1800462"
REPEAT = "rs746071566"


def site(name: str | int) -> Site:
    """A site by its rs number, or by its position on GRCh38 where it has none."""
    return SITES[name]


def position(name: str | int, assembly: str = "GRCh38") -> int:
    """Its position on an assembly, from 1."""
    return site(name).pos_grch38 if assembly == "GRCh38" else site(name).pos_grch37


def header(
    samples: Sequence[str] = ("c001",),
    *,
    assembly: str | None = "GRCh38",
    version: str = "4.2",
    prefix: str = "chr",
    extra: Sequence[str] = (),
) -> str:
    """A header; without an assembly it has contigs without lengths."""
    lines = [f"##fileformat=VCFv{version}"]
    for chrom in ("chr1", "chr6", "chr13"):
        name = prefix + chrom.removeprefix("chr")
        length = LENGTHS.get(assembly or "", {}).get(chrom)
        lines.append(f"##contig=<ID={name},length={length}>" if length else f"##contig=<ID={name}>")
    lines += [
        '##FILTER=<ID=LowQual,Description="Low quality">',
        '##FILTER=<ID=RefCall,Description="Reference">',
        '##INFO=<ID=END,Number=1,Type=Integer,Description="End">',
        '##ALT=<ID=NON_REF,Description="Any other">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">',
        '##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description="Least depth">',
        '##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">',
        '##FORMAT=<ID=FT,Number=1,Type=String,Description="Filter">',
        '##FORMAT=<ID=PS,Number=1,Type=Integer,Description="Phase set">',
        *extra,
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *samples]),
    ]
    return "\n".join(lines) + "\n"


def line(
    chrom: str,
    at: int,
    ref: str,
    alt: str,
    *calls: str,
    fields: str = "GT",
    filters: str = "PASS",
    info: str = ".",
    rs: str = ".",
) -> str:
    """One record."""
    return "\t".join([chrom, str(at), rs, ref, alt, ".", filters, info, fields, *calls]) + "\n"


def at(
    name: str | int, *calls: str, assembly: str = "GRCh38", alt: str | None = None, prefix: str = "chr", **more: str
) -> str:
    """A record of a site, with all its documented changes unless `alt` says otherwise."""
    one = site(name)
    chrom = prefix + one.chrom.removeprefix("chr")
    return line(chrom, position(name, assembly), one.ref, alt or ",".join(one.alts), *calls, **more)


def whole(
    calls: dict[str | int, str] | None = None, *, assembly: str = "GRCh38", prefix: str = "chr", samples: int = 1
) -> str:
    """A record for every site: reference unless `calls` says otherwise."""
    given = calls or {}
    return "".join(at(name, *[given.get(name, "0/0")] * samples, assembly=assembly, prefix=prefix) for name in SITES)


def write(path: Path, text: str) -> Path:
    """The text as a file."""
    path.write_text(text, encoding="utf-8")
    return path
