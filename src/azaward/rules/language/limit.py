"""A limit is one thing: a number, how a value is compared with it, its unit and its source.

`limit("fever_celsius")` is a row of parameters.csv; `Limit.of(rows)` is the limit that each row of a protocol brings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from azaward.errors import KnowledgeError
from azaward.rules.language.expressions import Table, Value, ibis
from azaward.rules.language.tables import BUILDING, parameter, parameter_row
from azaward.terms import Comparison


@dataclass(frozen=True)
class Limit:
    """What a value is compared with. `comparison` is a word or a column of such words."""

    value: Value
    comparison: Value | str
    unit: Value | str | None

    def times(self, factor: Value) -> Limit:
        """The limit as a multiple of something, such as the laboratory's upper limit of normal."""
        return replace(self, value=self.value * factor)

    def met_by(self, value: Value, high: Value | None = None) -> Value:
        """Whether a value meets the limit; empty where either isn't known.

        Of a value with a low and a high end the worse counts: the low end against a lower limit.
        """
        low, high = value, value if high is None else high
        if isinstance(self.comparison, str):
            return _met(Comparison(self.comparison), low, high, self.value)
        return ibis.cases(*((self.comparison == how, _met(how, low, high, self.value)) for how in Comparison))


def _met(how: Comparison, low: Value, high: Value, limit: Value) -> Value:
    match how:
        case Comparison.BELOW:
            return low < limit
        case Comparison.AT_MOST:
            return low <= limit
        case Comparison.ABOVE:
            return high > limit
        case Comparison.AT_LEAST:
            return high >= limit


def limit(id: str) -> Limit:
    """The limit that a row of parameters.csv sets; `KnowledgeError` where the row doesn't say how it is compared."""
    row = parameter_row(id)
    if row.comparison is None:
        raise KnowledgeError(
            f"rules/{BUILDING.get()}: {id} is compared with a value, and its row in knowledge/parameters.csv has no "
            "`comparison`: below, at-most, above or at-least."
        )
    return Limit(parameter(id), str(row.comparison), row.unit)


def downward(comparison: Value) -> Value:
    """Whether a limit is crossed on the way down."""
    return comparison.isin([Comparison.BELOW, Comparison.AT_MOST])


def of(rows: Table, bound: Value) -> Limit:
    """The limit that each row brings: `comparison` and the bound worked out from it, in the unit of its result."""
    return Limit(bound, rows.comparison, rows.unit)
