"""The usual dose of the patient's protocol and indication, in mg a day for this patient's weight.

Rows for the indication itself go before rows for any; among those that are left the lower dose counts. The
most cautious protocol holds the rows of all, so there none goes before another. A child's range is that of
children_doses.csv for age and indication. Protocols state azathioprine's doses; another thiopurine's are the same in
milligrams of it, where thiopurines.csv says how many. Where a protocol is silent about a dose, the highest that any
protocol states for every indication is the ceiling.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.limit import limit
from azaward.rules.language.tables import greatest, knowledge, least, parameter
from azaward.rules.language.words import beside, first_of, lowest_first, nothing, perhaps, treated

# What a row of doses says in milligrams, a day or for each kilogram.
IN_MG = (
    *("start_mg_per_day", "start_mg_per_kg", "max_mg_per_day", "max_mg_per_kg"),
    *("target_mg_per_day_low", "target_mg_per_day_high", "target_mg_per_kg_low", "target_mg_per_kg_high"),
)


def usual(person: Table) -> Table:
    """One row a patient for whom the protocol has a dose; sums in mg a day are empty without a weight.

    `covered`: the protocol states a dose for them. `ceiling` is the highest dose that the protocol states, or where it
    states none the highest that any protocol states for every indication. `target_only` is the top of a target beside
    which no highest dose stands. `fixed_start` is a first dose in mg a day. `child_high` is the highest dose of a child
    in mg/kg, `child_says` what its source adds. `dose_fact` is the row of knowledge that the dose is from.
    """
    people = treated(person, "indication", "weight", "age", "taken")
    rows = _of_protocol(people)
    silent = _ceiling_of_any(people.anti_join(rows, "patient_id"))
    rows = ibis.union(rows, silent.select(rows.columns), _of_children(people).select(rows.columns))
    return rows.group_by("patient_id").agg(
        usual_low=rows.low.min(),
        usual_high=rows.high.min(),
        ceiling=ibis.coalesce(rows.stated.min(), rows.highest.min()),
        target_only=rows.target_only.min(),
        start=rows.start.min(),
        fixed_start=rows.start_mg_per_day.min(),
        step_days=rows.step_every_days.max(),
        covered=rows.covered.any(),
        child_high=rows.child_high.min(),
        child_says=rows.child_says.max(),
        dose_fact=ibis.coalesce(rows.dose_fact.max(where=rows.child_says.notnull()), rows.dose_fact.max()),
    )


def _of_protocol(people: Table) -> Table:
    """The protocol's doses for each person in mg a day; the row with the lowest names its fact."""
    rows = _best_rows(people)

    def per_day(fixed: Value, per_kg: Value) -> Value:
        return ibis.coalesce(fixed, per_kg * rows.weight)

    high = per_day(rows.target_mg_per_day_high, rows.target_mg_per_kg_high)
    stated = least(
        ibis.coalesce(rows.max_mg_per_day, rows.max_mg_per_kg * rows.weight),
        ibis.coalesce(rows.max_mg_per_kg * rows.weight, rows.max_mg_per_day),
    )
    without = rows.max_mg_per_day.isnull() & rows.max_mg_per_kg.isnull()
    low = per_day(rows.target_mg_per_day_low, rows.target_mg_per_kg_low)
    rows = rows.mutate(
        # Where a protocol begins with so many mg a day for everyone, whoever stays on them takes a usual dose.
        low=least(low, rows.start_mg_per_day),
        high=high,
        stated=stated,
        target_only=without.ifelse(high, nothing("float64")),
        highest=greatest(rows.highest_mg_per_kg * rows.weight, high),
        start=per_day(rows.start_mg_per_day, rows.start_mg_per_kg),
    )
    order = [ibis.coalesce(rows.stated, rows.high), "source", "locator", "how", "fact"]
    place = ibis.row_number().over(ibis.window(group_by="patient_id", order_by=order))
    rows = rows.mutate(place=place)
    return rows.select(
        *("patient_id", "low", "high", "stated", "highest", "target_only", "start", "step_every_days"),
        "start_mg_per_day",
        child_high=nothing("float64"),
        child_says=nothing("string"),
        dose_fact=(rows.place == 0).ifelse(rows.fact, nothing("string")),
        covered=ibis.literal(True),
    )


def _best_rows(people: Table) -> Table:
    """The protocol's rows of doses for each person: for the indication itself before those for any."""
    doses = _doses()
    rows = people.inner_join(doses.rename(for_="indication"), "protocol")
    grown = perhaps(limit("adult_age_years").met_by(rows.age))
    rows = rows.filter(
        ((rows.for_ == rows.indication) | (rows.for_ == "any")).fill_null(rows.for_ == "any")
        & (rows.population == grown.ifelse("adult", "child"))
        & (rows.drug == rows.taken)
    )
    exact = rows.for_ != "any"
    rows = rows.mutate(exact=exact, best=exact.max().over(ibis.window(group_by="patient_id")))
    rows = rows.filter((rows.exact == rows.best) | (rows.protocol == MOST_CAUTIOUS))
    return beside(rows, _highest(doses), "drug")


def _doses() -> Table:
    """The doses of each protocol; of a thiopurine for which it states none, azathioprine's in milligrams of it."""
    doses = knowledge("protocol_doses")
    factors = knowledge("thiopurines").select(drug_of="medicine", factor="azathioprine_mg")
    own = doses.filter(doses.drug != "azathioprine")
    rows = doses.filter(doses.drug == "azathioprine").cross_join(factors)
    rows = rows.mutate(drug=rows.drug_of, **{column: rows[column] / rows.factor for column in IN_MG})
    return ibis.union(own, rows.select(own.columns).anti_join(own, ["protocol", "drug"]))


def _highest(doses: Table) -> Table:
    """For each thiopurine the lowest of the highest doses that protocols state for every indication of adults."""
    for_all = doses.filter(
        (doses.protocol == MOST_CAUTIOUS) & (doses.indication == "any") & (doses.population == "adult")
    )
    return for_all.group_by("drug").agg(
        highest_mg_per_kg=for_all.max_mg_per_kg.min(),
        highest_fact=for_all.fact.min(where=for_all.max_mg_per_kg.notnull()),
    )


def _ceiling_of_any(people: Table) -> Table:
    """For adults whose protocol is silent about their dose: the ceiling, and nothing else."""
    grown = people.filter(perhaps(limit("adult_age_years").met_by(people.age)))
    rows = beside(grown, _highest(_doses()).rename(taken="drug"), "taken")
    # Tioguanine can't be compared with azathioprine: what is usual of it is its own.
    own = ibis.cases((rows.taken == "tioguanine", parameter("tioguanine_usual_mg_per_day")))
    rows = rows.mutate(own=own).filter(own.notnull() | rows.highest_mg_per_kg.notnull())
    unknown = nothing("float64")
    return rows.select(
        "patient_id",
        **dict.fromkeys(("low", "stated", "start", "start_mg_per_day", "child_high"), unknown),
        high=rows.own,
        target_only=rows.own,
        highest=rows.highest_mg_per_kg * rows.weight,
        step_every_days=nothing("int64"),
        child_says=nothing("string"),
        dose_fact=rows.highest_fact,
        covered=rows.own.notnull(),
    )


def _of_children(people: Table) -> Table:
    """The row of children_doses.csv for each child's indication and age: one for this age before one for every age."""
    doses = knowledge("children_doses").rename(for_="indication")
    rows = people.filter(~limit("adult_age_years").met_by(people.age) & (people.taken == "azathioprine"))
    rows = rows.select("patient_id", "indication", "age", "weight").inner_join(
        doses,
        [
            (rows.indication == doses.for_) | (doses.for_ == "any"),
            doses.age_low.isnull() | (rows.age >= doses.age_low),
            doses.age_high.isnull() | (rows.age <= doses.age_high),
        ],
    )
    order = [lowest_first(rows.for_ == "any"), rows.age_high.isnull(), lowest_first("high_mg_per_kg"), "locator"]
    rows = first_of(rows, "patient_id", order)
    unknown = nothing("float64")
    return rows.select(
        "patient_id",
        low=rows.low_mg_per_kg * rows.weight,
        high=rows.high_mg_per_kg * rows.weight,
        stated=unknown,
        highest=unknown,
        target_only=unknown,
        start=unknown,
        start_mg_per_day=unknown,
        step_every_days=nothing("int64"),
        child_high=rows.high_mg_per_kg,
        child_says=rows.says,
        dose_fact=rows.fact,
        covered=ibis.literal(True),
    )
