"""The usual dose of the patient's protocol and indication, in mg a day for this patient's weight.

Rows for the indication itself go before rows for any; among those that are left the lower dose counts.
"""

from __future__ import annotations

import ibis

from azaward.rules.tables import Table, Value, cite, knowledge, parameters


def usual(person: Table) -> Table:
    """One row a patient for whom the protocol has a dose; sums in mg a day are empty without a weight."""
    doses = knowledge("protocol_doses")
    treated = person.filter(person.status.isin(["on", "planned"])).cross_join(parameters("adult_age_years"))
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
    rows = rows.filter(rows.exact == rows.best)

    def per_day(fixed: Value, per_kg: Value) -> Value:
        return ibis.coalesce(fixed, per_kg * rows.weight)

    rows = rows.mutate(
        ceiling=ibis.coalesce(
            ibis.least(
                ibis.coalesce(rows.max_mg_per_day, rows.max_mg_per_kg * rows.weight),
                ibis.coalesce(rows.max_mg_per_kg * rows.weight, rows.max_mg_per_day),
            ),
            per_day(rows.target_mg_per_day_high, rows.target_mg_per_kg_high),
        ),
        source_words=cite(rows),
    )
    per = ibis.window(group_by="patient_id", order_by=["ceiling", "source_words"])
    rows = rows.mutate(place=ibis.row_number().over(per))
    return rows.group_by("patient_id").agg(
        usual_low=per_day(rows.target_mg_per_day_low, rows.target_mg_per_kg_low).min(),
        usual_high=per_day(rows.target_mg_per_day_high, rows.target_mg_per_kg_high).min(),
        usual_high_per_kg=rows.target_mg_per_kg_high.min(),
        ceiling=rows.ceiling.min(),
        ceiling_per_kg=rows.max_mg_per_kg.min(),
        start=per_day(rows.start_mg_per_day, rows.start_mg_per_kg).min(),
        start_per_kg=rows.start_mg_per_kg.min(),
        dose_sources=rows.source_words.max(where=rows.place == 0),
    )
