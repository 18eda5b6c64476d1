"""The figures of a service, worked out by hand for a few people, and held to the rules for many."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from typer.testing import CliRunner

from azaward.cli import app
from azaward.cohort.intervals import effective, quantiles, wilson
from azaward.cohort.nation import Nation
from azaward.cohort.quality.figures import Quality, Row, count, figures, quality
from azaward.cohort.quality.hidden import Sum, hidden
from azaward.cohort.quality.survival import treatments
from azaward.cohort.quality.tables import ACTED_ON, By, statements
from azaward.cohort.quality.to_html import page
from azaward.cohort.quality.words import DEFINITIONS
from azaward.cohort.source import find
from azaward.knowledge import Knowledge, load
from azaward.record.tables import Cell, Record
from azaward.synthesis import record_of, synthesise
from tests.arrow_tables import write_record
from tests.proof import rounds
from tests.records import AS_OF as AS_OF_RECORDS
from tests.records import drawn, people

KNOWLEDGE = load()
# Day 0 is the day of everybody's first tablet; the day that counts as today is day 151.
FIRST = dt.date(2026, 1, 1)
AS_OF = dt.date(2026, 6, 1)
DOCS = Path(__file__).parents[2] / "docs" / "cohort-quality.md"


def day(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


class Clinic:
    """A few people under bsr-2017: blood every 14 days to day 42, every 28 to day 126, every 84 after that."""

    def __init__(self) -> None:
        self.tables: dict[str, list[dict[str, Cell]]] = {
            name: [] for name in ("patients", "exposures", "results", "genotypes", "events")
        }

    def person(self, who: str, indication: str = "rheumatoid_arthritis", **more: Cell) -> None:
        row: dict[str, Cell] = {"patient_id": who, "birth_date": dt.date(1970, 1, 1), "sex": "male"}
        self.tables["patients"].append({**row, "indication": indication, **more})

    def takes(
        self, who: str, mg: float | None, start: int | None, stop: int | None = None, medicine: str = "azathioprine"
    ) -> None:
        days = {"started_on": None if start is None else day(start), "stopped_on": None if stop is None else day(stop)}
        self.tables["exposures"].append({"patient_id": who, "medicine": medicine, "dose_mg_per_day": mg, **days})

    def result(self, who: str, analyte: str, value: float, on: int, **more: Cell) -> None:
        unit = KNOWLEDGE.analytes[analyte].unit
        row: dict[str, Cell] = {"patient_id": who, "analyte": analyte, "value": value, "unit": unit, "status": "final"}
        self.tables["results"].append({**row, "taken_on": day(on), "ref_low": None, "ref_high": None, **more})

    def count(self, who: str, on: int, neutrophils: float = 3.0) -> None:
        """A full blood count."""
        self.result(who, "wbc", 6.0, on)
        self.result(who, "neutrophils", neutrophils, on)
        self.result(who, "platelets", 250.0, on)

    def event(self, who: str, kind: str, code: str, on: int | None) -> None:
        started = None if on is None else day(on)
        self.tables["events"].append({"patient_id": who, "kind": kind, "code": code, "started_on": started})

    def gene(self, who: str, gene: str, on: int) -> None:
        row: dict[str, Cell] = {"patient_id": who, "gene": gene, "phenotype": "Normal Metabolizer"}
        self.tables["genotypes"].append({**row, "method": "genotype", "reported_on": day(on)})

    def figures(self, folder: Path, by: Any = "none", suppress: int | None = None, share: int = 1000) -> Quality:
        return of(Record.of(self.tables), folder, by, suppress, share)


def written(record: Record, folder: Path) -> Path:
    folder.mkdir()
    write_record(record, folder)
    return folder


def of(
    record: Record,
    folder: Path,
    by: Any = "none",
    suppress: int | None = None,
    share: int = 1000,
    knowledge: Knowledge = KNOWLEDGE,
    as_of: dt.date = AS_OF,
) -> Quality:
    return quality(written(record, folder), as_of, knowledge, by, suppress, share=share)


def row(found: Quality, figure: str, *name: str, group: str | None = None) -> Row:
    """One row of a figure, of everyone or of a group."""
    rows = next(each.rows for each in found.figures if each.id == figure)
    (one,) = [
        each for each in rows if each.name == name and each.part == (group is not None) and group in (None, each.group)
    ]
    return one


def some(counts: Mapping[str, Any]) -> dict[str, Any]:
    """The outcomes that anything had."""
    return {outcome: n for outcome, n in counts.items() if n != 0}


# What one clinic's figures come to, by hand.


def test_tested_before_the_first_tablet(tmp_path: Path) -> None:
    clinic = Clinic()
    for who in ("whole", "part", "after", "none", "unknown"):
        clinic.person(who)
        clinic.takes(who, 100, None if who == "unknown" else 0)
    clinic.tables["exposures"][-1]["started_text"] = "in spring"
    clinic.person("planned")
    clinic.takes("planned", 100, None)
    clinic.count("whole", 0)  # on the day itself counts
    clinic.result("part", "wbc", 6.0, -1)
    clinic.count("after", 1)
    clinic.count("unknown", -400)
    clinic.gene("whole", "TPMT", -3)
    clinic.gene("after", "TPMT", 3)
    found = clinic.figures(tmp_path / "n")
    blood = row(found, "tested_before", "full_blood_count", "required")
    assert some(blood.counts) == {"tested": 1, "incomplete": 1, "not_tested": 2, "unknown": 1}
    assert (blood.of, blood.share) == (4, 0.25)
    interval = binomtest(1, 4).proportion_ci(method="wilson")
    assert blood.interval == pytest.approx((interval.low, interval.high))
    genes = row(found, "tested_before", "tpmt", "required")
    assert some(genes.counts) == {"tested": 1, "not_tested": 3, "unknown": 1}
    # Nobody has every test that is required; cervical screening concerns none of these men.
    assert row(found, "tested_before", "every_required_test", "required").counts["not_tested"] == 4
    assert some(row(found, "people").counts) == {"on_treatment": 4, "start_unknown": 1, "not_begun": 1}


def test_a_test_may_be_too_old(tmp_path: Path) -> None:
    """Where a protocol says how old a test may be: sps-nhs, by the file that ships, or none to say it of."""
    limited = [
        (protocol.id, line)
        for protocol in KNOWLEDGE.protocols.values()
        for line in protocol.lists["baseline"]
        if getattr(line, "within_days", None)
    ]
    for number, (protocol, line) in enumerate(limited):
        indications = [each.id for each in KNOWLEDGE.tables["indications"] if each.protocol == protocol]
        analytes = [
            each.code for each in KNOWLEDGE.tables["tests"] if each.test == line.test and each.satisfied_by == "analyte"
        ]
        if not indications or len(analytes) != 1:
            continue
        within = int(line.within_days)
        clinic = Clinic()
        for who, before in (("fresh", within), ("old", within + 1)):
            clinic.person(who, indications[0])
            clinic.takes(who, 100, 0)
            clinic.result(who, analytes[0], KNOWLEDGE.analytes[analytes[0]].plausible_high or 1.0, -before)
        found = clinic.figures(tmp_path / f"n{number}")
        asked = "required" if line.required else "suggested"
        assert some(row(found, "tested_before", line.test, asked).counts) == {"tested": 1, "too_old": 1}


def test_a_test_before_the_first_tablet_may_concern_few(tmp_path: Path) -> None:
    """Cervical screening under sps-nhs: for women of the ages of the programme, by their age on the first day."""
    ages = {name: int(KNOWLEDGE.parameters[name].value) for name in ("cervical_from_years", "cervical_until_years")}
    youngest, oldest = ages.values()
    asking = [
        one.id
        for one in KNOWLEDGE.protocols.values()
        for line in one.lists["baseline"]
        if line.test == "cervical_screening"
    ]
    indication = next(each.id for each in KNOWLEDGE.tables["indications"] if each.protocol in asking)
    clinic = Clinic()
    for who, years in (("just", youngest), ("young", youngest - 1), ("last", oldest), ("old", oldest + 1)):
        # A birthday the day before the first tablet.
        born = dt.date(2025 - years, 12, 31)
        clinic.person(who, indication, sex="female", birth_date=born)
        clinic.takes(who, 100, 0)
    rows = next(each.rows for each in clinic.figures(tmp_path / "n").figures if each.id == "tested_before")
    asked = [each for each in rows if each.name[0] == "cervical_screening"]
    assert sum(int(each.counts["not_tested"] or 0) for each in asked) == 2


def one_course() -> Clinic:
    """Blood counts on days 14, 30, 60 and 88 of a course that goes on; a baseline test before it."""
    clinic = Clinic()
    clinic.person("a")
    clinic.takes("a", 50, 0)
    clinic.count("a", -3)
    for on in (14, 30, 60, 88):
        clinic.count("a", on)
    return clinic


def test_tested_on_time_by_phase(tmp_path: Path) -> None:
    found = one_course().figures(tmp_path / "n")
    # Due 14: done 14. Due 28: done 30. Due 44: done 60, 16 days late, more than the interval of 14. Due 60 + 28 = 88:
    # done 88. Due 116: 35 days late today, more than 28.
    blood = row(found, "on_time", "full_blood_count")
    assert some(blood.counts) == {"on_time": 2, "late": 1, "missed": 2}
    assert (blood.of, blood.share) == (5, 0.4)
    assert blood.days is not None
    assert (blood.days.n, blood.days.median, blood.days.quartiles) == (3, 16, (2, 35))
    first = row(found, "on_time_by_phase", "bsr-2017", "until the dose has been stable for 6 weeks", "full_blood_count")
    # A first course is a rise from nothing too: the row of either has the same days, and the first by name is said.
    higher = row(found, "on_time_by_phase", "bsr-2017", "weeks 7 to 18", "full_blood_count")
    assert some(first.counts) == {"on_time": 1, "late": 1, "missed": 1}
    assert some(higher.counts) == {"on_time": 1, "missed": 1}


def test_the_longest_gap_and_the_days_up_to_date(tmp_path: Path) -> None:
    found = one_course().figures(tmp_path / "n")
    # Gaps of 14, 16, 30 and 28 days, and 63 since day 88.
    gap = row(found, "longest_gap", "full_blood_count").days
    assert gap is not None
    assert (gap.n, gap.median) == (1, 63)
    # Up to date: 14 + 14 of 16 + 14 of 30 + 28 + 28 of 63.
    days = row(found, "up_to_date", "full_blood_count")
    assert days.counts == {"covered": 98, "overdue": 53}


def test_a_higher_dose_asks_for_tests_again(tmp_path: Path) -> None:
    clinic = Clinic()
    clinic.person("a")
    clinic.takes("a", 50, 0, 130)
    clinic.takes("a", 100, 130)
    for on in (14, 28, 42, 70, 98, 126):
        clinic.count("a", on)
    found = clinic.figures(tmp_path / "n")
    # All on time, the last due day 210; raised on day 130, so due on day 144: 7 days late today.
    assert some(row(found, "on_time", "full_blood_count").counts) == {"on_time": 6, "late": 1}
    clinic.tables["exposures"][1]["dose_mg_per_day"] = 50
    lower = clinic.figures(tmp_path / "same")
    assert some(row(lower, "on_time", "full_blood_count").counts) == {"on_time": 6, "not_due": 1}


def test_in_a_pause_nothing_is_due(tmp_path: Path) -> None:
    clinic = Clinic()
    clinic.person("paused")
    clinic.takes("paused", 50, 0, 20)
    clinic.takes("paused", 50, 60)
    for on in (14, 60):
        clinic.count("paused", on)
    clinic.person("ended")
    clinic.takes("ended", 50, 0, 13)
    found = clinic.figures(tmp_path / "n")
    # 28 lies in the pause, so the day on which it ended counts, and there was a test. From 60 on: 74, not done by 151.
    # Who stopped on day 13 was never due.
    assert some(row(found, "on_time", "full_blood_count").counts) == {"on_time": 2, "missed": 1, "not_due": 1}
    gap = row(found, "longest_gap", "full_blood_count").days
    assert gap is not None
    assert (gap.n, gap.median, gap.quartiles) == (2, 52, (13, 91))


def test_an_unknown_start_is_its_own_column(tmp_path: Path) -> None:
    clinic = Clinic()
    clinic.person("u")
    clinic.takes("u", 50, None, 100)
    clinic.count("u", 14)
    found = clinic.figures(tmp_path / "n")
    blood = row(found, "on_time", "full_blood_count")
    assert some(blood.counts) == {"people_start_unknown": 1}
    assert (blood.of, blood.share) == (0, None)
    assert row(found, "live_vaccines").counts["none"] == 1
    assert found.treatment == []


def test_abnormal_results_acted_on(tmp_path: Path) -> None:
    """Neutrophils below 1.6 hold azathioprine back under bsr-2017."""
    clinic = Clinic()
    low = 1.5
    for who in ("stopped", "lowered", "again", "late", "never", "recent", "raised", "before"):
        clinic.person(who)
    clinic.takes("stopped", 100, 0, 22)
    clinic.takes("lowered", 100, 0, 27)
    clinic.takes("lowered", 50, 27)
    clinic.takes("raised", 50, 0, 22)
    clinic.takes("raised", 100, 22)
    for who in ("again", "late", "never", "recent", "before"):
        clinic.takes(who, 100, 0)
    for who in ("stopped", "lowered", "again", "late", "never", "raised"):
        clinic.count(who, 20, low)
    clinic.count("again", 23)
    clinic.count("late", 28)
    clinic.count("recent", 145, low)
    clinic.count("before", -1, low)
    clinic.count("before", 0, low)
    clinic.result("never", "neutrophils", 1.0, 30, status="entered-in-error")
    found = clinic.figures(tmp_path / "n")
    low_neutrophils = row(found, "acted_on", "neutrophils", "low")
    assert some(low_neutrophils.counts) == {
        "stopped": 1,  # after 2 days
        "lowered": 1,  # after 7
        "repeated": 1,  # after 3
        "later": 1,  # repeated after 8
        "not_yet": 2,  # a higher dose is no answer, nor is a result that was taken back
        "too_recent": 1,
    }
    assert (low_neutrophils.of, low_neutrophils.share) == (6, 0.5)
    assert low_neutrophils.days is not None
    assert (low_neutrophils.days.n, low_neutrophils.days.median) == (4, 5)
    assert low_neutrophils.days.quartiles == (2, 7)
    same_day = row(found, "acted_on_by_urgency", "same-day")
    assert same_day.counts == low_neutrophils.counts


def test_a_rise_from_an_earlier_value_is_abnormal_on_its_day(tmp_path: Path) -> None:
    """Creatinine more than 30% above the lowest of the last 365 days, under bsr-2017."""
    clinic = Clinic()
    for who, first in (("within", 40 - 365), ("outside", 40 - 366)):
        clinic.person(who)
        clinic.takes(who, 100, 0)
        clinic.result(who, "creatinine", 60, first)
        clinic.result(who, "creatinine", 78.1, 40)
        clinic.result(who, "creatinine", 70, 90)
    found = clinic.figures(tmp_path / "n")
    assert some(row(found, "acted_on", "creatinine", "high").counts) == {"later": 1}


def test_allopurinol(tmp_path: Path) -> None:
    clinic = Clinic()
    for who in ("never", "at once", "later", "low already", "unknown", "ended before"):
        clinic.person(who)
        clinic.result(who, "weight", 70, -5)
        stop = 20 if who == "ended before" else None
        clinic.takes(who, 100, 40 if stop is None else 5, stop, "allopurinol")
    clinic.takes("never", 100, 0)
    clinic.takes("at once", 100, 0, 40)
    clinic.takes("at once", 25, 40)
    clinic.takes("later", 100, 0, 50)
    clinic.takes("later", 25, 50)
    # A quarter of the usual 2 to 2.5 mg/kg at 70 kg is 43.75 mg.
    clinic.takes("low already", 43.75, 0)
    clinic.takes("unknown", None, 0)
    clinic.takes("ended before", 100, 30)
    found = row(clinic.figures(tmp_path / "n"), "allopurinol")
    assert some(found.counts) == {"by_that_day": 2, "later": 1, "never": 1, "unknown": 1}
    assert (found.of, found.share) == (4, 0.5)


def test_genes_and_live_vaccines(tmp_path: Path) -> None:
    clinic = Clinic()
    months = KNOWLEDGE.parameters["live_vaccine_months_after_stop"].value * 365.25 / 12
    before = KNOWLEDGE.parameters["live_vaccine_months_before_start"].value * 365.25 / 12
    given = {
        "on": 50,
        "soon": 10 + int(months),
        "late": 10 + int(months) + 1,
        "just before": -int(before),
        "long before": -int(before) - 1,
        "undated": None,
        "harmless": 50,
    }
    for who, on in given.items():
        clinic.person(who)
        clinic.takes(who, 100, 0, 10 if who in ("soon", "late") else None)
        clinic.event(who, "vaccination", "influenza" if who == "harmless" else "yellow_fever", on)
    clinic.gene("on", "TPMT", 5)
    clinic.gene("on", "NUDT15", 5)
    clinic.result("undated", "tpmt_activity", 80, 5, ref_low=60.0)
    found = clinic.figures(tmp_path / "n")
    assert some(row(found, "live_vaccines").counts) == {
        "on_treatment": 1,
        "soon_after": 1,
        "shortly_before": 1,
        "none": 3,
        "unknown": 1,
    }
    assert some(row(found, "genes", "TPMT").counts) == {"genotype": 1, "activity": 1, "not_known": 3}
    assert some(row(found, "genes", "NUDT15").counts) == {"genotype": 1, "not_known": 4}


def test_time_on_treatment_and_what_came_before_its_end(tmp_path: Path) -> None:
    clinic = Clinic()
    window = int(KNOWLEDGE.parameters["quality_before_stop_days"].value)
    ends: dict[str, int | None] = {"abnormal": 40, "ill": 60, "long ago": 80, "died": None, "on": None, "paused": 100}
    for who, stop in ends.items():
        clinic.person(who)
        clinic.takes(who, 100, 0, stop)
    clinic.takes("paused", 100, 120)
    clinic.count("abnormal", 40 - window, 1.5)
    clinic.event("abnormal", "symptom", "nausea", 39)
    clinic.event("ill", "infection", "pneumonia", 60 - window)
    clinic.event("long ago", "infection", "pneumonia", 80 - window - 1)
    clinic.event("died", "condition", "deceased", 90)
    (found,) = clinic.figures(tmp_path / "n").treatment
    assert some(found.reasons) == {"died": 1, "abnormal_result": 1, "infection": 1, "not_known": 1}
    assert (found.people, found.still_on) == (6, 2)
    # After 91.3 days four of six have stopped; 2/6 are left.
    three = next(point for point in found.points if point.months == 3)
    assert (three.at_risk, three.still_on) == (2, pytest.approx(2 / 6, abs=1e-6))
    assert three.stopped_after == pytest.approx(
        {"died": 1 / 6, "abnormal_result": 1 / 6, "infection": 1 / 6, "not_known": 1 / 6}, abs=1e-6
    )


def test_who_is_watched_no_longer_leaves_the_others_their_share() -> None:
    """Two stop on day 40 of four; one is censored on day 30: 1 - 2/3, not 1 - 2/4."""
    (found,) = treatments({"all": {("still_on", 30): 1, ("not_known", 40): 2, ("still_on", 400): 1}}, None)
    assert next(point.still_on for point in found.points if point.months == 3) == pytest.approx(1 / 3, abs=1e-6)
    assert found.median_days == 40


def test_a_record_that_contradicts_itself_is_counted_as_nothing(tmp_path: Path) -> None:
    clinic = one_course()
    clinic.person("a", birth_date=dt.date(1980, 1, 1))
    found = clinic.figures(tmp_path / "n")
    assert some(row(found, "people").counts) == {"contradictory": 1}
    assert row(found, "tested_before", "full_blood_count", "required").counts["unknown"] == 1


# The whole, its groups and its shares.


@pytest.fixture(scope="module")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(record_of(synthesise(160, 5, AS_OF, 60)), tmp_path_factory.mktemp("q") / "people")


@lru_cache(maxsize=8)
def counted(nation: Path, by: By) -> Any:
    """The nation's counts, from which figures are made: the counting is most of the work."""
    return count(nation, AS_OF, KNOWLEDGE, by)


def of_nation(nation: Path, by: By = "none", suppress: int | None = None) -> Quality:
    counts, aside = counted(nation, by)
    return figures(counts, AS_OF, KNOWLEDGE, by, suppress, aside)


def test_figures_are_made_of_the_counts(nation: Path) -> None:
    assert quality(nation, AS_OF, KNOWLEDGE, suppress=6) == of_nation(nation, suppress=6)


@pytest.mark.parametrize("by", ["clinic", "protocol", "year"])
def test_groups_add_up_to_the_whole(nation: Path, by: Any) -> None:
    found = of_nation(nation, by)
    assert len(found.groups) > 2
    for figure in found.figures:
        whole: Counter[Any] = Counter()
        parts: Counter[Any] = Counter()
        for each in figure.rows:
            target = parts if each.part else whole
            for outcome, n in each.counts.items():
                assert isinstance(n, int)
                target[each.name, outcome] += n
            target[each.name, "days"] += 0 if each.days is None else int(each.days.n or 0)
        assert parts == whole, figure.id
    everyone, *groups = found.treatment
    assert sum(int(each.people) for each in groups) == everyone.people
    assert of_nation(nation).figures[0].rows == [each for each in found.figures[0].rows if not each.part]


def test_the_size_of_shares_changes_nothing(nation: Path) -> None:
    few = quality(nation, AS_OF, KNOWLEDGE, "year", share=rounds(55, 17))
    assert few == of_nation(nation, "year")


# What is counted is what the rules see.


def histories(record: Record, folder: Path, as_of: dt.date) -> Nation:
    """The tables behind the figures, for one share of everybody."""
    held = Nation(find(written(record, folder)), KNOWLEDGE, 1000, folder)
    (share,) = held.shares(10_000)
    held.assess(share, as_of, None)
    for sql in statements(KNOWLEDGE, "none"):
        held.run(sql)
    return held


SAME = {
    "the first day": "SELECT p.patient_id FROM s_person AS p JOIN q_who AS w USING (patient_id) "
    "WHERE w.sure AND p.started_day IS DISTINCT FROM w.first_day",
    "the last rise of the dose": "SELECT p.patient_id FROM s_person AS p JOIN q_who AS w USING (patient_id) "
    "JOIN (SELECT patient_id, max(start_day) AS day FROM q_steps WHERE rose GROUP BY ALL) AS q USING (patient_id) "
    "WHERE w.sure AND p.increased_day IS DISTINCT FROM q.day",
    "who is on treatment": "SELECT p.patient_id FROM s_person AS p JOIN q_who AS w USING (patient_id) "
    "LEFT JOIN (SELECT patient_id, NOT bool_and(stopped) AS running FROM q_spells GROUP BY ALL) AS q "
    "USING (patient_id) WHERE w.sure AND NOT p.deceased AND (p.status = 'on') <> coalesce(q.running, false)",
    "when a test was complete": "SELECT d.patient_id FROM s_done AS d "
    "JOIN (SELECT patient_id, test, max(oldest_day) AS day "
    "FROM q_done GROUP BY ALL) AS q ON d.patient_id = q.patient_id AND d.test = q.test "
    "WHERE d.done_day IS DISTINCT FROM q.day",
    # A rise before the last one may still ask for a test; the rule asks by the last alone.
    "when a test is due": "SELECT d.patient_id FROM s_due AS d JOIN q_who AS w USING (patient_id) "
    "LEFT JOIN (SELECT patient_id, test, max_by(due_day, from_day) AS day FROM q_asked GROUP BY ALL) AS q "
    "ON d.patient_id = q.patient_id AND d.test = q.test WHERE w.sure AND coalesce(q.day > d.due_day, true) "
    "AND NOT EXISTS (FROM q_anchors AS a WHERE a.patient_id = d.patient_id AND a.since = 'risk')",
    "what is abnormal on the last day": "WITH last AS "
    "(SELECT patient_id, analyte::VARCHAR AS analyte, day FROM s_latest), "
    "rule AS (SELECT DISTINCT f.patient_id, f.subject AS analyte, f.code = 'limit_low' AS downward FROM findings AS f "
    "JOIN q_who AS w USING (patient_id) JOIN last AS l ON f.patient_id = l.patient_id AND f.subject = l.analyte "
    "JOIN q_spells AS s ON f.patient_id = s.patient_id AND l.day > s.start_day AND l.day <= s.until_day "
    f"WHERE w.sure AND w.status = 'on' AND f.rule = 'limits' AND f.code LIKE 'limit_%' AND f.action IN {ACTED_ON}), "
    "own AS (SELECT DISTINCT a.patient_id, a.analyte, a.downward FROM q_abnormal AS a JOIN last AS l "
    "ON a.patient_id = l.patient_id AND a.analyte = l.analyte AND a.day = l.day "
    "JOIN q_who AS w ON a.patient_id = w.patient_id WHERE w.status = 'on') "
    "(FROM rule EXCEPT FROM own) UNION ALL (FROM own EXCEPT FROM rule)",
}


def test_histories_end_where_the_rules_are(tmp_path: Path) -> None:
    held = histories(record_of(synthesise(400, 6, AS_OF)), tmp_path / "people", AS_OF)
    assert len(held.rows("FROM q_abnormal")) > 20
    for what, sql in SAME.items():
        assert not held.rows(sql), what


def test_many_odd_histories_end_where_the_rules_are(tmp_path: Path) -> None:
    held = histories(drawn(rounds(200, 3000)), tmp_path / "people", AS_OF_RECORDS)
    for what, sql in SAME.items():
        assert not held.rows(sql), what


# A few at a time, so that the smallest that is wrong is shown.
@settings(max_examples=rounds(8, 300), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people(most=8))
def test_odd_histories_end_where_the_rules_are(tmp_path_factory: pytest.TempPathFactory, record: Record) -> None:
    folder = tmp_path_factory.mktemp("odd") / "people"
    held = histories(record, folder, AS_OF_RECORDS)
    for what, sql in SAME.items():
        assert not held.rows(sql), what


def test_windows_are_those_of_the_knowledge(tmp_path: Path) -> None:
    """The two numbers of parameters.csv that are ours: 7 days to act, 28 days before the last tablet."""
    assert KNOWLEDGE.parameters["quality_acted_within_days"].value == 7
    assert KNOWLEDGE.parameters["quality_before_stop_days"].value == 28
    found = one_course().figures(tmp_path / "n")
    assert "in time: 7 days" in next(each.window for each in found.figures if each.id == "acted_on")


# Intervals.


def test_intervals_are_those_of_the_library() -> None:
    for x, n in ((0, 5), (3, 7), (50, 50), (123, 4567)):
        interval = binomtest(x, n).proportion_ci(method="wilson")
        assert wilson(x / n, n) == pytest.approx((interval.low, interval.high))


def test_tests_of_one_person_are_not_many_people() -> None:
    """Ten people, half always on time, half never, ten tests each: as sure as of ten people, not of a hundred."""
    sure = effective(x=50, n=100, people=10, xx=5 * 100, xn=5 * 100, nn=10 * 100)
    assert sure == pytest.approx(9)
    # All on time says nothing of how they cluster.
    assert effective(x=100, n=100, people=10, xx=1000, xn=1000, nn=1000) == 10
    assert effective(x=5, n=10, people=10, xx=5, xn=5, nn=10) == 10


def test_medians() -> None:
    found = quantiles(dict.fromkeys(range(1, 11), 1))
    assert found is not None
    # The 2nd and the 9th of ten hold the median in 97.9% of samples, the 3rd and 8th in 89.1%.
    assert (found.median, found.low, found.high, found.q1, found.q3, found.p90) == (5.5, 2, 9, 3, 8, 9)
    assert quantiles({}) is None


# Small numbers.


def test_small_numbers_are_hidden_and_what_gives_them_away(tmp_path: Path) -> None:
    clinic = Clinic()
    for number in range(20):
        clinic.person(f"p{number}")
        clinic.takes(f"p{number}", 100, 0)
        if number < 3:
            clinic.count(f"p{number}", -1)
        elif number < 10:
            clinic.result(f"p{number}", "wbc", 6.0, -1)
    blood = row(clinic.figures(tmp_path / "n", suppress=5), "tested_before", "full_blood_count", "required")
    # 3 tested, 7 incomplete, 10 not: the 7 would give the 3 away.
    assert some(blood.counts) == {"tested": "<5", "incomplete": "hidden", "not_tested": 10}
    assert (blood.of, blood.share, blood.interval) == (20, None, None)
    open_ = row(clinic.figures(tmp_path / "open"), "tested_before", "full_blood_count", "required")
    assert some(open_.counts) == {"tested": 3, "incomplete": 7, "not_tested": 10}


def test_a_group_can_not_be_worked_out_from_the_whole(tmp_path: Path) -> None:
    clinic = Clinic()
    for number in range(30):
        clinic.person(f"p{number}", clinic="small" if number < 2 else "large" if number < 20 else "middle")
        clinic.takes(f"p{number}", 100, 0)
    found = clinic.figures(tmp_path / "n", by="clinic", suppress=5)
    counts = {each.group: each.counts["on_treatment"] for each in found.figures[0].rows}
    assert counts == {"all": 30, "large": 18, "middle": "hidden", "small": "<5"}
    survival = {each.group: each.people for each in found.treatment}
    assert survival == {"all": 30, "large": 18, "middle": "hidden", "small": "<5"}


def test_many_tests_of_few_people_are_hidden_too(tmp_path: Path) -> None:
    found = one_course().figures(tmp_path / "n", suppress=5)
    assert set(some(row(found, "on_time", "full_blood_count").counts).values()) <= {"<5", "hidden"}
    days = row(found, "up_to_date", "full_blood_count")
    assert set(days.counts.values()) == {"hidden"}
    assert found.patients == "<5"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 12), min_size=3, max_size=3), min_size=1, max_size=5), st.integers(2, 8))
# One that several sums determine together, with nothing left to hide in its own.
@example([[1, 0, 0], [1, 0, 1], [2, 1, 1]], 2)
@example([[3, 0, 3], [1, 3, 3], [0, 0, 1]], 2)
@example([[0, 0, 2], [8, 4, 11], [0, 10, 4]], 6)
def test_no_hidden_number_follows_from_those_that_are_shown(table: list[list[int]], limit: int) -> None:
    """Rows and columns with their totals: what is left open by all sums together is every hidden cell."""
    cells: dict[Any, int] = {(r, c): n for r, line in enumerate(table) for c, n in enumerate(line)}
    sums: list[Sum] = []
    for r, line in enumerate(table):
        cells[r, "of"] = sum(line)
        sums.append(Sum(((r, "of"),), tuple((r, c) for c in range(3))))
    for c in (0, 1, 2, "of"):
        cells["all", c] = sum(cells[r, c] for r in range(len(table)))
        sums.append(Sum((("all", c),), tuple((r, c) for r in range(len(table)))))
    sums.append(Sum((("all", "of"),), tuple(("all", c) for c in range(3))))
    gone = hidden(cells, sums, limit)
    assert all(cell in gone for cell, n in cells.items() if 0 < n < limit)
    assert all(cells[cell] > 0 for cell in gone)
    unknown = sorted(gone, key=str)
    equations = np.array(
        [[(cell in one.left) * 1.0 - (cell in one.right) * 1.0 for cell in unknown] for one in sums]
    ).reshape(len(sums), len(unknown))
    rank = np.linalg.matrix_rank(equations) if unknown else 0
    for place in range(len(unknown)):
        own = np.zeros((1, len(unknown)))
        own[0, place] = 1
        assert np.linalg.matrix_rank(np.vstack([equations, own])) > rank, (unknown[place], cells)


def test_no_small_count_of_people_is_in_any_answer(nation: Path) -> None:
    by_nothing_clinic_and_year: tuple[By, ...] = ("none", "clinic", "year")
    for by in by_nothing_clinic_and_year:
        found = of_nation(nation, by, suppress=6)
        for figure in found.figures:
            for each in figure.rows:
                shown = [*each.counts.values(), each.of, None if each.days is None else each.days.n]
                assert not [n for n in shown if isinstance(n, int) and 0 < n < 6], (figure.id, each)
        for each in found.treatment:
            shown = [each.people, each.still_on, *each.reasons.values(), *(point.at_risk for point in each.points)]
            assert not [n for n in shown if isinstance(n, int) and 0 < n < 6], each
            assert each.curve == []
        assert found.set_aside == {}
        small = re.findall(r'<td class="number">([1-5])</td>', page(found, KNOWLEDGE))
        assert not small


# The command, its page and its failures.


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["cohort", "quality", *words, "--as-of", AS_OF.isoformat()])


def test_the_command_gives_json_and_a_page(nation: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    result = run(str(nation), "--by", "protocol", "--html", str(out))
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["patients"] == 160
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r'(src|href)="(?!#)', text)
    assert " style=" not in text
    assert "default-src 'none'" in text
    assert text.count("<th") == text.count("<th scope=") + text.count("<thead")
    for figure in found["figures"]:
        assert f'<h2 id="{figure["id"]}-title">{figure["title"]}</h2>' in text
        for each in figure["rows"]:
            if each["share"] is not None and not each["part"] and 0.001 < each["share"] < 0.999:
                assert f"{each['share']:.1%} (" in text, each
    assert '<path class="curve"' in text
    assert not list(tmp_path.glob(".page*"))


def test_words_of_the_record_are_escaped(tmp_path: Path) -> None:
    clinic = one_course()
    clinic.tables["patients"][0]["clinic"] = "<script>alert(1)</script>"
    text = page(clinic.figures(tmp_path / "n", by="clinic"), KNOWLEDGE)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_clinic_may_be_called_all(tmp_path: Path) -> None:
    clinic = one_course()
    clinic.tables["patients"][0]["clinic"] = "all"
    found = clinic.figures(tmp_path / "n", by="clinic")
    assert [(each.group, each.part, each.counts["on_treatment"]) for each in found.figures[0].rows] == [
        ("all", False, 1),
        ("all", True, 1),
    ]


def test_without_a_clinic_there_is_nothing_to_group_by(nation: Path, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    for path in nation.glob("*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(["clinic"]) if "clinic" in table.column_names else table, folder / path.name)
    result = run(str(folder), "--by", "clinic")
    assert result.exit_code == 1
    assert "no column 'clinic'" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


def test_a_folder_or_a_page_that_can_not_be_used(nation: Path, tmp_path: Path) -> None:
    result = run(str(tmp_path / "nothing"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no such folder" in result.stderr
    result = run(str(nation), "--html", str(tmp_path / "no" / "page.html"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "can't be written" in result.stderr


def test_nobody_has_no_figures_and_a_page(tmp_path: Path) -> None:
    found = of(Record({name: [] for name in Record.of({}).rows}), tmp_path / "nobody")
    assert found.patients == 0
    assert "Nobody in this folder" in page(found, KNOWLEDGE)


def test_bad_rows_are_set_aside_and_counted(tmp_path: Path) -> None:
    clinic = one_course()
    folder = written(Record.of(clinic.tables), tmp_path / "n")
    results = pq.read_table(folder / "results.parquet").to_pylist()
    results[-1]["taken_on"] = None
    results[0]["unit"] = None
    pq.write_table(pa.Table.from_pylist(results), folder / "results.parquet")
    found = quality(folder, AS_OF, KNOWLEDGE)
    assert found.set_aside == {"result_no_date": 1, "result_no_unit": 1}
    # The last count, on day 88, is now without platelets: no full blood count.
    assert some(row(found, "on_time", "full_blood_count").counts) == {"on_time": 1, "late": 1, "missed": 2}


def test_every_figure_is_defined_in_the_docs() -> None:
    text = " ".join(DOCS.read_text(encoding="utf-8").split())
    for about in DEFINITIONS.values():
        assert about.title in text
