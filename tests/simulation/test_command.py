"""The command `cakupan simulate`, as it is typed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli import main

Run = Callable[..., tuple[int, str, str]]
SMALL = ("--offices", "2", "--participants", "40", "--months", "1")


@pytest.fixture
def cakupan(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in process; gives its exit code, what it printed, what it complained."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["simulate", *arguments])
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run


def test_it_writes_and_tells_and_refuses_a_folder_with_content(cakupan: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code, printed, _ = cakupan(*SMALL, "--out", str(out), "--json")
    told = json.loads(printed)
    assert (code, told["result"], told["files"], told["rows"]) == (0, "written", 2, 40)
    assert told["size"] == sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]

    code, _, complaint = cakupan(*SMALL, "--out", str(out))
    assert (code, "is not empty" in complaint) == (2, True)


def test_a_dry_run_tells_how_much_and_writes_nothing(cakupan: Run, tmp_path: Path) -> None:
    code, printed, _ = cakupan(*SMALL, "--out", str(tmp_path / "out"), "--dry-run", "--json")
    told = json.loads(printed)
    assert (code, told["result"], told["files"], told["rows"]) == (0, "dry_run", 2, 40)
    assert 0 < told["size"] < 100_000
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--month", "2023-01", "--months", "2"), "2022-12"),
        (("--dirty", "0.7"), "--dirty 0.7"),
        (("--offices", "0"), "--offices 0"),
        (("--month", "2026-13"), "--month"),
    ],
)
def test_what_cannot_be_simulated_is_said(cakupan: Run, tmp_path: Path, more: tuple[str, ...], said: str) -> None:
    given = [word for pair in zip(SMALL[::2], SMALL[1::2], strict=True) if pair[0] not in more for word in pair]
    code, _, complaint = cakupan(*given, *more, "--out", str(tmp_path / "out"))
    assert (code, said in complaint) == (2, True)
    assert list(tmp_path.iterdir()) == []
