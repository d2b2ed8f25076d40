"""One sweep of the landing zone: keep, read, tag, set aside and commit every file that is news."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from expectations.contracts import Contract, contracts_of
from expectations.schemas import quoted
from sources.landing import LandedFile
from sources.snapshots import SnapshotError
from transforms.identities import TABLES as IDENTITY_TABLES
from warehouse.bad_rows import add_bad_entry, create_bad_rows, forget_bad_rows
from warehouse.commit import Refused, Standing, choose_partitions, commit_partitions, judge_again, merge_rows
from warehouse.connections import first_value
from warehouse.crew import Member, read_side_by_side
from warehouse.file_loading import Sweep, keep, postpone, prepared_loader, takes_certain, unread_lines
from warehouse.lake import files_relation
from warehouse.ledger import (
    Known,
    arrival_sweeps,
    judging_key,
    known_files,
    last_sweep,
    must_read,
    profile_marks,
    reading_key,
    record_arrivals,
    record_loads,
)
from warehouse.load import LoadedFile, Loader, StagedPartition, profile_digests
from warehouse.pending import clear_pending
from warehouse.person_key import key_id
from warehouse.reference import LANDED_REFERENCE, load_reference, merge_landed

# Holds the digest of the identities by which core was judged last.
_JUDGED_UNDER = "judged-under"


def run_sweep(sweep: Sweep, files: Sequence[LandedFile]) -> list[LoadedFile]:
    """Read what is news among the landed files and commit it.

    Args:
        sweep: where to and how.
        files: what lies in the landing zone.

    Returns:
        One entry a file, by path; files that are known have the verdict ``unchanged`` and no lines.
    """
    known = known_files(sweep.house, sweep.con)
    number = last_sweep(sweep.house, sweep.con) + 1
    if not sweep.is_dry:
        record_arrivals(sweep.house, sweep.con, files, number, arrival_sweeps(sweep.house, sweep.con))
    _prepare(sweep)
    results: list[LoadedFile] = []
    for group in _groups(files):
        reading = reading_key(sweep.house)
        news = _news(sweep, group, known, reading)
        if news:
            sweep.on_news()
        results += _read_group(sweep, group, news, number, reading)
        if news:
            _attach_reference(sweep)
    _judge_again(sweep)
    if not sweep.is_dry:
        clear_pending(sweep.house)
    return sorted(results, key=lambda result: result.landed.file)


def _judge_again(sweep: Sweep) -> None:
    """Let identities that changed since the last sweep judge what stands: figures that came before them too."""
    lake, key = sweep.house.place, judging_key().encode()
    if sweep.is_dry or sweep.again or lake.read(_JUDGED_UNDER) == key:
        return
    for name in sweep.house.core_versions(IDENTITY_TABLES):
        judge_again(sweep.con, contracts_of("dataset")[name], sweep.house.core(name))
    lake.write(_JUDGED_UNDER, key)


def _prepare(sweep: Sweep) -> None:
    sweep.prepare()
    _attach_reference(sweep)


def _attach_reference(sweep: Sweep) -> None:
    sweep.house.attach_core(sweep.con, sweep.house.core_versions())
    if sweep.is_dry:
        _lay_over(sweep)
    load_reference(sweep.con)
    merge_landed(sweep.con)


def _lay_over(sweep: Sweep) -> None:
    """Let the reference data that a dry run has read stand over what the lake holds."""
    for name in LANDED_REFERENCE:
        held, read = (house.core(name).relation() for house in (sweep.house, sweep.scratch))
        key = ", ".join(contracts_of("dataset")[name].key)
        sweep.con.execute(
            f"CREATE OR REPLACE VIEW core.{name} AS SELECT * EXCLUDE (_nth) "
            f"FROM (SELECT *, 1 AS _nth FROM ({held}) UNION ALL SELECT *, 0 AS _nth FROM ({read})) "
            f"QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY _nth) = 1"
        )


def _groups(files: Sequence[LandedFile]) -> list[list[LandedFile]]:
    """Split so that what rules look up (offices, their regions, spellings) is committed before the rest is judged."""
    reference = [landed for landed in files if landed.dataset in LANDED_REFERENCE]
    return [reference, [landed for landed in files if landed.dataset not in LANDED_REFERENCE]]


def _news(sweep: Sweep, files: Sequence[LandedFile], known: Mapping[str, Known], reading: str) -> list[LandedFile]:
    """Give the files to be read, one for each sha256."""
    marks = {name: profile_marks(profile_digests(name)) for name in {landed.dataset for landed in files}}
    lying: dict[str, list[LandedFile]] = {}
    for landed in files:
        lying.setdefault(landed.sha256, []).append(landed)
    return [
        same[0]
        for sha256, same in lying.items()
        if sha256 in sweep.again
        or must_read(known.get(sha256), reading, {landed.file for landed in same}, marks[same[0].dataset])
    ]


def _read_group(
    sweep: Sweep, group: Sequence[LandedFile], news: list[LandedFile], number: int, reading: str
) -> list[LoadedFile]:
    fresh = {id(landed) for landed in news}
    results = [LoadedFile(landed, verdict="unchanged") for landed in group if id(landed) not in fresh]
    for name, contract in contracts_of("dataset").items():
        of_dataset = [landed for landed in news if landed.dataset == name]
        if of_dataset:
            loaded = _read_dataset(sweep, contract, of_dataset, number, reading)
            record_loads(sweep.scratch, sweep.con, loaded, number, reading)
            results += loaded
    strangers = [landed for landed in news if landed.dataset not in contracts_of("dataset")]
    if strangers:
        results += _refuse_strangers(sweep, strangers, number, reading)
    return results


def _refuse_strangers(sweep: Sweep, strangers: Sequence[LandedFile], number: int, reading: str) -> list[LoadedFile]:
    """Refuse files that lie in no dataset's folder; nobody knows what their lines are."""
    create_bad_rows(sweep.con)
    refused = [_refuse_stranger(sweep, landed) for landed in strangers]
    _commit_quarantine(sweep, refused)
    record_loads(sweep.scratch, sweep.con, refused, number, reading)
    return refused


def _refuse_stranger(sweep: Sweep, landed: LandedFile) -> LoadedFile:
    messages = (
        f"Folder {landed.dataset} bukan nama data; pindahkan berkas ke folder yang benar",
        f"Folder {landed.dataset} is no dataset; move the file to the right folder",
    )
    try:
        lines = unread_lines(landed, keep(sweep, landed))
    except SnapshotError as changing:
        return postpone(sweep, landed, str(changing))
    more = {"lines": lines.quarantined, "expected": ", ".join(contracts_of("dataset"))}
    add_bad_entry(sweep.con, landed, "unknown_dataset", messages, **more)
    return LoadedFile(landed, lines, verdict="refused")


def _read_dataset(
    sweep: Sweep, contract: Contract, files: Sequence[LandedFile], number: int, reading: str
) -> list[LoadedFile]:
    loader = prepared_loader(sweep, contract, takes_certain=takes_certain(contract, files))
    loaded = _load_files(sweep, loader, files, reading)
    sweeps = {landed.sha256: number for landed in files} | arrival_sweeps(sweep.house, sweep.con)
    sweep.step(f"commit {contract.name}", lambda: _commit(sweep, loader, loaded, sweeps))
    return loaded


def _load_files(sweep: Sweep, loader: Loader, files: Sequence[LandedFile], reading: str) -> list[LoadedFile]:
    circumstances = f"{reading} {sweep.today} {key_id(sweep.person_key)}"
    loaded: list[LoadedFile] = []
    # What a dry run keeps nothing of, no other machine can fetch.
    crew = read_side_by_side if sweep.crew is None or sweep.is_dry else sweep.crew
    for read in crew(sweep, loader, files, circumstances):
        loaded.append(read.put_down(sweep.con))
        sweep.progress(f"{read.loaded.landed.file} ({_so_far(loaded)})", len(loaded), len(files))
    return loaded


def _so_far(loaded: Sequence[LoadedFile]) -> str:
    lines = sum(result.lines.read for result in loaded)
    megabytes = sum(result.landed.size for result in loaded) / 1e6
    return f"{lines:,} baris / lines, {megabytes:,.1f} MB"


def _commit(sweep: Sweep, loader: Loader, loaded: list[LoadedFile], sweeps: dict[str, int]) -> None:
    if loader.contract.partition:
        _commit_partitions(sweep, loader, loaded, sweeps)
    else:
        _commit_rows(sweep, loader, loaded, sweeps)
    _commit_quarantine(sweep, loaded)


def _commit_partitions(sweep: Sweep, loader: Loader, loaded: list[LoadedFile], sweeps: dict[str, int]) -> None:
    choice = choose_partitions(
        [partition for result in loaded for partition in result.partitions],
        _current(sweep, loader, sweeps),
        sweeps,
    )
    for refusal in choice.refused:
        _refuse_whole(sweep, next(result for result in loaded if result.source_key == refusal.source_key), refusal)
    winners = _without_clashes(sweep, loader, loaded, choice.winners)
    commit_partitions(loader.core, winners)
    _note_outdated(loaded, winners)


def _note_outdated(loaded: Sequence[LoadedFile], winners: Sequence[StagedPartition]) -> None:
    """Say of a file that was read but does not stand, because a later export of the same month does."""
    standing = {(winner.source_key, *winner.partition.values()) for winner in winners}
    for result in loaded:
        for staged in result.partitions:
            if result.verdict != "refused" and (result.source_key, *staged.partition.values()) not in standing:
                place = " ".join(staged.partition.values())
                result.notes.append(f"{place}: ekspor yang lebih baru sudah berlaku / a later export stands")


def _current(sweep: Sweep, loader: Loader, sweeps: dict[str, int]) -> Callable[[StagedPartition], Standing | None]:
    """Give a look-up of the file that stands for a partition now: a data file's name tells whose it is."""
    table = sweep.house.core(loader.contract.name)
    names: dict[Path, list[str]] = {}
    for path in (table.root / key for key in table.data_keys()):
        names.setdefault(path.parent, []).append(path.name)

    def look_up(partition: StagedPartition) -> Standing | None:
        found = names.get((table.root / partition.data[0].path).parent)
        if found is None:
            return None
        parts = [name.split("-") for name in found]
        source_key = parts[0][0]
        return Standing(source_key, sweeps.get(source_key, 0), max(part[1] for part in parts) or None)

    return look_up


def _refuse_whole(sweep: Sweep, result: LoadedFile, refusal: Refused) -> None:
    """Turn a file that was read into a refused one: its data lines count as quarantined, with one entry."""
    result.lines.quarantined += result.lines.good
    result.lines.good = 0
    result.warnings.clear()
    result.verdict = "refused"
    # The other file may be taken away, and then this one is right.
    result.is_settled = False
    forget_bad_rows(sweep.con, result.source_key)
    messages = (refusal.message_id, refusal.message_en)
    add_bad_entry(sweep.con, result.landed, "partition_claimed_twice", messages, lines=result.lines.quarantined)


def _without_clashes(
    sweep: Sweep, loader: Loader, loaded: list[LoadedFile], winners: list[StagedPartition]
) -> list[StagedPartition]:
    """Read again the files that hold a membership which another office reports for the same month."""
    if not winners or not _find_clashes(sweep, loader, winners):
        return winners
    concerned = _concerned(sweep, loader, winners)
    places = [place for place, result in enumerate(loaded) if result.source_key in concerned]
    again = [loaded[place].landed for place in places]
    for place, read in zip(places, read_side_by_side(sweep, loader, again, "", Member.read_again), strict=True):
        forget_bad_rows(sweep.con, loaded[place].source_key)
        loaded[place] = read.put_down(sweep.con)
    chosen = {(winner.source_key, *winner.partition.items()) for winner in winners}
    kept = [winner for winner in winners if winner.source_key not in concerned]
    staged = [part for place in places for part in loaded[place].partitions]
    return kept + [part for part in staged if (part.source_key, *part.partition.items()) in chosen]


def _winner_files(loader: Loader, winners: Sequence[StagedPartition]) -> str:
    paths = [str(loader.core.root / part.path) for winner in winners for part in winner.data]
    return files_relation(paths, loader.core.schema, loader.core.partition_by)


def _find_clashes(sweep: Sweep, loader: Loader, winners: list[StagedPartition]) -> bool:
    """Find memberships of one month at two offices: by short hashes first, which hardly ever meet by chance."""
    brought = _winner_files(loader, winners)
    places = ", ".join(f"({quoted(w.partition['period'])}, {quoted(w.partition['office_code'])})" for w in winners)
    months = ", ".join(sorted({quoted(w.partition["period"]) for w in winners}))
    standing = (
        f"SELECT * FROM ({sweep.house.core(loader.contract.name).relation()}) "
        f"WHERE period IN ({months}) AND (period, office_code) NOT IN ({places})"
    )
    short = "hash(period, membership_id)"
    sweep.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE met AS
        WITH news AS MATERIALIZED (SELECT {short} AS short FROM ({brought}))
        SELECT short FROM news GROUP BY short HAVING count(*) > 1
        UNION ALL SELECT short FROM (SELECT {short} AS short FROM ({standing})) SEMI JOIN news USING (short)"""
    )
    if not first_value(sweep.con, "SELECT count(*) FROM met"):
        return False
    sweep.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE clashing AS
        SELECT period, membership_id FROM (({brought}) UNION ALL BY NAME ({standing})) WHERE {short} IN (FROM met)
        GROUP BY period, membership_id HAVING count(DISTINCT office_code) > 1"""
    )
    return first_value(sweep.con, "SELECT count(*) FROM clashing") > 0


def _concerned(sweep: Sweep, loader: Loader, winners: list[StagedPartition]) -> set[str]:
    staged = _winner_files(loader, winners)
    rows = sweep.con.execute(
        f"SELECT DISTINCT source_key FROM ({staged}) JOIN clashing USING (period, membership_id)"
    ).fetchall()
    return {row[0] for row in rows}


def _commit_rows(sweep: Sweep, loader: Loader, loaded: list[LoadedFile], sweeps: dict[str, int]) -> None:
    merge_rows(sweep.con, loader.contract, loader.core, sweeps, loaded)
    for result in loaded:
        _quarantine_conflicts(sweep, result)


def _quarantine_conflicts(sweep: Sweep, result: LoadedFile) -> None:
    rows = sweep.con.execute(
        "SELECT _file, nullif(_sheet, ''), _line, _lines FROM conflicts WHERE source_key = ? ORDER BY ALL",
        [result.source_key],
    ).fetchall()
    messages = (
        "Berkas lain yang tiba bersamaan menyebut nilai lain untuk hal yang sama",
        "Another file that arrived together says another value for the same thing",
    )
    expected = "satu nilai, atau tanggal terbit yang berbeda / one value, or different dates of publication"
    for file, sheet, line, lines in rows:
        more = {"file": file, "sheet": sheet, "line": line, "lines": lines, "expected": expected}
        add_bad_entry(sweep.con, result.landed, "contradicted_in_sweep", messages, **more)
        result.lines.good -= lines
        result.lines.quarantined += lines
        result.verdict = "partly_quarantined"


def _commit_quarantine(sweep: Sweep, loaded: Sequence[LoadedFile]) -> None:
    """Put the bad rows of the read files in place of what the quarantine held of them."""
    table = sweep.house.quarantine
    held = {Path(path).parent.name.partition("=")[2] for path in table.data_keys()}
    if sweep.is_dry:
        return
    data = [
        table.write_file(
            sweep.con,
            f"SELECT * FROM bad_rows WHERE source_key = {quoted(result.source_key)} ORDER BY sheet, line",
            {"source_key": result.source_key},
            "part",
        )
        for result in loaded
        if result.lines.quarantined or result.verdict == "refused"
    ]
    again = [result.source_key for result in loaded if result.source_key in held]
    if data or again:
        concerned = sorted({*again, *(file.partition["source_key"] for file in data)})
        table.replace(data, [("source_key", "in", concerned)])
