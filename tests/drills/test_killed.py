"""Nights that are killed at every stage: the next one mends what they left, and readers notice nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.stages import STAGES, Stage, killed_at
from tests.support import (
    SAMPLE,
    Home,
    marts_of,
    target,
    trusting_judges,
)

pytestmark = pytest.mark.slow
# At "the database is written" the drill of the readers kills a night as well.
CHOICE = ("one month of participants is committed", "the pointer moves")
KILLED = [pytest.param(stage, marks=() if stage in CHOICE else pytest.mark.exhaustive) for stage in STAGES]


def land_sample(home: Home) -> None:
    """Land the sample but for what is not needed: its first month, and what no mart of these nights is about."""
    for folder in ("participants", "recaps", "targets"):
        shutil.copytree(SAMPLE / folder, home.landing / folder, ignore=shutil.ignore_patterns("2026-08"))


def kill_when(home: Home, reached: Stage) -> bool:
    """Kill a night as soon as a stage is reached; tell whether it was still at work."""
    return killed_at(home, reached, "run", "--as-of", "2026-11-21", "--force")


@pytest.fixture(scope="module", autouse=True)
def _trusting() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let the nights in process, which follow the killed ones, be quick."""
    with trusting_judges():
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the marts of a night that nobody disturbed."""
    home = Home(tmp_path_factory.mktemp("undisturbed"))
    land_sample(home)
    report = home.run()
    assert report.build is not None
    return marts_of(home.publication.folder_of(report.build.build_id))


@pytest.mark.parametrize("stage", KILLED)
def test_the_night_after_a_killed_one_publishes_what_an_undisturbed_one_would(
    home: Home, undisturbed: dict[str, bytes], stage: str
) -> None:
    land_sample(home)
    was_at_work = kill_when(home, STAGES[stage])
    assert was_at_work or stage == "the pointer moves"
    report = home.run()
    assert report.exit_code in (0, 3)
    current = home.publication.root / "current"
    promoted = home.publication.promoted_id()
    assert promoted is not None
    assert marts_of(current) == undisturbed
    assert current.readlink() == Path("builds") / promoted
    assert home.publication.damage(promoted) == []
    assert [path.name for path in home.publication.builds_folder.iterdir() if path.name.startswith(".")] == []
    builds = len(home.publication.builds())
    assert builds <= 2
    assert home.run().result == "unchanged"
    assert len(home.publication.builds()) == builds
    rows = home.core("participants", "count(*), count(DISTINCT (period, membership_id))")
    assert rows[0][0] == rows[0][1] > 1000


@pytest.mark.parametrize(
    "stage",
    [pytest.param("one month of participants is committed", marks=pytest.mark.exhaustive), "the database is written"],
)
def test_readers_keep_the_last_build_while_a_night_dies(home: Home, stage: str) -> None:
    home.put("targets/t.csv", [target()])
    home.run()
    before = home.publication.promoted_id()
    marts = marts_of(home.publication.root / "current")
    land_sample(Home(home.root / "more"))
    shutil.copytree(home.root / "more" / "landing", home.landing, dirs_exist_ok=True)
    assert kill_when(home, STAGES[stage])
    assert home.publication.promoted_id() == before
    assert marts_of(home.publication.root / "current") == marts
    assert home.mart("target_attainment", "target = 120")
    assert home.run().promoted
    assert home.publication.promoted_id() != before
