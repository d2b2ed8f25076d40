"""The simulated country in a database: cells, contribution rates, and its offices, regencies, workers and targets."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import duckdb

from expectations.schemas import quoted
from simulation.options import Options
from simulation.places import Cell, Regency, cells_of, office_code, thresholds
from warehouse.connections import Limits, connect
from warehouse.reference import load_reference

HERE = Path(__file__).parent
WORKERS = HERE / "reference" / "workers.csv"
# What ships as the offices of the sample's facts ends before the simulation begins: its regencies have other offices.
_CLOSED_ON, _OPENED_ON = "2022-12-31", "2023-01-01"
_KANWIL = {
    "KW-SUMBAGUT": ("Sumbagut", "11 12"),
    "KW-SUMBARRIAU": ("Sumbar-Riau", "13 14 21"),
    "KW-SUMBAGSEL": ("Sumbagsel", "15 16 17 18 19"),
    "KW-JAKARTA": ("DKI Jakarta", "31"),
    "KW-JABAR": ("Jawa Barat", "32"),
    "KW-JATENGDIY": ("Jateng dan DIY", "33 34"),
    "KW-JATIM": ("Jawa Timur", "35"),
    "KW-BANTEN": ("Banten", "36"),
    "KW-BANUSPA": ("Banuspa", "51 52 53 91 92 94 95 96 97"),
    "KW-KALIMANTAN": ("Kalimantan", "61 62 63 64 65"),
    "KW-SULAMA": ("Sulama", "71 72 73 74 75 76 81 82"),
}
_KANWIL_OF = {province: code for code, (_, provinces) in _KANWIL.items() for province in provinces.split()}
_REGIONS_TOLD = """
CREATE TABLE regions_told AS
SELECT region.region_code AS regency, any_value(known.code) AS by_kemendagri, any_value(region.name_id) AS by_name
FROM reference.regions AS region
JOIN reference.region_codes AS known
  ON known.region_code = region.region_code AND known.region_system = 'kemendagri' AND known.valid_to IS NULL
WHERE region.level = 'regency' AND region.valid_to IS NULL
GROUP BY region.region_code
"""
# 123 branches and 202 smaller ones below them, as the country has.
_BRANCHES = (0, 3, 6)
_BRANCHES_OF = 8


@dataclass(frozen=True)
class Office:
    """One simulated office: its code, name and place in the hierarchy, and the slots of its memberships."""

    number: int
    code: str
    name: str
    office_type: str
    parent_code: str
    kanwil_code: str
    cells: tuple[Cell, ...]

    @property
    def members(self) -> int:
        """Memberships that are booked here, those that are away included and guests left out."""
        return self.cells[-1].end_slot - self.cells[0].first_slot


@dataclass(frozen=True)
class Country:
    """A database with the tables that exports are made from, and the offices in order."""

    con: duckdb.DuckDBPyConnection
    offices: tuple[Office, ...]

    def neighbour_before(self, office: Office) -> Office:
        """Give the office whose people move to this one."""
        return self.offices[office.number - 1]

    def neighbour_after(self, office: Office) -> Office:
        """Give the office that this one's people move to."""
        return self.offices[(office.number + 1) % len(self.offices)]


def found(options: Options) -> Country:
    """Found a country: the same one for the same offices, participants and seed.

    Args:
        options: what is simulated.

    Returns:
        The country, whose connection has tables ``cells`` and ``rates``, schema ``reference`` and the macros.
    """
    con = connect(Limits(options.memory, options.threads))
    # Memberships stream past the small tables that they are joined with, in their order: nothing is to be turned round.
    con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    load_reference(con)
    con.execute((HERE / "macros.sql").read_text(encoding="utf-8"))
    con.execute(f"CREATE TABLE workers AS FROM read_csv({quoted(str(WORKERS))}, types = {{'region_code': 'VARCHAR'}})")
    con.execute((HERE / "rates.sql").read_text(encoding="utf-8"))
    cells = cells_of(_regencies(con), options.offices, options.participants, options.seed)
    offices = tuple(_offices(cells, options.offices))
    _create_cells(con, offices)
    con.execute(_REGIONS_TOLD)
    return Country(con, offices)


def _regencies(con: duckdb.DuckDBPyConnection) -> list[Regency]:
    rows = con.execute(
        "SELECT region_code, name_id, formal, informal, f FROM workers JOIN reference.regions USING (region_code) "
        "ORDER BY region_code"
    ).fetchall()
    return [Regency(*row) for row in rows]


def _offices(cells: Sequence[Cell], count: int) -> Iterator[Office]:
    served = [tuple(cell for cell in cells if cell.office_no == number) for number in range(count)]
    names: dict[str, int] = {}
    branch: dict[str, str] = {}
    for number, own in enumerate(served):
        code, main = office_code(number, count), max(own, key=lambda cell: cell.weight).regency
        kanwil = _KANWIL_OF[main.code[:2]]
        names[main.name] = names.get(main.name, 0) + 1
        again = f" {names[main.name]}" if names[main.name] > 1 else ""
        is_branch = kanwil not in branch or number % _BRANCHES_OF in _BRANCHES
        parent = kanwil if is_branch else branch[kanwil]
        branch[kanwil] = code if is_branch else branch[kanwil]
        yield Office(number, code, f"{main.name}{again}", "kc" if is_branch else "kcp", parent, kanwil, own)


def _create_cells(con: duckdb.DuckDBPyConnection, offices: Sequence[Office]) -> None:
    """Create ``cells``: where slots lie, what their segments are, and the next office's first cell."""
    con.execute(
        "CREATE TABLE served (cell_no BIGINT, office_no BIGINT, region_code VARCHAR, first_slot BIGINT, "
        "end_slot BIGINT, pu_to INTEGER, bpu_to INTEGER, jakon_to INTEGER)"
    )
    cells = [cell for office in offices for cell in office.cells]
    rows = [
        (number, cell.office_no, cell.regency.code, cell.first_slot, cell.end_slot, *thresholds(cell.regency.insured()))
        for number, cell in enumerate(cells)
    ]
    con.executemany("INSERT INTO served VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    con.execute((HERE / "cells.sql").read_text(encoding="utf-8"))


def write_reference(country: Country, options: Options) -> list[Path]:
    """Write what is not an export: offices, regencies served, workers and targets, as canonical CSV.

    Args:
        country: the simulated country.
        options: what is simulated.

    Returns:
        The written files.
    """
    return [
        _written(options.out / "offices" / "offices.csv", _office_rows(country)),
        _written(options.out / "office_regions" / "office_regions.csv", _region_rows(country)),
        _written(options.out / "labour_force" / "sakernas_2025.csv", _labour_rows(country.con)),
        _written(options.out / "targets" / "targets.csv", _target_rows(country, options)),
    ]


def _written(path: Path, rows: Iterable[Sequence[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened, lineterminator="\n").writerows(rows)
    return path


def _office_rows(country: Country) -> Iterator[Sequence[Any]]:
    yield "office_code", "name", "office_type", "parent_code", "kanwil_code", "valid_from", "valid_to"
    for code, (name, _) in _KANWIL.items():
        yield code, name, "kanwil", "PUSAT", code, "", ""
    for office in country.offices:
        yield office.code, office.name, office.office_type, office.parent_code, office.kanwil_code, _OPENED_ON, ""
    yield from country.con.execute(
        "SELECT office_code, name, office_type, parent_code, kanwil_code, NULL, $1 FROM reference.offices "
        "WHERE office_type IN ('kc', 'kcp') ORDER BY ALL",
        [_CLOSED_ON],
    ).fetchall()


def _region_rows(country: Country) -> Iterator[Sequence[Any]]:
    yield "office_code", "region_system", "region_code", "share", "valid_from", "valid_to"
    for office in country.offices:
        for cell in office.cells:
            yield office.code, "bps", cell.regency.code, f"{cell.share:g}", _OPENED_ON, ""
    yield from country.con.execute(
        "SELECT office_code, 'bps', region_code, share::DOUBLE, NULL, $1 FROM reference.office_regions ORDER BY ALL",
        [_CLOSED_ON],
    ).fetchall()


def _labour_rows(con: duckdb.DuckDBPyConnection) -> Iterator[Sequence[Any]]:
    yield "region_system", "region_code", "year", "round", "concept", "value", "vintage", "source_kind", "source"
    said = "2025-11-05", "bps", "Sakernas Agustus 2025, BPS"
    for code, concept, value in con.execute((HERE / "labour.sql").read_text(encoding="utf-8")).fetchall():
        yield "bps", code, 2025, "aug", concept, value, *said


def _target_rows(country: Country, options: Options) -> Iterator[Sequence[Any]]:
    yield "year", "office_code", "segment", "basis", "target", "phasing", "version", "decided_on", "source"
    for year in sorted({period[:4] for period in options.periods()}):
        dice = Random(f"targets {options.seed} {year}")  # noqa: S311 nothing here is secret
        for office in country.offices:
            for segment, basis, share in (
                ("PU", "active_stock", 0.8),
                ("BPU", "active_stock", 0.75),
                ("BPU", "new_ytd", 0.3),
            ):
                expected = share * sum(_members(cell, segment) for cell in office.cells)
                target = round(expected * (0.95 + 0.2 * dice.random()))
                phasing = "linear" if basis == "new_ytd" else "flat"
                yield year, office.code, segment, basis, target, phasing, 1, f"{year}-01-05", "simulasi"


def _members(cell: Cell, segment: str) -> float:
    insured = cell.regency.insured()
    return (cell.end_slot - cell.first_slot) * insured[segment] / sum(insured.values())
