"""Answers are handed over call by call, and every request is counted."""

import pytest

from sources.bps import errors
from sources.bps.data import decode_data
from tests.bps_server import BpsServer
from tests.sources.bps.support import client_of, labour_table


def test_each_call_is_handed_over_before_the_next_is_made() -> None:
    with BpsServer([labour_table(years=5)]) as bps, client_of(bps) as client:
        counts: list[tuple[tuple[str, ...], int, int]] = []
        for asked, brought in client.data_by_call("7400", 33, ["125", "124", "123", "122", "121"]):
            counts.append((asked, len(brought.answers), bps.count))
        assert counts == [(("125", "124"), 1, 1), (("123", "122"), 1, 2), (("121",), 1, 3)]
        assert client.requests == bps.count == 3


def test_it_brings_what_one_question_for_all_brings() -> None:
    with BpsServer([labour_table(years=4)]) as bps, client_of(bps) as client:
        periods = ["125", "90", "124", "91", "92", "93", "123"]
        whole = client.data("7400", 33, periods)
        parts = [brought for _, brought in client.data_by_call("7400", 33, periods)]
        assert [answer.raw for part in parts for answer in part.answers] == [answer.raw for answer in whole.answers]
        assert tuple(period for part in parts for period in part.unavailable) == whole.unavailable
        assert [decode_data(answer).height for part in parts for answer in part.answers] == [3, 3, 3]


def test_a_period_without_data_is_no_error_and_no_answer() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        [(asked, brought)] = list(client.data_by_call("7400", 33, ["90"]))
        assert (asked, brought.answers, brought.unavailable) == (("90",), (), ("90",))
        assert list(client.data_by_call("7400", 33, [])) == []


def test_refused_and_repeated_requests_count_and_what_came_before_a_failure_stays() -> None:
    with BpsServer([labour_table(years=4)], caps={"7400": 1}) as bps, client_of(bps, attempts=2) as client:
        calls = client.data_by_call("7400", 33, ["125", "124"])
        assert next(calls)[0] == ("125",)
        assert (client.requests, client.caps) == (2, {"7400": 1})
        bps.faults.extend(["503", "503"])
        with pytest.raises(errors.SourceFailedError):
            next(calls)
        assert client.requests == bps.count == 4
