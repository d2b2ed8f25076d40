"""The data files of participants, each the export of one office and month, and how their rows are read."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.schemas import quoted


@dataclass(frozen=True)
class Export:
    """One data file; ``key`` is its path below the table and never stands for other bytes."""

    key: str
    path: str

    @classmethod
    def at(cls, path: str) -> "Export":
        """Describe the data file at a local path."""
        return cls("/".join(Path(path).parts[-3:]), path)

    @property
    def office_code(self) -> str:
        """The office that exported it."""
        return self.key.split("/")[0].partition("=")[2]

    @property
    def period(self) -> str:
        """The month that it is of."""
        return self.key.split("/")[1].partition("=")[2]


def read_into(con: duckdb.DuckDBPyConnection, view: str, exports: Iterable[Export]) -> None:
    """Create a view of the rows of some data files: the table's columns and ``path``, which ``partials.files`` knows.

    Args:
        con: the connection.
        view: its name.
        exports: at least one data file.
    """
    listed = ", ".join(quoted(export.path) for export in exports)
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW {view} AS FROM read_parquet([{listed}], "
        "hive_partitioning = true, hive_types_autocast = false, filename = 'path')"
    )


def list_exports(con: duckdb.DuckDBPyConnection, exports: Iterable[Export]) -> None:
    """Create ``partials.files``: path, file (the key), office_code and period of every data file."""
    con.execute("CREATE SCHEMA IF NOT EXISTS partials")
    con.execute(
        "CREATE OR REPLACE TABLE partials.files (path VARCHAR, file VARCHAR, office_code VARCHAR, period VARCHAR)"
    )
    rows = [(export.path, export.key, export.office_code, export.period) for export in exports]
    if rows:
        columns = ", ".join(f"unnest(${place}::VARCHAR[])" for place in range(1, 5))
        con.execute(
            f"INSERT INTO partials.files SELECT {columns}", [list(column) for column in zip(*rows, strict=True)]
        )
