"""The catalogue of series: what it refuses, what is chosen from it, and the rows that discovery proposes."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from sources.bps.catalogue import COLUMNS, CatalogueError, chosen, matching, read_catalogue, row_for
from sources.bps.units import kind_of_unit

HEADER = ",".join(COLUMNS)
GOOD = "7400,labour_force,33,,codes,,aug,Orang,2026-11-01,a page"


def written(path: Path, *lines: str, header: str = HEADER) -> Path:
    file = path / "series.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return file


def test_a_row_is_read_as_it_stands(tmp_path: Path) -> None:
    [one] = read_catalogue(written(tmp_path, "0000,employed_formal,2335,2088+2089,domain,11,,,,a page"))
    assert (one.derived, one.region_row, one.round, one.unit, one.verified_on) == (
        ("2088", "2089"),
        "11",
        None,
        None,
        None,
    )
    [other] = read_catalogue(written(tmp_path, "", GOOD, ""))
    assert (other.derived, other.round, other.unit, other.verified_on) == ((), "aug", "Orang", date(2026, 11, 1))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("740,labour_force,33,,codes,,,,,x", "line 2, domain"),
        ("٠٣٠٠,labour_force,33,,codes,,,,,x", "line 2, domain"),
        ("7400,workers,33,,codes,,,,,x", "line 2, concept"),
        ("7400,labour_force,abc,,codes,,,,,x", "line 2, variable"),
        ("7400,labour_force,33,1;2,codes,,,,,x", r"joined by \+"),
        ("7400,labour_force,33,,lines,,,,,x", "line 2, region_axis"),
        ("7400,labour_force,33,,domain,,,,,x", "region_row is filled"),
        ("7400,labour_force,33,,codes,11,,,,x", "region_row is filled"),
        ("7400,labour_force,33,,codes,,stated,,,x", "line 2, round"),
        ("7400,labour_force,33,,codes,,,Rupiah,,x", "Rupiah"),
        ("7400,labour_force,33,,codes,,,,yesterday,x", "line 2, verified_on"),
        ("7400,labour_force,33,,codes,,,,,", "line 2, source"),
        ("7400,unemployment_rate,33,1+2,codes,,,,,x", "cannot be added up"),
    ],
)
def test_a_wrong_row_is_refused_by_line_and_column(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        read_catalogue(written(tmp_path, line))


def test_other_columns_a_second_row_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="found columns"):
        read_catalogue(written(tmp_path, GOOD, header=HEADER.replace("unit", "units")))
    with pytest.raises(CatalogueError, match="7400 labour_force stands twice"):
        read_catalogue(written(tmp_path, GOOD, GOOD.replace(",33,", ",34,")))
    with pytest.raises(CatalogueError, match="no row; expected at least one series"):
        read_catalogue(written(tmp_path, "", ",,,,,,,,,"))
    with pytest.raises(CatalogueError, match="no readable CSV file"):
        read_catalogue(tmp_path / "absent.csv")


def test_what_is_not_in_the_catalogue_is_refused_with_what_to_do(tmp_path: Path) -> None:
    catalogue = read_catalogue(written(tmp_path, GOOD, GOOD.replace("labour_force", "employed")))
    assert [one.concept for one in chosen(catalogue, ["7400"], ["employed"])] == ["employed"]
    assert len(chosen(catalogue, [], [])) == 2
    with pytest.raises(CatalogueError, match="cakupan bps find TEXT --domain 1300"):
        chosen(catalogue, ["1300"], [])
    with pytest.raises(CatalogueError, match="unemployed"):
        chosen(catalogue, [], ["unemployed"])


def test_words_are_searched_in_title_and_subject_in_any_order() -> None:
    variables = pl.DataFrame(
        {
            "var_id": ["33", "34", "35", "33"],
            "title": ["Jumlah Angkatan Kerja", "Kerja Paksa", None, "Jumlah Angkatan Kerja"],
            "sub_name": ["Tenaga Kerja", "Sejarah", "Angkatan Kerja", "Tenaga Kerja"],
        }
    )
    assert matching(variables, "KERJA angkatan")["id"].to_list() == ["33", "35"]
    assert matching(variables, "kerja")["id"].to_list() == ["33", "34", "35"]
    assert matching(variables, "a.g")["id"].to_list() == []
    assert matching(pl.DataFrame(), "kerja").is_empty()


@pytest.mark.parametrize(
    ("title", "unit", "concept", "kept"),
    [
        ("Tingkat Pengangguran Terbuka (TPT), Menurut Kabupaten/Kota", "Persen", "unemployment_rate", "Persen"),
        ("Jumlah Pengangguran", "Orang", "unemployed", "Orang"),
        ("Proporsi Lapangan Kerja Informal", "Persen", "employed_informal", "Persen"),
        ("TPAK", None, "participation_rate", ""),
        ("Angkatan Kerja", "Tidak Ada Satuan", "labour_force", ""),
        ("Luas Panen", "Ha", "CONCEPT", ""),
    ],
)
def test_a_proposed_row_is_one_of_the_catalogue(
    tmp_path: Path, title: str, unit: str | None, concept: str, kept: str
) -> None:
    row = row_for("7400", "33", title, unit, date(2026, 11, 21))
    if concept == "CONCEPT":
        with pytest.raises(CatalogueError, match="concept"):
            read_catalogue(written(tmp_path, row))
        return
    [one] = read_catalogue(written(tmp_path, row))
    assert (one.concept, one.unit or "", one.verified_on) == (concept, kept, None)
    assert one.source == f"{title}; model=var on 2026-11-21"


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Orang", "persons"), ("(Orang)", "persons"), ("Ribu  Orang", "thousands"), ("'000 Orang", "thousands"),
        ("Persen", "percent"), ("%", "percent"), ("Tidak Ada Satuan", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_units_are_known_by_their_words(word: str | None, kind: str | None) -> None:
    assert kind_of_unit(word) == kind
