"""The usual dose of the patient's protocol and indication, in mg a day for this patient's weight.

Rows for the indication itself go before rows for any; among those that are left the lower dose counts. The
most cautious protocol holds the rows of all, so there none goes before another.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.rules.tables import Table, Value, cite, greatest, knowledge, least, parameters
from azaward.rules.untyped import ibis


def usual(person: Table) -> Table:
    """One row a patient for whom the protocol has a dose; sums in mg a day are empty without a weight.

    `ceiling` is the highest dose that the protocol states, or where it states none the highest that any
    protocol states for every indication. `target_only` is the top of a target beside which no highest dose stands.
    """
    doses = knowledge("protocol_doses")
    treated = person.filter(person.status.isin(["on", "planned"])).pipe(parameters("adult_age_years"))
    rows = treated.select("patient_id", "protocol", "indication", "weight", "age", "taken", "adult_age_years")
    rows = rows.inner_join(doses.rename(for_="indication"), "protocol")
    grown = (rows.age >= rows.adult_age_years).fill_null(True)
    rows = rows.filter(
        ((rows.for_ == rows.indication) | (rows.for_ == "any")).fill_null(rows.for_ == "any")
        & (rows.population == grown.ifelse("adult", "child"))
        & (rows.drug == rows.taken)
    )
    exact = rows.for_ != "any"
    rows = rows.mutate(exact=exact, best=exact.max().over(ibis.window(group_by="patient_id")))
    rows = rows.filter((rows.exact == rows.best) | (rows.protocol == MOST_CAUTIOUS))
    any_protocol = doses.filter(
        (doses.protocol == MOST_CAUTIOUS) & (doses.indication == "any") & (doses.population == "adult")
    )
    rows = rows.left_join(
        any_protocol.group_by("drug").agg(highest_mg_per_kg=any_protocol.max_mg_per_kg.min()), "drug"
    ).drop("drug_right")

    def per_day(fixed: Value, per_kg: Value) -> Value:
        return ibis.coalesce(fixed, per_kg * rows.weight)

    low = per_day(rows.target_mg_per_day_low, rows.target_mg_per_kg_low)
    high = per_day(rows.target_mg_per_day_high, rows.target_mg_per_kg_high)
    stated = least(
        ibis.coalesce(rows.max_mg_per_day, rows.max_mg_per_kg * rows.weight),
        ibis.coalesce(rows.max_mg_per_kg * rows.weight, rows.max_mg_per_day),
    )
    without = rows.max_mg_per_day.isnull() & rows.max_mg_per_kg.isnull()
    rows = rows.mutate(
        low=low,
        high=high,
        stated=stated,
        target_only=without.ifelse(high, ibis.null("float64")),
        highest=greatest(rows.highest_mg_per_kg * rows.weight, high),
        start=per_day(rows.start_mg_per_day, rows.start_mg_per_kg),
        source_words=cite(rows),
    )
    per = ibis.window(group_by="patient_id", order_by=[ibis.coalesce(rows.stated, rows.high), rows.source_words])
    rows = rows.mutate(place=ibis.row_number().over(per))
    return rows.group_by("patient_id").agg(
        usual_low=rows.low.min(),
        usual_high=rows.high.min(),
        ceiling=ibis.coalesce(rows.stated.min(), rows.highest.min()),
        target_only=rows.target_only.min(),
        start=rows.start.min(),
        step_days=rows.step_every_days.max(),
        dose_sources=rows.source_words.max(where=rows.place == 0),
    )
