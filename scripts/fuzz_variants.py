"""Feeds the readers of variant files with damaged files and looks for anything but an answer or one clear line.

Run: python scripts/fuzz_variants.py --minutes 10 [--seed 1] [--keep tests/readers/genomes/fuzz]. The reading is done
by a process of its own, so that a crash of the C library is seen. It ends with one JSON line {"files", "answered",
"refused", "found"}.
What it finds is kept, with its reason in the name: tests/readers/genomes/test_fuzz.py reads every kept file again.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import random
import re
import select
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pysam

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.readers.genomes.variant_files import R139C, REPEAT, SITES, TPMT3C, at, header, line, position, whole

SLOW_S = 60
WORDS = [
    *(b"\t", b"\n", b"\r\n", b"|", b"/", b".", b":", b",", b"*", b"<NON_REF>", b"<*>", b"<DEL>", b"GT", b"DP", b"PS"),
    *(b"FT", b"END=", b"END=1", b"END=2147483647", b"-1", b"0", b"2147483648", b"99999999999999999999", b"0/1/1"),
    *(
        b"0|1",
        b"./.",
        b"##",
        b"#CHROM",
        b"##contig=<ID=chr6,length=",
        b"chr6",
        b"chr13",
        b"PASS",
        b"\x00",
        b"\xff",
        b"N",
    ),
    *(
        b"<DUP>",
        b"<CNV>",
        b"<CN0>",
        b"N[chr6:18160000[",
        b"]chr6:1]N",
        b"SVLEN=",
        b"SVLEN=-29000",
        b"SVTYPE=BND",
        b"CN",
    ),
    *(
        b"PL",
        b"GP",
        b"GL",
        b"DS",
        b"AD",
        b"PID",
        b"PGT",
        b"0,0,0",
        b"nan",
        b"inf",
        b"-inf",
        b"1e308",
        b"0.5,0.5",
        b"./.:",
    ),
    *(b"A" * 5000, b"rs116855232", b"build 37", b"build 38", b'"', b'""', b",,,,", b"II", b"--", b"GRCh37", b"Flag"),
]

CHILD = """
import os, sys
from pathlib import Path
from azaward.readers.genomes import apart as variants_apart
from azaward.errors import InputError
from azaward.readers.genomes.variants import read
from azaward.genetics.calling import call
from azaward.knowledge import load
knowledge = load()
variants_apart.SILENCE_S = float(os.environ.get("AZAWARD_TEST_SILENCE_S", variants_apart.SILENCE_S))
for line in sys.stdin:
    path, assembly = line.rstrip("\\n").split("\\t")
    try:
        people = sum(1 for _ in call(read([Path(path)], knowledge, assembly=assembly or None), knowledge))
        print("answered", people, flush=True)
    except InputError as error:
        text = str(error)
        clear = "\\n" not in text and text.isprintable() and len(text) < 600
        print("refused" if clear else "unclear " + ascii(text)[:200], flush=True)
    except BaseException as error:
        print("raised", type(error).__name__, ascii(str(error))[:200], flush=True)
"""


FIELDS = (
    '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length">',
    '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Kind">',
    '##INFO=<ID=R2,Number=1,Type=Float,Description="Quality of imputation">',
    '##FORMAT=<ID=CN,Number=1,Type=Integer,Description="Copies">',
    '##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">',
    '##FORMAT=<ID=GP,Number=G,Type=Float,Description="Probabilities">',
    '##FORMAT=<ID=GL,Number=G,Type=Float,Description="Likelihoods">',
    '##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads">',
    '##FORMAT=<ID=PID,Number=1,Type=String,Description="Physical phase">',
    '##FORMAT=<ID=PGT,Number=1,Type=String,Description="Its sides">',
)


def rearrangements() -> str:
    """Rearrangements in the words of several callers."""
    rows = (
        (18127000, "A", "<DEL>", "0/1:1", "SVTYPE=DEL;END=18156000;SVLEN=-29000"),
        (18138000, "A", "<DUP:TANDEM>", "1/1:4", "SVTYPE=DUP;END=18140500"),
        (18120000, "N", "<CNV>", "./.:3", "SVTYPE=CNV;SVLEN=40000"),
        (18119000, "N", "<DEL>,<DUP>", "1/2:2", "END=18160000;SVLEN=-41000,41000"),
        (18120000, "N", "N[chr6:18160000[", "0/1:.", "SVTYPE=BND"),
        (18145000, "N", "]chr2:500]N", "0|1:.", "SVTYPE=BND"),
        (18100000, "N", ".", "0/0:2", "SVTYPE=CNV;END=18200000"),
    )
    return "".join(
        line("chr6", start, ref, alt, cell, fields="GT:CN", info=info) for start, ref, alt, cell, info in rows
    )


def uncertain() -> str:
    """Calls with figures that leave room for another genotype, and a change that no allele names."""
    stop = ("chr6", 18139003, "T", "A")
    return "".join(
        (
            at(R139C, "0/1:24,0,200:15,2", fields="GT:PL:AD", alt="T"),
            at(TPMT3C, "0/0:0.6,0.4,0:0.4", fields="GT:GP:DS", alt="C", info="R2=0.7"),
            line(*stop, "0/1:-3.2,-0.1,-9:0|1:18139003_T_A", fields="GT:GL:PGT:PID"),
            line(*stop, "0.4,0.6,0", fields="GP"),
        )
    )


def seeds() -> dict[str, bytes]:
    """Whole files of every kind."""
    people = ("c001", "c002")
    extra = line(
        "chr6", 18_000_000, "N", "<NON_REF>", "0/0:30:60:5", "0/1:9:9:.", fields="GT:DP:GQ:PS", info="END=18130700"
    )
    text = header(people) + whole({TPMT3C: "0|1", R139C: "1/2", REPEAT: "1|2"}, samples=2).replace("1/2", "1/1") + extra
    figures = header(("c001",), extra=FIELDS) + whole() + rearrangements() + uncertain()
    small = header(("c001",), assembly=None, version="4.4") + at(R139C, "|0|1") + at(TPMT3C, "0/1")
    found = {"a.vcf": text.encode(), "b.vcf": small.encode(), "c.vcf.gz": gzip.compress(text.encode())}
    found["j.vcf"] = figures.encode()
    rows = "".join(
        f"{name}\t{one.chrom[3:]}\t{position(name, 'GRCh37')}\t{one.ref[0] * 2}\n" for name, one in SITES.items()
    )
    array = f"# reference human assembly build 37\n# rsid\tchromosome\tposition\tgenotype\n{rows}"
    found |= {
        "d.txt": array.encode(),
        "e.csv": array.replace("\t", ",").encode(),
        "f.txt.gz": gzip.compress(array.encode()),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("genome.txt", array)
    found["g.zip"] = packed.getvalue()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "h.vcf").write_text(text)
        head = [each for each in text.splitlines(keepends=True) if each.startswith("#")]
        body = [each for each in text.splitlines(keepends=True) if not each.startswith("#")]
        body.sort(key=lambda each: (each.split("\t")[0] != "chr6", int(each.split("\t")[1])))
        (folder / "h.vcf").write_text("".join(head + body))
        pysam.tabix_compress(str(folder / "h.vcf"), str(folder / "h.vcf.gz"))
        pysam.tabix_index(str(folder / "h.vcf.gz"), preset="vcf")
        with (
            pysam.VariantFile(str(folder / "h.vcf")) as records,
            pysam.VariantFile(str(folder / "i.bcf"), "wb", header=records.header) as out,
        ):
            for record in records:
                out.write(record)
        pysam.tabix_index(str(folder / "i.bcf"), preset="bcf")
        for each in ("h.vcf.gz", "h.vcf.gz.tbi", "i.bcf", "i.bcf.csi"):
            found[each] = (folder / each).read_bytes()
    return found


def damaged(rng: random.Random, raw: bytes) -> bytes:
    """The bytes with some of them changed, dropped, repeated or moved, or with a word of the formats put in."""
    held = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        if not held:
            break
        spot, size = rng.randrange(len(held)), rng.choice((1, 1, 2, 8, 64, 1000))
        match rng.randrange(7):
            case 0:
                held[spot] = rng.randrange(256)
            case 1:
                del held[spot : spot + size]
            case 2:
                held[spot:spot] = held[spot : spot + size] * rng.choice((1, 2, 20))
            case 3:
                held[spot:spot] = rng.choice(WORDS)
            case 4:
                word = rng.choice(WORDS)
                held[spot : spot + len(word)] = word
            case 5:
                del held[spot:]
            case _:
                other = rng.randrange(len(held))
                piece = held[other : other + size]
                held[spot : spot + len(piece)] = piece
    return bytes(held)


def make(rng: random.Random, whole_files: dict[str, bytes], folder: Path) -> Path:
    """One damaged file, with its index where it has one; packed text is damaged inside or outside its packing."""
    name = rng.choice([each for each in whole_files if not each.endswith((".tbi", ".csi"))])
    raw = whole_files[name]
    inside = rng.random() < 0.6
    if name.endswith((".vcf.gz", ".bcf")) and not name.startswith("c") and inside:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".bgz") as packed:
            with pysam.BGZFile(packed.name, "w") as out:
                out.write(damaged(rng, gzip.decompress(raw)))
            raw = Path(packed.name).read_bytes()
    elif name.endswith(".gz") and inside:
        raw = gzip.compress(damaged(rng, gzip.decompress(raw)))
    else:
        raw = damaged(rng, raw)
    path = folder / f"f{rng.randrange(10**9)}-{name}"
    path.write_bytes(raw)
    for end in (".tbi", ".csi"):
        if name + end in whole_files and rng.random() < 0.7:
            index = whole_files[name + end]
            if rng.random() < 0.3:
                index = gzip.compress(damaged(rng, gzip.decompress(index)))
            Path(f"{path}{end}").write_bytes(index)
    return path


class Reader:
    """The process that reads; started anew when it dies."""

    def __init__(self) -> None:
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", CHILD], stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def ask(self, path: Path, assembly: str) -> str:
        """What came of a file: answered, refused, or a finding."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{path}\t{assembly}\n")
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], SLOW_S)
            said = self.process.stdout.readline().strip() if ready else "slow"
        except BrokenPipeError:
            said = ""
        if said and said != "slow":
            return said
        if said == "slow":
            self.process.kill()
        code = self.process.wait()
        self.process = self._start()
        return said or f"crashed {code}"

    def close(self) -> str:
        """Ends it; what it wrote on stderr."""
        return self.process.communicate()[1]


def main() -> None:
    """Prints each finding, and the JSON line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--seed", type=int, default=1)
    kept = Path(__file__).parents[1] / "tests" / "readers" / "genomes" / "fuzz"
    options.add_argument("--keep", type=Path, default=kept)
    given = options.parse_args()
    rng = random.Random(given.seed)
    whole_files, reader = seeds(), Reader()
    counts = {"files": 0, "answered": 0, "refused": 0}
    found: dict[str, int] = {}
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as name:
        while time.monotonic() < until:
            path = make(rng, whole_files, Path(name))
            said = reader.ask(path, rng.choice(("", "", "GRCh38", "GRCh37")))
            counts["files"] += 1
            word = said.split()[0]
            if word in counts:
                counts[word] += 1
            else:
                reason = re.sub(r"[^a-z]+", "-", re.sub(r"f\d+-\S+|0x\w+|\d+", "", said.casefold()))[:50].strip("-")
                found[reason] = found.get(reason, 0) + 1
                if found[reason] == 1:
                    print(f"{path.name}: {said}", file=sys.stderr, flush=True)
                    keep(path, reason, given.keep)
            for each in Path(name).iterdir():
                each.unlink()
    if noise := reader.close():
        found["wrote on stderr"] = 1
        print(noise[:2000], file=sys.stderr)
    print(json.dumps({**counts, "found": found}))


def keep(path: Path, reason: str, folder: Path) -> None:
    """A copy of a file and its index under a name that says what was wrong."""
    folder.mkdir(parents=True, exist_ok=True)
    kind = path.name.split("-", 1)[1]
    for end in ("", ".tbi", ".csi"):
        if (each := Path(f"{path}{end}")).exists():
            (folder / f"{reason}-{kind}{end}").write_bytes(each.read_bytes())


if __name__ == "__main__":
    main()
