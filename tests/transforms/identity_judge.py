"""A connection that judges a few figures by the identities of their table."""

from collections.abc import Mapping
from typing import Any

import duckdb

from expectations.contracts import load_contracts
from expectations.schemas import sql_type
from transforms.identities import identity_queries

REGIONS = """
CREATE SCHEMA reference;
CREATE TABLE reference.regions AS FROM (VALUES
  ('0000', 'national', NULL, NULL::DATE, NULL::DATE, NULL),
  ('13', 'province', '0000', NULL, NULL, NULL), ('94', 'province', '0000', NULL, NULL, NULL),
  ('95', 'province', '0000', DATE '2022-07-25', NULL, '94'),
  ('1311', 'regency', '13', NULL, NULL, NULL), ('1372', 'regency', '13', NULL, NULL, NULL),
  ('9471', 'regency', '94', NULL, NULL, NULL), ('9501', 'regency', '95', NULL, NULL, '9401')
) AS r (region_code, level, parent_code, valid_from, valid_to, predecessor_code);
CREATE TABLE reference.series_breaks (concept VARCHAR, "year" BIGINT, level VARCHAR, why VARCHAR)
"""
SHARED = {"qualifier": "eq", "source": "buatan", "value_status": "final", "source_key": "test"}
Status = dict[tuple[Any, ...], str]
Row = dict[str, Any]


class Judge:
    """A connection that holds `loaded` and can say what the identities make of it."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.con = duckdb.connect(":memory:", config={"threads": 1})
        fields = load_contracts()[table].core_fields
        columns = ", ".join(f"{field.name} {sql_type(field.column.type)}" for field in fields)
        self.con.execute(f"{REGIONS}; CREATE TABLE loaded ({columns})")

    def add(self, *rows: Row) -> None:
        """Put rows of the same columns into `loaded`."""
        marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
        values = [value for row in rows for value in row.values()]
        self.con.execute(f"INSERT INTO loaded ({', '.join(rows[0])}) VALUES {marks}", values)

    def status(self, *key: str) -> Status:
        """Give the judged status of each row by the named columns."""
        query = identity_queries(self.table).rows
        rows = self.con.execute(f"SELECT {', '.join(key)}, value_status FROM ({query})").fetchall()
        return {row[:-1]: row[-1] for row in rows}

    def findings(self) -> list[Row]:
        """Give what the identities found, a row each."""
        relation = self.con.execute(identity_queries(self.table).findings)
        names = [column[0] for column in relation.description or ()]
        return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def labour(figures: Mapping[str, int], judge: Judge | None = None, **more: Any) -> Judge:
    """Put figures of one survey into a judge: concept to value; `more` replaces other columns."""
    judge = judge or Judge("labour_force")
    place: Row = {"region_code": "1311", "year": 2025, "round": "aug", "source_kind": "bps", "restated": False}
    shared = {**SHARED, **place}
    judge.add(*({"concept": concept, "value": value, **shared, **more} for concept, value in figures.items()))
    return judge


def recap(figures: Mapping[tuple[str, str], int], judge: Judge | None = None, **more: Any) -> Judge:
    """Put figures of one saying into a judge: (segment, basis) to value; `more` replaces other columns."""
    judge = judge or Judge("recaps")
    shared: Row = {
        **SHARED,
        "as_of": "2026-06-30",
        "place_code": "DPS",
        "source_kind": "office",
        "measure": "persons",
    }
    said = ((segment, basis, value) for (segment, basis), value in figures.items())
    judge.add(*({"segment": s, "basis": basis, "value": value, **shared, **more} for s, basis, value in said))
    return judge
