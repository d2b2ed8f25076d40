"""Load the files of a sweep one by one, as steps that can be watched, tried again and taken up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from expectations.contracts import Contract
from sources.landing import LandedFile
from sources.snapshots import SnapshotError
from sources.text import refused_lines
from transforms.certain import has_certain_lines
from transforms.clean import MACROS
from warehouse.bad_rows import add_bad_entry, forget_bad_rows
from warehouse.certain_lines import create_kinds
from warehouse.connections import planned_as_written
from warehouse.house import House
from warehouse.load import Lines, LoadedFile, Loader
from warehouse.pending import Pending
from warehouse.stepping import Step, plainly

if TYPE_CHECKING:
    from warehouse.crew import Crew

Progress = Callable[[str, int, int], None]
# Bytes.
_WORTH_PREPARING = 500_000


@dataclass(frozen=True)
class Sweep:
    """What a sweep needs: the lake, a connection, what lies in the future, the key for persons, whom to tell.

    ``scratch`` is where rows are staged: the lake itself, or a throw-away lake in a dry run, which then holds what
    would be committed. ``today`` is the real date, or the business date if that is later: what lies after it cannot
    have happened, while a run for an earlier business date still loads what came since. ``again`` names files that are
    read although nothing is new about them; a sweep that has any judges nothing beside them. ``workers`` is how many
    files are read at a time; null: one a processor. ``crew`` reads the files of a dataset; null: threads of this
    process.
    """

    house: House
    scratch: House
    con: duckdb.DuckDBPyConnection
    today: date
    person_key: str
    work_dir: Path
    progress: Progress = field(default=lambda _file, _done, _of: None)
    on_news: Callable[[], None] = field(default=lambda: None)
    step: Step = plainly
    again: frozenset[str] = frozenset()
    workers: int | None = None
    crew: "Crew | None" = None

    def prepare(self) -> None:
        """Give the connection the transforms' macros, and what they ask for."""
        self.con.execute(MACROS.read_text(encoding="utf-8"))
        planned_as_written(self.con)
        self.set_variables()

    def set_variables(self) -> None:
        """Tell the connection what the macros ask for."""
        self.con.execute(f"SET VARIABLE today = DATE '{self.today:%Y-%m-%d}'")
        self.con.execute("SET VARIABLE person_key = $1", [self.person_key])

    @property
    def is_dry(self) -> bool:
        """True where nothing may be written to the lake."""
        return self.scratch != self.house


def takes_certain(contract: Contract, files: Sequence[LandedFile]) -> bool:
    """Tell whether files are worth the tables by which their lines are certain; few lines are read sooner without."""
    return has_certain_lines(contract) and sum(landed.size for landed in files) >= _WORTH_PREPARING


def prepared_loader(sweep: Sweep, contract: Contract, *, takes_certain: bool) -> Loader:
    """Give a loader of a dataset, its tables made.

    Args:
        sweep: prepared, its connection with ``reference``.
        contract: of the dataset.
        takes_certain: make the tables by which lines are certain too.
    """
    found = sweep.con.execute("SELECT office_code FROM reference.offices").fetchall()
    core, offices = sweep.scratch.core(contract.name), frozenset(row[0] for row in found)
    loader = Loader(sweep.con, contract, core, offices, sweep.work_dir, takes_certain)
    loader.prepare()
    if takes_certain:
        create_kinds(sweep.con, contract)
    return loader


def load_step(sweep: Sweep, loader: Loader, landed: LandedFile, pending: Pending) -> LoadedFile:
    """Load one file as a step, unless a run that died has read it already.

    Args:
        sweep: where to and how.
        loader: of the file's dataset.
        landed: the file.
        pending: where what was read waits to be committed; a dry run leaves nothing there.
    """

    def load() -> LoadedFile:
        result = load_once(sweep, loader, landed)
        if not sweep.is_dry:
            pending.keep(result)
        return result

    return sweep.step(landed.told(loader.offices), load, lambda: None if sweep.is_dry else pending.find(landed))


def load_once(sweep: Sweep, loader: Loader, landed: LandedFile) -> LoadedFile:
    """Keep a file's bytes and load them; a file that cannot be loaded is refused and stops no other."""
    try:
        kept = keep(sweep, landed)
    except SnapshotError as changing:
        return postpone(sweep, landed, str(changing))
    try:
        return loader.load(landed, kept)
    except duckdb.DataError:
        return _set_aside(sweep, landed, kept)
    except Exception:
        _forget(sweep, landed)
        raise


def keep(sweep: Sweep, landed: LandedFile) -> Path:
    """Keep a file's bytes and give their path; a dry run keeps nothing.

    Raises:
        SnapshotError: the file has other bytes now than when it was listed, or is gone.
    """
    return landed.path if sweep.is_dry else sweep.house.snapshots.keep(landed)


def _forget(sweep: Sweep, landed: LandedFile) -> None:
    """Let go what was read of a file, so that it can be read once more."""
    forget_bad_rows(sweep.con, landed.sha256)
    sweep.con.execute("DELETE FROM incoming WHERE source_key = ?", [landed.sha256])


def _set_aside(sweep: Sweep, landed: LandedFile, kept: Path) -> LoadedFile:
    """Refuse a file with a value that no rule foresaw and no table can hold; the other files go on."""
    _forget(sweep, landed)
    messages = (
        "Berkas memuat nilai yang tidak dapat disimpan dan tidak dikenali aturan; laporkan kepada pengelola sistem",
        "The file holds a value that cannot be stored and that no rule knows; tell the keeper of the system",
    )
    result = LoadedFile(landed, unread_lines(landed, kept), verdict="refused", is_settled=False)
    add_bad_entry(sweep.con, landed, "value_cannot_be_stored", messages, lines=result.lines.quarantined)
    return result


def postpone(sweep: Sweep, landed: LandedFile, reason: str) -> LoadedFile:
    """Leave a file that is still being written to the next sweep.

    Args:
        sweep: where its entry in quarantine goes.
        landed: the file.
        reason: what was found.
    """
    messages = ("Berkas masih berubah saat disalin; dibaca lagi pada putaran berikutnya", reason)
    add_bad_entry(sweep.con, landed, "file_still_changing", messages)
    return LoadedFile(landed, verdict="refused", is_settled=False)


def unread_lines(landed: LandedFile, kept: Path) -> Lines:
    """Count the lines of a text file that nobody reads; of others there are none to count.

    Args:
        landed: the file, whose name tells whether it is text.
        kept: its bytes.
    """
    if not landed.file.lower().endswith((".csv", ".tsv")):
        return Lines()
    counted = refused_lines(kept)
    return Lines(counted.read, 0, 0, counted.read - counted.blank, counted.blank)
