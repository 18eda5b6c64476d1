"""Runs the rules: a record and knowledge in, findings out; the same expressions on either of two engines.

SQLite answers for one patient in a few milliseconds, because a statement costs it next to nothing; DuckDB answers for
many, because a row does (docs/decisions/0001). Every table of docs/rules/ is run on both.
"""

from azaward.engine.base import Answer, Engine, Request, Row
from azaward.engine.duckdb import DuckDBEngine
from azaward.engine.sqlite import SQLiteEngine

# From so many people on, DuckDB is the quicker one, its start included (benchmarks/engines.py).
MANY_PEOPLE = 500

__all__ = ["MANY_PEOPLE", "Answer", "DuckDBEngine", "Engine", "Request", "Row", "SQLiteEngine"]
