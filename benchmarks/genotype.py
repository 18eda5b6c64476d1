"""How fast are genotypes of a biobank called, and one person's of a whole genome? And do other callers agree?

Run: python benchmarks/genotype.py --samples 100000 [--records 4000000] [--peers PYTHON]. It ends with one JSON line
{"samples", "decode_s", "genotype_s", "ratio", "peak_mb", "single_s"} and, beside these, the same for a phased file
("phased"), for a tenth of the samples ("peak_mb_of_a_tenth"), the whole command with its JSON ("command_s") and one
genome without its index ("unindexed_s", "cyvcf2_through_s", "unindexed_ratio"). `peak_mb` counts memory that the
reading process shares with the one that waits for it once. `decode_s` is cyvcf2 decoding the same
genotypes of the same file. Every figure is of a process of its own, the best of three; seconds are the processor's,
so that other work on the machine doesn't count, but for `single_s`, which is by the clock (`single_cpu_s` beside it).
--peers names a Python in which pypgx and aldy are installed: the same samples then go through them too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pysam

from azaward.genetics.model import GENES, Site, sites
from azaward.knowledge import load

AZAWARD = Path(sys.executable).with_name("azaward")
PEER = Path(__file__).with_name("genotype_peers.py")
SHARE_OF_RARE = 0.0001
"""How common each allele is made that the knowledge has no frequency of: more than it is, so that patterns abound."""
MISSING_SHARE = 0.0005
"""How many genotypes of a cohort weren't called."""

DECODE = """
import sys, time, cyvcf2
start = time.process_time()
for variant in cyvcf2.VCF(sys.argv[1]):
    variant.genotype.array()
print(time.process_time() - start)
"""
THROUGH = """
import sys, time
import cyvcf2
for variant in cyvcf2.VCF(sys.argv[1]):
    pass
print(time.process_time())
"""
GENOTYPE = """
import resource, sys, time
from pathlib import Path
from azaward.knowledge import load
from azaward.readers.genomes.variants import read
from azaward.genetics.calling import call
knowledge = load()
whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
def used():
    return sum(part for each in map(resource.getrusage, whose) for part in (each.ru_utime, each.ru_stime))
start = used()
count = sum(1 for _ in call(read([Path(sys.argv[1])], knowledge), knowledge))
# The reading is done by a process of its own, whose time counts.
print(used() - start, count)
"""


def haplotypes(rng: np.random.Generator, people: int) -> Iterator[tuple[Site, np.ndarray]]:
    """For each site its allele codes [people, 2], drawn from named alleles as common as the knowledge says."""
    knowledge = load()
    for gene in GENES:
        rows = [row for row in knowledge.tables["alleles"] if row.gene == gene]
        names = list(dict.fromkeys(row.allele for row in rows))
        common = {
            row.allele: row.frequency
            for row in knowledge.tables["allele_frequencies"]
            if row.gene == gene and row.prior and row.allele != "*1"
        }
        shares = np.array([common.get(name, SHARE_OF_RARE) if name != "*1" else 0.0 for name in names])
        shares[names.index("*1")] = 1 - shares.sum()
        drawn = rng.choice(len(names), size=(people, 2), p=shares)
        for site in sites(knowledge, gene):
            code_of = np.zeros(len(names), np.int8)
            for row in rows:
                if row.pos_grch38 == site.pos_grch38:
                    code_of[names.index(row.allele)] = site.alts.index(row.alt) + 1
            yield site, code_of[drawn]


def write_cohort(path: Path, people: int, *, phased: bool, missing: float = MISSING_SHARE, seed: int = 7) -> None:
    """A bgzip VCF of a cohort at every site that defines an allele."""
    rng = np.random.default_rng(seed)
    sign = "|" if phased else "/"
    with pysam.BGZFile(str(path), "w") as out:
        names = [f"c{one:06d}" for one in range(people)]
        out.write(_header(names).encode())
        for site, codes in haplotypes(rng, people):
            if not phased:
                codes = np.sort(codes, axis=1)
            words = np.array([f"{a}{sign}{b}\t" for a in range(3) for b in range(3)] + ["./.\t"], "S4")
            cell = codes[:, 0].astype(np.intp) * 3 + codes[:, 1]
            cell[rng.random(people) < missing] = 9
            calls = words[cell].tobytes()[:-1]
            fixed = [site.chrom, str(site.pos_grch38), site.rsid or ".", site.ref, ",".join(site.alts)]
            out.write("\t".join([*fixed, ".", "PASS", ".", "GT", ""]).encode() + calls + b"\n")


def write_genome(path: Path, records: int, seed: int = 7) -> None:
    """One person's whole genome: records spread over the chromosomes, those of the two genes among them."""
    rng = np.random.default_rng(seed)
    own = {(site.chrom, site.pos_grch38): (site, codes[0]) for site, codes in haplotypes(rng, 1)}
    regions = {chrom: [at for on, at in own if on == chrom] for chrom, _ in own}
    chroms = [f"chr{number}" for number in range(1, 23)]
    each = records // len(chroms)
    with pysam.BGZFile(str(path), "w") as out:
        out.write(_header(["c000001"]).encode())
        for chrom in chroms:
            positions = np.unique(rng.integers(10_000, 110_000_000, each))
            if spans := regions.get(chrom):
                positions = positions[(positions < min(spans) - 500) | (positions > max(spans) + 500)]
                positions = np.sort(np.concatenate([positions, spans]))
            lines: list[str] = []
            for at in positions.tolist():
                if held := own.get((chrom, at)):
                    site, codes = held
                    what = f"{site.ref}\t{','.join(site.alts)}\t50\tPASS\t.\tGT:DP:GQ\t{codes[0]}/{codes[1]}:31:99\n"
                else:
                    what = "A\tG\t50\tPASS\tAC=1;AN=2;DP=31\tGT:AD:DP:GQ\t0/1:15,16:31:99\n"
                lines.append(f"{chrom}\t{at}\t.\t{what}")
                if len(lines) >= 50_000:
                    out.write("".join(lines).encode())
                    lines.clear()
            out.write("".join(lines).encode())
    pysam.tabix_index(str(path), preset="vcf", force=True)


def _header(names: list[str]) -> str:
    contigs = [f"##contig=<ID=chr{number}>" for number in range(1, 23)]
    for chrom, length in {(row.chrom, row.length) for row in load().tables["assemblies"] if row.assembly == "GRCh38"}:
        contigs[contigs.index(f"##contig=<ID={chrom}>")] = f"##contig=<ID={chrom},length={length}>"
    fields = [
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="">',
        '##INFO=<ID=AN,Number=1,Type=Integer,Description="">',
    ]
    fields.append('##INFO=<ID=DP,Number=1,Type=Integer,Description="">')
    for name, kind, number in (
        ("GT", "String", "1"),
        ("AD", "Integer", "R"),
        ("DP", "Integer", "1"),
        ("GQ", "Integer", "1"),
    ):
        fields.append(f'##FORMAT=<ID={name},Number={number},Type={kind},Description="">')
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", *names]
    return "\n".join(["##fileformat=VCFv4.2", *contigs, *fields, "\t".join(columns)]) + "\n"


def run(code: str, *arguments: object) -> list[float]:
    """What a Python process of its own printed, as numbers."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], check=True, capture_output=True, text=True, env=_compiled()
    )
    return [float(word) for word in done.stdout.split()]


def peak_mb(code: str, *arguments: object) -> float:
    """The most memory that a Python process and its children had together, looked at every two milliseconds.

    It is the proportional set size: what parent and child share, as after a fork, counts once.
    """
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.DEVNULL, env=_compiled()
    ) as process:
        most = 0
        while process.poll() is None:
            most = max(most, sum(map(_proportional_kb, [process.pid, *_children(process.pid)])))
            time.sleep(0.002)
    assert process.returncode == 0
    return most / 1024


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _proportional_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def command(*arguments: object) -> tuple[float, float]:
    """Seconds that `azaward` took as a whole process, its answer thrown away: by the clock, and of the processor."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([AZAWARD, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, used


def _compiled() -> dict[str, str]:
    """The environment with modules compiled once and kept, as an installed program has them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "azaward-benchmark-bytecode")}


def cohort(folder: Path, people: int, *, phased: bool) -> dict[str, float]:
    """Decoding against genotyping, three times in turn, on one file."""
    path = folder / f"cohort-{people}-{'phased' if phased else 'unphased'}.vcf.gz"
    if not path.exists():
        write_cohort(path, people, phased=phased)
    decoded, called = [], []
    for _ in range(3):
        decoded += run(DECODE, path)
        called.append(run(GENOTYPE, path))
    decode_s, genotype_s = min(decoded), min(one[0] for one in called)
    assert all(one[1] == people for one in called), "a sample was lost"
    return {
        "decode_s": round(decode_s, 3),
        "genotype_s": round(genotype_s, 3),
        "ratio": round(genotype_s / decode_s, 2),
        "peak_mb": round(peak_mb(GENOTYPE, path), 1),
    }


def genome(folder: Path, records: int) -> dict[str, float]:
    """One genome with its index, and without it against cyvcf2 reading through it."""
    path = folder / f"genome-{records}.vcf.gz"
    if not path.exists():
        write_genome(path, records)
    bare = folder / f"bare-{records}.vcf.gz"
    if not bare.exists():
        bare.symlink_to(path)
    command("genotype", path, "--format", "json")
    single = [command("genotype", path, "--format", "json") for _ in range(5)]
    through, unindexed = [], []
    for _ in range(2):
        through += run(THROUGH, bare)
        unindexed.append(command("genotype", bare, "--format", "json")[1])
    return {
        "records": records,
        "single_s": round(statistics.median(clock for clock, _ in single), 3),
        "single_cpu_s": round(statistics.median(used for _, used in single), 3),
        "unindexed_s": round(min(unindexed), 2),
        "cyvcf2_through_s": round(min(through), 2),
        "unindexed_ratio": round(min(unindexed) / min(through), 2),
    }


def peers(folder: Path, python: Path, people: int) -> dict[str, object]:
    """The same samples through pypgx and aldy: seconds, and a table of where the calls differ."""
    # Whole genotypes: with any missing, pypgx would phase them anew, with a panel and a Java program of its own.
    path = folder / f"peers-{people}.vcf.gz"
    if not path.exists():
        write_cohort(path, people, phased=True, missing=0)
    pysam.tabix_index(str(path), preset="vcf", force=True)
    from azaward.genetics.calling import call
    from azaward.readers.genomes.variants import read

    start = time.perf_counter()
    ours = {
        (one.sample, gene): held.diplotypes[0].call if held.diplotypes else "none"
        for one in call(read([path], load()), load())
        for gene, held in one.genes.items()
    }
    seconds: dict[str, object] = {"azaward": round(time.perf_counter() - start, 2)}
    done = subprocess.run([python, PEER, path], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"seconds": seconds, "refused": done.stderr.strip().splitlines()[-1:]}
    found = json.loads(done.stdout.splitlines()[-1])
    truth = planted(people)
    differing: Counter[tuple[str, str, str, str, str]] = Counter()
    for peer, (took, calls) in found.items():
        seconds[peer] = round(took, 2)
        for sample, gene, theirs in calls:
            mine = ours[sample, gene]
            if _pair(mine) != _pair(theirs):
                differing[peer, gene, _pair(mine), _pair(theirs), _pair(truth[sample, gene])] += 1
    print(f"{'peer':6} {'gene':7} {'azaward':>12} {'peer':>12} {'planted':>12} {'times':>6}  right")
    for (peer, gene, mine, theirs, real), count in differing.most_common(40):
        right = "azaward" if mine == real else "peer" if theirs == real else "neither"
        print(f"{peer:6} {gene:7} {mine:>12} {theirs:>12} {real:>12} {count:6}  {right}")
    return {
        "samples": people,
        "seconds": seconds,
        "differing": {peer: sum(count for key, count in differing.items() if key[0] == peer) for peer in found},
    }


def planted(people: int, seed: int = 7) -> dict[tuple[str, str], str]:
    """The alleles that `write_cohort` drew for each person, before genotypes were lost."""
    knowledge = load()
    rng = np.random.default_rng(seed)
    columns = {(site.gene, site.pos_grch38): codes for site, codes in _same_draw(rng, people)}
    named: dict[str, dict[tuple[tuple[int, int], ...], str]] = {}
    for gene in GENES:
        named[gene] = {}
        by_allele: dict[str, list[tuple[int, int]]] = {"*1": []}
        for row in knowledge.tables["alleles"]:
            if row.gene == gene and row.pos_grch38:
                site = next(each for each in sites(knowledge, gene) if each.pos_grch38 == row.pos_grch38)
                by_allele.setdefault(row.allele, []).append((row.pos_grch38, site.alts.index(row.alt) + 1))
        for allele, changes in by_allele.items():
            named[gene][tuple(sorted(changes))] = allele
    found: dict[tuple[str, str], str] = {}
    for gene in GENES:
        held = [(at, codes) for (of, at), codes in columns.items() if of == gene]
        for person in range(people):
            pair = [
                named[gene][tuple(sorted((at, int(codes[person, side])) for at, codes in held if codes[person, side]))]
                for side in (0, 1)
            ]
            found[f"c{person:06d}", gene] = "/".join(pair)
    return found


def _same_draw(rng: np.random.Generator, people: int) -> Iterator[tuple[Site, np.ndarray]]:
    """As in `write_cohort`: each site's draw of lost genotypes comes between the genes' draws."""
    for site, codes in haplotypes(rng, people):
        rng.random(people)
        yield site, codes


def _pair(call: str) -> str:
    return "/".join(sorted(call.split("/"), key=lambda name: (len(name), name)))


def main() -> None:
    """Prints the JSON line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=int, default=100_000)
    options.add_argument("--records", type=int, default=4_000_000)
    options.add_argument("--folder", type=Path, help="keep the files here, to use them again")
    options.add_argument("--peers", type=Path, help="a Python that has pypgx and aldy")
    options.add_argument("--peer-samples", type=int, default=200)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(exist_ok=True, parents=True)
        answer: dict[str, object] = {"samples": given.samples, **cohort(folder, given.samples, phased=False)}
        answer["phased"] = cohort(folder, given.samples, phased=True)
        answer["peak_mb_of_a_tenth"] = cohort(folder, max(1, given.samples // 10), phased=False)["peak_mb"]
        answer["command_s"] = round(
            command("genotype", folder / f"cohort-{given.samples}-unphased.vcf.gz", "--format", "json")[1], 2
        )
        answer |= genome(folder, given.records)
        if given.peers:
            answer["peers"] = peers(folder, given.peers, given.peer_samples)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
