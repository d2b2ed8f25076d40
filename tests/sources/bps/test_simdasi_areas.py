"""The areas of SIMDASI: provinces, regencies, districts, each a part of what was asked for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.bps.answers import Answer, Listing
from sources.bps.client import BpsClient
from sources.bps.errors import BpsError, EmptyAnswerError, ForeignAnswerError, ListDiffersError, RefusedError
from sources.bps.simdasi import areas_of
from tests.bps_server import KEY, BpsServer, Pair
from tests.sources.bps.support import client_of

AREAS: list[Pair] = [
    ("0000000", "INDONESIA"),
    ("7400000", "Sulawesi Contoh"),
    ("5100000", "Bali Contoh"),
    ("7411000", "Kab. <b>Contoh</b>"),
    ("7471000", "Kota Misal"),
    ("5171000", "Kota Lain"),
    ("7411010", "Misal Utara"),
    ("7411020", "Misal Selatan"),
]


def served(service: int, rows: Any, parent: str = "", **changes: Any) -> Any:
    asked = frozenset({("parent", parent)} if parent else set[tuple[str, str]]())
    return {(service, asked): {"data": rows, **changes}}


def pairs(listing: Listing) -> list[tuple[str, str]]:
    return listing.rows.select("region_code", "name").rows()


def answer_of(rows: Any) -> Answer:
    outer = {"status": "OK", "data-availability": "available", "data": [{"page": 1, "pages": 1}, {"data": rows}]}
    return Answer("http://127.0.0.1/simdasi", json.dumps(outer).encode(), datetime(2026, 11, 21, tzinfo=UTC))


def test_the_nation_is_walked_down_to_its_districts() -> None:
    with BpsServer(areas=AREAS) as bps, client_of(bps) as client:
        provinces = client.simdasi_provinces()
        regencies = client.simdasi_regencies("7400000")
        districts = client.simdasi_districts("7411000")
        assert [(asked.path.rpartition("/")[2], asked.query.get("parent")) for asked in bps.asked] == [
            ("26", None),
            ("27", "7400000"),
            ("28", "7411000"),
        ]
    assert pairs(provinces) == [("7400000", "Sulawesi Contoh"), ("5100000", "Bali Contoh")]
    assert pairs(regencies) == [("7411000", "Kab. Contoh"), ("7471000", "Kota Misal")]
    assert pairs(districts) == [("7411010", "Misal Utara"), ("7411020", "Misal Selatan")]
    assert provinces.rows["kind"].unique().to_list() == ["Provinsi"]


def test_areas_are_read_again_without_a_request() -> None:
    with BpsServer(areas=AREAS) as bps, client_of(bps) as client:
        regencies = client.simdasi_regencies("7400000")
    assert areas_of(regencies.answers[0], "7400000").rows.equals(regencies.rows)


def test_an_area_of_simdasi_opens_its_tables() -> None:
    tables = {"status": 200, "data": [{"id_tabel": "Q29udG9o", "judul": "AK"}]}
    simdasi = {(23, frozenset({("wilayah", "7411000")})): tables}
    with BpsServer(areas=AREAS, simdasi=simdasi) as bps, client_of(bps) as client:
        first = client.simdasi_regencies("7400000").rows["region_code"][0]
        assert client.simdasi_tables(first).rows["id_tabel"].to_list() == ["Q29udG9o"]


REFUSED: list[Callable[[BpsClient], Listing]] = [
    lambda client: client.simdasi_regencies("9900000"),
    lambda client: client.simdasi_regencies("7411000"),
    lambda client: client.simdasi_regencies("74"),
    lambda client: client.simdasi_regencies(""),
    lambda client: client.simdasi_districts("7400000"),
    lambda client: client.simdasi_districts("7499000"),
]


@pytest.mark.parametrize("question", REFUSED)
def test_an_inner_error_inside_an_outer_ok_is_a_refusal_and_not_repeated(
    question: Callable[[BpsClient], Listing],
) -> None:
    with BpsServer(areas=AREAS) as bps, client_of(bps) as client:
        with pytest.raises(RefusedError, match="inner status 400 ERROR: Invalid Parameter") as caught:
            question(client)
        assert bps.count == 1
    assert KEY not in str(caught.value)


def test_without_areas_every_service_refuses_inside_ok() -> None:
    with BpsServer() as bps, client_of(bps) as client, pytest.raises(RefusedError, match="Invalid Parameter"):
        client.simdasi_provinces()


def test_a_refusal_outside_comes_first() -> None:
    with (
        BpsServer(areas=AREAS, key="f" * 32) as bps,
        client_of(bps) as client,
        pytest.raises(RefusedError, match="key"),
    ):
        client.simdasi_provinces()


def test_codes_stored_as_numbers_and_an_area_without_a_kind_are_read() -> None:
    rows = [{"kode": 7411000, "nama": "Kab. Contoh"}]
    with BpsServer(simdasi=served(27, rows, "7400000")) as bps, client_of(bps) as client:
        assert client.simdasi_regencies("7400000").rows.rows() == [("7411000", "Kab. Contoh", None)]


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([{"kode": "5171000", "nama": "Kota Lain"}], ForeignAnswerError),
        ([{"kode": "7411010", "nama": "Misal Utara"}], ForeignAnswerError),
        ([{"kode": "7411", "nama": "Kab. Contoh"}], ForeignAnswerError),
        ([{"kode": None, "nama": "Kab. Contoh"}], ForeignAnswerError),
        ([{"kode": "7411000", "nama": ""}], ForeignAnswerError),
        ([{"kode": "7411000", "nama": None}], ForeignAnswerError),
        ([{"kode_mfd": "7411000", "nama": "Kab. Contoh"}], ForeignAnswerError),
        ([{"kode": "7411000", "nama": "A"}, {"kode": "7411000", "nama": "B"}], ListDiffersError),
        ([{"kode": "7400000", "nama": "Sulawesi Contoh"}], EmptyAnswerError),
        ([], EmptyAnswerError),
        ({}, EmptyAnswerError),
        ({"a": 1}, ForeignAnswerError),
        ("text", ForeignAnswerError),
    ],
)
def test_what_is_no_list_of_regencies_has_a_name(rows: Any, error: type[BpsError]) -> None:
    with pytest.raises(BpsError) as caught:
        areas_of(answer_of(rows), "7400000")
    assert type(caught.value) is error


def test_a_list_of_areas_that_is_shorter_than_counted_fails() -> None:
    rows = [{"kode": "7411000", "nama": "Kab. Contoh"}]
    with (
        BpsServer(simdasi=served(27, rows, "7400000", data_count=17)) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError, match="1 rows, expected 17"),
    ):
        client.simdasi_regencies("7400000")
