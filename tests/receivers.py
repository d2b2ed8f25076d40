"""Receivers of alerts on this machine: a real SMTP server (in the clear, STARTTLS, TLS, login) with certificates."""

import email
import email.policy
import ssl
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flows.alert_channels import Tls

USER, PASSWORD = "cakupan", "p@ss w:rd/rahasia"
QUOTED = "cakupan:p%40ss%20w%3Ard%2Frahasia"


@dataclass(frozen=True)
class Certificate:
    """A certificate for this machine, signed by nobody but itself."""

    certificate: Path
    key: Path


def certificate(folder: Path) -> Certificate:
    """Make a certificate for 127.0.0.1 and localhost that ends tomorrow."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    named = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(named, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    found = Certificate(folder / "server.pem", folder / "server.key")
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    found.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return found


@dataclass
class Mailbox:
    """What a server took, and how it misbehaves.

    Attributes:
        letters: what it took, in order.
        recipients: to whom each letter went.
        faults: answers to the next letters instead of taking them.
        unknown: recipients that it refuses.
        logins: how often somebody tried to come in.
        ends_at_login: whether it hangs up on who does not know the password.
    """

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list[EmailMessage])
    recipients: list[list[str]] = field(default_factory=list[list[str]])
    faults: deque[str] = field(default_factory=deque[str])
    unknown: set[str] = field(default_factory=set[str])
    logins: int = 0
    ends_at_login: bool = False

    @property
    def subjects(self) -> list[str]:
        """The subjects of what it took."""
        return [str(letter["Subject"]) for letter in self.letters]

    @property
    def texts(self) -> list[str]:
        """The texts of what it took."""
        return [letter.get_content().replace("\r\n", "\n") for letter in self.letters]

    async def handle_RCPT(  # noqa: N802 - the server names it
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        """Refuse a recipient that is unknown."""
        if address in self.unknown:
            return f"550 no such person {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the server names it
        """Take a letter, or answer with the fault that waits."""
        if self.faults:
            return self.faults.popleft()
        self.letters.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 OK"

    def let_in(self, server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        """Let in who knows the password."""
        is_known = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
        self.logins += 1
        if self.ends_at_login and not is_known:
            server.transport.abort()
        return AuthResult(success=is_known, handled=False)


def by_mail(box: Mailbox) -> dict[str, str]:
    """Give the variables with which alerts go to a mailbox."""
    return {
        "CAKUPAN_ALERT_SMTP_URL": f"smtp://127.0.0.1:{box.port}",
        "CAKUPAN_ALERT_FROM": "cakupan@example.org",
        "CAKUPAN_ALERT_TO": "siti@example.org",
    }


def heads(box: Mailbox) -> list[str]:
    """Give the Indonesian half of every subject, without the name of the system."""
    return [subject.removeprefix("Cakupan ").partition(" / ")[0] for subject in box.subjects]


class _AnyPort(Controller):
    """A server on whatever port is free."""

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(tls: Tls = "none", secured_by: Certificate | None = None, *, login: bool = False) -> Generator[Mailbox]:
    """Start an SMTP server on 127.0.0.1 that ends with the block.

    Args:
        tls: how it is secured; with STARTTLS it takes nothing in the clear.
        secured_by: its certificate.
        login: whether it asks for user and password.
    """
    context = None
    if secured_by is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(secured_by.certificate, secured_by.key)
    box = Mailbox()
    more: dict[str, Any] = {"auth_required": True, "authenticator": box.let_in} if login else {}
    if tls == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    elif tls == "implicit":
        more |= {"ssl_context": context}
    server = _AnyPort(box, hostname="127.0.0.1", port=0, auth_require_tls=tls == "starttls", **more)
    server.start()
    box.port = server.port
    try:
        yield box
    finally:
        server.stop()
