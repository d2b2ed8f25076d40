"""What people are told: subject and text, Indonesian with English beside it. Pure, and without any value of a row."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from reports.summary import indonesian

Origin = Literal["night", "land", "watch", "test"]
Good = Literal["published", "warnings", "unchanged", "landed", "alive", "test"]
Trouble = Literal["gate", "source", "key", "settings", "unreachable", "fault", "too_old"]
Result = Good | Trouble

_MOST_REASONS = 5
_LONGEST = 300
# Numbers of persons have 11 or 16 digits; no count, code of a region or date that is told here has more than 8.
_LONG_NUMBER = re.compile(r"\d{9,}")

_FILES = (
    "Berkas / files: dibaca / read {read}, sebagian di karantina / partly in quarantine {partly_quarantined}, "
    "ditolak / refused {refused}"
)
_LINES = (
    "Baris / lines: dibaca / read {read} = judul / header {header} + baik / good {good} "
    "+ karantina / quarantined {quarantined} + kosong / blank {blank}"
)


@dataclass(frozen=True)
class Words:
    """How a result is told: its name, what to do about it, and the page that helps."""

    name_id: str
    name_en: str
    todo_id: str = "Tidak ada."
    todo_en: str = "Nothing."
    page: str = ""

    @property
    def name(self) -> str:
        """The result in both languages."""
        return f"{self.name_id} / {self.name_en}"


WORDS: Mapping[Result, Words] = {
    "published": Words("terbit", "published"),
    "warnings": Words(
        "terbit dengan peringatan",
        "published with warnings",
        "Lihat yang terlambat dan yang menunggu di karantina: cakupan status.",
        "See what is late and what waits in quarantine: cakupan status.",
        "docs/runbooks/office-late.md",
    ),
    "unchanged": Words("tidak ada yang baru, terbitan tetap berlaku", "nothing new, the build still holds"),
    "landed": Words("berkas terbaca lagi", "files are read again"),
    "alive": Words("lake dan terbitan baik lagi", "lake and builds are well again"),
    "test": Words("pesan uji coba", "a test message"),
    "gate": Words(
        "tidak terbit, pemeriksaan gagal",
        "not published, a gate failed",
        "Perbaiki sebabnya menurut kodenya, lalu jalankan cakupan run.",
        "Mend the cause by its code, then run cakupan run.",
        "docs/runbooks/gate-failed.md",
    ),
    "source": Words(
        "tidak terbit, sumber tidak ada",
        "not published, a source is missing",
        "Periksa zona pendaratan dan CAKUPAN_REQUIRED, daratkan berkasnya, lalu jalankan cakupan run.",
        "Look at the landing zone and CAKUPAN_REQUIRED, land the files, then run cakupan run.",
        "docs/runbooks/office-late.md",
    ),
    "key": Words(
        "tidak berjalan, kunci orang bukan kunci lake",
        "did not run, the person key is not the lake's",
        "Kembalikan kunci yang disimpan; jangan membuat yang baru.",
        "Put the kept key back; make no new one.",
        "docs/runbooks/person-key.md",
    ),
    "settings": Words(
        "tidak berjalan, pengaturan atau profil salah",
        "did not run, a setting or a profile is wrong",
        "Jalankan cakupan run dengan tangan: pesannya menyebut apa yang diharapkan.",
        "Run cakupan run by hand: its message says what is expected.",
        "docs/runbooks/README.md",
    ),
    "unreachable": Words(
        "lake atau terbitan tidak terjangkau",
        "lake or builds are out of reach",
        "Periksa penyimpanan, jaringan dan kredensial dengan cakupan doctor, lalu jalankan cakupan run.",
        "Look at storage, network and credential with cakupan doctor, then run cakupan run.",
        "docs/runbooks/alerts.md",
    ),
    "fault": Words(
        "berhenti karena kesalahan program atau mesin",
        "stopped by a fault of the program or the machine",
        "Jalankan cakupan doctor, lalu cakupan run. Jejaknya di var/log/fault.txt dapat memuat data orang: jangan "
        "diteruskan.",
        "Run cakupan doctor, then cakupan run. The trace in var/log/fault.txt may quote values of persons: do not "
        "send it on.",
        "docs/runbooks/run-died.md",
    ),
    "too_old": Words(
        "tidak ada malam yang berhasil",
        "no night succeeded",
        "Lihat apakah mesin dan penjadwal hidup, jalankan cakupan doctor, lalu cakupan run.",
        "See whether machine and scheduler are alive, run cakupan doctor, then cakupan run.",
        "docs/runbooks/run-died.md",
    ),
}
_ORIGINS: Mapping[Origin, str] = {
    "night": "malam / the night",
    "land": "sapuan zona pendaratan / a sweep of the landing zone",
    "watch": "pemeriksaan dari luar / the dead man's check",
    "test": "cakupan alert test",
}
_GOOD = frozenset({"published", "warnings", "unchanged", "landed", "alive", "test"})


@dataclass(frozen=True)
class Reason:
    """A check that stopped publication.

    Attributes:
        table, code: which check it is.
        message_id, message_en: its sentences.
        observed: what was counted; null where it was no number.
        could_judge: false where the engine could not tell.
    """

    table: str
    code: str
    message_id: str
    message_en: str
    observed: float | None = None
    could_judge: bool = True


@dataclass(frozen=True)
class Facts:
    """What is known of one night, sweep or look; nothing of it comes from a row of data.

    Attributes:
        result: how it went.
        as_of: the business date.
        at: when it ended, in the zone in which people are told times.
        origin: the night, a sweep of the landing zone, or the dead man's check.
        place: where builds are published.
        in_use: the build that readers have; null where it is not known.
        reasons: the checks that stopped it.
        sentences: what is to be said of places, and the types of faults.
        late: sentences on late offices and datasets.
        files: counts of files: ``read``, ``partly_quarantined``, ``refused``.
        lines: counts of lines: ``read``, ``header``, ``good``, ``quarantined``, ``blank``.
        checks: counts of checks by outcome.
        age_hours: hours since the last success; null where it is not asked or there was none.
    """

    result: Result
    as_of: date
    at: datetime
    origin: Origin = "night"
    place: str = ""
    in_use: str | None = None
    reasons: tuple[Reason, ...] = ()
    sentences: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict[str, int])
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    checks: Mapping[str, int] = field(default_factory=dict[str, int])
    age_hours: float | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether people have to do something."""
        return self.result not in _GOOD

    @property
    def mark(self) -> str:
        """What makes two troubles the same one: the result, and which checks or which kind of fault."""
        codes = sorted({f"{reason.table} {reason.code}" for reason in self.reasons})
        kinds = self.sentences if self.result == "fault" else ()
        return " ".join([self.result, hashlib.sha256("\n".join([*codes, *kinds]).encode()).hexdigest()[:12]])


class Past(BaseModel):
    """A trouble that began: since when, its latest business date, and what it was at last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: datetime
    on: date
    result: Trouble


class Message(BaseModel):
    """What is sent: a subject and a text for people, and the same as fields for machines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    at: datetime
    subject: str
    text: str
    fields: dict[str, Any]


def message_of(facts: Facts, recovered: Sequence[Past] = ()) -> Message:
    """Write the message of a night, a sweep or a look.

    Args:
        facts: what is known.
        recovered: the troubles that it ended.

    Returns:
        The message; its id is the same for the same facts at the same moment.
    """
    words = WORDS[facts.result]
    head = f"pulih, {words.name_id} / recovered, {words.name_en}" if recovered else words.name
    subject = f"Cakupan {facts.as_of}: {head}"
    text = "\n".join(_lines(facts, recovered)) + "\n"
    digest = hashlib.sha256(f"{facts.at.isoformat()}{subject}{text}".encode()).hexdigest()
    return Message(id=digest[:32], at=facts.at, subject=subject, text=text, fields=_fields(facts, recovered))


def _lines(facts: Facts, recovered: Sequence[Past]) -> Iterator[str]:
    words = WORDS[facts.result]
    yield words.name.upper() if facts.is_trouble else words.name.capitalize()
    for past in recovered:
        since = past.since.astimezone(facts.at.tzinfo)
        yield f"Pulih / recovered: bermasalah sejak / in trouble since {_time(since)} ({WORDS[past.result].name})"
    yield ""
    yield f"Tanggal bisnis / business date: {facts.as_of}"
    yield f"Ditulis / written: {_time(facts.at)}, {_ORIGINS[facts.origin]}"
    yield from _standing(facts)
    yield from _causes(facts)
    if facts.is_trouble or words.page:
        yield from ("", "Yang harus dilakukan / what to do", f"  {words.todo_id}", f"  {words.todo_en}")
        yield f"  {words.page}"
    yield from _figures(facts)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M %Z}"


def _standing(facts: Facts) -> Iterator[str]:
    if facts.place:
        yield f"Tempat / place: {facts.place}"
    if facts.in_use:
        kept = " (tidak berubah / unchanged)" if facts.is_trouble else ""
        yield f"Dipakai pembaca / in use: {facts.in_use}{kept}"
    if facts.age_hours is not None:
        yield f"Sukses terakhir / last success: {indonesian(facts.age_hours, 1)} jam lalu / hours ago"
    elif facts.result == "too_old":
        yield "Sukses terakhir / last success: belum pernah / never"


def _causes(facts: Facts) -> Iterator[str]:
    if facts.reasons or facts.sentences:
        yield from ("", "Sebab / cause")
    yield from (f"- {_safe(sentence)}" for sentence in facts.sentences)
    for reason in facts.reasons[:_MOST_REASONS]:
        yield f"- {reason.table} {reason.code}: {_safe(reason.message_id)}{_found(reason)}"
        yield f"  {_safe(reason.message_en)}"
    more = len(facts.reasons) - _MOST_REASONS
    if more > 0:
        yield f"- dan {more} lagi / and {more} more: cakupan status"


def _found(reason: Reason) -> str:
    if not reason.could_judge:
        return " (tidak dapat diperiksa / could not be judged)"
    return "" if reason.observed is None else f" (ditemukan / found: {indonesian(reason.observed, 0)})"


def _figures(facts: Facts) -> Iterator[str]:
    said = [template.format(**_written(counts)) for template, counts in _counted(facts)]
    if facts.checks:
        said.append("Pemeriksaan / checks: " + ", ".join(f"{count} {name}" for name, count in facts.checks.items()))
    said += [f"Terlambat / late: {_safe(sentence)}" for sentence in facts.late]
    if said:
        yield from ("", "Angka / figures", *(f"- {line}" for line in said))


def _counted(facts: Facts) -> Iterator[tuple[str, Mapping[str, int]]]:
    if facts.files.get("read"):
        yield _FILES, facts.files
    if facts.lines.get("read"):
        yield _LINES, facts.lines


def _written(counts: Mapping[str, int]) -> dict[str, str]:
    return {name: indonesian(count, 0) for name, count in counts.items()}


def _safe(sentence: str) -> str:
    """Cut a sentence to one line of bearable length, and blot out any number as long as a person's."""
    line = _LONG_NUMBER.sub("…", " ".join(sentence.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _fields(facts: Facts, recovered: Sequence[Past]) -> dict[str, Any]:
    return {
        "result": facts.result,
        "is_trouble": facts.is_trouble,
        "origin": facts.origin,
        "as_of": facts.as_of.isoformat(),
        "place": facts.place,
        "in_use": facts.in_use,
        "age_hours": facts.age_hours,
        "recovered_since": min(past.since for past in recovered).isoformat() if recovered else None,
        "reasons": [{"table": reason.table, "code": reason.code} for reason in facts.reasons],
        "sentences": [_safe(sentence) for sentence in facts.sentences],
        "late": [_safe(sentence) for sentence in facts.late],
        "files": dict(facts.files),
        "lines": dict(facts.lines),
        "checks": dict(facts.checks),
        "runbook": WORDS[facts.result].page or None,
    }
