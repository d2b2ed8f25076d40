"""The shipped layouts of labour figures on small files of our own with the same shapes."""

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from expectations.contracts import contracts_of
from expectations.profiles import load_profiles
from sources.tables import MARKER
from tests.sources.reading_harness import Result, read

CONTRACT = contracts_of("dataset")["labour_force"]
COLUMNS = [field.name for field in CONTRACT.landing_fields]
PROFILES = load_profiles("labour_force")


def _read(path: Path) -> Result:
    return read(path, columns=COLUMNS, required=CONTRACT.header_required, profiles=PROFILES)


def _text(folder: Path, content: str, encoding: str = "utf-8") -> Result:
    path = folder / "export.csv"
    path.write_bytes(content.encode(encoding))
    return _read(path)


def _sheet(folder: Path, rows: list[list[object]]) -> Path:
    path = folder / "book.xlsx"
    book: Any = xlsxwriter.Workbook(path)
    with book:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    return path


OPEN_DATA = "id,kode_provinsi,nama_provinsi,kode_kabupaten_kota,nama_kabupaten_kota,{},satuan,tahun"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_open_data_rates(tmp_path: Path, delimiter: str) -> None:
    head = OPEN_DATA.format("tingkat_pengangguran_terbuka")
    rows = ["1,32,JAWA BARAT,3299,KOTA CONTOH,7.5,PERSEN,2023", "2,32,JAWA BARAT,3298,KOTA LAIN,0.07,RASIO,2023"]
    result = _text(tmp_path, "\r\n".join([head, *rows, ""]).replace(",", delimiter))
    assert result.cells("region_code", "year", "round", "concept", "value", "source_kind") == [
        ("3299", "2023", "aug", "unemployment_rate", "7.5", "bps"),
        ("3298", "2023", "aug", "unemployment_rate", "0.07 [rasio]", "bps"),
    ]
    assert result.table.layout.profile == "jabar_tpt"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_open_data_persons_in_the_unit_of_each_row(tmp_path: Path, delimiter: str) -> None:
    rows = [
        OPEN_DATA.format("jumlah_penduduk"),
        "1,32,JAWA BARAT,3299,KOTA CONTOH,120500,ORANG,2021",
        "2,32,JAWA BARAT,3299,KOTA CONTOH,121.001,Ribu Orang,2022",
        "3,32,JAWA BARAT,3299,KOTA CONTOH,122000,KK,2023",
    ]
    result = _text(tmp_path, "\n".join(rows).replace(",", delimiter))
    assert result.cells("year", "value", "qualifier", "concept", "source_kind") == [
        ("2021", "120500", None, "employed", "agency"),
        ("2022", f"{MARKER}121001", "approx", "employed", "agency"),
        ("2023", "122000 [kk]", None, "employed", "agency"),
    ]


BPS_SITE = (
    "38 Provinsi,,,,\n,{title} Menurut Provinsi (Persen),,,\n,2023,,2024,\n,Februari,Agustus,Februari,Agustus\n"
    "JAMBI,4.5,4.6,4.4,-\nPAPUA SELATAN,-,-,4.7,-\nINDONESIA,5.4,5.3,4.8,-"
)


@pytest.mark.parametrize(
    ("title", "concept"),
    [
        ("Tingkat Pengangguran Terbuka", "unemployment_rate"),
        ("Tingkat Partisipasi Angkatan Kerja", "participation_rate"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_the_bps_site_with_four_header_rows(tmp_path: Path, title: str, concept: str, delimiter: str) -> None:
    result = _text(tmp_path, BPS_SITE.format(title=title).replace(",", delimiter), "utf-8-sig")
    assert result.cells("region_code", "year", "round", "value") == [
        ("Provinsi Jambi", "2023", "feb", "4.5"),
        ("Provinsi Jambi", "2023", "aug", "4.6"),
        ("Provinsi Jambi", "2024", "feb", "4.4"),
        ("PAPUA SELATAN", "2024", "feb", "4.7"),
        ("INDONESIA", "2023", "feb", "5.4"),
        ("INDONESIA", "2023", "aug", "5.3"),
        ("INDONESIA", "2024", "feb", "4.8"),
    ]
    assert set(result.frame["concept"]) == {concept}
    assert (result.table.count.header, result.table.count.data) == (4, 3)


def test_the_bps_site_under_another_title_is_not_read(tmp_path: Path) -> None:
    refusal = _text(tmp_path, BPS_SITE.format(title="Upah Rata-rata")).refusal
    assert refusal.code == "unknown_header"


@pytest.mark.parametrize("delimiter", [";", ","])
@pytest.mark.parametrize(
    ("heading", "year", "told"),
    [("Februari 2022", "2022", "feb"), ("Agustus 2019", "2019", "aug"), ("Mei 2025", "2025", "Mei")],
)
def test_the_bps_site_with_one_round(tmp_path: Path, delimiter: str, heading: str, year: str, told: str) -> None:
    text = f"Provinsi;{heading}\r\nGORONTALO;3.2\r\nBENGKULU;3.4\r\nINDONESIA;5.8\r\n;\r\n;\r\n"
    result = _text(tmp_path, text.replace(";", delimiter))
    assert result.cells("region_code", "year", "round", "value") == [
        ("Provinsi Gorontalo", year, told, "3.2"),
        ("Provinsi Bengkulu", year, told, "3.4"),
        ("INDONESIA", year, told, "5.8"),
    ]
    assert (result.table.count.blank, result.table.layout.region_system) == (2, "name")


def test_east_java_with_merged_header_and_numbers_as_text(tmp_path: Path) -> None:
    title = "Tingkat Partisipasi Angkatan Kerja (TPAK) Menurut Kabupaten/Kota (Persen)"
    path = tmp_path / "book.xlsx"
    book: Any = xlsxwriter.Workbook(path)
    with book:
        sheet = book.add_worksheet()
        sheet.merge_range(0, 0, 1, 0, "Kabupaten/Kota Se Jawa Timur \n")
        sheet.merge_range(0, 1, 0, 2, title)
        sheet.write_row(1, 1, [2026, 2027])
        sheet.write_row(2, 0, ["Kota Contoh", "70.5", "71.25"])
        sheet.write_row(3, 0, ["Jawa Timur", 70.0, "-"])
    result = _read(path)
    assert result.cells("region_code", "year", "round", "concept", "value") == [
        ("Kota Contoh", "2026", "aug", "participation_rate", "70.5"),
        ("Kota Contoh", "2027", "aug", "participation_rate", "71.25"),
        ("Jawa Timur", "2026", "aug", "participation_rate", f"{MARKER}70"),
    ]
    assert result.table.layout.profile == "jatim"


MINISTRY = ["thn", "lvl_wil", "kd_prov", "nm_prov", "kd_kabkot", "nm_kabkot", "kls_kota", "kls_desa", "jk_lk", "jk_pr"]


def test_the_ministry_with_damaged_parts(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [*MINISTRY, "PT"],
        [2018, "Kabupaten", 99, "Contoh", 9901, "Satu", 528, 1.498, 643, 1.383, 2026],
        [2018, "Kabupaten", 99, "Contoh", 9902, "Dua", 528, 1.498, 643, 1.384, 2029],
        [2018, "Provinsi", 99, "Contoh", 9900, "Contoh", "1,425,104", 452.327, "1,212,648", 664.783, 1877431],
        [2019, "Nasional", 0, "Nasional", 9999, "Nasional", 528, 1498, 643, "-", 2026],
        [2019, "Kabupaten", 99, "Contoh", 9903, "Tiga", "-", "-", "-", "-", 2026],
    ]
    result = _read(_sheet(tmp_path, rows))
    assert result.cells("region_code", "concept", "value", "own_sums") == [
        ("9901", "unemployed", f"{MARKER}2026", "repaired"),
        ("9902", "unemployed", f"{MARKER}2029", "differ"),
        ("99", "unemployed", f"{MARKER}1877431", "repaired"),
        ("0000", "unemployed", f"{MARKER}2026", "differ"),
        ("9903", "unemployed", f"{MARKER}2026", None),
    ]


def test_the_ministry_with_statuses_that_add_up_beside_schooling_that_does_not(tmp_path: Path) -> None:
    statuses, schooling = (
        [f"sta_{n}" for n in range(1, 8)],
        ["pd_sd", "pd_smp", "pd_smau", "pd_smak", "pd_dipl", "pd_univ"],
    )
    rows: list[list[object]] = [
        [*MINISTRY[:6], *statuses, *schooling, "PYB"],
        [2025, "Kabupaten", 99, "Contoh", 9901, "Satu", 10, 20, 30, 40, 50, 60, 70, 1, 2, 3, 4, 5, 6, 280],
    ]
    assert _read(_sheet(tmp_path, rows)).cells("concept", "value", "own_sums") == [
        ("employed", f"{MARKER}280", "differ"),
        ("employed_formal", f"{MARKER}70", "hold"),
        ("employed_informal", f"{MARKER}210", "hold"),
    ]


def test_every_column_that_a_labour_profile_makes_is_one_of_the_contract() -> None:
    made = {
        name
        for profile in PROFILES
        for name in [
            *profile.aliases,
            *profile.choose,
            *profile.constants,
            *profile.value_maps,
            *(name for part in profile.unpivot for name in part.set),
            *(name for melt in profile.melt for name in [*melt.set, *melt.groups()]),
        ]
    }
    assert made <= {*COLUMNS, "region_system"}
    assert made >= {"region_code", "year", "round", "concept", "value", "restated"}
