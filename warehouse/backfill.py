"""Which files are read again for chosen months: what stands, what lies in the landing zone, what nobody sent."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import duckdb

from sources.landing import LandedFile
from warehouse.house import House
from warehouse.reference import LANDED_REFERENCE, load_reference, merge_landed

DATASET = "participants"
Action = Literal["reload", "load", "keep", "lost", "absent"]
Spot = tuple[str, str]
READS = frozenset({"reload", "load"})
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_MOST_NAMES = 12
# They sum what others export and export nothing themselves.
_SILENT = "('kantor_pusat', 'kanwil')"


class BackfillError(ValueError):
    """What was asked of a backfill cannot be done: what was found, and what to do."""


@dataclass(frozen=True)
class Choice:
    """The months and offices that were chosen; no office means every one.

    Raises:
        BackfillError: a month is no month, or the first comes after the last.
    """

    first: str
    last: str
    offices: tuple[str, ...] = ()
    only_missing: bool = False

    def __post_init__(self) -> None:
        """Refuse months that are none."""
        for month in (self.first, self.last):
            if not _MONTH.fullmatch(month):
                raise BackfillError(f"{month} is no month; expected YYYY-MM, such as 2025-01")
        if self.first > self.last:
            raise BackfillError(f"{self.first} comes after {self.last}; give the earlier month with --from")

    @property
    def months(self) -> list[str]:
        """The months from the first to the last."""
        first, last = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (self.first, self.last))
        return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, last + 1)]

    @property
    def key(self) -> str:
        """A name that is the same for the same choice, whatever the order of its offices."""
        said = json.dumps({**asdict(self), "offices": sorted(set(self.offices))}, sort_keys=True)
        return f"{self.first}_{self.last}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Planned:
    """What is done about one office's month: the action, and the files (paths within the landing zone) it is about."""

    period: str
    office_code: str
    action: Action
    files: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def spot(self) -> Spot:
        """Month and office."""
        return self.period, self.office_code


@dataclass(frozen=True)
class Plan:
    """What a backfill does, office by office and month by month, and what it reads for it.

    Attributes:
        spots: one entry for each chosen month and office, and one for each other that a file which is read holds.
        files: what is read, each file once and whole.
        unplaced: landed files of which nothing stands and whose path says no office and month: the night reads them.
    """

    spots: list[Planned]
    files: list[LandedFile]
    unplaced: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many months of offices there are of each action."""
        found = Counter(planned.action for planned in self.spots)
        return {action: found[action] for action in get_args(Action)}

    @property
    def digest(self) -> str:
        """A name that is the same for the same files."""
        return hashlib.sha256(json.dumps([[file.sha256, file.file] for file in self.files]).encode()).hexdigest()


@dataclass(frozen=True)
class _Known:
    """A file of participants: the sweep that recorded it, and whether it was taken, lies there, and can be read."""

    landed: LandedFile
    sweep: int = 0
    was_taken: bool = False
    is_lying: bool = False
    is_readable: bool = True


@dataclass(frozen=True)
class _Shelf:
    """All files of participants, and where each stands or says that it belongs."""

    known: Mapping[str, _Known]
    standing: Mapping[Spot, frozenset[str]]
    open_in: Mapping[str, frozenset[str]]
    offices: frozenset[str]

    @cached_property
    def said(self) -> dict[Spot, list[str]]:
        """The files that say by their path where they belong, by month and office."""
        found: dict[Spot, list[str]] = defaultdict(list)
        for sha256, known in self.known.items():
            if spot := self.said_by(known):
                found[spot].append(sha256)
        return found

    def said_by(self, known: _Known) -> Spot | None:
        """Give the month and office that a file's path says; null where it does not say both."""
        words = known.landed.said_by_path(self.offices)
        return (words["period"], words["office_code"]) if len(words) == 2 else None

    @cached_property
    def exporters(self) -> frozenset[str]:
        """The offices of which anything stands or was ever landed."""
        return frozenset(office for spots in (self.standing, self.said) for _, office in spots)

    def offices_of(self, month: str) -> frozenset[str]:
        """Give the offices of a month: those open then, unknown ones that export, others of which there is a file."""
        seen = frozenset(office for spots in (self.standing, self.said) for at, office in spots if at == month)
        return self.open_in.get(month, frozenset()) | seen | (self.exporters - self.offices)

    def claims(self, spot: Spot) -> list[str]:
        """Give the files that may stand for an office's month; the sweep decides between them.

        A file that was taken once and does not stand was replaced or taken back: where another stands, it is out.
        """
        lying = [sha256 for sha256 in self.said.get(spot, []) if self.known[sha256].is_lying]
        if standing := self.standing.get(spot):
            return sorted(standing | {sha256 for sha256 in lying if not self.known[sha256].was_taken})
        newest = sorted(self.said.get(spot, []), key=lambda sha256: (self.known[sha256].sweep, sha256))[-1:]
        return lying or newest

    def planned(self, spot: Spot, *, only_missing: bool) -> Planned:
        """Say what is done about an office's month."""
        stands, claims = spot in self.standing, self.claims(spot)
        readable = [sha256 for sha256 in claims if sha256 in self.known and self.known[sha256].is_readable]
        if stands and only_missing:
            return self._entry(spot, "keep", sorted(self.standing[spot]))
        if not readable:
            return self._entry(spot, "lost" if claims else "absent", claims)
        return self._entry(spot, "reload" if stands else "load", readable)

    def beside(self, spot: Spot) -> Planned:
        """Say that an office's month is read again because its file is."""
        return self._entry(spot, "reload", sorted(self.standing[spot]))

    def _entry(self, spot: Spot, action: Action, sources: Sequence[str]) -> Planned:
        names = (self.known[sha256].landed.file if sha256 in self.known else sha256 for sha256 in sources)
        return Planned(*spot, action, tuple(names), tuple(sources))


def make_plan(con: duckdb.DuckDBPyConnection, house: House, landed: Sequence[LandedFile], choice: Choice) -> Plan:
    """Say what is read again for the chosen months, and what cannot be.

    Args:
        con: any connection; schema ``reference`` is made in it.
        house: the lake.
        landed: what lies in the landing zone.
        choice: months and offices.

    Returns:
        The plan.

    Raises:
        BackfillError: an office is neither known nor has it ever exported.
    """
    shelf = _shelf(con, house, [file for file in landed if file.dataset == DATASET], choice)
    _refuse_unknown(shelf, choice)
    chosen = {month: frozenset(choice.offices) or shelf.offices_of(month) for month in choice.months}
    spots = {
        (month, office): shelf.planned((month, office), only_missing=choice.only_missing)
        for month, offices in chosen.items()
        for office in offices
    }
    wanted = {sha256 for planned in spots.values() if planned.action in READS for sha256 in planned.sources}
    held = {spot for spot, sources in shelf.standing.items() if sources & wanted}
    spots |= {spot: shelf.beside(spot) for spot in held if spot not in spots or spots[spot].action not in READS}
    files = sorted((shelf.known[sha256].landed for sha256 in wanted), key=lambda file: file.file)
    return Plan([spots[spot] for spot in sorted(spots)], files, _unplaced(shelf))


def _refuse_unknown(shelf: _Shelf, choice: Choice) -> None:
    known = shelf.offices | shelf.exporters
    unknown = sorted(set(choice.offices) - known)
    if unknown:
        some = ", ".join(sorted(known)[:_MOST_NAMES])
        raise BackfillError(
            f"no office {', '.join(unknown)}: it is not in the reference data and never exported; "
            f"known are {len(known)}, such as {some or 'none'}"
        )


def _unplaced(shelf: _Shelf) -> list[str]:
    standing = frozenset[str]().union(*shelf.standing.values())
    return sorted(
        known.landed.file
        for sha256, known in shelf.known.items()
        if known.is_lying and not known.was_taken and sha256 not in standing and shelf.said_by(known) is None
    )


def _shelf(con: duckdb.DuckDBPyConnection, house: House, landed: Sequence[LandedFile], choice: Choice) -> _Shelf:
    standing: dict[Spot, frozenset[str]] = defaultdict(frozenset)
    for period, office, source_key in house.standing():
        standing[period, office] |= {source_key}
    _attach_reference(con, house)
    offices = frozenset(row[0] for row in con.execute("SELECT office_code FROM reference.offices").fetchall())
    return _Shelf(_known(con, house, landed), dict(standing), _open_in(con, choice.months), offices)


def _attach_reference(con: duckdb.DuckDBPyConnection, house: House) -> None:
    """Give the connection the reference data with what landed of it, and nothing else of core."""
    con.execute("CREATE SCHEMA core")
    for name in LANDED_REFERENCE:
        con.execute(f"CREATE VIEW core.{name} AS {house.core(name).relation()}")
    load_reference(con)
    merge_landed(con)


def _open_in(con: duckdb.DuckDBPyConnection, months: Sequence[str]) -> dict[str, frozenset[str]]:
    """Give the offices that are open at each month's end and may export."""
    rows = con.execute(
        f"""SELECT month, list(office_code)
        FROM (SELECT unnest($1::VARCHAR[]) AS month), reference.offices
        WHERE last_day(CAST(month || '-01' AS DATE)) BETWEEN
            coalesce(valid_from, DATE '0001-01-01') AND coalesce(valid_to, DATE '9999-12-31')
          AND coalesce(office_type, '') NOT IN {_SILENT}
        GROUP BY month""",
        [list(months)],
    ).fetchall()
    return {month: frozenset(offices) for month, offices in rows}


def _known(con: duckdb.DuckDBPyConnection, house: House, landed: Sequence[LandedFile]) -> dict[str, _Known]:
    """Give every file of participants that arrived or lies in the landing zone, by sha256."""
    kept = house.snapshots.names()
    lying: dict[str, list[LandedFile]] = defaultdict(list)
    for file in landed:
        lying[file.sha256].append(file)
    found = {sha256: _Known(files[0], is_lying=True) for sha256, files in lying.items()}
    for sha256, file, size, sweep, was_taken in con.execute(_arrived(house)).fetchall():
        recorded = LandedFile(house.snapshots.path_of(sha256), file, DATASET, sha256, size)
        now = lying.get(sha256, [recorded])
        # The path under which it was read last, if it still lies there: a path may say office and month.
        best = next((known for known in now if known.file == file), now[0])
        found[sha256] = _Known(best, sweep, was_taken, sha256 in lying, is_readable=sha256 in kept or sha256 in lying)
    return {sha256: _from_snapshot(house, known) if sha256 in kept else known for sha256, known in found.items()}


def _from_snapshot(house: House, known: _Known) -> _Known:
    """Let a file be read from its kept bytes."""
    return replace(known, landed=replace(known.landed, path=house.snapshots.path_of(known.landed.sha256)))


def _arrived(house: House) -> str:
    """Write the select of what arrived: sha256, newest path, bytes, sweep, whether a reading brought a good line."""
    return f"""
    WITH arrived AS (
      SELECT source_key, min_by(file, sweep) AS file, min(size) AS size, min(sweep) AS sweep
      FROM ({house.arrivals.relation()}) WHERE dataset = '{DATASET}' GROUP BY source_key
    ),
    readings AS (
      SELECT source_key, max_by(file, sweep) AS file, max(good) AS good FROM ({house.readings()}) GROUP BY source_key
    )
    SELECT source_key, coalesce(readings.file, arrived.file), size, sweep, coalesce(good, 0) > 0
    FROM arrived LEFT JOIN readings USING (source_key) ORDER BY source_key"""
