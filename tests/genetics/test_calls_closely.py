"""What a call rests on, piece by piece: what a change does to a gene, which alleles fit, and what is said of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from azaward.errors import KnowledgeError
from azaward.genetics import Caller, Genotypes, Status, call, calling, nothing_seen
from azaward.genetics.ancestry import groups, prior
from azaward.genetics.codons import Codons
from azaward.genetics.consequence import breaking, presumed_functions, transcript, translate
from azaward.genetics.decision import SOUGHT, Limits, decide, limits, percent
from azaward.genetics.diplotypes import MOST_BLOCKS, MOST_EXTRAS, Pair, blocks, pairs
from azaward.genetics.distinct import distinct, first_of, most_common
from azaward.genetics.dosing import ORDER
from azaward.genetics.fitting import Fit, fitting
from azaward.genetics.haplotypes import named_alleles, order_of
from azaward.genetics.mixture import MOST, UNNAMED, marginal, mixed
from azaward.genetics.model import DISAGREED, Diplotype, GeneCall, GeneGenotypes, Unnamed, Unsure
from azaward.genetics.observed import Extra, Seen, covers, left_unsure, observe
from azaward.genetics.remarks import of_phase, of_undocumented
from azaward.knowledge import load

KNOWLEDGE = load()
TRANSCRIPTS = {gene: transcript(KNOWLEDGE, gene) for gene in ("TPMT", "NUDT15")}
POOR, INTERMEDIATE, POSSIBLE, OPEN, NORMAL = ORDER
NAMED = {gene: named_alleles(KNOWLEDGE, gene) for gene in TRANSCRIPTS}


# What a change does


@pytest.mark.parametrize(
    ("gene", "start", "end", "bases", "expected"),
    [
        # Positions count from 0, the end excluded. TPMT is read backwards.
        ("TPMT", 18149126, 18149127, "C", "start_lost c.1A>G p.Met1?"),
        ("TPMT", 18149126, 18149126, "A", "start_lost c.2dup p.Met1?"),
        ("TPMT", 18149122, 18149128, "A", "start_lost c.-1_5delinsT"),
        ("TPMT", 18149126, 18149132, "", "start_lost c.-5_1del"),
        ("TPMT", 18149125, 18149125, "TAC", "stop_gained c.3_4insTAG"),
        ("TPMT", 18149123, 18149124, "A", "missense_variant c.4G>T p.Asp2Tyr"),
        ("TPMT", 18149121, 18149122, "G", "synonymous_variant c.6T>C p.Asp2="),
        ("TPMT", 18149114, 18149115, "A", "stop_gained c.13A>T p.Arg5Ter"),
        ("TPMT", 18130672, 18130673, "A", "stop_gained c.733A>T p.Lys245Ter"),
        ("TPMT", 18130666, 18130668, "CC", "stop_lost c.738_*1delinsGG"),
        ("TPMT", 18149116, 18149122, "TAGTAA", "stop_gained c.6_11delinsTTACTA p.Thr4Ter"),
        ("TPMT", 18149114, 18149118, "A", "stop_gained c.10_13delinsT"),
        ("TPMT", 18149001, 18149004, "", "inframe_deletion c.124_126del"),
        ("TPMT", 18149040, 18149041, "", "frameshift_variant c.87del p.Trp29fs"),
        ("TPMT", 18149040, 18149043, "ACG", "missense_variant c.85_87delinsCGT p.Trp29Arg"),
        ("TPMT", 18149040, 18149046, "ACG", "inframe_deletion c.82_87delinsCGT"),
        ("TPMT", 18149040, 18149043, "ACGTTT", "inframe_insertion c.85_87delinsAAACGT"),
        ("TPMT", 18130668, 18130669, "C", "stop_retained_variant c.737A>G p.Ter246="),
        ("TPMT", 18130667, 18130669, "CT", "stop_retained_variant c.737_738delinsAG p.Ter246="),
        ("TPMT", 18130668, 18130668, "TAC", "stop_retained_variant c.735_737dup p.Ter246="),
        ("TPMT", 18130667, 18130668, "G", "stop_lost c.738A>C p.Ter246ext"),
        ("TPMT", 18130669, 18130675, "TAGTAA", "stop_lost c.731_736delinsTTACTA p.Ter246ext"),
        ("TPMT", 18130666, 18130672, "", "stop_lost c.734_*1del"),
        # A whole exon, with or without more, is lost; all but one of its bases are a deletion of bases.
        ("TPMT", 18138962, 18139037, "", "exon_loss_variant exon 5 deleted"),
        ("TPMT", 18138961, 18139038, "", "exon_loss_variant exon 5 deleted"),
        ("TPMT", 18138962, 18139037, "A", "exon_loss_variant exon 5 deleted"),
        ("TPMT", 18138963, 18139037, "", "frameshift_variant c.421_494del p.Thr141fs"),
        ("TPMT", 18138962, 18139036, "", "frameshift_variant c.421_494del p.Thr141fs"),
        ("TPMT", 18130667, 18149127, "", "transcript_ablation whole gene deleted"),
        # What lies before the first or after the last base of the coding sequence touches nothing.
        ("TPMT", 18149127, 18149127, "A", None),
        ("TPMT", 18149127, 18149128, "G", None),
        ("TPMT", 18130667, 18130667, "A", None),
        ("TPMT", 18130666, 18130667, "A", None),
        ("NUDT15", 48037746, 48037746, "C", None),
        ("NUDT15", 48037745, 48037746, "A", None),
        ("NUDT15", 48037747, 48037747, "A", None),
        ("TPMT", 18130668, 18130669, "", None),
        ("NUDT15", 48045799, 48045799, "A", None),
        ("NUDT15", 48045799, 48045800, "A", None),
        ("NUDT15", 48037747, 48037747, "G", "start_lost c.1_2insG p.Met1?"),
        ("NUDT15", 48037741, 48037747, "", "start_lost c.-5_1del"),
        ("NUDT15", 48045794, 48045800, "", "stop_lost c.492_*2del"),
        ("NUDT15", 48045798, 48045798, "C", "stop_lost c.494_495insC p.Ter165ext"),
        ("NUDT15", 48045797, 48045797, "G", "stop_retained_variant c.493_494insG p.Ter165="),
        ("NUDT15", 48045795, 48045795, "A", "frameshift_variant c.491_492insA p.Ter165fs"),
        ("NUDT15", 48045795, 48045795, "TAC", "inframe_insertion c.491_492insTAC"),
        ("NUDT15", 48045796, 48045796, "TAC", "stop_lost c.492_494dup p.Ter165ext"),
        # Between an exon and its intron, an insertion is the exon's; within the two bases of a splice site, it isn't.
        ("NUDT15", 48037904, 48037904, "A", "frameshift_variant c.158_158+1insA p.Glu54Ter"),
        ("NUDT15", 48037905, 48037905, "A", "splice_donor_variant c.158+1_158+2insA"),
        ("NUDT15", 48037906, 48037906, "A", None),
        ("NUDT15", 48040919, 48040919, "A", "frameshift_variant c.159-1_159insA p.Glu54Ter"),
        ("NUDT15", 48040918, 48040918, "C", "splice_acceptor_variant c.159-2_159-1insC"),
        ("NUDT15", 48040917, 48040917, "C", None),
        ("NUDT15", 48040919, 48040919, "TAC", "inframe_insertion c.159_160insACT"),
        ("TPMT", 18139717, 18139717, "A", "frameshift_variant c.367-1_367insT p.Ser123Ter"),
        ("TPMT", 18139664, 18139664, "G", "frameshift_variant c.419_419+1insC p.Arg140fs"),
        ("TPMT", 18139663, 18139663, "G", "splice_donor_variant c.419+1_419+2insC"),
        ("TPMT", 18139662, 18139662, "G", None),
        ("TPMT", 18139719, 18139719, "CC", None),
        ("TPMT", 18138961, 18138963, "", "splice_donor_variant c.494_494+1del"),
        ("TPMT", 18139036, 18139039, "", "splice_acceptor_variant c.420-1_421del"),
        ("TPMT", 18139037, 18139039, "GA", "splice_acceptor_variant c.420-2_420-1delinsTC"),
        # Written elsewhere in a repeat, these leave the splice site as it was.
        ("NUDT15", 48040918, 48040918, "A", "splice_region_variant c.159-2dup"),
        ("NUDT15", 48040914, 48040918, "", "splice_acceptor_variant c.159-5_159-2del"),
        ("TPMT", 18139721, 18139721, "GT", "splice_region_variant c.367-3_367-2dup"),
        ("TPMT", 18143591, 18143592, "", "splice_region_variant c.366+2del"),
        ("TPMT", 18138954, 18138958, "", "splice_region_variant c.494+2_494+5del"),
        # Of long insertions the first twenty bases are named.
        ("TPMT", 18139000, 18139000, "ACTACTACTACTACTACTAC", "c.457_458insTAGTAGTAGTAGTAGTAGTG p.Gly153fs"),
        ("TPMT", 18139000, 18139000, "ACTACTACTACTACTACTACT", "c.456_457insAGTAGTAGTAGTAGTAGTAG..."),
        ("TPMT", 18139000, 18139001, "A" * 20, f"c.456delins{'T' * 20} p.Arg152fs"),
        ("TPMT", 18139000, 18139001, "A" * 21, f"c.456delins{'T' * 20}... p.Arg152fs"),
        # Deep in an intron, the place is told from the nearer exon.
        ("TPMT", 18139000, 18139500, "", "splice_acceptor_variant c.419+165_456del"),
        ("TPMT", 18139000, 18139352, "", "splice_acceptor_variant c.419+313_456del"),
        ("TPMT", 18139000, 18139351, "", "splice_acceptor_variant c.419+314_456del"),
        ("TPMT", 18139000, 18139350, "", "splice_acceptor_variant c.420-313_456del"),
    ],
)
def test_what_a_change_does(gene: str, start: int, end: int, bases: str, expected: str | None) -> None:
    found = TRANSCRIPTS[gene].effect(start, end, bases)
    if expected is None:
        assert found is None
        return
    assert found is not None
    assert f"{found.term} {found.name}".endswith(expected)


def read_back(coding: str, name: str) -> str | None:
    """The coding sequence with a change of this HGVS name; None where the name goes beyond it."""
    found = re.fullmatch(r"c\.(\d+)(?:_(\d+))?(?:[ACGT]>([ACGT])|(delins|del|ins|dup)([ACGT]*))", name)
    if not found:
        return None
    first = int(found[1])
    last, new = int(found[2] or first), found[3] or found[5] or ""
    if found[4] == "dup":
        return coding[:last] + coding[first - 1 :]
    return coding[:first] + new + coding[first:] if found[4] == "ins" else coding[: first - 1] + new + coding[last:]


@pytest.mark.parametrize("gene", TRANSCRIPTS)
def test_the_name_of_a_change_read_back_gives_the_changed_sequence(gene: str) -> None:
    made, compared = TRANSCRIPTS[gene], 0
    forward = made.coding if not made.minus else _turned(made.coding)
    before = 0
    for exon in made.exons:
        length = exon.end - exon.start
        for place in (*range(8), *range(20, length - 8, 11), *range(length - 8, length + 1)):
            for long, bases in (
                (0, "A"),
                (0, "C"),
                (0, "GA"),
                (0, "TAC"),
                (1, ""),
                (2, ""),
                (3, ""),
                (3, "TC"),
                (1, "T"),
            ):
                if place + long > length:
                    continue
                found = made.effect(exon.start + place, exon.start + place + long, bases)
                if found is None:
                    # It can be written outside of the coding bases.
                    assert min(place, length - place - long) <= 1
                    continue
                changed = forward[: before + place] + bases + forward[before + place + long :]
                if (again := read_back(made.coding, found.coding)) is not None:
                    assert again == (changed if not made.minus else _turned(changed)), found
                    compared += 1
        before += length
    assert compared > 500


def _turned(bases: str) -> str:
    return bases.translate(str.maketrans("ACGT", "TGCA"))[::-1]


@pytest.mark.parametrize(
    ("gene", "changes", "expected"),
    [
        ("TPMT", [(22, "T"), (24, "A")], "synonymous_variant c.[22C>T;24T>A] p.Leu8="),
        ("TPMT", [(70, "T"), (72, "C")], "missense_variant c.[70C>T;72A>C] p.Leu24Phe"),
        ("NUDT15", [(10, "T"), (11, "C")], "synonymous_variant c.[10A>T;11G>C] p.Ser4="),
        ("NUDT15", [(29, "A"), (30, "A")], "missense_variant c.[29G>A;30G>A] p.Arg10Gln"),
        ("NUDT15", [(494, "G"), (495, "A")], "stop_retained_variant c.[494A>G;495G>A] p.Ter165="),
        ("TPMT", [(737, "G"), (738, "G")], "stop_lost c.[737A>G;738A>G] p.Ter246ext"),
        ("TPMT", [(1, "C"), (3, "A")], "start_lost c.[1A>C;3G>A] p.Met1?"),
    ],
)
def test_what_two_bases_of_a_codon_do_together(gene: str, changes: list[tuple[int, str]], expected: str) -> None:
    found = TRANSCRIPTS[gene].together(changes)
    assert f"{found.term} {found.name}" == expected


@pytest.mark.parametrize(
    ("kind", "start", "end", "expected"),
    [
        # The exons of TPMT count from the end of the chromosome's stretch; an exon has its splice sites.
        ("DEL", 18149120, 18149123, "exon_loss_variant exon 1 deleted"),
        ("DEL", 18139000, 18143600, "exon_loss_variant exons 3 to 5 deleted"),
        ("DEL", 18130579, 18132130, "exon_loss_variant exon 8 deleted"),
        ("DEL", 18130579, 18132131, "exon_loss_variant exons 7 to 8 deleted"),
        ("DEL", 18139718, 18143593, "exon_loss_variant exon 4 deleted"),
        ("DEL", 18139719, 18143594, "exon_loss_variant exon 3 deleted"),
        ("DUP", 18139000, 18139001, "transcript_amplification exon 5 duplicated"),
        ("INS", 18139000, 18139001, "structural_variant exon 5 rearranged"),
        ("CNV", 18130667, 18149127, "structural_variant whole gene rearranged"),
        ("DUP", 18130667, 18149127, "transcript_amplification whole gene duplicated"),
        ("INV", 18130667, 18149126, "structural_variant rearranged gene"),
        ("INV", 18130600, 18130667, "structural_variant rearranged gene"),
        ("DEL", 18150000, 18160000, "structural_variant start of the transcript deleted"),
        ("CNV", 18150000, 18160000, "structural_variant start of the transcript rearranged"),
        ("DEL", 18120000, 18130000, "structural_variant 3' untranslated region deleted"),
    ],
)
def test_what_a_rearrangement_does(kind: str, start: int, end: int, expected: str | None) -> None:
    found = TRANSCRIPTS["TPMT"].rearranged(kind, start, end)
    assert (found and f"{found.term} {found.name}") == expected


def test_a_change_written_elsewhere_in_a_repeat_is_looked_at_from_sixty_bases_away() -> None:
    made = TRANSCRIPTS["NUDT15"]
    first, last = made.exons[0].start, made.exons[-1].end
    assert made.near(first - 60, first - 59)
    assert made.near(last + 59, last + 60)
    assert made.near(made.exons[0].end + 1, made.exons[0].end + 1)
    assert not made.near(first - 61, first - 60)
    assert not made.near(last + 60, last + 61)


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("gene_sequences", lambda row: {"sequence": row.sequence.replace("ATG", "ATC")}),
        ("gene_exons", lambda row: {"end_grch38": row.end_grch38 - 1}),
    ],
)
def test_exons_that_make_no_protein_are_refused(table: str, changed: Callable[[Any], dict[str, Any]]) -> None:
    rows = tuple(
        msgspec.structs.replace(row, **changed(row)) if row.gene == "NUDT15" else row for row in KNOWLEDGE.tables[table]
    )
    with pytest.raises(KnowledgeError, match="NUDT15: the exons' bases aren't those of a protein"):
        transcript(replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, table: rows}), "NUDT15")


@pytest.mark.parametrize("cut", [0, -1])
def test_bases_that_are_not_held_are_missed(cut: int) -> None:
    made = TRANSCRIPTS["NUDT15"]
    low, held = made.around[0]
    last = made.exons[0]
    short = ((low, held[: last.end - low]), (last.start, held[last.start - low :]))[cut]
    whole = replace(made, around=(short, *made.around[1:]))
    assert whole.coding == made.coding
    for around in (((low, held[: last.end - low - 1])), (last.start + 1, held[last.start + 1 - low :])):
        less = replace(made, around=(around, *made.around[1:]))
        with pytest.raises(KnowledgeError, match=f"NUDT15: no bases from {last.start + 1} to {last.end}"):
            assert less.coding


# What was seen


def change(name: str, cell: str, *, start: int = 0, term: str = "synonymous_variant", **more: Any) -> Unnamed:
    """A change as a genotype gives it; sides that a slash leaves open are in no phase set."""
    first, second = cell[0] == "1", cell[2] == "1"
    return Unnamed(start, start + 1, term, name, first, second, **{"phase": 1 if cell[1] == "|" else 0, **more})


C70, C72 = "c.70C>T p.Leu24=", "c.72A>C p.Leu24="
TOGETHER = "c.[70C>T;72A>C] p.Leu24Phe"
CODONS = Codons.of(TRANSCRIPTS["TPMT"], NAMED["TPMT"].sites, presumed_functions(KNOWLEDGE))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((C70, "0|1"), (C72, "0|1"), [(TOGETHER, False, True, 1)]),
        ((C70, "1|0"), (C72, "1|0"), [(TOGETHER, True, False, 1)]),
        ((C70, "0|1"), (C72, "1|0"), None),
        # On the other copy, what is on both stands alone.
        ((C70, "1/1"), (C72, "1|0"), [(C70, False, True, 0), (TOGETHER, True, False, 1)]),
        ((C70, "1|0"), (C72, "1/1"), [(C72, False, True, 0), (TOGETHER, True, False, 1)]),
        ((C70, "1/1"), (C72, "1/1"), [(TOGETHER, True, True, 0)]),
        # The order in which they stand says nothing.
        ((C72, "0|1"), (C70, "0|1"), [(TOGETHER, False, True, 1)]),
        # Where the sides aren't known of each other, what they may do together is added, with no side.
        ((C70, "0/1"), (C72, "0|1"), [(C70, False, True, 0), (C72, False, True, 1), (TOGETHER, False, False, 1)]),
        ((C70, "0/1"), (C72, "1/0"), [(C70, False, True, 0), (C72, True, False, 0), (TOGETHER, False, False, 0)]),
        # Other codons, the same base, what isn't counted and what isn't a single base stay apart.
        ((C70, "0|1"), ("c.73A>C p.Lys25Gln", "0|1"), None),
        ((C72, "0|1"), ("c.73A>C p.Lys25Gln", "0|1"), None),
        (("c.69T>C p.Leu23=", "0|1"), (C70, "0|1"), None),
        ((C70, "0|1"), ("c.70C>A p.Leu24Ile", "0|1"), None),
        ((C70, "0|1"), ("c.72del p.Lys25fs", "0|1"), None),
        (("c.70del p.Leu24Ter", "0|1"), (C72, "0|1"), None),
    ],
)
def test_changes_of_one_codon_on_one_copy_are_told_together(
    one: tuple[str, str], other: tuple[str, str], expected: list[tuple[str, bool, bool, int]] | None
) -> None:
    both = change(*one, start=9), change(*other, start=5)
    found = CODONS.told(both, ())
    if expected is None:
        assert found == both
        return
    assert [(each.name, each.first, each.second, each.phase) for each in found] == expected
    assert (found[-1].start, found[-1].end) == (5, 10)


@pytest.mark.parametrize("doubtful", [0, 1])
def test_a_doubtful_change_is_not_told_together_with_another(doubtful: int) -> None:
    both = [change(C70, "0|1"), change(C72, "0|1")]
    both[doubtful] = both[doubtful]._replace(doubt="too few reads")
    assert CODONS.told(both, ()) == tuple(both)


def test_two_phase_sets_do_not_know_each_other() -> None:
    found = CODONS.told([change(C70, "0|1", phase=2), change(C72, "0|1", phase=3)], ())
    assert [each.name for each in found] == [C70, C72, TOGETHER]


def site_of(gene: str, label: str) -> int:
    return [site.label for site in NAMED[gene].sites].index(label)


PRESUMED = presumed_functions(KNOWLEDGE)


@pytest.mark.parametrize(
    ("start", "end", "touches"),
    [
        # rs1142345 is base 18130686, counted from 0; an insertion before or behind it may be written at it.
        (18130685, 18130686, False),
        (18130686, 18130687, True),
        (18130687, 18130688, False),
        (18130680, 18130687, True),
        (18130685, 18130685, False),
        (18130686, 18130686, True),
        (18130687, 18130687, True),
        (18130688, 18130688, False),
    ],
)
def test_a_change_explains_the_bases_that_it_touches(start: int, end: int, touches: bool) -> None:
    site = NAMED["TPMT"].sites[site_of("TPMT", "rs1142345")]
    assert covers(Unnamed(start, end, "missense_variant", "x", True, False), site) == touches


def test_a_change_explains_every_base_of_a_longer_site() -> None:
    site = NAMED["NUDT15"].sites[site_of("NUDT15", "rs746071566")]
    first = site.pos_grch38 - 1
    for at in range(first - 1, first + len(site.ref) + 1):
        touched = covers(Unnamed(at, at + 1, "missense_variant", "x", True, False), site)
        assert touched == (first <= at < first + len(site.ref))


def seen_of(
    codes: Mapping[str, tuple[int, int]], *unnamed: Unnamed, phase: Mapping[str, int] | None = None, **texts: str
) -> Seen:
    sites = NAMED["TPMT"].sites
    return observe(
        sites,
        [codes.get(site.label, (0, 0)) for site in sites],
        [(phase or {}).get(site.label, 0) for site in sites],
        {site_of("TPMT", label): text for label, text in texts.items()},
        unnamed,
        PRESUMED,
    )


def test_what_has_no_name_stands_beside_the_codes() -> None:
    stop = Unnamed(18139002, 18139003, "stop_gained", "c.454A>T p.Arg152Ter", False, True, 3)
    silent = Unnamed(18149055, 18149056, "synonymous_variant", C72, True, True)
    doubtful = stop._replace(doubt="too few reads")
    assert seen_of({}, silent, doubtful).extras == ()
    assert seen_of({}, stop).extras == (Extra("c.454A>T p.Arg152Ter", False, True, 3, "No function"),)
    found = seen_of({"rs1142345": (-2, 0), "rs1800460": (0, -2)}, phase={"rs1800460": 4}, rs1800460="C>A/G")
    assert found.extras == (
        Extra("rs1142345 T>?", True, False, 0, None, told=False, site=site_of("TPMT", "rs1142345")),
        Extra("rs1800460 C>A,G", False, True, 4, None, told=False, site=site_of("TPMT", "rs1800460")),
    )
    assert all(both == (0, 0) for both in found.codes)


def test_where_every_base_is_undocumented_each_is_told() -> None:
    labels = [site.label for site in NAMED["TPMT"].sites]
    found = seen_of(dict.fromkeys(labels, (-2, -2)))
    assert [each.site for each in found.extras] == list(range(len(labels)))
    assert set(found.codes) == {(0, 0)}


def test_bases_that_a_change_explains_are_told_once() -> None:
    other = Unnamed(18130686, 18130687, "missense_variant", "c.719A>T p.Tyr240Phe", False, True)
    found = seen_of({"rs1142345": (0, -2), "rs1800460": (1, -2)}, other)
    assert [each.name for each in found.extras] == ["c.719A>T p.Tyr240Phe", "rs1800460 C>?"]
    assert found.codes[site_of("TPMT", "rs1800460")] == (1, 0)


DELETED = Unnamed(18130667, 18149127, "transcript_ablation", "whole gene deleted", False, True)
EXON = Unnamed(18138962, 18139037, "exon_loss_variant", "exon 5 deleted", False, True)


@pytest.mark.parametrize(
    ("codes", "left"),
    [
        ((0, 0), 0),
        ((1, 1), 1),
        ((0, 1), 1),
        ((1, 0), 1),
        ((-1, 1), 1),
        ((0, -1), 0),
        ((-1, -1), -1),
        # Two alleles that aren't the reference can't both be on the copy that is left.
        ((1, 2), -1),
    ],
)
@pytest.mark.parametrize("side", [(False, True), (True, False)])
def test_where_a_copy_is_deleted_the_other_is_what_was_seen(
    codes: tuple[int, int], left: int, side: tuple[bool, bool]
) -> None:
    deletion = DELETED._replace(first=side[0], second=side[1])
    found = seen_of({"rs1142345": codes}, deletion)
    at = site_of("TPMT", "rs1142345")
    # Without a phase set it is laid on the second copy.
    assert found.codes[at] == (left, 0)
    assert found.phase[at] == 1
    assert found.extras == (Extra("deletion", False, True, 1, "No function"),)
    phased = seen_of({"rs1142345": codes}, deletion._replace(phase=5))
    assert phased.codes[at] == ((left, 0) if side[1] else (0, left))
    assert phased.phase[at] == 5
    assert phased.extras == (Extra("deletion", *side, 5, "No function"),)


def test_a_deletion_without_a_phase_set_has_one_that_nothing_else_has() -> None:
    stop = Unnamed(18139002, 18139003, "stop_gained", "c.454A>T p.Arg152Ter", True, False, 9)
    found = seen_of({"rs1142345": (0, 1)}, DELETED, stop, phase={"rs1142345": 4})
    assert set(found.phase) == {10}
    # What lies in it is on the copy that is left.
    assert found.extras == (
        Extra("deletion", False, True, 10, "No function"),
        Extra("c.454A>T p.Arg152Ter", True, False, 10, "No function"),
    )
    phased = seen_of({}, DELETED._replace(first=True, second=False, phase=2), stop)
    assert [(each.first, each.second, each.phase) for each in phased.extras] == [(True, False, 2), (False, True, 2)]


def test_a_deleted_exon_says_nothing_of_the_others() -> None:
    stop = Unnamed(18149114, 18149115, "stop_gained", "c.13A>T p.Arg5Ter", True, False)
    inside = [Unnamed(at, at + 1, "missense_variant", f"c.{at}", True, False) for at in (18138961, 18138962, 18139036)]
    beyond = Unnamed(18139037, 18139038, "splice_acceptor_variant", "c.420-1", True, False)
    found = seen_of({"rs1142345": (0, 1), "rs1800460": (0, 1)}, EXON, stop, *inside, beyond)
    at, within = site_of("TPMT", "rs1142345"), site_of("TPMT", "rs1800460")
    assert (found.codes[at], found.phase[at]) == ((0, 1), 0)
    assert (found.codes[within], found.phase[within]) == ((1, 0), 1)
    assert [(each.name, each.phase) for each in found.extras] == [
        ("exon 5 deleted", 1),
        ("c.13A>T p.Arg5Ter", 0),
        ("c.18138961", 0),
        ("c.420-1", 0),
        ("c.18138962", 1),
        ("c.18139036", 1),
    ]


def test_where_both_copies_are_deleted_nothing_is_left() -> None:
    stop = Unnamed(18139002, 18139003, "stop_gained", "c.454A>T p.Arg152Ter", True, False)
    both = DELETED._replace(first=True)
    found = seen_of({"rs1142345": (0, 1), "rs1800460": (-1, -1)}, both, stop)
    assert set(found.codes) == {(0, 0)}
    assert found.extras == (Extra("deletion", True, True, 0, "No function"),)


def test_a_site_at_the_edge_of_a_deletion_lies_in_it() -> None:
    site = NAMED["TPMT"].sites[site_of("TPMT", "chr6:18149103")]
    first = site.pos_grch38 - 1
    for start, end, inside in (
        (first, first + 5, True),
        (first + 1, first + 5, False),
        (first, first + 4, False),
        (first - 1, first + 6, True),
    ):
        found = seen_of({site.label: (0, 1)}, EXON._replace(start=start, end=end))
        assert (found.codes[site_of("TPMT", site.label)] == (1, 0)) == inside


HALF = Unsure((((0, 1), 0.5), ((1, 1), 0.3), ((0, 0), 0.2)), likelihoods=False)


@pytest.mark.parametrize(
    ("code", "unnamed", "expected"),
    [
        ((0, 0), [], HALF.genotypes),
        ((0, -2), [], HALF.genotypes),
        # One copy is left: both genotypes with the change mean that it has it.
        ((0, 0), [EXON], (((0, 1), 0.5), ((0, 0), 0.2))),
        ((0, 0), [EXON, EXON._replace(first=True)], None),
        ((0, 0), [EXON._replace(first=True)], None),
        ((0, 0), [EXON._replace(first=True, doubt="too few reads")], HALF.genotypes),
        ((0, 0), [Unnamed(18138996, 18138997, "missense_variant", "x", False, True)], HALF.genotypes),
        ((-2, 0), [Unnamed(18138996, 18138997, "missense_variant", "x", False, True)], None),
        ((-2, 0), [Unnamed(18138997, 18138998, "missense_variant", "x", False, True)], HALF.genotypes),
    ],
)
def test_what_is_left_to_be_unsure_of(
    code: tuple[int, int], unnamed: list[Unnamed], expected: tuple[tuple[tuple[int, int], float], ...] | None
) -> None:
    at, sites = site_of("TPMT", "rs1800460"), NAMED["TPMT"].sites
    codes = [code if place == at else (0, 0) for place in range(len(sites))]
    found = left_unsure(sites, codes, {at: HALF}, unnamed, PRESUMED)
    assert (found[at].genotypes if at in found else None) == expected


def test_the_heaviest_of_what_one_copy_may_have_stands_first() -> None:
    at, sites = site_of("TPMT", "rs1800460"), NAMED["TPMT"].sites
    held = Unsure((((0, 0), 0.4), ((1, 0), 0.35), ((1, 1), 0.25)), likelihoods=True)
    last = Unsure((((0, 0), 0.3), ((1, 0), 0.2), ((1, 1), 0.5)), likelihoods=True)
    codes = [(0, 0)] * len(sites)
    assert left_unsure(sites, codes, {at: held}, [EXON], PRESUMED)[at].genotypes == (((0, 0), 0.4), ((0, 1), 0.35))
    assert left_unsure(sites, codes, {at: last}, [EXON], PRESUMED)[at].genotypes == (((0, 1), 0.5), ((0, 0), 0.3))


# Which alleles fit


def test_alleles_fit_as_if_each_were_laid_beside_each_genotype() -> None:
    random = np.random.default_rng(1)
    carries = random.integers(0, 3, (5, 11)).astype(np.int8)
    carries[0] = 0
    codes = random.integers(-1, 2, (600, 11, 2)).astype(np.int8)
    # Genotypes that some allele fits: two alleles, here and there unseen.
    codes[::2] = np.where(
        random.random((300, 11, 2)) < 0.3, -1, carries[random.integers(0, 5, (300, 2))].swapaxes(1, 2)
    )
    untested = {
        row: dict.fromkeys(range(row % 11), (1, 2)[: 1 + row % 2]) for row in (0, 3, 255, 256, 257, 511, 512, 598)
    }
    for others in ({}, untested):
        expected: list[list[Fit]] = []
        for row, seen in enumerate(codes.tolist()):
            expected.append([])
            for allele, carried in enumerate(carries.tolist()):
                sides = [
                    [
                        both[side] in (-1, code) or (both[side] == 0 and code in others.get(row, {}).get(at, ()))
                        for at, (both, code) in enumerate(zip(seen, carried, strict=True))
                    ]
                    for side in (0, 1)
                ]
                if all(one or other for one, other in zip(*sides, strict=True)):
                    expected[-1].append(
                        Fit(allele, *(sum(fits << at for at, fits in enumerate(side)) for side in sides))
                    )
        assert fitting(carries, codes, others) == expected
        assert sum(map(len, expected)) > 300
    assert fitting(carries, codes) == fitting(carries, codes, {})


# Distinct genotypes


@pytest.mark.parametrize("length", [0, 1, 2, 7, 9, 34, 300, 1500])
@pytest.mark.parametrize("highest", [0, 1, 3, 254, 255, 256, 257, 1100, 5000, 8000, 2_000_000_000])
@pytest.mark.parametrize("usual", [0, 0.9])
def test_distinct_codes_are_in_order_and_each_row_finds_its_own(length: int, highest: int, usual: float) -> None:
    random = np.random.default_rng(length + highest)
    codes = random.integers(0, highest + 1, length)
    codes[random.random(length) < usual] = highest // 2
    if length > 1:
        codes[-1] = highest
    found, of = distinct(codes)
    assert found == sorted(set(codes.tolist()))
    assert [found[at] for at in of.tolist()] == codes.tolist()
    assert first_of(of, len(found)).tolist() == [codes.tolist().index(code) for code in found]


@pytest.mark.parametrize("kinds", [255, 256, 257])
@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("step", [1, 2])
def test_as_many_distinct_codes_as_a_byte_holds_and_one_more(kinds: int, times: int, step: int) -> None:
    codes = np.tile(np.arange(kinds) * step, times)[::-1].copy()
    found, of = distinct(codes)
    assert found == list(range(0, kinds * step, step))
    assert of.tolist() == (codes // step).tolist()


@pytest.mark.parametrize(
    ("codes", "expected"), [([7], 7), ([1, 2, 2], 2), ([5, 5, 2], 5), ([3] * 17 + [9] * 16 + [9] * 100, 3)]
)
def test_the_most_common_of_the_first_codes(codes: list[int], expected: int) -> None:
    assert most_common(np.array(codes)) == expected


# Calls


def person(
    codes: Mapping[str, tuple[int, int]] | None = None,
    *,
    gene: str = "TPMT",
    phase: Mapping[str, int] | None = None,
    status: Mapping[str, Status] | None = None,
    unnamed: Sequence[Unnamed] = (),
    **fields: Mapping[str, Any],
) -> GeneGenotypes:
    """Somebody with the reference everywhere but here."""
    held = nothing_seen(["0"], KNOWLEDGE).genes[gene]
    held.alleles[:], held.status[:] = 0, Status.SEEN
    for array, given in ((held.alleles, codes), (held.phase, phase), (held.status, status)):
        for label, value in (given or {}).items():
            array[0, site_of(gene, label)] = value
    placed = {
        name: {(0, site_of(gene, at) if at != "gene" else -1): value for at, value in given.items()}
        for name, given in fields.items()
    }
    return replace(held, unnamed={0: tuple(unnamed)} if unnamed else {}, **placed)  # type: ignore[arg-type]


def called(held: GeneGenotypes, ancestry: Any = "European") -> GeneCall:
    gene = held.sites[0].gene
    return next(call(Genotypes(("0",), {gene: held}), KNOWLEDGE, ancestry)).genes[gene]


def shown(found: GeneCall) -> list[str]:
    """Each diplotype with its probability in words."""
    return [f"{each.call} {percent(each.probability)}" for each in found.diplotypes]


def stated(*genotypes: tuple[tuple[int, int], float]) -> Unsure:
    return Unsure(genotypes, likelihoods=False)


STAR_2, STAR_3B, STAR_3C, STAR_4, HALF_43 = "rs1800462", "rs1800460", "rs1142345", "rs1800584", "rs753545734"
STOP = Unnamed(18139002, 18139003, "stop_gained", "c.454A>T p.Arg152Ter", False, True)
MISSENSE = Unnamed(18139718, 18139719, "missense_variant", "c.367T>G p.Ser123Ala", False, True)
NO_EFFECT_KNOWN = (
    "No named allele is like it, so its effect isn't known. "
    "It counts as no better than its worst known part, and never as normal."
)
STOP_SAID = (
    "c.454A>T p.Arg152Ter on one copy: a stop codon cuts the protein short. No named allele has it; "
    "that copy is presumed not to work."
)
MISSENSE_SAID = (
    "c.367T>G p.Ser123Ala on one copy: one amino acid is replaced by another. No named allele has it, so its effect "
    "isn't known."
)
MISSED = "1 of 45 positions that define an allele were not seen in full."
NOTHING_HIDES = "No allele can hide at the positions that weren't seen: the other positions rule out all of them."

CALLS: dict[str, tuple[GeneGenotypes, list[str], str, str | None, list[str]]] = {
    "nothing": (person(), ["*1/*1 100%"], "Normal Metabolizer", None, []),
    "two alleles": (person({STAR_2: (0, 1), STAR_3C: (0, 1)}), ["*2/*3C 100%"], "Poor Metabolizer", None, []),
    "two alleles on one copy, with a part of a third": (
        person({STAR_2: (0, 1), HALF_43: (0, 1)}, phase={STAR_2: 1, HALF_43: 1}),
        ["*1/[*2 + rs753545734 C>T] 100%"],
        "Intermediate Metabolizer",
        None,
        [f"Undocumented: [*2 + rs753545734 C>T]. {NO_EFFECT_KNOWN}"],
    ),
    "sides that nobody knows": (
        person({STAR_2: (0, 1), HALF_43: (0, 1)}),
        ["*2/[rs753545734 C>T] 51.2%", "*1/[*2 + rs753545734 C>T] 48.8%"],
        "Intermediate Metabolizer",
        None,
        [
            "Possible Intermediate Metabolizer is more probable (51.2%), but Intermediate Metabolizer has 48.8%, "
            "so the dose goes by it: it is the more cautious.",
            "It isn't known which variants lie on the same copy of the gene: *2/[rs753545734 C>T] has 51.2%; "
            "also fitting: *1/[*2 + rs753545734 C>T] (48.8%).",
            f"Undocumented: [rs753545734 C>T]; [*2 + rs753545734 C>T]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "a part of an allele on both copies": (
        person({HALF_43: (1, 1)}),
        ["[rs753545734 C>T]/[rs753545734 C>T] 100%"],
        "Indeterminate",
        None,
        [f"Undocumented: [rs753545734 C>T]. {NO_EFFECT_KNOWN}"],
    ),
    "an undocumented base beside an allele": (
        person({STAR_3C: (1, -2)}),
        ["*3C/[rs1142345 T>?] 100%"],
        "Possible Intermediate Metabolizer",
        None,
        [f"Undocumented: rs1142345 T>?. {NO_EFFECT_KNOWN}"],
    ),
    "an undocumented base that may not be there": (
        person({STAR_3C: (0, -2)}, unsure={STAR_3C: Unsure((((0, 0), 3), ((0, -2), 1)), likelihoods=False)}),
        ["*1/*1 75%", "*1/[rs1142345 T>?] 25%"],
        "Indeterminate",
        None,
        [
            "Not called normal: the probability of another phenotype is 25%.",
            f"Undocumented: rs1142345 T>?. {NO_EFFECT_KNOWN}",
            "By the file's own figures these genotypes aren't sure: rs1142345 T/T 75%, T/? 25%.",
        ],
    ),
    "two weak alleles on one copy": (
        person(
            {"rs186364861": (0, 1), "chr13:48037849": (0, 1)},
            gene="NUDT15",
            phase={"rs186364861": 1, "chr13:48037849": 1},
        ),
        ["*1/[*5 + *8] 100%"],
        "Indeterminate",
        None,
        [f"Undocumented: [*5 + *8]. {NO_EFFECT_KNOWN}"],
    ),
    "a stop on both copies and a position not seen": (
        person({STAR_3C: (0, -1)}, unnamed=[STOP._replace(first=True)]),
        [
            "[c.454A>T p.Arg152Ter]/[c.454A>T p.Arg152Ter] 98.9%",
            "[*3C + c.454A>T p.Arg152Ter]/[c.454A>T p.Arg152Ter] 1%",
            "[*41 + c.454A>T p.Arg152Ter]/[c.454A>T p.Arg152Ter] 0.03%",
        ],
        "Indeterminate",
        "Poor Metabolizer",
        [
            MISSED,
            "2 alleles may hide where not everything was seen (most probable *3C, 1%).",
            STOP_SAID.replace("one copy", "both copies").replace("that copy is", "both copies are"),
            "Undocumented: [*3C + c.454A>T p.Arg152Ter]; [*41 + c.454A>T p.Arg152Ter]. " + NO_EFFECT_KNOWN,
        ],
    ),
    "two alleles and a third on one copy": (
        person(dict.fromkeys((STAR_2, STAR_3B, STAR_3C), (0, 1)), phase=dict.fromkeys((STAR_2, STAR_3B, STAR_3C), 1)),
        ["*1/[*2 + *3A] 100%"],
        "Intermediate Metabolizer",
        None,
        [f"Undocumented: [*2 + *3A]. {NO_EFFECT_KNOWN}"],
    ),
    "three undocumented bases": (
        person(dict.fromkeys((STAR_2, STAR_3B, STAR_3C), (0, -2))),
        [
            "*1/[rs1142345 T>? + rs1800460 C>? + rs1800462 C>?] 25%",
            "[rs1142345 T>? + rs1800460 C>?]/[rs1800462 C>?] 25%",
            "[rs1142345 T>? + rs1800462 C>?]/[rs1800460 C>?] 25%",
            "[rs1142345 T>?]/[rs1800460 C>? + rs1800462 C>?] 25%",
        ],
        "Indeterminate",
        None,
        [
            "It isn't known which variants lie on the same copy of the gene: "
            "*1/[rs1142345 T>? + rs1800460 C>? + rs1800462 C>?] has 25%; also fitting: "
            "[rs1142345 T>? + rs1800460 C>?]/[rs1800462 C>?] (25%), "
            "[rs1142345 T>? + rs1800462 C>?]/[rs1800460 C>?] (25%), "
            "[rs1142345 T>?]/[rs1800460 C>? + rs1800462 C>?] (25%).",
            f"Undocumented: rs1142345 T>?; rs1800460 C>?; rs1800462 C>? and 4 more. {NO_EFFECT_KNOWN}",
        ],
    ),
    "a deleted copy, and on it what reaches beyond": (
        person(
            unnamed=[
                DELETED._replace(phase=1),
                Unnamed(18149126, 18149132, "start_lost", "c.-5_1del", False, True, 1),
            ]
        ),
        ["*1/deletion 100%"],
        "Intermediate Metabolizer",
        None,
        [
            "The whole gene is deleted on one copy: what was seen comes from the copy that is left.",
            STOP_SAID.replace(STOP.name, "c.-5_1del").replace(
                "a stop codon cuts the protein short", "the start codon is lost"
            ),
        ],
    ),
    "a deleted copy": (
        person({STAR_3C: (0, 1)}, unnamed=[DELETED]),
        ["*3C/deletion 100%"],
        "Poor Metabolizer",
        None,
        ["The whole gene is deleted on one copy: what was seen comes from the copy that is left."],
    ),
    "a deleted copy, and much that has no name": (
        person(unnamed=[DELETED, STOP, MISSENSE, STOP._replace(name="c.1"), STOP._replace(name="c.2")]),
        ["[c.454A>T p.Arg152Ter + c.367T>G p.Ser123Ala + c.1 + c.2]/deletion 100%"],
        "Possible Intermediate Metabolizer",
        "Poor Metabolizer",
        [
            "The whole gene is deleted on one copy: what was seen comes from the copy that is left.",
            STOP_SAID,
            MISSENSE_SAID,
            STOP_SAID.replace(STOP.name, "c.1"),
            STOP_SAID.replace(STOP.name, "c.2"),
            f"Undocumented: [c.454A>T p.Arg152Ter + c.367T>G p.Ser123Ala + c.1 + c.2]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "both copies deleted": (
        person(unnamed=[DELETED._replace(first=True)]),
        ["deletion/deletion 100%"],
        "Poor Metabolizer",
        None,
        ["The whole gene is deleted on both copies."],
    ),
    "a stop": (
        person(unnamed=[STOP]),
        ["*1/[c.454A>T p.Arg152Ter] 100%"],
        "Indeterminate",
        "Intermediate Metabolizer",
        [STOP_SAID],
    ),
    "a stop on both copies": (
        person(unnamed=[STOP._replace(first=True)]),
        ["[c.454A>T p.Arg152Ter]/[c.454A>T p.Arg152Ter] 100%"],
        "Indeterminate",
        "Poor Metabolizer",
        [STOP_SAID.replace("one copy", "both copies").replace("that copy is", "both copies are")],
    ),
    "a stop on no known number of copies": (
        person(unnamed=[STOP._replace(second=False)]),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        [STOP_SAID.replace("one copy", "an unknown number of copies").replace("that copy is", "a copy with it is")],
    ),
    "two changes on one copy": (
        person(unnamed=[STOP._replace(phase=2), MISSENSE._replace(phase=2)]),
        ["*1/[c.454A>T p.Arg152Ter + c.367T>G p.Ser123Ala] 100%"],
        "Indeterminate",
        "Intermediate Metabolizer",
        [
            STOP_SAID,
            MISSENSE_SAID,
            f"Undocumented: [c.454A>T p.Arg152Ter + c.367T>G p.Ser123Ala]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "two changes, one on each copy": (
        person(unnamed=[STOP._replace(phase=2), MISSENSE._replace(first=True, second=False, phase=2)]),
        ["[c.367T>G p.Ser123Ala]/[c.454A>T p.Arg152Ter] 100%"],
        "Indeterminate",
        "Possible Intermediate Metabolizer",
        [STOP_SAID, MISSENSE_SAID],
    ),
    "a stop beside an allele": (
        person({"rs56161402": (0, 1)}, unnamed=[STOP]),
        ["*1/[*8 + c.454A>T p.Arg152Ter] 50%", "*8/[c.454A>T p.Arg152Ter] 50%"],
        "Indeterminate",
        "Intermediate Metabolizer",
        [
            "It isn't known which variants lie on the same copy of the gene: *1/[*8 + c.454A>T p.Arg152Ter] has 50%; "
            "also fitting: *8/[c.454A>T p.Arg152Ter] (50%).",
            STOP_SAID,
            f"Undocumented: [*8 + c.454A>T p.Arg152Ter]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "a stop beside an allele without function": (
        person({STAR_3C: (0, 1)}, unnamed=[STOP]),
        ["*1/[*3C + c.454A>T p.Arg152Ter] 50%", "*3C/[c.454A>T p.Arg152Ter] 50%"],
        "Intermediate Metabolizer",
        "Poor Metabolizer",
        [
            "It isn't known which variants lie on the same copy of the gene: *1/[*3C + c.454A>T p.Arg152Ter] has 50%; "
            "also fitting: *3C/[c.454A>T p.Arg152Ter] (50%).",
            STOP_SAID,
            f"Undocumented: [*3C + c.454A>T p.Arg152Ter]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "a stop that makes nothing worse": (
        person(unnamed=[STOP], unsure={STAR_3C: stated(((1, 1), 0.6), ((0, 0), 0.4))}),
        ["*3C/[*3C + c.454A>T p.Arg152Ter] 60%", "*1/[c.454A>T p.Arg152Ter] 40%"],
        "Poor Metabolizer",
        None,
        [
            STOP_SAID,
            f"Undocumented: [*3C + c.454A>T p.Arg152Ter]. {NO_EFFECT_KNOWN}",
            "By the file's own figures these genotypes aren't sure: rs1142345 C/C 60%, T/T 40%.",
        ],
    ),
    "a change that counts for nothing": (
        person(unnamed=[change(C72, "0/1")]),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        [f"{C72} on one copy: the protein stays the same, so it doesn't change the result."],
    ),
    "a stop that failed": (
        person(unnamed=[STOP._replace(doubt="too few reads")]),
        ["*1/*1 100%"],
        "Indeterminate",
        None,
        [
            "Not called normal: c.454A>T p.Arg152Ter may be there.",
            "c.454A>T p.Arg152Ter (a stop codon cuts the protein short) was seen but isn't counted: too few reads. "
            "Have it confirmed.",
        ],
    ),
    "a stop that may be there": (
        person(unnamed=[STOP._replace(doubt=Status.NO_CALL.says)]),
        ["*1/*1 100%"],
        "Indeterminate",
        None,
        [
            "Not called normal: c.454A>T p.Arg152Ter may be there.",
            "c.454A>T p.Arg152Ter (a stop codon cuts the protein short) may be present: a record without a genotype. "
            "Have it confirmed.",
        ],
    ),
    "a silent change that failed": (
        person(unnamed=[change(C72, "0/1", doubt="too few reads")]),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        [f"{C72} (the protein stays the same) was seen but isn't counted: too few reads. Have it confirmed."],
    ),
    "undocumented bases": (
        person({STAR_3C: (0, -2), STAR_3B: (0, -2)}),
        ["*1/[rs1142345 T>? + rs1800460 C>?] 50%", "[rs1142345 T>?]/[rs1800460 C>?] 50%"],
        "Indeterminate",
        None,
        [
            "It isn't known which variants lie on the same copy of the gene: *1/[rs1142345 T>? + rs1800460 C>?] has "
            "50%; also fitting: [rs1142345 T>?]/[rs1800460 C>?] (50%).",
            f"Undocumented: rs1142345 T>?; rs1800460 C>?; [rs1142345 T>? + rs1800460 C>?]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "four undocumented bases on both copies": (
        person(dict.fromkeys((STAR_2, STAR_3B, STAR_3C, STAR_4), (-2, -2))),
        [
            "[rs1142345 T>? + rs1800584 C>? + rs1800460 C>? + rs1800462 C>?]/"
            "[rs1142345 T>? + rs1800584 C>? + rs1800460 C>? + rs1800462 C>?] 100%"
        ],
        "Indeterminate",
        None,
        [f"Undocumented: rs1142345 T>?; rs1800584 C>?; rs1800460 C>? and 2 more. {NO_EFFECT_KNOWN}"],
    ),
    "three undocumented bases on both copies": (
        person(dict.fromkeys((STAR_2, STAR_3B, STAR_3C), (-2, -2))),
        ["[rs1142345 T>? + rs1800460 C>? + rs1800462 C>?]/[rs1142345 T>? + rs1800460 C>? + rs1800462 C>?] 100%"],
        "Indeterminate",
        None,
        [f"Undocumented: rs1142345 T>?; rs1800460 C>?; rs1800462 C>? and 1 more. {NO_EFFECT_KNOWN}"],
    ),
    "undocumented bases beside a missing position": (
        person({STAR_3B: (0, -2), HALF_43: (-1, -1)}),
        ["*1/[rs1800460 C>?] 100%"],
        "Indeterminate",
        None,
        [MISSED, NOTHING_HIDES, f"Undocumented: rs1800460 C>?. {NO_EFFECT_KNOWN}"],
    ),
    "a position not seen": (
        person({STAR_3C: (-1, -1)}, status={STAR_3C: Status.NO_RECORD}),
        [
            "*1/*1 98.9%",
            "*1/*3C 1%",
            "*1/*41 0.03%",
            "*3C/*3C below 0.01%",
            "*3C/*41 below 0.01%",
            "*41/*41 below 0.01%",
        ],
        "Indeterminate",
        None,
        [
            "Not called normal: *3C can't be ruled out by what was seen.",
            MISSED,
            "2 alleles may hide where not everything was seen (most probable *3C, 1%); the probability that any of "
            "them does is 1.1%.",
        ],
    ),
    "a copy not seen": (
        person({STAR_3C: (1, -1), STAR_3B: (0, 1)}),
        ["*1/*3A 99.5%", "*3A/*3C 0.5%", "*3A/*41 0.01%", "*3B/*3C below 0.01%"],
        "Intermediate Metabolizer",
        None,
        [
            MISSED,
            "2 alleles may hide where not everything was seen (most probable *3C, 0.5%); the probability that any of "
            "them does is 0.5%.",
        ],
    ),
    "a position that hides nothing": (
        person({HALF_43: (-1, -1)}),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        [MISSED, NOTHING_HIDES],
    ),
    "a base that wasn't looked for": (
        person(untested={STAR_3C: (2,)}),
        ["*1/*1 99.97%", "*1/*41 0.03%", "*41/*41 below 0.01%"],
        "Normal Metabolizer",
        None,
        [
            "1 allele may hide where not everything was seen (*41, 0.03%).",
            "Normal by the positions seen, with a probability of 99.97% as far as named alleles go.",
        ],
    ),
    "a base that wasn't looked for on one copy": (
        person({STAR_3C: (0, 1)}, untested={STAR_3C: (2,)}),
        ["*1/*3C 99.99%", "*3C/*41 0.01%"],
        "Intermediate Metabolizer",
        None,
        ["1 allele may hide where not everything was seen (*41, 0.01%)."],
    ),
    "a base that wasn't looked for beside an undocumented one": (
        person({STAR_3B: (0, -2)}, untested={STAR_3C: (2,)}),
        [
            "*1/[rs1800460 C>?] 99.97%",
            "*1/[*41 + rs1800460 C>?] 0.01%",
            "*41/[rs1800460 C>?] 0.01%",
            "*41/[*41 + rs1800460 C>?] below 0.01%",
        ],
        "Indeterminate",
        None,
        [
            "1 allele may hide where not everything was seen (*41, 0.03%).",
            f"Undocumented: rs1800460 C>?; [*41 + rs1800460 C>?]. {NO_EFFECT_KNOWN}",
        ],
    ),
    "records that disagree": (
        person(status={STAR_3C: Status.CONFLICT, STAR_3B: Status.CONFLICT_SETTLED, STAR_2: Status.FILTERED}),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        [
            "rs1142345: repeated records disagree, and none could be preferred.",
            "rs1800460: repeated records disagree; the usable one was taken.",
        ],
    ),
    "genotypes that aren't sure": (
        person(
            unsure={
                STAR_3C: Unsure((((0, 0), 0.5), ((0, 1), 0.3), ((1, 1), 0.2)), likelihoods=False),
                STAR_3B: Unsure((((0, 0), 0.9), ((0, 1), 0.1)), likelihoods=False, why="reads disagree"),
            },
            status={STAR_3C: Status.CONFLICT},
        ),
        [
            "*1/*1 45%",
            "*1/*3C 27%",
            "*3C/*3C 18%",
            "*1/*3B 5%",
            "*1/*3A 3%",
            "*3A/*3C 2%",
            "*3B/*3C below 0.01%",
        ],
        "Indeterminate",
        None,
        [
            "Not called normal: the probability of another phenotype is 55%.",
            "rs1800460: reads disagree. Both were taken into account, neither as sure.",
            "By the file's own figures these genotypes aren't sure: rs1142345 T/T 50%, T/C 30%, C/C 20%; "
            "rs1800460 C/C 90%, C/T 10%.",
        ],
    ),
    "what a reader must know": (
        person(notes={"gene": ("first", "second"), STAR_3C: ("of this site",)}),
        ["*1/*1 100%"],
        "Normal Metabolizer",
        None,
        ["first second"],
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_says_what_fits_what_to_act_on_and_why(case: str) -> None:
    held, diplotypes, phenotype, presumed, notes = CALLS[case]
    found = called(held)
    assert shown(found) == diplotypes
    assert (found.phenotype, found.presumed) == (phenotype, presumed)
    assert list(found.notes) == notes
    # Nothing is presumed of what is named by named alleles.
    if not held.unnamed:
        assert not any(each.presumed for each in found.diplotypes)


def test_what_is_undocumented_is_listed_once_and_first() -> None:
    both = person({STAR_3C: (0, -2)}, unnamed=[STOP, change(C72, "0/1")])
    assert called(both).undocumented[:3] == ("c.454A>T p.Arg152Ter", C72, "rs1142345 T>?")
    assert called(person(unnamed=[DELETED])).undocumented == ()
    assert called(person(unnamed=[STOP._replace(doubt="too few reads")])).undocumented == ()
    assert called(person(unnamed=[change(C72, "0/1")])).undocumented == (C72,)


@pytest.mark.parametrize(("places", "more"), [(3, ""), (4, " and 1 more"), (5, " and 2 more")])
def test_three_undocumented_places_are_named_and_the_others_counted(places: int, more: str) -> None:
    extras = [Extra(f"rs{at}", True, True, 0, None, told=False) for at in range(places)]
    (note,) = of_undocumented(tuple(each.name for each in extras), extras, MOST_BLOCKS)
    assert note == f"Undocumented: rs0; rs1; rs2{more}. {NO_EFFECT_KNOWN}"
    _, mixture = of_undocumented(tuple(each.name for each in extras), extras, MOST_BLOCKS + 1)
    assert mixture == "The two copies differ at 9 places, more than in any one person. Is the sample a mixture?"


@pytest.mark.parametrize(
    ("pairs", "rest"),
    [
        (1, None),
        (2, "b (20%)"),
        (4, "b (20%), c (20%), d (20%)"),
        (5, "b (20%), c (20%), d (20%) and 1 more"),
        (6, "b (20%), c (20%), d (20%) and 2 more"),
    ],
)
def test_four_pairs_that_fit_are_named_and_the_others_counted(pairs: int, rest: str | None) -> None:
    fit = [Diplotype(name, 0.2, "Indeterminate") for name in "abcdef"[:pairs]]
    unseen = Diplotype("x", 0.1, "Indeterminate", rests_on_unseen=True)
    expected = f"It isn't known which variants lie on the same copy of the gene: a has 20%; also fitting: {rest}."
    assert list(of_phase((*fit, unseen))) == ([expected] if rest else [])


@pytest.mark.parametrize(("places", "more"), [(3, ""), (4, "; and 1 more"), (5, "; and 2 more")])
def test_three_unsure_genotypes_are_named_and_the_others_counted(places: int, more: str) -> None:
    labels = [site.label for site in NAMED["TPMT"].sites[1 : places + 1]]
    # The least sure first; the weights needn't add up to one.
    shares = {label: (40 - 10 * at, 60 + 10 * at) for at, label in enumerate(labels[:3])}
    shares |= dict.fromkeys(labels[3:], (2, 98))
    unsure = {at: Unsure((((0, 0), sure), ((0, 1), other)), likelihoods=False) for at, (other, sure) in shares.items()}
    (note,) = (note for note in called(person(unsure=unsure)).notes if note.startswith("By the file's own"))
    assert note == (
        "By the file's own figures these genotypes aren't sure: rs150900439 T/T 60%, T/C 40%; "
        f"rs72552736 A/A 70%, A/C 30%; rs139392616 C/C 80%, C/T 20%{more}."
    )


def test_what_may_hide_is_summed_where_the_most_probable_pair_is_named() -> None:
    unsure = {STAR_3C: stated(((0, 0), 0.6), ((0, -2), 0.4))}
    found = called(person({"rs144041067": (-1, -1)}, unsure=unsure))
    assert [each.call for each in found.diplotypes[:2]] == ["*1/*1", "*1/[rs1142345 T>?]"]
    (note,) = (note for note in found.notes if "alleles may hide" in note)
    assert "the probability that any of them does is" in note


def test_the_three_most_probable_genotypes_of_a_site_are_named() -> None:
    held = stated(((0, 0), 0.5), ((0, 1), 0.3), ((1, 1), 0.15), ((0, 2), 0.05))
    assert called(person(unsure={STAR_3C: held})).notes[-1] == (
        "By the file's own figures these genotypes aren't sure: rs1142345 T/T 50%, T/C 30%, C/C 15%."
    )


@pytest.mark.parametrize(("share", "said"), [(0.0005, False), (0.25, True)])
def test_what_is_hardly_unsure_counts_and_is_not_said(share: float, said: bool) -> None:
    held = Unsure((((0, 0), 1 - share), ((0, 1), share)), likelihoods=False)
    found = called(person(unsure={STAR_3B: held}))
    assert any(note.startswith("By the file's own") for note in found.notes) == said
    assert shown(found)[1] == f"*1/*3B {percent(share)}"
    # Records that disagree are said to do so, and by nothing else.
    (note,) = called(person(unsure={STAR_3B: held._replace(why=DISAGREED)})).notes[-1:]
    assert note == f"{STAR_3B}: {DISAGREED}. Both were taken into account, neither as sure."


def test_likelihoods_are_told_as_what_they_make_of_each_genotype() -> None:
    doubt = Unsure((((0, 0), 2.0), ((0, 1), 1.0), ((1, 1), 1.0), ((-2, 0), 0.5)), likelihoods=True)
    found = called(person(unsure={STAR_3C: doubt}))
    reference, single = 0.952539, 0.005
    weights = [reference**2, reference * single, single**2 / 2]
    assert [each.call for each in found.diplotypes] == ["*1/*1", "*1/*3C", "*3C/*3C"]
    assert [each.probability for each in found.diplotypes] == pytest.approx(
        [weight / sum(weights) for weight in weights], rel=1e-4
    )
    assert found.notes[
        -1
    ] == "By the file's own figures these genotypes aren't sure: rs1142345 T/T 99.5%, T/C 0.5%, " + ("C/C below 0.01%.")


def test_a_share_of_each_genotype_is_that_of_its_pairs() -> None:
    fit = pairs_of(person({STAR_3C: (-1, -1)}))
    at = site_of("TPMT", STAR_3C)
    (found,) = marginal(NAMED["TPMT"], fit, [at])
    of_call = {pair.call: pair.probability for pair in fit}
    expected = {
        (0, 0): "*1/*1", (0, 1): "*1/*3C", (0, 2): "*1/*41", (1, 1): "*3C/*3C", (1, 2): "*3C/*41", (2, 2): "*41/*41",
    }  # fmt: skip
    assert dict(found) == {genotype: pytest.approx(of_call[name]) for genotype, name in expected.items()}
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)


PRIORS = {gene: prior(KNOWLEDGE, alleles, "European") for gene, alleles in NAMED.items()}


def pairs_of(held: GeneGenotypes) -> tuple[Pair, ...]:
    codes = [(one, other) for one, other in held.alleles[0].tolist()]
    return pairs(NAMED["TPMT"], PRIORS["TPMT"], Seen(codes, held.phase[0].tolist()))


@pytest.mark.parametrize(
    ("codes", "phase", "extras", "expected"),
    [
        ([(0, 1), (0, 1), (1, 1)], [0, 0, 0], [], [[0], [1]]),
        ([(0, 1), (0, 1), (0, 1)], [4, 0, 4], [], [[0, 2], [1]]),
        ([(0, 1), (0, 1), (0, 1)], [1, 1, 0], [], [[0, 1], [2]]),
        ([(0, 1), (0, 1), (0, 1)], [2, 0, 0], [], [[0], [1], [2]]),
        ([(0, 1), (-1, -1), (-1, 0)], [0, 0, 0], [(True, False, 0), (True, True, 3)], [[0], [2], [3]]),
        (
            [(0, 1), (0, 0), (0, 0)],
            [3, 3, 0],
            [(True, False, 3), (False, True, 0), (False, True, 2)],
            [[0, 3], [4], [5]],
        ),
    ],
)
def test_columns_of_one_phase_set_go_together_and_all_others_alone(
    codes: list[tuple[int, int]], phase: list[int], extras: list[tuple[bool, bool, int]], expected: list[list[int]]
) -> None:
    seen = Seen(codes, phase, tuple(Extra("x", *each, None) for each in extras))
    assert blocks(seen) == expected


def test_a_site_without_a_phase_set_is_of_no_other() -> None:
    # *2, *3B and *3C: two in a phase set whose number is that of a column, and one alone.
    for number in (1, 2, 19, 20, 21):
        held = person(
            {STAR_3C: (0, 1), STAR_3B: (0, 1), STAR_2: (0, 1)}, phase={STAR_3C: number, STAR_2: number, STAR_3B: 0}
        )
        assert len(called(held).diplotypes) == 2


@pytest.mark.parametrize(("extras", "ways"), [(2, 2), (3, 4), (4, 8)])
def test_so_many_things_without_a_name_are_laid_every_way(extras: int, ways: int) -> None:
    labels = (STAR_2, STAR_3B, STAR_3C, STAR_4)[:extras]
    found = called(person(dict.fromkeys(labels, (0, -2))))
    assert len(found.diplotypes) == ways
    assert sum(each.probability for each in found.diplotypes) == pytest.approx(1)
    # What is laid beside named alleles is as probable one way as the other.
    equal = [each.probability == pytest.approx(1 / ways) for each in found.diplotypes]
    assert all(equal) == (extras <= MOST_EXTRAS)


def test_a_deleted_copy_has_no_bases_and_nothing_else() -> None:
    beside = called(person({STAR_3C: (-1, -1)}, unnamed=[DELETED, STOP]))
    assert [each.call for each in beside.diplotypes] == [
        "[c.454A>T p.Arg152Ter]/deletion",
        "[*3C + c.454A>T p.Arg152Ter]/deletion",
        "[*41 + c.454A>T p.Arg152Ter]/deletion",
    ]
    found = called(person({STAR_3C: (-1, -1)}, unnamed=[DELETED]))
    assert [each.call for each in found.diplotypes] == ["*1/deletion", "*3C/deletion", "*41/deletion"]
    reference, single = 0.952539, 0.005
    assert found.diplotypes[1].probability / found.diplotypes[0].probability == pytest.approx(single / reference, 1e-4)
    assert {name for name, _ in found.could_hide} == {"*3C", "*41"}


def test_haplotypes_without_a_name_are_as_rare_as_their_parts_together() -> None:
    # Unknown sides: *2 and a part of *43 on two copies, or on one.
    held = PRIORS["TPMT"]
    names, rarest = NAMED["TPMT"].names, held.frequency.min(axis=1)
    star_1, star_2 = (held.frequency[:, names.index(name)] for name in ("*1", "*2"))
    apart, together = (float(held.weights @ each) for each in (star_2 * rarest, star_1 * (star_2 * rarest)))
    found = called(person({STAR_2: (0, 1), HALF_43: (0, 1)}))
    assert [each.probability for each in found.diplotypes] == pytest.approx(
        [apart / (apart + together), together / (apart + together)]
    )


def test_much_that_has_no_name_is_rarer_where_alleles_are_rarer() -> None:
    held = prior(KNOWLEDGE, NAMED["TPMT"], None)
    names, rarest = NAMED["TPMT"].names, held.frequency.min(axis=1)
    star_1, star_2 = (held.frequency[:, names.index(name)] for name in ("*1", "*2"))
    crowd = (STAR_3C, STAR_3B, STAR_4, "rs72552740")
    found = called(person({STAR_2: (0, 1), **dict.fromkeys(crowd, (0, -2))}, phase=dict.fromkeys(crowd, 1)), None)
    alone, beside = (float(held.weights @ each) for each in (star_2 * rarest**4, star_1 * star_2 * rarest**4))
    assert [each.probability for each in found.diplotypes] == pytest.approx(
        [alone / (alone + beside), beside / (alone + beside)]
    )


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        # Without a side, what is known stands first, and the reference before what isn't.
        (person({STAR_3C: (1, 0)}), (("T", "C"), False)),
        (person({STAR_3C: (-1, 1)}), (("C", "."), False)),
        (person({STAR_3C: (-1, 0)}), (("T", "."), False)),
        (person({STAR_3C: (1, 0)}, phase={STAR_3C: 3}), (("T", "C"), False)),
        (person({STAR_3C: (1, 0), STAR_3B: (0, 1)}, phase={STAR_3C: 3, STAR_3B: 3}), (("C", "T"), True)),
        (person({STAR_3C: (-1, 1), STAR_3B: (0, 1)}, phase={STAR_3C: 3, STAR_3B: 3}), ((".", "C"), True)),
        (person({STAR_3C: (1, 1), STAR_3B: (0, 1)}, phase={STAR_3C: 3, STAR_3B: 3}), (("C", "C"), False)),
        (person({STAR_3C: (1, 0)}, phase={STAR_3C: 3}, unnamed=[STOP._replace(phase=3)]), (("C", "T"), True)),
        (person({STAR_3C: (1, 2)}), (("C", "G"), False)),
        (person({STAR_3C: (0, -2)}), (("T", "?"), False)),
        (person({STAR_3C: (0, -2)}, undocumented={STAR_3C: "T>A"}), (("T", "A"), False)),
        (person({STAR_3C: (0, -2)}, notes={STAR_3C: ("odd",)}), (("T", "?"), False)),
    ],
)
def test_the_evidence_shows_what_stood_there(held: GeneGenotypes, expected: tuple[tuple[str, str], bool]) -> None:
    found = called(held)
    at = site_of("TPMT", STAR_3C)
    assert (found.evidence[at].alleles, found.evidence[at].phased) == expected
    assert found.evidence[at].note == ("odd" if held.notes else None)
    rest = [each for place, each in enumerate(found.evidence) if place not in (at, site_of("TPMT", STAR_3B))]
    assert all(each.alleles == (each.site.ref, each.site.ref) for each in rest)
    assert not any(each.phased for each in rest)
    assert [each.site for each in found.evidence] == list(NAMED["TPMT"].sites)


def test_a_status_is_shown_where_it_is() -> None:
    found = called(person(status={STAR_3C: Status.ASSUMED_REFERENCE, STAR_3B: max(Status)}))
    shown_there = {each.site.label: each.status for each in found.evidence if each.status != Status.SEEN}
    assert shown_there == {STAR_3C: Status.ASSUMED_REFERENCE, STAR_3B: max(Status)}
    assert found.phenotype == "Normal Metabolizer"


def test_the_notes_of_the_first_site_and_of_the_gene_are_told_apart() -> None:
    first = NAMED["TPMT"].sites[0].label
    found = called(person(notes={first: ("of the first",), "gene": ("of the gene",)}, undocumented={STAR_3B: "C>A"}))
    assert [each.note for each in found.evidence if each.note] == ["of the first"]
    assert found.evidence[0].note == "of the first"
    assert found.notes == ("of the gene",)


def gathered(*people: GeneGenotypes) -> GeneGenotypes:
    """Several people, a row each."""
    first = people[0]
    arrays = {name: np.concatenate([getattr(one, name) for one in people]) for name in ("alleles", "phase", "status")}
    others = {
        name: {(row, at): value for row, one in enumerate(people) for (_, at), value in getattr(one, name).items()}
        for name in ("undocumented", "notes", "untested", "unsure")
    }
    unnamed = {row: one.unnamed[0] for row, one in enumerate(people) if one.unnamed}
    return replace(first, **arrays, **others, unnamed=unnamed)


def calls_of(caller: Caller, *people: GeneGenotypes) -> list[GeneCall]:
    held = gathered(*people)
    samples = tuple(str(at) for at in range(len(people)))
    return [each.genes["TPMT"] for each in caller.call(Genotypes(samples, {"TPMT": held}))]


def test_everyone_in_a_cohort_is_called_as_if_alone_and_those_who_are_alike_share_an_answer() -> None:
    cohort = [held for held, *_ in CALLS.values() if held.sites[0].gene == "TPMT"]
    alone = [called(held) for held in cohort]
    found = calls_of(Caller(KNOWLEDGE, "European"), *cohort, *cohort)
    assert found == alone * 2
    assert all(one is other for one, other in zip(found, found[len(cohort) :], strict=False))


def test_answers_are_kept_until_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = person(), person({STAR_3C: (1, 1)}), person({STAR_2: (1, 1)})
    unseen = person({STAR_3C: (-1, -1)}, untested={STAR_3B: (1,)})
    for kept, again in ((1, [False, False]), (2, [False, True]), (3, [True, True])):
        monkeypatch.setattr(calling, "KEPT", kept)
        caller = Caller(KNOWLEDGE, "European")
        first = calls_of(caller, a, b, c)
        # The oldest is forgotten first; what is asked for last is what was asked for twice.
        second = [calls_of(caller, b)[0] is first[1]]
        assert [calls_of(caller, c)[0] is first[2] or kept == 1, *second][1:] == again[1:]
        fresh = Caller(KNOWLEDGE, "European")
        calls_of(fresh, a, b, c)
        assert calls_of(fresh, a)[0] == first[0]
        assert (calls_of(caller, a, b, c, unseen, a)) == [called(one) for one in (a, b, c, unseen, a)]
        # Known at first, forgotten on the way.
        assert calls_of(caller, unseen) == [called(unseen)]
        assert calls_of(caller, b, c, unseen) == [called(one) for one in (b, c, unseen)]


def test_samples_that_share_rows_of_two_genes_share_a_mapping() -> None:
    tpmt = replace(gathered(person(), person({STAR_3C: (1, 1)})), row_of=np.array([1, 0, 1, 0, 1]))
    rows = [person(gene="NUDT15"), person({"rs116855232": (0, 1)}, gene="NUDT15")]
    both = {"TPMT": tpmt, "NUDT15": gathered(*(rows[at] for at in (0, 1, 1, 0, 0)))}
    found = list(call(Genotypes(tuple("abcde"), both), KNOWLEDGE, "European"))
    told = [tuple(one.genes[gene].diplotypes[0].call for gene in ("TPMT", "NUDT15")) for one in found]
    assert told == [
        ("*3C/*3C", "*1/*1"), ("*1/*1", "*1/*3"), ("*3C/*3C", "*1/*3"), ("*1/*1", "*1/*1"), ("*3C/*3C", "*1/*1"),
    ]  # fmt: skip
    assert [one.sample for one in found] == list("abcde")


def test_many_rows_of_two_genes_are_not_mistaken_for_each_other() -> None:
    three, two = [person(), person({STAR_3C: (1, 1)}), person({STAR_2: (1, 1)})], ["*1/*1", "*3/*3"]
    beside = [person(gene="NUDT15"), person({"rs116855232": (1, 1)}, gene="NUDT15")]
    rows = np.random.default_rng(1).permutation(600)
    tpmt = replace(gathered(*(three[at % 3] for at in range(600))), row_of=rows)
    both = {"TPMT": tpmt, "NUDT15": gathered(*(beside[at % 2] for at in range(600)))}
    for at, found in enumerate(call(Genotypes(tuple(map(str, range(600))), both), KNOWLEDGE, "European")):
        assert found.genes["TPMT"].diplotypes[0].call == ("*1/*1", "*3C/*3C", "*2/*2")[rows[at] % 3]
        assert found.genes["NUDT15"].diplotypes[0].call == two[at % 2]


@pytest.mark.parametrize("number", [1, 2])
def test_sides_of_a_phase_set_are_kept_whatever_its_number(number: int) -> None:
    phase = dict.fromkeys((STAR_3B, STAR_3C), number)
    assert shown(called(person({STAR_3C: (1, 0), STAR_3B: (0, 1)}, phase=phase))) == ["*3B/*3C 100%"]
    assert shown(called(person({STAR_3C: (1, 0), STAR_3B: (1, 0)}, phase=phase))) == ["*1/*3A 100%"]


def test_one_base_beside_a_named_one_is_read_with_it_on_the_right_copy() -> None:
    # c.720T>G in the codon of *3C.
    other = Unnamed(18130685, 18130686, "stop_gained", "c.720T>G p.Tyr240Ter", False, True, 2)
    for codes, names in (
        ((0, 1), ["c.[719A>G;720T>G] p.Tyr240Trp"]),
        ((1, 1), ["c.[719A>G;720T>G] p.Tyr240Trp"]),
        ((1, 0), ["c.720T>G p.Tyr240Ter"]),
        ((0, 0), ["c.720T>G p.Tyr240Ter"]),
        # Together they do what c.719A>C does alone, which is named.
        ((0, 2), ["c.[719A>C;720T>G] p.Tyr240Ser"]),
        ((0, -1), ["c.720T>G p.Tyr240Ter"]),
    ):
        held = person({STAR_3C: codes, STAR_3B: (1, 0)}, phase={STAR_3C: 2, STAR_3B: 2}, unnamed=[other])
        changes = called(held).changes
        assert [each.name for each in changes] == names
        assert (changes[0].start, changes[0].end) == (18130685, 18130686 if names[0].endswith("Ter") else 18130687)
    mirrored = other._replace(first=True, second=False)
    held = person({STAR_3C: (1, 0), STAR_3B: (0, 1)}, phase={STAR_3C: 2, STAR_3B: 2}, unnamed=[mirrored])
    (joint,) = called(held).changes
    assert (joint.name, joint.first, joint.second) == ("c.[719A>G;720T>G] p.Tyr240Trp", True, False)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"alleles": (site_of("TPMT", "rs150900439"), 2)}, "row 0, rs150900439: found allele code 2, expected -2 to 1"),
        ({"alleles": (site_of("TPMT", "rs150900439"), -3)}, "row 0, rs150900439: found allele code -3"),
        ({"status": (3, len(Status))}, "a status that isn't one of Status"),
        ({"status": (3, -1)}, "a status that isn't one of Status"),
        ({"phase": (3, -1)}, "phase set below 0"),
    ],
)
def test_codes_beyond_those_that_there_are_are_refused(spoil: dict[str, tuple[int, int]], says: str) -> None:
    held = person({STAR_3C: (2, -2)})
    for name, (at, value) in spoil.items():
        getattr(held, name)[0, at] = value
    with pytest.raises(ValueError, match=says):
        called(held)


def test_of_several_wrong_codes_the_first_is_told() -> None:
    held = person({"rs150900439": (0, 2), "rs72552736": (5, 0)})
    with pytest.raises(ValueError, match="row 0, rs150900439: found allele code 2"):
        called(held)


@pytest.mark.parametrize(
    "wrong", [(((0, 3), 1.0),), (((-3, 0), 1.0),), (), (((0, 0), 0.0),), (((0, 0), 1.0), ((0, 1), float("inf")))]
)
def test_possible_genotypes_beyond_those_that_there_are_are_refused(wrong: Any) -> None:
    right = (((0, 2), 0.6), ((-2, -2), 0.4))
    assert called(person(unsure={STAR_3C: Unsure(right, likelihoods=False)})).diplotypes
    with pytest.raises(ValueError, match="allele codes from -2 to 2, found"):
        called(person(unsure={STAR_3C: Unsure(wrong, likelihoods=False)}))


def test_nobody_is_nobody() -> None:
    held = gathered(person())
    nobody = replace(held, alleles=held.alleles[:0], phase=held.phase[:0], status=held.status[:0])
    assert list(call(Genotypes((), {"TPMT": nobody}), KNOWLEDGE)) == []
    assert list(call(Genotypes((), {"TPMT": replace(held, row_of=np.array([], int))}), KNOWLEDGE)) == []
    with pytest.raises(ValueError, match="genotypes of genes: found none, expected TPMT, NUDT15"):
        list(call(Genotypes((), {}), KNOWLEDGE))
    for wrong in ([0, -1], [1]):
        spoilt = Genotypes(tuple("ab")[: len(wrong)], {"TPMT": replace(held, row_of=np.array(wrong))})
        with pytest.raises(ValueError, match="found a row_of from"):
            list(call(spoilt, KNOWLEDGE))


def test_what_may_hide_beside_an_undocumented_base_is_as_common_as_in_everyone() -> None:
    held = PRIORS["TPMT"]
    of = {name: float(held.weights @ held.frequency[:, at]) for at, name in enumerate(NAMED["TPMT"].names)}
    crowd = dict.fromkeys((STAR_2, STAR_4, "rs56161402", "rs72552740"), (0, -2))
    for seen, hides in (
        ({STAR_3C: (-1, -1)}, {"*3C", "*41"}),
        ({STAR_3C: (-1, -1), STAR_3B: (0, 1)}, {"*3A", "*3C", "*41"}),
        ({STAR_3C: (-1, -1), STAR_3B: (-1, 0)}, {"*3A", "*3B", "*3C", "*41"}),
        ({STAR_3C: (0, -1)}, {"*3C", "*41"}),
        ({STAR_3C: (1, -1)}, {"*41"}),
    ):
        found = called(person({**crowd, **seen}))
        assert len(found.undocumented) > 4
        assert set(dict(found.could_hide)) == hides
        assert dict(found.could_hide) == {name: pytest.approx(1 - (1 - of[name]) ** 2) for name in hides}
        assert [p for _, p in found.could_hide] == sorted(dict(found.could_hide).values(), reverse=True)
    untested = called(person({**crowd, STAR_3B: (0, 1)}, untested={STAR_3C: (1,)}))
    assert set(dict(untested.could_hide)) == {"*3A", "*3C"}
    assert called(person({**crowd, STAR_3C: (1, 1)}, untested={STAR_3C: (2,)})).could_hide == ()


# Unsure genotypes


def unsure_seen(unsure: Mapping[str, Unsure], held: GeneGenotypes | None = None) -> dict[str, float]:
    given = held or person()
    codes = [(one, other) for one, other in given.alleles[0].tolist()]
    seen = observe(NAMED["TPMT"].sites, codes, given.phase[0].tolist(), {}, (), PRESUMED)
    placed = {site_of("TPMT", label): one for label, one in unsure.items()}
    return {pair.call: pair.probability for pair in mixed(NAMED["TPMT"], PRIORS["TPMT"], seen, placed)}


@pytest.mark.parametrize(
    ("unsure", "held", "expected"),
    [
        # Weights needn't sum to one; the order of two codes says nothing without a side.
        ({STAR_3C: stated(((0, 0), 6), ((0, 1), 3), ((1, 1), 1))}, None, {"*1/*1": 0.6, "*1/*3C": 0.3, "*3C/*3C": 0.1}),
        ({STAR_3C: stated(((1, 0), 3), ((0, 0), 1))}, None, {"*1/*3C": 0.75, "*1/*1": 0.25}),
        ({STAR_3C: stated(((2, 0), 3), ((1, 2), 1))}, None, {"*1/*41": 0.75, "*3C/*41": 0.25}),
        # Undocumented bases stand beside the named alleles.
        (
            {STAR_3C: stated(((0, 0), 0.75), ((0, -2), 0.25))},
            None,
            {"*1/*1": 0.75, "*1/[rs1142345 T>?]": 0.25},
        ),
        (
            {STAR_3C: stated(((-2, -2), 0.75), ((1, -2), 0.25))},
            None,
            {"[rs1142345 T>?]/[rs1142345 T>?]": 0.75, "*3C/[rs1142345 T>?]": 0.125, "*1/[*3C + rs1142345 T>?]": 0.125},
        ),
        # Where sides are known: those of the genotype that was seen count, others have none.
        (
            {STAR_3C: stated(((0, 1), 0.75), ((0, 0), 0.25))},
            person({STAR_3C: (0, 1), STAR_3B: (0, 1)}, phase={STAR_3C: 1, STAR_3B: 1}),
            {"*1/*3A": 0.75, "*1/*3B": 0.25},
        ),
        (
            {STAR_3C: stated(((1, 0), 0.75), ((1, 1), 0.25))},
            person({STAR_3C: (1, 0), STAR_3B: (0, 1)}, phase={STAR_3C: 1, STAR_3B: 1}),
            {"*3B/*3C": 0.75, "*3A/*3C": 0.25},
        ),
        *(
            (
                {STAR_3C: stated(((0, -2), 0.75), ((0, 0), 0.25))},
                person({STAR_3C: codes, STAR_3B: (0, 1)}, phase={STAR_3C: 1, STAR_3B: 1}),
                {name: 0.75, "*1/*3B": 0.25},
            )
            for codes, name in (((0, -2), "*1/[*3B + rs1142345 T>?]"), ((-2, 0), "*3B/[rs1142345 T>?]"))
        ),
        (
            {STAR_3C: stated(((0, -2), 0.75), ((0, 0), 0.25))},
            person({STAR_3C: (0, -2), STAR_3B: (0, -2)}, phase={STAR_3C: 1, STAR_3B: 1}),
            {"*1/[rs1800460 C>? + rs1142345 T>?]": 0.75, "*1/[rs1800460 C>?]": 0.25},
        ),
        # A combination whose every named pair the likelihoods exclude is no named pair's.
        (
            {
                HALF_43: stated(((0, 1), 0.75), ((0, 0), 0.25)),
                "rs1256618794": Unsure((((0, 0), 1.0),), likelihoods=True),
            },
            None,
            {"*1/[rs753545734 C>T]": 0.75, "*1/*1": 0.25},
        ),
        # A genotype that isn't the one that was seen has no sides.
        (
            {STAR_3C: stated(((0, 1), 0.75), ((0, 0), 0.25))},
            person({STAR_3B: (1, 0)}, phase={STAR_3B: 1, STAR_3C: 1}),
            {"*1/*3A": 0.749947, "*3B/*3C": 0.0000534, "*1/*3B": 0.25},
        ),
        (
            {STAR_3C: stated(((0, -2), 0.75), ((0, 0), 0.25))},
            person({STAR_3B: (1, 0)}, phase={STAR_3B: 1, STAR_3C: 1}),
            {"*3B/[rs1142345 T>?]": 0.375, "*1/[*3B + rs1142345 T>?]": 0.375, "*1/*3B": 0.25},
        ),
        # Several sites without sides.
        (
            {STAR_3C: stated(((0, 0), 0.5), ((0, 1), 0.5)), STAR_4: stated(((1, 1), 0.75), ((0, 0), 0.25))},
            None,
            {
                "*4/*4": 0.375,
                "*4/[*3C + *4]": 0.375,
                "*1/*1": 0.125,
                "*1/*3C": 0.125,
            },
        ),
    ],
)
def test_genotypes_with_probabilities_count_as_they_stand(
    unsure: Mapping[str, Unsure], held: GeneGenotypes | None, expected: dict[str, float]
) -> None:
    found = unsure_seen(unsure, held)
    assert found == {name: pytest.approx(share, abs=1e-6) for name, share in expected.items()}


@pytest.mark.parametrize(("best", "named"), [(1.0, 0.5), (0.25, 0.2), (4.0, 0.8), (0.01, 0.01 / 1.01)])
def test_likelihoods_compare_named_pairs_with_what_no_named_pair_has(best: float, named: float) -> None:
    # A part of *43 was seen on one copy; the other part, which makes it *43, is in doubt.
    held = person({HALF_43: (0, 1)})
    doubt = Unsure((((0, 0), 2.0), ((0, 1), 2.0 * best)), likelihoods=True)
    if best >= 1:
        doubt = Unsure((((0, 1), 2.0 * best), ((0, 0), 2.0)), likelihoods=True)
    found = unsure_seen({"rs1256618794": doubt}, held)
    if best >= 1:
        assert found == {"*1/*43": pytest.approx(1)}
    else:
        assert found["*1/*43"] == pytest.approx(best / (1 + best))
        assert found["*1/[rs753545734 C>T]"] == pytest.approx(1 / (1 + best))


def test_so_many_combinations_with_sides_are_the_likeliest_ones() -> None:
    labels = [site.label for site in NAMED["TPMT"].sites[:7]]
    held = person(dict.fromkeys(labels, (0, 0)), phase=dict.fromkeys(labels, 1))
    unsure = {label: stated(((0, 0), 0.9), ((0, 1), 0.1)) for label in labels}
    found = unsure_seen(unsure, held)
    assert sum(found.values()) == pytest.approx(1)
    shares = sorted((0.9 ** (7 - n) * 0.1**n for n in range(8) for _ in range(math.comb(7, n))), reverse=True)
    assert found["*1/*1"] == pytest.approx(shares[0] / sum(shares[:MOST]))
    assert found["*1/*20"] == pytest.approx(shares[1] / sum(shares[:MOST]))
    assert len(found) > 60


def test_eight_combinations_stand_for_all_that_no_named_pair_has() -> None:
    # Two changes on both copies are no named pair: each such combination is called, the likeliest first.
    labels = [site.label for site in NAMED["TPMT"].sites if len(site.alts) == 1][1:14]
    unsure = {label: stated(((0, 0), 0.6), ((1, 1), 0.4)) for label in labels[:6]}
    found = unsure_seen(unsure)
    named = {name: share for name, share in found.items() if "[" not in name}
    for name, share in named.items():
        assert share == pytest.approx(0.6**6 if name == "*1/*1" else 0.6**5 * 0.4)
    assert len(named) == 7
    others = {name: share for name, share in found.items() if "[" in name}
    assert len(others) == UNNAMED
    assert len({round(share, 9) for share in others.values()}) == 1
    assert sum(others.values()) == pytest.approx(1 - 0.6**6 - 6 * 0.6**5 * 0.4)


def test_what_hides_among_very_many_combinations_is_never_normal() -> None:
    # One or two changes are a pair of named alleles; three are none, and stand behind all pairs.
    several = {at for variants in NAMED["TPMT"].variants for at, _ in variants if len(variants) > 1}
    labels = [site.label for at, site in enumerate(NAMED["TPMT"].sites) if at not in several]
    places = len(labels)
    found = unsure_seen({label: stated(((0, 0), 0.95), ((0, 1), 0.05)) for label in labels})
    shares = [math.comb(places, n) * 0.05**n * 0.95 ** (places - n) for n in range(3)]
    (name,) = (name for name in found if "[" in name)
    assert found[name] == pytest.approx(1 - sum(shares))
    assert found["*1/*1"] == pytest.approx(shares[0])
    first, second = name.split("/")
    assert first == second
    assert ">" not in name


def test_what_is_all_but_impossible_is_not_listed() -> None:
    assert set(unsure_seen({STAR_3C: stated(((0, 0), 1.0), ((1, 1), 1e-12))})) == {"*1/*1"}
    assert set(unsure_seen({STAR_3C: stated(((0, 0), 1.0), ((1, 1), 1e-5))})) == {"*1/*1", "*3C/*3C"}


def test_what_is_as_probable_is_in_the_order_of_its_names() -> None:
    assert list(unsure_seen({STAR_3C: stated(((1, 1), 0.5), ((2, 0), 0.5))})) == ["*1/*41", "*3C/*3C"]
    assert list(unsure_seen({STAR_3C: stated(((2, 0), 0.5), ((1, 0), 0.5))})) == ["*1/*3C", "*1/*41"]
    found = called(person(unsure={STAR_3C: stated(((0, 0), 0.5), ((0, 1), 0.5))}))
    assert [each.call for each in found.diplotypes] == ["*1/*1", "*1/*3C"]
    # Of two phenotypes that are as probable, the weaker one is acted on.
    assert [name for name, _ in found.phenotypes] == [INTERMEDIATE, NORMAL]
    assert found.phenotype == INTERMEDIATE


# Decisions


HELD = Limits(cautious=0.125, sought=frozenset({"*3A", "*10"}))


@pytest.mark.parametrize(
    ("phenotypes", "hide", "doubts", "expected", "why"),
    [
        ({NORMAL: 1.0}, [], [], NORMAL, []),
        ({NORMAL: 1.0}, ["*2"], [], NORMAL, []),
        ({NORMAL: 1.0}, ["*10", "*2", "*3A"], [], OPEN, ["*3A, *10 can't be ruled out by what was seen"]),
        ({NORMAL: 0.875, POOR: 0.0625, OPEN: 0.0625}, [], [], OPEN, ["the probability of another phenotype is 12.5%"]),
        ({NORMAL: 0.876, POOR: 0.124}, [], [], NORMAL, []),
        ({NORMAL: 1.0}, [], ["c.1", "c.2"], OPEN, ["c.1, c.2 may be there"]),
        ({OPEN: 0.5, POOR: 0.5}, ["*3A"], ["c.1"], OPEN, []),
        ({POOR: 0.6, NORMAL: 0.4}, [], [], POOR, []),
        ({POSSIBLE: 0.875, INTERMEDIATE: 0.125}, [], [], INTERMEDIATE, ["12.5%"]),
        ({POSSIBLE: 0.876, INTERMEDIATE: 0.124}, [], [], POSSIBLE, []),
        ({POSSIBLE: 0.75, POOR: 0.0625, INTERMEDIATE: 0.0625, NORMAL: 0.125}, [], [], INTERMEDIATE, ["12.5%"]),
        ({POSSIBLE: 0.5, POOR: 0.25, INTERMEDIATE: 0.25}, [], [], POOR, ["25%"]),
    ],
)
def test_what_is_acted_on_and_why(
    phenotypes: dict[str, float], hide: list[str], doubts: list[str], expected: str, why: list[str]
) -> None:
    decided = decide(list(phenotypes.items()), hide, HELD, doubts)
    assert decided.phenotype == expected
    first = next(iter(phenotypes))
    if first == NORMAL:
        assert decided.why == tuple(f"Not called normal: {each}." for each in why)
    else:
        assert decided.why == tuple(
            f"{first} is more probable ({percent(phenotypes[first])}), but {expected} has {each}, so the dose goes "
            "by it: it is the more cautious."
            for each in why
        )


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.0, "0%"),
        (0.00009, "below 0.01%"),
        (0.0001, "0.01%"),
        (0.00056, "0.06%"),
        (0.00099, "0.1%"),
        (0.001, "0.1%"),
        (0.00156, "0.2%"),
        (0.5, "50%"),
        (0.99849, "99.8%"),
        (0.999, "99.9%"),
        (0.99944, "99.94%"),
        (0.9999, "99.99%"),
        (0.99991, "above 99.99%"),
        (1.0, "100%"),
    ],
)
def test_a_probability_in_words(probability: float, words: str) -> None:
    assert percent(probability) == words


def test_an_allele_is_sought_that_more_than_so_many_carry_and_that_weakens_the_enzyme() -> None:
    alleles = NAMED["TPMT"]
    believed = prior(KNOWLEDGE, alleles, None)
    # As if each allele were held by somebody.
    held = replace(believed, stated=np.maximum(believed.stated, believed.stated[believed.stated > 0].min()))

    def sought(least: float) -> frozenset[str]:
        rows = tuple(
            msgspec.structs.replace(row, value=least) if row.id == SOUGHT else row
            for row in KNOWLEDGE.tables["parameters"]
        )
        tables = {**KNOWLEDGE.tables, "parameters": rows}
        return limits(replace(KNOWLEDGE, tables=tables), alleles, held).sought

    carriers = dict(zip(alleles.names, (1 - (1 - held.stated) ** 2).tolist(), strict=True))
    functions = dict(zip(alleles.names, alleles.functions, strict=True))
    assert sought(0.0) == {name for name, function in functions.items() if function == "No function"}
    assert "*3A" not in sought(carriers["*3A"])
    assert "*3A" in sought(carriers["*3A"] * 0.999)


# Alleles and how common they are


def test_names_are_in_the_order_of_their_numbers() -> None:
    names = ["[*1 + *2]", "*10", "*3C", "deletion", "*1", "*3A", "*2"]
    assert sorted(names, key=order_of) == ["*1", "*2", "*3A", "*3C", "*10", "[*1 + *2]", "deletion"]


@pytest.mark.parametrize("changed", [{"ref": "A"}, {"alt": "A"}, {"pos_grch38": 18130688}])
def test_an_allele_that_no_position_has_is_refused(changed: dict[str, Any]) -> None:
    rows = tuple(
        msgspec.structs.replace(row, **changed) if (row.gene, row.allele) == ("TPMT", "*3C") else row
        for row in KNOWLEDGE.tables["alleles"]
    )
    with pytest.raises(KnowledgeError, match=r"alleles.csv: TPMT \*3C: .* is not in gene_positions.csv"):
        named_alleles(replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "alleles": rows}), "TPMT")


@pytest.mark.parametrize(
    ("ancestry", "expected"),
    [
        (None, {}),
        ("European", {"European": 1.0}),
        (" eas ", {"East Asian": 1.0}),
        ({"EUR": 1, "European": 1, "EAS": 6}, {"European": 0.25, "East Asian": 0.75}),
        ({"European": 0.5, "EAS": 0}, {"European": 1.0}),
    ],
)
def test_shares_of_groups_sum_to_one(ancestry: Any, expected: dict[str, float]) -> None:
    assert groups(KNOWLEDGE, ancestry) == expected


@pytest.mark.parametrize("wrong", [{"European": float("inf")}, {"European": -1, "EAS": 2}, {"European": 0.0}, {}])
def test_shares_that_cannot_be_shares_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"^ancestry"):
        groups(KNOWLEDGE, wrong)


@pytest.mark.parametrize("gene", NAMED)
def test_frequencies_are_those_of_the_table_and_the_rest_is_shared(gene: str) -> None:
    alleles = NAMED[gene]
    held = prior(KNOWLEDGE, alleles, {"European": 3, "EAS": 1})
    assert dict(zip(held.groups, held.weights.tolist(), strict=True)) == {
        group: {"European": 0.75, "East Asian": 0.25}.get(group, 0.0) for group in held.groups
    }
    rows: dict[str, dict[str, float]] = {}
    for row in KNOWLEDGE.tables["allele_frequencies"]:
        if row.gene == gene and row.prior and row.group:
            rows.setdefault(row.group, {})[row.allele] = row.frequency
    rest = [own["other"] for own in rows.values() if "other" in own]
    for group, frequency in zip(held.groups, held.frequency, strict=True):
        own = rows[group]
        unlisted = [name for name in alleles.names[1:] if not own.get(name)]
        each = own.get("other", sum(rest) / len(rest)) / len(unlisted)
        assert frequency[1:] == pytest.approx([each if name in unlisted else own[name] for name in alleles.names[1:]])
        assert frequency.sum() == pytest.approx(1)
    assert held.stated.tolist() == [max(own.get(name, 0.0) for own in rows.values()) for name in alleles.names]
    assert held.notes == ()


def test_the_only_allele_without_a_row_has_all_that_is_left_for_such() -> None:
    alleles = NAMED["NUDT15"]
    (example, *_) = (row for row in KNOWLEDGE.tables["allele_frequencies"] if row.gene == "NUDT15" and row.prior)
    shares = dict.fromkeys(alleles.names[1:-1], 1 / 64) | {"other": 1 / 32}
    rows = tuple(
        msgspec.structs.replace(example, group="European", allele=name, frequency=share)
        for name, share in shares.items()
    )
    tables = {**KNOWLEDGE.tables, "allele_frequencies": rows}
    held = prior(replace(KNOWLEDGE, tables=tables), alleles, "European")
    assert held.frequency[0, 1:].tolist() == [*[1 / 64] * (len(alleles.names) - 2), 1 / 32]
    assert held.frequency.sum() == 1


def test_who_is_of_a_group_without_figures_is_of_any_that_has_some() -> None:
    held = prior(KNOWLEDGE, NAMED["NUDT15"], {"European": 1, "Oceanian": 1})
    n = len(held.groups)
    assert held.weights.tolist() == pytest.approx([0.5 * (group == "European") + 0.5 / n for group in held.groups])
    assert held.notes == (
        "No allele frequencies of NUDT15 are known for Oceanian: "
        f"equal shares of {', '.join(held.groups)} are assumed.",
    )
    unknown = prior(KNOWLEDGE, NAMED["NUDT15"], None)
    assert unknown.weights.tolist() == pytest.approx([1 / n] * n)
    assert unknown.notes == (
        f"Ancestry wasn't given: the probabilities assume equal shares of {', '.join(held.groups)}.",
    )
    assert called(person(), None).notes == ()
    assert called(person({STAR_3C: (0, 1), STAR_3B: (0, 1)}), None).notes[-1].startswith("Ancestry wasn't given")


def test_alleles_that_leave_nothing_for_the_reference_are_refused() -> None:
    def told(frequency: float) -> Any:
        rows = tuple(
            msgspec.structs.replace(row, frequency=frequency if row.allele == "*3" else 0.0)
            if row.gene == "NUDT15"
            else row
            for row in KNOWLEDGE.tables["allele_frequencies"]
        )
        return prior(replace(KNOWLEDGE, tables={**KNOWLEDGE.tables, "allele_frequencies": rows}), NAMED["NUDT15"], None)

    assert told(0.5).frequency[:, 0].tolist() == pytest.approx([0.5] * 4)
    with pytest.raises(KnowledgeError, match=r"NUDT15, .*: the alleles' frequencies exceed 1"):
        told(1.0)


# The genes as they are held


@pytest.mark.parametrize(
    ("gene", "minus", "length", "protein"), [("TPMT", True, 245, "MDG"), ("NUDT15", False, 164, "MTA")]
)
def test_a_gene_is_read_from_its_first_codon_to_its_last(gene: str, minus: bool, length: int, protein: str) -> None:
    made = transcript(KNOWLEDGE, gene)
    told = translate(made.coding)
    assert made.minus == minus
    assert (told[:3], told.find("*"), len(told)) == (protein, length, length + 1)
    assert [made.effect(exon.start, exon.start + 1, "N") is not None for exon in made.exons] == [True] * len(made.exons)
    first = made.exons[-1 if minus else 0]
    place = first.end - 1 if minus else first.start
    found = made.effect(place, place + 1, "C")
    assert found is not None
    assert found.term == "start_lost"
    assert breaking(KNOWLEDGE) == {
        row.term for row in KNOWLEDGE.tables["consequences"] if row.function == "No function"
    }
    assert translate("ATGGA") == "M"


def test_bases_before_those_that_are_held_are_not_looked_at() -> None:
    made = TRANSCRIPTS["NUDT15"]
    low, held = made.around[1]
    for first, term in ((48040917, "splice_region_variant"), (48040918, "splice_acceptor_variant")):
        less = replace(made, around=(made.around[0], (first, held[first - low :]), made.around[2]))
        found = less.effect(48040918, 48040918, "A")
        assert found is not None
        assert found.term == term
