"""The ways to people: mail over SMTP, and a webhook. Each is waited for only so long, and shows no secret."""

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import SplitResult, unquote, urlsplit

import stamina
from pydantic import SecretStr

from flows.bounded import within
from flows.settings import Settings
from reports.message import Message

if TYPE_CHECKING:
    from email.message import EmailMessage
    from smtplib import SMTP

Tls = Literal["none", "starttls", "implicit"]
# One answer of a server, the first pause between attempts, and all attempts on one channel together.
ANSWER_SECONDS, PAUSE_SECONDS, CHANNEL_SECONDS = 10.0, 0.5, 30.0
SMTP_SHAPE = "smtp://host:25, smtp://user:password@host:587?starttls or smtps://user:password@host:465"
WEBHOOK_SHAPE = "https://host/path"
_PORTS: dict[Tls, int] = {"none": 25, "starttls": 587, "implicit": 465}
# The standard's limit is 998 characters.
_LONGEST_LINE = 900
_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})


class AlertSettingsError(ValueError):
    """A channel whose settings cannot be used; the sentence quotes none of them."""


class DeliveryError(OSError):
    """A message that a channel did not take: what was found. One that passes may be tried again."""

    def __init__(self, found: str, *, passes: bool = True) -> None:
        super().__init__(found)
        self.passes = passes


class Channel(Protocol):
    """One way to people."""

    @property
    def name(self) -> str:
        """Return the name under which its messages are owed."""
        ...

    @property
    def shown(self) -> str:
        """Return what may be said of it: no password, no path of a webhook, no person's address."""
        ...

    def send(self, message: Message) -> str | None:
        """Try once.

        Returns:
            What is to be said although it was taken; mostly nothing.

        Raises:
            DeliveryError: it was not taken.
        """
        ...


@dataclass(frozen=True)
class Mail:
    """Mail over SMTP, in the clear, by STARTTLS or over TLS from the start."""

    host: str
    port: int
    tls: Tls
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: SecretStr | None = field(default=None, repr=False)
    name: str = "mail"

    @property
    def shown(self) -> str:
        """Return host, port, how it is secured, and how many people are written to."""
        how = {"none": "without TLS", "starttls": "STARTTLS", "implicit": "TLS"}[self.tls]
        login = "with login" if self.user else "without login"
        return f"{self.host}:{self.port}, {how}, {login}, recipients: {len(self.recipients)}"

    def send(self, message: Message) -> str | None:
        """Hand the message to the server for all recipients; some of them may be refused."""
        try:
            with self._connected() as server:
                refused = server.send_message(self._letter(message))
                # It is taken: what happens from here on must not have it sent again.
                with suppress(OSError):
                    server.quit()
        except OSError as fault:
            raise _explained(fault) from None
        if not refused:
            return None
        codes = sorted({code for code, _ in refused.values()})
        return f"the server refuses {len(refused)} of {len(self.recipients)} recipients ({codes[0]})"

    @contextmanager
    def _connected(self) -> "Generator[SMTP]":
        import smtplib
        import ssl

        trust = ssl.create_default_context()
        with ExitStack() as opened:
            if self.tls == "implicit":
                server: SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=ANSWER_SECONDS, context=trust)
            else:
                server = smtplib.SMTP(self.host, self.port, timeout=ANSWER_SECONDS)
            opened.callback(server.close)
            if self.tls == "starttls":
                server.starttls(context=trust)
            self._log_in(server)
            yield server

    def _log_in(self, server: "SMTP") -> None:
        """Say user and password, once: repeated, a wrong password locks the account out."""
        import smtplib

        if self.user is None or self.password is None:
            return
        try:
            server.login(self.user, self.password.get_secret_value())
        except smtplib.SMTPServerDisconnected:
            raise DeliveryError("the server hung up at the login", passes=False) from None

    def _letter(self, message: Message) -> "EmailMessage":
        from email.message import EmailMessage
        from email.policy import SMTP as WIRE

        # A heading that is not folded: folding puts a space before it that some mailboxes show.
        letter = EmailMessage(WIRE.clone(max_line_length=_LONGEST_LINE))
        letter["From"] = self.sender
        letter["To"] = ", ".join(self.recipients)
        letter["Subject"] = message.subject
        letter["Date"] = format_datetime(message.at)
        # The same message has the same name however often it is sent: a mailbox shows it once.
        letter["Message-ID"] = f"<{message.id}@{parseaddr(self.sender)[1].rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return letter


def _explained(fault: OSError) -> DeliveryError:
    """Say what was wrong with mail; what a server says may hold addresses of persons, so only its code is told."""
    import smtplib
    import socket
    import ssl

    if isinstance(fault, DeliveryError):
        return fault
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        return DeliveryError(f"the server refuses user or password ({fault.smtp_code})", passes=False)
    if isinstance(fault, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in fault.recipients.values()})
        return DeliveryError(f"the server refuses every recipient ({codes[0]})", passes=codes[0] < 500)
    if isinstance(fault, smtplib.SMTPResponseException):
        passes = 400 <= fault.smtp_code < 500 or fault.smtp_code < 0
        return DeliveryError(f"{type(fault).__name__} ({fault.smtp_code})", passes=passes)
    if isinstance(fault, smtplib.SMTPNotSupportedError):
        return DeliveryError("the server does not offer what the address asks for: STARTTLS or login", passes=False)
    if isinstance(fault, ssl.SSLCertVerificationError):
        hint = "SSL_CERT_FILE names a file of certificates to trust"
        return DeliveryError(f"the server's certificate is not trusted; {hint}", passes=False)
    if isinstance(fault, socket.gaierror):
        return DeliveryError("the host's name is not known")
    return DeliveryError(f"out of reach: {type(fault).__name__}")


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON: ``text`` for receivers that show it to people, ``cakupan`` for machines."""

    url: SecretStr
    name: str = "webhook"

    @property
    def shown(self) -> str:
        """Return the host; the rest of the address is a secret."""
        return str(urlsplit(self.url.get_secret_value()).hostname)

    def send(self, message: Message) -> str | None:
        """Post the message; any answer but 2xx is a refusal."""
        import httpx

        body = {
            "text": f"{message.subject}\n\n{message.text}",
            "cakupan": {"id": message.id, "at": message.at.isoformat(), **message.fields},
        }
        try:
            with _unlogged("httpx"):
                answer = httpx.post(self.url.get_secret_value(), json=body, timeout=ANSWER_SECONDS)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise DeliveryError(f"out of reach: {type(fault).__name__}") from None
        if not answer.is_success:
            code = answer.status_code
            raise DeliveryError(f"the receiver answered {code}", passes=code == 429 or code >= 500)
        return None


@contextmanager
def _unlogged(name: str) -> Generator[None]:
    """Keep a library from logging: addresses are secrets, and of attempts only the last counts."""

    def drop(_record: logging.LogRecord) -> bool:
        return False

    logger = logging.getLogger(name)
    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


def deliver(channel: Channel, message: Message) -> str | None:
    """Send a message, more than once where that may help, and wait only so long.

    Args:
        channel: where to.
        message: what.

    Returns:
        What is to be said although it was taken; mostly nothing.

    Raises:
        DeliveryError: it was not taken.
    """
    try:
        return within(CHANNEL_SECONDS, lambda: _insist(channel, message))
    except DeliveryError:
        raise
    except TimeoutError as silent:
        raise DeliveryError(str(silent)) from None
    except Exception as fault:
        # What a library says may quote the address or the password.
        raise DeliveryError(type(fault).__name__) from None


def _insist(channel: Channel, message: Message) -> str | None:
    with _unlogged("stamina"):
        for attempt in stamina.retry_context(
            on=_passes, attempts=3, timeout=20.0, wait_initial=PAUSE_SECONDS, wait_jitter=PAUSE_SECONDS
        ):
            with attempt:
                return channel.send(message)
    raise AssertionError("stamina gives at least one attempt")


def _passes(fault: Exception) -> bool:
    return isinstance(fault, DeliveryError) and fault.passes


def channels_of(settings: Settings) -> dict[str, Channel | AlertSettingsError]:
    """Give the channels that are set up, by name; for one that is set up wrongly what is wrong.

    Args:
        settings: the addresses.
    """
    found: dict[str, Channel | AlertSettingsError] = {}
    for name, is_set, make in (
        ("mail", bool(settings.alert_smtp_url or settings.alert_to), _mail_of),
        ("webhook", settings.alert_webhook_url is not None, _webhook_of),
    ):
        if is_set:
            try:
                found[name] = make(settings)
            except AlertSettingsError as wrong:
                found[name] = wrong
    return found


def _mail_of(settings: Settings) -> Channel:
    if settings.alert_smtp_url is None:
        raise AlertSettingsError("CAKUPAN_ALERT_TO is set, but no CAKUPAN_ALERT_SMTP_URL")
    wanted = AlertSettingsError(f"CAKUPAN_ALERT_SMTP_URL is not of the form {SMTP_SHAPE}")
    url = _split(settings.alert_smtp_url, wanted)
    if url.scheme not in ("smtp", "smtps") or url.path not in ("", "/") or url.query not in ("", "starttls"):
        raise wanted
    tls: Tls = "implicit" if url.scheme == "smtps" else "starttls" if url.query else "none"
    host = str(url.hostname)
    if (url.username is None) != (url.password is None) or (tls == "implicit" and url.query):
        raise wanted
    if url.username and tls == "none" and host not in _LOCAL:
        raise AlertSettingsError("CAKUPAN_ALERT_SMTP_URL sends a password in the clear: add ?starttls or use smtps")
    password = None if url.password is None else SecretStr(unquote(url.password))
    user = None if url.username is None else unquote(url.username)
    return Mail(host, url.port or _PORTS[tls], tls, _sender(settings), _recipients(settings), user, password)


def _split(address: SecretStr, wanted: AlertSettingsError) -> SplitResult:
    """Take an address apart; one that is no address raises what is wanted instead."""
    try:
        url = urlsplit(address.get_secret_value())
        port = url.port
    except ValueError:
        raise wanted from None
    if not url.hostname or url.fragment or port == 0:
        raise wanted
    return url


def _sender(settings: Settings) -> str:
    if not _is_address(settings.alert_from or ""):
        raise AlertSettingsError("CAKUPAN_ALERT_FROM is no mail address; expected one such as cakupan@example.org")
    return str(settings.alert_from)


def _recipients(settings: Settings) -> tuple[str, ...]:
    if not settings.alert_to or not all(map(_is_address, settings.alert_to)):
        raise AlertSettingsError("CAKUPAN_ALERT_TO holds no mail addresses; expected some, separated by commas")
    return settings.alert_to


def _is_address(text: str) -> bool:
    user, _, host = parseaddr(text)[1].rpartition("@")
    return bool(user and host) and text.isprintable() and "," not in text


def _webhook_of(settings: Settings) -> Channel:
    wanted = AlertSettingsError(f"CAKUPAN_ALERT_WEBHOOK_URL is not of the form {WEBHOOK_SHAPE}")
    if settings.alert_webhook_url is None or _split(settings.alert_webhook_url, wanted).scheme not in ("http", "https"):
        raise wanted
    return Webhook(settings.alert_webhook_url)
