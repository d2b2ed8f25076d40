"""The history of a Delta table: which versions and files are kept of it, and which files of its place may go."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from expectations.schemas import quoted
from sources.places import Entry
from warehouse.lake import LakeError, Table
from warehouse.retention import Change, Logged, kept_versions, needed_files

_LOG = "_delta_log/"
_NUMBERED = re.compile(_LOG + r"(\d{20})\.(json|crc|checkpoint(?:\.\d+\.\d+)?\.parquet)")
# What a commit leaves of a file that it was writing when it was killed.
_PARTIAL = re.compile(_LOG + r".+(\.tmp|#\d+)")
# delta-rs writes one by itself with every hundredth commit.
_COMMITS_A_CHECKPOINT = 100
_MANY_FILES = 32


@dataclass(frozen=True)
class Kept:
    """What is kept of a table.

    Attributes:
        versions: each of them opens.
        files: the data files of all of them, by their paths below the table's place.
        base: the version from which on the log is kept.
    """

    versions: set[int]
    files: set[str]
    base: int


@dataclass(frozen=True)
class Log:
    """The commits of a table that follow each other up to the newest, and its checkpoints, oldest first."""

    commits: list[Logged]
    checkpoints: list[Logged]

    @property
    def newest(self) -> int:
        """The newest version."""
        return self.commits[-1].version

    @property
    def first(self) -> int:
        """The oldest version that opens."""
        oldest = self.commits[0].version
        if oldest == 0:
            return 0
        return min((c.version for c in self.checkpoints if c.version >= oldest - 1), default=self.newest)

    def base(self, oldest_kept: int, before: datetime) -> int:
        """Give the version from which on the log is needed.

        A reader may have begun with an older checkpoint, so only one that was there before a time takes its place.
        """
        found = [c.version for c in self.checkpoints if c.version <= oldest_kept and c.at < before]
        return max(found, default=self.first)


def read_log(table: Table) -> Log | None:
    """Give the log of a table; null for one that was never written."""
    found: dict[str, list[Logged]] = {"json": [], "checkpoint": [], "crc": []}
    for entry in table.place.entries(_LOG):
        if named := _NUMBERED.fullmatch(entry.key):
            found[named[2].partition(".")[0]].append(Logged(int(named[1]), entry.modified))
    commits = found["json"]
    # A removal of old entries that was broken off leaves some that follow nothing.
    gaps = [place for place in range(1, len(commits)) if commits[place].version != commits[place - 1].version + 1]
    return Log(commits[gaps[-1] if gaps else 0 :], found["checkpoint"]) if commits else None


def what_is_kept(table: Table, named: Collection[int], since: datetime, before: datetime) -> Kept | None:
    """Tell what is kept of a table.

    Args:
        table: the table.
        named: versions that kept builds name.
        since: a version that was the newest at this time or later stays as well.
        before: what is not older than this stays in any case.

    Returns:
        Versions and files; null for a table that was never written.

    Raises:
        LakeError: a named version is gone, or the log says other than the table: nothing may be removed.
    """
    log = read_log(table)
    if log is None:
        return None
    lost = sorted(version for version in named if not log.first <= version <= log.newest)
    if lost:
        raise LakeError(
            f"a kept build names version {lost[0]} of {table.place.uri}, which has {log.first} to {log.newest}: "
            "nothing of this table is removed until that build is moved away, or the lake is restored"
        )
    versions = {version for version in kept_versions(log.commits, named, since) if version >= log.first}
    base = log.base(min(versions), before)
    needed = needed_files(base, table.data_keys(base), _changes(table, base, log.newest), versions)
    if needed.standing != set(table.data_keys(log.newest)):
        raise LakeError(f"the log of {table.place.uri} cannot be followed; nothing of this table is removed")
    return Kept(versions, needed.files, base)


def _changes(table: Table, base: int, newest: int) -> Iterator[Change]:
    keys = [f"{_LOG}{version:020}.json" for version in range(base + 1, newest + 1)]
    table.place.pull(keys)
    for version, key in enumerate(keys, start=base + 1):
        actions = [json.loads(line) for line in (table.root / key).read_bytes().splitlines()]
        yield Change(version, _paths(actions, "add"), _paths(actions, "remove"))


def _paths(actions: Sequence[dict[str, Any]], kind: str) -> list[str]:
    return [action[kind]["path"] for action in actions if kind in action]


def files_that_go(table: Table, kept: Kept, before: datetime) -> Iterator[Entry]:
    """Give the data files that no kept version has: of replaced versions, and of runs that were killed.

    What was written since a time is left out: a run writes files before it commits them.
    """
    for entry in table.place.entries():
        is_data = entry.key.endswith(".parquet") and not entry.key.startswith("_")
        if is_data and entry.key not in kept.files and entry.modified < before:
            yield entry


def log_that_goes(table: Table, kept: Kept, before: datetime) -> Iterator[Entry]:
    """Give the entries of the log that no kept version needs, oldest first."""
    for entry in table.place.entries(_LOG):
        named = _NUMBERED.fullmatch(entry.key)
        is_old = int(named[1]) < kept.base if named else bool(_PARTIAL.fullmatch(entry.key))
        if is_old and entry.modified < before:
            yield entry


def shorten(table: Table) -> None:
    """See to it that the newest version opens quickly: write a checkpoint where the last one lies far behind."""
    log = read_log(table)
    if log is not None and log.newest - max((c.version for c in log.checkpoints), default=0) > _COMMITS_A_CHECKPOINT:
        table.checkpoint()


def small_files(table: Table) -> list[str]:
    """Give the data files of a table that has so many that they had better be one; else none."""
    keys = table.data_keys()
    return keys if len(keys) > _MANY_FILES else []


def compact(table: Table, con: duckdb.DuckDBPyConnection, order: Sequence[str]) -> None:
    """Put one file in place of all of a table without partitions; older versions keep theirs."""
    rows = f"SELECT * FROM ({table.relation()}) ORDER BY {', '.join(order)}"
    table.replace([table.write_file(con, rows, {}, "part")])


def referred_by(table: Table, kept: Kept, con: duckdb.DuckDBPyConnection, wanted: Collection[str]) -> set[str]:
    """Tell which source files kept versions of a core table refer to.

    Args:
        table: the core table.
        kept: what is kept of it.
        con: any connection.
        wanted: the sha256 that are asked about; no more files are looked into than are needed to find them.

    Returns:
        Those of them that a row refers to.
    """
    if table.partition_by:
        return {key.rpartition("/")[2][:64] for key in kept.files}.intersection(wanted)
    found: set[str] = set()
    newest = table.data_keys()
    for key in [*newest, *sorted(kept.files.difference(newest))]:
        if found.issuperset(wanted):
            break
        table.place.pull([key])
        rows = con.execute(f"SELECT DISTINCT source_key FROM read_parquet({quoted(str(table.root / key))})").fetchall()
        found |= {row[0] for row in rows}.intersection(wanted)
    return found
