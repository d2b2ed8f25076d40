"""Delta tables that DuckDB writes and a commit registers."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from expectations.contracts import contracts_of
from sources.places import Folder, Place, PlaceError
from tests.s3 import new_bucket
from warehouse.house import House
from warehouse.lake import LakeError, Table, files_relation, pa_sql

SCHEMA = pa.schema([("office_code", pa.string()), ("period", pa.string()), ("value", pa.int64())])


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def table(place: Place) -> Table:
    """Give a table in partitions that was never written, in a place of every kind."""
    return Table(place.below("rows"), SCHEMA, ("office_code", "period"))


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


def polars_rows(table: Table) -> pl.DataFrame:
    """Read a table as another program would."""
    access = {name: value for name, value in table.place.delta_options.items() if name.startswith("aws_")}
    return pl.scan_delta(table.place.uri, storage_options=access).collect()


def test_other_readers_see_the_same_rows(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    put(con, table, "A", 2)
    assert polars_rows(table).select("office_code", "period", "value").rows() == [("A", "2026-10", 2)]


def test_the_commit_says_how_many_rows_and_no_values(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 12345)
    log = (table.place.read(f"_delta_log/{table.version():020}.json") or b"").decode()
    added = next(json.loads(line)["add"] for line in log.splitlines() if '"add"' in line)
    assert json.loads(added["stats"]) == {"numRecords": 1}
    assert "12345" not in log


@pytest.mark.parametrize("value", ["", "../x", "a b", "a/b", "a=b", "ä", "a\n"])
def test_a_partition_value_that_a_path_cannot_hold_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, value: str
) -> None:
    table = Table(Folder(tmp_path), SCHEMA, ("office_code", "period"))
    with pytest.raises(LakeError, match="letters, digits"):
        table.write_file(con, "SELECT 1 AS value", {"office_code": value, "period": "2026-10"}, "part")


def test_text_that_looks_like_a_number_or_date_stays_text(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "007", 1)
    assert rows(con, table) == [("007", "2026-10", 1)]


def test_appending_from_several_threads_loses_nothing(place: Place) -> None:
    table = Table(place.below("log"), pa.schema([("n", pa.int64())]))
    with duckdb.connect() as con:
        table.append([table.write_file(con, "SELECT -1 AS n", {}, "part")])

    def append(n: int) -> None:
        mine = replace(table, opened={})
        with duckdb.connect(config={"threads": 1}) as own:
            mine.append([mine.write_file(own, f"SELECT {n} AS n", {}, "part")])

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


def test_core_is_attached_at_the_versions_that_are_asked_for(con: duckdb.DuckDBPyConnection, place: Place) -> None:
    house = House(place)
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


@pytest.mark.parametrize("name", ["dua kata", "ünï+kode", "a#b?c", "100%", "kutip'dua\"", "a&b=c:d*[e]"])
def test_a_lake_may_stand_under_any_name(con: duckdb.DuckDBPyConnection, place: Place, name: str) -> None:
    table = Table(place.below(name), SCHEMA, ("office_code", "period"))
    for value in (1, 2):
        put(con, table, "A", value)
    assert rows(con, table) == [("A", "2026-10", 2)]
    assert [key.rpartition("/")[0] for key in table.data_keys()] == ["office_code=A/period=2026-10"]


def test_a_run_that_may_not_write_any_more_commits_nothing(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)

    def lost() -> None:
        raise RuntimeError("lost")

    zombie = replace(table, confirm=lost)
    with pytest.raises(RuntimeError, match="lost"):
        put(con, zombie, "A", 2)
    assert (rows(con, table), table.version()) == ([("A", "2026-10", 1)], 1)


def test_a_commit_upon_an_older_version_is_seen_and_made_again(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    others = iter([lambda: put(con, table, "B", 5)])
    meanwhile = replace(table, confirm=lambda: next(others, lambda: 0)() and None)
    assert put(con, meanwhile, "A", 2) == 3
    assert rows(con, table) == [("A", "2026-10", 2), ("B", "2026-10", 5)]


def test_a_table_whose_log_is_damaged_is_told_in_one_line(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    with pytest.raises(LakeError, match=r"version 99 of .* cannot be opened"):
        table.files(99)
    table.place.write(f"_delta_log/{1:020}.json", b"{half")
    with pytest.raises(PlaceError, match="cannot be used") as told:
        replace(table, opened={}).files()
    assert "\n" not in str(told.value)
    assert "\x1b" not in str(told.value)


@pytest.mark.slow
def test_copies_of_old_versions_go_and_those_that_are_read_stay(
    con: duckdb.DuckDBPyConnection, endpoint: str, tmp_path: Path
) -> None:
    house = House(new_bucket(endpoint, tmp_path))
    offices = house.core("offices")
    empty = ", ".join(f"NULL AS {name}" for name in offices.schema.names[1:])
    for code in ("N01", "N02", "N03"):
        offices.replace([offices.write_file(con, f"SELECT '{code}' AS office_code, {empty}", {}, "part")])
    kept = {*offices.data_keys(1), *offices.data_keys()}
    for path in offices.root.glob("*.parquet"):
        os.utime(path, times=(0, 0))
    house.drop_old_copies([{"offices": 1}])
    assert {path.name for path in offices.root.glob("*.parquet")} == kept
    house.attach_core(con, {"offices": 2})
    assert con.execute("SELECT office_code FROM core.offices").fetchall() == [("N02",)]


def test_partitions_of_several_months_are_replaced_in_one_commit(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    for office, period in (("A", "2026-09"), ("A", "2026-10"), ("B", "2026-09")):
        put(con, table, office, 1, period)
    before = table.version()
    files = [
        table.write_file(con, "SELECT 7 AS value", {"office_code": office, "period": period}, "part")
        for office, period in (("A", "2026-10"), ("B", "2026-09"), ("C", "2026-09"))
    ]
    after = table.replace_partitions(files)
    assert before is not None
    assert after == before + 1
    assert rows(con, table) == [("A", "2026-09", 1), ("A", "2026-10", 7), ("B", "2026-09", 7), ("C", "2026-09", 7)]
    assert [value for *_, value in rows(con, table, before)] == [1, 1, 1]
    assert polars_rows(table).height == 4


def test_two_files_of_one_partition_stand_beside_each_other(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    put(con, table, "A", 1)
    place = {"office_code": "A", "period": "2026-10"}
    table.replace_partitions([table.write_file(con, f"SELECT {n} AS value", place, "part") for n in (2, 3)])
    assert [value for *_, value in rows(con, table)] == [2, 3]


def test_a_replacement_that_another_overtook_is_tried_again_upon_it(
    con: duckdb.DuckDBPyConnection, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(con, table, "A", 1)
    place = {"office_code": "A", "period": "2026-10"}
    mine, theirs = ([table.write_file(con, f"SELECT {n} AS value", place, "part")] for n in (2, 3))
    opened, overtaken = vars(Table)["_open"], list[bool]()

    def overtake(self: Table, version: int | None = None) -> object:
        found = opened(self, version)
        if not overtaken:
            overtaken.append(True)
            table.replace_partitions(theirs)
        return found

    monkeypatch.setattr(Table, "_open", overtake)
    table.replace_partitions(mine)
    assert [value for *_, value in rows(con, table)] == [2]


def test_what_stood_at_a_version_can_stand_again(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    table.restore(None)
    assert table.version() is None
    first = put(con, table, "A", 1)
    put(con, table, "A", 2)
    put(con, table, "B", 3)
    table.restore(first + 2)
    table.restore(first)
    assert rows(con, table) == [("A", "2026-10", 1)]
    assert polars_rows(table).height == 1
    restored = table.version()
    table.restore(restored)
    assert table.version() == restored, "nothing to do"
    table.restore(None)
    assert rows(con, table) == []


@pytest.mark.parametrize("name", ["plain", "with space", "link"])
@pytest.mark.parametrize("relative", [False, True])
def test_keys_do_not_depend_on_how_the_folder_is_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, relative: bool
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "plain")
    (tmp_path / "plain").mkdir()
    monkeypatch.chdir(tmp_path)
    table = Table(Folder((Path() if relative else tmp_path) / name / "rows"), SCHEMA, ("office_code", "period"))
    place = {"office_code": "A", "period": "2026-10"}
    for value in (1, 2):
        table.replace_partitions([table.write_file(con, f"SELECT {value} AS value", place, "part")])
    assert [key.rpartition("/")[0] for key in table.data_keys()] == ["office_code=A/period=2026-10"]
    assert rows(con, table) == [("A", "2026-10", 2)]
