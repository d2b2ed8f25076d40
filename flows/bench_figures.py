"""What the bench's nights read, and how the figures of others compare with what the night published."""

import json
from datetime import date
from pathlib import Path

import duckdb

from expectations.schemas import quoted
from sources.places import Folder
from warehouse.house import House

# A person at the bench counts in the same places and bases for everybody; ratios are those of the headline's concepts.
_COVERAGE = """
  SELECT geo_level, geo_code, segment, numerator_basis AS basis, numerator::DOUBLE AS persons,
    CASE WHEN denominator_concept <> 'none' THEN denominator::DOUBLE END AS denominator, coverage_pct::DOUBLE AS pct
  FROM read_parquet({file})
  WHERE as_of = {day} AND numerator_basis IN ('registered_stock', 'active_stock', 'protected_stock')
    AND geo_level IN ('national', 'province', 'regency', 'office')
    AND denominator_concept = CASE segment WHEN 'ALL' THEN 'employed' WHEN 'PU' THEN 'employed_formal'
      WHEN 'BPU' THEN 'employed_informal' ELSE 'none' END
"""
_ATTAINMENT = """
  SELECT geo_code AS office_code, segment, target::DOUBLE AS target, actual::DOUBLE AS actual,
    attainment_pct::DOUBLE AS pct
  FROM read_parquet({file})
  WHERE as_of = {day} AND geo_level = 'office' AND basis = 'active_stock' AND target IS NOT NULL
"""
_THEIRS = {
    "coverage": "SELECT geo_level, geo_code, segment, basis, persons::DOUBLE AS persons, "
    "denominator::DOUBLE AS denominator, coverage_pct::DOUBLE AS pct FROM read_csv({file}, all_varchar = true)",
    "attainment": "SELECT office_code, segment, target::DOUBLE AS target, actual::DOUBLE AS actual, "
    "attainment_pct::DOUBLE AS pct FROM read_csv({file}, all_varchar = true)",
}
_KEYS = {
    "coverage": "geo_level, geo_code, segment, basis",
    "attainment": "office_code, segment",
}
_VALUES = {"coverage": ("persons", "denominator", "pct"), "attainment": ("target", "actual", "pct")}
_OURS = {"coverage": ("coverage", _COVERAGE), "attainment": ("target_attainment", _ATTAINMENT)}


def lines_of(lake: Path) -> dict[str, int]:
    """Give how many lines of exports were read, good and quarantined.

    Args:
        lake: a lake after one night.
    """
    house = House(Folder(lake))
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT coalesce(sum(good), 0)::BIGINT, coalesce(sum(quarantined), 0)::BIGINT "
            f"FROM ({house.readings()}) WHERE file LIKE 'participants/%'"
        ).fetchone()
    good, quarantined = found or (0, 0)
    return {"read": good + quarantined, "good": good, "quarantined": quarantined}


def differences(publish: Path, theirs: Path, day: date) -> int:
    """Count the rows of coverage and attainment that differ.

    Args:
        publish: the builds of this project's night; the promoted one is compared.
        theirs: the folder of a peer, with `coverage.csv` and `attainment.csv`.
        day: the month's end.
    """
    build = json.loads((publish / "latest.json").read_text(encoding="utf-8"))["build_id"]
    marts = publish / "builds" / build / "marts"
    with duckdb.connect() as con:
        return sum(_different(con, marts, theirs, table, day) for table in _OURS)


def _different(con: duckdb.DuckDBPyConnection, marts: Path, theirs: Path, table: str, day: date) -> int:
    mart, ours = _OURS[table]
    file = quoted(str(marts / f"{mart}.parquet"))
    own = ours.format(file=file, day=f"DATE '{day}'")
    other = _THEIRS[table].format(file=quoted(str(theirs / f"{table}.csv")))
    # Ratios are quotients of doubles, which differ in their last digits by how they were computed.
    unlike = " OR ".join(
        f"coalesce(abs(own.{name} - other.{name}) > 1e-6 * greatest(abs(own.{name}), 1), "
        f"own.{name} IS DISTINCT FROM other.{name})"
        for name in _VALUES[table]
    )
    counted = con.execute(
        f"SELECT count(*) FROM ({own}) AS own FULL JOIN ({other}) AS other USING ({_KEYS[table]}) WHERE {unlike}"
    ).fetchone()
    return 0 if counted is None else int(counted[0])


def write_ten_lines(landing: Path, out: Path) -> None:
    """Write a landing zone of one file: ten lines of a simulated export, as if an office that ships had sent them.

    Args:
        landing: the simulated month.
        out: the landing zone to write.
    """
    export = _exports(landing)[0]
    path = out / "participants" / "SLK" / export.parent.name / "export.csv"
    _write(path, f"SELECT * REPLACE ('SLK' AS office_code) FROM {_text_of(export)} LIMIT 10")


def write_again(landing: Path, offices: int) -> int:
    """Let some offices export again, where a tenth of the memberships that paid since 2022 has paid meanwhile.

    Who paid last under the relief of 2020 and 2021 paid less than is owed today, and would be set aside.

    Args:
        landing: the simulated month; it is changed.
        offices: how many.

    Returns:
        How many did.
    """
    chosen = _exports(landing)[:offices]
    for export in chosen:
        has_paid = "hash(kpj) % 10 = 0 AND last_paid_period >= '2022-01'"
        paid = f"CASE WHEN {has_paid} THEN period ELSE last_paid_period END AS last_paid_period"
        written = export.with_name("again.csv")
        _write(written, f"SELECT * REPLACE ({paid}) FROM {_text_of(export)}")
        written.replace(export)
    return len(chosen)


def _exports(landing: Path) -> list[Path]:
    return sorted((landing / "participants").rglob("*.csv"))


def _text_of(export: Path) -> str:
    return f"read_csv({quoted(str(export))}, all_varchar = true, header = true)"


def _write(path: Path, select: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"COPY ({select}) TO {quoted(str(path))} (FORMAT csv, HEADER true)")
