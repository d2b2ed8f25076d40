"""What goes wrong between delta-rs and S3: throttling, answers that are lost, logs that break off, refusals."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import stamina

from sources.buckets import Bucket
from sources.places import OutOfReachError, PlaceError
from tests.s3 import access_to, new_bucket
from tests.s3_gate import Fault, Gate
from warehouse.lake import Table

pytestmark = pytest.mark.slow
SCHEMA = pa.schema([("office", pa.string()), ("n", pa.int64())])
COMMIT = r"^PUT .*/_delta_log/\d+\.json"
READ_LOG = r"^GET .*/_delta_log/0"
LIST_LOG = r"^GET .*list-type=2.*_delta_log"


@pytest.fixture(scope="module")
def written(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Write a table with one row once; give its files."""
    place = new_bucket(endpoint, tmp_path_factory.mktemp("written")).below("core/rows")
    put(Table(place, SCHEMA, ("office",)), 1)
    return {entry.key: place.read(entry.key) or b"" for entry in place.entries()}


@pytest.fixture
def table(endpoint: str, gate: Gate, written: dict[str, bytes], tmp_path: Path) -> Table:
    """Give a table with one row in a bucket of its own, reached through the gate and open."""
    bucket = new_bucket(endpoint, tmp_path / "cache")
    for key, content in written.items():
        bucket.write(f"core/rows/{key}", content)
    made = Table(replace(bucket, access=access_to(gate.address)).below("core/rows"), SCHEMA, ("office",))
    assert made.version() == 1
    return made


def put(table: Table, n: int, mode: str = "replace") -> int:
    """Commit one row, in place of what stood or beside it."""
    with duckdb.connect() as con:
        file = table.write_file(con, f"SELECT 'A' AS office, {n} AS n", {"office": "A"}, "part")
    return table.append([file]) if mode == "append" else table.replace([file], [("office", "=", "A")])


def rows(table: Table, version: int | None = None) -> list[int]:
    with duckdb.connect() as con:
        return [row[0] for row in con.execute(f"SELECT n FROM ({table.relation(version)}) ORDER BY n").fetchall()]


def actions(table: Table) -> list[Counter[str]]:
    """Give what every commit did: how often which action stands in it."""
    logs = [table.place.read(entry.key) for entry in table.place.entries("_delta_log/0")]
    return [Counter(name for line in (log or b"").splitlines() for name in json.loads(line)) for log in logs]


@pytest.mark.parametrize("mode", ["replace", "append"])
@pytest.mark.parametrize("faults", [["lost"], ["slow down", "lost"], ["drop"], ["broken", "slow down", "slow down"]])
def test_a_commit_that_goes_wrong_on_the_way_is_made_once(
    table: Table, gate: Gate, mode: str, faults: list[Fault]
) -> None:
    gate.fail(*faults, at=COMMIT)
    assert put(table, 2, mode) == 2
    assert rows(table) == ([1, 2] if mode == "append" else [2])
    assert rows(table, 1) == [1]
    changes = [(commit["add"], commit["remove"]) for commit in actions(table)]
    assert changes == [(0, 0), (1, 0), (1, 0 if mode == "append" else 1)]


def test_a_commit_whose_answers_are_all_lost_stands_once(table: Table, gate: Gate) -> None:
    for _ in range(8):
        gate.fail("lost", at=COMMIT)
    assert put(table, 2) == 2
    assert (rows(table), table.version()) == ([2], 2)


@pytest.mark.parametrize("at", [READ_LOG, LIST_LOG])
@pytest.mark.parametrize("fault", ["cut", "slow down", "drop"])
def test_a_log_that_does_not_come_whole_is_read_again(table: Table, gate: Gate, at: str, fault: Fault) -> None:
    gate.fail(fault, fault, at=at)
    assert (table.version(), rows(table)) == (1, [1])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("expired", r"refuses the credential \(ExpiredToken\)"),
        ("denied", r"refuses the credential \((AccessDenied|403)\)"),
        ("slow down", "puts off what it is asked"),
        ("broken", "puts off what it is asked"),
        ("drop", "is out of reach"),
        ("cut", "is out of reach"),
    ],
)
def test_what_goes_on_going_wrong_ends_with_a_sentence(table: Table, gate: Gate, fault: Fault, told: str) -> None:
    impatient = replace(table, place=quick(table), opened={})
    questions: list[tuple[str, Callable[[], object]]] = [
        (LIST_LOG, impatient.version), (READ_LOG, impatient.data_keys), (READ_LOG, lambda: impatient.files(1)),
        (COMMIT, lambda: put(impatient, 2)),
    ]  # fmt: skip
    for at, question in questions if fault != "cut" else questions[:-1]:
        gate.fail_always(fault, at=at)
        with stamina.set_testing(testing=True, attempts=2), pytest.raises(PlaceError, match=told) as ended:
            question()
        assert isinstance(ended.value, OutOfReachError) == (fault not in ("expired", "denied"))
        assert "\n" not in str(ended.value)
        assert "testing-secret" not in str(ended.value)
        gate.mend()
    assert (rows(table), table.version()) == ([1], 1)


def quick(table: Table) -> Bucket:
    """Give the table's place with little patience."""
    assert isinstance(table.place, Bucket)
    return replace(table.place, access=replace(table.place.access, attempts=2))


def test_a_table_in_a_bucket_that_is_not_there_is_no_empty_table(endpoint: str, tmp_path: Path) -> None:
    nowhere = Table(Bucket("tidak-ada-di-sini", "lake", access_to(endpoint), tmp_path), SCHEMA)
    with pytest.raises(PlaceError, match="there is no bucket tidak-ada-di-sini"):
        nowhere.version()
