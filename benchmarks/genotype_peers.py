"""Calls a phased VCF's samples with pypgx and with aldy, for benchmarks/genotype.py: run by a Python that has both.

Run: PYTHON benchmarks/genotype_peers.py FILE. Prints one JSON line {peer: [seconds, [[sample, gene, call], ...]]}.
pypgx takes the whole file at once; aldy takes one person, so it is given the first of them only (--aldy).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

GENES = ("TPMT", "NUDT15")
Calls = list[tuple[str, str, str]]


def by_pypgx(path: Path, folder: Path) -> tuple[float, Calls]:
    """Its pipeline for genotypes that need no phasing."""
    from pypgx.api import pipeline

    calls: Calls = []
    start = time.perf_counter()
    for gene in GENES:
        with contextlib.redirect_stdout(io.StringIO()):
            pipeline.run_chip_pipeline(gene, str(folder / gene), str(path), assembly="GRCh38")
        with zipfile.ZipFile(folder / gene / "results.zip") as results:
            name = next(each for each in results.namelist() if each.endswith("data.tsv"))
            head, *lines = results.read(name).decode().splitlines()
        column = head.split("\t").index("Genotype")
        for line in lines:
            cells = line.split("\t")
            calls.append((cells[0], gene, cells[column]))
    return time.perf_counter() - start, calls


def by_aldy(path: Path, folder: Path, people: int) -> tuple[float, Calls]:
    """One person a call, as aldy works."""
    import pysam

    program = Path(sys.executable).with_name("aldy")
    calls: Calls = []
    with pysam.VariantFile(str(path)) as file:
        names = list(file.header.samples)[:people]
    seconds = 0.0
    for name in names:
        one = folder / f"{name}.vcf.gz"
        with pysam.VariantFile(str(path)) as file:
            file.subset_samples([name])
            with pysam.VariantFile(str(one), "wz", header=file.header) as out:
                for record in file:
                    out.write(record)
        pysam.tabix_index(str(one), preset="vcf", force=True)
        for gene in GENES:
            answer = folder / f"{name}-{gene}.txt"
            start = time.perf_counter()
            subprocess.run(
                [program, "genotype", "-g", gene, "--genome", "hg38", "-o", answer, one],
                capture_output=True,
                check=False,
            )
            seconds += time.perf_counter() - start
            rows = [line.split("\t") for line in answer.read_text().splitlines()] if answer.exists() else []
            found = dict.fromkeys(row[3] for row in rows if len(row) > 3 and not row[0].startswith("#"))
            calls.append((name, gene, " or ".join(found) or "none"))
    return seconds, calls


def main() -> None:
    """Prints the JSON line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("file", type=Path)
    options.add_argument("--aldy", type=int, default=10, help="how many people aldy is given")
    given = options.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {"pypgx": by_pypgx(given.file, folder), "aldy": by_aldy(given.file, folder, given.aldy)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
