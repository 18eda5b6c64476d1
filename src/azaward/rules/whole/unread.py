"""What a reader set aside from somebody's record, and what that leaves unknown.

A kind of thing that was set aside has its own finding if it calls for its own action: fetch a missing page, decide
whether two records are about one person, read a report in words. What could hide harm and what was read with care are
counted, each in one finding. For somebody without a thiopurine, most of it is for information only.
"""

from __future__ import annotations

from azaward.rules.language.columns import UNREAD
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.tables import day_number, parameter
from azaward.rules.language.words import first_of, is_treated, perhaps
from azaward.terms import Action, Rule, Status, Urgency

# What was set aside for these reasons may hide harm; the rest was read, with care.
PRESSING = ("unusable", "resource", "genotype", "no_patient")
# Kinds that call for an action of their own, and the finding of each.
OWN = {
    "incomplete": "record_incomplete",
    "may_be_one": "may_be_one_person",
    "may_be_allergy": "allergy_may_be_thiopurine",
    "unnamed_result": "result_unnamed",
    "corrected": "result_corrected",
    "report_serious": "report_serious",
    "report_in_words": "report_in_words",
}
# Asked about whoever it is: it may be of somebody who takes a thiopurine.
OF_ANYBODY = ("incomplete", "may_be_one", "corrected")
# Documents: old ones have been read, or never will be for the next blood test's sake.
DOCUMENTS = ("report_serious", "report_in_words")


def unread(person: Table) -> Table:
    """One finding for each kind of thing that was set aside of somebody's record."""
    rows = ibis.table(UNREAD, name="unread")
    rows = rows.inner_join(person.select("patient_id", "protocol", "status", "as_of"), "patient_id")
    rows = rows.mutate(code=_code(rows), urgency=_urgency(rows))
    of_one = ["patient_id", "protocol", "code", "urgency"]
    n = rows.count().over(ibis.window(group_by=of_one))
    rows = first_of(rows.mutate(n=n), of_one, [ibis.desc("on", nulls_first=False), "where", "what", "why"])
    return findings(
        rows,
        Rule.RECORD_QUALITY,
        code=rows.code,
        codes=["record_unreadable", "record_uncertain", *OWN.values()],
        action=Action.REVIEW,
        urgency=rows.urgency,
        subject="record",
        value=rows.n,
        on=rows.on,
        items=rows.n.cast("string"),
        where=rows["where"],
        text=rows.what,
        why=rows.why,
    )


def _code(rows: Table) -> Value:
    return ibis.cases(
        *((rows.kind == kind, code) for kind, code in OWN.items()),
        (rows.kind.isin(PRESSING), "record_unreadable"),
        else_="record_uncertain",
    )


def _urgency(rows: Table) -> Value:
    """How soon somebody looks at it. A document that isn't new waits for the next visit."""
    treated = is_treated(rows) | (rows.status == Status.STOPPED)
    age = day_number(rows.as_of) - day_number(rows.on)
    old = rows.kind.isin(DOCUMENTS) & ~perhaps(age <= parameter("report_read_days"))
    return ibis.cases(
        (~treated & ~rows.kind.isin(OF_ANYBODY), Urgency.INFO),
        (old & (rows.kind == "report_serious"), Urgency.ROUTINE),
        (old, Urgency.INFO),
        (~treated & (rows.kind == "incomplete"), Urgency.THIS_WEEK),
        (rows.kind.isin([kind for kind in OWN if kind != "report_in_words"]), Urgency.SAME_DAY),
        (rows.kind.isin([*PRESSING, "report_in_words"]), Urgency.THIS_WEEK),
        else_=Urgency.INFO,
    )
