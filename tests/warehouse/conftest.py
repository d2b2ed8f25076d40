"""Fixtures of the warehouse's tests."""

from collections.abc import Iterator

import duckdb
import pytest

from warehouse.reference import load_reference


@pytest.fixture
def shipped() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the shipped files as ``reference`` and looks there first."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        load_reference(connection)
        connection.execute("SET search_path = 'reference'")
        yield connection
