"""What must hold before anything starts; where it does not, one sentence says what to do and quotes no secret."""

import fcntl
import os
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from flows.serve import Plan, client_variables, server_variables
from flows.serve_checks import ServeError, auth_of, check_database, check_password, check_port, held
from flows.settings import Settings
from tests.support import free_port

HIDDEN = "rahasia-sekali"


def settings_in(folder: Path, **given: Any) -> Settings:
    return Settings(secrets=folder / "secrets", prefect_home=folder / "prefect", logs=folder / "log", **given)


class Pretender(BaseHTTPRequestHandler):
    """Answers as a Prefect server does, and takes no password."""

    def do_GET(self) -> None:
        """Be well; refuse everything else."""
        self.send_response(200 if self.path == "/api/health" else 401)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""


@contextmanager
def pretender() -> Generator[int]:
    with HTTPServer(("127.0.0.1", 0), Pretender) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


def test_a_port_in_use_is_named_with_the_option() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = int(listener.getsockname()[1])
        # It takes the connection and answers nothing, so asking it must end by itself.
        with pytest.raises(ServeError, match=rf"port {port} is in use by another program.*--report-port") as refused:
            check_port(port, "--report-port")
    assert refused.value.code == 2


def test_a_prefect_server_that_is_there_is_told() -> None:
    with pretender() as port:
        with pytest.raises(ServeError, match="a Prefect server already answers on port"):
            check_port(port, "--port")
        with pytest.raises(ServeError, match="takes another password") as refused:
            check_password(port, f"cakupan:{HIDDEN}")
    assert HIDDEN not in str(refused.value)


def test_a_free_port_is_free() -> None:
    check_port(free_port(), "--port")


def test_a_password_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with pytest.raises(ServeError, match=r"prefect\.auth is not there; start the server first"):
        auth_of(settings, make=False)
    made = auth_of(settings, make=True)
    assert (made.startswith("cakupan:"), len(made) > 40) == (True, True)
    assert auth_of(settings, make=False) == auth_of(settings, make=True) == made
    assert stat.S_IMODE((tmp_path / "secrets" / "prefect.auth").stat().st_mode) == 0o600


@pytest.mark.parametrize("auth", [HIDDEN, f":{HIDDEN}", "cakupan:", "cakupan:short", f"cakupan:{HIDDEN} x"])
def test_a_password_of_another_form_is_refused_without_quoting_it(tmp_path: Path, auth: str) -> None:
    with pytest.raises(ServeError, match="CAKUPAN_PREFECT_AUTH must read user:password") as refused:
        auth_of(settings_in(tmp_path, prefect_auth=SecretStr(auth)), make=True)
    assert (refused.value.code, HIDDEN in str(refused.value)) == (2, False)


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        (f"postgresql://u:{HIDDEN}@127.0.0.1/x", 2, "must begin with"),
        (f"postgresql+asyncpg://u:{HIDDEN}@127.0.0.1:port/x", 2, "is no address"),
        (f"postgresql+asyncpg://u:{HIDDEN}@127.0.0.1:1/x", 1, r"127\.0\.0\.1:1/x is out of reach"),
    ],
)
def test_a_database_that_cannot_be_used_is_told_without_its_password(
    tmp_path: Path, url: str, code: int, words: str
) -> None:
    with pytest.raises(ServeError, match=words) as refused:
        check_database(settings_in(tmp_path, prefect_database_url=SecretStr(url)))
    assert (refused.value.code, HIDDEN in str(refused.value)) == (code, False)


def test_without_a_database_prefect_has_its_own(tmp_path: Path) -> None:
    check_database(settings_in(tmp_path))


def test_only_one_serves_a_folder(tmp_path: Path) -> None:
    lock = tmp_path / "prefect" / "serve.lock"
    with held(lock, print), pytest.raises(ServeError, match=f"process {os.getpid()} already serves"), held(lock, print):
        pass
    with held(lock, print):
        assert lock.read_text(encoding="utf-8") == str(os.getpid())


def test_what_a_killed_one_left_behind_is_waited_for(tmp_path: Path) -> None:
    lock = tmp_path / "serve.lock"
    lock.write_text("999999999", encoding="utf-8")
    left_behind = lock.open()
    fcntl.flock(left_behind, fcntl.LOCK_EX)
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        left_behind.close()

    with held(lock, hear):
        assert len(said) == 1


def test_the_worker_gets_no_secret_of_the_server_and_nobody_gets_foreign_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.test/api")
    monkeypatch.setenv("PREFECT_API_KEY", HIDDEN)
    monkeypatch.setenv("CAKUPAN_PREFECT_DATABASE_URL", f"postgresql+asyncpg://u:{HIDDEN}@h/x")
    monkeypatch.setenv("CAKUPAN_PERSON_KEY", "stays, the worker hashes with it")
    plan = Plan(settings_in(tmp_path, prefect_database_url=SecretStr(f"postgresql+asyncpg://u:{HIDDEN}@h/x")), 4999)
    client, server = client_variables(plan, "u:password"), server_variables(plan, "u:password")
    assert [name for name, value in client.items() if HIDDEN in value] == []
    assert [name for name, value in server.items() if HIDDEN in value] == ["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert "CAKUPAN_PERSON_KEY" in client
    assert client["PREFECT_API_URL"] == "http://127.0.0.1:4999/api"
    assert client["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    assert (server["PREFECT_SERVER_API_HOST"], server["PREFECT_SERVER_API_PORT"]) == ("127.0.0.1", "4999")
    assert server["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4999"
    for variables in (client, server):
        assert (variables["PREFECT_SERVER_ANALYTICS_ENABLED"], variables["DO_NOT_TRACK"]) == ("false", "1")
        assert "127.0.0.1" in variables["NO_PROXY"]
