"""What a patient, or somebody for them, has told of: symptoms, infections and conditions that go on.

`reported` puts beside each what protocols, and the floor under all of them (floor_symptoms.csv), say about it.
"""

from __future__ import annotations

from azaward.knowledge import MOST_CAUTIOUS
from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.tables import DAYS_IN_WEEK, day_number, knowledge, parameter, record
from azaward.rules.language.words import TEST_OF_PANEL, applies, beside, nothing, still_acts, surely, treated
from azaward.terms import Status

FULL_BLOOD_COUNT = TEST_OF_PANEL["blood count"]
# The test that looks into what a symptom warns of; a blood count for all others.
TEST_OF_WARNING = {"liver_warning": TEST_OF_PANEL["liver"], "pancreas_warning": TEST_OF_PANEL["pancreas"]}
_ASKED_OF_EVENT = (
    *("patient_id", "kind", "code", "started_on", "day"),
    *("protocol", "protocol_known", "family", "status", "started_day", "as_of_day", "lately"),
)
# Rows of this name hold for everyone, beside those of a protocol.
_FLOOR = "floor"


def happened(person: Table, *kinds: str, also: Status | None = None) -> Table:
    """Events of these kinds up to today: the day each began, and whether it still goes on."""
    events = record("events").distinct()
    events = events.filter(events.kind.isin(list(kinds)))
    people = treated(
        person,
        *("protocol_known", "family", "status", "as_of", "as_of_day", "started_day", "stopped_day"),
        also=also,
    )
    rows = events.inner_join(people, "patient_id")
    rows = rows.filter(rows.started_on.isnull() | (rows.started_on <= rows.as_of))
    return rows.mutate(
        day=day_number(rows.started_on), going_on=(rows.ended_on.isnull() | (rows.ended_on >= rows.as_of))
    )


def held_down(rows: Table) -> Table:
    """Adds whether the immune system is still held down: as long after the end as no live vaccine is given."""
    return rows.mutate(held_down=(rows.status != Status.STOPPED) | still_acts(rows))


def reported(person: Table) -> Table:
    """Each symptom, infection and condition that goes on, once for each row that says something about it.

    For everyone who takes a thiopurine, is about to, or is still held down by it. `listed` where the person's own
    protocol, or the floor, has the row.
    """
    rows = held_down(happened(person, "symptom", "infection", "condition", also=Status.STOPPED))
    # What strikes and passes is asked about for some days after its end.
    lately = ~rows.going_on & surely(rows.as_of_day - day_number(rows.ended_on) <= parameter("passed_sign_days"))
    passing = knowledge("floor_symptoms").filter(knowledge("floor_symptoms").passes.notnull())
    rows = rows.mutate(lately=lately & rows.code.isin(passing.symptom))
    rows = rows.filter(rows.held_down & (rows.going_on | rows.lately)).select(*_ASKED_OF_EVENT)
    return _classified(_listed(rows))


def _listed(rows: Table) -> Table:
    """Each symptom with the rows about it: `listed` where the person's own protocol, or the floor, has one."""
    named = rows.mutate(word=rows.code.lower().replace("_", " "))
    infections = rows.filter(rows.kind == "infection").mutate(word=ibis.literal("infection"))
    rows = ibis.union(named, infections)
    known = _known()
    theirs = (rows.protocol == known.of_protocol) | known.of_protocol.isin([MOST_CAUTIOUS, _FLOOR])
    rows = rows.left_join(known, [rows.word == known.for_word, theirs])
    own = (rows.protocol == rows.of_protocol) & (applies(rows, rows.family) | ~rows.protocol_known)
    rows = rows.mutate(listed=surely(own | (rows.of_protocol == _FLOOR)))
    rows = rows.mutate(has_own=rows.listed.max().over(ibis.window(group_by=["patient_id", "kind", "code"])))
    ago = surely(rows.as_of_day - rows.day > parameter("passing_sign_weeks") * DAYS_IN_WEEK)
    condition = rows.kind == "condition"
    # A condition that came long before the first tablet isn't this treatment's harm: somebody confirms that it is over.
    earlier = condition & ago & surely(rows.day < rows.started_day)
    rows = rows.mutate(long_ago=(rows.passes.notnull() & ago) | earlier)
    # What strikes and passes is a condition on record for life: it counts while it may be going on.
    rows = rows.filter(~(condition & rows.passes.notnull() & (rows.day.isnull() | rows.long_ago)))
    # Fever has a rule of its own; a condition that no protocol acts on is no symptom.
    elsewhere = ~rows.has_own & (rows.code != "fever") & (rows.of_protocol.notnull() | (rows.kind == "symptom"))
    return rows.filter(rows.listed | elsewhere)


def _known() -> Table:
    """What protocols and the floor say of symptoms, by the words that name them."""
    columns = ("for_word", "of_protocol", "specialty", "action", "action_rank", "urgency", "urgency_rank")
    columns = (*columns, "test", "note", "passes", "source", "locator", "fact")
    listed = knowledge("protocol_symptoms").rename(of_protocol="protocol")
    listed = listed.mutate(passes=nothing("string"))
    floor = knowledge("floor_symptoms").mutate(of_protocol=ibis.literal(_FLOOR), specialty=ibis.literal("any"))
    parts = [each.mutate(for_word=each.symptom.lower().replace("_", " ")).select(*columns) for each in (listed, floor)]
    return ibis.union(*parts)


def _classified(rows: Table) -> Table:
    """Adds what the classes of events.csv say: serious and mild infections, warning signs, what looks into them."""
    classes = knowledge("event_classes")
    word = classes["class"]
    classes = classes.group_by(["kind", "code"]).agg(
        serious=(word == "serious").any(),
        mild=(word == "mild").any(),
        warning=word.endswith("_warning").any(),
        **{test: (word == warning).any() for warning, test in TEST_OF_WARNING.items()},
    )
    rows = beside(rows, classes, ["kind", "code"])
    by_class = ibis.cases(*((surely(rows[test]), test) for test in TEST_OF_WARNING.values()), else_=FULL_BLOOD_COUNT)
    # Words that events.csv doesn't hold may mean anything.
    held = knowledge("events").select("kind", "code").distinct().mutate(held=ibis.literal(True))
    rows = beside(rows, held, ["kind", "code"])
    return rows.mutate(
        known=surely(rows.held),
        serious=surely(rows.serious),
        mild=surely(rows.mild) & (rows.kind == "infection"),
        warning=surely(rows.warning) & (rows.kind == "symptom"),
        looked_into_by=ibis.coalesce(rows.test, by_class),
    ).drop("held", *TEST_OF_WARNING.values())
