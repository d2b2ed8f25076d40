"""`datacontract lint` accepts every contract. Run by `make interop`, which installs it in an environment of its own.

The file's name keeps it out of `make test`, which installs nothing beyond the lock.
"""

import subprocess
from pathlib import Path

import pytest

from expectations.contracts import CONTRACTS_FOLDER
from tests.support import ROOT

DATACONTRACT = ROOT / "var" / "interop" / "bin" / "datacontract"
CONTRACTS = sorted(CONTRACTS_FOLDER.glob("*.yml"))


def lint(contract: Path) -> "subprocess.CompletedProcess[str]":
    """Let the command line of the Open Data Contract Standard look at one file."""
    return subprocess.run([DATACONTRACT, "lint", contract], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.stem)
def test_the_standard_accepts_the_contract(contract: Path) -> None:
    done = lint(contract)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    surprising = tmp_path / "surprising.yml"
    surprising.write_text(CONTRACTS[0].read_text(encoding="utf-8") + "surprise: 1\n", encoding="utf-8")
    assert lint(surprising).returncode != 0
