"""Real files that nobody here wrote are read through their profiles alone; skipped where absent."""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from expectations.profiles import Meaning, Profile, load_profiles
from tests.sources.reading_harness import Result, read

LABOUR = Path(__file__).parents[3] / "shared" / "realdata" / "labour"
COLUMNS = [
    "region_code",
    "year",
    "round",
    "concept",
    "value",
    "qualifier",
    "vintage",
    "source_kind",
    "source",
    "restated",
    "own_sums",
]
REQUIRED = ["region_code", "year", "concept", "value", "source_kind", "source"]

pytestmark = pytest.mark.skipif(not LABOUR.exists(), reason="the real files are not on this machine")


def _read(path: Path, profiles: list[Profile] | None = None) -> Result:
    return read(path, columns=COLUMNS, required=REQUIRED, profiles=profiles or load_profiles("labour_force"))


@cache
def _ministry(name: str) -> Result:
    return _read(LABOUR / f"{name}-2018-2025-ver2.xlsx")


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("AK", ["labour_force"]),
        ("PT", ["unemployed"]),
        ("PYB", ["employed", "employed_formal", "employed_informal"]),
    ],
)
def test_every_region_and_year_of_every_concept(name: str, concepts: list[str]) -> None:
    result = _ministry(name)
    layout = result.table.layout
    assert (layout.region_system, layout.constants["restated"], result.problems) == ("bps", "true", {})
    assert result.table.count.data == 4424
    frame = result.frame
    assert sorted(frame["concept"].unique()) == concepts
    digits = pl.col("region_code").str.len_chars()
    level = pl.when(pl.col("region_code") == "0000").then(0).otherwise(digits)
    levels = frame.group_by(level.alias("level")).len("n")
    per_year = 8 * len(concepts)
    nation, provinces, regencies = sorted(levels["n"].to_list())
    assert (nation, provinces) == (per_year, 38 * per_year)
    # One regency of one year lacks its statuses: it has no formal and informal, which is not zero.
    assert regencies == 514 * per_year - (2 if name == "PYB" else 0)
    assert frame["value"].null_count() == 0
    assert frame["year"].unique().sort().to_list() == [str(year) for year in range(2018, 2026)]


def _nation(frame: pl.DataFrame) -> dict[str, int]:
    nation = frame.filter((pl.col("region_code") == "0000") & (pl.col("year") == "2025"))
    return {concept: int(text.strip("\x01")) for concept, text in nation.select("concept", "value").rows()}


def test_formal_and_informal_add_up_to_the_employed_of_the_nation() -> None:
    value = _nation(_ministry("PYB").frame)
    assert value["employed"] == 146_542_264
    assert abs(value["employed"] - value["employed_formal"] - value["employed_informal"]) <= 2


@pytest.mark.parametrize(
    ("name", "concept", "verdicts"),
    [
        ("AK", "labour_force", {"hold": 4423, None: 1}),
        # The parts of 2018 are damaged in 483 rows, and every total proves their repair.
        ("PT", "unemployed", {"hold": 3935, "repaired": 483, "differ": 3, None: 3}),
        # Education in 406 rows of 2025, occupation in 37, 17 of them the same.
        ("PYB", "employed", {"hold": 3997, "differ": 426, None: 1}),
        ("PYB", "employed_formal", {"hold": 4423}),
        ("PYB", "employed_informal", {"hold": 4423}),
    ],
)
def test_what_the_own_sums_of_the_workbooks_say(name: str, concept: str, verdicts: dict[str | None, int]) -> None:
    frame = _ministry(name).frame.filter(pl.col("concept") == concept)
    assert dict(frame.group_by("own_sums").len().rows()) == verdicts
    damaged = frame.filter(pl.col("own_sums").is_in(["repaired", "differ"]))
    assert set(damaged["year"]) <= {"2018", "2022", "2025"}


def test_statuses_that_changed_places_are_put_right_by_declaring_it() -> None:
    (pyb,) = [profile for profile in load_profiles("labour_force") if profile.name == "kemnaker_pyb"]
    exchanged = Meaning.model_validate(
        {
            "when": {"column": "thn", "keep": ["2025"]},
            "columns": {"sta_1": "sta_3", "sta_3": "sta_1"},
            "evidence": "One in five employed is an employer and one in thirty self-employed only in 2025, everywhere.",
        }
    )
    declared = _read(LABOUR / "PYB-2018-2025-ver2.xlsx", [pyb.model_copy(update={"meanings": [exchanged]})]).frame
    before = _ministry("PYB").frame
    assert _nation(declared)["employed_formal"] == 5_063_122 + 56_777_423
    assert _nation(before)["employed_formal"] == 31_359_014 + 56_777_423
    years = pl.col("year") < "2025"
    assert declared.filter(years).equals(before.filter(years))


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize(
    ("name", "rows", "concept", "kind", "first"),
    [
        ("bps-od_17044", 424, "unemployment_rate", "bps", ("3201", "2007", "14.26")),
        ("disnakertrans-od_15793", 293, "employed", "agency", ("3201", "2011", "1852165")),
    ],
)
def test_open_data_of_west_java(
    tmp_path: Path, delimiter: str, name: str, rows: int, concept: str, kind: str, first: tuple[str, str, str]
) -> None:
    (real,) = LABOUR.glob(f"{name}*.csv")
    path = tmp_path / "export.csv"
    path.write_bytes(real.read_bytes().replace(b",", delimiter.encode()))
    result = _read(path)
    frame, constants = result.frame, result.table.layout.constants
    assert (frame.height, constants["concept"], constants["round"], constants["source_kind"]) == (
        rows,
        concept,
        "aug",
        kind,
    )
    assert frame.select("region_code", "year", "value").row(0) == first
    assert not frame["value"].str.contains("[", literal=True).any()


@pytest.mark.parametrize(
    ("name", "rows", "year", "nation"),
    [("bps_web_tpt_provinsi_2024", 39, "2024", "4.82"), ("bps_web_tpt_provinsi_feb2022", 35, "2022", "5.83")],
)
def test_downloads_of_the_bps_site(name: str, rows: int, year: str, nation: str) -> None:
    result = _read(LABOUR / f"{name}.csv")
    frame = result.frame
    assert (frame.height, result.table.layout.unknown_columns) == (rows, [])
    assert frame.select("concept", "round", "year").unique().rows() == [("unemployment_rate", "feb", year)]
    assert frame.select("region_code", "value").row(-1) == ("INDONESIA", nation)
    assert {"Provinsi Jambi", "Provinsi Bengkulu", "Provinsi Gorontalo"} <= set(frame["region_code"])


def test_the_workbook_of_east_java() -> None:
    result = _read(LABOUR / "jatim_tpak_2021_2025.xlsx")
    frame = result.frame
    assert (frame.height, result.table.layout.unknown_columns) == (39 * 5, [])
    assert frame.select("concept", "round").unique().rows() == [("participation_rate", "aug")]
    province = frame.filter(pl.col("region_code") == "Jawa Timur").select("year", "value")
    assert province.rows() == [
        ("2021", "\x0170"),
        ("2022", "71.23"),
        ("2023", "72.56"),
        ("2024", "73.45"),
        ("2025", "73.98"),
    ]
