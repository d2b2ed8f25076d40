"""SIMDASI tables: inner errors, columns by name, Indonesian numbers."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.bps.answers import Answer
from sources.bps.errors import EmptyAnswerError, ForeignAnswerError, ListDiffersError, RefusedError
from sources.bps.simdasi import COLUMNS, decode_simdasi
from tests.bps_server import BpsServer
from tests.sources.bps.support import client_of

AREA = "7400000"
TABLE_ID = "Q29udG9oIHRhYmVs"
DETAIL = frozenset({("wilayah", AREA), ("tahun", "2025"), ("id_tabel", TABLE_ID)})


def inner(cells: list[Any], **changes: Any) -> dict[str, Any]:
    rows = [
        {"label": "<b>Contoh</b>", "kode_wilayah": f"74{place:02}000", "variables": {"lxkwts7rnj": cell}}
        for place, cell in enumerate(cells, 1)
    ]
    columns = {"lxkwts7rnj": {"nama_variabel": "Angkatan&nbsp;Kerja<br>", "satuan": "orang"}}
    return {"status": 200, "condition": "OK", "kolom": columns, "data": rows, **changes}


def answer_of(document: Any, head: dict[str, Any] | None = None) -> Answer:
    outer = {"status": "OK", "data-availability": "available", "data": [head or {"page": 1, "pages": 1}, document]}
    return Answer("http://127.0.0.1/simdasi", json.dumps(outer).encode(), datetime(2026, 11, 21, tzinfo=UTC))


def raw(text: str | float | None) -> dict[str, Any]:
    return {"value_raw": text}


def test_a_table_is_fetched_and_its_columns_have_names() -> None:
    rows = inner([raw("18.836,00"), raw("7.708")])
    rows["data"].append({"label": "INDONESIA", "kode_wilayah": "", "variables": {"lxkwts7rnj": raw("10 668")}})
    with BpsServer(simdasi={(25, DETAIL): rows}) as bps, client_of(bps) as client:
        answer = client.simdasi_table(AREA, 2025, TABLE_ID)
        assert bps.asked[0].query["id_tabel"] == TABLE_ID
    frame = decode_simdasi(answer)
    assert dict(frame.schema) == COLUMNS
    assert frame.select("region_code", "is_nation", "column", "unit", "value").rows() == [
        ("7401000", False, "Angkatan Kerja", "orang", "18836.00"),
        ("7402000", False, "Angkatan Kerja", "orang", "7708"),
        (None, True, "Angkatan Kerja", "orang", "10668"),
    ]


@pytest.mark.parametrize(
    ("cell", "value", "problem"),
    [
        (raw("-"), None, None),
        (raw("–"), None, None),
        (raw("..."), None, None),
        (raw("NA"), None, None),
        (raw(""), None, None),
        (raw(None), None, None),
        (None, None, None),
        (raw("0"), "0", None),
        (raw("-3,25"), "-3.25", None),
        (raw("1.234.567"), "1234567", None),
        (raw("10\u00a0668"), "10668", None),
        (raw(7.5), "7.5", None),
        (raw("Kendari"), None, None),
        (raw("12.5"), None, "not_a_number"),
        (raw("1,234,567"), None, "not_a_number"),
        (raw("5*"), None, "not_a_number"),
        ({"value": "10 668"}, "10668", None),
        ({"value": "10 668", "value_raw": "10668"}, "10668", None),
        ({"value": "7,825", "value_raw": "7.825"}, None, "two_values"),
    ],
)
def test_indonesian_numbers_are_read_and_nothing_is_guessed(cell: Any, value: str | None, problem: str | None) -> None:
    frame = decode_simdasi(answer_of(inner([raw("1"), cell])))
    assert frame.select("value", "problem").rows()[1] == (value, problem)


def test_the_text_stays_beside_the_number() -> None:
    assert decode_simdasi(answer_of(inner([raw("Kendari"), raw(7.5)])))["value_text"].to_list() == ["Kendari", "7.5"]


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_inner_error_inside_an_outer_ok_is_a_refusal(wrapped: bool) -> None:
    refused: Any = {"status": 400, "condition": "ERROR", "message": "Invalid Parameter"}
    with pytest.raises(RefusedError, match="inner status 400 ERROR: Invalid Parameter"):
        decode_simdasi(answer_of([refused] if wrapped else refused))
    with BpsServer() as bps, client_of(bps) as client:
        with pytest.raises(RefusedError, match="Invalid Parameter"):
            client.simdasi_table("9900000", 2025, TABLE_ID)
        assert bps.count == 1


def test_subjects_and_tables_are_listed() -> None:
    tables = [{"id_tabel": TABLE_ID, "judul": "<b>AK</b>", "ketersediaan_tahun": [2024, 2025], "mms_id": 520}]
    listed = {"status": 200, "condition": "OK", "data_count": 1, "data": tables}
    served = {
        (22, frozenset({("wilayah", AREA)})): {"status": 200, "data": [{"mms_id": 520, "subject": "Tenaga Kerja"}]},
        (23, frozenset({("wilayah", AREA)})): listed,
        (24, frozenset({("wilayah", AREA), ("id_subjek", "520")})): listed,
    }
    with BpsServer(simdasi=served) as bps, client_of(bps) as client:
        assert client.simdasi_subjects(AREA).rows["mms_id"].to_list() == ["520"]
        assert client.simdasi_tables(AREA).rows.equals(client.simdasi_tables(AREA, 520).rows)
        rows = client.simdasi_tables(AREA, 520).rows
    assert rows.select("judul", "ketersediaan_tahun").rows() == [("AK", "[2024, 2025]")]


def test_a_list_that_is_shorter_than_counted_fails() -> None:
    listed = {"status": 200, "data_count": 2, "data": [{"mms_id": 520}]}
    served = {(22, frozenset({("wilayah", AREA)})): listed}
    with (
        BpsServer(simdasi=served) as bps,
        client_of(bps) as client,
        pytest.raises(ListDiffersError, match="1 rows, expected 2"),
    ):
        client.simdasi_subjects(AREA)


def test_a_second_page_is_not_overlooked() -> None:
    with pytest.raises(ListDiffersError, match="2 pages"):
        decode_simdasi(answer_of(inner([raw("1")]), {"page": 1, "pages": 2}))


def test_a_table_without_rows_is_named() -> None:
    with pytest.raises(EmptyAnswerError):
        decode_simdasi(answer_of(inner([])))


@pytest.mark.parametrize(
    "document",
    [
        "text",
        inner([raw("1")], kolom={}),
        inner([raw("1")], kolom=[]),
        inner(["1"]),
        inner([5]),
        inner([raw("1"), {"value": True}]),
    ],
)
def test_other_shapes_are_foreign(document: Any) -> None:
    with pytest.raises(ForeignAnswerError):
        decode_simdasi(answer_of(document))
