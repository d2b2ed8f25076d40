"""Retention on a lake with many nights: what nobody needs goes, what is needed stays, the next night is as ever."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.retention import Retention, RetentionError, run_retention
from sources.places import Folder
from tests.flows.retention_home import EXPORT, LATE, copied, harm, many_nights, pass_days, retain
from tests.support import AS_OF, Home, marts_of, participant, tree, trusting_judges
from warehouse.lease import LeaseHeldError, lease
from warehouse.publish import PublishError
from warehouse.retention import Logged

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def _trusting() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let nights in process be quick."""
    with trusting_judges():
        yield


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, dict[str, str]]:
    """Run the nights once."""
    home = Home(tmp_path_factory.mktemp("nights"))
    return home, many_nights(home)


@pytest.fixture
def old(nights: tuple[Home, dict[str, str]], tmp_path: Path) -> Home:
    """Give a copy of the home with many nights."""
    return copied(nights[0], tmp_path)


@pytest.fixture
def made(nights: tuple[Home, dict[str, str]]) -> dict[str, str]:
    """Give its builds by what was special about them."""
    return nights[1]


def builds(home: Home) -> set[str]:
    return {build.build_id for build in home.publication.builds()}


def gone(home: Home, days: float = LATE, **settings: int) -> dict[str, int]:
    """Give how many files of each kind would go."""
    counted = Counter[str]()
    for entry in retain(home, days, dry=True, **settings).gone:
        counted[entry.kind] += entry.files
    return dict(counted)


def test_a_dry_run_tells_what_goes_and_changes_nothing(old: Home) -> None:
    before = tree(old.root)
    report = retain(old, dry=True)
    assert tree(old.root) == before
    assert report.result == "dry_run"
    assert {entry.kind for entry in report.gone} >= {"build", "quarantine", "data", "raw", "leftovers"}
    done = retain(old)
    assert done.result == "removed"
    # So long after the last night, what the run itself takes out of quarantine is old at once.
    assert [one for one in done.gone if (one.kind, one.what) != ("data", "quarantine")] == report.gone
    size = sum(map(len, before.values())) - sum(map(len, tree(old.root).values()))
    # New are the commit of the quarantine and the leases.
    assert size == pytest.approx(report.bytes, abs=2000)


def test_what_is_kept_is_whole_and_a_second_run_finds_nothing(old: Home, made: dict[str, str]) -> None:
    assert harm(old.house, old.publication) == []
    report = retain(old)
    assert builds(old) == {made["newest"], made["july"], made["september"]}
    assert (report.builds[made["newest"]], report.builds[made["july"]]) == ("promoted", "month")
    assert harm(old.house, old.publication) == []
    assert [path for path in old.publication.builds_folder.iterdir() if path.name.startswith(".")] == []
    assert {entry.kind for entry in retain(old).gone} == set()


def test_the_newest_of_a_month_stays_while_it_is_not_too_old(old: Home, made: dict[str, str]) -> None:
    retain(old, keep_monthly_builds_days=LATE + 370)
    assert builds(old) == {made["newest"], made["september"]}
    assert harm(old.house, old.publication) == []
    retain(old, keep_monthly_builds_days=0)
    assert builds(old) == {made["newest"]}
    assert harm(old.house, old.publication) == []


def test_within_the_usual_ages_only_old_failures_and_leftovers_go(old: Home, made: dict[str, str]) -> None:
    report = retain(old, 3, keep_builds=30)
    assert {(entry.kind, entry.what) for entry in report.gone if entry.kind == "build"} == {("build", made["failed"])}
    assert {entry.kind for entry in report.gone} <= {"build", "leftovers", "data", "quarantine"}
    assert harm(old.house, old.publication) == []


def test_nothing_that_is_in_the_grace_time_goes(old: Home, made: dict[str, str]) -> None:
    old.publication.promote(made["october"])
    old.publication.promote(made["newest"])
    report = retain(old, 1, keep_builds_days=0, keep_failed_builds_days=0, keep_monthly_builds_days=0)
    assert builds(old) == {made["newest"], made["october"]}
    assert report.builds[made["october"]] == "grace"
    assert report.gone
    assert [entry for entry in report.gone if entry.kind == "leftovers"] == []
    assert harm(old.house, old.publication) == []
    retain(old, 3, keep_builds_days=0, keep_failed_builds_days=0, keep_monthly_builds_days=0)
    assert builds(old) == {made["newest"]}


def test_the_night_after_is_as_it_would_have_been(old: Home, tmp_path: Path) -> None:
    undisturbed = copied(old, tmp_path / "undisturbed")
    retain(old)
    assert old.run(date(2026, 10, 31)).result == "unchanged"
    reports = [home.run(date(2026, 10, 31), forced=True) for home in (old, undisturbed)]
    assert [file.verdict for file in reports[0].files] == ["unchanged"] * len(reports[0].files)
    first, second = (marts_of(home.publication.root / "current") for home in (old, undisturbed))
    assert first == second


def test_a_file_whose_raw_bytes_went_is_read_again_without_them(old: Home) -> None:
    replaced = [participant(1), participant(2)]
    retain(old, keep_monthly_builds_days=0)
    old.put(EXPORT, replaced)
    report = old.run(AS_OF)
    assert {file.landed.file: file.verdict for file in report.files}[EXPORT] == "unchanged"
    old.put("participants/SLK/2026-10/moved.csv", [participant(1), participant(2), participant(3, birth_date="kapan?")])
    assert {file.verdict for file in old.run(AS_OF).files if file.landed.file.endswith("moved.csv")} == {
        "partly_quarantined"
    }
    assert harm(old.house, old.publication) == []


def test_lines_that_wait_stay_in_quarantine_and_mended_ones_go(old: Home) -> None:
    old.put("participants/DHS/2026-10/export.csv", [participant(7, birth_date="besok"), participant(8)])
    old.run(AS_OF)
    waiting = old.quarantine()
    assert len(waiting) == 1
    before = gone(old, 60)
    assert "quarantine" not in before
    report = retain(old)
    assert [entry.files for entry in report.gone if entry.kind == "quarantine"] == [1]
    assert old.quarantine() == waiting
    held = {key.partition("/")[0] for key in old.house.quarantine.data_keys()}
    assert len(held) == 1
    pass_days(old, 3)
    retain(old)
    left = {path.parent.name for path in old.house.root.glob("quarantine/source_key=*/*.parquet")}
    assert left == held


def test_a_reader_keeps_an_old_build_while_it_goes(old: Home, made: dict[str, str]) -> None:
    database = old.publication.folder_of(made["october"]) / "marts.duckdb"
    with duckdb.connect(str(database), read_only=True) as con:
        rows = con.execute("SELECT count(*) FROM marts.target_attainment").fetchall()
        retain(old)
        assert not database.exists()
        assert con.execute("SELECT count(*) FROM marts.target_attainment").fetchall() == rows


def test_a_night_or_a_sync_at_work_is_left_alone(old: Home) -> None:
    before = tree(old.root)
    for place in (old.house.place, old.house.place.below("bps")):
        with lease(place), pytest.raises(LeaseHeldError, match="another run holds"):
            retain(old)
        with lease(place):
            assert gone(old)
    assert {key for key, content in tree(old.root).items() if before.get(key) != content} <= {
        "lake/bps/lease.json",
        "lake/lease.json",
    }


def test_builds_of_another_lake_are_refused(old: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = tree(old.root)
    empty = Home(tmp_path_factory.mktemp("empty"))
    strange = old.settings().model_copy(update={"publish": str(empty.publication.root)})
    with pytest.raises(RetentionError, match="nothing is promoted"):
        run_retention(Retention(strange))
    other = Home(tmp_path_factory.mktemp("other"))
    other.put(EXPORT, [participant(5)])
    other.run()
    strange = old.settings().model_copy(update={"publish": str(other.publication.root)})
    with pytest.raises(RetentionError, match="1 files that never arrived"):
        run_retention(Retention(strange))
    assert {key: content for key, content in tree(old.root).items() if before.get(key) != content}.keys() <= {
        "lake/bps/lease.json",
        "lake/lease.json",
    }
    assert run_retention(Retention(empty.settings(), is_dry_run=True)).result == "dry_run"
    assert run_retention(Retention(empty.settings())).result == "nothing"


def test_a_date_ahead_is_for_dry_runs(old: Home) -> None:
    tomorrow = date.today() + timedelta(days=2)  # noqa: DTZ011 - two days ahead in every zone
    with pytest.raises(RetentionError, match="only --dry-run looks ahead"):
        Retention(old.settings(), tomorrow)
    ahead = Retention(old.settings().model_copy(update={"keep_builds": 1}), date(2030, 1, 1), is_dry_run=True)
    assert run_retention(ahead).gone
    yesterday = Retention(old.settings(), date(2026, 1, 1))
    assert yesterday.moment == datetime(2026, 1, 1, 17, tzinfo=UTC)
    assert run_retention(yesterday).gone == []


def test_a_build_is_not_promoted_while_it_goes(
    old: Home, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    publication = old.publication
    with publication.going([made["july"]]), pytest.raises(PublishError, match="just removed"):
        publication.promote(made["july"])
    looks = iter([False, True])
    write = Folder.write

    def announced_meanwhile(place: Folder, key: str, *given: Any) -> str:
        stamp = write(place, key, *given)
        if key == "latest.json" and next(looks, True) is False:
            write(place, "going.json", json.dumps([made["july"]]).encode())
        return stamp

    monkeypatch.setattr(Folder, "write", announced_meanwhile)
    with pytest.raises(PublishError, match="just removed"):
        publication.promote(made["july"])
    assert publication.promoted_id() == made["newest"]
    assert (publication.root / "current").readlink().name == made["newest"]


def test_a_build_that_is_promoted_before_it_goes_stays(
    old: Home, made: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Folder.write

    def promoted_meanwhile(place: Folder, key: str, *given: Any) -> str:
        if key == "going.json":
            old.publication.promote(made["october"])
        return write(place, key, *given)

    monkeypatch.setattr(Folder, "write", promoted_meanwhile)
    retain(old)
    assert made["october"] in builds(old)
    assert old.publication.promoted_id() == made["october"]
    assert harm(old.house, old.publication) == []


def test_builds_aside_and_their_records_go_in_time(old: Home, made: dict[str, str]) -> None:
    aside = old.publication.root / "aside"
    shutil.copytree(old.publication.folder_of(made["september"]), aside / "builds" / made["september"])
    (aside / "2026-01.json").write_text(json.dumps({"build_id": made["september"]}), encoding="utf-8")
    (aside / "2026-02.json").write_text(json.dumps({"build_id": "another"}), encoding="utf-8")
    retain(old, 3, keep_failed_builds_days=500, keep_builds=30)
    assert len(list(aside.rglob("*.json"))) > 4
    retain(old)
    assert sorted(path.name for path in aside.rglob("*") if path.is_file()) == ["2026-02.json"]
    assert harm(old.house, old.publication) == []


def only_the_newest(commits: Sequence[Logged], *_: object) -> set[int]:
    return {commits[-1].version}


HASTY: dict[str, tuple[str, Callable[..., object]]] = {
    "a pointer is no reason": ("warehouse.old_builds.builds_that_stay", lambda *_: dict[str, str]()),
    "versions of manifests are no reason": (
        "warehouse.vacuum.kept_versions",
        only_the_newest,
    ),
    "rows of core are no reason": ("flows.retention.referred_by", lambda *_: set[str]()),
    "the history of syncs is no reason": ("flows.retention.referred_bytes", lambda *_: set[str]()),
}


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_tells_first_and_then_removes(old: Home) -> None:
    pass_days(old, LATE)
    few = {"CAKUPAN_KEEP_BUILDS": "1"}
    told = old.cakupan("retention", "--dry-run", "--json", **few)
    assert (told.returncode, told.stderr) == (0, "")
    document = json.loads(told.stdout)
    assert document["result"] == "dry_run"
    assert document["bytes"] == sum(entry["bytes"] for entry in document["gone"]) > 0
    done = old.cakupan("retention", **few)
    assert done.returncode == 0, done.stderr
    assert "Yang dihapus / What went" in done.stdout
    assert "lebih tua dari 90 hari" in done.stdout
    assert "Traceback" not in done.stderr
    assert harm(old.house, old.publication) == []


def test_the_command_says_why_it_does_not_run(old: Home) -> None:
    with lease(old.house.place):
        assert old.cakupan("retention").returncode == 6
    refused = old.cakupan("retention", "--as-of", "2999-01-01")
    assert (refused.returncode, "--dry-run" in refused.stderr) == (2, True)
    assert old.cakupan("retention", CAKUPAN_GRACE_HOURS="0").returncode == 2
    table = old.house.core("participants")
    table.checkpoint()
    table.place.remove([f"_delta_log/{version:020}.json" for version in range(2)])
    lost = old.cakupan("retention")
    assert (lost.returncode, "a kept build names version" in lost.stderr) == (1, True)
    assert "Traceback" not in lost.stderr


@pytest.mark.parametrize("rule", HASTY)
def test_an_over_eager_rule_is_caught(old: Home, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*HASTY[rule])
    retain(old)
    assert harm(old.house, old.publication) != []
