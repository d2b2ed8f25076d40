"""A value that no rule foresaw refuses its file and nothing else."""

from typing import Any

import duckdb
import pytest

from sources.landing import LandedFile
from tests.support import Home, recap
from warehouse.load import Loader


def test_a_file_that_cannot_be_stored_is_refused_and_the_others_go_on(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put("recaps/bad.csv", [recap()])
    home.put("recaps/good.csv", [recap(source="another")])
    load = Loader.load

    def fault(loader: Loader, landed: LandedFile, kept: Any) -> Any:
        if landed.file == "recaps/bad.csv":
            raise duckdb.ConversionException("no table holds this")
        return load(loader, landed, kept)

    monkeypatch.setattr(Loader, "load", fault)
    verdicts = {file: result.verdict for file, result in home.sweep().items()}
    assert verdicts == {"recaps/bad.csv": "refused", "recaps/good.csv": "loaded"}
    assert home.rules() == {("recaps/bad.csv", None): ["value_cannot_be_stored"]}
    assert home.core("recaps", "source") == [("another",)]


@pytest.mark.parametrize("value", ["1000000000000000", "99999999999999999999999999999999999999999"])
def test_an_absurd_number_is_a_bad_line_and_never_a_fault(home: Home, value: str) -> None:
    home.put("recaps/a.csv", [recap(value=value), recap(source="another", value="999999999999999")])
    home.sweep()
    assert home.rules() == {("recaps/a.csv", 2): ["value_unreadable"]}


def test_a_refused_file_is_read_again_where_its_refusal_asks_for_it(home: Home) -> None:
    path = home.put("rekap/a.csv", [recap()])
    assert home.sweep()["rekap/a.csv"].verdict == "refused"
    path.rename(home.put("recaps/a.csv", ""))
    assert home.sweep()["recaps/a.csv"].verdict == "loaded"
    assert home.rules() == {}
