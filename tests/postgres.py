"""A real PostgreSQL on this machine: a cluster of its own on a free port, ended and removed afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import free_port

START_SECONDS = 60
# A test's data need not survive the machine.
_SERVER_OPTIONS = {"listen_addresses": "127.0.0.1", "fsync": "off", "max_connections": "60", "shared_buffers": "32MB"}


def postgres_binaries() -> Path:
    """Give the folder of the newest PostgreSQL's programs.

    Raises:
        FileNotFoundError: none is installed.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise FileNotFoundError("no initdb below /usr/lib/postgresql; install Debian's package postgresql")
    return found[-1].parent


@contextmanager
def postgres(database: str = "prefect") -> Generator[str]:
    """Run a cluster with one empty database; it ends with the block.

    Args:
        database: the database's name.

    Yields:
        Its address, `postgresql+asyncpg://user:password@127.0.0.1:port/database`.
    """
    folder = Path(tempfile.mkdtemp(prefix="cakupan-pg-"))
    try:
        _give_away(folder)
        password = secrets.token_hex(8)
        port = free_port()
        _make_cluster(folder, password)
        with _running(folder, port):
            _run("createdb", "-h", str(folder), "-p", str(port), "-U", "cakupan", database, PGPASSWORD=password)
            yield f"postgresql+asyncpg://cakupan:{password}@127.0.0.1:{port}/{database}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Give whom the cluster runs as where this is root, whom PostgreSQL refuses; null for anybody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


def _give_away(folder: Path) -> None:
    owner = _owner()
    if owner is not None:
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _as_owner() -> dict[str, Any]:
    owner = _owner()
    return {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _run(program: str, *arguments: str, **environment: str) -> None:
    done = subprocess.run(
        [str(postgres_binaries() / program), *arguments], cwd="/", env={**os.environ, **environment},
        capture_output=True, text=True, timeout=START_SECONDS, check=False, **_as_owner(),
    )  # fmt: skip
    assert done.returncode == 0, f"{program}: {done.stdout[-1000:]}{done.stderr[-1000:]}"


def _make_cluster(folder: Path, password: str) -> None:
    kept = folder / "password"
    kept.write_text(password + "\n", encoding="utf-8")
    _give_away(kept)
    _run(
        "initdb", "--pgdata", str(folder / "data"), "--username=cakupan", "--auth=scram-sha-256",
        f"--pwfile={kept}", "--encoding=UTF8", "--no-locale", "--no-sync",
    )  # fmt: skip


@contextmanager
def _running(folder: Path, port: int) -> Generator[None]:
    options = [f"--{name}={value}" for name, value in _SERVER_OPTIONS.items()]
    program, log = str(postgres_binaries() / "postgres"), folder / "log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            [program, "-D", str(folder / "data"), "-k", str(folder), "-p", str(port), *options],
            cwd="/", stdout=stream, stderr=stream, start_new_session=True, **_as_owner(),
        )  # fmt: skip
    try:
        _wait_until_ready(server, port, log)
        yield
    finally:
        # The fast way to stop: PostgreSQL ends its sessions and then itself.
        server.send_signal(signal.SIGINT)
        server.wait(timeout=START_SECONDS)


def _wait_until_ready(server: "subprocess.Popen[Any]", port: int, log: Path) -> None:
    ask = [str(postgres_binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if subprocess.run(ask, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"PostgreSQL did not answer on port {port}: {log.read_text()[-1000:]}")
