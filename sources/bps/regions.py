"""What a region is called, as far as labels of BPS are compared with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

NAMES: dict[str, pl.DataType] = {"region": pl.String(), "name": pl.String()}
_TYPE = r"^(?:kabupaten|kab|kota|provinsi|propinsi|prov|prop)\b\.?\s*"
_ADMINISTRATIVE = r"^(?:administrasi|adm)\b\.?\s*"


@dataclass(frozen=True)
class Regions:
    """Codes and names of the regions of today.

    Attributes:
        todays: today's BPS code by an older one, for regions that were renumbered.
        names: every known spelling (`region`, `name` as `bare_name` gives it); empty: labels are not looked at.
    """

    todays: Mapping[str, str]
    names: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=NAMES))


def bare_name(name: pl.Expr) -> pl.Expr:
    """Write a name as labels are compared: without type, case and everything but letters and digits.

    `Kab. Kepulauan Seribu`, `KAB. ADM. KEPULAUAN SERIBU` and `Kepulauan Seribu` are one name; that a regency and a
    city share theirs does not matter where whole tables are judged.
    """
    lower = name.str.to_lowercase().str.strip_chars()
    return lower.str.replace(_TYPE, "").str.replace(_ADMINISTRATIVE, "").str.replace_all(r"[^\pL\d]", "")


def strangers(rows: pl.DataFrame, names: pl.DataFrame) -> pl.DataFrame:
    """Give the rows of a table that do not bear a name of the region whose code they have.

    Args:
        rows: `region` (today's code) and `place` (the label); rows without letters in `place`, and with a code that
            no region has, are no witnesses.
        names: see `Regions`.

    Returns:
        Those rows, where they are more than half of all witnesses; otherwise none. A table of regions spells few of
        its names in a way that nobody has seen before, and a table of something else bears hardly one by chance; so
        the majority tells them apart without guessing which unknown spelling is near to which name. A single row that
        bears the name of another region is for the rule region_name_differs.
    """
    told = rows.filter(pl.col("place").str.contains(r"\pL")).unique(maintain_order=True)
    witnesses = told.join(names, on="region", how="semi").with_columns(name=bare_name(pl.col("place")))
    without = witnesses.join(names, on=["region", "name"], how="anti")
    return without if 2 * without.height > witnesses.height else without.clear()
