"""Variants in; haplotypes, diplotypes and phenotype out, with what was not seen."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azaward.genetics.calling import Caller, call
    from azaward.genetics.model import Genotypes, SampleCall, Status, nothing_seen, sites

__all__ = ["Caller", "Genotypes", "SampleCall", "Status", "call", "nothing_seen", "sites"]


def __getattr__(name: str) -> Any:
    # Whoever asks for a dose alone shouldn't wait for NumPy.
    for module in ("calling", "model"):
        if name in __all__ and hasattr(loaded := import_module(f"azaward.genetics.{module}"), name):
            return getattr(loaded, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
