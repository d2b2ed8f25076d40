"""Partial aggregates brought up to date night by night are those that are made from nothing."""

import random
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest

from expectations.contracts import contracts_of
from expectations.schemas import create_table
from sources.places import Folder
from warehouse.partials import persons
from warehouse.partials.exports import Export
from warehouse.partials.persons import Before, Counted
from warehouse.partials.refresh import refresh
from warehouse.partials.store import Store
from warehouse.partials.work import Work
from warehouse.reference import load_reference

MONTHS = [f"2026-{month:02}" for month in range(1, 7)]
OFFICES = {"A": "K1", "B": "K1", "C": "K2", "D": None}
TABLES = ("cells", "shared", "dropped", "arrivals", "moves", "started", "retained")
SEGMENTS = ("PU", "JAKON", "BPU", "PMI")


class Member(NamedTuple):
    """One row of one export."""

    membership_id: bytes
    person_id: bytes
    segment: str
    region_code: str
    last_paid_period: str
    registered_date: date
    channel: str | None
    funding: str | None


class Lake:
    """Data files of participants, as a night leaves them: never changed, only replaced."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.chance = random.Random(seed)  # noqa: S311 -- an invented country, not a secret
        self.standing: dict[tuple[str, str], Export] = {}
        self.offices: dict[str, tuple[str | None, str | None]] = {
            office: (kanwil, None) for office, kanwil in OFFICES.items()
        }
        self.grace = 3

    def where(self, membership: int, month: int) -> str | None:
        """Give the one office that may export a membership in a month, so that none stands twice in one."""
        chance = random.Random(f"{membership} {month // 2}")  # noqa: S311
        return chance.choice(["A", "A", "B", "C", "D", None])

    def export(self, office: str, month: int) -> None:
        """Let an office export a month, in place of what it exported before."""
        members = [
            self.member(number, month)
            for number in range(40)
            if self.where(number, month) == office and self.chance.random() < 0.9
        ]
        name = f"{self.chance.randrange(10**9):064}-{len(self.standing)}.parquet"
        path = self.root / f"office_code={office}" / f"period={MONTHS[month]}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = pl.DataFrame(members, schema=Member._fields, orient="row")
        frame.with_columns(pl.lit("key").alias("source_key")).write_parquet(path)
        self.standing[office, MONTHS[month]] = Export.at(str(path))

    def member(self, number: int, month: int) -> Member:
        """Invent one row; a corrected export may give the membership to another person."""
        person = self.chance.randrange(25) if self.chance.random() < 0.1 else number % 25
        paid = month - self.chance.choice((0, 0, 1, 2, 3, 5))
        return Member(
            f"m{number}".encode(), f"p{person}".encode(), self.chance.choice(SEGMENTS[: 2 + number % 3]),
            self.chance.choice(("1303", "1311", "130301", "51", "0000")),
            f"{2026 + (paid - paid % 12) // 12}-{paid % 12 + 1:02}", date(2025 + number % 2, 1 + number % 6, 5),
            self.chance.choice(("app", "branch", None)), self.chance.choice(("self", None)),
        )  # fmt: skip

    def change(self, month: int) -> None:
        """Let one thing happen, as it may on any day."""
        office = self.chance.choice(list(OFFICES))
        event = self.chance.randrange(8)
        if event < 5:
            self.export(office, self.chance.randint(max(0, month - 3), month))
        elif event == 5 and len(self.standing) > 3:
            self.standing.pop(self.chance.choice(list(self.standing)))
        elif event == 6:
            self.offices[office] = (self.chance.choice(("K1", "K2", None)), self.chance.choice((None, "2026-04-15")))
        else:
            self.grace = self.chance.choice((2, 3))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        load_reference(connection)
        connection.execute("CREATE SCHEMA core")
        for name, contract in contracts_of("dataset").items():
            connection.execute(create_table(contract, f"core.{name}"))
        yield connection


def refreshed(con: duckdb.DuckDBPyConnection, lake: Lake, kept: Path, as_of: date) -> dict[str, list[Any]]:
    """Bring partial aggregates up to date; gives all tables."""
    con.execute("DELETE FROM reference.offices")
    for office, (kanwil, closed) in lake.offices.items():
        con.execute(
            "INSERT INTO reference.offices (office_code, name, kanwil_code, valid_to) VALUES ($1, $1, $2, $3)",
            [office, kanwil, closed],
        )
    con.execute("UPDATE reference.grace SET grace_months = ?", [lake.grace])
    found = {path: Export.at(str(path)) for path in lake.root.rglob("*.parquet")}
    by_key = {export.key: export for export in found.values()}
    refresh(Work(con, Store(Folder(kept)), list(lake.standing.values()), by_key.get), as_of)
    return {table: con.execute(f"FROM partials.{table} ORDER BY ALL").fetchall() for table in TABLES}


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 8))])
def test_what_is_brought_up_to_date_is_what_is_made_from_nothing(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    recounts: list[int] = []

    def recount(con: duckdb.DuckDBPyConnection, counted: Sequence[Counted], before: Before) -> dict[str, str]:
        recounts.append(len(counted))
        return persons.recount_persons(con, counted, before)

    monkeypatch.setattr("warehouse.partials.months.recount_persons", recount)
    lake = Lake(tmp_path / "core", seed)
    seen: set[str] = set()
    for office in OFFICES:
        lake.export(office, 0)
    for night in range(12):
        month = min(night // 2, len(MONTHS) - 1)
        for _ in range(lake.chance.randint(1, 3)):
            lake.change(month)
        as_of = date(2026, month + 2, 9)
        nightly = refreshed(con, lake, tmp_path / "kept", as_of)
        assert nightly == refreshed(con, lake, tmp_path / f"made on {night}", as_of)
        seen.update(table for table in TABLES if nightly[table])
    assert len(recounts) > 2
    assert seen >= set(TABLES) - {"retained", "dropped"}


def test_flows_and_cohorts_are_what_a_plain_reading_counts(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "core", 7)
    rows: dict[str, dict[bytes, tuple[str, Member]]] = {}
    for month, period in enumerate(MONTHS):
        rows[period] = {}
        for office in OFFICES:
            lake.export(office, month)
            for row in pl.read_parquet(lake.standing[office, period].path).drop("source_key").iter_rows():
                rows[period][row[0]] = (office, Member(*row))
    tables = refreshed(con, lake, tmp_path / "kept", date(2026, 7, 9))

    def is_active(member: Member, period: str) -> bool:
        months = [int(text[:4]) * 12 + int(text[5:]) for text in (period, member.last_paid_period)]
        return months[0] - months[1] < 3

    def stands(period: str, membership: bytes) -> tuple[str, str, bool]:
        office, member = rows[period][membership]
        return office, member.segment, is_active(member, period)

    moves = [
        (period, *stands(before, membership), *stands(period, membership))
        for before, period in pairwise(MONTHS)
        for membership in rows[before].keys() & rows[period].keys()
    ]
    assert sum(row[-1] for row in tables["moves"]) == len(moves)
    assert {row[:-1]: row[-1] for row in tables["moves"]} == {row: moves.count(row) for row in moves}
    retained = [
        (period, start, member.channel or "unknown", member.funding or "unknown", stands(period, membership)[2])
        for start in MONTHS
        for membership, (_, member) in rows[start].items()
        for period in MONTHS
        if f"{member.registered_date:%Y-%m}" == start < period and membership in rows[period]
    ]
    assert {row[:-1]: row[-1] for row in tables["retained"]} == {row: retained.count(row) for row in retained}


def test_persons_are_found_in_parts_as_in_one(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "core", 3)
    for office in OFFICES:
        lake.export(office, 0)
    whole = refreshed(con, lake, tmp_path / "whole", date(2026, 2, 9))
    monkeypatch.setattr(persons, "_SORTED_AT_ONCE", 7)
    assert refreshed(con, lake, tmp_path / "parts", date(2026, 2, 9)) == whole
    assert whole["shared"]


def test_damaged_or_lost_aggregates_are_made_again(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "core", 5)
    for office in OFFICES:
        lake.export(office, 0)
    first = refreshed(con, lake, tmp_path / "kept", date(2026, 2, 9))
    next((tmp_path / "kept" / "cells").rglob("*.parquet")).unlink()
    assert refreshed(con, lake, tmp_path / "kept", date(2026, 2, 9)) == first
    (tmp_path / "kept" / "index.json").write_text("{half", encoding="utf-8")
    assert refreshed(con, lake, tmp_path / "kept", date(2026, 2, 9)) == first
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert modes == {0}
