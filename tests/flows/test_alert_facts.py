"""What is told of a report, a fault or a look: the checks' own sentences, kinds of faults, and never a value."""

import errno
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from expectations.profiles import ProfileError
from flows.alert_facts import facts_of_fault, facts_of_look, facts_of_report
from flows.report import NightReport
from flows.settings import BUSINESS_ZONE, UnknownDatasetError, business_today
from reports.message import Facts, message_of
from sources.landing import LandingError
from sources.places import PlaceError
from tests.flows.test_report import loaded, manifest
from tests.support import AS_OF, Home, nik
from warehouse.load import Lines
from warehouse.manifest import DamagedManifestError, Manifest
from warehouse.person_key import PersonKeyError


def check(code: str, outcome: str, severity: str = "error", observed: Any = 2) -> dict[str, Any]:
    return {
        "table": "core.x", "check": code, "code": code, "severity": severity, "outcome": outcome,
        "observed": observed, "expected": "0", "message_id": f"{code} salah", "message_en": f"{code} is wrong",
    }  # fmt: skip


def built(home: Home, checks: list[dict[str, Any]], **changes: Any) -> Manifest:
    """Put a build with these checks into a home."""
    made = manifest(**changes)
    folder = home.publication.folder_of(made.build_id)
    folder.mkdir(parents=True)
    (folder / "checks.json").write_text(json.dumps({"checks": checks}), encoding="utf-8")
    (folder / "manifest.json").write_text(made.model_dump_json(), encoding="utf-8")
    return made


def facts(home: Home, report: NightReport) -> Facts:
    return facts_of_report(report, home.night())


# --- a report ----------------------------------------------------------------------------------------------------


def test_a_failed_gate_is_told_with_the_checks_that_stopped_it(home: Home) -> None:
    checks = [
        check("key", "fail"), check("types", "error", observed=f"Conversion Error: {nik(1)}"), check("finite", "pass"),
        check("office_late", "fail", "warn", observed=1), check("budget", "fail", "warn"),
    ]  # fmt: skip
    told = facts(home, NightReport("failure", [], built(home, checks, result="failure")))
    assert told.result == "gate"
    assert [(r.code, r.observed, r.could_judge) for r in told.reasons] == [("key", 2, True), ("types", None, False)]
    assert told.late == ("office_late salah / office_late is wrong",)
    assert nik(1) not in message_of(told).text


def test_what_was_observed_is_told_only_as_a_count(home: Home) -> None:
    checks = [check("columns", "fail", observed="kpj, nik, Siti Rekaan")]
    text = message_of(facts(home, NightReport("failure", [], built(home, checks, result="failure")))).text
    assert "core.x columns" in text
    assert "Rekaan" not in text


def test_a_missing_source_is_told_as_one(home: Home) -> None:
    build = built(home, [check("required_absent", "fail", observed=0)], result="failure")
    told = facts(home, NightReport("failure", [], build, source_missing=True))
    assert (told.result, told.late, len(told.reasons)) == ("source", (), 1)


def test_a_published_night_is_told_with_its_counts(home: Home) -> None:
    files = [loaded("a", Lines(10, 1, 6, 2, 1)), loaded("b", Lines(5, 1, 4, 0, 0))]
    build = built(home, [], result="warnings")
    (home.publication.root / "latest.json").write_text('{"build_id": "b1"}', encoding="utf-8")
    told = facts(home, NightReport("warnings", files, build, promoted=True))
    assert (told.result, told.in_use, told.as_of, told.place) == ("warnings", "b1", AS_OF, str(home.publication.root))
    assert told.lines == {"read": 15, "header": 2, "good": 10, "quarantined": 2, "blank": 1}
    assert told.files == {"read": 2, "partly_quarantined": 2, "refused": 0}
    assert told.checks == {"pass": 3, "fail": 0, "error": 0, "warn": 1}
    assert told.at.tzinfo == BUSINESS_ZONE


def test_a_build_that_cannot_be_read_is_told_all_the_same(home: Home) -> None:
    told = facts(home, NightReport("failure", [], manifest(result="failure")))
    assert (told.result, told.reasons, told.in_use) == ("gate", (), None)


def test_no_file_is_named(home: Home) -> None:
    files = [loaded("Siti Rekaan Uji.csv", Lines(10, 1, 6, 2, 1))]
    files[0].notes.append("Siti Rekaan Uji.csv: 2")
    message = message_of(facts(home, NightReport("success", files, built(home, []))))
    assert "Rekaan" not in message.text + json.dumps(message.fields)


# --- a fault -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "result", "sentences"),
    [
        (LandingError("landing zone x is not there"), "source", ("landing zone x is not there",)),
        (PlaceError("s3://b is out of reach: X"), "unreachable", ("s3://b is out of reach: X",)),
        (PersonKeyError("the lake was made with key 1a, this run has 2b"), "key", ()),
        (ProfileError(f"a.yml: {nik(1)}"), "settings", ("ProfileError",)),
        (UnknownDatasetError("x"), "settings", ("UnknownDatasetError",)),
        (ValueError(nik(1)), "fault", ("ValueError",)),
        (DamagedManifestError("x"), "fault", ("DamagedManifestError",)),
        (OSError(errno.ENOSPC, "x", "Siti Rekaan.csv"), "fault", ("OSError: No space left on device",)),
        (PermissionError(errno.EACCES, "x", "Siti.csv"), "fault", ("PermissionError: Permission denied",)),
    ],
)  # fmt: skip
def test_a_fault_is_told_by_its_kind(home: Home, fault: Exception, result: str, sentences: tuple[str, ...]) -> None:
    told = facts_of_fault(fault, home.night())
    assert (told.result, told.sentences, told.as_of) == (result, sentences, AS_OF)
    assert told.is_trouble
    assert not [word for word in (nik(1), "Siti") if word in message_of(told).text]


# --- a look ------------------------------------------------------------------------------------------------------

LOOK: dict[str, Any] = {"unreadable": [], "too_old": False, "promoted": "b1", "age_hours": 3.0}


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ({}, "alive"), ({"too_old": True}, "too_old"), ({"unreadable": ["x"]}, "unreachable"),
        ({"unreadable": ["x"], "too_old": True}, "unreachable"),
    ],
)  # fmt: skip
def test_a_look_is_told_by_the_worst_that_it_found(home: Home, found: dict[str, Any], result: str) -> None:
    told = facts_of_look({**LOOK, **found}, home.settings())
    assert (told.result, told.origin, told.in_use, told.age_hours) == (result, "watch", "b1", 3.0)
    assert abs(told.as_of - business_today()) <= timedelta(days=1)


def test_the_manifest_is_where_builds_are(home: Home) -> None:
    assert built(home, []).build_id == "b1"
    assert Path(home.publication.folder_of("b1") / "manifest.json").is_file()
