"""Fixtures of the flows' tests."""

from typing import Any

import pytest

from flows.cli import main
from tests.support import Home


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Give a function that runs a command in process in a home: exit code, standard output, standard error."""
    monkeypatch.setattr("flows.alert_channels.PAUSE_SECONDS", 0.02)

    def run(home: Home, *arguments: str, **more: str) -> tuple[int, str, str]:
        given = home.environment(**more)
        for name in [name for name in given if name.startswith("CAKUPAN_")]:
            monkeypatch.setenv(name, given[name])
        monkeypatch.chdir(home.root)
        with pytest.raises(SystemExit) as end:
            main(arguments)
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, said.out, said.err

    return run
