"""What is new in an answer against what landed before, and the file in which it lands."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import polars as pl

from sources.bps.estimates import ESTIMATES, NUMBER, PLACE, SOURCE

ZONE = ZoneInfo("Asia/Jakarta")
LANDED = (
    "region_code", "region_system", "year", "round", "concept", "value", "qualifier", "vintage", "published_on",
    "source_kind", "source",
)  # fmt: skip
_FINGERPRINT = 12


@dataclass(frozen=True)
class Changes:
    """What differs between what landed before and what an answer says.

    Attributes:
        new: estimates that never landed.
        changed: estimates with another value than landed last.
        vanished: landed estimates, of the years that were asked for, that the answer does not have; with the value
            that landed last.
    """

    new: pl.DataFrame
    changed: pl.DataFrame
    vanished: pl.DataFrame

    @property
    def rows(self) -> pl.DataFrame:
        """Give what is to land: new and changed estimates."""
        return pl.concat([self.new, self.changed])


def changes_between(before: pl.DataFrame, now: pl.DataFrame, years: Sequence[int], concepts: Sequence[str]) -> Changes:
    """Compare estimates with those that landed last.

    Args:
        before: the landed estimates, one for each place, year, round and concept (`ESTIMATES`).
        now: the estimates of the answers, likewise.
        years: the years that were asked for; what landed of others is not looked at.
        concepts: the concepts that were read from the answers.

    Returns:
        The differences; values are compared as numbers.
    """
    both = now.join(before.select(*PLACE, before="value"), on=PLACE, how="left", maintain_order="left")
    new = both.filter(pl.col("before").is_null())
    changed = both.filter(pl.col("before") != pl.col("value"))
    asked = before.filter(pl.col("year").is_in(list(years)) & pl.col("concept").is_in(list(concepts)))
    return Changes(new.drop("before"), changed.drop("before"), asked.join(now, on=PLACE, how="anti"))


def landing_file(rows: pl.DataFrame, vintage: date) -> bytes:
    """Write estimates as a canonical file of labour_force.

    Args:
        rows: estimates; persons or percent.
        vintage: the day in Jakarta on which BPS was asked.

    Returns:
        A CSV file with the columns `LANDED`; the same estimates give the same bytes.
    """
    constants = {"region_system": "bps", "qualifier": "eq", "source_kind": "bps", "source": SOURCE}
    plain_number = pl.col("value").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    written = rows.with_columns(plain_number.alias("value"), pl.lit(vintage).alias("vintage")).with_columns(
        pl.lit(text).alias(name) for name, text in constants.items()
    )
    ordered = written.sort("region_code", "year", "round", "concept")
    return ordered.select(LANDED).write_csv().encode()


def name_of_file(domain: str, variable: str, vintage: date, content: bytes) -> str:
    """Name the landed file of a variable within the landing zone; other bytes have another name."""
    fingerprint = hashlib.sha256(content).hexdigest()[:_FINGERPRINT]
    return f"labour_force/bps/{domain}/{variable}-{vintage}-{fingerprint}.csv"


def last_landed(files: Iterable[bytes], todays: Mapping[str, str]) -> pl.DataFrame:
    """Put landed files together, the oldest first, and give the estimates that landed last.

    Args:
        files: contents of files that `landing_file` wrote.
        todays: today's BPS code by an older one.

    Returns:
        One row for each place, year, round and concept, with the columns `ESTIMATES`.
    """
    read = [pl.read_csv(BytesIO(content), infer_schema=False) for content in files]
    if not read:
        return pl.DataFrame(schema=ESTIMATES)
    rows = pl.concat(read).with_columns(place=pl.col("region_code").replace(todays), value=pl.col("value").cast(NUMBER))
    latest = rows.unique(PLACE, keep="last", maintain_order=True)
    return latest.select(pl.col(name).cast(kind) for name, kind in ESTIMATES.items())


def vintage_of(fetched_at: datetime) -> date:
    """Give the vintage of an answer: the day in Jakarta on which it came."""
    return fetched_at.astimezone(ZONE).date()
