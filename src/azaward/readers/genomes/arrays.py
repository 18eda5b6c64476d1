"""Reads the genotyping-array text files that consumers download from 23andMe, AncestryDNA, MyHeritage and others.

Such a file confirms nothing. Its makers say that it isn't for medical use, it covers few of the relevant positions, and
its strand is not verified. Anything ambiguous counts as missing.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azaward.errors import InputError
from azaward.genetics.model import GENES, MISSING, Genotypes, Site, Status, nothing_seen, sites
from azaward.knowledge import Knowledge
from azaward.readers.genomes.alleles import AssemblyName
from azaward.readers.genomes.assembly import ASK, named_in
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.text import lines

CONFIRMS_NOTHING = (
    "from a genotyping array's text file: it confirms nothing. Have a medical laboratory test both genes before using "
    "it to choose a dose."
)
_BUILD = re.compile(r"\bbuild\s*(\d\d)(?:\.\d)?\b", re.IGNORECASE)
_BUILDS: Mapping[str, AssemblyName] = {"37": "GRCh37", "38": "GRCh38"}
_HEADER = re.compile(r"^#?\s*\"?(?:rsid|name|snp ?name)\"?\s*[\t,]\s*\"?chr", re.IGNORECASE)
_ROW = re.compile(r"^\"*[A-Za-z]{1,12}[-_]?\d+\"*\s*[\t,]")
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_NO_CALL = {"--", "-", "00", "0", "..", ".", "", "NN", "NC"}
_TOO_LONG = 10_000
"""Characters of a line beyond which a file is no array's text."""


@dataclass(frozen=True)
class _Row:
    where: str
    chrom: str
    position: int
    genotype: str


@dataclass(eq=False)
class _Found:
    header: list[str] = field(default_factory=list[str])
    by_site: dict[Site, list[_Row]] = field(default_factory=dict[Site, list[_Row]])
    rows: int = 0


def is_array(path: Path) -> bool:
    """Whether a file looks like array text: not a VCF, and its first lines are rows of named positions."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(4)
        if head[:2] == b"PK":
            return True
        for number, line in enumerate(_text_lines(path)):
            if line.startswith("##fileformat") or number > 200 or len(line) > _TOO_LONG or "\x00" in line:
                return False
            if _HEADER.match(line) or (not line.startswith("#") and _ROW.match(line)):
                return True
    except (OSError, InputError):
        return False
    return False


def read_array(
    path: Path,
    knowledge: Knowledge,
    assembly: AssemblyName | None = None,
    warn: Callable[[str], None] | None = None,
) -> Genotypes:
    """The genotypes in an array's text file, as one sample named after the file.

    Raises `InputError` if the file's build can't be determined, is neither GRCh37 nor GRCh38, or isn't the one given.

    >>> from azaward.knowledge import load
    >>> found = read_array(Path("examples/genotype/array.txt"), load())
    >>> found.samples, found.genes["TPMT"].notes[0, -1][0].split(":")[0]
    (('array',), "from a genotyping array's text file")
    """
    found = _scan(path, knowledge)
    if not found.rows:
        raise InputError(f"{path.name}: contains no array rows. Expected lines of rsid, chromosome, position, bases.")
    _check_build(path.name, found, assembly, knowledge)
    name = path.name.split(".")[0] or path.name
    genotypes = nothing_seen([name], knowledge, Status.NOT_TESTED)
    for gene, held in genotypes.genes.items():
        _note(held.notes, -1, CONFIRMS_NOTHING)
        for column, site in enumerate(sites(knowledge, gene)):
            if rows := found.by_site.get(site):
                alleles, status, note = _genotype(site, rows)
                held.alleles[0, column] = alleles
                held.status[0, column] = status
                if note:
                    _note(held.notes, column, note)
    if warn is not None:
        warn(f"{path.name}: {CONFIRMS_NOTHING}")
    return genotypes


def _note(notes: Mapping[tuple[int, int], tuple[str, ...]], column: int, text: str) -> None:
    notes[0, column] = (*notes.get((0, column), ()), text)  # type: ignore[index]


def _text_lines(path: Path) -> Iterator[str]:
    """The file's lines, unzipped if the file is a zip with one text file in it."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if not zipped:
        for line in lines(path):
            yield line.decode("utf-8", "replace").removeprefix("\ufeff")
        return
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [name for name in archive.namelist() if name.casefold().endswith((".txt", ".csv", ".tsv"))]
            if len(inside) != 1:
                raise InputError(f"{path.name}: the zip has {len(inside)} text files; expected one. Unpack it first.")
            with archive.open(inside[0]) as text:
                for line in text:
                    yield line.decode("utf-8", "replace").rstrip("\r\n").removeprefix("\ufeff")
    except InputError:
        raise
    except Exception:  # zipfile raises a dozen kinds for what may be damaged
        raise InputError(f"{path.name}: the zip can't be unpacked. Download it again.") from None


def _scan(path: Path, knowledge: Knowledge) -> _Found:
    """The rows of the file at a site, matched by rs number or by position on either assembly."""
    by_name: dict[str, Site] = {}
    by_place: dict[tuple[str, int], Site] = {}
    for gene in GENES:
        for site in sites(knowledge, gene):
            by_place[site.chrom, site.pos_grch38] = by_place[site.chrom, site.pos_grch37] = site
            if site.rsid:
                by_name[site.rsid] = site
        for row in knowledge.tables["gene_positions"]:
            for other in (row.rsid_synonyms or "").split(";"):
                if other and row.rsid in by_name:
                    by_name[other] = by_name[row.rsid]
    found = _Found()
    chromosomes = {chrom.removeprefix("chr") for chrom, _ in by_place}
    for number, line in enumerate(_text_lines(path), start=1):
        if line.startswith("#") or not line.strip() or _HEADER.match(line):
            found.header.append(line)
            continue
        if len(line) > _TOO_LONG:
            raise InputError(f"{path.name} line {number}: too long for an array row. Is this the right file?")
        cells = [cell.strip() for cell in _cells(line.replace('"', ""))]
        if len(cells) < 4:
            raise InputError(
                f"{path.name} line {number}: {len(cells)} cells; expected rsid, chromosome, position and bases."
            )
        found.rows += 1
        site = by_name.get(cells[0])
        if site is None:
            if cells[1].casefold().removeprefix("chr") not in chromosomes or not _is_number(cells[2]):
                continue
            site = by_place.get((chromosome(cells[1]), int(cells[2])))
            # Two assemblies are looked up here: another rs number at that place means another position.
            if site is None or cells[0].startswith("rs"):
                continue
        if not _is_number(cells[2]):
            raise InputError(f"{path.name} line {number}: position {cells[2][:20]!r} isn't a number.")
        genotype = "".join(cells[3:5]).upper()
        where = f"{path.name} line {number}"
        found.by_site.setdefault(site, []).append(_Row(where, chromosome(cells[1]), int(cells[2]), genotype))
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _cells(line: str) -> list[str]:
    if "\t" in line:
        return line.split("\t")
    return line.split(",") if "," in line else line.split()


def _check_build(name: str, found: _Found, asked: AssemblyName | None, knowledge: Knowledge) -> None:
    """Raises unless header, positions and what was asked agree on one assembly."""
    header = "\n".join(found.header)
    builds = set(_BUILD.findall(header))
    told = {_BUILDS[build] for build in builds if build in _BUILDS} | named_in(header, knowledge)
    if others := sorted(builds - set(_BUILDS)):
        raise InputError(
            f"{name}: the header says build {others[0]}; expected 37 or 38. Download the file again on build 37."
        )
    if len(told) > 1:
        raise InputError(f"{name}: the header names both {' and '.join(sorted(told))}. {ASK}")
    fitting: set[AssemblyName] = {"GRCh37", "GRCh38"}
    for site, rows in found.by_site.items():
        for row in rows:
            fits: set[AssemblyName] = set()
            if row.chrom == site.chrom:
                fits |= {"GRCh38"} if row.position == site.pos_grch38 else set()
                fits |= {"GRCh37"} if row.position == site.pos_grch37 else set()
            if not fits:
                raise InputError(
                    f"{row.where}: {site.label} is at {row.chrom}:{row.position}; GRCh37 has it at {site.chrom}:"
                    f"{site.pos_grch37}, GRCh38 at {site.pos_grch38}. The file uses another build: get build 37."
                )
            for said, who in ((told, "the header says"), ({asked} if asked else set[AssemblyName](), "you gave")):
                if said and not said & fits:
                    raise InputError(
                        f"{row.where}: {site.label} is at {row.position}, its place on {min(fits)}, but {who} "
                        f"{min(said)}. Ask the file's provider which is right."
                    )
            fitting &= fits
    if asked and told and asked not in told:
        raise InputError(f"{name}: the header says {min(told)}, but you gave --assembly {asked}. Omit --assembly.")
    if not fitting:
        raise InputError(f"{name}: some of its positions are those of GRCh37, others those of GRCh38. {ASK}")
    if not asked and not told and len(fitting) > 1:
        raise InputError(f"{name}: unknown build: the header doesn't give it, and no position shows it. {ASK}")


def _genotype(site: Site, rows: list[_Row]) -> tuple[tuple[int, int], Status, str | None]:
    """The allele codes of a site, its status, and a reason if one is needed."""
    readings = [_one(site, row.genotype) for row in rows]
    known = [reading for reading in readings if MISSING not in reading[0]] or readings
    if len({reading[0] for reading in known}) > 1:
        return (MISSING, MISSING), Status.CONFLICT, f"{rows[0].where} and {rows[1].where} disagree"
    alleles, status, note = known[0]
    return alleles, status, f"{rows[0].where}: {note}" if note else None


def _one(site: Site, genotype: str) -> tuple[tuple[int, int], Status, str | None]:
    lost = (MISSING, MISSING)
    if genotype in _NO_CALL:
        return lost, Status.NO_CALL, None
    alleles = (site.ref, *site.alts)
    if set(genotype) <= set("ID"):
        codes = _insertions(alleles)
        if codes is None:
            return lost, Status.UNREADABLE, f"{genotype} doesn't say which insertion or deletion"
        read = codes
    elif any(len(each) > 1 for each in alleles):
        return lost, Status.UNREADABLE, f"{genotype} at an insertion or deletion"
    else:
        plus = {base: code for code, base in enumerate(alleles)}
        minus = {base.translate(_COMPLEMENT): code for base, code in plus.items()}
        fits = [strand for strand in (plus, minus) if set(genotype) <= set(strand)]
        if not fits:
            return lost, Status.UNREADABLE, f"{genotype[:10]} isn't {' or '.join(alleles)}, on either strand"
        two_ways = len(fits) > 1 and any(plus[base] == 0 or minus[base] == 0 for base in genotype)
        if two_ways:
            return lost, Status.UNREADABLE, f"{genotype} can be read on both strands"
        read = fits[0]
    codes_found = tuple(sorted(read[letter] for letter in genotype))
    if len(codes_found) == 1:
        return (codes_found[0], MISSING), Status.HAPLOID, None
    if len(codes_found) != 2:
        return lost, Status.UNREADABLE, f"{genotype[:10]} isn't two alleles"
    return (codes_found[0], codes_found[1]), Status.SEEN, None


def _insertions(alleles: tuple[str, ...]) -> dict[str, int] | None:
    """The codes meant by I and D, the longer and shorter of two alleles; None if there are more, or equal lengths."""
    if len(alleles) != 2 or len(alleles[0]) == len(alleles[1]):
        return None
    longer = int(len(alleles[1]) > len(alleles[0]))
    return {"I": longer, "D": 1 - longer}
