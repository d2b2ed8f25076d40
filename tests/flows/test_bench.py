"""The bench: what is measured and told, and that peers give the figures of the night. No test judges speed."""

import csv
import json
import os
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.bench import MONTH, NAMES, PEERS, Peer, Request, Run, Size, run_bench
from flows.bench_figures import differences, write_again, write_ten_lines
from flows.bench_measure import Measured, measured
from flows.bench_results import README, block, document_of, last_result, left_out, save, show_in_readme, table
from tests.docs.pages import commands
from tests.support import ROOT, Home
from tests.warm import warm_cli

SMALL = Size(1000, 3)
COST = Measured(10.0, 15.0, 2**30, 0, "", "")
MARKS = "<!-- bench -->", "<!-- /bench -->"


def requested(work: Path, *only: str, size: Size = SMALL) -> Request:
    return Request(size, size, only, work, memory="1GB")


# --- what a command costs -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_memory_of_all_processes_of_a_command_is_counted_and_what_they_compute(tmp_path: Path) -> None:
    child = "held = bytearray(60_000_000); import time; time.sleep(1)"
    program = f"held = bytearray(90_000_000)\nimport subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    cost = measured([sys.executable, "-c", f"{program}\nprint('ended')"], tmp_path, os.environ)
    assert (cost.code, cost.out, cost.err) == (0, "ended\n", "")
    assert 150_000_000 < cost.peak_bytes < 300_000_000
    assert cost.seconds > 1 > cost.cpu_seconds > 0


@pytest.mark.slow
def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    lines = "import subprocess; subprocess.Popen(['sleep', '321']).wait()"
    cost = measured([sys.executable, "-c", lines], tmp_path, os.environ, timeout=1)
    assert cost.code is None
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert b"sleep\x00321\x00" not in running


# --- what is told -------------------------------------------------------------------------------------------------


def told(work: Path) -> dict[str, Any]:
    """Give the document of a bench whose floor took 10 s, start-up 5, a full night 30."""
    costs = {"floor": 10.0, "startup": 5.0, "full": 30.0, "idle": 5.5, "again": 7.5}
    runs = [Run(name, name, SMALL, Measured(seconds, 1, 2**30, 0, "", "")) for name, seconds in costs.items()]
    peers = [Run("pandas-gx", "p", SMALL, COST, differences=2), Run("dlt-duckdb", "d", SMALL, note="not installed")]
    return document_of(requested(work), [*runs, *peers])


def test_ratios_leave_start_up_out_of_ours_alone(tmp_path: Path) -> None:
    runs = {run["name"]: run for run in told(tmp_path)["runs"]}
    assert {name: run["to_floor"] for name, run in runs.items() if "to_floor" in run} == {
        "floor": 1, "startup": 0, "full": 2.5, "idle": 0.05, "again": 0.25, "pandas-gx": 1
    }  # fmt: skip
    assert (runs["full"]["to_full"], runs["idle"]["to_full"], runs["again"]["to_full"]) == (1, 0.02, 0.1)
    assert "seconds" not in runs["dlt-duckdb"]


def test_the_table_says_what_differs_and_what_did_not_run(tmp_path: Path) -> None:
    rows = {row[0]: row for row in table(told(tmp_path))}
    assert rows["p"][-2:] == ("1.00", "2 beda / differ")
    assert rows["d"][-1] == "not installed"
    assert [row[0] for row in table(told(tmp_path))[1:4]] == ["floor", "startup", "full"]


def test_a_result_is_kept_by_day_and_machine_and_shown_between_the_marks(tmp_path: Path) -> None:
    document = told(tmp_path)
    path = save(document, tmp_path / "results")
    assert path.name.startswith(document["at"][:10])
    assert last_result(tmp_path / "results") == json.loads(path.read_text(encoding="utf-8"))
    page = tmp_path / "README.md"
    page.write_text("before\n{}\nold\n{}\nafter\n".format(*MARKS), encoding="utf-8")
    for _ in range(2):
        show_in_readme(document, page)
    assert page.read_text(encoding="utf-8") == f"before\n{MARKS[0]}\n{block(document)}{MARKS[1]}\nafter\n"


def test_how_many_rows_were_read_stands_once_where_all_read_the_same(tmp_path: Path) -> None:
    document = told(tmp_path)
    assert "| 1,000 rows | floor | full |" in block(document)
    document["runs"][0]["participants"] = 2000
    assert "|  | floor (2,000 rows) | full (1,000 rows) |" in block(document)


def test_what_others_leave_out_is_said(tmp_path: Path) -> None:
    document = told(tmp_path)
    assert left_out(document) == []
    for run, what in zip(document["runs"], ("hashes", "hashes", "checks"), strict=False):
        run["note"] = f"leaves out: {what}"
    assert left_out(document) == ["floor and startup leave out hashes.", "full leave out checks."]
    assert "floor and startup leave out hashes. full leave out checks.\n" in block(document)


def test_the_readme_shows_the_last_result() -> None:
    shown = README.read_text(encoding="utf-8").partition(f"{MARKS[0]}\n")[2].partition(MARKS[1])[0]
    document = last_result()
    assert shown == ("" if document is None else block(document))


def test_every_peer_has_a_program_and_pinned_requirements() -> None:
    for peer in PEERS:
        lines = peer.requirements.read_text(encoding="utf-8").splitlines()
        assert (peer.script.is_file(), [line for line in lines if "==" not in line]) == (True, [])
    assert ("floor", "cakupan", *(peer.name for peer in PEERS)) == NAMES


# --- the command --------------------------------------------------------------------------------------------------


def test_the_commands_of_the_page_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    from flows.cli import main

    lines = [line.split()[1:] for line in commands(ROOT / "docs" / "bench.md")]
    assert lines
    for line in lines:
        with pytest.raises(SystemExit) as end:
            main([*(word for word in line if word != "--install"), "--dry-run"])
        assert (end.value.code, "floor" in capsys.readouterr().out) == (0, True), line


def test_what_nobody_knows_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    from flows.cli import main

    with pytest.raises(SystemExit) as end:
        main(["bench", "--only", "nobody"])
    assert (end.value.code, "expected floor, cakupan" in capsys.readouterr().err) == (2, True)


# --- figures ------------------------------------------------------------------------------------------------------


def simulated(folder: Path, size: Size = SMALL) -> Path:
    """Write a simulated month and give its landing zone."""
    from simulation.exports import simulate
    from simulation.options import Options

    simulate(Options(size.offices, size.participants, 1, folder, month=MONTH))
    return folder


def export_of(landing: Path) -> list[dict[str, str]]:
    path = min(landing.rglob("participants/**/*.csv"))
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.mark.slow
def test_ten_lines_are_ten_and_an_office_that_exports_again_changes_what_was_paid(tmp_path: Path) -> None:
    landing = simulated(tmp_path / "landing")
    before = export_of(landing)
    write_ten_lines(landing, tmp_path / "ten")
    ten = export_of(tmp_path / "ten")
    assert ([row["kpj"] for row in ten], {row["office_code"] for row in ten}) == (
        [row["kpj"] for row in before[:10]], {"SLK"}
    )  # fmt: skip
    assert write_again(landing, 1) == 1
    after = export_of(landing)
    moved = [one for one, other in zip(before, after, strict=True) if one != other]
    assert 0 < len(moved) < len(before) / 5
    assert [row | {"last_paid_period": ""} for row in before] == [row | {"last_paid_period": ""} for row in after]


Breaking = Callable[[dict[str, str]], dict[str, str]]
BREAKINGS: dict[str, Breaking] = {
    "nik": lambda row: {"nik": row["nik"][:15]},
    "day in the nik": lambda row: {"nik": row["nik"][:6] + "3113" + row["nik"][10:]},
    "serial": lambda row: {"nik": row["nik"][:12] + "0000"},
    "kpj": lambda row: {"kpj": row["kpj"].lower()[:10]},
    "segment": lambda _: {"segment": "XX"},
    "programmes": lambda row: {"programmes": row["programmes"].replace("JKM", "JKJ")},
    "required programme": lambda _: {"programmes": "JKK"},
    "region": lambda _: {"region_code": "9998"},
    "sex": lambda _: {"sex": "X"},
    "funding": lambda _: {"funding": "luck"},
    "birth": lambda _: {"birth_date": "1890-01-01"},
    "no birth": lambda _: {"birth_date": "1990-02-30"},
    "registered": lambda _: {"registered_date": "2026-11-01"},
    "paid": lambda _: {"last_paid_period": "2029-01"},
    "no month": lambda _: {"last_paid_period": "2026-13"},
    "wage": lambda _: {"wage_idr": "20000000000"},
    "contribution": lambda _: {"contribution_idr": "-1"},
    "nothing": lambda _: {"nik": ""},
}


def break_lines(landing: Path) -> int:
    """Break some lines of the first export, each by a rule of its own; gives how many."""
    path = min(landing.rglob("participants/**/*.csv"))
    rows = export_of(landing)
    for number, breaking in enumerate(BREAKINGS.values()):
        rows[number * 3] |= breaking(rows[number * 3])
    with path.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return len(BREAKINGS)


@pytest.mark.slow
@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_peer_sets_the_same_lines_aside_and_gives_the_same_figures(peer: Peer, home: Home) -> None:
    if not peer.python.exists():
        pytest.skip("its environment is not there: cakupan bench --install")
    simulated(home.landing)
    broken = break_lines(home.landing)
    report = home.run(date(2026, 11, 15))
    assert (report.promoted, report.lines.quarantined) == (True, broken)
    out = home.root / "theirs"
    key = home.settings().person_key
    assert key is not None
    options = ["--today", "2026-11-15", "--key", key.get_secret_value()]
    done = measured([str(peer.python), str(peer.script), str(home.landing), str(out), *options], home.root, os.environ)
    assert done.code == 0, done.err[-2000:]
    assert json.loads(done.out) == {"read": 1000, "good": 1000 - broken, "quarantined": broken}
    assert differences(home.publication.root, out, date(2026, 10, 31)) == 0
    aside = f"SELECT count(*) FROM read_parquet('{out}/bad*.parquet', union_by_name = true)"
    assert duckdb.execute(aside).fetchone() == (broken,)
    figures = out / "coverage.csv"
    figures.write_text(figures.read_text(encoding="utf-8").replace("national,0000,ALL", "national,0000,PMI", 1))
    assert differences(home.publication.root, out, date(2026, 10, 31)) > 0


@pytest.mark.slow
def test_a_small_bench_measures_the_floor_and_the_nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.bench.cakupan", warm_cli)
    said: list[str] = []
    runs = {run.name: run for run in run_bench(requested(tmp_path, "floor", "cakupan"), said.append)}
    assert list(runs) == ["simulate", "floor", "startup", "full", "idle", "again"]
    assert len(said) == len(runs)
    costs = [run.cost for run in runs.values()]
    assert all(cost is not None and cost.seconds > 0 and cost.peak_bytes > 10_000_000 for cost in costs)
    assert runs["floor"].lines == {"read": 1000}
    assert runs["full"].lines == {"read": 1000, "good": 1000, "quarantined": 0}
    results = {name: json.loads(runs[name].cost.out)["result"] for name in ("full", "idle", "again")}  # pyright: ignore[reportOptionalMemberAccess]
    assert results["idle"] == "unchanged"
    assert {results["full"], results["again"]} <= {"success", "warnings"}
