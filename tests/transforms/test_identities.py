"""Identities of the labour force: which figures are disputed, which stay usable, which are missing."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.identity_judge import Judge, Row, labour
from transforms.identities import FOLDER, TABLES, identity_queries


@pytest.mark.parametrize(
    ("labour_force", "expected"), [(102, "final"), (98, "final"), (103, "disputed"), (97, "disputed")]
)
def test_bps_estimates_may_be_two_persons_apart(labour_force: int, expected: str) -> None:
    judge = labour({"labour_force": labour_force, "employed": 90, "unemployed": 10})
    assert judge.status("concept")[("labour_force",)] == expected
    assert bool(judge.findings()) == (expected == "disputed")


def test_exact_counts_of_an_agency_have_no_tolerance() -> None:
    judge = labour({"labour_force": 101, "employed": 90, "unemployed": 10}, source_kind="agency")
    assert judge.status("concept")[("labour_force",)] == "disputed"


@pytest.mark.parametrize(("labour_force", "expected"), [(154_000_000, "final"), (155_000_000, "disputed")])
def test_rounded_values_may_differ_by_half_their_last_printed_digit(labour_force: int, expected: str) -> None:
    judge = labour({"labour_force": labour_force, "employed": 146_540_000, "unemployed": 7_460_000}, qualifier="approx")
    assert judge.status("concept")[("labour_force",)] == expected


def test_one_concept_alone_or_an_incomplete_sum_is_never_judged() -> None:
    assert labour({"labour_force": 5, "employed": 90}).findings() == []
    assert set(labour({"labour_force": 137_520}).status("concept").values()) == {"final"}


@pytest.mark.parametrize(
    ("neighbour_year", "neighbour", "expected"),
    [
        (2024, 80, "final"),
        (2024, 70, "disputed"),
        (2026, 80, "final"),
        (2026, 70, "disputed"),
        (2023, 90, "disputed"),
    ],
)
def test_a_part_stays_usable_only_near_the_year_beside_it(neighbour_year: int, neighbour: int, expected: str) -> None:
    judge = labour({"labour_force": 200, "employed": 90, "unemployed": 10})
    labour({"employed": neighbour}, judge, year=neighbour_year)
    assert judge.status("concept", "year")[("employed", 2025)] == expected


def test_the_year_before_counts_more_than_the_year_after() -> None:
    judge = labour({"labour_force": 200, "employed": 90, "unemployed": 10})
    labour({"employed": 50}, judge, year=2024)
    labour({"employed": 90}, judge, year=2026)
    assert judge.status("concept", "year")[("employed", 2025)] == "disputed"


def test_employed_stays_usable_where_its_statuses_add_up_and_says_so() -> None:
    judge = labour(
        {
            "labour_force": 200,
            "employed": 90,
            "unemployed": 10,
            "employed_formal": 30,
            "employed_informal": 60,
        }
    )
    assert judge.status("concept") == {
        ("labour_force",): "disputed", ("employed",): "final", ("unemployed",): "disputed",
        ("employed_formal",): "final", ("employed_informal",): "final",
    }  # fmt: skip
    kept = [row for row in judge.findings() if row["verdict"] == "usable"]
    assert [(row["concept"], row["severity"]) for row in kept] == [("employed", "warn")]
    assert "tetap dipakai" in kept[0]["message_id"]


def test_statuses_that_do_not_add_up_dispute_employed_even_near_the_year_before() -> None:
    judge = labour({"employed": 90, "employed_formal": 30, "employed_informal": 70})
    labour({"employed": 90, "employed_formal": 30, "employed_informal": 60}, judge, year=2024)
    status = judge.status("concept", "year")
    assert status[("employed", 2025)] == "disputed"
    assert status[("employed_formal", 2025)] == "final"
    assert status[("employed_informal", 2025)] == "disputed"


@pytest.mark.parametrize(
    ("own_sums", "neighbour", "expected"),
    [
        ("hold", 80, "final"), ("repaired", 80, "final"), (None, 80, "final"), ("differ", 80, "disputed"),
        ("hold", 70, "disputed"), ("hold", None, "final"), ("repaired", None, "final"), (None, None, "disputed"),
    ],
)  # fmt: skip
def test_a_part_is_as_good_as_the_sums_in_its_own_file(
    own_sums: str | None, neighbour: int | None, expected: str
) -> None:
    judge = labour({"labour_force": 200, "unemployed": 10})
    labour({"employed": 90}, judge, own_sums=own_sums)
    if neighbour is not None:
        labour({"employed": neighbour}, judge, year=2024)
    assert judge.status("concept", "year")[("employed", 2025)] == expected


def test_own_sums_that_differ_dispute_nothing_while_the_labour_force_adds_up() -> None:
    judge = labour({"labour_force": 100, "employed": 90, "unemployed": 10}, own_sums="differ")
    assert judge.findings() == []


def test_a_finding_prints_both_sides() -> None:
    finding = labour({"labour_force": 200, "employed": 90, "unemployed": 10}).findings()[0]
    assert finding["code"] == "labour_force_sum"
    assert (finding["place_code"], finding["year"]) == ("1311", 2025)
    assert (finding["left_side"], finding["right_side"]) == (
        "labour_force 200",
        "employed 90 + unemployed 10",
    )


@pytest.mark.parametrize(
    "other",
    [{"source": "lain"}, {"round": "feb"}, {"source_kind": "press"}, {"year": 2023}, {"region_code": "1372"}],
)
def test_different_surveys_are_never_compared(other: Row) -> None:
    judge = labour({"labour_force": 200})
    labour({"employed": 90, "unemployed": 10}, judge, **other)
    assert judge.findings() == []


def test_only_the_latest_vintage_of_each_concept_is_compared() -> None:
    judge = labour({"labour_force": 200, "employed": 90, "unemployed": 10}, vintage="2025-11-05")
    labour({"labour_force": 100}, judge, vintage="2026-02-01")
    assert judge.findings() == []
    labour({"employed": 50}, judge, vintage="2026-03-01")
    assert {row["concept"] for row in judge.findings()} == {"labour_force", "employed", "unemployed"}
    status = judge.status("concept", "vintage::VARCHAR")
    assert status[("labour_force", "2025-11-05")] == "disputed"
    assert status[("labour_force", "2026-02-01")] == "disputed"


@pytest.mark.parametrize("first", [None, "2025-11-05"])
def test_a_wrong_figure_stays_disputed_after_a_later_vintage_mended_it(first: str | None) -> None:
    judge = labour({"labour_force": 200, "employed": 90, "unemployed": 10}, vintage=first)
    labour({"labour_force": 100}, judge, vintage="2026-02-01")
    labour({"labour_force": 101}, judge, vintage="2026-05-01")
    status = judge.status("concept", "vintage::VARCHAR")
    assert {key[1]: value for key, value in status.items() if key[0] == "labour_force"} == {
        first: "disputed", "2026-02-01": "final", "2026-05-01": "final",
    }  # fmt: skip
    assert judge.findings() == []


def test_a_right_figure_stays_final_after_a_later_vintage_spoilt_it() -> None:
    judge = labour({"labour_force": 100, "employed": 90, "unemployed": 10}, vintage="2025-11-05")
    labour({"labour_force": 200}, judge, vintage="2026-02-01")
    status = judge.status("concept", "vintage::VARCHAR")
    assert (status[("labour_force", "2025-11-05")], status[("labour_force", "2026-02-01")]) == ("final", "disputed")
    assert len([row for row in judge.findings() if row["concept"] == "labour_force"]) == 1


def test_parts_of_a_later_vintage_judge_a_total_that_still_counts() -> None:
    judge = labour({"labour_force": 200}, vintage="2025-11-05")
    labour({"employed": 90, "unemployed": 10}, judge, vintage="2026-02-01")
    assert judge.status("concept")[("labour_force",)] == "disputed"


def test_a_vintage_of_another_source_changes_nothing_here() -> None:
    judge = labour({"labour_force": 200, "employed": 90, "unemployed": 10}, vintage="2025-11-05")
    labour({"labour_force": 100, "employed": 90, "unemployed": 10}, judge, vintage="2026-02-01", source="lain")
    status = judge.status("concept", "source")
    assert (status[("labour_force", "buatan")], status[("labour_force", "lain")]) == ("disputed", "final")


def test_many_replaced_vintages_are_judged_each_in_its_own_day() -> None:
    judge = labour({"employed": 90, "unemployed": 10}, vintage="2020-01-01")
    judge.con.execute("""
        INSERT INTO loaded BY NAME
        SELECT l.* REPLACE (
          'labour_force' AS concept, 100 + 50 * (day % 2) AS value, DATE '2020-01-01' + day AS vintage
        )
        FROM loaded AS l, (SELECT unnest(range(60))::INTEGER AS day) WHERE l.concept = 'employed'
    """)
    status = judge.status("concept", "vintage - DATE '2020-01-01'")
    days = {key[1]: value for key, value in status.items() if key[0] == "labour_force"}
    assert days == {day: "disputed" if day % 2 else "final" for day in range(60)}


def test_restated_and_as_was_figures_of_one_source_are_two_surveys() -> None:
    judge = labour({"labour_force": 200})
    labour({"employed": 90, "unemployed": 10}, judge, restated=True)
    assert judge.findings() == []
    labour({"labour_force": 300}, judge, restated=True)
    assert judge.status("concept", "restated") == {
        ("labour_force", False): "final", ("labour_force", True): "disputed",
        ("employed", True): "disputed", ("unemployed", True): "disputed",
    }  # fmt: skip


def test_statements_about_different_days_are_not_compared() -> None:
    judge = labour({"labour_force": 200}, round="stated", as_of="2025-03-31")
    labour({"employed": 90, "unemployed": 10}, judge, round="stated", as_of="2025-06-30")
    assert judge.findings() == []


def test_bounds_contradict_only_on_their_closed_side() -> None:
    assert labour({"labour_force": 100, "employed": 500, "unemployed": 10}, qualifier="ge").findings() == []
    judge = labour({"labour_force": 100}, qualifier="lt")
    labour({"employed": 500, "unemployed": 10}, judge)
    assert judge.status("concept")[("labour_force",)] == "disputed"


def test_a_labour_force_of_zero_is_missing_not_disputed() -> None:
    judge = labour({"labour_force": 0, "employed": 90, "unemployed": 10})
    assert judge.status("concept") == {
        ("labour_force",): "missing",
        ("employed",): "final",
        ("unemployed",): "final",
    }
    assert [row["code"] for row in judge.findings()] == ["no_workers"]


EMPTY = {"labour_force": 0, "employed": 0, "unemployed": 0, "employed_formal": 0, "employed_informal": 0}


@pytest.mark.parametrize("told", [EMPTY, {"employed": 0, "unemployed": 0, "employed_formal": 0}])
def test_where_nobody_works_every_zero_is_missing_and_the_province_stays_final(told: dict[str, int]) -> None:
    judge = labour(told)
    for region in ("13", "1372"):
        labour(dict(zip(EMPTY, (100, 90, 10, 30, 60), strict=True)), judge, region_code=region)
    status = judge.status("region_code", "concept")
    assert {key[1] for key, value in status.items() if value == "missing"} == set(told)
    assert {value for key, value in status.items() if key[0] != "1311"} == {"final"}
    assert {row["place_code"] for row in judge.findings()} == {"1311"}


def test_unemployed_may_be_zero() -> None:
    assert labour({"labour_force": 90, "employed": 90, "unemployed": 0}).findings() == []


def sums(**values: int) -> Judge:
    judge = Judge("labour_force")
    for region, value in values.items():
        labour({"employed": value}, judge, region_code=region[1:])
    return judge


@pytest.mark.parametrize(("province", "expected"), [(102, "final"), (103, "disputed")])
def test_regencies_make_the_province(province: int, expected: str) -> None:
    judge = sums(r13=province, r1311=40, r1372=60)
    assert judge.status("region_code")[("13",)] == expected
    assert judge.status("region_code")[("1311",)] == "final"


def test_a_province_is_not_judged_while_a_regency_is_absent() -> None:
    assert sums(r13=103, r1311=40).findings() == []


def test_a_province_of_before_the_split_is_not_judged_by_todays_regencies() -> None:
    assert sums(r94=500, r9471=100).findings() == []
    assert [row["place_code"] for row in sums(r94=500, r9471=100, r95=400).findings()] == ["94"]


def test_provinces_make_the_nation() -> None:
    judge = sums(r0000=900, r13=100, r94=100, r95=100)
    assert judge.status("region_code")[("0000",)] == "disputed"
    assert judge.findings()[0]["code"] == "provinces_sum"
    assert judge.findings()[0]["right_side"] == "3 regions together 300"


def test_before_the_split_the_nation_is_the_sum_of_the_provinces_of_then() -> None:
    judge = Judge("labour_force")
    for region, value in {"0000": 900, "13": 100, "94": 100}.items():
        labour({"employed": value}, judge, region_code=region, year=2019)
    assert [row["place_code"] for row in judge.findings()] == ["0000"]


@pytest.mark.parametrize("region", ["13", "94", "95"])
def test_restated_provinces_are_judged_by_todays_map_in_every_year(region: str) -> None:
    judge = Judge("labour_force")
    values = {"0000": 900, "13": 300, "94": 300, "95": 300, "1311": 100, "1372": 200, "9471": 300, "9501": 300}
    for code, value in values.items():
        labour({"employed": value}, judge, region_code=code, year=2019, restated=True)
    assert judge.findings() == []
    judge.con.execute("UPDATE loaded SET value = value + 50 WHERE region_code = ?", [region])
    assert judge.status("region_code") == {(code,): "disputed" if code == region else "final" for code in values}


def test_a_restated_nation_wants_the_provinces_of_today() -> None:
    judge = Judge("labour_force")
    for code, value in {"0000": 900, "13": 300, "94": 300}.items():
        labour({"employed": value}, judge, region_code=code, year=2019, restated=True)
    assert judge.findings() == [], "95 is not there"


def test_a_sum_disputes_the_member_that_breaks_its_own_identity_instead_of_the_total() -> None:
    judge = sums(r13=100, r1372=60)
    labour({"labour_force": 50, "employed": 90, "unemployed": 10}, judge)
    labour({"employed": 90}, judge, year=2024)
    status = judge.status("region_code", "concept", "year")
    assert status[("13", "employed", 2025)] == "final"
    assert status[("1311", "employed", 2025)] == "disputed"


def test_a_province_that_breaks_its_regencies_takes_the_blame_for_the_nation() -> None:
    status = sums(r0000=500, r13=900, r1311=40, r1372=60, r94=200, r95=200).status("region_code")
    assert {key[0] for key, value in status.items() if value == "disputed"} == {"13"}


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(1, 10**7), min_size=3, max_size=3), st.booleans())
def test_every_row_comes_back_once_and_a_sum_that_holds_finds_nothing(values: list[int], broken: bool) -> None:
    formal, informal, unemployed = values
    figures = {"employed_formal": formal, "employed_informal": informal, "unemployed": unemployed}
    figures["employed"] = formal + informal
    figures["labour_force"] = sum(values) + (3 if broken else 0)
    judge = labour(figures)
    assert set(judge.status("concept")) == {(concept,) for concept in figures}
    assert bool(judge.findings()) == broken


def test_judging_again_heals_what_a_later_file_repaired() -> None:
    judge = labour({"labour_force": 100, "employed": 90, "unemployed": 10}, value_status="disputed")
    assert set(judge.status("concept").values()) == {"final"}


def test_a_table_without_identities_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="targets"):
        identity_queries("targets")


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_keep_the_columns_of_the_core_table(table: Literal["labour_force", "recaps"]) -> None:
    judge = Judge(table)
    columns = judge.con.execute(f"DESCRIBE ({identity_queries(table).rows})").fetchall()
    assert [column[:2] for column in columns] == [row[:2] for row in judge.con.execute("DESCRIBE loaded").fetchall()]


def test_each_query_file_stays_short() -> None:
    assert {path.name: lines for path in FOLDER.glob("*.sql") if (lines := path.read_text().count("\n")) >= 150} == {}
