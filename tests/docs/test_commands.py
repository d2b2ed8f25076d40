"""Every command of the README and the runbooks is run, in a copy of one night on the sample; so is the mart's page."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.docs.pages import README, RUNBOOKS, blocks, commands
from tests.support import ROOT, SAMPLE, command
from tests.warm import warm_cli

pytestmark = pytest.mark.slow

AS_OF = "2026-11-21"
SIMULATE = ROOT / "docs" / "simulate.md"
NIGHT = ("run", "--as-of", AS_OF, "--landing", "sample")
# Published with warnings is a night as good as any: the sample warns on purpose.
RUN_CODES = {0, 3}
CODE_FOLDERS = (
    "expectations",
    "sources",
    "transforms",
    "warehouse",
    "simulation",
    "reports",
    "flows",
    "tests",
    "docs",
    "sample",
)


def environment() -> dict[str, str]:
    """Give the variables of someone who has set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CAKUPAN_")}


def shell(folder: Path, line: str) -> "subprocess.CompletedProcess[str]":
    """Run one line as it is typed."""
    return subprocess.run(
        ["bash", "-c", line], cwd=folder, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )


def cakupan(folder: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a folder."""
    return subprocess.run(
        warm_cli(*arguments), cwd=folder, env=environment() | more, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder like the project's: a good night, one with half an export, one that a gate stopped."""
    folder = tmp_path_factory.mktemp("night")
    shutil.copytree(SAMPLE, folder / "sample")
    make_programs(folder / ".venv")
    run_night(folder, 3)
    export = folder / "sample/participants/SLK/2026-10/export.csv"
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:200]))
    run_night(folder, 3)
    run_night(folder, 5, "--force", CAKUPAN_REQUIRED="offices")
    shutil.copytree(folder / "sample", folder / "var" / "landing")
    return folder


def make_programs(folder: Path) -> None:
    """Make an environment like that of this process, in which the command line starts warm."""
    (folder / "bin").mkdir(parents=True)
    installed = Path(sys.prefix)
    for path in [*installed.iterdir(), *(installed / "bin").iterdir()]:
        if path.name not in {"bin", "cakupan"}:
            (folder / path.relative_to(installed)).symlink_to(path)
    cakupan = folder / "bin/cakupan"
    cakupan.write_text(f'#!/bin/sh\nexec {shlex.join(warm_cli())} "$@"\n', encoding="utf-8")
    cakupan.chmod(0o755)


def run_night(folder: Path, code: int, *more: str, **settings: str) -> None:
    """Run a night that must end with a code, and keep what it prints."""
    done = cakupan(folder, *NIGHT, *more, **settings)
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-2000:]
    with (folder / "printed.txt").open("a", encoding="utf-8") as printed:
        printed.write(done.stdout)


@pytest.fixture
def place(night: Path, tmp_path: Path) -> Path:
    """Give a copy of the night's folder, which a page may change."""
    return shutil.copytree(night, tmp_path / "place", symlinks=True)


def known_words(folder: Path) -> dict[str, str]:
    """Give what the capital words of the pages stand for in a folder."""
    builds = json.loads(cakupan(folder, "builds", "--json").stdout)
    good = [entry["build_id"] for entry in builds if entry["result"] != "failure"]
    failed = [entry["build_id"] for entry in builds if entry["result"] == "failure"]
    manifest = json.loads((folder / "var/publish/builds" / good[-1] / "manifest.json").read_text(encoding="utf-8"))
    return {
        "FAILED_BUILD_ID": failed[0],
        "OLDER_BUILD_ID": good[-1],
        "BUILD_ID": good[0],
        "CORE_VERSION": str(manifest["core_versions"]["participants"]),
        "PID": str(os.getpid()),
    }


def filled(line: str, words: dict[str, str]) -> str:
    """Put the words of a folder in place of the capital words of a page."""
    return re.sub(r"\b(?:[A-Z]+_)?(?:BUILD_ID|CORE_VERSION|PID)\b", lambda found: words[found[0]], line)


def faults(folder: Path, lines: list[str]) -> list[tuple[str, int, str]]:
    """Run lines one after the other; give those that end otherwise than a page may promise."""
    words = known_words(folder)
    found: list[tuple[str, int, str]] = []
    for line in lines:
        done = shell(folder, filled(line, words))
        if done.returncode not in (RUN_CODES if re.search(r"cakupan (run|backfill)\b", line) else {0}):
            found.append((line, done.returncode, done.stderr[-500:]))
    return found


@pytest.mark.parametrize("page", [README, SIMULATE, *RUNBOOKS], ids=lambda page: page.stem)
def test_the_commands_run(page: Path, place: Path) -> None:
    lines = [line for line in commands(page) if not line.startswith("make ")]
    assert lines != []
    assert faults(place, lines) == []


def test_a_command_that_fails_is_found(place: Path) -> None:
    assert [fault[:2] for fault in faults(place, ["true", ".venv/bin/cakupan promote none", "false"])] == [
        (".venv/bin/cakupan promote none", 2),
        ("false", 1),
    ]


def test_the_readmes_row_is_what_the_night_prints(night: Path) -> None:
    printed = [" ".join(line.split()) for line in (night / "printed.txt").read_text(encoding="utf-8").splitlines()]
    shown = [" ".join(line.split()) for block in blocks(README, "text") for line in block.splitlines()]
    assert shown != []
    assert [line for line in shown if line not in printed] == []


def test_the_readmes_python_runs(place: Path) -> None:
    [program] = blocks(README, "python")
    done = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=False)
    assert (done.returncode, "Kabupaten Dharmasraya" in done.stdout) == (0, True), done.stderr


def test_a_newcomer_can_follow_the_page_about_marts(tmp_path: Path) -> None:
    for folder in CODE_FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    page = tmp_path / "docs" / "add-a-mart.md"
    case, columns, contract = blocks(page, "yaml")
    [select] = blocks(page, "sql")
    [mart] = [table["name"] for table in yaml.safe_load(contract)["schema"]]
    [case_file] = re.findall(r"`(tests/marts/\S+/case\.yml)`", page.read_text(encoding="utf-8"))
    put(tmp_path / case_file, case)
    put(tmp_path / f"warehouse/marts/{mart}.sql", select)
    put(tmp_path / f"expectations/contracts/{mart}.yml", contract)
    with (tmp_path / "expectations/columns.yml").open("a", encoding="utf-8") as dictionary:
        dictionary.write(columns)
    python = [sys.executable, "-m"]
    for arguments in (
        [*python, "expectations.dictionary"],
        [
            *python,
            "pytest",
            "-p",
            "no:cacheprovider",
            "tests/marts",
            "-k",
            mart,
            "tests/expectations/test_dictionary.py",
        ],
        command(*NIGHT),
        command("query", f"FROM marts.{mart}", "--json"),
    ):
        done = subprocess.run(
            arguments, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in RUN_CODES, done.stdout[-2000:] + done.stderr[-2000:]
    assert json.loads(done.stdout) == [{"office_code": "DHS", "agents_registered": 25, "agents_active": 25}]


def put(path: Path, text: str) -> None:
    """Write a text, in a folder that is made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
