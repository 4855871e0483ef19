"""What an address, a credential and a file in the settings must look like, and the sentence that says it is not."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from spotify_pipeline.spotify.errors import SettingsInvalid
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.upload_hosts import is_loopback

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_PLAIN = re.compile(r"[\x21-\x7e]+")


def check_network(proxy_url: Secret | None, ca_bundle: Path | None) -> None:
    """Check the way to every service: ``SPOTIFY_PROXY_URL`` and ``SPOTIFY_CA_BUNDLE``.

    Raises:
        SettingsInvalid: one of them cannot be used.
    """
    if proxy_url is not None and not _is_proxy(proxy_url.reveal()):
        raise SettingsInvalid(
            "SPOTIFY_PROXY_URL is not the address of an HTTP proxy.",
            next_step="Set it to http://host:port, or http://user:password@host:port with both percent-encoded.",
        )
    if ca_bundle is not None and not _is_file(ca_bundle):
        raise SettingsInvalid(
            f"SPOTIFY_CA_BUNDLE names {ca_bundle}, which is not a file, or not one that this user may see.",
            next_step="Set it to a PEM file of your network's certificate authority, or leave it unset.",
        )


def bundle_path(text: str) -> Path:
    """The file that ``SPOTIFY_CA_BUNDLE`` names; whether there is one is not looked at."""
    path = Path(text)
    with suppress(RuntimeError):  # a user whose home nobody knows: then there is no such file
        path = path.expanduser()
    return path.absolute()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a directory that this user may not enter
        return False


def _is_proxy(url: str) -> bool:
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = not parts.path.strip("/") + parts.query + parts.fragment
    return parts.scheme in ("http", "https") and plain and _is_host(host)


def _is_host(host: str | None) -> bool:
    """Whether it can be looked up: a name of labels of at most 63 characters, or an address."""
    if not host or len(host) > 253:
        return False
    return ":" in host or _NAME.fullmatch(host) is not None  # a colon: urlsplit took it for an IPv6 address


def check_plain(variable: str, value: str) -> None:
    """Check a credential.

    Raises:
        SettingsInvalid: ``variable`` is empty or holds what no credential holds.
    """
    if not _PLAIN.fullmatch(value):
        raise SettingsInvalid(
            f"{variable} is empty or holds white space or characters outside ASCII.",
            next_step="Copy it again from where Spotify shows it.",
        )


def check_url(variable: str, url: str) -> None:
    """Check the address of a service: https, or http to this machine.

    Raises:
        SettingsInvalid: ``variable`` holds something else.
    """
    fault = _url_fault(url)
    if fault is not None:
        raise SettingsInvalid(
            f"{variable} {fault}.",
            next_step="Leave it unset for Spotify's own address, or set it to one such as https://spotify.example.com.",
        )


def _url_fault(url: str) -> str | None:
    """What is wrong with ``url``, without showing it: a mistyped address may hold a password."""
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return "holds white space or characters that an address cannot hold"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an address that begins with https://"
    if not _is_host(host):
        return "names a host that cannot be one"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "holds a user name, a query or a fragment"
    if parts.scheme == "http" and not is_loopback(host):
        return "begins with http://, which is allowed for this machine (127.0.0.1) only"
    return None
