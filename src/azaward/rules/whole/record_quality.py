"""What the record doesn't say, says twice or says impossibly, and what that leaves unknown.

Silence is never read as normal: whatever was set aside or is missing and could hide harm is found here.
"""

from __future__ import annotations

from collections.abc import Iterable

from azaward.record.doubts import DOUBTS, NEAR
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.finding import findings, number
from azaward.rules.language.tables import DAYS_IN_LONGEST_MONTH, knowledge
from azaward.rules.language.words import (
    OF_ONE,
    TEST_OF_PANEL,
    beside,
    first_of,
    is_treated,
    lowest_first,
    measured_by,
    of_analyte,
    perhaps,
    surely,
    treated,
    withheld,
)
from azaward.rules.stages.lab import OTHER_QUANTITY, PROBLEMS
from azaward.rules.stages.severity import KNOWN_FLAGS, bounds, edges, is_inside, is_safe_sign, is_too_high, is_too_low
from azaward.terms import Action, Rule, Status, Urgency

# Words instead of a number that say themselves how bad it is.
GRAVE = "critical|severe|very (low|high)|panic|extreme|markedly"
# Nobody can tell whether it is safe to go on who knows nothing of these.
BLIND_WITHOUT = (TEST_OF_PANEL["blood count"], TEST_OF_PANEL["liver"])
MARKED = "the laboratory marked it as critical: obtain the number today"
IF_SO = "if it is a current result of this test, it is far from normal: obtain a reliable result today"
GRAVELY = "these words mean that the result is far from normal: obtain the number today"
SEVERE_ANYHOW = "whatever its unit, this is far from normal: obtain a reliable result today"
ALIKE = "none of the values would be severe, and the same is so of this many more tests: "
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
    rows = _judged(_newest_of_each_kind(person, unusable, latest), latest)
    rows = rows.filter((rows.grave | (rows.status != Status.NONE)) & ~rows.no_news)
    rows = _one_of_each_test(rows)
    again = rows.watched & ~rows.other_quantity & ~rows.plain
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
            (again, Urgency.THIS_WEEK),
            else_=Urgency.ROUTINE,
        ),
        subject=rows.analyte,
        asks_for=ibis.cases((again & (rows.problem != "future"), rows.measured_by)),
        value=rows.value,
        text=rows.text,
        unit=rows.unit,
        on=rows.taken_on,
        origin=rows.origin,
        doubt=ibis.cases(*((rows.doubt == doubt, why) for doubt, why in DOUBTS.items()), else_=rows.doubt),
        others=(rows.calm & (rows.alike > 0)).ifelse(ALIKE + rows.alike.cast("string"), rows.more),
    )


def _one_of_each_test(rows: Table) -> Table:
    """The gravest of each test; of specimens that aren't understood and hide nothing severe, one for each person."""
    newest = [ibis.desc("day", nulls_first=True), "problem", "origin", "value", "text", "unit", "comparator"]
    rows = first_of(rows, OF_ONE, [ibis.desc("grave"), ibis.asc("other_quantity"), *newest])
    rows = rows.mutate(one_of=rows.calm.ifelse("specimen", rows.analyte))
    alike = ibis.window(group_by=["patient_id", "one_of"])
    rows = rows.mutate(alike=rows.count().over(alike) - 1)
    return first_of(rows, ["patient_id", "one_of"], [lowest_first("test"), ibis.desc("watched"), "analyte"])


def _judged(rows: Table, latest: Table) -> Table:
    """Adds whether a limit watches each, whether nothing else is known (`blind`), and whether it says how bad it is."""
    rows = _known_of_test(measured_by(rows), latest)
    rows = beside(rows, of_analyte(latest, "neutrophils", counted_day="day"))
    rows = beside(rows, _watched(), ["protocol", "analyte"])
    rows = _with_any_unit(rows)
    blind = rows.test.notnull() & (rows.status == Status.ON) & (rows.problem != "future")
    blind = blind & ~surely(rows.known_day >= rows.started_day)
    said = (rows.problem == "words_for_number") & surely(rows.text.lower().re_search(GRAVE))
    marked = _marked(rows)
    if_so = rows.severe_as_given & rows.problem.isin(["no_date", "future", "doubted", "words_for_number"])
    calm = surely(rows.doubt == "specimen_unknown") & rows.measured.notnull() & ~rows.severe_as_given & ~marked
    damaged = surely(rows.doubt == "damaged")
    in_words = surely(rows.doubt == "in_words")
    grave = rows.severe.notnull() & (said | marked | if_so | damaged | surely(rows.severe_anyhow))
    # What is told in prose doesn't outweigh what was measured that day.
    grave = grave & ~(in_words & rows.beside_good)
    told = in_words | (rows.problem == "words_for_number") | ((rows.problem == "no_unit") & is_safe_sign(rows))
    plain = (
        rows.plain
        | (surely(rows.plain_anyhow) & rows.measured.isnull() & is_safe_sign(rows))
        | (in_words & rows.beside_good)
    )
    share = "of the white cells of that day this comes to " + number(rows.comes_to) + " " + rows.canonical
    of_a_share = (if_so & rows.comes_to.notnull(), share + ": obtain a count today")
    reasons = [(marked, MARKED), (said, GRAVELY), of_a_share, (if_so | damaged, IF_SO)]
    return rows.mutate(
        fever=_may_be_fever(rows),
        watched=rows.watched.notnull() | rows.severe.notnull(),
        blind=blind & ~_is_other_quantity(rows) & ~calm,
        calm=calm,
        grave=grave,
        no_news=told & rows.beside_good & ~grave & ~rows.severe_as_given,
        plain=told & plain & ~grave & ~blind,
        other_quantity=_is_other_quantity(rows),
        more=_more(rows, grave, blind, reasons),
    )


def _more(rows: Table, grave: Value, blind: Value, reasons: Iterable[tuple[Value, Value | str]]) -> Value:
    """Why a grave one can't wait, by the first reason that holds; or else what it leaves unknown."""
    others = "of this test " + rows.others.cast("string") + " more could not be used"
    return ibis.cases(
        *((grave & holds, why) for holds, why in reasons),
        (grave, SEVERE_ANYHOW),
        (blind, NOTHING_ELSE),
        (rows.others > 0, others),
        else_=None,
    )


def _with_any_unit(rows: Table) -> Table:
    """Adds `severe_anyhow` and `plain_anyhow`: what a number is in whatever unit, without one that can be believed.

    It is severe if it is so in every unit in which it would be possible at all, or in the usual one, and plain only if
    it is so in every one. The sign before it may be a slip.
    """
    asked = rows.filter(
        rows.seen.notnull()
        & (rows.measured.isnull() | (rows.problem == "implausible"))
        & ~rows.problem.isin(["no_value", "future"])
        & ~_is_other_quantity(rows)
    )
    asked = asked.mutate(size=rows.seen.abs()).select(*OF_ONE, "size", "plausible_low", "plausible_high", "uln")
    units = asked.distinct().inner_join(knowledge("conversions"), "analyte")
    units = beside(beside(units, bounds(), "analyte"), edges(), "analyte")
    units = units.mutate(would_be=units["size"] * units.factor + units.offset)
    units = units.filter(
        perhaps(units.would_be >= units.plausible_low) & perhaps(units.would_be <= units.plausible_high)
    )
    severe = is_too_low(units, units.would_be) | is_too_high(units, units.would_be)
    units = units.mutate(severe=severe, usual=severe & (units.factor == 1) & (units.offset == 0))
    units = units.mutate(inside=is_inside(units, units.would_be, units.would_be))
    number_of = [*OF_ONE, "size"]
    found = units.group_by(number_of).agg(
        in_any=units.severe.all(), in_usual=units.usual.any(), plain_anyhow=units.inside.all()
    )
    found = found.mutate(severe_anyhow=found.in_any | found.in_usual).drop("in_any", "in_usual")
    rows = rows.mutate(size=rows.seen.abs())
    counted = rows.problem == "implausible"
    rows = beside(rows, found, number_of)
    return rows.mutate(
        severe_anyhow=surely(rows.severe_anyhow) & (rows.measured.isnull() | counted) & ~_is_other_quantity(rows)
    )


def _marked(rows: Table) -> Value:
    """Whether the laboratory marked what can't be used as critical, or a missing value in a way nobody understands."""
    critical = rows.critical & (rows.value.isnull() | (rows.problem == "doubted")) & ~_is_other_quantity(rows)
    unknown = rows.value.isnull() & rows.text.isnull() & rows.flag.notnull() & ~rows.flag.isin(KNOWN_FLAGS)
    return surely(critical | unknown)


def _is_other_quantity(rows: Table) -> Value:
    """Whether it is another quantity, or has only a name near to the test's, and no number that could be one of it."""
    near = surely(rows.doubt.startswith(NEAR)) & rows.measured.isnull()
    could_be = rows.unit.isnull() & surely(rows.seen != 0)
    return surely(rows.doubt.isin(OTHER_QUANTITY)) | (near & ~could_be)


def _newest_of_each_kind(person: Table, unusable: Table, latest: Table) -> Table:
    """The newest of each test and kind of problem: a newer share hides no count. With how many more there are."""
    columns = ("patient_id", "protocol", "status", "family", "started_day")
    # What can't be told to be no thiopurine may be one: of such a person only what is grave is said.
    questioned = surely(person.questioned) & (person.status == Status.NONE)
    people = person.filter(is_treated(person) | (person.status == Status.STOPPED) | questioned).select(*columns)
    rows = unusable.distinct().inner_join(people, "patient_id")
    rows = beside(rows, latest.select(*OF_ONE, good_day="day"), OF_ONE)
    newest = rows.good_day.isnull() | rows.day.isnull() | (rows.problem == "future") | (rows.good_day <= rows.day)
    # Of a severe result without its day, what is newer than the first of the month may be older than it.
    covered = surely((rows.good_day > rows.day) & (rows.good_day < rows.day + DAYS_IN_LONGEST_MONTH))
    rows = rows.filter(rows.of_a_month.ifelse(covered, newest))
    rows = rows.mutate(others=rows.count().over(ibis.window(group_by=OF_ONE)) - 1)
    order = [ibis.desc("day", nulls_first=True), ibis.desc("severe_as_given"), ibis.desc("critical")]
    order += ["value", "text", "unit", "comparator", "origin"]
    return first_of(rows, [*OF_ONE, "problem", "doubt"], order)


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
