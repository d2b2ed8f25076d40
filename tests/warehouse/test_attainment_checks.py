"""Every check of the attainment mart passes on sound data and fails on a mart that was broken on purpose."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.contracts import TableCheck, load_contracts
from tests.marts.harness import read_case, run_case

CASES = Path(__file__).parents[1] / "marts" / "target_attainment"
MART = "marts.target_attainment"
CHECKS = {check.code: check for check in load_contracts()["target_attainment"].checks}

BREAKS = {
    "ratios_are_finite": [
        "UPDATE {t} SET pace_ratio = 'inf' WHERE geo_code = 'DPS'",
        "UPDATE {t} SET attainment_pct = 'nan' WHERE geo_code = 'DPS'",
        "UPDATE {t} SET target_to_date = '-inf' WHERE geo_code = 'DPS'",
        "UPDATE {t} SET attainment_to_date_pct = -1 WHERE geo_code = 'DPS'",
        "UPDATE {t} SET previous_attainment_pct = -1 WHERE geo_code = 'DPS'",
    ],
    "one_in_force": [
        "UPDATE {t} SET in_force = true",
        "UPDATE {t} SET in_force = false WHERE target_version = '2'",
    ],
    "status_is_known": ["UPDATE {t} SET status = 'fine' WHERE geo_code = 'GIA'"],
    "gap_is_target_less_actual": [
        "UPDATE {t} SET gap = gap + 1 WHERE geo_code = 'GIA'",
        "UPDATE {t} SET gap = NULL WHERE geo_code = 'GIA'",
    ],
    "months_add_up": [
        "UPDATE {t} SET months_left = 13",
        "UPDATE {t} SET months_elapsed = months_elapsed - 12, months_left = months_left + 12",
    ],
    "no_ratio_without_a_sound_value": ["UPDATE {t} SET value_status = 'partial'"],
    "inside_a_month_is_provisional": ["UPDATE {t} SET as_of = as_of - 3 WHERE geo_code = 'GIA'"],
    "ranks_are_dense": [
        "UPDATE {t} SET rank_national = rank_national + 1 WHERE rank_national >= 2",
        "UPDATE {t} SET rank_national = NULL WHERE rank_national = 1",
        "UPDATE {t} SET rank_in_kanwil = 3 WHERE rank_in_kanwil = 2",
        "UPDATE {t} SET rank_national = 1 WHERE geo_level = 'national'",
        "UPDATE {t} SET rank_national = 1 WHERE NOT in_force",
    ],
    "totals_are_sums_of_offices": [
        "UPDATE {t} SET actual = actual + 1 WHERE geo_level = 'kanwil' AND target_version = 'sum'",
        "UPDATE {t} SET target = target - 1 WHERE geo_level = 'national' AND target_version = 'sum'",
        "UPDATE {t} SET actual = actual + 1 WHERE geo_code = 'GIA' AND geo_level = 'office'",
        "UPDATE {t} SET carried_actual = 5 WHERE geo_level = 'national' AND target_version = 'sum'",
    ],
    "set_target_is_sum_of_offices": [
        "UPDATE {t} SET target_version = '1', target = 7 WHERE geo_level = 'kanwil'",
    ],
}


RICH_CASES = [
    "an_offices_target_and_actual_are_its_own",
    "bounds_survive_arithmetic",
    "first_version_is_in_force_from_1_january",
    "kanwil_and_nation_are_sums_over_offices",
    "offices_whose_actual_is_missing_are_carried",
]


@pytest.fixture(name="sound", scope="module")
def sound_mart() -> duckdb.DuckDBPyConnection:
    return run_case(read_case(CASES / "ranks_among_in_force_office_rows"))


@pytest.fixture(name="con")
def mart_that_may_be_broken(sound: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    sound.begin()
    yield sound
    sound.rollback()


def found(con: duckdb.DuckDBPyConnection, check: TableCheck) -> int:
    row = con.execute(check.query.replace("{table}", MART)).fetchone()
    assert row is not None
    return int(row[0])


def test_every_check_can_be_broken() -> None:
    assert BREAKS.keys() == CHECKS.keys()


@pytest.mark.parametrize(
    ("code", "statement"), [(code, statement) for code, statements in BREAKS.items() for statement in statements]
)
def test_check_finds_what_was_broken(con: duckdb.DuckDBPyConnection, code: str, statement: str) -> None:
    before = found(con, CHECKS[code])
    con.execute(statement.format(t=MART))
    assert (before, found(con, CHECKS[code]) > 0) == (0, True)


@pytest.mark.parametrize("case", RICH_CASES)
def test_no_error_on_sound_data(case: str) -> None:
    con = run_case(read_case(CASES / case))
    errors = {code: found(con, check) for code, check in CHECKS.items() if check.severity == "error"}
    assert errors == dict.fromkeys(errors, 0)


def test_a_set_target_that_differs_from_its_offices_is_one_warning() -> None:
    con = run_case(read_case(CASES / "kanwil_and_nation_are_sums_over_offices"))
    assert found(con, CHECKS["set_target_is_sum_of_offices"]) == 1
