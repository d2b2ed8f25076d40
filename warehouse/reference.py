"""Reference data: the shipped CSV files, typed by the column dictionary, joined by what lands."""

from pathlib import Path

import duckdb

from expectations.columns import column_dictionary
from expectations.contracts import load_contracts
from expectations.schemas import quoted, sql_type

REFERENCE_FOLDER = Path(__file__).with_name("reference")
LANDED_REFERENCE = ("offices", "office_regions", "region_aliases")
# What a region's name is without its type, as people say it: "solok" of Kabupaten Solok and of Kota Solok.
_BARE_NAME = r"regexp_replace(lower(name_id), '^(kabupaten|kota|di|dki)( administrasi)? ', '')"
_NAMES = f"""
CREATE OR REPLACE VIEW reference.region_names AS
WITH shared AS (
  SELECT {_BARE_NAME} AS name, list(region_code ORDER BY region_code) AS candidates
  FROM reference.regions WHERE level IN ('national', 'province', 'regency')
  GROUP BY name HAVING count(*) > 1
)
SELECT coalesce(alias.alias, shared.name) AS alias, alias.region_code,
  CASE WHEN alias.region_code IS NULL THEN shared.candidates END AS candidates
FROM reference.region_aliases AS alias FULL JOIN shared ON shared.name = alias.alias
"""

# The least contribution of every month; a sector without a row of its own has that of all others, which is called ''.
_MONTHLY_MINIMA = """
CREATE OR REPLACE TABLE reference.monthly_minima AS
WITH months AS (
  SELECT CAST(unnest(generate_series(min(valid_from), DATE '2099-12-31', INTERVAL 1 MONTH)) AS DATE) AS first_day
  FROM reference.minimum_contributions
),
sectors AS (SELECT DISTINCT coalesce(sector_code, '') AS sector_code FROM reference.minimum_contributions)
SELECT
  least.segment,
  least.programmes,
  sectors.sector_code,
  strftime(months.first_day, '%Y-%m') AS period,
  arg_max(least.min_monthly_idr, least.sector_code IS NOT NULL) AS min_monthly_idr
FROM months
CROSS JOIN sectors
JOIN reference.minimum_contributions AS least
  ON coalesce(least.sector_code, sectors.sector_code) = sectors.sector_code
  AND last_day(months.first_day) BETWEEN least.valid_from AND coalesce(least.valid_to, DATE '9999-12-31')
GROUP BY ALL
"""


class ReferenceDataError(ValueError):
    """A reference file that cannot be trusted: an unknown column, or a value that does not fit its type."""


def load_reference(con: duckdb.DuckDBPyConnection, folder: Path = REFERENCE_FOLDER) -> None:
    """Create schema ``reference``: a table for each CSV file, ``shipped_aliases``, and the view ``region_names``.

    The view has one row a name: alias (as ``alias_of`` gives names), region_code, and candidates, a list that is
    filled instead of region_code where the bare name belongs to several provinces or regencies and means none of them.
    ``shipped_aliases`` (alias, region_code) stays as it is when landed aliases join ``region_aliases``.
    ``monthly_minima`` has one row a segment, set of programmes, sector ('' for those without rates of their own) and
    month: min_monthly_idr, the least contribution (minimum_contributions).

    Args:
        con: the connection to create the tables in.
        folder: where the files lie; a file's stem is its table.

    Raises:
        ReferenceDataError: a column is not in the dictionary.
        duckdb.ConversionException: a value does not fit its column's type.
    """
    con.execute("CREATE SCHEMA IF NOT EXISTS reference")
    for path in sorted(folder.glob("*.csv")):
        _load_file(con, path)
    con.execute(
        "CREATE OR REPLACE TABLE reference.shipped_aliases AS SELECT alias, region_code FROM reference.region_aliases"
    )
    con.execute(_NAMES)
    con.execute(_MONTHLY_MINIMA)


def _load_file(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    header = path.open(encoding="utf-8").readline().strip().split(",")
    unknown = set(header) - column_dictionary().keys()
    if unknown:
        raise ReferenceDataError(f"{path.name}: columns {sorted(unknown)} are not in expectations/columns.yml")
    types = {name: sql_type(column_dictionary()[name].type) for name in header}
    con.execute(
        f"CREATE OR REPLACE TABLE reference.{path.stem} AS FROM read_csv({quoted(str(path))}, auto_detect = false, "
        f"header = true, delim = ',', quote = '\"', escape = '\"', nullstr = '', columns = {types!r})"
    )


def merge_landed(con: duckdb.DuckDBPyConnection) -> None:
    """Let landed offices, office_regions and region_aliases replace or join the shipped ones.

    Args:
        con: a connection with schemas ``reference`` (shipped) and ``core`` (landed).
    """
    for name in LANDED_REFERENCE:
        contract = load_contracts()[name]
        columns = ", ".join(f.name for f in contract.core_fields if f.name not in ("value_status", "source_key"))
        same = " AND ".join(f"r.{key} IS NOT DISTINCT FROM c.{key}" for key in contract.key)
        con.execute(f"DELETE FROM reference.{name} AS r USING core.{name} AS c WHERE {same}")
        con.execute(f"INSERT INTO reference.{name} BY NAME SELECT {columns} FROM core.{name}")
