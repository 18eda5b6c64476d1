"""Does a stated probability come true? People are drawn from the frequencies held, sequenced and called.

Run: python benchmarks/genotype_calibration.py [--people 100000] [--depth 20] [--error 0.005] [--masked 0.01]. It ends
with one JSON line {"people", "seconds", "TPMT": {...}, "NUDT15": {...}}. Each gene has the table of how often a person
of whom "normal" was stated with some probability is normal (`table`: [from, to, people, stated, true]), and among those
called Normal with more than 90%: how many are poor metabolizers (`poor`) against the sum of the probabilities stated
for it (`poor_stated`), and the same for anything but normal (`other`, `other_stated`).

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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from azaward.genetics import call
from azaward.genetics.ancestry import prior
from azaward.genetics.dosing import NORMAL
from azaward.genetics.haplotypes import NamedAlleles, named_alleles, pair_phenotype
from azaward.genetics.model import GENES, SampleCall
from azaward.knowledge import load
from azaward.readers.genomes.variants import read

KNOWLEDGE = load()
POOR = "Poor Metabolizer"
CERTAIN = 0.9
BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.999, 1.0)


@dataclass(frozen=True)
class Lab:
    """How the people are sequenced: mean depth, errors a read, share of masked positions; or calls alone."""

    depth: float = 20.0
    error: float = 0.005
    masked: float = 0.01
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


def truth(gene: str, pairs: NDArray[np.intp]) -> list[str]:
    """The phenotype of each person's two alleles."""
    functions = named_alleles(KNOWLEDGE, gene).functions
    known = {
        (one, other): pair_phenotype(KNOWLEDGE, gene, functions[one], functions[other])
        for one, other in {tuple(pair) for pair in pairs.tolist()}
    }
    return [known[one, other] for one, other in pairs.tolist()]


def write(path: Path, drawn: dict[str, NDArray[np.intp]], lab: Lab, rng: np.random.Generator) -> None:
    """The VCF that the laboratory gives of these people."""
    people = len(next(iter(drawn.values())))
    with path.open("w", encoding="utf-8") as out:
        out.write(_header(people))
        for gene, pairs in drawn.items():
            alleles = named_alleles(KNOWLEDGE, gene)
            for at, site in enumerate(alleles.sites):
                cells = (
                    _called(alleles, pairs, at, lab, rng) if lab.calls_alone else _read(alleles, pairs, at, lab, rng)
                )
                fixed = (site.chrom, str(site.pos_grch38), site.rsid or ".", site.ref, ",".join(site.alts))
                fields = "GT" if lab.calls_alone else "GT:DP:GQ:PL"
                out.write("\t".join((*fixed, ".", "PASS", ".", fields, *cells)) + "\n")


def _header(people: int) -> str:
    lines = ["##fileformat=VCFv4.2"]
    for row in KNOWLEDGE.tables["assemblies"]:
        if row.assembly == "GRCh38":
            lines.append(f"##contig=<ID={row.chrom},length={row.length}>")
    for name, number, kind in (
        ("GT", "1", "String"),
        ("DP", "1", "Integer"),
        ("GQ", "1", "Integer"),
        ("PL", "G", "Integer"),
    ):
        lines.append(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="">')
    names = (f"c{one:06d}" for one in range(people))
    return "\n".join([*lines, "\t".join(["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT", *names])]) + "\n"


def _genotypes(
    alleles: NamedAlleles, pairs: NDArray[np.intp], at: int
) -> tuple[list[tuple[int, int]], NDArray[np.intp]]:
    """The genotypes that a site may have in the order of a VCF, and the place of each person's own."""
    wide = len(alleles.sites[at].alts) + 1
    listed = [(low, high) for high in range(wide) for low in range(high + 1)]
    codes = np.sort(alleles.carries[pairs, at].astype(np.intp), axis=1)
    return listed, codes[:, 1] * (codes[:, 1] + 1) // 2 + codes[:, 0]


def _read(alleles: NamedAlleles, pairs: NDArray[np.intp], at: int, lab: Lab, rng: np.random.Generator) -> Iterator[str]:
    """Cells of GT:DP:GQ:PL from reads; depth varies more than chance, as it does in the laboratory."""
    listed, own = _genotypes(alleles, pairs, at)
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


def _called(
    alleles: NamedAlleles, pairs: NDArray[np.intp], at: int, lab: Lab, rng: np.random.Generator
) -> Iterator[str]:
    """Cells of GT alone, some of them wrong and some missing."""
    listed, own = _genotypes(alleles, pairs, at)
    wrong = rng.random(len(own)) < lab.genotype_error
    other = (own + rng.integers(1, len(listed), len(own))) % len(listed)
    masked = rng.random(len(own)) < lab.masked
    for place, unseen in zip(np.where(wrong, other, own).tolist(), masked.tolist(), strict=True):
        yield "./." if unseen else f"{listed[place][0]}/{listed[place][1]}"


def tally(calls: Iterator[SampleCall], drawn: dict[str, NDArray[np.intp]]) -> dict[str, Tally]:
    """What was stated of each gene against what is true."""
    real = {gene: truth(gene, pairs) for gene, pairs in drawn.items()}
    found = {gene: Tally() for gene in drawn}
    counted = {gene: np.zeros(5) for gene in drawn}
    for person, one in enumerate(calls):
        for gene, held in one.genes.items():
            share, is_so = dict(held.phenotypes), real[gene][person]
            found[gene].stated.append(share.get(NORMAL, 0.0))
            found[gene].true.append(is_so == NORMAL)
            if held.phenotype == NORMAL and share[NORMAL] > CERTAIN:
                counted[gene] += (1, is_so == POOR, share.get(POOR, 0.0), is_so != NORMAL, 1 - share[NORMAL])
    return {
        gene: Tally(held.stated, held.true, int(n), int(poor), float(stated), int(other), float(more))
        for gene, held in found.items()
        for n, poor, stated, other, more in [counted[gene].tolist()]
    }


def run(people: int, lab: Lab) -> dict[str, Tally]:
    """Draws, sequences, reads and calls these people."""
    rng = np.random.default_rng(lab.seed)
    drawn = draw(people, rng)
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
    options.add_argument("--genotype-error", type=float, default=Lab.genotype_error)
    options.add_argument("--calls-alone", action="store_true")
    options.add_argument("--seed", type=int, default=Lab.seed)
    given = options.parse_args()
    lab = Lab(given.depth, given.error, given.masked, given.genotype_error, given.calls_alone, given.seed)
    start = time.process_time()
    found = run(given.people, lab)
    answer: dict[str, object] = {"people": given.people, "seconds": round(time.process_time() - start, 1)}
    for gene, held in found.items():
        print(f"{gene}: normal stated with  people     stated    true")
        for low, high, n, stated, true in held.table():
            print(f"  {low:7.3f} to {high:5.3f}  {n:12,}  {stated:9.5f} {true:9.5f}")
        print(
            f"  called normal above {CERTAIN:.0%}: {held.called:,}; poor {held.poor} (stated {held.poor_stated:.3f}), "
            f"other than normal {held.other} (stated {held.other_stated:.2f})"
        )
        answer[gene] = {
            "table": held.table(),
            **{name: getattr(held, name) for name in ("called", "poor", "poor_stated", "other", "other_stated")},
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
