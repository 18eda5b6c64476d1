"""Finds TPMT and NUDT15 reports in FHIR Observations: the gene, its two alleles and the phenotype.

The gene may be in the code, the value, a component ("gene studied") or an extension; the call may be text or a concept.
An Observation that names a gene but can't be interpreted is returned unchanged, so that it can be reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from azaward.knowledge.loading.words.vocabulary import LOINC, Vocabulary
from azaward.readers.fhir import resources as fhir

GENES = ("TPMT", "NUDT15")
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
_PAIR = re.compile(r"(\*\w+)\s*/\s*(\*\w+)")


class Call(NamedTuple):
    """A report on one gene; `unread` holds words that are neither alleles nor a phenotype."""

    gene: str
    method: str
    diplotype: str | None
    phenotype: str | None
    unread: str | None


def names_gene(seen: fhir.Observation) -> bool:
    """Whether the Observation is about one of the two genes."""
    return bool(_genes_of(seen))


def is_piece(seen: fhir.Observation) -> bool:
    """Whether it is a variant or a haplotype, which alone does not give a genotype."""
    codes = {coding.code for coding in seen.code.coding}
    return bool(codes & set(_PIECES)) or any("haplotype" in name.casefold() for name in _words(seen.code))


def calls(seen: fhir.Observation, words: Vocabulary) -> list[Call]:
    """The calls in the Observation, usually one; if it reports nothing, a call without a result."""
    mine = _genes_of(seen)
    said: dict[str, list[str]] = {gene: [] for gene in mine}
    for part in (seen, *seen.component):
        if part is not seen and _is_gene_studied(part):
            continue
        named = _named(part.code) or mine
        for text in _value(part):
            for gene, piece in _by_gene(text, named):
                said.setdefault(gene, []).append(piece)
    by_gene = _is_by_gene(seen)
    return [
        call
        for gene, texts in said.items()
        for call in _settle(gene, "genotype" if by_gene or gene == "NUDT15" else "activity", texts, words)
    ]


def _settle(gene: str, method: str, texts: list[str], words: Vocabulary) -> Iterator[Call]:
    pairs = dict.fromkeys("/".join(found.groups()) for text in texts if (found := _PAIR.search(text)))
    rest = [text for text in texts if not _PAIR.search(text)]
    phenotypes = dict.fromkeys(name for text in rest if (name := words.phenotype(text)))
    unread = next((text for text in rest if not words.phenotype(text)), None)
    if not pairs and not phenotypes:
        yield Call(gene, method, None, None, unread)
        return
    # If one report gives two results, each becomes a row, and the weaker enzyme counts.
    yield Call(gene, method, next(iter(pairs), None), next(iter(phenotypes), None), None)
    yield from (Call(gene, method, pair, None, None) for pair in list(pairs)[1:])
    yield from (Call(gene, method, None, phenotype, None) for phenotype in list(phenotypes)[1:])


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
        return [part.valueString]
    concept = part.valueCodeableConcept
    if concept is None:
        return []
    return dict.fromkeys(_words(concept) or [coding.code for coding in concept.coding])


def _by_gene(text: str, genes: list[str]) -> Iterator[tuple[str, str]]:
    """The parts of a text that belong to each gene: "TPMT *1/*3C, NUDT15 *1/*1"."""
    places = [(found.start(), found.end(), _genes_in(found.group())[0]) for found in _NAMES.finditer(text)]
    if len({gene for _, _, gene in places}) < 2:
        bare = " ".join(_NAMES.sub(" ", text).split()).strip(" :;,-")
        owners = [places[0][2]] if places else genes
        if bare:
            yield from ((gene, bare) for gene in owners)
        return
    for place, (_, end, gene) in enumerate(places):
        until = places[place + 1][0] if place + 1 < len(places) else len(text)
        if bare := text[end:until].strip(" :;,-/"):
            yield gene, bare


def _is_by_gene(seen: fhir.Observation) -> bool:
    """Whether the Observation says that the gene was tested; otherwise it counts as a TPMT activity.

    This is the more cautious reading: transfusions and some medicines distort an activity but not a genotype.
    """
    texts = [*_words(seen.code), *(text for part in (seen, *seen.component) for text in _value(part))]
    coded = any(coding.system == LOINC and coding.code in _LOINC for coding in seen.code.coding)
    return coded or any(map(_is_gene_studied, seen.component)) or any(map(_OF_GENES.search, texts))
