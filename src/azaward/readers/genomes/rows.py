"""Adds genotypes called from a genome to a record, and matches samples to patients."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import replace

from azaward.errors import InputError
from azaward.genetics.consequence import breaking
from azaward.genetics.model import GeneCall, SampleCall
from azaward.knowledge import Knowledge
from azaward.record.tables import Cell, Record, SetAside

# Names beyond this number are only counted.
_NAMED = 5


def with_genotypes(
    record: Record, calls: Iterable[SampleCall], day: dt.date, file: str, knowledge: Knowledge
) -> Record:
    """The record with a row for each gene of each sample that belongs to one of its patients.

    A sample belongs to the patient with the same id. A single sample belongs to a single patient; if the names differ,
    this is reported. Unmatched samples and patients are set aside; no match at all raises `InputError`.
    """
    patients = record.patient_ids()
    known = set(patients)
    rows = list(record.rows["genotypes"])
    asides: list[SetAside] = []
    matched: set[str] = set()
    strangers: list[str] = []
    first: SampleCall | None = None
    for one in calls:
        if one.sample in known:
            matched.add(one.sample)
            rows += _rows(one, one.sample, day)
            asides += _presumed(one, one.sample, file, knowledge)
        else:
            first = first or one
            strangers.append(one.sample)
    if len(patients) == 1 and len(strangers) == 1 and first is not None and not matched:
        why = f"assigned to patient {patients[0]}, the only one in the record. Check that it is the same person."
        asides.append(SetAside(file, f"genotypes of sample {first.sample}", why, patients[0], "genotype"))
        rows += _rows(first, patients[0], day)
        asides += _presumed(first, patients[0], file, knowledge)
        matched.add(patients[0])
        strangers = []
    if not matched:
        raise InputError(
            f"{file}: no sample is a patient of the record (samples: {_names(strangers) or 'none'}; "
            f"patients: {_names(patients) or 'none'}). For a record of one patient, use --sample; otherwise rename "
            "the samples to the patients' ids."
        )
    if strangers:
        why = "no patient in the record has this id, so these genotypes were not used."
        asides.append(SetAside(file, f"sample {_names(strangers)}", why, None, "genotype"))
    if without := [patient for patient in patients if patient not in matched]:
        asides.append(SetAside(file, f"patient {_names(without)}", "the file has no such sample.", None, "genotype"))
    return replace(record, rows={**record.rows, "genotypes": rows}, set_aside=[*record.set_aside, *asides])


def _rows(one: SampleCall, patient: str, day: dt.date) -> list[tuple[Cell, ...]]:
    return [
        (
            patient,
            gene,
            call.diplotypes[0].call if call.diplotypes else None,
            call.acted_on,
            "genotype",
            day,
            None,
            None,
        )
        for gene, call in one.genes.items()
    ]


def _presumed(one: SampleCall, patient: str, file: str, knowledge: Knowledge) -> list[SetAside]:
    """What is to be confirmed of phenotypes that no named allele gives."""
    return [
        SetAside(
            file,
            f"{gene} {call.presumed}",
            f"presumed from {', '.join(_broken(call, knowledge))}, which no named allele has. "
            "Ask the laboratory to confirm it.",
            patient,
            "genotype",
        )
        for gene, call in one.genes.items()
        if call.presumed
    ]


def _broken(call: GeneCall, knowledge: Knowledge) -> list[str]:
    return [each.name for each in call.changes if each.doubt is None and each.term in breaking(knowledge)]


def _names(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def ancestry_of(record: Record) -> str | None:
    """The recorded ancestry of the only patient; None if there are several patients or no ancestry is recorded."""
    patients = record.rows["patients"]
    return str(patients[0][4]) if len(patients) == 1 and patients[0][4] is not None else None
