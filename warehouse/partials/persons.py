"""Persons with several memberships: what they change in a month's counts, kept and brought up to date, always exact."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from warehouse.partials.exports import Export, read_into
from warehouse.partials.queries import query

# So many hashes are sorted at once.
_SORTED_AT_ONCE = 16_000_000
_COUNTS = ("registered", "active", "protected", "reported_registered", "reported_active", "reported_protected")
_KEYS = "kind, code, segment, status_rule"
# Of carried memberships one counts, and none that an office reports itself.
_DROPPED = "QUALIFY is_carried AND row_number() OVER (PARTITION BY membership_id ORDER BY file_rank) > 1"


@dataclass(frozen=True)
class Counted:
    """A data file that counts in a month: its own export, or an earlier one that stands in for a missing one."""

    export: Export
    is_carried: bool


@dataclass(frozen=True)
class Before:
    """What was counted of another list of data files: selects of ``shared`` and ``dropped``, and the files."""

    shared: str
    dropped: str
    counted: Sequence[Counted]


Tables = dict[str, str]


def count_persons(con: duckdb.DuckDBPyConnection, counted: Sequence[Counted]) -> Tables:
    """Find the persons with several memberships among data files.

    Args:
        con: a connection with ``partials.rules`` and the table ``kanwil`` (office_code, kanwil_code).
        counted: the data files of a month; at least one.

    Returns:
        Selects of the tables ``shared`` (see `shared.sql`) and ``dropped``: carried memberships that do not count.
    """
    _list_files(con, counted)
    exports = [one.export for one in counted]
    _choose(con, exports, "false")
    con.execute(f"CREATE OR REPLACE TEMP TABLE dropped AS {query('held')}")
    if any(one.is_carried for one in counted):
        _choose(con, exports, _is_among_the_twice(con, "membership_id"))
        con.execute(f"CREATE OR REPLACE TEMP TABLE dropped AS {query('held')} {_DROPPED}")
    _choose(con, exports, _is_among_the_twice(con, "person_id"))
    con.execute(f"CREATE OR REPLACE TEMP TABLE found AS {query('held')}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE shared AS {_shared(con, 'FROM found', 'dropped')}")
    return _tables()


def recount_persons(con: duckdb.DuckDBPyConnection, counted: Sequence[Counted], before: Before) -> Tables:
    """Bring the counts of another list of data files up to date: only persons of files that differ are looked at.

    Args:
        con: as for `count_persons`.
        counted: the data files of the month; at least one.
        before: what was counted of another list, whose data files can still be read.

    Returns:
        As `count_persons` gives it.
    """
    now, then = {one.export.key: one for one in counted}, {one.export.key: one for one in before.counted}
    kept = [one.export for key, one in now.items() if key in then]
    gone = [one.export for key, one in then.items() if key not in now]
    fresh = [one.export for key, one in now.items() if key not in then]
    _list_files(con, (now | then).values())
    read_into(con, "touched", [*gone, *fresh])
    con.execute(f"CREATE OR REPLACE TEMP TABLE dropped_before AS {before.dropped}")
    _drop_again(con, [one.export for one in counted], any(one.is_carried for one in (now | then).values()))
    con.execute(
        """CREATE OR REPLACE TEMP TABLE persons AS
        SELECT person_id FROM touched
        UNION SELECT person_id FROM (FROM dropped EXCEPT FROM dropped_before)
        UNION SELECT person_id FROM (FROM dropped_before EXCEPT FROM dropped)"""
    )
    _choose(con, kept, "person_id IN (SELECT person_id FROM persons)")
    con.execute(f"CREATE OR REPLACE TEMP TABLE found AS {query('held')}")
    for side, exports in (("found_before", gone), ("found_now", fresh)):
        _find_beside(con, side, exports)
    was = _shared(con, "FROM found UNION ALL FROM found_before", "dropped_before")
    is_now = _shared(con, "FROM found UNION ALL FROM found_now", "dropped")
    con.execute(f"CREATE OR REPLACE TEMP TABLE shared AS {_sum([(1, before.shared), (-1, was), (1, is_now)])}")
    return _tables()


def _tables() -> Tables:
    return {"shared": "FROM shared ORDER BY ALL", "dropped": "FROM dropped ORDER BY file, membership_id"}


def _list_files(con: duckdb.DuckDBPyConnection, counted: Iterable[Counted]) -> None:
    """Create ``counted_files``: an own export ranks before a carried one, a newer before an older, then by office."""
    ordered = sorted(counted, key=lambda one: one.export.office_code)
    ordered = sorted(ordered, key=lambda one: one.export.period, reverse=True)
    ordered = sorted(ordered, key=lambda one: one.is_carried)
    columns = [[one.export.path for one in ordered], [one.export.key for one in ordered]]
    carried = [one.is_carried for one in ordered]
    con.execute(
        "CREATE OR REPLACE TEMP TABLE counted_files AS SELECT unnest($1::VARCHAR[]) AS path, "
        "unnest($2::VARCHAR[]) AS file, unnest($3::BOOLEAN[]) AS is_carried, unnest(range($4)) AS rank",
        [*columns, carried, len(ordered)],
    )


def _choose(con: duckdb.DuckDBPyConnection, exports: Sequence[Export], condition: str) -> None:
    """Create the view ``chosen``: the rows of some data files that meet a condition."""
    if exports:
        read_into(con, "members", exports)
    con.execute(f"CREATE OR REPLACE TEMP VIEW chosen AS FROM members WHERE {condition if exports else 'false'}")


def _is_among_the_twice(con: duckdb.DuckDBPyConnection, column: str) -> str:
    """Write the condition that an identifier may stand twice in ``members``: its hash does.

    Sorting eight bytes an identifier takes a fifth of the time and memory of grouping by the identifiers.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE twice (hash UBIGINT)")
    for hashes in _hashes(con, column):
        ordered = hashes.sort()
        con.register("repeated", ordered.filter(ordered == ordered.shift(1)).unique().to_frame("hash"))
        con.execute("INSERT INTO twice FROM repeated")
        con.unregister("repeated")
    return f"hash({column}) IN (SELECT hash FROM twice)"


def _hashes(con: duckdb.DuckDBPyConnection, column: str) -> Iterator[pl.Series]:
    rows = con.execute("SELECT count(*) FROM members").fetchall()[0][0]
    parts = rows // _SORTED_AT_ONCE + 1
    for part in range(parts):
        where = f"WHERE hash({column}) % {parts} = {part}" if parts > 1 else ""
        yield con.sql(f"SELECT hash({column}) AS hash FROM members {where}").pl()["hash"]


def _drop_again(con: duckdb.DuckDBPyConnection, exports: Sequence[Export], any_carried: bool) -> None:
    """Create ``dropped`` of what was dropped before, and of the memberships in ``touched``."""
    con.execute("CREATE OR REPLACE TEMP TABLE dropped AS FROM dropped_before")
    if any_carried:
        con.execute("CREATE OR REPLACE TEMP TABLE memberships AS SELECT DISTINCT membership_id FROM touched")
        con.execute("DELETE FROM dropped WHERE membership_id IN (FROM memberships)")
        _choose(con, exports, "membership_id IN (FROM memberships)")
        con.execute(f"INSERT INTO dropped {query('held')} {_DROPPED}")


def _find_beside(con: duckdb.DuckDBPyConnection, table: str, exports: Sequence[Export]) -> None:
    """Create a table of the memberships in data files of those who have another one there or in ``found``."""
    _choose(
        con,
        exports,
        "person_id IN (SELECT person_id FROM found UNION ALL "
        "SELECT person_id FROM members GROUP BY person_id HAVING count(*) > 1)",
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query('held')}")


def _shared(con: duckdb.DuckDBPyConnection, rows: str, dropped: str) -> str:
    """Count what persons change; gives the select of a table of it."""
    con.execute(f"CREATE OR REPLACE TEMP VIEW held AS FROM ({rows}) ANTI JOIN {dropped} USING (file, membership_id)")
    con.execute(f"CREATE OR REPLACE TEMP TABLE of_{dropped} AS {_sum([(1, query('shared'))])}")
    return f"FROM of_{dropped}"


def _sum(parts: Sequence[tuple[int, str]]) -> str:
    """Add and subtract counts, by their keys; what has come to nothing is left out."""
    signed = " UNION ALL ".join(
        f"SELECT {_KEYS}, {', '.join(f'{sign} * {count} AS {count}' for count in _COUNTS)} FROM ({select})"
        for sign, select in parts
    )
    sums = ", ".join(f"CAST(sum({count}) AS BIGINT) AS {count}" for count in _COUNTS)
    nothing = " AND ".join(f"sum({count}) = 0" for count in _COUNTS)
    return f"SELECT {_KEYS}, {sums} FROM ({signed}) GROUP BY ALL HAVING NOT ({nothing})"
