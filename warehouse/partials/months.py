"""What is kept of each month by itself: its cells, and what persons with several memberships change in its counts."""

from collections.abc import Sequence

from warehouse.partials.persons import Before, Counted, count_persons, recount_persons
from warehouse.partials.store import Origin, Unit
from warehouse.partials.work import Work, months_back, origin_of

# Months that may stand in for a missing one: at most three months old.
_CARRIED_MONTHS = 3


def cells_of(work: Work, month: str) -> Unit:
    """Give the counts of a month's data files, see `cells.sql`."""
    exports = work.by_month()[month]
    scope, origin = f"cells/{month}", origin_of(work.rules([month]), exports)
    return work.store.find(scope, origin) or work.keep_by_file(scope, origin, exports, "cells")


def persons_of(work: Work, month: str) -> Unit:
    """Give what persons with several memberships change in a month's counts, see `shared.sql`."""
    counted = _counted(work, month)
    decides = work.rules(months_back(month, _CARRIED_MONTHS)) + repr(_kanwil(work, month, counted))
    scope, origin = f"persons/{month}", origin_of(decides, [one.export for one in counted])
    return work.store.find(scope, origin) or _keep_persons(work, scope, origin, counted)


def _keep_persons(work: Work, scope: str, origin: Origin, counted: Sequence[Counted]) -> Unit:
    before = _before(work, scope, origin, counted)
    tables = recount_persons(work.con, counted, before) if before else count_persons(work.con, counted)
    return work.store.keep(work.con, scope, origin, tables)


def _before(work: Work, scope: str, origin: Origin, counted: Sequence[Counted]) -> Before | None:
    """Give what was counted of a list of data files that differs little, if all of those can still be read."""
    near = work.store.nearest(scope, origin)
    if near is None:
        return None
    unit, of = near
    month = scope.rpartition("/")[2]
    now = {one.export.key: one.export for one in counted}
    found = [now[key] if key in now else work.find(key) for key in of.files]
    then = [Counted(export, is_carried=export.period != month) for export in found if export is not None]
    if len(then) < len(of.files):
        return None
    shared, dropped = (f"FROM {work.store.relation(unit, table)}" for table in ("shared", "dropped"))
    return Before(shared, dropped, then)


def _counted(work: Work, month: str) -> list[Counted]:
    """Give the data files that count in a month: its own, and those that stand in for offices that are late."""
    rows = work.con.execute(
        "SELECT office_code, strftime(carried_as_of, '%Y-%m') FROM steps.office_reports "
        "WHERE carried_as_of IS NOT NULL AND as_of = month_end(?)",
        [month],
    ).fetchall()
    carried = set(rows)
    own = [Counted(export, is_carried=False) for export in work.by_month()[month]]
    return own + [Counted(e, is_carried=True) for e in work.exports if (e.office_code, e.period) in carried]


def _kanwil(work: Work, month: str, counted: Sequence[Counted]) -> list[tuple[str, str | None]]:
    """Create ``kanwil``, the Kanwil of every office that counts at a month's end, and give it."""
    work.con.execute(
        "CREATE OR REPLACE TEMP TABLE kanwil AS SELECT office_code, kanwil_code FROM steps.office_versions "
        "WHERE as_of = month_end($1) AND office_code IN (SELECT unnest($2::VARCHAR[]))",
        [month, sorted({one.export.office_code for one in counted})],
    )
    return work.con.execute("FROM kanwil ORDER BY ALL").fetchall()
