"""Checks which hosts a signed upload URL may name.

The URL comes from a server's response and is treated as hostile input: a wrong one could send a customer list to
somebody else, or a request into the private network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from spotify_pipeline.spotify.errors import UploadRefused
from spotify_pipeline.spotify.secret import Secret

GOOGLE_STORAGE = ("storage.googleapis.com", "*.storage.googleapis.com")
_LONGEST_URL = 16_384
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ENTRY = re.compile(rf"(?P<any>\*\.)?(?P<host>{_NAME}(?:\.{_NAME})*|\[::1\])(?::(?P<port>[1-9]\d{{0,4}}))?")
_SHOWN = re.compile(r"[A-Za-z0-9.*:-]{1,80}")
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>{_NAME}(?:\.{_NAME})*|\[::1\])(?::(?P<port>[1-9]\d{{0,4}}))?(?:[/?].*)?"
)
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class SignedUrl:
    """An upload URL that has passed the check, and its origin."""

    url: Secret
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


@dataclass(frozen=True, slots=True)
class _Entry:
    host: str
    port: int | None
    any_subdomain: bool

    def admits(self, url: SignedUrl) -> bool:
        if self.port is not None:  # a loopback host named with its port: http and https
            return (url.host, url.port) == (self.host, self.port)
        named = url.host.endswith("." + self.host) if self.any_subdomain else url.host == self.host
        return named and url.scheme == "https" and url.port == _HTTPS_PORT


class UploadHosts:
    """The allow-list. An entry is a host (https, port 443), ``*.`` and a domain, or a loopback host with its port.

    Plain http is allowed only for a loopback host that is listed with its port, such as a local stand-in for the
    storage.

    Raises:
        ValueError: an entry is not valid; the text says which and why. It shows the entry only if that cannot be a
            signed URL, put here by mistake.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        if not entries:
            raise ValueError("it names no host")
        self._entries = tuple(_entry(entry, position) for position, entry in enumerate(entries, 1))

    def check(self, url: str, *, what: str = "The upload URL") -> SignedUrl:
        """The checked URL.

        Raises:
            UploadRefused: the URL is not plain, or its host is not listed. The message never shows the URL.
        """
        parsed = _parse(url)
        if parsed is None:
            raise UploadRefused(f"{what} that Spotify gave is not a plain https address, so nothing was sent to it.")
        if not any(entry.admits(parsed) for entry in self._entries):
            raise UploadRefused(
                f"{what} leads to {parsed.scheme}://{parsed.host[:80]}:{parsed.port}, which is not an allowed upload "
                "host, so nothing was sent to it.",
                next_step="If the host is right, add it to SPOTIFY_UPLOAD_HOSTS.",
            )
        return parsed

    def check_session(self, location: str, start: SignedUrl) -> SignedUrl:
        """The same check for the session URI that the storage gave for ``start``.

        It must be on the origin of the signed URL. Only Google's storage, whose buckets have their own hosts, may
        name another of its hosts.
        """
        session = self.check(location, what="The upload session")
        if session.origin != start.origin and not (_is_googles(session.host) and _is_googles(start.host)):
            raise UploadRefused(
                "The upload session leads to another host than the upload URL, so nothing was sent to it."
            )
        return session


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_googles(host: str) -> bool:
    return host == GOOGLE_STORAGE[0] or host.endswith("." + GOOGLE_STORAGE[0])


def _entry(entry: str, position: int) -> _Entry:
    named = repr(entry) if _SHOWN.fullmatch(entry) else f"entry {position}"
    matched = _ENTRY.fullmatch(entry.strip().lower())
    if matched is None:
        raise ValueError(f"{named} is not a host, *.domain or host:port")
    host, port, any_subdomain = matched["host"], matched["port"], matched["any"] is not None
    loopback = is_loopback(host)
    if port is not None and (not loopback or any_subdomain or int(port) > 65_535):
        raise ValueError(f"{named} has a port; only a loopback host such as 127.0.0.1:8080 may have one")
    if not loopback and re.fullmatch(r"[0-9.]+|\[.*|(0x[0-9a-f]+\.?)+", host):
        raise ValueError(f"{named} is an address; name the host instead")
    if any_subdomain and "." not in host:
        raise ValueError(f"{named} would allow a whole top-level domain")
    return _Entry(host, None if port is None else int(port), any_subdomain)


def _parse(url: str) -> SignedUrl | None:
    # One strict pattern instead of a URL library: whatever two parsers could read differently (userinfo, backslashes,
    # escapes, white space, other scripts) does not match.
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or any(c in url for c in ' \\"<>#'):
        return None
    matched = _URL.fullmatch(url)
    if matched is None:
        return None
    default_port = _HTTPS_PORT if matched["scheme"] == "https" else 80
    port = int(matched["port"]) if matched["port"] else default_port
    return SignedUrl(Secret(url), matched["scheme"], matched["host"].lower(), port) if port <= 65_535 else None
