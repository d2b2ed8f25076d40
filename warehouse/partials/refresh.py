"""Brings the partial aggregates up to date with core: what is kept is read, what differs is made, and kept in turn."""

from collections.abc import Mapping
from datetime import date

import duckdb

from warehouse.assemble import FOLDER, assemble_steps
from warehouse.house import House
from warehouse.partials.arrivals import arrivals_of
from warehouse.partials.cohorts import retained_of, starters_of
from warehouse.partials.exports import Export, list_exports
from warehouse.partials.months import cells_of, persons_of
from warehouse.partials.moves import moves_of
from warehouse.partials.queries import query
from warehouse.partials.store import FOLDER as PARTIALS
from warehouse.partials.store import Store
from warehouse.partials.work import Work

# What decides which data files count where.
_STEPS = ("office_reports", "office_versions", "flow_offices")


def refresh_partials(con: duckdb.DuckDBPyConnection, house: House, versions: Mapping[str, int], as_of: date) -> None:
    """Bring the partial aggregates of a lake up to date; see `refresh`.

    Args:
        con: a connection with schemas ``core`` and ``reference``.
        house: the lake.
        versions: the versions of its core tables.
        as_of: the business date.
    """
    exports = [Export.at(path) for path in house.core_files(dict(versions))["participants"]]
    table = house.core("participants")

    def find(key: str) -> Export | None:
        try:
            table.place.pull([key])
        except FileNotFoundError:
            return None
        return Export(key, str((table.root / key).absolute()))

    refresh(Work(con, Store(house.place.below(PARTIALS)), exports, find), as_of)


def refresh(work: Work, as_of: date) -> None:
    """Create schema ``partials``, which steps and marts read instead of all rows of participants (see `tables.sql`).

    Args:
        work: the connection, what is kept, and the data files.
        as_of: the business date.

    Raises:
        duckdb.Error: an aggregate cannot be computed.
        DiskError: the disk does not take what is kept.
    """
    work.store.open()
    work.con.execute(query("tables"))
    list_exports(work.con, work.exports)
    work.con.execute((FOLDER / "macros.sql").read_text(encoding="utf-8"))
    work.con.execute(f"CREATE OR REPLACE TABLE partials.rules AS {query('rules')}")
    work.load({month: cells_of(work, month) for month in work.by_month()})
    work.con.execute(f"CREATE OR REPLACE TABLE partials.exports AS {query('exports')}")
    assemble_steps(work.con, as_of, _STEPS)
    months = _reported_months(work.con)
    for kept_of in (persons_of, moves_of, starters_of, retained_of):
        work.load({month: kept_of(work, month) for month in months})
    work.load({"": arrivals_of(work, months)})
    work.store.save(work.by_month().keys())


def _reported_months(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute("SELECT DISTINCT strftime(as_of, '%Y-%m') FROM steps.office_reports ORDER BY 1").fetchall()
    return [row[0] for row in rows]
