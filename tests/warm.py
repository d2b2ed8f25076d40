"""Processes that start warm: forks of one that has imported before what takes seconds to import.

They run the programs themselves, the command line, the judge or Prefect, each in a process of its own, with the words,
folder, variables and streams of whoever starts it. Cold ones are in the tests of the judge, of what is imported, of
services, of production, and wherever a process is killed.
"""

import atexit
import json
import os
import runpy
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import NoReturn

from expectations.judge import Judge

ROOT = Path(__file__).parents[1]
# Hands its words, folder, variables and streams to the process that waits, and ends as the fork of it does.
CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect(sys.argv[1])
    socket.send_fds(asking, [b'0'], [0, 1, 2])
    asking.sendall(json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode() + b'\\n')
    said = asking.recv(1)
raise SystemExit(said[0] if said else 1)
"""
COLD = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import flows.steps
from flows.cli import main
from tests.warm import WarmJudge
flows.steps.Judge = WarmJudge
main()
"""
# Where a judge is asked for, also by programs that this process starts.
_JUDGE = "TEST_WARM_JUDGE"
_running = ExitStack()
atexit.register(_running.close)


def warm_cli(*arguments: str) -> list[str]:
    """Give the words that start the command line, warm and with a warm judge."""
    judge_variables()
    return [*_asking(_address_of("cli")), *arguments]


def cold_cli(*arguments: str) -> list[str]:
    """Give the words that start the command line itself, which may be killed, with a warm judge."""
    judge_variables()
    return [sys.executable, "-c", COLD, *arguments]


def warm_prefect(module: str, *arguments: str) -> list[str]:
    """Give the words that start a module of Prefect, warm; the night of a flow run has a warm judge."""
    return [*_asking(_address_of("prefect")), module, *arguments]


def judge_variables() -> dict[str, str]:
    """Give the variable by which programs that start warm find the judge; it is set in this process too."""
    os.environ.setdefault(_JUDGE, _address_of("judge"))
    return {_JUDGE: os.environ[_JUDGE]}


class WarmJudge(Judge):
    """A judge whose process starts warm."""

    @classmethod
    def start(cls, command: Sequence[str] | None = None) -> "Judge":
        """Start the process."""
        return super().start(command or _asking(os.environ.get(_JUDGE) or _address_of("judge")))


def _asking(address: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", CLIENT, address]


@cache
def _address_of(program: str) -> str:
    """Start the process that waits, unless it runs; it ends with this one."""
    return _running.enter_context(_server(program))


@contextmanager
def _server(program: str) -> Generator[str]:
    address = Path(mkdtemp(prefix="cakupan-warm-")) / program
    process = subprocess.Popen([sys.executable, "-m", "tests.warm", program, str(address)], cwd=ROOT)
    try:
        while not address.exists():
            assert process.poll() is None, f"{program} ended with {process.returncode}"
            time.sleep(0.01)
        yield str(address)
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(address.parent)


def _serve(program: str, address: str) -> NoReturn:
    """Fork the program for everybody who asks."""
    run = _PROGRAMS[program]()
    with socket.socket(socket.AF_UNIX) as listening:
        # Whoever sees the address may ask.
        listening.bind(f"{address}.new")
        listening.listen()
        Path(f"{address}.new").rename(address)
        while True:
            asking, _ = listening.accept()
            _wait_for_ended()
            if os.fork() == 0:
                _be(asking, run)
            asking.close()


def _wait_for_ended() -> None:
    """Take leave of the processes that have ended, so that what they computed is counted."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _be(asking: socket.socket, run: Callable[[list[str]], int]) -> NoReturn:
    """Be the process that was asked for."""
    status = 1
    try:
        _, streams, _, _ = socket.recv_fds(asking, 1, 3)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        with asking.makefile("rb") as said:
            words, folder, variables = json.loads(said.readline())
        os.environ.clear()
        os.environ.update(variables)
        os.chdir(folder)
        threading.Thread(target=_end_with, args=(asking,), daemon=True).start()
        status = run(words)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asking.send(bytes([status]))
        os._exit(status)


def _end_with(asking: socket.socket) -> None:
    """End this process when the one that asked for it is gone."""
    if not asking.recv(1):
        os._exit(1)


def _judge() -> Callable[[list[str]], int]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import expectations.dialect  # noqa: F401 # pyright: ignore[reportUnusedImport]
    from expectations.judge import main

    return lambda _words: main()


def _cli() -> Callable[[list[str]], int]:
    import boto3  # noqa: F401 # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]

    import flows.steps
    from flows.cli import main

    flows.steps.Judge = WarmJudge
    return partial(_exit_code, main)


def _prefect() -> Callable[[list[str]], int]:
    # Importing Prefect makes its folder.
    os.environ["PREFECT_HOME"] = str(Path(sys.argv[2]).parent / "prefect-home")
    for module in ("prefect.cli", "prefect.flow_engine", "flows.prefect_nightly", "flows.prefect_upkeep"):
        import_module(module)
    from prefect.context import refresh_global_settings_context

    import flows.steps

    flows.steps.Judge = WarmJudge

    def run(words: list[str]) -> None:
        refresh_global_settings_context()
        sys.argv = words
        sys.modules.pop(words[0], None)
        try:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        finally:
            # As a process that ends by itself does: what Prefect still has to send is sent.
            threading._shutdown()  # noqa: SLF001 # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]
            atexit._run_exitfuncs()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    return partial(_exit_code, run)


def _exit_code(main: Callable[[list[str]], None], words: list[str]) -> int:
    try:
        main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


_PROGRAMS = {"judge": _judge, "cli": _cli, "prefect": _prefect}


if __name__ == "__main__":
    _serve(*sys.argv[1:])
