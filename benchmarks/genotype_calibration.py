"""Does a stated probability come true? People are drawn from the frequencies held, sequenced and called.

Run: python benchmarks/genotype_calibration.py [--people 100000] [--depth 20] [--error 0.005] [--masked 0.01]
[--unnamed 0.002]. It ends with one JSON line {"people", "seconds", "TPMT": {...}, "NUDT15": {...}}. Each gene has the
table of how often a person of whom "normal" was stated with some probability is normal (`table`: [from, to, people,
stated, true]), and among those called Normal with more than 90%: how many are poor metabolizers (`poor`) against the
sum of the probabilities stated for it (`poor_stated`), and the same for anything but normal (`other`, `other_stated`).
`unnamed` counts those who carry a change that no allele names and that changes the protein, and `unnamed_normal` how
many of them were called Normal all the same, because their genotype there was masked or wrong.

A share of the copies (--unnamed) has a change of one base that no allele names, one of about thirty that are spread
over the coding sequence and its splice sites. What is presumed to leave no function leaves none; another changed amino
acid does in every second copy.

Reads are drawn allele by allele with the error given, PL and GQ are worked out from them as a caller does, and some
positions are masked. --calls-alone writes no figures, with each genotype wrong as often as --genotype-error says: what
is stated then can't know of these errors.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from azaward.genetics import call
from azaward.genetics.ancestry import prior
from azaward.genetics.consequence import presumed_functions, transcript
from azaward.genetics.dosing import NORMAL
from azaward.genetics.haplotypes import named_alleles, pair_phenotype
from azaward.genetics.model import GENES, SampleCall, sites
from azaward.knowledge import load
from azaward.readers.genomes.variants import read

KNOWLEDGE = load()
POOR = "Poor Metabolizer"
CERTAIN = 0.9
SOME = 30
COUNTED = ("called", "poor", "poor_stated", "other", "other_stated", "unnamed", "unnamed_normal")
BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.999, 1.0)


@dataclass(frozen=True)
class Lab:
    """How the people are sequenced: mean depth, errors a read, share of masked positions; or calls alone. And how many
    copies have a change that no allele names."""

    depth: float = 20.0
    error: float = 0.005
    masked: float = 0.01
    unnamed: float = 0.002
    genotype_error: float = 0.003
    calls_alone: bool = False
    seed: int = 11


@dataclass(frozen=True)
class Tally:
    """What was stated of the people of one gene, and what is true."""

    stated: list[float] = field(default_factory=list[float])
    true: list[bool] = field(default_factory=list[bool])
    called: int = 0
    poor: int = 0
    poor_stated: float = 0.0
    other: int = 0
    other_stated: float = 0.0
    unnamed: int = 0
    unnamed_normal: int = 0

    def table(self) -> list[tuple[float, float, int, float, float]]:
        """For each range of stated probabilities of normal: people, the mean stated, and the share that is normal."""
        stated, true = np.array(self.stated), np.array(self.true)
        rows: list[tuple[float, float, int, float, float]] = []
        for low, high in itertools.pairwise(BINS):
            inside = (stated >= low) & ((stated < high) | (high == 1.0))
            if n := int(inside.sum()):
                rows.append((low, high, n, float(stated[inside].mean()), float(true[inside].mean())))
        return rows


def draw(people: int, rng: np.random.Generator) -> dict[str, NDArray[np.intp]]:
    """For each gene the two alleles of each person, int [people, 2], of the same group on both sides."""
    drawn: dict[str, NDArray[np.intp]] = {}
    for gene in GENES:
        held = prior(KNOWLEDGE, named_alleles(KNOWLEDGE, gene), None)
        group = rng.choice(len(held.groups), size=people, p=held.weights)
        steps = held.frequency.cumsum(axis=1)
        steps /= steps[:, -1:]
        chance = rng.random((people, 2))
        drawn[gene] = (chance[:, :, None] > steps[group][:, None, :]).sum(axis=2)
    return drawn


@dataclass(frozen=True)
class Change:
    """A change of one base that no allele names: its place (from 1), its bases, and how often it leaves no function."""

    position: int
    ref: str
    alt: str
    lost: float


@dataclass(frozen=True)
class Person:
    """What is drawn of one gene of all people: int [people, 2], the named alleles and the changes (-1 for none), and
    bool [people, 2], whether the change takes the function away."""

    pairs: NDArray[np.intp]
    changes: NDArray[np.intp]
    lost: NDArray[np.bool_]


@lru_cache(maxsize=2)
def some_changes(gene: str) -> list[Change]:
    """Changes of one base, spread over the coding sequence and its splice sites, at positions that nobody has named."""
    made, named = transcript(KNOWLEDGE, gene), {site.pos_grch38 for site in sites(KNOWLEDGE, gene)}
    found: list[Change] = []
    for start, bases in made.around:
        for offset, ref in enumerate(bases):
            at = start + offset
            for alt in "ACGT":
                if alt != ref and at + 1 not in named and (effect := made.effect(at, at + 1, alt)) is not None:
                    function = presumed_functions(KNOWLEDGE)[effect.term]
                    lost = {"No function": 1.0, "Normal function": 0.0}.get(function or "", 0.5)
                    found.append(Change(at + 1, ref, alt, lost))
    return found[:: len(found) // SOME]


def draw_unnamed(pairs: NDArray[np.intp], gene: str, share: float, rng: np.random.Generator) -> Person:
    """The changes of these people."""
    known = some_changes(gene)
    has = rng.random(pairs.shape) < share
    changes = np.where(has, rng.integers(0, len(known), pairs.shape), -1)
    chance = np.array([change.lost for change in known])[changes]
    return Person(pairs, changes, has & (rng.random(pairs.shape) < chance))


def truth(gene: str, person: Person) -> list[str]:
    """The phenotype of each person's two copies."""
    functions = np.array(named_alleles(KNOWLEDGE, gene).functions, dtype=object)[person.pairs]
    functions[person.lost] = "No function"
    rows = [(str(one), str(other)) for one, other in functions.tolist()]
    known = {row: pair_phenotype(KNOWLEDGE, gene, *row) for row in set(rows)}
    return [known[row] for row in rows]


def write(path: Path, drawn: dict[str, Person], lab: Lab, rng: np.random.Generator) -> None:
    """The VCF that the laboratory gives of these people."""
    people = len(next(iter(drawn.values())).pairs)
    with path.open("w", encoding="utf-8") as out:
        out.write(_header(people))
        for gene, person in drawn.items():
            alleles, known = named_alleles(KNOWLEDGE, gene), some_changes(gene)
            for at, site in enumerate(alleles.sites):
                codes = alleles.carries[person.pairs, at]
                _write(out, (site.chrom, site.pos_grch38, site.ref, *site.alts), codes, lab, rng)
            for number in np.unique(person.changes[person.changes >= 0]).tolist():
                change = known[number]
                codes = (person.changes == number).astype(np.int8)
                _write(out, (alleles.sites[0].chrom, change.position, change.ref, change.alt), codes, lab, rng)


def _write(
    out: IO[str], record: tuple[str | int, ...], codes: NDArray[np.int8], lab: Lab, rng: np.random.Generator
) -> None:
    """A record, from the two alleles of each person, int8 [people, 2]."""
    chrom, position, ref, *alts = map(str, record)
    listed = [(low, high) for high in range(len(alts) + 1) for low in range(high + 1)]
    ordered = np.sort(codes.astype(np.intp), axis=1)
    own = ordered[:, 1] * (ordered[:, 1] + 1) // 2 + ordered[:, 0]
    cells = _called(listed, own, lab, rng) if lab.calls_alone else _read(listed, own, lab, rng)
    fields = "GT" if lab.calls_alone else "GT:DP:GQ:PL"
    out.write("\t".join((chrom, position, ".", ref, ",".join(alts), ".", "PASS", ".", fields, *cells)) + "\n")


def _header(people: int) -> str:
    lines = ["##fileformat=VCFv4.2"]
    known = {(row.chrom, row.length) for row in KNOWLEDGE.tables["assemblies"] if row.assembly == "GRCh38"}
    lines += [f"##contig=<ID={chrom},length={length}>" for chrom, length in sorted(known)]
    for name, number, kind in (
        ("GT", "1", "String"),
        ("DP", "1", "Integer"),
        ("GQ", "1", "Integer"),
        ("PL", "G", "Integer"),
    ):
        lines.append(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="">')
    names = (f"c{one:06d}" for one in range(people))
    return "\n".join([*lines, "\t".join(["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", *names])]) + "\n"


Listed = list[tuple[int, int]]


def _read(listed: Listed, own: NDArray[np.intp], lab: Lab, rng: np.random.Generator) -> Iterator[str]:
    """Cells of GT:DP:GQ:PL from reads; depth varies more than chance, as it does in the laboratory.

    `listed` has the genotypes that a site may have in the order of a VCF, and `own` the place of each person's.
    """
    wide = listed[-1][1] + 1
    rate = np.full((len(listed), wide), lab.error / (wide - 1))
    for place, (one, other) in enumerate(listed):
        rate[place, one] = rate[place, other] = (1 - lab.error) / (1 if one == other else 2)
    rate /= rate.sum(axis=1, keepdims=True)
    depth = rng.poisson(lab.depth * rng.gamma(20, 1 / 20, len(own)))
    depth[rng.random(len(own)) < lab.masked] = 0
    likely = rng.multinomial(depth, rate[own]) @ np.log10(rate).T
    penalty = np.rint(10 * (likely.max(axis=1, keepdims=True) - likely)).astype(int)
    called, seconds = penalty.argmin(axis=1).tolist(), np.sort(penalty, axis=1)[:, 1].tolist()
    for reads, row, best, second in zip(depth.tolist(), penalty.tolist(), called, seconds, strict=True):
        low, high = listed[best]
        sign = f"{low}/{high}" if second else "./."
        yield f"{sign}:{reads}:{min(second, 99)}:{','.join(map(str, row))}"


def _called(listed: Listed, own: NDArray[np.intp], lab: Lab, rng: np.random.Generator) -> Iterator[str]:
    """Cells of GT alone, some of them wrong and some missing."""
    wrong = rng.random(len(own)) < lab.genotype_error
    other = (own + rng.integers(1, len(listed), len(own))) % len(listed)
    masked = rng.random(len(own)) < lab.masked
    for place, unseen in zip(np.where(wrong, other, own).tolist(), masked.tolist(), strict=True):
        yield "./." if unseen else f"{listed[place][0]}/{listed[place][1]}"


def tally(calls: Iterator[SampleCall], drawn: dict[str, Person]) -> dict[str, Tally]:
    """What was stated of each gene against what is true."""
    real = {gene: truth(gene, person) for gene, person in drawn.items()}
    chance = {gene: np.array([change.lost for change in some_changes(gene)]) for gene in drawn}
    unnamed = {gene: ((one.changes >= 0) & (chance[gene][one.changes] > 0)).any(axis=1) for gene, one in drawn.items()}
    stated: dict[str, list[float]] = {gene: [] for gene in drawn}
    counted = {gene: np.zeros(6) for gene in drawn}
    for person, one in enumerate(calls):
        for gene, held in one.genes.items():
            share, is_so = dict(held.phenotypes), real[gene][person]
            stated[gene].append(share.get(NORMAL, 0.0))
            normal = held.acted_on == NORMAL
            counted[gene][5] += normal and unnamed[gene][person]
            if normal and share[NORMAL] > CERTAIN:
                counted[gene][:5] += (1, is_so == POOR, share.get(POOR, 0.0), is_so != NORMAL, 1 - share[NORMAL])
    found: dict[str, Tally] = {}
    for gene, (n, poor, said, other, more, missed) in ((gene, row.tolist()) for gene, row in counted.items()):
        true = [phenotype == NORMAL for phenotype in real[gene]]
        carriers = int(unnamed[gene].sum())
        found[gene] = Tally(stated[gene], true, int(n), int(poor), said, int(other), more, carriers, int(missed))
    return found


def run(people: int, lab: Lab) -> dict[str, Tally]:
    """Draws, sequences, reads and calls these people."""
    rng = np.random.default_rng(lab.seed)
    drawn = {gene: draw_unnamed(pairs, gene, lab.unnamed, rng) for gene, pairs in draw(people, rng).items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.vcf"
        write(path, drawn, lab, rng)
        return tally(call(read([path], KNOWLEDGE), KNOWLEDGE), drawn)


def main() -> None:
    """Prints the tables and the JSON line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=100_000)
    options.add_argument("--depth", type=float, default=Lab.depth)
    options.add_argument("--error", type=float, default=Lab.error)
    options.add_argument("--masked", type=float, default=Lab.masked)
    options.add_argument("--unnamed", type=float, default=Lab.unnamed)
    options.add_argument("--genotype-error", type=float, default=Lab.genotype_error)
    options.add_argument("--calls-alone", action="store_true")
    options.add_argument("--seed", type=int, default=Lab.seed)
    given = options.parse_args()
    lab = Lab(
        given.depth, given.error, given.masked, given.unnamed, given.genotype_error, given.calls_alone, given.seed
    )
    start = time.process_time()
    found = run(given.people, lab)
    answer: dict[str, object] = {"people": given.people, "seconds": round(time.process_time() - start, 1)}
    for gene, held in found.items():
        print(f"{gene}: normal stated with  people     stated    true")
        for low, high, n, stated, true in held.table():
            print(f"  {low:7.3f} to {high:5.3f}  {n:12,}  {stated:9.5f} {true:9.5f}")
        print(
            f"  called normal above {CERTAIN:.0%}: {held.called:,}; poor {held.poor} (stated {held.poor_stated:.3f}), "
            f"other than normal {held.other} (stated {held.other_stated:.2f}); with an unnamed change {held.unnamed}, "
            f"of whom called normal {held.unnamed_normal}"
        )
        answer[gene] = {
            "table": held.table(),
            **{name: getattr(held, name) for name in COUNTED},
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
