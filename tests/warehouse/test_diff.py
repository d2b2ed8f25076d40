"""What changed between two builds."""

from pathlib import Path

import duckdb
import pytest

from expectations.contracts import load_contracts
from expectations.schemas import create_table
from tests.support import Home, participant
from warehouse.assemble import published_tables
from warehouse.diff import diff_builds

# Whole nights, and processes of the command line.
pytestmark = pytest.mark.slow


def build(root: Path, name: str, figures: dict[str, int], extra: str = "", vintage: str = "2025-11-05") -> Path:
    """Write the Parquet files of a build whose coverage has one row a region."""
    folder = root / name
    (folder / "marts").mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA marts")
        for table in published_tables():
            con.execute(create_table(load_contracts()[table], f"marts.{table}", constraints=False))
        for code, value in figures.items():
            con.execute(
                "INSERT INTO marts.coverage (as_of, geo_level, geo_code, segment, numerator_basis, "
                "denominator_concept, denominator_source, denominator_round, numerator, denominator, "
                "denominator_vintage) VALUES "
                "('2026-10-31', 'regency', $1, 'ALL', 'active_stock', 'employed', 'bps', 'aug', $2, 10 * $2, $3)",
                [code, value, vintage],
            )
        for table in published_tables():
            path = folder / "marts" / f"{table}.parquet"
            con.execute(f"COPY (SELECT *{extra} FROM marts.{table}) TO '{path}' (FORMAT parquet)")
    return folder


def test_the_first_build_only_came(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        found = diff_builds(con, None, build(tmp_path, "b1", {"1303": 5, "1304": 6}))
    assert (found["before"], found["after"]) == (None, "b1")
    assert found["tables"]["coverage"] == {
        "rows_before": 0, "rows_after": 2, "came": 2, "went": 0, "changed": 0, "months": [], "moves": [],
    }  # fmt: skip
    assert found["tables"].keys() == set(published_tables())


def test_rows_that_came_went_and_moved(tmp_path: Path) -> None:
    old = build(tmp_path, "b1", {"1303": 5, "1304": 6, "1305": 7})
    new = build(tmp_path, "b2", {"1303": 5, "1304": 60, "1306": 8})
    with duckdb.connect() as con:
        coverage = diff_builds(con, old, new)["tables"]["coverage"]
    counts = ("rows_before", "rows_after", "came", "went", "changed")
    assert [coverage[name] for name in counts] == [3, 3, 1, 1, 1]
    denominator, numerator = coverage["moves"]
    assert [(move["geo_code"], move["figure"], float(move["after"])) for move in (denominator, numerator)] == [
        ("1304", "denominator", 600), ("1304", "numerator", 60),
    ]  # fmt: skip
    assert numerator["cause"] == "inputs"


def test_a_later_vintage_is_the_cause_of_a_published_month_that_changes(tmp_path: Path) -> None:
    old = build(tmp_path, "b1", {"1303": 5, "1304": 6})
    new = build(tmp_path, "b2", {"1303": 7, "1304": 8}, vintage="2026-02-01")
    with duckdb.connect() as con:
        months = diff_builds(con, old, new)["tables"]["coverage"]["months"]
    cause = "denominator_vintage 2025-11-05 -> 2026-02-01"
    assert {"as_of": "2026-10-31", "figure": "denominator", "cause": cause, "rows": 2} in months
    assert {month["cause"] for month in months if month["figure"] == "numerator"} == {"inputs"}
    with duckdb.connect() as con:
        mended = build(tmp_path, "b3", {"1303": 7, "1304": 9}, vintage="2026-02-01")
        months = diff_builds(con, new, mended)["tables"]["coverage"]["months"]
    assert {month["cause"] for month in months} == {"inputs", "another value of the same denominator_vintage"}


def test_equal_builds_differ_in_nothing(tmp_path: Path) -> None:
    old, new = (build(tmp_path, name, {"1303": 5}) for name in ("b1", "b2"))
    with duckdb.connect() as con:
        tables = diff_builds(con, old, new)["tables"]
    assert {table[name] for table in tables.values() for name in ("came", "went", "changed")} == {0}


def test_columns_that_came_and_went_are_named(tmp_path: Path) -> None:
    old, new = build(tmp_path, "b1", {"1303": 5}, ", 1 AS gone"), build(tmp_path, "b2", {"1303": 5}, ", 1 AS fresh")
    with duckdb.connect() as con:
        coverage = diff_builds(con, old, new)["tables"]["coverage"]
    assert (coverage["columns_came"], coverage["columns_went"], coverage["changed"]) == (["fresh"], ["gone"], 0)


@pytest.mark.usefixtures("trusting")
def test_a_build_holds_its_difference_from_the_promoted_one(home: Home) -> None:
    home.put("participants/SLK/2026-10/a.csv", [participant(1)])
    home.run()
    home.put("participants/SLK/2026-10/b.csv", [participant(1), participant(2)])
    report = home.run()
    assert report.build is not None
    text = (home.publication.folder_of(report.build.build_id) / "diff.json").read_text(encoding="utf-8")
    assert '"changed"' in text
    with duckdb.connect() as con:
        folders = [home.publication.folder_of(each.build_id) for each in reversed(home.publication.builds())]
        coverage = diff_builds(con, folders[0], folders[1])["tables"]["coverage"]
    assert coverage["changed"] > 0
    assert coverage["moves"]
