"""`azaward genotype --recall`: whose result a new release changes, from the reports that were written earlier."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from azaward.cli.edge import fail, load_knowledge, warn, write_file

if TYPE_CHECKING:
    from azaward.genetics.model import SampleCall
    from azaward.knowledge import Knowledge
    from azaward.reports.recall.earlier import Report
    from azaward.reports.recall.recall import Finding

FORMATS = ("text", "json", "tsv")
Calls = Callable[[], Iterable["SampleCall"]]


def run(
    earlier: Sequence[Path],
    files: Sequence[Path],
    samples: frozenset[str],
    format: str,
    out: Path | None,
    calls: Calls | None,
) -> None:
    """Lists whose result today's knowledge changes, of those whose reports were written earlier."""
    from azaward.errors import InputError, KnowledgeError

    if format not in FORMATS:
        raise typer.BadParameter(f"--recall lists as {', '.join(FORMATS)}, not as {format}.")
    try:
        for path in files:
            if not path.is_file():
                raise InputError(f"{path}: no such file. Expected a VCF, a BCF or a genotyping-array file.")
        listed = contents(earlier, samples, format, load_knowledge(), calls)
        if out is not None:
            write_file(out, listed, private=True)
            return
        for content in listed:
            sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except (InputError, KnowledgeError) as error:
        sys.stdout.buffer.flush()
        fail(str(error))


def contents(
    earlier: Sequence[Path], samples: frozenset[str], format: str, knowledge: Knowledge, calls: Calls | None
) -> Iterator[bytes]:
    """The recall of files of reports, as text, JSON lines or TSV; `calls` calls anew those who need it.

    Of `samples` alone, where some are named. Raises `InputError` with the number of the line that is no report.
    """
    import msgspec

    from azaward.genetics.releases import release_name
    from azaward.reports.recall import written

    summary = written.Summary()
    if format == "tsv":
        yield ("\t".join(written.COLUMNS) + "\n").encode()
    for sample, findings in _compared(earlier, samples, knowledge, calls):
        summary.count(findings)
        for finding in findings:
            if format == "json":
                yield written.as_json(sample, finding)
            else:
                show = written.as_tsv if format == "tsv" else written.as_text
                yield show(sample, finding).encode("utf-8", "replace")
    release = release_name(knowledge)
    if format == "json":
        yield msgspec.json.encode({"summary": {"release": release, **msgspec.structs.asdict(summary)}}) + b"\n"
    elif format == "tsv":
        warn([summary.in_words(release)])
    else:
        yield (summary.in_words(release) + "\n").encode()


def _reports(earlier: Sequence[Path], samples: frozenset[str]) -> Iterator[tuple[Path, int, Report]]:
    """The reports in these files, of these samples; each sample that is named must have one."""
    from azaward.errors import InputError
    from azaward.reports.recall.earlier import read

    missing = set(samples)
    for path in earlier:
        for number, report in read(path):
            if not samples or report.sample in samples:
                missing.discard(report.sample)
                yield path, number, report
    if missing:
        where = ", ".join(path.name for path in earlier)
        raise InputError(f"{where}: no report of sample {min(missing)!r}. Expected a name as it stands in a report.")


def _compared(
    earlier: Sequence[Path], samples: frozenset[str], knowledge: Knowledge, calls: Calls | None
) -> Iterator[tuple[str, list[Finding]]]:
    """Each person with what is otherwise; those who can only be told from a file come last, with what it says."""
    from azaward.reports.recall.earlier import FAULTS, slim, wrong
    from azaward.reports.recall.recall import CHANGED, Recall

    recall = Recall(knowledge)
    waiting: dict[str, list[tuple[Report, list[Finding]]]] = {}
    for path, number, report in _reports(earlier, samples):
        try:
            found = list(recall.of(report))
        except FAULTS as error:
            raise wrong(path, number, error) from None
        if calls is not None and any(finding.kind != CHANGED for finding in found):
            waiting.setdefault(report.sample, []).append((slim(report), found))
        else:
            yield report.sample, found
    if calls is None:
        return
    for call in calls() if waiting else ():
        for report, _ in waiting.pop(call.sample, ()):
            yield report.sample, recall.of_anew(report, recall.reporter(report).of_call(call, every_position=False))
    for held in waiting.values():
        for report, found in held:
            yield report.sample, found
