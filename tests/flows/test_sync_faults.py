"""What BPS sends wrongly is told by name, keeps nothing else back, and nothing that landed is lost on the way."""

import json
import os
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from flows import sync as sync_module
from flows.sync import YearsError, last_ten_years
from flows.sync_report import SyncReport
from sources.bps.history import History
from tests.bps_server import Asked, BpsServer, Fault
from tests.flows.sync_bench import LABOUR_FORCE, START, Bench
from tests.sources.bps.support import labour_table
from tests.support import Home, tree
from warehouse.lease import LeaseHeldError

# Sweeps, and requests over sockets.
pytestmark = pytest.mark.slow

MAINTENANCE: list[Fault] = ["maintenance"] * 50
DOMAINS = ("7100", "7200", "7300", "7400", "7500")


@pytest.fixture
def bench(home: Home) -> Iterator[Bench]:
    """Give a bench whose BPS has three years of one provincial variable."""
    with BpsServer([labour_table(years=3)]) as bps:
        made = Bench(home, bps)
        made.catalogue(LABOUR_FORCE)
        yield made


def codes(report: SyncReport) -> list[list[str]]:
    """Give the names of the errors of each series."""
    return [[error.code for error in one.errors] for one in report.series]


def set_cell(bench: Bench, value: Any, row: int = 7411, year: int = 125) -> None:
    """Let BPS say another value."""
    bench.bps.tables[0].cells = {**bench.bps.tables[0].cells, (row, "0", year, 0): value}


# --- labels --------------------------------------------------------------------------------------------------------


def test_labels_land_beside_the_codes(bench: Bench) -> None:
    [file] = bench.sync(2025, 2025).files
    assert {row["region_code"]: row["place"] for row in bench.landed()[file]} == {
        "0000": "", "7411": "Kab. Kolaka Timur", "7471": "Kota Kendari",
    }  # fmt: skip


def test_a_table_by_age_never_lands_as_one_of_regions(bench: Bench) -> None:
    bench.bps.tables[0].vervar = ((7411, "15-19 tahun"), (7471, "20-24 tahun"), (9999, "INDONESIA"))
    report = bench.sync(2025, 2025)
    assert (codes(report), report.exit_code, bench.landed()) == ([["rows_unknown"]], 1, {})


def test_a_listed_year_that_cannot_be_read_is_told_and_the_others_land(bench: Bench) -> None:
    bench.bps.tables[0].years = ((125, "2025*)"), (124, "2023/2024"), (123, "2023"))
    report = bench.sync(2023, 2025)
    assert (codes(report), report.exit_code) == ([["period_unreadable"]], 1)
    assert {row["year"] for row in bench.landed()[report.files[0]]} == {"2023", "2025"}
    assert codes(bench.sync(2025, 2025)) == [[]]


def test_an_annual_figure_never_lands_as_augusts(bench: Bench) -> None:
    table = bench.bps.tables[0]
    table.turtahun = ((190, "Agustsu"), (191, "Tahunan"))
    table.cells = {(row, "0", 125, part): part for row, _ in table.vervar for part in (190, 191)}
    report = bench.sync(2025, 2025)
    assert {(row["round"], row["value"]) for row in bench.landed()[report.files[0]]} == {("annual", "191")}
    assert report.series[0].unknown_periods == ["Agustsu"]


# --- what comes wrongly --------------------------------------------------------------------------------------------


def test_a_foreign_answer_is_kept_and_the_other_years_land(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = bench.bps.answer

    def strange(asked: Asked) -> Any:
        document = whole(asked)
        surplus = [{"val": 99, "label": "1999"}] if "124" in asked.query.get("th", "").split(";") else []
        return document | {"tahun": document["tahun"] + surplus} if surplus else document

    with monkeypatch.context() as patch:
        patch.setattr(bench.bps, "answer", strange)
        report = bench.sync(2023, 2025)
    assert (codes(report), report.series[0].without_data) == ([["foreign_answer"]], [])
    assert {row["year"] for row in bench.landed()[report.files[0]]} == {"2023", "2025"}
    [foreign] = History(bench.home.house.place.below("bps")).of("7400", "33", "foreign")
    assert b'"1999"' in bench.home.house.snapshots.read(foreign.sha256[0])
    bench.models()
    assert (bench.sync(2023, 2025).result, bench.models()) == ("landed", ["data"])


@pytest.mark.parametrize("part", ["vervar", "years"])
def test_half_a_character_is_an_error_of_its_series_on_every_run(bench: Bench, part: str) -> None:
    setattr(bench.bps.tables[0], part, ((7411 if part == "vervar" else 125, "2025 \ud800"),))
    bench.bps.tables.append(labour_table(variable=34))
    bench.catalogue(LABOUR_FORCE, LABOUR_FORCE.replace("labour_force,33", "employed,34"))
    for results in ("landed", "unchanged"):
        report = bench.sync(2025, 2025)
        assert (codes(report), bool(report.files)) == ([["foreign_answer"], []], results == "landed")


def test_what_has_no_name_is_a_fault_of_its_series(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.bps.tables.append(labour_table(variable=34))
    bench.catalogue(LABOUR_FORCE, LABOUR_FORCE.replace("labour_force,33", "employed,34"))
    whole = sync_module.LandingDesk.settle

    def broken(desk: Any, series: Any, *rest: Any, **more: Any) -> None:
        if series[0].variable == "33":
            raise KeyError("some value")
        whole(desk, series, *rest, **more)

    monkeypatch.setattr(sync_module.LandingDesk, "settle", broken)
    report = bench.sync(2025, 2025)
    assert (codes(report), report.exit_code, len(report.files)) == ([["unexpected"], []], 1, 1)
    assert re.fullmatch(r"KeyError \(test_sync_faults\.py:\d+\)", report.series[0].errors[0].found)


def test_a_page_of_maintenance_is_out_of_reach_and_soon_nobody_asks_on(bench: Bench) -> None:
    bench.catalogue(*(LABOUR_FORCE.replace("7400", domain) for domain in DOMAINS))
    bench.bps.faults.extend(MAINTENANCE)
    report = bench.sync()
    assert (report.exit_code, codes(report), bench.bps.count) == (5, [["web_page"]] * 5, 6)


def test_an_answer_without_a_value_is_told_as_a_year_without_data(bench: Bench) -> None:
    for row, _ in bench.bps.tables[0].vervar:
        set_cell(bench, "-", int(row))
    report = bench.sync(2024, 2025)
    assert (report.exit_code, report.series[0].without_data) == (0, [])
    assert bench.sync(2025, 2025, is_forced=True).series[0].without_data == [2025]


# --- units and vanished years --------------------------------------------------------------------------------------


def test_a_settled_answer_is_judged_by_the_unit_that_it_stated(bench: Bench) -> None:
    table = bench.bps.tables[0]
    table.unit = "Ribu Orang"
    bench.catalogue(LABOUR_FORCE.replace("Orang", "Ribu Orang"))
    assert bench.sync(2025, 2025).exit_code == 0
    table.unit, table.cells = "Orang", {key: value * 1000 for key, value in table.cells.items()}
    set_cell(bench, 7)
    bench.wait(days=31)
    assert codes(bench.sync(2025, 2025)) == [["unit_differs"]]
    bench.catalogue(LABOUR_FORCE)
    mended = bench.sync(2025, 2025, is_offline=True)
    assert (codes(mended), bench.values(mended.files[0])) == ([[]], {"7411 2025 labour_force": "7"})
    again = bench.sync(2025, 2025, is_offline=True)
    assert (codes(again), again.files) == ([[]], [])


def test_a_year_that_bps_lists_no_more_is_told_as_vanished(bench: Bench) -> None:
    bench.sync(2023, 2025)
    bench.bps.tables[0].years = bench.bps.tables[0].years[1:]
    bench.wait(days=31)
    for report in (bench.sync(2023, 2025), bench.sync(2023, 2025)):
        assert {(cell["region_code"], cell["year"]) for cell in report.series[0].vanished} == {
            ("0000", 2025), ("7411", 2025), ("7471", 2025),
        }  # fmt: skip
        assert report.series[0].concepts["labour_force"].vanished == 3
    assert bench.sync(2023, 2024).series[0].vanished == []
    bench.bps.tables.clear()
    bench.wait(days=31)
    assert {cell["year"] for cell in bench.sync(2023, 2025).series[0].vanished} == {2023, 2024, 2025}


# --- landed files --------------------------------------------------------------------------------------------------


def test_a_second_answer_of_a_day_replaces_the_file_that_no_night_has_read(bench: Bench) -> None:
    first = bench.sync(2025, 2025)
    set_cell(bench, 5)
    bench.wait(hours=1)
    assert bench.sync(2025, 2025, is_forced=True).files == first.files
    [(_, rows)] = bench.landed().items()
    assert [(row["region_code"], row["value"], row["published_on"], bool(row["note"])) for row in rows] == [
        ("0000", "3125", "2026-11-05", False),
        ("7411", "5", "2026-11-21", True),
        ("7471", "2125", "2026-11-05", False),
    ]
    assert bench.sync(2025, 2025, is_offline=True).files == []


def test_a_landed_file_that_somebody_changed_is_not_overwritten(bench: Bench) -> None:
    [file] = bench.sync(2025, 2025).files
    (bench.home.landing / file).write_text("mine\n", encoding="utf-8")
    set_cell(bench, 5)
    [other] = bench.sync(2025, 2025, is_forced=True).files
    assert (other == file, (bench.home.landing / file).read_text(encoding="utf-8")) == (False, "mine\n")


def test_a_run_that_dies_after_it_replaced_a_file_is_repeated(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.sync(2025, 2025)
    set_cell(bench, 5)
    whole = History.add

    def add(history: History, *events: Any) -> None:
        if any(event.kind == "settled" for event in events):
            raise KeyboardInterrupt
        whole(history, *events)

    with monkeypatch.context() as patch:
        patch.setattr(History, "add", add)
        with pytest.raises(KeyboardInterrupt):
            bench.sync(2025, 2025, is_forced=True)
    torn = tree(bench.home.landing)
    assert bench.sync(2025, 2025).result == "landed"
    assert tree(bench.home.landing) == torn
    assert len(torn) == 1


def test_a_file_that_no_night_has_read_is_put_back_and_reaches_another_landing_zone(bench: Bench) -> None:
    [file] = bench.sync(2025, 2025).files
    before = tree(bench.home.landing)
    (bench.home.landing / file).unlink()
    assert (bench.sync(2025, 2025).files, tree(bench.home.landing)) == ([file], before)
    bench.given = {"landing": str(bench.home.root / "second")}
    assert (bench.sync(2025, 2025).files, tree(bench.home.root / "second")) == ([file], before)


def test_what_a_killed_sync_left_half_written_goes_and_nothing_else(bench: Bench) -> None:
    folder = bench.home.landing / "labour_force" / "bps" / "7400"
    folder.mkdir(parents=True)
    old, new, other = (
        folder / name
        for name in (
            ".33-2026-11-21-aaaaaaaaaaaa.csv.29519", ".33-2026-11-21-bbbbbbbbbbbb.csv.29520", ".notes.csv.1",
        )
    )  # fmt: skip
    for path in (old, new, other):
        path.write_text("torn", encoding="utf-8")
    for path in (old, other):
        os.utime(path, (START.timestamp() - 10**9, START.timestamp() - 10**9))
    bench.sync(2025, 2025, is_dry_run=True)
    assert old.exists()
    bench.sync(2025, 2025)
    assert [path.exists() for path in (old, new, other)] == [False, True, True]


# --- use -----------------------------------------------------------------------------------------------------------


def test_the_loser_of_two_syncs_waits_for_the_holders_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["another run holds x: unknown", "another run holds x: {pid: 7}"])
    waited: list[float] = []

    @contextmanager
    def lease(_: Path) -> Generator[None]:
        raise LeaseHeldError(next(said))
        yield

    monkeypatch.setattr(sync_module, "lease", lease)
    monkeypatch.setattr(sync_module.time, "sleep", waited.append)
    with pytest.raises(LeaseHeldError, match=r"another sync is at work on .*\{pid: 7\}"):
        bench.sync()
    assert len(waited) == 1


def test_a_holder_without_name_is_another_sync_and_one_that_is_done_is_none(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    outcomes = [LeaseHeldError("another run holds x: unknown")] * 5

    @contextmanager
    def lease(_: Path) -> Generator[None]:
        if outcomes:
            raise outcomes.pop()
        yield

    monkeypatch.setattr(sync_module, "lease", lease)
    monkeypatch.setattr(sync_module.time, "sleep", waited.append)
    with pytest.raises(LeaseHeldError, match=r"another sync is at work on .*did not say its name"):
        bench.sync()
    assert (bench.sync(2025, 2025).result, len(waited)) == ("landed", 4)


@pytest.mark.parametrize(("first", "last"), [(-5, -3), (1, 2025), (2020, 3000), (2025, 2020), (None, 300000)])
def test_years_that_are_none_are_refused(first: int | None, last: int | None) -> None:
    with pytest.raises(YearsError, match="--from"):
        last_ten_years(first, last, START.date())
    assert last_ten_years(1900, 2100, START.date()) == (1900, 2100)
    assert last_ten_years(None, None, START.date()) == (2017, 2026)


@pytest.mark.parametrize(
    ("key", "url", "result"),
    [("short", "", "key_unusable"), ("f" * 32, "", "key_refused"), ("f" * 32, "http://bps.example/", "address_unsafe")],
)
def test_the_result_names_what_cannot_be_used(bench: Bench, key: str, url: str, result: str) -> None:
    bench.key = key
    bench.given = {"bps_url": url} if url else {}
    report = bench.sync()
    assert (report.result, report.exit_code, json.dumps(report.as_json()).count(result) > 1) == (result, 2, True)


def test_any_number_of_days_may_be_waited_for(bench: Bench) -> None:
    bench.given = {"bps_refresh_days": 10**12}
    bench.sync(2025, 2025)
    bench.wait(days=400)
    assert bench.sync(2025, 2025).requests == 0
