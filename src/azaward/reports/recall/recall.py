"""Whose phenotype, presumed phenotype or dose does today's knowledge change, of those whose reports were made earlier?

Each report is compared with what today's tables make of the diplotypes that it holds. What they can't tell is listed
with what is to be done, never passed over; nobody is counted as unchanged who wasn't worked out anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from azaward.genetics.activity import weigh
from azaward.genetics.dosing import DrugPlan, Person, percent_of_usual, usual_dose
from azaward.genetics.model import GENES
from azaward.knowledge import Knowledge
from azaward.reports.genotype.report import Reporter, SampleReport
from azaward.reports.recall.earlier import Dose, Gene, Report, activity_of, doses_of, genes_of
from azaward.reports.recall.genes import ASK, Rules, Today

CHANGED = "changed"
# Answers kept: many people share what their reports say.
_KEPT = 20_000


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is otherwise today, or that has to be done before it is known.

    `kind` is changed, call anew or ask; `what` is phenotype, presumed or a drug, whose dose changes.
    """

    kind: str
    gene: str
    diplotype: str
    what: str
    before: str
    after: str
    why: str


class Recall:
    """Compares earlier reports with today's knowledge; what many reports share is worked out once.

    >>> from azaward.knowledge import load
    >>> genes = b'{"TPMT": {"phenotype": "Indeterminate", "positions": 45, "diplotypes":'
    >>> genes += b'[{"call": "*1/*16", "probability": 1.0, "phenotype": "Indeterminate"}]}}'
    >>> [(one.what, one.before, one.after) for one in Recall(load()).of(Report("c001", msgspec.Raw(genes)))]
    [('phenotype', 'Indeterminate', 'Intermediate Metabolizer')]
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._rules = {gene: Rules(knowledge, gene) for gene in GENES}
        self._indications = {row.id: row.malignant for row in knowledge.tables["indications"]}
        self._reporters: dict[tuple[str | None, float | None, str | None], Reporter] = {}
        self._kept: dict[bytes, tuple[Finding, ...]] = {}

    def of(self, earlier: Report) -> tuple[Finding, ...]:
        """What is otherwise today; raises one of `FAULTS` for a report whose parts aren't what they should be."""
        key = hashlib.blake2b(
            b"\0".join(
                (
                    *(bytes(part) for part in (earlier.genes, earlier.dosing, earlier.activity)),
                    repr((earlier.indication, earlier.weight_kg, earlier.release)).encode(),
                )
            ),
            digest_size=16,
        ).digest()
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[key] = tuple(self._compare(earlier))
        return found

    def reporter(self, earlier: Report) -> Reporter:
        """Who makes a report of today with the indication, weight and activity of an earlier one."""
        key = (earlier.indication, earlier.weight_kg, activity_of(earlier))
        if key not in self._reporters:
            if len(self._reporters) >= 256:
                self._reporters.clear()
            indication, weight, activity = key
            person = Person(
                malignant=self._indications.get(indication or "") or False,
                usual=usual_dose(self._knowledge, indication) if indication else None,
                weight_kg=weight,
            )
            self._reporters[key] = Reporter(
                self._knowledge, person=person, indication=indication, activity=activity, read_from="called anew"
            )
        return self._reporters[key]

    def of_anew(self, earlier: Report, anew: SampleReport) -> list[Finding]:
        """What is otherwise in a report that was made anew from the person's file."""
        genes, found = genes_of(earlier), list[Finding]()
        for gene, before in genes.items():
            now = anew.genes.get(gene)
            if now is None:
                found.append(_undone(ASK, gene, before, "the file says nothing of this gene"))
                continue
            call = now.diplotypes[0].call if now.diplotypes else ""
            for what, old, new in (
                ("phenotype", before.phenotype, now.phenotype),
                ("presumed", before.presumed or "", now.presumed or ""),
            ):
                if old != new:
                    why = "called anew from the file" + (f": {call}" if call != before.diplotype else "")
                    found.append(_changed(gene, before, what, old, new, why))
        return [*found, *_of_doses(doses_of(earlier), anew.dosing, "called anew from the file")]

    def _compare(self, earlier: Report) -> Iterable[Finding]:
        genes, doses = genes_of(earlier), doses_of(earlier)
        if earlier.indication is not None and earlier.indication not in self._indications:
            yield Finding(
                kind=ASK,
                gene="",
                diplotype="",
                what="indication",
                before=earlier.indication,
                after="",
                why="today's tables have no such indication: make the report anew with another",
            )
            return
        known = {name: gene for name, gene in genes.items() if name in self._rules}
        today = {name: self._rules[name].today(gene, earlier.release) for name, gene in known.items()}
        for name, now in today.items():
            if now.needs:
                yield _undone(now.needs, name, known[name], now.why)
            elif now.phenotype != known[name].phenotype:
                yield _changed(name, known[name], "phenotype", known[name].phenotype, str(now.phenotype), now.why)
        if any(now.phenotype is None for now in today.values()):
            return
        plans = self._plans(earlier, known, today)
        because = "; ".join(now.why for now in today.values() if now.why and not now.needs)
        yield from _of_doses(doses, plans, because)

    def _plans(self, earlier: Report, genes: Mapping[str, Gene], today: Mapping[str, Today]) -> Mapping[str, DrugPlan]:
        reporter = self.reporter(earlier)
        tpmt, nudt15 = (today[name].phenotype if name in today else None for name in GENES)
        weighed = weigh(tpmt, reporter.activity, self._knowledge)
        fit = {name: [pair.call for pair in gene.diplotypes] for name, gene in genes.items()}
        return reporter.dosing({"TPMT": weighed.phenotype, "NUDT15": nudt15}, fit)[0]


def _of_doses(before: Mapping[str, Dose], now: Mapping[str, DrugPlan], because: str) -> Iterable[Finding]:
    for drug, dose in before.items():
        if drug not in now:
            continue
        outcome = now[drug].outcome
        after = Dose(outcome.action, outcome.fraction, outcome.start_mg_per_day)
        if dose != after:
            yield Finding(
                kind=CHANGED,
                gene="",
                diplotype="",
                what=drug,
                before=in_words(dose),
                after=in_words(after),
                why=because or _who_says(now[drug]),
            )


def _who_says(plan: DrugPlan) -> str:
    """The rows that the dose of today rests on."""
    said = [f"{one.body}: {one.action} ({one.source})" for one in plan.bodies]
    return f"genotype_doses.csv, the most cautious of {'; '.join(said)}" if said else "no body says anything"


def in_words(dose: Dose) -> str:
    """A dose in a few words.

    >>> in_words(Dose("reduce", (0.3, 0.5), (42, 70)))
    'reduce to 30-50% (42-70 mg a day)'
    """
    share = f" to {percent_of_usual(dose.fraction)}" if dose.fraction else ""
    if dose.start_mg_per_day:
        low, high = (f"{mg:g}" for mg in dose.start_mg_per_day)
        share += f" ({low if low == high else f'{low}-{high}'} mg a day)"
    return f"{dose.action}{share}"


def _undone(kind: str, gene: str, before: Gene, why: str) -> Finding:
    old = before.phenotype
    return Finding(kind=kind, gene=gene, diplotype=before.diplotype, what="phenotype", before=old, after="", why=why)


def _changed(gene: str, before: Gene, what: str, old: str, new: str, why: str) -> Finding:
    return Finding(kind=CHANGED, gene=gene, diplotype=before.diplotype, what=what, before=old, after=new, why=why)
