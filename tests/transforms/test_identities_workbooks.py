"""The ministry's three workbooks against the identities, with the expectation reckoned from the sheets themselves."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest
from python_calamine import CalamineWorkbook

from tests.transforms.identity_judge import Judge, Row

ROOT = Path(__file__).resolve().parents[2]
LABOUR = ROOT.parent / "shared" / "realdata" / "labour"
FORMAL = ("sta_3", "sta_4")
INFORMAL = ("sta_1", "sta_2", "sta_5", "sta_6", "sta_7")
WORKBOOKS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "AK": {"labour_force": ["AK"]},
    "PT": {"unemployed": ["PT"]},
    "PYB": {"employed": ["PYB"], "employed_formal": FORMAL, "employed_informal": INFORMAL},
}
STATUSES = ("employed_formal", "employed_informal")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LABOUR.exists(), reason="the ministry's workbooks are not on this machine"),
]


def read_workbook(name: str, columns: Mapping[str, Sequence[str]]) -> pl.DataFrame:
    """Read one workbook of the ministry: region, year and concepts, each the sum of some columns."""
    path = str(LABOUR / f"{name}-2018-2025-ver2.xlsx")
    book = CalamineWorkbook.from_path(path)  # pyright: ignore[reportUnknownMemberType]
    header, *rows = [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()]
    frame = pl.DataFrame(rows, schema=header, orient="row")
    level, number = pl.col("lvl_wil"), pl.all().cast(pl.Float64, strict=False).cast(pl.Int64)
    codes = frame.select("thn", "kd_prov", "kd_kabkot").select(number).with_columns(frame["lvl_wil"])
    province, regency = pl.col("kd_prov").cast(pl.String), pl.col("kd_kabkot").cast(pl.String)
    region = pl.when(level == "Nasional").then(pl.lit("0000")).when(level == "Provinsi").then(province)
    places = codes.select(region_code=region.otherwise(regency), year="thn")
    concepts = [
        places.with_columns(
            frame.select(parts).select(number).sum_horizontal(ignore_nulls=False).alias("value"),
            pl.lit(concept).alias("concept"),
        )
        for concept, parts in columns.items()
    ]
    return pl.concat(concepts).drop_nulls()


def judged(figures: pl.DataFrame) -> Judge:
    """Put the workbooks' figures before the judge, with the regions that ship."""
    judge = Judge("labour_force")
    regions = ROOT / "warehouse" / "reference" / "regions.csv"
    judge.con.execute(f"CREATE OR REPLACE TABLE reference.regions AS FROM read_csv('{regions}', all_varchar = true)")
    judge.con.execute("ALTER TABLE reference.regions ALTER valid_from TYPE DATE")
    judge.con.register("figures", figures.to_arrow())
    judge.con.execute("""
        INSERT INTO loaded BY NAME
        SELECT *, 'aug' AS round, 'eq' AS qualifier, 'bps' AS source_kind, 'Sakernas' AS source, true AS restated
        FROM figures
    """)
    return judge


@pytest.fixture(scope="module")
def figures() -> pl.DataFrame:
    """All figures of the three workbooks: region_code, year, value, concept."""
    return pl.concat(read_workbook(name, columns) for name, columns in WORKBOOKS.items())


def test_the_labour_forces_that_contradict_their_parts_are_disputed_and_no_others(figures: pl.DataFrame) -> None:
    status = judged(figures).status("region_code", "year", "concept")
    wide = figures.pivot("concept", index=["region_code", "year"], values="value")
    apart = wide.filter((pl.col("labour_force") - pl.col("employed") - pl.col("unemployed")).abs() > 2)
    disputed = {key[:2] for key, value in status.items() if key[2] == "labour_force" and value == "disputed"}
    assert disputed == set(apart.select("region_code", "year").rows())
    assert len(disputed) == 292
    dharmasraya = {"labour_force": 138_321, "employed": 130_704, "unemployed": 7_617}
    assert wide.filter(region_code="1311", year=2025).select(*dharmasraya).to_dicts() == [dharmasraya]
    assert {status[("1311", 2025, concept)] for concept in dharmasraya} == {"final"}
    assert {value for key, value in status.items() if key[:2] == ("5208", 2018)} == {"missing"}
    assert status[("0000", 2018, "unemployed")] == "final"
    assert status[("91", 2018, "unemployed")] == "disputed"


def test_the_statuses_of_2025_stand_in_each_others_columns(figures: pl.DataFrame) -> None:
    judge = judged(figures)
    status = judge.status("year", "concept", "region_code")
    disputed = {key[:2] for key, value in status.items() if key[1] in STATUSES and value == "disputed"}
    assert disputed == {(2025, concept) for concept in STATUSES}
    assert {value for key, value in status.items() if key[:2] in disputed} == {"disputed"}
    exchanged = [row for row in judge.findings() if row["code"] == "parts_exchanged"]
    assert [(row["place_code"], row["year"], row["concept"]) for row in exchanged] == [
        ("0000", 2025, concept) for concept in STATUSES
    ]


def test_only_what_stands_out_is_a_jump(figures: pl.DataFrame) -> None:
    found: list[Row] = judged(figures).findings()
    jumps = {(row["place_code"], row["year"], row["concept"]) for row in found if row["code"] == "jump"}
    assert 50 <= len(jumps) <= 200
    assert ("6409", 2024, "employed") in jumps, "157,112 after 90,000 a year"
    assert not [row for row in found if row["code"] == "unit_change"]


@pytest.fixture(scope="module")
def statuses() -> pl.DataFrame:
    """Workers by employment status 1 to 7, those of 2025 in their places: region_code, year, a column a status."""
    told = read_workbook("PYB", {str(status): [f"sta_{status}"] for status in range(1, 8)})
    return exchanged(told.pivot("concept", index=["region_code", "year"], values="value"), "1", "3", [2025])


def exchanged(wide: pl.DataFrame, one: str, other: str, years: Sequence[int]) -> pl.DataFrame:
    """Give the statuses with two columns in each other's place in some years."""
    now = pl.col("year").is_in(years)
    return wide.with_columns(
        pl.when(now).then(other).otherwise(one).alias(one), pl.when(now).then(one).otherwise(other).alias(other)
    )


def parts_found(wide: pl.DataFrame) -> set[int]:
    """Give the years in which the judge finds formal and informal exchanged."""
    sums = {
        name: pl.sum_horizontal(column.removeprefix("sta_") for column in columns)
        for name, columns in WORKBOOKS["PYB"].items()
        if name in STATUSES
    }
    long = wide.select("region_code", "year", **sums).unpivot(
        index=["region_code", "year"], variable_name="concept", value_name="value"
    )
    return {row["year"] for row in judged(long).findings() if row["code"] == "parts_exchanged"}


def test_with_its_columns_in_their_places_2025_is_found_no_more(statuses: pl.DataFrame) -> None:
    assert parts_found(statuses) == set()
    assert parts_found(statuses.filter(pl.col("region_code") != "0000")) == set()


@pytest.mark.parametrize("province", ["32", "65", "94"])
def test_an_honest_province_alone_is_no_exchange(statuses: pl.DataFrame, province: str) -> None:
    assert parts_found(statuses.filter(pl.col("region_code").str.starts_with(province))) == set()


@pytest.mark.parametrize(
    ("one", "other", "years", "without"),
    [
        ("3", "1", (2020,), "0000"), ("3", "2", (2023,), ""), ("3", "7", (2020, 2021), "0000"), ("3", "7", (2023,), ""),
        ("4", "1", (2024, 2025), ""), ("4", "2", (2018,), "0000"), ("4", "5", (2019,), ""), ("4", "6", (2022,), ""),
        ("4", "7", (2018, 2019), "0000"),
    ],
)  # fmt: skip
def test_two_exchanged_columns_are_found_in_just_those_years(
    statuses: pl.DataFrame, one: str, other: str, years: Sequence[int], without: str
) -> None:
    wide = exchanged(statuses, one, other, years).filter(pl.col("region_code") != without)
    assert parts_found(wide) == set(years)


def test_every_vintage_of_the_workbooks_is_judged_alike(figures: pl.DataFrame) -> None:
    judge = judged(figures)
    judge.con.execute("UPDATE loaded SET vintage = DATE '2025-01-01'")
    judge.con.execute("""
        INSERT INTO loaded BY NAME SELECT l.* REPLACE (day AS vintage)
        FROM loaded AS l, (SELECT unnest([DATE '2025-02-01', DATE '2026-02-01']) AS day)
    """)
    status = judge.status("vintage", "concept", "region_code", "year")
    disputed = Counter(key[:2] for key, value in status.items() if value == "disputed")
    assert {days for (_, concept), days in disputed.items() if concept == "labour_force"} == {292}
    assert {days for (_, concept), days in disputed.items() if concept in STATUSES} == {553}
    assert len([row for row in judge.findings() if row["code"] == "parts_exchanged"]) == 2
