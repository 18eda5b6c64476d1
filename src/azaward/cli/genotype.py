"""`azaward genotype`: from a genome, an array or a laboratory report to phenotypes and a dose."""

from __future__ import annotations

import datetime as dt
import math
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge, warn, write_file

if TYPE_CHECKING:
    from azaward.genetics import Caller
    from azaward.genetics.model import Genotypes, SampleCall
    from azaward.knowledge import Knowledge
    from azaward.readers.genomes.alleles import AssemblyName
    from azaward.record import Record
    from azaward.reports.genotype.report import Reporter, SampleReport

# Up to this many people are shown in full on a terminal; above it, one line each.
_IN_FULL = 3


class Format(StrEnum):
    """The output formats of a report."""

    text = "text"
    json = "json"
    tsv = "tsv"
    html = "html"
    pdf = "pdf"


class Assembly(StrEnum):
    """The reference assembly of the positions."""

    grch38 = "GRCh38"
    grch37 = "GRCh37"


@app.command()
def genotype(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="VCF, gVCF, BCF or genotyping-array text; several files are read together."),
    ] = None,
    assembly: Annotated[
        Assembly | None, typer.Option(help="The assembly, if the file doesn't state it.", case_sensitive=False)
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(help="Use only this sample; with --report, a name for it. --recall takes several."),
    ] = None,
    ancestry: Annotated[
        str | None,
        typer.Option(help="The biogeographic group, such as European; if mixed, European=3,EAS=1."),
    ] = None,
    report: Annotated[
        str | None, typer.Option(help="A laboratory's wording instead of a file: 'TPMT *1/*3A; NUDT15 normal'.")
    ] = None,
    activity: Annotated[
        str | None, typer.Option(help="A measured TPMT activity with its unit: '12 U/mL', '12 U/mL ARUP'.")
    ] = None,
    indication: Annotated[str | None, typer.Option(help="The condition treated, such as crohns_disease.")] = None,
    weight: Annotated[float | None, typer.Option(help="Body weight, in kg; doses in mg are for adults.")] = None,
    dose: Annotated[float | None, typer.Option(help="A dose of azathioprine to compare, in mg a day.")] = None,
    recall: Annotated[
        list[Path] | None,
        typer.Option(
            help="Reports that --format json wrote earlier: list whose result today's knowledge changes. "
            "FILES, if given, are called for those whose report does not hold enough. May be given several times."
        ),
    ] = None,
    absent_is_reference: Annotated[
        bool,
        typer.Option(
            "--absent-is-reference",
            help="State that a VCF has every position that differs: those without a record are taken as reference.",
        ),
    ] = False,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file instead of the screen; the write is atomic.")
    ] = None,
) -> None:
    """Interpret TPMT and NUDT15: alleles, phenotype, untested positions, and the dose of each thiopurine."""
    from azaward.errors import InputError, KnowledgeError

    if recall:
        from azaward.cli.recall import run

        if any(each is not None for each in (report, activity, indication, weight, dose)):
            raise typer.BadParameter(
                "--recall reads the person from each report: give FILES, --sample and --out, nothing else."
            )
        if not files and (assembly or ancestry or absent_is_reference):
            raise typer.BadParameter("--assembly, --ancestry and --absent-is-reference are about FILES: give them too.")
        told = assembly.value if assembly else None
        one = sample[0] if sample and len(sample) == 1 else None
        given = files or []
        called = partial(_calls, given, load_knowledge(), told, one, ancestry, absent=absent_is_reference)
        run(recall, given, frozenset(sample or ()), format.value, out, called if given else None)
        return
    if sample and len(sample) > 1:
        raise typer.BadParameter("give one --sample; without it, every sample is reported.")
    only = sample[0] if sample else None
    if bool(files) == bool(report):
        raise typer.BadParameter("give FILES or --report (or --recall, with or without FILES).")
    if absent_is_reference and not files:
        raise typer.BadParameter("--absent-is-reference is about FILES; omit it with --report.")
    knowledge = load_knowledge()
    try:
        reporter = _reporter(knowledge, files or [], indication, weight, dose, activity)
        if report:
            reports: Iterable[SampleReport] = [_of_words(reporter, report, only, knowledge)]
        else:
            alone = any(each is not None for each in (weight, dose, activity))
            told = None if assembly is None else assembly.value
            parts = _parts(files or [], knowledge, told, only, absent_is_reference=absent_is_reference)
            reports = _of_files(reporter, parts, files or [], ancestry, knowledge, format, alone)
        if out is None:
            if format is Format.pdf and sys.stdout.isatty():
                fail("a PDF can't be shown on a terminal. Use --out FILE, or redirect the output to a file.")
            for content in _contents(reports, reporter, format, knowledge):
                sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        else:
            write_file(out, _contents(reports, reporter, format, knowledge), private=True)
    except (InputError, KnowledgeError) as error:
        fail(str(error))


def _calls(
    files: list[Path],
    knowledge: Knowledge,
    assembly: AssemblyName | None,
    sample: str | None,
    ancestry: str | None,
    *,
    absent: bool,
) -> Iterator[SampleCall]:
    caller = _caller(knowledge, ancestry)
    parts = _parts(files, knowledge, assembly, sample, absent_is_reference=absent)
    return (call for part in parts for call in caller.call(part))


def _reporter(
    knowledge: Knowledge,
    files: list[Path],
    indication: str | None,
    weight: float | None,
    dose: float | None,
    activity: str | None,
) -> Reporter:
    from azaward.errors import InputError
    from azaward.genetics.dosing import Person, usual_dose
    from azaward.knowledge.loading.words.vocabulary import vocabulary
    from azaward.reports.genotype.report import Reporter

    chosen = None
    if indication is not None and (chosen := vocabulary(knowledge).indication(indication)) is None:
        known = ", ".join(row.id for row in knowledge.tables["indications"])
        raise InputError(f"--indication {indication!r}: unknown indication. Expected one of: {known}.")
    bounds = next(row for row in knowledge.tables["analytes"] if row.id == "weight")
    low, high = bounds.plausible_low or 0.0, bounds.plausible_high or math.inf
    if weight is not None and not low <= weight <= high:
        raise InputError(f"--weight {weight:g}: not plausible. Expected {low:g} to {high:g} kg.")
    if dose is not None and dose <= 0:
        raise InputError(f"--dose {dose:g}: expected a dose of azathioprine above 0, in mg a day.")
    malignant = any(row.id == chosen and row.malignant for row in knowledge.tables["indications"])
    person = Person(malignant=malignant, usual=usual_dose(knowledge, chosen) if chosen else None, weight_kg=weight)
    return Reporter(
        knowledge,
        person=person,
        indication=chosen,
        activity=activity,
        dose_mg_per_day=dose,
        read_from=", ".join(path.name for path in files) or "a laboratory's report",
    )


def _of_words(reporter: Reporter, report: str, sample: str | None, knowledge: Knowledge) -> SampleReport:
    from azaward.errors import InputError
    from azaward.genetics.nomenclature import read_report

    said = read_report(report, knowledge)
    if not said.genes and said.activity is None:
        raise InputError(
            f"--report: could not interpret {report!r}. Expected a gene and its alleles, variants or phenotype. "
            "Write the result alone, such as 'TPMT *1/*3A; NUDT15 normal'."
        )
    warn([f"--report: {part!r} was not understood or could not be used" for part in said.unread])
    return reporter.of_words(said, sample or "report")


def _of_files(
    reporter: Reporter,
    parts: Iterable[Genotypes],
    files: list[Path],
    ancestry: str | None,
    knowledge: Knowledge,
    format: Format,
    alone: bool,
) -> Iterator[SampleReport]:
    from azaward.errors import InputError

    caller = _caller(knowledge, ancestry)
    every = format in (Format.text, Format.html, Format.pdf)
    several = False
    for part in parts:
        several = several or len(part.samples) > 1
        if several and alone:
            raise InputError(
                f"{files[0].name}: contains several samples, but --weight, --dose and --activity apply to one person. "
                "Choose one with --sample."
            )
        for call in caller.call(part):
            yield reporter.of_call(call, every_position=every)
        several = True


def _caller(knowledge: Knowledge, ancestry: str | None) -> Caller:
    from azaward.errors import InputError
    from azaward.genetics import Caller

    try:
        return Caller(knowledge, _shares(ancestry))
    except ValueError as error:
        raise InputError(f"--{error}") from None


def add_to(
    record: Record, files: list[Path], sample: str | None, ancestry: str | None, day: dt.date, knowledge: Knowledge
) -> Record:
    """The record, with its patients' genotypes from these files added."""
    from azaward.errors import InputError
    from azaward.readers.genomes.rows import ancestry_of, with_genotypes

    try:
        caller = _caller(knowledge, ancestry or ancestry_of(record))
    except InputError:
        if ancestry is not None:
            raise
        # A record may describe ancestry in any words; words that the tables don't know count as unknown.
        caller = _caller(knowledge, None)
    calls = (call for part in _parts(files, knowledge, None, sample) for call in caller.call(part))
    return with_genotypes(record, calls, day, ", ".join(path.name for path in files), knowledge)


def _parts(
    files: list[Path],
    knowledge: Knowledge,
    assembly: AssemblyName | None,
    sample: str | None,
    *,
    absent_is_reference: bool = False,
) -> Iterable[Genotypes]:
    """The genotypes in these files, in parts; nothing is yielded until all files have been read."""
    from azaward.errors import InputError
    from azaward.readers.genomes.variants import read

    parts = read(
        files,
        knowledge,
        assembly,
        sample,
        progress=_say,
        warn=lambda line: warn([line]),
        absent_is_reference=absent_is_reference,
    )
    # A single file is read completely before its first part. With several, a later file may still fail.
    held: Iterable[Genotypes] = list(parts) if len(files) > 1 else parts
    found = False
    for part in held:
        found = found or bool(part.samples)
        yield part
    if not found:
        raise InputError(f"{files[0].name}: contains no samples. Expected at least one person's genotypes.")


def _say(words: str) -> None:
    """Reports progress through a long file on stderr."""
    typer.echo(f"azaward: {words}", err=True)


def _shares(ancestry: str | None) -> str | dict[str, float] | None:
    """One group, or the shares of several ("European=3,EAS=1")."""
    if ancestry is None or "=" not in ancestry:
        return ancestry
    shares: dict[str, float] = {}
    for part in ancestry.split(","):
        name, _, share = part.rpartition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError:
            raise ValueError(f"ancestry {part!r}: expected a group and its share, such as European=3") from None
    return shares


def _contents(
    reports: Iterable[SampleReport], reporter: Reporter, format: Format, knowledge: Knowledge
) -> Iterator[bytes]:
    match format:
        case Format.json:
            for report in reports:
                yield reporter.to_json(report)
        case Format.tsv:
            from azaward.reports.genotype import to_tsv as genotype_report_tsv

            first = True
            for report in reports:
                if first:
                    yield genotype_report_tsv.header(knowledge).encode()
                    first = False
                yield genotype_report_tsv.line(report).encode()
        case Format.html:
            from azaward.reports.genotype.to_html import to_html

            yield to_html(reports, knowledge).encode()
        case Format.pdf:
            from azaward.reports.genotype.to_pdf import to_pdf

            yield to_pdf(reports, knowledge)
        case Format.text:
            from azaward.reports.genotype import to_text as genotype_report_text

            yield from genotype_report_text.contents(reports, in_full=_IN_FULL)
