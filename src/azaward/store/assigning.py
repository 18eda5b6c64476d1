"""Gives a message of the tray to a patient, and takes it back: what it brought is struck out, never deleted."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from azaward.errors import StoreError
from azaward.knowledge import Knowledge
from azaward.readers.hl7.notice import Notice
from azaward.readers.hl7.senders import Senders
from azaward.record.tables import Record, SetAside
from azaward.store import tray
from azaward.store.arrivals import Arrivals
from azaward.store.care import joining, likeness, reassess, records, takenback
from azaward.store.care.acts import Actor
from azaward.store.care.takenback import TakenBack
from azaward.store.care.whose import Taken, Who
from azaward.store.database import Store
from azaward.store.keys import Keys
from azaward.store.tray import Waiting


def assign(
    store: Store,
    actor: Actor,
    number: int,
    patient_id: str,
    keys: Keys,
    knowledge: Knowledge,
    senders: Senders,
    although: str = "",
) -> int:
    """Stores a message of the tray for a patient; its trusted numbers are theirs from then on. Gives the new rows.

    Only what belongs to whoever was not known is stored for the patient. Raises `StoreError` where that isn't one
    person, where the number is another patient's, where birth date or sex differ and nobody has said why they are one
    person `although` they do, or where the message could not be understood.
    """
    with store.write() as connection:
        clinic_id, by = actor.clinic_id, actor.by()
        root = joining.known(connection, clinic_id, patient_id)
        held = tray.content(connection, actor, number, keys)
        notice = tray.read(held, number, knowledge, senders)
        if notice.outcome != "accept":
            said = next(problem.said() for problem in notice.problems if problem.severity == "error")
            raise StoreError(f"message {number}: can't be stored: {said} Enter what it says by hand, or discard it.")
        who = Who(connection, clinic_id, keys, knowledge)
        who.ask([notice])
        who.learn([root])
        ids = {**who.of(notice).ids, **_unknown(connection, number, notice, who, root, although)}
        taken = Taken()
        arrivals = Arrivals(store, actor, knowledge)
        arrivals.tell(connection, [(notice, ids)], who, taken, by)
        how = f"assigned, although: {although}" if although else "assigned"
        tray.resolve(connection, actor, number, how, root, by)
        reassess.reassess(connection, clinic_id, {root, *taken.touched}, actor.today, knowledge)
        return taken.rows


def described(
    connection: Connection, actor: Actor, keys: Keys | None, knowledge: Knowledge
) -> list[tuple[Waiting, list[str]]]:
    """What waits, each with lines that help to tell whose it is: what it says, and the patients who have its numbers.

    Without the key that sealed a message, none are given. The audit trail records who listed them.
    """
    listed = tray.listed(connection, actor, opened=keys is not None)
    contents = tray.contents(connection, actor.clinic_id, keys) if keys else {}
    found: list[tuple[Waiting, list[str]]] = []
    for one in listed:
        lines: list[str] = []
        if keys and one.id in contents:
            lines = _clues(connection, actor.clinic_id, tray.read(contents[one.id], one.id, knowledge), keys, knowledge)
        found.append((one, lines))
    return found


def _clues(connection: Connection, clinic_id: str, notice: Notice, keys: Keys, knowledge: Knowledge) -> list[str]:
    kind = f"{notice.header.type}^{notice.header.event}".strip("^")
    lines = [f"{kind}, control id {notice.header.control_id or 'not given'}"] if kind else []
    who = Who(connection, clinic_id, keys, knowledge)
    who.ask([notice])
    for said in notice.people:
        lines.append(f"its patient: {who.described(notice, said).whole()}")
        for one in sorted(who.holders((*said.identifiers, *said.previous))):
            lines.append(f"patient {one}: {likeness.of_patient(connection, clinic_id, one, keys).whole()}")
    return lines


def unassign(store: Store, actor: Actor, number: int, why: str, knowledge: Knowledge) -> TakenBack:
    """Takes back what a message brought to the patient to whom it was assigned, and puts it back into the tray.

    Its numbers are nobody's again. Where messages have come by them since, somebody is asked to look at what they
    brought. A message that was discarded is put back too. Raises `StoreError` where it is still in the tray.
    """
    with store.write() as connection:
        clinic_id, by = actor.clinic_id, actor.by()
        (was,) = tray.settled(connection, clinic_id, number)
        done = takenback.take_back(connection, clinic_id, was.step(), why, by)
        done.touched |= takenback.settle_asides(connection, clinic_id, f"message {number}", why, by)
        done.touched |= {was.patient_id} if was.patient_id else set()
        asides = [*done.notices, *_look_at_later(number, was.patient_id, done)]
        records.add(connection, clinic_id, Record.of({}, asides), by)
        detail = {"patient_id": was.patient_id, "rows": done.rows, "numbers and names": done.identities}
        tray.put_back(connection, actor, number, why, detail)
        reassess.reassess(connection, clinic_id, done.touched, actor.today, knowledge)
        reassess.changed(connection, clinic_id)
    return done


def _look_at_later(number: int, patient_id: str | None, done: TakenBack) -> list[SetAside]:
    """What is said of rows that came by a number which was taken back."""
    if not done.since or patient_id is None:
        return []
    what = f"{done.since} rows that messages brought after message {number} was assigned"
    why = "its number may be another person's, and so may theirs. Check them, and strike out what isn't this patient's."
    return [SetAside("the tray", what, why, patient_id, "unusable")]


def _unknown(connection: Connection, number: int, notice: Notice, who: Who, root: str, although: str) -> dict[str, str]:
    """The one person of a message whom nobody knows, as this patient. Raises `StoreError`."""
    known = who.of(notice).ids
    others = [said for said in notice.people if said.provisional_id not in known]
    if len(others) > 1:
        raise StoreError(f"message {number}: is about {len(others)} unknown people. Enter it by hand.")
    for said in others:
        if other := who.other_patients(notice, said, root):
            raise StoreError(
                f"message {number}: its number is that of {' and '.join(sorted(other))}, not of {root}. "
                "Expected that patient. If they are one person, join them first: azaward people merge."
            )
        patient = (root, likeness.of_patient(connection, who.clinic_id, root))
        likeness.check(f"message {number}", ("its patient", who.described(notice, said)), patient, although)
    return {said.provisional_id: root for said in others}
