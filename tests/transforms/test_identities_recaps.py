"""Identities of recaps: segments make their total, and each stock holds the next."""

import pytest

from tests.transforms.identity_judge import Row, recap


@pytest.mark.parametrize("segments", [("PU", "BPU", "JAKON"), ("PU", "BPU", "JAKON", "PMI")])
def test_segments_of_a_recap_make_its_total(segments: tuple[str, ...]) -> None:
    figures = {(segment, "active_stock"): 100 for segment in segments}
    whole = 100 * len(segments)
    assert recap({**figures, ("ALL", "active_stock"): whole}).findings() == []
    judge = recap({**figures, ("ALL", "active_stock"): whole + 1})
    assert judge.status("segment")[("ALL",)] == "disputed"
    assert judge.status("segment")[("PU",)] == "final"


def test_a_recap_without_one_segment_only_bounds_its_total_from_below() -> None:
    active = "active_stock"
    assert recap({("PU", active): 100, ("BPU", active): 50, ("ALL", active): 900}).findings() == []
    assert (
        recap({("PU", active): 100, ("BPU", active): 50, ("ALL", active): 140}).status("segment")[("ALL",)]
        == "disputed"
    )


def test_a_total_stated_as_a_bound_is_respected() -> None:
    judge = recap({("PU", "cumulative"): 2000, ("BPU", "cumulative"): 2000, ("JAKON", "cumulative"): 1000})
    recap({("ALL", "cumulative"): 4000}, judge, qualifier="ge")
    assert judge.findings() == []


def test_the_printed_split_of_sulawesi_tenggara_is_five_hundred_short() -> None:
    judge = recap(
        {("PU", "active_stock"): 151_413, ("BPU", "active_stock"): 66_647, ("JAKON", "active_stock"): 66_647,
         ("ALL", "active_stock"): 284_207}
    )  # fmt: skip
    assert [row["code"] for row in judge.findings()] == ["segments_sum"]
    assert judge.status("segment")[("ALL",)] == "disputed"


@pytest.mark.parametrize(
    ("registered", "active", "protected", "disputed"),
    [
        (227, 103, 90, []),
        (100, 103, 90, ["registered_stock"]),
        (227, 80, 90, ["active_stock"]),
        (103, 103, 103, []),
    ],
)
def test_registered_holds_active_holds_protected(
    registered: int, active: int, protected: int, disputed: list[str]
) -> None:
    judge = recap(
        {
            ("BPU", "registered_stock"): registered,
            ("BPU", "active_stock"): active,
            ("BPU", "protected_stock"): protected,
        }
    )
    assert [key[0] for key, value in judge.status("basis").items() if value == "disputed"] == disputed


@pytest.mark.parametrize("qualifier", ["ge", "gt"])
def test_a_lower_bound_of_the_registered_cannot_be_contradicted_from_above(qualifier: str) -> None:
    judge = recap({("BPU", "registered_stock"): 100}, qualifier=qualifier)
    recap({("BPU", "active_stock"): 500}, judge)
    assert judge.findings() == []


def test_recaps_of_different_days_places_measures_and_sources_are_not_compared() -> None:
    judge = recap({("BPU", "registered_stock"): 100})
    different: list[Row] = [
        {"as_of": "2026-07-31"}, {"place_code": "GIA"}, {"measure": "memberships"}, {"source": "lain"},
        {"source_kind": "press"},
    ]  # fmt: skip
    for other in different:
        recap({("BPU", "active_stock"): 500}, judge, **other)
    assert judge.findings() == []


def test_percentages_are_no_parts_of_a_sum() -> None:
    figures = {(segment, "active_stock"): 60 for segment in ("PU", "BPU", "JAKON", "ALL")}
    assert recap(figures, measure="percent").findings() == []
