"""The declared breaks of series: what a row may say, and that none is shipped which the data does not have."""

import duckdb
import pytest

from expectations.columns import column_dictionary

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


@pytest.mark.parametrize("name", PROMISES)
def test_the_shipped_breaks_keep_the_promise_and_a_bad_one_does_not(
    shipped: duckdb.DuckDBPyConnection, name: str
) -> None:
    query, canary = PROMISES[name]
    assert shipped.execute(query).fetchall() == []
    shipped.execute(canary)
    assert len(shipped.execute(query).fetchall()) == 1


def test_the_shipped_series_have_no_break(shipped: duckdb.DuckDBPyConnection) -> None:
    types = {row[0]: row[1] for row in shipped.execute("DESCRIBE series_breaks").fetchall()}
    assert types == {"concept": "VARCHAR", "year": "BIGINT", "level": "VARCHAR", "why": "VARCHAR"}
    assert shipped.execute("SELECT count(*) FROM series_breaks").fetchone() == (0,)
