"""Reports that `azaward genotype --format json` wrote earlier, line by line: what a recall needs of them and no more.

Fields that an older version didn't write may be missing, and those that a newer one adds are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated

import msgspec

from azaward.errors import InputError

# Of a report of one person, some tens of kilobytes; a line beyond this is no report.
LONGEST_LINE = 8 << 20
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
# What decoding a line, or a part of it, raises.
FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_BOM = b"\xef\xbb\xbf"


class Pair(msgspec.Struct, frozen=True):
    """A diplotype with its probability, None where a laboratory named it."""

    call: str
    probability: Probability | None = None
    phenotype: str | None = None


class Share(msgspec.Struct, frozen=True):
    """A phenotype that fits, and how probable it is."""

    phenotype: str
    probability: Probability


class Hidden(msgspec.Struct, frozen=True):
    """An allele that a position not seen may hide."""

    allele: str


class Seen(msgspec.Struct, frozen=True):
    """The bases at a position where something but the reference was seen."""

    pos_grch38: int
    alleles: str


class Changed(msgspec.Struct, frozen=True):
    """A change that no allele names; `doubt` is why it wasn't counted."""

    name: str
    consequence: str = ""
    doubt: str | None = None


class Gene(msgspec.Struct, frozen=True):
    """One gene of an earlier report."""

    phenotype: str
    diplotypes: list[Pair] = []
    phenotypes: list[Share] = []
    could_hide: list[Hidden] = []
    undocumented: list[str] = []
    changes: list[Changed] = []
    evidence: list[Seen] = []
    notes: list[str] = []
    positions: int | None = None
    method: str | None = None
    presumed: str | None = None

    @property
    def diplotype(self) -> str:
        """The likeliest pair of alleles; empty where none is named."""
        return self.diplotypes[0].call if self.diplotypes else ""


class Dose(msgspec.Struct, frozen=True):
    """What an earlier report said of a drug."""

    action: str
    fraction: tuple[float, float] | None = None
    start_mg_per_day: tuple[float, float] | None = None


class Measured(msgspec.Struct, frozen=True):
    """The TPMT activity of an earlier report, as it was given."""

    text: str


class Report(msgspec.Struct, frozen=True):
    """An earlier report. Its parts are decoded where they are needed: many people share them."""

    sample: str
    genes: msgspec.Raw
    dosing: msgspec.Raw = msgspec.Raw(b"{}")
    activity: msgspec.Raw = msgspec.Raw(b"null")
    indication: str | None = None
    weight_kg: float | None = None
    release: str = ""


_REPORT = msgspec.json.Decoder(Report)
_GENES = msgspec.json.Decoder(dict[str, Gene])
_DOSES = msgspec.json.Decoder(dict[str, Dose])
_MEASURED = msgspec.json.Decoder(Measured | None)


def genes_of(report: Report) -> dict[str, Gene]:
    """The genes of a report; raises one of `FAULTS` where they aren't ones."""
    return _GENES.decode(report.genes)


def doses_of(report: Report) -> dict[str, Dose]:
    """What a report said of each drug; raises one of `FAULTS`."""
    return _DOSES.decode(report.dosing)


def activity_of(report: Report) -> str | None:
    """The activity as it was given; raises one of `FAULTS`."""
    measured = _MEASURED.decode(report.activity)
    return measured.text if measured else None


def slim(report: Report) -> Report:
    """The same report without what a recall doesn't need, and without the line that it was read from."""
    encode = msgspec.json.encode
    return msgspec.structs.replace(
        report,
        genes=msgspec.Raw(encode(genes_of(report))),
        dosing=msgspec.Raw(encode(doses_of(report))),
        activity=msgspec.Raw(bytes(report.activity)),
    )


def read(path: Path) -> Iterator[tuple[int, Report]]:
    """Each report with the number of its line; one line is held at a time.

    Raises `InputError` with the file and the line for what is no report.
    """
    found = False
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(_lines(lines, path), start=1):
                text = line.removeprefix(_BOM) if number == 1 else line
                if not text.strip():
                    continue
                found = True
                try:
                    yield number, _REPORT.decode(text)
                except FAULTS as error:
                    raise wrong(path, number, error) from None
    except OSError as error:
        raise InputError(f"{path.name}: could not be read: {error.strerror or error}.") from None
    if not found:
        raise InputError(f"{path.name}: contains no reports. Expected the output of azaward genotype --format json.")


def wrong(path: Path, number: int, error: Exception) -> InputError:
    """The one line for a line that is no report."""
    why = "not UTF-8" if isinstance(error, UnicodeDecodeError) else error
    return InputError(
        f"{path.name}:{number}: no report: {why}. Expected a line of azaward genotype --format json; "
        "write the file anew, or leave the line out."
    )


def _lines(lines: IO[bytes], path: Path) -> Iterator[bytes]:
    number = 0
    while line := lines.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise wrong(path, number, ValueError(f"the line is longer than {LONGEST_LINE >> 20} MiB"))
        yield line
