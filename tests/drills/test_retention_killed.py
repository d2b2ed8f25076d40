"""A retention that is killed at any moment: nothing needed is lost, the next one goes on, the next night is as ever."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.retention import Retention
from sources.places import Folder
from tests.flows.retention_home import LATE, copied, harm, many_nights, pass_days, retain
from tests.support import ROOT, Home, marts_of, tree, trusting_judges
from warehouse.lake import Table
from warehouse.removal import Gone

pytestmark = pytest.mark.slow

# The real command line, which ends itself without a word before it removes its nth file.
DYING = """
import os, signal, sys
from sources.places import Folder
left, remove = int(sys.argv.pop(1)), Folder.remove
def dying(place, keys):
    global left
    for key in keys:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        remove(place, [key])
Folder.remove = dying
from flows.cli import main
main()
"""


class KilledError(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@dataclass
class Fate:
    """Ends a process at its nth change of a place.

    Attributes:
        left: changes that are still allowed; each file that is removed or written and each commit is one.
        done: changes that were made.
    """

    left: int
    done: int = 0

    def strike(self) -> None:
        """Count a change, or end here."""
        if self.done >= self.left:
            raise KilledError
        self.done += 1

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        """Let every change of a folder and every commit come by here."""
        remove, write, replace = Folder.remove, Folder.write, Table.replace

        def removing(place: Folder, keys: Iterable[str]) -> None:
            for key in keys:
                self.strike()
                remove(place, [key])

        def counted(change: Callable[..., Any]) -> Callable[..., Any]:
            def changing(*given: Any, **named: Any) -> Any:
                self.strike()
                return change(*given, **named)

            return changing

        patch.setattr(Folder, "remove", removing)
        patch.setattr(Folder, "write", counted(write))
        patch.setattr(Table, "replace", counted(replace))


@pytest.fixture(scope="module", autouse=True)
def _trusting() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let nights in process be quick."""
    with trusting_judges():
        yield


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Run many nights once."""
    home = Home(tmp_path_factory.mktemp("nights"))
    many_nights(home)
    return home


@pytest.fixture(scope="module")
def undisturbed(nights: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home in which a retention ran to its end."""
    home = copied(nights, tmp_path_factory.mktemp("undisturbed"))
    retain(home)
    return home


def what_stands(home: Home) -> dict[str, bytes]:
    """Give all files but leases and the quarantine, whose commits hold times and new names."""
    found = tree(home.root)
    return {key: found[key] for key in found if "lease.json" not in key and not key.startswith("lake/quarantine/")}


def killed_after(home: Home, changes: int) -> int:
    """Run a retention that ends after so many changes; gives how many it made."""
    fate = Fate(changes)
    with pytest.MonkeyPatch.context() as patch:
        fate.patch(patch)
        try:
            retain(home)
        except KilledError:
            return fate.done
    return fate.done


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.exhaustive)])
def test_at_every_moment_a_kill_loses_nothing_that_is_needed(
    nights: Home, undisturbed: Home, tmp_path: Path, step: int
) -> None:
    in_all = killed_after(copied(nights, tmp_path / "whole"), 10_000)
    assert in_all > 25
    for changes in range(0, in_all, step):
        home = copied(nights, tmp_path / str(changes))
        assert killed_after(home, changes) == changes
        assert harm(home.house, home.publication) == [], changes
        retain(home)
        assert what_stands(home) == what_stands(undisturbed), changes
        assert home.quarantine() == undisturbed.quarantine()


def test_the_night_after_a_killed_retention_is_as_ever(nights: Home, tmp_path: Path) -> None:
    home, calm = (copied(nights, tmp_path / name) for name in ("killed", "calm"))
    for one in (home, calm):
        pass_days(one, LATE)
    died = subprocess.run(
        [sys.executable, "-c", DYING, "17", "retention"], cwd=home.root, capture_output=True, check=False,
        env=home.environment(PYTHONPATH=str(ROOT), CAKUPAN_KEEP_BUILDS="1"), timeout=120,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL
    assert harm(home.house, home.publication) == []
    assert home.cakupan("retention", CAKUPAN_KEEP_BUILDS="1").returncode == 0
    for one in (home, calm):
        assert one.run(date(2026, 10, 31), forced=True).promoted
    assert marts_of(home.publication.root / "current") == marts_of(calm.publication.root / "current")
    assert harm(home.house, home.publication) == []


def nothing(_: Retention) -> list[Gone]:
    """Do no step."""
    return []


def test_the_drill_would_find_what_is_removed_too_early(nights: Home, tmp_path: Path) -> None:
    home = copied(nights, tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        # Data files go before the builds that name them.
        patch.setattr(Retention, "builds", nothing)
        retain(home)
    assert harm(home.house, home.publication) != []
