"""What is new in an answer against what landed before, and the file in which it lands."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import polars as pl

from sources.bps.estimates import ESTIMATES, GRAIN, NUMBER, SOURCE

ZONE = ZoneInfo("Asia/Jakarta")
LANDED = (
    "region_code", "region_system", "year", "round", "concept", "value", "qualifier", "vintage", "published_on",
    "source_kind", "source", "place", "note",
)  # fmt: skip
LAST: dict[str, pl.DataType] = {**ESTIMATES, "vintage": pl.String(), "landed_in": pl.String()}
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
        before: the landed estimates, one for each region, year, round and concept (`ESTIMATES`).
        now: the estimates of the answers, likewise.
        years: the years that were asked for; what landed of others is not looked at.
        concepts: the concepts that were read from the answers.

    Returns:
        The differences; values are compared as numbers.
    """
    both = now.join(before.select(*GRAIN, before="value"), on=GRAIN, how="left", maintain_order="left")
    new = both.filter(pl.col("before").is_null())
    changed = both.filter(pl.col("before") != pl.col("value"))
    asked = before.filter(pl.col("year").is_in(list(years)) & pl.col("concept").is_in(list(concepts)))
    return Changes(new.drop("before"), changed.drop("before"), asked.join(now, on=GRAIN, how="anti"))


def within_day(rows: pl.DataFrame, landed: pl.DataFrame, vintage: date, asked_at: datetime) -> pl.DataFrame:
    """Mark estimates that land a second time on one day, so that the later answer stands.

    BPS answered twice on that day and differently, so it published the second figure on that very day, whatever its
    `last_update` says. The note tells the two apart where all else is the same, such as a value that came back.

    Args:
        rows: estimates that are to land.
        landed: estimates as they landed last, with `vintage`.
        vintage: the day of the rows.
        asked_at: when the later answer came.

    Returns:
        The rows; those of which an estimate of the same day landed before have the day as `published_on`, and a note.
    """
    said = f"jawaban lain pada hari yang sama / another answer of the same day: {asked_at:%Y-%m-%dT%H:%M:%SZ}"
    again = landed.filter(pl.col("vintage") == str(vintage)).select(*GRAIN, is_again=pl.lit(value=True))
    marked = rows.join(again, on=GRAIN, how="left", maintain_order="left").with_columns(
        published_on=pl.when("is_again").then(pl.lit(str(vintage))).otherwise("published_on"),
        note=pl.when("is_again").then(pl.lit(said)).otherwise("note"),
    )
    return marked.drop("is_again")


def merged(first: bytes, rows: pl.DataFrame, todays: Mapping[str, str]) -> pl.DataFrame:
    """Lay estimates over those of a landed file of the same day."""
    held = last_landed([first], todays).select(list(ESTIMATES))
    return pl.concat([held, rows.select(list(ESTIMATES))]).unique(GRAIN, keep="last", maintain_order=True)


def landing_file(rows: pl.DataFrame, vintage: date) -> bytes:
    """Write estimates as a canonical file of labour_force.

    Args:
        rows: estimates; persons or percent.
        vintage: the day in Jakarta on which BPS was asked.

    Returns:
        A CSV file with the columns `LANDED`; the same estimates give the same bytes. A day of publication after the
        vintage is none: nobody has seen that day yet.
    """
    constants = {"region_system": "bps", "source_kind": "bps", "source": SOURCE}
    plain_number = pl.col("value").cast(pl.String).str.strip_chars_end("0").str.strip_chars_end(".")
    published = pl.when(pl.col("published_on") <= str(vintage)).then("published_on").alias("published_on")
    written = rows.with_columns(plain_number.alias("value"), published, pl.lit(vintage).alias("vintage")).with_columns(
        pl.lit(text).alias(name) for name, text in constants.items()
    )
    ordered = written.sort("region_code", "year", "round", "concept")
    return ordered.select(LANDED).write_csv().encode()


def name_of_file(domain: str, variable: str, vintage: date, content: bytes) -> str:
    """Name the landed file of a variable within the landing zone; other bytes have another name."""
    fingerprint = _sha256(content)[:_FINGERPRINT]
    return f"labour_force/bps/{domain}/{variable}-{vintage}-{fingerprint}.csv"


def last_landed(files: Iterable[bytes], todays: Mapping[str, str]) -> pl.DataFrame:
    """Put landed files together, the oldest first, and give the estimates that landed last.

    Args:
        files: contents of files that `landing_file` wrote.
        todays: today's BPS code by an older one.

    Returns:
        One row for each region, year, round and concept, with the columns `LAST`: `vintage`, and in `landed_in` the
        sha256 of the file.
    """
    read = [
        pl.read_csv(BytesIO(content), infer_schema=False).with_columns(landed_in=pl.lit(_sha256(content)))
        for content in files
    ]
    none = pl.DataFrame(schema={"place": pl.String(), "note": pl.String()})
    if not read:
        return pl.DataFrame(schema=LAST)
    rows = pl.concat([*read, none], how="diagonal").with_columns(
        region=pl.col("region_code").replace(todays), value=pl.col("value").cast(NUMBER)
    )
    latest = rows.unique(GRAIN, keep="last", maintain_order=True)
    return latest.select(pl.col(name).cast(kind) for name, kind in LAST.items())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def vintage_of(fetched_at: datetime) -> date:
    """Give the vintage of an answer: the day in Jakarta on which it came."""
    return fetched_at.astimezone(ZONE).date()
