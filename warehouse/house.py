"""Where everything of one lake stands: raw snapshots, core tables, quarantine, the record of arrivals and loads."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.contracts import contracts_of, load_contracts
from expectations.schemas import arrow_schema
from sources.places import Place
from sources.snapshots import Snapshots
from warehouse.lake import Table, files_relation

_UTC = pa.timestamp("us", tz="UTC")
ARRIVALS = pa.schema(
    [
        ("source_key", pa.string()),
        ("dataset", pa.string()),
        ("file", pa.string()),
        ("size", pa.int64()),
        ("sweep", pa.int64()),
        ("arrived_at", _UTC),
    ]
)
LOADS = pa.schema(
    [
        ("source_key", pa.string()),
        ("file", pa.string()),
        ("sweep", pa.int64()),
        ("reading", pa.string()),
        ("verdict", pa.string()),
        ("read", pa.int64()),
        ("header", pa.int64()),
        ("good", pa.int64()),
        ("quarantined", pa.int64()),
        ("blank", pa.int64()),
        ("warnings", pa.string()),
    ]
)


@dataclass(frozen=True)
class House:
    """One lake in one place."""

    place: Place

    @property
    def root(self) -> Path:
        """The local folder in which its files are read and made."""
        return self.place.root

    @property
    def snapshots(self) -> Snapshots:
        """The raw bytes."""
        return Snapshots(self.place.below("raw"))

    @property
    def arrivals(self) -> Table:
        """One row per sha256 that ever landed: when, in which sweep, under which path."""
        return Table(self.place.below("arrivals"), ARRIVALS)

    @property
    def loads(self) -> Table:
        """One row per reading of a file: its verdict and its counts of lines."""
        return Table(self.place.below("loads"), LOADS)

    @property
    def quarantine(self) -> Table:
        """The lines that did not pass, by the file they came from."""
        contract = load_contracts()["quarantine"]
        return Table(self.place.below("quarantine"), arrow_schema(contract.core_fields), contract.partition)

    def core(self, name: str) -> Table:
        """The core table of a dataset."""
        contract = load_contracts()[name]
        return Table(self.place.below(f"core/{name}"), arrow_schema(contract.core_fields), contract.partition)

    def core_versions(self) -> dict[str, int]:
        """Give the newest version of every core table that was ever written."""
        versions = {name: self.core(name).version() for name in contracts_of("dataset")}
        return {name: version for name, version in versions.items() if version is not None}

    def core_files(self, versions: dict[str, int]) -> dict[str, list[str]]:
        """Give the Parquet files of every core table at the given versions; none for a table not listed."""
        return {
            name: self.core(name).files(versions[name]) if name in versions else [] for name in contracts_of("dataset")
        }

    def attach_core(self, con: duckdb.DuckDBPyConnection, versions: dict[str, int]) -> None:
        """Create schema ``core`` with one view a core table, at the given versions."""
        con.execute("CREATE SCHEMA IF NOT EXISTS core")
        for name, files in self.core_files(versions).items():
            table = self.core(name)
            con.execute(
                f"CREATE OR REPLACE VIEW core.{name} AS {files_relation(files, table.schema, table.partition_by)}"
            )
