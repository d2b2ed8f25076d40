"""Work that may hang is waited for only so long."""

import subprocess
import sys
import threading
import time

import pytest

from flows.bounded import within
from tests.support import ROOT


def test_what_is_done_in_time_gives_its_answer() -> None:
    assert within(5, lambda: 7) == 7
    assert within(5, lambda: None) is None


def test_what_hangs_is_left_behind() -> None:
    end = threading.Event()
    started = time.perf_counter()
    with pytest.raises(TimeoutError, match=r"no answer within 0\.05 s"):
        within(0.05, end.wait)
    assert time.perf_counter() - started < 2
    end.set()


def test_a_fault_is_raised_where_the_answer_is_awaited() -> None:
    def fail() -> None:
        raise ValueError("salah")

    with pytest.raises(ValueError, match="salah"):
        within(5, fail)


@pytest.mark.slow
@pytest.mark.parametrize(("work", "printed"), [("time.sleep(20)", "left"), ("None", "done")])
def test_a_process_ends_without_waiting_for_what_hangs(work: str, printed: str) -> None:
    program = (
        "import time\nfrom flows.bounded import end_process, within\n"
        f"try:\n    within(0.2, lambda: {work})\n    print('done')\nexcept TimeoutError:\n    print('left')\n"
        "end_process(5)\nraise SystemExit(5)"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, f"{printed}\n", "")
    assert time.perf_counter() - started < 10
