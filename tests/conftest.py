"""Fixtures for every test: no setting of the person who runs the tests reaches them."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from sources.places import Folder, Place
from tests.s3 import PLACES, SERVERS, new_bucket, s3_endpoint
from tests.s3_gate import Gate, gate_before
from tests.support import Home, TrustingJudge
from tests.warm import WarmJudge

# How long an example takes depends on what else the machine does; speed is not judged by tests.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    """Take away what a developer's shell says to the program, and any Prefect server."""
    for name in list(os.environ):
        if name.startswith(("CAKUPAN_", "AWS_")) or name == "PREFECT_API_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture(scope="session", autouse=True)
def _warm_judges() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    """Let the judges of nights in process start warm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.steps.Judge", WarmJudge)
        yield


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give an empty home."""
    return Home(tmp_path)


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nights in process use a judge that passes everything."""
    monkeypatch.setattr("flows.steps.Judge", TrustingJudge)


@pytest.fixture(scope="session")
def s3_address() -> Iterator[Callable[[str], str]]:
    """Give the address of an S3 by its name; each is started when it is first asked for."""
    with ExitStack() as running:

        @cache
        def address(server: str) -> str:
            return running.enter_context(s3_endpoint(server))

        yield address


@pytest.fixture(scope="session", params=SERVERS)
def endpoint(request: pytest.FixtureRequest, s3_address: Callable[[str], str]) -> str:
    """Give the address of an S3: moto's, then that of `TEST_S3_ENDPOINT_URL` where it is set."""
    return s3_address(request.param)


@pytest.fixture
def gate(endpoint: str) -> Iterator[Gate]:
    """Give a gate before an S3, which can refuse, delay and count what is asked."""
    with gate_before(endpoint) as started:
        yield started


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, s3_address: Callable[[str], str], tmp_path: Path) -> Place:
    """Give an empty place of every kind: a folder, and a bucket on each S3."""
    if request.param == "folder":
        return Folder(tmp_path / "place")
    return new_bucket(s3_address(request.param), tmp_path / "cache")
