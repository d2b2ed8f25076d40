"""Fixtures for every test: no setting of the person who runs the tests reaches them."""

import os
from pathlib import Path

import pytest

from tests.support import Home, TrustingJudge


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """Take away what a developer's shell says to the program, and any Prefect server."""
    for name in list(os.environ):
        if name.startswith("CAKUPAN_") or name == "PREFECT_API_URL":
            monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give an empty home."""
    return Home(tmp_path)


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nights in process use a judge that passes everything."""
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)
