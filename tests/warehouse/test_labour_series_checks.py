"""The identities of marts.labour_series, each with what breaks it; and every way in which parts can make a sum."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import duckdb
import pytest
import yaml

from expectations.contracts import TableCheck, load_contracts
from tests.marts.harness import run_case

SOUND = """
as_of: 2026-11-21
core:
  labour_force:
    - &aug {region_code: "9501", year: 2021, round: aug, concept: employed, value: 100,
            source_kind: bps, source: y}
    - {<<: *aug, region_code: "9502"}
    - {<<: *aug, region_code: "9503"}
    - {<<: *aug, region_code: "9504"}
    - {<<: *aug, region_code: "94", value: 900}
    - {<<: *aug, region_code: "1311", value: 0, value_status: missing}
"""
CHECKS = {check.code: check for check in load_contracts()["labour_series"].checks}
CANARIES = {
    "as_was_is_as_told": "UPDATE marts.labour_series SET how = 'summed' WHERE boundaries = 'as_was'",
    "only_restated_provinces_are_summed": "UPDATE marts.labour_series SET how = 'summed' WHERE region_code = '9501'",
    "sums_are_their_regencies": "DELETE FROM marts.labour_series WHERE region_code = '9502'",
    "missing_has_no_value": "UPDATE marts.labour_series SET value = 0 WHERE value_status = 'missing'",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A sound mart with a summed province and a missing figure."""
    with run_case(yaml.safe_load(SOUND), "labour_series") as connection:
        yield connection


def broken(con: duckdb.DuckDBPyConnection, check: TableCheck) -> int:
    """Count what breaks a check."""
    return con.execute(check.query.replace("{table}", "marts.labour_series")).fetchall()[0][0]


def test_every_check_has_a_canary() -> None:
    assert CHECKS.keys() == CANARIES.keys()


@pytest.mark.parametrize("code", CHECKS)
def test_a_sound_mart_passes_and_a_broken_one_fails(con: duckdb.DuckDBPyConnection, code: str) -> None:
    assert con.execute("SELECT count(*) FROM marts.labour_series WHERE how = 'summed'").fetchall() == [(1,)]
    assert broken(con, CHECKS[code]) == 0
    con.execute(CANARIES[code])
    assert broken(con, CHECKS[code]) > 0


def test_a_province_is_summed_exactly_where_all_its_regencies_are_there_and_final() -> None:
    ways = dict(enumerate(product((None, "final", "disputed"), repeat=4), start=1931))
    rows: list[dict[str, Any]] = [
        {"region_code": f"950{place}", "year": year, "round": "aug", "concept": "employed", "value": year * place,
         "value_status": status, "source_kind": "bps", "source": "y"}
        for year, way in ways.items()
        for place, status in enumerate(way, start=1)
        if status is not None
    ]  # fmt: skip
    with run_case({"as_of": "2026-11-21", "core": {"labour_force": rows}}, "labour_series") as con:
        summed = con.execute("SELECT year, value, regencies_used FROM marts.labour_series WHERE region_code = '95'")
        whole = [year for year, way in ways.items() if way == ("final",) * 4]
        assert summed.fetchall() == [(year, year * 10, 4) for year in whole]
        told = "SELECT boundaries, count(*) FROM marts.labour_series WHERE how <> 'summed' GROUP BY ALL ORDER BY ALL"
        assert con.execute(told).fetchall() == [("as_was", len(rows)), ("restated", len(rows))]
    assert (len(ways), len(whole)) == (81, 1)
