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
from azaward.cohort.omop.results import MEASURED, RESULTS, SAID_OF_GENES, UNITS
from azaward.cohort.omop.source import Earliest, find_cdm, see, unreadable
from azaward.cohort.omop.supplies import LINES, STRENGTHS, exposures_sql
from azaward.cohort.omop.tables import (
    COHORT,
    CONTACTS,
    EVENTS,
    INDICATED,
    KINDS,
    USED,
    patients_sql,
    words_sql,
)
from azaward.cohort.omop.telling import Telling
from azaward.cohort.omop.words import Concepts, Meaning, OmopWords
from azaward.cohort.written import TRANSLATED
from azaward.errors import InputError
from azaward.knowledge import Knowledge
from azaward.readers.rows import RowReader
from azaward.record.tables import TABLES
from azaward.treatment import thiopurines

MEMORY_MB = 3_000
_EARLIEST = ("omop_earliest_year", "omop_earliest_birth_year")
_TOGETHER = 10_000
_COLUMNS = [column.name for column in TABLES["patients"]]
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
            earliest = Earliest(*(int(knowledge.parameters[name].value) for name in _EARLIEST))
            see(database, tables, earliest)
            _Translation(database, knowledge, folder, set(tables), earliest, say).write(begun)
        shutil.rmtree(begun / "spill")
        os.replace(begun, whole)
    except duckdb.Error as error:
        raise unreadable(folder, error) from None
    finally:
        shutil.rmtree(begun, ignore_errors=True)
    return whole


class _Translation:
    """One CDM folder on its way into the six tables."""

    def __init__(
        self,
        database: Any,
        knowledge: Knowledge,
        folder: Path,
        there: set[str],
        earliest: Earliest,
        say: Say,
    ) -> None:
        self._database, self._knowledge, self._earliest, self._say = database, knowledge, earliest, say
        self._telling = Telling(database, knowledge, folder, there, earliest)
        self._may_be: dict[str, str] = {}

    def write(self, target: Path) -> None:
        """Writes the tables and what was set aside."""
        self._say("reading the concepts")
        self._run(f"CREATE TABLE used AS SELECT id FROM ({USED}) WHERE id IS NOT NULL")
        self._words = OmopWords(Concepts.of(self._database), self._knowledge)
        self._telling.begin(self._words)
        self._ids()
        self._understand("drug_exposure")
        self._list("may_be", {"code": "VARCHAR", "may_be": "VARCHAR"}, list(self._may_be.items()))
        self._run(COHORT)
        for table in KINDS:
            if table != "drug_exposure":
                self._understand(table)
        self._run(MEASURED)
        self._units()
        self._run(INDICATED)
        self._run(STRENGTHS)
        self._run(LINES)
        persistence = int(self._knowledge.parameters["omop_persistence_days"].value)
        queries = {
            "patients": patients_sql(self._earliest.past),
            "exposures": exposures_sql(persistence),
            "results": RESULTS,
            "genotypes": f"SELECT * FROM ({self._genotypes()})",
            "events": EVENTS,
            "contacts": CONTACTS,
        }
        for name, query in queries.items():
            self._say(f"writing {name}")
            parquet.write(self._database, query, target / f"{name}.parquet")
        self._say("writing what was set aside")
        self._telling.write(target, target / TRANSLATED)

    def _run(self, sql: str) -> Any:
        return self._database.execute(sql)

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
        named = {row.concept_id: row.name for row in self._knowledge.tables["omop_concepts"]}
        named |= {concept.id: concept.name for concept in known.values()}
        milligrams = {concept.id for concept in known.values() if (concept.vocabulary, concept.code) == ("UCUM", "mg")}
        milligrams |= {number for number, unit in words.shipped("unit").items() if unit == "mg"}
        self._list("sexes", code, list(sexes.items()))
        self._list("sexes_said", {"said": "VARCHAR", "code": "VARCHAR"}, list(self._sexes_said()))
        self._list("comparators", code, list((signs | words.shipped("comparator")).items()))
        self._list("named", {"id": "BIGINT", "name": "VARCHAR"}, list(named.items()))
        self._list("milligrams", {"id": "BIGINT"}, [[number] for number in sorted(milligrams)])
        self._list("thiopurines", {"id": "VARCHAR"}, [[medicine] for medicine in thiopurines(self._knowledge)])
        ingredients: list[tuple[int, str]] = []
        for (number,) in self._run("SELECT DISTINCT ingredient_concept_id FROM cdm_drug_strength").fetchall():
            meant = words.drug(number, None, None)
            if number is not None and len(meant) == 1 and meant[0].kind == "medicine":
                ingredients.append((number, meant[0].code))
        self._list("ingredients", code, ingredients)

    def _sexes_said(self) -> Iterator[tuple[str, str]]:
        """The source's own words for a sex that has no concept, as the record's own reader reads them."""
        words = "SELECT DISTINCT gender_source_value FROM cdm_person WHERE gender_concept_id IS NULL"
        for (word,) in self._run(f"{words} AND gender_source_value IS NOT NULL").fetchall():
            reader = RowReader(self._knowledge)
            reader.add("patients", {"patient_id": "x", "sex": word}, "")
            if not reader.set_aside:
                yield word, str(dict(zip(_COLUMNS, reader.rows["patients"][0], strict=True))["sex"])

    def _understand(self, table: str) -> None:
        """`means_TABLE`: what each combination of concepts means; what means nothing to azaward is set aside."""
        self._run(words_sql(table))
        self._list(f"means_{table}", {"w": "INTEGER", "kind": "VARCHAR", "code": "VARCHAR"}, [])
        kinds = {"w": "INTEGER", "kind": "VARCHAR", "code": "VARCHAR"}
        columns = "w, concept, source_concept, source, value_concept, said"
        answer = self._database.cursor().execute(f"SELECT {columns} FROM words_{table} ORDER BY w")
        while rows := answer.fetchmany(_TOGETHER):
            meanings: list[tuple[int, str, str]] = []
            for w, *words in rows:
                meant = self._meant(table, *words)
                meanings += [(w, meaning.kind, meaning.code) for meaning in meant]
                self._may_be |= {meaning.code: meaning.may_be for meaning in meant if meaning.may_be}
                self._telling.understood(table, w, words, meant)
            parquet.fill(self._database, f"means_{table}", kinds, meanings)
        self._telling.unmapped(table)

    def _meant(
        self,
        table: str,
        concept: int | None,
        source_concept: int | None,
        source: str | None,
        value: int | None,
        said: str | None,
    ) -> list[Meaning]:
        words, kind = self._words, KINDS[table].event
        if table == "drug_exposure":
            return words.drug(concept, source_concept, source)
        meanings: list[Meaning] = []
        if table in ("measurement", "observation"):
            test = words.test(concept, source_concept, source)
            if test.analyte:
                meanings.append(Meaning("doubt" if test.doubtful else "analyte", test.analyte))
            # An activity is a number or a word of the enzyme; a gene's report is never a number.
            if words.names_gene(concept, source):
                meanings.append(Meaning("gene", ""))
        return meanings or words.happened(kind, concept, source_concept, source, value, said)

    def _units(self) -> None:
        """`units`: the unit of each combination; none where concept and source contradict each other."""
        rows: list[tuple[Any, ...]] = []
        for analyte, concept, source in self._run(UNITS).fetchall():
            unit = self._words.unit(analyte, concept, source)
            factors = (*(unit.concept or (None, None)), *(unit.source or (None, None)))
            has_unit = self._knowledge.analytes[analyte].unit is not None
            rows.append((analyte, concept, source, unit.unit, has_unit, unit.by_concept, unit.contradicts, *factors))
        kinds = {
            "analyte": "VARCHAR",
            "concept": "BIGINT",
            "source": "VARCHAR",
            "unit": "VARCHAR",
            "has_unit": "BOOLEAN",
            "by_concept": "VARCHAR",
            "contradicts": "BOOLEAN",
            **dict.fromkeys(("factor", "shift", "source_factor", "source_shift"), "DOUBLE"),
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
            for call in calls:
                phenotype = call.phenotype or call.unread or ""
                yield person, call.gene, call.diplotype, phenotype, call.method, day.isoformat() if day else None
                if call.asked:
                    self._telling.aside("genotype", place, f"{call.gene} {call.said!r}", call.asked, person)
            if not calls and said:
                what = f"{self._words.name(concept) or source or 'a gene'} {said!r}"
                why = "says nothing of a pair of alleles or a phenotype."
                self._telling.aside("genotype", place, what, why, person)
