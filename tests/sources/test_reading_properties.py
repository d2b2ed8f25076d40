"""What must hold for any file: nothing is lost, nothing good is swallowed, nothing but a refusal is raised."""

import csv
import gzip
import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import polars as pl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sources.reading import Limits
from tests.sources.reading_harness import Result, read_text

# Thousands of files.
pytestmark = pytest.mark.slow

HEADER = ["nik", "kpj", "name", "note"]
Quoting = Literal[0, 1, 2]
MARKS = {"", " ", "-", "–", "...", "NA", "n/a"}
CHUNKS = st.sampled_from([1, 3, 16, 64, 2**26])
FLAT = st.text(st.sampled_from("ab\"';,|\té“ .-1"), max_size=8)
FOLDED = st.text(st.sampled_from("ab\n é"), max_size=8)
WILD = st.text(st.sampled_from('ab"\n;, é'), max_size=8)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _rows(cell: st.SearchStrategy[str]) -> st.SearchStrategy[list[list[str]]]:
    row = st.tuples(st.integers(0, 999).map(lambda number: f"x{number}"), cell, cell, cell).map(list)
    return st.lists(row, max_size=12)


def _written(rows: list[list[str]], delimiter: str, quoting: Quoting, newline: str, encoding: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=newline)
    writer.writerow(HEADER)
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def _read(content: bytes, name: str = "export.csv", chunk: int = 2**26) -> Result:
    with TemporaryDirectory() as folder:
        return read_text(Path(folder), content, name, Limits(chunk_bytes=chunk))


def _expected(rows: list[list[str]]) -> list[tuple[str | None, ...]]:
    return [tuple(None if cell in MARKS else cell for cell in row) for row in rows]


@QUICK
@given(
    rows=st.one_of(_rows(FLAT), _rows(FOLDED)),
    delimiter=st.sampled_from(list(";,\t|")),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    chunk=CHUNKS,
)
def test_what_a_csv_writer_wrote_comes_back(
    rows: list[list[str]], delimiter: str, quoting: Quoting, newline: str, encoding: str, chunk: int
) -> None:
    result = _read(_written(rows, delimiter, quoting, newline, encoding), chunk=chunk)
    assert result.problems == {}
    assert result.cells(*HEADER) == _expected(rows)


@QUICK
@given(rows=_rows(WILD), chunk=CHUNKS)
def test_a_good_line_is_never_swallowed(rows: list[list[str]], chunk: int) -> None:
    result = _read(_written(rows, ";", csv.QUOTE_MINIMAL, "\n", "utf-8"), chunk=chunk)
    sound = iter(result.frame.filter(pl.col("_problem").is_null()).select(HEADER).rows())
    whole = _expected([row for row in rows if not any("\n" in cell for cell in row)])
    assert all(row in sound for row in whole)


LINES = st.text(st.sampled_from('ab";\n\r \x00é'), max_size=80)


@QUICK
@given(body=LINES, chunk=CHUNKS)
def test_any_lines_add_up_and_do_not_depend_on_the_chunk(body: str, chunk: int) -> None:
    content = f"nik;kpj;name\n{body}".encode()
    whole, cut = _read(content), _read(content, chunk=chunk)
    assert cut.frame.equals(whole.frame)
    assert cut.table.count == whole.table.count


FIGURES = st.sampled_from(["1", "2,5", "-", "x", "", "1.000", '"', "TOTAL", "jumlah", "a", "Rp 5"])


@QUICK
@given(rows=st.lists(st.lists(FIGURES, min_size=1, max_size=4), max_size=15), chunk=CHUNKS)
def test_totals_add_up_and_do_not_depend_on_the_chunk(rows: list[list[str]], chunk: int) -> None:
    content = ("name;nik;kpj;wage_idr\n" + "\n".join(";".join(row) for row in rows)).encode()
    whole, cut = _read(content), _read(content, chunk=chunk)
    assert cut.frame.equals(whole.frame)
    assert cut.table.count == whole.table.count


ENDINGS = st.sampled_from([".csv", ".tsv", ".csv.gz", ".xlsx", ".xls", ".parquet", ".zip", ".doc", ""])
STARTS = st.sampled_from(
    [b"", b"nik;kpj\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PAR1", b"\x1f\x8b\x08"]
)


@QUICK
@given(start=STARTS, rest=st.binary(max_size=200), ending=ENDINGS)
def test_any_bytes_are_a_table_or_a_refusal(start: bytes, rest: bytes, ending: str) -> None:
    result = _read(start + rest, f"export{ending}")
    assert result.tables or result.refusals


def _workbook() -> bytes:
    made = io.BytesIO()
    book: Any = xlsxwriter.Workbook(made, {"in_memory": True})
    with book as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, ["nik", "kpj", "wage_idr"])
        sheet.write_row(1, 0, ["00", "2", 5.5])
    return made.getvalue()


def _parquet() -> bytes:
    made = io.BytesIO()
    pl.DataFrame({"nik": ["0"] * 50, "kpj": list(range(50))}).write_parquet(made)
    return made.getvalue()


def _archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "nik;kpj\n1;2\n" * 20)
        archive.writestr("b.csv", "nik;kpj\n3;4\n")
    return made.getvalue()


SOUND = {
    ".xlsx": _workbook(),
    ".parquet": _parquet(),
    ".zip": _archive(),
    ".csv.gz": gzip.compress(b"nik;kpj\n1;2\n" * 50),
}


def test_the_undamaged_files_are_read() -> None:
    for ending, content in SOUND.items():
        assert _read(content, f"export{ending}").refusals == []


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ending=st.sampled_from(sorted(SOUND)), place=st.floats(0, 1), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_bytes_are_a_table_or_a_refusal(ending: str, place: float, byte: int, cut: bool) -> None:
    content = SOUND[ending]
    at = int(place * (len(content) - 1))
    damaged = content[:at] if cut else content[:at] + bytes([byte]) + content[at + 1 :]
    result = _read(damaged, f"export{ending}")
    assert result.tables or result.refusals
