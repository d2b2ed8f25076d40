"""Files that were read and wait to be committed: a night that died in between does not read them again.

What waits stands below the quarantine, since bad lines hold values of persons. Delta tables ignore such a folder.
"""

import hashlib
import shutil
from dataclasses import dataclass, replace

import duckdb
from pydantic import TypeAdapter, ValidationError

from expectations.schemas import quoted
from sources.landing import LandedFile
from sources.places import Folder, Place
from warehouse.connections import first_value, write_parquet
from warehouse.house import House
from warehouse.lake import Table
from warehouse.load import LoadedFile

FOLDER = "quarantine/_pending"
_RESULT = "result.json"
_OWNER_ONLY = 0o600
# The tables of a sweep in which rows of a file wait.
_TABLES = ("bad_rows", "incoming")


@dataclass(frozen=True)
class _Kept:
    """What was read of a file, and which tables it has rows in."""

    loaded: LoadedFile
    tables: tuple[str, ...]


_KEPT = TypeAdapter(_Kept)


@dataclass(frozen=True)
class Pending:
    """What waits in one lake of files that were read on one day under one reading and one key for persons.

    Attributes:
        house: the lake.
        con: the connection of the sweep.
        core: the table that the files are loaded into.
        circumstances: all that decides how a file is read, beside its bytes and its path.
    """

    house: House
    con: duckdb.DuckDBPyConnection
    core: Table
    circumstances: str

    @property
    def _place(self) -> Place:
        return self.house.place.below(FOLDER)

    def _key(self, landed: LandedFile) -> str:
        said = f"{landed.dataset}\n{landed.file}\n{landed.sha256}\n{self.circumstances}"
        return hashlib.sha256(said.encode()).hexdigest()

    def keep(self, loaded: LoadedFile) -> None:
        """Keep what was read of a file, the result last; what is not settled is read again anyway.

        Args:
            loaded: the file; its rows are in ``bad_rows`` and ``incoming``, its partitions are staged.
        """
        if not loaded.is_settled:
            return
        key = self._key(loaded.landed)
        tables = tuple(table for table in _TABLES if self._write(key, table, loaded.source_key))
        self._place.write(f"{key}/{_RESULT}", _KEPT.dump_json(_Kept(loaded, tables)), mode=_OWNER_ONLY)

    def _write(self, key: str, table: str, source_key: str) -> bool:
        """Write the rows that a table has of a file; tell whether there are any."""
        rows = f"FROM {table} WHERE source_key = {quoted(source_key)}"
        if not first_value(self.con, f"SELECT EXISTS ({rows})"):
            return False
        path = self._place.root / key / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_parquet(self.con, rows, path)
        path.chmod(_OWNER_ONLY)
        self._place.push([f"{key}/{table}.parquet"])
        return True

    def find(self, landed: LandedFile) -> LoadedFile | None:
        """Take up what a run that died had read of a file.

        Args:
            landed: the file.

        Returns:
            The file as it was loaded, its rows back in ``bad_rows`` and ``incoming``; null where nothing waits, or
            where it is not whole.
        """
        key = self._key(landed)
        kept = self._read(key)
        if kept is None or not self._is_whole(key, kept):
            return None
        for table in kept.tables:
            path = self._place.root / f"{key}/{table}.parquet"
            self.con.execute(f"INSERT INTO {table} BY NAME FROM read_parquet({quoted(str(path))})")
        return replace(kept.loaded, landed=landed)

    def _read(self, key: str) -> _Kept | None:
        result = self._place.read(f"{key}/{_RESULT}")
        try:
            return None if result is None else _KEPT.validate_json(result)
        except ValidationError:
            return None

    def _is_whole(self, key: str, kept: _Kept) -> bool:
        """Tell whether all that was written is there, and none of it registered: a path is committed once only."""
        staged = [file.path for partition in kept.loaded.partitions for file in partition.data]
        try:
            self._place.pull(f"{key}/{table}.parquet" for table in kept.tables)
            self.core.place.pull(staged)
        except FileNotFoundError:
            return False
        return not set(staged) & set(self.core.data_keys())


def clear_pending(house: House) -> None:
    """Let go what waited, once a sweep has committed and recorded everything."""
    place = house.place.below(FOLDER)
    place.remove([entry.key for entry in place.entries()])
    place.forget()
    if isinstance(place, Folder):
        shutil.rmtree(place.root, ignore_errors=True)
