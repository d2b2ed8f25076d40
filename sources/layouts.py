"""Find the header line of a table and the layout that it belongs to: canonical first, then the profiles."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from expectations.profiles import Profile
from sources import refusals
from sources.melting import Part, melted_parts, repeated
from sources.own_sums import Breakdown
from sources.tables import Layout, Refusal, Request

CANONICAL = "canonical"
_NUMBER_CELL = re.compile(r"\(?(\d{1,3})\)?")
_UNIT_CELL = re.compile(r"\([^()]{1,30}\)")
_LAYOUT_ROWS = 3
_FEW_NUMBERS = 4


@dataclass(frozen=True)
class Candidate:
    """A line that may be the header: its rows of cells and the last physical line of each row."""

    line: int
    delimiter: str
    rows: Sequence[Sequence[str]]
    ends: Sequence[int]


@dataclass(frozen=True)
class Plan:
    """How a table's positions become canonical columns.

    Attributes:
        layout: what the caller is told.
        profile: the profile, or None for the canonical layout.
        positions: canonical column to position in the file.
        sources: squeezed name of a column that the profile reads to its position.
        parts: the rows to make of a wide row; none where a row stays as it is.
        breakdowns: the profile's own sums of which this header has every column.
        names: the header's names; `named` is the count up to the last name that is not empty.
    """

    layout: Layout
    profile: Profile | None
    positions: dict[str, int]
    sources: dict[str, int]
    names: Sequence[str]
    parts: Sequence[Part] = ()
    breakdowns: Sequence[Breakdown] = ()

    @property
    def is_plain(self) -> bool:
        """Tell whether every canonical column is one of the file's as it stands, in plain locale."""
        return self.profile is None

    @property
    def named(self) -> int:
        """Return how many fields a record must at least have."""
        return max((index + 1 for index, name in enumerate(self.names) if name.strip()), default=0)


@dataclass(frozen=True)
class Header:
    """Where the header was found: the plan, the delimiter, and the last line that is still layout."""

    plan: Plan
    delimiter: str
    cells: Sequence[str]
    last_line: int


@lru_cache(maxsize=4096)
def squeeze(name: str) -> str:
    """Return a header name without case, spaces and punctuation (`No. KPJ` and `no_kpj` become `nokpj`)."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum() or char in "%<>+")


def find_header(candidates: Iterable[Candidate], request: Request, kind: str, sheet: str | None) -> Header:
    """Return the first line that is the header of exactly one layout.

    Args:
        candidates: lines in order; several of one line are other readings of it (delimiters).
        request: the dataset's columns and profiles.
        kind: `text`, `sheet` or `parquet`.
        sheet: the sheet's name, for profiles that ask for it.

    Raises:
        Refusal: no line matches, a line matches several layouts, or a header names a column twice.
    """
    profiles = [profile for profile in request.profiles if _applies(profile, kind, sheet)]
    seen: list[Candidate] = []
    for _, readings in groupby(candidates, key=lambda candidate: candidate.line):
        same_line = list(readings)
        try:
            headers = [header for reading in same_line for header in _headers(reading, profiles, request)]
        except Refusal as refusal:
            refusal.header_line = same_line[0].line
            raise
        if len(headers) > 1:
            names = [header.plan.layout.profile for header in headers]
            refusal = refusals.ambiguous_header(headers[0].plan.names, names)
            refusal.header_line = same_line[0].line
            raise refusal
        if headers:
            return headers[0]
        seen.extend(same_line)
    raise _unknown(seen, profiles, request)


def _applies(profile: Profile, kind: str, sheet: str | None) -> bool:
    if profile.format not in {"any", kind}:
        return False
    return profile.sheet is None or (sheet is not None and re.search(profile.sheet, sheet) is not None)


def _headers(candidate: Candidate, profiles: Sequence[Profile], request: Request) -> Iterator[Header]:
    plan = _canonical_plan(candidate.rows[0], request)
    if plan is not None:
        yield _header(candidate, plan, 1)
        return
    for profile in profiles:
        if candidate.line > profile.skip_rows and len(candidate.rows) >= profile.header_rows:
            plan = _profile_plan(_joined(candidate.rows[: profile.header_rows]), profile)
            if plan is not None:
                yield _header(candidate, plan, profile.header_rows)


def _header(candidate: Candidate, plan: Plan, header_rows: int) -> Header:
    """Add the unit and column-number rows that stand directly under the header."""
    last = header_rows
    for row in candidate.rows[header_rows : header_rows + _LAYOUT_ROWS]:
        if not _is_layout_row(row):
            break
        last += 1
    return Header(plan, candidate.delimiter, candidate.rows[header_rows - 1], candidate.ends[last - 1])


def _is_layout_row(row: Sequence[str]) -> bool:
    """Tell whether a row only holds units in parentheses, or numbers its columns one by one."""
    cells = [cell.strip().lstrip("\x01") for cell in row if cell.strip()]
    if not cells:
        return False
    numbers = [int(found[1]) for cell in cells if (found := _NUMBER_CELL.fullmatch(cell))]
    if len(numbers) == len(cells):
        # Two or three bare numbers may be a record; in parentheses, or as a longer row, they never are.
        clear = len(cells) > _FEW_NUMBERS or (len(cells) > 1 and all(cell.startswith("(") for cell in cells))
        return clear and numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in {0, 1}
    return all(_UNIT_CELL.fullmatch(cell) for cell in cells)


def _joined(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one name per column: merged cells filled to the right, the rows joined by a space."""
    width = max(len(row) for row in rows)
    padded = [[*row, *[""] * (width - len(row))] for row in rows]
    filled = [_filled_right(row) for row in padded[:-1]]
    columns = zip(*filled, padded[-1], strict=True)
    return [" ".join(dict.fromkeys(part.strip() for part in parts if part.strip())) for parts in columns]


def _filled_right(row: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for cell in row:
        filled.append(cell if cell.strip() or not filled else filled[-1])
    return filled


def _clean(name: str) -> str:
    return name.strip().lstrip("\ufeff'").strip().casefold()


def _canonical_columns(request: Request) -> list[str]:
    system = ["region_system"] if "region_code" in request.columns else []
    return list(dict.fromkeys([*request.columns, *system]))


def _canonical_plan(names: Sequence[str], request: Request) -> Plan | None:
    cleaned = [_clean(name) for name in names]
    if not set(request.required or request.columns) <= set(cleaned):
        return None
    columns = _canonical_columns(request)
    twice = sorted({name for name in cleaned if name in columns and cleaned.count(name) > 1})
    if twice:
        raise refusals.duplicate_column(names, twice)
    positions = {name: cleaned.index(name) for name in columns if name in cleaned}
    unknown = [name.strip() for name, clean in zip(names, cleaned, strict=True) if clean and clean not in columns]
    layout = Layout(CANONICAL, "plain", None, {}, unknown, 1, list(positions))
    return Plan(layout, None, positions, {}, names)


def _profile_plan(names: Sequence[str], profile: Profile) -> Plan | None:
    squeezed = [squeeze(name) for name in names]
    found = {canonical: _places(aliases, squeezed) for canonical, aliases in profile.aliases.items()}
    sources = {squeeze(name): _places([name], squeezed) for name in profile.sources()}
    wanted = [*(found[name] for name in profile.required), *sources.values()]
    if not all(wanted) or any(_places(profile.excludes, squeezed)):
        return None
    twice = [name for name, places in {**found, **sources}.items() if _same_name(places, squeezed)]
    if twice:
        raise refusals.duplicate_column(names, sorted(twice))
    positions = {name: places[0] for name, places in found.items() if places}
    places = {name: indexes[0] for name, indexes in sources.items()}
    melted = melted_parts(profile, names, {*positions.values(), *places.values()})
    if melted is None:
        return None
    if again := repeated(melted):
        raise refusals.duplicate_column(names, [names[place] for place in again])
    parts = [*_unpivoted_parts(profile, places), *melted]
    breakdowns = _breakdowns(profile, squeezed)
    layout = _profile_layout(profile, names, positions, places, parts, breakdowns)
    return Plan(layout, profile, positions, places, names, parts, breakdowns)


def _unpivoted_parts(profile: Profile, sources: dict[str, int]) -> list[Part]:
    return [Part(part.set, tuple(sources[squeeze(name)] for name in part.sum)) for part in profile.unpivot]


def _breakdowns(profile: Profile, squeezed: Sequence[str]) -> list[Breakdown]:
    """Return the own sums that this header can tell: those of which it has every column."""
    told = [[_places([name], squeezed)[:1] for name in (own.total, *own.parts)] for own in profile.own_sums]
    placed = [[place for places in columns for place in places] for columns in told if all(columns)]
    return [Breakdown(total, tuple(parts)) for total, *parts in placed]


def _places(aliases: Sequence[str], squeezed: Sequence[str]) -> list[int]:
    """Return where a column's spellings stand, in the order in which the profile prefers them."""
    wanted = dict.fromkeys(squeeze(alias) for alias in aliases)
    return [index for spelling in wanted for index, name in enumerate(squeezed) if name == spelling]


def _same_name(places: Sequence[int], squeezed: Sequence[str]) -> bool:
    """Tell whether the preferred spelling stands in the header more than once."""
    return len(places) > 1 and squeezed[places[0]] == squeezed[places[1]]


def _profile_layout(
    profile: Profile,
    names: Sequence[str],
    positions: dict[str, int],
    sources: dict[str, int],
    parts: Sequence[Part],
    breakdowns: Sequence[Breakdown],
) -> Layout:
    used = {*positions.values(), *sources.values(), *(place for part in parts for place in part.places)}
    used |= {place for breakdown in breakdowns for place in (breakdown.total, *breakdown.parts)}
    unknown = [name.strip() for index, name in enumerate(names) if name.strip() and index not in used]
    unpivoted = [name for part in parts for name in [*part.set, "value"]]
    judged = ["own_sums"] if breakdowns else []
    made = [*positions, *profile.choose, *profile.constants, *unpivoted, *judged]
    # Figures times a factor are rounded, and shaping says so in their qualifier.
    made += ["qualifier"] if "value" in made and profile.is_scaled else []
    return Layout(
        profile=profile.name,
        locale=profile.locale,
        region_system=profile.region_system,
        constants=dict(profile.constants),
        unknown_columns=unknown,
        unit=profile.unit,
        columns=list(dict.fromkeys(made)),
    )


@dataclass(frozen=True)
class _Distance:
    """How near a line comes to a layout: names found, names missing."""

    line: int
    found: int
    missing: Sequence[str]
    layout: str
    names: Sequence[str]


def _unknown(seen: Sequence[Candidate], profiles: Sequence[Profile], request: Request) -> Refusal:
    """Return the refusal that names the nearest line and layout."""
    distances = [distance for candidate in seen for distance in _distances(candidate, profiles, request)]
    required = list(request.required or request.columns)
    nearest = max(distances, key=lambda distance: distance.found, default=_Distance(0, 0, required, CANONICAL, []))
    recognised = nearest.found >= 2
    shown = nearest if recognised else _Distance(0, 0, required, CANONICAL, [])
    lines = max((candidate.line for candidate in seen), default=0)
    refusal = refusals.unknown_header(shown.names, shown.missing, shown.layout, lines)
    refusal.header_line = shown.line
    return refusal


def _distances(candidate: Candidate, profiles: Sequence[Profile], request: Request) -> Iterator[_Distance]:
    line, names = candidate.line, candidate.rows[0]
    cleaned = {_clean(name) for name in names}
    missing = [name for name in request.required or request.columns if name not in cleaned]
    yield _Distance(line, len(cleaned & set(request.columns)), missing, CANONICAL, names)
    squeezed = [squeeze(name) for name in names]
    for profile in profiles:
        wanted = {name: profile.aliases[name] for name in profile.required}
        wanted |= {name: [name] for name in profile.sources()}
        absent = [spellings[0] for spellings in wanted.values() if not _places(spellings, squeezed)]
        absent += [melt.columns for melt in profile.melt if not any(map(melt.pattern().search, names))]
        found = sum(bool(_places(spellings, squeezed)) for spellings in profile.aliases.values())
        yield _Distance(line, found, absent, profile.name, names)
