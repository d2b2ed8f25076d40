"""Assemble the marts: run every step and mart, each one select, in the order of what they read."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from expectations.contracts import contracts_of, load_contracts
from expectations.schemas import create_table, select_list

FOLDER = Path(__file__).parent
_READS = re.compile(r"\b(steps|marts)\.(\w+)")


def published_tables() -> list[str]:
    """Give the names of the marts and dimensions that a build publishes, in alphabetical order."""
    return sorted(contracts_of("mart") | contracts_of("dimension"))


def assemble(
    con: duckdb.DuckDBPyConnection, as_of: date, marts: Iterable[str] | None = None, folder: Path = FOLDER
) -> None:
    """Build schemas ``steps`` and ``marts`` from ``core``, ``partials`` and ``reference``.

    Args:
        con: a connection that has schemas ``core``, ``partials`` and ``reference``.
        as_of: the business date; nothing later is known.
        marts: only these, with what they read; by default all.
        folder: holds ``macros.sql``, ``steps/`` and ``marts/``.

    Raises:
        duckdb.Error: a query fails.
        graphlib.CycleError: two queries read each other.
    """
    _assemble(con, as_of, None if marts is None else {f"marts.{name}" for name in marts}, folder)


def assemble_steps(con: duckdb.DuckDBPyConnection, as_of: date, steps: Iterable[str]) -> None:
    """Build some steps, with what they read.

    Args:
        con: a connection that has the schemas that they read.
        as_of: the business date.
        steps: their names.

    Raises:
        duckdb.Error: a query fails.
    """
    _assemble(con, as_of, {f"steps.{name}" for name in steps}, FOLDER)


def _assemble(con: duckdb.DuckDBPyConnection, as_of: date, names: set[str] | None, folder: Path) -> None:
    con.execute("CREATE SCHEMA IF NOT EXISTS steps; CREATE SCHEMA IF NOT EXISTS marts")
    con.execute(f"SET VARIABLE as_of = DATE '{as_of:%Y-%m-%d}'")
    con.execute((folder / "macros.sql").read_text(encoding="utf-8"))
    queries = _queries(folder)
    reads = _reads(queries)
    wanted = queries.keys() if names is None else _closure(reads, names)
    for name in TopologicalSorter(reads).static_order():
        if name in wanted:
            _create(con, name, queries[name])


def _queries(folder: Path) -> dict[str, str]:
    return {
        f"{schema}.{path.stem}": path.read_text(encoding="utf-8").rstrip().rstrip(";")
        for schema in ("steps", "marts")
        for path in sorted((folder / schema).glob("*.sql"))
    }


def _reads(queries: Mapping[str, str]) -> dict[str, set[str]]:
    return {
        name: {f"{s}.{t}" for s, t in _READS.findall(sql)} & queries.keys() - {name} for name, sql in queries.items()
    }


def _closure(reads: Mapping[str, set[str]], names: set[str]) -> set[str]:
    """Give the named queries and all that they read, directly or not."""
    below = set[str]().union(*(reads[name] for name in names)) - names
    return names | _closure(reads, below) if below else names


def _create(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    schema, _, table = name.partition(".")
    if schema == "steps":
        con.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")
        return
    contract = load_contracts()[table]
    # What a mart promises is judged on what was written, so that a broken promise is a failed check and not a fault.
    con.execute(create_table(contract, name, constraints=False))
    columns, grain = select_list(contract.core_fields), ", ".join(contract.key)
    con.execute(f"INSERT INTO {name} SELECT {columns} FROM ({query}) ORDER BY {grain}")
