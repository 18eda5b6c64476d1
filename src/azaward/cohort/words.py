"""Which words and sources does each of a share's findings get? Each combination of gaps is worded once.

Findings that agree in what their code's words have gaps for are said alike, and most do. What is said is joined to the
findings inside DuckDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azaward import parquet
from azaward.knowledge import Knowledge
from azaward.parquet import sql_name, sql_text
from azaward.rules.language.columns import COLUMNS
from azaward.wording import Words, default_sources

# What a finding keeps besides its words: the gaps a, b and c have gone into these.
KEPT = tuple(name for name in COLUMNS if name not in ("a", "b", "c", "says", "says_patient", "sources"))
# What words may have gaps for.
SAID = tuple(name for name in COLUMNS if name not in ("patient_id", "rule", "protocol", "urgency", "fact", "sources"))
_DAY = "DATE '1970-01-01' + f.\"on\"::INTEGER"
# In one order, so that a run that is repeated writes the same file.
_ORDER = ("rule", "code", "subject", "a", "sources", "on", "value", "text", "b", "c", "fact", "protocol")


def word_findings(database: Any, knowledge: Knowledge) -> str:
    """Words what is in `findings`; gives the query of all findings with their words, of patients numbered in `ids`."""
    words = Words(knowledge)
    codes = [str(row[0]) for row in database.execute("SELECT DISTINCT code FROM findings ORDER BY code").fetchall()]
    gaps = {code: words.gaps(code) for code in codes}
    cells = {name: _where_said(name, [code for code in codes if name in gaps[code]]) for name in SAID}
    database.execute(
        "CREATE OR REPLACE TABLE gaps_ AS SELECT row_number() OVER () AS k, * FROM "
        f"(SELECT DISTINCT {_named(cells)} FROM findings AS f)"
    )
    rows = database.execute("SELECT * FROM gaps_").fetchall()
    said = [(k, *words.say(dict(zip(SAID, row, strict=True)))) for k, *row in rows]
    parquet.create(database, "said_", {"k": "BIGINT", "says": "VARCHAR", "says_patient": "VARCHAR"}, said)
    lines = [(code, source_lines(code, knowledge)) for code in codes]
    parquet.create(database, "sourced_", {"code": "VARCHAR", "sources": "VARCHAR"}, lines)
    kept = {name: f'f."{name}"' for name in KEPT} | {"patient_id": "i.patient_id", "on": _DAY}
    order = ", ".join(f'f."{name}"' for name in _ORDER)
    same = " AND ".join(f'{cell} IS NOT DISTINCT FROM g."{name}"' for name, cell in cells.items())
    return (
        f"SELECT {_named(kept)}, s.says, s.says_patient, "
        "coalesce(nullif(f.sources, ''), d.sources) AS sources FROM findings AS f JOIN ids AS i ON f.patient_id = i.n "
        f"JOIN gaps_ AS g ON {same} JOIN said_ AS s ON g.k = s.k JOIN sourced_ AS d ON f.code = d.code "
        f"ORDER BY i.n, {order}"
    )


def _named(cells: Mapping[str, str]) -> str:
    return ", ".join(f"{cell} AS {sql_name(name)}" for name, cell in cells.items())


def _where_said(name: str, codes: list[str]) -> str:
    """A column of a finding where its code's words have a gap for it, else nothing."""
    cell = _DAY if name == "on" else f'f."{name}"'
    if name == "code":
        return cell
    return (
        f"CASE WHEN f.code IN ({', '.join(map(sql_text, codes))}) THEN {cell} END"
        if codes
        else f"nullif({cell}, {cell})"
    )


def source_lines(code: str, knowledge: Knowledge) -> str:
    """The sources of a code whose finding brings none of its own, as findings hold them."""
    sources = default_sources(code, knowledge)
    return "\n".join("|".join((each["source"], each["locator"], each["how"])) for each in sources)
