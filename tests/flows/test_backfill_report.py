"""What a backfill tells: one document, exit codes, and what people read."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.backfill_console import print_outcome, print_plan
from flows.backfill_report import BackfillReport, BackfillResult
from flows.cli import main
from sources.landing import LandedFile
from tests.flows.test_report import manifest
from tests.support import Home
from warehouse.backfill import Choice, Plan, Planned
from warehouse.lease import lease

CHOICE = Choice("2026-09", "2026-10", ("SLK",))
FILE = LandedFile(Path("x"), "participants/SLK/2026-10/a.csv", "participants", "sha", 1_500_000)
PLAN = Plan(
    [Planned("2026-09", "SLK", "absent"), Planned("2026-10", "SLK", "reload", (FILE.file,), ("sha",))], [FILE], []
)
READING = {
    "lines": {"read": 9, "header": 1, "good": 6, "quarantined": 2, "blank": 0},
    "files": [{"file": FILE.file, "verdict": "partly_quarantined"}],
    "notes": [],
}
MOVE = {"geo_code": "13", "figure": "numerator", "before": "8.00", "after": "6.00", "cause": "inputs"}
TABLE = {"rows_before": 2, "rows_after": 2, "came": 0, "went": 0, "changed": 1}
MONTH = {"as_of": "2026-10-31", "figure": "numerator", "cause": "inputs", "rows": 1}
DIFF: dict[str, Any] = {
    "before": "b0",
    "after": "b1",
    "tables": {"coverage": {**TABLE, "months": [MONTH], "moves": [MOVE]}},
}


def report(result: BackfillResult, **more: Any) -> BackfillReport:
    return BackfillReport(result, CHOICE, PLAN, manifest(), READING, DIFF, **more)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ("planned", 0), ("nothing", 0), ("shown", 0), ("success", 0), ("warnings", 3),
        ("failure", 4), ("outdated", 4), ("different", 4),
    ],
)  # fmt: skip
def test_exit_codes(result: BackfillResult, code: int) -> None:
    assert (report(result).exit_code, report(result).promoted) == (code, result in ("success", "warnings"))


def test_the_document_holds_plan_reading_difference_and_outcome() -> None:
    document = json.loads(json.dumps(report("different", build=manifest(build_id="b2"), reasons=["x"]).as_json()))
    assert document["plan"]["counts"] == {"reload": 1, "load": 0, "keep": 0, "lost": 0, "absent": 1}
    assert (document["plan"]["files"], document["plan"]["bytes"]) == (1, 1_500_000)
    assert document["plan"]["spots"][1]["files"] == [FILE.file]
    assert (document["from"], document["to"], document["offices"]) == ("2026-09", "2026-10", ["SLK"])
    assert (document["build_id"], document["aside"]["build_id"], document["reasons"]) == ("b2", "b1", ["x"])
    assert (document["lines"]["good"], document["diff"]) == (6, DIFF)
    planned = BackfillReport("planned", CHOICE, PLAN).as_json()
    assert (planned["lines"], planned["files"], planned["aside"], planned["diff"]) == (None, [], None, None)


def test_a_plan_is_listed_month_by_month_or_counted(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(PLAN)
    listed = capsys.readouterr().out
    assert "participants/SLK/2026-10/a.csv" in listed
    assert "1 baca ulang / read again, 1 tidak dikirim / not sent" in listed
    assert "1 berkas / files, 1,5 MB" in listed
    print_plan(Plan([Planned("2026-10", f"N{n:03}", "load") for n in range(325)], [FILE], ["participants/a.csv"]))
    counted = capsys.readouterr().out
    assert "N001" not in counted
    assert "325" in counted
    assert "the night reads them: participants/a.csv" in counted


def test_people_see_what_moves_and_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    print_outcome(report("shown"), "var/publish")
    said = capsys.readouterr().out
    for words in ("good 6", "1 partly_quarantined", "numerator", "same command with --promote", "aside/builds/b1"):
        assert words in said
    print_outcome(report("success", build=manifest(build_id="b2")), "var/publish")
    said = capsys.readouterr().out
    assert "var/publish/builds/b2" in said
    assert "aside/builds" not in said
    print_outcome(report("failure", reasons=["coverage key: twice"]), "var/publish")
    assert "✗ coverage key: twice" in capsys.readouterr().out


def ends(*words: str) -> int | str | None:
    with pytest.raises(SystemExit) as left:
        main(["backfill", *words])
    return left.value.code


def test_the_command_ends_as_the_others_do(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(home.root)
    for name, value in home.environment().items():
        if name.startswith("CAKUPAN_"):
            monkeypatch.setenv(name, value)
    months = ("--from", "2026-09", "--to", "2026-10")
    assert ends(*months, "--dry-run") == 5
    home.landing.mkdir()
    assert ends("--from", "2026-09") == 2
    assert ends("--from", "2026-10", "--to", "2026-09") == 2
    assert ends(*months, "--office", "XX") == 2
    assert "no office XX" in capsys.readouterr().err
    assert ends(*months, "--dry-run", "--json") == 0
    assert json.loads(capsys.readouterr().out)["result"] == "planned"
    assert ends(*months) == 0
    assert "nothing to read" in capsys.readouterr().out
    with lease(home.house.place.below("aside")):
        assert ends(*months) == 6
