"""`azaward check`: which medicines on a list matter to someone on azathioprine."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azaward.cli.edge import app, fail, load_knowledge, write

if TYPE_CHECKING:
    from azaward.knowledge import Knowledge
    from azaward.medicines.check import Facts


class Format(StrEnum):
    """The output formats."""

    text = "text"
    json = "json"


class Sex(StrEnum):
    """Sex as recorded."""

    female = "female"
    male = "male"


@app.command()
def check(
    medicines: Annotated[
        list[str] | None,
        typer.Argument(help="Names as on the pack or as people say them; ATC or RxNorm codes."),
    ] = None,
    list_: Annotated[
        Path | None,
        typer.Option("--list", help="A file with one medicine per line, or one patient's record; - for stdin."),
    ] = None,
    on: Annotated[
        str, typer.Option(help="Check against this medicine instead: mercaptopurine, mycophenolate, methotrexate, ...")
    ] = "azathioprine",
    dose: Annotated[float | None, typer.Option(help="Its dose, in mg a day.")] = None,
    weight: Annotated[float | None, typer.Option(help="Body weight, in kg.")] = None,
    egfr: Annotated[float | None, typer.Option(help="Kidney function (eGFR), in mL/min/1.73 m2.")] = None,
    age: Annotated[int | None, typer.Option(help="Age, in years.", min=0, max=130)] = None,
    sex: Annotated[Sex | None, typer.Option(help="Sex.")] = None,
    pregnant: Annotated[bool, typer.Option("--pregnant", help="The patient is pregnant.")] = False,
    tpmt: Annotated[str | None, typer.Option(help="TPMT phenotype: normal, intermediate, poor.")] = None,
    nudt15: Annotated[str | None, typer.Option(help="NUDT15 phenotype: normal, intermediate, poor.")] = None,
    indication: Annotated[str | None, typer.Option(help="The condition treated, such as crohns_disease.")] = None,
    format: Annotated[Format, typer.Option(help="Output format.")] = Format.text,
) -> None:
    """Check which medicines interact with azathioprine: what happens, what to do, for how long, and the source."""
    from azaward.errors import InputError, KnowledgeError
    from azaward.medicines import check as medicines_check
    from azaward.readers.medicine_list import read_list

    knowledge = load_knowledge()
    try:
        asked = [*(medicines or ()), *(read_list(list_, knowledge) if list_ is not None else ())]
        if not asked:
            raise typer.BadParameter("name a medicine, such as azaward check 'Zyloric 300 mg', or use --list FILE.")
        facts = _facts(knowledge, dose, weight, egfr, age, sex, pregnant, tpmt, nudt15, indication)
        found = medicines_check.check(asked, on, facts, knowledge)
    except (InputError, KnowledgeError, medicines_check.NotInQuestionError) as error:
        fail(str(error))
    if format is Format.json:
        write(medicines_check.to_json(found) + b"\n")
    else:
        from azaward.reports import check as check_report

        check_report.show(found)


def _facts(
    knowledge: Knowledge,
    dose: float | None,
    weight: float | None,
    egfr: float | None,
    age: int | None,
    sex: Sex | None,
    pregnant: bool,
    tpmt: str | None,
    nudt15: str | None,
    indication: str | None,
) -> Facts:
    """The options as facts. A value that can't be understood is an error: ignoring it would give false reassurance."""
    from azaward.errors import InputError
    from azaward.medicines.check import Facts

    for analyte, value in (("weight", weight), ("egfr", egfr)):
        about = knowledge.analytes[analyte]
        low, high = about.plausible_low or 0.0, about.plausible_high or float("inf")
        if value is not None and not low <= value <= high:
            raise InputError(f"--{analyte} {value:g}: expected {low:g} to {high:g} {about.unit}.")
    if dose is not None and not 0 < dose < float("inf"):
        raise InputError(f"--dose {dose:g}: expected a dose above 0, in mg a day.")
    if tpmt or nudt15 or indication:
        from azaward.knowledge.loading.words.vocabulary import vocabulary

        held = vocabulary(knowledge)
        for option, said in (("tpmt", tpmt), ("nudt15", nudt15)):
            if said and held.phenotype(said) is None:
                raise InputError(f"--{option} {said!r}: expected normal, intermediate, poor or indeterminate.")
        tpmt, nudt15 = (held.phenotype(said) if said else None for said in (tpmt, nudt15))
        known = held.indication(indication) if indication else None
        if indication and known is None:
            raise InputError(
                f"--indication {indication!r}: unknown indication. To list them: azaward knowledge show indications"
            )
        indication = known
    return Facts(
        dose_mg_per_day=dose,
        weight=weight,
        egfr=egfr,
        age=age,
        sex=sex.value if sex else None,
        pregnant=pregnant,
        tpmt=tpmt,
        nudt15=nudt15,
        indication=indication,
    )
