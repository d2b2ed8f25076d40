"""A server that speaks as the WebAPI of BPS does, over real HTTP on 127.0.0.1.

It serves the tables that a test gives it, so the truth is known, and has the same manners: ten rows a page, a cap
of periods a call, refusals with HTTP 200, a `null` body for what would be too large, a firewall's page for
programs that are no browser. Its words are those of recorded answers.
"""

import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from sources.bps.wire import BpsSettings

KEY = "0123456789abcdef0123456789abcdef"
PAGE_ROWS = 10
NO_KEY = "You are not Allowed to take this action. Please re-check your key"
NO_TH = (
    "'th' parameter is required and must be an integer, separated by colon (:) for range or semicolon (;) for "
    "multiple values."
)
TOO_MANY = (
    "The maximum allowed number of years for the 'th' parameter is {cap}. You provided {given}. Please reduce the "
    "number of years accordingly."
)
FIREWALL = (
    b"<!doctype html>\n<head><title>\n Perimeter WAF Block \n</title></head>\n<body><h2>Akses ini ditolak</h2>\n"
    b"This access is blocked by our security system.</body>\r\n"
)
Fault = Literal["429", "503", "503 html", "reset", "drop", "cut", "cut json", "silence", "firewall", "maintenance"]
Pair = tuple[int | str, str]
Cell = tuple[int | str, int | str, int | str, int | str]


@dataclass
class Table:
    """One variable of one domain, with its whole truth.

    Attributes:
        domain: four digits.
        variable: `var_id`.
        title: the variable's label; may hold HTML.
        vervar: rows, as (code, label).
        years: periods, as (`th_id`, label).
        cells: (vervar, turvar, tahun, turtahun) to what stands there: number, text or None.
        turvar: derived variables, as (code, label).
        turtahun: derived periods, as (code, label).
        unit: unit as BPS writes it.
        decimal: declared decimals.
        last_update: as BPS writes it.
    """

    domain: str
    variable: int
    title: str
    vervar: Sequence[Pair]
    years: Sequence[Pair]
    cells: Mapping[Cell, Any]
    turvar: Sequence[Pair] = (("0", "Tidak ada"),)
    turtahun: Sequence[Pair] = ((0, "Tahun"),)
    unit: str = "Orang"
    decimal: int = 0
    last_update: str = "2026-11-05 10:00:00"

    def document(self, periods: Sequence[str]) -> dict[str, Any] | None:
        """Return the answer for these periods as BPS would write it, or None where there is nothing."""
        years = [year for year in self.years if str(year[0]) in periods]
        if not years:
            return None
        keys = product(self.vervar, self.turvar, years, self.turtahun)
        cells = [tuple(axis[0] for axis in key) for key in keys]
        content = {
            f"{row}{self.variable}{derived}{year}{part}": self.cells[row, derived, year, part]
            for row, derived, year, part in cells
            if (row, derived, year, part) in self.cells
        }
        variable = {"val": self.variable, "label": self.title, "unit": self.unit, "subj": "Tenaga Kerja", "def": ""}
        return {
            "status": "OK",
            "data-availability": "available",
            "last_update": self.last_update,
            "subject": [{"val": 6, "label": "Tenaga Kerja"}],
            "var": [{**variable, "decimal": self.decimal, "note": "<p><br /></p>"}],
            "turvar": axis(self.turvar),
            "labelvervar": "Kabupaten/Kota",
            "vervar": axis(self.vervar),
            "tahun": axis(years),
            "turtahun": axis(self.turtahun),
            "datacontent": content,
            "related": [],
        }


@dataclass(frozen=True)
class Asked:
    """One request as it came: path below `/v1/api/`, query and headers."""

    path: str
    query: dict[str, str]
    agent: str


def axis(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """Return an axis of an answer."""
    return [{"val": code, "label": label} for code, label in pairs]


def error(message: str) -> dict[str, str]:
    """Return a refusal as BPS writes it."""
    return {"status": "Error", "message": message}


def listed(rows: Sequence[Mapping[str, Any]], page: int = 1, size: int = PAGE_ROWS) -> dict[str, Any]:
    """Return one page of a list in its envelope."""
    shown = list(rows[(page - 1) * size : page * size])
    pages = max(-(-len(rows) // size), 1)
    head = {"page": page, "pages": pages, "per_page": size, "count": len(shown), "total": len(rows)}
    return {"status": "OK", "data-availability": "available", "data": [head, shown]}


@dataclass
class BpsServer:
    """A BPS of one's own: `with BpsServer() as bps: BpsClient(SecretStr(KEY), bps.settings())`.

    Knobs, to be turned at any time:
        tables: variables with their cells; lists of `th`, `var`, `vervar`, `turvar`, `turth` follow from them.
        lists: rows of other lists, by model (`domain`, `subject`, `subcat`, `unit`), or instead of those above.
        simdasi: documents by (service, parameters without key): the inner document that `data[1]` shall be.
        caps: periods a call, by domain; otherwise 3 for `0000` and 2 for the rest.
        most_cells: answers with more cells are `null`.
        lie: added to the `total` of every list. drop_page: this page comes without its last row.
        repeat_page: this page comes with the rows of the page before.
        empty: domains and variables whose `datacontent` is empty though said to be available.
        faults: what happens to the next requests, one fault each.
        retry_after: what 429 and 503 say; empty for nothing.
        echo_key: answers repeat the key, as a careless server would.

    Reads: `asked` (every request), `count`.
    """

    tables: list[Table] = field(default_factory=list[Table])
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    simdasi: dict[tuple[int, frozenset[tuple[str, str]]], Any] = field(
        default_factory=dict[tuple[int, frozenset[tuple[str, str]]], Any]
    )
    key: str = KEY
    caps: dict[str, int] = field(default_factory=dict[str, int])
    most_cells: int = 1_000_000
    lie: int = 0
    drop_page: int = 0
    repeat_page: int = 0
    empty: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    faults: deque[Fault] = field(default_factory=deque[Fault])
    retry_after: str = ""
    echo_key: bool = False
    asked: list[Asked] = field(default_factory=list[Asked])

    def __enter__(self) -> Self:
        """Start to listen on a free port."""
        self.stopping = threading.Event()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Return the base address, as `https://webapi.bps.go.id/v1/api/` is."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1/api/"

    def settings(self, **changes: Any) -> BpsSettings:
        """Return settings of a client of this server that waits for nothing, with changes."""
        at_once = BpsSettings(self.address, seconds_between=0, wait_initial=0, wait_max=0, wait_jitter=0)
        return replace(at_once, **changes)

    @property
    def count(self) -> int:
        """Return how many requests came."""
        return len(self.asked)

    def answer(self, asked: Asked) -> Any:
        """Return the document that answers a request."""
        if asked.query.get("key") != self.key:
            return error(NO_KEY if "key" in asked.query else "Parameter key is missing")
        service = re.fullmatch(r"interoperabilitas/datasource/simdasi/id/(\d+)", asked.path)
        if service:
            return self._simdasi(int(service[1]), asked.query)
        model = "domain" if asked.path == "domain" else asked.query.get("model", "")
        if model != "domain" and "domain" not in asked.query:
            return error("Parameter Domain is Missing.")
        return self._data(asked.query) if model == "data" else self._list(model, asked.query)

    def _data(self, query: Mapping[str, str]) -> Any:
        domain, variable = query["domain"], query.get("var", "")
        periods = _periods(query.get("th", ""))
        if not periods:
            return error(NO_TH)
        cap = self.caps.get(domain, 3 if domain == "0000" else 2)
        if len(periods) > cap:
            return error(TOO_MANY.format(cap=cap, given=len(periods)))
        table = next((one for one in self._of(domain) if str(one.variable) == variable), None)
        document = table.document(periods) if table else None
        if document is None:
            return {"status": "OK", "data-availability": "list-not-available", "data": ""}
        if (domain, variable) in self.empty:
            return {**document, "datacontent": {}}
        return None if len(document["datacontent"]) > self.most_cells else document

    def _list(self, model: str, query: Mapping[str, str]) -> Any:
        rows = self.lists.get(model) or self._derived(model, query)
        if not rows:
            return {"status": "OK", "data-availability": "list-not-available", "data": ""}
        if model == "domain":
            head = {"page": 1, "pages": 1, "total": len(rows) + self.lie}
            return {"status": "OK", "data-availability": "available", "data": [head, rows]}
        page = int(query.get("page", "1"))
        document = listed(rows, page - 1 if page == self.repeat_page else page)
        head, shown = document["data"]
        head["page"], head["total"] = page, head["total"] + self.lie
        if page == self.drop_page:
            shown.pop()
            head["count"] -= 1
        return document

    def _derived(self, model: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        tables = [one for one in self._of(query["domain"]) if query.get("var", str(one.variable)) == str(one.variable)]
        if model == "var":
            note = "&lt;p&gt;Sakernas&lt;br /&gt;&lt;/p&gt;"
            return [
                {"var_id": one.variable, "title": one.title, "sub_id": 6, "notes": note, "unit": one.unit}
                for one in tables
            ]
        axes = {"th": "years", "vervar": "vervar", "turvar": "turvar", "turth": "turtahun"}
        if model not in axes:
            return []
        code = "kode_ver_id" if model == "vervar" else f"{model}_id"
        pairs = dict.fromkeys(pair for one in tables for pair in getattr(one, axes[model]))
        return [{code: pair[0], model: pair[1]} for pair in pairs]

    def _simdasi(self, service: int, query: Mapping[str, str]) -> Any:
        asked = frozenset((name, value) for name, value in query.items() if name != "key")
        inner = self.simdasi.get((service, asked))
        if inner is None:
            inner = [{"status": 400, "condition": "ERROR", "message": "Invalid Parameter"}]
        head = {"page": 1, "pages": 1, "per_page": 1, "count": 1, "total": 1}
        return {"status": "OK", "data-availability": "available", "data": [head, inner]}

    def _of(self, domain: str) -> list[Table]:
        return [one for one in self.tables if one.domain == domain]


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bps: BpsServer) -> None:
        self.bps = bps
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def bps(self) -> BpsServer:
        """Return the server whose knobs count."""
        return cast("_Http", self.server).bps

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
        elif asked.path not in {"list", "domain"} and "simdasi" not in asked.path:
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
    stem = re.match(r"interoperabilitas/datasource/\w+/id/\d+|list|view|domain", path)
    rest = path[stem.end() :].strip("/").split("/") if stem else []
    in_path = {unquote(name): unquote(value) for name, value in zip(rest[::2], rest[1::2], strict=False)}
    return Asked(stem[0] if stem else path, {**in_path, **query}, agent)


def _periods(th: str) -> list[str]:
    span = re.fullmatch(r"(\d+):(\d+)", th)
    if span:
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    return th.split(";") if re.fullmatch(r"\d+(;\d+)*", th) else []
