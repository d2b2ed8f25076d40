"""Nights over partial aggregates publish byte for byte what a rebuild from nothing does, and judge what is new."""

import json
import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import duckdb
import pytest

from expectations.judge import Verdict
from expectations.tables import Job
from tests.support import AS_OF, Home, TrustingJudge, marts_of, participant
from warehouse.connections import write_parquet

pytestmark = pytest.mark.slow


def export(home: Home, office: str, period: str, numbers: range, **changes: Any) -> None:
    """Land an export; every tenth person of it holds a membership elsewhere too."""
    rows = [
        participant(
            number, nik=participant(number % 100 if number % 10 == 0 else number)["nik"], last_paid_period=period,
            registered_date=f"{period}-03" if number % 3 == 0 else "2024-05-06", **changes,
        )
        for number in numbers
    ]  # fmt: skip
    home.put(f"participants/{office}/{period}/export.csv", rows)


def bytes_of(home: Home) -> Mapping[str, bytes]:
    """Give the bytes of the promoted marts."""
    return marts_of(home.publication.root / "current")


def from_nothing(home: Home, name: str, as_of: date) -> Mapping[str, bytes]:
    """Build a copy of the lake without its partial aggregates; gives the marts."""
    other = Home(home.root.parent / name)
    shutil.copytree(home.root, other.root, symlinks=True)
    shutil.rmtree(other.house.root / "partials")
    assert other.run(as_of, forced=True).promoted
    return bytes_of(other)


@pytest.mark.usefixtures("trusting")
def test_every_night_publishes_what_a_rebuild_from_nothing_does(home: Home) -> None:
    for office, first in (("SLK", 1), ("DHS", 101), ("DPS", 201)):
        export(home, office, "2026-08", range(first, first + 30))
        export(home, office, "2026-09", range(first, first + 33))
    home.run()
    export(home, "SLK", "2026-10", range(1, 36))
    home.run()
    assert bytes_of(home) == from_nothing(home, "a new month, two offices late", AS_OF)
    export(home, "DHS", "2026-10", range(99, 140))
    export(home, "SLK", "2026-09", range(1, 30), segment="PU")
    home.run()
    assert bytes_of(home) == from_nothing(home, "a late office, a corrected export", AS_OF)
    home.put("offices/o.csv", [{"office_code": "DPS", "name": "Denpasar", "valid_to": "2026-10-15"}])
    home.run(date(2026, 12, 20))
    assert bytes_of(home) == from_nothing(home, "an office is closed", date(2026, 12, 20))


class Listening(TrustingJudge):
    """A judge that keeps which data files of participants it was shown."""

    shown: ClassVar[list[list[str]]] = []

    def verdict(self, job: Job, timeout: float = 0) -> Verdict:
        """Answer every check with pass."""
        self.shown.append([Path(file).parts[-3] for file in job["views"]["core.participants"]])
        return super().verdict(job, timeout)


@pytest.fixture(scope="module")
def after_a_night(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Give a home after a night: the exports of two offices, and a judge that listens."""
    home = Home(tmp_path_factory.mktemp("judged"))
    export(home, "SLK", "2026-10", range(1, 101))
    export(home, "DHS", "2026-10", range(101, 201))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.steps.Judge", Listening)
        assert home.run().promoted
    return home


@pytest.fixture
def judged(after_a_night: Home, tmp_path: Path) -> Home:
    """Give a copy of that home."""
    return after_a_night.copied_to(tmp_path / "home")


def test_a_data_file_is_judged_once(judged: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.steps.Judge", Listening)
    export(judged, "DHS", "2026-10", range(101, 202))
    judged.run()
    judged.run(forced=True)
    (judged.house.root / "partials" / "judged.json").unlink()
    judged.run(forced=True)
    both = ["office_code=DHS", "office_code=SLK"]
    assert Listening.shown == [both, ["office_code=DHS"], [], both]


def spoil(home: Home, changed: str) -> None:
    """Put a data file in place of the standing one of DHS, past all rules."""
    table = home.house.core("participants")
    (key,) = [key for key in table.data_keys() if "DHS" in key]
    with duckdb.connect() as con:
        rows = f"SELECT * REPLACE ({changed}) FROM read_parquet('{table.root / key}', hive_partitioning = true)"
        table.replace_partitions(
            [table.write_file(con, rows, {"office_code": "DHS", "period": "2026-10"}, Path(key).name[:64])]
        )


def test_a_new_data_file_that_breaks_its_promises_stops_the_night_until_it_is_mended(judged: Home) -> None:
    spoil(judged, "'XX' AS segment, 'm'::BLOB AS membership_id, 'x' AS region_code")
    for _ in range(2):
        bad = judged.run()
        assert (bad.result, bad.promoted) == ("failure", False)
        assert bad.build is not None
        told = " ".join(bad.build.reasons)
        for code in ("values.segment", "key", "shape.region_code"):
            assert f"core.participants {code}:" in told


def test_rows_that_were_judged_before_count_in_the_band(judged: Home) -> None:
    export(judged, "DHS", "2026-10", range(101, 102))
    assert judged.run().promoted, "101 of 200 rows are left"
    table = judged.house.core("participants")
    table.replace([], [("office_code", "=", "SLK")])
    bad = judged.run()
    assert bad.build is not None
    assert any("core.participants row_count" in reason for reason in bad.build.reasons)


class Dying:
    """Writes Parquet files, and dies in the middle of one."""

    def __init__(self, dies_at: int) -> None:
        """Die at this file, counted from 1."""
        self.left = dies_at

    def __call__(self, con: duckdb.DuckDBPyConnection, select: str, path: Path) -> int:
        """Write one, whole or half."""
        rows = write_parquet(con, select, path)
        self.left -= 1
        if not self.left:
            path.write_bytes(path.read_bytes()[:50])
            raise KeyboardInterrupt
        return rows


def test_a_night_that_dies_while_partial_aggregates_are_written_leaves_nothing_half(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)
    export(home, "SLK", "2026-10", range(1, 40))
    export(home, "SLK", "2026-09", range(1, 30))
    home.sweep()
    for dies_at in range(1, 9):
        with monkeypatch.context() as patch:
            patch.setattr("warehouse.partials.store.write_parquet", Dying(dies_at))
            with pytest.raises(KeyboardInterrupt):
                home.run()
        assert not (home.house.root / "partials" / "index.json").exists()
    assert home.run().promoted
    assert bytes_of(home) == from_nothing(home, "undisturbed", AS_OF)
    named = json.loads((home.house.root / "partials" / "index.json").read_text(encoding="utf-8"))
    assert {scope.split("/")[0] for scope in named} == {"cells", "persons", "moves", "starters", "retained", "arrivals"}


@pytest.mark.usefixtures("trusting")
def test_the_persons_that_a_rule_placed_are_told(home: Home) -> None:
    export(home, "SLK", "2026-10", range(1, 10))
    home.put("participants/DHS/2026-10/export.csv", [participant(91, nik=participant(n)["nik"]) for n in (3,)])
    report = home.run()
    assert report.build is not None
    (told,) = [c for c in home.publication.checks(report.build.build_id) if c["code"] == "persons_placed"]
    assert (told["outcome"], told["observed"]) == ("pass", 1)
