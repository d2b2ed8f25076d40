"""Builds aside: a lake with staged exports laid over it, what was shown of it, and what is put back."""

from datetime import date
from pathlib import Path

import pytest

from sources.landing import list_landing
from sources.places import Folder
from tests.flows.test_report import manifest
from tests.support import AS_OF, LIMITS, PERSON_KEY, Home, participant
from warehouse.aside import Aside, Overlaid, Shown, differing, put_back, versions_of
from warehouse.connections import connect
from warehouse.file_loading import Sweep
from warehouse.house import House
from warehouse.load import LoadedFile
from warehouse.sweep import run_sweep


def shown(build_id: str, core: str = "now") -> Shown:
    return Shown(build_id=build_id, today=date(2026, 11, 21), grounds={"core": core}, reading={})


def build(aside: Aside, build_id: str) -> Path:
    folder = aside.publication.folder_of(build_id)
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest(build_id=build_id).model_dump_json(), encoding="utf-8")
    (folder / "manifest.json").chmod(0o444)
    return folder


def test_what_is_shown_of_a_choice_replaces_what_was_shown_before(tmp_path: Path) -> None:
    aside = Aside(Folder(tmp_path / "aside"))
    assert aside.shown("a") is None
    for build_id in ("b1", "b2"):
        aside.keep("a", shown(build_id))
    assert aside.shown("a") == shown("b2")
    assert aside.shown("b") is None
    folder = build(aside, "b2")
    aside.forget("a", "b2")
    assert (aside.shown("a"), folder.exists()) == (None, False)


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"build_id": ', encoding="utf-8")
    assert Aside(Folder(tmp_path)).shown("a") is None


def test_builds_that_no_record_names_or_of_another_core_are_removed_and_records_stay(tmp_path: Path) -> None:
    aside = Aside(Folder(tmp_path / "aside"))
    for build_id in ("current", "older", "orphan", ".partial"):
        build(aside, build_id)
    aside.keep("a", shown("current"))
    aside.keep("b", shown("older", core="before"))
    aside.tidy({"core": "now"})
    assert [path.name for path in aside.publication.builds_folder.iterdir()] == ["current"]
    assert aside.shown("b") == shown("older", core="before")


def test_marts_of_other_bytes_are_named_and_nothing_else() -> None:
    marts = {"marts/a.parquet": "1", "marts/b.parquet": "2"}
    made = manifest(sha256=marts | {"marts/b.parquet": "3", "marts/c.parquet": "4", "checks.json": "y"})
    assert differing(manifest(sha256=marts | {"checks.json": "x"}), made) == ["marts/b.parquet", "marts/c.parquet"]
    assert differing(made, made) == []


def stage(home: Home, again: frozenset[str]) -> tuple[Overlaid, list[LoadedFile]]:
    """Read what landed into a throw-away lake, and lay that over the lake."""
    files = list_landing(Folder(home.landing), ["participants"])
    staged = House(Folder(home.root / "staged"))
    with connect(LIMITS) as con:
        loaded = run_sweep(Sweep(home.house, staged, con, AS_OF, PERSON_KEY, home.root / "work", again=again), files)
    return Overlaid(home.house.place, staged=staged), loaded


@pytest.mark.slow
def test_staged_exports_stand_in_place_of_those_of_their_month_and_the_lake_stays(home: Home) -> None:
    for month in ("2026-09", "2026-10"):
        home.put(f"participants/SLK/{month}/a.csv", [participant(1, last_paid_period=month)])
    source = home.sweep()["participants/SLK/2026-10/a.csv"].source_key
    before = home.core("participants"), versions_of(home.house)
    _, loaded = stage(home, frozenset())
    assert {result.verdict for result in loaded} == {"unchanged"}

    overlaid, loaded = stage(home, frozenset({source}))
    assert [result.verdict for result in loaded] == ["unchanged", "loaded"]
    files = overlaid.core_files(home.house.core_versions())["participants"]
    roots = {Path(file).parent.name: Path(file).relative_to(home.root).parts[0] for file in files}
    assert roots == {"period=2026-09": "lake", "period=2026-10": "staged"}
    with connect(LIMITS) as con:
        newest = con.execute(f"SELECT source_key, count(*) FROM ({overlaid.readings()}) GROUP BY ALL").fetchall()
    assert dict(newest)[source] == 2
    assert (home.core("participants"), versions_of(home.house)) == before


@pytest.mark.slow
def test_what_a_sweep_changed_is_put_back(home: Home) -> None:
    home.put("participants/SLK/2026-10/a.csv", [participant(1)])
    home.sweep()
    before, versions, quarantined = home.core("participants"), versions_of(home.house), home.quarantine()
    assert versions["quarantine"] is None
    home.put("participants/SLK/2026-10/b.csv", [participant(2), participant(3, nik="1")])
    home.sweep()
    assert home.core("participants") != before
    put_back(home.house, versions)
    assert (home.core("participants"), home.quarantine()) == (before, quarantined)
    assert home.sweep()["participants/SLK/2026-10/b.csv"].verdict == "partly_quarantined", "it is news again"
