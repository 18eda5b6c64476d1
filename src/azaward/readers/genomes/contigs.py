"""Which chromosome does a contig's name stand for? The same one may be `6`, `chr6`, `NC_000006.12` or `CM000668.2`.

Alternate loci, patches, decoys and unplaced contigs (`chr6_GL000250v2_alt`, `hs37d5`) are other sequences, and stand
for no chromosome.
"""

from __future__ import annotations

import re
from functools import lru_cache

# The first words of a FASTA line by Ensembl or a laboratory: the assembly, then the chromosome.
_PLAIN = re.compile(
    r"(?:(?:hs37d5|hs38|g1k_v37|grch3[78](?:\.p\d+)?|hg19|hg38|b37|b38)[\s._:|-]+)?"
    r"(?:chromosome|chrom|chr)?[\s._:-]*0?([1-9]|1\d|2[0-2]|x|y)"
    r"(?:\s+dna\S*:chromosome\b.*)?"
)
_ACCESSION = re.compile(r"(?:gi\|\d+\|)?(?:(?:ref|gb)\|)?(?:nc_0000(\d\d)|(cm000\d{3}))(\.\d+)?\|?")
_GENBANK = {"cm000668": "6", "cm000675": "13"}
_RELEVANT = ("6", "13")
_PREFIXES = ("", *("chr", "Chr", "CHR"), *("chromosome", "Chromosome", "chromosome ", "Chromosome "))


@lru_cache(maxsize=4096)
def chromosome(name: str) -> str:
    """The chromosome that a contig's name stands for, or `chr` and the name itself if it stands for none.

    >>> chromosome("6"), chromosome("CHR06"), chromosome("NC_000006.12"), chromosome("gi|224589818|ref|NC_000006.11|")
    ('chr6', 'chr6', 'chr6', 'chr6')
    >>> chromosome("chr6_GL000250v2_alt"), chromosome("hs37d5")
    ('chr6_GL000250v2_alt', 'chrhs37d5')
    """
    low = name.strip().casefold()
    if found := _ACCESSION.fullmatch(low):
        number = found[1].lstrip("0") if found[1] else _GENBANK.get(found[2], found[2])
        return f"chr{number}"
    if found := _PLAIN.fullmatch(low):
        return f"chr{found[1].upper()}"
    return name if low.startswith("chr") else f"chr{name}"


def accession(name: str) -> str | None:
    """The accession with its version in a contig's name; None if there is none.

    >>> accession("gi|224589818|ref|NC_000006.11|"), accession("chr6")
    ('NC_000006.11', None)
    """
    found = _ACCESSION.fullmatch(name.strip().casefold())
    if found is None or found[3] is None:
        return None
    return ((f"nc_0000{found[1]}" if found[1] else found[2]) + found[3]).upper()


def spellings() -> list[str]:
    """Names of chromosomes 6 and 13 that a file may use without defining them in its header."""
    names: list[str] = []
    for number in _RELEVANT:
        two = number.zfill(2)
        names += [prefix + each for each in dict.fromkeys([number, two]) for prefix in _PREFIXES]
        genbank = next(each for each, of in _GENBANK.items() if of == number).upper()
        # Which assembly a version is of is said by assemblies.csv.
        names += [f"NC_0000{two}.{version}" for version in range(9, 13)]
        names += [f"{genbank}.{version}" for version in (1, 2)]
    return names
