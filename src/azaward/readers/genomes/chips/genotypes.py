"""What does a genotype of an array say about a site? What can be read in two ways is missing.

Bases may be on either strand, and a probe compares two bases: where named alleles have more than two at a position, it
says nothing of the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from azaward.genetics.model import MISSING, REFERENCE, Site, Status
from azaward.knowledge import Knowledge
from azaward.readers.genomes.letters import COMPLEMENT, longer_and_shorter

_NO_CALL = {"", "-", "0", ".", "?", "N", "--", "00", "..", "NN", "NC", "NA", "#N", "NOCALL", "NULL", "---"}
_BETWEEN = re.compile(r"[/|,;:\s]+")


class Row(NamedTuple):
    """A row of an array's text: where it stands, its position, its alleles, the bases that its probe tests, and whether
    the file says that they are on the assembly's strand."""

    where: str
    name: str
    chrom: str
    position: int
    bases: tuple[str, ...]
    tested: str = ""
    plus: bool = False


class Read(NamedTuple):
    """What is known of a site: two allele codes, a `Status`, a note, and the codes that were not tested."""

    codes: tuple[int, int]
    status: Status
    note: str | None = None
    untested: tuple[int, ...] = ()


_LOST = (MISSING, MISSING)


def bases_in(cells: Sequence[str]) -> tuple[str, ...]:
    """The alleles in one or two cells, each by itself, however they are separated.

    >>> bases_in(["C/T"]), bases_in(["CT"]), bases_in(["c", "t"]), bases_in(["AGGAGTC/A"]), bases_in(["--"])
    (('C', 'T'), ('C', 'T'), ('C', 'T'), ('AGGAGTC', 'A'), ('--',))
    """
    words = [cell.upper().strip() for cell in cells]
    if len(words) == 1:
        words = _BETWEEN.split(words[0]) if words[0] not in _NO_CALL else words
    if len(words) == 1 and words[0] not in _NO_CALL and set(words[0]) <= set("ABCGTIDN-0."):
        words = list(words[0])
    return tuple(words)


def genotype_at(site: Site, rows: Sequence[Row], knowledge: Knowledge) -> Read:
    """The allele codes of a site from all rows that describe it; rows that disagree leave it missing."""
    readings = [_read(site, row) for row in rows]
    known = [place for place, reading in enumerate(readings) if MISSING not in reading.codes] or list(range(len(rows)))
    if len({readings[place].codes for place in known}) > 1:
        return Read(_LOST, Status.CONFLICT, f"{rows[known[0]].where} and {rows[known[1]].where} disagree")
    row, reading = rows[known[0]], readings[known[0]]
    if REFERENCE in reading.codes and set(reading.codes) <= {REFERENCE, MISSING}:
        return _with_untested(site, row, reading, [rows[place] for place in known], knowledge)
    return reading._replace(note=f"{row.where}: {reading.note}" if reading.note else None)


def _with_untested(site: Site, row: Row, reading: Read, rows: Sequence[Row], knowledge: Knowledge) -> Read:
    """A reading of reference alone, with the other alleles that its probes can't have seen."""
    if len(site.alts) < 2 or any(len(each) > 1 for each in (site.ref, *site.alts)):
        return reading
    tested = {code for each in rows for code in _tested(site, each.tested)}
    tested = tested or _commonest(site, knowledge)
    untested = tuple(code for code in range(1, len(site.alts) + 1) if code not in tested)
    if not untested:
        return reading
    names = " or ".join(f"{site.ref}>{site.base(code)}" for code in untested)
    note = f"{row.where}: a probe compares two bases, so {_shown(row.bases)} doesn't rule out {names}"
    return reading._replace(note=note, untested=untested)


def _tested(site: Site, said: str) -> set[int]:
    """The codes of the bases in Illumina's `[T/C]`, on the strand that has the reference."""
    letters = set(re.sub(r"[^ACGT]", "", said.upper()))
    for strand in (letters, {letter.translate(COMPLEMENT) for letter in letters}):
        if site.ref in strand and (codes := {site.alts.index(each) + 1 for each in strand if each in site.alts}):
            return codes
    return set()


def _commonest(site: Site, knowledge: Knowledge) -> set[int]:
    """The change that arrays test where they don't say: the one whose alleles alone have a published frequency."""
    frequent = {row.allele for row in knowledge.tables["allele_frequencies"] if row.gene == site.gene and row.frequency}
    made_by = {
        site.alts.index(row.alt) + 1
        for row in knowledge.tables["alleles"]
        if row.gene == site.gene and row.pos_grch38 == site.pos_grch38 and row.allele in frequent
    }
    return made_by if len(made_by) == 1 else set()


def _read(site: Site, row: Row) -> Read:
    bases = row.bases
    shown = _shown(bases)
    if all(each in _NO_CALL for each in bases):
        return Read(_LOST, Status.NO_CALL)
    alleles = (site.ref, *site.alts)
    snv = all(len(each) == 1 for each in alleles)
    half = snv and len(bases) == 2 and any(each in _NO_CALL for each in bases)
    letters = [each for each in bases if each not in _NO_CALL] if half else list(bases)
    if set(letters) <= {"I", "D"}:
        codes = longer_and_shorter(site)
        if codes is None:
            return Read(_LOST, Status.UNREADABLE, f"{shown} doesn't say which insertion or deletion")
    elif not snv:
        codes = {each: code for code, each in enumerate(alleles)}
        if not set(letters) <= set(codes):
            return Read(_LOST, Status.UNREADABLE, f"{shown} at an insertion or deletion")
    else:
        plus = {base: code for code, base in enumerate(alleles)}
        minus = {base.translate(COMPLEMENT): code for base, code in plus.items()}
        fits = [strand for strand in ((plus,) if row.plus else (plus, minus)) if set(letters) <= set(strand)]
        if not fits:
            which = "on the plus strand" if row.plus else "on either strand"
            return Read(_LOST, Status.UNREADABLE, f"{shown} isn't {' or '.join(alleles)}, {which}")
        if len(fits) > 1 and any(plus[base] == 0 or minus[base] == 0 for base in letters):
            return Read(_LOST, Status.UNREADABLE, f"{shown} can be read on both strands")
        codes = fits[0]
    found = sorted(codes[letter] for letter in letters)
    if len(found) == 1:
        return Read((found[0], MISSING), Status.HALF_CALL if half else Status.HAPLOID)
    if len(found) != 2:
        return Read(_LOST, Status.UNREADABLE, f"{shown} isn't two alleles")
    return Read((found[0], found[1]), Status.SEEN)


def _shown(bases: tuple[str, ...]) -> str:
    return ("" if all(len(each) == 1 for each in bases) else "/").join(bases)[:20]
