"""What changed between two builds: rows that came, went or differ, by mart, and the biggest moves."""

from pathlib import Path
from typing import Any

import duckdb

from expectations.contracts import Contract, load_contracts
from expectations.schemas import quoted
from warehouse.assemble import published_tables
from warehouse.connections import first_value

BIGGEST = 20
# The figure whose moves are worth naming, for each mart that has one.
_FIGURES = {"coverage": "numerator", "target_attainment": "actual"}


def diff_builds(con: duckdb.DuckDBPyConnection, before: Path | None, after: Path) -> dict[str, Any]:
    """Compare the Parquet files of two builds.

    Args:
        con: any connection.
        before: the older build's folder; null for the first build.
        after: the newer build's folder.

    Returns:
        By mart: rows before and after, how many came, went and changed, columns that came or went, and the biggest
        moves of the mart's figure with their keys.
    """
    tables = {name: _diff_table(con, load_contracts()[name], before, after) for name in published_tables()}
    return {"before": before.name if before else None, "after": after.name.removeprefix("."), "tables": tables}


def _diff_table(con: duckdb.DuckDBPyConnection, contract: Contract, before: Path | None, after: Path) -> dict[str, Any]:
    new = after / "marts" / f"{contract.name}.parquet"
    old = before / "marts" / f"{contract.name}.parquet" if before else None
    rows_after = _count(con, f"read_parquet({quoted(str(new))})")
    if old is None or not old.is_file():
        return {
            "rows_before": 0,
            "rows_after": rows_after,
            "came": rows_after,
            "went": 0,
            "changed": 0,
            "moves": [],
        }
    con.execute(f"CREATE OR REPLACE TEMP VIEW old_rows AS FROM read_parquet({quoted(str(old))})")
    con.execute(f"CREATE OR REPLACE TEMP VIEW new_rows AS FROM read_parquet({quoted(str(new))})")
    columns_old, columns_new = _columns(con, "old_rows"), _columns(con, "new_rows")
    shared = [name for name in columns_new if name in columns_old and name not in contract.key]
    same = " AND ".join(f"o.{key} IS NOT DISTINCT FROM n.{key}" for key in contract.key)
    differ = " OR ".join(f"o.{name} IS DISTINCT FROM n.{name}" for name in shared) or "false"
    return {
        "rows_before": _count(con, "old_rows"),
        "rows_after": rows_after,
        "came": _count(con, f"new_rows AS n WHERE NOT EXISTS (SELECT 1 FROM old_rows AS o WHERE {same})"),
        "went": _count(con, f"old_rows AS o WHERE NOT EXISTS (SELECT 1 FROM new_rows AS n WHERE {same})"),
        "changed": _count(con, f"new_rows AS n JOIN old_rows AS o ON {same} WHERE {differ}"),
        "columns_came": [name for name in columns_new if name not in columns_old],
        "columns_went": [name for name in columns_old if name not in columns_new],
        "moves": _moves(con, contract, same),
    }


def _count(con: duckdb.DuckDBPyConnection, source: str) -> int:
    return first_value(con, f"SELECT count(*) FROM {source}")


def _columns(con: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {view}").fetchall()]


def _moves(con: duckdb.DuckDBPyConnection, contract: Contract, same: str) -> list[dict[str, Any]]:
    figure = _FIGURES.get(contract.name)
    if figure is None:
        return []
    keys = ", ".join(f"n.{key}" for key in contract.key)
    rows = con.execute(
        f"SELECT {keys}, o.{figure} AS before_, n.{figure} AS after_ FROM new_rows AS n JOIN old_rows AS o ON {same} "
        f"WHERE o.{figure} IS DISTINCT FROM n.{figure} "
        f"ORDER BY abs(coalesce(n.{figure}, 0) - coalesce(o.{figure}, 0)) DESC, {keys} LIMIT {BIGGEST}"
    ).fetchall()
    return [_move(contract, row) for row in rows]


def _move(contract: Contract, row: tuple[Any, ...]) -> dict[str, Any]:
    names = (*contract.key, "before", "after")
    return {
        name: value if isinstance(value, int | None) else str(value) for name, value in zip(names, row, strict=True)
    }
