"""The dead man's check and `alert test`: people hear of it, whatever is out of reach, and the exit code is loud."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_httpserver import HTTPServer

from flows.commands import published
from flows.settings import business_today
from sources.places import PlaceError
from tests.flows.test_report import manifest
from tests.receivers import Mailbox, by_mail, heads, mail_server
from tests.s3 import access_to, new_bucket, s3_endpoint
from tests.s3_gate import gate_before
from tests.support import Home

TODAY = f"{business_today()}"
WATCH = ("status", "--max-age", "26h", "--alert")


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with mail_server() as started:
        yield started


def put_build(home: Home, hours_old: float, result: str = "success") -> None:
    """Put a promoted build of some age into a home, and a lake beside it."""
    made = (datetime.now(UTC) - timedelta(hours=hours_old)).isoformat(timespec="seconds")
    folder = home.publication.folder_of("b1")
    folder.mkdir(parents=True, exist_ok=True)
    home.house.root.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(manifest(created_at=made, result=result).model_dump_json(), encoding="utf-8")
    (folder / "checks.json").write_text('{"checks": []}', encoding="utf-8")
    (home.publication.root / "latest.json").write_text('{"build_id": "b1"}', encoding="utf-8")


# --- no night succeeded ------------------------------------------------------------------------------------------


def test_no_build_ever_is_told_once_a_day_and_then_recovery(at: Any, home: Home, box: Mailbox) -> None:
    assert at(home, *WATCH, **by_mail(box))[0] == 5
    assert at(home, *WATCH)[0] == 5
    assert heads(box) == [f"{TODAY}: tidak ada malam yang berhasil"]
    assert "last success: belum pernah / never" in box.texts[0]
    put_build(home, hours_old=1)
    assert at(home, *WATCH)[0] == 0
    assert at(home, *WATCH)[0] == 0
    assert heads(box)[1:] == [f"{TODAY}: pulih, lake dan terbitan baik lagi"]
    assert "in trouble since" in box.texts[1]


@pytest.mark.parametrize(("hours", "code"), [(25.9, 0), (26.1, 5)])
def test_an_old_success_is_told(at: Any, home: Home, box: Mailbox, hours: float, code: int) -> None:
    put_build(home, hours)
    assert at(home, *WATCH, **by_mail(box))[0] == code
    assert heads(box) == ([f"{TODAY}: tidak ada malam yang berhasil"] if code else [])
    if code:
        assert "last success: 26,1 jam lalu / hours ago" in box.texts[0]


def test_a_build_that_failed_is_no_success(at: Any, home: Home, box: Mailbox) -> None:
    put_build(home, 1, result="failure")
    assert at(home, *WATCH, **by_mail(box))[0] == 5
    assert len(box.letters) == 1


def test_without_being_asked_status_tells_nobody(at: Any, home: Home, box: Mailbox) -> None:
    assert at(home, "status", "--max-age", "26", **by_mail(box))[0] == 5
    assert (box.letters, home.publication.root.exists()) == ([], False)


# --- out of reach ------------------------------------------------------------------------------------------------


def test_a_lake_that_is_gone_is_loud(at: Any, home: Home, box: Mailbox) -> None:
    put_build(home, 1)
    home.house.root.rmdir()
    code, out, _ = at(home, *WATCH, "--json", **by_mail(box))
    assert code == 1
    assert "lake is not there" in json.loads(out)["unreadable"][0]
    assert heads(box) == [f"{TODAY}: lake atau terbitan tidak terjangkau"]
    assert at(home, "status")[0] == 1
    home.house.root.mkdir()
    assert at(home, *WATCH)[0] == 0
    assert len(box.letters) == 2


def test_a_place_that_hangs_is_waited_for_only_so_long(
    at: Any, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_build(home, 1)
    monkeypatch.setattr("flows.health._LOOK_SECONDS", 0.2)

    def hang(*_: object, **__: object) -> None:
        time.sleep(3)

    monkeypatch.setattr("flows.health._quarantine", hang)
    started = time.perf_counter()
    assert at(home, *WATCH, **by_mail(box))[0] == 1
    assert time.perf_counter() - started < 2.5
    assert "lake: no answer within 0.2 s" in box.texts[0]


def test_a_fault_nobody_foresaw_is_told_by_its_kind(
    at: Any, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_build(home, 1)

    def fail(*_: object) -> NoReturn:
        raise ValueError("Siti Rekaan")

    monkeypatch.setattr("flows.health.waiting_by_rule", fail)
    code, out, err = at(home, *WATCH, **by_mail(box))
    assert code == 1
    assert "lake cannot be read (ValueError)" in out
    assert "Rekaan" not in out + err + box.texts[0]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_endpoint() as address:
        yield address


def on_s3(endpoint: str, uri: str, cache: Path) -> dict[str, str]:
    access = access_to(endpoint)
    assert access.secret_access_key is not None
    return {
        "CAKUPAN_LAKE": f"{uri}/lake", "CAKUPAN_PUBLISH": f"{uri}/publish", "CAKUPAN_CACHE": str(cache),
        "CAKUPAN_S3_ENDPOINT_URL": endpoint, "CAKUPAN_S3_PATH_STYLE": "true", "CAKUPAN_S3_REGION": "us-east-1",
        "CAKUPAN_S3_ACCESS_KEY_ID": str(access.access_key_id),
        "CAKUPAN_S3_SECRET_ACCESS_KEY": access.secret_access_key.get_secret_value(),
    }  # fmt: skip


@pytest.mark.slow
def test_s3_that_refuses_and_comes_back_is_told_once_and_as_recovery(
    at: Any, home: Home, box: Mailbox, endpoint: str
) -> None:
    place = new_bucket(endpoint, home.root / "cache")
    with gate_before(endpoint) as gate:
        given = on_s3(gate.address, place.uri, home.root / "cache") | by_mail(box)
        for _ in range(2):
            gate.fail_always("expired")
            code, out, err = at(home, *WATCH, **given)
            assert (code, "ExpiredToken" in out, "cakupan: " in err) == (5, True, False)
        assert heads(box) == [f"{TODAY}: lake atau terbitan tidak terjangkau"]
        assert "refuses the credential (ExpiredToken)" in box.texts[0]
        assert (home.root / "cache/alerts.json").is_file()

        gate.mend()
        assert at(home, *WATCH, **given)[0] == 5
        assert heads(box)[1:] == [f"{TODAY}: tidak ada malam yang berhasil"]
        assert not (home.root / "cache/alerts.json").exists()
        assert b'"too_old' in (place.read("publish/alerts.json") or b"")
        assert at(home, *WATCH, **given)[0] == 5
    assert len(box.letters) == 2


@pytest.mark.slow
def test_s3_that_is_down_is_told(at: Any, home: Home, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.health._LOOK_SECONDS", 1.0)
    monkeypatch.setattr("flows.alert_memory._SECONDS", 1.0)
    given = on_s3("http://127.0.0.1:9", "s3://cakupan", home.root / "cache") | by_mail(box)
    started = time.perf_counter()
    code, out, err = at(home, *WATCH, **given)
    assert (code, "s3://cakupan/publish" in out, err) == (5, True, "")
    assert at(home, "status", **given)[0] == 1
    assert len(box.letters) == 1
    assert time.perf_counter() - started < 10


def test_the_words_of_s3_are_told_where_it_has_any(monkeypatch: pytest.MonkeyPatch, at: Any, home: Home) -> None:
    def gone(*_: object) -> NoReturn:
        raise PlaceError("s3://b is out of reach: EndpointConnectionError")

    monkeypatch.setattr("flows.health._builds", gone)
    code, out, _ = at(home, "status")
    assert (code, "Tidak terbaca / unreadable: s3://b is out of reach: EndpointConnectionError" in out) == (1, True)


# --- use and misuse ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("given", "code"), [("26", 0), ("26h", 0), ("1.5h", 0), ("0.5", 5), ("0h", 5)])
def test_hours_are_read_with_or_without_their_letter(at: Any, home: Home, given: str, code: int) -> None:
    put_build(home, 1)
    assert at(home, "status", "--max-age", given)[0] == code


@pytest.mark.parametrize("given", ["", "h", "26d", "-1", "nan", "inf", "1e9", "26 h"])
def test_hours_that_are_none_are_wrong_use(at: Any, home: Home, given: str) -> None:
    code, out, _ = at(home, "status", f"--max-age={given}")
    assert (code, "promoted" in out) == (2, False)


def test_a_check_without_age_or_channel_is_wrong_use_but_never_hides_trouble(at: Any, home: Home) -> None:
    code, _, err = at(home, "status", "--alert")
    assert (code, "--alert needs --max-age" in err) == (2, True)
    code, _, err = at(home, *WATCH)
    assert (code, "no channel is set up" in err) == (5, True)
    put_build(home, 1)
    assert at(home, *WATCH)[0] == 2


def test_the_trial_reaches_every_channel(at: Any, home: Home, box: Mailbox, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/rahasia").respond_with_data("ok")
    both = by_mail(box) | {"CAKUPAN_ALERT_WEBHOOK_URL": httpserver.url_for("/rahasia")}
    code, out, err = at(home, "alert", "test", **both)
    assert (code, err, len(box.letters), len(httpserver.log)) == (0, "", 1, 1)
    assert out.splitlines() == [
        f"mail (127.0.0.1:{box.port}, without TLS, without login, recipients: 1): terkirim / sent",
        "webhook (localhost): terkirim / sent",
    ]
    assert heads(box) == [f"{TODAY}: pesan uji coba"]
    assert not home.publication.root.exists()


def test_a_trial_that_fails_says_why_and_shows_no_secret(
    at: Any, home: Home, box: Mailbox, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/rahasia").respond_with_data("no", status=404)
    given = by_mail(box) | {"CAKUPAN_ALERT_WEBHOOK_URL": httpserver.url_for("/rahasia")}
    code, out, err = at(home, "alert", "test", "--json", **given)
    assert (code, "rahasia" in out + err) == (1, False)
    assert json.loads(out) == [
        {"channel": "mail", "sent": True, "problem": None},
        {"channel": "webhook", "sent": False, "problem": "the receiver answered 404"},
    ]


def test_a_trial_without_a_channel_says_what_to_set(at: Any, home: Home) -> None:
    code, out, err = at(home, "alert", "test")
    assert (code, out) == (2, "")
    assert "CAKUPAN_ALERT_SMTP_URL" in err
    assert "CAKUPAN_ALERT_WEBHOOK_URL" in err
    code, _, err = at(home, "alert", "test", CAKUPAN_ALERT_WEBHOOK_URL="ftp://x/rahasia")
    assert (code, "is not of the form" in err, "rahasia" in err) == (2, True, False)


def test_an_unknown_wish_is_refused(at: Any, home: Home) -> None:
    code, _, err = at(home, "status", CAKUPAN_ALERT_ON="sometimes")
    assert (code, "alert_on" in err) == (2, True)


def test_the_doctor_lists_the_channels(at: Any, home: Home, box: Mailbox) -> None:
    def looked(**given: str) -> dict[str, tuple[str, bool]]:
        found = json.loads(at(home, "doctor", "--json", **given)[1])
        return {f["what"]: (f["found"], f["fit"]) for f in found if f["what"].startswith("alert")}

    nothing = ("not set up: nobody is told this way", True)
    assert looked() == {"alert mail": nothing, "alert webhook": nothing}
    found = looked(**by_mail(box), CAKUPAN_ALERT_WEBHOOK_URL="ftp://x/rahasia")
    assert found["alert mail"][1] is True
    assert found["alert webhook"] == ("CAKUPAN_ALERT_WEBHOOK_URL is not of the form https://host/path", False)


def test_an_older_place_without_messages_is_well(at: Any, home: Home) -> None:
    put_build(home, 1)
    assert json.loads(at(home, "status", "--json")[1])["undelivered"] == []
    assert published(home.settings()).promoted_id() == "b1"
