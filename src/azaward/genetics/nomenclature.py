"""What does a laboratory's sentence about TPMT and NUDT15 say: alleles, variants, a phenotype, an activity?

"TPMT *1/*3A; NUDT15 normal", "TPMT heterozygous", "NUDT15 c.415C>T het". Alleles and variants are those of the
knowledge base, phenotypes its words. What isn't understood is given back as it came and never guessed; where
one sentence says two things, the weaker enzyme counts and the contradiction is said.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from azaward.genetics.dosing import GENES, ORDER
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import Vocabulary, plain, vocabulary

_GENE = re.compile(
    r"\bTPMT\b|\bNUDT[- ]?15\b|\bthiopurine\s+(?:s-?)?\s*methyltransferase\b|\bnudix\s+hydrolase\s+15\b", re.I
)
_STAR = re.compile(r"\*\s?(\d+[A-Z]?)(?:\.\d+)?", re.I)
_PAIR = re.compile(r"\*\s?(\d+[A-Z]?)(?:\.\d+)?\s*[/|]\s*\*?\s?(\d+[A-Z]?)(?:\.\d+)?(?![\dA-Z.])", re.I)
_VARIANT = re.compile(
    r"rs\d+|(?:c\.\s?)?\b[\d_+-]+\s?(?:[ACGT]\s?>\s?[ACGT]|del\w*|dup\w*|ins\w*)|\b(?:p\.)?\(?[A-Z][a-z]{0,2}\d+[A-Z][a-z]{0,2}\b\)?"
)
_BASES = re.compile(r"\b([ACGT])\s?[/|]\s?([ACGT])\b|\b([ACGT]{2})\b")
_ACTIVITY = re.compile(r"activity\D{0,20}?([<>]?\s?\d+(?:[.,]\d+)?)\s*([^\s;,()]*/[^\s;,()]*|%)?", re.I)
# Only beside the names of what was looked for: "absent" alone may mean the enzyme.
_ABSENT = re.compile(
    r"\b(?:not\s+detected|not\s+found|not\s+present|negative(?:\s+for)?|absent|none\s+detected|undetected)\b", re.I
)
_NO_VARIANT = re.compile(
    r"\bno\s+(?:\w+\s+){0,3}(?:variants?|mutations?|alleles?)(?:\s+(?:was|were|detected|found|identified|present|seen))*",
    re.I,
)
_JOINED = re.compile(r"\b(?:and|or|all|are|were|both|neither|nor|state|copy|copies)\b|[&,/+.]", re.I)
_NOT_HOMOZYGOUS = re.compile(r"\b(?:het(?:erozyg\w*)?|carrier|one copy|single copy)\b", re.I)
_HOMOZYGOUS = re.compile(r"\b(?:hom(?:ozyg\w*)?|two copies|both copies)\b", re.I)
_COMPOUND = re.compile(r"\bcompound\b", re.I)
# Words around a result that say nothing about it.
_FILLING = re.compile(
    r"\b(?:gene|genotype|genotyping|diplotype|haplotype|phenotype|predicted|result|results|status|is|was|the|of|a|an|"
    r"for|by|report|reported|consistent|with|alleles?|variants?|mutations?|polymorphism|assigned|metaboli[sz]ation|at|test|"
    r"patient|found|detected|likely|enzyme|function|as|an?d?)\b",
    re.I,
)
_AMINO = {
    "Ala": "A", "Arg": "R", "Asn": "N", "Asp": "D", "Cys": "C", "Gln": "Q", "Glu": "E", "Gly": "G", "His": "H",
    "Ile": "I", "Leu": "L", "Lys": "K", "Met": "M", "Phe": "F", "Pro": "P", "Ser": "S", "Thr": "T", "Trp": "W",
    "Tyr": "Y", "Val": "V", "Ter": "X",
}  # fmt: skip
_MORE_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("homozygous normal", "homozygous wild type", "wildtype", "normal metabolism", "extensive", "normal function"),
        "Normal Metabolizer",
    ),
    **dict.fromkeys(
        ("heterozygote", "het", "heterozygous deficient", "heterozygous deficiency", "partial deficiency",
         "reduced activity", "intermediate function", "decreased activity"),
        "Intermediate Metabolizer",
    ),
    **dict.fromkeys(
        ("homozygous mutant", "homozygous variant", "homozygous deficiency", "no activity", "deficiency",
         "complete deficiency", "compound heterozygous", "compound heterozygote", "very low activity"),
        "Poor Metabolizer",
    ),
    **dict.fromkeys(("uncertain", "unknown", "inconclusive", "equivocal", "failed", "no call"), "Indeterminate"),
}  # fmt: skip


@dataclass(frozen=True)
class ReportedGene:
    """What a report says of one gene: its diplotypes (several where it can't tell them apart) and phenotype."""

    gene: str
    text: str
    diplotypes: tuple[str, ...]
    phenotype: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReportedActivity:
    """A TPMT activity that a report gives, with its unit where it gives one."""

    text: str
    unit: str | None


@dataclass(frozen=True)
class Reported:
    """Everything that was understood of a report, and `unread`, what was not, as it came."""

    genes: Mapping[str, ReportedGene]
    activity: ReportedActivity | None
    unread: tuple[str, ...]


def read_report(text: str, knowledge: Knowledge) -> Reported:
    """The genes that a laboratory's words speak of.

    >>> from azaward.knowledge import load
    >>> said = read_report("TPMT *1/*3A; NUDT15 normal", load())
    >>> [(one.gene, one.diplotypes, one.phenotype) for one in said.genes.values()]
    [('TPMT', ('*1/*3A',), 'Intermediate Metabolizer'), ('NUDT15', (), 'Normal Metabolizer')]
    >>> read_report("TPMT purple", load()).unread
    ('TPMT purple',)
    """
    words = vocabulary(knowledge)
    genes: dict[str, list[ReportedGene]] = {}
    unread: list[str] = []
    activity: ReportedActivity | None = None
    for gene, part in _parts(text):
        if gene is None:
            unread.append(part)
            continue
        if gene == "TPMT" and (measured := _ACTIVITY.search(part)):
            activity = ReportedActivity(measured.group(1).replace(" ", "").replace(",", "."), measured.group(2) or None)
            part = (part[: measured.start()] + " " + part[measured.end() :]).strip(" :;,.")
            if not part:
                continue
        reported = _gene(gene, part, knowledge, words)
        if reported is None:
            unread.append(f"{gene} {part}".strip())
        else:
            genes.setdefault(gene, []).append(reported)
    return Reported({gene: _together(many) for gene, many in genes.items()}, activity, tuple(unread))


def _parts(text: str) -> Iterable[tuple[str | None, str]]:
    """The words that belong to each gene; words before any gene belong to none."""
    for sentence in re.split(r"[;\n]+", text):
        places = list(_GENE.finditer(sentence))
        before = sentence[: places[0].start()] if places else sentence
        if _meaning(before):
            yield None, before.strip()
        for place, match in enumerate(places):
            until = places[place + 1].start() if place + 1 < len(places) else len(sentence)
            gene = "NUDT15" if match.group().upper().startswith("NU") else "TPMT"
            yield (
                gene,
                re.sub(r"^[\s:,.=-]+|[\s:,.=-]+$", "", sentence[match.end() : until]).removesuffix(" and").strip(),
            )


def _meaning(text: str) -> str:
    return plain(_FILLING.sub(" ", text))


def _leftover(part: str, *understood: re.Pattern[str]) -> str:
    """What remains of a part without what was understood; where something does, the part is not understood."""
    for pattern in (*understood, _JOINED):
        part = pattern.sub(" ", part)
    return _meaning(part)


def _together(many: list[ReportedGene]) -> ReportedGene:
    """One gene said twice: the weaker enzyme counts."""
    weakest = min(many, key=lambda reported: ORDER.index(reported.phenotype))
    if len({(reported.diplotypes, reported.phenotype) for reported in many}) == 1:
        return weakest
    note = (
        f"{weakest.gene} is reported twice ({'; '.join(reported.text for reported in many)}): the weaker enzyme counts"
    )
    return ReportedGene(weakest.gene, weakest.text, weakest.diplotypes, weakest.phenotype, (*weakest.notes, note))


def _gene(gene: str, part: str, knowledge: Knowledge, words: Vocabulary) -> ReportedGene | None:
    if not part:
        return None
    alleles = _alleles(knowledge)[gene]
    calls: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    rest = part
    variants = [variant for variant in _VARIANT.findall(part) if _variant(variant, gene, knowledge)]
    if pair := _PAIR.search(part):
        known = [f"*{name.upper()}" for name in pair.groups()]
        if any(name not in alleles for name in known) or len(_PAIR.findall(part)) > 1:
            return None
        calls, rest = ("/".join(sorted(known, key=list(alleles).index)),), part.replace(pair.group(), " ")
        rest = _VARIANT.sub(" ", rest)
    elif stars := [f"*{name.upper()}" for name in _STAR.findall(part)]:
        read = _single(gene, part, stars, alleles)
        if read is None:
            return None
        (calls, notes), rest = read, ""
    elif variants:
        read = _from_variants(gene, part, variants, knowledge)
        if read is None:
            return None
        (calls, notes), rest = read, ""
    elif _NO_VARIANT.search(part) and not _leftover(part, _NO_VARIANT):
        calls, notes, rest = ("*1/*1",), (_only_looked_for(gene),), ""
    said = _phenotype(rest, words) if _meaning(rest) else None
    if _meaning(rest) and said is None:
        return None
    by_alleles = [words.diplotype_phenotype(gene, call) or "Indeterminate" for call in calls]
    if not by_alleles and said is None:
        return None
    likeliest = by_alleles[0] if by_alleles else None
    both = [phenotype for phenotype in (likeliest, said) if phenotype is not None]
    phenotype = min(both, key=ORDER.index)
    if len(set(both)) > 1:
        notes += (f"the report calls {gene} {said}, its alleles make {likeliest}: the weaker enzyme counts",)
    return ReportedGene(gene, part, calls, phenotype, notes)


def _phenotype(text: str, words: Vocabulary) -> str | None:
    for candidate in (text, _FILLING.sub(" ", text)):
        name = re.sub(r"\bmetaboli[sz]er\b", " ", plain(candidate)).strip()
        name = " ".join(name.split())
        if phenotype := words.phenotype(candidate) or words.phenotype(name) or _MORE_WORDS.get(name):
            return phenotype
    return None


def _single(
    gene: str, part: str, stars: list[str], alleles: Mapping[str, frozenset[tuple[int, str]]]
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """ "*3A heterozygous", "*2, *3A, *3B and *3C not detected"; None where nobody could tell which pair is meant."""
    absent = _ABSENT.search(part)
    het, hom = _NOT_HOMOZYGOUS.search(part), _HOMOZYGOUS.search(part)
    if any(star not in alleles for star in stars) or _leftover(part, _STAR, _ABSENT, _NOT_HOMOZYGOUS, _HOMOZYGOUS):
        return None
    if absent and not het and not hom:
        return ("*1/*1",), (_only_looked_for(gene, stars),)
    if absent or len(set(stars)) > 1 or bool(het) == bool(hom) or _COMPOUND.search(part):
        return None
    if hom:
        return (f"{stars[0]}/{stars[0]}",), ()
    return (f"*1/{stars[0]}",), (f"the other allele of {gene} is not named and taken as *1: {_only_looked_for(gene)}",)


def _from_variants(
    gene: str, part: str, variants: list[str], knowledge: Knowledge
) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The pairs of alleles, made of the variants that are named, that fit how often each was found."""
    names = dict.fromkeys(variant for text in variants if (variant := _variant(text, gene, knowledge)))
    absent = _ABSENT.search(part)
    named = re.compile("|".join(re.escape(text) for text in sorted(variants, key=len, reverse=True)))
    if _leftover(part, named, _ABSENT, _NOT_HOMOZYGOUS, _HOMOZYGOUS, _BASES):
        return None
    het, hom = _NOT_HOMOZYGOUS.search(part), _HOMOZYGOUS.search(part)
    if absent and not (het or hom):
        return ("*1/*1",), (_only_looked_for(gene, variants),)
    copies = _copies(part, names) if not (het or hom) else None
    if absent or (bool(het) == bool(hom) and copies is None) or (het and hom):
        return None
    wanted = dict.fromkeys(names, copies if copies is not None else 1 if het else 2)
    if 0 in wanted.values():
        return ("*1/*1",), (_only_looked_for(gene, variants),)
    made = {allele: own for allele, own in _alleles(knowledge)[gene].items() if own <= set(names)}
    pairs = [
        f"{one}/{other}"
        for one, other in itertools.combinations_with_replacement(made, 2)
        if all((name in made[one]) + (name in made[other]) == count for name, count in wanted.items())
    ]
    if not pairs:
        return None
    notes = [f"only {', '.join(variants)} of {gene} is reported: {_only_looked_for(gene)}"]
    if len(pairs) > 1:
        notes.append(f"{pairs[0]} and {' and '.join(pairs[1:])} of {gene} look alike in this report")
    return tuple(pairs), tuple(notes)


def _copies(part: str, names: Mapping[tuple[int, str], None]) -> int | None:
    """How often the variant is there, from bases such as "CT", for a single variant."""
    pairs = _BASES.findall(part)
    if len(names) != 1 or len(pairs) != 1:
        return None
    bases = "".join(pairs[0])
    ((_, alt),) = names
    change = re.search(r"([ACGT])\s?>\s?([ACGT])", part)
    # Bases beside a name of the coding strand are of that strand.
    ref, new = change.groups() if change else ("", alt)
    if change is not None and not set(bases) <= {ref, new}:
        return None
    return bases.count(new) if change is not None or new in bases else None


def _only_looked_for(gene: str, names: Iterable[str] = ()) -> str:
    listed = ", ".join(dict.fromkeys(names))
    which = f" than {listed}" if listed else " than those the report names"
    return f"other variants of {gene}{which} may not have been looked for"


@lru_cache(maxsize=2)
def _alleles(knowledge: Knowledge) -> Mapping[str, Mapping[str, frozenset[tuple[int, str]]]]:
    """The variants, position and changed base, of each allele of each gene."""
    made: dict[str, dict[str, set[tuple[int, str]]]] = {gene: {} for gene in GENES}
    for row in knowledge.tables["alleles"]:
        own = made[row.gene].setdefault(row.allele, set())
        if row.pos_grch38 is not None and row.alt is not None:
            own.add((row.pos_grch38, row.alt))
    return {gene: {name: frozenset(own) for name, own in alleles.items()} for gene, alleles in made.items()}


def _variant(text: str, gene: str, knowledge: Knowledge) -> tuple[int, str] | None:
    """The one variant of this gene that a name means: an rs number, a coding change or a changed amino acid."""
    name = text.replace(" ", "").strip("().").removeprefix("p.").strip("()")
    name = f"c.{name}" if name[0].isdigit() else name
    if long := re.fullmatch(r"([A-Z][a-z]{2})(\d+)([A-Z][a-z]{2})", name):
        first, place, last = long.groups()
        name = f"{_AMINO.get(first, '?')}{place}{_AMINO.get(last, '?')}"
    places = {
        (row.pos_grch38, row.alt)
        for row in knowledge.tables["gene_positions"]
        if row.gene == gene and name in (row.rsid, row.hgvs_c, row.protein, *(row.rsid_synonyms or "").split(";"))
    }
    return places.pop() if len(places) == 1 else None
