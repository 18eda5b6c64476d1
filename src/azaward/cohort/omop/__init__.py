"""Reads a folder of the OMOP common data model as a record."""
