"""The commands `cakupan regions …`: what a name may mean, what a person says it means, what is known of a region."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from flows.commands import LATE, OK, USAGE, Json, complain, limits_of, print_json, settings_of
from flows.settings import business_today, place_of
from sources.places import Place

if TYPE_CHECKING:
    import duckdb

    from flows.settings import Settings
    from warehouse.house import House
    from warehouse.region_confirm import Confirmation, Confirmed
    from warehouse.region_names import Change, Code, Proposal

regions = App(
    name="regions",
    help="Names and codes of regions: what is not understood, and what it means.\n\nExample: cakupan regions propose",
)
_RESULTS = {
    "landed": "dicatat / landed",
    "unchanged": "sudah dikenal atau sudah menunggu, tidak ada yang dikerjakan / known or waiting, nothing to do",
    "dry_run": "uji coba, tidak ada yang ditulis / dry run, nothing written",
}
_NEXT = (
    "Malam berikutnya (cakupan run) membaca ejaan ini dan membaca ulang berkas yang tertahan karenanya / "
    "the next night (cakupan run) takes this spelling and reads the files again that wait for it"
)


@contextmanager
def _known_regions(settings: "Settings") -> "Generator[tuple[duckdb.DuckDBPyConnection, House]]":
    from warehouse.connections import connect
    from warehouse.house import House
    from warehouse.region_names import open_regions

    house = House(place_of(settings.lake, settings))
    with connect(limits_of(settings)) as con:
        open_regions(con, house)
        yield con, house


def _answered(call: Callable[[], int]) -> int:
    """Give the exit code of a call; what it cannot understand or find ends with a sentence."""
    from sources.landing import LandingError
    from warehouse.region_names import RegionError

    try:
        return call()
    except RegionError as unclear:
        complain(str(unclear))
        return USAGE
    except LandingError as absent:
        complain(str(absent))
        return LATE


@regions.command
def propose(name: str | None = None, /, *, lake: str | None = None, as_json: Json = False) -> int:
    """Suggest what a name may mean: the one given, or every name in quarantine that no region knows.

    It only suggests: a person decides with `cakupan regions confirm`.

    Example: cakupan regions propose "Kab. Darmasraya"

    Parameters
    ----------
    name
        a name; default: the names that wait in quarantine
    lake
        folder of the lake
    """
    from warehouse.region_names import WaitingName, proposals, waiting_names

    with _known_regions(settings_of(lake=lake)) as (con, house):
        names = [WaitingName(name, 0, [])] if name else waiting_names(con, house)
        found = [(waiting, proposals(con, waiting.name)) for waiting in names]
    if as_json:
        print_json([asdict(waiting) | {"proposals": [_plain(p) for p in near]} for waiting, near in found])
        return OK
    for waiting, near in found:
        print(f"{waiting.name}" + (f"  ({waiting.lines} baris / lines)" if waiting.lines else ""))
        for proposal in near:
            print(f"  {proposal.score:5.1f}  {proposal.region.shown}  (ejaan / spelling: {proposal.matched})")
    if not found:
        print("Tidak ada nama wilayah yang menunggu / no name of a region is waiting")
    return OK


def _plain(proposal: "Proposal") -> dict[str, Any]:
    return {**asdict(proposal.region), "score": proposal.score, "matched": proposal.matched}


@regions.command
def confirm(
    name: str,
    code: str,
    /,
    *,
    by: str,
    landing: str | None = None,
    lake: str | None = None,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    as_json: Json = False,
) -> int:
    """Confirm which region a name means; the next night takes it.

    Example: cakupan regions confirm "Kab. Darmasraya" 1311 --by "Siti, data team"

    Parameters
    ----------
    name
        the name as it stands in the file
    code
        BPS code (1311), or Kemendagri code with its dots (13.10)
    by
        who confirms it
    landing
        folder of the landing zone
    lake
        folder of the lake
    dry_run
        check only, write nothing
    """
    from warehouse.region_confirm import Confirmation
    from warehouse.region_confirm import confirm as confirm_name

    settings = settings_of(landing=landing, lake=lake)
    said = Confirmation(name, code, by, business_today())

    def call() -> int:
        with _known_regions(settings) as (con, _):
            done = confirm_name(con, place_of(settings.landing, settings), said, is_dry_run=dry_run)
        _tell(done, said, place_of(settings.landing, settings), as_json=as_json)
        return OK

    return _answered(call)


def _tell(done: "Confirmed", said: "Confirmation", landing: Place, *, as_json: bool) -> None:
    following = _NEXT if done.result == "landed" else None
    if as_json:
        print_json(
            {
                "result": done.result,
                "alias": done.alias,
                **asdict(done.region),
                "confirmed_by": said.by,
                "confirmed_on": said.on.isoformat(),
                "file": done.file,
                "next": following,
            }
        )
        return
    print(f"{done.alias} = {done.region.shown}: {_RESULTS[done.result]}")
    if done.file:
        print(f"  {landing.uri}/{done.file}")
    if following:
        print(following)


@regions.command
def show(region: str, /, *, lake: str | None = None, as_json: Json = False) -> int:
    """Show what is known of a region: codes in both systems, names, spellings, what it was before.

    Example: cakupan regions show 9501

    Parameters
    ----------
    region
        a code (BPS, or dotted Kemendagri) or a name
    lake
        folder of the lake
    """
    from warehouse.region_names import aliases_of, changes_of, codes_of, find_region

    def call() -> int:
        with _known_regions(settings_of(lake=lake)) as (con, _):
            found = find_region(con, region)
            codes, changes, aliases = codes_of(con, found), changes_of(con, found), aliases_of(con, found)
        if as_json:
            document = {"codes": [asdict(code) for code in codes], "changes": [asdict(change) for change in changes]}
            print_json({**asdict(found), **document, "aliases": aliases})
            return OK
        print(f"{found.shown} / {found.name_en} ({found.level})")
        for line in (*map(_code_line, codes), *map(_change_line, changes)):
            print(f"  {line}")
        print(f"  ejaan / spellings: {', '.join(aliases)}")
        return OK

    return _answered(call)


def _code_line(code: "Code") -> str:
    since = f" sejak / since {code.valid_from}" if code.valid_from else ""
    until = f" sampai / until {code.valid_to}" if code.valid_to else ""
    state = "sekarang / today" if code.is_todays else "dahulu / formerly"
    return f"{code.region_system} {code.code}: {state}{since}{until}"


def _change_line(change: "Change") -> str:
    share = f", bagian / share {change.weight:g}" if change.weight is not None else ""
    codes = f"{change.predecessor_code} -> {change.successor_code}"
    return f"{change.changed_on} {change.change_kind} {codes}{share} ({change.source})"
