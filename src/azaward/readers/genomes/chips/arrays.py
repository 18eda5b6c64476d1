"""Reads the genotyping-array text files that consumers download from 23andMe, AncestryDNA, MyHeritage and others.

Such a file confirms nothing. Its makers say that it isn't for medical use, it covers few of the relevant positions, and
its strand is not verified. Anything ambiguous counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azaward.errors import InputError
from azaward.genetics.model import GENES, Genotypes, Site, Status, nothing_seen, sites
from azaward.knowledge import Knowledge
from azaward.readers.genomes.alleles import AssemblyName
from azaward.readers.genomes.assembly import ASK, named_in
from azaward.readers.genomes.chips.genotypes import Row, bases_in, genotype_at
from azaward.readers.genomes.chips.text import (
    TOO_LONG,
    Layout,
    cells_of,
    layout_of,
    looks_like_array,
    text_lines,
    without_empty,
)
from azaward.readers.genomes.contigs import chromosome
from azaward.readers.genomes.letters import COMPLEMENT

CONFIRMS_NOTHING = (
    "from a genotyping array's text file: it isn't a confirmed result. Have a medical laboratory test both genes "
    "before using it to choose a dose."
)
_BUILD = re.compile(r"\bbuild[\s_-]*(\d\d)(?:\.\d)?\b", re.IGNORECASE)
_BUILDS: Mapping[str, AssemblyName] = {"37": "GRCh37", "38": "GRCh38"}
# Makers add words to an rs number: exm-rs1142345, rs1142345_ilmndup1, rs1142345.1.
_RS = re.compile(r"(?:^|[-_:.])(rs\d+)(?:$|[-_:.])", re.IGNORECASE)


@dataclass(eq=False)
class _Found:
    """The rows of a file at known sites: by name or a maker's own name, and by position under another rs number."""

    header: list[str] = field(default_factory=list[str])
    by_site: dict[Site, list[Row]] = field(default_factory=dict[Site, list[Row]])
    renamed: list[Row] = field(default_factory=list[Row])
    samples: dict[str, None] = field(default_factory=dict[str, None])
    rows: int = 0


def is_array(path: Path) -> bool:
    """Whether a file looks like array text: not a VCF, and its first lines are rows of named positions."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                return True
        return looks_like_array(path)
    except (OSError, InputError):
        return False


def read_array(
    path: Path,
    knowledge: Knowledge,
    assembly: AssemblyName | None = None,
    warn: Callable[[str], None] | None = None,
) -> Genotypes:
    """The genotypes in an array's text file, as one sample, named as in the file or else after the file.

    Raises `InputError` if the file's build can't be determined, is neither GRCh37 nor GRCh38, or isn't the one given.

    >>> from azaward.knowledge import load
    >>> found = read_array(Path("examples/genotype/array.txt"), load())
    >>> found.samples, found.genes["TPMT"].notes[0, -1][0].split(":")[0]
    (('array',), "from a genotyping array's text file")
    """
    found = _scan(path, knowledge)
    if not found.rows:
        raise InputError(f"{path.name}: contains no array rows. Expected lines of rsid, chromosome, position, bases.")
    build = _check_build(path.name, found, assembly, knowledge)
    _take_renamed(found, build, knowledge)
    name = next(iter(found.samples), None) or path.name.split(".")[0] or path.name
    genotypes = nothing_seen([name], knowledge, Status.NOT_TESTED)
    for gene, held in genotypes.genes.items():
        _note(held.notes, -1, CONFIRMS_NOTHING)
        for column, site in enumerate(sites(knowledge, gene)):
            if rows := found.by_site.get(site):
                reading = genotype_at(site, rows, knowledge)
                held.alleles[0, column] = reading.codes
                held.status[0, column] = reading.status
                if reading.untested:
                    held.untested[0, column] = reading.untested  # type: ignore[index]
                if reading.note:
                    _note(held.notes, column, reading.note)
    if warn is not None:
        warn(f"{path.name}: {CONFIRMS_NOTHING}")
    return genotypes


def _note(notes: Mapping[tuple[int, int], tuple[str, ...]], column: int, text: str) -> None:
    notes[0, column] = (*notes.get((0, column), ()), text)  # type: ignore[index]


def _scan(path: Path, knowledge: Knowledge) -> _Found:
    """The rows of the file at a site, matched by rs number or by position on either assembly."""
    by_name, by_place = _known(knowledge)
    chromosomes = {chrom for chrom, _ in by_place}
    found = _Found()
    for layout, where, cells in _rows(path, found):
        found.rows += 1
        rs = _rs_number(cells[layout.name])
        site = by_name.get(rs) if rs else None
        chrom = chromosome(cells[layout.chrom])
        if site is None and chrom not in chromosomes:
            continue
        position, row = cells[layout.position], _row(layout, where, chrom, cells)
        if "B" in row.bases and set(row.bases) <= {"A", "B"}:
            raise InputError(f"{where}: genotypes coded A and B don't say which bases were seen. Export the bases.")
        if site is None:
            if not _is_number(position) or (site := by_place.get((chrom, int(position)))) is None:
                continue
            if rs:
                # Two assemblies are looked up here: another rs number at that place may mean another position.
                found.renamed.append(row)
                continue
        if not _is_number(position):
            raise InputError(f"{where}: position {position[:20]!r} isn't a number.")
        found.by_site.setdefault(site, []).append(row)
    return found


def _rs_number(name: str) -> str | None:
    if name[:2] == "rs" and name[2:].isdigit():
        return name
    found = _RS.search(name)
    return found[1].casefold() if found else None


def _known(knowledge: Knowledge) -> tuple[dict[str, Site], dict[tuple[str, int], Site]]:
    """The sites by rs number, of those that were merged too, and by chromosome and position on either assembly."""
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
    return by_name, by_place


def _rows(path: Path, found: _Found) -> Iterator[tuple[Layout, str, list[str]]]:
    """The file's rows as cells, with their layout and place; header lines are kept in `found`."""
    layout, in_header = Layout(), False
    for number, line in enumerate(text_lines(path), start=1):
        where = f"{path.name} line {number}"
        if len(line) > TOO_LONG:
            raise InputError(f"{where}: too long for an array row. Is this the right file?")
        section = line.strip().strip("\t,;").casefold() if line.startswith("[") else ""
        if section in ("[header]", "[data]"):
            in_header = section == "[header]"
            continue
        named = layout_of(line, where) if not found.rows else None
        if named is not None or in_header or line.startswith(("#", '"#')) or not line.strip():
            layout = named or layout
            found.header.append(line)
            continue
        cells = without_empty(cells_of(line), layout.width)
        if len(cells) < layout.least:
            raise InputError(f"{where}: {len(cells)} cells; expected rsid, chromosome, position and bases.")
        if layout.sample is not None and layout.sample < len(cells):
            found.samples[cells[layout.sample]] = None
            if len(found.samples) > 1:
                both = " and ".join(repr(each) for each in found.samples)
                raise InputError(f"{where}: the file has several samples, {both}. Export one person to a file.")
        yield layout, where, cells


def _row(layout: Layout, where: str, chrom: str, cells: list[str]) -> Row:
    last = layout.bases[-1]
    held = [cells[at] for at in layout.bases if at < len(cells)]
    if len(layout.bases) == 1 and last == layout.width - 1:
        held += cells[last + 1 :]
    bases = bases_in(held)
    if layout.strand is not None and cells[layout.strand].casefold() in ("-", "minus", "-1"):
        bases = tuple(each.translate(COMPLEMENT) for each in bases)
    position = int(cells[layout.position]) if _is_number(cells[layout.position]) else 0
    tested = cells[layout.tested] if layout.tested is not None and layout.tested < len(cells) else ""
    return Row(where, cells[layout.name], chrom, position, bases, tested, layout.plus)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12


def _take_renamed(found: _Found, build: AssemblyName, knowledge: Knowledge) -> None:
    """Adds rows of another rs number that lie at a site on the file's build: numbers are merged and renewed."""
    for gene in GENES:
        for site in sites(knowledge, gene):
            position = site.pos_grch38 if build == "GRCh38" else site.pos_grch37
            same = [row for row in found.renamed if (row.chrom, row.position) == (site.chrom, position)]
            if same:
                found.by_site.setdefault(site, []).extend(same)


def _check_build(name: str, found: _Found, asked: AssemblyName | None, knowledge: Knowledge) -> AssemblyName:
    """The build on which header, positions and what was asked agree; raises `InputError` if they don't."""
    header = "\n".join(found.header)
    builds = set(_BUILD.findall(header))
    told = named_in(header, knowledge)
    told.update(_BUILDS[build] for build in builds if build in _BUILDS)
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
    return next(iter(fitting)) if len(fitting) == 1 else asked or min(told, key=str)
