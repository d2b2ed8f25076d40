"""Files that are read on other machines: what those are told, how they read, and how the rows come back.

A worker fetches a file's bytes from the lake, stages its good rows below the core table, and leaves all else that it
read in the lake as well, where files wait to be committed. Values of persons travel between no two processes.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.contracts import contracts_of
from sources.landing import LandedFile
from sources.places import Folder, Place
from warehouse.connections import Limits, connect
from warehouse.crew import Member, ReadFile
from warehouse.file_loading import Sweep, prepared_loader
from warehouse.house import House
from warehouse.lake import LakeError
from warehouse.ledger import shipped_digest
from warehouse.load import Loader
from warehouse.pending import Pending
from warehouse.person_key import PersonKeyError, key_id
from warehouse.reference import LANDED_REFERENCE, load_reference


class AwayError(RuntimeError):
    """Another machine is not set up as the one that asks it to read."""


@dataclass(frozen=True)
class Orders:
    """What holds for all files of one dataset in one sweep.

    Attributes:
        lake: the address of the lake, the same for all machines.
        dataset: whose files they are.
        circumstances: what decides how they are read, beside their bytes and paths.
        today: what lies after it cannot have happened.
        key: the name of the key for persons.
        shipped: the digest of the rules and readers.
        takes_certain: whether lines that are certain go straight to core.
        reference: the landed reference data as this sweep judges by it, as Arrow streams by table.
    """

    lake: str
    dataset: str
    circumstances: str
    today: date
    key: str
    shipped: str
    takes_certain: bool
    reference: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class FileJob:
    """One file to be read on another machine."""

    orders: Orders
    landed: LandedFile


def orders_of(sweep: Sweep, loader: Loader, circumstances: str) -> Orders:
    """Write the orders for the files of a dataset.

    Args:
        sweep: where to and how.
        loader: of the dataset.
        circumstances: what decides how files are read.
    """
    place = sweep.house.place
    return Orders(
        lake=str(place.root.absolute()) if isinstance(place, Folder) else place.uri,
        dataset=loader.contract.name,
        circumstances=circumstances,
        today=sweep.today,
        key=key_id(sweep.person_key),
        shipped=shipped_digest(),
        takes_certain=loader.takes_certain,
        reference=tuple((name, _written(sweep.con, name)) for name in LANDED_REFERENCE),
    )


def _written(con: duckdb.DuckDBPyConnection, name: str) -> bytes:
    table = con.sql(f"FROM reference.{name}").to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


def member_away(orders: Orders, place: Place, limits: Limits, person_key: str, work_dir: Path) -> Member:
    """Take a place in the crew of a sweep on another machine.

    Args:
        orders: what the sweep says.
        place: the lake, as this machine reaches it.
        limits: what DuckDB may use here.
        person_key: the key for persons that this machine knows.
        work_dir: a folder for what is unpacked.

    Raises:
        AwayError: this machine has other rules, or does not see the lake.
        PersonKeyError: its key is another one.
    """
    _confirm(orders, place, person_key)
    house = House(place)
    sweep = Sweep(house, house, connect(limits), orders.today, person_key, work_dir)
    sweep.prepare()
    load_reference(sweep.con)
    for name, written in orders.reference:
        _replace(sweep.con, name, written)
    loader = prepared_loader(sweep, contracts_of("dataset")[orders.dataset], takes_certain=orders.takes_certain)
    return Member(sweep, loader, Pending(house, sweep.con, loader.core, orders.circumstances))


def _confirm(orders: Orders, place: Place, person_key: str) -> None:
    if key_id(person_key) != orders.key:
        raise PersonKeyError(
            f"this worker has person key {key_id(person_key)}, the lake's is {orders.key}; "
            "set CAKUPAN_PERSON_KEY of every worker to that of the lake"
        )
    if shipped_digest() != orders.shipped:
        raise AwayError("this worker has other rules than the run; install the same version of Cakupan on all machines")
    if not place.exists():
        raise AwayError(f"this worker does not see the lake {orders.lake}; share the folder under that path, or use S3")


def _replace(con: duckdb.DuckDBPyConnection, name: str, written: bytes) -> None:
    con.register("brought", pa.ipc.open_stream(written).read_all())
    con.execute(f"DELETE FROM reference.{name}")
    con.execute(f"INSERT INTO reference.{name} BY NAME FROM brought")
    con.unregister("brought")


def read_away(member: Member, landed: LandedFile) -> ReadFile:
    """Read a file whose bytes the lake keeps; its rows stay in the lake, and only what became of it is given.

    Args:
        member: who reads.
        landed: the file, whose bytes are kept; its path is of another machine.
    """
    read = member.read(landed)
    member.sweep.house.place.forget()
    # A file that is not settled has one entry on what befell it, and nothing waits of it in the lake.
    return ReadFile(read.loaded) if read.loaded.is_settled else read


def brought_home(pending: Pending, landed: LandedFile, read: ReadFile) -> ReadFile:
    """Bring what was read on another machine to the tables of a sweep.

    Args:
        pending: where it waits, over the connection of the sweep.
        landed: the file, as the sweep listed it.
        read: what the other machine says.

    Raises:
        LakeError: what it says that it read is not there.
    """
    if not read.loaded.is_settled:
        return replace(read, loaded=replace(read.loaded, landed=landed))
    found = pending.find(landed)
    if found is None:
        raise LakeError(f"what a worker read of {landed.file} is not in the lake; all machines need the same lake")
    return ReadFile(found)
