"""Determines whether a variant file uses GRCh38 or GRCh37, from the file or from the user, without guessing.

The header shows it by the lengths of chromosomes 6 and 13 or by the name of the assembly, and a contig by the version
of its accession. Otherwise the reference bases of the records must fit one assembly and contradict the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.genomes.alleles import ASSEMBLIES, AssemblyName
from azaward.readers.genomes.contigs import accession, chromosome

ASK = "Ask the file's provider, then use --assembly GRCh38 or --assembly GRCh37."
_LINES = re.compile(r"^##(?:reference|assembly|genome[-_ ]?build|contig)=.*$", re.MULTILINE | re.IGNORECASE)
_OF_PLINK = re.compile(r"^##source=PLINK", re.MULTILINE)
_NAMED_IN_CONTIG = re.compile(r"(?:assembly|URL)=\"?([^,>\"]+)", re.IGNORECASE)


@dataclass
class BaseEvidence:
    """How well the reference bases of a file's records fit one assembly."""

    fitting: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    named: int = 0
    """Records of a documented change: the same position, bases and, where given, rs number."""
    mismatch: tuple[Callable[[], str], str] | None = None
    """The first record that doesn't fit: where it is, which takes reading the file again, and what is wrong."""
    mend: str | None = None
    """What is wrong with that record and what mends it, if it can be told."""

    @property
    def convinces(self) -> bool:
        """At least a named change or several bases fit, and none is other.

        One base of four fits by chance; a documented change at its very position doesn't.
        """
        return self.mismatch is None and (self.named > 0 or len(self.fitting) > len("ACGT"))


def named_in(text: str, knowledge: Knowledge) -> set[AssemblyName]:
    """The assemblies that a text names.

    >>> from azaward.knowledge import load
    >>> named_in("##reference=file:///refs/hs37d5.fa", load())
    {'GRCh37'}
    """
    low = text.casefold()
    found: set[AssemblyName] = set()
    for row in knowledge.tables["assemblies"]:
        if any(re.search(rf"(?<![a-z0-9]){re.escape(name.casefold())}(?!\d)", low) for name in row.names.split(";")):
            found.add(row.assembly)
    return found


def told_by_header(
    name: str, header: str, contigs: Mapping[str, int | None], knowledge: Knowledge
) -> AssemblyName | None:
    """The assembly in the header; None if it gives none. Raises `InputError` if the header contradicts itself."""
    lengths: dict[tuple[str, int], AssemblyName] = {
        (row.chrom, row.length): row.assembly for row in knowledge.tables["assemblies"]
    }
    by_length: dict[AssemblyName, str] = {}
    chromosomes = {chrom for chrom, _ in lengths}
    for contig, length in contigs.items():
        if length is None or chromosome(contig) not in chromosomes:
            continue
        assembly = lengths.get((chromosome(contig), length))
        if assembly is None and _OF_PLINK.search(header):
            continue  # PLINK writes the last variant's position as the length
        if assembly is None:
            known = " or ".join(
                f"{size} ({which})" for (chrom, size), which in lengths.items() if chrom == chromosome(contig)
            )
            raise InputError(
                f"{name}: header: contig {contig} has length {length}; expected {known}. azaward reads GRCh38 and "
                "GRCh37: realign or lift over the file to one of them."
            )
        by_length[assembly] = f"contig {contig} has length {length}"
    texts: list[str] = []
    for line in _LINES.findall(header):
        texts += _NAMED_IN_CONTIG.findall(line) if line.casefold().startswith("##contig") else [line]
    by_name: dict[AssemblyName, str] = {
        assembly: text for text in texts if len(found := named_in(text, knowledge)) == 1 for assembly in found
    }
    told: dict[AssemblyName, str] = {**by_name, **_told_by_names(name, contigs, knowledge), **by_length}
    if len(told) > 1:
        says = "; ".join(f"{assembly} by {how.lstrip('#')!r}" for assembly, how in told.items())
        raise InputError(
            f"{name}: the header contradicts itself: {says}. Correct the header, or create the file again."
        )
    return next(iter(told), None)


def told_by_contigs(
    name: str, contigs: Iterable[str], by_header: AssemblyName | None, knowledge: Knowledge
) -> AssemblyName | None:
    """The assembly by the header or, if it is silent, by the names of the contigs that the records lie on.

    Raises `InputError` if they contradict each other.
    """
    told: dict[AssemblyName, str] = {} if by_header is None else {by_header: "its header"}
    told |= {each: how for each, how in _told_by_names(name, contigs, knowledge).items() if each not in told}
    if len(told) > 1:
        says = "; ".join(f"{assembly} by {how}" for assembly, how in told.items())
        raise InputError(f"{name}: the file contradicts itself: {says}. Create the file again on one assembly.")
    return next(iter(told), None)


def _told_by_names(name: str, contigs: Iterable[str], knowledge: Knowledge) -> dict[AssemblyName, str]:
    """The assemblies that the names of chromosomes 6 and 13 show, and which name shows each."""
    told: dict[AssemblyName, str] = {}
    chromosomes = {row.chrom for row in knowledge.tables["assemblies"]}
    for contig in sorted(contigs):
        if chromosome(contig) not in chromosomes:
            continue
        found = named_in(contig, knowledge)
        if (version := accession(contig)) and not found:
            known = [each for row in knowledge.tables["assemblies"] for each in row.names.split(";")]
            same = [each for each in known if each.startswith(version.partition(".")[0] + ".")]
            raise InputError(
                f"{name}: contig {version} is of another assembly; expected {' or '.join(same)}. azaward reads GRCh38 "
                "and GRCh37: realign or lift over the file to one of them."
            )
        told.update(dict.fromkeys(found, f"contig {contig}"))
    return told


def check_asked(name: str, asked: AssemblyName | None, by_header: AssemblyName | None) -> None:
    """Raises `InputError` if the header gives a different assembly from the user's."""
    if asked and by_header and asked != by_header:
        raise InputError(
            f"{name}: the header says {by_header}, but you gave --assembly {asked}. Omit --assembly, or give the file "
            f"that uses {asked}."
        )


def decide(
    name: str, asked: AssemblyName | None, by_header: AssemblyName | None, bases: Mapping[AssemblyName, BaseEvidence]
) -> AssemblyName:
    """The assembly to use. Raises `InputError` if none is given, or if the given one doesn't fit the bases."""
    told = asked or by_header
    if told is not None:
        if (wrong := bases[told].mismatch) is not None:
            where, what = wrong
            why = bases[told].mend or f"The file doesn't use {told}, or it is damaged."
            raise InputError(f"{where()}: {what} {why}")
        other: AssemblyName = "GRCh37" if told == "GRCh38" else "GRCh38"
        if bases[other].convinces and bases[other].named and not bases[told].named:
            who = "you gave --assembly" if asked else "its header says"
            raise InputError(
                f"{name}: its records lie where {other} has these variants, but {who} {told}. Use --assembly "
                f"{other} and correct the header, or create the file again."
            )
        return told
    fitting: list[AssemblyName] = [assembly for assembly in ASSEMBLIES if bases[assembly].convinces]
    if len(fitting) != 1:
        why = "the reference bases fit both" if len(fitting) > 1 else "too few reference bases fit either"
        raise InputError(f"{name}: unknown assembly: the header doesn't give it, and {why}. {ASK}")
    return fitting[0]
