"""The report of a night: totals, exit codes, one document."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from flows.report import NightReport, NightResult
from sources.landing import LandedFile
from warehouse.load import Lines, LoadedFile
from warehouse.manifest import Manifest


def loaded(name: str, lines: Lines) -> LoadedFile:
    landed = LandedFile(Path(name), f"targets/{name}", "targets", f"sha of {name}", 1)
    return LoadedFile(landed, lines, "partly_quarantined")


def manifest(**changes: Any) -> Manifest:
    """Give a manifest of a build that passed."""
    content: dict[str, Any] = {
        "build_id": "b1", "created_at": "2026-11-21T00:00:00+00:00", "result": "success", "as_of": date(2026, 11, 21),
        "stale_on": date(2026, 11, 30), "code_version": "0.1.0", "person_key_id": "k", "inputs_key": "i",
        "core_versions": {}, "inputs": [], "rows": {}, "sha256": {}, "reasons": [],
        "checks": {"pass": 3, "fail": 0, "error": 0, "warn": 1},
    }  # fmt: skip
    return Manifest.model_validate(content | changes)


@pytest.mark.parametrize(
    ("result", "missing", "code"),
    [
        ("success", False, 0), ("unchanged", False, 0), ("dry_run", False, 0), ("warnings", False, 3),
        ("failure", False, 4), ("failure", True, 5),
    ],
)  # fmt: skip
def test_exit_codes(result: NightResult, missing: bool, code: int) -> None:
    assert NightReport(result, [], source_missing=missing).exit_code == code


def test_lines_are_added_up_over_files() -> None:
    files = [loaded("a", Lines(10, 1, 6, 2, 1)), loaded("b", Lines(5, 1, 4, 0, 0))]
    report = NightReport("success", files)
    assert report.lines == Lines(15, 2, 10, 2, 1)
    assert report.lines.add_up()
    assert not Lines(3, 1, 1, 0, 0).add_up()


def test_the_document_of_a_night() -> None:
    report = NightReport("warnings", [loaded("a", Lines(3, 1, 1, 1, 0))], manifest(), promoted=True)
    document = json.loads(json.dumps(report.as_json()))
    assert {name: document[name] for name in ("build_id", "result", "promoted", "lines", "checks")} == {
        "build_id": "b1", "result": "warnings", "promoted": True,
        "lines": {"read": 3, "header": 1, "good": 1, "quarantined": 1, "blank": 0},
        "checks": {"pass": 3, "fail": 0, "error": 0, "warn": 1},
    }  # fmt: skip
    (file,) = document["files"]
    assert {name: file[name] for name in ("file", "dataset", "sha256", "verdict")} == {
        "file": "targets/a", "dataset": "targets", "sha256": "sha of a", "verdict": "partly_quarantined",
    }  # fmt: skip


def test_a_night_without_a_build_has_no_checks() -> None:
    document = NightReport("dry_run", []).as_json()
    assert (document["build_id"], document["promoted"]) == (None, False)
    assert document["checks"] == {"pass": 0, "fail": 0, "error": 0, "warn": 0}
