"""The identities of marts.coverage: each check passes on a sound mart and fails on a broken one."""

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import yaml

from expectations.contracts import TableCheck, load_contracts
from tests.marts.harness import run_case

SOUND = """
as_of: 2026-11-21
reference:
  offices:
    - {office_code: KW, name: Kanwil Satu, office_type: kanwil, kanwil_code: KW}
    - {office_code: A, name: Kantor A, office_type: kc, parent_code: KW, kanwil_code: KW}
    - {office_code: B, name: Kantor B, office_type: kcp, parent_code: A, kanwil_code: KW}
  office_regions:
    - {office_code: A, region_code: "1303", share: 1}
    - {office_code: B, region_code: "1311", share: 1}
core:
  participants:
    - &a {office_code: A, period: 2026-01, membership_id: a1, person_id: p1, segment: PU, programmes: JKK,
          region_code: "1303", last_paid_period: 2026-01}
    - {<<: *a, membership_id: a2, segment: BPU}
    - {<<: *a, membership_id: a3, person_id: p3, region_code: "13"}
    - {<<: *a, membership_id: a4, person_id: p4, region_code: "0000", last_paid_period: 2025-01}
    - {<<: *a, office_code: B, membership_id: b1, person_id: p2, region_code: "1311"}
    - {<<: *a, period: 2026-02, last_paid_period: 2026-02}
  recaps:
    - {as_of: 2026-01-31, region_code: "5171", segment: ALL, basis: active_stock, value: 7,
       source_kind: agency, source: x}
    - {as_of: 2026-01-31, region_code: "5103", segment: ALL, basis: active_stock, value: 200,
       source_kind: agency, source: x}
  labour_force:
    - &aug {region_code: "0000", year: 2025, round: aug, concept: employed, value: 100,
            source_kind: bps, source: y}
    - {<<: *aug, concept: labour_force, value: 110}
    - {<<: *aug, region_code: "13"}
    - {<<: *aug, region_code: "1303"}
    - {<<: *aug, region_code: "1311"}
    - {<<: *aug, region_code: "5103"}
    - {<<: *aug, region_code: "5171", value_status: disputed}
"""
CHECKS = {check.code: check for check in load_contracts()["coverage"].checks}
NATION = "as_of = '2026-01-31' AND geo_level = 'national' AND numerator_basis = 'active_stock'"
PLACE = "as_of = '2026-01-31' AND geo_level = '{}' AND geo_code = '{}' AND numerator_basis = 'active_stock'"
# What breaks each check, and only has to break that one.
CANARIES = {
    "ratios_are_finite": f"UPDATE marts.coverage SET coverage_pct = 'nan' WHERE {NATION} AND is_headline",
    "counts_are_not_negative": f"UPDATE marts.coverage SET memberships = -1 WHERE {NATION}",
    "one_headline": f"UPDATE marts.coverage SET is_headline = true WHERE {NATION} AND segment = 'ALL'",
    "headline_is_what_it_says": (
        "UPDATE marts.coverage SET is_headline = true WHERE status_rule = 'as_stated' AND denominator IS NOT NULL"
    ),
    "over_hundred_has_no_uncovered": "UPDATE marts.coverage SET uncovered = 0 WHERE coverage_pct > 100",
    "covered_and_uncovered_make_the_whole": (
        f"UPDATE marts.coverage SET uncovered = uncovered + 1 WHERE {NATION} AND is_headline"
    ),
    "unusable_figures_have_no_ratio": (
        "UPDATE marts.coverage SET coverage_pct = 7 WHERE value_status = 'disputed' AND denominator = 100"
    ),
    "none_stands_alone": (
        "UPDATE marts.coverage SET denominator_concept = 'none', denominator_source = 'none', "
        "denominator_round = 'none', denominator = NULL "
        f"WHERE {NATION} AND denominator_concept = 'labour_force'"
    ),
    "one_numerator_over_all_denominators": (
        f"UPDATE marts.coverage SET numerator = 2 WHERE {NATION} AND denominator_concept = 'labour_force'"
    ),
    "memberships_of_segments_make_all": (
        f"UPDATE marts.coverage SET memberships = memberships + 1 WHERE {PLACE.format('office', 'A')} "
        "AND segment = 'BPU'"
    ),
    "memberships_of_offices_make_the_nation": (
        f"DELETE FROM marts.coverage WHERE {PLACE.format('office', 'B')} AND segment = 'PU'"
    ),
    "persons_lie_between_largest_segment_and_sum": (
        f"UPDATE marts.coverage SET multi_segment_persons = 0 WHERE {NATION} AND segment = 'ALL'"
    ),
    "persons_are_not_more_than_memberships": (
        f"UPDATE marts.coverage SET numerator = memberships + 1 WHERE {PLACE.format('office', 'B')}"
    ),
    "regencies_and_unallocated_make_the_nation": (
        f"DELETE FROM marts.coverage WHERE {PLACE.format('regency', 'unallocated')} AND segment = 'ALL'"
    ),
    "provinces_and_unallocated_make_the_nation": (
        f"UPDATE marts.coverage SET numerator = 1 WHERE {PLACE.format('province', '13')} AND segment = 'ALL'"
    ),
    "memberships_of_places_make_the_nation": (
        f"UPDATE marts.coverage SET memberships = 9 WHERE {PLACE.format('regency', '1303')} AND segment = 'ALL'"
    ),
    "regencies_fit_in_their_province": (
        f"UPDATE marts.coverage SET numerator = 9 WHERE {PLACE.format('regency', '1303')} AND segment = 'ALL'"
    ),
    "stocks_nest": (
        "UPDATE marts.coverage SET numerator = 0 WHERE numerator_basis = 'active_stock' AND geo_code = '1311'"
    ),
    "completeness_is_what_it_says": ("UPDATE marts.coverage SET value_status = 'final' WHERE value_status = 'carried'"),
}


@pytest.fixture(scope="module")
def sound_mart() -> Iterator[duckdb.DuckDBPyConnection]:
    case: dict[str, Any] = yaml.safe_load(SOUND)
    con = run_case(case)
    yield con
    con.close()


def offences(con: duckdb.DuckDBPyConnection, check: TableCheck) -> int:
    found = con.execute(check.query.replace("{table}", "marts.coverage")).fetchall()
    assert len(found) == 1
    return int(found[0][0])


def test_every_check_has_a_canary() -> None:
    assert CANARIES.keys() == CHECKS.keys()


@pytest.mark.parametrize("code", CHECKS)
def test_check_passes_on_a_sound_mart(sound_mart: duckdb.DuckDBPyConnection, code: str) -> None:
    assert offences(sound_mart, CHECKS[code]) == 0


@pytest.mark.parametrize("code", CHECKS)
def test_check_fails_on_a_broken_mart(sound_mart: duckdb.DuckDBPyConnection, code: str) -> None:
    sound_mart.begin()
    try:
        sound_mart.execute(CANARIES[code])
        assert offences(sound_mart, CHECKS[code]) > 0
    finally:
        sound_mart.rollback()


def test_the_sound_mart_has_what_the_checks_look_at(sound_mart: duckdb.DuckDBPyConnection) -> None:
    found = sound_mart.execute(
        "SELECT list_sort(list(DISTINCT value_status)), count(*) FILTER (geo_code = 'unallocated') > 0, "
        "max(multi_segment_persons), max(coverage_pct) FROM marts.coverage"
    ).fetchall()
    assert found == [(["carried", "disputed", "final"], True, 1, 200.0)]


HEADLINES = (
    "SELECT sum(numerator), sum(memberships) FROM marts.coverage WHERE as_of = '2026-01-31' "
    "AND numerator_basis = 'active_stock' AND status_rule <> 'as_stated' AND segment = ? AND geo_level = ? "
    "AND (is_headline OR denominator_concept = 'none')"
)


@pytest.mark.parametrize(("segment", "persons"), [("ALL", 3), ("PU", 3), ("BPU", 1)])
def test_a_bi_user_sums_within_one_level_and_one_segment(
    sound_mart: duckdb.DuckDBPyConnection, segment: str, persons: int
) -> None:
    sums = {
        level: sound_mart.execute(HEADLINES, [segment, level]).fetchall()[0]
        for level in ("national", "province", "regency")
    }
    assert {level: int(numerator) for level, (numerator, _) in sums.items()} == dict.fromkeys(sums, persons)
    assert len({memberships for _, memberships in sums.values()}) == 1
