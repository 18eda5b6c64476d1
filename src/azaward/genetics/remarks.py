"""What must a reader of a call be told in words: what wasn't seen and what may hide there, what nobody has named, which
sides aren't known, and which records disagreed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from azaward.genetics.consequence import consequences
from azaward.genetics.decision import percent
from azaward.genetics.diplotypes import MOST_BLOCKS, Pair
from azaward.genetics.haplotypes import NamedAlleles
from azaward.genetics.mixture import marginal
from azaward.genetics.model import DISAGREED, Diplotype, Status, Unnamed, Unsure
from azaward.genetics.observed import ABLATION, NORMAL_FUNCTION, Extra
from azaward.knowledge import Knowledge

_DISAGREED = (int(Status.CONFLICT), int(Status.CONFLICT_SETTLED))
_COPIES = {1: "on one copy", 2: "on both copies"}
_PRESUMED = {1: "that copy is", 2: "both copies are"}
WORTH_SAYING = 0.001
"""A genotype is called unsure in words if another has this probability; a smaller one still counts."""


def undocumented(extras: Sequence[Extra], unnamed: Sequence[Unnamed], fitting: tuple[Pair, ...]) -> tuple[str, ...]:
    """What no named allele has, then haplotypes whose parts nobody has named together."""
    if not extras and not unnamed and fitting[0].named:
        return ()
    told = [each.name for each in unnamed if each.term != ABLATION and each.doubt is None]
    alone = [*told, *(each.name for each in extras if each.site is not None)]
    haplotypes = [haplotype.name for pair in fitting for haplotype in (pair.one, pair.other) if not haplotype.named]
    return tuple(dict.fromkeys((*alone, *(name for name in haplotypes if name[1:-1] not in alone))))


# Why it isn't known whether a change is there at all.
_UNSEEN = tuple(each.says for each in (Status.NO_CALL, Status.HALF_CALL, Status.HAPLOID, Status.UNSURE))


def of_changes(knowledge: Knowledge, unnamed: Sequence[Unnamed]) -> Iterator[str]:
    """What each change that no allele names does, and what is presumed of it."""
    rows = consequences(knowledge)
    for each in unnamed:
        row, where = rows[each.term], _COPIES.get(each.copies, "on an unknown number of copies")
        if each.copies == 0 and "[" in each.name:
            where = "if these lie on one copy"
        if each.doubt in _UNSEEN:
            yield f"{each.name} ({row.says}) may be present: {each.doubt}. Have it confirmed."
        elif each.doubt:
            yield f"{each.name} ({row.says}) was seen but isn't counted: {each.doubt}. Have it confirmed."
        elif each.term == ABLATION:
            left = "" if each.copies == 2 else ": what was seen comes from the copy that is left"
            yield f"The whole gene is deleted {where}{left}."
        elif row.function == NORMAL_FUNCTION:
            yield f"{each.name} {where}: {row.says}, so it doesn't change the result."
        elif row.function:
            copies = _PRESUMED.get(each.copies, "a copy with it is")
            yield f"{each.name} {where}: {row.says}. No named allele has it; {copies} presumed not to work."
        else:
            yield f"{each.name} {where}: {row.says}. No named allele has it, so its effect isn't known."


def of_what_is_missing(
    alleles: NamedAlleles,
    missing: Sequence[int],
    fitting: tuple[Pair, ...],
    hiding: tuple[tuple[str, float], ...],
    normal: float | None,
) -> Iterator[str]:
    """How many positions weren't seen, what may hide there and how probably.

    `normal` is the probability of the normal phenotype, where that is the one called.
    """
    if not missing and not hiding:
        return
    if missing:
        yield f"{len(missing)} of {len(alleles.sites)} positions that define an allele were not seen in full."
    if not hiding:
        yield "No allele can hide at the positions that weren't seen: the other positions rule out all of them."
        return
    names = [name for name, _ in hiding]
    indices = {alleles.names.index(name) for name in names}
    some = sum(pair.probability for pair in fitting if indices & pair.beyond(fitting[0]))
    most = f"{hiding[0][0]}, {percent(hiding[0][1])}"
    if len(names) == 1:
        yield f"1 allele may hide where not everything was seen ({most})."
    else:
        any_of_them = f"; the probability that any of them does is {percent(some)}" if fitting[0].named else ""
        yield f"{len(names)} alleles may hide where not everything was seen (most probable {most}){any_of_them}."
    if normal is not None:
        yield f"Normal by the positions seen, with a probability of {percent(normal)} as far as named alleles go."


def of_undocumented(unheard: tuple[str, ...], extras: Sequence[Extra], unsided: int) -> Iterator[str]:
    """What has no name and hasn't been told by its consequence; `unsided` places are those at which the copies
    differ."""
    untold = [one for one in unheard if one[0] == "[" or any(each.name == one and not each.told for each in extras)]
    if untold:
        more = f" and {len(untold) - 3} more" if len(untold) > 3 else ""
        yield (
            f"Undocumented: {'; '.join(untold[:3])}{more}. No named allele is like it, so its effect isn't known. "
            "It counts as no better than its worst known part, and never as normal."
        )
    if unheard and unsided > MOST_BLOCKS:
        yield f"The two copies differ at {unsided} places, more than in any one person. Is the sample a mixture?"


def of_phase(diplotypes: tuple[Diplotype, ...]) -> Iterator[str]:
    """Which pairs differ only by what lies on which copy: all of their variants were seen."""
    seen = [diplotype for diplotype in diplotypes if not diplotype.rests_on_unseen]
    if len(seen) > 1:
        rest = ", ".join(f"{diplotype.call} ({percent(diplotype.probability)})" for diplotype in seen[1:4])
        more = f" and {len(seen) - 4} more" if len(seen) > 4 else ""
        yield (
            "It isn't known which variants lie on the same copy of the gene: "
            f"{seen[0].call} has {percent(seen[0].probability)}; also fitting: {rest}{more}."
        )


def of_records(alleles: NamedAlleles, sites: Sequence[int], status: Sequence[int]) -> Iterator[str]:
    """Repeated records that disagreed, at any of these sites."""
    for at in sites:
        if status[at] in _DISAGREED:
            yield f"{alleles.sites[at].label}: {Status(status[at]).says}."


def of_unsure(alleles: NamedAlleles, fitting: tuple[Pair, ...], unsure: Mapping[int, Unsure]) -> Iterator[str]:
    """Which genotypes the file isn't sure of, what else each may be, and what contradicts it."""
    told: list[tuple[float, str]] = []
    likely = [at for at, held in unsure.items() if held.likelihoods] if fitting[0].by_named_alleles else []
    weighed = dict(zip(likely, marginal(alleles, fitting, likely), strict=True)) if likely else {}
    for at, held in sorted(unsure.items()):
        site = alleles.sites[at]
        shares = weighed.get(at) or list(held.genotypes)
        total = sum(share for _, share in shares)
        words = [f"{site.base(one)}/{site.base(other)} {percent(share / total)}" for (one, other), share in shares[:3]]
        if held.why != DISAGREED:
            told.append((1 - shares[0][1] / total, f"{site.label} {', '.join(words)}"))
        if held.why:
            yield f"{site.label}: {held.why}. Both were taken into account, neither as sure."
    told = [one for one in sorted(told, key=lambda one: -one[0]) if one[0] >= WORTH_SAYING]
    if told:
        more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
        yield f"By the file's own figures these genotypes aren't sure: {'; '.join(text for _, text in told[:3])}{more}."
