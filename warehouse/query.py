"""Questions to the promoted build: `marts`, the lake as of that build (`core`), and `reference`; read only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations.schemas import quoted
from warehouse.connections import Limits, connect
from warehouse.house import House
from warehouse.publish import Publication
from warehouse.reference import load_reference, merge_landed

_EXPLAIN = re.compile(r"^\s*EXPLAIN\b(\s+ANALYZE\b|\s*\([^()]*\))?", re.IGNORECASE)


class QueryError(ValueError):
    """A question that cannot be answered: no build yet, not a select, or SQL that DuckDB refuses."""


@dataclass(frozen=True)
class Answer:
    """Columns and rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Give the rows as mappings of plain JSON values."""
        return [{name: plain(value) for name, value in zip(self.columns, row, strict=True)} for row in self.rows]


def plain(value: Any) -> Any:
    """Give a value as JSON can hold it: numbers as numbers, dates as ISO text, hashes as hexadecimal text."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case list() | tuple():
            return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return value


def ask(house: House, publication: Publication, limits: Limits, sql: str) -> Answer:
    """Answer one select.

    Args:
        house: the lake.
        publication: the published builds.
        limits: what the connection may use.
        sql: one select (or explain).

    Returns:
        Its columns and rows.

    Raises:
        QueryError: nothing is promoted yet, the statement does not only read, or DuckDB refuses it.
    """
    manifest = publication.promoted()
    if manifest is None:
        raise QueryError("nothing is promoted yet; run cakupan run first")
    with connect(limits) as con:
        _refuse_writing(con, sql)
        database = publication.fetched(manifest.build_id) / "marts.duckdb"
        con.execute(f"ATTACH {quoted(str(database))} AS build (READ_ONLY)")
        con.execute("CREATE SCHEMA marts")
        for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = 'build'").fetchall():
            con.execute(f"CREATE VIEW marts.{name} AS FROM build.{name}")
        house.attach_core(con, manifest.core_versions)
        load_reference(con)
        merge_landed(con)
        _shut_in(con, [house.root / "core", publication.builds_folder])
        try:
            cursor = con.execute(sql)
            columns = [column[0] for column in cursor.description or ()]
            return Answer(columns, cursor.fetchall())
        except duckdb.Error as error:
            raise QueryError(str(error)) from error


def _shut_in(con: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """Leave the question nothing to read but core and the builds: no raw file, no quarantine, not the machine."""
    spellings = [quoted(str(path)) for folder in folders for path in (folder, folder.absolute())]
    con.execute(f"SET allowed_directories = [{', '.join(spellings)}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _refuse_writing(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    # EXPLAIN ANALYZE runs what it explains: what is explained must be a select as well.
    explained = _EXPLAIN.sub("", sql, count=1)
    try:
        statements = con.extract_statements(explained)
    except duckdb.Error as error:
        raise QueryError(str(error)) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryError("only one SELECT at a time is answered; the warehouse is read only")
