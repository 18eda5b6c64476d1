"""What does one clause say of its gene, and what in it keeps that from being used?

Alleles, variants and words are read apart and compared: the weaker enzyme counts, and the difference is said. Whatever
no part of this reading used is left over.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from azaward.genetics.dosing import INDETERMINATE, NORMAL, ORDER
from azaward.genetics.haplotypes import REFERENCE_ALLELE
from azaward.genetics.nomenclature.alleles import Found, alleles
from azaward.genetics.nomenclature.clauses import Clause, is_left_over
from azaward.genetics.nomenclature.copies import UnclearError, only_looked_for
from azaward.genetics.nomenclature.result_words import ResultWords, words_of
from azaward.genetics.nomenclature.said import ReportedActivity
from azaward.genetics.nomenclature.tokens import Token
from azaward.genetics.nomenclature.variants import Variants, variants_of
from azaward.genetics.nomenclature.wild_type import (
    NOTHING_FOUND,
    behind_wild_type,
    denied,
    doubts_of_normal,
    one_of_each,
)
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary

_INTERMEDIATE = "Intermediate Metabolizer"
_SAYS = {
    "heterozygous": _INTERMEDIATE,
    "one copy": _INTERMEDIATE,
    "compound": "Poor Metabolizer",
    "both changed": "Poor Metabolizer",
    "absent": "Poor Metabolizer",
    "wild type": NORMAL,
}
# What may be missing instead of variants: a test of them.
_TESTS = (
    *("result", "results", "test", "tests", "testing", "analysis", "assay", "genotyping", "sequencing", "report"),
    *("ergebnis", "ergebnisse", "befund", "untersuchung", "analyse", "resultat", "resultats", "recherche", "analisis"),
    *("resultado", "resultados", "estudio", "analisi", "risultato", "risultati", "uitslag", "onderzoek", "resultaat"),
)
_TESTED = ("tested", "analysed", "analyzed", "examined", "investigated", "screened", "sequenced", "untersucht")
_WERE = ("was", "were", "has", "have", "been", "is", "are", "wurde", "wurden")
_NAMES = ("star", "variant")
_LOW = ("low", "low activity")
_OF_ENZYME = re.compile(r"(?:mol|kat|U)\s?/", re.I)


@dataclass(frozen=True)
class Finding:
    """A clause as it was read. `phenotype` is None where it holds no result; `why` says what makes it unclear."""

    clause: Clause
    gene: str
    text: str
    diplotypes: tuple[str, ...]
    phenotype: str | None
    activity: ReportedActivity | None
    notes: tuple[str, ...]
    why: tuple[str, ...]
    left_over: tuple[Token, ...]

    @property
    def shown(self) -> str:
        """The clause with its gene, as a note quotes it."""
        return self.text if self.gene in self.text.upper() else f"{self.gene} {self.text}".strip()

    @property
    def has_result(self) -> bool:
        """Whether the clause holds a result, clear or not."""
        return self.phenotype is not None or self.activity is not None or bool(self.why)


def finding(clause: Clause, gene: str, text: str, words: ResultWords, knowledge: Knowledge) -> Finding:
    """What a clause says of its gene; `text` is the clause as it came."""
    variants = variants_of(knowledge, gene)
    clause = replace(clause, tokens=tuple(one_of_each(clause.tokens)))
    tokens = _denied_variants(clause.tokens)
    activity, used = _activity(gene, tokens)
    tokens = [token for token in tokens if token not in used]
    why: list[str] = []
    try:
        found = alleles(tokens, variants, words, _build(clause.tokens, knowledge))
    except UnclearError as unclear:
        found, why = Found(used=_named_in(tokens)), [str(unclear)]
    why += denied(clause.tokens)
    if (behind := behind_wild_type(clause.tokens)) is not None:
        why.append(f"{behind.text} is named behind a wild type: ask whether it was found or only looked for")
    rest = [token for token in tokens if token not in found.used]
    if any(token.kind == "structural" for token in rest):
        why.append("a change of the whole gene or of its number of copies is named: ask what it means for the enzyme")
    said, more = _in_words(rest, found)
    why += more or doubts_of_normal(clause.tokens, rest, found, said)
    if found.unlooked and NORMAL not in said and not why:
        why.append(f"{', '.join(found.unlooked)} may be there: the report doesn't say that they were looked for")
    phenotype, diplotypes, notes = _weigh(gene, found, said, variants, knowledge)
    if activity and activity.text.startswith("<") and phenotype == NORMAL and not diplotypes:
        why.append(f"an activity of {activity.text} may be any below that, so it isn't shown to be normal")
    if not diplotypes and any(token.text.casefold() in _LOW for token in rest) and set(said) == {_INTERMEDIATE}:
        notes += (f"some laboratories call a deficient {gene} activity low: ask which is meant",)
    return Finding(
        clause=clause,
        gene=gene,
        text=text,
        diplotypes=diplotypes,
        phenotype=phenotype,
        activity=activity,
        notes=notes,
        why=tuple(why),
        left_over=tuple(_left_over(rest, found)),
    )


def _denied_variants(found: Sequence[Token]) -> list[Token]:
    """Denials of variants as one token: "no variants detected", "no common mutation", "variants not found"."""
    tokens = [token for token in found if token.kind != "mark"]
    marks = [token for token in found if token.kind == "mark"]
    made: list[Token] = []
    place = 0
    while place < len(tokens):
        end = _end_of_denial(tokens, place)
        if end is None:
            made.append(tokens[place])
            place += 1
            continue
        last = tokens[end - 1]
        text = " ".join(token.text for token in tokens[place:end])
        named = last.kind in _NAMES
        kind = "not found" if named else NOTHING_FOUND
        made.append(Token(kind, text, tokens[place].start, last.start if named else last.end))
        place = end - 1 if named else end
        if named and (detected := _found_after(tokens, place, marks)):
            del tokens[detected]
    return made


def _found_after(tokens: Sequence[Token], place: int, marks: Sequence[Token]) -> int | None:
    """Where "detected" stands behind a list that was denied before it: "no *2, *3A or *3C detected".

    "No *3A, positive: *3C" says it of what follows.
    """
    while place < len(tokens) and tokens[place].kind in ("star", "variant", "or", "filler"):
        place += 1
    if place == len(tokens) or tokens[place].kind != "found" or tokens[place].start - tokens[place - 1].end > 1:
        return None
    follows = place + 1 < len(tokens) and tokens[place + 1].kind in _NAMES
    between = [mark.text for mark in marks if follows and tokens[place].end <= mark.start < tokens[place + 1].start]
    return None if follows and (not between or ":" in between) else place


def _end_of_denial(tokens: Sequence[Token], place: int) -> int | None:
    """Where a denial of variants that begins here ends; just behind the first that it names, if it names any."""
    if tokens[place].kind == "variation":
        return _end_after_noun(tokens, place)
    if tokens[place].kind not in ("none of", "not found"):
        return None
    between = ("filler", "changed", "found", "Poor Metabolizer", "Intermediate Metabolizer", "variation")
    end = place + 1
    while end < min(len(tokens), place + 6) and tokens[end].kind in between:
        end += 1
    if _is_of_tests(tokens[place + 1 : end + 2]):
        return None
    names_before = any(token.kind in _NAMES for token in tokens[:place])
    noun = any(token.kind == "variation" for token in tokens[place:end])
    names = end < len(tokens) and tokens[end].kind in _NAMES
    if names and (tokens[place].kind == "none of" or (noun and not names_before)):
        # "No rs1142345 T/T" denies the bases, so that nobody knows what is there.
        return None if "bases" in (token.kind for token in tokens[end:]) else end + 1
    nouns = [step for step in range(place + 1, end) if tokens[step].kind == "variation"]
    if not nouns:
        return None
    end = nouns[-1] + 1
    while end < len(tokens) and tokens[end].kind in ("found", "filler"):
        end += 1
    return end


def _is_of_tests(run: Sequence[Token]) -> bool:
    """Whether a test of variants is denied, not the variants: "no mutation result", "no variants were tested"."""
    nouns = [place for place, token in enumerate(run) if token.kind == "variation"]
    if not nouns:
        return False
    words = [word for token in run[: nouns[-1]] for word in words_of(token.text)]
    behind = [word for token in run[nouns[-1] + 1 :] for word in words_of(token.text)]
    first = next((word for word in behind if word not in _WERE), "")
    found = any(token.kind == "found" for token in run)
    tested = not found and any(word in _TESTED for word in behind)
    return any(word in _TESTS for word in (*words, first)) or first in _TESTED or tested


def _end_after_noun(tokens: Sequence[Token], place: int) -> int | None:
    """ "Mutation non détectée", "variants detected: none": a denial behind what it denies, if that names none."""
    end = place + 1
    while end < len(tokens) and tokens[end].kind in ("filler", "found"):
        end += 1
    names = any(token.kind in _NAMES for token in tokens[:place])
    if names or end == len(tokens):
        return None
    last = tokens[end].kind == "none of" and all(token.kind == "end" for token in tokens[end + 1 :])
    return end + 1 if tokens[end].kind == "not found" or last else None


def _activity(gene: str, tokens: Sequence[Token]) -> tuple[ReportedActivity | None, set[Token]]:
    """The activity that a clause of TPMT gives, and the tokens of it and of the laboratory's range."""
    used = _ranges(tokens)
    if gene != "TPMT":
        return None, used
    rest = [token for token in tokens if token not in used]
    told = any(token.kind == "activity" for token in rest)
    amounts = [token for token in rest if token.kind == "amount" and (_OF_ENZYME.search(token.text) or told)]
    if not amounts:
        amounts = [
            token
            for before, token in itertools.pairwise(rest)
            if token.kind == "number" and before.kind in ("activity", "filler")
        ]
        amounts = amounts if told else []
    if len(amounts) != 1:
        return None, used
    match = re.fullmatch(r"([<>≤≥]?=?)\s?(\d+(?:[.,]\d+)?)\s?(.*)", amounts[0].text, re.S)
    if match is None:
        return None, used
    sign = match[1].replace("≤", "<=").replace("≥", ">=")
    return ReportedActivity(sign + match[2].replace(",", "."), match[3] or None), {*used, amounts[0]}


def _ranges(tokens: Sequence[Token]) -> set[Token]:
    """A laboratory's range and the word before it: "(reference 6.7-23.6 U/mL)", "normal > 68", "range normal"."""
    used: set[Token] = set()
    for before, token in itertools.pairwise(tokens):
        bound = token.kind == "range" or token.text[:1] in "<>≤≥"
        label = before.kind == "reference range" or before.text.casefold() in ("normal", "normale", "normaal")
        no_result = before.kind == "reference range" and token.kind == NORMAL
        if (bound and label) or no_result:
            used |= {before, token}
    return used


def _build(tokens: Iterable[Token], knowledge: Knowledge) -> str | None:
    """The assembly of a position, from the version of the chromosome's sequence before it."""
    ours = {row.hgvs_g.partition(":")[0] for row in knowledge.tables["gene_positions"]}
    told = [re.sub(r"[\s:]|\(.*", "", token.text) for token in tokens if token.kind == "accession"]
    chromosomes = [name for name in told if name.startswith("NC_")]
    return None if not chromosomes else "GRCh38" if set(chromosomes) <= ours else "GRCh37"


def _named_in(tokens: Iterable[Token]) -> set[Token]:
    kinds = ("pair", "phased", "star", "variant", "amino acids", "bases", "heterozygous", "homozygous", "not found")
    return {token for token in tokens if token.kind in kinds}


def _in_words(rest: Sequence[Token], found: Found) -> tuple[list[str], list[str]]:
    """The phenotypes that words say, and what is unclear in them."""
    kinds = [token.kind for token in rest]
    named = bool(found.pairs or found.used)
    about_variants = "variation" in kinds or NOTHING_FOUND in kinds
    said = [
        "Poor Metabolizer" if kind == "Intermediate Metabolizer" and _is_strong(kinds, place) else kind
        for place, kind in enumerate(kinds)
        if kind in ORDER
    ]
    said += [_SAYS[kind] for kind in kinds if kind in _SAYS and not (kind == "absent" and about_variants)]
    nothing = NOTHING_FOUND in kinds or ("absent" in kinds and "variation" in kinds)
    if nothing and not named:
        said.append(NOTHING_FOUND)
    why: list[str] = []
    if nothing and not named and any(kind in ("heterozygous", "homozygous", "compound") for kind in kinds):
        why.append("variants are denied and named at once")
    unsaid = [each for each in said if each != INDETERMINATE]
    if INDETERMINATE in said and (unsaid or found.pairs):
        why.append("the result is called uncertain and named at once")
    if "homozygous" in kinds and not _fits_homozygous(found, said):
        why.append("homozygous is said, not for which allele")
    if not (named or said) and "found" in kinds and ("variation" in kinds or "changed" in kinds):
        why.append("a variant is said to be there, not which one nor how often")
    elif "changed" in kinds and not said and not named:
        why.append("a change is named, not which one nor how often")
    return said, why


def _is_strong(kinds: Sequence[str], place: int) -> bool:
    before = [kind for kind in kinds[:place] if kind != "filler"]
    return bool(before) and before[-1] == "strongly"


def _fits_homozygous(found: Found, said: Sequence[str]) -> bool:
    if found.pairs:
        return all(len(set(pair.split("/"))) == 1 for pair in found.pairs)
    return bool(said) and set(said) in ({NORMAL}, {"Poor Metabolizer"})


def _weigh(
    gene: str, found: Found, said: Sequence[str], variants: Variants, knowledge: Knowledge
) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """The phenotype, diplotypes and notes: the weaker of what alleles make and what words say."""
    diplotypes, notes = found.pairs, list(found.notes)
    if NOTHING_FOUND in said:
        diplotypes = (f"{REFERENCE_ALLELE}/{REFERENCE_ALLELE}",)
        notes.append(only_looked_for(gene))
    by_alleles = _by_alleles(gene, diplotypes, variants, knowledge)
    words = [phenotype for phenotype in said if phenotype in ORDER]
    by_words = min(words, key=ORDER.index, default=None)
    if len(set(words)) > 1:
        notes.append(f"the report calls {gene} {' and '.join(dict.fromkeys(words))}: the weaker enzyme counts")
    if by_alleles and by_words and by_alleles != by_words:
        notes.append(f"the report calls {gene} {by_words}, its alleles make {by_alleles}: the weaker enzyme counts")
    both = [phenotype for phenotype in (by_alleles, by_words) if phenotype]
    return min(both, key=ORDER.index, default=None), diplotypes, tuple(notes)


def _by_alleles(gene: str, pairs: Sequence[str], variants: Variants, knowledge: Knowledge) -> str | None:
    """The phenotype of the weakest pair; of pairs that have the same variants, the first stands for all."""
    same: dict[frozenset[tuple[object, int]], str] = {}
    for pair in sorted(pairs, key=lambda each: REFERENCE_ALLELE not in each.split("/")):
        same.setdefault(frozenset(variants.copies(pair).items()), pair)
    words = vocabulary(knowledge)
    phenotypes = [words.diplotype_phenotype(gene, pair) or INDETERMINATE for pair in same.values()]
    return min(phenotypes, key=ORDER.index, default=None)


def _left_over(rest: Sequence[Token], found: Found) -> Iterable[Token]:
    """The tokens that keep the result from being used."""
    for token in rest:
        named = token.kind in ("pair", "phased", "star", "variant", "amino acids")
        idle = token.kind in ("not found", "reference range")
        if (is_left_over(token) or named or idle) and token not in found.used:
            yield token
