"""What waits in quarantine: the bad lines of the files that are read now, personal values left out."""

from typing import Any

import duckdb

from warehouse.house import House


def waiting_lines(con: duckdb.DuckDBPyConnection, house: House) -> list[dict[str, Any]]:
    """List the quarantined lines.

    Args:
        con: any connection.
        house: the lake.

    Returns:
        One entry a line, or a refused file (``line`` null): file, sheet, line, rules (list of codes), message_id,
        message_en, dataset. What was found is left out: it may be personal.
    """
    rows = con.execute(
        f"SELECT file, sheet, line, string_split(rules, ','), message_id, message_en, dataset "
        f"FROM ({house.quarantine.relation()}) ORDER BY file, sheet, line"
    ).fetchall()
    names = ("file", "sheet", "line", "rules", "message_id", "message_en", "dataset")
    return [dict(zip(names, row, strict=True)) for row in rows]


def waiting_by_rule(con: duckdb.DuckDBPyConnection, house: House) -> list[tuple[str, str, int]]:
    """Count the quarantined lines by dataset and rule."""
    broken = f"SELECT dataset, unnest(string_split(rules, ',')) AS rule, lines FROM ({house.quarantine.relation()})"
    return con.execute(
        f"SELECT dataset, rule, sum(lines)::BIGINT FROM ({broken}) GROUP BY dataset, rule ORDER BY 3 DESC, 1, 2"
    ).fetchall()
