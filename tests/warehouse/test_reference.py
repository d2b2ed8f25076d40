"""The shipped reference files: each promise is a query that finds what breaks it, with a canary that does."""

from typing import NamedTuple

import duckdb
import polars as pl
import pytest

from expectations.contracts import load_contracts
from warehouse.reference import REFERENCE_FOLDER

MARTS = REFERENCE_FOLDER.parent / "marts"
BRIDGE = REFERENCE_FOLDER.parents[1] / "../shared/realdata/regions/kabkota_bridge.csv"
# The columns of each file in their order; the starred ones are its key, by which it is sorted.
FILES = {
    "regions": "region_code* level name_id name_en parent_code valid_from valid_to predecessor_code change_kind",
    "region_changes": "predecessor_code* successor_code* change_kind changed_on weight source",
    "region_codes": "region_system* code* region_code valid_from* valid_to",
    "region_aliases": "alias* region_code confirmed_by confirmed_on",
    "offices": "office_code* name office_type parent_code kanwil_code valid_from* valid_to",
    "office_regions": "office_code* region_code* share valid_from* valid_to",
    "bps_series": "domain* concept* variable derived region_axis region_row round unit verified_on source",
    "series_breaks": "concept* year* level* why",
    "coverage_pairs": "segment* denominator_concept* comparability is_headline",
    "grace": "segment* grace_months rule valid_from* valid_to source",
    "segments": "segment* name_id name_en sort_order",
    "contribution_rates": "segment* programme* kind* sector_code* risk_class* rate wage_cap_idr valid_from* "
    "valid_to source",
    "programme_rules": "segment* employer_scale* programme* rule",
    "minimum_contributions": "segment* programmes* sector_code* min_monthly_idr valid_from* valid_to",
}


class Promise(NamedTuple):
    """A query whose rows break the promise, and a change that must make it find some."""

    broken_by: str
    canary: str


def _overlap(table: str, *key: str) -> str:
    same = " AND ".join(f"a.{column} IS NOT DISTINCT FROM b.{column}" for column in key)
    return f"""
        SELECT a.* FROM {table} AS a JOIN {table} AS b ON a.rowid < b.rowid AND {same}
        WHERE coalesce(a.valid_from, DATE '0001-01-01') <= coalesce(b.valid_to, DATE '9999-12-31')
          AND coalesce(b.valid_from, DATE '0001-01-01') <= coalesce(a.valid_to, DATE '9999-12-31')"""


_BARE = r"regexp_replace(lower(name_id), '^(kabupaten|kota)( administrasi)? ', '')"
_MONTHS = "SELECT unnest(generate_series(DATE '2015-07-01', DATE '2027-12-01', INTERVAL 1 MONTH)) AS month"

PROMISES = {
    "38 provinces, 514 regencies, all districts and villages of Bali and Dharmasraya": Promise(
        """SELECT level, count(*) FROM regions GROUP BY level HAVING count(*) <> CASE level
             WHEN 'national' THEN 1 WHEN 'province' THEN 38 WHEN 'regency' THEN 514
             WHEN 'district' THEN 68 ELSE 768 END""",
        "DELETE FROM regions WHERE region_code = '3510'",
    ),
    "region codes are unique": Promise(
        "SELECT region_code FROM regions GROUP BY region_code HAVING count(*) > 1",
        "INSERT INTO regions SELECT * FROM regions WHERE region_code = '1311'",
    ),
    "parents exist": Promise(
        "SELECT * FROM regions WHERE level <> 'national' "
        "AND coalesce(parent_code, '') NOT IN (SELECT region_code FROM regions)",
        "DELETE FROM regions WHERE region_code = '5171010'",
    ),
    "a code begins with its parent's": Promise(
        """SELECT * FROM regions WHERE level <> 'national' AND (
             length(region_code) <> CASE level
               WHEN 'province' THEN 2 WHEN 'regency' THEN 4 WHEN 'district' THEN 7 ELSE 10 END
             OR NOT starts_with(region_code, parent_code) AND level <> 'province')""",
        "UPDATE regions SET parent_code = '94' WHERE region_code = '9501'",
    ),
    "names have their type": Promise(
        r"""SELECT * FROM regions WHERE level = 'regency' AND NOT CASE WHEN substr(region_code, 3, 1) = '7'
              THEN regexp_matches(name_id, '^Kota \S') AND name_en LIKE '% City'
              ELSE regexp_matches(name_id, '^Kabupaten \S') AND name_en LIKE '% Regency' END""",
        "UPDATE regions SET name_id = 'Dharmasraya' WHERE region_code = '1311'",
    ),
    "Papua's provinces have their founding dates": Promise(
        """SELECT new.* FROM (VALUES ('92', '91', DATE '2022-12-08'), ('95', '94', DATE '2022-07-25'),
             ('96', '94', DATE '2022-07-25'), ('97', '94', DATE '2022-07-25')) AS new (code, old, founded)
           LEFT JOIN regions AS r ON r.region_code = code AND r.predecessor_code = old
             AND r.valid_from = founded AND r.change_kind = 'split'
           WHERE r.region_code IS NULL""",
        "UPDATE regions SET valid_from = DATE '2022-07-25' WHERE region_code = '92'",
    ),
    "a recoded regency's old code leads to it": Promise(
        """SELECT r.* FROM regions AS r LEFT JOIN region_codes AS c
             ON c.region_system = 'bps' AND c.code = r.predecessor_code AND c.region_code = r.region_code
           WHERE r.change_kind = 'recode' AND c.code IS NULL""",
        "DELETE FROM region_codes WHERE code = '9401'",
    ),
    "a code means one region on any date": Promise(
        _overlap("region_codes", "region_system", "code"),
        "INSERT INTO region_codes VALUES ('kemendagri', '13.10', '1310', NULL, NULL)",
    ),
    "codes lead to known regions": Promise(
        "SELECT * FROM region_codes WHERE region_code NOT IN (SELECT region_code FROM regions)",
        "INSERT INTO region_codes VALUES ('bps', '1399', '1399', NULL, NULL)",
    ),
    "every region has both codes": Promise(
        """SELECT r.region_code, s.system FROM regions AS r
           CROSS JOIN (VALUES ('bps'), ('kemendagri')) AS s (system)
           LEFT JOIN region_codes AS c ON c.region_system = s.system AND c.region_code = r.region_code
             AND (s.system = 'kemendagri' OR c.code = r.region_code)
           WHERE c.code IS NULL""",
        "DELETE FROM region_codes WHERE code = '51.71.01.1003'",
    ),
    "codes have the shape of their system": Promise(
        r"""SELECT * FROM region_codes WHERE code <> '0000' AND NOT regexp_full_match(code, CASE region_system
              WHEN 'bps' THEN '\d{2}|\d{4}|\d{7}|\d{10}' ELSE '\d{2}(\.\d{2}(\.\d{2}(\.\d{4})?)?)?' END)""",
        "INSERT INTO region_codes VALUES ('kemendagri', '1310', '1311', NULL, NULL)",
    ),
    "Dharmasraya and Solok Selatan keep their places": Promise(
        """SELECT wanted.* FROM (VALUES
             ('bps', '1311', '1311'), ('bps', '1310', '1310'),
             ('kemendagri', '13.10', '1311'), ('kemendagri', '13.11', '1310')) AS wanted (system, code, key)
           LEFT JOIN region_codes AS c ON c.region_system = wanted.system AND c.code = wanted.code
           WHERE c.region_code IS DISTINCT FROM wanted.key""",
        "UPDATE region_codes SET region_code = '1310' WHERE code = '13.10'",
    ),
    "an alias means one region, however it is spaced": Promise(
        """SELECT regexp_replace(alias, '[^a-z0-9]', '', 'g') AS letters FROM region_aliases
           GROUP BY letters HAVING count(DISTINCT region_code) > 1""",
        "INSERT INTO region_aliases VALUES ('kab solok-selatan', '1311', 'cakupan', DATE '2026-11-01')",
    ),
    "aliases are lower-case and lead to known regions": Promise(
        """SELECT * FROM region_aliases WHERE alias <> lower(trim(alias))
           OR region_code NOT IN (SELECT region_code FROM regions)""",
        "INSERT INTO region_aliases VALUES ('Kota Denpasar', '5171', 'cakupan', DATE '2026-11-01')",
    ),
    "a shared bare name is no alias": Promise(
        f"""SELECT {_BARE} AS bare FROM regions WHERE level IN ('province', 'regency') GROUP BY bare
            HAVING count(*) > 1 AND bare IN (SELECT alias FROM region_aliases)""",
        "INSERT INTO region_aliases VALUES ('solok', '1303', 'cakupan', DATE '2026-11-01')",
    ),
    "a name with its type leads to its region": Promise(
        """SELECT r.region_code FROM regions AS r LEFT JOIN region_aliases AS a
             ON a.region_code = r.region_code
             AND a.alias = CASE level WHEN 'province' THEN 'provinsi ' ELSE '' END || lower(r.name_id)
           WHERE r.level IN ('national', 'province', 'regency') AND a.alias IS NULL""",
        "UPDATE region_aliases SET region_code = '1310' WHERE alias = 'kabupaten dharmasraya'",
    ),
    "an unshared bare name leads to its region": Promise(
        f"""SELECT {_BARE} AS bare FROM regions WHERE level IN ('province', 'regency') GROUP BY bare
            HAVING count(*) = 1 AND bare NOT IN (SELECT alias FROM region_aliases)
              AND bare <> 'yogyakarta'""",
        "DELETE FROM region_aliases WHERE alias = 'dharmasraya'",
    ),
    "an office's periods do not overlap": Promise(
        _overlap("offices", "office_code"),
        "INSERT INTO offices SELECT * FROM offices WHERE office_code = 'DHS'",
    ),
    "an office's parent is of the next higher type and shares its Kanwil": Promise(
        """SELECT o.* FROM offices AS o LEFT JOIN offices AS p ON p.office_code = o.parent_code
           WHERE p.office_type IS DISTINCT FROM CASE o.office_type
             WHEN 'kcp' THEN 'kc' WHEN 'kc' THEN 'kanwil' WHEN 'kanwil' THEN 'kantor_pusat' END
           OR o.kanwil_code IS DISTINCT FROM CASE o.office_type
             WHEN 'kanwil' THEN o.office_code WHEN 'kantor_pusat' THEN NULL ELSE p.kanwil_code END""",
        "UPDATE offices SET kanwil_code = 'KW-JATIM' WHERE office_code = 'DHS'",
    ),
    "offices serve known regencies": Promise(
        """SELECT * FROM office_regions WHERE office_code NOT IN (SELECT office_code FROM offices)
           OR region_code NOT IN (SELECT region_code FROM regions WHERE level = 'regency')""",
        "INSERT INTO office_regions VALUES ('DPS', '51', 1, NULL, NULL)",
    ),
    "shares of a regency are at most 1 on any date": Promise(
        """SELECT r.region_code, day FROM office_regions AS r
           JOIN (SELECT DISTINCT coalesce(valid_from, DATE '0001-01-01') AS day FROM office_regions) ON
             day BETWEEN coalesce(r.valid_from, DATE '0001-01-01') AND coalesce(r.valid_to, DATE '9999-12-31')
           GROUP BY ALL HAVING sum(r.share) > 1""",
        "INSERT INTO office_regions VALUES ('SLK', '1311', 0.25, DATE '2024-01-01', NULL)",
    ),
    "one headline pair for ALL, PU and BPU": Promise(
        """SELECT segment FROM coverage_pairs GROUP BY segment
           HAVING count(*) FILTER (is_headline) <> CASE WHEN segment IN ('ALL', 'PU', 'BPU') THEN 1 ELSE 0 END
           OR segment = 'PMI'""",
        "UPDATE coverage_pairs SET is_headline = true WHERE segment = 'JAKON'",
    ),
    "a proxy is what BPS calls formal or informal": Promise(
        "SELECT * FROM coverage_pairs WHERE (comparability = 'proxy') "
        "<> (denominator_concept IN ('employed_formal', 'employed_informal'))",
        "UPDATE coverage_pairs SET comparability = 'exact'",
    ),
    "one grace a segment on any date": Promise(
        _overlap("grace", "segment"),
        "INSERT INTO grace VALUES ('BPU', 1, 'grace-1m', DATE '2027-01-01', NULL, 'canary')",
    ),
    "every segment but the total has a grace": Promise(
        "SELECT segment FROM segments WHERE (segment <> 'ALL') <> (segment IN (SELECT segment FROM grace))",
        "DELETE FROM grace WHERE segment = 'PMI'",
    ),
    "five segments in one order": Promise(
        """SELECT string_agg(segment, ' ' ORDER BY sort_order) AS shown FROM segments
           HAVING shown <> 'PU BPU JAKON PMI ALL'""",
        "UPDATE segments SET sort_order = 9 WHERE segment = 'BPU'",
    ),
    "one rate on any date": Promise(
        _overlap("contribution_rates", "segment", "programme", "kind", "sector_code", "risk_class"),
        "UPDATE contribution_rates SET valid_to = NULL WHERE rate = 3400",
    ),
    "one rule for any segment, scale and programme": Promise(
        """SELECT s.segment, e.scale, p.programme FROM segments AS s
           CROSS JOIN (VALUES ('micro'), ('small'), ('medium'), ('large')) AS e (scale)
           CROSS JOIN (VALUES ('JKK'), ('JKM'), ('JHT'), ('JP'), ('JKP')) AS p (programme)
           LEFT JOIN programme_rules AS r ON r.segment = s.segment AND r.programme = p.programme
             AND coalesce(r.employer_scale, e.scale) = e.scale
           WHERE s.segment <> 'ALL' GROUP BY ALL HAVING count(r."rule") <> 1""",
        "DELETE FROM programme_rules WHERE employer_scale = 'small' AND programme = 'JHT'",
    ),
    "one minimum for any package, sector and month": Promise(
        f"""SELECT package.*, month FROM
              (SELECT DISTINCT programmes, sector_code FROM minimum_contributions) AS package
            CROSS JOIN ({_MONTHS})
            LEFT JOIN minimum_contributions AS m ON m.programmes = package.programmes
              AND m.sector_code IS NOT DISTINCT FROM package.sector_code
              AND month BETWEEN m.valid_from AND coalesce(m.valid_to, DATE '9999-12-31')
            GROUP BY ALL HAVING count(m.min_monthly_idr) <> 1""",
        "DELETE FROM minimum_contributions WHERE min_monthly_idr = 168",
    ),
    "minima are the sums of flat amounts and least amounts": Promise(
        f"""SELECT m.programmes, m.sector_code, month, m.min_monthly_idr FROM minimum_contributions AS m
            JOIN ({_MONTHS}) ON month BETWEEN m.valid_from AND coalesce(m.valid_to, DATE '9999-12-31')
            LEFT JOIN contribution_rates AS r ON r.segment = m.segment AND r.kind IN ('flat_idr', 'min_idr')
              AND list_contains(string_split(m.programmes, '+'), r.programme)
              AND r.sector_code IS NOT DISTINCT FROM CASE WHEN r.programme <> 'JHT' THEN m.sector_code END
              AND month BETWEEN r.valid_from AND coalesce(r.valid_to, DATE '9999-12-31')
            GROUP BY ALL HAVING coalesce(sum(r.rate), 0) <> m.min_monthly_idr""",
        "UPDATE contribution_rates SET rate = 0 WHERE kind = 'min_idr' AND programme = 'JHT'",
    ),
    "minima: packages in alphabetical order, periods of whole months": Promise(
        """SELECT * FROM minimum_contributions
           WHERE programmes <> array_to_string(list_sort(string_split(programmes, '+')), '+')
             OR day(valid_from) <> 1 OR valid_to <> last_day(valid_to)""",
        "UPDATE minimum_contributions SET programmes = 'JKK+JKM+JHT'",
    ),
}


@pytest.mark.parametrize("name", PROMISES)
def test_shipped_files_keep_the_promise(shipped: duckdb.DuckDBPyConnection, name: str) -> None:
    assert shipped.execute(PROMISES[name].broken_by).fetchall() == []


@pytest.mark.parametrize("name", PROMISES)
def test_canary_breaks_the_promise(shipped: duckdb.DuckDBPyConnection, name: str) -> None:
    shipped.execute(PROMISES[name].canary)
    assert shipped.execute(PROMISES[name].broken_by).fetchall() != []


def _is_sorted(frame: pl.DataFrame) -> bool:
    return frame.equals(frame.sort(frame.columns, nulls_last=False))


def test_no_other_files() -> None:
    assert {path.stem for path in REFERENCE_FOLDER.glob("*.csv")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_columns_key_and_line_ends(name: str) -> None:
    path = REFERENCE_FOLDER / f"{name}.csv"
    frame = pl.read_csv(path, infer_schema=False)
    key = frame.select(column[:-1] for column in FILES[name].split() if column.endswith("*"))
    assert frame.columns == FILES[name].replace("*", "").split()
    assert _is_sorted(key)
    assert key.height < 2 or not _is_sorted(key.reverse())
    assert not key.is_duplicated().any()
    assert b"\r" not in path.read_bytes()


SPELLINGS = {
    "dharmasraya": "1311", "kab. dharmasraya": "1311", "kota denpasar": "5171", "kota solok": "1372",
    "kabupaten solok": "1303", "sawah lunto": "1373", "bau bau": "7472", "ix koto": "1311041",
    "kota jambi": "1571", "provinsi jambi": "15", "d i yogyakarta": "34", "dki jakarta": "31",
    "mamuju utara": "7605", "nasional": "0000",
}  # fmt: skip


@pytest.mark.parametrize("alias", SPELLINGS)
def test_known_spellings(shipped: duckdb.DuckDBPyConnection, alias: str) -> None:
    found = shipped.execute("SELECT region_code FROM region_aliases WHERE alias = ?", [alias]).fetchall()
    assert found == [(SPELLINGS[alias],)]


@pytest.mark.parametrize(
    ("programmes", "sector", "month", "idr"),
    [
        ("JKK+JKM", None, "2020-07-01", 16800),
        ("JKK+JKM", None, "2020-08-01", 168),
        ("JHT+JKK+JKM", "H", "2021-01-01", 20168),
        ("JHT+JKK+JKM", None, "2021-02-01", 36800),
        ("JKK+JKM", "H", "2026-01-01", 8400),
        ("JKK+JKM", None, "2026-03-01", 16800),
        ("JHT+JKK+JKM", None, "2026-11-01", 28400),
        ("JKK+JKM", "H", "2027-03-01", 8400),
        ("JKK+JKM", None, "2027-01-01", 16800),
    ],
)
def test_least_contribution(
    shipped: duckdb.DuckDBPyConnection, programmes: str, sector: str | None, month: str, idr: int
) -> None:
    found = shipped.execute(
        """SELECT min_monthly_idr FROM minimum_contributions
           WHERE segment = 'BPU' AND programmes = ? AND sector_code IS NOT DISTINCT FROM ?
             AND ?::DATE BETWEEN valid_from AND coalesce(valid_to, DATE '9999-12-31')""",
        [programmes, sector, month],
    ).fetchall()
    assert found == [(idr,)]


@pytest.mark.skipif(not BRIDGE.exists(), reason="the public bridging file is not here")
@pytest.mark.parametrize(
    ("system", "column", "spelling"),
    [
        ("bps", "bps_code_2020", "bps_code_2020"),
        ("bps", "bps_code_2025", "bps_code_2025"),
        ("kemendagri", "kemendagri_code_2020", "kemendagri_code_2020[:2] || '.' || kemendagri_code_2020[3:]"),
        ("kemendagri", "kemendagri_code_2025", "kemendagri_code_2025[:2] || '.' || kemendagri_code_2025[3:]"),
    ],
)
def test_every_code_of_the_bridge_leads_to_todays_key(
    shipped: duckdb.DuckDBPyConnection, system: str, column: str, spelling: str
) -> None:
    bridge = pl.read_csv(BRIDGE, infer_schema=False)
    shipped.register("bridge", bridge.select({"bps_code_2025", column}))
    resolved = shipped.execute(
        f"""SELECT count(*) FROM bridge JOIN region_codes AS c ON c.region_system = ?
            AND c.code = {spelling} AND c.region_code = bps_code_2025 AND c.valid_to IS NULL""",
        [system],
    ).fetchall()
    assert resolved == [(bridge.height,)]
    assert bridge.height == 514


def _dimension(shipped: duckdb.DuckDBPyConnection, name: str, where: str) -> list[dict[str, object]]:
    query = (MARTS / f"{name}.sql").read_text(encoding="utf-8")
    cursor = shipped.execute(f"SELECT * FROM ({query}) WHERE {where}")
    columns = [column[0] for column in cursor.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@pytest.mark.parametrize(("name", "rows"), [("dim_region", 1389), ("dim_office", 11), ("dim_segment", 5)])
def test_dimensions_hold_their_grain(shipped: duckdb.DuckDBPyConnection, name: str, rows: int) -> None:
    contract = load_contracts()[name]
    found = _dimension(shipped, name, "true")
    assert len({tuple(row[key] for key in contract.key) for row in found}) == len(found) == rows
    assert list(found[0]) == [field.name for field in contract.core_fields]


@pytest.mark.parametrize(
    ("region_code", "kemendagri_code", "province", "predecessor"),
    [
        ("0000", None, None, None),
        ("1311", "13.10", "Sumatera Barat", None),
        ("1310", "13.11", "Sumatera Barat", None),
        ("9501", "93.01", "Papua Selatan", "9401"),
        ("9271", "96.71", "Papua Barat Daya", "9171"),
        ("5171010003", "51.71.01.1003", "Bali", None),
    ],
)
def test_regions_carry_todays_kemendagri_code(
    shipped: duckdb.DuckDBPyConnection,
    region_code: str,
    kemendagri_code: str | None,
    province: str | None,
    predecessor: str | None,
) -> None:
    (row,) = _dimension(shipped, "dim_region", f"region_code = '{region_code}'")
    assert row["kemendagri_code"] == kemendagri_code
    assert row["province_name_id"] == province
    assert row["predecessor_code"] == predecessor


def test_every_region_but_the_nation_has_a_kemendagri_code(shipped: duckdb.DuckDBPyConnection) -> None:
    missing = _dimension(shipped, "dim_region", "kemendagri_code IS NULL")
    assert [row["region_code"] for row in missing] == ["0000"]


def test_an_office_stands_as_it_is_last(shipped: duckdb.DuckDBPyConnection) -> None:
    (before,) = _dimension(shipped, "dim_office", "office_code = 'DHS'")
    assert (before["parent_name"], before["kanwil_name"]) == ("Solok", "Sumbar-Riau")
    shipped.execute(
        """INSERT INTO offices VALUES ('DHS', 'Cabang Dharmasraya', 'kc',
             'KW-SUMBARRIAU', 'KW-SUMBARRIAU', DATE '2027-01-01', NULL)"""
    )
    (after,) = _dimension(shipped, "dim_office", "office_code = 'DHS'")
    assert (after["name"], after["parent_name"]) == ("Cabang Dharmasraya", "Sumbar-Riau")
