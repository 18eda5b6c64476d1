"""What the record doesn't say, says twice or says impossibly, and what that leaves unknown.

Silence is never read as normal: whatever was set aside or is missing and could hide harm is found here.
"""

from __future__ import annotations

from azaward.record.doubts import DOUBTS
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings
from azaward.rules.language.limit import downward
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import (
    OF_ONE,
    TEST_OF_PANEL,
    beside,
    first_of,
    is_treated,
    measured_by,
    of_analyte,
    perhaps,
    surely,
    treated,
    withheld,
)
from azaward.rules.stages.lab import OTHER_QUANTITY, PROBLEMS
from azaward.terms import Action, Rule, Status, Urgency

# Words instead of a number that say themselves how bad it is.
GRAVE = "critical|severe|very (low|high)|panic|extreme|markedly"
# Nobody can tell whether it is safe to go on who knows nothing of these.
BLIND_WITHOUT = (TEST_OF_PANEL["blood count"], TEST_OF_PANEL["liver"])
CRITICAL = ("LL", "HH", "AA")
MARKED = "the laboratory marked it as critical: obtain the number today"
IF_SO = "if it is a current result of this test, it is far from normal: obtain a reliable result today"
GRAVELY = "these words mean that the result is far from normal: obtain the number today"
SEVERE_ANYHOW = "whatever its unit, this is far from normal: obtain a reliable result today"
NOTHING_ELSE = (
    "nothing else of this test is usable since treatment began, so that harm can't be excluded: no further dose before "
    "a result is known"
)


def unusable_results(person: Table, unusable: Table, latest: Table) -> Table:
    """Results that were set aside, where no usable result of the same test is as new.

    One that a limit watches is measured again. Where it leaves nothing usable about the marrow or the liver since
    treatment began, nobody knows whether it is safe to go on; nor where words, or a number in any unit, say how bad
    it is.
    """
    rows = _judged(_newest_unusable(person, unusable, latest), latest)
    stop = rows.blind | (rows.grave & (rows.status == Status.ON))
    return findings(
        rows,
        Rule.RECORD_QUALITY,
        code=rows.fever.ifelse("temperature_unusable", ibis.literal("result_") + rows.problem),
        codes=["temperature_unusable", *(f"result_{problem}" for problem in PROBLEMS)],
        action=ibis.cases(
            (stop, withheld(rows.family)),
            (rows.grave & (rows.status == Status.PLANNED), Action.DO_NOT_START),
            else_=Action.REVIEW,
        ),
        urgency=ibis.cases(
            (rows.fever | stop | rows.grave, Urgency.SAME_DAY),
            (rows.watched & ~rows.other_quantity, Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.analyte,
        asks_for=ibis.cases((rows.watched & (rows.problem != "future") & ~rows.other_quantity, rows.measured_by)),
        value=rows.value,
        text=rows.text,
        unit=rows.unit,
        on=rows.taken_on,
        origin=rows.origin,
        doubt=ibis.cases(*((rows.doubt == doubt, why) for doubt, why in DOUBTS.items()), else_=rows.doubt),
        others=rows.more,
    )


def _judged(rows: Table, latest: Table) -> Table:
    """Adds whether a limit watches each, whether nothing else is known (`blind`), and whether it says how bad it is."""
    rows = _known_of_test(measured_by(rows), latest)
    rows = beside(rows, of_analyte(latest, "neutrophils", counted_day="day"))
    rows = beside(rows, _watched(), ["protocol", "analyte"])
    rows = beside(rows, _severe_in_any_unit(rows), OF_ONE)
    blind = rows.test.notnull() & (rows.status == Status.ON) & (rows.problem != "future")
    blind = blind & ~surely(rows.known_day >= rows.started_day)
    said = (rows.problem == "words_for_number") & surely(rows.text.lower().re_search(GRAVE))
    marked = rows.flag.isin(CRITICAL) & rows.value.isnull()
    if_so = surely(rows.severe_as_given) & ~_is_other_quantity(rows)
    damaged = surely(rows.doubt == "damaged")
    grave = rows.severe.notnull() & (said | marked | if_so | damaged | surely(rows.severe_anyhow))
    others = "of this test " + rows.others.cast("string") + " more could not be used"
    return rows.mutate(
        fever=_may_be_fever(rows),
        watched=rows.watched.notnull() | rows.severe.notnull(),
        blind=blind & ~_is_other_quantity(rows),
        grave=grave,
        other_quantity=_is_other_quantity(rows),
        more=ibis.cases(
            (grave & marked, MARKED),
            (grave & said, GRAVELY),
            (grave & (if_so | damaged), IF_SO),
            (grave, SEVERE_ANYHOW),
            (blind, NOTHING_ELSE),
            (rows.others > 0, others),
            else_=None,
        ),
    )


def _severe_in_any_unit(rows: Table) -> Table:
    """Whether the floor withholds for a number: in its unit, or in every unit in which it would be possible at all."""
    floor = knowledge("floor")
    floor = floor.filter((floor.action == Action.WITHHOLD) & (floor.relative_to == "absolute") & floor.sign.isnull())
    down = downward(floor.comparison)
    bounds = floor.group_by("analyte").agg(
        severe_low=floor.value.max(where=down), severe_high=floor.value.min(where=~down)
    )
    unitless = rows.filter(rows.problem.isin(["no_unit", "unknown_unit"]))
    asked = unitless.select(*OF_ONE, "value", "plausible_low", "plausible_high").inner_join(bounds, "analyte")
    units = asked.inner_join(knowledge("conversions"), "analyte")
    units = units.mutate(would_be=units.value * units.factor + units.offset)
    units = units.filter((units.would_be >= units.plausible_low) & (units.would_be <= units.plausible_high))
    severe = surely(units.would_be < units.severe_low) | surely(units.would_be > units.severe_high)
    in_any = units.group_by(OF_ONE).agg(severe_anyhow=severe.all())
    # What can't be believed, or not of now, for another reason than its number.
    given = rows.filter(rows.measured.notnull() & rows.problem.isin(["no_date", "future", "doubted"]))
    given = given.inner_join(bounds, "analyte")
    severe = surely(given.measured < given.severe_low) | surely(given.measured > given.severe_high)
    as_given = given.select(*OF_ONE, severe_as_given=severe)
    return beside(beside(rows.select(*OF_ONE).distinct(), in_any, OF_ONE), as_given, OF_ONE)


def _is_other_quantity(rows: Table) -> Value:
    return surely(rows.doubt.isin(OTHER_QUANTITY))


def _newest_unusable(person: Table, unusable: Table, latest: Table) -> Table:
    """The newest of each test, with how many more there are."""
    people = treated(person, "status", "family", "started_day", also=Status.STOPPED)
    rows = unusable.distinct().inner_join(people, "patient_id")
    rows = beside(rows, latest.select(*OF_ONE, good_day="day"), OF_ONE)
    rows = rows.filter(
        rows.good_day.isnull() | rows.day.isnull() | (rows.problem == "future") | (rows.good_day <= rows.day)
    )
    others = rows.count().over(ibis.window(group_by=OF_ONE)) - 1
    order = [ibis.desc("day", nulls_first=True), "problem", "origin", "value", "text", "unit", "comparator"]
    return first_of(rows.mutate(others=others), OF_ONE, order)


def _watched() -> Table:
    """The analytes that a protocol has a limit for."""
    return knowledge("protocol_limits").select("protocol", "analyte", watched=ibis.literal(True)).distinct()


def _known_of_test(rows: Table, latest: Table) -> Table:
    """Adds the test that an analyte is a part of, the last day of any usable part, and whether the floor watches it."""
    parts = knowledge("tests")
    parts = parts.filter((parts.satisfied_by == "analyte") & parts.test.isin(BLIND_WITHOUT)).select(
        "test", analyte="code"
    )
    known = latest.inner_join(parts, "analyte").group_by(["patient_id", "test"]).agg(known_day=latest.day.max())
    floor = knowledge("floor")
    severe = floor.filter(floor.action == Action.WITHHOLD).select("analyte", severe=ibis.literal(True)).distinct()
    return beside(beside(beside(rows, parts, "analyte"), known, ["patient_id", "test"]), severe, "analyte")


def _may_be_fever(rows: Table) -> Value:
    """A temperature that nobody can read may be a fever, until a count since then has answered it."""
    uncounted = rows.counted_day.isnull() | perhaps(rows.counted_day < rows.day)
    on = (rows.status != Status.STOPPED) & (rows.problem != "future")
    return (rows.analyte == "temperature") & on & uncounted


def not_yet(person: Table) -> Table:
    """Numbers of the person's protocol, or of no protocol, that no source gives for the day asked about.

    The earliest number is used in its place: no limit is ever dropped for being too young.
    """
    late = knowledge("not_yet").rename(of_protocol="protocol")
    people = treated(person, also=Status.STOPPED)
    rows = people.inner_join(late, (late.of_protocol == people.protocol) | late.of_protocol.isnull())
    rows = rows.group_by(["patient_id", "protocol"]).agg(
        n=rows.count(), what=rows.what.min(), first_held=rows.first_held.min()
    )
    return findings(
        rows,
        Rule.RECORD_QUALITY,
        code="knowledge_not_yet",
        action=Action.REVIEW,
        urgency=Urgency.ROUTINE,
        subject="protocol",
        value=rows.n,
        on=rows.first_held,
        items=rows.n.cast("string"),
        what=rows.what,
    )


def who(person: Table) -> Table:
    """An identity that contradicts itself, an indication that isn't known, a patient without the medicine."""

    def say(rows: Table, code: str, urgency: Urgency, subject: Value | str, text: Value | None = None) -> Table:
        action = Action.INFORM if code == "deceased" else Action.REVIEW
        return findings(
            rows, Rule.RECORD_QUALITY, code=code, action=action, urgency=urgency, subject=subject, text=text
        )

    known = person.filter(is_treated(person))
    no_protocol = known.filter(~known.protocol_known)
    undated = known.filter((known.status == Status.ON) & known.start_text.notnull())
    nobody = person.filter((person.status == Status.NONE) & ~person.deceased)
    contradictory = person.filter((person.status != Status.NONE) & surely(person.backwards))
    return ibis.union(
        say(person.filter(surely(person.conflict)), "identity_conflict", Urgency.SAME_DAY, "identity"),
        say(no_protocol, "indication_unknown", Urgency.ROUTINE, "indication", no_protocol.indication),
        say(undated, "start_unreadable", Urgency.THIS_WEEK, undated.taken, undated.start_text),
        say(nobody, "no_thiopurine", Urgency.INFO, "azathioprine"),
        say(person.filter(person.deceased), "deceased", Urgency.INFO, "identity"),
        say(contradictory, "dates_contradict", Urgency.THIS_WEEK, "azathioprine"),
    )
