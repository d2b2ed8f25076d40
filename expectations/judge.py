"""The judge: a process in which Great Expectations judges tables, and the client that talks to it.

The process imports GX at once (seconds) while the night loads, then reads one JSON job from standard input
and writes one JSON verdict to standard output. Three outcomes: pass, fail, and error where the engine could
not tell. Whatever goes wrong on the way, every check of the job is answered, at worst with error. Importing
this module imports no GX.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import IO, Any, Literal, Self, TypedDict, cast

import duckdb

from expectations.processes import bare_environment
from expectations.suites import CheckResult, all_errors, answered
from expectations.tables import Job, open_tables

TIMEOUT_SECONDS = 600.0
_ROOT = Path(__file__).parents[1]


class Verdict(TypedDict):
    """Every check's answer; ``canary`` is pass where the engine proved that it still tells true from false.

    ``seconds`` is the time of judging, ``import_seconds`` that of GX's import, which ran beside other work.
    """

    canary: Literal["pass", "error"]
    checks: list[CheckResult]
    seconds: float
    import_seconds: float


class Judge:
    """The client side: one process, one job."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    @classmethod
    def start(cls, command: Sequence[str] | None = None) -> "Judge":
        """Start the process, so that its imports run beside other work.

        Args:
            command: another program to ask; by default this module.

        Returns:
            The judge, waiting for its job.
        """
        errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        process = subprocess.Popen(  # noqa: S603
            command or [sys.executable, "-P", "-m", "expectations.judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env={**bare_environment(), "GX_ANALYTICS_ENABLED": "false"},
        )
        return cls(process, errors)

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def verdict(self, job: Job, timeout: float = TIMEOUT_SECONDS) -> Verdict:
        """Have a job judged.

        Args:
            job: what to judge; asked once in a judge's life.
            timeout: seconds to wait before the process is taken for silent.

        Returns:
            An answer to every check of the job; all are errors where the process crashed, was silent, or
            failed its canary.
        """
        started = perf_counter()
        try:
            answer, _ = self._process.communicate(json.dumps(job), timeout)
            return _complete(job, json.loads(answer))
        except subprocess.TimeoutExpired:
            reason = f"no verdict within {timeout:g} s"
        except (OSError, ValueError, KeyError, TypeError):
            reason = self._last_words()
        self.close()
        return _no_verdict(job, reason, round(perf_counter() - started, 3))

    def _last_words(self) -> str:
        code = self._process.poll()
        if self._errors.closed or code is None:
            return "the judge's process has already answered or was closed"
        self._errors.seek(0)
        lines = self._errors.read().split("Traceback")[-1].strip().splitlines()
        fault = lines[-1].partition(":")[0] if len(lines) > 1 else "no trace"
        return f"the judge's process ended with code {code} and no verdict ({fault})"

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe:
                _close(pipe)

    def __enter__(self) -> Self:
        """Give the judge itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


def _close(pipe: IO[str]) -> None:
    # A pipe to a dead process complains on closing about what it could not deliver.
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _complete(job: Job, answer: Verdict) -> Verdict:
    if answer["canary"] != "pass":
        reason = "the canary was not caught: the engine does not tell true from false"
        return {**answer, "checks": all_errors(job["suites"], reason)}
    given = {(result["table"], result["code"]): result for result in answer["checks"]}
    asked = ((suite["table"], check) for suite in job["suites"] for check in suite["checks"])
    checks = [
        given.get((table, check["code"])) or answered(table, check, "error", "no answer") for table, check in asked
    ]
    return {**answer, "checks": checks}


def _no_verdict(job: Job, reason: str, seconds: float) -> Verdict:
    checks = all_errors(job["suites"], reason)
    return {"canary": "error", "checks": checks, "seconds": seconds, "import_seconds": 0.0}


def main() -> int:
    """Be the process: import GX, read one job from standard input, write its verdict to standard output.

    Returns:
        0; a fault of the process itself ends it with a trace on standard error.
    """
    answer = _own_standard_output()
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    # The process lives for one job: collecting garbage costs it a tenth of its time and frees nothing.
    gc.disable()
    started = perf_counter()
    from expectations.dialect import judge_all

    imported = perf_counter()
    text = sys.stdin.read()
    if not text:
        return 0
    asked = perf_counter()
    job = cast("Job", json.loads(text))
    with duckdb.connect(":memory:", config=_config(job)) as con:
        caught, checks = judge_all(con, job["suites"], open_tables(con, job))
    verdict: Verdict = {
        "canary": "pass" if caught else "error",
        "checks": checks,
        "seconds": round(perf_counter() - asked, 3),
        "import_seconds": round(imported - started, 3),
    }
    with answer:
        json.dump(verdict, answer)
    return 0


def _own_standard_output() -> IO[str]:
    # GX prints progress and advice: what goes to standard output from here on goes to standard error.
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


def _config(job: Job) -> dict[str, Any]:
    return {"autoinstall_known_extensions": "false", **job.get("config", {})}


if __name__ == "__main__":
    status = main()
    # Taking GX apart object by object takes half a second, and nothing is left to save.
    os._exit(status)
