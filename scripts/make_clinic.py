"""Writes examples/clinic: 200 people on azathioprine who don't exist, some with a planted trouble.

Run: python scripts/make_clinic.py. tests/synthesis/test_clinic.py holds the files and the generator together.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path

from azaward.synthesis import TROUBLES, Person, synthesise, write_csv

FOLDER = Path(__file__).parent.parent / "examples" / "clinic"
PATIENTS = 200
SEED = 2026
AS_OF = dt.date(2026, 11, 23)
RESULTS_PER_PATIENT = 60

README = """# A synthetic clinic

{patients} people on azathioprine, as of {as_of}. **Nobody here exists**: they were made by
`scripts/make_clinic.py` from seed {seed}, and no record of a real patient went into them. Usual
levels, laboratories and the mix of illnesses are invented; noise from test to test follows
`biological_variation.csv`, and schedules, limits and doses follow the protocols of azaward's knowledge.

    azaward assess examples/clinic --as-of {as_of}

The six tables are those of every record. `troubles.csv` says what was planted in whom and which
finding must come of it: the rule, its code and the least urgency. {well} people have no trouble:
they come to their tests on time and inside the limits, so that whatever is above `routine` on them
is a false alarm. Their lives aren't dull: colds that passed, missed visits made up for, pregnancies,
carriers on half the dose, other medicines, three laboratories with their own units and ranges.

| trouble | people | what it is | found by | at least |
|---|---|---|---|---|
{rows}

| indication | people |
|---|---|
{indications}
"""


def people() -> list[Person]:
    """The people of the clinic."""
    return list(synthesise(PATIENTS, SEED, AS_OF, RESULTS_PER_PATIENT))


def readme(clinic: list[Person]) -> str:
    """What the folder's README says of its people."""
    troubles = Counter(person.planted.trouble for person in clinic)
    indications = Counter(str(person.tables["patients"][0][3]) for person in clinic)
    return README.format(
        patients=len(clinic),
        as_of=AS_OF,
        seed=SEED,
        well=troubles["none"],
        rows="\n".join(
            f"| {one.name} | {troubles[one.name]} | {one.about} | {one.rule} | {one.least_urgency} |"
            for one in TROUBLES
        ),
        indications="\n".join(f"| {name} | {count} |" for name, count in sorted(indications.items())),
    )


def main(folder: Path = FOLDER) -> None:
    """Writes the folder."""
    clinic = people()
    write_csv(clinic, folder)
    (folder / "README.md").write_text(readme(clinic), encoding="utf-8")


if __name__ == "__main__":
    main()
