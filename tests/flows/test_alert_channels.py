"""Mail and webhook against real servers: security, login, faults that pass, faults that stay, and no secret shown."""

import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.alert_channels import AlertSettingsError, Channel, DeliveryError, Mail, channels_of, deliver
from flows.settings import BUSINESS_ZONE, Settings
from reports.message import Message
from tests.receivers import PASSWORD, QUOTED, Certificate, Mailbox, certificate, mail_server

AT = datetime(2026, 11, 21, 1, 42, tzinfo=BUSINESS_ZONE)
MESSAGE = Message(
    id="0" * 32, at=AT, subject="Cakupan: uji / a test", text="Baris 1…\nline 2\n", fields={"result": "x"}
)
LIBRARIES = {"httpx", "httpcore", "stamina", "flows"}
PEOPLE = "siti@example.org, Budi <budi@example.org>"
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setattr("flows.alert_channels.PAUSE_SECONDS", 0.02)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(signed: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Have this process trust the server, as a company's own servers are trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(signed.certificate))
    return signed


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"alert_from": "cakupan@example.org"} | given)


def mail_to(box: Mailbox, address: str = "smtp://127.0.0.1:{port}", people: str = PEOPLE) -> Channel:
    found = channels_of(settings(alert_smtp_url=address.format(port=box.port), alert_to=people))["mail"]
    assert not isinstance(found, AlertSettingsError)
    return found


def webhook_to(address: str) -> Channel:
    found = channels_of(settings(alert_webhook_url=address))["webhook"]
    assert not isinstance(found, AlertSettingsError)
    return found


# --- mail --------------------------------------------------------------------------------------------------------


def test_a_letter_arrives_whole() -> None:
    with mail_server() as box:
        assert deliver(mail_to(box), MESSAGE) is None
    (letter,) = box.letters
    assert box.recipients == [["siti@example.org", "budi@example.org"]]
    assert box.subjects == ["Cakupan: uji / a test"]
    assert box.texts == ["Baris 1…\nline 2\n"]
    assert {name: str(letter[name]) for name in ("From", "Message-ID", "Auto-Submitted", "Date")} == {
        "From": "cakupan@example.org", "Message-ID": f"<{'0' * 32}@example.org>",
        "Auto-Submitted": "auto-generated", "Date": "Sat, 21 Nov 2026 01:42:00 +0700",
    }  # fmt: skip


def test_a_long_subject_is_not_folded() -> None:
    subject = "Cakupan 2026-11-21: " + "pulih, tidak ada yang baru " * 8 + "/ akhir"
    with mail_server() as box:
        deliver(mail_to(box), MESSAGE.model_copy(update={"subject": subject}))
    assert box.subjects == [subject]


def test_starttls_with_login(trusted: Certificate) -> None:
    with mail_server("starttls", trusted, login=True) as box:
        assert deliver(mail_to(box, f"smtp://{QUOTED}@127.0.0.1:{{port}}?starttls"), MESSAGE) is None
        assert (len(box.letters), box.logins) == (1, 1)
        with pytest.raises(DeliveryError, match=r"user or password \(535\)"):
            deliver(mail_to(box, "smtp://cakupan:salah@127.0.0.1:{port}?starttls"), MESSAGE)
        with pytest.raises(DeliveryError, match="530"):
            deliver(mail_to(box), MESSAGE)
    assert len(box.letters) == 1


def test_a_server_that_hangs_up_on_a_wrong_password_is_asked_once(trusted: Certificate) -> None:
    with mail_server("starttls", trusted, login=True) as box:
        box.ends_at_login = True
        with pytest.raises(DeliveryError, match="hung up at the login"):
            deliver(mail_to(box, "smtp://cakupan:salah@127.0.0.1:{port}?starttls"), MESSAGE)
        assert box.logins == 1


def test_tls_from_the_start_with_login(trusted: Certificate) -> None:
    with mail_server("implicit", trusted, login=True) as box:
        assert deliver(mail_to(box, f"smtps://{QUOTED}@localhost:{{port}}"), MESSAGE) is None
    assert (len(box.letters), box.logins) == (1, 1)


@pytest.mark.parametrize(
    ("tls", "address"),
    [("starttls", "smtp://{quoted}@127.0.0.1:{port}?starttls"), ("implicit", "smtps://{quoted}@127.0.0.1:{port}")],
)
def test_a_certificate_that_nobody_trusts_gets_no_password(signed: Certificate, tls: Any, address: str) -> None:
    with mail_server(tls, signed, login=True) as box:
        with pytest.raises(DeliveryError, match="certificate is not trusted"):
            deliver(mail_to(box, address.format(quoted=QUOTED, port=box.port)), MESSAGE)
        assert (box.letters, box.logins) == ([], 0)


def test_a_server_without_starttls_gets_nothing_in_the_clear() -> None:
    with mail_server() as box:
        with pytest.raises(DeliveryError, match="does not offer"):
            deliver(mail_to(box, "smtp://127.0.0.1:{port}?starttls"), MESSAGE)
        assert box.letters == []


def test_a_fault_that_passes_is_tried_again() -> None:
    with mail_server() as box:
        box.faults.append("451 try again later")
        assert deliver(mail_to(box), MESSAGE) is None
    assert len(box.letters) == 1


def test_a_refusal_for_good_is_not_tried_again() -> None:
    with mail_server() as box:
        box.faults += ["554 not from you", "250 this must never be asked"]
        with pytest.raises(DeliveryError, match=r"SMTPDataError \(554\)"):
            deliver(mail_to(box), MESSAGE)
        assert len(box.faults) == 1


def test_refused_recipients_are_counted_and_not_named() -> None:
    with mail_server() as box:
        box.unknown = {"budi@example.org"}
        remark = deliver(mail_to(box), MESSAGE)
        assert remark == "the server refuses 1 of 2 recipients (550)"
        assert box.recipients == [["siti@example.org"]]
        box.unknown.add("siti@example.org")
        with pytest.raises(DeliveryError, match=r"^the server refuses every recipient \(550\)$"):
            deliver(mail_to(box), MESSAGE)


def test_no_server_is_said_in_words() -> None:
    with pytest.raises(DeliveryError, match="out of reach: ConnectionRefusedError"):
        deliver(mail_to(Mailbox(port=free_port())), MESSAGE)


# --- webhook -----------------------------------------------------------------------------------------------------


def test_a_webhook_gets_text_for_people_and_fields_for_machines(httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request("/rahasia", method="POST").respond_with_data("ok")
    assert deliver(webhook_to(httpserver.url_for("/rahasia")), MESSAGE) is None
    ((asked, _),) = httpserver.log
    assert asked.get_json() == {
        "text": "Cakupan: uji / a test\n\nBaris 1…\nline 2\n",
        "cakupan": {"id": "0" * 32, "at": "2026-11-21T01:42:00+07:00", "result": "x"},
    }


@pytest.mark.parametrize("first", [500, 503, 429])
def test_a_webhook_that_fails_once_is_asked_again(httpserver: HTTPServer, first: int) -> None:
    httpserver.expect_ordered_request("/rahasia").respond_with_data("no", status=first)
    httpserver.expect_ordered_request("/rahasia").respond_with_data("ok")
    assert deliver(webhook_to(httpserver.url_for("/rahasia")), MESSAGE) is None
    assert [answer.status_code for _, answer in httpserver.log] == [first, 200]


@pytest.mark.parametrize("status", [400, 404, 302])
def test_a_webhook_that_refuses_is_asked_once(httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/rahasia").respond_with_data("no", status=status, headers={"Location": "/lain"})
    with pytest.raises(DeliveryError, match=f"^the receiver answered {status}$"):
        deliver(webhook_to(httpserver.url_for("/rahasia")), MESSAGE)
    assert len(httpserver.log) == 1


# --- how long ----------------------------------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[int]:
    """Give the port of a server that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield int(listening.getsockname()[1])


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.parametrize("address", ["smtp://127.0.0.1:{port}", "smtps://127.0.0.1:{port}"])
def test_a_silent_mail_server_is_waited_for_only_so_long(
    silent: int, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr("flows.alert_channels.CHANNEL_SECONDS", 0.4)
    started = time.perf_counter()
    with pytest.raises(DeliveryError, match=r"no answer within 0\.4 s"):
        deliver(mail_to(Mailbox(port=silent), address), MESSAGE)
    assert time.perf_counter() - started < 2


def test_one_answer_is_waited_for_only_so_long(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.alert_channels.ANSWER_SECONDS", 0.1)
    for channel in (mail_to(Mailbox(port=silent)), webhook_to(f"http://127.0.0.1:{silent}/rahasia")):
        with pytest.raises(DeliveryError, match=r"out of reach: (SMTPServerDisconnected|ReadTimeout)"):
            deliver(channel, MESSAGE)


def test_a_webhook_that_drips_is_waited_for_only_so_long(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.alert_channels.CHANNEL_SECONDS", 0.4)

    def drip(_asked: Request) -> Response:
        def slowly() -> Iterator[bytes]:
            for _ in range(20):
                time.sleep(0.1)
                yield b"."

        return Response(slowly())

    httpserver.expect_request("/rahasia").respond_with_handler(drip)
    with pytest.raises(DeliveryError, match="no answer within"):
        deliver(webhook_to(httpserver.url_for("/rahasia")), MESSAGE)


# --- settings ----------------------------------------------------------------------------------------------------


def test_without_settings_there_is_no_channel() -> None:
    assert channels_of(Settings()) == {}
    assert channels_of(Settings(alert_from="cakupan@example.org")) == {}


@pytest.mark.parametrize(
    ("address", "host", "port", "tls"),
    [
        ("smtp://surat.example.org", "surat.example.org", 25, "none"),
        ("smtp://surat.example.org?starttls", "surat.example.org", 587, "starttls"),
        ("smtp://u:p@surat.example.org:2525?starttls", "surat.example.org", 2525, "starttls"),
        ("smtps://u:p@surat.example.org", "surat.example.org", 465, "implicit"),
        ("smtp://u:p@localhost:1025", "localhost", 1025, "none"),
    ],
)
def test_an_address_of_mail(address: str, host: str, port: int, tls: str) -> None:
    found = channels_of(settings(alert_smtp_url=address, alert_to=PEOPLE))["mail"]
    assert isinstance(found, Mail)
    assert (found.host, found.port, found.tls) == (host, port, tls)


@pytest.mark.parametrize(
    "given",
    [
        {"alert_smtp_url": "rahasia"}, {"alert_smtp_url": "http://rahasia"}, {"alert_smtp_url": "smtp://"},
        {"alert_smtp_url": "smtp://user:ra/hasia@host:587?starttls"}, {"alert_smtp_url": "smtp://u:1/rahasia@host"},
        {"alert_smtp_url": "smtp://u:ra#hasia@host"}, {"alert_smtp_url": "smtp://u:ra?hasia@host"},
        {"alert_smtp_url": "smtp://rahasia@host?starttls"}, {"alert_smtp_url": "smtps://u:rahasia@host?starttls"},
        {"alert_smtp_url": "smtp://u:rahasia@host:99999?starttls"}, {"alert_smtp_url": "smtp://u:rahasia@host"},
        {"alert_smtp_url": "smtp://u:rahasia@[host"},
        {"alert_smtp_url": "smtp://host", "alert_to": ""}, {"alert_smtp_url": "smtp://host", "alert_to": "rahasia"},
        {"alert_smtp_url": "smtp://host", "alert_to": "a@b\nBcc: rahasia@c"},
        {"alert_smtp_url": "smtp://host", "alert_from": "rahasia"}, {"alert_smtp_url": "smtp://host", "alert_from": ""},
    ],
)  # fmt: skip
def test_mail_that_is_set_up_wrongly_is_told_without_a_secret(given: dict[str, str]) -> None:
    wrong = channels_of(settings(**({"alert_to": PEOPLE} | given)))["mail"]
    assert isinstance(wrong, AlertSettingsError)
    assert "CAKUPAN_ALERT_" in str(wrong)
    assert "hasia" not in str(wrong)


def test_recipients_without_a_server_are_told() -> None:
    wrong = channels_of(settings(alert_to=PEOPLE))["mail"]
    assert isinstance(wrong, AlertSettingsError)
    assert "CAKUPAN_ALERT_SMTP_URL" in str(wrong)


@pytest.mark.parametrize("address", ["rahasia", "ftp://host/rahasia", "https://", "https://host:port/rahasia"])
def test_a_webhook_that_is_set_up_wrongly_is_told_without_a_secret(address: str) -> None:
    wrong = channels_of(settings(alert_webhook_url=address))["webhook"]
    assert isinstance(wrong, AlertSettingsError)
    assert "rahasia" not in str(wrong)


# --- secrets -----------------------------------------------------------------------------------------------------


def test_nothing_that_is_shown_or_logged_holds_a_secret(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, trusted: Certificate
) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_ordered_request("/rahasia").respond_with_data("no", status=500)
    httpserver.expect_ordered_request("/rahasia").respond_with_data("no", status=404)
    hook = webhook_to(httpserver.url_for("/rahasia"))
    with pytest.raises(DeliveryError) as untaken:
        deliver(hook, MESSAGE)
    with mail_server("starttls", trusted, login=True) as box:
        mail = mail_to(box, f"smtp://{QUOTED}@127.0.0.1:{{port}}?starttls")
        deliver(mail, MESSAGE)
    # The servers of the test log what they are asked; they are other people's.
    ours = [record.getMessage() for record in caplog.records if record.name.partition(".")[0] in LIBRARIES]
    shown = "\n".join([str(untaken.value), repr(untaken.value), repr(hook), hook.shown, repr(mail), mail.shown, *ours])
    assert [secret for secret in ("/rahasia", PASSWORD, QUOTED) if secret in shown] == []
    assert [person for person in ("siti@", "budi@") if person in "\n".join([mail.shown, *ours])] == []


def test_the_search_for_secrets_in_the_log_finds_them(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/rahasia").respond_with_data("ok")
    httpx.get(httpserver.url_for("/rahasia"), trust_env=False)
    assert [r.name for r in caplog.records if r.name in LIBRARIES and "/rahasia" in r.getMessage()] == ["httpx"]


def test_what_a_library_says_of_a_fault_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"cannot use {PASSWORD}")

    monkeypatch.setattr(ssl, "create_default_context", fail)
    with mail_server() as box, pytest.raises(DeliveryError, match=r"^ValueError$"):
        deliver(mail_to(box), MESSAGE)
