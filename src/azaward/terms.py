"""The ordered words of every answer: what to do, how soon, where treatment stands, and which rule speaks.

Each stands in its order, most cautious first, so that "the more cautious of two" is a comparison of ranks.
"""

from __future__ import annotations

from enum import StrEnum


class Term(StrEnum):
    """A word of a closed list that is in order.

    >>> min(Action.TEST, Action.WITHHOLD, key=lambda action: action.rank)
    <Action.WITHHOLD: 'withhold'>
    """

    @property
    def rank(self) -> int:
        """Its place in the list: 0 for the first."""
        return list(type(self)).index(self)


class Action(Term):
    """What to do, most cautious first."""

    STOP = "stop"
    WITHHOLD = "withhold"
    DO_NOT_START = "do-not-start"
    AVOID = "avoid"
    REDUCE = "reduce"
    REFER = "refer"
    CHANGE = "change"
    TEST = "test"
    REVIEW = "review"
    CONTINUE = "continue"
    INFORM = "inform"


class Urgency(Term):
    """How soon, most urgent first."""

    EMERGENCY = "emergency"
    SAME_DAY = "same-day"
    THIS_WEEK = "this-week"
    ROUTINE = "routine"
    INFO = "info"


class Concerns(Term):
    """What a finding's action is about: only what concerns the thiopurine decides about its dose."""

    THIOPURINE = "thiopurine"
    OTHER_MEDICINE = "other-medicine"
    VACCINE = "vaccine"
    NONE = "none"


class Status(Term):
    """Where a person's treatment with a thiopurine stands."""

    ON = "on"
    PLANNED = "planned"
    STOPPED = "stopped"
    NONE = "none"


class Comparison(Term):
    """How a value is compared with a limit; `met` where it holds."""

    BELOW = "below"
    AT_MOST = "at-most"
    ABOVE = "above"
    AT_LEAST = "at-least"


class Rule(Term):
    """The clinical questions, as findings name them."""

    LIMITS = "limits"
    FLOOR = "floor"
    ALLERGY = "allergy"
    INFECTION = "infection"
    SYNDROMES = "syndromes"
    EVENTS = "events"
    RECOVERY = "recovery"
    DOSING = "dosing"
    ENZYME = "enzyme"
    DOSE_RANGE = "dose_range"
    MEDICINES = "medicines"
    TOGETHER = "together"
    LOW_DOSE = "low_dose"
    LIVER = "liver"
    METABOLITES = "metabolites"
    BASELINE = "baseline"
    SCHEDULE = "schedule"
    DRIFT = "drift"
    LIFE = "life"
    ONSET = "onset"
    LONG_RUN = "long_run"
    RECORD_QUALITY = "record_quality"
    NAMES = "names"
