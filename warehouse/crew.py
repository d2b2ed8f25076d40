"""The crew that reads files side by side: each member has a connection of its own, none sees what another does."""

import contextvars
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from typing import Protocol

import duckdb
import pyarrow as pa

from sources.landing import LandedFile
from warehouse.file_loading import Sweep, load_once, load_step
from warehouse.load import LoadedFile, Loader
from warehouse.pending import Pending

# The tables of a member that hold rows of what it has read.
_TABLES = ("bad_rows", "incoming")


@dataclass(frozen=True)
class ReadFile:
    """One file as a member of the crew has read it, with the rows that are still to be committed."""

    loaded: LoadedFile
    rows: dict[str, pa.Table] = field(default_factory=dict[str, pa.Table])

    def put_down(self, con: duckdb.DuckDBPyConnection) -> LoadedFile:
        """Add the rows to ``bad_rows`` and ``incoming`` of a connection, and give the file."""
        for table, rows in self.rows.items():
            con.register("brought", rows)
            con.execute(f"INSERT INTO {table} BY NAME FROM brought")
            con.unregister("brought")
        return self.loaded


class Crew(Protocol):
    """Who reads the files of one dataset, many at a time, and gives them in their order; see `read_side_by_side`."""

    def __call__(
        self, sweep: Sweep, loader: Loader, files: Sequence[LandedFile], circumstances: str, /
    ) -> Iterator[ReadFile]:
        """Read the files; what they brought is in ``sweep.con`` once a `ReadFile` is put down."""
        ...


@dataclass(frozen=True)
class Member:
    """Who reads one file at a time."""

    sweep: Sweep
    loader: Loader
    pending: Pending

    def read(self, landed: LandedFile) -> ReadFile:
        """Read a file as a step, and take its rows out of this member's tables."""
        return self._brought(load_step(self.sweep, self.loader, landed, self.pending))

    def read_again(self, landed: LandedFile) -> ReadFile:
        """Read a file anew, whatever waits of it, and take its rows out of this member's tables."""
        return self._brought(load_once(self.sweep, self.loader, landed))

    def _brought(self, loaded: LoadedFile) -> ReadFile:
        return ReadFile(loaded, {table: rows for table in _TABLES if (rows := self._taken(table)).num_rows})

    def _taken(self, table: str) -> pa.Table:
        rows = self.sweep.con.sql(f"FROM {table}").to_arrow_table()
        if rows.num_rows:
            self.sweep.con.execute(f"DELETE FROM {table}")
        return rows


def read_side_by_side(
    sweep: Sweep,
    loader: Loader,
    files: Sequence[LandedFile],
    circumstances: str,
    how: Callable[[Member, LandedFile], ReadFile] = Member.read,
) -> Iterator[ReadFile]:
    """Read files of one dataset, as many at a time as there are processors; give them in their order.

    Args:
        sweep: where to and how.
        loader: of the dataset, prepared; the memberships that its connection knows to clash are known to everybody.
        files: what to read.
        circumstances: what decides how they are read, beside their bytes and paths.
        how: what a member does with a file.

    Yields:
        The files; rows that they brought are in no table of ``sweep.con`` yet.
    """
    size = min(len(files), sweep.workers or os.cpu_count() or 1)
    idle: SimpleQueue[Member] = SimpleQueue()
    for _ in range(size):
        idle.put(_member(sweep, loader, circumstances))
    pool = ThreadPoolExecutor(size, thread_name_prefix="crew")
    try:
        yield from pool.map(partial(_read_in, contextvars.copy_context(), idle, how), files)
    finally:
        pool.shutdown(cancel_futures=True)
        for _ in range(size):
            idle.get().sweep.con.close()


def _member(sweep: Sweep, loader: Loader, circumstances: str) -> Member:
    con = sweep.con.cursor()
    mine = replace(sweep, con=con, house=replace(sweep.house), scratch=replace(sweep.scratch))
    mine.set_variables()
    own_loader = replace(loader, con=con, core=mine.scratch.core(loader.contract.name))
    own_loader.prepare()
    con.register("known", sweep.con.sql("FROM clashing").to_arrow_table())
    con.execute("INSERT INTO clashing FROM known")
    con.unregister("known")
    return Member(mine, own_loader, Pending(mine.house, con, own_loader.core, circumstances))


def _read_in(
    context: contextvars.Context,
    idle: SimpleQueue[Member],
    how: Callable[[Member, LandedFile], ReadFile],
    landed: LandedFile,
) -> ReadFile:
    member = idle.get()
    try:
        return context.copy().run(how, member, landed)
    finally:
        idle.put(member)
