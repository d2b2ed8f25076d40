"""Real workbooks that nobody here wrote are read through their profiles alone; skipped where absent."""

from pathlib import Path

import polars as pl
import pytest

from expectations.profiles import load_profiles
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
]
REQUIRED = ["region_code", "year", "concept", "value", "source_kind", "source"]

pytestmark = pytest.mark.skipif(not LABOUR.exists(), reason="the real files are not on this machine")


def _read(name: str) -> Result:
    path = LABOUR / f"{name}-2018-2025-ver2.xlsx"
    return read(path, columns=COLUMNS, required=REQUIRED, profiles=load_profiles("labour_force"))


@pytest.mark.parametrize(
    ("name", "concepts"),
    [
        ("AK", ["labour_force"]),
        ("PT", ["unemployed"]),
        ("PYB", ["employed", "employed_formal", "employed_informal"]),
    ],
)
def test_every_region_and_year_of_every_concept(name: str, concepts: list[str]) -> None:
    result = _read(name)
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


def test_formal_and_informal_add_up_to_the_employed_of_the_nation() -> None:
    nation = _read("PYB").frame.filter((pl.col("region_code") == "0000") & (pl.col("year") == "2025"))
    value = {concept: int(text.strip("\x01")) for concept, text in nation.select("concept", "value").rows()}
    assert value["employed"] == 146_542_264
    assert abs(value["employed"] - value["employed_formal"] - value["employed_informal"]) <= 2
