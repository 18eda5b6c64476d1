"""The database: what a clinic keeps, on SQLite by default and on PostgreSQL when it has grown."""

from azaward.store.database import Store

__all__ = ["Store"]
