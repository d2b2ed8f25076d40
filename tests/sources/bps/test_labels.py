"""Labels are read through their marks, and what is not understood is not guessed."""

import polars as pl
import pytest

from sources.bps.labels import is_known_period, is_nation, round_of, unmarked, year_of, years_in
from sources.bps.regions import NAMES, bare_name, strangers


@pytest.mark.parametrize(
    "label",
    ["2025", " 2025*", "2025**", "2025*)", "2025 *)", "2025)", "2025r", "2025 r", "2025¹", "2025 (Sementara)",
     "2025 Angka Sementara", "2025 (r)", "<b>2025</b>", "2025 <sup>1</sup>"],
)  # fmt: skip
def test_a_year_is_read_through_its_marks(label: str) -> None:
    assert year_of(label) == 2025


@pytest.mark.parametrize("label", ["2024/2025", "20255", "Tahun", "125", "", "2025-Q4", "2025r1", "1825", "٢٠٢٥"])
def test_what_is_no_year_is_none(label: str) -> None:
    assert year_of(label) is None


def test_years_within_a_label_are_found_where_it_is_none() -> None:
    assert years_in("Agustus 2024 - Februari 2025") == {2024, 2025}
    assert years_in("20255 orang, kode 12025") == set()


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("Februari", "feb"), ("<b>Agustus</b> ", "aug"), ("AGUSTUS *", "aug"), ("Keadaan Agustus", "aug"),
        ("Kondisi Bulan Februari", "feb"), ("Ags.", "aug"), ("Tahunan*)", "annual"), ("Tahun", "annual"),
        ("Agustus 2025", None), ("Triwulan III", None), ("Jumlah", None), ("", None),
    ],
)  # fmt: skip
def test_rounds_are_known_by_their_words(label: str, meant: str | None) -> None:
    assert round_of(label) == meant


@pytest.mark.parametrize(("label", "known"), [("Maret", True), ("Triwulan II", True), ("Q4", True), ("Agustsu", False)])
def test_other_parts_of_a_year_are_told_from_words_that_nobody_knows(label: str, known: bool) -> None:
    assert is_known_period(label) is known


def test_marks_end_and_names_with_brackets_stay() -> None:
    assert [unmarked(label) for label in ("Kab. Solok *)", "Solok¹⁾", "Kota (Baru)", "Rote (Ndao) 1", "x ***")] == [
        "Kab. Solok", "Solok", "Kota (Baru)", "Rote (Ndao) 1", "x",
    ]  # fmt: skip
    assert [is_nation(label) for label in ("INDONESIA*", "Indonesia *)", "<b>INDONESIA</b>", "Indonesia Timur")] == [
        True, True, True, False,
    ]  # fmt: skip


KNOWN = pl.DataFrame({"region": ["1303", "1310", "1311"], "name": ["solok", "solokselatan", "dharmasraya"]})


def unnamed(*rows: tuple[str, str]) -> list[str]:
    """Give the codes of the rows that bear no name of their region, where these are too many."""
    frame = pl.DataFrame(rows, schema=["region", "place"], orient="row")
    return strangers(frame, KNOWN)["region"].to_list()


def test_a_table_of_something_else_is_told_from_one_of_regions() -> None:
    assert unnamed(("1303", "15-19 tahun"), ("1310", "20-24 tahun"), ("1311", "Jumlah")) == ["1303", "1310", "1311"]
    assert unnamed(("1303", "Kab. Solok"), ("1310", "SOLOK SELATAN"), ("1311", "Darmasraya")) == []
    assert unnamed(("1303", "Kab. Solok"), ("1311", "Darmasraya")) == []
    assert unnamed(("1310", "Kab. Dharmasraya"), ("1311", "Kab. Solok Selatan")) == ["1310", "1311"]


def test_rows_that_say_nothing_are_no_witnesses() -> None:
    assert unnamed(("8888", "Kab. Tak Dikenal"), ("1303", "-"), ("1310", "1310")) == []
    assert strangers(pl.DataFrame({"region": ["1303"], "place": ["x"]}), pl.DataFrame(schema=NAMES)).is_empty()


def test_names_are_compared_without_type_and_signs() -> None:
    names = ["Kab. Kep. Seribu", "KAB. ADM. KEP. SERIBU", "Kep Seribu", "Kotabaru", "Kota Baru", "D.I. Yogyakarta"]
    assert pl.DataFrame({"n": names}).select(bare_name(pl.col("n")))["n"].to_list() == [
        "kepseribu", "kepseribu", "kepseribu", "kotabaru", "baru", "diyogyakarta",
    ]  # fmt: skip
