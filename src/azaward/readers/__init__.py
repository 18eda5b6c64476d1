"""Readers turn input files into a record, and set aside anything unusable with the reason."""
