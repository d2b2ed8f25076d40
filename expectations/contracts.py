"""Contracts: one ODCS-shaped YAML file per table; one that promises too little is refused."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from expectations.columns import SAFE_LOADER, Column, column_dictionary

CONTRACTS_FOLDER = Path(__file__).with_name("contracts")

Kind = Literal["dataset", "mart", "dimension", "quarantine"]
Severity = Literal["error", "warn"]


class ContractError(ValueError):
    """A contract that promises less than every table must promise."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Band(_Frozen):
    """Smallest and largest number of rows, as a ratio to the last promoted build.

    The largest is judged only from ``max_from`` rows on: a small table may double in an honest night.
    """

    min: float
    max: float
    max_from: int


class Budget(_Frozen):
    """Warnings that a table may carry: over both ``rows`` and ``share`` of its rows they become an error."""

    rows: int
    share: float

    def exceeded(self, warnings: int, rows: int) -> bool:
        """Tell whether ``warnings`` among ``rows`` rows are more than the budget allows."""
        return warnings > self.rows and warnings > self.share * rows


class Freshness(_Frozen):
    """The newest value of ``column`` may be at most ``days`` older than the business date."""

    days: int
    column: str


class Rule(_Frozen):
    """A row rule: an SQL predicate that is true for a bad row, with its reason in both languages."""

    code: str
    predicate: str
    severity: Severity
    message_id: str
    message_en: str
    expected_id: str
    expected_en: str
    columns: tuple[str, ...]


class TableCheck(_Frozen):
    """A check of a whole table: a query of one number that must be zero; ``{table}`` is the table's name."""

    code: str
    query: str
    severity: Severity
    message_id: str
    message_en: str


class Field(_Frozen):
    """A column as one table uses it."""

    column: Column
    required: bool
    key_position: int | None
    in_landing: bool
    in_core: bool

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name


class Contract(_Frozen):
    """What one table promises."""

    name: str
    kind: Kind
    description_id: str
    description_en: str
    owner: str
    freshness: Freshness
    band: Band
    budget: Budget
    partition: tuple[str, ...]
    header_required: tuple[str, ...]
    defaults: dict[str, str | int | bool]
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    checks: tuple[TableCheck, ...]

    @property
    def landing_fields(self) -> tuple[Field, ...]:
        """The columns that a landed file has."""
        return tuple(field for field in self.fields if field.in_landing)

    @property
    def core_fields(self) -> tuple[Field, ...]:
        """The columns of the table that is written."""
        return tuple(field for field in self.fields if field.in_core)

    @property
    def key(self) -> tuple[str, ...]:
        """The grain: the written table's primary key, in order."""
        return _key(self.core_fields)


def _key(fields: tuple[Field, ...]) -> tuple[str, ...]:
    keyed = sorted((field.key_position, field.name) for field in fields if field.key_position is not None)
    return tuple(name for _, name in keyed)


def _properties(node: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in node.get("customProperties", ())}


def _field(node: Mapping[str, Any]) -> Field:
    column = column_dictionary()[node["name"]]
    if "classification" in node:
        column = column.model_copy(update={"classification": node["classification"]})
    layer = _properties(node).get("layer")
    return Field(
        column=column,
        required=node.get("required", False),
        key_position=node.get("primaryKeyPosition"),
        in_landing=layer != "core",
        in_core=layer != "landing",
    )


def _rule(node: Mapping[str, Any]) -> Rule:
    extra = _properties(node)
    return Rule(
        code=node["name"],
        predicate=node["implementation"],
        severity=node["severity"],
        message_id=extra["messageId"],
        message_en=node["description"],
        expected_id=extra["expectedId"],
        expected_en=extra["expectedEn"],
        columns=tuple(extra["columns"]),
    )


def _check(node: Mapping[str, Any]) -> TableCheck:
    return TableCheck(
        code=node["name"],
        query=node["query"],
        severity=node["severity"],
        message_id=_properties(node)["messageId"],
        message_en=node["description"],
    )


def _freshness(document: Mapping[str, Any]) -> Freshness:
    for entry in document.get("slaProperties", ()):
        if entry["property"] == "freshness":
            return Freshness(days=entry["value"], column=str(entry["element"]).partition(".")[2])
    raise ContractError(f"{document['name']}: no freshness in slaProperties")


def parse_contract(document: Mapping[str, Any]) -> Contract:
    """Turn one ODCS document into a contract.

    Args:
        document: the parsed YAML.

    Returns:
        The contract, complete.

    Raises:
        ContractError: no primary key, required column, row-count band or freshness, or an unknown column.
    """
    name: str = document["name"]
    try:
        return _complete(_build(document))
    except KeyError as missing:
        raise ContractError(f"{name}: the contract lacks or does not know {missing}") from missing


def _build(document: Mapping[str, Any]) -> Contract:
    table = document["schema"][0]
    extra = _properties(table)
    quality = table.get("quality", ())
    return Contract(
        name=document["name"],
        kind=extra["kind"],
        description_id=_properties(document["description"])["purposeId"],
        description_en=document["description"]["purpose"],
        owner=document["team"]["members"][0]["username"],
        freshness=_freshness(document),
        band=Band(
            min=extra["rowCountBand"]["min"],
            max=extra["rowCountBand"]["max"],
            max_from=extra["rowCountBand"]["maxFrom"],
        ),
        budget=Budget(**extra["warnBudget"]),
        partition=tuple(extra.get("partition", ())),
        header_required=tuple(extra.get("headerRequired", ())),
        defaults=extra.get("defaults", {}),
        fields=tuple(_field(node) for node in table["properties"]),
        rules=tuple(_rule(node) for node in quality if node["type"] == "custom"),
        checks=tuple(_check(node) for node in quality if node["type"] == "sql"),
    )


def _complete(contract: Contract) -> Contract:
    if not contract.key:
        raise ContractError(f"{contract.name}: no primaryKey, so the grain is unknown")
    if not any(field.required for field in contract.fields):
        raise ContractError(f"{contract.name}: no required column")
    return contract


@cache
def load_contracts(folder: Path = CONTRACTS_FOLDER) -> dict[str, Contract]:
    """Read every contract of a folder.

    Args:
        folder: where the ``*.yml`` files lie.

    Returns:
        The contracts by table name, in alphabetical order.

    Raises:
        ContractError: a file is not named like its table, or promises too little.
    """
    return dict(_load(folder))


def _load(folder: Path) -> Iterator[tuple[str, Contract]]:
    for path in sorted(folder.glob("*.yml")):
        document = yaml.load(path.read_text(encoding="utf-8"), SAFE_LOADER)  # noqa: S506 - it is the safe one
        contract = parse_contract(document)
        if contract.name != path.stem:
            raise ContractError(f"{path.name} holds the contract of {contract.name}")
        yield contract.name, contract


def contracts_of(kind: Kind) -> dict[str, Contract]:
    """Give the contracts of one kind (``dataset``, ``mart``, ``dimension``, ``quarantine``) by name."""
    return {name: contract for name, contract in load_contracts().items() if contract.kind == kind}
