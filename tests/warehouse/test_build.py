"""Builds and their gates: what is judged, what stops, and that nothing moves when it does."""

import json
import stat
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations.judge import Judge
from flows.report import NightReport
from tests.support import AS_OF, Home, participant, recap, target, tree
from warehouse.assemble import assemble, published_tables
from warehouse.lease import lease
from warehouse.publish import PublishError

pytestmark = pytest.mark.slow

EXPORT = "participants/SLK/2026-10/a.csv"


def spoiling(monkeypatch: pytest.MonkeyPatch, *statements: str) -> None:
    """Let the build's marts be spoilt right after they are assembled."""

    def spoilt(con: duckdb.DuckDBPyConnection, as_of: date) -> None:
        assemble(con, as_of)
        for statement in statements:
            con.execute(statement)

    monkeypatch.setattr("warehouse.build.assemble", spoilt)


def land(home: Home) -> None:
    home.put(EXPORT, [participant(n) for n in range(1, 9)])
    home.put("targets/t.csv", [target(segment=segment) for segment in ("BPU", "PU", "JAKON")])
    home.put("recaps/r.csv", [recap(office_code="GIA")])


@pytest.fixture(scope="module")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, NightReport]:
    """Give a home after its first night, for tests that only look."""
    home = Home(tmp_path_factory.mktemp("first"))
    land(home)
    return home, home.run()


@pytest.fixture
def used(first_night: tuple[Home, NightReport], tmp_path: Path) -> Home:
    """Give a home of a test's own in which a first night ran."""
    return first_night[0].copied_to(tmp_path)


def pointer(home: Home) -> tuple[str, Any]:
    latest = home.publication.root / "latest.json"
    return latest.read_text(encoding="utf-8"), (home.publication.root / "current").readlink()


def test_a_key_twice_and_too_few_rows_stop_the_publication(used: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home = used
    before = pointer(home)
    spoiling(
        monkeypatch,
        "INSERT INTO marts.coverage SELECT * FROM marts.coverage LIMIT 1",
        "DELETE FROM marts.target_attainment WHERE month(as_of) > 3",
    )
    bad = home.run(forced=True)
    assert (bad.result, bad.exit_code, bad.promoted) == ("failure", 4, False)
    assert bad.build is not None
    reasons = " ".join(bad.build.reasons)
    assert "marts.coverage key" in reasons
    assert "marts.target_attainment row_count" in reasons
    assert pointer(home) == before
    assert home.publication.manifest(bad.build.build_id).result == "failure"
    with pytest.raises(PublishError, match="failed its checks"):
        home.publication.promote(bad.build.build_id)
    monkeypatch.undo()
    assert home.run().result == "unchanged", "the last good build still is what the lake says"


def test_a_sound_build_is_judged_table_by_table(first_night: tuple[Home, NightReport]) -> None:
    home, report = first_night
    assert (report.result, report.exit_code) == ("success", 0)
    assert report.build is not None
    checks = home.publication.checks(report.build.build_id)
    judged = {check["table"] for check in checks}
    assert {f"marts.{name}" for name in published_tables()} <= judged
    assert {"core.participants", "core.targets"} <= judged
    assert {check["outcome"] for check in checks} <= {"pass", "fail"}
    assert report.build.checks["pass"] > 100


def broken_judge(code: str) -> Callable[..., Judge]:
    start = Judge.start
    return lambda *_: start([sys.executable, "-c", code])


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "print('not json')", "raise SystemExit('x')"])
def test_a_judge_that_cannot_tell_is_an_error_and_publishes_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    land(home)
    monkeypatch.setattr("flows.steps.Judge.start", broken_judge(code))
    report = home.run()
    assert (report.result, report.exit_code, report.promoted) == ("failure", 4, False)
    assert report.build is not None
    assert report.build.checks["error"] > 100
    assert report.build.checks["fail"] == 0
    assert home.publication.promoted_id() is None


def test_a_build_is_immutable_complete_and_described_last(first_night: tuple[Home, NightReport]) -> None:
    home, report = first_night
    assert report.build is not None
    folder = home.publication.folder_of(report.build.build_id)
    assert {"manifest.json", "marts.duckdb", "checks.json", "diff.json"} <= set(tree(folder))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o444}
    assert home.publication.damage(report.build.build_id) == []
    assert [path.name for path in home.publication.builds_folder.iterdir()] == [report.build.build_id]
    described = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    assert described["rows"]["core.participants"] == 8


def test_the_database_holds_the_parquet_files_with_comments(first_night: tuple[Home, NightReport]) -> None:
    home, report = first_night
    assert report.build is not None
    folder = home.publication.folder_of(report.build.build_id)
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as con:
        for name in published_tables():
            rows = con.execute(
                f"FROM marts.{name} EXCEPT ALL FROM read_parquet('{folder}/marts/{name}.parquet')"
            ).fetchall()
            counts = con.execute(f"SELECT count(*) FROM marts.{name}").fetchone()
            assert (rows, counts) == ([], (report.build.rows[f"marts.{name}"],))
        commented = con.execute("SELECT count(*) FROM duckdb_columns() WHERE schema_name = 'marts' AND comment IS NULL")
        assert commented.fetchall() == [(0,)]


@pytest.mark.usefixtures("trusting")
def test_the_next_night_removes_what_an_unfinished_build_left(used: Home) -> None:
    home = used
    leftover = home.publication.builds_folder / ".20261121T000000000000Z-dead"
    (leftover / "marts").mkdir(parents=True)
    (leftover / "marts" / "coverage.parquet").write_bytes(b"half")
    (leftover / "marts" / "coverage.parquet").chmod(0o444)
    assert home.run().result == "unchanged"
    assert not leftover.exists()


@pytest.mark.usefixtures("trusting")
def test_an_unfinished_build_of_a_run_at_work_is_left_alone(home: Home) -> None:
    home.landing.mkdir()
    leftover = home.publication.builds_folder / ".at-work"
    leftover.mkdir(parents=True)
    with lease(home.house.place), pytest.raises(RuntimeError):
        home.run()
    assert leftover.exists()


@pytest.mark.usefixtures("trusting")
def test_changed_rules_reference_or_sql_are_news(
    first_night: tuple[Home, NightReport], used: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = first_night[1]
    monkeypatch.setattr("warehouse.build._shipped_digest", lambda: "other SQL")
    second = used.run()
    assert second.result == "success"
    assert first.build is not None
    assert second.build is not None
    assert first.build.inputs_key != second.build.inputs_key


@pytest.mark.usefixtures("trusting")
def test_a_fault_while_building_leaves_the_last_build(used: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home = used
    before = pointer(home)
    spoiling(monkeypatch, "SELECT error('broken on purpose')")
    with pytest.raises(duckdb.Error, match="broken on purpose"):
        home.run(AS_OF, forced=True)
    assert pointer(home) == before
    monkeypatch.undo()
    assert len(home.publication.builds()) == 1


@pytest.mark.usefixtures("trusting")
def test_after_a_rollback_the_older_build_is_what_readers_see(used: Home) -> None:
    home, first = used, used.publication.promoted_id()
    home.put("targets/u.csv", [target(segment="PMI")])
    home.run()
    assert first is not None
    home.publication.promote(first)
    assert home.mart("target_attainment", "segment = 'PMI' AND target IS NOT NULL") == []
