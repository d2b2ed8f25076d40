"""The history of Delta tables: kept versions open whatever went, and nothing goes that they consist of."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from deltalake.schema import Schema
from deltalake.transaction import AddAction

from sources.places import Folder
from warehouse.lake import DataFile, LakeError, Table
from warehouse.vacuum import (
    Kept,
    compact,
    files_that_go,
    log_that_goes,
    read_log,
    referred_by,
    shorten,
    small_files,
    what_is_kept,
)

SCHEMA = pa.schema([("office_code", pa.string()), ("source_key", pa.string())])
DAY = timedelta(days=1)
Connection = duckdb.DuckDBPyConnection


@pytest.fixture
def con() -> Iterator[Connection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Give a table in partitions whose path is none that a URI could hold as it is."""
    return Table(Folder(tmp_path / "sebuah tabel é"), SCHEMA, ("office_code",))


def put(con: Connection, table: Table, office: str, source_key: str) -> int:
    """Replace an office by one row."""
    select = f"SELECT '{office}' AS office_code, '{source_key}' AS source_key"
    file = table.write_file(con, select, {"office_code": office}, source_key)
    return table.replace([file], [("office_code", "=", office)])


def age(table: Table, days: float) -> None:
    """Let all that a table consists of now be so old."""
    then = time.time() - days * 86400
    for path in table.root.rglob("*"):
        os.utime(path, (then, then))


def ago(days: float) -> datetime:
    return datetime.now(UTC) - days * DAY


def kept_of(table: Table, named: set[int], since: datetime | None = None, before: datetime | None = None) -> Kept:
    kept = what_is_kept(table, named, since or ago(-1), before or ago(-1))
    assert kept is not None
    return kept


def contents(table: Table, versions: set[int]) -> dict[int, list[str]]:
    """Give the data files of versions; each must be there."""
    found = {version: table.files(version) for version in versions}
    assert all(Path(file).is_file() for files in found.values() for file in files)
    return found


def remove(table: Table, kept: Kept, before: datetime | None = None) -> int:
    """Remove what may go, as a retention does; gives how many files went."""
    log = list(log_that_goes(table, kept, before or ago(-1)))
    table.place.remove(entry.key for entry in log)
    data = list(files_that_go(table, kept, before or ago(-1)))
    table.place.remove(entry.key for entry in data)
    return len(log) + len(data)


def test_a_table_that_was_never_written_keeps_nothing(table: Table) -> None:
    assert (read_log(table), what_is_kept(table, set(), ago(0), ago(0))) == (None, None)
    shorten(table)
    assert not table.root.exists()


def test_what_is_needed_is_what_delta_says_of_every_kept_version(con: Connection, table: Table) -> None:
    dice = random.Random(4)  # noqa: S311 - no secret
    for number in range(25):
        put(con, table, dice.choice("ABCD"), f"{number:064}")
        if number % 7 == 6:
            DeltaTable(str(table.root)).restore(dice.randrange(1, number))
        if number in (8, 17):
            table.checkpoint()
    newest = table.version() or 0
    for _ in range(10):
        named = set(dice.sample(range(newest + 1), 3))
        kept = kept_of(table, named)
        expected = {key for version in kept.versions for key in table.data_keys(version)}
        assert (kept.versions, kept.files) == ({*named, newest}, expected)


def test_kept_versions_open_after_everything_else_went(con: Connection, table: Table) -> None:
    for number in range(12):
        put(con, table, "AB"[number % 2], f"{number:064}")
        if number == 5:
            table.checkpoint()
    kept = kept_of(table, {8, 10})
    before = contents(table, kept.versions)
    assert kept.base == 6
    assert remove(table, kept) > 6
    assert contents(table, kept.versions) == before
    assert sorted(entry.key for entry in table.place.entries() if entry.key.endswith(".parquet")) == sorted(
        [*kept.files, "_delta_log/00000000000000000006.checkpoint.parquet"]
    )
    assert put(con, table, "A", f"{99:064}") == 13
    # The file that was replaced just now.
    assert remove(table, kept_of(table, {8, 10})) == 1
    assert contents(table, {8, 10}) == {version: before[version] for version in (8, 10)}


def test_a_version_stays_until_it_was_not_the_newest_for_long(con: Connection, table: Table) -> None:
    first = put(con, table, "A", "1" * 64)
    age(table, 100)
    second = put(con, table, "A", "2" * 64)
    age(table, 20)
    put(con, table, "A", "3" * 64)
    assert first in kept_of(table, set(), since=ago(30)).versions
    assert kept_of(table, set(), since=ago(10)).versions == {second, second + 1}


def test_files_of_a_run_at_work_stay_and_those_of_a_killed_one_go(con: Connection, table: Table) -> None:
    put(con, table, "A", "1" * 64)
    old = table.write_file(con, "SELECT 'x' AS source_key", {"office_code": "B"}, "staged")
    log = table.root / "_delta_log"
    for name in ("_commit_1234.json.tmp", "00000000000000000002.json#1", "00000000000000000001.json.bak"):
        (log / name).write_text("{}", encoding="utf-8")
    age(table, 3)
    young = table.write_file(con, "SELECT 'x' AS source_key", {"office_code": "C"}, "staged")
    kept = kept_of(table, set(), before=ago(2))
    assert remove(table, kept, ago(2)) == 3
    assert not (table.root / old.path).parent.exists()
    assert (table.root / young.path).is_file()
    assert sorted(path.name for path in log.iterdir())[2:] == ["00000000000000000001.json.bak"]


def test_a_checkpoint_must_be_older_than_the_grace_time_before_the_log_relies_on_it(
    con: Connection, table: Table
) -> None:
    for number in range(4):
        put(con, table, "A", f"{number:064}")
    age(table, 100)
    table.checkpoint()
    kept = kept_of(table, set(), before=ago(2))
    assert (kept.base, [entry.key for entry in log_that_goes(table, kept, ago(2))]) == (0, [])
    age(table, 3)
    assert kept_of(table, set(), before=ago(2)).base == 4


def test_a_removal_that_was_broken_off_anywhere_goes_on(con: Connection, table: Table) -> None:
    for number in range(10):
        put(con, table, "AB"[number % 2], f"{number:064}")
        if number == 4:
            table.checkpoint()
    kept = kept_of(table, {7})
    before = contents(table, kept.versions)
    entries = [entry.key for entry in log_that_goes(table, kept, ago(-1))]
    dice = random.Random(1)  # noqa: S311 - no secret
    for gone in (entries[:3], dice.sample(entries, 3), entries):
        table.place.remove(gone)
        again = kept_of(table, {7})
        assert (again.versions, again.files) == (kept.versions, kept.files)
        assert contents(table, {7, 10}) == before
    remove(table, kept_of(table, {7}))
    assert contents(table, {7, 10}) == before
    assert read_log(table) is not None


def test_a_named_version_that_is_gone_stops_the_removal(con: Connection, table: Table) -> None:
    for number in range(6):
        put(con, table, "A", f"{number:064}")
    table.checkpoint()
    remove(table, kept_of(table, set()))
    for lost in (3, 77):
        with pytest.raises(LakeError, match=f"names version {lost} of .*, which has 6 to 6"):
            what_is_kept(table, {lost}, ago(0), ago(0))
        with pytest.raises(LakeError, match=f"version {lost} of .* cannot be opened"):
            table.data_keys(lost)


def test_a_log_that_says_other_than_the_table_stops_the_removal(con: Connection, table: Table) -> None:
    put(con, table, "A", "1" * 64)
    put(con, table, "B", "2" * 64)
    table.checkpoint()
    last = table.root / "_delta_log" / "00000000000000000002.json"
    lines = [line for line in last.read_text(encoding="utf-8").splitlines() if "add" not in json.loads(line)]
    last.write_text("\n".join(lines) + "\n", encoding="utf-8")
    age(table, 3)
    for path in (table.root / "_delta_log").glob("*.checkpoint.parquet"):
        os.utime(path)
    with pytest.raises(LakeError, match="cannot be followed"):
        what_is_kept(table, set(), ago(0), ago(2))


def test_many_small_files_become_one_with_the_same_rows(con: Connection, tmp_path: Path) -> None:
    table = Table(Folder(tmp_path), pa.schema([("n", pa.int64()), ("source_key", pa.string())]))
    for number in range(34):
        table.append([table.write_file(con, f"SELECT {number} AS n, 'x' AS source_key", {}, "part")])
        assert len(small_files(table)) in (0, 33, 34)
    rows = con.execute(f"FROM ({table.relation()}) ORDER BY n").fetchall()
    compact(table, con, ["n"])
    assert (small_files(table), len(table.files())) == ([], 1)
    assert con.execute(f"FROM ({table.relation()})").fetchall() == rows
    assert len(table.files(34)) == 34


def test_the_rows_of_every_kept_version_tell_which_files_they_came_from(con: Connection, tmp_path: Path) -> None:
    table = Table(Folder(tmp_path), SCHEMA)
    keys = [str(digit) * 64 for digit in range(4)]
    for key in keys:
        table.replace([table.write_file(con, f"SELECT 'A' AS office_code, '{key}' AS source_key", {}, "part")])
    kept = kept_of(table, {2})
    assert referred_by(table, kept, con, keys) == {keys[1], keys[3]}
    assert referred_by(table, kept, con, keys[3:]) == {keys[3]}
    assert referred_by(table, kept, con, []) == set()


def test_of_a_table_in_partitions_the_names_tell_it(con: Connection, table: Table) -> None:
    keys = [str(digit) * 64 for digit in range(3)]
    for key in keys:
        put(con, table, "A", key)
    assert referred_by(table, kept_of(table, {1}), con, keys) == {keys[0], keys[2]}


# --- what delta-rs would do by itself ------------------------------------------------------------------------------


def commit_by_others(table: Table, number: int) -> None:
    action = AddAction(f"{number}.parquet", 1, {}, int(time.time() * 1000), data_change=True, stats="{}")
    DeltaTable(str(table.root)).create_write_transaction([action], mode="append", schema=Schema.from_arrow(SCHEMA))


def commit_by_us(table: Table, number: int) -> None:
    table.append([DataFile(f"{number}.parquet", 1, 1, {})])


def left_of_the_log(table: Table, commit: Callable[[Table, int], None]) -> int:
    """Commit up to a hundred times, the first four long ago; gives how many entries are left of those four."""
    for number in range(99):
        if number == 3:
            table.checkpoint()
            age(table, 60)
        commit(table, number)
    return len(list((table.root / "_delta_log").glob("0000000000000000000[0-3].json")))


@pytest.mark.slow
def test_delta_rs_removes_no_log_entry_by_itself(tmp_path: Path) -> None:
    made_by_us, made_by_others, lost = (Table(Folder(tmp_path / name), SCHEMA) for name in ("ours", "theirs", "lost"))
    for table in (made_by_others, lost):
        DeltaTable.create(str(table.root), schema=Schema.from_arrow(SCHEMA))
    assert left_of_the_log(made_by_others, commit_by_us) == 4
    commit_by_us(made_by_us, 99)
    assert left_of_the_log(made_by_us, commit_by_others) == 4
    # Without us, versions that a manifest names would not open any more.
    assert left_of_the_log(lost, commit_by_others) < 4
