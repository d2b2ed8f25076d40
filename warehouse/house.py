"""Where everything of one lake stands: raw snapshots, core tables, quarantine, the record of arrivals and loads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.contracts import contracts_of, load_contracts
from expectations.schemas import arrow_schema
from sources.places import Folder, Place
from sources.snapshots import Snapshots
from warehouse.lake import Opened, Table, files_relation
from warehouse.lease import unleased

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
    """One lake in one place.

    ``confirm`` is asked before each commit to one of its tables and raises where this run may not write any more.
    It is for one thread: its tables stay open.
    """

    place: Place
    confirm: Callable[[], None] = field(default=unleased, compare=False)
    _opened: dict[str, Opened] = field(default_factory=dict[str, Opened], init=False, compare=False, repr=False)

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
        return Table(self.place.below("arrivals"), ARRIVALS, (), self.confirm, self._opened)

    @property
    def loads(self) -> Table:
        """One row per reading of a file: its verdict and its counts of lines."""
        return Table(self.place.below("loads"), LOADS, (), self.confirm, self._opened)

    @property
    def quarantine(self) -> Table:
        """The lines that did not pass, by the file they came from."""
        return self._table("quarantine", "quarantine")

    def core(self, name: str) -> Table:
        """The core table of a dataset."""
        return self._table(f"core/{name}", name)

    def _table(self, key: str, name: str) -> Table:
        contract = load_contracts()[name]
        schema = arrow_schema(contract.core_fields)
        return Table(self.place.below(key), schema, contract.partition, self.confirm, self._opened)

    def readings(self) -> str:
        """Write the SQL of every reading of a file, in the columns of `loads`."""
        return self.loads.relation()

    def standing(self) -> list[tuple[str, str, str]]:
        """Give which file stands for each office and month of participants: period, office_code and sha256.

        A data file lies in the folders of its office and month, and its name begins with the sha256.
        """
        found: set[tuple[str, str, str]] = set()
        for key in self.core("participants").data_keys():
            *folders, name = key.split("/")
            place = dict(folder.split("=", 1) for folder in folders)
            found.add((place["period"], place["office_code"], name[:64]))
        return sorted(found)

    def core_versions(self, names: Iterable[str] | None = None) -> dict[str, int]:
        """Give the newest version of every core table that was ever written, or of those among some."""
        # One listing tells which there are: of every one that is not there S3 would be asked twice.
        there = set(self.place.folders("core"))
        asked = contracts_of("dataset") if names is None else names
        versions = {name: self.core(name).version() for name in asked if name in there}
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

    def drop_old_copies(self, kept: Sequence[Mapping[str, int]] = ()) -> None:
        """Let go the local copies of Parquet files that no newest version holds; in a folder there are none.

        Args:
            kept: further versions of core tables that are read, such as those of the promoted build.
        """
        if isinstance(self.place, Folder):
            return
        for table in (self.arrivals, self.loads, self.quarantine):
            table.drop_copies()
        for name in contracts_of("dataset"):
            if (self.root / "core" / name).is_dir():
                self.core(name).drop_copies(versions[name] for versions in kept if name in versions)
