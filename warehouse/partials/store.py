"""Where partial aggregates stand: Parquet files named by what they were made from, and one index that names them."""

import hashlib
import os
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import duckdb
from pydantic import TypeAdapter, ValidationError

from expectations.schemas import quoted
from sources.places import Place, on_disk
from warehouse.connections import write_parquet

FOLDER = "partials"
_INDEX = "index.json"
_OWNER_ONLY = 0o600
_OWNER_FOLDER = 0o700
# The newest of one scope that stay: that of the promoted build, of one beside it, and of the night.
_KEPT = 3
# What no index names may be what a run is just writing.
_YOUNG = timedelta(days=1)


@dataclass(frozen=True)
class Unit:
    """What is kept of one scope, such as a month: its Parquet files, by the names of the tables in them.

    ``digest`` is of all inputs; the unit's origin, a small file beside the others, lists them.
    """

    digest: str
    tables: dict[str, str]


@dataclass(frozen=True)
class Origin:
    """What a unit was made from: data files, and a digest of all else that decides it."""

    of: str
    files: tuple[str, ...]

    def digest(self, scope: str) -> str:
        """Give a digest of all inputs of a scope."""
        return hashlib.sha256("\n".join([scope, self.of, *self.files]).encode()).hexdigest()[:32]


_INDEX_TYPE = TypeAdapter(dict[str, list[Unit]])
_ORIGIN_TYPE = TypeAdapter(Origin)


@dataclass
class Store:
    """The partial aggregates of one lake; may be removed at any time, and are made again.

    A file gets its name when it is whole, and the index is written last: what a killed run leaves is in no index.
    """

    place: Place
    _units: dict[str, list[Unit]] = field(default_factory=dict[str, list[Unit]], init=False)
    _changed: bool = field(default=False, init=False)

    def open(self) -> None:
        """Read the index; units whose files are gone are left out."""
        there = {entry.key for entry in self.place.entries()}
        try:
            found = _INDEX_TYPE.validate_json(self.place.read(_INDEX) or b"{}")
        except ValidationError:
            found = {}
        self._units = {
            scope: [unit for unit in units if there.issuperset(unit.tables.values())] for scope, units in found.items()
        }

    def find(self, scope: str, origin: Origin) -> Unit | None:
        """Give the unit of a scope that was made from exactly these inputs."""
        digest = origin.digest(scope)
        return next((unit for unit in self._units.get(scope, []) if unit.digest == digest), None)

    def nearest(self, scope: str, origin: Origin) -> tuple[Unit, Origin] | None:
        """Give the unit of a scope that differs by the fewest data files, if by fewer than there are."""
        wanted = set(origin.files)
        found = [(unit, self._origin(scope, unit)) for unit in self._units.get(scope, [])]
        near = [
            (len(wanted.symmetric_difference(of.files)), unit, of) for unit, of in found if of and of.of == origin.of
        ]
        distance, unit, of = min(near, key=lambda one: one[0], default=(len(wanted), None, None))
        return (unit, of) if unit and of and distance < len(wanted) else None

    def _origin(self, scope: str, unit: Unit) -> Origin | None:
        content = self.place.read(_origin_key(scope, unit.digest))
        return None if content is None else _ORIGIN_TYPE.validate_json(content)

    def keep(self, con: duckdb.DuckDBPyConnection, scope: str, origin: Origin, tables: Mapping[str, str]) -> Unit:
        """Write the tables of a unit.

        Args:
            con: the connection that can run the selects.
            scope: what it is about, as a path such as ``cells/2026-10``.
            origin: what it is made from.
            tables: selects by the tables' names.

        Returns:
            The unit, which the index names once it is saved.

        Raises:
            DiskError: the disk does not take it.
        """
        digest = origin.digest(scope)
        unit = Unit(digest, {name: f"{scope}/{digest}-{name}.parquet" for name in tables})
        for name, select in tables.items():
            self._write(con, unit.tables[name], select)
        self.place.write(_origin_key(scope, digest), _ORIGIN_TYPE.dump_json(origin), mode=_OWNER_ONLY)
        others = [old for old in self._units.get(scope, []) if old.digest != digest]
        self._units[scope] = [unit, *others][:_KEPT]
        self._changed = True
        return unit

    def _write(self, con: duckdb.DuckDBPyConnection, key: str, select: str) -> None:
        path = self.place.root / key
        with on_disk(self.place.root):
            self.place.root.mkdir(parents=True, exist_ok=True, mode=_OWNER_FOLDER)
        partial = path.with_name(f".{uuid.uuid4().hex}.parquet")
        write_parquet(con, select, partial)
        partial.chmod(_OWNER_ONLY)
        with partial.open("rb") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
        self.place.push([key])

    def relation(self, unit: Unit, table: str) -> str:
        """Write the SQL that reads a table of a unit."""
        key = unit.tables[table]
        self.place.pull([key])
        return f"read_parquet({quoted(str((self.place.root / key).absolute()))})"

    def save(self, months: Collection[str]) -> None:
        """Write the index, where anything was kept; let go what it names no more.

        Args:
            months: of which core has rows; what was kept of others goes.
        """
        if not self._changed:
            return
        gone = [scope for scope in self._units if "/" in scope and scope.rpartition("/")[2] not in months]
        for scope in gone:
            del self._units[scope]
        self.place.write(_INDEX, _INDEX_TYPE.dump_json(self._units), mode=_OWNER_ONLY)
        self._changed = False
        named = {_INDEX}
        for scope, units in self._units.items():
            for unit in units:
                named.update([*unit.tables.values(), _origin_key(scope, unit.digest)])
        before = datetime.now(UTC) - _YOUNG
        self.place.remove([e.key for e in self.place.entries() if e.key not in named and e.modified < before])


def _origin_key(scope: str, digest: str) -> str:
    return f"{scope}/{digest}.json"
