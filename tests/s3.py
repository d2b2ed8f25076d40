"""S3 on this machine: moto's server over real HTTP, a gate before it that misbehaves on demand, or a real endpoint."""

import logging
import os
import threading
import uuid
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import boto3
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from sources.buckets import Bucket, S3Access

Fault = Literal["slow down", "cut", "expired", "drop"]
KEY_ID, SECRET = "testing", "testing-secret"
_REFUSALS: dict[str | None, tuple[int, str]] = {"slow down": (503, "SlowDown"), "expired": (400, "ExpiredToken")}
_HOP_BY_HOP = frozenset({"transfer-encoding", "connection"})
_XML = "<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"


@contextmanager
def s3_endpoint() -> Generator[str]:
    """Give the address of an S3: that of `TEST_S3_ENDPOINT_URL`, or a server of moto's that ends with the block."""
    named = os.environ.get("TEST_S3_ENDPOINT_URL")
    if named:
        yield named
        return
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def access_to(endpoint: str) -> S3Access:
    """Give the access that the tests use."""
    key_id = os.environ.get("TEST_S3_ACCESS_KEY_ID", KEY_ID)
    secret = os.environ.get("TEST_S3_SECRET_ACCESS_KEY", SECRET)
    return S3Access(endpoint, "us-east-1", True, key_id, SecretStr(secret))


def new_bucket(endpoint: str, cache: Path, prefix: str = "satu/dua") -> Bucket:
    """Make a bucket and give a prefix of it as a place."""
    access = access_to(endpoint)
    assert access.secret_access_key is not None
    sessions: Any = boto3.Session
    client = sessions().client(
        "s3",
        endpoint_url=endpoint,
        region_name=access.region,
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key.get_secret_value(),
    )
    name = f"cakupan-{uuid.uuid4().hex[:16]}"
    client.create_bucket(Bucket=name)
    return Bucket(name, prefix, access, cache)


@dataclass
class Gate:
    """A server before an S3 that passes requests on, unless a fault waits.

    Attributes:
        faults: what happens to the next requests, in their order: `slow down` (503), `cut` (half a body),
            `expired` (the credential has ended), `drop` (no answer at all).
        answers: own answers by a part of the request's address, such as pages of a listing.
    """

    address: str
    faults: deque[Fault] = field(default_factory=deque["Fault"])
    answers: dict[str, Callable[[str], bytes]] = field(default_factory=dict[str, Callable[[str], bytes]])
    asked: int = 0


class _GateServer(ThreadingHTTPServer):
    """Carries the gate and the S3 behind it to the handlers."""

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.endpoint = urlsplit(endpoint)
        self.gate = Gate(f"http://127.0.0.1:{self.server_address[1]}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _GateServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer by a fault that waits, by an answer of the gate's own, or as the S3 behind does."""
        gate = self.server.gate
        gate.asked += 1
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = gate.faults.popleft() if gate.faults else None
        own = next((make for part, make in gate.answers.items() if part in self.path), None)
        if fault == "drop":
            self.close_connection = True
        elif fault in _REFUSALS:
            status, code = _REFUSALS[fault]
            self._answer(status, {}, _XML.format(code=code).encode())
        elif own is not None:
            self._answer(200, {"Content-Type": "application/xml"}, own(self.path))
        else:
            self._answer(*self._ask(sent), cut=fault == "cut")

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the base class names them

    def _ask(self, sent: bytes) -> tuple[int, dict[str, str], bytes]:
        behind = self.server.endpoint
        connection = HTTPConnection(behind.hostname or "", behind.port or 80, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        connection.request(self.command, self.path, body=sent, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, {n: v for n, v in answer.getheaders() if n.lower() not in _HOP_BY_HOP}, body

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut


@contextmanager
def gate_before(endpoint: str) -> Generator[Gate]:
    """Start a gate before an S3; it ends with the block."""
    with _GateServer(endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.gate
        finally:
            server.shutdown()
            thread.join()
