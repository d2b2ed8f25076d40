"""The SQL that turns a file's text into typed rows, tags them with the rules they break, and picks the core columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from expectations.contracts import Contract, Field
from expectations.rules import mask_expression, row_rules, severity_mask
from expectations.schemas import quoted, select_list

FOLDER = Path(__file__).parent
MACROS = FOLDER / "macros.sql"

# The day at which a row's codes must be valid; a series carried back to today's boundaries has today's codes.
_ROW_DAY = {
    "participants": "last_day_of(period)",
    "recaps": "as_of",
    "targets": "try_cast(year || '-12-31' AS DATE)",
    "labour_force": "CASE WHEN NOT restated THEN coalesce(as_of, try_cast(year || '-08-31' AS DATE)) END",
}


@dataclass(frozen=True)
class Reading:
    """How a file's text is to be read: its columns, its locale, its code system, what the path or profile adds."""

    columns: frozenset[str]
    locale: str
    region_system: str | None
    constants: dict[str, str]
    unit: str = "1"


def tagged_sql(contract: Contract, reading: Reading, raw: str) -> str:
    """Write the select over a raw table that types every row and tags it with the bits of the rules it breaks.

    Args:
        contract: the dataset's contract.
        reading: how the text is to be read.
        raw: the table with ``_line``, ``_lines``, ``_problem``, ``_raw`` and the columns as text; beside it stand
            ``earlier`` (grains of the file's earlier tables) and ``clashing`` (memberships at two offices).

    Returns:
        A select with the bookkeeping columns, every typed column, ``<column>_text``, what the dataset's own SQL
        adds, and ``_mask``.
    """
    rules = row_rules(contract)
    dataset_sql = (FOLDER / f"{contract.name}.sql").read_text(encoding="utf-8")
    return f"""
WITH cells AS (SELECT _line, _lines, _problem, _raw, {_cells(contract, reading)} FROM {raw}),
texts AS (SELECT *, {_texts(contract)} FROM cells),
values_read AS (SELECT * EXCLUDE ({_spent_cells(contract)}), {_values(contract, reading)} FROM texts),
typed AS ({_with_regions(contract, reading)}),
complete AS ({dataset_sql}),
judged AS (SELECT *, {mask_expression(rules[:-1])} AS _own_mask FROM complete),
sound AS (SELECT *, (_own_mask & {severity_mask(rules, "error")}::HUGEINT) = 0 AS _is_sound FROM judged),
numbered AS (SELECT *, {_repeats(contract)} AS _repeats_line FROM sound)
SELECT *, _own_mask + {mask_expression(rules[-1:], len(rules) - 1)} AS _mask FROM numbered
"""


def core_select(contract: Contract, tagged: str, source_key: str) -> str:
    """Write the select of the contract's core columns from a tagged table (all rows; the caller filters)."""
    return (
        f"SELECT {select_list(contract.core_fields)} "
        f"FROM (SELECT *, 'final' AS value_status, {quoted(source_key)} AS source_key FROM {tagged})"
    )


def _cells(contract: Contract, reading: Reading) -> str:
    return ", ".join(f"{_cell(name, reading)} AS {name}_cell" for name in landing_names(contract))


def _cell(name: str, reading: Reading) -> str:
    if name in reading.columns:
        return name
    return quoted(reading.constants[name]) if name in reading.constants else "CAST(NULL AS VARCHAR)"


def _texts(contract: Contract) -> str:
    return ", ".join(f"cell_text({name}_cell) AS {name}_text" for name in landing_names(contract))


def _spent_cells(contract: Contract) -> str:
    """Name the cells that no rule looks at again; those of identifiers tell whether Excel damaged them."""
    kept = {field.name for field in contract.landing_fields if field.column.classification == "identifier"}
    return ", ".join(f"{name}_cell" for name in landing_names(contract) if name not in kept)


def _values(contract: Contract, reading: Reading) -> str:
    return ", ".join(f"{_with_default(contract, field, reading)} AS {field.name}" for field in contract.landing_fields)


def _with_default(contract: Contract, field: Field, reading: Reading) -> str:
    value = _value(field, reading)
    if field.name not in contract.defaults:
        return value
    default = contract.defaults[field.name]
    literal = quoted(default) if isinstance(default, str) else str(default)
    return f"CASE WHEN {field.name}_text IS NULL THEN {literal} ELSE {value} END"


def _value(field: Field, reading: Reading) -> str:
    text = f"{field.name}_text"
    both = f"{field.name}_cell, {text}"
    days = "plain" if reading.locale == "plain" else "local"
    number = f"read_number_{reading.locale}({both})"
    if field.column.values:
        cases = " ".join(f"WHEN {quoted(v.lower())} THEN {quoted(v)}" for v in field.column.values)
        return f"CASE lower({text}) {cases} END"
    if field.column.classification == "identifier":
        return f"ltrim({text}, '''')"
    match field.column.type:
        case "integer":
            return f"CASE WHEN {number} = trunc({number}) THEN try_cast({number} AS BIGINT) END"
        case "decimal":
            return f"storable({number} * {reading.unit})"
        case "money" | "share":
            return f"storable({number})"
        case "date":
            return f"read_date_{days}({both})"
        case "period":
            return f"read_period_{days}({both})"
        case "boolean":
            return f"read_boolean({text})"
        case _:
            return text


def _with_regions(contract: Contract, reading: Reading) -> str:
    landed = [field.name for field in contract.landing_fields]
    names = [name for name in landed if name in ("region_code", "village_code")]
    if not names:
        return "SELECT * FROM values_read"
    day = _ROW_DAY.get(contract.name, "NULL")
    replaced = ", ".join(f"{_region_value(name, _system(reading), landed)} AS {name}" for name in names)
    added = ", ".join(_system_checks(name, reading, names) for name in names)
    joins = " ".join(_region_join(name, reading, day, names) for name in names)
    if "region_code" in names:
        added += f", {_named_columns(landed)}"
    if "place" in landed:
        joins += f" {_PLACE_JOIN}"
    return f"SELECT values_read.* REPLACE ({replaced}), {added} FROM values_read {joins}"


def _system_checks(name: str, reading: Reading, names: Sequence[str]) -> str:
    """Write what the rules ask of a code's system: does a bare code lack one, does a dotted one contradict it."""
    bare = f"regexp_full_match({name}_text, '[0-9]+') AND {_system(reading)} IS NULL"
    return (
        f"coalesce({bare}, false) AS {name}_system_is_missing, "
        f"{_contradicts(name, reading, names)} AS {name}_system_contradicts"
    )


def _contradicts(name: str, reading: Reading, names: Sequence[str]) -> str:
    """Write when a dotted code, which is Kemendagri's, is said to be of BPS; beside a region's it is not spoken of."""
    text = f"values_read.{name}_text"
    said = f"coalesce({_system(reading)} = 'bps' AND NOT regexp_matches({text}, '[A-Za-z]'), false)"
    alone = " AND values_read.region_code_text IS NULL" if name != "region_code" and "region_code" in names else ""
    return f"CASE WHEN contains({text}, '.') THEN {said}{alone} ELSE false END"


_PLACE_JOIN = "LEFT JOIN reference.region_names AS named_place ON named_place.alias = alias_of(values_read.place_text)"


def _named_columns(landed: Sequence[str]) -> str:
    """Write what the rules ask of names: may the one in region_code mean several regions, and what does place mean."""
    columns = [
        "coalesce(named_region_code.is_shared, false) AS region_code_is_shared",
        f"{_place_is_used(landed)} AS place_is_used",
    ]
    if "place" in landed:
        columns += ["named_place.region_code AS place_region_code", "named_place.candidates AS place_candidates"]
    return ", ".join(columns)


def _place_is_used(landed: Sequence[str]) -> str:
    """Write when the name in place stands in for a code: no other column says where."""
    if "place" not in landed:
        return "false"
    codes = ("village_code_text", "region_code_text", "office_code_text")
    others = [text for text in codes if text.removesuffix("_text") in landed]
    return " AND ".join(["place_text IS NOT NULL", *(f"{text} IS NULL" for text in others)])


def _system(reading: Reading) -> str:
    declared = quoted(reading.region_system) if reading.region_system else "NULL"
    return f"coalesce(lower(values_read.region_system_text), {declared})"


def _region_value(name: str, system: str, landed: Sequence[str]) -> str:
    if name == "region_code":
        known = "by_region_code.region_code, named_region_code.region_code"
        if "place" in landed:
            known += f", CASE WHEN {_place_is_used(landed)} THEN named_place.region_code END"
        return f"coalesce({known})"
    inside = "SELECT region_code FROM reference.regions WHERE level = 'regency'"
    whole_bps = (
        f"regexp_full_match({name}_text, '[0-9]{{10}}') AND {system} = 'bps' AND left({name}_text, 4) IN ({inside})"
    )
    return f"coalesce(by_{name}.region_code, CASE WHEN {whole_bps} THEN {name}_text END)"


def _region_join(name: str, reading: Reading, day: str, names: Sequence[str]) -> str:
    text = f"values_read.{name}_text"
    system = _system(reading)
    dotted = f"contains({text}, '.') AND NOT {_contradicts(name, reading, names)}"
    kemendagri = f"({dotted} OR {system} = 'kemendagri')"
    at = f"coalesce({day}, getvariable('today'))"
    join = f"""
LEFT JOIN reference.region_codes AS by_{name}
  ON by_{name}.region_system = CASE WHEN {kemendagri} THEN 'kemendagri' ELSE {system} END
  AND by_{name}.code = CASE WHEN {kemendagri} THEN dotted({text}) ELSE {text} END
  AND {at} >= coalesce(by_{name}.valid_from, DATE '0001-01-01')
  AND {at} <= coalesce(by_{name}.valid_to, DATE '9999-12-31')"""
    if name == "region_code":
        join += f"""
LEFT JOIN (SELECT alias, region_code, candidates IS NOT NULL AS is_shared FROM reference.region_names) AS named_{name}
  ON regexp_matches({text}, '[A-Za-z]') AND named_{name}.alias = alias_of({text})"""
    return join


def _repeats(contract: Contract) -> str:
    """Give the good line that a row repeats: an earlier one of its table, or 0 for one of the file's earlier tables."""
    key = ", ".join(contract.key)
    same = " AND ".join(f"earlier.{name} IS NOT DISTINCT FROM sound.{name}" for name in contract.key)
    return (
        f"CASE WHEN NOT _is_sound THEN NULL WHEN EXISTS (SELECT 1 FROM earlier WHERE {same}) THEN 0 "
        f"WHEN row_number() OVER (PARTITION BY {key}, _is_sound ORDER BY _line) > 1 "
        f"THEN first_value(_line) OVER (PARTITION BY {key}, _is_sound ORDER BY _line) END"
    )


def landing_names(contract: Contract) -> list[str]:
    """Give the names that a landed file may have, ``region_system`` included where regions are coded."""
    names = [field.name for field in contract.landing_fields]
    return [*names, "region_system"] if {"region_code", "village_code"} & set(names) else names
