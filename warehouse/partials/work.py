"""What every kind of partial aggregate needs: the connection, what is kept, the data files, and digests of inputs."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

import duckdb

from warehouse.assemble import FOLDER
from warehouse.partials.exports import Export, read_into
from warehouse.partials.queries import query
from warehouse.partials.store import Origin, Store, Unit


@dataclass(frozen=True)
class Work:
    """What a refresh works with.

    Attributes:
        con: a connection with schemas ``core`` and ``reference``.
        store: what is kept.
        exports: the data files of participants.
        find: gives a data file of an earlier version by its key; null where it is gone.
    """

    con: duckdb.DuckDBPyConnection
    store: Store
    exports: Sequence[Export]
    find: Callable[[str], Export | None]

    def by_month(self) -> dict[str, list[Export]]:
        """Give the data files of each month, in the order of the months."""
        ordered = sorted(self.exports, key=lambda export: (export.period, export.key))
        return {month: list(group) for month, group in groupby(ordered, key=lambda export: export.period)}

    def load(self, units: Mapping[str, Unit]) -> None:
        """Add what is kept of some months to the tables of ``partials``, as far as those want it."""
        wanted = {row[0] for row in self.con.execute("SHOW TABLES FROM partials").fetchall()}
        for table in sorted(wanted.intersection(*(unit.tables for unit in units.values()))) if units else ():
            columns = ", ".join(row[0] for row in self.con.execute(f"DESCRIBE partials.{table}").fetchall())
            rows = " UNION ALL ".join(
                f"SELECT {columns} FROM (SELECT '{month}' AS month, * FROM {self.store.relation(unit, table)})"
                for month, unit in units.items()
            )
            self.con.execute(f"INSERT INTO partials.{table} BY NAME {rows}")

    def rules(self, months: Iterable[str]) -> str:
        """Write the rules of grace that hold in some months, as part of what decides an aggregate."""
        rows = self.con.execute("FROM partials.rules ORDER BY ALL").fetchall()
        wanted = set(months)
        return repr([row for row in rows if row[0] in wanted])

    def keep_by_file(
        self, scope: str, origin: Origin, exports: Sequence[Export], table: str, also: Mapping[str, str] | None = None
    ) -> Unit:
        """Keep a table whose rows each come from one data file: those of files read before are taken over.

        Args:
            scope: what it is about; its query stands in ``<table>.sql``.
            origin: what it is made from.
            exports: the data files.
            table: its name.
            also: selects from the table, ``made``, that are kept under names of their own.
        """
        before = self.store.nearest(scope, origin)
        known = set(before[1].files) if before else set[str]()
        fresh = [export for export in exports if export.key not in known]
        read_into(self.con, "members", fresh or exports[:1])
        nothing = "" if fresh else " LIMIT 0"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE made AS FROM ({query(table)}){nothing}")
        if before:
            relation = self.store.relation(before[0], table)
            self.con.execute(f"INSERT INTO made FROM {relation} WHERE file IN (SELECT file FROM partials.files)")
        return self.store.keep(self.con, scope, origin, {table: "FROM made ORDER BY ALL", **(also or {})})


def origin_of(decides: str, exports: Iterable[Export]) -> Origin:
    """Give what an aggregate is made from.

    Args:
        decides: all that decides it beside the data files and the code.
        exports: the data files.
    """
    of = hashlib.sha256(f"{_code_digest()}\n{decides}".encode()).hexdigest()
    return Origin(of, tuple(sorted(export.key for export in exports)))


@cache
def _code_digest() -> str:
    digest = hashlib.sha256(duckdb.__version__.encode())
    for path in [FOLDER / "macros.sql", *sorted(Path(__file__).parent.glob("*.*"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def months_back(month: str, count: int) -> list[str]:
    """Give a month and so many before it, oldest first."""
    number = int(month[:4]) * 12 + int(month[5:]) - 1
    return [f"{earlier // 12:04}-{earlier % 12 + 1:02}" for earlier in range(number - count, number + 1)]


def offices_that_differ(origin: Origin, before: Origin | None) -> set[str]:
    """Give the offices of the data files in which two lists differ; all of the first, where there is no second."""
    differing = set(origin.files).symmetric_difference(before.files if before else ())
    return {Export(key, "").office_code for key in differing}


def quoted_list(values: Mapping[str, object] | Iterable[str]) -> str:
    """Write texts as a list in SQL."""
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in sorted(values)) + "]::VARCHAR[]"
