"""Puts the clauses of a report together: one result for each gene, and what could not be used.

A result is clear if nothing is left over in its clause and no word before it bears on it. A result that isn't clear is
given as a question: Indeterminate, with a note of what stands there. Normal needs more: nothing left over anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from azaward.genetics.activity import read_activity
from azaward.genetics.dosing import GENES, INDETERMINATE, NORMAL, ORDER
from azaward.genetics.nomenclature.clauses import OTHER_GENE, RESULTS, Clause, clauses, is_left_over
from azaward.genetics.nomenclature.finding import Finding, finding
from azaward.genetics.nomenclature.result_words import BLOCKERS, ResultWords, result_words
from azaward.genetics.nomenclature.said import Reported, ReportedActivity, ReportedGene
from azaward.genetics.nomenclature.tokens import Token, normal_spelling, tokens, unsigned
from azaward.genetics.nomenclature.variants import variants_of
from azaward.knowledge import Knowledge

# Why a result isn't used beside a word; "not detected" belongs to what it was looked for, or denies the whole.
_WHY = {**BLOCKERS, "not found": "denies something", "reference range": "names what would be normal"}
# Words that neither say nor hinder a result.
_IDLE = ("mark", "end", "filler", "activity", "variation")
_LEAVE_OUT = "If that says nothing of this patient's result, give the rest without it; otherwise ask the laboratory"
_ASK = "Ask the laboratory for this patient's own final result"


@dataclass(frozen=True)
class _Read:
    """A clause's finding, with the words before it that bear on it, and those elsewhere that forbid Normal."""

    found: Finding
    before: tuple[Token, ...]
    elsewhere: tuple[Token, ...]

    @property
    def is_clear(self) -> bool:
        """Whether the result can be used."""
        blocked = self.found.left_over or self.found.why or self.before or self.found.clause.others
        return not (blocked or (self.is_normal and self.elsewhere))

    @property
    def is_normal(self) -> bool:
        """Whether the result would be that nothing is wrong; an activity alone may be."""
        return self.found.phenotype in (None, NORMAL)


def read_report(text: str, knowledge: Knowledge) -> Reported:
    """The genes that a laboratory's words speak of.

    >>> from azaward.knowledge import load
    >>> said = read_report("TPMT *1/*3A; NUDT15 normal", load())
    >>> [(one.gene, one.diplotypes, one.phenotype) for one in said.genes.values()]
    [('TPMT', ('*1/*3A',), 'Intermediate Metabolizer'), ('NUDT15', (), 'Normal Metabolizer')]
    >>> read_report("TPMT purple", load()).unread
    ('TPMT purple',)
    >>> mother = read_report("Mother: TPMT *1/*1", load())
    >>> mother.genes["TPMT"].phenotype, mother.unread
    ('Indeterminate', ('Mother',))
    """
    written = normal_spelling(text)
    words = result_words(knowledge)
    own = clauses(unsigned(tokens(written, words)), written, words, knowledge)
    findings = [
        finding(clause, clause.gene, _text_of(clause, written), words, knowledge)
        for clause in own
        if clause.gene in GENES
    ]
    strays = [_strays(found, words, knowledge) for found in findings]
    read = list(_in_context(own, findings, strays))
    results = {gene: [each for each in read if each.found.gene == gene and each.found.has_result] for gene in GENES}
    order = dict.fromkeys(each.found.gene for each in read if results[each.found.gene])
    genes = {gene: made for gene in order if (made := _gene(results[gene], written)) is not None}
    return Reported(genes, _activity(results["TPMT"], knowledge), tuple(dict.fromkeys(_unread(own, read, written))))


def _text_of(clause: Clause, written: str) -> str:
    if not clause.tokens:
        return ""
    text = written[clause.tokens[0].start : clause.tokens[-1].end].strip(" \n:;,.=-").removesuffix(" and").strip(" ,;")
    text = text if text.count("(") == text.count(")") else text.strip("() ")
    # "TPMT*1/TPMT*3A" is quoted whole, not from behind its first gene.
    within = clause.gene is not None and clause.tokens[0].kind == "pair" and clause.gene in clause.tokens[0].text
    return f"{clause.gene} {text}" if within else text


def _strays(found: Finding, words: ResultWords, knowledge: Knowledge) -> list[Token]:
    """What may be said of another gene than the one it stands behind: names that only the other gene has, and what a
    later sentence adds to a normal result ("TPMT normal; NUDT15 normal. *2 heterozygous")."""
    tokens, own = found.clause.tokens, variants_of(knowledge, found.gene)
    others = [variants_of(knowledge, gene) for gene in GENES if gene != found.gene]
    strays = [
        token
        for token in tokens
        if token.kind in ("star", "variant")
        and not own.knows(token.text)
        and any(other.knows(token.text) for other in others)
    ]
    if found.phenotype == NORMAL and not found.why:
        return strays
    for place, token in enumerate(tokens):
        if token.kind != "end":
            continue
        first = finding(replace(found.clause, tokens=tokens[:place]), found.gene, "", words, knowledge)
        if first.phenotype == NORMAL and not first.why:
            later = [token for token in tokens[place:] if token.kind in (*RESULTS, "bases")]
            return [*strays, *(token for token in later if token.kind != "variant" or not own.knows(token.text))]
    return strays


def _in_context(
    own: Sequence[Clause], findings: Sequence[Finding], strays: Sequence[Sequence[Token]]
) -> Iterable[_Read]:
    """Each finding with the words outside its clause that bear on it."""
    of_clause = iter(zip(findings, strays, strict=True))
    before: list[Token] = []
    pending: list[_Read] = []
    everywhere: list[tuple[Finding | None, Token]] = []
    for clause in own:
        if clause.gene == OTHER_GENE:
            before += [token for token in clause.tokens if _bears(token, clause)]
            blocks = [token for token in clause.tokens if token.kind in BLOCKERS and not clause.others]
            whole = clause.has(*RESULTS)
            everywhere += [(None, token) for token in blocks if whole or token.kind == "person"]
            continue
        if clause.gene is None:
            loose = [token for token in clause.tokens if is_left_over(token) or _is_loose(token)]
            before += [] if clause.others else loose
            everywhere += [] if clause.others else [(None, token) for token in loose]
            continue
        found, stray = next(of_clause)
        pending.append(_Read(found, () if clause.others else tuple(before), ()))
        if clause.others:
            continue
        people = [token for token in found.left_over if token.kind == "person"]
        # "NUDT15 pending" bears on NUDT15 alone; "TPMT and NUDT15 requested: ..." on what follows.
        bears = found.left_over if not (found.has_result or clause.closed) else people
        # "TPMT or NUDT15 normal" doesn't say which.
        bears = [*bears, *(token for token in clause.tokens if token.kind == "or" and not found.has_result)]
        before += bears
        everywhere += [(found, token) for token in (*(found.left_over if found.has_result else bears), *stray)]
    for read in pending:
        elsewhere = tuple(token for found, token in everywhere if found is not read.found)
        yield _Read(read.found, read.before, () if read.found.clause.others else elsewhere)


def _bears(token: Token, clause: Clause) -> bool:
    """Whether a word beside another gene bears on what follows: a person does, others in the same sentence."""
    bears = token.kind == "person" or (token.kind in BLOCKERS and not clause.closed)
    return bears and not clause.others


def _is_loose(token: Token) -> bool:
    """Whether words before any gene hold a result that belongs to none."""
    return token.kind in RESULTS


def _gene(read: Sequence[_Read], written: str) -> ReportedGene | None:
    """One gene from all that is said of it: the weakest clear result, and the questions beside it."""
    if all(each.found.phenotype is None and each.is_clear for each in read):
        return None
    clear = [each.found for each in read if each.is_clear and each.found.phenotype]
    unclear = [each for each in read if not each.is_clear]
    # What is said of another person under a heading of its own says nothing against the patient's own result.
    asked = [each for each in unclear if not (clear and each.found.clause.others)]
    notes = [note for each in unclear for note in _question(each, written)]
    if not clear:
        first = unclear[0].found
        would = _would_be(unclear)
        return ReportedGene(first.gene, first.text or first.gene, (), INDETERMINATE, tuple(notes), True, would)
    weakest = _weakest(clear)
    if any(_weakens(each, weakest) for each in asked):
        notes.append(f"elsewhere the report calls {weakest.gene} {weakest.phenotype}: not used beside this question")
        said, would = (*weakest.notes, *notes), _would_be(asked)
        return ReportedGene(weakest.gene, weakest.text, (), INDETERMINATE, said, True, would)
    return ReportedGene(weakest.gene, weakest.text, weakest.diplotypes, weakest.phenotype, (*weakest.notes, *notes))


def _would_be(asked: Sequence[_Read]) -> str | None:
    """The weakest phenotype that questions would mean; None where one of them can't be told."""
    would = [None if each.found.why else each.found.phenotype for each in asked]
    return None if None in would else min(filter(None, would), key=ORDER.index)


def _weakens(asked: _Read, clear: ReportedGene) -> bool:
    """Whether a question may mean a weaker enzyme than what is clear."""
    would = asked.found.phenotype
    untold = would is None or bool(asked.found.why)
    return clear.phenotype == NORMAL or untold or ORDER.index(would) < ORDER.index(clear.phenotype)


def _weakest(clear: Sequence[Finding]) -> ReportedGene:
    """One gene said twice: the weaker enzyme counts."""
    weakest = min(clear, key=lambda found: (ORDER.index(found.phenotype or INDETERMINATE), not found.diplotypes))
    notes = list(weakest.notes)
    pairs = {found.diplotypes for found in clear if found.diplotypes}
    if len({found.phenotype for found in clear}) > 1 or len(pairs) > 1:
        said = "; ".join(found.text for found in clear)
        notes.append(f"{weakest.gene} is reported twice ({said}): the weaker enzyme counts")
    phenotype = weakest.phenotype or INDETERMINATE
    return ReportedGene(weakest.gene, weakest.text, weakest.diplotypes, phenotype, tuple(notes))


def _question(read: _Read, written: str) -> Iterable[str]:
    """Why a result is not used, and what it would be."""
    found = read.found
    would = f" As it stands it would be {found.phenotype}." if found.phenotype and not found.why else ""
    words = [*read.before, *found.left_over]
    reasons = [*found.why, *_because(words, written)]
    if found.clause.others:
        reasons.append("it stands under the heading of another person")
    if not reasons:
        words = list(read.elsewhere)
        reasons = list(_because(words, written))
    unknown = not found.why and all(token.kind == "unread" and token.text.isalpha() for token in words)
    yield f"{found.shown!r} is not used: {'; '.join(reasons)}.{would} {_LEAVE_OUT if unknown else _ASK}"


def _because(left_over: Sequence[Token], written: str) -> Iterable[str]:
    for run in _grouped(left_over, written):
        kinds = dict.fromkeys(token.kind for token in run)
        reasons = [_WHY[kind] for kind in kinds if kind in _WHY]
        unknown = any(is_left_over(token) for token in run)
        reasons = reasons or ["is not understood" if unknown else "belongs to no gene that is named"]
        yield f"{_shown(run, written)!r} {' and '.join(dict.fromkeys(reasons))}"


def _grouped(left_over: Iterable[Token], written: str) -> list[list[Token]]:
    """Tokens that stand side by side, with nothing but spaces and signs between them."""
    made: list[list[Token]] = []
    for token in sorted(dict.fromkeys(left_over), key=lambda each: each.start):
        between = written[made[-1][-1].end : token.start] if made else None
        if between is not None and not any(sign.isalnum() or sign in ";\n" for sign in between):
            made[-1].append(token)
        else:
            made.append([token])
    return made


def _shown(run: Sequence[Token], written: str) -> str:
    return " ".join(written[run[0].start : run[-1].end].split())


def _runs(left_over: Iterable[Token], written: str) -> list[str]:
    return list(dict.fromkeys(_shown(run, written) for run in _grouped(left_over, written)))


def _activity(read: Sequence[_Read], knowledge: Knowledge) -> ReportedActivity | None:
    """The activity of the clear clauses; none where they give several, or one that is normal beside a question."""
    given = dict.fromkeys(each.found.activity for each in read if each.found.activity and each.is_clear)
    activity = next(iter(given)) if len(given) == 1 else None
    if activity is None or all(each.is_clear or each.found.clause.others for each in read):
        return activity
    weak = read_activity(f"{activity.text} {activity.unit or ''}".strip(), knowledge).phenotype
    return None if weak in (None, NORMAL) else activity


def _unread(own: Sequence[Clause], read: Sequence[_Read], written: str) -> Iterable[str]:
    """What was not understood or could not be used, in the order in which it stands."""
    of_clause = iter(read)
    for clause in own:
        if clause.gene == OTHER_GENE:
            yield _text_of(clause, written)
            continue
        if clause.gene is None:
            yield from _runs([token for token in clause.tokens if is_left_over(token) or _is_loose(token)], written)
            continue
        found = next(of_clause).found
        if not found.has_result:
            if any(token.kind not in _IDLE for token in clause.tokens):
                yield found.shown
        elif found.left_over:
            yield from _runs(found.left_over, written)
        elif found.why or clause.others:
            yield found.shown
