"""Folders of the six tables, as CSV or Parquet."""
