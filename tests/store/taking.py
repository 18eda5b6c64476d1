"""Messages as a listener takes them, into a store without a process: for tests."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from azaward import assessment
from azaward.knowledge import load
from azaward.readers.hl7.messages import read_frame
from azaward.readers.hl7.senders import Sender, Senders
from azaward.record.tables import Record
from azaward.store import Store, imports, tray
from azaward.store.arrivals import Arrivals, Arrived
from azaward.store.care import merges, reassess, records
from azaward.store.care.acts import Actor
from azaward.store.care.rows import By

DAY = dt.date(2026, 11, 30)
ACTOR = Actor("nurse", "one", DAY)
WAYS = Sender("*|*", trusted=("RIVERSIDE", "HILLSIDE"), patient_ids="CLINIC")


def _assess(record: Record, day: dt.date, protocol: str) -> assessment.Assessment:
    return assessment.assess(record, as_of=day, protocol=protocol, knowledge=load())


class Clinic:
    """A clinic with patients c1 (born 1980-01-02, female) and c2 (born 1975-04-02, male) that take azathioprine."""

    def __init__(self, store: Store, ways: Sender = WAYS, *, people: bool = True) -> None:
        self.store, self.senders = store, Senders((ways,))
        self._moments = itertools.count()
        if people:
            self._fill()

    def _fill(self) -> None:
        store = self.store
        imports.make_clinic(store, "one", "One")
        people = [("c1", dt.date(1980, 1, 2), "female"), ("c2", dt.date(1975, 4, 2), "male")]
        tables: dict[str, list[dict[str, Any]]] = {
            "patients": [{"patient_id": one, "birth_date": born, "sex": sex} for one, born, sex in people],
            "exposures": [
                {
                    "patient_id": one,
                    "medicine": "azathioprine",
                    "dose_mg_per_day": 100.0,
                    "started_on": dt.date(2025, 1, 1),
                }
                for one, _, _ in people
            ],
        }
        imports.keep(store, ACTOR, "people.json", "people", Record.of(tables), load())
        # Each is known by a number of the hospital.
        self.send(adt("A31", "c1^^^CLINIC~4217^^^RIVERSIDE^MR"), adt("A31", "c2^^^CLINIC~5000^^^RIVERSIDE^MR"))

    def send(self, *messages: bytes, together: bool = False) -> list[str]:
        """The answers to some messages, one after the other or in one transaction."""
        said: list[str] = []
        for some in [messages] if together else [[each] for each in messages]:
            arrived = [self._arrived(each) for each in some]
            at = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC) + dt.timedelta(seconds=next(self._moments))
            taker = Arrivals(self.store, ACTOR, load())
            answers, touched = taker.take(arrived, By("hl7", at))
            reassess.catch_up(self.store, "one", sorted(touched), DAY, load(), _assess)
            said += [answer.decode().replace("\r", "\n") for answer in answers]
        return said

    def _arrived(self, content: bytes) -> Arrived:
        notice = read_frame(content, load(), "message", self.senders)
        at = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
        return Arrived(content, notice, at, self.senders.of(notice.header))

    def counts(self, who: str = "c1") -> list[float]:
        """The neutrophil counts that stand of a person and count."""
        with self.store.read() as connection:
            rows = records.of_patient(connection, "one", self.root(who)).rows["results"]
        return sorted(float(str(row[2])) for row in rows if row[1] == "neutrophils" and row[9] != "entered-in-error")

    def record(self, who: str = "c1") -> Record:
        with self.store.read() as connection:
            return records.of_patient(connection, "one", who)

    def root(self, who: str) -> str:
        with self.store.read() as connection:
            return merges.roots(connection, "one")(who)

    def codes(self, who: str = "c1") -> set[str]:
        """The findings that stand for a person."""
        with self.store.read() as connection:
            standing = reassess.of_patient(connection, "one", self.root(who))
        return {finding.code for finding in standing[0].findings} if standing else set()

    def waiting(self) -> list[tray.Waiting]:
        with self.store.read() as connection:
            return tray.waiting(connection, "one")


_NUMBER = itertools.count(1)


def msh(kind: str, at: str = "202611291200", control: str | None = None, sender: str = "LAB") -> str:
    return f"MSH|^~\\&|{sender}|RIVERSIDE|AZAWARD|CLINIC|{at}||{kind}|{control or f'm{next(_NUMBER)}'}|P|2.5.1"


def adt(
    event: str,
    numbers: str,
    *,
    mrg: str | None = None,
    born: str = "",
    sex: str = "",
    more: str = "",
    **header: Any,
) -> bytes:
    lines = [msh(f"ADT^{event}", **header), f"PID|1||{numbers}||||{born}|{sex}"]
    lines += [f"MRG|{mrg}"] if mrg else []
    return "\r".join([*lines, *([more] if more else [])]).encode()


def oru(
    value: str,
    status: str = "F",
    numbers: str = "4217^^^RIVERSIDE^MR",
    *,
    born: str = "19800102",
    sex: str = "F",
    order: str = "17",
    day: str = "20261128",
    obr: str = "",
    **header: Any,
) -> bytes:
    obx = f"OBX|1|NM|751-8^Neutrophils^LN||{value}|10*9/L|1.5-7.5||||{status}|||{day}"
    lines = [msh("ORU^R01", **header), f"PID|1||{numbers}||||{born}|{sex}", f"OBR|1||{order}||||{day}" + obr]
    return "\r".join([*lines, *([obx] if value or status != "none" else [])]).encode()
