"""A person confirms what a name means: checked, then landed as a file of region_aliases for the next night."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

import duckdb

from sources.landing import LandingError
from sources.places import ABSENT, Place
from warehouse.region_names import Region, RegionError, alias_of, region_of_code, regions_of_name, shared_name

COLUMNS = ("alias", "region_code", "region_system", "confirmed_by", "confirmed_on")
FOLDER = "region_aliases/confirmed"


@dataclass(frozen=True)
class Confirmation:
    """Who confirmed which region for a name, on which day."""

    name: str
    code: str
    by: str
    on: date


@dataclass(frozen=True)
class Confirmed:
    """What became of a confirmation: the landed file (null where nothing was to do) and what it says."""

    result: Literal["landed", "unchanged", "dry_run"]
    alias: str
    region: Region
    file: str | None


def confirm(
    con: duckdb.DuckDBPyConnection, landing: Place, confirmation: Confirmation, *, is_dry_run: bool = False
) -> Confirmed:
    """Check a confirmation and land it.

    Args:
        con: a connection that knows regions.
        landing: the landing zone.
        confirmation: the name, the region's code (BPS, or dotted Kemendagri), who says so and when.
        is_dry_run: check only, land nothing.

    Returns:
        ``landed`` with the file's path in the landing zone; ``unchanged`` where the name means that region already
        or waits to; ``dry_run`` with the path that the file would have.

    Raises:
        RegionError: the code is unknown, nobody is named, or the name holds no letter, belongs to several regions, or
            already means another region.
        LandingError: the landing zone does not exist.
    """
    if not landing.exists():
        raise LandingError(f"landing zone {landing.uri} is not there; pass --landing or set CAKUPAN_LANDING")
    alias = alias_of(con, confirmation.name)
    region = region_of_code(con, confirmation.code)
    _check_words(alias, confirmation)
    if _is_known(con, landing, alias, region):
        return Confirmed("unchanged", alias, region, None)
    content = _content(alias, region, confirmation)
    file = _free_file(landing, f"{FOLDER}/{confirmation.on:%Y-%m-%d}-{_slug(alias)}")
    if not is_dry_run:
        landing.write(file, content.encode(), ABSENT)
    return Confirmed("dry_run" if is_dry_run else "landed", alias, region, file)


def _check_words(alias: str, confirmation: Confirmation) -> None:
    if not any(letter.isalpha() for letter in alias):
        raise RegionError(
            f"{confirmation.name!r} bukan nama: tidak ada huruf di dalamnya / is no name: it has no letter"
        )
    if not confirmation.by.strip():
        raise RegionError("--by kosong; sebutkan siapa yang memastikan / --by is empty; say who confirms it")


def _is_known(con: duckdb.DuckDBPyConnection, landing: Place, alias: str, region: Region) -> bool:
    """Tell whether the name means the region already, known or waiting; refuse one that means something else."""
    meant = regions_of_name(con, alias)
    if len(meant) > 1:
        raise RegionError(shared_name(alias, meant))
    codes = [known.region_code for known in meant] or list(_waiting(landing, alias))
    others = [code for code in codes if code != region.region_code]
    if others:
        other = region_of_code(con, others[0]).shown
        raise RegionError(
            f"{alias} sudah dipastikan sebagai {other}; untuk mengubahnya lihat docs/runbooks/region-unknown.md / "
            f"{alias} is already confirmed as {other}; to change that see docs/runbooks/region-unknown.md"
        )
    return bool(codes)


def _waiting(landing: Place, alias: str) -> Iterator[str]:
    """Give the regions for which the name was confirmed in files that no night has read yet."""
    for entry in landing.entries(f"{FOLDER}/"):
        text = (landing.read(entry.key) or b"").decode("utf-8", errors="replace")
        rows = list(csv.DictReader(io.StringIO(text)))
        yield from (row["region_code"] for row in rows if row.get("alias") == alias and row.get("region_code"))


def _content(alias: str, region: Region, confirmation: Confirmation) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerow([alias, region.region_code, "bps", confirmation.by.strip(), confirmation.on.isoformat()])
    return stream.getvalue()


def _slug(alias: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", alias).strip("-")[:80] or "alias"


def _free_file(landing: Place, stem: str) -> str:
    """Give a path that no file has: two spellings may differ in a mark only, which a path leaves out."""
    file, nth = f"{stem}.csv", 1
    while landing.stat(file) is not None:
        nth += 1
        file = f"{stem}-{nth}.csv"
    return file
