"""The page from an empty machine to the first night: its units, its commands and its settings are real ones."""

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from flows.cli import app
from flows.settings import Settings
from tests.docs.pages import blocks, make_targets
from tests.support import ROOT

PAGE = ROOT / "docs" / "runbooks" / "deploy.md"
UNITS = PAGE.parent / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))
INSTALLED = "/opt/cakupan/"
VERIFY = shutil.which("systemd-analyze")


def lines() -> list[str]:
    """Give the page's commands for root, one a line."""
    return [line for block in blocks(PAGE, "bash") for line in block.splitlines() if line.strip()]


def started_by(unit: Path) -> list[str]:
    """Give the words that a unit starts after `cakupan`."""
    text = unit.read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=/opt/cakupan/\.venv/bin/cakupan (.+)$", text, re.MULTILINE)
    assert found is not None
    return shlex.split(found[1])


def parses(words: list[str]) -> bool:
    """Tell whether the command line takes these words."""
    try:
        app.parse_args(words, exit_on_error=False, print_error=False)
    except CycloptsError:
        return False
    return True


def test_every_command_is_sound_shell() -> None:
    assert lines() != []
    for line in lines():
        done = subprocess.run(["bash", "-n", "-c", line], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line


def test_every_command_of_cakupan_parses() -> None:
    shown = [shlex.split(line)[1:] for line in lines() if line.startswith("cakupan ")]
    shown += [words.split()[1:] for words in re.findall(r"`(cakupan [a-z][^`]*)`", PAGE.read_text(encoding="utf-8"))]
    assert len(shown) >= 4
    assert [words for words in shown if not parses(words)] == []
    assert not parses(["status", "--max-eig", "26"])


def test_make_knows_its_targets() -> None:
    named = {words.split()[-1] for words in lines() if words.startswith("make ")}
    assert named <= make_targets()
    assert named != set()


def test_every_path_in_the_project_is_there() -> None:
    named = {path for line in lines() for path in re.findall(rf"{INSTALLED}(\S+)", line)}
    assert [path for path in named if not list(ROOT.glob(path.rstrip("/.")))] == []
    assert named != set()


def test_the_page_starts_every_unit_and_no_other() -> None:
    named = {name for line in lines() if "enable --now" in line for name in line.split()[3:]}
    timed = {timer.with_suffix(".service").name for timer in UNITS.glob("*.timer")}
    started = {unit.stem for unit in SERVICES if unit.name not in timed}
    assert named == started | {timer.name for timer in UNITS.glob("*.timer")}


def test_the_units_start_each_part_once() -> None:
    commands = {unit.stem: started_by(unit) for unit in SERVICES}
    assert [words for words in commands.values() if not parses(words)] == []
    parts = {"--no-server", "--no-worker", "--no-report"}
    left = [parts - set(words[1:]) for words in commands.values() if words[0] == "serve"]
    assert sorted(len(one) for one in left) == [1, 1, 1]
    assert set[str]().union(*left) == parts
    assert commands["cakupan-watch"] == ["status", "--max-age", "26h", "--alert"]


def test_the_settings_are_real_ones() -> None:
    texts = [(UNITS / "cakupan.env").read_text(encoding="utf-8"), *blocks(PAGE, "ini")]
    named = set(re.findall(r"^CAKUPAN_([A-Z0-9_]+)=", "\n".join(texts), re.MULTILINE))
    assert len(named) > 10
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_the_services_settings_leave_nothing_in_the_projects_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (UNITS / "cakupan.env").read_text(encoding="utf-8").splitlines():
        if line.startswith("CAKUPAN_"):
            monkeypatch.setenv(*line.split("=", 1))
    settings = Settings()
    folders = [name for name, field in Settings.model_fields.items() if str(field.default).startswith("var/")]
    assert len(folders) >= 6
    assert [name for name in folders if not str(getattr(settings, name)).startswith(("/var/lib/", "/srv/"))] == []


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.stem)
def test_a_unit_is_hardened_and_reads_the_settings(unit: Path) -> None:
    read = ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    read.read_string(unit.read_text(encoding="utf-8"))
    service = dict(read["Service"])
    assert service["User"] == "cakupan"
    assert service["EnvironmentFile"] == "/etc/cakupan/cakupan.env"
    asked = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "UMask": "0077"}
    assert asked.items() <= service.items()
    if service["Type"] != "oneshot":
        assert (service["Restart"], service["KillMode"]) == ("on-failure", "mixed")


@pytest.mark.skipif(VERIFY is None, reason="systemd-analyze is not installed")
def test_systemd_has_nothing_to_say_about_the_units(tmp_path: Path) -> None:
    for unit in [*SERVICES, *UNITS.glob("*.timer")]:
        text = unit.read_text(encoding="utf-8")
        # What is started must be there to be verified; it need not be Cakupan.
        (tmp_path / unit.name).write_text(re.sub(r"/opt/cakupan/\.venv/bin/cakupan", "/bin/true", text))
    assert complaints(sorted(tmp_path.iterdir())) == ""


@pytest.mark.skipif(VERIFY is None, reason="systemd-analyze is not installed")
def test_a_mistake_in_a_unit_is_found(tmp_path: Path) -> None:
    text = SERVICES[0].read_text(encoding="utf-8").replace("ProtectSystem=", "ProtectSystm=")
    (tmp_path / "wrong.service").write_text(text.replace("/opt/cakupan/.venv/bin/cakupan", "/bin/true"))
    assert "ProtectSystm" in complaints([tmp_path / "wrong.service"])


def complaints(units: list[Path]) -> str:
    """Give what systemd says about units; it complains of unknown names without failing."""
    assert VERIFY is not None
    done = subprocess.run([VERIFY, "verify", *map(str, units)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_the_small_script_is_sound_shell() -> None:
    script = UNITS / "cakupan"
    assert script.stat().st_mode & 0o111
    done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
