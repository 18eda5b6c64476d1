"""What the codes of HL7's tables mean in our words: the rows of `knowledge/hl7/hl7_codes.csv`, both ways."""

from __future__ import annotations

from functools import lru_cache

from azaward.knowledge import Knowledge
from azaward.knowledge.loading.schema.hl7 import HL7Table


class Codes:
    """Look-ups by table and code, whatever the case."""

    def __init__(self, knowledge: Knowledge) -> None:
        rows = knowledge.tables["hl7_codes"]
        self._means = {(row.hl7_table, row.code.upper()): row.means for row in rows}
        self._named = {
            (row.hl7_table, " ".join(str(row.name).casefold().split())): row.means for row in rows if row.name
        }
        self._codes: dict[tuple[str, str], str] = {}
        for row in rows:
            self._codes.setdefault((row.hl7_table, row.means), row.code)

    def means(self, table: HL7Table, code: str | None) -> str | None:
        """What a code means; None where the table doesn't have it.

        >>> from azaward.knowledge import load
        >>> codes(load()).means("0085", "W"), codes(load()).means("0085", "?")
        ('wrong-patient', None)
        """
        return self._means.get((table, code.strip().upper())) if code else None

    def named(self, table: HL7Table, name: str | None) -> str | None:
        """What the code of that name means.

        >>> from azaward.knowledge import load
        >>> codes(load()).named("0487", "Urine")
        'other'
        """
        return self._named.get((table, " ".join(name.casefold().split()))) if name else None

    def code(self, table: HL7Table, means: str) -> str:
        """The code for a meaning.

        >>> from azaward.knowledge import load
        >>> codes(load()).code("0357", "unknown-key")
        '204'
        """
        return self._codes[table, means]


@lru_cache(maxsize=2)
def codes(knowledge: Knowledge) -> Codes:
    """The look-ups of a knowledge base, made once."""
    return Codes(knowledge)
