"""The declared breaks of series: what a row may say, and that none is shipped which the data does not have."""

from collections.abc import Iterator

import duckdb
import pytest

from expectations.columns import column_dictionary
from warehouse.reference import load_reference

LEVELS = ", ".join(f"'{level}'" for level in column_dictionary()["level"].values or ())
CONCEPTS = ", ".join(f"'{concept}'" for concept in column_dictionary()["concept"].values or ())
# What breaks each promise, and a row that does.
PROMISES = {
    "a break has a year and a reason": (
        "SELECT * FROM series_breaks WHERE year IS NULL OR year < 1970 OR coalesce(trim(why), '') = ''",
        "INSERT INTO series_breaks VALUES ('employed', 2025, NULL, NULL)",
    ),
    "a break is of a known concept": (
        f"SELECT * FROM series_breaks WHERE concept NOT IN ({CONCEPTS})",
        "INSERT INTO series_breaks VALUES ('bekerja', 2025, NULL, 'x')",
    ),
    "a break is of a known level": (
        f"SELECT * FROM series_breaks WHERE level NOT IN ({LEVELS})",
        "INSERT INTO series_breaks VALUES ('employed', 2025, 'kabupaten', 'x')",
    ),
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the shipped files as ``reference``."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        load_reference(connection)
        connection.execute("SET search_path = 'reference'")
        yield connection


@pytest.mark.parametrize("name", PROMISES)
def test_the_shipped_breaks_keep_the_promise_and_a_bad_one_does_not(con: duckdb.DuckDBPyConnection, name: str) -> None:
    query, canary = PROMISES[name]
    assert con.execute(query).fetchall() == []
    con.execute(canary)
    assert len(con.execute(query).fetchall()) == 1


def test_the_shipped_series_have_no_break(con: duckdb.DuckDBPyConnection) -> None:
    types = {row[0]: row[1] for row in con.execute("DESCRIBE series_breaks").fetchall()}
    assert types == {"concept": "VARCHAR", "year": "BIGINT", "level": "VARCHAR", "why": "VARCHAR"}
    assert con.execute("SELECT count(*) FROM series_breaks").fetchone() == (0,)
