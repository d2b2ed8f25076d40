"""What waits in quarantine: the bad lines that nothing later has mended, personal values left out."""

from datetime import UTC, datetime
from typing import Any

import duckdb

from warehouse.house import House


def _register_standing(con: duckdb.DuckDBPyConnection, house: House) -> None:
    """Put which file stands for each office and month into ``standing``."""
    con.execute("CREATE OR REPLACE TEMP TABLE standing (period VARCHAR, office_code VARCHAR, source_key VARCHAR)")
    if rows := house.standing():
        con.executemany("INSERT INTO standing VALUES (?, ?, ?)", rows)


def _waiting(con: duckdb.DuckDBPyConnection, house: House) -> str:
    """Write the select of what waits: not of a file that was landed anew under its path, nor of a replaced month."""
    _register_standing(con, house)
    return f"""
    WITH newest AS (
      SELECT file AS landed_file, max_by(source_key, (sweep, source_key)) AS source_key
      FROM ({house.arrivals.relation()}) GROUP BY file
    )
    SELECT bad.* FROM ({house.quarantine.relation()}) AS bad
    WHERE bad.source_key IN (SELECT source_key FROM newest)
      AND NOT EXISTS (
        SELECT 1 FROM standing
        WHERE bad.dataset = 'participants' AND standing.period = bad.period
          AND standing.office_code = bad.office_code
        HAVING bool_and(standing.source_key <> bad.source_key)
      )"""


def waiting_lines(con: duckdb.DuckDBPyConnection, house: House) -> list[dict[str, Any]]:
    """List the quarantined lines that wait to be mended.

    Args:
        con: any connection.
        house: the lake.

    Returns:
        One entry a line, or a refused file (``line`` null): file, sheet, line, rules (codes), message_id, message_en,
        dataset. What was found is left out: it may be personal.
    """
    rows = con.execute(
        f"SELECT file, sheet, line, string_split(rules, ','), message_id, message_en, dataset "
        f"FROM ({_waiting(con, house)}) ORDER BY file, sheet, line"
    ).fetchall()
    names = ("file", "sheet", "line", "rules", "message_id", "message_en", "dataset")
    return [dict(zip(names, row, strict=True)) for row in rows]


def waiting_by_rule(con: duckdb.DuckDBPyConnection, house: House) -> list[tuple[str, str, int]]:
    """Count the quarantined lines that wait by dataset and rule."""
    broken = f"SELECT dataset, unnest(string_split(rules, ',')) AS rule, lines FROM ({_waiting(con, house)})"
    return con.execute(
        f"SELECT dataset, rule, sum(lines)::BIGINT FROM ({broken}) GROUP BY dataset, rule ORDER BY 3 DESC, 1, 2"
    ).fetchall()


def settled_files(con: duckdb.DuckDBPyConnection, house: House) -> dict[str, datetime]:
    """Give the files of which nothing waits any more, though the quarantine holds lines of them.

    Args:
        con: any connection.
        house: the lake.

    Returns:
        By sha256, when the last file arrived under the same path, or for the same office and month (in UTC).
    """
    arrivals, quarantine, waiting = house.arrivals.relation(), house.quarantine.relation(), _waiting(con, house)
    rows = con.execute(
        f"""
        WITH bad AS (SELECT DISTINCT source_key, dataset, period, office_code FROM ({quarantine})),
        arrived AS ({arrivals}),
        replaced AS (
          SELECT bad.source_key, later.arrived_at
          FROM bad JOIN arrived AS own USING (source_key) JOIN arrived AS later USING (file)
          UNION ALL
          SELECT bad.source_key, stands.arrived_at
          FROM bad JOIN standing USING (period, office_code) JOIN arrived AS stands
            ON stands.source_key = standing.source_key
          WHERE bad.dataset = 'participants'
        )
        SELECT source_key, max(arrived_at)::TIMESTAMP FROM replaced
        WHERE source_key NOT IN (SELECT source_key FROM ({waiting}))
        GROUP BY source_key"""
    ).fetchall()
    return {source_key: at.replace(tzinfo=UTC) for source_key, at in rows}
