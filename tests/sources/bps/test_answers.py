"""Error shapes of BPS, each under its own name with what to do; and the recorded answers of the real service."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sources.bps import errors
from sources.bps.answers import Answer, examined, listing_of
from sources.bps.data import decode_data
from tests.bps_server import FIREWALL, NO_KEY, NO_TH, TOO_MANY
from tests.sources.bps.support import RECORDED, recorded_only


def answer_of(body: Any, address: str = "http://127.0.0.1/list?model=data") -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(address, raw, datetime(2026, 11, 21, tzinfo=UTC))


SHAPES: list[tuple[Any, int, type[errors.BpsError]]] = [
    ({"status": "Error", "message": NO_KEY}, 200, errors.KeyRefusedError),
    ({"status": "Error", "message": "Parameter key is missing"}, 200, errors.KeyRefusedError),
    ({"error": "UserNotFound"}, 404, errors.KeyRefusedError),
    ({"status": "Error", "message": NO_TH}, 200, errors.PeriodMissingError),
    ({"status": "ERROR", "message": TOO_MANY.format(cap=2, given=3)}, 200, errors.TooManyPeriodsError),
    ({"status": "Error", "message": "Parameter Domain is Missing."}, 200, errors.RefusedError),
    ({"status": "400", "message": "Invalid"}, 200, errors.RefusedError),
    ({"status": 400}, 200, errors.RefusedError),
    ({"status": "OK", "data-availability": "available"}, 404, errors.RefusedError),
    (None, 200, errors.TooLargeError),
    ({"status": "OK", "data-availability": "available", "data": None}, 200, errors.TooLargeError),
    ({"status": "OK", "data-availability": "list-not-available", "data": ""}, 200, errors.NotAvailableError),
    ({"status": "OK", "data-availability": "not-available"}, 200, errors.NotAvailableError),
    ({"data-availability": "unavailable"}, 404, errors.NotAvailableError),
    (FIREWALL, 403, errors.FirewallError),
    (FIREWALL, 200, errors.FirewallError),
    (b"<html><title>Situs</title></html>", 200, errors.WebPageError),
    (b"<html><title>404</title></html>", 404, errors.ForeignAnswerError),
    (b"[]", 200, errors.ForeignAnswerError),
    (b"{}", 200, errors.ForeignAnswerError),
    (b"selamat datang", 200, errors.ForeignAnswerError),
    (b'{"status": "OK"} {"status": "OK"}', 200, errors.ForeignAnswerError),
    (b'{"status": "OK", "x": NaN}', 200, errors.ForeignAnswerError),
    (b'{"status": "OK", "x": "\xff"}', 200, errors.ForeignAnswerError),
    (b'{"status": "OK", "x": "Kab \\ud800"}', 200, errors.ForeignAnswerError),
    (b'{"status": "OK", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 200, errors.ForeignAnswerError),
    (b'{"status": "OK", "x": ' + b"9" * 5000 + b"}", 200, errors.ForeignAnswerError),
    (b"", 200, errors.CutAnswerError),
    (b'{"status": "OK", "da', 200, errors.CutAnswerError),
    (b'\xef\xbb\xbf{"status": "OK", "x": [1,', 200, errors.CutAnswerError),
    ('{"status": "OK", "x": "…'.encode()[:-1], 200, errors.CutAnswerError),
]


@pytest.mark.parametrize(("body", "status", "error"), SHAPES)
def test_every_error_has_its_name_and_says_what_to_do(body: Any, status: int, error: type[errors.BpsError]) -> None:
    with pytest.raises(errors.BpsError) as caught:
        examined(answer_of(body), status)
    assert type(caught.value) is error
    said, indonesian, english = str(caught.value).split("\n")
    assert said.startswith(f"{error.code}: ")
    assert "[http://127.0.0.1/list?model=data]" in said
    assert (indonesian[:16], english[:8]) == ("Yang diharapkan:", "Expected")


def test_a_good_answer_raises_nothing() -> None:
    assert examined(answer_of({"status": "OK", "data-availability": "available", "data": []}))["data"] == []


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.BpsError)]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes) > 20


@pytest.mark.parametrize(
    "data", [{"page": 1}, [1, 2], [{"page": 1, "pages": 1, "total": 1}], [{"pages": "x"}, []], [{}, [1]]]
)
def test_a_foreign_envelope_is_named(data: Any) -> None:
    with pytest.raises(errors.ForeignAnswerError):
        listing_of([answer_of({"status": "OK", "data-availability": "available", "data": data})])


def recorded(name: str) -> Answer:
    document = json.loads((RECORDED / name).read_text())
    body = document.get("body", document) if "request" in document else document
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return answer_of(raw, name)


@recorded_only
@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("data_list_not_available", 200, errors.NotAvailableError),
        ("data_null_too_large", 200, errors.TooLargeError),
        ("error_bad_key", 200, errors.KeyRefusedError),
        ("error_data_missing_th", 200, errors.PeriodMissingError),
        ("error_data_prov_max_2_th", 200, errors.TooManyPeriodsError),
        ("error_data_too_many_th", 200, errors.TooManyPeriodsError),
        ("error_waf_block", 403, errors.FirewallError),
        ("error_waf_block", 200, errors.FirewallError),
    ],
)
def test_recorded_errors_have_their_names(name: str, status: int, error: type[errors.BpsError]) -> None:
    with pytest.raises(error) as caught:
        examined(recorded(f"bps_looker/{name}.json"), status)
    assert type(caught.value) is error
    if isinstance(caught.value, errors.TooManyPeriodsError):
        assert caught.value.cap == (2 if "prov" in name else 3)


@recorded_only
def test_the_recorded_national_answer_decodes() -> None:
    frame = decode_data(recorded("bps_looker/data_0000_2263_TRIMMED.json"))
    assert frame.height == 48
    nation = frame.filter("is_nation")
    assert nation["vervar_code"].unique().to_list() == ["9999"]
    assert nation.filter(round="feb")["value"].to_list() == ["2.75"]
    assert nation.filter(round="aug")["value"].to_list() == ["2.12"]
    assert frame.filter(vervar_code="7500", period_label="Desember")["value"].to_list() == ["-0.79"]
    assert frame["decimals"].unique().to_list() == [2]


@recorded_only
def test_the_recorded_whole_answer_decodes_cell_for_cell() -> None:
    name = "other/data_maluku_var218_full.json"
    frame = decode_data(recorded(name))
    content = json.loads((RECORDED / name).read_text())["datacontent"]
    assert frame.height == len(content)
    assert sorted(map(float, frame["value"])) == sorted(content.values())
    assert frame.filter(vervar_label="Tual", year=2017, round="annual")["value"].to_list() == ["9.41"]


@recorded_only
@pytest.mark.parametrize(("key", "height"), [("payload", 2), ("payload_kabkota", 4)])
def test_the_recorded_snippets_decode(key: str, height: int) -> None:
    snippet = json.loads((RECORDED / "other/data_sumbar_snippets.json").read_text())[key]
    frame = decode_data(answer_of({"status": "OK", "data-availability": "available", **snippet}))
    assert frame.height == height


@recorded_only
def test_the_recorded_table_of_a_regency_decodes() -> None:
    frame = decode_data(recorded("stadata_flutter/dynamic_table_detail.json"))
    assert frame.select("year", "value").rows() == [(1999, "308669"), (2000, "311595"), (2001, "312473")]


@recorded_only
@pytest.mark.parametrize("name", ["derived_period_list", "domain_list", "subject_category_list", "dynamic_table_list"])
def test_recorded_lists_on_one_page_are_read(name: str) -> None:
    answer = recorded(f"stadata_flutter/{name}.json")
    listing = listing_of([answer])
    assert listing.rows.height == json.loads(answer.raw)["data"][0]["total"]


@recorded_only
def test_the_recorded_periods_are_read() -> None:
    rows = listing_of([recorded("bps_looker/th_0000_1804.json")]).rows
    assert rows.rows()[0] == ("119", "2019")


@recorded_only
@pytest.mark.parametrize(
    "name",
    ["derived_variable_list", "period_list", "subject_list", "unit_list", "variable_list", "vertical_variable_list"],
)
def test_recorded_lists_of_which_pages_are_missing_are_refused(name: str) -> None:
    with pytest.raises(errors.ListDiffersError):
        listing_of([recorded(f"stadata_flutter/{name}.json")])
