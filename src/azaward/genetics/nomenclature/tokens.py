"""Splits a laboratory's text into tokens: genes, alleles, variants, bases, amounts, words with a meaning, the rest.

Nothing is dropped: what no pattern and no phrase knows becomes a token that is `unread`, so that whoever reads the
tokens can't overlook it. Spelling that differs only in form is made one beforehand: the signs for a star, the spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from azaward.genetics.nomenclature.result_words import ResultWords, words_of

_STARS = dict.fromkeys(map(ord, "∗＊⁎✱✻﹡٭⋆★"), "*")
_SIGNS = {
    **dict.fromkeys(map(ord, "−‐‑–"), "-"),
    **dict.fromkeys(map(ord, "›→"), ">"),
    **dict.fromkeys(map(ord, "⁄∕"), "/"),
    ord("—"): " - ",
}
_ALLELE = r"\d{1,3}[A-Za-z]?(?:\.\d{1,3})?"
_END = r"(?![\w*]|\.\d)"
_SIDE = rf"(?:\*\s?{_ALLELE}|\b(?i:wt)\b)"
_OTHER = rf"(?:\*?\s?{_ALLELE}|(?i:wt)\b)"
_CHANGE = r"[-*]?\d+(?:[+-]\d+)?(?:_\d+(?:[+-]\d+)?)?\s?(?:[ACGT]\s?>\s?[ACGT]|del[ACGT]*|dup[ACGT]*|ins[ACGT]*)"
_PER = r"(?:\s?/\s?\w+(?:\.\d+)?(?:\*h\b)?)+(?:\s(?:Hb|pRBC|RBC|PRBC|Ery\w*)(?!\w))?"
_UNIT = rf"(?:%|(?:[mnpkuµμ]?(?:mol|kat|U|IU)|[munµμ]?g|u){_PER})"
_NUMBER = r"\d+(?:[.,]\d+)?"
_AMINO = "Ala|Arg|Asn|Asp|Cys|Gln|Glu|Gly|His|Ile|Leu|Lys|Met|Phe|Pro|Ser|Thr|Trp|Tyr|Val"
_PATTERNS = {
    "phased": r"c\.\s?\[[^\[\]]*\]\s?(?:\(;\)|;)\s?\[[^\[\]]*\]|c\.\s?\[[^\[\]]*\(;\)[^\[\]]*\]",
    "accession": r"\b(?:N[CGMPRTW]_\d+|ENS[GPT]\d+|LRG_\d+)(?:\.\d+)?(?:[tp]\d+)?(?:\s?\(\s?[A-Z][A-Z0-9]+\s?\))?\s?:?",
    "pair": (
        rf"(?<![/|])(?<![/|]\s){_SIDE}\s*[/|]\s*(?:(?:TPMT|NUDT15)\s?-?\s?)?{_OTHER}{_END}(?!\s*[/|]\s*\*)"
        rf"|\*{_ALLELE}\*{_ALLELE}{_END}"
    ),
    "star": rf"\*\s?{_ALLELE}{_END}",
    "variant": (
        rf"\brs\d+\b|\b[cg]\.\s?{_CHANGE}(?!\w)|(?<![\w.]){_CHANGE}(?!\w)|\b[ACGT]\d+[ACGT]\b(?!/)"
        rf"|\bp\.\s?\(?(?:[A-Z][a-z]{{2}}|[A-Z])\d+(?:[A-Z][a-z]{{2}}|[A-Z*]|fs\w*)\)?"
        rf"|\b(?:{_AMINO})\d+(?:{_AMINO}|Ter)\b|\b[ARNDCQEGHILKMFPSTWYV]\d{{1,3}}[ARNDCQEGHILKMFPSTWYVX]\b"
    ),
    "amino acids": rf"\b(?:{_AMINO})\s?/\s?(?:{_AMINO})\b",
    "bases": r"\b[ACGT]\s?[/|]\s?[ACGT]\b(?!\s?[/|])|\b(?:AA|AC|AG|AT|CA|CC|CG|CT|GA|GC|GG|GT|TA|TC|TG|TT)\b",
    "range": rf"[<>≤≥]?\s?{_NUMBER}\s?-\s?{_NUMBER}(?:\s?{_UNIT})?",
    "amount": rf"(?:[<>≤≥]=?\s?)?{_NUMBER}\s?{_UNIT}",
    "number": rf"[<>≤≥]=?\s?{_NUMBER}|(?<![\w.]){_NUMBER}(?!\w)",
    "word": r"[^\W_]+",
    "end": r"[;\n]|\.(?=\s|$)",
    "mark": r"[,:.()\[\]/|\"'’‘“”&=+•·-]",
    "unread": r"\S",
}
_TOKEN = re.compile("|".join(f"(?P<{name.replace(' ', '_')}>{pattern})" for name, pattern in _PATTERNS.items()))
_GAP = re.compile(r"\s+|\s?[-/'’]\s?|\.(?=\S)")
# How many words, numbers and marks a signature or a date may have: "Dr. A. Smith, 12.03.2024".
_SIGNATURE = 12
_QUESTIONS = frozenset("?¿~≈")
_DENIALS = frozenset("≠¬!×✗✘☐")


@dataclass(frozen=True)
class Token:
    """A piece of the text: its kind (a pattern's name, or a meaning of result_words.csv) and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def normal_spelling(text: str) -> str:
    """A text with one sign for the star, for a dash and for a space, and "star 3A" as "*3A".

    >>> normal_spelling("TPMT ∗1/＊3A, star 3C")
    'TPMT *1/*3A, *3C'
    """
    made = unicodedata.normalize("NFC", text).translate(_STARS).translate(_SIGNS)
    made = "".join(unicodedata.normalize("NFKC", sign) if "！" <= sign <= "｠" else sign for sign in made)
    made = re.sub(r"[^\S\n]", " ", made.replace("\\*", "*").replace("\r", "\n"))
    made = "".join(sign for sign in made if sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cf"))
    # Words of Latin and of Japanese letters are written without a space between them.
    made = re.sub(r"(?<=[A-Za-z0-9])(?=[぀-ヿ一-鿿])|(?<=[぀-ヿ一-鿿])(?=[A-Za-z0-9])", " ", made)
    return re.sub(r"\bstar[\s-]?(?=\d+[A-Za-z]?\b)", "*", made, flags=re.I)


def tokens(text: str, words: ResultWords) -> list[Token]:
    """The tokens of a text in normal spelling.

    >>> from azaward.knowledge import load
    >>> from azaward.genetics.nomenclature.result_words import result_words
    >>> [(token.kind, token.text) for token in tokens("TPMT *1/*3A, wild-type?", result_words(load()))]
    [('TPMT', 'TPMT'), ('pair', '*1/*3A'), ('mark', ','), ('wild type', 'wild-type'), ('doubt', '?')]
    """
    made: list[Token] = []
    place = 0
    while match := _TOKEN.search(text, place):
        kind = str(match.lastgroup).replace("_", " ")
        # A gene may look like a variant, and a phrase may begin with a number: "2 copies".
        phrase = _phrase(text, match.start(), words) if kind in ("word", "number", "variant", "amount") else None
        if phrase is not None and phrase.end >= match.end():
            made.append(phrase)
        else:
            owner = match.group() in ("s", "S") and text[: match.start()].endswith(("'", "’"))
            sign = "mark" if owner else _sign(kind, match.group())
            made.append(Token(sign, match.group(), match.start(), match.end()))
        place = made[-1].end
    return made


def unsigned(found: Sequence[Token]) -> list[Token]:
    """The tokens with names and dates behind "reported by", "authorised on" and the like as words that say nothing.

    A word with a meaning ends the signature, so that "reported by the mother" still names another person.
    """
    made: list[Token] = []
    left = 0
    for token in found:
        idle = token.kind in ("unread", "number", "range", "mark", "end", "filler") and token.text != "\n"
        left = _SIGNATURE if token.kind == "signature" else left - 1 if idle else 0
        # Behind a date, no more names are looked for.
        left = 0 if token.kind == "unread" and made and made[-1].text[-1:].isdigit() else left
        signs = left > 0 and token.kind != "end"
        made.append(replace(token, kind="filler") if signs else token)
    return made


def _sign(kind: str, text: str) -> str:
    if kind == "unread":
        return "doubt" if text in _QUESTIONS else "denies" if text in _DENIALS else kind
    return "unread" if kind == "word" else kind


def _phrase(text: str, start: int, words: ResultWords) -> Token | None:
    """The longest phrase with a meaning that begins here."""
    found = list(_in_a_row(text, start))
    flat = [word for match in found for word in words_of(match.group())]
    if not flat or len(flat) < len(found) or len(words_of(found[0].group())) != 1:
        return None
    meant = words.at(flat, found[0].group())
    if meant is None:
        return None
    count, meaning = meant
    return Token(meaning, text[start : found[count - 1].end()], start, found[count - 1].end())


def _in_a_row(text: str, start: int) -> Iterator[re.Match[str]]:
    """Up to eight words from here on that nothing but a space, a hyphen or an apostrophe parts."""
    word = re.compile(r"[^\W_]+")
    match = word.match(text, start)
    for _ in range(8):
        if match is None:
            return
        yield match
        gap = _GAP.match(text, match.end())
        match = word.match(text, gap.end()) if gap else None
