"""What became of each membership from one month to the next: kept office by office, and joined between offices."""

from collections.abc import Iterator, Sequence

from warehouse.partials.exports import Export, read_into
from warehouse.partials.queries import query
from warehouse.partials.store import Origin, Unit
from warehouse.partials.work import Work, months_back, offices_that_differ, origin_of, quoted_list

# So many offices are joined at once, so that memory is bounded by their rows.
_OFFICES_AT_ONCE = 8


def moves_of(work: Work, month: str) -> Unit:
    """Give how the memberships of a month stood in the month before, as counts; see `tables.sql`.

    Only offices of which both months are known take part: of another one nobody can tell who left it.
    """
    earlier = months_back(month, 1)
    offices = _known_offices(work, month)
    exports = [export for each in earlier for export in work.by_month().get(each, []) if export.office_code in offices]
    scope, origin = f"moves/{month}", origin_of(work.rules(earlier), exports)
    return work.store.find(scope, origin) or _keep(work, scope, origin, exports)


def _known_offices(work: Work, month: str) -> set[str]:
    rows = work.con.execute(
        "SELECT office_code FROM steps.flow_offices WHERE as_of = month_end(?) AND has_predecessor", [month]
    ).fetchall()
    return {row[0] for row in rows}


def _keep(work: Work, scope: str, origin: Origin, exports: Sequence[Export]) -> Unit:
    near = work.store.nearest(scope, origin)
    changed = offices_that_differ(origin, near[1] if near else None)
    month = scope.rpartition("/")[2]
    work.con.execute(f"SET VARIABLE second_month = '{month}'")
    _take_over(work, near[0] if near else None, changed)
    for some in _batches(exports, changed):
        read_into(work.con, "members", some)
        work.con.execute(f"CREATE OR REPLACE TEMP TABLE paired AS {query('paired')}")
        work.con.execute(f"INSERT INTO stayed {query('stayed')}")
        work.con.execute("INSERT INTO left_over FROM paired WHERE segment_before IS NULL OR segment IS NULL")
    moves = f"FROM (FROM stayed UNION ALL {query('moved')}) ORDER BY ALL"
    tables = {"moves": moves, "stayed": "FROM stayed ORDER BY ALL", "left_over": "FROM left_over ORDER BY ALL"}
    return work.store.keep(work.con, scope, origin, tables)


def _take_over(work: Work, before: Unit | None, changed: set[str]) -> None:
    """Create the tables ``stayed`` and ``left_over`` of the offices that did not change."""
    work.con.execute(
        """CREATE OR REPLACE TEMP TABLE stayed (office_before VARCHAR, segment_before VARCHAR, active_before BOOLEAN,
          office_code VARCHAR, segment VARCHAR, is_active BOOLEAN, memberships BIGINT);
        CREATE OR REPLACE TEMP TABLE left_over (office_code VARCHAR, membership_id BLOB, segment_before VARCHAR,
          active_before BOOLEAN, segment VARCHAR, is_active BOOLEAN)"""
    )
    for table in ("stayed", "left_over") if before else ():
        relation = work.store.relation(before, table) if before else ""
        work.con.execute(
            f"INSERT INTO {table} FROM {relation} WHERE NOT list_contains({quoted_list(changed)}, office_code)"
        )


def _batches(exports: Sequence[Export], offices: set[str]) -> Iterator[list[Export]]:
    ordered = sorted(offices)
    for first in range(0, len(ordered), _OFFICES_AT_ONCE):
        some = ordered[first : first + _OFFICES_AT_ONCE]
        found = [export for export in exports if export.office_code in some]
        if found:
            yield found
