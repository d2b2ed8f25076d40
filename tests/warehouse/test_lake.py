"""Delta tables that DuckDB writes and a commit registers."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from expectations.contracts import contracts_of
from sources.places import Folder
from warehouse.house import House
from warehouse.lake import LakeError, Table, files_relation, pa_sql

SCHEMA = pa.schema([("office_code", pa.string()), ("period", pa.string()), ("value", pa.int64())])


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Give a table in partitions that was never written."""
    return Table(Folder(tmp_path / "rows"), SCHEMA, ("office_code", "period"))


def put(con: duckdb.DuckDBPyConnection, table: Table, office: str, value: int, period: str = "2026-10") -> int:
    select = f"SELECT '{office}' AS office_code, '{period}' AS period, {value} AS value"
    file = table.write_file(con, select, {"office_code": office, "period": period}, "part")
    return table.replace([file], [("office_code", "=", office), ("period", "=", period)])


def rows(con: duckdb.DuckDBPyConnection, table: Table, version: int | None = None) -> list[tuple[str, str, int]]:
    return con.execute(f"FROM ({table.relation(version)}) ORDER BY ALL").fetchall()


def test_a_table_that_was_never_written_has_no_rows_and_no_version(
    con: duckdb.DuckDBPyConnection, table: Table
) -> None:
    assert (table.version(), table.files(), rows(con, table)) == (None, [], [])
    described = con.execute(f"DESCRIBE {table.relation()}").fetchall()
    assert [row[:2] for row in described] == [("office_code", "VARCHAR"), ("period", "VARCHAR"), ("value", "BIGINT")]


def test_a_partition_is_replaced_and_every_version_stays_readable(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    first = put(con, table, "A", 1)
    put(con, table, "B", 2)
    last = put(con, table, "A", 3)
    assert rows(con, table) == [("A", "2026-10", 3), ("B", "2026-10", 2)]
    assert rows(con, table, first) == [("A", "2026-10", 1)]
    assert rows(con, table, last - 1) == [("A", "2026-10", 1), ("B", "2026-10", 2)]
    assert table.version() == last


def test_a_file_that_is_not_registered_is_not_there(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    table.write_file(con, "SELECT 'A', '2026-10', 9 AS value", {"office_code": "A", "period": "2026-10"}, "part")
    assert rows(con, table) == [("A", "2026-10", 1)]
    assert len(list(table.root.rglob("*.parquet"))) == 2


def test_replacing_many_offices_of_a_month_is_one_commit(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    for office in "ABC":
        put(con, table, office, 1)
    before = table.version()
    files = [
        table.write_file(con, f"SELECT {n} AS value", {"office_code": office, "period": "2026-10"}, "part")
        for n, office in enumerate("AB", start=7)
    ]
    after = table.replace(files, [("period", "=", "2026-10"), ("office_code", "in", ["A", "B"])])
    assert before is not None
    assert after == before + 1
    assert rows(con, table) == [("A", "2026-10", 7), ("B", "2026-10", 8), ("C", "2026-10", 1)]


def test_a_partition_can_be_emptied(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    table.replace([], [("office_code", "in", ["A"])])
    assert rows(con, table) == []


def test_other_readers_see_the_same_rows(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    put(con, table, "A", 2)
    frame = pl.scan_delta(str(table.root)).collect()
    assert frame.select("office_code", "period", "value").rows() == [("A", "2026-10", 2)]


def test_the_commit_says_how_many_rows_and_no_values(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 12345)
    log = (table.root / "_delta_log" / f"{table.version():020}.json").read_text(encoding="utf-8")
    added = next(json.loads(line)["add"] for line in log.splitlines() if '"add"' in line)
    assert json.loads(added["stats"]) == {"numRecords": 1}
    assert "12345" not in log


@pytest.mark.parametrize("value", ["", "../x", "a b", "a/b", "a=b", "ä", "a\n"])
def test_a_partition_value_that_a_path_cannot_hold_is_refused(
    con: duckdb.DuckDBPyConnection, table: Table, value: str
) -> None:
    with pytest.raises(LakeError, match="letters, digits"):
        table.write_file(con, "SELECT 1 AS value", {"office_code": value, "period": "2026-10"}, "part")


def test_text_that_looks_like_a_number_or_date_stays_text(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "007", 1)
    assert rows(con, table) == [("007", "2026-10", 1)]


def test_appending_from_several_threads_loses_nothing(tmp_path: Path) -> None:
    table = Table(Folder(tmp_path / "log"), pa.schema([("n", pa.int64())]))
    with duckdb.connect() as con:
        table.append([table.write_file(con, "SELECT -1 AS n", {}, "part")])

    def append(n: int) -> None:
        with duckdb.connect(config={"threads": 1}) as own:
            table.append([table.write_file(own, f"SELECT {n} AS n", {}, "part")])

    threads = [Thread(target=append, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with duckdb.connect() as con:
        assert con.execute(f"SELECT n FROM ({table.relation()}) ORDER BY n").fetchall() == [(n,) for n in range(-1, 4)]


def test_types_go_from_arrow_to_duckdb(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    house = House(Folder(tmp_path))
    for name in contracts_of("dataset"):
        schema = house.core(name).schema
        described = con.execute(f"DESCRIBE {files_relation([], schema, ())}").fetchall()
        assert {row[0]: row[1] for row in described} == {
            column: kind.replace(" ", "") for column, kind in pa_sql(schema).items()
        }


def test_core_is_attached_at_the_versions_that_are_asked_for(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    house = House(Folder(tmp_path))
    offices = house.core("offices")
    for code in ("N01", "N02"):
        empty = ", ".join(f"NULL AS {name}" for name in offices.schema.names[1:])
        select = f"SELECT '{code}' AS office_code, {empty}"
        offices.append([offices.write_file(con, select, {}, "part")])
    assert house.core_versions() == {"offices": 2}
    for version, expected in ((2, 2), (1, 1)):
        house.attach_core(con, {"offices": version})
        assert con.execute("SELECT count(*) FROM core.offices").fetchall() == [(expected,)]
        assert con.execute("SELECT count(*) FROM core.participants").fetchall() == [(0,)]
