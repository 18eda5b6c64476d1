"""What can be entered by hand: the fields of each form, and the row of a table, or the decision, that comes of them.

FastAPI reads a form by these annotations, so they are values here and not text.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from fastapi import Form

from azaward.errors import InputError, StoreError
from azaward.knowledge.loading.schema.people import EventKind
from azaward.store.care.acts import Decision
from azaward.wording import amount

Text = Annotated[str, Form(max_length=300)]
Short = Annotated[str, Form(max_length=100)]
Day = Annotated[dt.date, Form()]
DayIfAny = Annotated[dt.date | None, Form()]
DECISIONS = ("continue", "reduce", "withhold", "stop", "change", "refer", "test", "other")


@dataclass(frozen=True)
class Typed:
    """What was typed into a form, for a row of `table`; the day named by `past` can't lie ahead."""

    table: ClassVar[str]
    past: ClassVar[str | None] = None

    def row(self, today: dt.date) -> dict[str, Any]:
        """The row as the reader of files takes it; a field without a word is nothing."""
        row: dict[str, Any] = {
            name: typed.strip() or None if isinstance(typed, str) else typed for name, typed in vars(self).items()
        }
        if self.past is not None and row[self.past] > today:
            raise InputError(f"{row[self.past]}: lies after today, {today}. Correct the day.")
        return row


@dataclass(frozen=True)
class Result(Typed):
    """A result as a laboratory reported it."""

    table = "results"
    past = "taken_on"
    analyte: Text
    value: Text
    taken_on: Day
    unit: Short = ""
    ref_low: Annotated[float | None, Form()] = None
    ref_high: Annotated[float | None, Form()] = None

    def row(self, today: dt.date) -> dict[str, Any]:
        """The row of a result that is final."""
        return {**super().row(today), "status": "final"}


@dataclass(frozen=True)
class Medicine(Typed):
    """A medicine that is taken, was taken or is planned."""

    table = "exposures"
    medicine: Text
    dose_mg_per_day: Annotated[float | None, Form(gt=0, le=1_000_000)] = None
    frequency: Short = ""
    started_on: DayIfAny = None
    stopped_on: DayIfAny = None


@dataclass(frozen=True)
class Event(Typed):
    """Something that happened to the patient: its kind, and what exactly where that is known."""

    table = "events"
    kind: Annotated[EventKind, Form()]
    started_on: Day
    code: Text = ""
    ended_on: DayIfAny = None

    def row(self, today: dt.date) -> dict[str, Any]:
        """The row, where the kind stands for what wasn't said."""
        row = super().row(today)
        return {**row, "code": row["code"] or self.kind}


@dataclass(frozen=True)
class Contact(Typed):
    """A meeting or message, kept or missed."""

    table = "contacts"
    past = "on"
    kind: Annotated[Literal["attended", "did_not_attend", "reminder", "call", "letter", "message"], Form()]
    on: Day
    note: Annotated[str, Form(max_length=2000)] = ""


@dataclass(frozen=True)
class Genotype(Typed):
    """What a laboratory reported of a gene or its enzyme."""

    table = "genotypes"
    past = "reported_on"
    gene: Annotated[Literal["TPMT", "NUDT15"], Form()]
    method: Annotated[Literal["genotype", "activity"], Form()]
    reported_on: Day
    diplotype: Annotated[str, Form(max_length=60)] = ""
    phenotype: Short = ""

    def row(self, today: dt.date) -> dict[str, Any]:
        """The row, if it says anything."""
        if not self.diplotype.strip() and not self.phenotype.strip():
            raise InputError(
                "diplotype and phenotype: both empty. Give one, such as *1/*3A or Intermediate Metabolizer."
            )
        return super().row(today)


@dataclass(frozen=True)
class Patient(Typed):
    """A new patient, by the clinic's own id: never a name."""

    table = "patients"
    past = "birth_date"
    patient_id: Text
    birth_date: Day
    sex: Annotated[Literal["female", "male", "other", "unknown"], Form()]
    indication: Text
    ancestry: Short = ""


@dataclass(frozen=True)
class Decided:
    """What a clinician decided on the version that they saw, and the dose that follows from it."""

    version: Annotated[int, Form(ge=0, le=2**31 - 1)]
    kind: Annotated[str, Form(max_length=30)]
    words: Annotated[str, Form(max_length=4000)]
    until: Day
    findings: Annotated[list[str] | None, Form()] = None
    new_dose: Annotated[float | None, Form(gt=0, le=10_000)] = None
    from_day: DayIfAny = None
    medicine: Annotated[str, Form(max_length=100)] = "azathioprine"

    def decision(self, today: dt.date) -> Decision:
        """The decision, if it can stand; a stop is a dose of nothing."""
        if self.kind not in DECISIONS:
            raise StoreError(f"kind {self.kind!r}: expected one of {', '.join(DECISIONS)}.")
        if not self.words.strip():
            raise StoreError("words: empty. Say what was decided and why.")
        if self.until <= today:
            raise StoreError(f"until {self.until}: expected a day after {today}.")
        stops = self.kind in ("stop", "withhold")
        if stops and self.new_dose is not None:
            raise StoreError(
                f"new_dose {amount(self.new_dose)}: a {self.kind} has no dose. Leave it empty, or choose reduce."
            )
        dose = (self.medicine, self.new_dose, self.from_day or today) if stops or self.new_dose is not None else None
        return Decision(self.version, self.kind, self.words.strip(), self.findings or [], self.until, dose)
