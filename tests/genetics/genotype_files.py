"""Variant files for tests: every position of the knowledge base, reference unless said otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from azaward.genetics.model import GENES, sites
from azaward.knowledge import load

HEADER = (
    "##fileformat=VCFv4.2",
    "##contig=<ID=chr6,length=170805979,assembly=GRCh38>",
    "##contig=<ID=chr13,length=114364328,assembly=GRCh38>",
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
)


def vcf(path: Path, people: Mapping[str, Mapping[str, tuple[str, str]]], *, without: Iterable[str] = ()) -> Path:
    """A VCF of these people; each has the bases given for an rs number and the reference elsewhere."""
    lines = [*HEADER, "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *people])]
    skipped = set(without)
    for gene in GENES:
        for site in sites(load(), gene):
            if site.rsid in skipped:
                continue
            bases = (site.ref, *site.alts)
            found = [
                "/".join(str(bases.index(one)) for one in own.get(str(site.rsid), (site.ref, site.ref)))
                for own in people.values()
            ]
            cells = [site.chrom, str(site.pos_grch38), site.rsid or ".", site.ref, ",".join(site.alts)]
            lines.append("\t".join([*cells, ".", "PASS", ".", "GT", *found]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
