"""Schemas generated from contracts: Polars, Arrow, and DuckDB DDL with comments."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from expectations.columns import ColumnType
from expectations.contracts import Contract, Field

_SQL: dict[ColumnType, str] = {
    "code": "VARCHAR",
    "text": "VARCHAR",
    "period": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(20,4)",
    "decimal8": "DECIMAL(20,8)",
    "money": "DECIMAL(20,2)",
    "share": "DECIMAL(9,6)",
    "double": "DOUBLE",
    "date": "DATE",
    "boolean": "BOOLEAN",
    "hash": "BLOB",
}
_ARROW: dict[str, pa.DataType] = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "DECIMAL(20,4)": pa.decimal128(20, 4),
    "DECIMAL(20,8)": pa.decimal128(20, 8),
    "DECIMAL(20,2)": pa.decimal128(20, 2),
    "DECIMAL(9,6)": pa.decimal128(9, 6),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "BOOLEAN": pa.bool_(),
    "BLOB": pa.binary(),
}


def sql_type(column_type: ColumnType) -> str:
    """Give the DuckDB type of a column type."""
    return _SQL[column_type]


def arrow_schema(fields: Sequence[Field]) -> pa.Schema:
    """Give the Arrow schema of some columns; key and required columns are not nullable only in the checks."""
    return pa.schema([pa.field(field.name, _ARROW[_SQL[field.column.type]]) for field in fields])


def polars_schema(fields: Sequence[Field]) -> pl.Schema:
    """Give the Polars schema of some columns."""
    return pl.Schema(pl.from_arrow(arrow_schema(fields).empty_table()).schema)  # pyright: ignore[reportAttributeAccessIssue,reportUnknownArgumentType,reportUnknownMemberType]


def quoted(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def create_table(contract: Contract, table: str, *, constraints: bool = True) -> str:
    """Write the DDL of a contract's table, with a comment on the table and on every column.

    Args:
        contract: what the table promises.
        table: its qualified name.
        constraints: write NOT NULL for required columns.

    Returns:
        SQL statements, separated by semicolons.
    """
    columns = ",\n  ".join(
        f"{field.name} {_SQL[field.column.type]}{' NOT NULL' if field.required and constraints else ''}"
        for field in contract.core_fields
    )
    comments = [f"COMMENT ON TABLE {table} IS {quoted(f'{contract.description_id} / {contract.description_en}')}"]
    comments += [
        f"COMMENT ON COLUMN {table}.{field.name} IS {quoted(_comment(field))}" for field in contract.core_fields
    ]
    return ";\n".join([f"CREATE TABLE {table} (\n  {columns}\n)", *comments])


def _comment(field: Field) -> str:
    unit = f" [{field.column.unit}]" if field.column.unit else ""
    return f"{field.column.id} / {field.column.en}{unit}"


def select_list(fields: Sequence[Field]) -> str:
    """Write the columns of a select that casts each to its declared type, in the contract's order."""
    return ", ".join(f"CAST({field.name} AS {_SQL[field.column.type]}) AS {field.name}" for field in fields)
