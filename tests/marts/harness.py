"""Runs a data-only case: tables in, the marts' own SQL, rows out."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import yaml

from expectations.contracts import Field, contracts_of, load_contracts
from expectations.schemas import sql_type
from tests.support import refresh_from_table
from warehouse.assemble import assemble
from warehouse.reference import load_reference, merge_landed

Row = dict[str, Any]
TOLERANCE = 1e-4
_DEFAULTS: Row = {"value_status": "final", "source_key": "case"}


def read_case(folder: Path) -> Row:
    """Read ``case.yml``: why, as_of, reference and core tables, expect, absent, rows."""
    return yaml.safe_load((folder / "case.yml").read_text(encoding="utf-8"))


def run_case(case: Row, mart: str | None = None) -> duckdb.DuckDBPyConnection:
    """Fill core and reference as the case says and assemble one mart, or all."""
    con = duckdb.connect(":memory:", config={"threads": 1})
    load_reference(con)
    for table, rows in case.get("reference", {}).items():
        con.execute(f"DELETE FROM reference.{table}")
        _insert(con, f"reference.{table}", rows, {})
    _create_core(con)
    for table, rows in case.get("core", {}).items():
        _insert(con, f"core.{table}", _filled(table, rows), {})
    merge_landed(con)
    refresh_from_table(con, _as_date(case["as_of"]))
    assemble(con, _as_date(case["as_of"]), None if mart is None else [mart])
    return con


def _as_date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _create_core(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE SCHEMA core")
    for name, contract in contracts_of("dataset").items():
        columns = ", ".join(f"{f.name} {sql_type(f.column.type)}" for f in contract.core_fields)
        con.execute(f"CREATE TABLE core.{name} ({columns})")


def _filled(table: str, rows: Sequence[Row]) -> list[Row]:
    contract = load_contracts()[table]
    names = {f.name for f in contract.core_fields}
    defaults = {**contract.defaults, **{k: v for k, v in _DEFAULTS.items() if k in names}}
    return [_with_place({**defaults, **row}, contract.core_fields) for row in rows]


def _with_place(row: Row, fields: Sequence[Field]) -> Row:
    if "place_code" in {f.name for f in fields} and "place_code" not in row:
        row["place_code"] = row.get("village_code") or row.get("region_code") or row.get("office_code")
    for identifier in ("person_id", "membership_id"):
        if isinstance(row.get(identifier), str):
            row[identifier] = row[identifier].encode()
    return row


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Row], defaults: Mapping[str, Any]) -> None:
    for row in rows:
        full = {**defaults, **row}
        marks = ", ".join("?" for _ in full)
        con.execute(f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})", list(full.values()))


def matching(con: duckdb.DuckDBPyConnection, mart: str, wanted: Row) -> list[Row]:
    """Find the mart's rows that agree with ``wanted`` on the columns of the grain that it names."""
    named = [key for key in load_contracts()[mart].key if key in wanted]
    where = " AND ".join(f"{key} = ?" for key in named) or "true"
    relation = con.execute(f"SELECT * FROM marts.{mart} WHERE {where}", [wanted[key] for key in named])
    columns = [d[0] for d in relation.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in relation.fetchall()]


def differences(row: Row, wanted: Row) -> dict[str, tuple[Any, Any]]:
    """Give the columns on which a row differs from what is wanted, as (found, wanted)."""
    return {
        name: (row.get(name, "no such column"), value)
        for name, value in wanted.items()
        if not _equal(row.get(name, "no such column"), value)
    }


def _equal(found: Any, wanted: Any) -> bool:
    if found is None or wanted is None or isinstance(wanted, bool):
        return found is wanted
    if isinstance(wanted, (int, float)):
        return not isinstance(found, str) and abs(float(found) - wanted) <= TOLERANCE
    return str(found) == str(wanted)
