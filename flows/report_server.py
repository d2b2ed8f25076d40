"""The latest report over HTTP, on this machine: the newest promoted build's page, and its files."""

import mimetypes
import shutil
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flows.commands import published
from flows.settings import Settings
from warehouse.manifest import Manifest

# So long a page is shown without looking anew at quarantine and nights; the pointer is read for every answer.
FRESH_SECONDS = 30
TOO_OLD_HOURS = 26.0
_PAGE = "report.html"
# Another site's page must not read this one through a name that it made point to this machine.
_HOSTS = frozenset({"127.0.0.1", "localhost", ""})
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'"
# A build's own page draws its charts by scripts that stand in it.
_POLICY_OF_REPORT = f"{_POLICY}; script-src 'unsafe-inline' 'unsafe-eval'; font-src data:"
_TYPES = {".parquet": "application/vnd.apache.parquet", ".duckdb": "application/octet-stream"}


@dataclass(frozen=True)
class Answer:
    """What a request gets: a text, or a file of the build."""

    status: int
    kind: str
    body: bytes | Path
    policy: str = _POLICY


@dataclass
class Reports:
    """The pages of one publication. One request at a time reads the build; a page is kept for a while."""

    settings: Settings
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[str, float, bytes] | None = None

    def answer(self, path: str) -> Answer:
        """Give the answer to a request.

        Args:
            path: of the request: `/`, or `/builds/<build_id>/` of the promoted build, or a file below that.
        """
        with self._lock:
            try:
                return self._answer(unquote(urlsplit(path).path))
            except Exception as fault:
                # What our own errors and the system say is made for people; what others say may quote values.
                what = str(fault) if isinstance(fault, OSError | ValueError) else type(fault).__name__
                return _notice(503, "Build tidak dapat dibaca", "The builds cannot be read", what)

    def _answer(self, path: str) -> Answer:
        manifest = published(self.settings).promoted()
        if path == "/":
            return _notice(200, *_FIRST) if manifest is None else self._page(manifest)
        _, _, name = path.partition("/builds/")
        build_id, _, file = name.partition("/")
        if manifest is not None and build_id == manifest.build_id and not file:
            return self._page(manifest)
        if manifest is None or build_id != manifest.build_id or file not in {*manifest.sha256, "manifest.json"}:
            return _notice(404, *_ABSENT)
        return Answer(200, _kind(file), self._file(manifest, file))

    def _file(self, manifest: Manifest, name: str) -> Path:
        publication = published(self.settings)
        publication.place.pull([f"builds/{manifest.build_id}/{name}"])
        return publication.folder_of(manifest.build_id) / name

    def _page(self, manifest: Manifest) -> Answer:
        if _PAGE in manifest.sha256:
            return Answer(200, "text/html; charset=utf-8", self._file(manifest, _PAGE), _POLICY_OF_REPORT)
        kept = self._kept
        if kept is None or kept[0] != manifest.build_id or time.monotonic() - kept[1] > FRESH_SECONDS:
            kept = self._kept = (manifest.build_id, time.monotonic(), self._rendered(manifest))
        return Answer(200, "text/html; charset=utf-8", kept[2])

    def _rendered(self, manifest: Manifest) -> bytes:
        from flows.health import status_of
        from reports.page import quarantine_sentences, read_page, render

        status = status_of(self.settings, TOO_OLD_HOURS)
        last = status["last"]
        counted = [(entry["dataset"], entry["rule"], entry["lines"]) for entry in status["quarantine"]]
        page = read_page(
            published(self.settings).fetched(manifest.build_id),
            manifest,
            stopped=last["reasons"] if last and last["result"] == "failure" else (),
            hours=status["age_hours"] if status["too_old"] else None,
            quarantine=quarantine_sentences(counted),
            unreadable=status["unreadable"],
        )
        return render(page).encode()


_FIRST = (
    "Belum ada build yang terbit",
    "No build is published yet",
    "cakupan run --landing sample",
)
_ABSENT = (
    "Tidak ada di sini",
    "There is nothing here",
    "/",
)


def _notice(status: int, title_id: str, title_en: str, hint: str) -> Answer:
    from reports.page import Sentence, render_notice

    lines = {
        200: Sentence("Jalankan satu malam:", "Run a night:", code=hint),
        404: Sentence(
            "Berkas ini bukan bagian dari build yang sedang terbit; mulai lagi dari halaman utama:",
            "This file is not part of the promoted build; begin again at the first page:",
            code=hint,
        ),
        503: Sentence("Yang ditemukan:", "What was found:", code=hint),
    }
    page = render_notice(Sentence(title_id, title_en), [lines[status]])
    return Answer(status, "text/html; charset=utf-8", page.encode())


def _kind(file: str) -> str:
    ending = Path(file).suffix
    return _TYPES.get(ending) or mimetypes.guess_type(file)[0] or "application/octet-stream"


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; nothing can be changed from here."""

    protocol_version = "HTTP/1.1"
    server_version = "cakupan"
    sys_version = ""
    timeout = 30
    server: "_Server"  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep no log of who read what."""

    def do_GET(self) -> None:
        """Answer with a body."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answer without a body."""
        self._answer(with_body=False)

    def _refuse(self) -> None:
        self.close_connection = True
        self._head(405, {"Allow": "GET, HEAD", "Content-Length": "0"})

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 - the base class names them

    def _answer(self, *, with_body: bool) -> None:
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if host not in _HOSTS:
            self._head(421, {"Content-Length": "0"})
            return
        answer = self.server.reports.answer(self.path)
        size = answer.body.stat().st_size if isinstance(answer.body, Path) else len(answer.body)
        said = {"Content-Type": answer.kind, "Content-Length": str(size), "Content-Security-Policy": answer.policy}
        self._head(answer.status, said)
        if with_body:
            self._send(answer.body)

    def _head(self, status: int, said: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**_HEADERS, **said}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes | Path) -> None:
        if isinstance(body, bytes):
            self.wfile.write(body)
            return
        with body.open("rb") as stream:
            shutil.copyfileobj(stream, self.wfile)


class _Server(ThreadingHTTPServer):
    """Carries the reports to the handlers."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], reports: Reports) -> None:
        super().__init__(address, _Handler)
        self.reports = reports

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a reader that went away."""


@contextmanager
def report_served(settings: Settings, host: str, port: int) -> Generator[int]:
    """Serve the latest report for the length of the block.

    Args:
        settings: where builds and lake are.
        host: address of this machine to listen on.
        port: 0 for any free one.

    Yields:
        The port.
    """
    with _Server((host, port), Reports(settings)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="report", daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
