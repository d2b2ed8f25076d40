"""Columns found by pattern, units told row by row, columns that changed places, sums told beside a figure."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from expectations.profiles import Profile
from sources.tables import MARKER
from tests.sources.reading_harness import Result, read

COLUMNS = ["region_code", "year", "round", "concept", "value", "source", "own_sums"]
BASE: dict[str, Any] = {
    "dataset": "participants",
    "name": "wide",
    "description_id": "a",
    "description_en": "a",
    "evidence": "a",
    "aliases": {"region_code": ["kode"]},
    "required": ["region_code"],
}
EVIDENCE = "The shares of both exchange in this year in every region."


def _profile(**keys: object) -> Profile:
    return Profile.model_validate(BASE | keys)


def _read(folder: Path, text: str, *profiles: Profile) -> Result:
    path = folder / "wide.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, columns=COLUMNS, required=COLUMNS, profiles=profiles)


# --- columns by pattern ---------------------------------------------------------------------------------------------

YEARS = _profile(
    melt=[{"columns": r"^(?P<round>\w+) (?P<year>\d{4})$", "set": {"concept": "employed"}}],
    value_maps={"round": {"Februari": "feb", "Agustus": "aug"}},
)


def test_every_column_that_matches_becomes_a_row(tmp_path: Path) -> None:
    result = _read(tmp_path, "kode;FEBRUARI 2024;Catatan;Agustus  2025\n1101;5;ya;6\n1102;-;;7\n1103;-;;-\n", YEARS)
    assert result.cells("region_code", "year", "round", "concept", "value") == [
        ("1101", "2024", "feb", "employed", "5"),
        ("1101", "2025", "aug", "employed", "6"),
        ("1102", "2025", "aug", "employed", "7"),
        ("1103", "2024", "feb", "employed", None),
    ]
    assert result.table.layout.unknown_columns == ["Catatan"]


def test_a_value_that_no_map_knows_stays_for_the_rules(tmp_path: Path) -> None:
    assert _read(tmp_path, "kode;Mei 2024\n1101;5\n", YEARS).cells("round", "year") == [("Mei", "2024")]


def test_a_header_without_any_such_column_is_another_layout(tmp_path: Path) -> None:
    refusal = _read(tmp_path, "kode;nama;tahun\n1101;a;2024\n", YEARS).refusal
    assert refusal.code == "unknown_header"


@pytest.mark.parametrize("header", ["kode;Mei 2024;mei 2024", "kode;Februari 2024;FEBRUARI  2024"])
def test_two_columns_that_say_the_same_are_refused(tmp_path: Path, header: str) -> None:
    refusal = _read(tmp_path, f"{header}\n1101;5;6\n", YEARS).refusal
    assert refusal.code == "duplicate_column"


def test_a_column_that_two_patterns_take_is_refused(tmp_path: Path) -> None:
    both = _profile(
        melt=[
            {"columns": r"(?P<year>\d{4})", "set": {"concept": "employed"}},
            {"columns": r"Jiwa (?P<year>\d{4})", "set": {"concept": "unemployed"}},
        ]
    )
    assert _read(tmp_path, "kode;Jiwa 2024\n1101;5\n", both).refusal.code == "duplicate_column"


def test_a_column_that_is_read_by_name_is_no_match(tmp_path: Path) -> None:
    named = _profile(aliases={"region_code": ["kode 2020"]}, melt=[{"columns": r"(?P<year>\d{4})"}])
    assert _read(tmp_path, "kode 2020;2024\n1101;5\n", named).cells("year", "value") == [("2024", "5")]


def test_two_profiles_that_match_one_header_are_refused(tmp_path: Path) -> None:
    other = YEARS.model_copy(update={"name": "other"})
    assert _read(tmp_path, "kode;Mei 2024\n1101;5\n", YEARS, other).refusal.code == "ambiguous_header"


# --- units ----------------------------------------------------------------------------------------------------------

PER_ROW = _profile(
    aliases={"region_code": ["kode"], "value": ["jumlah"]},
    locale="id",
    units={"column": "satuan", "factors": {"Orang": 1, "Ribu Orang": 1000}},
)


@pytest.mark.parametrize(
    ("cell", "unit", "value"),
    [
        ("1.852.165", "ORANG", "1.852.165"),
        ("1,001", "ribu orang ", f"{MARKER}1001"),
        ("1.852,165", "Ribu Orang", f"{MARKER}1852165"),
        ("abc", "Orang", "abc"),
        ("abc", "Ribu Orang", "abc [ribu orang]"),
        ("5 ribu", "Ribu Orang", "5 ribu [ribu orang]"),
        ("(5)", "Ribu Orang", "(5) [ribu orang]"),
        ("-", "Ribu Orang", None),
        ("5", "Juta Orang", "5 [juta orang]"),
        ("5", "ribu", "5 [ribu]"),
        ("5", "", "5 [?]"),
        ("-", "Juta Orang", None),
    ],
)
def test_a_unit_is_told_row_by_row(tmp_path: Path, cell: str, unit: str, value: str | None) -> None:
    result = _read(tmp_path, f"kode;jumlah;satuan\n1101;1;Orang\n1102;{cell};{unit}\n", PER_ROW)
    assert result.cells("value") == [("1",), (value,)]


TOLD = {"region_code": ["kode"], "value": ["jumlah"], "qualifier": ["tanda"]}
VALUE = {"region_code": ["kode"], "value": ["jumlah"]}
FACTORS = {"column": "satuan", "factors": {"Orang": 1, "Ribu Orang": 1000}}


@pytest.mark.parametrize(
    ("keys", "qualifiers"),
    [
        ({"units": FACTORS, "aliases": VALUE}, (None, "approx", "approx")),
        ({"units": FACTORS, "aliases": VALUE, "constants": {"qualifier": "eq"}}, ("eq", "approx", "approx")),
        ({"units": FACTORS, "aliases": VALUE, "constants": {"qualifier": "ge"}}, ("ge", "ge", "ge")),
        ({"units": FACTORS, "aliases": TOLD}, (None, "approx", "eq")),
        ({"unit": 1000, "aliases": VALUE}, ("approx", "approx", "approx")),
        ({"unit": 1000, "aliases": VALUE, "constants": {"qualifier": "eq"}}, ("approx", "approx", "approx")),
        ({"unit": 1000, "aliases": TOLD}, ("approx", "approx", "eq")),
        ({"aliases": TOLD}, (None, None, "eq")),
    ],
)
def test_a_figure_times_a_factor_is_approx_unless_its_row_says_how_exact_it_is(
    tmp_path: Path, keys: dict[str, Any], qualifiers: tuple[str | None, ...]
) -> None:
    lines = "kode;jumlah;satuan;tanda\n1101;1;Orang;\n1102;2;Ribu Orang;\n1103;3;Ribu Orang;eq\n"
    assert _read(tmp_path, lines, _profile(**keys)).cells("qualifier") == [(each,) for each in qualifiers]


def test_a_table_in_persons_says_nothing_of_rounding(tmp_path: Path) -> None:
    plain = _profile(aliases=VALUE, units={"column": "satuan", "factors": {"Orang": 1}})
    assert "qualifier" not in _read(tmp_path, "kode;jumlah;satuan\n1101;1;Orang\n", plain).table.layout.columns


def test_a_column_of_units_must_be_there(tmp_path: Path) -> None:
    assert _read(tmp_path, "kode;jumlah\n1101;5\n", PER_ROW).refusal.code == "unknown_header"


# --- columns that changed places ------------------------------------------------------------------------------------

STATUSES: dict[str, Any] = {
    "aliases": {"region_code": ["kode"], "year": ["thn"]},
    "unpivot": [
        {"set": {"concept": "employed_formal"}, "sum": ["sta_3", "sta_4"]},
        {"set": {"concept": "employed_informal"}, "sum": ["sta_1"]},
    ],
}
EXCHANGED = {"when": {"column": "thn", "keep": ["2025"]}, "columns": {"sta_1": "sta_3", "sta_3": "sta_1"}}
WIDE = "thn,kode,sta_1,sta_3,sta_4,total\n2024,1101,70,10,5,85\n2025,1101,11,72,6,89\n"


def test_columns_hold_what_the_profile_says_in_its_rows_only(tmp_path: Path) -> None:
    meant = _read(tmp_path, WIDE, _profile(**STATUSES, meanings=[EXCHANGED | {"evidence": EVIDENCE}]))
    expected = [("2024", f"{MARKER}15"), ("2024", "70"), ("2025", f"{MARKER}17"), ("2025", "72")]
    assert meant.cells("year", "value") == expected


def test_without_meanings_columns_hold_what_their_header_says(tmp_path: Path) -> None:
    assert _read(tmp_path, WIDE, _profile(**STATUSES)).cells("value")[2:] == [(f"{MARKER}78",), ("11",)]


def test_a_cycle_of_three_is_followed(tmp_path: Path) -> None:
    cycle = {"sta_1": "sta_3", "sta_3": "sta_4", "sta_4": "sta_1"}
    profile = _profile(**STATUSES, meanings=[EXCHANGED | {"columns": cycle, "evidence": EVIDENCE}])
    assert _read(tmp_path, WIDE, profile).cells("value")[2:] == [(f"{MARKER}83",), ("6",)]


def test_the_columns_of_a_meaning_must_be_there(tmp_path: Path) -> None:
    profile = _profile(**STATUSES, meanings=[EXCHANGED | {"columns": {"a": "b", "b": "a"}, "evidence": EVIDENCE}])
    assert _read(tmp_path, WIDE, profile).refusal.code == "unknown_header"


# --- own sums -------------------------------------------------------------------------------------------------------

SUMMED = STATUSES | {"own_sums": [{"total": "total", "parts": ["sta_1", "sta_3", "sta_4"]}]}


def test_parts_are_held_against_the_total_of_their_row(tmp_path: Path) -> None:
    text = WIDE + "2024,1102,70,10,5,99\n2024,1103,-,10,5,15\n2024,1104,-,-,-,15\n"
    assert _read(tmp_path, text, _profile(**SUMMED)).cells("region_code", "concept", "value", "own_sums") == [
        ("1101", "employed_formal", f"{MARKER}15", "hold"),
        ("1101", "employed_informal", "70", "hold"),
        ("1101", "employed_formal", f"{MARKER}78", "hold"),
        ("1101", "employed_informal", "11", "hold"),
        ("1102", "employed_formal", f"{MARKER}15", "differ"),
        ("1102", "employed_informal", "70", "differ"),
        ("1103", "employed_formal", f"{MARKER}15", "hold"),
        ("1104", "employed_formal", None, None),
    ]


def test_a_header_without_the_parts_tells_no_sums(tmp_path: Path) -> None:
    result = _read(tmp_path, WIDE.replace(",total", ",all"), _profile(**SUMMED))
    assert result.table.layout.unknown_columns == ["all"]
    assert "own_sums" not in result.frame.columns


def test_a_repaired_part_is_summed_and_an_unproven_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "wide.xlsx"
    book: Any = xlsxwriter.Workbook(path)
    with book:
        sheet = book.add_worksheet()
        rows: list[list[object]] = [
            ["thn", "kode", "sta_1", "sta_3", "sta_4", "total"],
            [2018, "1101", 452.327, "1,425,104", 5, 1877436],
            [2018, "1102", 452.327, "1,425,104", 5, 1877446],
            [2018, "1103", 1.498, 500, 2, 3998],
        ]
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    result = read(path, columns=COLUMNS, required=COLUMNS, profiles=[_profile(**SUMMED)])
    assert result.cells("concept", "value", "own_sums") == [
        ("employed_formal", f"{MARKER}1425109", "repaired"),
        ("employed_informal", f"{MARKER}452327", "repaired"),
        ("employed_formal", "1,425,104 + 5", "differ"),
        ("employed_informal", f"{MARKER}452.327", "differ"),
        ("employed_formal", f"{MARKER}2500", "repaired"),
        ("employed_informal", f"{MARKER}1498", "repaired"),
    ]


def test_a_row_that_stays_as_it_is_has_own_sums_too(tmp_path: Path) -> None:
    profile = _profile(
        aliases={"region_code": ["kode"], "value": ["Jumlah"]},
        own_sums=[{"total": "Jumlah", "parts": ["Laki-laki", "Perempuan"]}],
    )
    text = "kode;laki laki;perempuan;jumlah\n1101;5;6;11\n1102;5;6;30\n1103;5;6;-\n"
    assert _read(tmp_path, text, profile).cells("value", "own_sums") == [("11", "hold"), ("30", "differ"), (None, None)]


def test_own_sums_are_told_of_melted_columns(tmp_path: Path) -> None:
    profile = _profile(
        melt=[{"columns": r"^Jumlah (?P<year>\d{4})$"}],
        own_sums=[{"total": "Jumlah 2024", "parts": ["L 2024", "P 2024"]}],
    )
    text = "kode;L 2024;P 2024;Jumlah 2024;Jumlah 2025\n1101;5;6;11;12\n1102;5;6;30;31\n"
    assert _read(tmp_path, text, profile).cells("year", "own_sums") == [
        ("2024", "hold"),
        ("2025", None),
        ("2024", "differ"),
        ("2025", None),
    ]
