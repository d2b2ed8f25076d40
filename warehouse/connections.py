"""DuckDB connections with the limits that the settings give."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb


@dataclass(frozen=True)
class Limits:
    """What a connection may use: memory (as DuckDB writes it, `4GB`), threads, and a folder to spill into."""

    memory: str = "4GB"
    threads: int | None = None
    spill: Path | None = None


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
    return con


def first_value(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> Any:
    """Give the first column of a query's first row; null if it has none.

    The result is fetched whole: a connection with an unfetched rest refuses other work.
    """
    rows = con.execute(sql, list(parameters)).fetchall()
    return rows[0][0] if rows else None
