"""The plan of a backfill: which files are read again for which months of which offices."""

from dataclasses import replace

import pytest

from expectations.contracts import contracts_of
from sources.landing import list_landing
from sources.places import Folder
from tests.support import LIMITS, Home, participant
from warehouse.backfill import BackfillError, Choice, Plan, make_plan
from warehouse.connections import connect

SOLOK, GIANYAR = "participants/SLK/2026-10/", "participants/GIA/2026-10/"


def plan_of(home: Home, choice: Choice) -> Plan:
    home.landing.mkdir(parents=True, exist_ok=True)
    landed = list_landing(Folder(home.landing), list(contracts_of("dataset")))
    with connect(LIMITS) as con:
        return make_plan(con, home.house, landed, choice)


def actions(plan: Plan) -> dict[tuple[str, str], str]:
    """Give what is done by month and office, without the offices that sent nothing."""
    return {planned.spot: planned.action for planned in plan.spots if planned.action != "absent"}


OCTOBER = Choice("2026-10", "2026-10")
AUTUMN = Choice("2026-09", "2026-10")


# --- the choice -------------------------------------------------------------------------------------------------------


def test_months_run_over_the_end_of_a_year() -> None:
    assert Choice("2025-11", "2026-02").months == ["2025-11", "2025-12", "2026-01", "2026-02"]


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2025-1", "2025-02", "2025-1 is no month; expected YYYY-MM"),
        ("2025-13", "2026-01", "2025-13 is no month"),
        ("2025-03", "2025-02", "2025-03 comes after 2025-02"),
    ],
)
def test_what_are_no_months_is_refused(first: str, last: str, said: str) -> None:
    with pytest.raises(BackfillError, match=said):
        Choice(first, last)


def test_a_choice_has_one_name_whatever_the_order_of_its_offices() -> None:
    assert Choice("2025-01", "2025-02", ("A", "B")).key == Choice("2025-01", "2025-02", ("B", "A", "B")).key
    names = {AUTUMN.key, OCTOBER.key, replace(AUTUMN, offices=("A",)).key, replace(AUTUMN, only_missing=True).key}
    assert len(names) == 4


# --- without a lake ---------------------------------------------------------------------------------------------------


def test_on_an_empty_lake_every_open_office_that_exports_is_absent(home: Home) -> None:
    plan = plan_of(home, AUTUMN)
    assert {planned.action for planned in plan.spots} == {"absent"}
    assert sorted({planned.office_code for planned in plan.spots}) == ["BWI", "DHS", "DPS", "GIA", "KDI", "SLK"]
    assert (len(plan.spots), plan.files, plan.counts["absent"]) == (12, [], 12)


def test_landed_files_that_no_night_has_seen_are_loaded(home: Home) -> None:
    home.put(SOLOK + "a.csv", [participant(1)])
    home.put("participants/N99/2026-09/a.csv", [participant(2)])
    home.put("participants/SLK/2026-08/a.csv", [participant(3)])
    plan = plan_of(home, AUTUMN)
    assert actions(plan) == {("2026-10", "SLK"): "load", ("2026-09", "N99"): "load"}
    assert [file.file for file in plan.files] == ["participants/N99/2026-09/a.csv", SOLOK + "a.csv"]
    assert ("2026-10", "N99") in {planned.spot for planned in plan.spots}, "who exported once is missed where not"
    assert not home.house.root.exists(), "a plan writes nothing"


def test_a_file_that_says_no_month_or_office_is_left_to_the_night(home: Home) -> None:
    home.put("participants/all.csv", [participant(1, office_code="SLK", period="2026-10")])
    plan = plan_of(home, OCTOBER)
    assert (actions(plan), plan.unplaced) == ({}, ["participants/all.csv"])


def test_an_unknown_office_is_refused_and_known_ones_are_named(home: Home) -> None:
    with pytest.raises(BackfillError, match=r"no office XX.*BWI, DHS"):
        plan_of(home, replace(OCTOBER, offices=("XX", "SLK")))
    home.put("participants/XX/2026-10/a.csv", [participant(1)])
    assert actions(plan_of(home, replace(OCTOBER, offices=("XX",)))) == {("2026-10", "XX"): "load"}


# --- upon what stands -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_stands_is_read_again_from_the_kept_bytes(home: Home) -> None:
    landed = home.put(SOLOK + "a.csv", [participant(1)])
    home.put("participants/GIA/2026-09/a.csv", [participant(2)])
    home.sweep()
    landed.unlink()
    home.put(GIANYAR + "new.csv", [participant(4)])
    plan = plan_of(home, AUTUMN)
    assert actions(plan) == {
        ("2026-10", "SLK"): "reload", ("2026-09", "GIA"): "reload", ("2026-10", "GIA"): "load",
    }  # fmt: skip
    by_name = {file.file: file.path for file in plan.files}
    assert by_name[SOLOK + "a.csv"].is_relative_to(home.house.root / "raw")
    assert by_name[GIANYAR + "new.csv"] == home.landing / GIANYAR / "new.csv"
    assert actions(plan_of(home, replace(AUTUMN, only_missing=True))) == {
        ("2026-10", "SLK"): "keep", ("2026-09", "GIA"): "keep", ("2026-10", "GIA"): "load",
    }  # fmt: skip
    only_solok = plan_of(home, replace(AUTUMN, offices=("SLK",)))
    assert [planned.spot for planned in only_solok.spots] == [("2026-09", "SLK"), ("2026-10", "SLK")]
    assert [file.file for file in only_solok.files] == [SOLOK + "a.csv"]


@pytest.mark.slow
def test_bytes_that_are_kept_nowhere_cannot_be_read_again(home: Home) -> None:
    landed = home.put(SOLOK + "a.csv", [participant(1)])
    source = home.sweep()[SOLOK + "a.csv"].source_key
    home.house.snapshots.path_of(source).unlink()
    assert actions(plan_of(home, OCTOBER)) == {("2026-10", "SLK"): "reload"}, "they still lie in the landing zone"
    landed.unlink()
    plan = plan_of(home, OCTOBER)
    assert (actions(plan), plan.files) == ({("2026-10", "SLK"): "lost"}, [])


@pytest.mark.slow
def test_a_replaced_file_is_out_and_one_that_was_refused_has_its_chance(home: Home) -> None:
    home.put(SOLOK + "first.csv", [participant(1)])
    home.sweep()
    home.put(SOLOK + "second.csv", [participant(1), participant(2)])
    home.sweep()
    home.put(SOLOK + "third.csv", "nobody,knows,this,header\n1,2,3,4\n")
    assert home.sweep()[SOLOK + "third.csv"].verdict == "refused"
    (planned,) = plan_of(home, replace(OCTOBER, offices=("SLK",))).spots
    assert (planned.action, sorted(planned.files)) == ("reload", [SOLOK + "second.csv", SOLOK + "third.csv"])


@pytest.mark.slow
def test_where_nothing_stands_the_newest_file_is_read_even_if_it_was_taken_away(home: Home) -> None:
    for name in ("first.csv", "second.csv"):
        landed = home.put(SOLOK + name, f"nobody,knows,{name}\n1,2,3\n")
        home.sweep()
        landed.unlink()
    (planned,) = plan_of(home, replace(OCTOBER, offices=("SLK",))).spots
    assert (planned.action, planned.files) == ("load", (SOLOK + "second.csv",))


@pytest.mark.slow
def test_a_file_is_read_whole_and_the_plan_says_what_else_it_holds(home: Home) -> None:
    months = ("2026-07", "2026-10")
    rows = [participant(1, office_code="SLK", period=month, last_paid_period="2026-07") for month in months]
    home.put("participants/both.csv", [*rows, participant(2, office_code="GIA", period="2026-10")])
    home.sweep()
    plan = plan_of(home, replace(OCTOBER, offices=("SLK",)))
    assert [(planned.spot, planned.action) for planned in plan.spots] == [
        (("2026-07", "SLK"), "reload"), (("2026-10", "GIA"), "reload"), (("2026-10", "SLK"), "reload"),
    ]  # fmt: skip
    assert ([file.file for file in plan.files], plan.unplaced) == (["participants/both.csv"], [])


@pytest.mark.slow
def test_offices_are_those_that_were_open_then(home: Home) -> None:
    home.put(
        "offices/o.csv",
        [
            {"office_code": "OLD", "name": "Lama", "office_type": "kc", "valid_to": "2026-09-30"},
            {"office_code": "NEW", "name": "Baru", "office_type": "kc", "valid_from": "2026-10-01"},
            {"office_code": "KWX", "name": "Wilayah", "office_type": "kanwil"},
        ],
    )
    home.sweep()
    spots = {planned.spot for planned in plan_of(home, AUTUMN).spots}
    assert {spot for spot in spots if spot[1] in ("OLD", "NEW", "KWX")} == {("2026-09", "OLD"), ("2026-10", "NEW")}
    home.put("participants/OLD/2026-10/late.csv", [participant(1)])
    assert actions(plan_of(home, AUTUMN)) == {("2026-10", "OLD"): "load"}
