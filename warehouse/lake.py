"""The lake: Delta tables whose Parquet files DuckDB writes and whose commits only register them."""

import re
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import stamina
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from deltalake.schema import Schema
from deltalake.transaction import AddAction, RemoveAction

from expectations.schemas import quoted
from sources.places import Folder, Place
from warehouse.connections import first_value

_SAFE = re.compile(r"[A-Za-z0-9_-]+")


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
class Table:
    """One Delta table: ``core/<name>``, or one of the lake's own (``arrivals``, ``loads``, ``quarantine``)."""

    place: Place
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """The local folder in which its files are read and made."""
        return self.place.root

    def _open(self, version: int | None = None) -> DeltaTable | None:
        if isinstance(self.place, Folder) and not (self.root / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.place.uri, version=version, storage_options=dict(self.place.delta_options))
        except TableNotFoundError:
            return None

    def version(self) -> int | None:
        """Give the newest version; null if the table was never written."""
        table = self._open()
        return None if table is None else table.version()

    def data_keys(self, version: int | None = None) -> list[str]:
        """Give the Parquet files of a version (default: the newest) by their paths below the table's place."""
        table = self._open(version)
        if table is None:
            return []
        uris = (uri.removeprefix("file://") for uri in table.file_uris())
        return sorted(uri.removeprefix(f"{self.place.uri}/") for uri in uris)

    def files(self, version: int | None = None) -> list[str]:
        """Give the local paths of the Parquet files of a version, in alphabetical order; they are there to be read."""
        keys = self.data_keys(version)
        self.place.pull(keys)
        return [str(self.root / key) for key in keys]

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
        """
        for value in partition.values():
            if not _SAFE.fullmatch(value):
                raise LakeError("a partition value may hold letters, digits, _ and - only")
        folder = "/".join(f"{key}={value}" for key, value in partition.items())
        path = self.root / folder / f"{stem}-{uuid.uuid4().hex[:12]}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = ", ".join(name for name in self.schema.names if name not in partition)
        rows = first_value(
            con, f"COPY (SELECT {kept} FROM ({select})) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        )
        key = path.relative_to(self.root).as_posix()
        self.place.push([key])
        return DataFile(key, path.stat().st_size, rows, dict(partition))

    def append(self, files: Sequence[DataFile]) -> int:
        """Register files beside what is there; gives the new version."""
        return self._commit(files, "append", None)

    def replace(
        self, files: Sequence[DataFile], filters: Sequence[tuple[str, str, str | list[str]]] | None = None
    ) -> int:
        """Register files in place of what the filters select (default: everything); gives the new version."""
        return self._commit(files, "overwrite", list(filters) if filters else None)

    def _commit(
        self, files: Sequence[DataFile], mode: str, filters: list[tuple[str, str, str | list[str]]] | None
    ) -> int:
        for attempt in stamina.retry_context(on=CommitFailedError, attempts=5, wait_initial=0.1, wait_max=2.0):
            with attempt:
                self._commit_once(files, mode, filters)
        return DeltaTable(self.place.uri, storage_options=dict(self.place.delta_options)).version()

    def _commit_once(
        self, files: Sequence[DataFile], mode: str, filters: list[tuple[str, str, str | list[str]]] | None
    ) -> None:
        """Commit upon the newest version; where another commit came first, delta-rs refuses and it is tried again."""
        schema = Schema.from_arrow(self.schema)
        actions: list[AddAction | RemoveAction] = [_action(file) for file in files]
        (self._open() or self._create(schema)).create_write_transaction(
            actions,
            mode=mode,  # pyright: ignore[reportArgumentType]
            schema=schema,
            partition_by=list(self.partition_by),
            partition_filters=filters,  # pyright: ignore[reportArgumentType]
        )

    def _create(self, schema: Schema) -> DeltaTable:
        self.root.mkdir(parents=True, exist_ok=True)
        return DeltaTable.create(
            self.place.uri,
            schema=schema,
            partition_by=list(self.partition_by),
            mode="ignore",
            storage_options=dict(self.place.delta_options),
        )


def _action(file: DataFile) -> AddAction:
    stats = f'{{"numRecords": {file.rows}}}'
    return AddAction(file.path, file.size, dict(file.partition), int(time.time() * 1000), data_change=True, stats=stats)


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
