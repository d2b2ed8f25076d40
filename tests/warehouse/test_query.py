"""Questions to the promoted build, and what is no question."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import LIMITS, Home, participant, target, tree, trusting_judges
from warehouse.query import Answer, QueryError, ask, plain

MOMENT = datetime(2026, 1, 2, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Give a home with one promoted build."""
    home = Home(tmp_path_factory.mktemp("query"))
    home.put("participants/SLK/2026-10/a.csv", [participant(1), participant(2)])
    home.put("targets/t.csv", [target()])
    home.put("offices/o.csv", [{"office_code": "N07", "name": "Contoh"}])
    with trusting_judges():
        home.run()
        yield home


def answer(home: Home, sql: str) -> list[dict[str, Any]]:
    return ask(home.house, home.publication, LIMITS, sql).records()


def test_marts_core_and_reference_answer(home: Home) -> None:
    assert answer(home, "SELECT count(*) AS n FROM core.participants") == [{"n": 2}]
    names = "SELECT name FROM reference.offices WHERE office_code = 'N07'"
    assert answer(home, names) == [{"name": "Contoh"}]
    key = "geo_code = 'SLK' AND basis = 'active_stock' AND segment = 'BPU' AND as_of = '2026-10-31'"
    found = answer(home, f"SELECT target, actual FROM marts.target_attainment WHERE {key}")
    assert found == [{"target": 120, "actual": 2}]


def test_core_is_that_of_the_promoted_build(home: Home) -> None:
    home.put("targets/later.csv", [target(segment="PU")])
    home.sweep()
    assert len(home.core("targets")) == 2
    assert answer(home, "SELECT count(*) AS n FROM core.targets") == [{"n": 1}]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM marts.coverage", "CREATE TABLE x AS SELECT 1", "DROP VIEW core.targets", "SELECT 1; SELECT 2",
        "INSERT INTO reference.offices (office_code) VALUES ('X')", "ATTACH 'x.duckdb'", "COPY (SELECT 1) TO '{}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'", "EXPLAIN COPY (SELECT 1) TO '{}'", "SET threads = 1",
        "PRAGMA version", "/* x */ EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{}'",
        "EXPLAIN (ANALYZE, FORMAT JSON) COPY (SELECT 1) TO '{}'",
        "EXPLAIN ANALYZE INSERT INTO reference.offices (office_code) VALUES ('X')", "",
        "WITH x AS (SELECT 1) INSERT INTO reference.offices (office_code) SELECT 'X'", "EXPORT DATABASE '{}'",
        "CALL pragma_version()", "INSTALL json", "UPDATE reference.offices SET name = 'x'", "VACUUM",
    ],
)  # fmt: skip
def test_what_writes_is_refused(home: Home, tmp_path: Path, sql: str) -> None:
    before = tree(home.root)
    with pytest.raises(QueryError):
        answer(home, sql.format(tmp_path / "out.csv"))
    assert list(tmp_path.iterdir()) == []
    assert tree(home.root) == before


@pytest.mark.parametrize("sql", ["SELECT nothing FROM marts.coverage", "SELEC 1", "SELECT * FROM marts.none"])
def test_what_cannot_be_answered_says_why(home: Home, sql: str) -> None:
    with pytest.raises(QueryError) as refused:
        answer(home, sql)
    assert len(str(refused.value)) > 10


@pytest.mark.parametrize("place", ["raw/*/*", "quarantine/**/*.parquet", "arrivals/*.parquet"])
def test_a_question_cannot_read_files_beside_the_tables(home: Home, place: str) -> None:
    assert answer(home, "SELECT count(*) AS n FROM core.targets") == [{"n": 1}]
    with pytest.raises(QueryError, match="disabled by configuration"):
        answer(home, f"SELECT * FROM read_text('{home.house.root / place}')")


def test_an_explanation_only_reads(home: Home) -> None:
    assert answer(home, "EXPLAIN SELECT * FROM marts.coverage")
    assert answer(home, "FROM marts.dim_segment LIMIT 1")
    assert answer(home, "WITH x AS (SELECT 1 AS a) SELECT * FROM x") == [{"a": 1}]


def test_before_the_first_promotion_there_is_nothing_to_ask(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="cakupan run first"):
        answer(Home(tmp_path), "SELECT 1")


def test_values_are_plain_json() -> None:
    values = [
        Decimal("2.50"),
        Decimal(3),
        date(2026, 1, 2),
        MOMENT,
        b"\x01\xff",
        [Decimal(1), None],
        None,
        "x",
        1.5,
    ]
    plain_values = [plain(value) for value in values]
    assert plain_values == [2.5, 3, "2026-01-02", "2026-01-02T03:00:00+00:00", "01ff", [1, None], None, "x", 1.5]
    assert json.loads(json.dumps(plain_values)) == plain_values


def test_an_answer_is_records() -> None:
    assert Answer(["a", "b"], [(1, Decimal(2))]).records() == [{"a": 1, "b": 2}]
