"""The identities of membership_flow and retention_cohort hold on sound marts, and each one can fail."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from expectations.contracts import load_contracts
from tests.marts.harness import read_case, run_case

CASES = Path(__file__).parents[1] / "marts"
SOUND = {
    "membership_flow": "opening_and_flows_make_closing",
    "retention_cohort": "who_started_is_followed_wherever_they_go",
}
A_BPU = "office_code = 'A' AND segment = 'BPU' AND as_of = '2026-10-31'"
CANARIES = {
    "flow_adds_up": f"UPDATE marts.membership_flow SET new_members = new_members + 1 WHERE {A_BPU}",
    "moves_cancel": f"UPDATE marts.membership_flow SET moved_out = 1, exited = 2 WHERE {A_BPU}",
    "opening_is_the_closing_before": (
        "UPDATE marts.membership_flow SET closing_active = 9 WHERE office_code = 'B' AND as_of = '2026-09-30'"
    ),
    "closing_is_what_coverage_counts": (
        f"UPDATE marts.membership_flow SET closing_active = 5, new_members = 2 WHERE {A_BPU}"
    ),
    "partial_is_what_it_says": f"UPDATE marts.membership_flow SET moved_in = NULL WHERE {A_BPU}",
    "counts_nest": "UPDATE marts.retention_cohort SET still_active = 4 WHERE age_months = 1 AND still_registered = 3",
    "share_is_between_0_and_100": "UPDATE marts.retention_cohort SET retention_pct = NULL WHERE age_months = 0",
    "start_is_one": "UPDATE marts.retention_cohort SET members_at_start = 5 WHERE age_months = 1",
    "all_are_there_at_the_start": "UPDATE marts.retention_cohort SET still_registered = 0 WHERE age_months = 0",
    "age_is_counted_in_months": "UPDATE marts.retention_cohort SET age_months = 2 WHERE age_months = 1",
}
CHECKS = {check.code: (name, check) for name in SOUND for check in load_contracts()[name].checks}


@pytest.fixture(scope="module")
def marts() -> Iterator[dict[str, duckdb.DuckDBPyConnection]]:
    """Give the marts of a sound case of each."""
    found = {name: run_case(read_case(CASES / name / case)) for name, case in SOUND.items()}
    yield found
    for con in found.values():
        con.close()


def offences(con: duckdb.DuckDBPyConnection, code: str) -> int:
    name, check = CHECKS[code]
    return int(con.execute(check.query.replace("{table}", f"marts.{name}")).fetchall()[0][0])


def test_every_check_has_a_canary() -> None:
    assert CANARIES.keys() == CHECKS.keys()


@pytest.mark.parametrize("code", CHECKS)
def test_check_passes_on_a_sound_mart_and_fails_on_a_broken_one(
    marts: dict[str, duckdb.DuckDBPyConnection], code: str
) -> None:
    con = marts[CHECKS[code][0]]
    assert offences(con, code) == 0
    con.begin()
    try:
        con.execute(CANARIES[code])
        assert offences(con, code) > 0
    finally:
        con.rollback()
