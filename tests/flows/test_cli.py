"""The command line: what it imports, what it prints, and how it ends."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from expectations.profiles import ProfileError
from tests.flows.test_report import manifest
from tests.support import ROOT, Home, command, participant, target, tree, trusting_judges
from tests.warehouse.test_lease import holder, killed_at_the_end

# Whole nights, and processes of the command line.
pytestmark = pytest.mark.slow

EXPORT = "participants/SLK/2026-10/a.csv"
HEAVY = {"prefect", "great_expectations", "pandas", "altair"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Give a home with one promoted build and one line in quarantine."""
    home = Home(tmp_path_factory.mktemp("cli"))
    home.put(EXPORT, [participant(1), participant(2, nik="1")])
    home.put("targets/t.csv", [target()])
    with trusting_judges():
        home.run()
        yield home


def imported(home: Home, *arguments: str) -> set[str]:
    """Run a command in a process of its own and give the packages that it imported."""
    program = (
        "import sys\nfrom flows.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=home.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return set(said.stderr.splitlines()[-1].split())


# --- what is imported --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("status",), ("builds",), ("quarantine", "list")]
)
def test_looking_imports_nothing_heavy(done: Home, arguments: tuple[str, ...]) -> None:
    modules = imported(done, *arguments)
    assert modules & HEAVY == set()
    assert "flows" in modules


def test_a_night_without_prefect_imports_no_prefect(done: Home) -> None:
    modules = imported(done, "run", "--as-of", "2026-11-21")
    assert modules & HEAVY == set()
    assert {"duckdb", "deltalake"} <= modules


@pytest.mark.parametrize("arguments", [("--help",), ("status",)])
def test_help_and_status_answer_quickly(done: Home, arguments: tuple[str, ...]) -> None:
    def computed() -> float:
        """Give the seconds that the command computed, whatever else the machine did meanwhile."""
        before = sum(os.times()[2:4])
        assert subprocess.run(
            command(*arguments), env=done.environment(), cwd=ROOT, capture_output=True, check=True
        ).stdout
        return sum(os.times()[2:4]) - before

    # The bound is one second on quiet cores; neighbours on the same ones double it. Prefect alone would add three.
    assert min(computed() for _ in range(3)) < 2


# --- one document ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("run",), dict), (("run", "--dry-run"), dict), (("builds",), list), (("query", "SELECT 1 AS a"), list),
        (("quarantine", "list"), list), (("status",), dict), (("doctor",), list), (("verify",), dict),
    ],
)  # fmt: skip
def test_json_is_one_document_and_nothing_else(at: Any, done: Home, arguments: tuple[str, ...], kind: type) -> None:
    code, out, err = at(done, *arguments, "--json")
    assert isinstance(json.loads(out), kind)
    assert (code, err) == (0, "")


def test_the_documents_say_what_they_should(at: Any, done: Home) -> None:
    (build,) = json.loads(at(done, "builds", "--json")[1])
    assert {name: build[name] for name in ("result", "promoted")} == {"result": "success", "promoted": True}
    (entry,) = json.loads(at(done, "quarantine", "list", "--json")[1])
    assert {name: entry[name] for name in ("file", "sheet", "line", "rules")} == {
        "file": EXPORT, "sheet": None, "line": 3, "rules": ["nik_shape"],
    }  # fmt: skip
    assert entry["message_id"] == "NIK bukan 16 angka"
    assert json.loads(at(done, "query", "SELECT 1 AS a, NULL AS b", "--json")[1]) == [{"a": 1, "b": None}]
    night = json.loads(at(done, "run", "--json")[1])
    assert (night["result"], night["promoted"]) == ("unchanged", False)
    assert {file["verdict"] for file in night["files"]} == {"unchanged"}
    status = json.loads(at(done, "status", "--json")[1])
    assert status["promoted"] == build["build_id"]


def test_people_get_plain_lines(at: Any, done: Home) -> None:
    assert "belum" not in at(done, "status")[1]
    assert (
        at(done, "quarantine", "list")[1] == f"{EXPORT} baris 3: NIK bukan 16 angka / The NIK does not have 16 digits\n"
    )
    assert at(done, "builds")[1].startswith("* ")
    assert "files intact" in at(done, "verify")[1]
    assert "python" in at(done, "doctor")[1]
    assert at(done, "query", "SELECT 1 AS a, 'x,y' AS b", "--csv")[1].splitlines() == ["a,b", '1,"x,y"']
    assert "tidak ada yang baru" in at(done, "run")[1]


@pytest.mark.usefixtures("trusting")
def test_a_night_ends_with_attainment_lines_and_where_the_build_is(at: Any, home: Home) -> None:
    home.put(EXPORT, [participant(1), participant(2, nik="1")])
    home.put("targets/t.csv", [target()])
    code, out, err = at(home, "run", "--as-of", "2026-11-21")
    assert code == 0
    assert "Capaian target" in out
    assert "Dibaca / read 5 = judul / header 2 + baik / good 2 + karantina / quarantined 1 + kosong / blank 0" in out
    assert f"Build: {home.publication.root / 'builds'}" in out
    assert "1/1 targets/t.csv" in err


# --- how it ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--frobnicate"), ("frobnicate",), ("run", "--as-of", "31-02-2026"), ("promote",), ("promote", "none"),
        ("verify", "none"),
        ("query", "DELETE FROM marts.coverage"), ("query",), ("run", "--landing", "s3://"), ("diff", "a", "b"),
    ],
)  # fmt: skip
def test_what_is_misused_ends_with_two_and_says_so(at: Any, done: Home, arguments: tuple[str, ...]) -> None:
    code, out, err = at(done, *arguments)
    assert code == 2
    assert "Traceback" not in out + err
    assert err.strip() or out.strip()


@pytest.mark.parametrize(
    "arguments", [("run", "--frobnicate", "--json"), ("query", "SELEC", "--json"), ("verify", "none", "--json")]
)
def test_misuse_leaves_standard_output_empty_for_machines(at: Any, done: Home, arguments: tuple[str, ...]) -> None:
    code, out, err = at(done, *arguments)
    assert (code, out) == (2, "")
    assert err.strip()


def test_a_missing_landing_zone_ends_with_five(at: Any, home: Home) -> None:
    code, out, err = at(home, "run")
    assert (code, out) == (5, "")
    assert "is not there" in err


def test_another_run_at_work_ends_with_six(at: Any, home: Home) -> None:
    home.landing.mkdir()
    with killed_at_the_end(holder(home.house.root)) as other:
        code, out, err = at(home, "run", "--json")
        assert (code, out) == (6, "")
        assert str(other.pid) in err


@pytest.mark.usefixtures("trusting")
def test_another_key_ends_with_two(at: Any, done: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.PERSON_KEY", "another key for persons")
    code, out, err = at(done, "run")
    assert (code, out) == (2, "")
    assert "person key" in err
    assert "another key for persons" not in err


def test_a_late_success_ends_with_five(at: Any, home: Home, done: Home) -> None:
    assert at(home, "status", "--max-age", "26")[0] == 5
    assert at(home, "status")[0] == 0
    assert at(done, "status", "--max-age", "26")[0] == 0


def test_a_flipped_byte_is_found_and_not_promoted(at: Any, home: Home) -> None:
    home.landing.mkdir()
    folder = home.publication.folder_of("b1")
    folder.mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"isi")
    digest = "d9ca8e4d94c7b4bb0cc0c9cbc1c3a8e9f6d5e3a6c2f4b7a1e0d9c8b7a6f5e4d3"
    (folder / "manifest.json").write_text(
        manifest(build_id="b1", sha256={"a.txt": digest}).model_dump_json(), encoding="utf-8"
    )
    code, out, _ = at(home, "verify", "b1")
    assert code == 1
    assert out.startswith("a.txt: found ")
    assert json.loads(at(home, "verify", "b1", "--json")[1])["intact"] is False
    assert at(home, "promote", "b1")[0] == 2
    assert home.publication.promoted_id() is None


@pytest.mark.usefixtures("trusting")
def test_promote_rolls_back(at: Any, done: Home, tmp_path: Path) -> None:
    home = done.copied_to(tmp_path / "home")
    first = home.publication.promoted_id()
    home.put("targets/t.csv", [target(target="240")])
    second = home.run().build
    assert first is not None
    assert second is not None
    assert home.publication.promoted_id() == second.build_id
    assert at(home, "promote", first)[1] == f"promoted {first}\n"
    assert home.publication.promoted_id() == first
    assert json.loads(at(home, "diff", first, second.build_id)[1])["after"] == second.build_id


@pytest.mark.usefixtures("trusting")
def test_a_fault_is_one_line_and_its_trace_is_for_the_owner(
    at: Any, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(EXPORT, [participant(1)])

    def fail(*_: object) -> None:
        raise ValueError(f"a value of a person: {participant(1)['nik']}")

    monkeypatch.setattr("flows.steps.make_build", fail)
    code, out, err = at(home, "run")
    assert (code, out) == (1, "")
    complaint = [line for line in err.splitlines() if line.startswith("cakupan: ")]
    assert len(complaint) == 1
    assert "the last promoted build stays" in complaint[0]
    assert participant(1)["nik"] not in err
    trace = home.root / "var" / "log" / "fault.txt"
    assert trace.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("trusting")
def test_only_the_exports_of_the_chosen_offices_are_read(at: Any, home: Home) -> None:
    home.put(EXPORT, [participant(1)])
    home.put("participants/GIA/2026-10/a.csv", [participant(2)])
    home.put("targets/t.csv", [target()])
    files = json.loads(at(home, "run", "--office", "GIA", "--json")[1])["files"]
    assert {file["file"] for file in files} == {"participants/GIA/2026-10/a.csv", "targets/t.csv"}


def test_a_dry_run_from_the_command_line_writes_nothing(at: Any, home: Home) -> None:
    home.put(EXPORT, [participant(1)])
    before = tree(home.root)
    night = json.loads(at(home, "run", "--dry-run", "--json")[1])
    assert night["result"] == "dry_run"
    assert night["lines"]["good"] == 1
    assert tree(home.root) == before


def test_every_command_shows_an_example(at: Any, home: Home) -> None:
    for name in ("run", "builds", "promote", "verify", "diff", "query", "status", "doctor"):
        code, out, _ = at(home, name, "--help")
        assert code == 0
        assert f"cakupan {name}" in out, name
    assert Path(home.root).is_dir()


def test_a_profile_with_a_mistake_is_named(at: Any, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_dataset: str) -> NoReturn:
        raise ProfileError("targets.baru.yml: meanings.0.evidence: Field required")

    monkeypatch.setattr("warehouse.load.shipped_profiles", broken)
    home.put("targets/a.csv", [target()])
    code, _, err = at(home, "run")
    assert (code, "targets.baru.yml: meanings.0.evidence" in err) == (2, True)
