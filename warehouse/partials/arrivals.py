"""Arrivals: memberships that an office's exports hold for the first time, which depends on all its months."""

from collections.abc import Sequence

from warehouse.partials.exports import Export, read_into
from warehouse.partials.queries import query
from warehouse.partials.store import Origin, Unit
from warehouse.partials.work import Work, offices_that_differ, origin_of, quoted_list

_SCOPE = "arrivals"


def arrivals_of(work: Work, months: Sequence[str]) -> Unit:
    """Give the arrivals of all offices over some months, see `arrivals.sql`; an office that changed is counted anew."""
    exports = [export for month, found in work.by_month().items() if month in months for export in found]
    origin = origin_of("", exports)
    return work.store.find(_SCOPE, origin) or _keep(work, origin, exports)


def _keep(work: Work, origin: Origin, exports: Sequence[Export]) -> Unit:
    near = work.store.nearest(_SCOPE, origin)
    changed = offices_that_differ(origin, near[1] if near else None)
    work.con.execute("CREATE OR REPLACE TEMP TABLE made AS FROM partials.arrivals LIMIT 0")
    if near:
        relation = work.store.relation(near[0], "arrivals")
        work.con.execute(
            f"INSERT INTO made FROM {relation} WHERE NOT list_contains({quoted_list(changed)}, office_code)"
        )
    for office in sorted(changed.intersection(export.office_code for export in exports)):
        read_into(work.con, "members", [export for export in exports if export.office_code == office])
        work.con.execute(f"INSERT INTO made {query('arrivals')}")
    return work.store.keep(work.con, _SCOPE, origin, {"arrivals": "FROM made ORDER BY ALL"})
