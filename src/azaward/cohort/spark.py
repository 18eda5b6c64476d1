"""The same rules on Spark, where one machine is outgrown: same SQL, same reader, nothing collected but counts.

The rules' expressions are compiled to Spark's SQL as they are to DuckDB's; the SQL that reads rows is translated.
All tables are brought together by patient once; what needs Python (odd rows, words) runs where the rows are.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlglot

from azaward import __version__
from azaward.assessment import DISCLAIMER
from azaward.cohort.assess import Summary, check_protocol, unusable_aside
from azaward.cohort.reading import (
    MAPPED,
    NO_SUCH_PATIENT,
    WORDS,
    counted_asides,
    ids_sql,
    map_table,
    read_odd,
    read_words,
    table_sql,
    units_read,
)
from azaward.cohort.source import Source, Stored, check_columns, find
from azaward.cohort.words import KEPT, SAID, source_lines
from azaward.cohort.written import ASIDE_COLUMNS, BESIDE, set_aside_before
from azaward.errors import InputError
from azaward.knowledge import Knowledge, load
from azaward.knowledge.loading.relations import relations
from azaward.knowledge.loading.units import conversions_of
from azaward.readers.rows import RowReader
from azaward.readers.tables.folder import NEEDED
from azaward.record.tables import TABLES
from azaward.rules.language.columns import COLUMNS, FOUND
from azaward.rules.pipeline import compiled
from azaward.wording import Words

_MAPPED = {"VARCHAR": "string", "BOOLEAN": "boolean", "DOUBLE": "double"}
_TYPES = {
    "string": "string",
    "date": "date",
    "float": "double",
    "float64": "double",
    "int64": "bigint",
    "boolean": "boolean",
}
# Spark's names of types, as DuckDB has them.
_DUCKDB = {
    "string": "VARCHAR",
    "char": "VARCHAR",
    "varchar": "VARCHAR",
    "timestamp_ntz": "TIMESTAMP",
    "byte": "TINYINT",
    "short": "SMALLINT",
    "long": "BIGINT",
    "void": "NULL",
}
# What a setting of the session has to be for these statements to mean the same as on DuckDB, and to move rows once.
_SETTINGS = {
    "spark.sql.ansi.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    "spark.sql.requireAllClusterKeysForDistribution": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_ASIDE = ", ".join(f"`{name}` string" for name in ASIDE_COLUMNS)
_CONTROL = r"[\\x00-\\x1f\\x7f-\\x9f]"


def session() -> Any:
    """The session that spark-submit made, or one on this machine."""
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    # Workers on this machine run the Python that runs this; a cluster's are told by spark-submit.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder: Any = SparkSession.builder
    cores = os.cpu_count() or 1
    # What spark-submit was told stands in its own files and goes before these.
    for name, value in {
        "spark.ui.showConsoleProgress": "false",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": str(2 * cores),
        "spark.sql.adaptive.coalescePartitions.enabled": "true",
        # Java's own warnings go to stdout unless it is told otherwise, into the middle of the summary.
        "spark.driver.defaultJavaOptions": "-Xlog:disable -Xlog:all=warning:stderr",
    }.items():
        builder = builder.config(name, value)
    return builder.appName("azaward").getOrCreate()


def assess(
    folder: Path | str,
    out: Path | str,
    as_of: dt.date,
    protocol: str,
    knowledge: Knowledge,
    clock: Callable[[], float] = lambda: 0.0,
    spark: Any = None,
) -> Summary:
    """Assesses all patients of `folder` on Spark; each result is a folder of Parquet files.

    `folder` and `out` may be addresses that Spark knows, such as s3a://bucket/people. Raises as `cohort.assess` does.
    """
    knowledge = knowledge.held_on(as_of)
    check_protocol(protocol, knowledge)
    if protocol not in ("auto", "most-cautious") and protocol not in load().protocols:
        raise InputError("Spark runs the protocols that ship. Assess with a clinic's own on DuckDB.")
    began = clock()
    spark = spark or session()
    for name, value in _SETTINGS.items():
        spark.conf.set(name, value)
    spark.sparkContext.setLogLevel("ERROR")
    address = _address(folder)
    nation = _Nation(
        spark, find(Path(folder)) if "://" not in str(folder) else _find(spark, address), address, knowledge
    )
    nation.read(as_of, None if protocol == "auto" else protocol)
    return nation.write(_address(out), as_of, protocol, lambda: clock() - began)


def _address(path: Path | str) -> str:
    """An address that means the same to every worker; a bare path is one of this machine."""
    return str(path) if "://" in str(path) else Path(path).resolve().as_uri()


def _find(spark: Any, folder: str) -> Source:
    """The tables at an address that only Spark knows: NAME.parquet or NAME."""
    from pyspark.errors import AnalysisException

    tables: dict[str, Stored] = {}
    for name in TABLES:
        tables[name] = Stored(name, (), {})
        for path in (f"{folder}/{name}.parquet", f"{folder}/{name}"):
            try:
                schema = spark.read.parquet(path).schema
            except AnalysisException:
                continue  # not there, or nothing in it
            kinds = {field.name: str(field.dataType.typeName()) for field in schema}
            columns = {column: _DUCKDB.get(kind, kind.upper()) for column, kind in kinds.items()}
            check_columns(path, name, columns)
            tables[name] = Stored(name, (path,), columns)
            break
        if name in NEEDED and not tables[name].files:
            raise InputError(
                f"{folder}: {name}.parquet is missing or can't be read; without it nobody can be assessed."
            )
    return Source(folder, tables)


class _Nation:
    """The tables of a folder as Spark's views, and the rules over them."""

    def __init__(self, spark: Any, source: Source, address: str, knowledge: Knowledge) -> None:
        self.spark, self.source, self.knowledge = spark, source, knowledge
        self._base = address.rstrip("/").replace("file:///", "file:/") + "/"
        for stored in source.there():
            self._see(stored.name, stored)

    def _sql(self, sql: str) -> Any:
        """A statement of DuckDB's, translated."""
        return self.spark.sql(sqlglot.transpile(sql, read="duckdb", write="spark")[0])

    def _keep(self, frame: Any, view: str) -> Any:
        """A table that others are made of, worked out now: a view of views would be planned anew in each."""
        reliable = self.spark.sparkContext.getCheckpointDir() is not None
        frame = frame.checkpoint() if reliable else frame.localCheckpoint()
        frame.createOrReplaceTempView(view)
        return frame

    def _see(self, name: str, stored: Stored) -> None:
        frame = self.spark.read.parquet(*(str(path) for path in stored.files))
        columns = [f"`{column.name}`" for column in TABLES[name] if column.name in stored.columns]
        frame.selectExpr(
            *columns,
            f"replace(replace(_metadata.file_path, 'file:///', 'file:/'), {_literal(self._base)}, '') AS file_",
            "_metadata.row_index AS row_",
        ).createOrReplaceTempView(f"raw_{name}")

    def read(self, as_of: dt.date, protocol: str | None) -> None:
        """The record's tables in the words of the knowledge base, those of one patient in one place."""
        tables = self.source.there()
        people = self._sql(
            "SELECT patient_id, CAST(sum(listed) AS INTEGER) AS times, min(place) AS place "
            f"FROM ({ids_sql(tables)}) AS x GROUP BY patient_id"
        ).where(f"patient_id <> '' AND patient_id = trim(patient_id) AND NOT patient_id RLIKE '{_CONTROL}'")
        self._keep(self._together(people), "ids").createOrReplaceTempView("whose")
        pairs: set[tuple[str, str]] = set()
        self.asides: list[Any] = []
        for stored in tables:
            pairs |= self._table(stored)
        for name in self.source.missing():
            self._empty(name, {column.name: column.type for column in TABLES[name]})
        chosen = f"'{protocol}'" if protocol else "CAST(NULL AS STRING)"
        self.spark.sql(
            f"SELECT patient_id, DATE'{as_of.isoformat()}' AS as_of, {chosen} AS protocol FROM ids"
        ).createOrReplaceTempView("requests")
        names = ", ".join(f"WHEN {place} THEN '{table.name}'" for place, table in enumerate(tables)).replace(",", "")
        missing = self.spark.sql(
            f"SELECT 'no_patient' AS kind, patient_id, CASE place {names} END AS `where`, "
            f"concat('patient_id ', patient_id) AS what, \"{NO_SUCH_PATIENT}\" AS why FROM ids WHERE times = 0"
        )
        asides = missing
        if before := set_aside_before(self.source.folder):
            said = [tuple(asdict(aside)[name] for name in ASIDE_COLUMNS) for aside in before]
            asides = asides.unionByName(self.spark.createDataFrame(said, _ASIDE))
        for each in self.asides:
            asides = asides.unionByName(each)
        self._keep(asides, "asides")
        self.spark.sql(
            "SELECT patient_id, kind, `where`, what, why, CAST(NULL AS DATE) AS `on` FROM asides "
            "WHERE patient_id IS NOT NULL"
        ).createOrReplaceTempView("unread")
        self._knowledge(pairs)

    def _together(self, frame: Any) -> Any:
        return frame.repartition(int(self.spark.conf.get("spark.sql.shuffle.partitions")), "patient_id")

    def _table(self, stored: Stored) -> set[tuple[str, str]]:
        """One table: plain rows by what came of their words, odd rows by the reader itself."""
        name = stored.name
        # The combinations of words, not the people who have them, come to the driver.
        combinations = [tuple(row) for row in self._sql(table_sql(stored).words).collect()]
        read = read_words(name, combinations, self.knowledge)
        names, rows = map_table(name, read)
        schema = ", ".join(f"{column} {_MAPPED[MAPPED.get(column, 'VARCHAR')]}" for column in names)
        self.spark.createDataFrame(rows, schema).createOrReplaceTempView(f"map_{name}")
        sql = table_sql(stored, read)
        plain = self._sql(sql.plain)
        odd = self._sql(sql.odd).repartition("patient_id").sortWithinPartitions("file_", "row_")
        columns = ", ".join(f"`{column.name}` {_TYPES[column.type]}" for column in TABLES[name])
        beside = ", ".join(f"aside_{name} string" for name in ASIDE_COLUMNS)
        both = odd.mapInArrow(_read_odd(name), f"{columns}, {beside}")
        both = self._keep(both, f"odd_{name}")
        whole = plain.unionByName(both.where("aside_kind IS NULL").select(*(column.name for column in TABLES[name])))
        self._keep(self._together(whole), name)
        self.asides.append(
            both.where("aside_kind IS NOT NULL").selectExpr(*(f"aside_{name} AS `{name}`" for name in ASIDE_COLUMNS))
        )
        if any(row.verdict == "counted" for row in read):
            counted = self._sql(sql.counted).mapInArrow(_counted(name), _ASIDE)
            self.asides.append(counted)
        return units_read(read) if name == "results" else set()

    def _empty(self, name: str, schema: Mapping[str, str]) -> None:
        columns = ", ".join(f"`{column}` {_TYPES[kind]}" for column, kind in schema.items())
        self.spark.createDataFrame([], columns).createOrReplaceTempView(name)

    def _knowledge(self, pairs: set[tuple[str, str]]) -> None:
        unusual = conversions_of(pairs, self.knowledge)
        for name, (schema, rows) in relations(self.knowledge).items():
            rows = rows + unusual if name == "conversions" else rows
            columns = ", ".join(f"`{column}` {_TYPES[kind]}" for column, kind in schema.items())
            self.spark.createDataFrame(list(rows), columns).createOrReplaceTempView(f"k_{name}")

    def write(self, target: str, as_of: dt.date, protocol: str, elapsed: Callable[[], float]) -> Summary:
        """Works out stages, rules and plans, writes them, and counts what was written."""
        findings: Any = None
        listed = False
        for step in compiled(self.knowledge.parameters, "pyspark"):
            if step.is_rule:
                rows = self.spark.sql(step.sql)
                cells = [
                    f"CAST({_literal(step.constants[name])} AS {_TYPES[kind]}) AS `{name}`"
                    if name in step.constants
                    else f"CAST(`{name}` AS {_TYPES[kind]}) AS `{name}`"
                    for name, kind in COLUMNS.items()
                ]
                # Each rule by itself: Spark plans a union of all of them anew after every one of its hundreds of steps.
                kept = f"{target}.work/{step.name}"
                rows.selectExpr(*cells).write.mode("overwrite").parquet(kept)
                rows = self.spark.read.parquet(kept)
                findings = rows if findings is None else findings.unionAll(rows)
                continue
            if findings is not None and not listed:
                listed = True
                findings.createOrReplaceTempView("s_findings")
                self.spark.sql(f"SELECT {', '.join(FOUND)} FROM s_findings").createOrReplaceTempView("s_found")
            self._keep(self.spark.sql(step.sql), f"s_{step.name}")
        summary = self._written(target, as_of, protocol, elapsed)
        self._remove(f"{target}.work")
        return summary

    def _remove(self, path: str) -> None:
        place = self.spark._jvm.org.apache.hadoop.fs.Path(path)
        place.getFileSystem(self.spark._jsc.hadoopConfiguration()).delete(place, True)

    def _rename(self, new: str, path: str) -> None:
        """Puts a folder in another's place, on whatever store it is."""
        hadoop = self.spark._jvm.org.apache.hadoop.fs
        store = hadoop.Path(path).getFileSystem(self.spark._jsc.hadoopConfiguration())
        store.delete(hadoop.Path(path), True)
        if not store.rename(hadoop.Path(new), hadoop.Path(path)):
            raise InputError(f"{path}: can't be written; the result is whole in {new}.")

    def _written(self, target: str, as_of: dt.date, protocol: str, elapsed: Callable[[], float]) -> Summary:
        columns = ", ".join(
            "date_from_unix_date(CAST(`on` AS INT)) AS `on`" if name == "on" else f"`{name}`" for name in COLUMNS
        )
        schema = ", ".join(f"`{name}` {'date' if name == 'on' else _TYPES[COLUMNS[name]]}" for name in KEPT)
        findings = self.spark.sql(f"SELECT {columns} FROM s_findings").mapInArrow(
            _worded, f"{schema}, says string, says_patient string, sources string"
        )
        unusable = self.spark.sql("SELECT * FROM s_unusable").mapInArrow(_unusable, _ASIDE)
        asides = self.spark.table("asides")
        # A row that the reader named already is named once.
        asides = asides.unionByName(unusable.join(asides.select("where"), "where", "left_anti"))
        tables = {
            "findings": findings,
            "plans": self.spark.table("s_plan"),
            "next_tests": self.spark.sql(
                "SELECT patient_id, test, date_from_unix_date(CAST(due_day AS INT)) AS due_on, subject, action, phase, "
                "every_days, protocol FROM s_next_tests"
            ),
            "set_aside": asides,
        }
        paths = {kind: target if kind == "findings" else _beside(target, kind) for kind in tables}
        for kind, frame in tables.items():
            frame.write.mode("overwrite").parquet(f"{paths[kind]}.new")
        # The findings come last: where they are, the others are.
        for kind in (*BESIDE, "findings"):
            self._rename(f"{paths[kind]}.new", paths[kind])

        def count(view: str, column: str) -> dict[str, int]:
            rows = self.spark.table(view).groupBy(column).count().orderBy("count", ascending=False).collect()
            return {row[0]: row[1] for row in rows}

        by_rule = count("s_findings", "rule")
        return Summary(
            patients=self.spark.table("ids").count(),
            findings=sum(by_rule.values()),
            by_rule=by_rule,
            by_urgency=count("s_findings", "urgency"),
            engine="spark",
            seconds=round(elapsed(), 3),
            by_decision=count("s_plan", "decision"),
            patients_by_urgency=count("s_plan", "urgency"),
            set_aside={row[0]: row[1] for row in asides.groupBy("kind").count().collect()},
            first_set_aside={},
            as_of=as_of,
            protocol=protocol,
            azaward=__version__,
            knowledge=self.knowledge.version,
            resumed=0,
            disclaimer=DISCLAIMER,
        )


def _beside(target: str, kind: str) -> str:
    return f"{target.removesuffix('.parquet')}.{kind}.parquet"


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if isinstance(value, str) else repr(value)


def _read_odd(name: str) -> Any:
    """Rows as stored to rows as read, with what was set aside beside them."""

    def read(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow as pa

        reader = RowReader(load())
        for batch in batches:
            read_odd(name, batch.to_pylist(), reader)
        record = reader.record(whole=False)
        types = {"string": pa.string(), "date": pa.date32(), "float": pa.float64()}
        columns = [(column.name, types[column.type]) for column in TABLES[name]]
        aside = [(column, pa.string()) for column in (f"aside_{column}" for column in ASIDE_COLUMNS)]
        schema = pa.schema([*columns, *aside])
        rows = [dict(zip((column for column, _ in columns), row, strict=True)) for row in record.rows[name]]
        rows += [{f"aside_{column}": cell for column, cell in asdict(each).items()} for each in record.set_aside]
        if rows:
            yield pa.RecordBatch.from_pylist(rows, schema)

    return read


def _counted(name: str) -> Any:
    """Combinations of words that are only counted, as what was set aside."""

    def say(batches: Iterator[Any]) -> Iterator[Any]:
        for batch in batches:
            rows = [
                asdict(aside)
                for row in batch.to_pylist()
                for aside in counted_asides(
                    name, [row[column] for column in WORDS[name]], row["n"], row["place"], load()
                )
            ]
            yield _aside_batch(rows)

    return say


def _aside_batch(rows: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    columns = [pa.array([row[name] for row in rows], pa.string()) for name in ASIDE_COLUMNS]
    return pa.RecordBatch.from_arrays(columns, names=list(ASIDE_COLUMNS))


def _worded(batches: Iterator[Any]) -> Iterator[Any]:
    """Findings (`on` a date) with their words and sources, each combination of gaps worded once."""
    import pyarrow as pa

    knowledge = load()
    words = Words(knowledge)
    said: dict[tuple[Any, ...], tuple[str, str]] = {}
    for batch in batches:
        rows = list(zip(*(batch.column(name).to_pylist() for name in SAID), strict=True))
        for row in set(rows) - said.keys():
            said[row] = words.say(dict(zip(SAID, row, strict=True)))
        rests_on = list(zip(batch.column("code").to_pylist(), batch.column("fact").to_pylist(), strict=True))
        sources = {pair: source_lines(*pair, knowledge) for pair in set(rests_on)}
        columns = [batch.column(name) for name in KEPT]
        columns += [pa.array([said[row][place] for row in rows], pa.string()) for place in (0, 1)]
        columns.append(pa.array([sources[pair] for pair in rests_on], pa.string()))
        yield pa.RecordBatch.from_arrays(columns, names=[*KEPT, "says", "says_patient", "sources"])
        # A worker may be given any number of batches.
        said.clear()


def _unusable(batches: Iterator[Any]) -> Iterator[Any]:
    words = Words(load())
    for batch in batches:
        yield _aside_batch([asdict(unusable_aside(row, words)) for row in batch.to_pylist()])
