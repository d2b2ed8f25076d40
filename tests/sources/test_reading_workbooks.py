import datetime as dt
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from expectations.profiles import Profile
from sources.reading import Limits
from tests.sources.old_workbook import old_workbook
from tests.sources.reading_harness import Result, read

HEADER = ["nik", "kpj", "name", "wage_idr", "note"]
Row = Sequence[object]
Fill = Callable[[Any], None]


def _workbook(path: Path) -> Any:
    return xlsxwriter.Workbook(path)


def _book(path: Path, **sheets: Fill) -> Path:
    with _workbook(path) as workbook:
        for name, fill in sheets.items():
            fill(workbook.add_worksheet(name.replace("_", " ")))
    return path


def _rows(*rows: Row, first: int = 0) -> Fill:
    def fill(sheet: Any) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(first + number, 0, row)

    return fill


def _read(tmp_path: Path, *rows: Row) -> Result:
    return read(_book(tmp_path / "a.xlsx", A=_rows(HEADER, *rows)))


def test_a_stored_number_carries_the_marker_and_text_does_not(tmp_path: Path) -> None:
    result = _read(tmp_path, [3204110000000001, "0012", "A", 7.708, 1e-7], ["2", 1e15, "B", 5000, -0.5])
    assert result.cells("nik", "kpj", "wage_idr", "note") == [
        ("\x013204110000000001", "0012", "\x017.708", "\x010.0000001"),
        ("2", "\x011000000000000000", "\x015000", "\x01-0.5"),
    ]
    assert result.frame["_raw"][0] == "3204110000000001;0012;A;7.708;0.0000001"


def test_dates_booleans_and_errors(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write_row(1, 0, ["1", "2"])
        sheet.write_boolean(1, 2, True)
        sheet.write_formula(1, 3, "=A1/0", None, "#DIV/0!")
        sheet.write_formula(1, 4, "=NA()", None, "#N/A")
        sheet.write_row(2, 0, ["3", "4"])

    path = tmp_path / "a.xlsx"
    with _workbook(path) as workbook:
        sheet = workbook.add_worksheet("Data & isi")
        fill(sheet)
        for column, day in enumerate([dt.datetime(2026, 10, 31), dt.datetime(2026, 10, 31, 7, 5)]):  # noqa: DTZ001
            form = workbook.add_format({"num_format": "dd/mm/yyyy hh:mm" if column else "dd/mm/yyyy"})
            sheet.write_datetime(2, 2 + column, day, form)
    assert read(path).cells("name", "wage_idr", "note") == [
        ("true", "#DIV/0!", "#N/A"),
        ("2026-10-31", "2026-10-31 07:05:00", None),
    ]


def test_a_text_cell_cannot_pretend_to_be_a_number(tmp_path: Path) -> None:
    assert _read(tmp_path, ["\x015", "2"]).problems == {2: "undecodable_text"}


def test_rows_keep_the_numbers_that_the_sheet_shows(tmp_path: Path) -> None:
    book = _book(tmp_path / "a.xlsx", A=_rows(["LAPORAN"], HEADER, ["1", "2"], [], ["3", "4"], first=3))
    result = read(book)
    assert result.frame["_line"].to_list() == [6, 8]
    assert (result.table.count.read, result.table.count.header, result.table.count.blank) == (8, 2, 4)


def test_every_sheet_is_a_table_and_notes_are_left_out(tmp_path: Path) -> None:
    data = _rows(HEADER, ["1", "2"])
    book = _book(tmp_path / "a.xlsx", Catatan=_rows(["Dibuat oleh"], ["kantor"]), Kosong=_rows(), X=data, Y=data)
    assert [table.sheet for table in read(book).tables] == ["X", "Y"]


def test_a_sheet_of_data_without_a_header_is_refused_beside_a_good_one(tmp_path: Path) -> None:
    bad = _rows(["nik", "name"], ["1", "A"], ["2", "B"])
    result = read(_book(tmp_path / "a.xlsx", Good=_rows(HEADER, ["1", "2"]), Bad=bad))
    assert [table.sheet for table in result.tables] == ["Good"]
    (refusal,) = result.refusals
    assert (refusal.sheet, refusal.code, refusal.lines.data) == ("Bad", "unknown_header", 2)
    assert "kpj" in refusal.message_id


def test_totals_in_a_sheet(tmp_path: Path) -> None:
    rows: list[Row] = [["1", "2", "A", 1000], ["3", "4", "B", 0.5]]
    assert _read(tmp_path, *rows, ["JUMLAH", "", "", 1000.5]).problems == {}
    assert _read(tmp_path, *rows, ["JUMLAH", "", "", 1001.5]).problems == {4: "total_mismatch"}


PROFILE = Profile(
    dataset="participants",
    name="merged",
    description_id="judul dua baris",
    description_en="two header rows",
    evidence="test",
    aliases={"nik": ["Peserta NIK"], "kpj": ["Peserta KPJ"], "wage_idr": ["Upah (Rp) Pokok"], "note": ["Ket."]},
    required=["nik", "kpj"],
    header_rows=2,
    format="sheet",
    sheet="^Data",
)


def test_merged_headers_over_two_rows(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.merge_range(2, 0, 2, 1, "Peserta")
        sheet.merge_range(2, 2, 2, 3, "Upah (Rp)")
        sheet.merge_range(2, 4, 3, 4, "Ket.")
        sheet.write_row(3, 0, ["N I K", "KPJ", "Pokok", "Rapel"])
        sheet.write_row(4, 0, ["1", "2", 5000, 10, "x"])

    result = read(_book(tmp_path / "a.xlsx", Data_1=fill), profiles=[PROFILE])
    assert result.cells("nik", "kpj", "wage_idr", "note") == [("1", "2", "\x015000", "x")]
    assert result.table.layout.unknown_columns == ["Upah (Rp) Rapel"]
    assert read(_book(tmp_path / "b.xlsx", Other=fill), profiles=[PROFILE]).refusal.code == "unknown_header"


def test_an_old_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(old_workbook([["nik", "kpj", "wage_idr"], ["001", 3204110000000001.0, 7.708]]))
    result = read(path)
    assert result.cells("nik", "kpj", "wage_idr") == [("001", "\x013204110000000001", "\x017.708")]
    assert result.table.sheet == "Peserta"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b"<html><body><table><tr><td>NIK</td></tr></table></body></html>", "wrong_content"),
        (b"nik;kpj\n1;2\n", "wrong_content"),
        (b"PK\x03\x04 not a package", "damaged_file"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "damaged_file"),
        (b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "password_protected"),
    ],
)
@pytest.mark.parametrize("ending", [".xls", ".xlsx"])
def test_what_is_no_workbook_is_refused_by_name(tmp_path: Path, content: bytes, code: str, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    path.write_bytes(content)
    assert read(path).refusal.code == code


def test_a_workbook_without_content_is_refused(tmp_path: Path) -> None:
    assert read(_book(tmp_path / "a.xlsx", A=_rows(), B=_rows())).refusal.code == "empty_file"


def test_a_cell_at_the_far_corner_ends_its_own_process_only(tmp_path: Path) -> None:
    def fill(sheet: Any) -> None:
        sheet.write_row(0, 0, HEADER)
        sheet.write(1_048_575, 16_383, "x")

    assert read(_book(tmp_path / "a.xlsx", A=fill)).refusal.code == "unreadable_workbook"


def test_a_workbook_that_inflates_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    book = _book(tmp_path / "a.xlsx", A=_rows(HEADER, ["1", "2"]))
    with zipfile.ZipFile(book, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/media/image1.png", bytes(3_000_000))
    assert read(book, limits=Limits(sheet_bytes=2_000_000)).refusal.code == "too_large"
    assert read(book, limits=Limits(sheet_bytes=4_000_000)).table.count.data == 1
