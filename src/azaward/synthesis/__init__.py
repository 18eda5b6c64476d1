"""Synthetic people on azathioprine: no real patient, any number, the same from the same seed."""

from azaward.synthesis.clinic import synthesise
from azaward.synthesis.person import NO_TROUBLE, Person, Planted
from azaward.synthesis.troubles import TROUBLES
from azaward.synthesis.write import record_of, write_csv, write_parquet

__all__ = ["NO_TROUBLE", "TROUBLES", "Person", "Planted", "record_of", "synthesise", "write_csv", "write_parquet"]
