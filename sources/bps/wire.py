"""Requests to BPS: paced, repeated where that may help, and with an API key that nothing else ever sees."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import httpx
import stamina
from pydantic import SecretStr
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from sources.bps import errors
from sources.bps.answers import Answer, examined
from sources.bps.pace import Pace

BASE_URL = "https://webapi.bps.go.id/v1/api/"
# The firewall before BPS answers with its own page to programs that do not look like a browser.
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
_KEY = re.compile(r"[0-9A-Za-z_-]{16,128}")
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})
_LOGGERS = ("httpx", "httpcore.http11", "httpcore.proxy")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class BpsSettings:
    """How BPS is asked; times are in seconds, sizes in bytes.

    Attributes:
        seconds_between: the least time between the starts of two requests.
        attempts: how often one question is put at most.
        longest_pause: a longer pause asked for with `Retry-After` ends the run instead.
        answer_time: the whole time one answer may take, however steadily it drips.
        largest_answer: larger answers are not read.
        caps: periods a domain allows in one call, where known better than 3 (nation) and 2 (others).
        proxy: address of a proxy; the environment is not asked.
    """

    base_url: str = BASE_URL
    user_agent: str = USER_AGENT
    seconds_between: float = 1.0
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    answer_time: float = 300.0
    attempts: int = 5
    wait_initial: float = 1.0
    wait_max: float = 30.0
    wait_jitter: float = 1.0
    longest_pause: float = 300.0
    largest_answer: int = 64 * 2**20
    caps: Mapping[str, int] = field(default_factory=dict[str, int])
    proxy: str | None = field(default=None, repr=False)


class _KeyedTransport(httpx.BaseTransport):
    """Adds the key below the client, so that httpx's own requests, errors and log lines are without it."""

    def __init__(self, key: SecretStr, proxy: str | None) -> None:
        self._key = key
        self._inner = httpx.HTTPTransport(proxy=proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request with the key in its query."""
        keyed = request.url.copy_merge_params({"key": self._key.get_secret_value()})
        sent = httpx.Request(
            request.method, keyed, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        return self._inner.handle_request(sent)

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()


class _Redaction(logging.Filter):
    """Takes the key out of what the HTTP library logs, should the source repeat it in a header."""

    def __init__(self, wire: "Wire") -> None:
        super().__init__()
        self._wire = wire

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record and let it pass."""
        message = record.getMessage()
        scrubbed = self._wire.scrubbed(message.encode("utf-8", "replace")).decode()
        if scrubbed != message:
            record.msg, record.args = scrubbed, ()
        return True


class Wire:
    """One conversation with BPS; close it, or use it as a context.

    Attributes:
        requests: how many were sent, repeated ones included.
    """

    def __init__(self, key: SecretStr, settings: BpsSettings, pace: Pace | None = None) -> None:
        """Check key and address; nothing is asked yet.

        Raises:
            KeyUnusableError: the key is not one.
            AddressUnsafeError: the key would travel in the clear.
        """
        if not _KEY.fullmatch(key.get_secret_value()):
            raise errors.KeyUnusableError(f"a key of {len(key.get_secret_value())} characters")
        _must_be_safe(settings.base_url)
        self._settings = settings
        self._pace = pace or Pace(settings.seconds_between)
        self._secret = re.compile(re.escape(key.get_secret_value().encode()), re.IGNORECASE)
        self._http = _http_client(key, settings)
        self.requests = 0
        self._redaction = _Redaction(self)
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._redaction)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Return the address, never the key."""
        return f"Wire({self._settings.base_url})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._redaction)

    def scrubbed(self, raw: bytes) -> bytes:
        """Return bytes in which `***` stands for the key."""
        return self._secret.sub(b"***", raw)

    def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """Ask once, and again where that may help.

        Args:
            path: under the base address, such as `list`.
            params: the query without the key.

        Returns:
            An answer that is whole and no error; see `sources.bps.answers.examined` for what is raised.

        Raises:
            SilentError, ConnectionBrokenError, CutAnswerError, SlowDownError, SourceFailedError: after all
                attempts. Refusals are raised at once.
        """
        url = httpx.URL(self._settings.base_url.rstrip("/") + "/").join(path).copy_merge_params(dict(params))
        rules = self._settings
        for attempt in stamina.retry_context(
            on=_may_help,
            attempts=rules.attempts,
            timeout=None,
            wait_initial=rules.wait_initial,
            wait_max=rules.wait_max,
            wait_jitter=rules.wait_jitter,
        ):
            with attempt:
                return self._once(url)
        raise AssertionError("stamina gives at least one attempt")

    def _once(self, url: httpx.URL) -> Answer:
        address = self.scrubbed(str(url).encode()).decode()
        self._pace.wait()
        self.requests += 1
        try:
            with self._http.stream("GET", url) as response:
                self._check_status(response, address)
                answer = Answer(address, self.scrubbed(self._body(response, address)), datetime.now(UTC))
                status = response.status_code
        except httpx.TimeoutException as fault:
            raise errors.SilentError(type(fault).__name__, address) from None
        except httpx.RequestError as fault:
            raise errors.ConnectionBrokenError(type(fault).__name__, address) from None
        try:
            examined(answer, status)
        except errors.BpsError as error:
            error.raw = answer.raw
            raise
        return answer

    def _check_status(self, response: httpx.Response, address: str) -> None:
        status = response.status_code
        if status == 429 or status >= 500:
            kind = errors.SlowDownError if status == 429 else errors.SourceFailedError
            raise self._after_pause(kind, response, address)
        if 300 <= status < 400:
            raise errors.ForeignAnswerError(f"HTTP {status}, a redirect; it is not followed", address)

    def _after_pause(self, kind: type[errors.BpsError], response: httpx.Response, address: str) -> errors.BpsError:
        asked = _pause(response.headers.get("Retry-After", ""))
        error = kind(f"HTTP {response.status_code}" + (f", Retry-After {asked:.0f} s" if asked else ""), address)
        error.retry = asked <= self._settings.longest_pause
        if asked and error.retry:
            self._pace.hold(asked)
        return error

    def _body(self, response: httpx.Response, address: str) -> bytes:
        body = bytearray()
        give_up = self._pace.clock() + self._settings.answer_time
        try:
            for block in response.iter_bytes():
                body += block
                if len(body) > self._settings.largest_answer:
                    raise errors.TooLargeError(f"more than {self._settings.largest_answer} bytes", address)
                if self._pace.clock() > give_up:
                    raise errors.SilentError(f"{len(body)} bytes and no end", address)
        except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.DecodingError) as fault:
            promised = response.headers.get("Content-Length", "")
            said = f" of {promised}" if promised.isdigit() else ""
            raise errors.CutAnswerError(f"{len(body)} bytes{said}, {type(fault).__name__}", address) from None
        return bytes(body)


def _must_be_safe(base_url: str) -> None:
    url = httpx.URL(base_url)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOCAL):
        raise errors.AddressUnsafeError(f"an address with scheme '{url.scheme}' at '{url.host}'")


def _http_client(key: SecretStr, settings: BpsSettings) -> httpx.Client:
    return httpx.Client(
        transport=_KeyedTransport(key, settings.proxy),
        headers={"User-Agent": settings.user_agent, "Accept": "application/json"},
        timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
    )


def _say_retry(details: RetryDetails) -> None:
    """Say in words that a question is repeated, and why; stamina itself says only that something is."""
    why = details.caused_by
    said = f"{why.code}: {why.found}" if isinstance(why, errors.BpsError) else type(why).__name__
    number, pause = details.retry_num, details.wait_for
    _LOG.warning("BPS %s; diulang ke-%d / asked again, time %d, after %.1f s", said, number, number, pause)


set_on_retry_hooks([_say_retry])


def _may_help(fault: Exception) -> bool:
    return isinstance(fault, errors.BpsError) and fault.retry


def _pause(header: str) -> float:
    if header.strip().isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
        return max((until.astimezone(UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0
