"""Write one export: what stands above its rows, the rows, what stands below, and what must become of every line."""

from dataclasses import dataclass, field
from pathlib import Path

from expectations.schemas import quoted
from simulation.country import Country
from simulation.flaws import FLAWS, number_of
from simulation.options import Options
from simulation.packing import SHEET_BEGINS, SHEET_ENDS, pack
from simulation.rendering import (
    Export,
    cell_row,
    cells_sql,
    flagged_sql,
    line_number,
    lines_of_row,
    lines_sql,
    parquet_sql,
)
from simulation.truth import Counts, Told

_COPY_LINES = "FORMAT csv, HEADER false, DELIMITER '\x02', QUOTE '', ESCAPE ''"
# One file in so many begins with a total that no row adds up to.
_WRONG_TOTALS = 3
_TITLES = ("DAFTAR PESERTA (ORANG REKAAN)", "Posisi akhir bulan")
_TOTAL = "JUMLAH"
_BLANK_BELOW = 2


@dataclass
class Around:
    """Lines that are no memberships, above or below them: their text, and what they count as."""

    export: Export
    line: int
    text: list[str] = field(default_factory=list[str])
    header: int = 0
    blank: int = 0
    other: int = 0

    @property
    def lines(self) -> int:
        """How many lines these are."""
        return self.header + self.blank + self.other

    def add(self, cells: dict[str, str]) -> None:
        """Add a line of layout with these cells filled."""
        self._append(cells)
        self.header += 1

    def add_wrong(self, cells: dict[str, str]) -> None:
        """Add a line that a rule finds."""
        self._append(cells)
        self.other += 1

    def _append(self, cells: dict[str, str]) -> None:
        self.text.append(cell_row(self.export, cells, self.line))
        self.line += 1

    def skip(self) -> None:
        """Add a blank line; in a sheet its row is left out."""
        if self.export.manner.container == "text":
            self.text.append(cell_row(self.export, {}, self.line))
        self.blank += 1
        self.line += 1


def write_export(country: Country, options: Options, export: Export, work: Path) -> tuple[int, Told | None]:
    """Write one file, and beside the landing zone which of its lines are broken.

    Args:
        country: where its members live.
        options: what is simulated.
        export: the file.
        work: a folder for what is not yet the file, and for its part of the truth.

    Returns:
        The memberships in it, and what must become of its lines where anything is broken.
    """
    path = options.out / export.file
    path.parent.mkdir(parents=True, exist_ok=True)
    above = _above(options, export)
    if export.manner.container == "parquet":
        copied = _copied(country, parquet_sql(country, options, export), path, "FORMAT parquet, COMPRESSION zstd")
        below = Around(export, above.line)
    else:
        below = _below(country, options, export, above.line)
        written = path if export.manner.is_plain else work / f"{export.stem}.txt"
        ends = _ending(export, below)
        copied = _copied(country, _framed(country, options, export, above, ends), written, _COPY_LINES)
        copied -= 2 if ends else 1
        if written != path:
            pack(written, path, export.manner)
            written.unlink()
    return copied, _told_truth(country, options, export, (above, below), work, copied) if options.dirty else None


def _copied(country: Country, select: str, path: Path, how: str) -> int:
    with country.con.cursor() as con:
        return int(con.execute(f"COPY ({select}) TO {quoted(str(path))} ({how})").fetchall()[0][0])


def _framed(country: Country, options: Options, export: Export, above: Around, ends: str) -> str:
    """Write the select of all lines: above, the rows, below."""
    begins = SHEET_BEGINS + "".join(above.text) if export.manner.container == "sheet" else "\n".join(above.text)
    parts = [f"SELECT {quoted(begins)} AS line", lines_sql(country, options, export, above.line)]
    return " UNION ALL ".join([*parts, f"SELECT {quoted(ends)}"] if ends else parts)


def _ending(export: Export, below: Around) -> str:
    return "".join(below.text) + SHEET_ENDS if export.manner.container == "sheet" else "\n".join(below.text)


def _above(options: Options, export: Export) -> Around:
    manner, around = export.manner, Around(export, 1)
    if manner.container == "parquet":
        return around
    first = manner.layout.columns[0]
    if manner.titles:
        for title in _TITLES:
            around.add({first: title})
        around.skip()
    around.add(dict(manner.layout.headers))
    if options.dirty and has_wrong_total(export):
        around.add_wrong({first: _TOTAL, "contribution_idr": "987654"})
    return around


def has_wrong_total(export: Export) -> bool:
    """Tell whether a dirty file begins with a total row that no rows add up to."""
    turn = export.office.number + int(export.period[-2:])
    return export.manner.container != "parquet" and turn % _WRONG_TOTALS == 0


def _below(country: Country, options: Options, export: Export, first_line: int) -> Around:
    """Give the total of the contributions and blank lines, where the office writes such."""
    if not export.manner.titles:
        return Around(export, first_line)
    twice = ", ".join(str(number_of(flaw)) for flaw in FLAWS if flaw.at)
    paid = f"try_cast(contribution_idr AS DECIMAL(28, 8)) * CASE WHEN flaw IN ({twice}) THEN 2 ELSE 1 END"
    with country.con.cursor() as con:
        total, lines = con.execute(
            f"SELECT coalesce(sum({paid}), 0)::BIGINT, coalesce(sum({lines_of_row()}), 0) "
            f"FROM ({cells_sql(country, options, export)})"
        ).fetchall()[0]
    around = Around(export, first_line + int(lines))
    around.add({export.manner.layout.columns[0]: _TOTAL, "contribution_idr": f"{total:,}".replace(",", ".")})
    # A sheet ends with its last filled row.
    for _ in range(_BLANK_BELOW if export.manner.container == "text" else 0):
        around.skip()
    return around


def _told_truth(
    country: Country, options: Options, export: Export, around: tuple[Around, Around], work: Path, copied: int
) -> Told:
    """Leave the broken lines in the folder for work, and add up what must become of all of them."""
    above, below = around
    found = work / f"{export.stem}.parquet"
    numbered = f"SELECT flaw, {line_number(above.line)} AS line FROM ({flagged_sql(country, options, export)})"
    _copied(country, f"SELECT line, flaw FROM ({numbered}) WHERE flaw IS NOT NULL", found, "FORMAT parquet")
    with country.con.cursor() as con:
        after, blank, bad = con.execute(
            "SELECT coalesce(sum(after), 0), count(*) FILTER (name = 'blank_line'), "
            "coalesce(sum(lines) FILTER (severity = 'error'), 0) "
            f"FROM read_parquet({quoted(str(found))}) JOIN flaws ON number = flaw"
        ).fetchall()[0]
    members = copied - int(after) if export.manner.container == "parquet" else copied
    read = above.lines + members + int(after) + below.lines
    header, blank = above.header + below.header, above.blank + below.blank + int(blank)
    quarantined = int(bad) + above.other
    counts = Counts(read, header, read - header - quarantined - blank, quarantined, blank)
    entries = ((above.line - 1, "total_mismatch"),) if above.other else ()
    return Told(export.file, counts, export.inside, export.sheet, found, entries)
