"""How many copies of each allele or variant does a clause say were found?

What is found stands behind what it is said of ("*2 and *3A not detected", "c.415C>T het, c.52G>A wild type") or before
it ("heterozygous for c.460G>A and c.719A>G"): the first of them decides which. A number of copies that isn't said is
never guessed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from azaward.genetics.nomenclature.tokens import Token
from azaward.genetics.nomenclature.variants import Named, Variant, Variants, readings

Key = str | Variant
ANY = frozenset((0, 1, 2))
# The copies that a word may mean.
STATES: Mapping[str, frozenset[int]] = {
    "heterozygous": frozenset((1,)),
    "compound": frozenset((1,)),
    "one copy": frozenset((1,)),
    "homozygous": frozenset((2,)),
    "both changed": frozenset((2,)),
    "wild type": frozenset((0,)),
    "not found": frozenset((0,)),
    "absent": frozenset((0,)),
    "found": frozenset((1, 2)),
}


class UnclearError(Exception):
    """What is found can't be told; the message says why, for the note of the gene."""


@dataclass
class _Item:
    key: Key
    text: str
    named: Named | None = None
    copies: frozenset[int] = ANY
    stated: bool = False

    def narrow(self, copies: frozenset[int]) -> None:
        self.copies, self.stated = self.copies & copies, True
        if not self.copies:
            raise UnclearError(f"two different things are said of {self.text}")


@dataclass
class Copies:
    """The alleles and variants of a clause, and the tokens that were used."""

    items: list[_Item] = field(default_factory=list[_Item])
    used: set[Token] = field(default_factory=set[Token])

    def of(self, kind: type) -> dict[Key, frozenset[int]]:
        """The possible copies of each allele (str) or variant (tuple)."""
        return {item.key: item.copies for item in self.items if isinstance(item.key, kind)}

    def names(self) -> list[str]:
        """What was looked for, as the report names it."""
        return list(dict.fromkeys(item.text for item in self.items))


def copies(tokens: Sequence[Token], variants: Variants, build: str | None) -> Copies:
    """The copies of every allele and variant that is named; raises UnclearError where one can't be told."""
    made = Copies()
    events = [token for token in tokens if token.kind in (*STATES, "star", "variant", "amino acids", "bases")]
    events += [token for token in tokens if _is_normal(token, tokens)]
    events.sort(key=lambda token: token.start)
    first = next((token.kind for token in events if token.kind != "found"), "star")
    before = first in STATES
    assigning = _Assigning(made, variants, build, before)
    assigning.strand = next((token.kind for token in tokens if token.kind.endswith(" strand")), None)
    assigning.go(events)
    if silent := [item.text for item in made.items if not item.stated]:
        raise UnclearError(f"it isn't said how often {', '.join(silent)} was found")
    return made


def _is_normal(token: Token, tokens: Sequence[Token]) -> bool:
    """ "c.238G>C normal": directly behind a variant, the word is said of the variant."""
    if token.kind != "Normal Metabolizer" or token.text.casefold() not in ("normal", "normale", "normaal"):
        return False
    place = tokens.index(token)
    before = next((each for each in reversed(tokens[:place]) if each.kind not in ("mark", "filler")), None)
    after = next((each for each in tokens[place + 1 :] if each.kind != "mark"), None)
    followed = after is not None and after.kind in ("activity", "filler")
    return before is not None and before.kind in ("variant", "star") and not followed


class _Assigning:
    """Goes through what is named and what is said of it, in order."""

    def __init__(self, made: Copies, variants: Variants, build: str | None, before: bool) -> None:
        self._made, self._variants, self._build, self._before = made, variants, build, before
        self.strand: str | None = None
        self._waiting: list[_Item] = []
        self._state: frozenset[int] | None = None
        self._fresh = False

    def go(self, events: Sequence[Token]) -> None:
        for place, token in enumerate(events):
            self._made.used.add(token)
            if token.kind in ("star", "variant"):
                self._item(token)
            elif token.kind == "amino acids":
                self._amino_acids(token)
            elif token.kind == "bases":
                self._bases(token)
            else:
                more = any(later.kind in ("star", "variant") for later in events[place + 1 :])
                self._said(STATES.get(token.kind, frozenset((0,))), more)

    def _item(self, token: Token) -> None:
        item = self._of(token)
        if self._is_another_name(item):
            return
        self._made.items.append(item)
        if self._state is not None:
            item.narrow(self._state)
            self._fresh = False
        else:
            self._waiting.append(item)

    def _of(self, token: Token) -> _Item:
        if token.kind == "star":
            return _Item(bare_star(token.text), token.text)
        named = self._variants.named(token.text, self._build)
        if named is None:
            raise UnclearError(f"{token.text} is no variant of {self._variants.gene} that is known here")
        return _Item(named.variant, token.text, named)

    def _is_another_name(self, item: _Item) -> bool:
        """Whether what is named was named already: "c.415C>T p.(Arg139Cys)", "*3 (c.415C>T)", "c.415C>T (*3)"."""
        items, alleles = self._made.items, self._variants.alleles
        if same := [each for each in items if each.key == item.key]:
            # What is said next is said of this one.
            items.remove(same[0])
            items.append(same[0])
            same[0].named = item.named if item.named and not item.named.by_number else same[0].named
            return True
        if isinstance(item.key, str):
            own = alleles.get(item.key, frozenset())
            recent = [each for each in items[-len(own) :] if isinstance(each.key, tuple)] if own else []
            return bool(own) and all(each.key in own for each in recent) and len(recent) == len(own)
        star = next((each for each in reversed(items) if isinstance(each.key, str)), None)
        own = alleles.get(str(star.key), frozenset()) if star else frozenset()
        if star is None or item.key not in own:
            return False
        # "*3C (719A>G): A/G": the bases are of the one variant that makes the allele.
        star.named = item.named if len(own) == 1 else None
        return True

    def _said(self, copies: frozenset[int], more: bool) -> None:
        if self._before and (more or not self._made.items):
            together = self._state & copies if self._state is not None and self._fresh else copies
            if not together:
                raise UnclearError("two different things are said of what was looked for")
            self._state, self._fresh = together, True
            return
        for item in self._waiting or self._made.items[-1:]:
            item.narrow(copies)
        self._waiting = []

    def _bases(self, token: Token) -> None:
        last = self._made.items[-1] if self._made.items else None
        found = readings(last.named, token.text, self.strand) if last and last.named else ()
        if last is None or not found:
            raise UnclearError(f"the bases {token.text} don't fit what they stand beside")
        last.narrow(frozenset(found))
        self._waiting = [item for item in self._waiting if item is not last]

    def _amino_acids(self, token: Token) -> None:
        found = self._variants.codon_139(token.text)
        if found is None:
            raise UnclearError(f"{token.text} is no pair of amino acids that is known here")
        for variant, count in found.items():
            item = next((each for each in self._made.items if each.key == variant), None)
            if item is None:
                item = _Item(variant, f"codon 139 ({token.text})")
                self._made.items.append(item)
            item.narrow(frozenset((count,)))
        self._waiting = [item for item in self._waiting if not item.stated]


def bare_star(text: str) -> str:
    """An allele's name without spaces and suballele: "* 3a" is *3A, *3.002 is *3.

    >>> bare_star("* 3a"), bare_star("*3.002")
    ('*3A', '*3')
    """
    return text.replace(" ", "").partition(".")[0].upper()


def fitting(
    possible: Mapping[Variant, frozenset[int]], variants: Variants
) -> list[tuple[Mapping[Variant, int], tuple[str, ...]]]:
    """Every number of copies of the variants that pairs of alleles can have, and those pairs."""
    made: list[tuple[Mapping[Variant, int], tuple[str, ...]]] = []
    for counts in itertools.islice(itertools.product(*(sorted(each) for each in possible.values())), 4096):
        found = dict(zip(possible, counts, strict=True))
        if pairs := variants.pairs(found):
            made.append((found, pairs))
    return made


def only_looked_for(gene: str, names: Iterable[str] = ()) -> str:
    """The note on a report that names what it looked for."""
    listed = ", ".join(dict.fromkeys(names))
    if not listed:
        return f"it isn't said which variants of {gene} were looked for: others may not have been"
    return f"other variants of {gene} than {listed} may not have been looked for"
