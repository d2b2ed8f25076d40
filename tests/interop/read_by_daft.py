"""Daft reads the lake's Delta tables as they stand, and finds what DuckDB finds.

Run by `make interop`, which installs Daft in an environment of its own. The file's name keeps it out of `make test`.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.docs.pages import blocks
from tests.support import LIMITS, ROOT, SAMPLE, Home
from warehouse.connections import connect

DAFT = ROOT / "var" / "interop-daft" / "bin" / "python"
[SHOWN] = blocks(ROOT / "docs" / "scale.md", "python")


def by_daft(table: Path) -> list[tuple[Any, ...]]:
    """Let Daft count a core table of participants in its own environment, as the page shows it."""
    script = SHOWN.replace("var/lake/core/participants", str(table))
    done = subprocess.run(
        [DAFT, "-I", "-c", f"{script}\nimport json\nprint(json.dumps(counted.to_pylist()))"],
        env={"DO_NOT_TRACK": "1", "DAFT_ANALYTICS_ENABLED": "0", "DAFT_PROGRESS_BAR": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(row.values()) for row in json.loads(done.stdout.splitlines()[-1])]


def by_duckdb(home: Home) -> list[tuple[Any, ...]]:
    """Count the same with the project's own reader."""
    with connect(LIMITS) as con:
        return con.execute(
            "SELECT period, office_code, segment, count(*), count(DISTINCT person_id) "
            f"FROM ({home.house.core('participants').relation()}) GROUP BY ALL ORDER BY ALL"
        ).fetchall()


def test_daft_counts_what_duckdb_counts_after_an_export_was_replaced(tmp_path: Path) -> None:
    home = Home(tmp_path)
    exports = sorted((SAMPLE / "participants").rglob("*.csv"))
    for path in exports:
        home.put(path.relative_to(SAMPLE).as_posix(), path.read_bytes())
    home.sweep()
    before = by_duckdb(home)
    lines = exports[0].read_bytes().splitlines(keepends=True)
    home.put(exports[0].relative_to(SAMPLE).as_posix(), b"".join(lines[: len(lines) // 2]))
    home.sweep()
    found = by_duckdb(home)
    assert len(found) > 1
    assert found != before
    assert by_daft(home.root / "lake/core/participants") == found
