"""The tables that a job names, opened as views in DuckDB exactly as they were written."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import duckdb

from expectations.contracts import Contract, load_contracts
from expectations.schemas import create_table, quoted, sql_type
from expectations.suites import Suite


class Job(TypedDict):
    """What to judge.

    ``views`` names each table's Parquet files; a table without files is empty, in its contract's shape.
    ``hive`` says that the paths of core tables hold columns. Tables of the DuckDB file ``database`` that
    ``views`` does not name are seen under their own names. ``as_of`` is what checks read as
    ``getvariable('as_of')``; ``config`` holds settings of DuckDB such as ``memory_limit``.
    """

    database: str | None
    views: Mapping[str, Sequence[str]]
    hive: bool
    suites: Sequence[Suite]
    as_of: NotRequired[str]
    config: NotRequired[Mapping[str, str | int]]


def open_tables(con: duckdb.DuckDBPyConnection, job: Job) -> dict[str, Exception]:
    """Create every table of a job.

    Args:
        con: an empty connection.
        job: names the tables and their files.

    Returns:
        The tables that could not be opened, each with its fault.
    """
    if "as_of" in job:
        con.execute(f"SET VARIABLE as_of = CAST({quoted(job['as_of'])} AS DATE)")
    faults: dict[str, Exception] = {}
    for table, files in job["views"].items():
        try:
            _open(con, table, files, hive=job["hive"] and table.startswith("core."))
        except (duckdb.Error, KeyError) as fault:
            faults[table] = fault
    if job["database"]:
        _open_database(con, job["database"], job["views"])
    return faults


def _open(con: duckdb.DuckDBPyConnection, table: str, files: Sequence[str], *, hive: bool) -> None:
    schema, _, name = table.partition(".")
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    if not files:
        con.execute(create_table(load_contracts()[name], table))
        return
    listed = ", ".join(quoted(file) for file in files)
    source = f"read_parquet([{listed}], hive_partitioning = {hive}, hive_types_autocast = false)"
    columns = _written_columns(con, source, load_contracts()[name]) if hive else "*"
    con.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM {source}")


def _written_columns(con: duckdb.DuckDBPyConnection, source: str, contract: Contract) -> str:
    # What only the path holds DuckDB gives as text and last: it goes where the contract has it.
    names = [row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    written = [name for name in names if name not in contract.partition]
    for position, field in enumerate(contract.core_fields):
        if field.name in contract.partition and field.name in names:
            written.insert(position, f"CAST({field.name} AS {sql_type(field.column.type)}) AS {field.name}")
    return ", ".join(written)


def _open_database(con: duckdb.DuckDBPyConnection, file: str, named: Mapping[str, Sequence[str]]) -> None:
    con.execute(f"ATTACH {quoted(file)} AS judged (READ_ONLY)")
    found = con.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'judged'").fetchall()
    for schema, name in found:
        if f"{schema}.{name}" not in named:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            con.execute(f"CREATE VIEW {schema}.{name} AS FROM judged.{schema}.{name}")
