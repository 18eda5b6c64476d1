"""`azaward assess`: which patients in a record need something today, and why."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from azaward.cli.edge import app, day_of, fail, named_protocol, warn, write


class Bundling(StrEnum):
    """What a FHIR Bundle is for: to be read, or to be sent to a server, which keeps what it doesn't hold yet."""

    collection = "collection"
    transaction = "transaction"


class Format(StrEnum):
    """The output formats of an assessment."""

    text = "text"
    json = "json"
    html = "html"
    fhir = "fhir"


@app.command()
def assess(
    record: Annotated[
        Path, typer.Argument(help="A FHIR Bundle (.json, .ndjson), a folder of tables, or azaward's own JSON.")
    ],
    as_of: Annotated[str | None, typer.Option(help="The day that counts as today (YYYY-MM-DD).")] = None,
    protocol: Annotated[str, typer.Option(help="A protocol id, your clinic's own .yaml file, or auto.")] = "auto",
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,
    patient: Annotated[str | None, typer.Option(help="Show only this patient, in full.")] = None,
    genotype: Annotated[
        list[Path] | None, typer.Option(help="A VCF or genotyping-array file whose samples are patients in the record.")
    ] = None,
    sample: Annotated[str | None, typer.Option(help="Use only this sample from --genotype.")] = None,
    ancestry: Annotated[str | None, typer.Option(help="The biogeographic group to assume for --genotype.")] = None,
    fhir_bundle: Annotated[
        Bundling | None, typer.Option(help="With --format fhir: a collection to read, or a transaction to send.")
    ] = None,
) -> None:
    """List the patients who need something and why, most urgent first."""
    from azaward import assessment
    from azaward.errors import InputError, UserError
    from azaward.knowledge import load
    from azaward.readers.read import read

    if fhir_bundle and format is not Format.fhir:
        raise typer.BadParameter(f"--fhir-bundle {fhir_bundle} goes with --format fhir. Found --format {format}.")
    day = day_of(as_of)
    try:
        knowledge, protocol = named_protocol(protocol, load())
        held = read(record, knowledge)
        if patient is not None:
            if patient not in held.patient_ids():
                raise InputError(f"{record}: has no patient {patient!r}. Check --patient.")
            held = held.of_patient(patient)
        if genotype:
            from azaward.cli.genotype import add_to

            held = add_to(held, genotype, sample, ancestry, day, knowledge)
        found = assessment.assess(held, day, protocol, knowledge)
    except UserError as error:
        fail(str(error))
    warn([f"{item.where}: {item.what}: {item.why}" for item in found.set_aside])
    match format:
        case Format.json:
            write(assessment.to_json(found) + b"\n")
        case Format.html:
            from azaward.reports.assessment.to_html import to_html

            write(to_html(found, held, knowledge).encode())
        case Format.fhir:
            from azaward.reports.assessment.to_fhir import to_fhir

            bundling = fhir_bundle or Bundling.collection
            write(to_fhir(found, held, kind=bundling.value, knowledge=knowledge) + b"\n")
        case Format.text:
            from azaward.reports.assessment import to_text as report_text

            report_text.show(found, in_full=patient is not None)
