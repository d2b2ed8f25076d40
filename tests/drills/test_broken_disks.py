"""A publish folder that cannot be written: one clear line, exit code 1, and the last build stays."""

import subprocess
import sys

import pytest

from tests.support import ROOT, Home, TrustingJudge, participant, target, tree

pytestmark = pytest.mark.slow

# A process that may not write a file beyond a size sees what it would see on a full disk.
FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))
from flows.cli import main
main()
"""


@pytest.fixture
def published(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Give a home with a promoted build and news that wait."""
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)
    home.put("participants/SLK/2026-10/a.csv", [participant(1), participant(2)])
    home.run()
    home.put("targets/t.csv", [target()])
    return home


def ends(home: Home, program: str) -> tuple[int, list[str]]:
    """Run the night in a process; give its exit code and what it complained of."""
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "--json"], cwd=home.root, capture_output=True, text=True, check=False,
        env=home.environment(PYTHONPATH=str(ROOT)), timeout=120,
    )  # fmt: skip
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.strip().splitlines()


def test_a_full_disk_ends_with_one_line_and_the_last_build_stays(published: Home) -> None:
    before = published.publication.promoted_id()
    code, complaint = ends(published, FULL.format(size=200_000))
    assert code == 1
    assert len(complaint) == 1
    assert "the last promoted build stays" in complaint[0]
    assert published.publication.promoted_id() == before
    assert published.mart("dim_segment")
    report = published.run()
    assert (report.promoted, report.exit_code) == (True, 0)
    assert [p.name for p in published.publication.builds_folder.iterdir() if p.name.startswith(".")] == []


def test_a_publish_folder_that_is_no_folder_ends_with_one_line(home: Home) -> None:
    home.put("targets/t.csv", [target()])
    home.publication.root.write_text("a file where a folder should be", encoding="utf-8")
    code, complaint = ends(home, "from flows.cli import main; main()")
    assert code == 1
    assert len(complaint) == 1
    assert str(home.publication.root) in complaint[0]
    assert tree(home.landing)
