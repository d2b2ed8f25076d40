"""What becomes of lines and persons: every line is accounted for, and nobody is named outside raw and quarantine."""

from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter

from tests.support import (
    Home,
    Row,
    columns_of,
    csv_text,
    kpj,
    nik,
    participant,
    recap,
    target,
)

pytestmark = pytest.mark.slow

EXPORT = "participants/SLK/2026-10/export.csv"


# --- lines ------------------------------------------------------------------------------------------------------------


def test_every_line_of_a_dirty_file_is_accounted_for(home: Home) -> None:
    good = csv_text([participant(1), participant(2), participant(3)]).splitlines()
    text = "\n".join(
        [
            "DAFTAR PESERTA",
            "",
            *good[:3],
            "",
            good[3] + ",extra",
            '"broken',
            good[1].replace(kpj(1), "1").replace("BPU", "ALL"),
            "",
            "",
        ]
    )
    home.put(EXPORT, text)
    lines = home.sweep()[EXPORT].lines
    assert lines.add_up()
    assert (lines.header, lines.good, lines.quarantined, lines.blank) == (2, 2, 3, 3)
    assert home.rules() == {
        (EXPORT, 7): ["ragged_line"], (EXPORT, 8): ["unclosed_quote"], (EXPORT, 9): ["kpj_shape", "segment_total"],
    }  # fmt: skip


def test_a_line_with_several_faults_has_every_reason_in_both_languages(home: Home) -> None:
    home.put(EXPORT, [participant(1, nik="1", kpj="2", sex="X")])
    home.sweep()
    (entry,) = home.quarantine().values()
    assert entry["rules"] == ["sex_not_allowed", "nik_shape", "kpj_shape"]
    assert entry["message_id"].split("; ") == [
        "Isi kolom sex tidak dikenal",
        "NIK bukan 16 angka",
        "KPJ bukan 11 huruf besar atau angka",
    ]
    assert len(entry["message_en"].split("; ")) == 3


def test_the_quarantine_keeps_what_was_found_and_what_is_expected(home: Home) -> None:
    home.put("targets/t.csv", [target(target="7.708")])
    home.sweep()
    relation = home.house.quarantine.relation()
    found = duckdb.execute(f"SELECT found, expected, record, lines FROM ({relation})").fetchall()
    assert found[0][0] == "target=7.708"
    assert "7708" in found[0][1]
    assert "7.708" in found[0][2]
    assert found[0][3] == 1


def workbook(rows: list[list[Any]], sheet: str) -> bytes:
    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        page = book.add_worksheet(sheet)  # pyright: ignore[reportUnknownMemberType]
        for place, row in enumerate(rows):
            page.write_row(place, 0, row)  # pyright: ignore[reportUnknownMemberType]
    return stream.getvalue()


def test_a_wide_line_with_one_bad_cell_is_one_bad_line(home: Home) -> None:
    head = ["thn", "lvl_wil", "kd_prov", "kd_kabkot", *(f"sta_{n}" for n in range(1, 8)), "PYB"]
    good = [2025, "Kabupaten/Kota", "13", "1303", 1, 2, 3, 4, 5, 6, 7, 28]
    bad = [2025, "Kabupaten/Kota", "13", "1304", 1, 2, 3.5, 4, 5, 6, 7, 28]
    home.put("labour_force/pyb.xlsx", workbook([head, good, bad], "PYB"))
    result = home.sweep()["labour_force/pyb.xlsx"]
    assert (result.lines.read, result.lines.good, result.lines.quarantined) == (3, 1, 1), home.quarantine()
    rows = home.core("labour_force", "concept, value::INTEGER")
    assert rows == [("employed", 28), ("employed_formal", 7), ("employed_informal", 21)]
    assert list(home.rules().values()) == [["fraction_of_a_person"]]


def test_numbers_that_a_sheet_stores_as_numbers_need_no_locale_and_damage_identifiers(home: Home) -> None:
    head = ["No. KPJ", "NIK", "Segmen", "Program", "Kode Wilayah", "BLTH Terakhir", "Upah"]
    rows = [
        [kpj(1), nik(1), "BPU", "JKK+JKM", "13.03", "10-2026", 2500000.5],
        [kpj(2), nik(2), "BPU", "JKK+JKM", "13.03", "10-2026", "2.500.000"],
        [kpj(3), int(nik(3)), "BPU", "JKK+JKM", "13.03", "10-2026", 1],
    ]
    file = "participants/SLK/2026-10/a.xlsx"
    home.put(file, workbook([head, *rows], "Peserta"))
    home.sweep()
    assert home.core("participants", "wage_idr") == [(Decimal("2500000.00"),), (Decimal("2500000.50"),)]
    assert home.rules() == {(file, 4): ["nik_damaged_by_excel"]}


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        (EXPORT, {"office_code": "GIA"}), (EXPORT, {"period": "2026-09"}),
        (EXPORT, {"office_code": "GIA", "period": "2026-09"}),
    ],
)  # fmt: skip
def test_a_file_that_differs_from_its_folder_is_refused_as_a_whole(home: Home, file: str, changes: Row) -> None:
    home.put(file, [participant(1, **changes), participant(2, **changes), participant(3, nik="1", **changes)])
    result = home.sweep()[file]
    assert (result.verdict, result.lines.good, result.lines.quarantined) == ("refused", 0, 3)
    assert result.lines.add_up()
    assert home.rules() == {(file, None): ["path_differs"]}
    (entry,) = home.quarantine().values()
    assert "Folder menyebut" in entry["message_id"]
    assert home.core("participants") == []


def test_a_file_that_agrees_with_its_folder_is_good_and_columns_stand_in_for_a_folder(home: Home) -> None:
    home.put(EXPORT, [participant(1, office_code="SLK", period="2026-10")])
    home.put("participants/lepas.csv", [participant(2, office_code="GIA", period="2026-10")])
    assert {result.verdict for result in home.sweep().values()} == {"loaded"}
    assert home.core("participants", "office_code, period") == [("GIA", "2026-10"), ("SLK", "2026-10")]


def test_without_office_and_period_every_line_is_quarantined(home: Home) -> None:
    home.put("participants/lepas.csv", [participant(1)])
    home.sweep()
    assert home.rules() == {("participants/lepas.csv", 2): ["office_code_missing", "period_missing"]}


def test_a_file_in_no_datasets_folder_is_refused(home: Home) -> None:
    home.put("peserta/a.csv", [participant(1), participant(2)])
    result = home.sweep()["peserta/a.csv"]
    assert (result.verdict, result.lines.add_up()) == ("refused", True)
    assert home.rules() == {("peserta/a.csv", None): ["unknown_dataset"]}
    assert home.sweep()["peserta/a.csv"].verdict == "unchanged"


def test_dharmasraya_and_solok_selatan_from_landed_files(home: Home) -> None:
    rows = [
        recap(region_code=code, region_system=system, value=str(n), office_code="")
        for n, (code, system) in enumerate([("1311", "bps"), ("1310", "bps")], start=1)
    ]
    home.put("recaps/bps.csv", rows)
    home.put("recaps/kemendagri.csv", [row | {"region_system": "kemendagri", "source": "lain"} for row in rows])
    home.put("recaps/dotted.csv", [recap(region_code="13.10", value="1", source="titik", office_code="")])
    home.put("recaps/unknown.csv", [recap(region_code="1311", source="tanpa sistem", office_code="")])
    home.sweep()
    assert home.core("recaps", "source, region_code, value::INTEGER") == [
        ("lain", "1310", 1), ("lain", "1311", 2), ("rekap", "1310", 2), ("rekap", "1311", 1), ("titik", "1311", 1),
    ]  # fmt: skip
    assert home.rules() == {("recaps/unknown.csv", 2): ["region_code_system_unknown"]}


# --- persons ----------------------------------------------------------------------------------------------------------


def secrets_of(people: list[Row]) -> set[bytes]:
    """Give everything that must not leave raw and quarantine."""
    return {
        str(person[name]).encode() for person in people for name in ("nik", "kpj", "name") if len(str(person[name])) > 5
    }


def texts_of(path: Path) -> bytes:
    """Give a file's content as text: Parquet and DuckDB decoded."""
    if path.suffix == ".parquet":
        return repr(duckdb.execute("FROM read_parquet($1)", [str(path)]).fetchall()).encode()
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            tables = con.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
            return repr([con.execute(f"FROM {table}").fetchall() for (table,) in tables]).encode()
    return path.read_bytes()


@pytest.mark.usefixtures("trusting")
def test_nothing_about_a_person_leaves_raw_and_quarantine(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    people = [participant(n, name=f"Rahasia Rekaan {n}") for n in range(1, 6)]
    broken = [participant(n, name=f"Rahasia Rusak {n}", segment="XX") for n in range(6, 9)]
    home.put(EXPORT, [*people, *broken])
    home.put("participants/GIA/2026-10/a.csv", [people[0] | {"nik": nik(77)}])
    home.put("participants/GIA/2026-09/no_header.csv", "\n".join(",".join(map(str, p.values())) for p in people))
    home.put("agents/a.csv", [{"office_code": "SLK", "agent_code": "P1", "nik": nik(88)}])
    report = home.run()
    assert len(home.core("participants")) == 4
    hidden = secrets_of([*people, *broken]) | {nik(77).encode(), nik(88).encode()}
    kept = [home.house.root / "raw", home.house.root / "quarantine", home.landing]
    files = [path for path in home.root.rglob("*") if path.is_file() and not any(k in path.parents for k in kept)]
    assert len(files) > 20
    leaks = [
        (path.name, secret)
        for path in files
        for secret in hidden
        for text in [path.read_bytes() + texts_of(path)]
        if secret in text
    ]
    assert leaks == []
    said = repr(report.as_json()) + repr(home.quarantine()) + "".join(capfd.readouterr())
    assert [secret for secret in hidden if secret.decode() in said] == []
    assert any(
        secret in texts_of(path) for secret in hidden for path in (home.house.root / "quarantine").rglob("*.parquet")
    )


@pytest.mark.usefixtures("trusting")
def test_a_person_counts_once_and_a_membership_each_time(home: Home) -> None:
    home.put(EXPORT, [participant(1), participant(2, nik=nik(1), segment="PU", employer_scale="micro"), participant(3)])
    home.run()
    key = "as_of = '2026-10-31' AND geo_level = 'regency' AND numerator_basis = 'registered_stock'"
    rows = home.mart("coverage", f"{key} ORDER BY segment")
    assert columns_of(rows, "segment", "numerator", "memberships", "multi_segment_persons")[0] == ("ALL", 2, 3, 1)
