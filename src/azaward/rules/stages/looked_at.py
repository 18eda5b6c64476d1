"""Which recorded events some rule reads, worked out from the knowledge base alone."""

from __future__ import annotations

from azaward.rules.language.expressions import Table, ibis
from azaward.rules.language.tables import knowledge
from azaward.rules.language.words import medicines_of

# Classes that other rules read: vaccines, operations, contacts, and why a result may be odd for long.
LOOKED_AT = (
    *("live", "surgery", "transplant"),
    *("known_low_neutrophils", "known_low_platelets", "known_raised_liver_tests"),
    *("known_eosinophilia", "known_low_kidney_function"),
)


def looked_at() -> Table:
    """The kinds and codes of events that a rule reads: by their class, or as a test that a protocol asks for."""
    classes, tests = knowledge("event_classes"), knowledge("tests")
    advice = knowledge("event_advice")
    by_class = classes.filter(classes["class"].isin(LOOKED_AT) | classes["class"].isin(advice["class"]))
    events = knowledge("events").select("kind", "code")
    named = (events.kind + ":" + events.code).replace("_", " ")
    done = tests.filter((tests.satisfied_by == "event") & tests.test.isin(knowledge("protocol_baseline").test))
    done = done.select(done=done.code.replace("_", " ")).distinct()
    as_tests = events.inner_join(done, named == done.done)
    # An allergy to a thiopurine has a rule of its own.
    allergies = events.filter(events.kind == "allergy").semi_join(
        medicines_of("thiopurine"), events.code == medicines_of("thiopurine").medicine
    )
    read = ibis.union(by_class.select("kind", "code"), as_tests.select("kind", "code"))
    return ibis.union(read, allergies.select("kind", "code")).distinct()
