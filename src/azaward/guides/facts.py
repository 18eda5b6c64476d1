"""What a guide's text may refer to: each number of knowledge/ by its id, written in words, with its source noted.

`{{ fact("...") }}` in a guide calls into this book. Change the fact and the guide changes; an id that doesn't
exist stops the guide with the file and the id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

from azaward.errors import KnowledgeError
from azaward.genetics.dosing import GENES
from azaward.guides import marks
from azaward.guides.amounts import amount, cells, plain, whole
from azaward.guides.figures import Icons, Share, counted
from azaward.guides.words import GuideWords
from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema import Fact
from azaward.knowledge.loading.schema.columns import split
from azaward.knowledge.loading.schema.facts import least_read

_HUNDRED = 100
_WEEK = 7
_SLOWER = ("Intermediate Metabolizer", "Possible Intermediate Metabolizer")
# Where a sentence that is taken over whole ends: each gets its source.
_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s|$)")
_SLOWEST = ("Poor Metabolizer",)


class Cited(NamedTuple):
    """One source, numbered in the order in which a guide first needs it, with every place used in it.

    `how` is that of the fact that was read least well.
    """

    number: int
    source: str
    title: str
    publisher: str
    published_on: str
    identifier: str
    locators: tuple[str, ...]
    how: str


class FactBook:
    """The facts for one guide in one language; gathers the sources and pictures that the guide uses."""

    def __init__(self, knowledge: Knowledge, words: GuideWords) -> None:
        self._knowledge = knowledge
        self._words = words
        self._cited: dict[str, Cited] = {}
        self.pictures: list[Icons] = []
        self._explained = False
        self._rows: dict[int, Fact] = {}

    @property
    def sources(self) -> tuple[Cited, ...]:
        """Every source used so far, in the order of its number."""
        return tuple(self._cited.values())

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every row cited so far, each once, in the order of its first use."""
        return tuple(self._rows.values())

    def functions(self) -> dict[str, Callable[..., str]]:
        """What a guide's text may call, by the name that it calls."""
        return {
            "fact": self.fact,
            "percent": self.percent,
            "cite": self.cite,
            "risk": self.risk,
            "without": self.without,
            "ratio": self.ratio,
            "ages": self.ages,
            "onset": self.onset,
            "limit": self.limit,
            "schedule": self.schedule,
            "measures": self.measures,
            "pattern": self.pattern,
            "warning": self.warning,
            "live": self.live,
            "side_effects": self.side_effects,
            "people": self.people,
            "trial": self.trial,
            "genes": self.genes,
            "gene_dose": self.gene_dose,
            "dose": self.dose,
            "pitfall": self.pitfall,
        }

    # Single numbers.

    def fact(self, id: str) -> str:
        """A value with its unit: "6 to 8 weeks"."""
        row = self._row(id, "guide_facts", "parameters")
        if row.value is None:
            raise KnowledgeError(f"the fact {id!r} holds no number. Use cite({id!r}).")
        return amount(row.value, getattr(row, "high", None), row.unit, self._words) + self._mark(row)

    def percent(self, id: str) -> str:
        """A fraction as so many percent."""
        row = self._row(id, "guide_facts", "parameters")
        return amount(_HUNDRED * row.value, None, "%", self._words) + self._mark(row)

    def cite(self, *ids: str) -> str:
        """The sources of facts whose words, not numbers, the sentence tells."""
        tables = ("guide_facts", "parameters", "risks", "interactions", "trials", "genotype_doses", "enzyme_pitfalls")
        return "".join(self._mark(self._row(id, *tables)) for id in ids)

    def risk(self, id: str, per: int | None = None) -> str:
        """So many in so many people who had it: "4 in 100"."""
        return self._rate(id, "rate_exposed", per)

    def without(self, id: str, per: int | None = None) -> str:
        """The same for people who did not."""
        return self._rate(id, "rate_unexposed", per)

    def ratio(self, id: str) -> str:
        """How many times as frequent."""
        row = self._row(id, "risks")
        return self._words("ui", "times").format(number=plain(row.ratio)) + self._mark(row)

    def ages(self, id: str) -> str:
        """The ages that a risk is about: "under 50", "50 to 65"."""
        row = self._row(id, "risks")
        if row.age_low is None:
            said = self._words("ui", "age_under").format(age=plain(row.age_high))
        elif row.age_high is None:
            said = self._words("ui", "age_over").format(age=plain(row.age_low))
        else:
            said = self._words("ui", "range").format(low=plain(row.age_low), high=plain(row.age_high))
        return said + self._mark(row)

    def onset(self, indication: str) -> str:
        """The weeks until it works."""
        row = self._found("onset", "indication", indication)
        high = None if row.weeks_high == row.weeks_low else row.weeks_high
        return amount(row.weeks_low, high, "wk", self._words) + self._mark(row)

    def limit(self, protocol: str, analyte: str, action: str | None = None) -> str:
        """A protocol's limit for an analyte, in its unit; the first one with `action` where there are several."""
        rows: Any = self._knowledge.protocols[protocol].lists["limits"]
        for row in rows:
            if row.analyte == analyte and action in (None, row.action, row.urgency):
                unit = self._knowledge.analytes[analyte].unit or ""
                if row.relative_to != "absolute":
                    return self._words("relative", row.relative_to).format(number=plain(row.value)) + self._mark(row)
                written = self._words.sections["laboratory_units"].get(unit) or cells(unit)
                return f"{plain(row.value)} {written}" + self._mark(row)
        raise KnowledgeError(f"protocols/{protocol} has no limit for {analyte!r}")

    def measures(self, analyte: str) -> str:
        """What an analyte is, in the plain words of analytes.csv."""
        row = self._found("analytes", "id", analyte)
        return f"{str(row.plain_meaning).rstrip('.')}{self._mark(row)}."

    def pattern(self, pattern: str) -> str:
        """The source of what a pattern of metabolites means in adults with bowel disease."""
        return self._mark(self._found("metabolites", "pattern", pattern))

    def warning(self, id: str) -> str:
        """What interactions.csv tells the patient about a medicine."""
        row = self._row(id, "interactions")
        return _SENTENCE_END.sub(self._mark(row), str(row.says_patient))

    def dose(self, protocol: str, indication: str = "any", *, start: bool = False) -> str:
        """A protocol's dose for adults by weight."""
        rows: Any = self._knowledge.protocols[protocol].lists["doses"]
        for row in rows:
            if row.indication == indication and row.population == "adult":
                low, high = (row.start_mg_per_kg, None) if start else row.target_mg_per_kg
                return amount(low, None if high == low else high, "mg/kg/d", self._words) + self._mark(row)
        raise KnowledgeError(f"protocols/{protocol} has no dose for {indication!r}")

    def pitfall(self, id: str) -> str:
        """For how long a thing makes an enzyme or gene test unreliable."""
        row = self._row(id, "enzyme_pitfalls")
        return amount(row.days_before, None, "d", self._words) + self._mark(row)

    def gene_dose(self, id: str) -> str:
        """The share of the usual dose that a guideline gives for a pair of phenotypes."""
        row = self._row(id, "genotype_doses")
        low, high = _HUNDRED * row.fraction_low, _HUNDRED * row.fraction_high
        return amount(low, None if high == low else high, "%", self._words) + self._mark(row)

    def live(self, *codes: str) -> str:
        """The plain names of vaccines that events.csv calls live."""
        sources, names = "", []
        for code in codes:
            row = self._found("events", "code", code)
            if "live" not in split(row.classes):
                raise KnowledgeError(f"events.csv: {code!r} is not a live vaccine")
            names.append(str(self._words("vaccines", code)))
            sources += self._mark(row)
        return ", ".join(names) + sources

    # Tables and pictures.

    def genes(self, *populations: str) -> str:
        """Of 100 people of each population, how many clear the drug slowly, or hardly at all, by each gene."""
        rows = self._knowledge.tables["phenotype_frequencies"]
        lines = [self._words("ui", "genes_head"), "|---|---|---|---|---|"]
        for population in populations:
            shares, sources = [], ""
            for gene in GENES:
                for phenotypes in _SLOWER, _SLOWEST:
                    held = [
                        r for r in rows if (r.gene, r.population) == (gene, population) and r.phenotype in phenotypes
                    ]
                    if not held:
                        raise KnowledgeError(f"phenotype_frequencies.csv: nothing for {gene} in {population!r}")
                    shares.append(whole(_HUNDRED * sum(row.frequency for row in held)))
                    sources += "".join(self._mark(row) for row in held)
            n = next(row.n for row in rows if row.population == population and row.n is not None)
            of = amount(n, None, "people", self._words)
            lines.append(f"| {self._words('populations', population)} ({of}) | {' | '.join(shares)}{sources} |")
        return "\n\n" + "\n".join(lines) + "\n\n"

    def schedule(self, protocol: str, since: str = "start", specialty: str | None = None) -> str:
        """A protocol's blood tests as a table: which, in which phase, how often."""
        held = self._knowledge.protocols[protocol]
        rows = [
            row
            for row in cast(Sequence[Any], held.lists["schedule"])
            if row.since == since and row.specialty in (None, specialty)
        ]
        if specialty is not None and any(row.specialty == specialty for row in rows):
            rows = [row for row in rows if row.specialty == specialty]
        names = {row.test: row.plain_name for row in self._knowledge.tables["tests"]}
        lines = [self._words("ui", "schedule_head"), "|---|---|---|"]
        for row in rows:
            tests = ", ".join(names[test] for test in row.tests)
            lines.append(f"| {row.phase} | {tests} | {self._every(row.every_days)}{self._mark(row)} |")
        return "\n\n" + "\n".join(lines) + "\n\n"

    def side_effects(self, *, serious: bool) -> str:
        """The label's side effects as a table, the most frequent first."""
        rows = [row for row in self._knowledge.tables["side_effects"] if row.serious == serious]
        rows.sort(key=lambda row: (-(row.low if row.low is not None else -1.0), -(row.high or 0.0)))
        lines = [self._words("ui", "effects_head"), "|---|---|"]
        for row in rows:
            says = self._words("side_effects", row.id)
            lines.append(f"| {says} | {self._band(row)}{self._mark(row)} |")
        return "\n\n" + "\n".join(lines) + "\n\n"

    def people(self, *ids: str, per: int = _HUNDRED, caption: str) -> str:
        """A picture of people for one or more risks or shares, each under its label from words.yaml."""
        shares: list[Share] = []
        sources = ""
        for id in ids:
            row = self._row(id, "guide_facts", "risks")
            sources += self._mark(row)
            pairs = (
                [("value", row.value, float((row.unit or "/100")[1:]))]
                if hasattr(row, "value")
                else [("exposed", row.rate_exposed, row.per), ("unexposed", row.rate_unexposed, row.per)]
            )
            for side, value, of in pairs:
                if value is None:
                    continue
                label = self._words("pictures", id)
                shares.append(Share(label if isinstance(label, str) else label[side], value, int(of)))
        parts = [f"{share.label}: {whole(share.rate * per)} {self._of(per)}" for share in shares]
        self.pictures.append(Icons(caption, f"{caption}. {'; '.join(parts)}.", False, per, tuple(shares)))
        note = self._words("ui", "picture_note").format(caption=caption, parts="; ".join(parts))
        return marks.picture(len(self.pictures) - 1) + note + sources + ".\n\n"

    def trial(self, id: str) -> str:
        """A head-to-head trial: what was compared, in whom, for how long, what happened of 100 people."""
        row = self._row(id, "trials")
        said = self._words("trials", id)
        arms = [arm for arm in self._knowledge.tables["trial_arms"] if arm.trial == id]
        mark, ui = self._mark(row), self._words
        largest = {arm.arm: max(other.n for other in arms if other.arm == arm.arm) for arm in arms}
        heading = ui("ui", "trial_heading").format(name=row.name, year=row.year)
        people = ui("ui", "trial_who").format(who=said["who"], n=plain(sum(largest.values())))
        lines = [
            f"### {heading}",
            "",
            f"- {ui('ui', 'trial_compared').format(what=said['compared'])}{mark}",
            f"- {people}{mark}",
        ]
        if row.lasted is not None:
            lines.append(f"- {ui('ui', 'trial_long').format(time=amount(row.lasted, None, row.unit, ui))}{mark}")
        lines.append("")
        for outcome in dict.fromkeys(arm.outcome for arm in arms):
            lines += self._outcome([arm for arm in arms if arm.outcome == outcome], said["outcomes"][outcome], row.name)
        if not self._explained:
            self._explained = True
            lines.append(f"*{ui('ui', 'trial_note')}*")
        return "\n\n" + "\n".join(lines) + "\n\n"

    def _outcome(self, arms: list[Any], says: str, name: str) -> list[str]:
        """One outcome of a trial: the picture, and the same as a table."""
        shares = tuple(counted(self._words("medicines", arm.arm), arm.events, arm.n) for arm in arms)
        parts = [f"{share.label}: {whole(share.rate * _HUNDRED)} {self._of(_HUNDRED)}" for share in shares]
        self.pictures.append(Icons(says, f"{name}. {says}. {'; '.join(parts)}.", arms[0].good, _HUNDRED, shares))
        lines = [marks.picture(len(self.pictures) - 1), f"{self._words('ui', 'trial_head').format(outcome=says)}"]
        lines += ["|---|---|---|---|"]
        for arm, share in zip(arms, shares, strict=True):
            low, high = (whole(_HUNDRED * (bound or 0.0)) for bound in (share.low, share.high))
            between = self._words("ui", "range").format(low=low, high=high)
            of = self._words("ui", "of").format(number=arm.events, per=plain(arm.n))
            rate = whole(_HUNDRED * share.rate)
            lines.append(f"| {share.label} | {rate} | {between} | {of}{self._mark(arm)} |")
        return [*lines, ""]

    # How facts are found and cited.

    def _rate(self, id: str, column: str, per: int | None) -> str:
        row = self._row(id, "risks")
        rate = getattr(row, column)
        if rate is None or row.per is None:
            raise KnowledgeError(f"risks.csv: {id!r} has no {column}")
        per = per or int(row.per)
        return self._words("ui", "in").format(number=whole(rate / row.per * per), per=plain(per)) + self._mark(row)

    def _band(self, row: Any) -> str:
        """A label's band of frequency in people: "1 to 10 in 100"."""
        if row.low is None and row.high is None:
            return str(self._words("ui", "not_known"))
        if row.low is None or row.low == 0:
            return str(
                self._words("ui", "fewer").format(of=self._words("ui", "in").format(number=1, per=plain(1 / row.high)))
            )
        if row.high is None:
            return str(
                self._words("ui", "more").format(of=self._words("ui", "in").format(number=1, per=plain(1 / row.low)))
            )
        per = 1 / row.low
        return f"{self._words('ui', 'range').format(low=1, high=plain(row.high * per))} {self._of(int(per))}"

    def _of(self, per: int) -> str:
        return str(self._words("ui", "of_people").format(per=plain(per)))

    def _every(self, days: float) -> str:
        """An interval as people say it: "every 2 weeks", "every week"."""
        number, unit = (days / _WEEK, "wk") if days % _WEEK == 0 else (days, "d")
        time = self._words("units", unit)[0] if number == 1 else amount(number, None, unit, self._words)
        return str(self._words("ui", "every").format(time=time))

    def _found(self, table: str, column: str, value: str) -> Any:
        for row in self._knowledge.tables[table]:
            if getattr(row, column) == value:
                return row
        raise KnowledgeError(f"{table}.csv: no {column} {value!r}")

    def _row(self, id: str, *tables: str) -> Any:
        for table in tables:
            for row in self._knowledge.tables[table]:
                if row.id == id:
                    return row
        raise KnowledgeError(f"no fact {id!r} in {', '.join(f'{table}.csv' for table in tables)}")

    def _mark(self, row: Any) -> str:
        """The mark of a row's source; from here on the row counts as used."""
        self._rows.setdefault(id(row), row)
        held = self._cited.get(row.source)
        if held is None:
            source = self._knowledge.sources[row.source]
            held = Cited(
                len(self._cited) + 1,
                row.source,
                source.title,
                source.publisher,
                source.published_on,
                source.identifier,
                (),
                row.how,
            )
        locators = held.locators if row.locator in held.locators else (*held.locators, row.locator)
        self._cited[row.source] = held._replace(locators=locators, how=least_read((held.how, row.how)))
        return marks.cite(held.number)
