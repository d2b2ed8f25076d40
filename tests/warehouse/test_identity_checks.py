"""What the identities find stands in the checks: counted by kind, within the budget, and each with both sides."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from expectations.contracts import contracts_of
from expectations.schemas import create_table
from warehouse.checks import find_contradictions, identity_checks, listed_findings
from warehouse.reference import load_reference

LISTED = ["code", "place_code", "year", "concept", "verdict", "left_side", "right_side", "message_id", "message_en"]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the shipped reference data and empty core tables."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        load_reference(connection)
        connection.execute("CREATE SCHEMA core")
        for name, contract in contracts_of("dataset").items():
            connection.execute(create_table(contract, f"core.{name}", constraints=False))
        yield connection


def tell(con: duckdb.DuckDBPyConnection, region: str, concept: str, value: int, **more: Any) -> None:
    row: dict[str, Any] = {
        "region_code": region, "year": 2025, "round": "aug", "concept": concept, "value": value, "qualifier": "eq",
        "source_kind": "bps", "source": "x", "restated": False, "value_status": "final", "source_key": "k",
    } | more  # fmt: skip
    con.execute(
        f"INSERT INTO core.labour_force ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values())
    )


def test_findings_are_listed_with_both_sides_in_one_order(con: duckdb.DuckDBPyConnection) -> None:
    for region in ("1372", "1311"):
        for concept, value in {"labour_force": 200, "employed": 90, "unemployed": 10}.items():
            tell(con, region, concept, value)
    find_contradictions(con)
    listed = listed_findings(con)
    assert [(row["place_code"], row["concept"]) for row in listed] == [
        (region, concept) for region in ("1311", "1372") for concept in ("employed", "labour_force", "unemployed")
    ]
    assert list(listed[0]) == LISTED
    assert (listed[1]["left_side"], listed[1]["right_side"]) == ("labour_force 200", "employed 90 + unemployed 10")
    (check,) = identity_checks(con)
    assert (check["code"], check["observed"], check["severity"]) == ("labour_force_sum", 6, "warn")


def test_figures_that_add_up_list_nothing(con: duckdb.DuckDBPyConnection) -> None:
    for concept, value in {"labour_force": 100, "employed": 90, "unemployed": 10}.items():
        tell(con, "1311", concept, value)
    find_contradictions(con)
    assert (listed_findings(con), list(identity_checks(con))) == ([], [])


def test_an_exchange_in_all_regions_stays_within_the_budget_and_many_contradictions_do_not(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("""
        INSERT INTO core.labour_force BY NAME
        SELECT region_code, "year", concept, 'aug' AS round, 'eq' AS qualifier, 'bps' AS source_kind, 'x' AS source,
          false AS restated, 'final' AS value_status, 'k' AS source_key,
          CASE WHEN (concept = 'employed_formal') = ("year" = 2025) THEN 600 ELSE 400 END AS value
        FROM (SELECT region_code FROM reference.regions WHERE level = 'regency'),
          (SELECT unnest(generate_series(2022, 2025)) AS "year"),
          (SELECT unnest(['employed_formal', 'employed_informal']) AS concept)
    """)
    find_contradictions(con)
    (check,) = identity_checks(con)
    assert (check["code"], check["observed"], check["severity"]) == ("parts_exchanged", 2, "warn")
    con.execute("""INSERT INTO core.labour_force SELECT * REPLACE ('employed' AS concept, 7 AS value)
        FROM core.labour_force WHERE concept = 'employed_formal'""")
    find_contradictions(con)
    assert {check["code"]: check["severity"] for check in identity_checks(con)}["status_sum"] == "error"
