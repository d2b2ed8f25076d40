"""Contracts: the loader refuses one that promises too little, and every column stands in one dictionary."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.columns import column_dictionary
from expectations.contracts import (
    CONTRACTS_FOLDER,
    ContractError,
    contracts_of,
    load_contracts,
    parse_contract,
)

Document = dict[str, Any]
REFERENCE = Path(__file__).parents[2] / "warehouse" / "reference"
DATASETS = {
    "agents",
    "benefits",
    "labour_force",
    "office_regions",
    "offices",
    "participants",
    "programme_villages",
    "recaps",
    "region_aliases",
    "targets",
}


@pytest.fixture
def document() -> Document:
    return yaml.safe_load((CONTRACTS_FOLDER / "recaps.yml").read_text(encoding="utf-8"))


def _table(document: Document) -> Document:
    return document["schema"][0]


def _without_key(document: Document) -> None:
    for column in _table(document)["properties"]:
        column.pop("primaryKey", None)
        column.pop("primaryKeyPosition", None)


def _without_required(document: Document) -> None:
    for column in _table(document)["properties"]:
        column.pop("required", None)


def _without_band(document: Document) -> None:
    properties = _table(document)["customProperties"]
    _table(document)["customProperties"] = [one for one in properties if one["property"] != "rowCountBand"]


def _without_freshness(document: Document) -> None:
    document["slaProperties"] = []


def _with_unknown_column(document: Document) -> None:
    _table(document)["properties"].append({"name": "no_such_column"})


def test_a_whole_contract_is_accepted(document: Document) -> None:
    contract = parse_contract(document)
    assert contract.key == ("as_of", "place_code", "segment", "basis", "measure", "source_kind", "source")
    assert contract.freshness.column == "as_of"


@pytest.mark.parametrize(
    ("breaking", "reason"),
    [
        (_without_key, "no primaryKey"),
        (_without_required, "no required column"),
        (_without_band, "rowCountBand"),
        (_without_freshness, "no freshness"),
        (_with_unknown_column, "no_such_column"),
    ],
)
def test_a_contract_that_promises_too_little_is_refused(
    document: Document, breaking: Callable[[Document], None], reason: str
) -> None:
    broken = deepcopy(document)
    breaking(broken)
    with pytest.raises(ContractError, match=reason):
        parse_contract(broken)


def test_a_contract_stands_in_the_file_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "targets.yml").write_bytes((CONTRACTS_FOLDER / "recaps.yml").read_bytes())
    with pytest.raises(ContractError, match="holds the contract of recaps"):
        load_contracts(tmp_path)


def test_every_table_has_its_contract() -> None:
    assert set(contracts_of("dataset")) == DATASETS
    assert set(contracts_of("mart")) >= {"coverage", "target_attainment"}
    assert set(contracts_of("dimension")) == {"dim_office", "dim_region", "dim_segment"}
    assert set(contracts_of("quarantine")) == {"quarantine"}


def test_a_partition_and_freshness_name_columns_of_the_table() -> None:
    named = {
        name: {*contract.partition, contract.freshness.column} - {field.name for field in contract.core_fields}
        for name, contract in load_contracts().items()
    }
    assert {name: unknown for name, unknown in named.items() if unknown} == {}


def test_defaults_name_landed_columns() -> None:
    named = {
        name: set(contract.defaults) - {field.name for field in contract.landing_fields}
        for name, contract in load_contracts().items()
    }
    assert {name: unknown for name, unknown in named.items() if unknown} == {}


def test_no_personal_column_is_written_but_to_quarantine() -> None:
    written = {
        f"{name}.{field.name}"
        for name, contract in load_contracts().items()
        for field in contract.core_fields
        if field.column.classification != "public" and contract.kind != "quarantine"
    }
    assert written == set()


def test_every_column_of_a_contract_is_in_the_dictionary() -> None:
    used = {field.name for contract in load_contracts().values() for field in contract.fields}
    assert used <= column_dictionary().keys()


def test_every_column_of_the_dictionary_is_used() -> None:
    used = {field.name for contract in load_contracts().values() for field in contract.fields}
    for file in REFERENCE.glob("*.csv"):
        used |= set(file.read_text(encoding="utf-8").splitlines()[0].split(","))
    landing_only = {"region_system"}
    assert column_dictionary().keys() - used - landing_only == set()


def test_every_rule_and_check_speaks_both_languages() -> None:
    sentences = [
        (name, one.code, one.message_id, one.message_en)
        for name, contract in load_contracts().items()
        for one in (*contract.rules, *contract.checks)
    ]
    assert [one for one in sentences if not all(one) or one[2] == one[3]] == []
