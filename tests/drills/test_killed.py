"""Nights that are killed at every stage: the next one mends what they left, and readers notice nothing."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import (
    ROOT,
    SAMPLE,
    Home,
    TrustingJudge,
    command,
    killed_at_the_end,
    marts_of,
    target,
)

pytestmark = pytest.mark.slow

Stage = Callable[[Home], bool]


def found(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def finished_build(home: Home) -> bool:
    return any(not path.parent.name.startswith(".") for path in home.publication.builds_folder.glob("*/manifest.json"))


STAGES: dict[str, Stage] = {
    "raw bytes are kept": lambda home: found(home.house.root, "raw/*/*"),
    "arrivals are recorded": lambda home: found(home.house.root, "arrivals/_delta_log/*1.json"),
    "the first core table is committed": lambda home: found(home.house.root, "core/*/_delta_log/*1.json"),
    "one month of participants is committed": lambda home: found(
        home.house.root, "core/participants/_delta_log/*1.json"
    ),
    "quarantine is committed": lambda home: found(home.house.root, "quarantine/_delta_log/*1.json"),
    "a mart is written": lambda home: found(home.publication.builds_folder, ".*/marts/coverage.parquet"),
    "the database is written": lambda home: found(home.publication.builds_folder, ".*/marts.duckdb"),
    "the build is finished": finished_build,
    "the pointer moves": lambda home: found(home.publication.root, "*latest.json*"),
}


def land_sample(home: Home) -> None:
    shutil.copytree(SAMPLE, home.landing, ignore=shutil.ignore_patterns("*.py", "*.md", "*.yml", "__pycache__"))


def kill_when(home: Home, reached: Stage) -> bool:
    """Run the real command line and kill it as soon as a stage is reached; tell whether it was still at work."""
    process = subprocess.Popen(
        command("run", "--as-of", "2026-11-21", "--force"), cwd=ROOT, env=home.environment(), text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with killed_at_the_end(process):
        while process.poll() is None and not reached(home):
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module", autouse=True)
def _trusting() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let the nights in process, which follow the killed ones, be quick."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.steps.Judge", TrustingJudge)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the marts of a night that nobody disturbed."""
    home = Home(tmp_path_factory.mktemp("undisturbed"))
    land_sample(home)
    report = home.run()
    assert report.build is not None
    return marts_of(home.publication.folder_of(report.build.build_id))


@pytest.mark.parametrize("stage", STAGES)
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


@pytest.mark.parametrize("stage", ["one month of participants is committed", "the database is written"])
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
