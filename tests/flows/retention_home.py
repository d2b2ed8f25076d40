"""A lake with many nights for tests of retention: time that passes, and what must hold after every removal."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from expectations.contracts import contracts_of
from flows.retention import Retention, run_retention
from flows.retention_report import RetentionReport
from sources.bps.history import Event, History
from tests.support import LIMITS, Home, participant, target
from warehouse.connections import connect
from warehouse.house import House
from warehouse.lake import LakeError
from warehouse.publish import Publication
from warehouse.query import ask

DAY = timedelta(days=1)
EXPORT = "participants/SLK/2026-10/export.csv"
BPS_ANSWER = b'{"status": "OK"}'
# So long after the last night that every age has passed but that of the last builds of months.
LATE = 500


def pass_days(home: Home, days: float) -> None:
    """Let days pass: all that was written, built and promoted is so much older."""
    for folder in (home.house.root, home.publication.root):
        for path in folder.rglob("*"):
            if path.is_file():
                then = path.stat().st_mtime - days * 86400
                os.utime(path, (then, then))
    for manifest in home.publication.root.glob("**/builds/*/manifest.json"):
        _shift(manifest, days, "created_at")
    if (pointer := home.publication.root / "latest.json").is_file():
        _shift(pointer, days, "promoted_at")


def _shift(path: Path, days: float, name: str) -> None:
    found = path.stat()
    path.chmod(0o644)
    said = json.loads(path.read_text(encoding="utf-8"))
    said[name] = _earlier(said[name], days)
    for entry in said.get("earlier", []):
        entry["until"] = _earlier(entry["until"], days)
    path.write_text(json.dumps(said, indent=1), encoding="utf-8")
    path.chmod(found.st_mode)
    os.utime(path, (found.st_atime, found.st_mtime))


def _earlier(text: str, days: float) -> str:
    return (datetime.fromisoformat(text) - days * DAY).isoformat(timespec="seconds")


def many_nights(home: Home) -> dict[str, str]:
    """Run nights as they are in life; gives the builds by what was special about them.

    A first export (`july`), a worse one with a bad line (`september`), a mended one (`october`), a night that a gate
    stopped (`failed`), and the newest (`newest`); `july` was promoted again for a day, a hundred days ago. A killed run
    left files, and a sync kept an answer of BPS.
    """
    made: dict[str, str] = {}

    def night(name: str, as_of: date, days: float, required: tuple[str, ...] = ()) -> None:
        report = home.run(as_of, forced=True, required=required)
        assert report.build is not None
        made[name] = report.build.build_id
        pass_days(home, days)

    home.put(EXPORT, [participant(1), participant(2)])
    home.put("targets/t.csv", [target()])
    night("july", date(2026, 7, 31), 100)
    home.put(EXPORT, [participant(1), participant(2), participant(3, birth_date="kapan?")])
    night("september", date(2026, 9, 30), 100)
    home.put(EXPORT, [participant(1), participant(2), participant(3)])
    night("october", date(2026, 10, 30), 100)
    home.publication.promote(made["july"])
    pass_days(home, 1)
    home.publication.promote(made["october"])
    pass_days(home, 99)
    night("failed", date(2026, 10, 31), 20, ("benefits",))
    home.put("targets/t.csv", [target(target="240")])
    night("newest", date(2026, 10, 31), 0)
    _leave_things(home)
    keep_answers(home.house)
    return made


def _leave_things(home: Home) -> None:
    """Leave what killed runs leave."""
    for file in (
        "lake/core/participants/office_code=SLK/period=2026-10/staged.parquet",
        "lake/raw/ab/.abc.4711",
        "lake/quarantine/_pending/0123/bad_rows.parquet",
        "lake/spill/duckdb_temp_block-1.block",
        "publish/builds/.20260101T000000Z-0/marts/coverage.parquet",
        "publish/.latest.json.4711",
    ):
        path = home.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)


def keep_answers(house: House) -> None:
    """Keep an answer of BPS that the history names, and one that it does not."""
    kept = house.snapshots.keep_bytes(BPS_ANSWER)
    house.snapshots.keep_bytes(b"nobody noted this answer")
    then = datetime(2026, 1, 1, tzinfo=UTC)
    History(house.place.below("bps")).add(Event("data", "0000", then, "1", ("a",), {}, (kept,)))


def copied(home: Home, root: Path) -> Home:
    """Give a copy of a home, with the ages of its files."""
    shutil.copytree(home.root, root, symlinks=True, dirs_exist_ok=True)
    return Home(root)


def retention(home: Home, days: float = LATE, *, dry: bool = False, **settings: int) -> Retention:
    """Describe a retention so many days from now."""
    changed = home.settings().model_copy(update={"keep_builds": 1, **settings})
    return Retention(changed, is_dry_run=dry, clock=lambda: datetime.now(UTC) + days * DAY)


def retain(home: Home, days: float = LATE, *, dry: bool = False, **settings: int) -> RetentionReport:
    """Run a retention so many days from now."""
    return run_retention(retention(home, days, dry=dry, **settings))


def harm(house: House, publication: Publication) -> list[str]:
    """Give what does not hold any more of the builds that are there, of core, of raw bytes and of questions."""
    found: list[str] = []
    builds = publication.builds()
    with connect(LIMITS) as con:
        for build in builds:
            found += [f"{build.build_id}: {damage.file}" for damage in publication.damage(build.build_id)]
            for name, version in build.core_versions.items():
                found += _harm_of_version(house, con, name, version)
        for name in contracts_of("dataset"):
            found += _harm_of_version(house, con, name, None)
    if publication.promoted_id() not in [build.build_id for build in builds]:
        found.append("the pointer names no build")
    elif not ask(house, publication, LIMITS, "SELECT 1 FROM marts.dim_segment").rows:
        found.append("no question is answered")
    return found + _lost(house, [hashlib.sha256(BPS_ANSWER).hexdigest()])


def _harm_of_version(house: House, con: duckdb.DuckDBPyConnection, name: str, version: int | None) -> list[str]:
    try:
        relation = house.core(name).relation(version)
        keys = con.execute(f"SELECT DISTINCT source_key FROM ({relation})").fetchall()
    except (OSError, LakeError, duckdb.Error) as lost:
        return [f"core/{name} {version}: {type(lost).__name__}"]
    return _lost(house, [key for (key,) in keys])


def _lost(house: House, source_keys: Iterable[str]) -> list[str]:
    place = house.snapshots.place
    return [f"raw {key}" for key in source_keys if place.stat(f"{key[:2]}/{key}") is None]
