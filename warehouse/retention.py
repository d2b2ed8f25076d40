"""What is kept: decisions over lists of builds, versions and files; no place is looked at or changed here."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal

from sources.places import Entry

Stays = Literal["promoted", "grace", "young", "newest", "month"]


@dataclass(frozen=True)
class Rules:
    """How long what is kept.

    Attributes:
        builds: builds that passed.
        newest_builds: so many of the newest builds that passed stay whatever their age.
        monthly_builds: the last build of each business month.
        failed_builds: builds that failed, and builds aside.
        versions: versions of core tables, since they ceased to be the newest.
        raw: raw bytes that nothing kept refers to, since they arrived.
        quarantine: quarantined lines of a file, since the file was mended or replaced.
        grace: what a reader may still hold, since it was replaced.
    """

    builds: timedelta
    newest_builds: int
    monthly_builds: timedelta
    failed_builds: timedelta
    versions: timedelta
    raw: timedelta
    quarantine: timedelta
    grace: timedelta


@dataclass(frozen=True)
class Build:
    """What decides about a build: when it was made and for which date, whether it passed, what it names of core."""

    build_id: str
    created_at: datetime
    as_of: date
    has_passed: bool
    core_versions: Mapping[str, int]


def builds_that_stay(
    builds: Iterable[Build], shown: Mapping[str, datetime | None], rules: Rules, moment: datetime
) -> dict[str, Stays]:
    """Tell which builds stay, and the first reason why.

    Args:
        builds: all finished builds.
        shown: until when builds were promoted, of those that lately were; null for one that a pointer names now.
        rules: how long what is kept.
        moment: the time from which ages are counted.

    Returns:
        The reason by build id; a build that is not in it may go.
    """
    ordered = sorted(builds, key=lambda build: build.build_id)
    passed = [build.build_id for build in ordered if build.has_passed]
    newest = {*passed[-rules.newest_builds :], *(build.build_id for build in ordered[-1:])}
    months = _last_of_months(ordered)
    stays: dict[str, Stays] = {}
    for build in ordered:
        age = moment - build.created_at
        until = shown.get(build.build_id, build.created_at)
        if until is None:
            stays[build.build_id] = "promoted"
        elif moment - until <= rules.grace or age <= rules.grace:
            stays[build.build_id] = "grace"
        elif age <= (rules.builds if build.has_passed else rules.failed_builds):
            stays[build.build_id] = "young"
        elif build.build_id in newest:
            stays[build.build_id] = "newest"
        elif build.build_id in months and age <= rules.monthly_builds:
            stays[build.build_id] = "month"
    return stays


def _last_of_months(ordered: Sequence[Build]) -> set[str]:
    """Give the build of each business month that was made for its latest date, the one made last if several were."""
    last: dict[tuple[int, int], Build] = {}
    for build in ordered:
        month = (build.as_of.year, build.as_of.month)
        if build.has_passed and (month not in last or build.as_of >= last[month].as_of):
            last[month] = build
    return {build.build_id for build in last.values()}


@dataclass(frozen=True)
class Logged:
    """A version in the log of a table, and when its file was written there."""

    version: int
    at: datetime


def kept_versions(commits: Sequence[Logged], named: Iterable[int], since: datetime) -> set[int]:
    """Tell which versions of a table stay.

    Args:
        commits: the commits in the log, oldest first; at least one.
        named: versions that kept builds name.
        since: a version that was the newest at this time or later stays.

    Returns:
        The versions, the newest among them.
    """
    replaced = (before.version for before, after in pairwise(commits) if after.at >= since)
    return {*named, *replaced, commits[-1].version}


@dataclass(frozen=True)
class Change:
    """What one commit did: data files that it added and removed."""

    version: int
    added: Collection[str]
    removed: Collection[str]


@dataclass(frozen=True)
class Needed:
    """The data files of all kept versions, and those that the newest version has."""

    files: set[str]
    standing: set[str]


def needed_files(first: int, standing: Iterable[str], changes: Iterable[Change], kept: Iterable[int]) -> Needed:
    """Tell which data files the kept versions of a table consist of.

    Args:
        first: a version no later than any kept one.
        standing: its data files.
        changes: the commits after it, in their order.
        kept: the kept versions, the newest among them.
    """
    ordered = sorted(kept)
    since = dict.fromkeys(standing, first)
    files: set[str] = set()
    for change in changes:
        for path in change.removed:
            added = since.pop(path, None)
            if added is not None and _any_between(ordered, added, change.version):
                files.add(path)
        for path in change.added:
            since.setdefault(path, change.version)
    return Needed(files | since.keys(), set(since))


def _any_between(ordered: Sequence[int], first: int, end: int) -> bool:
    """Tell whether one of some ordered numbers is at least the first and before the end."""
    place = bisect_left(ordered, first)
    return place < len(ordered) and ordered[place] < end


def only_in_first(first: Iterable[Entry], second: Iterator[Entry]) -> Iterator[Entry]:
    """Give the entries of a listing whose keys another one lacks; both are in the order of their keys."""
    other = next(second, None)
    for entry in first:
        while other is not None and other.key < entry.key:
            other = next(second, None)
        if other is None or other.key != entry.key:
            yield entry
