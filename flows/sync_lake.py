"""What a sync asks of the lake and of the reference data: which files a night has read, what stands, region names."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from sources.bps.estimates import GRAIN, NUMBER, SOURCE
from sources.bps.regions import Regions, bare_name
from warehouse.connections import Limits, connect
from warehouse.house import House
from warehouse.reference import REFERENCE_FOLDER

# As many decimals as core holds.
_DECIMALS = 4
_ACCEPTED: dict[str, pl.DataType] = {
    "region": pl.String(), "year": pl.Int32(), "round": pl.String(), "concept": pl.String(), "accepted": NUMBER,
}  # fmt: skip


@dataclass
class LakeView:
    """A lake as a sync sees it; each table is read once, when it is first asked for."""

    house: House
    limits: Limits

    @cached_property
    def arrived(self) -> frozenset[str]:
        """The sha256 of every file that a night has found in a landing zone."""
        return frozenset(row[0] for row in self._rows(f"SELECT source_key FROM ({self.house.arrivals.relation()})"))

    @cached_property
    def accepted(self) -> pl.DataFrame:
        """The estimates of BPS that stand in core: `GRAIN` and `accepted`, the value of the latest vintage."""
        rows = self._rows(
            f"""SELECT region_code, year, round, concept, CAST(value AS VARCHAR)
            FROM ({self.house.core("labour_force").relation()}) WHERE source = '{SOURCE}'
            QUALIFY row_number() OVER (PARTITION BY region_code, year, round, concept ORDER BY vintage DESC) = 1"""
        )
        text = pl.DataFrame(rows, schema={**_ACCEPTED, "accepted": pl.String()}, orient="row")
        return text.with_columns(pl.col("accepted").cast(NUMBER))

    def _rows(self, query: str) -> list[tuple[str, ...]]:
        with connect(self.limits) as con:
            return con.execute(query).fetchall()

    def standing(self, landed: pl.DataFrame, regions: Regions) -> pl.DataFrame:
        """Leave out landed estimates that the lake set aside or lost, so that they count as never landed.

        Args:
            landed: estimates as they landed last, with `landed_in`.
            regions: codes and names of regions.

        Returns:
            Estimates whose file no night has read yet, that core holds with the same value, or whose region nobody
            knows: those would only be set aside again.
        """
        named = regions.names.unique().filter(pl.col("name").is_unique()).rename({"region": "named"})
        coded = landed.with_columns(name=bare_name(pl.col("region"))).join(named, on="name", how="left")
        code = pl.coalesce("named", "region")
        both = coded.with_columns(landed_region=pl.col("region"), region=code).join(
            self.accepted, on=GRAIN, how="left", maintain_order="left"
        )
        same = pl.col("accepted").round(_DECIMALS) == pl.col("value").round(_DECIMALS)
        is_unread = ~pl.col("landed_in").is_in(list(self.arrived))
        is_strange = ~pl.col("region").is_in(regions.names["region"].unique().implode())
        kept = both.filter(is_unread | is_strange | same.fill_null(value=False))
        return kept.with_columns(region=pl.col("landed_region")).select(landed.columns)


def known_regions() -> Regions:
    """Read the codes and names of regions that the project ships."""
    codes, names, aliases = (
        pl.read_csv(REFERENCE_FOLDER / f"{name}.csv", infer_schema=False)
        for name in ("region_codes", "regions", "region_aliases")
    )
    older = codes.filter((pl.col("region_system") == "bps") & (pl.col("code") != pl.col("region_code")))
    todays = dict(zip(older["code"].to_list(), older["region_code"].to_list(), strict=True))
    spellings = [_spelt(names, "name_id"), _spelt(aliases, "alias")]
    return Regions(todays, pl.concat(spellings).unique(maintain_order=True))


def _spelt(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select(pl.col("region_code").alias("region"), bare_name(pl.col(column)).alias("name"))
