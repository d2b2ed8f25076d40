"""Names of regions: what a code or name means, which names in quarantine mean nothing, and what they may mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
from rapidfuzz import fuzz, process, utils

from transforms.clean import MACROS
from warehouse.connections import first_value
from warehouse.house import House
from warehouse.reference import load_reference, merge_landed

PROPOSED = 3


class RegionError(ValueError):
    """A code or name that means no region, or several."""


@dataclass(frozen=True)
class Region:
    """One region of today: its BPS code, level, names, and the name of its province."""

    region_code: str
    level: str
    name_id: str
    name_en: str
    province_name_id: str | None

    @property
    def spelling(self) -> str:
        """The name with its type, which no other region has: Kabupaten Solok, Provinsi Jambi."""
        return f"Provinsi {self.name_id}" if self.level == "province" else self.name_id

    @property
    def shown(self) -> str:
        """The region in one line for people."""
        province = f", {self.province_name_id}" if self.province_name_id and self.level != "province" else ""
        return f"{self.region_code} {self.spelling}{province}"


@dataclass(frozen=True)
class Code:
    """One code of a region; without dates where it is not known since when or until when it was used."""

    region_system: str
    code: str
    valid_from: date | None
    valid_to: date | None
    is_todays: bool


@dataclass(frozen=True)
class Change:
    """One change of a region: from which code to which, of what kind, since when, with what share."""

    predecessor_code: str
    successor_code: str
    change_kind: str
    changed_on: date
    weight: float | None
    source: str


@dataclass(frozen=True)
class Proposal:
    """A region that a name may mean: how alike it is (0 to 100) and to which known spelling."""

    region: Region
    score: float
    matched: str


@dataclass(frozen=True)
class WaitingName:
    """A name that no region knows, with the lines of quarantine that it holds back and their files."""

    name: str
    lines: int
    files: list[str]


def open_regions(con: duckdb.DuckDBPyConnection, house: House) -> None:
    """Give a connection what the next night will know of regions: the shipped reference data and what landed.

    Args:
        con: an empty connection.
        house: the lake; it may not exist yet.
    """
    con.execute(MACROS.read_text(encoding="utf-8"))
    house.attach_core(con, house.core_versions())
    load_reference(con)
    merge_landed(con)


def alias_of(con: duckdb.DuckDBPyConnection, name: str) -> str:
    """Give a name as names are compared: lower case, single spaces."""
    return first_value(con, "SELECT alias_of($1)", [name])


def _regions(con: duckdb.DuckDBPyConnection, where: str, parameters: Sequence[object]) -> list[Region]:
    rows = con.execute(
        "SELECT region.region_code, region.level, region.name_id, region.name_en, province.name_id "
        "FROM reference.regions AS region LEFT JOIN reference.regions AS province "
        "ON province.level = 'province' AND province.region_code = left(region.region_code, 2) "
        f"WHERE {where} ORDER BY region.region_code",
        list(parameters),
    ).fetchall()
    return [Region(*row) for row in rows]


def region_of_code(con: duckdb.DuckDBPyConnection, code: str) -> Region:
    """Give the region that a code means.

    Args:
        con: a connection that knows regions.
        code: of BPS, today's or an older one, or of Kemendagri with its dots.

    Returns:
        The region of today.

    Raises:
        RegionError: no region has the code.
    """
    found = _regions(
        con,
        "region.region_code IN (SELECT region_code FROM reference.region_codes WHERE code = $1 "
        "AND region_system = CASE WHEN contains($1, '.') THEN 'kemendagri' ELSE 'bps' END AND valid_to IS NULL)",
        [code.strip()],
    )
    if len(found) != 1:
        raise RegionError(
            f"kode {code} tidak ada dalam daftar wilayah; pakai kode BPS (1311) atau Kemendagri bertitik (13.10) / "
            f"no region has the code {code}; give a code of BPS (1311) or a dotted one of Kemendagri (13.10)"
        )
    return found[0]


def regions_of_name(con: duckdb.DuckDBPyConnection, name: str) -> list[Region]:
    """Give the regions that a name means: none if it is unknown, several if it is a bare name that they share."""
    return _regions(
        con,
        "region.region_code IN (SELECT unnest(coalesce(candidates, [region_code])) "
        "FROM reference.region_names WHERE alias = alias_of($1))",
        [name],
    )


def find_region(con: duckdb.DuckDBPyConnection, word: str) -> Region:
    """Give the one region that a code or name means.

    Args:
        con: a connection that knows regions.
        word: a code or a name.

    Returns:
        The region.

    Raises:
        RegionError: none, or several; the sentence names what may be meant.
    """
    if not any(letter.isalpha() for letter in word):
        return region_of_code(con, word)
    found = regions_of_name(con, word)
    if len(found) == 1:
        return found[0]
    if found:
        raise RegionError(shared_name(word, found))
    near = "; ".join(proposal.region.shown for proposal in proposals(con, word))
    raise RegionError(
        f"tidak ada wilayah bernama {word}; mungkin: {near} / no region is called {word}; perhaps one of these"
    )


def shared_name(name: str, regions: Sequence[Region]) -> str:
    """Write that a bare name belongs to several regions, and how each is spelt."""
    spelt = ", ".join(f"{region.spelling} ({region.region_code})" for region in regions)
    return (
        f"nama {name} dimiliki beberapa wilayah; tulis dengan jenisnya: {spelt} / "
        f"{name} is the name of several regions; spell it with its type: {spelt}"
    )


def proposals(con: duckdb.DuckDBPyConnection, name: str) -> list[Proposal]:
    """Give the regions whose spelling is most like a name; a suggestion for a person, never a decision.

    Args:
        con: a connection that knows regions.
        name: the name as it was written.

    Returns:
        At most three regions, the most alike first; equal scores in the order of spelling and code.
    """
    spellings = con.execute(
        "SELECT alias, unnest(coalesce(candidates, [region_code])) AS code FROM reference.region_names ORDER BY ALL"
    ).fetchall()
    ranked = process.extract(
        name,
        [alias for alias, _ in spellings],
        scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
        limit=None,
    )
    best: dict[str, tuple[float, str]] = {}
    for alias, score, place in ranked:
        best.setdefault(spellings[place][1], (round(score, 1), alias))
        if len(best) == PROPOSED:
            break
    return [Proposal(region_of_code(con, code), *found) for code, found in best.items()]


def waiting_names(con: duckdb.DuckDBPyConnection, house: House) -> list[WaitingName]:
    """List the names in quarantine that no region knows, those first that hold back most lines.

    Args:
        con: a connection that knows regions.
        house: the lake.

    Returns:
        Each name as it stands in the newest files, with its lines; a name that was confirmed since is left out.
    """
    rows = con.execute(
        f"""WITH newest AS (
          SELECT file AS landed_file, max_by(source_key, (sweep, source_key)) AS source_key
          FROM ({house.arrivals.relation()}) GROUP BY file
        ),
        pieces AS (
          SELECT file, lines, unnest(string_split(found, '; ')) AS piece
          FROM ({house.quarantine.relation()})
          WHERE source_key IN (SELECT source_key FROM newest)
            AND list_has_any(string_split(rules, ','), ['region_code_unknown', 'place_unknown'])
        ),
        names AS (
          SELECT file, lines, substr(piece, strpos(piece, '=') + 1) AS name
          FROM pieces WHERE regexp_matches(piece, '^(region_code|place)=.*[A-Za-z]')
        )
        SELECT min(name), sum(lines)::BIGINT, list(DISTINCT file ORDER BY file)
        FROM names ANTI JOIN reference.region_names AS known ON known.alias = alias_of(names.name)
        GROUP BY alias_of(name) ORDER BY 2 DESC, 1"""
    ).fetchall()
    return [WaitingName(*row) for row in rows]


def codes_of(con: duckdb.DuckDBPyConnection, region: Region) -> list[Code]:
    """Give the codes of a region in both systems, today's first.

    A retired BPS code ends on the day before its region was recoded. Of a retired Kemendagri code no day is known.
    """
    rows = con.execute(
        """SELECT code.region_system, code.code,
          coalesce(code.valid_from, came.changed_on), coalesce(code.valid_to, went.changed_on - 1),
          CASE code.region_system WHEN 'bps' THEN went.changed_on IS NULL
            ELSE split_part(code.code, '.', 1) = coalesce(province.code, code.code) END AS is_todays
        FROM reference.region_codes AS code
        LEFT JOIN reference.region_changes AS came ON came.change_kind = 'recode' AND code.region_system = 'bps'
          AND came.successor_code = code.region_code AND came.successor_code = code.code
        LEFT JOIN reference.region_changes AS went ON went.change_kind = 'recode' AND code.region_system = 'bps'
          AND went.successor_code = code.region_code AND went.predecessor_code = code.code
        LEFT JOIN reference.region_codes AS province
          ON province.region_system = 'kemendagri' AND province.region_code = left(code.region_code, 2)
        WHERE code.region_code = $1
        ORDER BY code.region_system, is_todays DESC, length(code.code), code.code""",
        [region.region_code],
    ).fetchall()
    return [Code(*row) for row in rows]


def changes_of(con: duckdb.DuckDBPyConnection, region: Region) -> list[Change]:
    """Give the changes by which a region came about or lost a part, the oldest first."""
    rows = con.execute(
        "SELECT predecessor_code, successor_code, change_kind, changed_on, CAST(weight AS DOUBLE), source "
        "FROM reference.region_changes WHERE $1 IN (predecessor_code, successor_code) "
        "ORDER BY changed_on, predecessor_code, successor_code",
        [region.region_code],
    ).fetchall()
    return [Change(*row) for row in rows]


def aliases_of(con: duckdb.DuckDBPyConnection, region: Region) -> list[str]:
    """Give the confirmed spellings of a region, in alphabetical order."""
    found = "SELECT alias FROM reference.region_aliases WHERE region_code = $1 ORDER BY alias"
    return [row[0] for row in con.execute(found, [region.region_code]).fetchall()]
