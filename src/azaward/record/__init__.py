"""What is known of patients: six tables, their units, their checks."""

from azaward.record.tables import TABLES, Record, SetAside

__all__ = ["TABLES", "Record", "SetAside"]
