"""DuckDB connections with the limits that the settings give."""

from dataclasses import dataclass
from pathlib import Path

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
