"""Hypothesis strategies for records: odd ones too, with ties in time, missing cells, comparators and nonsense."""

from __future__ import annotations

import datetime as dt

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azaward.knowledge import load
from azaward.record import Record

AS_OF = dt.date(2026, 6, 1)
_KNOWLEDGE = load()
ANALYTES = (
    "wbc",
    "neutrophils",
    "lymphocytes",
    "platelets",
    "haemoglobin",
    "mcv",
    "alt",
    "alp",
    "creatinine",
    "egfr",
    "tgn",
    "mmp",
    "lipase",
    "weight",
    "hbsag",
    "temperature",
    "tpmt_activity",
)
UNITS = {analyte: _KNOWLEDGE.analytes[analyte].unit for analyte in ANALYTES}
LEVELS = {
    "wbc": 5.0,
    "neutrophils": 3.0,
    "lymphocytes": 1.5,
    "platelets": 230.0,
    "haemoglobin": 135.0,
    "mcv": 95.0,
    "alt": 30.0,
    "alp": 80.0,
    "creatinine": 80.0,
    "egfr": 80.0,
    "tgn": 300.0,
    "mmp": 2000.0,
    "lipase": 40.0,
    "weight": 70.0,
    "temperature": 37.0,
    "tpmt_activity": 80.0,
}

days = st.integers(-1500, 3).map(lambda back: AS_OF + dt.timedelta(days=back))
maybe_days = st.none() | days
_odd_units = st.sampled_from([None, "", "g/L", "10*3/uL", "furlong", "U/L"])


@st.composite
def results(draw: st.DrawFn) -> dict[str, object]:
    analyte = draw(st.sampled_from(ANALYTES))
    level = LEVELS.get(analyte)
    if level is None:
        value, text = None, draw(st.sampled_from(["negative", "positive", "non-reactive", "see report", None]))
    else:
        # Few distinct values, so that ties and boundary values happen.
        value = draw(st.none() | st.sampled_from([0.0, 0.02, 0.2, 0.5, 0.7, 0.9, 1.0, 1.3, 2.0, 4.0, 300.0])) or None
        value, text = (None if value is None else round(level * value, 4)), draw(st.none() | st.just("haemolysed"))
    usual = st.just(UNITS[analyte])
    return {
        "analyte": analyte,
        "value": value,
        "text": text,
        "comparator": draw(st.sampled_from([None, None, None, "<", ">", "<=", ">="])),
        "unit": draw(usual | usual | usual | _odd_units),
        "ref_low": draw(st.none() | st.just(level and level * 0.5)),
        "ref_high": draw(st.none() | st.just(level and level * 1.5)),
        "taken_on": draw(maybe_days),
        "status": draw(st.sampled_from(["final", "final", "amended", "entered-in-error", "preliminary", None])),
        "origin": None,
    }


exposures = st.fixed_dictionaries(
    {
        "medicine": st.sampled_from(
            [
                "azathioprine",
                "azathioprine",
                "azathioprine",
                "mercaptopurine",
                "allopurinol",
                "prednisolone",
                "mesalazine",
                "warfarin",
                "sulfamethoxazole",
                "unknown:green drops",
            ]
        ),
        "dose_mg_per_day": st.sampled_from([None, 0.0, 5.0, 25.0, 50.0, 100.0, 150.0, 400.0]),
        "frequency": st.sampled_from([None, None, "morning", "evening"]),
        "started_on": maybe_days,
        "stopped_on": st.none() | maybe_days,
        "started_text": st.sampled_from([None, None, None, "in spring"]),
        "origin": st.sampled_from([None, "exposures.csv line 2", "exposures.csv line 3"]),
    }
)
genotypes = st.fixed_dictionaries(
    {
        "gene": st.sampled_from(["TPMT", "NUDT15"]),
        "phenotype": st.sampled_from(
            [
                None,
                "Normal Metabolizer",
                "Intermediate Metabolizer",
                "Poor Metabolizer",
                "Possible Intermediate Metabolizer",
                "Indeterminate",
            ]
        ),
        "method": st.sampled_from(["genotype", "activity"]),
        "reported_on": maybe_days,
    }
)
events = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(
            [
                "symptom",
                "infection",
                "exposure_to_infection",
                "vaccination",
                "pregnancy",
                "transfusion",
                "procedure",
                "condition",
            ]
        ),
        "code": st.sampled_from(
            [
                "fever",
                "varicella",
                "measles",
                "yellow_fever",
                "influenza",
                "transfusion",
                "surgery",
                "skin_check",
                "sore throat",
            ]
        ),
        "started_on": maybe_days,
        "ended_on": st.none() | maybe_days,
    }
)
contacts = st.fixed_dictionaries({"kind": st.sampled_from(["attended", "did_not_attend"]), "on": days})
patients = st.fixed_dictionaries(
    {
        "birth_date": st.none() | st.sampled_from([dt.date(1950, 6, 1), dt.date(1985, 12, 31), dt.date(2012, 6, 2)]),
        "sex": st.sampled_from(["female", "male", "unknown"]),
        "indication": st.sampled_from(
            [None, "crohns_disease", "rheumatoid_arthritis", "kidney_transplant", "atopic_eczema", "green knees"]
        ),
    }
)


@st.composite
def one_person(draw: st.DrawFn, patient_id: str = "p1") -> dict[str, list[dict[str, object]]]:
    """The six tables of one person."""
    tables: dict[str, list[dict[str, object]]] = {
        "patients": draw(st.lists(patients, min_size=1, max_size=1)),
        "exposures": draw(st.lists(exposures, max_size=4)),
        "results": draw(st.lists(results(), max_size=14)),
        "genotypes": draw(st.lists(genotypes, max_size=3)),
        "events": draw(st.lists(events, max_size=3)),
        "contacts": draw(st.lists(contacts, max_size=3)),
    }
    return {name: [{"patient_id": patient_id, **row} for row in rows] for name, rows in tables.items()}


@st.composite
def people(draw: st.DrawFn, most: int = 3) -> Record:
    """A record of a few people."""
    tables: dict[str, list[dict[str, object]]] = {}
    for number in range(draw(st.integers(1, most))):
        for name, rows in draw(one_person(f"p{number}")).items():
            tables.setdefault(name, []).extend(rows)
    return Record.of(tables)  # pyright: ignore[reportArgumentType]


def drawn(count: int) -> Record:
    """Many odd people at once, always the same, for engines that take long to begin."""
    tables: dict[str, list[dict[str, object]]] = {}
    numbers = iter(range(1, 10 * count))

    @settings(max_examples=count, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(one_person("one"))
    def collect(person: dict[str, list[dict[str, object]]]) -> None:
        patient_id = f"d{next(numbers):05d}"
        for name, rows in person.items():
            tables.setdefault(name, []).extend({**row, "patient_id": patient_id} for row in rows)

    collect()
    return Record.of(tables)  # pyright: ignore[reportArgumentType]
