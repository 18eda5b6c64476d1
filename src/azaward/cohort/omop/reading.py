"""Reads an OMOP CDM 5.4 folder as a cohort: everyone who has or had a thiopurine, as azaward's six tables.

The folder is translated once, into Parquet beside the answer, and appears under its name when it is whole; the same
folder is not translated again. What no table of ours can hold, and what isn't understood, is counted by concept.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from azaward import __version__, parquet
from azaward.cohort.omop.source import COLUMNS, WITHOUT, find_cdm, see, unreadable
from azaward.cohort.omop.tables import (
    COHORT,
    CONTACTS,
    EVENTS,
    INDICATED,
    KINDS,
    PATIENTS,
    RESULTS,
    SAID_OF_GENES,
    STRENGTHS,
    UNITS,
    USED,
    exposures_sql,
    words_sql,
)
from azaward.cohort.omop.words import Concepts, Meaning, OmopWords
from azaward.cohort.written import TRANSLATED, write_set_aside
from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.record.names import is_recognised
from azaward.record.tables import SetAside
from azaward.treatment import thiopurines

MEMORY_MB = 3_000
Say = Callable[[str], None]


def as_tables(
    folder: Path, scratch: Path, knowledge: Knowledge, memory_mb: int = MEMORY_MB, say: Say = lambda line: None
) -> Path:
    """The folder of the six tables, inside `scratch`, that a CDM folder comes to.

    Beside them stands what was set aside (`written.TRANSLATED`), which a cohort's assessment takes over. `InputError`
    where a table or column that CDM 5.4 asks for is not there, or a file can't be read.
    """
    import duckdb

    tables = find_cdm(folder)
    files = [path for table in tables.values() for path in table.files]
    job = [
        [[str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns] for path in files],
        knowledge.fingerprint,
        __version__,
    ]
    whole = scratch / f"omop-{hashlib.sha256(json.dumps(job).encode()).hexdigest()[:16]}"
    if whole.is_dir():
        return whole
    begun = scratch / f".{whole.name}.{os.getpid()}"
    try:
        shutil.rmtree(begun, ignore_errors=True)
        (begun / "spill").mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{scratch}: can't be written: {error.strerror}. Nothing was begun.") from None
    try:
        settings = {"memory_limit": f"{memory_mb}MB", "temp_directory": str(begun / "spill")}
        with parquet.connect(**settings, threads=str(os.cpu_count() or 1)) as database:
            see(database, tables)
            _Translation(database, knowledge, folder, set(tables), say).write(begun)
        shutil.rmtree(begun / "spill")
        os.replace(begun, whole)
    except duckdb.Error as error:
        raise unreadable(folder, error) from None
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return whole


class _Translation:
    """One CDM folder on its way into the six tables."""

    def __init__(self, database: Any, knowledge: Knowledge, folder: Path, there: set[str], say: Say) -> None:
        self._database, self._knowledge, self._folder, self._there, self._say = database, knowledge, folder, there, say
        self._asides: list[SetAside] = []

    def write(self, target: Path) -> None:
        """Writes the tables and what was set aside."""
        self._missing()
        self._say("reading the concepts")
        self._run(f"CREATE TABLE used AS SELECT id FROM ({USED}) WHERE id IS NOT NULL")
        self._words = OmopWords(Concepts.of(self._database), self._knowledge)
        self._ids()
        self._understand("drug_exposure")
        self._run(COHORT)
        for table in KINDS:
            if table != "drug_exposure":
                self._understand(table)
        self._units()
        self._run(INDICATED)
        self._run(STRENGTHS)
        persistence = int(self._knowledge.parameters["omop_persistence_days"].value)
        queries = {
            "patients": PATIENTS,
            "exposures": exposures_sql(persistence),
            "results": RESULTS,
            "genotypes": f"SELECT * FROM ({self._genotypes()})",
            "events": EVENTS,
            "contacts": CONTACTS,
        }
        for name, query in queries.items():
            self._say(f"writing {name}")
            parquet.write(self._database, query, target / f"{name}.parquet")
        self._about_people()
        write_set_aside(self._database, self._asides, target / TRANSLATED)

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

    def _aside(self, kind: str, where: str, what: str, why: str, patient_id: str | None = None) -> None:
        self._asides.append(SetAside(where, what, why, patient_id, kind))

    def _missing(self) -> None:
        for name in COLUMNS:
            if name not in self._there:
                self._aside("missing_table", str(self._folder), f"OMOP table {name}", f"missing: {WITHOUT[name]}")
        why = "a CDM holds no missed visits: nobody is known to stay away"
        self._aside("missing_table", str(self._folder), "contacts", why)

    def _list(self, name: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """A small table of our own."""
        parquet.create(self._database, name, columns, rows)

    def _ids(self) -> None:
        """Concepts that stand for something by themselves: sexes, comparators, words of results, milligrams."""
        known, words = self._words.concepts.by_id, self._words
        code = {"id": "BIGINT", "code": "VARCHAR"}
        sexes = {concept.id: concept.name.casefold() for concept in known.values() if concept.vocabulary == "Gender"}
        sexes = {number: sex for number, sex in sexes.items() if sex in ("male", "female")} | words.shipped("sex")
        signs = {concept.id: concept.name for concept in known.values() if concept.name in ("<", "<=", "=", ">=", ">")}
        named = {concept.id: concept.name for concept in known.values()}
        milligrams = {concept.id for concept in known.values() if (concept.vocabulary, concept.code) == ("UCUM", "mg")}
        milligrams |= {number for number, unit in words.shipped("unit").items() if unit == "mg"}
        self._list("sexes", code, list(sexes.items()))
        self._list("comparators", code, list((signs | words.shipped("comparator")).items()))
        self._list(
            "results_in_words", {"id": "BIGINT", "name": "VARCHAR"}, list((words.shipped("result") | named).items())
        )
        self._list("milligrams", {"id": "BIGINT"}, [[number] for number in sorted(milligrams)])
        self._list("thiopurines", {"id": "VARCHAR"}, [[medicine] for medicine in thiopurines(self._knowledge)])
        ingredients: list[tuple[int, str]] = []
        for (number,) in self._run("SELECT DISTINCT ingredient_concept_id FROM cdm_drug_strength").fetchall():
            meant = words.drug(number, None, None)
            if number is not None and len(meant) == 1 and meant[0].kind == "medicine":
                ingredients.append((number, meant[0].code))
        self._list("ingredients", code, ingredients)

    def _understand(self, table: str) -> None:
        """`means_TABLE`: what each combination of concepts means; what means nothing to azaward is set aside."""
        self._run(words_sql(table))
        rows = self._run(f"SELECT w, concept, source_concept, source, value_concept, n, first FROM words_{table}")
        meanings: list[tuple[int, str, str]] = []
        for w, concept, source_concept, source, value, n, first in rows.fetchall():
            meant = self._meant(table, concept, source_concept, source, value)
            meanings += [(w, meaning.kind, meaning.code) for meaning in meant]
            if not meant or not all(is_recognised(meaning.code) for meaning in meant):
                self._unmapped(table, concept, source_concept, source, n, first)
        self._list(f"means_{table}", {"w": "INTEGER", "kind": "VARCHAR", "code": "VARCHAR"}, meanings)

    def _meant(
        self, table: str, concept: int | None, source_concept: int | None, source: str | None, value: int | None
    ) -> list[Meaning]:
        words, kind = self._words, KINDS[table].event
        if table == "drug_exposure":
            return words.drug(concept, source_concept, source)
        if table in ("measurement", "observation"):
            analyte = words.analyte(concept, source_concept, source)
            genes = words.names_gene(concept, source)
            # An activity is a number or a word of the enzyme; a gene's report is never a number.
            meanings = [Meaning("analyte", analyte)] if analyte else []
            if genes:
                meanings.append(Meaning("gene", ""))
            if meanings:
                return meanings
        return words.happened(kind, concept, source_concept, source, value)

    def _unmapped(
        self, table: str, concept: int | None, source_concept: int | None, source: str | None, n: int, first: str | None
    ) -> None:
        drug = table == "drug_exposure"
        short = table.removesuffix("_occurrence").removesuffix("_exposure")
        name = self._words.name(concept) or self._words.name(source_concept)
        said = [f"concept {concept or 0}", repr(name) if name else "", f"source {source!r}" if source else ""]
        why = (
            "not a medicine that azaward knows: kept under its name, not checked against anything. Name its ingredient."
            if drug
            else "not something that azaward acts on: left out. If it is, map it to a code of analytes.csv, "
            "indications.csv or events.csv."
        )
        more = f" and {n - 1} more" if n > 1 else ""
        where = f"{table} {KINDS[table].row} {first}{more}"
        self._aside(f"omop_unmapped_{short}", where, " ".join(part for part in said if part), f"{n} rows: {why}")

    def _units(self) -> None:
        """`units`: the unit of each combination; none where concept and source contradict each other."""
        rows: list[tuple[Any, ...]] = []
        for analyte, concept, source, n, place in self._run(UNITS).fetchall():
            unit, contradicts = self._words.unit(analyte, concept, source)
            rows.append((analyte, concept, source, unit, self._knowledge.analytes[analyte].unit is not None))
            if contradicts:
                more = f" and {n - 1} more" if n > 1 else ""
                what = f"{analyte}: unit concept {concept} {self._words.name(concept) or ''} and source {source!r}"
                why = "two units that differ: none is used. Correct one of them."
                self._aside("omop_two_units", place + more, what, why)
        kinds = {
            "analyte": "VARCHAR",
            "concept": "BIGINT",
            "source": "VARCHAR",
            "unit": "VARCHAR",
            "has_unit": "BOOLEAN",
        }
        self._list("units", kinds, rows)

    def _genotypes(self) -> str:
        """The SQL of what the genes' reports say."""
        rows = list(self._gene_rows())
        columns = ("patient_id", "gene", "diplotype", "phenotype", "method", "reported_on")
        self._list("said", dict.fromkeys(columns, "VARCHAR"), rows)
        return (
            "SELECT DISTINCT patient_id, gene, diplotype, nullif(phenotype, '') AS phenotype, method, "
            "CAST(reported_on AS DATE) AS reported_on FROM said ORDER BY ALL"
        )

    def _gene_rows(self) -> Iterator[tuple[str | None, ...]]:
        for person, place, day, concept, source, value, text in self._run(SAID_OF_GENES).fetchall():
            said = self._words.name(value) or text
            calls = self._words.gene_calls(concept, source, said) if said else []
            for gene, method, diplotype, phenotype in calls:
                yield person, gene, diplotype, phenotype, method, day.isoformat() if day else None
            if not calls and said:
                what = f"{self._words.name(concept) or source or 'a gene'} {said!r}"
                self._aside("genotype", place, what, "says nothing of a pair of alleles or a phenotype.", person)

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
                self._aside(kind, str(self._folder), f"{n} {what}", why)
