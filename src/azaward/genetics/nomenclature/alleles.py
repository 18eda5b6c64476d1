"""Which pairs of alleles does a clause name: "*1/*3A", "wt/*3C", "c.[460G>A;719A>G];[=]", "*3A heterozygous"?

A name that stands for several alleles (TPMT *3) gives every pair that it may mean. A name that nobody knows gives none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from azaward.genetics.dosing import GENES
from azaward.genetics.haplotypes import REFERENCE_ALLELE
from azaward.genetics.nomenclature.copies import (
    Copies,
    UnclearError,
    bare_star,
    copies,
    fitting,
    only_looked_for,
)
from azaward.genetics.nomenclature.result_words import ResultWords
from azaward.genetics.nomenclature.tokens import Token
from azaward.genetics.nomenclature.variants import Variants

_NAME = re.compile(r"\*?\s?(\d{1,3}[A-Za-z]?)(?:\.\d+)?|wt", re.I)


@dataclass
class Found:
    """The pairs that fit what a clause names, the likeliest first, with notes and the tokens that were used.

    `unlooked` are the common alleles that a list of what wasn't found leaves out.
    """

    pairs: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list[str])
    used: set[Token] = field(default_factory=set[Token])
    unlooked: tuple[str, ...] = ()


def alleles(tokens: Sequence[Token], variants: Variants, words: ResultWords, build: str | None) -> Found:
    """The pairs of alleles in a clause; raises UnclearError where something is named that can't be told."""
    whole = [token for token in tokens if token.kind in ("pair", "phased")]
    if whole:
        return _whole(whole, tokens, variants, words, build)
    if any(token.kind in ("star", "variant", "amino acids") for token in tokens):
        return _items(tokens, variants, words, build)
    return Found()


def _whole(
    whole: Sequence[Token], tokens: Sequence[Token], variants: Variants, words: ResultWords, build: str | None
) -> Found:
    made = Found(used=set(whole))
    named = {
        token.text: _phased(token, variants) if token.kind == "phased" else _pair(token, variants, words)
        for token in whole
    }
    if len(named) > 1 and not any(token.kind == "or" for token in tokens):
        raise UnclearError(f"several pairs of alleles are named ({', '.join(named)})")
    made.pairs = tuple(dict.fromkeys(pair for pairs in named.values() for pair in pairs))
    made.notes += _which(named, variants)
    if len(named) > 1:
        made.notes.append(f"the report leaves open which pair of {variants.gene} it is ({' or '.join(named)})")
    if any(token.kind in ("star", "variant", "amino acids") for token in tokens):
        _agree(made, copies_beside(tokens, variants, build), variants)
    return made


def copies_beside(tokens: Sequence[Token], variants: Variants, build: str | None) -> Copies:
    """What is named beside a pair of alleles; where no copies are said, only that it is there."""
    try:
        return copies(tokens, variants, build)
    except UnclearError as unclear:
        if not str(unclear).startswith("it isn't said"):
            raise
    silent = [token for token in tokens if token.kind in ("star", "variant", "amino acids")]
    there = Token("found", "", silent[-1].end, silent[-1].end)
    return copies([*silent, there], variants, build)


def _agree(made: Found, beside: Copies, variants: Variants) -> None:
    """Raises UnclearError where what is named beside a pair is not what the pair consists of."""
    made.used |= beside.used
    for pair in made.pairs:
        own = variants.copies(pair)
        names = pair.split("/")
        fits = all(
            (names.count(item.key) if isinstance(item.key, str) else own.get(item.key, 0)) in item.copies
            for item in beside.items
        )
        if fits:
            return
    raise UnclearError(f"{', '.join(beside.names())} does not fit {' or '.join(made.pairs)}")


def _pair(token: Token, variants: Variants, words: ResultWords) -> list[str]:
    """Every pair that a name of two alleles may mean."""
    if any(gene in token.text for gene in GENES if gene != variants.gene):
        raise UnclearError(f"{token.text} names two genes side by side")
    bare = token.text.replace(variants.gene, "")
    sides = [_family(match.group(), variants, words) for match in _NAME.finditer(bare)]
    if len(sides) != 2:
        raise UnclearError(f"{token.text} is no pair of alleles that can be read")
    return list(dict.fromkeys(variants.ordered(two) for two in itertools.product(*sides)))


def _family(name: str, variants: Variants, words: ResultWords) -> tuple[str, ...]:
    """The alleles that a name may mean: one, or for TPMT *3 those that it is the beginning of."""
    bare = bare_star(name)
    if bare in ("WT", f"*{REFERENCE_ALLELE.lstrip('*')}"):
        return (REFERENCE_ALLELE,)
    bare = bare if bare.startswith("*") else f"*{bare}"
    if words.at([bare[1:].casefold()], "") == (1, f"reference allele of {variants.gene}"):
        return (REFERENCE_ALLELE,)
    if bare in variants.alleles:
        return (bare,)
    if family := tuple(each for each in variants.alleles if re.fullmatch(rf"{re.escape(bare)}[A-Z]", each)):
        return family
    raise UnclearError(f"{bare} is no allele of {variants.gene} that is known here")


def _which(named: dict[str, list[str]], variants: Variants) -> Iterable[str]:
    for text, pairs in named.items():
        if len(pairs) > 1:
            yield (
                f"{text} of {variants.gene} doesn't say which alleles are meant ({', '.join(pairs)}): "
                "ask the laboratory; the weakest counts"
            )


def _phased(token: Token, variants: Variants) -> list[str]:
    """ "c.[460G>A;719A>G];[=]": what stands in one pair of brackets is on one copy of the gene."""
    inside = re.findall(r"\[([^\[\]]*)\]", token.text)
    if len(inside) == 1:
        # "c.[460G>A(;)719A>G]": nobody knows which change is on which copy.
        named = [variants.named(f"c.{change.strip()}") for change in inside[0].split("(;)")]
        pairs = variants.pairs({each.variant: 1 for each in named if each}) if all(named) else ()
    else:
        sides = [[change.strip() for change in each.split(";") if change.strip() not in ("=", "")] for each in inside]
        both = [variants.allele(side) for side in sides]
        pairs = (variants.ordered([each for each in both if each]),) if all(both) else ()
    if not pairs:
        raise UnclearError(f"{token.text} is no pair of alleles of {variants.gene} that is known here")
    return list(pairs)


def _items(tokens: Sequence[Token], variants: Variants, words: ResultWords, build: str | None) -> Found:
    made = Found()
    found = copies(tokens, variants, build)
    made.used |= found.used
    stars, changes = found.of(str), found.of(tuple)
    if stars and changes:
        raise UnclearError("alleles and variants are named side by side and can't be told apart")
    gene = variants.gene
    if not stars:
        _of_variants(made, found, variants)
        return made
    copied = {str(star): _one(str(star), each) for star, each in stars.items()}
    families = {star: _family(star, variants, words) for star in copied}
    there = [star for star, count in copied.items() for _ in range(count)]
    if none := [star for star, count in copied.items() if not count and families[star] == (REFERENCE_ALLELE,)]:
        raise UnclearError(f"{none[0]} is said not to be there: ask which alleles were found in its stead")
    if not there:
        made.unlooked = variants.unlooked(stars=[name for own in families.values() for name in own])
        made.pairs, made.notes = (f"{REFERENCE_ALLELE}/{REFERENCE_ALLELE}",), [only_looked_for(gene, found.names())]
        return made
    paired = any(token.kind in ("compound", "one copy") for token in tokens)
    if len(there) == 1 and families[there[0]] != (REFERENCE_ALLELE,):
        made.notes.append(f"the other allele of {gene} is not named and taken as *1: {only_looked_for(gene)}")
        there = [REFERENCE_ALLELE, *there]
    elif len(there) != 2 or (len(set(there)) == 2 and not paired):
        raise UnclearError(f"it can't be told which two alleles are meant ({', '.join(copied)})")
    sides = [families.get(star, (star,)) for star in there]
    made.pairs = tuple(dict.fromkeys(variants.ordered(two) for two in itertools.product(*sides)))
    made.notes += _which({"/".join(there): list(made.pairs)}, variants)
    return made


def _one(star: str, possible: frozenset[int]) -> int:
    if len(possible) != 1:
        raise UnclearError(f"it isn't said how often {star} was found")
    return next(iter(possible))


def _of_variants(made: Found, found: Copies, variants: Variants) -> None:
    possible = {key: each for key, each in found.of(tuple).items() if isinstance(key, tuple)}
    fits = fitting(possible, variants)
    names, gene = found.names(), variants.gene
    if len(fits) != 1:
        why = "no pair of known alleles fits" if not fits else "more than one reading fits"
        raise UnclearError(f"{why} what is said of {', '.join(names)}")
    ((counts, made.pairs),) = fits
    none = not any(counts.values())
    made.unlooked = variants.unlooked(changes=counts) if none else ()
    made.notes.append(
        only_looked_for(gene, names)
        if none
        else f"of {gene}, only {', '.join(names)} {'is' if len(names) == 1 else 'are'} reported: "
        + only_looked_for(gene, names)
    )
    if len(made.pairs) > 1:
        made.notes.append(f"{made.pairs[0]} and {' and '.join(made.pairs[1:])} of {gene} look alike in this report")
