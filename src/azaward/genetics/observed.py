"""What was observed of one gene of one person, in the form in which pairs of alleles are compared with it: the codes at
the sites of named alleles, and beside them what no named allele has, each with the sides that it is on.

A copy that is deleted, or part of it, has no bases: what stands at its positions was seen on the other copy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

from azaward.genetics.haplotypes import UNKNOWN, Variant
from azaward.genetics.model import MISSING, REFERENCE, UNDOCUMENTED, Site, Unnamed, Unsure

ABLATION = "transcript_ablation"
DELETIONS = (ABLATION, "exon_loss_variant")
DELETION = "deletion"
"""The name of a copy of the gene that isn't there."""
NORMAL_FUNCTION, NO_FUNCTION = "Normal function", "No function"


class Extra(NamedTuple):
    """Something that no named allele has: its name, the sides that carry it, their phase set, the function that it is
    presumed to leave, and whether its consequence is known."""

    name: str
    first: bool
    second: bool
    phase: int
    presumed: str | None
    told: bool = True
    site: int | None = None
    """The site at which these bases stand, where all that is known of them is that no named allele has them."""

    @property
    def deleted(self) -> bool:
        """Whether the whole copy is deleted."""
        return self.name == DELETION

    @property
    def functions(self) -> tuple[str, str]:
        """What it leaves for sure, and what it is presumed to leave."""
        return (NO_FUNCTION, NO_FUNCTION) if self.deleted else (UNKNOWN, self.presumed or UNKNOWN)


Codes = Sequence[tuple[int, int]]
"""The codes of the two sides at each site."""


def _apart(_variants: Iterable[Variant], extras: Sequence[Extra]) -> list[Extra]:
    return list(extras)


@dataclass(frozen=True)
class Seen:
    """One gene of one person: at each site two codes that named alleles have, or -1 for missing, and the phase set;
    what no named allele has; and the codes that weren't looked for where the reference was seen. `read` tells what one
    copy with some named variants and some extras has beside those variants."""

    codes: Codes
    phase: Sequence[int]
    extras: tuple[Extra, ...] = ()
    untested: Mapping[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    read: Callable[[Iterable[Variant], Sequence[Extra]], list[Extra]] = _apart


def observe(
    sites: Sequence[Site],
    codes: Codes,
    phase: Sequence[int],
    undocumented: Mapping[int, str],
    unnamed: Sequence[Unnamed],
    presumed: Mapping[str, str | None],
    shared: Collection[Unnamed] = (),
) -> Seen:
    """The codes and extras of one person, from the codes and phase sets at each site, what stood where a code is
    undocumented, and the changes without a name.

    Changes that leave the protein as it is, and those that didn't pass, are no extras; but for those that stand in one
    codon with another (`shared`), which may do something together with it.
    """
    if not unnamed and UNDOCUMENTED not in chain.from_iterable(codes):
        return Seen(codes, phase)
    counted = _counted(unnamed, presumed)
    known, sets = list(codes), list(phase)
    own: dict[Unnamed, int] = {}
    for at, (first, second) in enumerate(codes):
        if UNDOCUMENTED not in (first, second):
            continue
        if not any(covers(each, sites[at]) for each in counted):
            # A slash would read as the end of a haplotype.
            text = undocumented.get(at, f"{sites[at].ref}>?").replace("/", ",")
            name, (start, end) = f"{sites[at].label} {text}", _span(sites[at])
            carried = first == UNDOCUMENTED, second == UNDOCUMENTED
            counted.append(Unnamed(start, end, "", name, *carried, phase[at]))
        if max(first, second) > 0:
            _lay_opposite(at, sites[at], known, sets, counted)
        own |= {each: at for each in counted if not each.term and (each.start, each.end) == _span(sites[at])}
        known[at] = _known(known[at][0]), _known(known[at][1])
    counted += [each for each in unnamed if each in shared and each not in counted]
    for each in [each for each in counted if each.term in DELETIONS]:
        counted = _without_deleted(each, sites, known, sets, counted)
    return Seen(known, sets, tuple(_extra(each, presumed)._replace(site=own.get(each)) for each in counted))


def _lay_opposite(at: int, site: Site, codes: list[tuple[int, int]], phase: list[int], counted: list[Unnamed]) -> None:
    """Ties what no named allele has at a site to the copy that doesn't have the named change there: one base has one
    change. Changes its arguments in place."""
    for place, each in enumerate(counted):
        if not covers(each, site) or each.copies != 1 or (each.phase and phase[at] and each.phase != phase[at]):
            continue
        own = each.phase or phase[at] or 1 + max([*phase, *(one.phase for one in counted)])
        if each.phase and not phase[at] and each.second != (codes[at][1] == UNDOCUMENTED):
            codes[at] = codes[at][1], codes[at][0]
        on_second = codes[at][1] == UNDOCUMENTED
        phase[at], counted[place] = own, each._replace(first=not on_second, second=on_second, phase=own)


def _counted(unnamed: Sequence[Unnamed], presumed: Mapping[str, str | None]) -> list[Unnamed]:
    return [each for each in unnamed if each.doubt is None and presumed.get(each.term) != NORMAL_FUNCTION]


def left_unsure(
    sites: Sequence[Site],
    codes: Codes,
    unsure: Mapping[int, Unsure],
    unnamed: Sequence[Unnamed],
    presumed: Mapping[str, str | None],
) -> dict[int, Unsure]:
    """What may stand at the sites whose genotype isn't sure, beside changes without a name.

    Where a copy is deleted, it is that of the other copy; where both are, or a change explains what stands there,
    nothing is left to be unsure of.
    """
    left: dict[int, Unsure] = {}
    for at, held in unsure.items():
        over = [each for each in _counted(unnamed, presumed) if covers(each, sites[at])]
        gone = max((each.copies for each in over if each.term in DELETIONS), default=0)
        if gone < 2 and not (over and UNDOCUMENTED in codes[at]):
            left[at] = _of_one_copy(held) if gone else held
    return left


def _of_one_copy(held: Unsure) -> Unsure:
    weights: dict[tuple[int, int], float] = {}
    for genotype, weight in held.genotypes:
        one = REFERENCE, max(genotype, key=lambda code: code != REFERENCE)
        weights[one] = max(weights.get(one, 0.0), weight)
    ordered = sorted(weights.items(), key=lambda each: -each[1])
    return held._replace(genotypes=tuple(ordered))


def _known(code: int) -> int:
    return REFERENCE if code == UNDOCUMENTED else code


def _extra(each: Unnamed, presumed: Mapping[str, str | None]) -> Extra:
    name = DELETION if each.term == ABLATION else each.name
    return Extra(name, each.first, each.second, each.phase, presumed.get(each.term), bool(each.term))


def _span(site: Site) -> tuple[int, int]:
    return site.pos_grch38 - 1, site.pos_grch38 - 1 + len(site.ref)


def covers(each: Unnamed, site: Site) -> bool:
    """Whether a change touches the bases of a site."""
    start, end = _span(site)
    # An insertion has no bases of its own, and may be written anywhere in a repeat.
    return each.start < end and each.end > start if each.start < each.end else start <= each.start <= end


def _without_deleted(
    deletion: Unnamed, sites: Sequence[Site], codes: list[tuple[int, int]], phase: list[int], extras: list[Unnamed]
) -> list[Unnamed]:
    """Lays what was seen where a copy is deleted on the other copy; changes `codes` and `phase` in place.

    A position with two alleles contradicts the deletion: what isn't the reference is then taken to be on the copy that
    is left.
    """
    low, high = deletion.start, deletion.end
    inside = [at for at, site in enumerate(sites) if low <= _span(site)[0] and _span(site)[1] <= high]
    others = [each for each in extras if each is not deletion and low <= each.start and each.end <= high]
    kept = [each for each in extras if each not in others and each is not deletion]
    if deletion.copies == 2:
        for at in inside:
            codes[at] = (REFERENCE, REFERENCE)
        return [deletion, *kept]
    on_second = deletion.phase == 0 or deletion.second
    own = deletion.phase or 1 + max([*phase, *(each.phase for each in extras)])
    for at in inside:
        left = _left(codes[at])
        codes[at], phase[at] = ((left, REFERENCE) if on_second else (REFERENCE, left)), own
    return [
        deletion._replace(first=not on_second, second=on_second, phase=own),
        *kept,
        *(each._replace(first=on_second, second=not on_second, phase=own) for each in others),
    ]


def beside_deletions(changes: Iterable[Unnamed]) -> tuple[Unnamed, ...]:
    """The changes as they can lie beside one deleted copy: what was called on both is on the one that is left."""
    told = tuple(changes)
    gone = [each for each in told if each.term in DELETIONS and each.doubt is None and each.copies == 1]
    return tuple(
        each._replace(first=False)
        if each.copies == 2 and any(one.start <= each.start and each.end <= one.end for one in gone)
        else each
        for each in told
    )


def _left(codes: tuple[int, int]) -> int:
    """What stands on the copy that is left, of two codes: what isn't the reference, where one isn't."""
    known = set(codes) - {MISSING} or {MISSING}
    changed = known - {REFERENCE} or known
    return changed.pop() if len(changed) == 1 else MISSING
