"""A certificate authority of the tests' own, and servers that show its certificates on a real socket."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_RDWR, create_server, socket

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SPOTIFYS = ("api-partner.spotify.com", "accounts.spotify.com", "storage.googleapis.com")
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def server_context(self, directory: Path) -> ssl.SSLContext:
        unencrypted = serialization.NoEncryption()
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
        chain = directory / f"{self.certificate.serial_number}.pem"
        chain.write_bytes(key + self.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        return context


def issue(
    *names: str,
    by: Issued | None = None,
    authority: bool = False,
    ended: bool = False,
    begun: bool = True,
    signer_named: bool = True,
) -> Issued:
    """A certificate for ``names``, signed by ``by`` or by itself; RFC 5280 asks that it names its signer's key."""
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = [_name(name) for name in names]
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * _DAY if begun else now + _DAY)
        .not_valid_after(now - _DAY if ended else now + 2 * _DAY)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(private.public_key()), critical=False)
    )
    signer = by.key if by else private
    if signer_named:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), private)


def _name(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


@cache
def authority() -> Issued:
    """The certificate authority of a company's network, say."""
    return issue("tests.example.com", authority=True)


@dataclass
class Listener:
    """A server on a free port: how often it was connected to, and the requests that came through, as they were."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def listening(handle: Callable[[socket, Listener], None]) -> Iterator[Listener]:
    """Each connection is handled in a thread of its own and then closed; connections that break are no failure."""
    server = create_server(("127.0.0.1", 0))
    listener = Listener(server.getsockname()[1])

    def serve(connection: socket) -> None:
        with connection:
            try:
                handle(connection, listener)
            except OSError:
                return

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            listener.connections += 1
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener
    finally:
        server.shutdown(SHUT_RDWR)  # wakes the thread that accepts
        server.close()


def read_head(connection: socket) -> bytes:
    """Up to and with the empty line; what was read of it when the other side has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        block = connection.recv(1)
        if not block:
            break
        head += block
    return head


@contextmanager
def tls_server(context: ssl.SSLContext, answer: Callable[[bytes], bytes] = lambda _: b"{}") -> Iterator[Listener]:
    """Speaks HTTP in TLS: notes each request's head, reads its body, and answers 200 with ``answer`` of the head."""

    def handle(connection: socket, listener: Listener) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            while head := read_head(secure):
                listener.requests.append(head)
                _read_body(secure, head)
                body = answer(head)
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    with listening(handle) as listener:
        yield listener


def _read_body(connection: socket, head: bytes) -> None:
    left = int((head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]).strip() or 0)
    while left > 0:
        left -= len(connection.recv(min(left, 65_536))) or left
