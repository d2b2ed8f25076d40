"""Data are asked for in as many calls as the domain's cap demands, and in no more."""

import pytest

from sources.bps.data import decode_data
from sources.bps.errors import (
    EmptyAnswerError,
    ForeignAnswerError,
    NotAvailableError,
    PeriodMissingError,
    TooLargeError,
    TooManyPeriodsError,
)
from tests.bps_server import BpsServer, Table
from tests.sources.bps.support import client_of, labour_table

TEN_YEARS = range(116, 126)


@pytest.mark.parametrize(("domain", "calls"), [("7400", 5), ("0000", 4)])
def test_ten_years_cost_what_the_known_caps_demand(domain: str, calls: int) -> None:
    with BpsServer([labour_table(domain)]) as bps, client_of(bps) as client:
        fetched = client.data(domain, 33, TEN_YEARS)
        assert bps.count == len(fetched.answers) == calls
        assert sum(decode_data(answer).height for answer in fetched.answers) == 30
        assert fetched.unavailable == ()


def test_a_cap_is_learnt_from_the_refusal_and_remembered_for_its_domain() -> None:
    tables = [labour_table("7400"), labour_table("0000")]
    with BpsServer(tables, caps={"0000": 2, "7400": 1}) as bps, client_of(bps) as client:
        client.data("0000", 33, TEN_YEARS)
        assert bps.count == 5 + 1
        client.data("0000", 33, TEN_YEARS)
        assert bps.count == 5 + 1 + 5
        assert client.caps == {"0000": 2}
        client.data("7400", 33, TEN_YEARS)
        assert client.caps == {"0000": 2, "7400": 1}


def test_a_cap_that_was_told_is_used_and_shrinks_again_when_refused_again() -> None:
    with BpsServer([labour_table()], caps={"7400": 10}) as bps, client_of(bps, caps={"7400": 10}) as client:
        client.data("7400", 33, TEN_YEARS)
        assert bps.count == 1
        bps.caps["7400"] = 5
        client.data("7400", 33, TEN_YEARS)
        assert bps.count == 1 + 1 + 2
        bps.caps["7400"] = 2
        client.data("7400", 33, TEN_YEARS)
        assert bps.count == 4 + 1 + 5


def test_a_refusal_that_allows_no_less_than_was_asked_ends_the_run() -> None:
    with (
        BpsServer([labour_table()], caps={"7400": 0}) as bps,
        client_of(bps) as client,
        pytest.raises(TooManyPeriodsError, match="is 0") as caught,
    ):
        client.data("7400", 33, [124, 125])
    assert caught.value.cap == 0


def test_an_answer_that_is_too_large_is_asked_for_in_parts() -> None:
    with BpsServer([labour_table("0000")], most_cells=3) as bps, client_of(bps) as client:
        fetched = client.data("0000", 33, [123, 124, 125])
        assert [asked.query["th"] for asked in bps.asked] == ["123;124;125", "123", "124", "125"]
        assert len(fetched.answers) == 3


def test_one_period_that_is_too_large_is_named() -> None:
    with (
        BpsServer([labour_table()], most_cells=2) as bps,
        client_of(bps) as client,
        pytest.raises(TooLargeError, match=r"null.*\n.*turvar.*\n.*derived"),
    ):
        client.data("7400", 33, [124, 125])


def test_no_period_is_named_before_anything_is_asked() -> None:
    with BpsServer() as bps, client_of(bps) as client:
        with pytest.raises(PeriodMissingError):
            client.data("7400", 33, [])
        assert bps.count == 0


def test_periods_without_data_are_listed_beside_the_answers() -> None:
    with BpsServer([labour_table(years=1)]) as bps, client_of(bps) as client:
        fetched = client.data("7400", 33, [122, 123, 124, 125])
        assert fetched.unavailable == ("122", "123", "124")
        assert len(fetched.answers) == 1


def test_a_variable_without_any_data_is_named() -> None:
    with BpsServer() as bps, client_of(bps) as client, pytest.raises(NotAvailableError, match="list-not-available"):
        client.data("7400", 33, [124, 125])


def test_available_but_empty_is_named() -> None:
    with (
        BpsServer([labour_table()], empty={("7400", "33")}) as bps,
        client_of(bps) as client,
        pytest.raises(EmptyAnswerError, match="empty datacontent"),
    ):
        client.data("7400", 33, [125])


@pytest.mark.parametrize("wrong", ["variable", "period"])
def test_an_answer_to_another_question_is_refused(wrong: str) -> None:
    class Mistaken(BpsServer):
        def answer(self, asked: object) -> object:  # noqa: ARG002
            other: Table = labour_table(variable=34) if wrong == "variable" else labour_table()
            return other.document(["120", "125"])

    with Mistaken() as bps, client_of(bps) as client, pytest.raises(ForeignAnswerError, match=r"34|nobody asked"):
        client.data("7400", 33, [125])
