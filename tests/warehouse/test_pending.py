"""A sweep that died does not read its files again: what it had read is taken up, as long as nothing else changed."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.support import AS_OF, LIMITS, PERSON_KEY, Home, participant, target, tree
from warehouse.connections import connect
from warehouse.file_loading import Sweep
from warehouse.load import LoadedFile
from warehouse.pending import FOLDER
from warehouse.stepping import nothing
from warehouse.sweep import run_sweep

# They load whole landing zones, some of them twice.
pytestmark = pytest.mark.slow

T = TypeVar("T")
DAMAGED = "9913010302"


class DiedError(Exception):
    """The sweep ends here."""


class Watch:
    """A step that notes what was done and what was found, and dies when it is told to."""

    def __init__(self, dies_before: str = "") -> None:
        self.done: list[str] = []
        self.found: list[str] = []
        self._dies_before = dies_before

    def __call__(self, name: str, work: Callable[[], T], found: Callable[[], T | None] = nothing, /) -> T:
        """Do the work unless its result is found."""
        if self._dies_before and name.startswith(self._dies_before):
            raise DiedError(name)
        before = found()
        (self.done if before is None else self.found).append(name)
        return work() if before is None else before


def land(home: Home) -> None:
    """Land two offices and a target, each with a good and a bad line."""
    for number, office in enumerate(("DPS", "SLK")):
        people = [participant(10 * number + 1), participant(10 * number + 2, nik=DAMAGED)]
        home.put(f"participants/{office}/2026-10/export.csv", people)
    home.put("targets/t.csv", [target(), target(year="dua ribu")])


def sweep(home: Home, watch: Watch, key: str = PERSON_KEY) -> list[LoadedFile]:
    """Run a sweep whose steps are watched."""
    from expectations.contracts import contracts_of
    from sources.landing import list_landing
    from sources.places import Folder

    files = list_landing(Folder(home.landing), list(contracts_of("dataset")))
    with connect(LIMITS) as con:
        given = Sweep(home.house, home.house, con, AS_OF, key, home.root / "work", step=watch)
        return run_sweep(given, files)


def died(home: Home, before: str) -> Watch:
    """Run a sweep that dies before a step."""
    watch = Watch(before)
    with pytest.raises(DiedError):
        sweep(home, watch)
    return watch


@pytest.fixture
def undisturbed(tmp_path: Path) -> Home:
    """Give a home whose sweep nothing disturbed."""
    home = Home(tmp_path / "undisturbed")
    land(home)
    sweep(home, Watch())
    return home


@pytest.mark.parametrize("stage", ["load participants SLK", "commit participants", "load targets", "commit targets"])
def test_what_was_read_is_taken_up_and_gives_the_same(home: Home, undisturbed: Home, stage: str) -> None:
    land(home)
    before = died(home, stage)
    watch = Watch()
    results = sweep(home, watch)
    assert not set(before.done) & set(watch.done)
    if stage.startswith("commit"):
        assert any(name.startswith(stage.replace("commit", "load")) for name in watch.found)
    assert all(result.lines.add_up() for result in results)
    for table in ("participants", "targets"):
        assert home.core(table) == undisturbed.core(table)
    assert home.rules() == undisturbed.rules() != {}
    assert tree(home.house.root / FOLDER) == {}


def test_nothing_is_taken_up_that_was_read_otherwise(home: Home) -> None:
    land(home)
    died(home, "commit participants")
    watch = Watch()
    sweep(home, watch, key="another key for persons, no secret")
    assert watch.found == []


def test_a_changed_file_is_read_anew(home: Home) -> None:
    land(home)
    died(home, "commit participants")
    home.put("participants/SLK/2026-10/export.csv", [participant(7)])
    watch = Watch()
    sweep(home, watch)
    assert [name for name in watch.found if "participants" in name] == ["load participants DPS 2026-10 export.csv"]
    assert len(home.core("participants")) == 2


@pytest.mark.parametrize("lost", ["core/participants/**/*.parquet", f"{FOLDER}/*/bad_rows.parquet"])
def test_what_is_not_whole_is_read_anew(home: Home, undisturbed: Home, lost: str) -> None:
    land(home)
    died(home, "commit participants")
    for path in home.house.root.glob(lost):
        path.unlink()
    sweep(home, Watch())
    assert home.core("participants") == undisturbed.core("participants")
    assert home.rules() == undisturbed.rules()


def test_a_result_that_was_cut_is_read_anew(home: Home) -> None:
    land(home)
    died(home, "commit participants")
    for path in home.house.root.glob(f"{FOLDER}/*/result.json"):
        path.write_bytes(path.read_bytes()[:-9])
    watch = Watch()
    sweep(home, watch)
    assert [name for name in watch.found if "participants" in name] == []


def test_a_file_that_was_committed_and_not_recorded_is_read_anew(
    home: Home, undisturbed: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(home)

    def die(*_: object) -> None:
        raise DiedError

    with monkeypatch.context() as patch:
        patch.setattr("warehouse.sweep.record_loads", die)
        with pytest.raises(DiedError):
            sweep(home, Watch())
    watch = Watch()
    sweep(home, watch)
    assert [name for name in watch.found if "participants" in name] == []
    assert home.core("participants") == undisturbed.core("participants")


def test_what_waits_is_readable_by_its_owner_only(home: Home) -> None:
    land(home)
    died(home, "commit participants")
    modes = {path.stat().st_mode & 0o777 for path in home.house.root.glob(f"{FOLDER}/*/*")}
    assert modes == {0o600}
