"""Read .xlsx and .xls workbooks: every sheet with content is a table, every cell keeps its type."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from expectations.processes import bare_environment
from sources import refusals
from sources.fields import field_names
from sources.frames import all_blank, candidates, cell_frame
from sources.layouts import Header, find_header
from sources.packages import ErrorCell, checked_package
from sources.shaping import Shaper
from sources.sheet_worker import DAMAGE, PASSWORD
from sources.tables import BOOKKEEPING, LineCount, Refusal, Request, SourceTable

_OLE = b"\xd0\xcf\x11\xe0"
_ZIP = b"PK\x03\x04"
_NOTE_ROWS = 3


@dataclass(frozen=True)
class _Sheet:
    """One sheet with content: its rows, and the header or the refusal that was found."""

    name: str
    frame: pl.DataFrame
    header: Header | Refusal
    filled: int


def open_workbook(path: Path, file: str, ending: str, request: Request) -> Iterator[SourceTable | Refusal]:
    """Yield a table, or a refusal, for every sheet with content.

    A sheet of notes (fewer than three filled rows, no header) beside a sheet that was recognised is left
    out.

    Args:
        path: the bytes.
        file: the name to report.
        ending: the ending of that name.
        request: what to read, and the bounds.

    Raises:
        Refusal: the bytes are not a workbook, damaged, encrypted, or hold no sheet with content.
    """
    sheets = list(_sheets(path, ending, request))
    if not sheets:
        raise refusals.empty_file()
    recognised = any(isinstance(sheet.header, Header) for sheet in sheets)
    for sheet in sheets:
        if isinstance(sheet.header, Header):
            yield _table(file, sheet, sheet.header)
        elif not (recognised and sheet.filled < _NOTE_ROWS and sheet.header.code == "unknown_header"):
            yield sheet.header.at(file, sheet.name, _refused_lines(sheet, sheet.header))


def _refused_lines(sheet: _Sheet, refusal: Refusal) -> LineCount:
    blank = sheet.frame.select(all_blank(sheet.frame.width - len(BOOKKEEPING)).alias("blank")).to_series()
    header = int((~blank.head(refusal.header_line)).sum())
    return LineCount(sheet.frame.height, header, int(blank.sum()))


def _sheets(path: Path, ending: str, request: Request) -> Iterator[_Sheet]:
    errors = _checked(path, ending, request)
    for name, columns in _columns_by_sheet(path, request.limits.sheet_memory):
        frame = _frame(columns, errors.get(name, []))
        filled = int(frame.select((~all_blank(len(columns))).sum()).item())
        if filled:
            yield _Sheet(name, frame, _header(frame, name, request), filled)


def _columns_by_sheet(path: Path, memory: int) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each sheet's name and its columns of text, read by a process that may fail on its own."""
    command = [sys.executable, "-P", "-m", "sources.sheet_worker", str(path), str(memory)]
    environment = bare_environment()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as worker:  # noqa: S603 no shell, own module
        for line in worker.stdout or ():
            sheet = json.loads(line)
            yield str(sheet["name"]), sheet["columns"]
    if worker.returncode == PASSWORD:
        raise refusals.password_protected()
    if worker.returncode == DAMAGE:
        raise refusals.damaged("buku kerja Excel", "Excel workbook")
    if worker.returncode:
        raise refusals.unreadable_workbook()


def _checked(path: Path, ending: str, request: Request) -> dict[str, list[ErrorCell]]:
    """Look at the bytes before a parser does; return the error cells of an .xlsx by sheet."""
    with path.open("rb") as opened:
        start = opened.read(1024)
    if not start:
        raise refusals.empty_file()
    if start.startswith(_ZIP):
        return checked_package(path, request.limits.sheet_bytes)
    if start.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise refusals.password_protected()
        return {}
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<html", b"<!doctype", b"<table", b"<?xml", b"<meta", b"<style")) or b"<table" in text:
        raise refusals.wrong_content(ending, "halaman HTML atau XML", "an HTML or XML page")
    raise refusals.wrong_content(ending, "bukan buku kerja Excel", "not an Excel workbook")


def _frame(columns: list[list[str]], errors: Sequence[ErrorCell]) -> pl.DataFrame:
    for error in errors:
        known = error.column < len(columns) and error.row < len(columns[error.column])
        if known and not columns[error.column][error.row]:
            columns[error.column][error.row] = error.text
    names = field_names(len(columns))
    return cell_frame(pl.DataFrame(dict(zip(names, columns, strict=True)), dict.fromkeys(names, pl.String)), 1)


def _header(frame: pl.DataFrame, name: str, request: Request) -> Header | Refusal:
    rows = frame.drop("_line", "_lines", "_problem", "_raw").head(request.limits.header_lines + 9).rows()
    try:
        return find_header(candidates(rows, request.limits.header_lines), request, "sheet", name)
    except Refusal as refusal:
        return refusal


def _table(file: str, sheet: _Sheet, header: Header) -> SourceTable:
    """Return the table of a recognised sheet; its rows are in memory already."""

    def produce(table: SourceTable) -> Iterator[pl.DataFrame]:
        blank = all_blank(sheet.frame.width - len(BOOKKEEPING))
        above = sheet.frame.head(header.last_line)
        above_blank = int(above.select(blank.sum()).item())
        shaper = Shaper(header, header_lines=above.height - above_blank, blank_lines=above_blank)
        yield shaper.shape(shaper.without_blank(sheet.frame.slice(header.last_line), blank), last=True)
        table.count = shaper.count(sheet.frame.height)

    return SourceTable(file, sheet.name, header.plan.layout, produce)
