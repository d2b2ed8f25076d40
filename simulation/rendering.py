"""The SQL of one export: who is in it, which lines are broken and how, and each line as its file has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

from expectations.schemas import quoted
from simulation.country import HERE, Country, Office
from simulation.flaws import CLASH, FLAWS, Flaw, Severity, fitting, number_of
from simulation.layouts import AMOUNTS, COLUMNS, DATES, Manner
from simulation.options import Options, month_number, period_of

_PARTS = 1_000_000
# Beside each hundred broken lines there are five with a warning, five with layout between them, two at two offices.
_SHARES: dict[Severity, float] = {"error": 1.0, "warn": 0.05, "layout": 0.05}
_CLASHING = 0.01
_EXPORTED_DAY = "03 06:00"
# How damage stands in the text that DuckDB writes; in cp1252 it becomes byte 81, which is no character there.
_DAMAGE = {"cp1252": "chr(129)", "utf-8": "chr(1)"}
_DAMAGE_ELSEWHERE = "chr(65533)"


@dataclass(frozen=True)
class Export:
    """One file to be written: an office's memberships at one month's end.

    Attributes:
        office: whose they are.
        period: the month.
        manner: how the office sends it.
        file: the path within the landing zone.
        is_claimed: whether a second file claims the same office and month, so that both are refused.
        clashes_in, clashes_out: whether members of the office before stand here as well, and some of here at the next.
    """

    office: Office
    period: str
    manner: Manner
    file: str
    is_claimed: bool = False
    clashes_in: bool = False
    clashes_out: bool = False

    @property
    def inside(self) -> str:
        """The file as quarantine names it: with the name inside an archive."""
        return f"{self.file}!{self.manner.inner}" if self.manner.inner else self.file

    @property
    def sheet(self) -> str | None:
        """The sheet's name, None outside workbooks."""
        return "Peserta" if self.manner.container == "sheet" else None

    @property
    def stem(self) -> str:
        """What its work files are called."""
        return f"{self.office.code}-{self.period}"

    @property
    def exported_at(self) -> str:
        """When the file says that it was exported: early in the next month."""
        return f"{period_of(month_number(self.period) + 1)}-{_EXPORTED_DAY}"


def people_sql(country: Country, options: Options, export: Export) -> str:
    """Write the select of an export's memberships: the canonical columns, and the hashes that they come from.

    Args:
        country: where they live.
        options: what is simulated.
        export: the file.
    """
    before = country.neighbour_before(export.office)
    clashing = round(options.dirty * _CLASHING * _PARTS)
    return Template((HERE / "people.sql").read_text(encoding="utf-8")).substitute(
        office=export.office.number,
        before=before.number,
        office_code=quoted(export.office.code),
        period=quoted(export.period),
        month=month_number(export.period),
        seed=f"{options.seed}::UBIGINT",
        clashes_in=clashing if export.clashes_in else 0,
        clashes_out=clashing if export.clashes_out else 0,
    )


def flagged_sql(country: Country, options: Options, export: Export) -> str:
    """Write the select of an export's memberships with their `flaw`, null for most.

    Args:
        country: where they live.
        options: what is simulated; no line of a clean country has a flaw.
        export: the file.
    """
    people = people_sql(country, options, export)
    if not options.dirty:
        return f"SELECT *, NULL::INTEGER AS flaw FROM ({people})"
    draw = f"hash(hm, {month_number(export.period)}, {options.seed}, 101)"
    cases, upto = [f"WHEN is_elsewhere THEN {number_of(CLASH)}"], 0
    for severity, share in _SHARES.items():
        flaws = fitting(export.manner.container, export.manner.layout.columns, severity)
        upto += round(options.dirty * share * _PARTS)
        numbers = [number_of(flaw) for flaw in flaws]
        which = f"{numbers}[1 + (draw // {_PARTS}::UBIGINT % {len(numbers)}::UBIGINT)::INTEGER]"
        cases += [f"WHEN draw % {_PARTS}::UBIGINT < {upto} THEN {which}"] if flaws else []
    return f"SELECT *, CASE {' '.join(cases)} END AS flaw FROM (SELECT *, {draw} AS draw FROM ({people}))"


def lines_sql(country: Country, options: Options, export: Export, first_line: int) -> str:
    """Write the select of an export's rows as lines of text, or as rows of a sheet's XML; one column, `line`.

    Args:
        country: where they live.
        options: what is simulated.
        export: the file, in text or a sheet.
        first_line: the number of the first row.
    """
    told = _told_sql(export, cells_sql(country, options, export))
    flaws = _flaws_of(options, export)
    if export.manner.container == "sheet":
        line, again = _sheet_row(export, "line_no"), _sheet_row(export, "(line_no + 1)")
        told = f"SELECT *, {line_number(first_line)} AS line_no FROM ({told})"
    else:
        line, again = _text_line(export), "line"
    cases = [f"WHEN {number_of(flaw)} THEN {_filled(flaw.line, export)}" for flaw in flaws if flaw.line]
    cases += [
        f"WHEN {number_of(flaw)} THEN line || {again if flaw.at else quoted('')}"
        if export.manner.container == "sheet"
        else f"WHEN {number_of(flaw)} THEN line || chr(10) || {again if flaw.at else quoted('')}"
        for flaw in flaws
        if flaw.after and not flaw.cells
    ]
    whole = f"CASE flaw {' '.join(cases)} ELSE line END" if cases else "line"
    return f"SELECT {whole} AS line FROM (SELECT *, {line} AS line FROM ({told}))"


def line_number(first_line: int) -> str:
    """Write the SQL of the line that a row begins at, over rows in the file's order with their `flaw`."""
    span = lines_of_row()
    running = f"sum({span}) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    return f"({first_line} + {running} - {span})::BIGINT"


def lines_of_row() -> str:
    """Write the SQL of how many lines a row takes, by its `flaw`."""
    after = ", ".join(str(number_of(flaw)) for flaw in FLAWS if flaw.after)
    return f"CASE WHEN flaw IN ({after}) THEN 2 ELSE 1 END"


def cells_sql(country: Country, options: Options, export: Export) -> str:
    """Write the select of an export's canonical cells as text, broken ones as their flaw has them, and `flaw`.

    Args:
        country: where they live.
        options: what is simulated.
        export: the file.
    """
    flagged = f"SELECT *, {quoted(export.exported_at)} AS exported_at FROM ({flagged_sql(country, options, export)})"
    columns = [*COLUMNS, "exported_at"]
    text = f"SELECT flaw, {', '.join(f'{column}::VARCHAR AS {column}' for column in columns)} FROM ({flagged})"
    flaws = _flaws_of(options, export)
    changed = {column: [flaw for flaw in flaws if column in flaw.cells] for column in columns}
    cells = [
        f"CASE flaw {' '.join(_case(flaw, column, export) for flaw in broken)} ELSE {column} END AS {column}"
        for column, broken in changed.items()
        if broken
    ]
    return f"SELECT * REPLACE ({', '.join(cells)}) FROM ({text})" if cells else text


def _flaws_of(options: Options, export: Export) -> list[Flaw]:
    if not options.dirty:
        return []
    columns = export.manner.layout.columns
    return [flaw for severity in _SHARES for flaw in fitting(export.manner.container, columns, severity)]


def _case(flaw: Flaw, column: str, export: Export) -> str:
    return f"WHEN {number_of(flaw)} THEN {_filled(flaw.cells[column], export)}"


def _filled(expression: str, export: Export) -> str:
    manner = export.manner
    encoding = manner.encoding.removesuffix("-sig") if manner.container == "text" else ""
    return Template(expression).substitute(
        delimiter=quoted(manner.delimiter),
        damage=_DAMAGE.get(encoding, _DAMAGE_ELSEWHERE),
        period=quoted(export.period),
    )


def _told_sql(export: Export, cells: str) -> str:
    """Write the cells as the layout spells them."""
    layout = export.manner.layout
    told = ", ".join(f"{layout.told(column)} AS {column}" for column in layout.columns)
    regions = "LEFT JOIN regions_told ON regions_told.regency = region_code" if layout.regions != "bps" else ""
    return f"SELECT flaw, {told} FROM ({cells}) {regions}"


def _text_line(export: Export) -> str:
    cells = ", ".join(f"coalesce({column}, '')" for column in export.manner.layout.columns)
    return f"concat_ws({quoted(export.manner.delimiter)}, {cells})"


def _sheet_row(export: Export, number: str) -> str:
    cells = ", ".join(_sheet_cell(column, export.manner.layout.typed) for column in export.manner.layout.columns)
    return f"concat('<row r=\"', {number}, '\">', {cells}, '</row>')"


def _sheet_cell(column: str, is_typed: bool) -> str:
    """Write a cell's XML; no cell of the simulation holds a character that XML would escape."""
    text = f"'<c t=\"inlineStr\"><is><t>' || {column} || '</t></is></c>'"
    cases = [f"WHEN {column} IS NULL THEN '<c/>'"]
    if column == "nik":
        cases.append("WHEN starts_with(nik, chr(1)) THEN '<c><v>' || substr(nik, 2) || '</v></c>'")
    if is_typed and column in AMOUNTS:
        cases.append(f"WHEN try_cast({column} AS DOUBLE) IS NOT NULL THEN '<c><v>' || {column} || '</v></c>'")
    if is_typed and column in DATES:
        serial = f"(try_cast({column} AS DATE) - DATE '1899-12-30')::VARCHAR"
        is_date = f"{column} > '1900-03-01' AND try_cast({column} AS DATE) IS NOT NULL"
        cases.append(f"WHEN {is_date} THEN '<c s=\"1\"><v>' || {serial} || '</v></c>'")
    return f"CASE {' '.join(cases)} ELSE {text} END"


def parquet_sql(country: Country, options: Options, export: Export) -> str:
    """Write the select of an export as Parquet holds it: dates and rupiah typed, all text where cells are broken.

    Args:
        country: where they live.
        options: what is simulated.
        export: the file.
    """
    columns = ", ".join(export.manner.layout.columns)
    if not options.dirty:
        return f"SELECT {columns} FROM ({people_sql(country, options, export)})"
    flaws = [number_of(flaw) for flaw in _flaws_of(options, export) if flaw.at]
    twice = f"unnest(CASE WHEN flaw IN ({', '.join(map(str, flaws))}) THEN [1, 2] ELSE [1] END)"
    return (
        f"SELECT * EXCLUDE (nth) FROM (SELECT {columns}, {twice} AS nth FROM ({cells_sql(country, options, export)}))"
    )


def cell_row(export: Export, cells: dict[str, str], line: int) -> str:
    """Give a row that is no membership, as its file has it: its filled cells by column.

    Args:
        export: the file.
        cells: canonical column to text.
        line: its number.
    """
    columns: Sequence[str] = export.manner.layout.columns
    if export.manner.container == "text":
        return export.manner.delimiter.join(cells.get(column, "") for column in columns)
    filled = (cells.get(column) for column in columns)
    inner = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' if cell else "<c/>" for cell in filled)
    return f'<row r="{line}">{inner}</row>'
