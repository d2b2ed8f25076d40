"""What people read: every result in both languages, with its cause, what to do, and nothing of anybody."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from reports.message import WORDS, Facts, Good, Past, Reason, Result, Trouble, message_of
from tests.support import ROOT, kpj, nik

AT = datetime(2026, 11, 21, 1, 42, tzinfo=ZoneInfo("Asia/Jakarta"))
BAND = Reason(
    "core.participants", "row_count", "Jumlah baris di luar 7 sampai 28", "The number of rows is outside 7 to 28", 2
)
RESULTS: tuple[Result, ...] = (*get_args(Good), *get_args(Trouble))


def facts(result: Result = "published", **given: Any) -> Facts:
    return Facts(result, date(2026, 11, 21), AT, place="var/publish", **given)


def text_of(result: Result, **given: Any) -> str:
    return message_of(facts(result, **given)).text


# --- whole texts -------------------------------------------------------------------------------------------------

NIGHT = {
    "in_use": "20261121T0142-abc",
    "files": {"read": 2, "partly_quarantined": 1, "refused": 0},
    "lines": {"read": 1853, "header": 43, "good": 1728, "quarantined": 70, "blank": 12},
    "checks": {"pass": 353, "fail": 0, "error": 0, "warn": 1},
}
WARNED = """\
Terbit dengan peringatan / published with warnings

Tanggal bisnis / business date: 2026-11-21
Ditulis / written: 2026-11-21 01:42 WIB, malam / the night
Tempat / place: var/publish
Dipakai pembaca / in use: 20261121T0142-abc

Yang harus dilakukan / what to do
  Lihat yang terlambat dan yang menunggu di karantina: cakupan status.
  See what is late and what waits in quarantine: cakupan status.
  docs/runbooks/office-late.md

Angka / figures
- Berkas / files: dibaca / read 2, sebagian di karantina / partly in quarantine 1, ditolak / refused 0
- Baris / lines: dibaca / read 1.853 = judul / header 43 + baik / good 1.728 + karantina / quarantined 70 \
+ kosong / blank 12
- Pemeriksaan / checks: 353 pass, 0 fail, 0 error, 1 warn
- Terlambat / late: Ekspor 2026-10 belum datang dari kantor SLK / The export of 2026-10 has not come from SLK
"""
STOPPED = """\
TIDAK TERBIT, PEMERIKSAAN GAGAL / NOT PUBLISHED, A GATE FAILED

Tanggal bisnis / business date: 2026-11-21
Ditulis / written: 2026-11-21 01:42 WIB, malam / the night
Tempat / place: var/publish
Dipakai pembaca / in use: b0 (tidak berubah / unchanged)

Sebab / cause
- core.participants row_count: Jumlah baris di luar 7 sampai 28 (ditemukan / found: 2)
  The number of rows is outside 7 to 28

Yang harus dilakukan / what to do
  Perbaiki sebabnya menurut kodenya, lalu jalankan cakupan run.
  Mend the cause by its code, then run cakupan run.
  docs/runbooks/gate-failed.md
"""
RECOVERED = """\
Terbit / published
Pulih / recovered: bermasalah sejak / in trouble since 2026-11-20 01:40 WIB \
(tidak terbit, pemeriksaan gagal / not published, a gate failed)

Tanggal bisnis / business date: 2026-11-21
Ditulis / written: 2026-11-21 01:42 WIB, malam / the night
Tempat / place: var/publish
Dipakai pembaca / in use: b1
"""
DEAD = """\
TIDAK ADA MALAM YANG BERHASIL / NO NIGHT SUCCEEDED

Tanggal bisnis / business date: 2026-11-21
Ditulis / written: 2026-11-21 01:42 WIB, pemeriksaan dari luar / the dead man's check
Tempat / place: var/publish
Sukses terakhir / last success: 30,2 jam lalu / hours ago

Yang harus dilakukan / what to do
  Lihat apakah mesin dan penjadwal hidup, jalankan cakupan doctor, lalu cakupan run.
  See whether machine and scheduler are alive, run cakupan doctor, then cakupan run.
  docs/runbooks/run-died.md
"""
LATE = "Ekspor 2026-10 belum datang dari kantor SLK / The export of 2026-10 has not come from SLK"
PAST = Past(since=datetime(2026, 11, 19, 18, 40, tzinfo=UTC), on=date(2026, 11, 20), result="gate")


@pytest.mark.parametrize(
    ("told", "recovered", "subject", "text"),
    [
        (facts("warnings", late=(LATE,), **NIGHT), [], "terbit dengan peringatan / published with warnings", WARNED),
        (
            facts("gate", in_use="b0", reasons=(BAND,)),
            [],
            "tidak terbit, pemeriksaan gagal / not published, a gate failed",
            STOPPED,
        ),
        (facts(in_use="b1"), [PAST], "pulih, terbit / recovered, published", RECOVERED),
        (
            facts("too_old", origin="watch", age_hours=30.2),
            [],
            "tidak ada malam yang berhasil / no night succeeded",
            DEAD,
        ),
    ],
)
def test_a_whole_message(told: Facts, recovered: list[Past], subject: str, text: str) -> None:
    message = message_of(told, recovered)
    assert message.subject == f"Cakupan 2026-11-21: {subject}"
    assert message.text == text


# --- every result ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_has_a_name_in_both_languages(result: Result) -> None:
    words = WORDS[result]
    assert words.name in message_of(facts(result)).subject
    assert words.name_id
    assert words.name_en


@pytest.mark.parametrize("result", get_args(Trouble))
def test_every_trouble_says_what_to_do_and_names_a_page_that_is_there(result: Trouble) -> None:
    words = WORDS[result]
    assert facts(result).is_trouble
    assert all(part in text_of(result) for part in (words.todo_id, words.todo_en, words.page))
    assert (ROOT / words.page).is_file()
    assert words.page.startswith("docs/runbooks/")


@pytest.mark.parametrize("result", get_args(Good))
def test_no_good_result_is_trouble(result: Good) -> None:
    assert not facts(result).is_trouble


# --- causes ------------------------------------------------------------------------------------------------------


def test_a_check_that_could_not_be_made_is_told_as_such() -> None:
    assert "(tidak dapat diperiksa / could not be judged)" in text_of(
        "gate", reasons=(replace(BAND, could_judge=False),)
    )


def test_many_reasons_are_cut_and_counted() -> None:
    text = text_of("gate", reasons=tuple(replace(BAND, code=f"row_count_{n}") for n in range(12)))
    assert "row_count_4:" in text
    assert "row_count_5:" not in text
    assert "- dan 7 lagi / and 7 more: cakupan status" in text


def test_a_sentence_is_one_line_of_bearable_length() -> None:
    text = text_of("unreachable", sentences=("s3://b is out of reach\nand more " + "x" * 500,))
    (line,) = [line for line in text.splitlines() if line.startswith("- ")]
    assert line.startswith("- s3://b is out of reach and more xxx")
    assert len(line) < 310


def test_no_success_ever_is_told_as_never() -> None:
    assert "last success: belum pernah / never" in text_of("too_old")


@pytest.mark.parametrize("number", [nik(1), kpj(7), "0812345678901"])
def test_a_number_as_long_as_a_persons_is_blotted_out(number: str) -> None:
    told = facts(
        "gate",
        reasons=(replace(BAND, message_id=f"Nilai {number} salah", message_en=f"{number} is wrong"),),
        sentences=(f"x {number}",),
        late=(f"Kantor {number}",),
    )
    message = message_of(told)
    assert number not in message.text + message.subject + str(message.fields)
    assert "Nilai … salah" in message.text


def test_shorter_numbers_stay() -> None:
    assert "42000000" in text_of("gate", reasons=(replace(BAND, message_id="di luar 42000000"),))


# --- for machines ------------------------------------------------------------------------------------------------


def test_the_fields_for_machines() -> None:
    fields = message_of(facts("gate", in_use="b0", reasons=(BAND,))).fields
    assert {name: fields[name] for name in ("result", "is_trouble", "origin", "as_of", "in_use", "runbook")} == {
        "result": "gate", "is_trouble": True, "origin": "night", "as_of": "2026-11-21", "in_use": "b0",
        "runbook": "docs/runbooks/gate-failed.md",
    }  # fmt: skip
    assert fields["reasons"] == [{"table": "core.participants", "code": "row_count"}]
    assert message_of(facts(), [PAST]).fields["recovered_since"] == "2026-11-19T18:40:00+00:00"


# --- sameness ----------------------------------------------------------------------------------------------------


def test_the_same_failure_has_the_same_mark() -> None:
    first = facts("gate", reasons=(BAND,))
    later = replace(first, at=AT + timedelta(hours=3), reasons=(replace(BAND, observed=3),))
    assert first.mark == later.mark
    assert first.mark != replace(first, reasons=(replace(BAND, code="key"),)).mark
    assert first.mark != facts("source", reasons=(BAND,)).mark
    assert facts("fault", sentences=("ValueError",)).mark != facts("fault", sentences=("MemoryError",)).mark
    assert facts("unreachable", sentences=("a",)).mark == facts("unreachable", sentences=("b",), origin="watch").mark


def test_messages_of_two_moments_have_two_ids() -> None:
    assert message_of(facts()).id == message_of(facts()).id
    assert message_of(facts()).id != message_of(replace(facts(), at=AT + timedelta(seconds=1))).id
