"""Where in a text do its sources and its pictures belong?

A fact that is written into a guide leaves a mark, a character that no text holds; the marks of a sentence are
gathered at its end, each once. Whoever shows the guide turns them into `[1]`, links or small figures.
"""

from __future__ import annotations

import re
from itertools import pairwise

_OPEN, _CLOSE = "\ue000", "\ue001"
_PICTURE, _END = "\ue010", "\ue011"
CITED = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
PICTURE = re.compile(f"{_PICTURE}(\\d+){_END}")
_RUN = re.compile(f"(?:{_OPEN}\\d+{_CLOSE})+")
# A sentence ends at its mark of punctuation, what closes it and its sources; a cell of a table ends at its bar.
_SENTENCE = re.compile(f'[.!?][*_"”)]*(?:{_OPEN}\\d+{_CLOSE})*(?=\\s|$)|\\|')
_ENDING = re.compile(r"[*_]*[.!?:]*[*_\"”)]*\s*\|?$")


def cite(number: int) -> str:
    """The mark of the source with this number."""
    return f"{_OPEN}{number}{_CLOSE}"


def picture(number: int) -> str:
    """The mark of a picture, a paragraph of its own."""
    return f"\n\n{_PICTURE}{number}{_END}\n\n"


def settled(markdown: str) -> str:
    """The text with the marks of each sentence gathered at its end, each once, in the order of their numbers.

    >>> shown(settled(f"About 4{cite(2)} in 100{cite(2)} people{cite(1)}. It is rare."))
    'About 4 in 100 people [1,2]. It is rare.'
    """
    return "\n".join(_settled_line(line) for line in markdown.split("\n"))


def _settled_line(line: str) -> str:
    if _OPEN not in line:
        return line
    ends = [0, *(end.end() for end in _SENTENCE.finditer(line)), len(line)]
    return "".join(_settled_sentence(line[start:end]) for start, end in pairwise(ends))


def _settled_sentence(part: str) -> str:
    numbers = sorted({int(number) for number in CITED.findall(part)})
    if not numbers:
        return part
    bare = CITED.sub("", part)
    ending = _ENDING.search(bare)
    at = ending.start() if ending else len(bare)
    return bare[:at].rstrip() + "".join(cite(number) for number in numbers) + bare[at:]


def shown(text: str) -> str:
    """The text with its marks as people write them: `[1,2]`."""
    return _RUN.sub(lambda run: f" [{','.join(CITED.findall(run[0]))}]", text)


def bare(text: str) -> str:
    """The text without any mark."""
    return PICTURE.sub("", CITED.sub("", text))


def runs(text: str) -> list[str | tuple[int, ...]]:
    """The text cut at its marks: strings, and tuples of the numbers between them.

    >>> runs(f"Rare{cite(1)}{cite(3)}.")
    ['Rare', (1, 3), '.']
    """
    parts: list[str | tuple[int, ...]] = []
    at = 0
    for run in _RUN.finditer(text):
        if run.start() > at:
            parts.append(text[at : run.start()])
        parts.append(tuple(int(number) for number in CITED.findall(run[0])))
        at = run.end()
    if at < len(text):
        parts.append(text[at:])
    return parts
