"""Changes of regions, codes that mean a province, and names that mean several regions: promises and their canaries."""

import duckdb
import pytest

from tests.warehouse.test_reference import Promise

PROMISES = {
    "Papua 2022 is 26 new codes and two splits": Promise(
        """SELECT change_kind, count(*) AS n, count(weight) AS known FROM region_changes GROUP BY change_kind
           HAVING (n, known) <> CASE change_kind WHEN 'recode' THEN (26, 26) ELSE (6, 0) END""",
        "DELETE FROM region_changes WHERE successor_code = '9501'",
    ),
    "every successor is a region of today": Promise(
        "SELECT * FROM region_changes ANTI JOIN regions ON successor_code = region_code",
        "UPDATE region_changes SET successor_code = '9599' WHERE successor_code = '9501'",
    ),
    "every predecessor is a code that BPS used": Promise(
        "SELECT * FROM region_changes ANTI JOIN region_codes ON region_system = 'bps' AND code = predecessor_code",
        "UPDATE region_changes SET predecessor_code = '9499' WHERE predecessor_code = '9401'",
    ),
    "an old code that is no longer used leads to its only successor": Promise(
        """SELECT * FROM region_changes AS change
           LEFT JOIN region_codes AS code ON region_system = 'bps' AND code.code = change.predecessor_code
           WHERE change_kind IN ('recode', 'rename') AND code.region_code IS DISTINCT FROM successor_code""",
        "UPDATE region_changes SET successor_code = '9502' WHERE predecessor_code = '9401'",
    ),
    "weights of a predecessor add up to 1 where all are known": Promise(
        """SELECT predecessor_code FROM region_changes GROUP BY predecessor_code, changed_on
           HAVING count(weight) = count(*) AND sum(weight) <> 1""",
        "UPDATE region_changes SET weight = 0.5 WHERE predecessor_code = '9401'",
    ),
    "a weight is above 0 and at most 1, and a mere new code or name passes all on": Promise(
        """SELECT * FROM region_changes
           WHERE weight <= 0 OR weight > 1 OR (change_kind IN ('recode', 'rename') AND weight IS DISTINCT FROM 1)""",
        "UPDATE region_changes SET weight = NULL WHERE predecessor_code = '9401'",
    ),
    "a split names what is left of the predecessor, where its code is still used": Promise(
        """SELECT change.predecessor_code FROM region_changes AS change
           JOIN regions ON region_code = change.predecessor_code
           WHERE change.change_kind = 'split' GROUP BY change.predecessor_code
           HAVING NOT bool_or(successor_code = change.predecessor_code)""",
        "DELETE FROM region_changes WHERE predecessor_code = '91' AND successor_code = '91'",
    ),
    "regions name their predecessor as the changes do": Promise(
        """SELECT coalesce(region_code, successor_code) AS code
           FROM (SELECT * FROM regions WHERE predecessor_code IS NOT NULL) AS region
           FULL JOIN (SELECT * FROM region_changes WHERE predecessor_code <> successor_code) AS change
             ON successor_code = region_code
           WHERE (region.predecessor_code, region.change_kind)
             IS DISTINCT FROM (change.predecessor_code, change.change_kind)""",
        "UPDATE regions SET predecessor_code = '9402' WHERE region_code = '9501'",
    ),
    "a region changes on the day from which it or its province is valid": Promise(
        """SELECT successor_code FROM region_changes AS change
           JOIN regions AS region ON region.region_code = successor_code
           LEFT JOIN regions AS province ON province.region_code = left(successor_code, 2)
           WHERE change.predecessor_code <> successor_code
             AND changed_on IS DISTINCT FROM coalesce(region.valid_from, province.valid_from)""",
        "UPDATE region_changes SET changed_on = DATE '2022-01-01' WHERE successor_code = '92'",
    ),
    "a province's code and two noughts mean the province to BPS": Promise(
        """SELECT region.region_code FROM regions AS region LEFT JOIN region_codes AS code
             ON region_system = 'bps' AND code.code = region.region_code || '00'
           WHERE level = 'province' AND code.region_code IS DISTINCT FROM region.region_code""",
        "DELETE FROM region_codes WHERE code = '1300'",
    ),
    "no regency's code ends in two noughts": Promise(
        "SELECT * FROM regions WHERE level = 'regency' AND right(region_code, 2) = '00'",
        "UPDATE regions SET region_code = '1300' WHERE region_code = '1303'",
    ),
    "a name means one region or several, never both": Promise(
        """SELECT alias FROM region_names
           WHERE (region_code IS NULL) = (candidates IS NULL) OR coalesce(len(candidates), 2) < 2""",
        "CREATE OR REPLACE VIEW region_names AS SELECT 'solok' AS alias, NULL AS region_code, ['1303'] AS candidates",
    ),
    "a bare name of two regions means none of them": Promise(
        """SELECT wanted.* FROM (VALUES ('solok', ['1303', '1372']), ('bogor', ['3201', '3271']),
             ('gorontalo', ['75', '7502', '7571']), ('jambi', ['15', '1571']), ('yogyakarta', ['34', '3471']))
             AS wanted (name, regions)
           LEFT JOIN region_names ON alias = name WHERE candidates IS DISTINCT FROM regions""",
        "INSERT INTO region_aliases VALUES ('solok', '1303', 'x', DATE '2026-11-01')",
    ),
}


@pytest.mark.parametrize("name", PROMISES)
def test_shipped_regions_keep_the_promise(shipped: duckdb.DuckDBPyConnection, name: str) -> None:
    assert shipped.execute(PROMISES[name].broken_by).fetchall() == []


@pytest.mark.parametrize("name", PROMISES)
def test_canary_breaks_the_promise(shipped: duckdb.DuckDBPyConnection, name: str) -> None:
    shipped.execute(PROMISES[name].canary)
    assert shipped.execute(PROMISES[name].broken_by).fetchall() != []


def test_merauke_keeps_its_way_from_the_old_code_to_the_new(shipped: duckdb.DuckDBPyConnection) -> None:
    found = shipped.execute(
        "SELECT successor_code, change_kind, CAST(changed_on AS VARCHAR), weight FROM region_changes "
        "WHERE predecessor_code = '9401'"
    ).fetchall()
    assert found == [("9501", "recode", "2022-07-25", 1)]
