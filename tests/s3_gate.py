"""A gate before an S3: it passes requests on, keeps what was asked, and misbehaves on demand."""

import re
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

Fault = Literal["slow down", "expired", "denied", "broken", "cut", "drop", "lost"]
_HOP_BY_HOP = frozenset({"transfer-encoding", "connection"})
_XML = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{code}</Message>{more}</Error>"


@dataclass(frozen=True)
class Request:
    """One request as it came to the gate: what was asked, and its headers by their names in small letters."""

    line: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Refusal:
    """What a gate answers instead of the S3: status, error code, further headers, further elements of the body."""

    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict[str, str])
    more: str = ""


_REFUSALS: dict[str | None, Refusal] = {
    "slow down": Refusal(503, "SlowDown"),
    "broken": Refusal(500, "InternalError"),
    "expired": Refusal(400, "ExpiredToken"),
    "denied": Refusal(403, "AccessDenied"),
}


@dataclass
class Gate:
    """A server before an S3 that passes requests on, unless a fault waits.

    Attributes:
        requests: what was asked, in order; `line` is method and address, such as `PUT /bucket/key`.
        answers: own answers by a part of the request's address, such as pages of a listing.
        judge: looks at every request, as an S3 looks at credentials and regions; null lets it pass.
    """

    address: str
    requests: list[Request] = field(default_factory=list[Request])
    answers: dict[str, Callable[[str], bytes]] = field(default_factory=dict[str, Callable[[str], bytes]])
    judge: Callable[[Request], Refusal | None] = field(default=lambda _request: None)
    _waiting: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque[Fault]))
    _always: dict[str, Fault] = field(default_factory=dict[str, Fault])

    def fail(self, *faults: Fault, at: str = "") -> None:
        """Let the next requests fail, in their order.

        Args:
            faults: `slow down` (503), `broken` (500), `expired` (the credential has ended), `denied`, `cut` (half a
                body), `drop` (no answer, and the S3 never sees the request), `lost` (done, but no answer comes).
            at: which requests: an expression that their lines match.
        """
        self._waiting[at].extend(faults)

    def fail_always(self, fault: Fault, at: str = "") -> None:
        """Let every request that an expression matches fail, until `mend`."""
        self._always[at] = fault

    def mend(self) -> None:
        """Fail no more."""
        self._waiting.clear()
        self._always.clear()

    def asked(self, at: str) -> list[Request]:
        """Give the requests whose lines an expression matches."""
        return [request for request in self.requests if re.search(at, request.line)]

    def fault_for(self, line: str) -> Fault | None:
        """Give the fault that waits for a request, and let it wait no more."""
        for at, faults in self._waiting.items():
            if faults and re.search(at, line):
                return faults.popleft()
        return next((fault for at, fault in self._always.items() if re.search(at, line)), None)


class _GateServer(ThreadingHTTPServer):
    """Carries the gate and the S3 behind it to the handlers."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.endpoint = urlsplit(endpoint)
        self.gate = Gate(f"http://127.0.0.1:{self.server_address[1]}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away: that is what the gate is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _GateServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer by a fault that waits, by an answer of the gate's own, or as the S3 behind does."""
        gate = self.server.gate
        line = f"{self.command} {self.path}"
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(line, {name.lower(): value for name, value in self.headers.items()})
        gate.requests.append(request)
        refusal = gate.judge(request)
        fault = gate.fault_for(line)
        own = next((make for part, make in gate.answers.items() if part in self.path), None)
        if fault == "lost":
            self._ask(sent)
        if fault in ("drop", "lost"):
            self.close_connection = True
        elif fault in _REFUSALS:
            self._refuse(_REFUSALS[fault])
        elif refusal is not None:
            self._refuse(refusal)
        elif own is not None:
            self._answer(200, {"Content-Type": "application/xml"}, own(self.path))
        else:
            self._answer(*self._ask(sent), cut=fault == "cut")

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the base class names them

    def _refuse(self, refusal: Refusal) -> None:
        self._answer(refusal.status, refusal.headers, _XML.format(code=refusal.code, more=refusal.more).encode())

    def _ask(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        behind = self.server.endpoint
        kind = HTTPSConnection if behind.scheme == "https" else HTTPConnection
        connection = kind(behind.netloc, timeout=30)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("expect", "connection"):
                connection.putheader(name, value)
        connection.endheaders(sent or None)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP}, body

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut


@contextmanager
def gate_before(endpoint: str) -> Generator[Gate]:
    """Start a gate before an S3; it ends with the block."""
    with _GateServer(endpoint) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
        thread.start()
        try:
            yield server.gate
        finally:
            server.shutdown()
            thread.join()
