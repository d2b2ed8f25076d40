"""A server of credentials on this machine, such as a container has one: each credential that it gives ends soon."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def credential_server(lives: timedelta) -> Generator[tuple[str, list[str]]]:
    """Hand out a new credential with every question, each of which ends after a while.

    Yields:
        The address, and the ids that were handed out.
    """
    given: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            """Say nothing."""

        def do_GET(self) -> None:
            given.append(f"KUNCI{len(given):04}")
            ends = (datetime.now(UTC) + lives).strftime("%Y-%m-%dT%H:%M:%SZ")
            said = {"AccessKeyId": given[-1], "SecretAccessKey": "x", "Token": f"t-{given[-1]}", "Expiration": ends}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/kredensial", given
        server.shutdown()
        thread.join()
