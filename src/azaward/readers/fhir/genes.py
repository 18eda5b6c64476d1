"""Finds TPMT and NUDT15 reports in FHIR Observations: the gene, its two alleles and the phenotype.

The gene may be in the code, the value, a component ("gene studied") or an extension; the call may be text or a concept.
An Observation that names a gene but can't be interpreted is returned unchanged, so that it can be reported. Words are
read as everywhere else (`readers/gene_words.py`); what stands beside a normal result may keep it from being used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import LOINC, vocabulary
from azaward.readers.fhir import resources as fhir
from azaward.readers.fhir.shared import listed, notes_of
from azaward.readers.gene_words import (
    GENES,
    Said,
    against_name,
    against_normal,
    asked,
    named_in,
    not_understood,
    phenotype_of_question,
    said_of,
)

_HGNC = {"HGNC:12014": "TPMT", "HGNC:23063": "NUDT15", "12014": "TPMT", "23063": "NUDT15"}
_HGNC_SYSTEM = "http://www.genenames.org"
# LOINC: TPMT mutations found (two methods), TPMT metaboliser interpretation; TPMT and NUDT15 mutation analysis.
_LOINC = {
    "41048-0": ("TPMT",),
    "80738-8": ("TPMT",),
    "79713-4": ("TPMT",),
    "93193-1": GENES,
}
_GENE_STUDIED = "48018-6"
# Variant, haplotype and region: the components of a genotype.
_PIECES = ("69548-6", "84414-2", "53041-0")
_NAMES = re.compile(r"TPMT|NUDT15|thiopurine (?:s-)?methyltransferase|nudix hydrolase 15", re.I)
_OF_GENES = re.compile(r"\bgene|geno|predicted|mutation|variant|allel|diplotyp|metaboli|\*\w", re.I)
_PAIR = re.compile(r"\*\w+\s*/\s*\*\w+")
_BARE_PAIR = re.compile(r"(\*\w+)\s*/\s*(\*\w+)")
# What SNOMED adds to a name to say of which kind it is.
_OF_KIND = re.compile(r"\s*\((?:finding|qualifier value|observable entity|disorder)\)$")
_ABNORMAL = ("A", "AA", "L", "LL")
# Names of what a laboratory looked for and how, beside what it found.
_LOOKED_FOR = re.compile(r"\b(?:tested|analy[sz]ed|examined|screened|methods?|assay|kit|limitations?)\b", re.I)


class Call(NamedTuple):
    """A report on one gene; `unread` holds words that are neither alleles nor a phenotype.

    Where a result stands there that can't be used, `asked` says why, and `said` is what stands there.
    """

    gene: str
    method: str
    diplotype: str | None
    phenotype: str | None
    unread: str | None
    asked: str | None = None
    said: str | None = None


@dataclass
class _Heard:
    """What an Observation says of one gene: results as they stand and as they are read, and what stands beside them."""

    results: list[tuple[str, Said]] = field(default_factory=list[tuple[str, Said]])
    unread: list[str] = field(default_factory=list[str])
    remarks: list[str] = field(default_factory=list[str])
    against: list[str] = field(default_factory=list[str])


def names_gene(seen: fhir.Observation) -> bool:
    """Whether the Observation is about one of the two genes."""
    return bool(_genes_of(seen))


def is_piece(seen: fhir.Observation) -> bool:
    """Whether it is a variant or a haplotype, which alone does not give a genotype."""
    codes = {coding.code for coding in seen.code.coding}
    return bool(codes & set(_PIECES)) or any("haplotype" in name.casefold() for name in _words(seen.code))


def calls(
    seen: fhir.Observation, knowledge: Knowledge, around: Sequence[str] = (), doubt: str | None = None
) -> list[Call]:
    """The calls in the Observation, usually one; if it reports nothing, a call without a result.

    `around` holds names and comments of what the Observation is part of; with a `doubt`, a reason, no result is used.
    """
    mine = _genes_of(seen)
    heard: dict[str, _Heard] = {gene: _Heard() for gene in mine}
    for part in (seen, *seen.component):
        if part is seen or not _is_gene_studied(part):
            _hear(part, part is seen, mine, heard, knowledge)
    notes, named = [*notes_of(seen), *around], [doubt] if doubt else []
    named += [reason for name in _words(seen.code) for reason in against_name(name, knowledge)]
    method = "genotype" if _is_by_gene(seen) else "activity"
    methods = {gene: "genotype" if gene == "NUDT15" else method for gene in heard}
    return [
        call for gene, each in heard.items() for call in _settle(gene, methods[gene], each, notes, named, knowledge)
    ]


def _hear(
    part: fhir.Component, is_whole: bool, mine: list[str], heard: dict[str, _Heard], knowledge: Knowledge
) -> None:
    """Adds what one part of an Observation says of each gene."""
    named, names = _named(part.code), _words(part.code)
    about = [] if is_whole else [reason for name in names for reason in against_name(name, knowledge)]
    for text in _value(part):
        inside = named_in(text, knowledge)
        is_call = bool(_PAIR.search(text) or vocabulary(knowledge).phenotype(text))
        looked_for = not is_call and any(map(_LOOKED_FOR.search, names))
        for gene in inside or named or mine:
            each = heard.setdefault(gene, _Heard())
            said = None if looked_for else said_of(gene, text, knowledge)
            if said is None:
                # What wasn't a result may not become one for want of a name: "*1/*1 TPMT".
                bare = _bare(text)
                each.unread.append(text if len(inside) > 1 or said_of(gene, bare, knowledge) else bare)
                each.against += not_understood(text, knowledge) if (is_whole or named) and not looked_for else []
            if said is None or not (is_whole or named or is_call):
                each.remarks += [] if looked_for else [text]
                continue
            reasons = about if inside or len(named or mine) < 2 else [*about, *_of_which(text, said)]
            each.results.append((text, _asking(said, reasons) if reasons else said))
    for gene in named or mine:
        _hear_marks(part, heard[gene], knowledge)


def _of_which(text: str, said: Said) -> list[str]:
    """Why alleles of a panel are not used: it has two genes, and names neither."""
    return [f"{text!r} doesn't say of which gene it is"] if said.is_normal and said.diplotype else []


def _asking(said: Said, reasons: Sequence[str]) -> Said:
    """A result as a question."""
    own = [said.asked] if said.asked else []
    return Said(asked="; ".join(dict.fromkeys([*own, *reasons])), may_be=said.may_be if own else said.phenotype)


def _hear_marks(part: fhir.Component, heard: _Heard, knowledge: Knowledge) -> None:
    """Adds what the laboratory marks a result with, where that isn't that it is normal."""
    for concept in listed(part.interpretation):
        for mark in dict.fromkeys([*(coding.code for coding in concept.coding if coding.code), *_words(concept)]):
            flag = vocabulary(knowledge).flag(mark)
            heard.against += [f"the laboratory marks it as {mark!r}"] if flag in _ABNORMAL else []
            heard.remarks += [mark] if flag is None else []


def _settle(
    gene: str, method: str, heard: _Heard, notes: Sequence[str], named: Sequence[str], knowledge: Knowledge
) -> Iterator[Call]:
    """The calls of one gene: a result that stands without a question, the weaker ones beside one, and the question."""
    if not heard.results:
        unread = next(iter(heard.unread), None)
        yield Call(gene, method, None, None, unread, said=None if unread else "; ".join(notes) or None)
        return
    read = [(text, _asking(said, named) if named else said) for text, said in heard.results]
    used = [(text, said) for text, said in read if said.asked is None]
    normal = [text for text, said in used if said.is_normal]
    doubts = [said.asked for _, said in read if said.asked]
    if normal:
        remarks = dict.fromkeys([*heard.remarks, *notes])
        doubts += heard.against + [r for each in remarks for r in against_normal(gene, each, normal, knowledge)]
    if doubts:
        used = [(text, said) for text, said in used if not said.is_normal]
    yield from _used(gene, method, used, knowledge)
    if doubts:
        yield _question(gene, method, [each for each in read if each not in used], doubts, knowledge)


def _used(gene: str, method: str, used: Sequence[tuple[str, Said]], knowledge: Knowledge) -> Iterator[Call]:
    """If one report gives two results, each becomes a row, and the weaker enzyme counts."""
    by_alleles = vocabulary(knowledge).diplotype_phenotype
    pairs = list(dict.fromkeys(said.diplotype for _, said in used if said.diplotype))
    phenotypes = list(
        dict.fromkeys(
            said.phenotype
            for _, said in used
            if not said.diplotype or by_alleles(gene, said.diplotype) != said.phenotype
        )
    )
    if pairs or phenotypes:
        yield Call(gene, method, next(iter(pairs), None), next(iter(phenotypes), None), None)
    yield from (Call(gene, method, pair, None, None) for pair in pairs[1:])
    yield from (Call(gene, method, None, phenotype, None) for phenotype in phenotypes[1:])


def _question(
    gene: str, method: str, read: Sequence[tuple[str, Said]], doubts: Sequence[str], knowledge: Knowledge
) -> Call:
    """The result that isn't used, as words that say why."""
    said = "; ".join(dict.fromkeys(text for text, _ in read))
    bare = _BARE_PAIR.fullmatch(said.strip())
    if bare and not vocabulary(knowledge).diplotype_phenotypes(gene, pair := "/".join(bare.groups())):
        # An allele that nobody knows: the pair is kept, so that it can be looked at.
        return Call(gene, method, pair, None, None)
    rows = {phenotype_of_question(each.may_be if each.asked else each.phenotype) for _, each in read}
    return Call(gene, method, None, next(filter(None, rows), None), None, asked(doubts), _bare(said))


def _words(concept: fhir.Concept | None) -> list[str]:
    if concept is None:
        return []
    return [name for name in (concept.text, *(coding.display for coding in concept.coding)) if name]


def _genes_in(text: str) -> list[str]:
    found = (name.group().upper() for name in _NAMES.finditer(text))
    return ["NUDT15" if name.startswith("NU") else "TPMT" for name in found]


def _named(concept: fhir.Concept | None) -> list[str]:
    """The genes that a concept names, in words or by code."""
    if concept is None:
        return []
    found = [gene for text in _words(concept) for gene in _genes_in(text)]
    for coding in concept.coding:
        if coding.system == LOINC:
            found += _LOINC.get(coding.code, ())
        elif coding.system.startswith(_HGNC_SYSTEM):
            found += [gene for gene in (_HGNC.get(coding.code),) if gene]
    return list(dict.fromkeys(found))


def _is_gene_studied(part: fhir.Component) -> bool:
    return any(coding.code == _GENE_STUDIED for coding in part.code.coding) or any(
        "gene studied" in name.casefold() for name in _words(part.code)
    )


def _genes_of(seen: fhir.Observation) -> list[str]:
    found = _named(seen.code)
    for extension in seen.extension:
        if extension.url.endswith("observation-geneticsGene"):
            found += _named(extension.valueCodeableConcept)
    for part in seen.component:
        found += _named(part.code) + (_named(part.valueCodeableConcept) if _is_gene_studied(part) else [])
        found += _genes_in(part.valueString or "") if _is_gene_studied(part) else []
    for text in _value(seen):
        found += _genes_in(text)
    return list(dict.fromkeys(found))


def _value(part: fhir.Component) -> Iterable[str]:
    """The value as words: the text and displays of a concept, or its codes if it has neither."""
    if part.valueString:
        return [part.valueString] if part.valueString.strip() else []
    concept = part.valueCodeableConcept
    if concept is None:
        return []
    words = (_OF_KIND.sub("", word) for word in _words(concept))
    return dict.fromkeys(list(words) or [coding.code for coding in concept.coding])


def _bare(text: str) -> str:
    """A text without the names of genes, as it is shown."""
    return " ".join(_NAMES.sub(" ", text).split()).strip(" :;,-") or text


def _is_by_gene(seen: fhir.Observation) -> bool:
    """Whether the Observation says that the gene was tested; otherwise it counts as a TPMT activity.

    This is the more cautious reading: transfusions and some medicines distort an activity but not a genotype.
    """
    texts = [*_words(seen.code), *(text for part in (seen, *seen.component) for text in _value(part))]
    coded = any(coding.system == LOINC and coding.code in _LOINC for coding in seen.code.coding)
    return coded or any(map(_is_gene_studied, seen.component)) or any(map(_OF_GENES.search, texts))
