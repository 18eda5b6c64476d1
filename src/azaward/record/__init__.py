"""The patient record: six tables, their units and their checks."""

from azaward.record.tables import TABLES, Record, SetAside

__all__ = ["TABLES", "Record", "SetAside"]
