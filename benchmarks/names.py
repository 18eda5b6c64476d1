"""Are medicines understood as people type them: brands as they are, every name with slips of the finger and the ear?

Run: python benchmarks/names.py [--seed 7] [--slips 1] [--show]. The names are those of the knowledge base.

*As they are*: each brand, with a strength and a form as on a packet. *Misspelt*: each name of at least six letters
with one slip for each ten letters begun. The error model, in shares of slips: a letter left out 27%, a neighbouring key
20%, two letters swapped 14%, a letter doubled or a double letter single 14%, a letter that sounds alike 18% (y for i, f
for ph, k for c, s for z, t for th, e at the end), a letter too many 7%. The first letter is slipped on a tenth as often
as another. The shares are ours; nothing rests on them but this measure.

*Absent*: each ingredient taken out of the names with all its own, and typed: whatever it is then taken for is wrong.

Right: taken for exactly its ingredients, as sure. Asked: the person is asked, the right one among the names shown.
Wrong: taken for another medicine, as sure. The last line is JSON; `names` to `per_second` are of the misspelt and the
brands together.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from azaward.knowledge import Knowledge, load
from azaward.medicines.names import Names, Reading
from azaward.medicines.typed import fold

KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
ALIKE = (("ph", "f"), ("y", "i"), ("i", "y"), ("c", "k"), ("k", "c"), ("z", "s"), ("s", "z"), ("th", "t"), ("t", "th"))
ALIKE += (("x", "ks"), ("ae", "e"), ("e", "i"), ("a", "o"), ("o", "a"))
SHARES = {"left out": 27, "key": 20, "swapped": 14, "doubled": 14, "sound": 18, "too many": 7}
PACKETS = (
    "{}",
    "{} 50 mg",
    "{} 100mg tablets",
    "{} 25 mg film-coated tablets",
    "{} caps",
    "my {}",
    "{} 5mg/ml oral solution",
)
Case = tuple[str, frozenset[str]]


def clear_names(knowledge: Knowledge) -> dict[str, frozenset[str]]:
    """Each name that means one set of ingredients, and that set."""
    names: dict[str, set[frozenset[str]]] = {}
    for row in knowledge.tables["medicines"]:
        names.setdefault(fold(row.name), set()).add(frozenset([row.id]))
    for row in knowledge.tables["medicine_names"]:
        names.setdefault(fold(row.name), set()).add(frozenset(part.strip() for part in row.ingredients.split(";")))
    return {name: one for name, sets in names.items() if len(sets) == 1 for one in sets}


def packets(knowledge: Knowledge, clear: dict[str, frozenset[str]], chance: random.Random) -> list[Case]:
    """Every brand as on a packet."""
    brands = [fold(row.name) for row in knowledge.tables["medicine_names"] if row.kind == "brand"]
    return [(chance.choice(PACKETS).format(name.title()), clear[name]) for name in brands if name in clear]


def neighbours(letter: str) -> str:
    """The keys beside a letter's."""
    for row, keys in enumerate(KEYS):
        place = keys.find(letter)
        if place >= 0:
            near = keys[max(0, place - 1) : place + 2].replace(letter, "")
            for other in (row - 1, row + 1):
                if 0 <= other < len(KEYS):
                    near += KEYS[other][max(0, place - 1) : place + 1]
            return near
    return "e"


def slip(word: str, chance: random.Random) -> str:
    """The word with one slip."""
    weights = [0.1, *[1.0] * (len(word) - 1)]
    place = chance.choices(range(len(word)), weights)[0]
    kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
    if kind == "left out":
        return word[:place] + word[place + 1 :]
    if kind == "key":
        return word[:place] + chance.choice(neighbours(word[place])) + word[place + 1 :]
    if kind == "swapped" and place + 1 < len(word):
        return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    if kind == "doubled":
        doubles = [at for at in range(1, len(word)) if word[at] == word[at - 1]]
        if doubles and chance.random() < 0.5:
            at = chance.choice(doubles)
            return word[:at] + word[at + 1 :]
        return word[:place] + word[place] + word[place:]
    if kind == "sound":
        fitting = [(at, one, other) for one, other in ALIKE for at in range(1, len(word)) if word.startswith(one, at)]
        if word.endswith("e"):
            fitting.append((len(word) - 1, "e", ""))
        if fitting:
            at, one, other = chance.choice(fitting)
            return word[:at] + other + word[at + len(one) :]
    return word[:place] + chance.choice("abcdefghijklmnoprstuvy") + word[place:]


def misspelt(names: dict[str, frozenset[str]], per: int, chance: random.Random) -> Iterator[Case]:
    """Every name of six letters or more with `per` slips for each ten letters begun, of those in Latin letters.

    The slips are those of a keyboard of Latin letters.
    """
    for name, ingredients in names.items():
        if len(name) >= 6 and name.isascii():
            typed = name
            for _ in range(per * -(-len(name) // 10)):
                typed = slip(typed, chance)
            if typed not in names:
                yield typed, ingredients


def judge(reading: Reading, ingredients: frozenset[str]) -> str:
    """right, asked, part, wrong or unmatched."""
    found = frozenset(match.ingredient for match in reading.matches)
    if all(match.how == "class" for match in reading.matches):
        return "asked" if ingredients <= found and found else "unmatched"
    if reading.doubt in (None, "spelling"):
        return "right" if found == ingredients else "wrong"
    return "asked" if ingredients <= found else "unmatched"


def count(held: Names, cases: list[Case], show: bool) -> tuple[Counter[str], float]:
    """How many of each judgement, and how many names a second."""
    began = time.perf_counter()
    readings = [held.read(typed) for typed, _ in cases]
    seconds = time.perf_counter() - began
    judged: Counter[str] = Counter()
    for (typed, ingredients), reading in zip(cases, readings, strict=True):
        what = judge(reading, ingredients)
        judged[what] += 1
        if show and what not in ("right",):
            shown = ", ".join(f"{match.ingredient} {match.score}" for match in reading.matches)
            print(f"{what}: {typed!r} for {'+'.join(sorted(ingredients))}: {reading.doubt}: {shown}")
    return judged, len(cases) / seconds


def absent(held: Names, ingredients: dict[str, list[str]], show: bool) -> Counter[str]:
    """Each ingredient's own names typed where the knowledge base doesn't hold it."""
    judged: Counter[str] = Counter()
    for ingredient, names in ingredients.items():
        without = held.without(ingredient)
        for name in names:
            reading = without.read(name)
            sure = bool(reading.matches) and reading.doubt in (None, "spelling")
            judged["wrong" if sure else "asked" if reading.matches else "unmatched"] += 1
            if sure and show:
                print(f"absent {name!r}: taken for {', '.join(reading.names)}")
    return judged


def process_s() -> float:
    """The whole program for three names, median of seven."""
    command = [
        str(Path(sys.executable).parent / "azaward"),
        "check",
        "Zyloric 300mg tabs",
        "azatioprin",
        "--format",
        "json",
    ]
    times: list[float] = []
    for _ in range(8):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--slips", type=int, default=1)
    parser.add_argument("--show", action="store_true")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    knowledge = load()
    held = Names(knowledge)
    clear = clear_names(knowledge)
    as_is = packets(knowledge, clear, chance)
    own: dict[str, list[str]] = {}
    for name, ingredients in clear.items():
        if len(ingredients) == 1:
            own.setdefault(next(iter(ingredients)), []).append(name)
    slipped = list(misspelt(clear, arguments.slips, chance))
    by_brand, _ = count(held, as_is, arguments.show)
    by_slip, per_second = count(held, slipped, arguments.show)
    missing = absent(held, own, arguments.show)
    for name, judged in (("as they are", by_brand), ("misspelt", by_slip), ("absent", missing)):
        total = judged.total()
        print(f"{name}: {total}: " + ", ".join(f"{what} {n} ({n / total:.2%})" for what, n in judged.most_common()))
    both = by_brand + by_slip
    print(
        json.dumps(
            {
                "names": both.total(),
                "right": both["right"],
                "wrong": both["wrong"],
                "asked": both["asked"],
                "unmatched": both["unmatched"],
                "absent": missing.total(),
                "absent_wrong": missing["wrong"],
                "per_second": round(per_second),
                "process_s": round(process_s(), 2),
            }
        )
    )


if __name__ == "__main__":
    main()
