"""What a test server holds: variables with their cells, static tables, areas of SIMDASI."""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from tests.bps_server.words import axis

Pair = tuple[int | str, str]
Cell = tuple[int | str, int | str, int | str, int | str]
INVALID = [{"status": 400, "condition": "ERROR", "message": "Invalid Parameter"}]
_KINDS = {26: ("Provinsi", "Province"), 27: ("Kabupaten/Kota", "Regency"), 28: ("Kecamatan", "District")}
# Digits of an area that its parts share, and zeros that end a part, by service.
_SHARED = {26: (0, 5), 27: (2, 3), 28: (4, 0)}


@dataclass
class Table:
    """One variable of one domain, with its whole truth.

    Attributes:
        domain: four digits.
        variable: `var_id`.
        title: the variable's label; may hold HTML.
        vervar: rows, as (code, label).
        years: periods, as (`th_id`, label).
        cells: (vervar, turvar, tahun, turtahun) to what stands there: number, text or None.
        turvar: derived variables, as (code, label).
        turtahun: derived periods, as (code, label).
        unit: unit as BPS writes it.
        decimal: declared decimals.
        last_update: as BPS writes it.
        labelvervar: what the rows are called.
        related: other tables, by number; nothing is an empty list, as PHP has it.
        brief: whether the answer lacks update, subject, decimals and related tables, as older ones do.
    """

    domain: str
    variable: int
    title: str
    vervar: Sequence[Pair]
    years: Sequence[Pair]
    cells: Mapping[Cell, Any]
    turvar: Sequence[Pair] = (("0", "Tidak ada"),)
    turtahun: Sequence[Pair] = ((0, "Tahun"),)
    unit: str = "Orang"
    decimal: int = 0
    last_update: str = "2026-11-05 10:00:00"
    labelvervar: str = "Kabupaten/Kota"
    related: Any = field(default_factory=list[Any])
    brief: bool = False

    def document(self, periods: Sequence[str]) -> dict[str, Any] | None:
        """Return the answer for these periods as BPS would write it, or None where there is nothing."""
        years = [year for year in self.years if str(year[0]) in periods]
        if not years:
            return None
        head = {"last_update": self.last_update, "subject": [{"val": 6, "label": "Tenaga Kerja"}]}
        variable = {"val": self.variable, "label": self.title, "unit": self.unit, "subj": "Tenaga Kerja", "def": ""}
        decimal = {} if self.brief else {"decimal": self.decimal}
        return {
            "status": "OK",
            "data-availability": "available",
            **({} if self.brief else head),
            "var": [{**variable, **decimal, "note": "<p><br /></p>"}],
            "turvar": axis(self.turvar),
            "labelvervar": self.labelvervar,
            "vervar": axis(self.vervar),
            "tahun": axis(years),
            "turtahun": axis(self.turtahun),
            "datacontent": self._content(years),
            **({} if self.brief else {"related": self.related}),
        }

    def _content(self, years: Sequence[Pair]) -> dict[str, Any]:
        keys = product(self.vervar, self.turvar, years, self.turtahun)
        cells = [tuple(axis[0] for axis in key) for key in keys]
        return {
            f"{row}{self.variable}{derived}{year}{part}": self.cells[row, derived, year, part]
            for row, derived, year, part in cells
            if (row, derived, year, part) in self.cells
        }

    def listed(self) -> dict[str, Any]:
        """Return the row of this variable in the list `var`."""
        labour = {"sub_id": 6, "sub_name": "Tenaga Kerja", "subcsa_id": 520, "subcsa_name": "Tenaga Kerja"}
        notes = {"def": "", "notes": "&lt;p&gt;Sakernas&lt;br /&gt;&lt;/p&gt;", "vertical": 1, "unit": self.unit}
        rest = {"graph_id": 1, "graph_name": "bar", "turth": 0, "turvar": 0, "jenis": 1}
        return {"var_id": self.variable, "title": self.title, **labour, **notes, **rest}


@dataclass
class StaticTable:
    """One table that BPS keeps as a picture of cells.

    Attributes:
        domain: four digits.
        number: `table_id`.
        title: the table's title.
        cells: its rows, all text, the header first.
    """

    domain: str
    number: int
    title: str
    cells: Sequence[Sequence[str]]

    def listed(self) -> dict[str, Any]:
        """Return the row of this table in the list `statictable`."""
        subject = {"subj_id": 6, "subj": "Tenaga Kerja"}
        return {"table_id": self.number, "title": self.title, **subject, **self._file()}

    def viewed(self) -> dict[str, Any]:
        """Return the table as `view` shows it: escaped HTML in one of its fields."""
        rows = "".join(f"<tr>{''.join(map(_html_cell, row))}</tr>\r\n" for row in self.cells)
        table = html.escape(f'<table class="excel" cellpadding=0><tbody>\r\n{rows}</tbody></table>')
        named = {"table_id": self.number, "sub_id": 6, "title": self.title, "table": table}
        return {**named, "cr_date": "2015-09-27", **self._file()}

    def _file(self) -> dict[str, str]:
        place = f"https://contoh.bps.go.id/statictable/downloadapi.html?data={self.number}&tokenuser="
        return {"updt_date": "2015-09-27", "size": "0.03 MB", "excel": place}


def axis_rows(model: str, tables: Iterable[Table]) -> list[dict[str, Any]]:
    """Return the rows of one of the lists `th`, `vervar`, `turvar`, `turth` over some variables."""
    names = {"th": "years", "vervar": "vervar", "turvar": "turvar", "turth": "turtahun"}
    held = list(tables) if model in names else []
    pairs = dict.fromkeys(pair for one in held for pair in getattr(one, names[model]))
    return [_axis_row(model, place, pair) for place, pair in enumerate(pairs, 1)]


def _axis_row(model: str, place: int, pair: Pair) -> dict[str, Any]:
    if model == "vervar":
        grouped: dict[str, Any] = {"item_ver_id": place, "group_ver_id": 1, "name_group_ver_id": "Kabupaten/Kota"}
        return {"kode_ver_id": pair[0], "vervar": pair[1], **grouped}
    grouped = {} if model == "th" else {f"group_{model}_id": 1, f"name_group_{model}": "Semua"}
    return {f"{model}_id": pair[0], model: pair[1], **grouped}


def area_document(service: int, parent: str, areas: Sequence[Pair]) -> Any:
    """Return the inner document of SIMDASI's services 26 to 28: the parts of an area, or `Invalid Parameter`."""
    shared, zeros = _SHARED[service]
    kinds = dict(zip(("satuan_lingkungan", "satuan_lingkungan_en"), _KINDS[service], strict=True))
    parts = [
        {"kode": str(code), "nama": name, **kinds}
        for code, name in areas
        if str(code) != parent and str(code).startswith(parent[:shared]) and str(code).endswith("0" * zeros)
    ]
    if service == 26:
        return {"data": parts}
    named = [name for code, name in areas if code == parent]
    if not named or not parts or parent != parent[:shared].ljust(7, "0"):
        return INVALID
    return {"lingkup": kinds["satuan_lingkungan"], "versi": "2024", "induk": parent, "wilayah": named[0], "data": parts}


def _html_cell(text: str) -> str:
    return f'<td style=""><nobr>{html.escape(text)}</nobr></td>'
