"""From a medicine's name as a person types it to the ingredients behind it, and how sure that is.

A name that is known whole is taken at its word. A name that is only near to one is taken for it where no other
medicine is nearly as near, and says so; where another is, both are given and the person is asked. In a record nobody
can be asked: there a name is never taken for another by resemblance, and what it may mean is said beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple

from azaward.knowledge.loading.load import Knowledge
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.words.vocabulary import ATC, RXNORM, Coding
from azaward.medicines.codes import codes_in, systems_of, usual
from azaward.medicines.spelling import slips, sound
from azaward.medicines.typed import clean, fold
from azaward.record.names import is_recognised, unrecognised
from azaward.treatment import thiopurines

How = Literal["exact", "brand", "combination", "spelling", "class"]
# Why a reading is not sure of what was meant, or of all of it.
Doubt = Literal["spelling", "which", "part", "unknown", "dose", "empty"]

# What is longer is no name; the beginning is looked through for names.
LONGEST = 300
_ASIDE = re.compile(r"\([^()]*\)")
_BRACKETED = re.compile(r"[\[(]([^\])]*)[\])]")
_LETTER = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# A letter and two digits: what is shorter is a whole field of medicine.
_ATC_GROUP = 3
_ALLERGY, _USE = "allergy", "use"


class Match(NamedTuple):
    """One ingredient, how it was found, how near the name was (1: the same), and the known name it was taken for."""

    ingredient: str
    how: How
    score: float
    name: str


class Reading(NamedTuple):
    """What a typed name was taken for. `rest` are its words that nothing was made of."""

    asked: str
    matches: tuple[Match, ...]
    doubt: Doubt | None = None
    rest: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The known names that it was taken for, once each."""
        return tuple(dict.fromkeys(match.name for match in self.matches))


class Taken(NamedTuple):
    """The ingredients of a medicine in a record; of an unknown one its name as written, and what it may mean.

    `contradicts` where its code and its name are those of different medicines: then both are among the ingredients.
    """

    ingredients: tuple[str, ...]
    may_be: str | None = None
    contradicts: bool = False

    @property
    def is_known(self) -> bool:
        """Whether its ingredients are known."""
        return is_recognised(self.ingredients[0])


class Known(NamedTuple):
    """A name, the ingredients behind it, and what kind of name it is."""

    name: str
    ingredients: tuple[str, ...]
    kind: str

    def matches(self, how: How | None = None, score: float = 1.0) -> tuple[Match, ...]:
        """One match an ingredient."""
        if how is None:
            how = "class" if self.kind == "class" else "brand" if self.kind == "brand" else "exact"
            if len(self.ingredients) > 1 and how != "class":
                how = "combination"
        return tuple(Match(ingredient, how, score, self.name) for ingredient in self.ingredients)


class Near(NamedTuple):
    """A known name and how far the typed one is from it, in letters."""

    cost: float
    known: Known


class Names:
    """Every name that is known, made once for a knowledge base."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._known: dict[str, tuple[Known, ...]] = {}
        self._words: dict[str, frozenset[str]] = {
            row.kind: frozenset(fold(word) for word in split(row.words)) for row in knowledge.tables["label_words"]
        }
        units = "|".join(sorted(map(re.escape, self._words["unit"]), key=len, reverse=True))
        self._strength = re.compile(rf"(?<![\w-])\d[\d.,/x-]*\s*(?:{units})(?:\s*/\s*[\d.]*\s*(?:{units}))?(?![\w])")
        self._dropped = (
            frozenset[str]()
            .union(*(self._words[kind] for kind in ("form", "release", "route", "frequency", "filler", "maker")))
            .union(unit for unit in self._words["unit"] if len(unit) > 1)
        )
        medicines = {row.id: row for row in knowledge.tables["medicines"]}
        self._ingredients = medicines.keys()
        self._thiopurines = frozenset(thiopurines(knowledge))
        live = (row.id for row in medicines.values() if "live_vaccine" in split(row.classes))
        self._grave = [*thiopurines(knowledge), *live]
        # What records name, kept: a record names few medicines many times.
        self._recorded: dict[tuple[str, tuple[Coding, ...]], Taken] = {}
        for row in medicines.values():
            for name in (row.name, row.id.replace("_", " ")):
                self._add(Known(row.name, (row.id,), "ingredient"), name)
        for row in knowledge.tables["medicine_names"]:
            self._add(Known(row.name, tuple(split(row.ingredients)), row.kind), row.name)
        for row in knowledge.tables["events"]:
            if row.kind == "vaccination":
                held = Known(row.code.replace("_", " "), (row.code,), "vaccine")
                for name in (row.code.replace("_", " "), *split(row.synonyms)):
                    self._add(held, name, unless_known=True)
        members: dict[str, list[str]] = {}
        for row in medicines.values():
            for word in split(row.classes):
                members.setdefault(word, []).append(row.id)
        names = [(word.replace("_", " "), word) for word in members]
        names += [(row.name, row.class_) for row in knowledge.tables["medicine_class_names"]]
        for name, word in names:
            if word in members:
                self._add(Known(name, tuple(members[word]), "class"), name, unless_known=True)

    def _add(self, known: Known, name: str, *, unless_known: bool = False) -> None:
        folded = fold(name)
        held = self._known.get(folded, ())
        if folded and not (unless_known and held) and known.ingredients not in {other.ingredients for other in held}:
            self._known[folded] = (*held, known)

    def without(self, ingredient: str) -> Names:
        """The same names less those of one ingredient: to see what it would be taken for were it not known."""

        def stays(known: Known) -> bool:
            return ingredient not in known.ingredients or known.kind == "class"

        held = copy(self)
        held._recorded = {}
        kept = {name: tuple(filter(stays, known)) for name, known in self._known.items()}
        held._known = {name: known for name, known in kept.items() if known}
        held.__dict__.pop("_unspaced", None)
        # How names sound is known already.
        places = [place for place, known in enumerate(self._spelt[2]) if stays(known)]
        written, heard, meant = self._spelt
        held._spelt = (
            [written[place] for place in places],
            [heard[place] for place in places],
            [meant[place] for place in places],
        )
        return held

    @cached_property
    def _codes(self) -> Mapping[Coding, Known]:
        known: dict[Coding, Known] = {}
        for row in self._knowledge.tables["medicines"]:
            for system, codes in ((ATC, row.atc), (RXNORM, row.rxnorm)):
                for code in split(codes):
                    known[Coding(system, code)] = Known(row.name, (row.id,), "ingredient")
        for row in self._knowledge.tables["events"]:
            for coding in split(row.codings) if row.kind == "vaccination" else ():
                system, _, code = coding.partition("|")
                known[Coding(system, code)] = Known(row.code.replace("_", " "), (row.code,), "vaccine")
        for row in self._knowledge.tables["medicine_codes"]:
            if row.kind not in (_ALLERGY, _USE):
                kind = "class" if row.kind == "class" else "ingredient"
                held = Known(row.name or row.ingredients, tuple(split(row.ingredients)), kind)
                for system in systems_of(row.system):
                    known.setdefault(usual(Coding(system, row.code))[0], held)
        return known

    @cached_property
    def _said(self) -> Mapping[str, Mapping[Coding, tuple[str, ...]]]:
        """Codes of what is said about a medicine: an allergy to it, or that it is taken."""
        said: dict[str, dict[Coding, tuple[str, ...]]] = {_ALLERGY: {}, _USE: {}}
        for row in self._knowledge.tables["medicine_codes"]:
            if row.kind in said:
                for system in systems_of(row.system):
                    said[row.kind][Coding(system, row.code)] = tuple(split(row.ingredients))
        return said

    def allergy(self, codings: Iterable[Coding]) -> tuple[str, ...]:
        """The medicines that a code names as what somebody is allergic to.

        >>> from azaward.knowledge import load
        >>> names(load()).allergy([Coding("http://snomed.info/sct", "293799001")])
        ('azathioprine',)
        """
        return next((found for each in codings if (found := self._said[_ALLERGY].get(each))), ())

    def in_group(self, codings: Iterable[Coding]) -> bool:
        """Whether a code is that of a group of the ATC classification that holds a thiopurine.

        >>> from azaward.knowledge import load
        >>> names(load()).in_group([Coding.of("http://www.whocc.no/atc", "L04AX")])
        True
        """
        groups = [each.code for each in codings if each.system == ATC and len(each.code) >= _ATC_GROUP]
        held = [each.code for each, known in self._codes.items() if self._thiopurines & {*known.ingredients}]
        return any(code != group and code.startswith(group) for group in groups for code in held)

    def use(self, codings: Iterable[Coding]) -> tuple[str, ...]:
        """The medicines that a code of a condition says are taken ("long-term current use of azathioprine")."""
        return next((found for each in codings if (found := self._said[_USE].get(each))), ())

    def of_record(self, text: str | None, codings: Iterable[Coding] = ()) -> Taken:
        """A medicine of a record, by its codes and the name beside them; by both where they disagree.

        >>> from azaward.knowledge import load
        >>> names(load()).of_record("AZATHIOPRINE 50 mg, comprimé pelliculé")
        Taken(ingredients=('azathioprine',), may_be=None, contradicts=False)
        >>> names(load()).of_record("azathioprim")
        Taken(ingredients=('unknown:azathioprim',), may_be='azathioprine', contradicts=False)
        """
        if text and (text in self._ingredients or not is_recognised(text)):
            return Taken((text,))
        key = (text or "", tuple(codings))
        if key not in self._recorded:
            self._recorded[key] = self._of_record(*key)
        return self._recorded[key]

    def _of_record(self, text: str, codings: tuple[Coding, ...]) -> Taken:
        by_code, by_name = self._taken(self.read("", codings)), self._taken(self._read_whole(text))
        if by_code is None or not by_code.is_known:
            coded = unrecognised(", ".join(f"{coding.system}|{coding.code}" for coding in codings))
            taken = by_name or Taken((coded,))
            return taken._replace(may_be=taken.may_be or (by_code.may_be if by_code and not taken.is_known else None))
        if by_name is None or not by_name.is_known:
            return by_code
        both = tuple(dict.fromkeys(by_code.ingredients + by_name.ingredients))
        return Taken(both, contradicts=not set(by_code.ingredients) & set(by_name.ingredients))

    def of_names(self, texts: Iterable[str], codings: Iterable[Coding] = ()) -> Taken:
        """A medicine of a record that has several names, as `together` reads them."""
        codings = tuple(codings)
        return self.together([self.of_record(each, codings) for each in texts] or [self.of_record(None, codings)])

    def together(self, whole: Sequence[Taken], parts: Sequence[Taken] = ()) -> Taken:
        """What several names of one medicine come to: the first that is known, or else the parts that are.

        A thiopurine that any of them names counts, whatever the others say.
        """
        every = (*whole, *parts)
        sure = [taken for taken in whole if taken.is_known][:1] or [taken for taken in parts if taken.is_known]
        if not sure:
            return next((taken for taken in every if taken.may_be), every[0])
        thiopurines_ = (each for taken in every for each in taken.ingredients if each in self._thiopurines)
        ingredients = dict.fromkeys((*(each for taken in sure for each in taken.ingredients), *thiopurines_))
        return Taken(tuple(ingredients), contradicts=any(taken.contradicts for taken in every))

    def _taken(self, reading: Reading) -> Taken | None:
        """What a reading comes to in a record, where nobody can be asked; None where nothing was named."""
        if reading.doubt == "empty":
            return None
        found = tuple(dict.fromkeys(match.ingredient for match in reading.matches))
        medicines = tuple(each for each in found if each in self._ingredients)
        if medicines and reading.doubt in (None, "part") and all(match.how != "class" for match in reading.matches):
            return Taken(medicines)
        # The most dangerous of what it may mean: it is this that somebody has to rule out.
        grave = sorted((each for each in medicines if each in self._grave), key=self._grave.index)
        may_be = next(iter(grave or (medicines if reading.doubt == "spelling" else ())), None)
        return Taken((unrecognised(reading.asked),), may_be)

    def _read_whole(self, text: str) -> Reading:
        """A name of a record: a word in it that is an ingredient's name counts, whatever the whole is near to."""
        reading = self.read(text)
        if reading.doubt != "spelling":
            return reading
        inside, rest = self._within(reading.asked[:LONGEST])
        return Reading(reading.asked, inside, "part", rest) if inside else reading

    def read(self, text: str, codings: Iterable[Coding] = ()) -> Reading:
        """What a typed name, or a record's codes with the name beside them, was taken for."""
        asked = clean(text)
        for coding in (*codings, *codes_in(asked)):
            if held := self._coded(coding):
                return Reading(asked, held.matches())
        whole = asked[:LONGEST]
        if not whole:
            return Reading(asked, (), "empty")
        for name in self._spellings_of(whole):
            if held := self._exact(name):
                return self._told(asked, held, self._variant_of(whole, name, held))
        bare = self._bare(whole)
        if not _LETTER.search(self._without(bare, "variant") if set(bare.split()) - self._words["variant"] else ""):
            return Reading(asked, (), "dose" if any(word.isdigit() for word in whole) else "unknown")
        if (parts := self._parts(whole, spelt=False)) is not None:
            return Reading(asked, parts)
        near = self._by_spelling(whole)
        if near is not None and near[1] == "spelling":
            return Reading(asked, *near)
        if (parts := self._parts(whole, spelt=True)) is not None:
            return Reading(asked, parts, "spelling")
        matches, rest = self._within(whole)
        if matches:
            return Reading(asked, matches, "part" if rest else None, rest)
        return Reading(asked, *near) if near is not None else Reading(asked, (), "unknown")

    def _coded(self, coding: Coding) -> Known | None:
        """What a code means, in whichever form it is written."""
        found = [held for each in (coding, *usual(coding)) if (held := self._codes.get(each))]
        return found[0] if len({held.ingredients for held in found}) == 1 else None

    def _told(self, asked: str, held: tuple[Known, ...], variant: str) -> Reading:
        matches = tuple(match for known in held for match in known.matches())
        return Reading(asked, matches, "which" if len(held) > 1 else "part" if variant else None, variant)

    def _variant_of(self, text: str, name: str, held: tuple[Known, ...]) -> str:
        """The words that make another product of a brand ("Panadol Extra"), where the name found holds them not."""
        if all(known.kind != "brand" for known in held):
            return ""
        return " ".join(word for word in fold(text).split() if word in self._words["variant"] - {*name.split()})

    def _exact(self, name: str) -> tuple[Known, ...]:
        if held := self._known.get(name):
            return held
        # "Statins": a plural stands for its class.
        return tuple(known for known in self._known.get(name.removesuffix("s"), ()) if known.kind == "class")

    def _spellings_of(self, text: str) -> Iterator[str]:
        """The name as it stands, then with less and less of what a label adds to it."""
        yield fold(text)
        yield fold(_ASIDE.sub(" ", text))
        bare = self._bare(_ASIDE.sub(" ", text))
        yield bare
        bare = self._without(bare, "variant")
        yield bare
        yield from (self._bare(text), self._without(bare, "salt"), re.sub(r"(\s\d+)+$", "", bare))
        yield re.sub(r"(\s\d+)+$", "", self._without(bare, "salt"))
        yield self._without(bare, "vaccine")
        yield from (fold(part) for part in _BRACKETED.findall(text))

    def _bare(self, text: str) -> str:
        """The name without strength, form, route, how often, and the small words of a sentence."""
        lower = self._strength.sub(" ", unicodedata.normalize("NFKC", text).casefold())
        words = [word for word in fold(lower).split() if word not in self._dropped]
        return " ".join(words).strip(" '-/&+")

    def _without(self, name: str, kind: str) -> str:
        kept = [word for word in name.split() if word not in self._words[kind]]
        return " ".join(kept) or name

    def _parts(self, text: str, *, spelt: bool) -> tuple[Match, ...] | None:
        """The ingredients of a product named by its parts, where every part is known, or nearly so where `spelt`."""
        lower = self._strength.sub(" ", text.casefold())
        joins = "|".join(map(re.escape, sorted(self._words["join"], key=len, reverse=True)))
        parts = [part for part in re.split(rf"\s*[/+&,;]\s*|\s+(?:{joins})\s+", lower) if self._bare(part)]
        if len(parts) < 2:
            return None
        matches: dict[str, Match] = {}
        for part in parts:
            held = next((held for name in self._spellings_of(part) if (held := self._exact(name))), ())
            if len(held) == 1 and held[0].kind != "class":
                near = held[0].matches("combination")
            else:
                taken_for = self._by_spelling(part) if spelt else None
                if taken_for is None or taken_for[1] != "spelling":
                    return None
                near = taken_for[0]
            matches.update((match.ingredient, match) for match in near)
        return tuple(matches.values())

    def _within(self, text: str) -> tuple[tuple[Match, ...], str]:
        """The known names inside a sentence, longest first, and the words that are left."""
        if _UNSPACED.search(text):
            folded = fold(text)
            inside = [name for name in self._unspaced if name in folded]
            whole = [name for name in inside if not any(name != other and name in other for other in inside)]
            known = {
                match.ingredient: match for name in whole for held in self._known[name] for match in held.matches()
            }
            if known:
                return tuple(known.values()), ""
        words = re.sub(r"[/+-]", " ", fold(self._strength.sub(" ", text.casefold()))).split()[:60]
        matches: dict[str, Match] = {}
        left: list[str] = []
        place = 0
        while place < len(words):
            for length in range(min(5, len(words) - place), 0, -1):
                name = " ".join(words[place : place + length])
                if len(name) > 3 and name not in self._dropped and (held := self._exact(name)):
                    matches.update((match.ingredient, match) for known in held for match in known.matches())
                    place += length
                    break
            else:
                left.append(words[place])
                place += 1
        ignored = self._dropped | self._words["salt"] | self._words["join"] | self._words["vaccine"]
        rest = [word for word in left if word not in ignored and not word.isdigit()]
        return tuple(matches.values()), " ".join(rest)

    @cached_property
    def _unspaced(self) -> list[str]:
        """The names in scripts that put no space between a name and what a label adds to it."""
        return [name for name in self._known if len(name) >= _SHORTEST_UNSPACED and _UNSPACED.search(name)]

    @cached_property
    def _spelt(self) -> tuple[list[str], list[str], list[Known]]:
        """Every name that can be misspelt: as it is written without spaces, as it sounds, and what it means."""
        rows = [(name.replace(" ", ""), known) for name, held in self._known.items() for known in held]
        rows = [row for row in rows if len(row[0]) >= _SHORTEST]
        return [name for name, _ in rows], [sound(name) for name, _ in rows], [known for _, known in rows]

    def near(self, name: str) -> list[Near]:
        """The known names nearest to a folded name, one for each set of ingredients, nearest first."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        written, heard, known = self._spelt
        typed, said = name.replace(" ", ""), sound(name)
        if 2 * len(said) < len(typed):  # a letter held down, no name
            return []
        reach = int(limit_of(len(typed)) + _MARGIN)
        close: dict[int, float] = {}
        for text, names_, extra in ((typed, written, 0.0), (said, heard, 1.0)):
            for _, distance, place in process.extract_iter(text, names_, scorer=OSA.distance, score_cutoff=reach):
                close[place] = min(close.get(place, reach + 1.0), distance + extra)
        best: dict[tuple[str, ...], Near] = {}
        for place in sorted(close, key=lambda place: (close[place], written[place]))[:_WEIGHED]:
            cost = min(slips(typed, written[place]), slips(said, heard[place]) + _HEARD)
            ingredients = tuple(sorted(known[place].ingredients))
            if ingredients not in best or cost < best[ingredients].cost:
                best[ingredients] = Near(cost, known[place])
        return sorted(best.values(), key=lambda near: (near.cost, near.known.name))

    def _look_alikes(self, name: str, candidate: Near) -> list[Near]:
        """The medicines whose names people take for this one's, where the typed name lies between the two."""
        typed = name.replace(" ", "")
        pairs = [
            other
            for row in self._knowledge.tables["look_alikes"]
            for one, other in ((row.medicine, row.other), (row.other, row.medicine))
            if candidate.known.ingredients == (one,)
        ]
        near = [
            Near(slips(typed, other.replace("_", "")), known)
            for other in pairs
            for known in self._known.get(other.replace("_", " "), ())
        ]
        return [other for other in near if other.cost - candidate.cost < _BETWEEN]

    def _by_spelling(self, text: str) -> tuple[tuple[Match, ...], Doubt] | None:
        """The medicine that a misspelt name is taken for, or those that it may be."""
        by_name: dict[str, list[Near]] = {}
        # What looks like a label's word may belong to the name ("skin"): both are tried.
        lower = self._strength.sub(" ", text.casefold())
        for name in dict.fromkeys((fold(lower), self._bare(text), self._without(self._bare(text), "salt"))):
            if len(name.replace(" ", "")) >= _SHORTEST:
                by_name[name] = self.near(name)
        by_name = {name: near for name, near in by_name.items() if near}
        if not by_name:
            return None
        name = min(by_name, key=lambda name: by_name[name][0].cost)
        length = len(name.replace(" ", ""))
        limit = limit_of(length)
        medicines = [candidate for candidate in by_name[name] if candidate.known.kind != "class"]
        candidates = medicines if medicines and medicines[0].cost <= limit else by_name[name]
        first = candidates[0]
        if first.cost > limit + 1:
            return None
        rivals = [
            candidate
            for candidate in candidates[1:]
            if candidate.cost - first.cost < _MARGIN and candidate.cost <= limit + _BEYOND
        ]
        if first.cost > _ONE_SLIP:
            shown = {rival.known.ingredients for rival in rivals}
            rivals += [alike for alike in self._look_alikes(name, first) if alike.known.ingredients not in shown]

        def matches(near: Near) -> tuple[Match, ...]:
            return near.known.matches("spelling", round(max(0.0, 1 - near.cost / length), 3))

        same_numbers = _numbers(name) == _numbers(fold(first.known.name))
        if first.cost <= limit and not rivals and same_numbers and first.known.kind != "class":
            return matches(first), "spelling"
        return tuple(match for rival in (first, *rivals[: _ASKED - 1]) for match in matches(rival)), "which"


# A shorter name in an unspaced script stands inside too many others.
_SHORTEST_UNSPACED = 3
# Shorter names are never taken for another: "Lasix" and "Losec" differ in as many letters as a slip does.
_SHORTEST = 5
# A name of another medicine that is less than so many slips farther away makes the reading unsure.
_MARGIN = 0.8
# Another medicine counts as long as it is within what a name may hold, or not much beyond it.
_BEYOND = 0.4
# A typed name lies between two look-alikes where the farther is within so many slips of the nearer.
_BETWEEN = 3.5
# Up to this cost a name is taken for what it is nearest to even where it has a look-alike.
_ONE_SLIP = 1.1
# What a name costs that sounds the same but is written otherwise.
_HEARD = 0.5
# So many of the nearest by plain distance are weighed by the kind of slip.
_WEIGHED = 24
# The longest name, and how many slips it may hold; longer names hold more.
_LIMITS = ((6, 1.0), (9, 1.25), (14, 2.1), (20, 2.6), (LONGEST, 3.5))
# Nobody chooses between more names than this.
_ASKED = 4


def limit_of(length: int) -> float:
    """How many slips a name of so many letters may hold and still be taken for the known one.

    >>> [limit_of(length) for length in (5, 8, 12, 30)]
    [1.0, 1.25, 2.1, 3.5]
    """
    return next(limit for longest, limit in _LIMITS if length <= longest)


def _numbers(name: str) -> list[str]:
    """What tells "alfa-2a" from "alfa-2b", and one vitamin from another: numbers and single letters."""
    return re.findall(r"\d+[a-z]?|(?<![a-z])[a-z](?![a-z])", name)


@lru_cache(maxsize=2)
def names(knowledge: Knowledge) -> Names:
    """The names of a knowledge base, made once."""
    return Names(knowledge)
