"""What must hold before a server, a worker or the report starts: ports, password, database, nobody else at it."""

import base64
import errno
import fcntl
import os
import re
import socket
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from flows.commands import FAULT, USAGE
from flows.settings import Settings
from warehouse.person_key import load_or_make_key

HOST = "127.0.0.1"
_AUTH = re.compile(r"[!-9;-~]+:[!-~]{8,}")
_POSTGRES = "postgresql+asyncpg://"
_DATABASE_SECONDS = 10
_ASK_SECONDS = 2
# Longer than a guard needs for what a killed serve left behind.
_TAKEOVER_SECONDS = 60


class ServeError(RuntimeError):
    """It cannot start, or cannot go on: what was found, what was expected, what to do.

    Attributes:
        code: the exit code.
    """

    def __init__(self, message: str, code: int = FAULT) -> None:
        super().__init__(message)
        self.code = code


def api_of(port: int) -> str:
    """Give the address of the API of the server on a port."""
    return f"http://{HOST}:{port}/api"


def status_of_api(port: int, path: str, auth: str | None = None) -> int | None:
    """Ask the API of the server on a port, and give the answer's status; null where nobody answers.

    Args:
        port: of the server.
        path: below the API's address.
        auth: `user:password`.
    """
    headers = {} if auth is None else {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}
    connection = HTTPConnection(HOST, port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", f"/api/{path}", headers=headers)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


def check_port(port: int, option: str) -> None:
    """See to it that nobody listens on a port.

    Raises:
        ServeError: somebody does, or this user may not.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as fault:
            raise ServeError(f"{_why_not(port, fault)}; name another with {option}", USAGE) from None


def _why_not(port: int, fault: OSError) -> str:
    if fault.errno != errno.EADDRINUSE:
        return f"port {port} cannot be used ({os.strerror(fault.errno or 0)})"
    if status_of_api(port, "health") == 200:
        return f"a Prefect server already answers on port {port}; stop it"
    return f"port {port} is in use by another program; stop it"


def auth_of(settings: Settings, *, make: bool) -> str:
    """Give `user:password` of Prefect's API: from the settings, or the one kept under `secrets`.

    Args:
        settings: where it stands.
        make: whether one is made where there is none; only the server does, so that two never make different ones.

    Raises:
        ServeError: it has another form, or is not there.
    """
    if settings.prefect_auth is not None:
        return _sound(settings.prefect_auth.get_secret_value(), "CAKUPAN_PREFECT_AUTH")
    path = auth_file(settings)
    if not make and not path.is_file():
        raise ServeError(f"no password: {path} is not there; start the server first, which makes it", USAGE)
    return _sound(load_or_make_key(path, "cakupan:"), str(path))


def auth_file(settings: Settings) -> Path:
    """Give the file in which a password that was made here is kept."""
    return settings.secrets / "prefect.auth"


def _sound(auth: str, where: str) -> str:
    if not _AUTH.fullmatch(auth):
        raise ServeError(
            f"{where} must read user:password, the password of at least 8 characters, without spaces; "
            "remove it, and one is made",
            USAGE,
        )
    return auth


def check_password(port: int, auth: str) -> None:
    """See to it that the server on a port takes the password.

    Raises:
        ServeError: it does not.
    """
    if status_of_api(port, "admin/version", auth) in (401, 403):
        raise ServeError(
            f"the Prefect server on port {port} takes another password; "
            "give server and worker the same CAKUPAN_PREFECT_AUTH, or the same CAKUPAN_SECRETS",
            USAGE,
        )


def check_database(settings: Settings) -> None:
    """See to it that Prefect's PostgreSQL can be reached, where one is set.

    Raises:
        ServeError: it cannot, or the setting names something else. The address, which holds a password, is not quoted.
    """
    if settings.prefect_database_url is None:
        return
    url = settings.prefect_database_url.get_secret_value()
    if not url.startswith(_POSTGRES):
        raise ServeError(f"CAKUPAN_PREFECT_DATABASE_URL must begin with {_POSTGRES}; unset it for SQLite", USAGE)
    import asyncio

    asyncio.run(_connect(url))


async def _connect(url: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError
    from sqlalchemy.ext.asyncio import create_async_engine

    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise ServeError(
            f"CAKUPAN_PREFECT_DATABASE_URL is no address; expected {_POSTGRES}user:password@host:5432/database, "
            "special signs of the password written as %XX",
            USAGE,
        ) from None
    engine = create_async_engine(address, connect_args={"timeout": _DATABASE_SECONDS})
    try:
        async with engine.connect():
            pass
    except Exception as fault:
        host = address.host or address.query.get("host") or HOST
        where = f"{host}:{address.port or 5432}/{address.database}"
        raise ServeError(
            f"Prefect's database {where} is out of reach ({_said(fault)}); start it, or mend "
            "CAKUPAN_PREFECT_DATABASE_URL"
        ) from None
    finally:
        await engine.dispose()


def _said(fault: BaseException) -> str:
    """Give what a fault says in one line; what has no words is named."""
    return " ".join(str(fault).split()) or type(fault).__name__


@contextmanager
def held(path: Path, say: Callable[[str], None]) -> Generator[int]:
    """Hold the server's folder: two servers over one database would both send its runs.

    The guard keeps the file open as well. So what a killed one left behind is waited for.

    Args:
        path: the file of the lock.
        say: told when the end of a killed one is awaited.

    Yields:
        The open file.

    Raises:
        ServeError: another is at work.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path, say)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, say: Callable[[str], None]) -> None:
    deadline, waits = time.monotonic() + _TAKEOVER_SECONDS, False
    while not _locked(descriptor):
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        if (Path("/proc") / (holder or "-")).exists() or time.monotonic() > deadline:
            raise ServeError(f"process {holder} already serves {path.parent}; stop it first", USAGE)
        if not waits:
            say("Menunggu sisa proses sebelumnya berakhir / waiting for what is left of the last one to end")
        waits = True
        time.sleep(0.2)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
