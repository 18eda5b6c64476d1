"""What do a laboratory's words say of a gene that their place in a record names: an Observation's code, a column?

The words are read as `azaward genotype --report` reads them, so that a sentence has one answer wherever it stands. What
stands beside a result can only weaken it: words that speak of somebody else, of an earlier time or of a failed test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from azaward.genetics.activity import read_activity
from azaward.genetics.dosing import GENES, INDETERMINATE, NORMAL, ORDER
from azaward.genetics.nomenclature import Reported, ReportedGene, read_report
from azaward.genetics.nomenclature.clauses import RESULTS
from azaward.genetics.nomenclature.result_words import BLOCKERS, result_words
from azaward.genetics.nomenclature.tokens import Token, normal_spelling, tokens
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.words.vocabulary import vocabulary

ASK = "Ask the laboratory for this patient's own final result."
# A comment recommends and a name of a test requests: neither bears on a result that is there. "None" and "without" deny
# what they stand before.
_BESIDE = {kind: why for kind, why in BLOCKERS.items() if kind not in ("asked for", "none of")}
# The name of a component that holds what is usual, not what was found.
_NAMES_NO_RESULT = {**_BESIDE, "reference range": "names what would be normal"}
# What a method can't see stands on most reports, and says nothing against what it saw.
_OF_METHOD = re.compile(
    r"\b(?:does|do|will|can|may|would)\s?(?:not|n['’]t) (?:detect|exclude|rule out|identify)\b", re.I
)
_SENTENCES = re.compile(r"(?<=[.;!?])\s+|\n+")
_NOT_USED = " is not used: "


class Said(NamedTuple):
    """What words say of one gene: a result, or `asked`: why what stands there can't be used.

    `may_be` is the phenotype that it would be; None if that can't be told.
    """

    diplotype: str | None = None
    phenotype: str | None = None
    asked: str | None = None
    may_be: str | None = None

    @property
    def is_normal(self) -> bool:
        """Whether the result is that nothing is wrong."""
        return self.asked is None and self.phenotype == NORMAL


def said_of(gene: str, text: str, knowledge: Knowledge) -> Said | None:
    """What a text says of the gene that its place names; None if it holds no result.

    >>> from azaward.knowledge import load
    >>> said_of("TPMT", "*1/*3A", load())
    Said(diplotype='*1/*3A', phenotype='Intermediate Metabolizer', asked=None, may_be=None)
    >>> said_of("TPMT", "Mother: *1/*1", load()).asked
    "'Mother' names another person. As it stands it would be Normal Metabolizer"
    >>> said_of("TPMT", "see report", load()) is None
    True
    """
    own = named_in(text, knowledge)
    reported = _read(text if own else f"{gene} {text}", knowledge)
    if found := _of_gene(gene, reported, knowledge):
        return found
    # A few abbreviations count only where they are all that is said.
    phenotype = None if own or reported.genes else vocabulary(knowledge).phenotype(text)
    return Said(phenotype=phenotype) if phenotype else None


def named_in(text: str, knowledge: Knowledge) -> list[str]:
    """The genes that a text names, in the order in which it does.

    >>> from azaward.knowledge import load
    >>> named_in("NUDT15 *1/*1; TPMT normal", load())
    ['NUDT15', 'TPMT']
    """
    return list(dict.fromkeys(token.kind for token in _tokens(text, knowledge) if token.kind in GENES))


def is_about(text: str, knowledge: Knowledge) -> bool:
    """Whether a text names one of the two genes or another person than the patient.

    >>> from azaward.knowledge import load
    >>> is_about("Sample of the donor", load()), is_about("Film: no blasts", load())
    (True, False)
    """
    return any(token.kind in (*GENES, "person") for token in _tokens(text, knowledge))


def against_name(name: str, knowledge: Knowledge) -> list[str]:
    """Why a result under this name of a test is none of the patient's.

    >>> from azaward.knowledge import load
    >>> against_name("TPMT genotype of the donor", load()), against_name("TPMT gene mutations found", load())
    (["'donor' names another person"], [])
    """
    return list(_reasons(_tokens(name, knowledge), _NAMES_NO_RESULT))


def against_normal(gene: str, remark: str, results: Iterable[str], knowledge: Knowledge) -> list[str]:
    """Why words beside a normal result, which stands as `results`, keep it from being used.

    >>> from azaward.knowledge import load
    >>> against_normal("TPMT", "Sample of the father", ["*1/*1"], load())
    ["'father' names another person"]
    >>> against_normal("TPMT", "Poor metaboliser", ["*1/*1"], load())
    ["'Poor metaboliser' says something else"]
    >>> against_normal("TPMT", "This assay does not detect all variants.", ["*1/*1"], load())
    []
    """
    kept = " ".join(each for each in _SENTENCES.split(remark) if not _is_of_method(each, knowledge))
    if reasons := list(_reasons(_tokens(kept, knowledge), _BESIDE)):
        return reasons
    alone = said_of(gene, kept, knowledge)
    if alone is None or NORMAL in (alone.phenotype, alone.may_be):
        return []
    both = [said_of(gene, f"{result}, {kept}", knowledge) for result in results]
    return [] if both and all(each and each.is_normal for each in both) else [f"{kept.strip()!r} says something else"]


def not_understood(text: str, knowledge: Knowledge) -> list[str]:
    """Words of a text that nobody here knows, as a reason not to call a result beside them normal."""
    unknown = [token.text for token in _tokens(text, knowledge) if token.kind == "unread"]
    return [f"{text!r} is not understood"] if unknown else []


def asked(reasons: Iterable[str]) -> str:
    """Reasons as one sentence that says what to do.

    >>> asked(["'Mother' names another person"])
    "not used: 'Mother' names another person. Ask the laboratory for this patient's own final result."
    """
    return f"not used: {'; '.join(dict.fromkeys(reasons))}. {ASK}"


def _of_gene(gene: str, reported: Reported, knowledge: Knowledge) -> Said | None:
    found = reported.genes.get(gene)
    if found and found.is_asked:
        return Said(asked=_why(found), may_be=found.asked)
    phenotype = found.phenotype if found else None
    if gene == "TPMT" and reported.activity:
        given = f"{reported.activity.text} {reported.activity.unit or ''}".strip()
        measured = read_activity(given, knowledge).phenotype
        # A number in words has no range beside it, so that it never makes an enzyme normal.
        weak = [each for each in (phenotype, measured) if each and (each != NORMAL or each == phenotype)]
        phenotype = min(weak, key=ORDER.index, default=None)
    if phenotype is None:
        return None
    pairs = found.diplotypes if found else ()
    return Said(pairs[0] if len(pairs) == 1 else None, phenotype)


def _why(found: ReportedGene) -> str:
    """The reader's reasons, without the words that they are about."""
    notes = [note.partition(_NOT_USED)[2] for note in found.notes if _NOT_USED in note]
    return "; ".join(dict.fromkeys(note.partition(". Ask ")[0] for note in notes)) or "it contradicts itself"


def _reasons(found: Iterable[Token], kinds: dict[str, str]) -> Iterator[str]:
    for token in found:
        if token.kind in kinds:
            yield f"{token.text!r} {kinds[token.kind]}"


def _is_of_method(sentence: str, knowledge: Knowledge) -> bool:
    """Whether a sentence says what the method can't see, and names no result."""
    found = _tokens(sentence, knowledge)
    return bool(_OF_METHOD.search(sentence)) and not any(
        token.kind in RESULTS or token.kind == "person" for token in found
    )


@lru_cache(maxsize=4096)
def _read(text: str, knowledge: Knowledge) -> Reported:
    return read_report(text, knowledge)


@lru_cache(maxsize=4096)
def _tokens(text: str, knowledge: Knowledge) -> tuple[Token, ...]:
    return tuple(tokens(normal_spelling(text), result_words(knowledge)))


def phenotype_of_question(may_be: str | None) -> str | None:
    """The phenotype of a row for a result that isn't used: none, unless it may mean a weaker enzyme than normal."""
    return None if may_be == NORMAL else INDETERMINATE
