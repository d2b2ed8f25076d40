"""Write the landing zone: reference data, one file an office and month, several at once, and the truth beside it."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from simulation.attempts import claimed_places, write_attempts
from simulation.country import Country, found, write_reference
from simulation.layouts import manner_of
from simulation.options import Options, SimulationError, refuse_occupied
from simulation.rendering import Export
from simulation.truth import Counts, Told, create_flaws, folder_of, write_truth
from simulation.writing import write_export

# What a membership takes on average in each format, measured on 44,000 of them.
_LINE_BYTES = {"csv": 166, "xlsx": 55, "parquet": 29, "mix": 132}
# A workbook is read whole, and a sheet ends at 1,048,576 rows.
MOST_ROWS_OF_A_SHEET = 500_000
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Written:
    """What was written: exports, their memberships, and the bytes of everything."""

    files: int
    rows: int
    size: int


def planned(country: Country, options: Options) -> list[Export]:
    """Give the exports to be written; an office without members sends none.

    Args:
        country: the simulated country.
        options: what is simulated.

    Raises:
        SimulationError: an office has more members than a sheet holds.
    """
    claimed = claimed_places(country, options)
    return [
        _export(country, options, office_number, period, claimed)
        for period in options.periods()
        for office_number, office in enumerate(country.offices)
        if office.members
    ]


def _export(
    country: Country, options: Options, number: int, period: str, claimed: frozenset[tuple[str, str]]
) -> Export:
    office, before = country.offices[number], country.neighbour_before(country.offices[number])
    after = country.neighbour_after(office)
    manner = manner_of(number, options.format, is_dirty=options.dirty > 0)
    if manner.container == "sheet" and office.members > MOST_ROWS_OF_A_SHEET:
        raise SimulationError(
            f"{office.code} would have {office.members:,} members, and a sheet is to have at most "
            f"{MOST_ROWS_OF_A_SHEET:,}; give more --offices, or --format csv"
        )
    is_claimed = (office.code, period) in claimed
    return Export(
        office,
        period,
        manner,
        f"participants/{office.code}/{period}/{manner.name}",
        is_claimed=is_claimed,
        clashes_in=before != office and before.members > 0 and not is_claimed and (before.code, period) not in claimed,
        clashes_out=after != office and after.members > 0 and not is_claimed and (after.code, period) not in claimed,
    )


def plan(options: Options) -> Written:
    """Tell what would be written, and about how large, without writing.

    Args:
        options: what is simulated.

    Raises:
        SimulationError: an option is out of bounds, or the folder is not empty.
    """
    _check(options)
    files = len(planned(found(options), options))
    rows = options.participants * options.months
    return Written(files, rows, rows * _LINE_BYTES[options.format])


def _check(options: Options) -> None:
    options.check()
    refuse_occupied(options.out)
    refuse_occupied(folder_of(options.out))


def simulate(options: Options, progress: Progress = lambda _rows: None) -> Written:
    """Write a landing zone, and the truth beside it if anything in it is broken.

    Args:
        options: what is simulated.
        progress: is told the memberships of every file that is done.

    Raises:
        SimulationError: an option is out of bounds, or the folder is not empty.
    """
    _check(options)
    country = found(options)
    create_flaws(country.con)
    exports = planned(country, options)
    options.out.mkdir(parents=True, exist_ok=True)
    with _work_folder(options) as work:
        told = _reference(country, options)
        rows, of_exports = _write_all(country, options, exports, work, progress)
        if options.dirty:
            told += of_exports + write_attempts(country, options, exports)
            write_truth(country.con, folder_of(options.out), told)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    return Written(len(exports), rows, size)


@contextmanager
def _work_folder(options: Options) -> Generator[Path]:
    with TemporaryDirectory(dir=options.out.parent, prefix=f".{options.out.name}-") as folder:
        yield Path(folder)


def _reference(country: Country, options: Options) -> list[Told]:
    files = [(path, path.read_text(encoding="utf-8").count("\n")) for path in write_reference(country, options)]
    return [Told(path.relative_to(options.out).as_posix(), Counts(lines, 1, lines - 1)) for path, lines in files]


def _write_all(
    country: Country, options: Options, exports: list[Export], work: Path, progress: Progress
) -> tuple[int, list[Told]]:
    def write(export: Export) -> tuple[int, Told | None]:
        rows, told = write_export(country, options, export, work)
        progress(rows)
        return rows, told.refused("partition_claimed_twice") if told and export.is_claimed else told

    with ThreadPoolExecutor(options.threads) as pool:
        done = list(pool.map(write, exports))
    return sum(rows for rows, _ in done), [told for _, told in done if told]
