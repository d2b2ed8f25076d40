"""Cohorts: who was registered in which month, and who of them is still there in later months."""

from collections.abc import Mapping, Sequence

from warehouse.partials.exports import Export, read_into
from warehouse.partials.queries import query
from warehouse.partials.store import Origin, Unit
from warehouse.partials.work import Work, months_back, origin_of, quoted_list

# A cohort is followed for two years.
MONTHS_FOLLOWED = 24
_STARTED = (
    "SELECT channel, funding, is_active, count(*) AS memberships FROM made "
    "GROUP BY channel, funding, is_active ORDER BY ALL"
)


def starters_of(work: Work, month: str) -> Unit:
    """Give the memberships of a month's cohort, by data file."""
    exports = work.by_month()[month]
    scope, origin = f"starters/{month}", origin_of(work.rules([month]), exports)
    found = work.store.find(scope, origin)
    return found or work.keep_by_file(scope, origin, exports, "starters", {"started": _STARTED})


def retained_of(work: Work, month: str) -> Unit:
    """Give how many of each earlier cohort are in a month's exports, by pairs of data files.

    What two data files say together never changes, so that only pairs with a new one are joined.
    """
    by_month = work.by_month()
    earlier = [each for each in months_back(month, MONTHS_FOLLOWED)[:-1] if each in by_month]
    starts = [export for each in earlier for export in by_month[each]]
    decides = work.rules([month, *earlier])
    scope, origin = f"retained/{month}", origin_of(decides, [*starts, *by_month[month]])
    return work.store.find(scope, origin) or _keep(work, scope, origin, earlier)


def _keep(work: Work, scope: str, origin: Origin, earlier: Sequence[str]) -> Unit:
    near = work.store.nearest(scope, origin)
    known = set(near[1].files if near else ()).intersection(origin.files)
    started = {each: starters_of(work, each) for each in earlier}
    work.con.execute(
        """CREATE OR REPLACE TEMP TABLE made (start_file VARCHAR, acquired_in VARCHAR, channel VARCHAR,
          funding VARCHAR, file VARCHAR, is_active BOOLEAN, memberships BIGINT)"""
    )
    if near:
        relation, both = work.store.relation(near[0], "pairs"), quoted_list(known)
        work.con.execute(
            f"INSERT INTO made FROM {relation} WHERE list_contains({both}, start_file) AND list_contains({both}, file)"
        )
    exports = work.by_month()[scope.rpartition("/")[2]]
    _join(work, started, [export for export in exports if export.key not in known], set())
    _join(work, started, [export for export in exports if export.key in known], known)
    sums = "SELECT acquired_in, channel, funding, is_active, CAST(sum(memberships) AS BIGINT) AS memberships"
    tables = {"pairs": "FROM made ORDER BY ALL", "retained": f"{sums} FROM made GROUP BY ALL ORDER BY ALL"}
    return work.store.keep(work.con, scope, origin, tables)


def _join(work: Work, started: Mapping[str, Unit], exports: Sequence[Export], without: set[str]) -> None:
    """Join data files of a month with those of cohorts that start in other data files than those known already."""
    by_month = work.by_month()
    wanted = [each for each in started if any(export.key not in without for export in by_month[each])]
    if not exports or not wanted:
        return
    parts = [
        f"SELECT '{each}' AS acquired_in, * FROM {work.store.relation(started[each], 'starters')}" for each in wanted
    ]
    condition = f"NOT list_contains({quoted_list(without)}, file)" if without else "true"
    work.con.execute(f"CREATE OR REPLACE TEMP VIEW cohorts AS FROM ({' UNION ALL '.join(parts)}) WHERE {condition}")
    read_into(work.con, "members", exports)
    work.con.execute(f"INSERT INTO made {query('retained')}")
