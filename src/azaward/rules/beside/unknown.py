"""Medicines that no name or code matched: what they may be, and whom that concerns.

Nobody is left out for not being known to take a thiopurine: the medicine that isn't understood may be it. A name that
is near to a thiopurine's, a medicine without any name, and a severe count in a record that isn't wholly understood are
questions for people, the sooner the worse the count.
"""

from __future__ import annotations

from azaward.record.names import UNNAMED
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import of
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import beside, first_of, is_treated, medicines_of, surely
from azaward.terms import Action, Rule, Status, Urgency

TODAY = (Urgency.EMERGENCY, Urgency.SAME_DAY)
# What a thiopurine does first where nobody watches.
MARROW = "blood count"


def unrecognised(person: Table, taken: Table) -> Table:
    """Each medicine that no name matched: it was not checked, and may be what matters most."""
    rows = taken.filter(taken.unrecognised & (taken.running | taken.planned))
    people = person.filter(~person.deceased).select("patient_id", "protocol", "status", drug="taken")
    rows = rows.inner_join(people, "patient_id")
    rows = rows.select("patient_id", "protocol", "status", "drug", "medicine", "may_be").distinct()
    thiopurines = medicines_of("thiopurine").mutate(a_thiopurine=ibis.literal(True))
    rows = beside(rows, thiopurines.rename(may_be="medicine"), "may_be")
    rows = rows.mutate(code=_code(rows))
    return findings(
        rows,
        Rule.MEDICINES,
        code=rows.code,
        codes=["medicine_may_be_thiopurine", "medicine_may_be", "medicine_without_name", "medicine_not_checked"],
        action=Action.REVIEW,
        urgency=_urgency(rows),
        subject=rows.medicine,
        may_be=rows.may_be,
    )


def _code(rows: Table) -> Value:
    return ibis.cases(
        (surely(rows.a_thiopurine), "medicine_may_be_thiopurine"),
        (rows.may_be.notnull(), "medicine_may_be"),
        (rows.medicine == UNNAMED, "medicine_without_name"),
        else_="medicine_not_checked",
    )


def _urgency(rows: Table) -> Value:
    """What may be a second thiopurine, or an unseen first one, is asked about today."""
    treated = is_treated(rows)
    # The same medicine under a name that was mistyped adds nothing but its dose.
    same = treated & surely(rows.may_be == rows.drug)
    return ibis.cases(
        ((rows.code == "medicine_may_be_thiopurine") & same, Urgency.THIS_WEEK),
        (rows.code == "medicine_may_be_thiopurine", Urgency.SAME_DAY),
        ((rows.code == "medicine_may_be") & treated, Urgency.THIS_WEEK),
        (treated, Urgency.ROUTINE),
        (rows.code == "medicine_without_name", Urgency.ROUTINE),
        else_=Urgency.INFO,
    )


def severe_count(person: Table, crossed: Table) -> Table:
    """A severe count of somebody who isn't known to take a thiopurine, and isn't known not to."""
    marrow = knowledge("analytes").filter(knowledge("analytes").panel == MARROW).select(analyte="id")
    people = person.filter((person.status == Status.NONE) & person.questioned).select("patient_id")
    rows = crossed.filter(crossed.floor & crossed.together.isnull() & crossed.urgency.isin(TODAY))
    rows = rows.inner_join(people, "patient_id").semi_join(marrow, "analyte")
    rows = first_of(rows, ["patient_id"], ["urgency_rank", "action_rank", "analyte", "fact"])
    return findings(
        rows,
        Rule.MEDICINES,
        code="severe_count_unknown_treatment",
        action=Action.REVIEW,
        urgency=Urgency.SAME_DAY,
        subject=rows.analyte,
        value=rows.shown,
        text=rows.sign,
        unit=rows.unit,
        on=rows.taken_on,
        limit=of(rows, rows.bound),
        fact=rows.fact,
    )
