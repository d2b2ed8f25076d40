"""A worker's part of a night, in this process: all that goes there and back goes as bytes, and names nobody."""

import pickle
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from expectations.contracts import contracts_of
from flows.cli import main
from flows.cluster import read_on_worker
from flows.settings import Settings
from sources.buckets import Bucket
from sources.landing import LandedFile, list_landing
from sources.places import Folder, Place
from tests.s3 import variables_of
from tests.support import AS_OF, LIMITS, PERSON_KEY, SAMPLE, Home, participant
from warehouse.away import AwayError, FileJob, brought_home, orders_of
from warehouse.connections import connect
from warehouse.crew import ReadFile
from warehouse.file_loading import Sweep, keep
from warehouse.house import House
from warehouse.load import LoadedFile, Loader
from warehouse.pending import Pending
from warehouse.person_key import PersonKeyError
from warehouse.sweep import run_sweep
from warehouse.waiting import waiting_lines

EXPORT = "participants/SLK/2026-10/export.csv"


class Messenger:
    """A crew that reads each file as a worker does, which has no landing zone."""

    def __init__(self) -> None:
        """Remember every message, and change nothing of a job."""
        self.answers: list[bytes] = []
        self.changes: dict[str, Any] = {}

    def __call__(
        self, sweep: Sweep, loader: Loader, files: Sequence[LandedFile], circumstances: str, /
    ) -> Iterator[ReadFile]:
        """Read the files one after the other."""
        pending = Pending(sweep.house, sweep.con, loader.core, circumstances)
        orders = replace(orders_of(sweep, loader, circumstances), **self.changes)
        for landed in files:
            keep(sweep, landed)
            job = pickle.dumps(FileJob(orders, replace(landed, path=Path("/not/there"))))
            self.answers.append(pickle.dumps(read_on_worker(pickle.loads(job))))  # noqa: S301 - our own bytes
            yield brought_home(pending, landed, pickle.loads(self.answers[-1]))  # noqa: S301


@pytest.fixture
def messenger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Messenger:
    """Give a messenger to a worker with settings of its own."""
    monkeypatch.setenv("CAKUPAN_PERSON_KEY", PERSON_KEY)
    monkeypatch.setenv("CAKUPAN_MEMORY_LIMIT", "1GB")
    monkeypatch.setenv("CAKUPAN_CACHE", str(tmp_path / "worker"))
    return Messenger()


def swept(home: Home, place: Place, crew: Messenger | None = None) -> list[LoadedFile]:
    """Load what landed into a lake."""
    files = list_landing(Folder(home.landing), list(contracts_of("dataset")))
    house = House(place)
    with connect(LIMITS) as con:
        return run_sweep(Sweep(house, house, con, AS_OF, PERSON_KEY, home.root / "work", crew=crew), files)


def held(place: Place) -> dict[str, list[Any]]:
    """Give all rows of core and what waits in quarantine."""
    house = House(place)
    with connect(LIMITS) as con:
        rows = {
            name: con.execute(f"SELECT * FROM ({house.core(name).relation()}) ORDER BY ALL").fetchall()
            for name in contracts_of("dataset")
        }
        return rows | {"quarantine": list(waiting_lines(con, house))}


@pytest.fixture(scope="module")
def by_itself(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, list[LoadedFile]]:
    """Read the sample in this process, once; of the exports, which are all of two kinds, those of one month."""
    home = Home(tmp_path_factory.mktemp("sample"))
    for path in (path for path in sorted(SAMPLE.rglob("*")) if path.is_file() and path.parent != SAMPLE):
        if path.parent.name not in ("2026-08", "2026-09"):
            home.put(path.relative_to(SAMPLE).as_posix(), path.read_bytes())
    return home, swept(home, Folder(home.root / "here"))


def test_a_worker_without_landing_zone_reads_what_this_process_reads(
    by_itself: tuple[Home, list[LoadedFile]],
    place: Place,
    messenger: Messenger,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if isinstance(place, Bucket):
        for name, value in variables_of(place).items():
            monkeypatch.setenv(name, value)
    home, known = by_itself
    away = swept(home, place, messenger)
    here = Folder(home.root / "here")
    assert away == [replace(mine, partitions=theirs.partitions) for mine, theirs in zip(known, away, strict=True)]
    assert len(messenger.answers) > 5
    assert held(place) == held(here)
    assert held(here)["participants"] != []
    assert list((tmp_path / "worker").rglob("*.parquet")) == []


def test_what_travels_names_nobody(home: Home, messenger: Messenger) -> None:
    home.put(EXPORT, [participant(1), participant(2, nik="9913010302"), participant(2, segment="?")])
    loaded = swept(home, Folder(home.root / "lake"), messenger)
    assert loaded[0].lines.quarantined == 2
    assert re.search(b"99130[0-9]{5,}|0000000000[0-9]|Rekaan|1990-02-03", (home.landing / EXPORT).read_bytes())
    assert not re.search(b"99130[0-9]{5,}|0000000000[0-9]|Rekaan|1990-02-03", b"".join(messenger.answers))


def test_a_worker_with_another_key_reads_nothing(
    home: Home, messenger: Messenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(EXPORT, [participant(1)])
    monkeypatch.setenv("CAKUPAN_PERSON_KEY", "a key that is another one")
    with pytest.raises(PersonKeyError, match="this worker has person key"):
        swept(home, Folder(home.root / "lake"), messenger)


def test_a_worker_without_key_makes_none(
    home: Home, messenger: Messenger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home.put(EXPORT, [participant(1)])
    monkeypatch.delenv("CAKUPAN_PERSON_KEY")
    monkeypatch.setenv("CAKUPAN_SECRETS", str(tmp_path / "secrets"))
    with pytest.raises(PersonKeyError, match="this worker has no person key"):
        swept(home, Folder(home.root / "lake"), messenger)
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shipped": "of another version"}, "the same version of Cakupan"),
        ({"lake": "/not/there"}, "does not see the lake"),
    ],
)
def test_a_worker_that_is_set_up_otherwise_says_so(
    home: Home, messenger: Messenger, change: dict[str, str], said: str
) -> None:
    home.put(EXPORT, [participant(1)])
    messenger.changes = change
    with pytest.raises(AwayError, match=said):
        swept(home, Folder(home.root / "lake"), messenger)


@pytest.mark.parametrize("address", [None, "host:8786", "http://host:8786"])
def test_a_cluster_needs_the_address_of_its_scheduler(address: str | None) -> None:
    with pytest.raises(ValueError, match="CAKUPAN_RUNNER=dask needs CAKUPAN_DASK_ADDRESS"):
        Settings(runner="dask", dask_address=address)


@pytest.mark.parametrize("words", [["run"], ["land"]])
def test_a_plain_run_reads_on_no_cluster(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CAKUPAN_RUNNER", "dask")
    monkeypatch.setenv("CAKUPAN_DASK_ADDRESS", "tcp://127.0.0.1:8786")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "use cakupan run --prefect or a deployment" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
