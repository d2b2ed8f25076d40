"""Backfills that are killed: until the commit the lake is as before; after it, what was told to be promoted is."""

import shutil
from pathlib import Path

import pytest

from flows.backfill import BackfillRequest, run_backfill
from tests.drills.stages import Stage, found, killed_at
from tests.support import AS_OF, Home, marts_of, participant, target, trusting_judges

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trusting")]

MONTHS = ("--from", "2026-09", "--to", "2026-10")


def a_mart_is_written_aside(home: Home) -> bool:
    return found(home.publication.root, "aside/builds/.*/marts/coverage.parquet")


def core_is_committed(home: Home) -> bool:
    return found(home.house.root, "core/participants/_delta_log/*2.json")


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home after a night, in which the export of another month has landed since."""
    home = Home(tmp_path_factory.mktemp("waiting"))
    home.put("participants/SLK/2026-10/a.csv", [participant(n) for n in range(8)])
    home.put("targets/t.csv", [target()])
    with trusting_judges():
        assert home.run().promoted
    home.put("participants/SLK/2026-09/a.csv", [participant(n, last_paid_period="2026-09") for n in range(5)])
    return home


@pytest.fixture
def home(waiting: Home, tmp_path: Path) -> Home:
    """Give a copy of that home."""
    return Home(shutil.copytree(waiting.root, tmp_path / "home", symlinks=True))


@pytest.fixture(scope="module")
def undisturbed(waiting: Home, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the marts of a backfill that nobody disturbed."""
    copy = Home(shutil.copytree(waiting.root, tmp_path_factory.mktemp("copy") / "home", symlinks=True))
    with trusting_judges():
        assert backfill(copy) in ("success", "warnings")
    return marts_of(copy.publication.root / "current")


def backfill(home: Home) -> str:
    return run_backfill(BackfillRequest(home.settings(), "2026-09", "2026-10", promote=True, as_of=AS_OF)).result


def kill_when(home: Home, reached: Stage) -> None:
    """Kill a backfill as soon as a stage is reached."""
    assert killed_at(home, reached, "backfill", *MONTHS, "--promote", "--as-of", AS_OF.isoformat())


@pytest.mark.exhaustive
def test_before_the_commit_the_lake_is_as_it_was_and_a_second_call_does_it(
    home: Home, undisturbed: dict[str, bytes]
) -> None:
    versions, promoted = home.house.core_versions(), home.publication.promoted_id()
    kill_when(home, a_mart_is_written_aside)
    assert (home.house.core_versions(), home.publication.promoted_id()) == (versions, promoted)
    assert backfill(home) in ("success", "warnings")
    assert marts_of(home.publication.root / "current") == undisturbed


def test_after_the_commit_it_is_refused_until_it_is_shown_again_and_the_next_night_publishes_it(
    home: Home, undisturbed: dict[str, bytes]
) -> None:
    promoted = home.publication.promoted_id()
    kill_when(home, core_is_committed)
    assert home.publication.promoted_id() == promoted
    assert backfill(home) == "outdated", "core is not what it was when the difference was shown"
    assert home.run().promoted
    assert marts_of(home.publication.root / "current") == undisturbed
