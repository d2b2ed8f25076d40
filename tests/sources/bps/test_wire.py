"""What is repeated, what is not, how fast, and that the key stays where it is."""

import logging
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import cast

import pytest
from pydantic import SecretStr

from sources.bps import errors
from sources.bps.answers import Answer
from sources.bps.client import BpsClient
from sources.bps.pace import Pace
from sources.bps.wire import BpsSettings
from tests.bps_server import KEY, BpsServer, Fault
from tests.sources.bps.support import client_of, labour_table

PASSING: list[tuple[Fault, type[errors.BpsError]]] = [
    ("429", errors.SlowDownError),
    ("503", errors.SourceFailedError),
    ("503 html", errors.SourceFailedError),
    ("reset", errors.ConnectionBrokenError),
    ("drop", errors.ConnectionBrokenError),
    ("cut", errors.CutAnswerError),
    ("cut json", errors.CutAnswerError),
    ("maintenance", errors.WebPageError),
]
LASTING: list[tuple[Fault, type[errors.BpsError]]] = [
    ("firewall", errors.FirewallError),
]


class Clock:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def read(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.now += seconds


def years(client: BpsClient) -> tuple[Answer, ...]:
    return client.data("7400", 33, [125]).answers


@pytest.mark.parametrize(("fault", "error"), PASSING)
def test_what_may_pass_is_asked_again(fault: Fault, error: type[errors.BpsError]) -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        bps.faults.extend([fault, fault])
        assert len(years(client)) == 1
        assert bps.count == 3
        bps.faults.extend(fault for _ in range(5))
        with pytest.raises(error):
            years(client)
        assert bps.count == 3 + 5


@pytest.mark.parametrize(("fault", "error"), LASTING)
def test_what_will_not_pass_is_asked_once(fault: Fault, error: type[errors.BpsError]) -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        bps.faults.append(fault)
        with pytest.raises(error):
            years(client)
        assert bps.count == 1


def test_a_refusal_is_asked_once() -> None:
    with BpsServer(key="f" * 32) as bps, client_of(bps) as client:
        with pytest.raises(errors.KeyRefusedError, match="re-check your"):
            years(client)
        assert bps.count == 1


def test_no_answer_in_time_is_named_and_asked_again() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps, read_timeout=0.1, attempts=2) as client:
        bps.faults.append("silence")
        assert len(years(client)) == 1
        bps.faults.extend(["silence", "silence"])
        with pytest.raises(errors.SilentError, match="ReadTimeout"):
            years(client)


def test_nobody_at_the_address_is_named() -> None:
    with BpsServer() as bps:
        gone = bps.settings(attempts=2)
    with BpsClient(SecretStr(KEY), gone) as client, pytest.raises(errors.ConnectionBrokenError):
        years(client)


def test_an_answer_beyond_the_largest_is_not_read() -> None:
    with (
        BpsServer([labour_table()]) as bps,
        client_of(bps, largest_answer=100) as client,
        pytest.raises(errors.TooLargeError, match="more than 100 bytes"),
    ):
        years(client)


def test_a_program_that_is_no_browser_meets_the_firewall() -> None:
    with (
        BpsServer([labour_table()]) as bps,
        client_of(bps, user_agent="python-httpx/0.28") as client,
        pytest.raises(errors.FirewallError, match="HTTP 403, a web page: Perimeter WAF Block"),
    ):
        years(client)


def test_an_unknown_path_is_no_firewall() -> None:
    with BpsServer() as bps, BpsClient(SecretStr(KEY), bps.settings(base_url=f"{bps.address}v2/")) as client:
        with pytest.raises(errors.ForeignAnswerError, match="HTTP 404"):
            years(client)
        assert bps.count == 1


def test_requests_keep_their_distance() -> None:
    clock = Clock()
    pace = Pace(1.0, clock.read, clock.sleep)
    with BpsServer([labour_table()]) as bps, client_of(bps, pace) as client:
        client.data("7400", 33, range(120, 126))
        assert bps.count == 3
    assert clock.slept == [1.0, 1.0]


def test_one_request_a_second_is_the_default() -> None:
    assert BpsSettings().seconds_between == 1.0


def test_a_sleep_that_ends_early_does_not_let_a_request_pass() -> None:
    clock = Clock()
    pace = Pace(1.0, clock.read, lambda seconds: clock.sleep(min(seconds, 0.4)))
    pace.wait()
    started = clock.now
    pace.wait()
    assert clock.now - started >= 1.0


@pytest.mark.parametrize("fault", ["429", "503"])
def test_the_pause_that_the_source_asks_for_is_kept(fault: Fault) -> None:
    clock = Clock()
    pace = Pace(0.0, clock.read, clock.sleep)
    with BpsServer([labour_table()], retry_after="17") as bps, client_of(bps, pace) as client:
        bps.faults.append(fault)
        years(client)
    assert clock.slept == [17.0]


def test_a_pause_given_as_a_date_is_kept() -> None:
    clock = Clock()
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    pace = Pace(0.0, clock.read, clock.sleep)
    with BpsServer([labour_table()], retry_after=until) as bps, client_of(bps, pace) as client:
        bps.faults.append("429")
        years(client)
    assert len(clock.slept) == 1
    assert 50 < clock.slept[0] <= 60


def test_a_pause_beyond_patience_ends_the_run() -> None:
    with BpsServer([labour_table()], retry_after="86400") as bps, client_of(bps) as client:
        bps.faults.append("429")
        with pytest.raises(errors.SlowDownError, match="Retry-After 86400 s"):
            years(client)
        assert bps.count == 1


@pytest.mark.parametrize(
    "asked", ["9" * 400, "Mon, 01 Jan 0001 00:00:00 +2359", "Fri, 31 Dec 9999 23:59:59 -2300", "-1", "soon"]
)
def test_an_absurd_pause_is_no_reason_to_break(asked: str) -> None:
    with BpsServer([labour_table()], retry_after=asked) as bps, client_of(bps, attempts=2) as client:
        bps.faults.extend(["429", "429"])
        with pytest.raises(errors.SlowDownError):
            years(client)


def test_a_repeated_question_says_in_words_why(caplog: pytest.LogCaptureFixture) -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        bps.faults.append("503")
        years(client)
    said = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert said == ["BPS source_failed: HTTP 503; diulang ke-1 / asked again, time 1, after 0.0 s"]


@pytest.mark.parametrize("key", ["", "short", "0123456789abcdef\n0123456789abcdef", "a key with spaces in it"])
def test_what_is_no_key_is_refused_before_anything_is_asked(key: str) -> None:
    with BpsServer() as bps, pytest.raises(errors.KeyUnusableError) as caught:
        BpsClient(SecretStr(key), bps.settings())
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize("address", ["http://webapi.bps.go.id/v1/api/", "ftp://127.0.0.1/"])
def test_the_key_does_not_travel_in_the_clear(address: str) -> None:
    with pytest.raises(errors.AddressUnsafeError):
        BpsClient(SecretStr(KEY), BpsSettings(base_url=address))


@pytest.mark.parametrize("fault", ["", "refused", "null", *(name for name, _ in PASSING + LASTING)])
def test_the_key_never_leaks(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    with BpsServer([labour_table()], echo_key=True, retry_after="1000") as bps, client_of(bps, attempts=2) as client:
        bps.most_cells = 1 if fault == "null" else bps.most_cells
        bps.caps = {"7400": 0} if fault == "refused" else {}
        bps.faults.extend(cast("Fault", fault) for _ in range(2) if fault not in {"", "refused", "null"})
        try:
            for answer in years(client):
                seen += [repr(answer), answer.address, answer.raw.decode()]
                assert answer.address.startswith(bps.address)
        except errors.BpsError as error:
            seen += [*traceback.format_exception(error), repr(error), error.found, error.address]
        seen += [repr(client), repr(bps.settings())]
        assert bps.asked[0].query["key"] == KEY
    seen += [f"{record.__dict__} {record.getMessage()}" for record in caplog.records]
    assert any("HTTP Request" in text for text in seen) == (fault not in {"reset", "drop"})
    assert [text for text in seen if KEY in text] == []


def test_the_search_for_the_key_would_find_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").info("GET %s", f"https://example.org/?key={KEY}")
    assert KEY in caplog.text


def test_a_key_given_as_a_filter_stays_out_of_the_address() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        listing = client.listing("th", "7400", key=KEY)
    assert KEY not in listing.answers[0].address


def test_an_answer_carries_its_address_time_and_hash() -> None:
    with BpsServer([labour_table()]) as bps, client_of(bps) as client:
        (answer,) = years(client)
        assert answer.address == f"{bps.address}list?model=data&domain=7400&var=33&th=125&lang=ind"
    assert answer.sha256 == Answer("", answer.raw, answer.fetched_at).sha256
    assert abs(datetime.now(UTC) - answer.fetched_at) < timedelta(minutes=1)
    assert answer.raw.startswith(b'{"status": "OK"')
