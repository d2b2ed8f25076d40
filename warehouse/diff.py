"""What changed between two builds: rows that came, went or differ, by mart, and the biggest moves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from expectations.contracts import Contract, load_contracts
from expectations.schemas import quoted
from warehouse.assemble import published_tables
from warehouse.connections import first_value

BIGGEST = 20
# The figures whose moves are worth naming, each with the column that tells where it comes from.
_FIGURES = {
    "coverage": {"numerator": "source_key", "denominator": "denominator_vintage"},
    "labour_series": {"value": "vintage"},
    "target_attainment": {"actual": "source_key", "target": "source_key"},
}


def diff_builds(con: duckdb.DuckDBPyConnection, before: Path | None, after: Path) -> dict[str, Any]:
    """Compare the Parquet files of two builds.

    Args:
        con: any connection.
        before: the older build's folder; null for the first build.
        after: the newer build's folder.

    Returns:
        By mart: rows before and after, how many came, went and changed, columns that came or went; `months`: how many
        figures of each published month moved and why; `moves`: the biggest, with their keys. A cause names the column
        that changed with it: `denominator_vintage 2025-11-05 -> 2026-02-01` is a revision by BPS, `source_key …`
        another file, `value_status …` a figure that became or ceased to be disputed, `another value of the same …` a
        correction that calls itself the same; `inputs` is none of these: other exports of participants.
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
            "months": [],
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
        **_what_moved(con, contract, same),
    }


def _what_moved(con: duckdb.DuckDBPyConnection, contract: Contract, same: str) -> dict[str, Any]:
    if contract.name not in _FIGURES:
        return {"months": [], "moves": []}
    _changes(con, contract, same)
    return {"months": _months(con), "moves": _moves(con, contract)}


def _count(con: duckdb.DuckDBPyConnection, source: str) -> int:
    return first_value(con, f"SELECT count(*) FROM {source}")


def _columns(con: duckdb.DuckDBPyConnection, view: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {view}").fetchall()]


def _changes(con: duckdb.DuckDBPyConnection, contract: Contract, same: str) -> None:
    """Put every figure that moved into ``changes``: the key, figure, before, after, and the cause."""
    keys = ", ".join(f"n.{key}" for key in contract.key)
    parts = [
        f"SELECT {keys}, {quoted(figure)} AS figure, o.{figure} AS before, n.{figure} AS after, "
        f"{_cause(origin)} AS cause FROM new_rows AS n JOIN old_rows AS o ON {same} "
        f"WHERE o.{figure} IS DISTINCT FROM n.{figure}"
        for figure, origin in _FIGURES[contract.name].items()
    ]
    con.execute(f"CREATE OR REPLACE TEMP TABLE changes AS {' UNION ALL '.join(parts)}")


def _cause(origin: str) -> str:
    """Give the expression that says why a figure moved: its origin is another, or what it is worth changed."""
    said = " ".join(
        f"WHEN o.{name} IS DISTINCT FROM n.{name} THEN "
        f"concat('{name} ', coalesce(o.{name}::VARCHAR, '-'), ' -> ', coalesce(n.{name}::VARCHAR, '-'))"
        for name in (origin, "value_status")
    )
    same = f"WHEN n.{origin} IS NOT NULL THEN 'another value of the same {origin}'"
    return f"CASE {said} {same} ELSE 'inputs' END"


def _moves(con: duckdb.DuckDBPyConnection, contract: Contract) -> list[dict[str, Any]]:
    keys = ", ".join(contract.key)
    rows = con.execute(
        f"SELECT {keys}, figure, before, after, cause FROM changes "
        f"ORDER BY abs(coalesce(after, 0) - coalesce(before, 0)) DESC, {keys}, figure LIMIT {BIGGEST}"
    ).fetchall()
    return [_named((*contract.key, "figure", "before", "after", "cause"), row) for row in rows]


def _months(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Count the moves by the month that they change, the figure and the cause: no published month moves unsaid."""
    rows = con.execute(
        "SELECT as_of, figure, cause, count(*) FROM changes GROUP BY as_of, figure, cause "
        "ORDER BY as_of DESC, count(*) DESC, figure, cause"
    ).fetchall()
    return [_named(("as_of", "figure", "cause", "rows"), row) for row in rows]


def _named(names: Sequence[str], row: tuple[Any, ...]) -> dict[str, Any]:
    values = (value if isinstance(value, int | None) else str(value) for value in row)
    return dict(zip(names, values, strict=True))
