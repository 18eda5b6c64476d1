"""Parquet in and out by DuckDB: every type of column reads as it did, and neither pyarrow nor pandas is needed."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from azaward import parquet
from azaward.cohort.nation import Nation
from azaward.cohort.source import find
from azaward.errors import InputError
from azaward.knowledge import load
from azaward.knowledge.loading.messages import NOT_CODES, gaps_in, messages
from azaward.readers.tables.folder import read_folder
from azaward.rules.language.columns import COLUMNS
from azaward.rules.language.said import ALWAYS
from azaward.synthesis.clinic import synthesise
from azaward.synthesis.write import record_of, write_csv
from azaward.wording import Words
from tests.arrow_tables import write_record
from tests.cohort.omop_folder import cdm_of

DAY = dt.date(2026, 6, 1)
TYPES = dict.fromkeys("abc", "VARCHAR") | {"n": "BIGINT", "i": "INTEGER", "x": "DOUBLE", "d": "DATE", "yes": "BOOLEAN"}


def test_what_goes_in_comes_out() -> None:
    """None is NULL whatever the type; words such as "nan" stay words; numbers and days keep every digit."""
    rows: list[tuple[Any, ...]] = [
        ("nan", "", "x\0y", 2**60 + 1, 3, 0.1, dt.date(1, 1, 1), True),
        ("None", "日本 😀", "é" * 40, None, None, None, None, None),
        ("NaT", None, None, -1, 2, -0.5, dt.date(9999, 12, 31), False),
        ("x" * 100_000, None, None, 0, 0, 1e300, dt.date(1969, 12, 31), None),
    ]
    database = parquet.connect()
    parquet.create(database, "t", TYPES, rows)
    assert database.execute("FROM t").fetchall() == rows
    parquet.fill(database, "t", TYPES, [])
    # Of whole columns that are empty, or nearly so, nothing can be guessed.
    late: list[tuple[Any, ...]] = [(None,) * 8] * 5_000
    late[4_321] = ("late", *late[0][1:])
    parquet.create(database, "t", TYPES, late)
    assert database.execute("SELECT count(*), count(a), max(a), count(x), count(d), count(n) FROM t").fetchall() == [
        (5_000, 1, "late", 0, 0, 0)
    ]
    parquet.create(database, "t", {"x": "DOUBLE"}, [(float("nan"),), (1,)])
    assert database.execute("FROM t").fetchall() == [(None,), (1.0,)]


def test_half_a_character_is_refused_and_the_database_lives() -> None:
    """DuckDB itself would be unusable from then on."""
    database = parquet.connect()
    with pytest.raises(UnicodeEncodeError) as caught:
        parquet.create(database, "t", {"a": "VARCHAR"}, [("fine",), ("half \ud800",)])
    assert caught.value.object == "half \ud800"
    parquet.create(database, "t", {"a": "VARCHAR"}, [("fine",)])
    assert database.execute("FROM t").fetchall() == [("fine",)]


def _results(**columns: Any) -> pa.Table:
    """One result whose columns are of other types."""
    cells = {
        "patient_id": pa.array(["p1"]),
        "analyte": pa.array(["wbc"]),
        "value": pa.array([4.5]),
        "unit": pa.array(["10*9/L"]),
        "taken_on": pa.array([DAY]),
        "status": pa.array(["final"]),
    }
    return pa.table(cells | columns)


def _folder(tmp_path: Path, results: pa.Table) -> Path:
    tmp_path.mkdir(exist_ok=True)
    people = {"patient_id": ["p1"], "birth_date": ["1980-01-01"], "sex": ["female"], "indication": ["crohns_disease"]}
    pq.write_table(pa.table(people), tmp_path / "patients.parquet")
    taken = {"patient_id": ["p1"], "medicine": ["azathioprine"], "started_on": pa.array([dt.date(2026, 1, 1)])}
    pq.write_table(pa.table(taken), tmp_path / "exposures.parquet")
    pq.write_table(results, tmp_path / "results.parquet")
    return tmp_path


LATE = dt.datetime.fromisoformat("2026-06-01T23:59")


def _as_a_nation(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What stands in the tables of a nation's one share."""
    nation = Nation(find(folder), load(), 500, folder / "scratch")
    nation.assess(nation.shares(10)[0], dt.date(2026, 6, 2), None)
    # In the end it reads about those alone whose results can't be used.
    nation.run("CREATE OR REPLACE TABLE whose AS SELECT patient_id, n FROM ids")
    return nation.rows(sql)


MOMENT = dt.datetime(2026, 5, 31, 22, 30, tzinfo=dt.UTC)
ANOTHER_TYPE: dict[str, dict[str, pa.Array]] = {
    "large text": {"analyte": pa.array(["wbc"], pa.large_string())},
    "text views": {"analyte": pa.array(["wbc"], pa.string_view())},
    "categories": {"status": pa.array(["final"]).dictionary_encode()},
    "categories of numbers": {"value": pa.array([4.5]).dictionary_encode()},
    "numbers as text": {"value": pa.array(["4.5"])},
    "decimals": {"value": pa.array([Decimal("4.50")])},
    "decimals of 38 digits": {"value": pa.array([Decimal("4.5")], pa.decimal128(38, 2))},
    "single precision": {"value": pa.array([4.5], pa.float32())},
    "half precision": {"value": pa.array([4.5], pa.float32()).cast(pa.float16())},
    "day and time": {"taken_on": pa.array([LATE], pa.timestamp("us"))},
    "nanoseconds": {"taken_on": pa.array([LATE], pa.timestamp("ns"))},
    "seconds": {"taken_on": pa.array([LATE], pa.timestamp("s"))},
    "days as milliseconds": {"taken_on": pa.array([DAY], pa.date64())},
    "days as text": {"taken_on": pa.array(["2026-06-01"])},
    "a moment in Berlin": {"taken_on": pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin"))},
    "a moment two hours east": {"taken_on": pa.array([MOMENT], pa.timestamp("ms", "+02:00"))},
    "a moment in UTC": {"taken_on": pa.array([MOMENT + dt.timedelta(hours=2)], pa.timestamp("ns", "UTC"))},
    "columns without a type": {"comparator": pa.nulls(1), "text": pa.nulls(1)},
}


@pytest.mark.parametrize("kind", ANOTHER_TYPE)
def test_a_column_of_another_type_reads_as_the_usual_one(kind: str, tmp_path: Path) -> None:
    """In a folder that is read whole and in a nation's."""
    columns = ANOTHER_TYPE[kind]
    folder = _folder(tmp_path, _results(**columns))
    record = read_folder(folder, load())
    ((patient, analyte, value, _, text, unit, _, _, taken_on, status, *_),) = record.rows["results"]
    assert (patient, analyte, value, text, unit, taken_on, status) == (
        *("p1", "wbc", 4.5, None, "10*9/L"),
        *(DAY, "final"),
    )
    assert _as_a_nation(folder, "SELECT analyte, value, unit, taken_on, status FROM results") == [
        ("wbc", 4.5, "10*9/L", DAY, "final")
    ]


def test_a_row_that_is_not_plain_beside_a_moment_is_read(tmp_path: Path) -> None:
    """It goes through Python, which knows no moments of DuckDB's without one library more."""
    moment = pa.array([MOMENT], pa.timestamp("us", "Europe/Berlin"))
    folder = _folder(tmp_path, _results(taken_on=moment, value=pa.array(["<4.5"])))
    assert _as_a_nation(folder, "SELECT value, comparator, taken_on FROM results") == [(4.5, "<", DAY)]


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (pa.array([[1.5]]), "DOUBLE[]"),
        (pa.array([{"a": 1}]), "STRUCT(a BIGINT)"),
        (pa.array([True]), "BOOLEAN"),
        (pa.array([DAY]), "DATE"),
        (pa.array([[Decimal("1.5")]]), "DECIMAL(2,1)[]"),
        # DuckDB reads 1.25 of so many digits as 20971520.
        (pa.array([Decimal("1.25")], pa.decimal256(50, 2)), "DECIMAL of 50 digits"),
    ],
)
def test_a_column_that_holds_no_number_is_refused_in_a_nation(column: pa.Array, found: str, tmp_path: Path) -> None:
    """Before any work is done, with the file, the column and what it is."""
    with pytest.raises(InputError) as caught:
        find(_folder(tmp_path, _results(value=column)))
    assert f"results.parquet: column 'value' is {found}; expected a number. Convert the column." in str(caught.value)


def test_too_many_digits_are_refused_in_a_folder(tmp_path: Path) -> None:
    """They would be read as another number; beside the six tables' columns they are nobody's business."""
    many = pa.array([Decimal("1.25")], pa.decimal256(50, 2))
    with pytest.raises(InputError, match="column 'value' is a DECIMAL of 50 digits"):
        read_folder(_folder(tmp_path, _results(value=many)), load())
    assert len(read_folder(_folder(tmp_path, _results(price=many)), load()).rows["results"]) == 1


def test_names_are_those_of_the_file(tmp_path: Path) -> None:
    """DuckDB's names know no upper case: here a column in another case is another column, and never the one meant."""
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["patient_id", "patient_id"])
    with pytest.raises(InputError, match="duplicate column 'patient_id'"):
        read_folder(_folder(tmp_path, _results().append_column("patient_id", pa.array(["x"]))), load())
    with pytest.raises(InputError, match="duplicate column 'patient_id'"):
        find(_folder(tmp_path, _results().append_column("patient_id", pa.array(["x"]))))
    pq.write_table(twice, tmp_path / "twice.parquet")
    assert [name for name, _ in parquet.described(parquet.connect(), tmp_path / "twice.parquet")] == ["patient_id"] * 2
    table = _results().append_column("VALUE", pa.array([9.0])).select([*range(2), 6, *range(2, 6)])
    record = read_folder(_folder(tmp_path, table), load())
    assert record.rows["results"][0][2] == 4.5
    assert any(aside.what == "column 'VALUE'" for aside in record.set_aside)


def test_a_folder_of_any_name_is_read(tmp_path: Path) -> None:
    """Names of files stand in SQL, where quotes and patterns mean something."""
    folder = tmp_path / "o'brien [1]* ? year=2020"
    folder.mkdir()
    _folder(folder, _results())
    assert len(read_folder(folder, load()).rows["results"]) == 1
    assert find(folder).tables["results"].files == (folder / "results.parquet",)


def test_what_is_no_parquet_is_said_in_one_line(tmp_path: Path) -> None:
    """An empty file, another kind, half of one, and text that isn't UTF-8; never what stood in the file."""
    folder = _folder(tmp_path, _results())
    whole = (folder / "results.parquet").read_bytes()
    for content in (b"", b"hello there, this is not Parquet", whole[: len(whole) // 2]):
        (folder / "results.parquet").write_bytes(content)
        for use in (lambda: read_folder(folder, load()), lambda: find(folder)):
            with pytest.raises(InputError, match=r"results\.parquet: not Parquet: ") as caught:
                use()
            assert "\n" not in str(caught.value)
    latin = pa.array(["caf\xe9".encode("latin-1")]).view(pa.string())
    with pytest.raises(InputError, match=r"results\.parquet: holds text that is not UTF-8") as caught:
        read_folder(_folder(tmp_path, _results(unit=latin)), load())
    assert "caf" not in str(caught.value)


def test_a_table_without_rows_is_read(tmp_path: Path) -> None:
    folder = _folder(tmp_path, _results().slice(0, 0))
    assert read_folder(folder, load()).rows["results"] == []
    assert find(folder).tables["results"].columns["value"] == "DOUBLE"


def test_parts_may_say_a_column_differently(tmp_path: Path) -> None:
    """A column that is empty in one part has no type there; the other part's values count."""
    folder = _folder(tmp_path, _results())
    (folder / "results").mkdir()
    (folder / "results.parquet").rename(folder / "results" / "b.parquet")
    pq.write_table(_results(unit=pa.nulls(1), value=pa.array([4])), folder / "results" / "a.parquet")
    pq.write_table(_results(unit=pa.nulls(1), value=pa.array([4])), folder / "results" / "c.parquet")
    assert _as_a_nation(folder, "SELECT value, unit FROM results ORDER BY ALL") == [
        (4.0, None),
        (4.0, None),
        (4.5, "10*9/L"),
    ]


def test_no_letter_of_a_path_is_a_pattern(tmp_path: Path) -> None:
    """`g[1]` is not `g1`: another clinic's people may lie beside it."""
    mine, other = _folder(tmp_path / "g[1]", _results()), tmp_path / "g1"
    shutil.copytree(mine, other)
    pq.write_table(_results(value=pa.array([9.0])), other / "results.parquet")
    assert [row[2] for row in read_folder(mine, load()).rows["results"]] == [4.5]
    assert _as_a_nation(mine, "SELECT value FROM results") == [(4.5,)]


def test_columns_that_differ_by_capitals_alone_are_refused_for_a_nation(tmp_path: Path) -> None:
    table = _results()
    both = table.add_column(0, "VALUE", pa.array([9.0]))
    folder = _folder(tmp_path, both)
    with pytest.raises(InputError, match="duplicate column"):
        find(folder)


def test_a_folder_of_parts_is_one_line_for_a_clinic(tmp_path: Path) -> None:
    folder = _folder(tmp_path, _results())
    (folder / "results.parquet").unlink()
    (folder / "results.parquet").mkdir()
    with pytest.raises(InputError, match=r"a folder\. Expected one file"):
        read_folder(folder, load())


def test_files_that_grow_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    """In the order in which they were written, and without their parts."""
    tables = {"one": {"n": "BIGINT", "a": "VARCHAR"}, "none": {"x": "DOUBLE"}}
    with parquet.Growing(tmp_path / "new", tables) as files:
        for start in range(0, 1_000, 100):
            files.add("one", [(n, None if n % 3 else str(n)) for n in range(start, start + 100)])
        assert list((tmp_path / "new").glob("*.parquet")) == []
    assert [path.name for path in sorted((tmp_path / "new").iterdir())] == ["none.parquet", "one.parquet"]
    assert pq.read_table(tmp_path / "new" / "one.parquet").column("n").to_pylist() == list(range(1_000))
    assert pq.read_table(tmp_path / "new" / "none.parquet").schema.field("x").type == pa.float64()
    with pytest.raises(ValueError, match="argument"), parquet.Growing(tmp_path / "failed", tables) as files:
        files.add("one", [(1, "a"), (2,)])
    assert list((tmp_path / "failed").iterdir()) == []


def test_a_file_that_can_not_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    """As whoever asks expects it."""
    with pytest.raises(OSError, match="no_such_folder"):
        parquet.write(parquet.connect(), "SELECT 1", tmp_path / "no_such_folder" / "x.parquet")


@pytest.mark.parametrize("code", sorted(messages().keys() - set(NOT_CODES)))
def test_words_depend_on_their_gaps_alone(code: str) -> None:
    """Findings that agree in `gaps` are worded once in a nation: whatever else they hold must never show."""
    words = Words(load())
    full: dict[str, Any] = {
        **{name: f"{name} here" for name, kind in COLUMNS.items() if kind == "string"},
        **{name: 0.25 for name, kind in COLUMNS.items() if kind == "float64"},
        "code": code,
        "gaps": " ".join(sorted(gaps_in(code) - ALWAYS)),
        "text": "<",
        "action": "stop",
        "subject": "wbc",
        "comparison": "below",
        "on": DAY,
    }
    read = {"code", *words.gaps(code)}
    for found in (full, full | {"text": "in words"}, dict.fromkeys(full) | {"code": code}):
        bare = {name: cell if name in read else None for name, cell in found.items()}
        assert words.say(found) == words.say(bare)


WITHOUT = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from typer.testing import CliRunner
from azaward.cli import app
for command in {commands!r}:
    result = CliRunner().invoke(app, command)
    print(result.exit_code, (result.stderr if result.exit_code else "").strip())
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
"""


def _without(names: list[str], commands: list[list[str]]) -> list[str]:
    """What the program says to each command where libraries aren't installed: its exit code, and the failure."""
    code = textwrap.dedent(WITHOUT).format(names=names, commands=commands)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_neither_pyarrow_nor_pandas_is_needed(tmp_path: Path) -> None:
    """Every path that reads or writes Parquet, but Spark's."""
    made, cdm = tmp_path / "made", tmp_path / "cdm"
    cdm_of(record_of(synthesise(20, 1, dt.date(2026, 11, 23))), dt.date(2026, 11, 23)).write(cdm)
    day = ["--as-of", "2026-11-23"]
    out = str(tmp_path / "found.parquet")
    counting = f"""
        import datetime as dt
        from pathlib import Path
        from azaward.cohort.quality.figures import count
        from azaward.knowledge import load
        counts, _ = count(Path({str(made)!r}), dt.date(2026, 11, 23), load())
        print(sum(counts.values()) > 1_000)
    """
    assert (
        _without(
            ["pyarrow", "pandas"],
            [
                ["cohort", "synthesise", "--patients", "200", "--out", str(made), *day],
                ["assess", str(made), *day],
                ["cohort", "assess", str(made), "--out", out, *day],
                ["cohort", "sweep", str(made), "--protocol", "auto,most-cautious", *day],
                ["cohort", "assess", str(cdm), "--from", "omop", "--out", out, *day],
            ],
        )
        == ["0 "] * 5
    )
    block = "import sys\nsys.modules['pyarrow'] = sys.modules['pandas'] = None\n"
    done = subprocess.run(
        [sys.executable, "-c", block + textwrap.dedent(counting)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n", done.stderr
    assert duckdb.sql(f"SELECT count(*) > 5000 FROM '{made}/results.parquet'").fetchall() == [(True,)]


def test_without_duckdb_sqlite_answers_for_any_number_and_the_rest_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same answer; and one line with the command that brings what is missing."""
    from azaward.assessment import assess, engine_for, to_json
    from azaward.engine import DuckDBEngine

    people = list(synthesise(200, 3, dt.date(2026, 11, 23)))
    write_csv(people, tmp_path / "csv")
    (tmp_path / "parquet").mkdir()
    write_record(record_of(people), tmp_path / "parquet")
    record = read_folder(tmp_path / "csv", load())
    monkeypatch.setattr("azaward.assessment.MANY_PEOPLE", 100)
    assert engine_for(len(record.patient_ids())) is DuckDBEngine
    answer = to_json(assess(record, dt.date(2026, 11, 23)))
    code = f"""
        import sys
        sys.modules["duckdb"] = None
        import datetime as dt
        from pathlib import Path
        from azaward.assessment import assess, to_json
        from azaward.readers.tables.folder import read_folder
        from azaward.knowledge import load
        record = read_folder(Path({str(tmp_path / "csv")!r}), load())
        sys.stdout.buffer.write(to_json(assess(record, dt.date(2026, 11, 23))))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=False)
    assert done.stdout == answer, done.stderr
    folder, out = str(tmp_path / "parquet"), str(tmp_path / "found.parquet")
    said = _without(
        ["duckdb"],
        [
            ["assess", folder],
            ["cohort", "assess", folder, "--out", out],
            ["cohort", "assess", folder, "--from", "omop", "--out", out],
            ["cohort", "sweep", folder, "--protocol", "auto,most-cautious"],
            ["cohort", "quality", folder],
            ["cohort", "synthesise", "--patients", "5", "--out", str(tmp_path / "new")],
        ],
    )
    assert len(said) == 6
    for line in said:
        assert line.startswith("1 azaward: ")
        assert "needs duckdb, which isn't installed. Install it with: pip install 'azaward[cohort]'" in line
    assert not (tmp_path / "new").exists()
