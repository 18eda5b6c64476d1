"""What may stand in a column of words: only the words of a vocabulary, the row's own name, or words for readers.

Every column of words says which it is by its type, so that a misspelt word can't pass for one that joins to nothing.
`closed.py` makes the vocabularies and holds the rows to them; a `Literal` is a vocabulary that no table lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from azaward.terms import Term


@dataclass(frozen=True)
class Closed:
    """A word, or with `many` a list of words with `;` between them, of the vocabulary of this name.

    `by` names the columns of the row that choose a part of the vocabulary: an allele is one of its gene's.
    """

    vocabulary: str
    by: tuple[str, ...] = ()
    many: bool = False


class Open(Enum):
    """Why a column of words has no vocabulary."""

    NAMES_ITS_ROW = "its id, its names and codes, its letters of DNA: whoever refers to it is checked"
    FOR_READERS = "no rule reads it"
    PROVEN_ELSEWHERE = "a small language, or a word that counts in some rows only; check.py or advice.py reads it"


Own = Annotated[str, Open.NAMES_ITS_ROW]
Prose = Annotated[str, Open.FOR_READERS]
Proven = Annotated[str, Open.PROVEN_ELSEWHERE]
# A year, a month or a day, as far as the publisher says.
Published = Annotated[str, msgspec.Meta(pattern=r"^(\d{4}(-\d{2}(-\d{2})?)?|undated)$"), Open.FOR_READERS]

AdviceTopicId = Annotated[str, Closed("topic of advice")]
AlleleName = Annotated[str, Closed("allele", by=("gene",))]
AlleleOrOther = Annotated[str, Closed("allele or other", by=("gene",))]
AnalyteId = Annotated[str, Closed("analyte")]
AncestryGroupId = Annotated[str, Closed("ancestry group")]
CallId = Annotated[str, Closed("call")]
Family = Annotated[str, Closed("family of indications")]
IndicationId = Annotated[str, Closed("indication of a trial")]
IndicationOrAny = Annotated[str, Closed("indication")]
Ingredients = Annotated[str, Closed("medicine", many=True)]
MedicineClass = Annotated[str, Closed("class of medicines")]
MedicineClasses = Annotated[str, Closed("class of medicines", many=True)]
MedicineId = Annotated[str, Closed("medicine")]
MedicineOrClass = Annotated[str, Closed("medicine or class")]
ProtocolId = Annotated[str, Closed("protocol")]
SourceId = Annotated[str, Closed("source")]
Specialty = Annotated[str, Closed("specialty")]
SymptomWords = Annotated[str, Closed("symptom")]
TestId = Annotated[str, Closed("test")]
TrialId = Annotated[str, Closed("trial")]
WrittenUnit = Annotated[str, Closed("written unit")]


def fixed_words(column: Any) -> tuple[str, ...]:
    """The words of a column whose type lists them, a `Literal` or terms in order; none where it doesn't.

    >>> fixed_words(Literal["full text", "abstract"]), fixed_words(str)
    (('full text', 'abstract'), ())
    """
    if get_origin(column) is Literal:
        return get_args(column)
    if isinstance(column, type) and issubclass(column, Term):
        return tuple(str(term) for term in column)
    return ()


def without_none(hint: Any) -> Any:
    """A type without the None that it may be.

    >>> without_none(float | None), without_none(str)
    (<class 'float'>, <class 'str'>)
    """
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    return hint


def split(cell: str | None) -> list[str]:
    """The parts of a cell that holds a list.

    >>> split("a; b"), split(None)
    (['a', 'b'], [])
    """
    return [part.strip() for part in cell.split(";") if part.strip()] if cell else []
