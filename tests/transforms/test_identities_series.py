"""Identities along the years: exchanged parts, other units, jumps, declared breaks, rates of counts."""

from collections.abc import Collection, Mapping

import pytest

from tests.transforms.identity_judge import Judge, Row, labour

# Many judgements over whole series.
pytestmark = pytest.mark.slow

YEARS = tuple(range(2018, 2026))
# Regions, each with its own share of formal workers, in per cent of its employed. No sum over regions is complete.
SHARES = {"0000": 42, "13": 40, "1311": 30, "9471": 38, "9472": 35, "9501": 55}


def nation(
    shares: Mapping[int, float], *, shown: Collection[str] = tuple(SHARES), still: Collection[str] = ()
) -> Judge:
    """Give employed, formal and informal of all regions; each year moves formal's share, except in regions `still`."""
    judge = Judge("labour_force")
    judge.con.execute("INSERT INTO reference.regions VALUES ('9472', 'regency', '94', NULL, NULL, NULL)")
    for region in shown:
        for year, moved in shares.items():
            employed = 1_000_000 + 1000 * year
            formal = round(employed * (SHARES[region] + (0 if region in still else moved)) / 100)
            figures = {"employed": employed, "employed_formal": formal, "employed_informal": employed - formal}
            labour(figures, judge, region_code=region, year=year)
    return judge


def series(values: Mapping[int, int], concept: str = "employed", judge: Judge | None = None, **more: object) -> Judge:
    """Give one figure of one region by year."""
    judge = judge or Judge("labour_force")
    for year, value in values.items():
        labour({concept: value}, judge, year=year, **more)
    return judge


def found(judge: Judge, code: str) -> list[tuple[str, int, str]]:
    """Give place, year and concept of what was found under a code."""
    return [(row["place_code"], row["year"], row["concept"]) for row in judge.findings() if row["code"] == code]


def flat(**moved: float) -> dict[int, float]:
    """Give eight years with small honest moves; `y2025=18` moves that year by 18 points."""
    small = dict(zip(YEARS, (0, 1, -1.5, -1, -0.5, 0, 0.5, 1), strict=True))
    return small | {int(year[1:]): by for year, by in moved.items()}


@pytest.mark.parametrize("years", [(2025,), (2018,), (2021,), (2024, 2025), (2018, 2019), (2021, 2022)])
def test_exchanged_parts_are_found_in_one_year_or_two(years: tuple[int, ...]) -> None:
    judge = nation(flat(**{f"y{year}": 18 for year in years}))
    parts = ("employed_formal", "employed_informal")
    assert found(judge, "parts_exchanged") == [("0000", year, part) for year in years for part in parts]
    status = judge.status("region_code", "year", "concept")
    disputed = {key for key, value in status.items() if value == "disputed"}
    assert disputed == {(region, year, part) for region in SHARES for year in years for part in parts}


def test_an_exchange_says_how_far_and_in_how_many_regions() -> None:
    judge = nation(flat(y2025=18), still=["9501"])
    (row,) = [row for row in judge.findings() if row["concept"] == "employed_formal"]
    assert (row["code"], row["verdict"], row["severity"]) == ("parts_exchanged", "disputed", "warn")
    assert row["left_side"] == "employed_formal 1815000 of employed 3025000: 60.0 %"
    assert row["right_side"] == (
        "median of 6 years around 41.8 %, 18.2 points away; 4 of 5 regions left their own years around"
    )
    assert "profil" in row["message_id"]
    assert "profile" in row["message_en"]


HONEST = {
    "trend": {year: 4.0 * (year - 2018) for year in YEARS},
    "crisis": flat(y2020=-5.5),
    "crisis of two years": flat(y2020=-5.5, y2021=-4.0),
    "new level in mid series": {year: 0.0 if year < 2022 else 18.0 for year in YEARS},
    "two years": {2024: 0.0, 2025: 18.0},
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_moves_are_no_exchange(name: str) -> None:
    assert found(nation(HONEST[name]), "parts_exchanged") == []


def test_an_exchange_is_found_where_regions_move_in_different_directions() -> None:
    judge = nation(flat(y2023=12))
    judge.con.execute("""
        UPDATE loaded SET value = value + CASE concept WHEN 'employed_formal' THEN -1 ELSE 1 END * 700_000
        WHERE region_code IN ('9501', '13') AND year = 2023 AND concept <> 'employed'
    """)
    assert {row[1] for row in found(judge, "parts_exchanged")} == {2023}


def test_formal_and_informal_themselves_exchanged_are_found() -> None:
    judge = nation(flat())
    judge.con.execute("""
        UPDATE loaded
        SET concept = CASE concept WHEN 'employed_formal' THEN 'employed_informal' ELSE 'employed_formal' END
        WHERE year = 2021 AND concept <> 'employed'
    """)
    assert {row[1] for row in found(judge, "parts_exchanged")} == {2021}


@pytest.mark.parametrize("still", [["13", "9472", "1311"], ["13", "9472", "1311", "9471"]])
def test_what_moves_in_some_regions_only_is_no_exchange(still: list[str]) -> None:
    assert found(nation(flat(y2025=18), still=still), "parts_exchanged") == []


def test_without_the_nation_its_provinces_or_regencies_speak_for_it() -> None:
    judge = nation(flat(y2025=18), shown=["13", "9472", "1311", "9471"])
    assert {row[1:] for row in found(judge, "parts_exchanged")} == {
        (2025, "employed_formal"), (2025, "employed_informal"),
    }  # fmt: skip
    assert found(nation(flat(y2025=8), shown=["13", "9472", "1311", "9471"]), "parts_exchanged") == []
    assert found(nation(flat(y2025=18), shown=["13", "1311"]), "parts_exchanged") == [], "two regions prove nothing"
    half = nation(flat(y2025=24), shown=["13", "9472", "1311", "9471"], still=["1311", "9471"])
    assert found(half, "parts_exchanged") == [], "half of a few regions prove nothing"


def test_employed_and_unemployed_may_be_exchanged_too_and_the_whole_stays() -> None:
    judge = Judge("labour_force")
    for region in ("0000", "13", "1311", "9471"):
        for year in (2022, 2023, 2024, 2025):
            parts = (95, 5) if year != 2024 else (5, 95)
            figures = {"labour_force": 100_000, "employed": 1000 * parts[0], "unemployed": 1000 * parts[1]}
            labour(figures, judge, region_code=region, year=year)
    status = judge.status("year", "concept")
    assert {key for key, value in status.items() if value == "disputed"} == {(2024, "employed"), (2024, "unemployed")}


@pytest.mark.parametrize("unemployed", [10_000, 15_000, 20_000])
def test_a_crisis_is_no_exchange_of_employed_and_unemployed(unemployed: int) -> None:
    judge = Judge("labour_force")
    for region in ("0000", "13", "1311", "9471"):
        for year in YEARS:
            idle = unemployed if year == 2020 else 5000 + year
            labour({"labour_force": 100_000, "employed": 100_000 - idle, "unemployed": idle}, judge, region_code=region,
                   year=year)  # fmt: skip
    assert found(judge, "parts_exchanged") == []


@pytest.mark.parametrize("concept", [None, "employed_formal"])
def test_a_declared_break_does_not_end_an_exchange(concept: str | None) -> None:
    judge = nation(flat(y2025=18))
    judge.con.execute("INSERT INTO reference.series_breaks VALUES (?, 2025, NULL, 'bobot baru')", [concept])
    assert [row[2] for row in found(judge, "parts_exchanged")] == ["employed_formal", "employed_informal"]


STEADY = {2019: 100_000, 2020: 101_000, 2021: 103_000, 2022: 99_000, 2023: 102_000}


@pytest.mark.parametrize(("value", "jumps"), [(180_000, True), (55_000, True), (140_000, False), (75_000, False)])
def test_a_figure_far_from_its_regions_own_years_is_a_jump_and_stays_usable(value: int, *, jumps: bool) -> None:
    judge = series({**STEADY, 2024: value})
    assert found(judge, "jump") == ([("1311", 2024, "employed")] if jumps else [])
    assert set(judge.status("year").values()) == {"final"}


def test_a_jump_prints_both_sides_and_what_to_do() -> None:
    (row,) = series({**STEADY, 2024: 180_000}).findings()
    assert (row["verdict"], row["left_side"]) == ("usable", "employed 180000")
    assert row["right_side"] == "median of 5 years around 101000"
    assert "series_breaks" in row["message_en"]


def test_a_restless_region_and_a_short_series_do_not_jump() -> None:
    restless = {2019: 100, 2020: 300, 2021: 90, 2022: 250, 2023: 80, 2024: 400}
    assert found(series(restless, "unemployed"), "jump") == []
    assert found(series({2023: 100_000, 2024: 300_000}), "jump") == []


def test_what_the_nation_did_that_year_is_no_jump_of_a_region() -> None:
    crisis = {**STEADY, 2024: 180_000}
    judge = series(crisis, "unemployed", region_code="0000")
    series(crisis, "unemployed", judge)
    series({**crisis, 2024: 101_000}, "unemployed", judge, region_code="1372")
    assert found(judge, "jump") == [("0000", 2024, "unemployed")]


def test_a_zero_among_figures_is_a_jump_and_a_disputed_figure_is_none() -> None:
    assert found(series({**STEADY, 2024: 0}, "unemployed"), "jump") == [("1311", 2024, "unemployed")]
    judge = series({**STEADY, 2024: 180_000})
    labour({"labour_force": 110_000, "unemployed": 9000}, judge, year=2024)
    assert found(judge, "jump") == []


def test_a_declared_break_silences_a_jump_and_the_year_before() -> None:
    judge = series({**STEADY, 2024: 180_000, 2025: 181_000, 2026: 182_000})
    assert found(judge, "jump") != []
    judge.con.execute("INSERT INTO reference.series_breaks VALUES ('employed', 2024, 'regency', 'bobot baru')")
    assert found(judge, "jump") == []
    near = labour({"labour_force": 200, "employed": 90, "unemployed": 10})
    labour({"employed": 80}, near, year=2024)
    assert near.status("concept", "year")[("employed", 2025)] == "final"
    near.con.execute("INSERT INTO reference.series_breaks VALUES (NULL, 2025, NULL, 'bobot baru')")
    assert near.status("concept", "year")[("employed", 2025)] == "disputed", "2024 is no neighbour any more"


@pytest.mark.parametrize(("value", "expected"), [(102, "disputed"), (101_000_000, "disputed"), (10_200, "final")])
def test_thousands_among_persons_are_disputed(value: int, expected: str) -> None:
    judge = series({**STEADY, 2024: value})
    assert judge.status("year")[(2024,)] == expected
    assert judge.status("year")[(2023,)] == "final"
    assert found(judge, "unit_change") == ([("1311", 2024, "employed")] if expected == "disputed" else [])


@pytest.mark.parametrize("thousands", [(2024, 2025), (2018, 2021), (2022, 2023, 2024, 2025), (2018,)])
def test_years_in_two_units_are_all_disputed_unless_one_stands_alone(thousands: tuple[int, ...]) -> None:
    judge = series({year: 102 if year in thousands else 102_000 + year for year in YEARS})
    expected = thousands if len(thousands) == 1 else YEARS
    assert tuple(row[1] for row in found(judge, "unit_change")) == expected
    assert {key[0] for key, value in judge.status("year").items() if value == "disputed"} == set(expected)
    assert all(("nobody knows" in row["right_side"]) == (len(thousands) > 1) for row in judge.findings())


@pytest.mark.parametrize(("years", "expected"), [((2022, 2023, 2024), 3), ((2021, 2022, 2023, 2024), 4)])
def test_one_year_beside_a_few_others_proves_neither_side(years: tuple[int, ...], expected: int) -> None:
    assert len(found(series({year: 102 if year == 2024 else 102_000 for year in years}), "unit_change")) == expected


@pytest.mark.parametrize(
    ("regions", "still", "concepts", "expected"),
    [
        (["1311"], [], ["employed"], 0),
        (["1311"], [], ["employed", "employed_formal"], 4),
        (["1311", "13", "9471"], [], ["employed"], 6),
        (["1311", "13", "9471"], ["9501"], ["employed"], 6),
        (["1311", "13"], ["9501", "9471"], ["employed"], 0),
    ],
)
def test_two_years_prove_a_unit_with_a_second_concept_or_most_regions(
    regions: Collection[str], still: Collection[str], concepts: Collection[str], expected: int
) -> None:
    judge = Judge("labour_force")
    for region in (*regions, *still):
        labour(dict.fromkeys(concepts, 100_000), judge, region_code=region, year=2024)
        labour(dict.fromkeys(concepts, 101_000 if region in still else 101), judge, region_code=region)
    status = judge.status("region_code", "year", "concept")
    assert list(status.values()).count("disputed") == expected


def test_a_region_in_thousands_takes_the_blame_for_its_province() -> None:
    judge = series({**STEADY, 2024: 102})
    for region, share in {"1372": 1, "13": 2}.items():
        for year, value in {**STEADY, 2024: 102_000}.items():
            labour({"employed": value * share}, judge, region_code=region, year=year)
    status = judge.status("region_code", "year")
    assert {key for key, value in status.items() if value == "disputed"} == {("1311", 2024)}


def test_a_whole_survey_in_another_unit_is_one_finding_a_concept() -> None:
    judge = Judge("labour_force")
    for region in ("0000", "13", "1311", "9471"):
        for year in (2021, 2022, 2023, 2024, 2025):
            unit = 1000 if year == 2025 else 1
            figures = {"labour_force": 110_000 // unit, "employed": 100_000 // unit, "unemployed": 10_000 // unit}
            labour(figures, judge, region_code=region, year=year)
    assert found(judge, "unit_change") == [("0000", 2025, c) for c in ("employed", "labour_force", "unemployed")]
    assert "so in 4 of 4 regions" in judge.findings()[0]["right_side"]
    assert {key for key, value in judge.status("year").items() if value == "disputed"} == {(2025,)}


def test_a_series_that_swings_proves_no_unit() -> None:
    tiny = {2019: 7000, 2020: 3, 2021: 60, 2022: 4000, 2023: 9, 2024: 800}
    assert found(series(tiny, "employed_formal"), "unit_change") == []


@pytest.mark.parametrize(
    ("rate", "qualifier", "expected"),
    [
        ("5.26", "eq", "final"), ("5.3", "eq", "final"), ("5", "eq", "final"), ("4.26", "eq", "disputed"),
        ("5.27", "eq", "disputed"), ("6", "le", "final"), ("5", "le", "final"), ("4", "le", "disputed"),
        ("5.5", "ge", "disputed"), ("5", "ge", "final"),
    ],
)  # fmt: skip
def test_a_printed_rate_is_its_counts(rate: str, qualifier: str, expected: str) -> None:
    judge = labour({"labour_force": 934_242, "unemployed": 49_129})
    judge.add({**RATE, "value": rate, "qualifier": qualifier})
    assert judge.status("concept")[("unemployment_rate",)] == expected
    assert judge.status("concept")[("labour_force",)] == "final"


RATE: Row = {
    "region_code": "1311", "year": 2025, "round": "aug", "source_kind": "bps", "restated": False,
    "concept": "unemployment_rate", "source": "buatan", "value_status": "final", "source_key": "test",
}  # fmt: skip


def test_a_wrong_rate_prints_both_sides() -> None:
    judge = labour({"labour_force": 934_242, "unemployed": 49_129})
    judge.add({**RATE, "value": "4.26", "qualifier": "eq"})
    (row,) = judge.findings()
    assert (row["code"], row["left_side"]) == ("rate_of_counts", "unemployment_rate 4.26")
    assert row["right_side"] == "unemployed 49129 / labour_force 934242 = 5.2587 %"


@pytest.mark.parametrize("other", [{"source": "lain"}, {"year": 2024}, {"round": "feb"}, {"region_code": "1372"}])
def test_a_rate_of_another_survey_is_not_compared(other: Row) -> None:
    judge = labour({"labour_force": 934_242, "unemployed": 49_129})
    judge.add({**RATE, "value": "4.26", "qualifier": "eq", **other})
    assert judge.findings() == []


def test_rates_are_no_terms_of_sums_and_may_be_zero() -> None:
    judge = Judge("labour_force")
    for region, value in {"13": "7.5", "1311": "5.1", "1372": "0"}.items():
        judge.add({**RATE, "value": value, "qualifier": "eq", "region_code": region})
    assert judge.findings() == []
