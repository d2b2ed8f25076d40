"""The SQL that takes certain lines straight to core: those of which a cheap look proves what all rules would find.

A cell is certain where its text has the one shape that the canonical layout gives to its value; a line is certain
where all its cells are, and where no rule of the contract is broken by what they say. What is not certain is not bad:
`transforms.clean` reads and judges it, as it does the lines of all other files. Both must give the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

from expectations.columns import column_dictionary
from expectations.contracts import Contract, Field, Rule
from expectations.rules import row_rules
from expectations.schemas import quoted, select_list

_FOLDER = Path(__file__).parent / "lookups"
_PROGRAMMES = ("JHT", "JKK", "JKM", "JKP", "JP")
# Columns whose combinations are few: rules that look at nothing else are judged once a combination.
KIND_COLUMNS = ("segment", "employer_scale", "programmes")
_REGIONS = ("region_code", "village_code")
_SHAPES = {"period": "[0-9]{4}-(0[1-9]|1[0-2])", "date": "[0-9]{4}-[0-9]{2}-[0-9]{2}", "money": "[0-9]{1,15}"}


@dataclass(frozen=True)
class Certain:
    """What makes the lines of one file certain, beside their cells.

    Attributes:
        columns: the canonical columns that the file has.
        nulls: cells that stand for nothing.
        region_system: the declared system of its region codes.
        partition: the office and month that its lines are expected to be of.
        exported_at: when its first line says that it was exported.
    """

    columns: frozenset[str]
    nulls: Sequence[str]
    region_system: str | None
    partition: Mapping[str, str]
    exported_at: str | None


def has_certain_lines(contract: Contract) -> bool:
    """Tell whether a dataset's lines can be certain: whether it says what its rules look up."""
    return _looks_up(contract).is_file()


def _looks_up(contract: Contract) -> Path:
    return _FOLDER / f"{contract.name}.sql"


def kind_rows() -> list[tuple[str | None, ...]]:
    """Give the combinations of `KIND_COLUMNS` that a canonical file may write."""
    named = column_dictionary()
    written = ["+".join(order) for size in range(1, 6) for order in permutations(_PROGRAMMES, size)]
    return list(product(named["segment"].values, (None, *named["employer_scale"].values), written))


def kind_mask(contract: Contract) -> int:
    """Give the bits of the rules, warnings included, that look at a line's kind alone."""
    return sum(1 << bit for bit, rule in enumerate(row_rules(contract)) if _is_of_kind(rule))


def _is_of_kind(rule: Rule) -> bool:
    return bool(rule.columns) and set(rule.columns) <= set(KIND_COLUMNS)


def certain_select(contract: Contract, certain: Certain, lines: str, source_key: str) -> str:
    """Write the select of core's columns from the certain lines.

    Args:
        contract: the dataset's contract.
        certain: what makes a line certain.
        lines: a relation of the file's canonical columns as text.
        source_key: the file's sha256.

    Returns:
        A select over ``lines``, ``reference`` and ``kinds``: the combinations of `KIND_COLUMNS` that break no rule,
        each with its ``programme_set``.
    """
    constants = f"'final' AS value_status, {quoted(source_key)} AS source_key"
    looked_up = f"SELECT *, {constants} FROM ({_looked_up(contract, certain, lines)}) WHERE {_is_certain(contract)}"
    return f"SELECT {select_list(contract.core_fields)} FROM ({looked_up})"


def uncertain_select(contract: Contract, certain: Certain, lines: str) -> str:
    """Write the select of ``_nth`` of the lines that are not certain; see `certain_select`."""
    looked_up = _looked_up(contract, certain, lines)
    return f"SELECT _nth FROM ({looked_up}) WHERE coalesce(NOT ({_is_certain(contract)}), true)"


def _is_certain(contract: Contract) -> str:
    rules = [rule.predicate for rule in contract.rules if not _is_of_kind(rule)]
    broken = " OR ".join(f"({predicate})" for predicate in rules)
    return f"_cells_are_certain AND _is_known_kind AND NOT coalesce({broken}, false)"


def _looked_up(contract: Contract, certain: Certain, lines: str) -> str:
    """Write the values of every line, right where its cells are certain, beside what the rules look up."""
    landed = [field for field in contract.landing_fields if field.name in certain.columns and _matters(field)]
    values = ", ".join(f"{_value(field, certain)} AS {field.name}" for field in contract.landing_fields)
    cells = " AND ".join(_is_certain_cell(field, certain) for field in landed)
    constants = ", ".join(f"{quoted(value)} AS {name}" for name, value in certain.partition.items())
    looked_up = _looks_up(contract).read_text(encoding="utf-8")
    return f"""
WITH place AS (SELECT {constants}),
typed AS (
  SELECT * EXCLUDE ({", ".join(sorted(certain.columns))}), {values}, {_system(certain)} AS region_system,
    {cells} AS _cells_are_certain
  FROM ({lines})
),
codes AS (
  SELECT region_system, code, region_code FROM reference.region_codes, place
  WHERE last_day_of(place.period) >= coalesce(valid_from, DATE '0001-01-01')
    AND last_day_of(place.period) <= coalesce(valid_to, DATE '9999-12-31')
),
{looked_up}"""


def _matters(field: Field) -> bool:
    """Tell whether a column goes to core or is looked at by rules; a name is neither."""
    return field.in_core or field.column.type != "text" or field.name == "exported_at"


def _value(field: Field, certain: Certain) -> str:
    """Write the value of a cell, right where it is certain."""
    name = field.name
    if name in certain.partition:
        return quoted(certain.partition[name])
    cell = name if name in certain.columns else "NULL"
    match field.column.type:
        case "date":
            return f"try_cast({cell} AS DATE)"
        case "money":
            return f"try_cast({cell} AS DECIMAL(18, 2))"
        case _ if _is_free_text(field):
            return f"nullif(trim({cell}), '')"
        case _:
            return f"CAST({cell} AS VARCHAR)"


def _is_free_text(field: Field) -> bool:
    """Tell whether a cell may say anything: no list, no rule and no table says what it can be."""
    is_coded = bool(field.column.values) or field.name in (*KIND_COLUMNS, *_REGIONS)
    return field.column.type in ("code", "text") and not is_coded and field.column.classification != "identifier"


def _is_certain_cell(field: Field, certain: Certain) -> str:
    name = field.name
    told = {**certain.partition, "exported_at": certain.exported_at}
    if name in told:
        return f"{name} IS NOT DISTINCT FROM {_literal(told[name])}"
    shapes = _SHAPES.get(field.column.type)
    if shapes is not None:
        shape = f"regexp_full_match({name}, '{shapes}')"
        shape += f" AND isfinite(try_cast({name} AS DATE))" if field.column.type == "date" else ""
    elif _is_free_text(field):
        shape = f"{name} NOT IN ({_listed(certain.nulls)})"
    elif field.column.values and name not in KIND_COLUMNS:
        shape = f"{name} IN ({_listed(field.column.values)})"
    else:
        # Tables and rules know every value that passes.
        return f"{name} IS NOT NULL" if field.required else "true"
    return f"coalesce({shape}, {'false' if field.required else f'{name} IS NULL'})"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(quoted(value) for value in values)


def _literal(value: str | None) -> str:
    return "NULL" if value is None else quoted(value)


def _system(certain: Certain) -> str:
    """Write the system of a line's codes: what the line says, what its layout says, or what a dotted code is."""
    told = ["region_system"] if "region_system" in certain.columns else []
    dotted = "CASE WHEN contains(region_code, '.') THEN 'kemendagri' END"
    return f"coalesce({', '.join([*told, _literal(certain.region_system), dotted])})"
