"""What the record doesn't say, says twice or says impossibly, and what that leaves unknown.

Silence is never read as normal: whatever was set aside or is missing and could hide harm is found here.
"""

from __future__ import annotations

from azaward.rules.language.finding import findings
from azaward.rules.language.tables import Table, knowledge
from azaward.rules.language.untyped import ibis


def unusable_results(person: Table, unusable: Table, latest: Table) -> Table:
    """Results that were set aside, where no usable result of the same test is as new."""
    rows = unusable.distinct().inner_join(
        person.filter(person.status.isin(["on", "planned", "stopped"])).select("patient_id", "protocol", "status"),
        "patient_id",
    )
    good = latest.select("patient_id", "analyte", good_day="day")
    rows = rows.left_join(good, ["patient_id", "analyte"]).drop("patient_id_right", "analyte_right")
    rows = rows.filter(
        rows.good_day.isnull() | rows.day.isnull() | (rows.problem == "future") | (rows.good_day <= rows.day)
    )
    last = ibis.window(
        group_by=["patient_id", "analyte"],
        order_by=[ibis.desc("day", nulls_first=True), "problem", "origin", "value", "text", "unit", "comparator"],
    )
    of_one = ibis.window(group_by=["patient_id", "analyte"])
    rows = rows.mutate(place=ibis.row_number().over(last), others=rows.count().over(of_one) - 1)
    rows = rows.filter(rows.place == 0)
    # A temperature that nobody can read may be a fever, until a count since then has answered it.
    counted = latest.filter(latest.analyte == "neutrophils").select("patient_id", counted_day="day")
    rows = rows.left_join(counted, "patient_id").drop("patient_id_right")
    uncounted = rows.counted_day.isnull() | (rows.counted_day < rows.day).fill_null(True)
    fever = (rows.analyte == "temperature") & (rows.status != "stopped") & (rows.problem != "future") & uncounted
    rows = rows.mutate(fever=fever)
    watched = knowledge("protocol_limits").select("protocol", "analyte", watched=ibis.literal(True)).distinct()
    rows = rows.left_join(watched, ["protocol", "analyte"])
    return findings(
        rows,
        "record_quality",
        code=rows.fever.ifelse("temperature_unusable", ibis.literal("result_") + rows.problem),
        action="review",
        urgency=ibis.cases((rows.fever, "same-day"), (rows.watched.notnull(), "this-week"), else_="routine"),
        subject=rows.analyte,
        value=rows.value,
        text=rows.text,
        unit=rows.unit,
        on=rows.taken_on,
        a=rows.origin,
        b=ibis.cases(
            (rows.others > 0, "of this test " + rows.others.cast("string") + " more could not be used"), else_=None
        ),
    )


def unread(person: Table) -> Table:
    """Lines of the input that could not be read, by patient."""
    rows = ibis.table(
        {"patient_id": "string", "kind": "string", "where": "string", "what": "string", "why": "string"}, name="unread"
    )
    rows = rows.inner_join(person.select("patient_id", "protocol", "status"), "patient_id")
    pressing = rows.kind.isin(["unusable", "resource", "genotype", "no_patient"])
    rows = rows.mutate(pressing=pressing)
    rows = rows.group_by(["patient_id", "protocol", "pressing"]).agg(
        n=rows.count(), first=rows["where"].min(), what=rows.what.min()
    )
    return findings(
        rows,
        "record_quality",
        code=rows.pressing.ifelse("record_unreadable", "record_uncertain"),
        action="review",
        urgency=rows.pressing.ifelse("this-week", "info"),
        subject="record",
        value=rows.n,
        a=rows.n.cast("string"),
        b=rows.first,
        c=rows.what,
    )


def who(person: Table) -> Table:
    """An identity that contradicts itself, an indication that isn't known, a patient without the medicine."""
    treated = person.filter(person.status.isin(["on", "planned"]))

    def say(rows: Table, code: str, action: str, urgency: str, subject: str, **more: Table) -> Table:
        return findings(rows, "record_quality", code=code, action=action, urgency=urgency, subject=subject, **more)

    nobody = person.filter((person.status == "none") & ~person.deceased)
    return ibis.union(
        say(person.filter(person.conflict.fill_null(False)), "identity_conflict", "review", "same-day", "identity"),
        say(
            treated.filter(~treated.protocol_known),
            "indication_unknown",
            "review",
            "routine",
            "indication",
            text=treated.indication,
        ),
        say(
            (unread := treated.filter((treated.status == "on") & treated.start_text.notnull())),
            "start_unreadable",
            "review",
            "this-week",
            unread.taken,
            text=unread.start_text,
        ),
        say(nobody, "no_thiopurine", "review", "info", "azathioprine"),
        say(person.filter(person.deceased), "deceased", "inform", "info", "identity"),
        say(
            person.filter((person.status != "none") & person.backwards.fill_null(False)),
            "dates_contradict",
            "review",
            "this-week",
            "azathioprine",
        ),
    )
