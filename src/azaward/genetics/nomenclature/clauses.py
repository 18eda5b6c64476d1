"""Which words of a report belong to which gene, and to whom? A clause runs from a gene's name to the next one's.

Words before the first gene belong to none and bear on all that follow. Where a report says "Patient:" somewhere, what
stands under another heading ("Mother:") is that person's alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from azaward.genetics.dosing import GENES, ORDER
from azaward.genetics.nomenclature.result_words import BLOCKERS, ResultWords, words_of
from azaward.genetics.nomenclature.tokens import Token
from azaward.genetics.nomenclature.variants import variants_of
from azaward.knowledge import Knowledge

# A gene that nothing here is about, whose result is none of TPMT and NUDT15.
OTHER_GENE = "other gene"
_NAMED = ("pair", "phased", "star", "variant", "amino acids", OTHER_GENE, *GENES)
# Words that say a result, which stand before the gene as well as behind it: "heterozygous for TPMT*3A".
_SAID = (
    *ORDER,
    "heterozygous",
    "homozygous",
    "both changed",
    "compound",
    "wild type",
    "changed",
    "one copy",
    "strongly",
)
_BEFORE_GENE = (*_SAID, "filler", "activity", "variation")
RESULTS = (*_SAID, "pair", "phased", "star", "variant", "structural")
_GENES = (*GENES, OTHER_GENE)
_IDLE = ("filler", "found", "variation")
_JOINTS = [(word,) for word in ("and", "or", "nor", "und", "oder", "et", "ou", "ni", "y", "o", "e", "en", "of", "noch")]
_AND = ("and", "und", "et", "y", "e", "en")
_FOR = ("for", "fur", "pour", "para", "per", "voor", "the", "of")
_HEADING = 8
_BETWEEN = re.compile(r"\s*(?:and|und|et|y|e|en|&|/|\+)\s*:?\s*", re.I)


@dataclass(frozen=True)
class Clause:
    """The tokens after a gene's name (none: before any), and whether they stand under another person's heading."""

    gene: str | None
    tokens: tuple[Token, ...]
    others: bool
    closed: bool

    def has(self, *kinds: str) -> bool:
        """Whether a token of one of these kinds stands in the clause."""
        return any(token.kind in kinds for token in self.tokens)


def clauses(found: Sequence[Token], text: str, words: ResultWords, knowledge: Knowledge) -> list[Clause]:
    """The clauses of a report, in the order in which they stand."""
    made: list[Clause] = []
    for tokens, others in _subjects(_denial_after_gene(found)):
        own = _said_before(list(_by_gene(_with_sequences(tokens, words, knowledge), others)))
        made += _joined(_shared(own, text))
    return made


def _denial_after_gene(found: Sequence[Token]) -> list[Token]:
    """The tokens with denials of variants behind the genes that they are said of: "no TPMT variants", "no variants were
    detected in TPMT or NUDT15"; the denial is of the variants, not of the whole report."""
    made = list(found)
    for place in range(len(made) - 2):
        one, two, three = (made[place + step].kind for step in range(3))
        if one == "none of" and two in GENES and three in ("variation", "changed", "filler"):
            made[place], made[place + 1] = made[place + 1], made[place]
    place = 0
    while place < len(made):
        end = _gene_behind(made, place)
        if end is None:
            place += 1
            continue
        genes, last = _joined_genes(made, end)
        before = made[place:end]
        behind = list(itertools.takewhile(lambda token: token.kind in _IDLE, made[last:])) if len(genes) > 1 else []
        named = made[last].kind in ("star", "variant") if last < len(made) else False
        if not named and not any(token.kind == "variation" for token in (*before, *behind)):
            place += 1
            continue
        moved = [token for gene in genes for token in (gene, *before, *behind)]
        made[place : last + len(behind)] = moved
        place += len(moved)
    return made


def _gene_behind(found: Sequence[Token], place: int) -> int | None:
    """Where the first gene of a sentence stands behind a denial that begins here."""
    sentence = itertools.takewhile(lambda token: token.kind != "end", reversed(found[:place]))
    if found[place].kind not in ("none of", "not found") or any(token.kind in _GENES for token in sentence):
        return None
    end = place + 1
    while end < len(found) and (found[end].kind in (*_IDLE, "changed") or found[end].text == ":"):
        end += 1
    return end if end < len(found) and found[end].kind in GENES else None


def _joined_genes(found: Sequence[Token], place: int) -> tuple[list[Token], int]:
    """The genes that stand here, joined by "and", "or" or the like, and where they end."""
    genes, end = [found[place]], place + 1
    while end < len(found) and (found[end].text in "/&+-" or words_of(found[end].text)[:1] in _JOINTS):
        step = next((at for at in range(end + 1, len(found)) if found[at].kind not in ("filler", "or")), len(found))
        if step == len(found) or found[step].kind not in GENES:
            break
        genes.append(found[step])
        end = step + 1
    behind = [token.kind for token in found[end:] if token.kind not in _IDLE]
    return (genes, end) if behind[:1] in ([], ["end"]) else (genes[:1], place + 1)


def _subjects(found: Sequence[Token]) -> list[tuple[list[Token], bool]]:
    """The parts of a report under each heading of a person, and whether it is another person than the patient."""
    headings = dict(_headings(found))
    if "patient" not in headings.values():
        return [(list(found), False)]
    starts = [0, *(place for place in headings if place)]
    parts = zip(starts, [*starts[1:], len(found)], strict=True)
    return [(list(found[start:end]), headings.get(start) == "person") for start, end in parts]


def _headings(found: Sequence[Token]) -> Iterator[tuple[int, str]]:
    starts = [0, *(place + 1 for place, token in enumerate(found) if token.kind == "end")]
    for start in starts:
        kinds: list[str] = []
        for token in found[start : start + _HEADING]:
            if token.kind in _NAMED or token.text == ":":
                break
            kinds.append(token.kind)
        if "person" in kinds:
            yield start, "person"
        elif "patient" in kinds and set(kinds) <= {"patient", "filler", "mark"}:
            yield start, "patient"


def _with_sequences(found: Sequence[Token], words: ResultWords, knowledge: Knowledge) -> Iterator[Token]:
    """The tokens, with the name of a gene's reference sequence, or of a variant of one gene alone, as the gene's."""
    gene: str | None = None
    for token in found:
        if token.kind == "accession":
            meant = words.at(words_of(token.text), token.text)
            named = meant[1].removeprefix("sequence of ") if meant else None
            if named is None or named not in GENES or gene not in (None, named):
                yield replace(token, kind="unread")
            else:
                if gene is None:
                    yield replace(token, kind=named, end=token.start)
                yield token
                gene = named
            continue
        if token.kind in (*GENES, OTHER_GENE):
            gene = token.kind
        elif token.kind == "variant" and gene is None:
            owners = [each for each in GENES if variants_of(knowledge, each).named(token.text)]
            if len(owners) == 1:
                gene = owners[0]
                yield replace(token, kind=gene, end=token.start)
        yield token


def _by_gene(found: Iterator[Token], others: bool) -> Iterator[Clause]:
    gene: str | None = None
    own: list[Token] = []
    for token in found:
        if token.kind in (*GENES, OTHER_GENE):
            if own or gene:
                yield Clause(gene, tuple(own), others, _is_closed(own))
            gene, own = token.kind, [token] if token.kind == OTHER_GENE else []
        else:
            own.append(token)
    if own or gene:
        yield Clause(gene, tuple(own), others, closed=True)


def _is_closed(own: Sequence[Token]) -> bool:
    """Whether a clause ends its sentence, so that what it awaits is no matter of the next."""
    last = next((token for token in reversed(own) if token.kind != "filler"), None)
    return last is not None and last.kind == "end"


def _said_before(own: list[Clause]) -> list[Clause]:
    """The clauses, with words of a result that stand before a gene's name as that gene's."""
    made = list(own)
    for place in range(len(made) - 1):
        one, two = made[place], made[place + 1]
        moved = _tail(one, two.has(*RESULTS, "found", "not found", "amount"))
        if moved and two.gene in GENES:
            made[place] = replace(one, tokens=one.tokens[: len(one.tokens) - len(moved)], closed=True)
            made[place + 1] = replace(two, tokens=moved + two.tokens)
            if _is_joined(two, made[place + 2 :][:1]):
                made[place + 2] = replace(made[place + 2], tokens=moved + made[place + 2].tokens)
    return [clause for clause in made if clause.gene or clause.tokens]


def _is_joined(one: Clause, after: Sequence[Clause]) -> bool:
    """Whether "normal for TPMT and NUDT15" says a word of both: neither gene has anything of its own."""
    bare = not one.has(*RESULTS, "found", "not found", "amount", "end") and any(map(_joins, one.tokens))
    own = [token for clause in after for token in clause.tokens if token.kind not in ("filler", "end", "mark")]
    return bare and len(one.tokens) == 1 and bool(after) and after[0].gene in GENES and not own


def _tail(clause: Clause, next_has_own: bool) -> tuple[Token, ...]:
    """The words at a clause's end that are said of the gene behind it: "low TPMT activity and normal NUDT15"."""
    start = len(clause.tokens)
    colon = bool(start) and clause.tokens[-1].text == ":"
    start -= colon
    # A word that hinders a result goes along with it; before any gene it stays, and bears on all that follow.
    kinds = (*_BEFORE_GENE, *BLOCKERS) if clause.gene else _BEFORE_GENE
    while start and clause.tokens[start - 1].kind in kinds:
        start -= 1
        if clause.gene and _joins(clause.tokens[start]):
            break
    tail = clause.tokens[start:]
    if not any(token.kind in _SAID for token in tail):
        return ()
    parted = _joins(tail[0]) or (start > 0 and clause.tokens[start - 1].kind in ("end", "mark"))
    leads = words_of(tail[-1].text)[-1:] or ("",)
    return tail if clause.gene is None or (parted and (leads[0] in _FOR or not next_has_own)) else ()


def _joins(token: Token) -> bool:
    return token.kind == "filler" and words_of(token.text)[:1] in [(word,) for word in _AND]


def _shared(own: list[Clause], text: str) -> list[Clause]:
    """ "TPMT and NUDT15 normal": what is said in words of the second gene is said of the first, too."""
    made = list(own)
    for place in range(len(made) - 2, -1, -1):
        one, two = made[place], made[place + 1]
        between = " ".join(token.text for token in one.tokens)
        alleles = two.has("pair", "phased", "star", "variant", "amino acids", "amount")
        if one.gene and two.gene not in (None, one.gene) and _BETWEEN.fullmatch(between) and not alleles:
            made[place] = replace(two, gene=one.gene)
    return made


def _joined(own: list[Clause]) -> list[Clause]:
    """Variants or alleles of one gene that each name it: "one copy of TPMT*3A and one of TPMT*1" is one result."""
    made: list[Clause] = []
    for clause in own:
        last = made[-1] if made else None
        if last and last.gene == clause.gene and all(map(_is_of_variants, (last, clause))):
            made[-1] = replace(last, tokens=last.tokens + clause.tokens, closed=clause.closed)
        else:
            made.append(clause)
    return made


def _is_of_variants(clause: Clause) -> bool:
    return clause.has("variant", "star") and not clause.has("pair", "phased")


def is_left_over(token: Token) -> bool:
    """Whether a token is one that keeps a result from being used."""
    return token.kind in BLOCKERS or token.kind in ("unread", "number", "amount", "range", "bases")
