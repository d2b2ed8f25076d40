"""The truth beside a dirty landing zone: which lines break which rules, and what must become of every file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from expectations.schemas import quoted
from simulation.flaws import FLAWS

Verdict = Literal["loaded", "partly_quarantined", "refused"]
_PARQUET = "(FORMAT parquet, COMPRESSION zstd)"


@dataclass(frozen=True)
class Counts:
    """Lines of a file by what must become of them: read = header + good + quarantined + blank."""

    read: int = 0
    header: int = 0
    good: int = 0
    quarantined: int = 0
    blank: int = 0


@dataclass(frozen=True)
class Told:
    """What must become of one file.

    Attributes:
        file: the path within the landing zone.
        counts: its lines.
        inside: the file as quarantine names it, where that has the name inside an archive.
        sheet: the sheet, None outside workbooks.
        found: the Parquet file of its broken lines (line, flaw), None where it has none.
        entries: further broken lines, each with its rule.
        code: why the file is refused as a whole; its lines then have no entries of their own.
    """

    file: str
    counts: Counts
    inside: str = ""
    sheet: str | None = None
    found: Path | None = None
    entries: tuple[tuple[int, str], ...] = ()
    code: str | None = None

    @property
    def verdict(self) -> Verdict:
        """What the night says of the file."""
        if self.code:
            return "refused"
        return "partly_quarantined" if self.counts.quarantined else "loaded"

    def refused(self, code: str) -> "Told":
        """Give the same file refused as a whole: all its lines of data are quarantined, with one entry."""
        counts = Counts(
            self.counts.read, self.counts.header, 0, self.counts.good + self.counts.quarantined, self.counts.blank
        )
        return Told(self.file, counts, self.file, code=code)


def folder_of(out: Path) -> Path:
    """Give the folder of the truth about a landing zone: beside it, never inside."""
    return out.with_name(f"{out.name}.truth")


def create_flaws(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table ``flaws``: number, name, rules, severity, found_at, lines, after."""
    con.execute(
        "CREATE TABLE flaws (number INTEGER, name VARCHAR, rules VARCHAR[], severity VARCHAR, found_at INTEGER, "
        "lines INTEGER, after INTEGER)"
    )
    rows = [
        (number, flaw.name, sorted(flaw.rules), flaw.severity, flaw.at, flaw.lines, flaw.after)
        for number, flaw in enumerate(FLAWS)
    ]
    con.executemany("INSERT INTO flaws VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def write_truth(con: duckdb.DuckDBPyConnection, folder: Path, told: Sequence[Told]) -> None:
    """Write ``lines.parquet`` and ``files.parquet``.

    Args:
        con: a connection with ``flaws``.
        folder: where they go.
        told: every file of the landing zone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_files(con, folder / "files.parquet", told)
    con.execute(
        "CREATE TEMP TABLE found_in (path VARCHAR, file VARCHAR, sheet VARCHAR); "
        "CREATE TEMP TABLE entries (file VARCHAR, sheet VARCHAR, line BIGINT, lines BIGINT, rules VARCHAR[], "
        "severity VARCHAR)"
    )
    _insert(con, "found_in", ((str(one.found), one.inside, one.sheet) for one in told if one.found))
    _insert(con, "entries", (entry for one in told for entry in _entries(one)))
    parts = con.execute("SELECT list(path) FROM found_in").fetchall()[0][0]
    lines = (
        f"""SELECT file, sheet, line + found_at AS line, lines::BIGINT AS lines, rules, severity
        FROM read_parquet({parts!r}, filename = true) AS found
        JOIN found_in ON found_in.path = found.filename JOIN flaws ON flaws.number = found.flaw
        WHERE severity <> 'layout' UNION ALL """
        if parts
        else ""
    )
    ordered = f"SELECT * FROM ({lines} FROM entries) ORDER BY file, sheet, line"
    con.execute(f"COPY ({ordered}) TO {quoted(str(folder / 'lines.parquet'))} {_PARQUET}")


def _entries(one: Told) -> Iterator[tuple[object, ...]]:
    if one.code:
        yield one.inside, one.sheet, None, one.counts.quarantined, [one.code], "error"
    for line, rule in one.entries:
        yield one.inside, one.sheet, line, 1, [rule], "error"


def _write_files(con: duckdb.DuckDBPyConnection, path: Path, told: Sequence[Told]) -> None:
    con.execute(
        "CREATE TEMP TABLE files (file VARCHAR, code VARCHAR, verdict VARCHAR, read BIGINT, header BIGINT, "
        "good BIGINT, quarantined BIGINT, blank BIGINT)"
    )
    rows = (
        (one.file, one.code, one.verdict, c.read, c.header, c.good, c.quarantined, c.blank)
        for one in told
        for c in (one.counts,)
    )
    _insert(con, "files", rows)
    con.execute(f"COPY (FROM files ORDER BY file) TO {quoted(str(path))} {_PARQUET}")


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    listed = list(rows)
    if listed:
        con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' for _ in listed[0])})", listed)
