"""The tests' own PostgreSQL is a real one, asks for its password, and leaves nothing behind."""

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.postgres import postgres, postgres_binaries

pytestmark = pytest.mark.slow


def asked(address: str, sql: str) -> "subprocess.CompletedProcess[str]":
    """Ask one query with PostgreSQL's own client."""
    return subprocess.run(
        [str(postgres_binaries() / "psql"), "-At", "-c", sql, address.replace("+asyncpg", "")],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def test_a_cluster_answers_asks_for_its_password_and_is_gone_afterwards() -> None:
    with postgres() as address:
        folder = Path(asked(address, "SHOW data_directory").stdout.strip())
        assert asked(address, "SELECT current_database()").stdout == "prefect\n"
        refused = asked(address.replace(str(urlsplit(address).password), "wrong"), "SELECT 1")
        assert "password authentication failed" in refused.stderr
    assert not folder.parent.exists()
    assert "refused" in asked(address, "SELECT 1").stderr
