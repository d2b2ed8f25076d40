"""Nights that tell people, over a real mail server: once, with recovery, and never at the night's expense."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NoReturn

import pytest

from flows.alerts import land_and_tell
from flows.cli import main
from flows.nightly import run_night
from flows.settings import Settings
from flows.steps import Night
from sources.landing import LandingError
from tests.receivers import Mailbox, by_mail, heads, mail_server
from tests.support import AS_OF, Home, participant, recap, target
from warehouse.lease import lease

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("trusting")]
EXPORT = "participants/SLK/2026-10/Siti Rekaan Uji.csv"


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as started:
        yield started


@pytest.fixture
def at(at: Any, box: Mailbox) -> Any:
    """Give a function that runs a command in process in a home whose alerts go to the mailbox."""

    def run(home: Home, *arguments: str, **more: str) -> tuple[int, str, str]:
        return at(home, *arguments, **(by_mail(box) | more))

    return run


def run(at: Any, home: Home, day: date = AS_OF, *more: str, **settings: str) -> int:
    return at(home, "run", "--as-of", str(day), "--json", *more, **settings)[0]


NEXT = AS_OF + timedelta(days=1)


def test_nights_are_told_once_each_and_the_first_good_one_as_recovery(at: Any, home: Home, box: Mailbox) -> None:
    home.put(EXPORT, [participant(1), participant(2, nik="1")])
    home.put("targets/t.csv", [target()])
    assert run(at, home) == 0
    assert run(at, home) == 0
    assert heads(box) == ["2026-11-21: terbit"]
    assert "karantina / quarantined 1" in box.texts[0]
    assert f"in use: {home.publication.promoted_id()}" in box.texts[0]

    missing = {"CAKUPAN_REQUIRED": "recaps"}
    assert run(at, home, NEXT, **missing) == 5
    assert run(at, home, NEXT, **missing) == 5
    assert heads(box)[1:] == ["2026-11-22: tidak terbit, sumber tidak ada"]
    assert "core.recaps required_absent: Data recaps wajib ada" in box.texts[1]

    home.put("recaps/r.csv", [recap()])
    assert run(at, home, NEXT, **missing) == 0
    assert run(at, home, NEXT, **missing) == 0
    assert heads(box)[2:] == ["2026-11-22: pulih, terbit"]
    assert "(tidak terbit, sumber tidak ada / not published, a source is missing)" in box.texts[2]


def test_nothing_of_a_person_is_told_kept_or_said(
    at: Any, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [participant(1), participant(2, nik="1"), participant(3, kpj="x", name="Budi Rekaan")]
    home.put(EXPORT, people)
    assert run(at, home) == 0

    def fail(*_: object) -> NoReturn:
        raise ValueError(f"cannot use {people}")

    monkeypatch.setattr("flows.steps.make_build", fail)
    code, _, err = at(home, "run", "--as-of", str(NEXT), "--force", "--json")
    assert code == 1
    assert heads(box) == ["2026-11-21: terbit", "2026-11-22: berhenti karena kesalahan program atau mesin"]
    assert "- ValueError\n" in box.texts[1]
    kept = (home.publication.root / "alerts.json").read_text(encoding="utf-8")
    told = "\n".join([*box.texts, *box.subjects, kept, err])
    values = {
        value for person in people for name in ("nik", "kpj", "name", "birth_date") if len(value := person[name]) > 1
    }
    assert [value for value in sorted({*values, "Rekaan", "siti@"}) if value in told] == []


def test_a_mail_server_that_is_down_harms_no_night_and_gets_the_message_later(
    at: Any, home: Home, box: Mailbox
) -> None:
    home.put("targets/t.csv", [target()])
    box.faults += ["451 later"] * 3
    code, out, err = at(home, "run", "--as-of", str(AS_OF), "--json")
    assert (code, json.loads(out)["promoted"]) == (0, True)
    assert "alert by mail was not sent: SMTPDataError (451)" in err
    (undelivered,) = json.loads(at(home, "status", "--json")[1])["undelivered"]
    assert (undelivered["channel"], undelivered["problem"]) == ("mail", "SMTPDataError (451)")
    assert "message not sent: mail" in at(home, "status")[1]
    assert box.letters == []

    assert at(home, "status", "--max-age", "26h", "--alert")[0] == 0
    assert heads(box) == ["2026-11-21: terbit"]
    assert json.loads(at(home, "status", "--json")[1])["undelivered"] == []
    assert run(at, home) == 0
    assert len(box.letters) == 1


def test_dry_runs_and_runs_beside_another_tell_nobody(at: Any, home: Home, box: Mailbox) -> None:
    home.put("targets/t.csv", [target()])
    assert run(at, home, AS_OF, "--dry-run") == 0
    with lease(home.house.place):
        assert run(at, home) == 6
    assert at(home, "run", "--landing", "nowhere", "--dry-run")[0] == 5
    assert (box.letters, home.publication.root.exists()) == ([], False)


def test_a_landing_zone_that_is_gone_is_told(at: Any, home: Home, box: Mailbox) -> None:
    assert at(home, "run", "--landing", "nowhere")[0] == 5
    assert at(home, "run", "--landing", "nowhere")[0] == 5
    (text,) = box.texts
    assert "- landing zone nowhere is not there" in text


def test_only_trouble_is_told_to_who_wants_only_that(at: Any, home: Home, box: Mailbox) -> None:
    home.put("targets/t.csv", [target()])
    quiet = {"CAKUPAN_ALERT_ON": "trouble"}
    assert run(at, home, AS_OF, **quiet) == 0
    assert run(at, home, NEXT, "--landing", "nowhere", **quiet) == 5
    assert run(at, home, NEXT, **quiet) == 0
    assert heads(box) == [
        "2026-11-22: tidak terbit, sumber tidak ada",
        "2026-11-22: pulih, tidak ada yang baru, terbitan tetap berlaku",
    ]


def test_a_channel_that_is_set_up_wrongly_fails_no_night(at: Any, home: Home, box: Mailbox) -> None:
    home.put("targets/t.csv", [target()])
    code, _, err = at(home, "run", "--json", CAKUPAN_ALERT_WEBHOOK_URL="ftp://x/rahasia")
    assert (code, len(box.letters)) == (0, 1)
    assert "alert by webhook is not possible: CAKUPAN_ALERT_WEBHOOK_URL is not of the form" in err
    assert "rahasia" not in err


def test_a_publish_folder_that_is_none_is_told(at: Any, home: Home, box: Mailbox) -> None:
    home.put("targets/t.csv", [target()])
    home.publication.root.write_text("a file where a folder should be", encoding="utf-8")
    assert run(at, home) == 1
    assert heads(box) == ["2026-11-21: berhenti karena kesalahan program atau mesin"]
    assert (home.root / "var/cache/alerts.json").is_file()


def test_without_settings_nothing_is_sent_or_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> NoReturn:
        raise AssertionError("something was sent")

    monkeypatch.setattr("flows.alerts.deliver", never)
    monkeypatch.chdir(home.root)
    home.put("targets/t.csv", [target()])
    for name, value in home.environment().items():
        if name.startswith("CAKUPAN_"):
            monkeypatch.setenv(name, value)
    for arguments in (["run", "--json"], ["run", "--landing", "nowhere"]):
        with pytest.raises(SystemExit):
            main(arguments)
    assert not (home.publication.root / "alerts.json").exists()
    assert not (home.root / "var").exists()


# --- sweeps --------------------------------------------------------------------------------------------------------


def test_sweeps_tell_trouble_and_recovery(home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.root)
    given = home.settings().model_dump() | {
        "alert_smtp_url": f"smtp://127.0.0.1:{box.port}", "alert_from": "a@example.org", "alert_to": ("b@example.org",),
    }  # fmt: skip
    night = Night(Settings.model_validate(given), AS_OF)
    for _ in range(2):
        with pytest.raises(LandingError):
            land_and_tell(night, night.list_landing)
    home.landing.mkdir()
    assert [land_and_tell(night, night.list_landing) for _ in range(2)] == [[], []]
    assert [head.partition(": ")[2] for head in heads(box)] == [
        "tidak terbit, sumber tidak ada",
        "pulih, berkas terbaca lagi",
    ]
    assert "sapuan zona pendaratan / a sweep of the landing zone" in box.texts[0]
    assert run_night(night).exit_code == 0
