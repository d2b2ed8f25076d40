"""The lake: Delta tables whose Parquet files DuckDB writes and whose commits only register them."""

import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import stamina
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.schema import Schema
from deltalake.transaction import AddAction, PostCommitHookProperties, RemoveAction

from expectations.schemas import quoted
from sources.places import Folder, OutOfReachError, Place, PlaceError
from warehouse.connections import write_parquet
from warehouse.lease import unleased

T = TypeVar("T")
_SAFE = re.compile(r"[A-Za-z0-9_-]+")
# delta-rs would commit again by itself, also where the answer to its first try was lost and the commit stands.
_ONCE = CommitProperties(max_commit_retries=0)
# delta-rs would remove log entries of more than 30 days with every hundredth commit, also of versions that a kept
# build names. What goes is the matter of `cakupan retention` alone; the property says so to other writers.
_KEEP_LOG = PostCommitHookProperties(cleanup_expired_logs=False)
_PROPERTIES = {"delta.enableExpiredLogCleanup": "false"}


class LakeError(RuntimeError):
    """The lake cannot hold what it was given."""


@dataclass(frozen=True)
class DataFile:
    """A Parquet file that was written below a table's root and waits to be registered."""

    path: str
    size: int
    rows: int
    partition: Mapping[str, str]


@dataclass(frozen=True)
class Opened:
    """A table that is open, and what it was opened with."""

    options: Mapping[str, str]
    table: DeltaTable


@dataclass(frozen=True)
class Table:
    """One Delta table: ``core/<name>``, or one of the lake's own (``arrivals``, ``loads``, ``quarantine``).

    ``confirm`` is asked before each commit and raises where this run may not write any more. ``opened`` holds the
    tables that one thread has open, by their addresses.
    """

    place: Place
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()
    confirm: Callable[[], None] = field(default=unleased, compare=False)
    opened: dict[str, Opened] = field(default_factory=dict[str, Opened], compare=False, repr=False)

    @property
    def root(self) -> Path:
        """The local folder in which its files are read and made."""
        return self.place.root

    def _open(self, version: int | None = None) -> DeltaTable | None:
        if version is not None:
            return self._open_old(version)
        if isinstance(self.place, Folder) and not (self.root / "_delta_log").is_dir():
            return None
        try:
            return self._ask(self._newest)
        except TableNotFoundError:
            return None

    def _newest(self) -> DeltaTable:
        """Open the newest version; what is open already only reads what was committed since."""
        uri, options = self.place.delta_uri, dict(self.place.delta_options)
        before = self.opened.get(uri)
        # The credential is part of the options: with a new one the table is opened anew.
        if before is not None and before.options == options:
            before.table.update_incremental()
            return before.table
        table = DeltaTable(uri, storage_options=options)
        self.opened[uri] = Opened(options, table)
        return table

    def _at(self, version: int) -> DeltaTable:
        """Open a version, which never changes."""
        uri = self.place.delta_uri
        newest = self.opened.get(uri)
        if newest is not None and newest.table.version() == version:
            return newest.table
        return DeltaTable(uri, version, storage_options=dict(self.place.delta_options))

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask delta-rs, again where the place may answer later; other faults are told in plain words."""
        for attempt in stamina.retry_context(
            on=OutOfReachError, attempts=8, timeout=120.0, wait_initial=0.5, wait_max=15.0
        ):
            with attempt:
                try:
                    return question()
                except (CommitFailedError, TableNotFoundError, PlaceError):
                    raise
                except (DeltaError, OSError) as fault:
                    raise self.place.explained(fault) from None
        raise AssertionError

    def _open_old(self, version: int) -> DeltaTable:
        """Open a version that somebody names; one that is gone must not pass for a table without rows."""

        def open_it() -> DeltaTable:
            try:
                return self._at(version)
            except DeltaError as gone:
                said = f"version {version} of {self.place.uri} cannot be opened; its log was removed or is damaged"
                raise LakeError(f"{said}: restore it from a copy, or use a build of a version that is there") from gone

        return self._ask(open_it)

    def version(self) -> int | None:
        """Give the newest version; null if the table was never written."""
        table = self._open()
        return None if table is None else table.version()

    def data_keys(self, version: int | None = None) -> list[str]:
        """Give the Parquet files of a version (default: the newest) by their paths below the table's place."""
        table = self._open(version)
        return [] if table is None else self._keys_of(table)

    def _keys_of(self, table: DeltaTable) -> list[str]:
        paths: Any = self._ask(table.get_add_actions).column("path")
        return sorted(paths.to_pylist())

    def files(self, version: int | None = None) -> list[str]:
        """Give the local paths of the Parquet files of a version, in alphabetical order; they are there to be read."""
        keys = self.data_keys(version)
        self.place.pull(keys)
        return [str((self.root / key).absolute()) for key in keys]

    def drop_copies(self, kept: Iterable[int] = ()) -> None:
        """Let go the local copies of files that neither the newest version holds nor one that is kept."""
        needed = {key for version in (None, *kept) for key in self.data_keys(version)}
        self.place.drop_copies(lambda key: key in needed)

    def relation(self, version: int | None = None) -> str:
        """Write the SQL of a version's rows, in the schema's columns; an unwritten table has no rows."""
        return files_relation(self.files(version), self.schema, self.partition_by)

    def write_file(
        self, con: duckdb.DuckDBPyConnection, select: str, partition: Mapping[str, str], stem: str
    ) -> DataFile:
        """Write the rows of a select as one zstd Parquet file below the root, not yet registered.

        Args:
            con: the connection that can run ``select``.
            select: a query of the schema's columns.
            partition: the values of ``partition_by``; they stand in the path and not in the file.
            stem: the file's name before a unique part; it may tell where the rows come from.

        Returns:
            The file, with its size in bytes and its rows.

        Raises:
            LakeError: a partition value has characters that a path cannot hold.
            DiskError: the disk of this machine does not take the file.
        """
        written = self.draft_file(con, select, partition, stem)
        self.hand_over(written)
        return written

    def draft_file(
        self, con: duckdb.DuckDBPyConnection, select: str, partition: Mapping[str, str], stem: str
    ) -> DataFile:
        """Write a file as `write_file` does, for this machine only: it may still be discarded."""
        for value in partition.values():
            if not _SAFE.fullmatch(value):
                raise LakeError("a partition value may hold letters, digits, _ and - only")
        folder = "/".join(f"{key}={value}" for key, value in partition.items())
        path = self.root / folder / f"{stem}-{uuid.uuid4().hex[:12]}.parquet"
        kept = ", ".join(name for name in self.schema.names if name not in partition)
        try:
            rows = write_parquet(con, f"SELECT {kept} FROM ({select})", path, version="v2")
        except duckdb.Error:
            path.unlink(missing_ok=True)
            raise
        return DataFile(path.relative_to(self.root).as_posix(), path.stat().st_size, rows, dict(partition))

    def hand_over(self, file: DataFile) -> None:
        """See to it that a drafted file stands in the table's place."""
        self.place.push([file.path])

    def discard(self, file: DataFile) -> None:
        """Remove a drafted file that was not handed over."""
        (self.root / file.path).unlink()

    def append(self, files: Sequence[DataFile]) -> int:
        """Register files beside what is there; gives the new version."""
        return self._commit(files, "append", None)

    def replace(
        self, files: Sequence[DataFile], filters: Sequence[tuple[str, str, str | list[str]]] | None = None
    ) -> int:
        """Register files in place of what the filters select (default: everything); gives the new version."""
        return self._commit(files, "overwrite", list(filters) if filters else None)

    def replace_partitions(self, files: Sequence[DataFile]) -> int:
        """Register files in place of all that stands in their partitions, in one commit; gives the new version.

        Filters of one commit could not say which partitions: they know no OR.
        """
        folders = {_folder(file.path) for file in files}
        return self._commit(files, "append", None, lambda key: _folder(key) in folders)

    def restore(self, version: int | None) -> None:
        """Let what stood at a version (null: nothing) stand again, as a new version; files are kept by all versions."""
        table = self._open()
        if table is None or table.version() == version:
            return
        stood = [] if version is None else self._files_at(version)
        keys, there = {file.path for file in stood}, set(self._keys_of(table))
        lacking = [file for file in stood if file.path not in there]
        self._commit(lacking, "append", None, lambda key: key not in keys)

    def _files_at(self, version: int) -> list[DataFile]:
        """Give the registered files of a version."""
        added: Any = self._ask(self._open_old(version).get_add_actions)
        columns = (added.column(name).to_pylist() for name in ("path", "size_bytes", "num_records"))
        return [DataFile(path, size, rows, _partition(path)) for path, size, rows in zip(*columns, strict=True)]

    def file_rows(self, version: int) -> dict[str, int]:
        """Give the rows of each Parquet file of a version, as they were counted when it was written."""
        return {file.path: file.rows for file in self._files_at(version)}

    def checkpoint(self) -> None:
        """Write what stands into one file of the log, from which the newest version opens without reading the rest."""
        if (table := self._open()) is not None:
            self._ask(table.create_checkpoint)

    def _commit(
        self,
        files: Sequence[DataFile],
        mode: str,
        filters: list[tuple[str, str, str | list[str]]] | None,
        is_gone: Callable[[str], bool] | None = None,
    ) -> int:
        """Commit once; where the answer to a try may have been lost, look first whether it stands."""
        unsure = (CommitFailedError, OutOfReachError)
        try:
            for attempt in stamina.retry_context(on=unsure, attempts=5, timeout=120.0, wait_initial=0.1, wait_max=15.0):
                with attempt:
                    table = self._open() or self._create()
                    if attempt.num > 1 and files and {file.path for file in files} <= set(self._keys_of(table)):
                        return table.version()
                    self.confirm()
                    gone = [_removal(key) for key in self._keys_of(table) if is_gone(key)] if is_gone else []
                    self._commit_upon(table, [*(_action(file) for file in files), *gone], mode, filters)
                    return table.version() + 1
        except CommitFailedError:
            raise PlaceError(f"others keep writing to {self.place.uri}; run it again when they are done") from None
        raise AssertionError

    def _commit_upon(
        self,
        table: DeltaTable,
        actions: list[AddAction | RemoveAction],
        mode: str,
        filters: list[tuple[str, str, str | list[str]]] | None,
    ) -> None:
        """Commit upon the version that was opened; delta-rs refuses where another commit came first."""
        try:
            table.create_write_transaction(
                actions,
                mode=mode,
                schema=Schema.from_arrow(self.schema),
                partition_by=list(self.partition_by),
                partition_filters=filters,  # pyright: ignore[reportArgumentType]
                commit_properties=_ONCE,
                post_commithook_properties=_KEEP_LOG,
            )
        except CommitFailedError:
            raise
        except (DeltaError, OSError) as fault:
            raise self.place.explained(fault) from None

    def _create(self) -> DeltaTable:
        self.root.mkdir(parents=True, exist_ok=True)
        return self._ask(
            lambda: DeltaTable.create(
                self.place.delta_uri,
                schema=Schema.from_arrow(self.schema),
                partition_by=list(self.partition_by),
                mode="ignore",
                configuration=_PROPERTIES,
                storage_options=dict(self.place.delta_options),
            )
        )


def _action(file: DataFile) -> AddAction:
    stats = f'{{"numRecords": {file.rows}}}'
    return AddAction(file.path, file.size, dict(file.partition), int(time.time() * 1000), data_change=True, stats=stats)


def _removal(key: str) -> RemoveAction:
    partition: dict[str, str | None] = {**_partition(key)}
    return RemoveAction(key, data_change=True, deletion_timestamp=int(time.time() * 1000), partition_values=partition)


def _partition(key: str) -> dict[str, str]:
    """Give the values of partitions that a file's path says."""
    return dict(part.split("=", 1) for part in _folder(key).split("/") if part)


def _folder(key: str) -> str:
    return key.rpartition("/")[0]


def files_relation(files: Sequence[str], schema: pa.Schema, partition_by: Iterable[str]) -> str:
    """Write the SQL that reads some Parquet files of a table; no files give no rows, in the same columns."""
    types = pa_sql(schema)
    columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    if not files:
        nulls = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
        return f"SELECT {nulls} WHERE false"
    listed = ", ".join(quoted(file) for file in files)
    hive = "true" if tuple(partition_by) else "false"
    return f"SELECT {columns} FROM read_parquet([{listed}], hive_partitioning = {hive}, hive_types_autocast = false)"


def pa_sql(schema: pa.Schema) -> dict[str, str]:
    """Give the DuckDB type of every column of an Arrow schema."""
    names = {
        "string": "VARCHAR",
        "int64": "BIGINT",
        "double": "DOUBLE",
        "date32[day]": "DATE",
        "bool": "BOOLEAN",
    }
    names |= {"binary": "BLOB", "timestamp[us, tz=UTC]": "TIMESTAMPTZ"}
    types = {name: str(kind) for name, kind in zip(schema.names, schema.types, strict=True)}
    return {name: names.get(kind, kind.replace("decimal128", "DECIMAL")) for name, kind in types.items()}
