import datetime as dt
import gzip
import zipfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from sources.reading import Limits
from tests.sources.reading_harness import Result, read

CSV = b"nik;kpj\n1;2\n3;4\n"


def _zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _parquet(path: Path, frame: pl.DataFrame) -> Result:
    frame.write_parquet(path)
    return read(path, columns=["nik", "kpj", "name", "wage_idr", "note"])


@pytest.mark.parametrize("name", ["a.csv.gz", "A.CSV.GZ"])
def test_gzip(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(CSV))
    assert read(path).cells("nik", "kpj") == [("1", "2"), ("3", "4")]
    assert list((tmp_path / "work").iterdir()) == []


def test_a_truncated_gzip_is_refused_with_the_lines_that_came(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(CSV * 5000)[:-12])
    refusal = read(path).refusal
    assert refusal.code == "damaged_file"
    assert 10_000 < refusal.lines.data <= 15_000
    assert list((tmp_path / "work").iterdir()) == []


def test_every_member_of_an_archive_is_a_table_of_its_own(tmp_path: Path) -> None:
    members = {"b/x.csv": CSV, "y.csv.gz": gzip.compress(CSV), "__MACOSX/z.csv": b"x", "n.txt": b"x", "b/": b""}
    path = _zip(tmp_path / "a.zip", members)
    result = read(path, "N07/2026-10/a.zip")
    assert [table.file for table in result.tables] == ["N07/2026-10/a.zip!b/x.csv", "N07/2026-10/a.zip!y.csv.gz"]
    assert [refusal.code for refusal in result.refusals] == ["unknown_ending"]
    assert list((tmp_path / "work").iterdir()) == []


def test_a_damaged_member_leaves_the_others_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bad.csv", b"nik;kpj\nBROKEN;1\n")
        archive.writestr("good.csv", CSV)
    path.write_bytes(path.read_bytes().replace(b"BROKEN", b"BR0KEN"))
    result = read(path)
    assert [(refusal.file, refusal.code) for refusal in result.refusals] == [("a.zip!bad.csv", "damaged_file")]
    assert [table.file for table in result.tables] == ["a.zip!good.csv"]


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    bomb = _zip(tmp_path / "a.zip", {"bomb.csv": bytes(5_000_000), "late.csv": CSV})
    result = read(bomb, limits=Limits(inflated_bytes=1_000_000))
    assert [refusal.code for refusal in result.refusals] == ["too_large"]
    assert [table.file for table in result.tables] == ["a.zip!late.csv"]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    assert read(path, limits=Limits(inflated_bytes=1_000_000)).refusal.code == "too_large"


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"nik;kpj\n" + b"0" * 2_000_000)
    assert read(path, limits=Limits(line_bytes=1_000_000)).refusal.code == "line_too_long"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", b"", "empty_file"),
        ("a.csv", b"\xef\xbb\xbf\r\n\r\n", "empty_file"),
        ("a.csv", b" ;;\n;;\n", "empty_file"),
        ("a.csv", b"PK\x03\x04xxxx", "wrong_content"),
        ("a.csv", b"PAR1xxxx", "wrong_content"),
        ("a.csv.gz", b"", "empty_file"),
        ("a.csv.gz", b"nik;kpj\n", "damaged_file"),
        ("a.zip", b"", "empty_file"),
        ("a.zip", b"PK\x03\x04", "damaged_file"),
        ("a.parquet", b"", "empty_file"),
        ("a.parquet", b"PAR1 and no more", "damaged_file"),
        ("a.docx", b"x", "unknown_ending"),
        ("a", b"x", "unknown_ending"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert read(path).refusal.code == code


def test_archives_that_hold_nothing_readable(tmp_path: Path) -> None:
    assert read(_zip(tmp_path / "empty.zip", {})).refusal.code == "no_tables"
    assert read(_zip(tmp_path / "nested.zip", {"inner.zip": b"x"})).refusal.code == "nested_archive"


def test_parquet_numbers_carry_the_marker_and_dates_are_iso(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "nik": [3204110000000001, None],
            "kpj": ["001", "\x01"],
            "name": [dt.datetime(2026, 10, 31), dt.datetime(2026, 10, 31, 7, 5)],  # noqa: DTZ001
            "wage_idr": [7.708, 1e16],
            "note": [Decimal("1.00"), None],
        }
    )
    result = _parquet(tmp_path / "a.parquet", frame)
    assert result.cells("nik", "kpj", "name", "wage_idr", "note") == [
        ("\x013204110000000001", "001", "2026-10-31", "\x017.708", "\x011"),
        (None, None, None, None, None),
    ]
    assert result.problems == {2: "undecodable_text"}
    assert result.table.count.header == 0


def test_parquet_in_batches(tmp_path: Path) -> None:
    frame = pl.DataFrame({"nik": [str(number) for number in range(100)], "kpj": ["x"] * 100})
    frame.write_parquet(tmp_path / "a.parquet")
    result = read(tmp_path / "a.parquet", limits=Limits(batch_rows=7))
    assert result.frame["_line"].to_list() == list(range(1, 101))
    assert result.frame["nik"].to_list() == frame["nik"].to_list()


def test_large_and_small_floats_have_no_exponent(tmp_path: Path) -> None:
    frame = pl.DataFrame({"nik": ["1", "2", "3"], "kpj": ["1", "2", "3"], "wage_idr": [1e17, 0.0000001, 5.0]})
    result = _parquet(tmp_path / "a.parquet", frame)
    assert result.cells("wage_idr") == [("\x01100000000000000000",), ("\x010.0000001",), ("\x015",)]


def test_nested_columns_are_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"nik": ["1"], "kpj": ["2"], "note": [["a", "b"]]})
    refusal = _parquet(tmp_path / "a.parquet", frame).refusal
    assert (refusal.code, refusal.lines.data) == ("nested_columns", 1)
    assert "note" in refusal.message_en


def test_blank_rows_of_parquet_are_counted(tmp_path: Path) -> None:
    result = _parquet(tmp_path / "a.parquet", pl.DataFrame({"nik": ["1", None], "kpj": ["2", " "]}))
    assert (result.table.count.blank, result.table.count.data) == (1, 1)
