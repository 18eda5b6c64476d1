"""Harm that a record blames on a thiopurine, in whatever words: "pancreatitis due to Imuran", "AZA-induced hepatitis".

The words for each kind of harm are the synonyms in events.csv that begin with "thiopurine": what stands there for
every thiopurine is found for each of its names. A disease of someone who takes it ("hepatitis, on azathioprine") is no
such harm, nor is what a text denies. What names a thiopurine and says neither harm nor treatment in words that are
known here may be a harm: it is `UNCLEAR`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

ANY = "thiopurine"
UNCLEAR = "thiopurine_named"
_SHORT = ("thiopurines", "6 mp", "6mp", "6 mercaptopurine", "6 tg", "6 thioguanine")
_DENIED = re.compile(
    r"\b(no|not|never|nil|without|denies|denied|excluded|unlikely|family|risk of|ruled out|"
    r"tolerated|tolerates|tolerating|screen|screening|monitoring)\b"
)
_NOT_TOLERATED = re.compile(
    r"\b(?:(?:not|never|cannot|can t|couldn t|didn t|doesn t|unable to|failed to|poorly|badly|hardly)"
    r"(?: been)?(?: able to)? tolera\w+)\b"
)
# Diseases that azathioprine treats, or that have a cause of their own, named like a harm.
_OWN = re.compile(
    r"\b(autoimmune|immune|haemolytic|hemolytic|viral|alcoholic|gallstone|deficiency|pernicious|sickle cell)"
    r"( \w+)? (hepatitis|anaemia|anemia|thrombocytopenia|neutropenia|pancreatitis)\b"
)
_BY = r"(?:s|induced|related|associated|caused|drug|acute|severe|mild|recurrent|and)"
_THROUGH = (
    r"(?:due to|caused by|because of|secondary to|2ry to|attributed to|from|after|following|related to|"
    r"associated with|induced by|precipitated by|to|of)"
)
_FORBIDDEN = re.compile(
    r"\b(?:(?:not|never)(?: be)?(?: again)? (?:have|be|give|given|take|use|used|start|started|restart|prescribe\w*)"
    r"|never again|not suitable|not appropriate)\b"
)
# What is given as treatment and blamed for nothing.
_TREATMENT = re.compile(
    r"\b(?:on|takes?|taking|took|treated with|treatment with|therapy with|start(?:s|ed|ing)?|begins?|began|begun|"
    r"continues?|continued|commenced?|commencing|given|receives?|receiving|received|prescribed|maintained on|"
    r"uses?|using)"
    r"(?: (?:the|a|oral|regular|daily|low|dose|long|term|maintenance|current|currently))* thiopurines?\b"
    r"|\bthiopurines? (?:therapy|treatment|maintenance|user|dose|tablets?|prescription|start(?:ed)?|continued|"
    r"initiation|metabolites?|levels?|methyltransferase|s methyltransferase)\b"
)
_COMPLAINT = r"(?:intoleran\w*|allerg\w*|hypersensitiv\w*|adverse|side effects?|toxicity|reaction|sensitivity)"
_BETWEEN = r"(?:drug|event|effects?|reactions?|syndrome|to|from|of|with|against|due|caused|by|oral)"


class Reactions:
    """Which event of events.csv a text blames on a thiopurine."""

    def __init__(self, names: Iterable[str], harms: Mapping[str, str]) -> None:
        """`names` of thiopurines, and `harms`: each synonym that begins with "thiopurine", with its event's code."""
        longest = sorted({*(_spaced(name) for name in names), *_SHORT}, key=len, reverse=True)
        self._name = re.compile(rf"\b({'|'.join(map(re.escape, longest))})\b")
        self._harms = {_spaced(synonym).removeprefix(ANY).strip(): code for synonym, code in harms.items()}

    def of(self, text: str) -> str | None:
        """The code of the event, for a text in lower case."""
        named = _NOT_TOLERATED.sub("intolerance", self._name.sub(ANY, _spaced(text)))
        named = _FORBIDDEN.sub("forbidden", _OWN.sub(" ", named))
        if ANY not in named or _DENIED.search(named):
            return None
        said = next(self._blamed(named), None)
        # "Azathioprine" alone says what is given.
        plain = _TREATMENT.sub(" ", named).strip(" .;,:()0123456789mg")
        return said or (UNCLEAR if ANY in plain and plain != ANY else None)

    def _blamed(self, text: str) -> Iterator[str]:
        complaint = rf"\b{ANY}(?: {_BY})* {_COMPLAINT}\b|\b{_COMPLAINT}(?: {_BETWEEN})* {ANY}\b"
        complains = re.search(complaint, text) or re.search(r"\bdrug (induced|related)\b", text)
        for harm, code in self._harms.items():
            word = rf"\b{re.escape(harm)}\b"
            by = rf"\b{ANY}(?: {_BY})* {word}"
            through = rf"{word} {_THROUGH}(?: (?:the|a|taking|starting|oral))* {ANY}\b"
            during = rf"{word} (?:while |whilst |when )?(?:on|with|during|under|taking)(?: (?:the|oral))* {ANY}\b"
            patterns = (by, through, during)
            if any(re.search(each, text) for each in patterns) or (complains and re.search(word, text)):
                yield code


def _spaced(text: str) -> str:
    return " ".join(re.sub("[-/'\u2019]", " ", text).split())
