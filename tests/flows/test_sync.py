"""The sync with BPS asks what is due and no more, lands what changed and nothing else, and forgets nothing."""

import logging
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from flows.sync_landing import LandingDesk
from sources.bps.client import BpsClient
from sources.bps.errors import ConnectionBrokenError
from sources.bps.history import History
from tests.bps_server import KEY, BpsServer, Cell, Fault, Table
from tests.flows.sync_bench import LABOUR_FORCE, Bench
from tests.sources.bps.support import labour_table
from tests.support import Home, tree
from warehouse.lease import LeaseHeldError, lease

# Sweeps, and requests over sockets.
pytestmark = pytest.mark.slow

TEN_YEARS = ["th", *["data"] * 5]
DOWN: list[Fault] = ["503"] * 100


@pytest.fixture
def bench(home: Home) -> Iterator[Bench]:
    """Give a bench whose BPS has ten years of one provincial variable."""
    with BpsServer([labour_table()]) as bps:
        made = Bench(home, bps)
        made.catalogue(LABOUR_FORCE)
        yield made


# --- requests ----------------------------------------------------------------------------------------------------


def test_ten_years_take_five_requests_and_the_next_run_none(bench: Bench) -> None:
    report = bench.sync()
    assert (bench.models(), report.requests, report.result, report.exit_code) == (TEN_YEARS, 6, "landed", 0)
    again = bench.sync()
    assert (bench.models(), again.requests, again.result, again.files) == ([], 0, "unchanged", [])
    assert len(bench.landed()) == 1


def test_what_was_asked_lately_is_asked_again_only_by_force_or_after_its_time(bench: Bench) -> None:
    bench.sync()
    bench.wait(days=24)
    bench.sync()
    assert bench.models() == TEN_YEARS
    bench.sync(is_forced=True)
    assert bench.models() == TEN_YEARS
    bench.wait(days=25)
    assert bench.sync().result == "unchanged"
    assert bench.models() == TEN_YEARS


def test_only_the_years_that_are_missing_are_asked_for(bench: Bench) -> None:
    bench.sync(2016, 2023)
    assert bench.models() == ["th", *["data"] * 4]
    bench.sync(2016, 2025)
    assert [one.query["th"] for one in bench.bps.asked] == ["125;124"]


def test_a_year_without_data_is_remembered(bench: Bench) -> None:
    bench.bps.tables[0].cells = {
        key: value for key, value in bench.bps.tables[0].cells.items() if key[2] not in (116, 117)
    }
    report = bench.sync(2014, 2025)
    assert report.series[0].without_data == [2014, 2015, 2016, 2017]
    assert bench.models()[0] == "th"
    bench.sync(2014, 2025)
    assert bench.models() == []


def test_a_variable_that_bps_does_not_have_is_asked_once(bench: Bench) -> None:
    bench.catalogue(LABOUR_FORCE.replace(",33,", ",34,"))
    report = bench.sync()
    assert (report.exit_code, report.series[0].without_data) == (0, list(range(2016, 2026)))
    assert bench.models() == ["th"]
    bench.sync()
    assert bench.models() == []


def test_the_cap_is_learnt_once(bench: Bench) -> None:
    bench.bps.caps["7400"] = 1
    bench.sync(2022, 2025)
    assert bench.models() == ["th", *["data"] * 5]
    bench.sync(2022, 2025, is_forced=True)
    assert bench.models() == ["th", *["data"] * 4]


def test_a_variable_of_several_concepts_is_asked_once(bench: Bench) -> None:
    base = labour_table(years=2)
    cells: dict[Cell, int] = {
        (row, part, year, 0): int(part) for row, _ in base.vervar for part in ("1", "2") for year, _ in base.years
    }
    bench.bps.tables[0] = Table("7400", 33, "x", base.vervar, base.years, cells, turvar=(("1", "a"), ("2", "b")))
    bench.catalogue(
        LABOUR_FORCE.replace("33,,", "33,1+2,"), LABOUR_FORCE.replace("labour_force,33,,", "employed,33,1,")
    )
    report = bench.sync(2024, 2025)
    assert bench.models() == ["th", "data"]
    assert {name: counts.new for name, counts in report.series[0].concepts.items()} == {
        "labour_force": 6,
        "employed": 6,
    }
    assert bench.values(report.files[0])["7411 2025 labour_force"] == "3"
    assert bench.sync(2024, 2025, concepts=("employed",)).requests == 0


def test_a_dry_run_says_how_many_requests_and_asks_none(bench: Bench, tmp_path: Path) -> None:
    report = bench.sync(is_dry_run=True)
    assert (report.requests, report.result, bench.bps.count, tree(tmp_path / "lake")) == (6, "dry_run", 0, {})
    bench.sync(2016, 2023)
    assert bench.sync(is_dry_run=True).requests == 1
    assert bench.sync(is_dry_run=True).series[0].due == [2024, 2025]
    assert bench.sync(is_dry_run=True, is_offline=True).requests == 0


# --- what lands ----------------------------------------------------------------------------------------------------


def test_only_what_changed_lands_as_a_vintage_of_its_day(bench: Bench) -> None:
    first = bench.sync()
    bench.bps.tables[0].cells[7471, "0", 125, 0] = 137520  # type: ignore[index]
    bench.wait(days=31)
    second = bench.sync()
    assert second.series[0].concepts["labour_force"].changed == 1
    [row] = bench.landed()[second.files[0]]
    assert (row["region_code"], row["value"], row["vintage"]) == ("7471", "137520", "2026-12-22")
    assert len(bench.landed()[first.files[0]]) == 30
    assert (row["source"], row["source_kind"], row["published_on"]) == ("BPS WebAPI", "bps", "2026-11-05")


def test_a_value_that_comes_back_lands_again(bench: Bench) -> None:
    cells = dict(bench.bps.tables[0].cells)
    bench.sync()
    for value in (5, cells[7411, "0", 125, 0]):
        bench.wait(days=31)
        bench.bps.tables[0].cells = cells | {(7411, "0", 125, 0): value}
        bench.sync()
    assert [rows[0]["value"] for _, rows in sorted(bench.landed().items())][1:] == ["5", "1125"]


def test_what_vanished_is_told_and_nothing_is_deleted(bench: Bench) -> None:
    cells = dict(bench.bps.tables[0].cells)
    before = bench.sync() and bench.landed()
    bench.bps.tables[0].cells = {key: "-" if key[:3] == (7411, "0", 125) else value for key, value in cells.items()}
    bench.wait(days=31)
    report = bench.sync()
    assert [(cell["region_code"], cell["year"], cell["value"]) for cell in report.series[0].vanished] == [
        ("7411", 2025, 1125.0)
    ]
    assert (report.result, report.series[0].concepts["labour_force"].vanished, bench.landed()) == (
        "unchanged",
        1,
        before,
    )


def test_papua_stands_under_todays_codes_and_the_other_value_is_told(bench: Bench) -> None:
    rows = ((9416, "Yahukimo"), (9707, "Yahukimo"), (9417, "Pegunungan Bintang"))
    cells: dict[Cell, int] = {(9416, "0", 125, 0): 5, (9707, "0", 125, 0): 0, (9417, "0", 125, 0): 7}
    bench.bps.tables = [Table("9400", 33, "x", rows, ((125, "2025"),), cells)]
    bench.catalogue(LABOUR_FORCE.replace("7400", "9400"))
    report = bench.sync(2025, 2025)
    assert bench.values(report.files[0]) == {"9417 2025 labour_force": "7", "9707 2025 labour_force": "0"}
    assert [(cell["region_code"], cell["value"]) for cell in report.series[0].superseded] == [("9416", 5.0)]
    bench.bps.tables[0].vervar = ((9707, "Yahukimo"), (9708, "Pegunungan Bintang"))
    bench.bps.tables[0].cells = {(9707, "0", 125, 0): 0, (9708, "0", 125, 0): 7}
    assert bench.sync(2025, 2025, is_forced=True).files == []


def test_a_national_table_by_age_gives_the_nation_of_february_and_august(bench: Bench) -> None:
    ages, parts, halves = (
        ((1, "15-19"), (11, "Jumlah")),
        (("827", "Bekerja"), ("829", "AK")),
        ((189, "Februari"), (190, "Agustus")),
    )
    cells: dict[Cell, int] = {
        (age, part, 125, half): age * int(part) + half for age, _ in ages for part, _ in parts for half, _ in halves
    }
    bench.bps.tables = [Table("0000", 698, "AK", ages, ((125, "2025"),), cells, turvar=parts, turtahun=halves)]
    bench.catalogue(
        *(f"0000,{concept},698,{part},domain,11,,,,x" for concept, part in (("labour_force", 829), ("employed", 827)))
    )
    report = bench.sync(2025, 2025)
    rows = bench.landed()[report.files[0]]
    assert [(row["region_code"], row["round"], row["concept"], row["value"]) for row in rows] == [
        ("0000", "aug", "employed", "9287"),
        ("0000", "aug", "labour_force", "9309"),
        ("0000", "feb", "employed", "9286"),
        ("0000", "feb", "labour_force", "9308"),
    ]
    assert (report.series[0].skipped_rows, report.requests) == (4, 2)


def test_a_landed_file_is_readable_by_the_night_and_the_kept_answers_by_their_owner(bench: Bench) -> None:
    file = bench.sync().files[0]
    assert stat.S_IMODE((bench.home.landing / file).stat().st_mode) == 0o644
    kept = [path for path in (bench.home.house.root / "raw").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert len(kept) == 7


def test_offline_lands_what_is_missing_without_a_request(bench: Bench) -> None:
    bench.sync()
    before = tree(bench.home.landing)
    bench.models()
    assert bench.sync(is_offline=True).result == "unchanged"
    for path in (bench.home.landing / "labour_force").rglob("*.csv"):
        path.unlink()
    assert bench.sync(is_offline=True).files == list(before)
    assert (tree(bench.home.landing), bench.models()) == (before, [])


def test_offline_a_new_concept_lands_with_the_day_of_its_answer(bench: Bench) -> None:
    bench.sync()
    bench.models()
    bench.wait(days=3)
    bench.catalogue(LABOUR_FORCE, LABOUR_FORCE.replace("labour_force", "employed"))
    assert bench.sync().files == []
    [file] = bench.sync(is_offline=True).files
    assert {row["concept"] for row in bench.landed()[file]} == {"employed", "labour_force"}
    assert (len(bench.landed()), len(bench.landed()[file])) == (1, 60)
    assert {row["vintage"] for row in bench.landed()[file]} == {"2026-11-21"}
    assert (bench.sync(is_offline=True).files, bench.models()) == ([], [])


# --- faults --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["settle", "_land", "add"])
def test_a_run_that_dies_loses_nothing_and_asks_nothing_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    class Died(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        raise Died

    def add(history: History, *events: object) -> None:
        if any(getattr(event, "kind", "") == "settled" for event in events):
            raise Died
        whole(history, *events)  # type: ignore[arg-type]

    whole = History.add
    with monkeypatch.context() as patch:
        patch.setattr(History if place == "add" else LandingDesk, place, add if place == "add" else die)
        with pytest.raises(Died):
            bench.sync()
    assert bench.models() == TEN_YEARS
    report = bench.sync()
    assert (bench.models(), len(bench.landed()[report.files[0]]), len(bench.landed())) == ([], 30, 1)


def test_answers_before_a_failure_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = BpsClient.data_by_call

    def broken(client: BpsClient, domain: str, variable: str, periods: dict[str, str]) -> Iterator[Any]:
        yield from islice(whole(client, domain, variable, periods), 2)
        raise ConnectionBrokenError("ConnectError")

    with monkeypatch.context() as patch:
        patch.setattr(BpsClient, "data_by_call", broken)
        report = bench.sync()
    assert (report.exit_code, report.result, len(bench.landed()[report.files[0]])) == (5, "out_of_reach", 12)
    bench.models()
    assert (bench.sync().result, bench.models()) == ("landed", ["data"] * 3)


def test_a_source_that_fails_is_named_and_asked_again(bench: Bench) -> None:
    bench.bps.faults.extend(DOWN[:2])
    report = bench.sync()
    assert [error.code for error in report.series[0].errors] == ["source_failed"]
    assert (report.exit_code, report.requests, bench.sync().result) == (5, 2, "landed")


def test_one_series_that_fails_does_not_stop_the_others(bench: Bench) -> None:
    bench.bps.tables.append(labour_table(variable=34))
    bench.bps.tables[0].unit = "Ribu Orang"
    bench.catalogue(LABOUR_FORCE, LABOUR_FORCE.replace("labour_force,33", "employed,34"))
    report = bench.sync()
    assert (report.exit_code, report.result) == (1, "failure")
    assert [[error.code for error in one.errors] for one in report.series] == [["unit_differs"] * 5, []]
    assert len(report.files) == 1
    assert report.as_json()["series"][0]["errors"][0]["message_id"].startswith("Yang diharapkan")


def test_a_refused_answer_waits_until_the_catalogue_is_mended(bench: Bench) -> None:
    bench.bps.tables[0].unit = "Ribu Orang"
    bench.sync()
    bench.models()
    assert bench.sync().exit_code == 1
    bench.catalogue(LABOUR_FORCE.replace("Orang", "Ribu Orang"))
    report = bench.sync()
    assert (report.exit_code, bench.models(), bench.values(report.files[0])["7411 2025 labour_force"]) == (
        0,
        [],
        "1125000",
    )


def test_a_unit_that_changes_within_an_unknown_series_is_refused(bench: Bench) -> None:
    bench.catalogue(LABOUR_FORCE.replace("Orang", ""))
    assert bench.sync().exit_code == 0
    bench.bps.tables[0].unit = "Ribu Orang"
    report = bench.sync(is_forced=True)
    assert {error.code for error in report.series[0].errors} == {"unit_differs"}
    assert report.files == []


def test_a_source_out_of_reach_is_not_asked_for_ever(bench: Bench) -> None:
    rows = [LABOUR_FORCE.replace("7400", domain) for domain in ("7100", "7200", "7300", "7400", "7500")]
    bench.catalogue(*rows)
    bench.bps.faults.extend(DOWN)
    report = bench.sync()
    assert (report.exit_code, bench.bps.count) == (5, 6)
    assert [one.errors[0].found.startswith("not asked") for one in report.series] == [False] * 3 + [True] * 2


def test_the_firewall_ends_all_asking(bench: Bench) -> None:
    bench.catalogue(LABOUR_FORCE.replace("7400", "7300"), LABOUR_FORCE)
    bench.bps.faults.append("firewall")
    assert (bench.sync().exit_code, bench.bps.count) == (5, 1)


@pytest.mark.parametrize("key", ["", "another-key-of-some-length"])
def test_without_a_good_key_the_use_is_wrong(bench: Bench, key: str) -> None:
    bench.catalogue(LABOUR_FORCE, LABOUR_FORCE.replace("7400", "7500"))
    bench.given = {} if key else {"bps_key": None}
    bench.key = key
    report = bench.sync()
    assert (report.exit_code, bench.bps.count) == (2, 1 if key else 0)


def test_a_lost_snapshot_is_told_by_name(bench: Bench) -> None:
    bench.sync()
    for path in (bench.home.house.root / "raw").rglob("*"):
        if path.is_file():
            path.write_bytes(b"damaged")
    assert {error.code for error in bench.sync(is_offline=True).series[0].errors} == {"snapshot_lost"}


def test_two_syncs_of_one_lake_never_race(bench: Bench) -> None:
    with lease(bench.home.house.place.below("bps")), pytest.raises(LeaseHeldError):
        bench.sync()
    with lease(bench.home.house.place):
        assert bench.sync().exit_code == 0


def test_the_key_stands_nowhere(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bench.bps.echo_key = True
    bench.bps.faults.extend(["503", "reset"])
    reports = [bench.sync(), bench.sync()]
    written = b"".join(tree(bench.home.root).values())
    told = "".join(str(report.as_json()) + repr(report) for report in reports)
    assert b"***" in written
    assert KEY.encode() not in written
    assert KEY not in caplog.text + told + repr(bench.settings())
    assert any(KEY in str(one.query) for one in bench.bps.asked)
