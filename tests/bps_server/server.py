"""The server itself: its knobs, and what it answers."""

import re
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from sources.bps.wire import BpsSettings
from tests.bps_server.sockets import Asked, BpsHttp, Fault
from tests.bps_server.tables import INVALID, Pair, StaticTable, Table, area_document, axis_rows
from tests.bps_server.words import KEY, NO_KEY, NO_TH, TOO_MANY, available, error, listed, not_available, sourced

Sources = dict[tuple[int, frozenset[tuple[str, str]]], Any]


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
        statics: static tables; the list `statictable` and `view` follow from them.
        areas: areas of SIMDASI as (seven digits, name); its services 26, 27 and 28 follow from them.
        census: as `simdasi`, for the census.

    Reads: `asked` (every request), `count`.
    """

    tables: list[Table] = field(default_factory=list[Table])
    lists: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])
    simdasi: Sources = field(default_factory=Sources)
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
    statics: list[StaticTable] = field(default_factory=list[StaticTable])
    areas: list[Pair] = field(default_factory=list[Pair])
    census: Sources = field(default_factory=Sources)

    def __enter__(self) -> Self:
        """Start to listen on a free port."""
        self.stopping = threading.Event()
        self._http = BpsHttp(self)
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
        source = re.fullmatch(r"interoperabilitas/datasource/(simdasi|sensus)/id/(\d+)", asked.path)
        if source:
            return sourced(self._sourced(source[1], int(source[2]), asked.query))
        model = "domain" if asked.path == "domain" else asked.query.get("model", "")
        if model != "domain" and "domain" not in asked.query:
            return error("Parameter Domain is Missing.")
        if asked.path == "view":
            return self._view(model, asked.query)
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
            return not_available()
        if (domain, variable) in self.empty:
            return {**document, "datacontent": {}}
        return None if len(document["datacontent"]) > self.most_cells else document

    def _list(self, model: str, query: Mapping[str, str]) -> Any:
        rows = self.lists.get(model) or self._derived(model, query)
        if not rows:
            return not_available()
        if model == "domain":
            head = {"page": 1, "pages": 1, "total": len(rows) + self.lie}
            return available([head, rows])
        page = int(query.get("page", "1"))
        document = listed(rows, page - 1 if page == self.repeat_page else page)
        head, shown = document["data"]
        head["page"], head["total"] = page, head["total"] + self.lie
        if page == self.drop_page:
            shown.pop()
            head["count"] -= 1
        return document

    def _derived(self, model: str, query: Mapping[str, str]) -> list[dict[str, Any]]:
        domain = query.get("domain", "")
        tables = [one for one in self._of(domain) if query.get("var", str(one.variable)) == str(one.variable)]
        if model == "var":
            return [one.listed() for one in tables]
        if model == "statictable":
            return [one.listed() for one in self.statics if one.domain == domain]
        return axis_rows(model, tables)

    def _view(self, model: str, query: Mapping[str, str]) -> Any:
        wanted = (query["domain"], query.get("id", ""))
        held = [one for one in self.statics if model == "statictable" and (one.domain, str(one.number)) == wanted]
        return available(held[0].viewed()) if held else not_available()

    def _sourced(self, source: str, service: int, query: Mapping[str, str]) -> Any:
        asked = frozenset((name, value) for name, value in query.items() if name != "key")
        held = self.simdasi if source == "simdasi" else self.census
        if (service, asked) in held:
            return held[service, asked]
        if source == "simdasi" and service in {26, 27, 28} and self.areas:
            return area_document(service, query.get("parent", ""), self.areas)
        return INVALID

    def _of(self, domain: str) -> list[Table]:
        return [one for one in self.tables if one.domain == domain]


def _periods(th: str) -> list[str]:
    span = re.fullmatch(r"(\d+):(\d+)", th)
    if span:
        return [str(number) for number in range(int(span[1]), int(span[2]) + 1)]
    return th.split(";") if re.fullmatch(r"\d+(;\d+)*", th) else []
