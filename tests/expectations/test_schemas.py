"""Schemas: Polars, Arrow and DuckDB say the same, and DuckDB holds the comments."""

import duckdb
import polars as pl
import pytest

from expectations.contracts import load_contracts
from expectations.schemas import arrow_schema, create_table, polars_schema, quoted, select_list, sql_type

TABLES = sorted(load_contracts())


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


@pytest.mark.parametrize("table", TABLES)
def test_duckdb_arrow_and_polars_agree(con: duckdb.DuckDBPyConnection, table: str) -> None:
    contract = load_contracts()[table]
    con.execute(create_table(contract, "written"))
    assert con.sql("FROM written").to_arrow_table().schema.equals(arrow_schema(contract.core_fields))
    assert con.sql("FROM written").pl().schema == polars_schema(contract.core_fields)


def test_a_schema_that_differs_is_seen(con: duckdb.DuckDBPyConnection) -> None:
    contract = load_contracts()["recaps"]
    con.execute(create_table(contract, "written"))
    con.execute("ALTER TABLE written ALTER value TYPE DOUBLE")
    assert not con.sql("FROM written").to_arrow_table().schema.equals(arrow_schema(contract.core_fields))


@pytest.mark.parametrize("table", TABLES)
def test_the_comments_stand_in_duckdb(con: duckdb.DuckDBPyConnection, table: str) -> None:
    contract = load_contracts()[table]
    con.execute(create_table(contract, "written"))
    query = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'written'"
    found = dict(con.execute(query).fetchall())
    assert {field.name for field in contract.core_fields if field.column.en not in (found[field.name] or "")} == set()
    (told,) = con.execute("SELECT comment FROM duckdb_tables()").fetchall()
    assert told == (f"{contract.description_id} / {contract.description_en}",)


def test_a_required_column_refuses_null(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(create_table(load_contracts()["dim_segment"], "written"))
    with pytest.raises(duckdb.ConstraintException, match="name_en"):
        con.execute("INSERT INTO written VALUES ('PU', 'Penerima Upah', NULL, 1)")


def test_the_select_list_casts_in_the_contracts_order(con: duckdb.DuckDBPyConnection) -> None:
    fields = load_contracts()["dim_segment"].core_fields
    query = "SELECT '3' AS sort_order, 'PU' AS segment, 'Wage recipients' AS name_en, 'Penerima Upah' AS name_id"
    row = con.execute(f"SELECT {select_list(fields)} FROM ({query})").fetchall()
    assert row == [("PU", "Penerima Upah", "Wage recipients", 3)]


def test_hashes_are_blobs_and_money_is_exact() -> None:
    assert (sql_type("hash"), sql_type("money"), sql_type("decimal")) == (
        "BLOB",
        "DECIMAL(20,2)",
        "DECIMAL(20,4)",
    )
    assert polars_schema(load_contracts()["participants"].core_fields)["person_id"] == pl.Binary


def test_a_quote_inside_a_text_is_doubled(con: duckdb.DuckDBPyConnection) -> None:
    day = "Jum'at"
    assert con.execute(f"SELECT {quoted(day)}").fetchall() == [(day,)]
