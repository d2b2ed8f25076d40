"""One sweep of the landing zone: keep, read, tag, set aside and commit every file that is news."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from expectations.contracts import Contract, contracts_of
from expectations.schemas import quoted
from sources.landing import LandedFile
from sources.snapshots import SnapshotError
from sources.text import refused_lines
from transforms.clean import MACROS
from transforms.identities import TABLES as IDENTITY_TABLES
from warehouse.bad_rows import add_bad_entry, create_bad_rows, forget_bad_rows
from warehouse.commit import Refused, Standing, choose_partitions, commit_partitions, judge_again, merge_rows
from warehouse.connections import first_value
from warehouse.house import House
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
from warehouse.load import Lines, LoadedFile, Loader, StagedPartition, profile_digests
from warehouse.reference import LANDED_REFERENCE, load_reference, merge_landed

Progress = Callable[[str, int, int], None]
# Holds the digest of the identities by which core was judged last.
_JUDGED_UNDER = "judged-under"


@dataclass(frozen=True)
class Sweep:
    """What a sweep needs: the lake, a connection, what lies in the future, the key for persons, whom to tell.

    ``scratch`` is where rows are staged: the lake itself, or a throw-away lake in a dry run. ``today`` is the real
    date, or the business date if that is later: what lies after it cannot have happened, while a run for an earlier
    business date still loads what came since.
    """

    house: House
    scratch: House
    con: duckdb.DuckDBPyConnection
    today: date
    person_key: str
    work_dir: Path
    progress: Progress = field(default=lambda _file, _done, _of: None)
    on_news: Callable[[], None] = field(default=lambda: None)

    @property
    def is_dry(self) -> bool:
        """True where nothing may be written to the lake."""
        return self.scratch != self.house


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
        news = _news(group, known, reading)
        if news:
            sweep.on_news()
        results += _read_group(sweep, group, news, number, reading)
        _attach_reference(sweep)
    _judge_again(sweep)
    return sorted(results, key=lambda result: result.landed.file)


def _judge_again(sweep: Sweep) -> None:
    """Let identities that changed since the last sweep judge what stands: figures that came before them too."""
    lake, key = sweep.house.place, judging_key().encode()
    if sweep.is_dry or lake.read(_JUDGED_UNDER) == key:
        return
    for name in IDENTITY_TABLES:
        if name in sweep.house.core_versions():
            judge_again(sweep.con, contracts_of("dataset")[name], sweep.house.core(name))
    lake.write(_JUDGED_UNDER, key)


def _prepare(sweep: Sweep) -> None:
    con = sweep.con
    con.execute(MACROS.read_text(encoding="utf-8"))
    con.execute(f"SET VARIABLE today = DATE '{sweep.today:%Y-%m-%d}'")
    con.execute("SET VARIABLE person_key = $1", [sweep.person_key])
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


def _news(files: Sequence[LandedFile], known: Mapping[str, Known], reading: str) -> list[LandedFile]:
    """Give the files to be read, one for each sha256."""
    marks = {name: profile_marks(profile_digests(name)) for name in {landed.dataset for landed in files}}
    lying: dict[str, list[LandedFile]] = {}
    for landed in files:
        lying.setdefault(landed.sha256, []).append(landed)
    return [
        same[0]
        for sha256, same in lying.items()
        if must_read(known.get(sha256), reading, {landed.file for landed in same}, marks[same[0].dataset])
    ]


def _read_group(
    sweep: Sweep, group: Sequence[LandedFile], news: list[LandedFile], number: int, reading: str
) -> list[LoadedFile]:
    fresh = {id(landed) for landed in news}
    results = [LoadedFile(landed, verdict="unchanged") for landed in group if id(landed) not in fresh]
    for name, contract in contracts_of("dataset").items():
        of_dataset = [landed for landed in news if landed.dataset == name]
        if of_dataset:
            loaded = _read_dataset(sweep, contract, of_dataset, number)
            if not sweep.is_dry:
                record_loads(sweep.house, sweep.con, loaded, number, reading)
            results += loaded
    strangers = [landed for landed in news if landed.dataset not in contracts_of("dataset")]
    if strangers:
        results += _refuse_strangers(sweep, strangers, number, reading)
    return results


def _refuse_strangers(sweep: Sweep, strangers: Sequence[LandedFile], number: int, reading: str) -> list[LoadedFile]:
    """Refuse files that lie in no dataset's folder; nobody knows what their lines are."""
    create_bad_rows(sweep.con)
    datasets = ", ".join(contracts_of("dataset"))
    refused = [LoadedFile(landed, verdict="refused") for landed in strangers]
    for result in refused:
        folder = result.landed.dataset
        messages = (
            f"Folder {folder} bukan nama data; pindahkan berkas ke folder yang benar",
            f"Folder {folder} is no dataset; move the file to the right folder",
        )
        result.lines = _unread_lines(result.landed)
        more = {"lines": result.lines.quarantined, "expected": datasets}
        add_bad_entry(sweep.con, result.landed, "unknown_dataset", messages, **more)
    _commit_quarantine(sweep, refused)
    if not sweep.is_dry:
        record_loads(sweep.house, sweep.con, refused, number, reading)
    return refused


def _unread_lines(landed: LandedFile) -> Lines:
    if not landed.file.lower().endswith((".csv", ".tsv")):
        return Lines()
    counted = refused_lines(landed.path)
    return Lines(counted.read, 0, 0, counted.read - counted.blank, counted.blank)


def _offices(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    return frozenset(row[0] for row in con.execute("SELECT office_code FROM reference.offices").fetchall())


def _read_dataset(sweep: Sweep, contract: Contract, files: Sequence[LandedFile], number: int) -> list[LoadedFile]:
    loader = Loader(sweep.con, contract, sweep.scratch.core(contract.name), _offices(sweep.con), sweep.work_dir)
    loader.prepare()
    loaded = _load_all(sweep, loader, files)
    sweeps = {landed.sha256: number for landed in files} | arrival_sweeps(sweep.house, sweep.con)
    if contract.partition:
        _commit_partitions(sweep, loader, loaded, sweeps)
    else:
        _commit_rows(sweep, loader, loaded, sweeps)
    _commit_quarantine(sweep, loaded)
    return loaded


def _load_all(sweep: Sweep, loader: Loader, files: Sequence[LandedFile]) -> list[LoadedFile]:
    loaded: list[LoadedFile] = []
    for done, landed in enumerate(files, start=1):
        loaded.append(_load_one(sweep, loader, landed))
        sweep.progress(landed.file, done, len(files))
    return loaded


def _load_one(sweep: Sweep, loader: Loader, landed: LandedFile) -> LoadedFile:
    try:
        kept = landed.path if sweep.is_dry else sweep.house.snapshots.keep(landed)
    except SnapshotError as changing:
        return _postpone(sweep, landed, str(changing))
    try:
        return loader.load(landed, kept)
    except duckdb.DataError:
        return _set_aside(sweep, landed)


def _set_aside(sweep: Sweep, landed: LandedFile) -> LoadedFile:
    """Refuse a file with a value that no rule foresaw and no table can hold; the other files go on."""
    forget_bad_rows(sweep.con, landed.sha256)
    sweep.con.execute("DELETE FROM incoming WHERE source_key = ?", [landed.sha256])
    messages = (
        "Berkas memuat nilai yang tidak dapat disimpan dan tidak dikenali aturan; laporkan kepada pengelola sistem",
        "The file holds a value that cannot be stored and that no rule knows; tell the keeper of the system",
    )
    result = LoadedFile(landed, _unread_lines(landed), verdict="refused", is_settled=False)
    add_bad_entry(sweep.con, landed, "value_cannot_be_stored", messages, lines=result.lines.quarantined)
    return result


def _postpone(sweep: Sweep, landed: LandedFile, reason: str) -> LoadedFile:
    """Leave a file that is still being written to the next sweep."""
    messages = ("Berkas masih berubah saat disalin; dibaca lagi pada putaran berikutnya", reason)
    add_bad_entry(sweep.con, landed, "file_still_changing", messages)
    return LoadedFile(landed, verdict="refused", is_settled=False)


def _commit_partitions(sweep: Sweep, loader: Loader, loaded: list[LoadedFile], sweeps: dict[str, int]) -> None:
    choice = choose_partitions(
        [partition for result in loaded for partition in result.partitions],
        _current(sweep, loader, sweeps),
        sweeps,
    )
    for refusal in choice.refused:
        _refuse_whole(sweep, next(result for result in loaded if result.source_key == refusal.source_key), refusal)
    winners = _without_clashes(sweep, loader, loaded, choice.winners)
    if not sweep.is_dry:
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
    kept = [winner for winner in winners if winner.source_key not in concerned]
    for place, result in enumerate(loaded):
        if result.source_key in concerned:
            forget_bad_rows(sweep.con, result.source_key)
            loaded[place] = _load_one(sweep, loader, result.landed)
            mine = {tuple(w.partition.items()) for w in winners if w.source_key == result.source_key}
            kept += [p for p in loaded[place].partitions if tuple(p.partition.items()) in mine]
    return kept


def _winner_files(loader: Loader, winners: Sequence[StagedPartition]) -> str:
    paths = [str(loader.core.root / part.path) for winner in winners for part in winner.data]
    return files_relation(paths, loader.core.schema, loader.core.partition_by)


def _find_clashes(sweep: Sweep, loader: Loader, winners: list[StagedPartition]) -> bool:
    places = ", ".join(f"({quoted(w.partition['period'])}, {quoted(w.partition['office_code'])})" for w in winners)
    months = ", ".join(sorted({quoted(w.partition["period"]) for w in winners}))
    standing = sweep.house.core(loader.contract.name).relation()
    sweep.con.execute(
        f"""CREATE OR REPLACE TEMP TABLE clashing AS
        WITH memberships AS (
          SELECT period, office_code, membership_id FROM ({_winner_files(loader, winners)})
          UNION ALL
          SELECT period, office_code, membership_id FROM ({standing})
          WHERE period IN ({months}) AND (period, office_code) NOT IN ({places})
        )
        SELECT period, membership_id FROM memberships GROUP BY ALL HAVING count(DISTINCT office_code) > 1"""
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
