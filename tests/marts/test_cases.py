"""Every folder ``tests/marts/<mart>/<case>/`` is a case: data in, data out."""

from pathlib import Path

import pytest

from expectations.contracts import load_contracts
from tests.marts.harness import differences, matching, read_case, run_case

HERE = Path(__file__).parent
CASES = sorted(path.parent for path in HERE.glob("*/*/case.yml"))


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_case(folder: Path) -> None:
    mart = folder.parent.name
    case = read_case(folder)
    con = run_case(case, mart)
    for wanted in case.get("expect", ()):
        rows = matching(con, mart, wanted)
        assert len(rows) == 1, f"{len(rows)} rows agree with {wanted}"
        assert differences(rows[0], wanted) == {}
    for unwanted in case.get("absent", ()):
        assert matching(con, mart, unwanted) == []
    if "rows" in case:
        assert len(matching(con, mart, {})) == case["rows"]


def test_every_case_belongs_to_a_contract() -> None:
    assert {folder.parent.name for folder in CASES} <= set(load_contracts())
