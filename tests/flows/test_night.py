"""Whole nights in process: the sample's figures, what is news, what is kept apart, and when nothing is published."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.report import NightReport
from sources.landing import LandingError
from tests.support import (
    AS_OF,
    SAMPLE,
    Home,
    Row,
    columns_of,
    marts_of,
    participant,
    target,
    tree,
    trusting_judges,
)
from warehouse.assemble import published_tables
from warehouse.lease import LeaseHeldError, lease
from warehouse.person_key import PersonKeyError

pytestmark = pytest.mark.slow

EXPORT = "participants/SLK/2026-10/export.csv"


def land_sample(home: Home) -> None:
    """Land the shipped sample."""
    shutil.copytree(SAMPLE, home.landing, ignore=shutil.ignore_patterns("*.py", "*.md", "*.yml", "__pycache__"))


def rounded(row: Row, *names: str) -> dict[str, Any]:
    """Give some figures of a row with four decimals."""
    return {name: round(float(row[name]), 4) for name in names}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, NightReport]]:
    """Run one night on the sample for all tests that only read it."""
    home = Home(tmp_path_factory.mktemp("sample"))
    land_sample(home)
    with trusting_judges():
        yield home, home.run()


Night = tuple[Home, NightReport]


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Run one night on an export of two participants."""
    home = Home(tmp_path_factory.mktemp("two"))
    home.put(EXPORT, [participant(1), participant(2)])
    with trusting_judges():
        assert home.run().promoted
    return home


@pytest.fixture
def two(after_a_night: Home, tmp_path: Path) -> Home:
    """Give a copy of that home."""
    return after_a_night.copied_to(tmp_path)


# --- what must come out -----------------------------------------------------------------------------------------------


def test_denpasar_is_a_third_of_its_target(sample: Night) -> None:
    key = "geo_code = 'DPS' AND segment = 'BPU' AND basis = 'new_ytd' AND as_of = '2017-07-31'"
    (row,) = sample[0].mart("target_attainment", key)
    assert (row["target"], row["actual"], row["gap"], row["status"]) == (22964, 7708, 15256, "risk")
    assert rounded(row, "attainment_pct", "achieved_per_month", "required_per_month", "pace_ratio") == {
        "attainment_pct": 33.5656, "achieved_per_month": 1101.1429, "required_per_month": 3051.2, "pace_ratio": 2.7709,
    }  # fmt: skip
    assert rounded(row, "projected_year_end", "months_left") == {"projected_year_end": 13213.7143, "months_left": 5.0}


def test_dharmasraya_is_covered_to_a_fifth(sample: Night) -> None:
    (row,) = sample[0].mart("coverage", "geo_code = '1311'")
    keys = ("numerator_basis", "numerator_qualifier", "denominator_source", "denominator", "numerator", "uncovered")
    assert [row[key] for key in keys] == ["unspecified", "approx", "agency", 137_520, 28_879, 108_641]
    assert rounded(row, "coverage_pct", "uncovered_pct") == {"coverage_pct": 20.9999, "uncovered_pct": 79.0001}
    assert (row["coverage_qualifier"], row["geo_name"]) == ("approx", "Kabupaten Dharmasraya")


def test_southeast_sulawesi_in_june_2018(sample: Night) -> None:
    rows = sample[0].mart("coverage", "geo_code = '74' AND as_of = '2018-06-30' ORDER BY numerator")
    assert columns_of(rows, "numerator_basis", "numerator", "denominator", "coverage_qualifier") == [
        ("active_stock", 103_000, 1_200_000, "approx"),
        ("registered_stock", 227_000, 1_200_000, "approx"),
    ]
    assert [round(row["coverage_pct"], 4) for row in rows] == [8.5833, 18.9167]


def test_banyuwangi_stays_a_bound(sample: Night) -> None:
    (row,) = sample[0].mart("coverage", "geo_code = '3510'")
    assert (row["coverage_qualifier"], round(row["coverage_pct"], 4)) == ("lt", 12.1951)
    assert (row["uncovered_qualifier"], row["uncovered"]) == ("gt", 720_000)


def test_three_villages_and_the_stated_total(sample: Night) -> None:
    rows = sample[0].core("recaps", "village_code IS NOT NULL, qualifier, value::INTEGER")
    villages = [value for is_village, _, value in rows if is_village]
    assert sorted(villages) == [1000, 1000, 2000]
    assert (False, "ge", 4000) in rows


def test_a_bi_user_may_sum_within_one_level_and_segment(sample: Night) -> None:
    home = sample[0]
    month = "is_headline AND as_of = '2026-10-31' AND segment = 'ALL'"
    (national,) = home.mart("coverage", f"{month} AND geo_level = 'national'")
    parts = home.mart(
        "coverage",
        "as_of = '2026-10-31' AND segment = 'ALL' AND numerator_basis = 'active_stock' AND geo_level = 'province' "
        "QUALIFY row_number() OVER (PARTITION BY geo_code) = 1",
    )
    assert sum(row["numerator"] for row in parts) == national["numerator"]
    assert len(parts) > 1


def test_every_mart_is_written_ordered_by_its_grain(sample: Night) -> None:
    home, report = sample
    assert report.build is not None
    folder = home.publication.folder_of(report.build.build_id) / "marts"
    grain = "year, as_of, geo_level, geo_code, segment, basis, measure, target_version"
    rows = duckdb.execute(f"SELECT {grain} FROM read_parquet('{folder / 'target_attainment.parquet'}')").fetchall()
    assert rows == sorted(rows)
    assert len(rows) > 100


def test_the_night_says_what_it_did(sample: Night) -> None:
    report = sample[1]
    assert (report.result, report.promoted, report.exit_code) == ("warnings", True, 3)
    assert report.lines.add_up()
    assert report.lines.read > 1800
    assert all(result.lines.add_up() for result in report.files)


def test_the_manifest_names_every_input_and_every_file(sample: Night) -> None:
    home, report = sample
    assert report.build is not None
    folder = home.publication.folder_of(report.build.build_id)
    assert {entry.source_key for entry in report.build.inputs} == {result.source_key for result in report.files}
    written = {name for name in tree(folder) if name != "manifest.json"}
    assert set(report.build.sha256) == written
    assert {"marts.duckdb", "checks.json", "diff.json", "marts/coverage.parquet"} <= written
    assert report.build.core_versions == home.house.core_versions()


def test_all_of_core_leads_back_to_a_file(sample: Night) -> None:
    home, report = sample
    arrived = {result.source_key for result in report.files}
    for table in home.house.core_versions():
        assert {row[0] for row in home.core(table, "DISTINCT source_key")} <= arrived


# --- news -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusting")
def test_a_night_without_news_makes_no_build_and_a_forced_one_the_same_bytes(sample: Night, tmp_path: Path) -> None:
    home, first = sample[0].copied_to(tmp_path), sample[1]
    assert first.build is not None
    again = home.run()
    assert (again.result, again.exit_code, again.promoted) == ("unchanged", 0, False)
    assert {result.verdict for result in again.files} == {"unchanged"}
    assert len(home.publication.builds()) == 1
    forced = home.run(forced=True)
    assert forced.build is not None
    assert forced.build.build_id != first.build.build_id
    before, after = (marts_of(home.publication.folder_of(b.build_id)) for b in (first.build, forced.build))
    assert after == before
    assert len(before) == len(published_tables())


@pytest.mark.usefixtures("trusting")
def test_a_night_in_which_nothing_ever_landed_still_ends(home: Home) -> None:
    home.landing.mkdir()
    report = home.run()
    assert (report.result, report.files) == ("success", [])
    assert home.mart("coverage") == []
    assert home.run().result == "unchanged"


@pytest.mark.usefixtures("trusting")
def test_a_status_that_the_new_date_changes_is_news(home: Home) -> None:
    home.put(EXPORT, [participant(n) for n in range(1, 9)])
    first = home.run(date(2026, 11, 3))
    assert first.build is not None
    assert first.build.stale_on == date(2026, 11, 10)
    status = "as_of = '2026-10-31' AND geo_code = 'SLK' AND numerator_basis = 'active_stock' AND segment = 'ALL'"
    assert {row["value_status"] for row in home.mart("coverage", status)} == {"provisional"}
    assert home.run(date(2026, 11, 9)).result == "unchanged"
    frozen = home.run(date(2026, 11, 10))
    assert frozen.result == "success"
    assert {row["value_status"] for row in home.mart("coverage", status)} == {"final"}
    assert home.run(date(2026, 11, 9)).result == "success", "an earlier date is another question"


@pytest.mark.usefixtures("trusting")
def test_an_office_whose_last_month_is_missing_is_carried_into_the_nation(home: Home) -> None:
    land_sample(home)
    shutil.rmtree(home.landing / "participants" / "GIA" / "2026-10")
    report = home.run()
    assert (report.result, report.exit_code) == ("warnings", 3)
    key = "as_of = '2026-10-31' AND numerator_basis = 'active_stock' AND segment = 'ALL'"
    rows = home.mart("coverage", f"{key} AND geo_level = 'national'")
    assert rows
    for row in rows:
        assert (row["value_status"], row["offices_reported"], row["offices_expected"]) == ("carried", 1, 2)
        assert 0 < row["carried_numerator"] < row["numerator"]
    assert home.mart("coverage", f"{key} AND geo_code = 'GIA'") == []
    assert report.build is not None
    late = [check for check in home.publication.checks(report.build.build_id) if check["code"] == "office_late"]
    assert [check["message_id"] for check in late] == ["Ekspor 2026-10 belum datang dari kantor GIA"]


@pytest.mark.usefixtures("trusting")
def test_one_bad_line_more_is_one_line_in_quarantine(two: Home) -> None:
    two.put("targets/t.csv", [target(), target(segment="PU", target="7.708")])
    report = two.run()
    assert (report.result, report.lines.good, report.lines.quarantined) == ("success", 1, 1)
    (entry,) = two.quarantine().values()
    assert (entry["file"], entry["line"], entry["rules"]) == ("targets/t.csv", 3, ["fraction_of_a_person"])
    assert "tidak boleh pecahan" in entry["message_id"]
    assert "cannot be a fraction" in entry["message_en"]


# --- dry runs ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusting")
def test_a_dry_run_writes_nothing_and_says_what_a_run_would(home: Home) -> None:
    home.put("offices/o.csv", [{"office_code": "N07", "name": "Contoh", "office_type": "kc"}])
    home.put("participants/N07/2026-10/a.csv", [participant(1), participant(2, nik="1")])
    home.put("targets/t.csv", [target(office_code="N07")])
    dry = home.run(dry=True)
    assert (dry.result, dry.exit_code, dry.build) == ("dry_run", 0, None)
    assert not home.house.root.exists()
    assert not home.publication.root.exists()
    real = home.run()
    assert [(r.landed.file, r.verdict, r.lines) for r in dry.files] == [
        (r.landed.file, r.verdict, r.lines) for r in real.files
    ]
    before = tree(home.root)
    home.put("targets/u.csv", [target(segment="PU")])
    assert home.run(dry=True).lines.good == 1
    (home.landing / "targets" / "u.csv").unlink()
    assert tree(home.root) == before


@pytest.mark.usefixtures("trusting")
def test_a_dry_run_sees_memberships_at_two_offices(two: Home) -> None:
    two.put("participants/GIA/2026-10/b.csv", [participant(2), participant(3)])
    dry = {result.landed.file: result.lines.quarantined for result in two.run(dry=True).files}
    assert dry == {EXPORT: 0, "participants/GIA/2026-10/b.csv": 1}
    assert len(two.core("participants")) == 2


# --- when nothing is published ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("trusting")
def test_another_key_for_persons_stops_before_anything_is_read(two: Home) -> None:
    before = tree(two.house.root)
    with pytest.raises(PersonKeyError):
        two.run(person_key="another key for persons")
    assert tree(two.house.root) == before


def test_a_landing_zone_that_is_not_there_is_said(home: Home) -> None:
    with pytest.raises(LandingError, match="is not there"):
        home.run()


def test_a_held_lease_stops_the_night(home: Home) -> None:
    home.landing.mkdir()
    with lease(home.house.place), pytest.raises(LeaseHeldError):
        home.run()
    assert home.publication.builds() == []


@pytest.mark.usefixtures("trusting")
def test_a_required_dataset_that_never_came_ends_with_five(home: Home) -> None:
    home.put("targets/t.csv", [target()])
    report = home.run(required=("participants",))
    assert (report.result, report.exit_code, report.promoted) == ("failure", 5, False)
    assert home.publication.promoted_id() is None
    home.put(EXPORT, [participant(1)])
    assert home.run(required=("participants",)).exit_code == 0


@pytest.mark.usefixtures("trusting")
def test_old_data_is_a_warning_and_is_named(home: Home) -> None:
    home.put("participants/SLK/2026-01/a.csv", [participant(1, last_paid_period="2026-01")])
    report = home.run(AS_OF)
    assert report.exit_code == 3
    assert report.build is not None
    late = [
        c for c in home.publication.checks(report.build.build_id) if c["code"] == "freshness" and c["outcome"] == "fail"
    ]
    assert [(c["table"], c["severity"], c["observed"]) for c in late] == [("core.participants", "warn", "2026-01-31")]


@pytest.mark.usefixtures("trusting")
def test_warnings_over_the_budget_are_an_error(home: Home) -> None:
    home.put(EXPORT, [participant(n, sex="P") for n in range(1, 102)])
    report = home.run()
    assert (report.exit_code, report.promoted) == (4, False)
    assert report.build is not None
    assert ["sex_differs_from_nik" in reason for reason in report.build.reasons] == [True]
    home.put("participants/SLK/2026-09/a.csv", [participant(n, last_paid_period="2026-09") for n in range(1, 2500)])
    assert home.run().exit_code == 3


@pytest.mark.usefixtures("trusting")
def test_a_link_that_a_crash_left_behind_is_mended_by_the_next_night(two: Home) -> None:
    first = two.publication.promoted_id()
    two.put("targets/t.csv", [target()])
    second = two.run()
    assert first is not None
    assert second.build is not None
    link = two.publication.root / "current"
    link.unlink()
    link.symlink_to(Path("builds") / first)
    assert two.run().result == "unchanged"
    assert link.readlink() == Path("builds") / second.build.build_id
