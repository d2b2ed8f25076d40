"""A failed gate is told in words: what was found, what was expected, what to do."""

from typing import Any

import pytest

from expectations.suites import CheckResult
from reports.gate import gate_text, remedy
from tests.flows.test_report import manifest
from warehouse.checks import stopping


def check(**changes: Any) -> CheckResult:
    """Give a check that stops publication."""
    plain: CheckResult = {
        "table": "core.participants", "check": "row_count", "code": "row_count", "severity": "error",
        "outcome": "fail", "observed": 1, "expected": ">= 2",
        "message_id": "Jumlah baris berubah terlalu jauh", "message_en": "The number of rows moved too far",
    }  # fmt: skip
    plain.update(changes)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return plain


def test_only_errors_and_faults_stop_publication() -> None:
    passing = [check(outcome="pass"), check(severity="warn")]
    holding = [check(), check(outcome="error", severity="warn")]
    assert stopping([*passing, *holding]) == holding


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "half an export"),
        ({"code": "npp_missing", "check": "warning_budget"}, "budget"),
        ({"code": "required_absent", "check": "required"}, "land the dataset"),
        ({"code": "key", "check": "key"}, "add the rule"),
        ({"code": "key", "check": "key", "table": "marts.coverage"}, "tests/marts"),
        ({"outcome": "error"}, "could not be made"),
    ],
)
def test_every_cause_has_its_remedy(changes: dict[str, Any], words: str) -> None:
    assert words in remedy(check(**changes))[1]


def test_the_text_names_what_was_found_and_what_was_expected() -> None:
    text = gate_text(manifest(result="failure"), [check(), check(outcome="pass", code="unseen")])
    assert "## core.participants · row_count" in text
    assert "Ditemukan / found: `1`. Diharapkan / expected: `>= 2`." in text
    assert "Yang dilakukan / what to do" in text
    assert "unseen" not in text
