"""What do records say whose alleles aren't the assembly's bases, as in files that were converted from PLINK's?

PLINK writes the commoner allele as REF, keeps the strand of the chip, and has only the letters I and D for an insertion
or deletion. Letters are read where a position has just a longer and a shorter allele. A REF that is another base isn't
put right here: the line that refuses it names the command that does.
"""

from __future__ import annotations

from azaward.genetics.model import Site
from azaward.readers.genomes.alleles import ANY_OTHER, Edit, Map, Place, Reading, trim
from azaward.readers.genomes.file import Record

COMPLEMENT = str.maketrans("ACGT", "TGCA")
_LETTERS = frozenset(("I", "D"))
_SWAP = "bcftools norm --check-ref s --fasta-ref {assembly}.fa"
_FLIP = "bcftools +fixref FILE -- --fasta-ref {assembly}.fa --mode flip"


def longer_and_shorter(site: Site) -> dict[str, int] | None:
    """The codes meant by I and D, the longer and the shorter of two alleles; None if a site has others.

    >>> longer_and_shorter(Site("TPMT", None, "chr6", 5, 5, "CT", ("C",)))
    {'I': 0, 'D': 1}
    """
    if len(site.alts) != 1 or len(site.ref) == len(site.alts[0]):
        return None
    longer = int(len(site.alts[0]) > len(site.ref))
    return {"I": longer, "D": 1 - longer}


def is_untold(on: Map, record: Record) -> bool:
    """Whether a record's alleles are letters, or its REF at a place is N; a block of reference may begin with N."""
    if record.ref in _LETTERS or not _LETTERS.isdisjoint(record.alts):
        return True
    plain = record.end == record.start + len(record.ref) and all(alt.isalpha() for alt in record.alts)
    return plain and "N" in record.ref and any(_unknown(place, record) for place in _places(on, record))


def by_letters(on: Map, record: Record) -> tuple[list[tuple[Place, Reading | None]], list[tuple[str, str]]]:
    """The places of such a record, each with what it says there (None: nothing), and notes by gene."""
    told: list[tuple[Place, Reading | None]] = []
    notes: list[tuple[str, str]] = []
    what = f"{record.chrom}:{record.start + 1} {record.ref[:20]}>{','.join(record.alts)[:20] or '.'}"
    if "N" in record.ref:
        told += [(place, None) for place in _places(on, record) if _unknown(place, record)]
        return told, [
            (place.gene, f"{what} doesn't say the reference allele of {place.site.label}") for place, _ in told
        ]
    for place in _places(on, record):
        if all(len(alt) == len(place.site.ref) for alt in place.site.alts):
            continue
        reading = _read(on, place, record)
        told.append((place, reading))
        if reading is None:
            notes.append((place.gene, f"{what} doesn't say which insertion or deletion it is"))
    change = on.effect(record.chrom, Edit(record.start, record.start + 1, ""))
    if not told and change is not None:
        notes.append((change.gene, f"{what} in an exon doesn't say which insertion or deletion it is"))
    return told, notes


def _read(on: Map, place: Place, record: Record) -> Reading | None:
    codes = longer_and_shorter(place.site)
    alleles = (record.ref, *record.alts)
    names = {each for each in (record.rsid or "").split(";") if each.startswith("rs")}
    same = place.site.rsid in names if names else record.start == place.start
    if codes is None or not same or not set(alleles) <= _LETTERS:
        return None
    change = on.leftmost(place.site.chrom, trim(place.start, place.site.ref, place.site.alts[0]))
    return Reading(tuple(codes[allele] for allele in alleles), 0, frozenset((change,)))


def _places(on: Map, record: Record) -> list[Place]:
    """Places at which the record may mean something: chips put an insertion or deletion one base beside a VCF's."""
    return list(on.at(record.chrom, record.start - 1, record.end + 1))


def _unknown(place: Place, record: Record) -> bool:
    return any(
        record.start <= at < record.start + len(record.ref) and record.ref[at - record.start] == "N"
        for at in range(place.start, place.end)
    )


def mend(on: Map, record: Record, expected: str) -> str | None:
    """What is wrong with a record of single bases whose REF isn't `expected`, and what mends it; None if unclear."""
    ref, alts = record.ref, [alt for alt in record.alts if alt not in ANY_OTHER]
    if len(ref) != 1 or any(len(alt) != 1 or alt not in "ACGT" for alt in alts):
        return None
    swap, flip = (how.format(assembly=on.assembly) for how in (_SWAP, _FLIP))
    named = {alt for place in on.places if place.site.chrom == record.chrom and place.start == record.start
             for alt in place.site.alts}  # fmt: skip
    swapped = alts == [expected]
    other_strand = ref.translate(COMPLEMENT) == expected and {alt.translate(COMPLEMENT) for alt in alts} <= (
        named or set("ACGT") - {expected}
    )
    if swapped and other_strand:
        return "REF and ALT are swapped or on the other strand. Only the file's maker can tell: ask for a new file."
    if swapped:
        return f"REF and ALT are swapped, as PLINK writes them: put them right with {swap}."
    if other_strand and alts:
        return f"The record is on the other strand: put it right with {flip}."
    if ref in named and not alts:
        return f"No sample has {expected}, and {ref} was written as REF. Ask for a file whose REF is the assembly's."
    return None
