"""The HTTP under the server: how requests are read, and every way in which they can fail."""

import json
import re
import socket
import struct
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.bps_server.words import error

if TYPE_CHECKING:
    from tests.bps_server.server import BpsServer

FIREWALL = (
    b"<!doctype html>\n<head><title>\n Perimeter WAF Block \n</title></head>\n<body><h2>Akses ini ditolak</h2>\n"
    b"This access is blocked by our security system.</body>\r\n"
)
Fault = Literal["429", "503", "503 html", "reset", "drop", "cut", "cut json", "silence", "firewall", "maintenance"]
_PATHS = re.compile(r"list|view|domain|interoperabilitas/datasource/(simdasi|sensus)/id/\d+")


@dataclass(frozen=True)
class Asked:
    """One request as it came: path below `/v1/api/`, query and headers."""

    path: str
    query: dict[str, str]
    agent: str


class BpsHttp(ThreadingHTTPServer):
    """The listener of one server, on a free port."""

    daemon_threads = True

    def __init__(self, bps: "BpsServer") -> None:
        self.bps = bps
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def bps(self) -> "BpsServer":
        """Return the server whose knobs count."""
        return cast("BpsHttp", self.server).bps

    def do_GET(self) -> None:
        """Answer, or fail in the way that the test wants."""
        bps = self.bps
        asked = _asked(self.path, self.headers.get("User-Agent", ""))
        bps.asked.append(asked)
        fault = bps.faults.popleft() if bps.faults else ""
        if not asked.agent.startswith("Mozilla/5.0"):
            fault = "firewall"
        if fault:
            self._fail(fault, asked)
        elif not _PATHS.fullmatch(asked.path):
            self._send(404, b"<html><title>404</title>Unable to resolve the request</html>", "text/html")
        else:
            self._send(200, self._body(asked))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def _body(self, asked: Asked) -> bytes:
        document: Any = self.bps.answer(asked)
        if self.bps.echo_key and isinstance(document, dict):
            said = cast("dict[str, Any]", document)
            document = {**said, "asked": self.path, "message": f"{said.get('message', '')} {self.path}"}
        return json.dumps(document).encode()

    def _fail(self, fault: str, asked: Asked) -> None:
        body = self._body(asked)
        if fault in {"429", "503", "503 html"}:
            content = b"<html>Service Unavailable</html>" if fault == "503 html" else json.dumps(error("busy")).encode()
            self._send(int(fault[:3]), content, pause=self.bps.retry_after)
        elif fault == "firewall":
            self._send(403, FIREWALL, "text/html")
        elif fault == "maintenance":
            self._send(200, b"<html><title>Pemeliharaan</title></html>", "text/html")
        elif fault == "cut json":
            self._send(200, body[: len(body) * 2 // 3])
        elif fault == "silence":
            self.bps.stopping.wait(30)
            self._hang_up()
        else:
            self._break(fault, body)

    def _break(self, fault: str, body: bytes) -> None:
        if fault == "cut":
            self._send(200, body[: len(body) // 2], promised=len(body))
        if fault == "reset":
            # Closing with a linger of zero seconds sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", pause: str = "", promised: int = 0
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(promised or len(body)))
        if pause:
            self.send_header("Retry-After", pause)
        if self.bps.echo_key:
            self.send_header("X-Asked", self.path)
        self.end_headers()
        self.wfile.write(body)


def _asked(target: str, agent: str) -> Asked:
    """Read both ways in which BPS takes parameters: `list?model=th&domain=0000` and `list/model/th/domain/0000`."""
    url = urlsplit(target)
    path = url.path.removeprefix("/v1/api").strip("/")
    query = dict(parse_qsl(url.query, keep_blank_values=True))
    stem = _PATHS.match(path)
    rest = path[stem.end() :].strip("/").split("/") if stem else []
    in_path = {unquote(name): unquote(value) for name, value in zip(rest[::2], rest[1::2], strict=False)}
    return Asked(stem[0] if stem else path, {**in_path, **query}, agent)
