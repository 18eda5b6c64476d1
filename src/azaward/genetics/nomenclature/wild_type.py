"""What keeps "normal" and "wild type" from being believed: a change named beside them, or that they are denied.

"Wild type/mutant" is one copy of each. "Wild type, polymorphism *3C" may list what was looked for, or name the other
allele; "*3C: wild type not detected" says that no copy works. Where words can be meant in both ways, somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from azaward.genetics.dosing import NORMAL
from azaward.genetics.haplotypes import REFERENCE_ALLELE
from azaward.genetics.nomenclature.alleles import Found
from azaward.genetics.nomenclature.copies import STATES
from azaward.genetics.nomenclature.result_words import words_of
from azaward.genetics.nomenclature.tokens import Token

NOTHING_FOUND = "nothing found"
_PARTING = (",", "-", "+", "&", "=", "·", "•")
_BESIDE = ("/", "|", "+", "&")
_DENIALS = ("not found", "absent", "none of")
# How many alleles are normal: all of them, or one.
_ALLELES = ("alleles", "alelos", "alleli", "allelen")
_BOTH = ("both", "two", "beide", "zwei", "deux", "ambos", "dos", "due", "entrambi", "twee", "2")
_LOOKED_FOR = ("tested", "analysed", "analyzed", "analysis", "screen", "panel")
_ONE = ("one", "ein", "un", "uno", "una", "een", "1")
_WORKING = ("functional", "functioning", "funktionelles", "fonctionnel", "funcional", "funzionale", "functioneel")


def one_of_each(tokens: Sequence[Token]) -> list[Token]:
    """The tokens, with "wild type/mutant" and "mutant + wild type" as one copy of a change."""
    made: list[Token] = []
    for token in tokens:
        made.append(token)
        if len(made) < 3 or made[-2].text not in _BESIDE:
            continue
        one, sign, other = made[-3:]
        kinds = {one.kind, other.kind}
        if "wild type" in kinds and kinds & {"changed", "variation"}:
            text = f"{one.text}{sign.text}{other.text}"
            made[-3:] = [Token("heterozygous", text, one.start, other.end)]
    return made


def doubts_of_normal(clause: Sequence[Token], rest: Sequence[Token], found: Found, said: Sequence[str]) -> list[str]:
    """Why a result that would be normal isn't believed; nothing where it would not be.

    `clause` are the clause's tokens as they stand, `rest` those that name no allele, and `said` what words say.
    """
    if not _looks_normal(found, said):
        return []
    if _names_change(rest):
        return ["a change is named beside a normal result"]
    if (noun := _noun_of_one(rest) if set(said) == {NORMAL} and not found.pairs else None) or (
        noun := _noun_behind(clause) or (None if found.used else _noun_before(clause))
    ):
        return [f"{noun.text!r} is named beside a normal result: ask what both alleles are"]
    return []


def denied(clause: Sequence[Token]) -> list[str]:
    """Why a denial of the wild type or of the normal allele can't be acted upon: "wild type not detected"."""
    for place, token in enumerate(clause):
        if token.kind in _DENIALS and _denies_normal(clause, place):
            return [f"{token.text!r} denies the normal allele: ask what was found in its stead"]
    return []


def _denies_normal(clause: Sequence[Token], place: int) -> bool:
    before = _run(reversed(clause[:place]))
    behind = _run(clause[place + 1 :])
    if before and (_is_normal(before[-1]) or _is_working(before)):
        return True
    if not behind or not (_is_normal(behind[-1]) or _is_working(behind)):
        return False
    after = clause[place + 1 + len(behind) :][:1]
    of_allele = any(map(_is_allele, [*behind, *after]))
    return behind[-1].kind == "wild type" or of_allele


def _run(tokens: Iterable[Token]) -> list[Token]:
    """The words next to a denial, up to the first that says what is normal."""
    made: list[Token] = []
    for token in tokens:
        idle = token.kind in ("filler", "variation", "activity", "strongly", "found")
        if token.kind == "mark" and token.text in "'’":
            continue
        if not (idle or _is_normal(token)):
            break
        made.append(token)
        if not idle:
            break
    return made


def _is_normal(token: Token) -> bool:
    return token.kind == "wild type" or (token.kind == NORMAL and len(words_of(token.text)) == 1)


def _is_working(run: Sequence[Token]) -> bool:
    """Whether these words speak of a functional allele."""
    return any(map(_is_allele, run)) and any(word in _WORKING for token in run for word in words_of(token.text))


def _looks_normal(found: Found, said: Sequence[str]) -> bool:
    reference = f"{REFERENCE_ALLELE}/{REFERENCE_ALLELE}"
    fits = all(pair == reference for pair in found.pairs) and set(said) <= {NORMAL, NOTHING_FOUND}
    return fits and bool(found.pairs or said)


def _names_change(rest: Sequence[Token]) -> bool:
    """Whether a change is called by that name or said to be there; an allele may be the usual one."""
    there = any(token.kind == "found" for token in rest)
    noun = any(token.kind == "variation" and not _is_allele(token) for token in rest)
    return (there and noun) or any(token.kind == "changed" for token in rest)


def _is_allele(token: Token) -> bool:
    return token.kind == "variation" and token.text.casefold().startswith("al")


def _noun_of_one(rest: Sequence[Token]) -> Token | None:
    """One allele that is called normal, as if the other weren't."""
    if _is_settled(rest):
        return None
    words = [words_of(token.text) for token in rest]
    place = next(at for at, token in enumerate(rest) if token.kind in (NORMAL, "wild type"))
    if any(("allel" in word or "alelo" in word) and word not in _ALLELES for word in words[place]):
        return rest[place]
    behind = next((token for token in rest[place:] if _is_allele(token)), None)
    if behind is not None and words_of(behind.text)[0] not in _ALLELES:
        return behind
    before = (at for at in range(1, place) if _is_allele(rest[at]) and words[at - 1][-1:])
    return next((rest[at] for at in before if words[at - 1][-1] in _ONE), None)


def _is_settled(rest: Sequence[Token]) -> bool:
    """Whether both alleles are spoken of, or what was looked for."""
    words = [word for token in rest for word in words_of(token.text)]
    return any(word in (*_BOTH, *_LOOKED_FOR) or word.startswith(("homo", "omo")) for word in words)


def _noun_behind(clause: Sequence[Token]) -> Token | None:
    """A change that is named behind a normal result, of which nothing more is said: "*1/*1 with mutation"."""
    first = next((at for at, token in enumerate(clause) if token.kind in (NORMAL, "wild type", "pair", "phased")), None)
    if first is None:
        return None
    for place in range(first + 1, len(clause)):
        token = clause[place]
        if token.kind != "variation" or _is_allele(token):
            continue
        denial = any(each.kind in _DENIALS for each in clause[max(first, place - 5) : place])
        told = any(each.kind in (*STATES, "none of", "bases", NORMAL) for each in clause[place + 1 :])
        if not (denial or told or _is_settled(clause[first:])):
            return token
    return None


def _noun_before(clause: Sequence[Token]) -> Token | None:
    """A change that is itself called normal, or stands beside it: "mutation normal", "variant/normal".

    Before a colon, or "analysis", it is the title.
    """
    for place, token in enumerate(clause[:-1]):
        behind = clause[place + 1 :]
        behind = behind[1:] if behind[0].text in _BESIDE else behind
        if token.kind == "variation" and not _is_allele(token) and behind and behind[0].kind in (NORMAL, "wild type"):
            return token
    return None


def behind_wild_type(clause: Sequence[Token]) -> Token | None:
    """An allele or a variant that stands behind "wild type" and a comma or the like, with nothing said of it: "WT, *3C"
    may list what was looked for, or name the other allele."""
    for one, sign, other in zip(clause, clause[1:], clause[2:], strict=False):
        parted = sign.kind == "end" or sign.text in _PARTING
        if one.kind == "wild type" and parted and other.kind in ("star", "variant"):
            later = clause[clause.index(other) + 1 :]
            return None if any(token.kind in (*STATES, NORMAL) for token in later) else other
    return None
