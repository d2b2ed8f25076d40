"""`datacontent` is decoded through the product of its axes, or fails by name."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import product
from typing import Any

import polars as pl
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from sources.bps.answers import Answer
from sources.bps.data import COLUMNS, decode_data
from sources.bps.errors import (
    CellAmbiguousError,
    CellUnmappedError,
    EmptyAnswerError,
    ForeignAnswerError,
    ValueUnreadableError,
)
from tests.bps_server import Cell, Pair, Table

axis = st.lists(st.integers(0, 12_000), min_size=1, max_size=4, unique=True)
# Few digits in many widths make most keys collide.
colliding = st.lists(st.sampled_from([1, 2, 11, 12, 111]), min_size=1, max_size=3, unique=True)
Axes = tuple[list[int], int, list[int], list[int], list[int]]


def answer_of(document: Any) -> Answer:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Answer("http://127.0.0.1/list?model=data", raw, datetime(2026, 11, 21, tzinfo=UTC))


def table(cells: dict[Cell, Any], **changes: Any) -> Table:
    rows: list[Pair] = [(1311, "Dharmasraya"), (9999, "INDONESIA")]
    known: dict[str, Any] = {"title": "AK", "vervar": rows, "years": [(125, "2025")], "cells": cells}
    return Table("1300", 54, **{**known, **changes})


def document(stored: Any = 138321, **changes: Any) -> dict[str, Any]:
    found = table({(1311, "0", 125, 0): stored}, **changes).document(["125"])
    assert found is not None
    return found


def test_a_cell_carries_everything_that_is_known_of_it() -> None:
    frame = decode_data(answer_of(document(unit="Ribu <i>Orang</i>", decimal=2, title="<b>AK</b> menurut<br/>wilayah")))
    assert dict(frame.schema) == COLUMNS
    assert frame.rows(named=True) == [
        {
            "vervar_code": "1311",
            "vervar_label": "Dharmasraya",
            "is_nation": False,
            "variable": "AK menurut wilayah",
            "derived": "Tidak ada",
            "year": 2025,
            "round": "annual",
            "value": "138321",
            "unit": "Ribu Orang",
            "last_update": "2026-11-05 10:00:00",
            "derived_code": "0",
            "period_label": "Tahun",
            "decimals": 2,
            "year_alone": True,
        }
    ]


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"2.50", "2.50"),
        (b"-0.79", "-0.79"),
        (b"0", "0"),
        (b"1.5e3", "1500"),
        (b"1E-2", "0.01"),
        (b"123456789012345678901.5", "123456789012345678901.5"),
        (b'"7.46"', "7.46"),
        (b'" 12 "', "12"),
        (b"null", None),
        (b'""', None),
        (b'"-"', None),
        (b'"\xe2\x80\x93"', None),
        (b'"..."', None),
        (b'"NA"', None),
        (b'"n/a"', None),
    ],
)
def test_a_value_keeps_its_digits_and_a_mark_of_missing_is_never_zero(token: bytes, value: str | None) -> None:
    raw = json.dumps(document()).encode().replace(b": 138321", b": " + token)
    assert decode_data(answer_of(raw))["value"].to_list() == [value]


@pytest.mark.parametrize("text", ["7.708", "18.836,00", "7,5", "12 345", "5.69*", "tiga"])
def test_text_that_is_no_sure_number_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueUnreadableError, match="1 cells, such as 13115401250 = "):
        decode_data(answer_of(document(text)))


@pytest.mark.parametrize("cell", [True, [1], {"value": 1}])
def test_a_cell_of_another_kind_is_foreign(cell: Any) -> None:
    with pytest.raises(ForeignAnswerError, match="neither number nor text"):
        decode_data(answer_of(document(cell)))


@pytest.mark.parametrize("code", [9999, 151])
def test_the_nation_is_found_by_its_label(code: int) -> None:
    rows: list[Pair] = [(1311, "Dharmasraya"), (code, "<b>INDONESIA</b> ")]
    cells: dict[Cell, Any] = {(1311, "0", 125, 0): 1, (code, "0", 125, 0): 2}
    frame = decode_data(answer_of(table(cells, vervar=rows).document(["125"])))
    assert frame.filter("is_nation")["vervar_code"].to_list() == [str(code)]


def test_rounds_are_told_apart_by_label_whatever_their_ids() -> None:
    parts: list[Pair] = [(188, "Februari"), (191, "<b>Agustus</b> "), (13, "Tahunan"), (31, "Triwulan I")]
    cells: dict[Cell, Any] = {(1311, "0", 125, part): place for place, (part, _) in enumerate(parts)}
    frame = decode_data(answer_of(table(cells, turtahun=parts).document(["125"])))
    assert frame["round"].to_list() == ["feb", "aug", "annual", None]
    assert frame["period_label"].to_list() == ["Februari", "Agustus", "Tahunan", "Triwulan I"]


def test_derived_variables_keep_label_and_code() -> None:
    derived: list[Pair] = [(827, "Bekerja"), (829, "Angkatan Kerja")]
    cells: dict[Cell, Any] = {(1311, code, 125, 0): code for code, _ in derived}
    frame = decode_data(answer_of(table(cells, turvar=derived).document(["125"])))
    assert frame.select("derived", "derived_code", "value").rows() == [
        ("Bekerja", "827", "827"),
        ("Angkatan Kerja", "829", "829"),
    ]


MARKED = ("2025", "2025*", "<b>2025</b>", "2025<sup>1)</sup>", "2025 *)", "2025)", "2025¹", "2025r", "2025 (Sementara)")


@pytest.mark.parametrize("label", MARKED)
def test_a_year_may_carry_marks(label: str) -> None:
    assert decode_data(answer_of(document(years=[(125, label)])))["year"].to_list() == [2025]


@pytest.mark.parametrize("label", ["2024/2025", "125", "2025r1", ""])
def test_a_year_that_is_none_is_foreign(label: str) -> None:
    with pytest.raises(ForeignAnswerError, match="the year"):
        decode_data(answer_of(document(years=[(125, label)])))


def test_absent_optional_axes_are_no_part_of_the_key() -> None:
    bare = document()
    del bare["turvar"], bare["turtahun"]
    bare["datacontent"] = {"131154125": 5}
    frame = decode_data(answer_of(bare))
    assert frame.select("value", "derived", "round").rows() == [("5", None, None)]


@pytest.mark.parametrize("name", ["vervar", "var", "tahun"])
def test_absent_axes_are_foreign(name: str) -> None:
    with pytest.raises(ForeignAnswerError, match=f"the axis {name}"):
        decode_data(answer_of({**document(), name: []}))


@pytest.mark.parametrize("content", [{}, [], None, ""])
def test_no_cells_are_named(content: Any) -> None:
    with pytest.raises(EmptyAnswerError):
        decode_data(answer_of({**document(), "datacontent": content}))


def test_a_key_that_no_combination_gives_fails() -> None:
    with pytest.raises(CellUnmappedError, match="1 keys, such as 9915401250"):
        decode_data(answer_of({**document(), "datacontent": {"13115401250": 1, "9915401250": 2}}))


def test_a_key_of_two_combinations_fails() -> None:
    found = document(vervar=[(1, "Satu"), (11, "Sebelas")])
    found["var"][0]["val"] = 1
    found["vervar"], found["turvar"] = (
        [{"val": 1, "label": "a"}, {"val": 11, "label": "b"}],
        [
            {"val": "12", "label": "c"},
            {"val": "2", "label": "d"},
        ],
    )
    found["datacontent"] = {"1121250": 1}
    assert decode_data(answer_of(found))["vervar_code"].to_list() == ["1"]
    found["var"] = [{"val": 1, "label": "AK"}, {"val": 11, "label": "AK"}]
    found["datacontent"] = {"11121250": 1}
    with pytest.raises(CellAmbiguousError, match=r"11121250 = .*\|.* = "):
        decode_data(answer_of(found))


def test_a_code_with_two_labels_is_ambiguous_and_one_entry_repeated_is_not() -> None:
    twice = document()
    twice["vervar"].append({"val": 1311, "label": "Dharmasraya"})
    assert decode_data(answer_of(twice)).height == 1
    twice["vervar"].append({"val": 1311, "label": "Solok Selatan"})
    with pytest.raises(CellAmbiguousError):
        decode_data(answer_of(twice))


def test_a_key_that_stands_twice_fails() -> None:
    raw = json.dumps(document()).replace('"13115401250": 138321', '"13115401250": 1, "13115401250": 2')
    with pytest.raises(ForeignAnswerError, match="stands twice"):
        decode_data(answer_of(raw.encode()))


@given(axes=st.tuples(axis, st.integers(0, 12_000), axis, axis, axis), drawn=st.data())
def test_what_was_encoded_comes_back(axes: Axes, drawn: st.DataObject) -> None:
    expect_back_or_failure_by_name(axes, drawn)


@given(axes=st.tuples(colliding, st.sampled_from([1, 11]), colliding, colliding, colliding), drawn=st.data())
def test_keys_that_collide_fail_by_name_and_the_others_come_back(axes: Axes, drawn: st.DataObject) -> None:
    expect_back_or_failure_by_name(axes, drawn)


def expect_back_or_failure_by_name(axes: Axes, drawn: st.DataObject) -> None:
    vervar, var, turvar, years, parts = axes
    places = list(product(vervar, turvar, years, parts))
    chosen = drawn.draw(st.lists(st.sampled_from(places), min_size=1, max_size=6, unique=True))
    truth = {place: number for number, place in enumerate(chosen)}
    keys = Counter(f"{a}{var}{b}{c}{d}" for a, b, c, d in places)
    answer = answer_of(_encoded(var, vervar, turvar, years, parts, truth))
    if any(keys[f"{a}{var}{b}{c}{d}"] > 1 for a, b, c, d in chosen):
        event("collides")
        with pytest.raises(CellAmbiguousError):
            decode_data(answer)
        return
    event("comes back")
    frame = decode_data(answer)
    order = {year: 1900 + place for place, year in enumerate(years)}
    expected = {(str(a), str(b), order[c], f"bagian {d}", str(value)) for (a, b, c, d), value in truth.items()}
    assert set(frame.select("vervar_code", "derived_code", "year", "period_label", "value").rows()) == expected
    assert frame.height == len(truth)


def _encoded(
    var: int, vervar: list[int], turvar: list[int], years: list[int], parts: list[int], truth: dict[Any, int]
) -> dict[str, Any]:
    encoded = Table(
        "0000",
        var,
        "uji",
        [(code, f"baris {code}") for code in vervar],
        [(code, str(1900 + place)) for place, code in enumerate(years)],
        truth,
        [(code, f"turunan {code}") for code in turvar],
        [(code, f"bagian {code}") for code in parts],
    ).document([str(year) for year in years])
    assert encoded is not None
    return encoded


def test_half_a_million_combinations_are_searched_in_one_go() -> None:
    rows: list[Pair] = [(code, f"Wilayah {code}") for code in range(1000, 6000)]
    cells: dict[Cell, Any] = {(code, "0", 125, 0): code / 4 for code in range(1000, 6000)}
    parts: list[Pair] = [(0, "Tahun"), *((number, f"B{number}") for number in range(31, 130))]
    frame = decode_data(answer_of(table(cells, vervar=rows, turtahun=parts).document(["125"])))
    assert frame.height == 5000
    assert frame.filter(pl.col("vervar_code") == "1001")["value"].to_list() == ["250.25"]
