"""The shipped catalogue of BPS series: readable, honest about what nobody verified, and free of clashes."""

import re
from datetime import date

import duckdb
import pytest

from sources.bps.catalogue import read_catalogue
from sources.bps.estimates import region_of_domain
from warehouse.reference import REFERENCE_FOLDER, load_reference

CATALOGUE = REFERENCE_FOLDER / "bps_series.csv"
SERIES = read_catalogue(CATALOGUE)


def test_every_row_is_unverified_in_word_or_has_the_day() -> None:
    said = {(one.domain, one.concept) for one in SERIES if re.search(r"\bunverified\b", one.source)}
    assert said == {(one.domain, one.concept) for one in SERIES if one.verified_on is None}
    assert all(one.verified_on <= date.today() for one in SERIES if one.verified_on)  # noqa: DTZ011


@pytest.mark.parametrize(
    ("domain", "concept", "variable", "derived"),
    [
        ("0000", "labour_force", "698", ("829",)),
        ("0000", "employed", "698", ("827",)),
        ("0000", "unemployed", "698", ("828",)),
        ("0000", "unemployment_rate", "543", ()),
        ("3500", "participation_rate", "277", ()),
        ("3500", "unemployment_rate", "54", ()),
        ("3200", "unemployment_rate", "788", ()),
    ],
)
def test_the_ids_that_are_known(domain: str, concept: str, variable: str, derived: tuple[str, ...]) -> None:
    [one] = [one for one in SERIES if (one.domain, one.concept) == (domain, concept)]
    assert (one.variable, one.derived) == (variable, derived)


def test_formal_and_informal_share_no_status_and_are_all_seven() -> None:
    parts = {one.concept: set(one.derived) for one in SERIES if one.variable == "2335"}
    assert parts["employed_formal"] & parts["employed_informal"] == set()
    assert parts["employed_formal"] | parts["employed_informal"] == {str(code) for code in range(2086, 2093)}


def test_rows_of_one_variable_agree_on_its_unit() -> None:
    for variable in {(one.domain, one.variable) for one in SERIES}:
        assert len({one.unit for one in SERIES if (one.domain, one.variable) == variable}) == 1


def test_every_domain_is_a_region_and_the_file_loads_as_a_table() -> None:
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        load_reference(con)
        known = {code for (code,) in con.execute("SELECT region_code FROM reference.regions").fetchall()}
        counted = con.execute("SELECT count(*) FROM reference.bps_series").fetchone()
    assert {region_of_domain(one.domain) for one in SERIES} <= known
    assert counted == (len(SERIES),)
