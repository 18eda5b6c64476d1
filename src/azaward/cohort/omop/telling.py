"""Gathers what a translated CDM leaves out or reads with care: of each person, and in total.

Each total names how many rows of how many people it concerns, and the first of them; each person's line does so for
that person's rows. All lines of people stay in DuckDB, so that their number doesn't matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from azaward import parquet
from azaward.cohort.omop import said
from azaward.cohort.omop.source import COLUMNS, NOT_READ, WITHOUT, Earliest, others
from azaward.cohort.omop.tables import KINDS, worded_sql
from azaward.cohort.omop.words import Meaning, OmopWords
from azaward.cohort.written import ASIDE_COLUMNS
from azaward.knowledge import Knowledge
from azaward.parquet import sql_path
from azaward.readers.rows import RowReader
from azaward.record.names import is_recognised
from azaward.record.tables import SetAside

_TOGETHER = 10_000
_COMBINATIONS = {"cdm": "VARCHAR", "w": "INTEGER"}
_OF_TESTS = ("measurement", "observation")


class Telling:
    """What is said of one CDM folder, beside its six tables."""

    def __init__(self, database: Any, knowledge: Knowledge, folder: Path, there: set[str], earliest: Earliest) -> None:
        self._database, self._knowledge, self._folder, self._there = database, knowledge, folder, there
        self._earliest = earliest
        self._after_death = int(knowledge.parameters["omop_days_after_death"].value)
        self._asides: list[SetAside] = []
        # Combinations of words that are read by the source's word alone, or that mean nothing.
        self._unlisted: list[tuple[str, int]] = []
        self._unknown: list[int] = []

    def begin(self, words: OmopWords) -> None:
        """With the words of the folder's concepts."""
        self._words = words
        for name in COLUMNS:
            if name not in self._there:
                self.aside("missing_table", str(self._folder), f"OMOP table {name}", f"missing: {WITHOUT[name]}")
        why = "a CDM holds no missed visits: nobody is known to stay away"
        self.aside("missing_table", str(self._folder), "contacts", why)

    def aside(self, kind: str, where: str, what: str, why: str, patient_id: str | None = None) -> None:
        """Sets an item aside: of one person, or of the folder."""
        self._asides.append(SetAside(where, what, why, patient_id, kind))

    def understood(self, table: str, w: int, words: Sequence[Any], meant: Sequence[Meaning]) -> None:
        """Notes what came of one combination of words."""
        concept, source_concept, *_ = words
        unknown = not meant or any(each.kind == "doubt" or not is_recognised(each.code) for each in meant)
        if unknown:
            self._unknown.append(w)
        elif concept is not None and not self._words.is_known(concept, source_concept):
            self._unlisted.append((table, w))

    def unmapped(self, table: str) -> None:
        """The totals of what means nothing to azaward, by combination of concepts."""
        unknown, self._unknown = self._unknown, []
        if not unknown:
            return
        parquet.create(self._database, "unmapped_", {"w": "INTEGER"}, [[w] for w in unknown])
        whose = "" if table == "drug_exposure" else "SEMI JOIN cohort USING (person_id) "
        rows = self._database.execute(
            f"SELECT w.concept, w.source_concept, w.source, count(*), min(r.{KINDS[table].row}), "
            f"count(DISTINCT r.person_id) {worded_sql(table)} SEMI JOIN unmapped_ AS u ON u.w = w.w "
            f"{whose}GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        drug = table == "drug_exposure"
        short = table.removesuffix("_occurrence").removesuffix("_exposure")
        why = (
            "not a medicine that azaward knows: kept under its name, not checked against anything. Name its ingredient."
            if drug
            else "not something that azaward acts on: left out. If it is, map it to a code of analytes.csv, "
            "indications.csv or events.csv."
        )
        for concept, source_concept, source, n, first, people in rows:
            name = self._words.name(concept) or self._words.name(source_concept)
            said_ = (f"concept {concept or 0}", repr(name) if name else "", f"source {source!r}" if source else "")
            where = f"{table} {KINDS[table].row} {first}{_more(n)}"
            what = " ".join(part for part in said_ if part)
            self.aside(f"omop_unmapped_{short}", where, what, f"{_many(n, people)}: {why}")

    def write(self, tables: Path, target: Path) -> None:
        """Works out what is left to say, with the translated `tables` there, and writes all of it."""
        self._run(said.TOLD)
        self._run(said.LIVES.format(earliest=self._earliest.past))
        self._dates()
        self._values(f"read_parquet({sql_path(tables / 'results.parquet')})")
        self._combinations()
        self._units()
        self._nobody()
        self._not_read()
        self._about_people()
        self._totals()
        matters = [(kind, _kind(matter), matter.why) for kind, matter in said.MATTERS.items()]
        parquet.create(self._database, "matters", dict.fromkeys(("kind", "as_kind", "why"), "VARCHAR"), matters)
        rows = [[getattr(row, name) for name in ASIDE_COLUMNS] for row in self._asides]
        parquet.create(self._database, "asides", dict.fromkeys(ASIDE_COLUMNS, "VARCHAR"), rows)
        more = "CASE WHEN t.n > 1 THEN ' and ' || (t.n - 1) || ' more' ELSE '' END"
        parquet.write(
            self._database,
            'SELECT kind, patient_id, "where", what, why FROM asides UNION ALL '
            f"SELECT m.as_kind, t.person_id, t.place || {more}, t.what, m.why "
            "FROM told AS t JOIN matters AS m USING (kind) "
            'ORDER BY patient_id NULLS FIRST, kind, "where", what',
            target,
        )

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

    def _tell(self, kind: str, rows: str) -> None:
        self._run(said.tell(kind, rows))

    def _dates(self) -> None:
        """Days that can't be, and rows outside the time in which a person was followed."""
        for table in KINDS:
            self._run(said.checked_sql(table).format(after_death=self._after_death))
            self._run(said.outside_sql(table))
            (odd,) = self._run(f"SELECT count(*) FROM checked_{table} WHERE is_odd").fetchone()
            if odd:
                self._run(said.odd_sql(table).format(after_death=self._after_death))
                for kind, rows in said.dates_sql(table):
                    self._tell(kind, rows.format(after_death=self._after_death))
        self._tell("omop_death_undated", said.DEATH)
        self._tell("omop_sex_in_words", said.SEX)
        self._tell("omop_unreadable_date", said.BIRTH)

    def _values(self, results: str) -> None:
        self._tell("omop_unreadable_number", said.NUMBERS)
        self._tell("omop_single_day", said.SINGLE_DAYS)
        self._tell("omop_two_values", said.two_values_sql(results))
        for table in _OF_TESTS:
            self._tell("omop_doubtful_test", said.doubtful_sql(table, results))

    def _combinations(self) -> None:
        """Rows whose words were noted when they were read, and words that somebody has to read."""
        parquet.create(self._database, "unlisted", _COMBINATIONS, self._unlisted)
        for table in dict(self._unlisted):
            self._tell("omop_unlisted_concept", said.unlisted_sql(table))
        columns = {**_COMBINATIONS, "name": "VARCHAR", "said": "VARCHAR"}
        parquet.create(self._database, "serious", columns)
        for table in _OF_TESTS:
            answer = self._database.cursor().execute(said.words_of_unknown_sql(table))
            while rows := answer.fetchmany(_TOGETHER):
                serious = [(table, w, name, words) for name, words, w in rows if self._is_serious(name, words)]
                parquet.fill(self._database, "serious", columns, serious)
            self._tell("omop_serious_words", said.serious_sql(table))

    def _is_serious(self, name: str, words: str) -> bool:
        """Whether the record's own reader wants somebody to read the words of an unknown test."""
        reader = RowReader(self._knowledge)
        reader.add("results", {"patient_id": "x", "analyte": name, "text": words, "status": "final"}, "")
        return any(item.patient_id for item in reader.set_aside)

    def _units(self) -> None:
        rows = self._run(
            "SELECT analyte, concept, source, count(*), min(origin), count(DISTINCT person_id) "
            f"FROM ({said.TWO_UNITS}) GROUP BY ALL ORDER BY ALL"
        )
        for analyte, concept, source, n, place, people in rows.fetchall():
            what = f"{analyte}: unit concept {concept} {self._words.name(concept) or ''} and source {source!r}"
            why = f"{_many(n, people)}: two units that differ: none is used. Correct one of them."
            self.aside("omop_two_units", place + _more(n), what, why)

    def _nobody(self) -> None:
        """Rows that name no person."""
        for table in (*KINDS, "person", "death"):
            (n,) = self._run(f"SELECT count(*) FROM cdm_{table} WHERE person_id IS NULL").fetchone()
            if n:
                why = "whose they are is unknown: left out. Enter the person_id."
                self.aside("no_id", table, f"{n} rows without person_id", why)

    def _not_read(self) -> None:
        """Tables of the folder that azaward doesn't read, with how much they hold about the cohort."""
        import duckdb

        for name, table in others(self._folder).items():
            held = "not counted"
            if table is not None and (person := table.columns.get("person_id")):
                whose = f"regexp_replace(CAST(\"{person}\" AS VARCHAR), '[.]0$', '')"
                query = f"SELECT count(*), count(DISTINCT person_id) FROM (SELECT {whose} AS person_id FROM "
                try:
                    n, people = self._run(f"{query}{table.reader()}) SEMI JOIN cohort USING (person_id)").fetchone()
                    held = _many(n, people) + " of the cohort"
                except duckdb.Error:
                    held = "can't be read"
            why = NOT_READ.get(name, "not a table that azaward reads. If its name is misspelt, correct it")
            if name.partition(".")[0] in COLUMNS:
                why = "the table is read from another file of its name, or this is neither Parquet nor CSV"
            self.aside("omop_not_read", str(self._folder), f"OMOP table {name}: {held}", f"not read: {why}.")

    def _about_people(self) -> None:
        """How many were left out, and for how many something was chosen."""
        for kind, query, what, why in (
            (
                "omop_not_in_cohort",
                "SELECT count(DISTINCT person_id) FROM cdm_person ANTI JOIN cohort USING (person_id)",
                "persons without azathioprine, mercaptopurine or tioguanine",
                "not part of the cohort: left out",
            ),
            (
                "omop_several_indications",
                "SELECT count(*) FROM indicated WHERE n > 1",
                "persons with several illnesses that azathioprine treats",
                "no indication is chosen: the most cautious protocol counts",
            ),
            (
                "omop_partial_birth",
                "SELECT count(*) FROM cdm_person SEMI JOIN cohort USING (person_id) "
                "WHERE year_of_birth IS NOT NULL AND (month_of_birth IS NULL OR day_of_birth IS NULL)",
                "persons without month or day of birth",
                "read as the youngest age that it allows",
            ),
        ):
            (n,) = self._run(query).fetchone()
            if n:
                self.aside(kind, str(self._folder), f"{n} {what}", why)

    def _totals(self) -> None:
        rows = self._run(
            "SELECT kind, sum(n)::BIGINT, count(DISTINCT person_id), min(place), min(what) "
            "FROM told GROUP BY kind ORDER BY kind"
        )
        for kind, n, people, place, what in rows.fetchall():
            self.aside(kind, place + _more(n), f"{_many(n, people)}; the first: {what}", said.MATTERS[kind].why)


def _kind(matter: said.Matter) -> str:
    return said.PRESSING if matter.pressing else said.WITH_CARE


def _more(n: int) -> str:
    return f" and {n - 1} more" if n > 1 else ""


def _many(n: int, people: int) -> str:
    """How many rows, of how many people.

    >>> _many(1, 1), _many(14, 6)
    ('1 row of 1 person', '14 rows of 6 people')
    """
    return f"{n} row{'s' if n != 1 else ''} of {people} {'people' if people != 1 else 'person'}"
