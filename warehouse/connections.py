"""DuckDB connections with the limits that the settings give."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from expectations.schemas import quoted
from sources.places import DiskError, on_disk

ParquetVersion = Literal["v1", "v2"]


@dataclass(frozen=True)
class Limits:
    """What a connection may use: memory (as DuckDB writes it, `4GB`), threads, and a folder to spill into."""

    memory: str = "4GB"
    threads: int | None = None
    spill: Path | None = None


# Tables stand in a query in the order in which they are to be joined, and a list of values is compared as it stands:
# DuckDB guesses text files and frames to be small, and would build its hash tables from them.
_PLANNED_AS_WRITTEN = "join_order,build_side_probe_side,in_clause"


def planned_as_written(con: duckdb.DuckDBPyConnection) -> None:
    """Let DuckDB join in the order of the queries of this connection and of its cursors."""
    con.execute(f"SET disabled_optimizers = {quoted(_PLANNED_AS_WRITTEN)}")


def connect(limits: Limits, database: str = ":memory:", *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open a connection that keeps its limits and never fetches an extension.

    Args:
        limits: memory, threads, spill folder.
        database: a file, or memory.
        read_only: open the file for reading.

    Returns:
        The connection, with time zone UTC.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if limits.threads:
        config["threads"] = limits.threads
    if limits.spill:
        limits.spill.mkdir(parents=True, exist_ok=True)
        config["temp_directory"] = str(limits.spill)
    con = duckdb.connect(database, read_only=read_only, config=config)
    con.execute("SET TimeZone = 'UTC'")
    # Started as `python -c`, DuckDB takes itself for interactive and draws its own bar among what we print.
    con.execute("SET enable_progress_bar = false")
    return con


def first_value(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> Any:
    """Give the first column of a query's first row; null if it has none.

    The result is fetched whole: a connection with an unfetched rest refuses other work.
    """
    rows = con.execute(sql, list(parameters)).fetchall()
    return rows[0][0] if rows else None


def write_parquet(con: duckdb.DuckDBPyConnection, select: str, path: Path, *, version: ParquetVersion = "v1") -> int:
    """Write the rows of a select as one zstd Parquet file; gives how many.

    Args:
        con: the connection that can run `select`.
        select: a query.
        path: the file; its folder is made.
        version: of the encodings: v1 for whoever may read it; v2, which takes a fifth less time, for Delta's readers.

    Raises:
        DiskError: the disk does not take the file.
    """
    with on_disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        options = f"FORMAT parquet, PARQUET_VERSION {version}, COMPRESSION zstd"
        return first_value(con, f"COPY ({select}) TO {quoted(str(path))} ({options})")
    except duckdb.IOException as fault:
        if path.name not in str(fault):
            raise
        why = re.search(r'"[^"]*: ([A-Z][a-z ]+)"', str(fault))
        hint = f"({why[1]}): free some room" if why else ": look at the disk and at its rights"
        raise DiskError(f"{path.parent} cannot be written {hint}, or name a folder on another disk") from None
