"""Where Spotify is and which credentials to use, checked before anything is sent. Reads no environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from spotify_pipeline.spotify.errors import SettingsInvalid, SettingsMissing
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts, is_loopback
from spotify_pipeline.spotify_limits import STORAGE_BLOCK

DEFAULT_LABEL: Final = "default"
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ADS_API_URL = "https://api-partner.spotify.com/ads/v3"
ACCOUNTS_URL = "https://accounts.spotify.com"
CAPI_URL = "https://capi.spotify.com/capi-direct/events/"
UPLOAD_CHUNK_BYTES = 32 * STORAGE_BLOCK  # 8 MiB, the minimum that Google recommends
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_PLAIN = re.compile(r"[\x21-\x7e]+")
_URL_STEP = "Leave it unset for Spotify's own address, or set it to one such as https://spotify.example.com."
_COPY_AGAIN = "Copy it again from where Spotify shows it."
_NEXT_STEPS: Mapping[str, str] = {
    "client_id": _COPY_AGAIN,
    "client_secret": _COPY_AGAIN,
    "refresh_token": _COPY_AGAIN,
    "capi_token": _COPY_AGAIN,
    "authorization": "`spotify-pipeline authorizations` lists the existing ones.",
    "ad_account_id": "Set it to an id that `spotify-pipeline ad-accounts` shows.",
    "capi_connection_id": "Set it to an id that `spotify-pipeline conversions datasets` shows.",
    "ads_api_url": _URL_STEP,
    "accounts_url": _URL_STEP,
    "capi_url": _URL_STEP,
    "upload_hosts": "Leave it unset for Google's storage, or list hosts separated by commas.",
    "upload_chunk_bytes": f"Leave it unset for {UPLOAD_CHUNK_BYTES} (8 MiB), or set it to `whole` for one request per "
    "list.",
    "proxy_url": "Set it to http://host:port, or http://user:password@host:port with both percent-encoded.",
    "ca_bundle": "Set it to a PEM file of your network's certificate authority, or leave it unset.",
}


def setting_fault(setting: str, value: str) -> str | None:
    """What is wrong with the text of a setting, as the rest of a sentence that begins with its name; None if nothing.

    The value is not in it: a mistyped address may hold a password.
    """
    look = _FAULTS.get(setting)
    return None if look is None else look(value)


def _refuse_fault(setting: str, name: str, value: str) -> None:
    if (fault := setting_fault(setting, value)) is not None:
        raise SettingsInvalid(f"{name} {fault}.", next_step=_NEXT_STEPS[setting])


class _Named:
    """Settings that are called in errors by what they were taken from: a variable, or a line of YAML."""

    names: Mapping[str, str]

    def name_of(self, setting: str) -> str:
        """What to call a setting in a sentence."""
        return self.names.get(setting, setting)


@dataclass(frozen=True, kw_only=True)
class SpotifySettings(_Named):
    """Addresses and credentials. Secrets are hidden in every textual form (:class:`Secret`).

    Attributes:
        client_id: of the app in Spotify's developer dashboard.
        client_secret: None when the app signs in with PKCE alone.
        refresh_token: bootstraps the token store; from then on the store's own, which rotates, is used.
        ad_account_id: default ad account, a UUID.
        authorization: label of the authorization to use, where the token store holds several.
        ads_api_url, accounts_url: without a slash at the end.
        upload_hosts: hosts that a signed upload URL may name (see :class:`UploadHosts`).
        proxy_url: HTTP proxy for everything but this machine's own addresses; may hold a user name and password.
        ca_bundle: PEM file of authorities that are trusted beside the usual ones.
        upload_chunk_bytes: of one request of an upload, a multiple of 256 KiB; None sends a file in one request.
        names: what each setting was taken from, for errors: a variable, or a line of YAML.

    Raises:
        SettingsInvalid: a value is not valid; the message names what it was taken from.
    """

    client_id: str
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    ad_account_id: str | None = None
    authorization: str = DEFAULT_LABEL
    ads_api_url: str = ADS_API_URL
    accounts_url: str = ACCOUNTS_URL
    upload_hosts: tuple[str, ...] = GOOGLE_STORAGE
    proxy_url: Secret | None = None
    ca_bundle: Path | None = None
    upload_chunk_bytes: int | None = UPLOAD_CHUNK_BYTES
    names: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)

    def __post_init__(self) -> None:
        for setting in ("client_id", "ad_account_id", "authorization", "ads_api_url", "accounts_url"):
            if (value := getattr(self, setting)) is not None:
                _refuse_fault(setting, self.name_of(setting), value)
        for setting in ("client_secret", "refresh_token", "proxy_url"):
            if (secret := getattr(self, setting)) is not None:
                _refuse_fault(setting, self.name_of(setting), secret.reveal())
        _refuse_missing_bundle(self.name_of("ca_bundle"), self.ca_bundle)
        _refuse_fault("upload_hosts", self.name_of("upload_hosts"), ",".join(self.upload_hosts))
        chunk = "whole" if self.upload_chunk_bytes is None else str(self.upload_chunk_bytes)
        _refuse_fault("upload_chunk_bytes", self.name_of("upload_chunk_bytes"), chunk)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str | None], names: Mapping[str, str]) -> SpotifySettings:
        """Settings as texts, each by the name of its attribute; None, or left out, is the default.

        Raises:
            SettingsMissing: there is no client id.
            SettingsInvalid: a value is not valid.
        """
        stated = {setting: value for setting, value in texts.items() if value is not None}
        if "client_id" not in stated:
            raise SettingsMissing(
                f"{names.get('client_id', 'client_id')} is not set.",
                next_step="Set it to the client id of your app in Spotify's developer dashboard.",
            )
        if (chunk := stated.get("upload_chunk_bytes")) is not None:  # before it is read as a number
            _refuse_fault("upload_chunk_bytes", names.get("upload_chunk_bytes", "upload_chunk_bytes"), chunk)
        return cls(**_read(stated), names=names)

    def choosing(self, label: str) -> SpotifySettings:
        """These settings with the authorization ``label``. The refresh token stays with the one that was set.

        Raises:
            SettingsInvalid: ``label`` is not a valid label.
        """
        if label == self.authorization:
            return self
        return replace(self, authorization=label, refresh_token=None)

    def require_ad_account_id(self) -> str:
        """The default ad account.

        Raises:
            SettingsMissing: none is set.
        """
        if self.ad_account_id is None:
            raise SettingsMissing(
                f"{self.name_of('ad_account_id')} is not set.",
                next_step="Set it to an id that `spotify-pipeline ad-accounts` shows, or name one in the audience.",
            )
        return self.ad_account_id


@dataclass(frozen=True, kw_only=True)
class ConversionsSettings(_Named):
    """The Conversions API as one feed uses it; independent of the sign-in to the Ads API.

    Attributes:
        capi_url: used as it is; Spotify's own ends with a slash.
        connection_id: of the connection that events are sent to, a UUID.
        token: of that connection alone; hidden in every textual form.
        proxy_url, ca_bundle: as in :class:`SpotifySettings`.
        names: as there, of ``capi_url``, ``capi_connection_id``, ``capi_token``, ``proxy_url`` and ``ca_bundle``.

    Raises:
        SettingsInvalid: a value is not valid; the message names what it was taken from.
    """

    capi_url: str = CAPI_URL
    connection_id: str | None = None
    token: Secret | None = None
    proxy_url: Secret | None = None
    ca_bundle: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, compare=False)

    def __post_init__(self) -> None:
        _refuse_fault("capi_url", self.name_of("capi_url"), self.capi_url)
        if self.connection_id is not None:
            _refuse_fault("capi_connection_id", self.name_of("capi_connection_id"), self.connection_id)
        if self.token is not None:
            _refuse_fault("capi_token", self.name_of("capi_token"), self.token.reveal())
        if self.proxy_url is not None:
            _refuse_fault("proxy_url", self.name_of("proxy_url"), self.proxy_url.reveal())
        _refuse_missing_bundle(self.name_of("ca_bundle"), self.ca_bundle)

    @classmethod
    def from_texts(cls, texts: Mapping[str, str | None], names: Mapping[str, str]) -> ConversionsSettings:
        """Settings as texts, each by the name of its attribute; None, or left out, is the default.

        Raises:
            SettingsInvalid: a value is not valid.
        """
        return cls(**_read({setting: value for setting, value in texts.items() if value is not None}), names=names)

    def require_token(self) -> Secret:
        """The token.

        Raises:
            SettingsMissing: none is set.
        """
        if self.token is None:
            raise SettingsMissing(
                f"{self.name_of('capi_token')} is not set, so nothing was sent to the Conversions API.",
                next_step="Set it to a token of the connection; `spotify-pipeline conversions create-token` makes one.",
            )
        return self.token

    def require_connection_id(self) -> str:
        """The connection that events are sent to.

        Raises:
            SettingsMissing: none is set.
        """
        if self.connection_id is None:
            raise SettingsMissing(
                f"{self.name_of('capi_connection_id')} is not set, so nothing was sent to the Conversions API.",
                next_step="Set it to an id that `spotify-pipeline conversions datasets` shows, or name one in the "
                "feed.",
            )
        return self.connection_id


def _refuse_missing_bundle(name: str, ca_bundle: Path | None) -> None:
    if ca_bundle is not None and not _is_file(ca_bundle):
        raise SettingsInvalid(
            f"{name} names {ca_bundle}, which is not a file that this user can read.",
            next_step=_NEXT_STEPS["ca_bundle"],
        )


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a directory that this user may not enter
        return False


def _plain_fault(value: str) -> str | None:
    return None if _PLAIN.fullmatch(value) else "is empty or contains white space or characters outside ASCII"


def _uuid_fault(value: str) -> str | None:
    return None if UUID.fullmatch(value) else "is not a UUID"


def _label_fault(value: str) -> str | None:
    if LABEL.fullmatch(value):
        return None
    return (
        "is not the label of an authorization: use 1 to 40 lower-case letters, digits, - and _, and begin with a "
        "letter or digit"
    )


def _hosts_fault(value: str) -> str | None:
    try:
        UploadHosts(_host_names(value))
    except ValueError as reason:
        return f"is not valid: {reason}"
    return None


def _host_names(value: str) -> tuple[str, ...]:
    return tuple(host.strip() for host in value.split(",") if host.strip())


def _chunk_fault(value: str) -> str | None:
    if value == "whole" or (re.fullmatch(r"[0-9]{1,12}", value) and int(value) > 0 and int(value) % STORAGE_BLOCK == 0):
        return None
    return f"is not a multiple of {STORAGE_BLOCK} (256 KiB), which Google's storage requires"


def _proxy_fault(url: str) -> str | None:
    return None if _is_proxy(url) else "is not the address of an HTTP proxy"


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
    return ":" in host or _HOST.fullmatch(host) is not None  # a colon: urlsplit took it for an IPv6 address


def _url_fault(url: str) -> str | None:
    """What is wrong with ``url``, without showing it: a mistyped address may hold a password."""
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return "contains white space or characters that an address cannot contain"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "is not an address that begins with https://"
    if not _is_host(host):
        return "names an invalid host"
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "contains a user name, a query or a fragment"
    if parts.scheme == "http" and not is_loopback(host):
        return "begins with http://, which is allowed for this machine (127.0.0.1) only"
    return None


def _address(value: str) -> str:
    return value.rstrip("/")


_FAULTS: Mapping[str, Callable[[str], str | None]] = {
    "client_id": _plain_fault,
    "client_secret": _plain_fault,
    "refresh_token": _plain_fault,
    "capi_token": _plain_fault,
    "authorization": _label_fault,
    "ad_account_id": _uuid_fault,
    "capi_connection_id": _uuid_fault,
    "ads_api_url": _url_fault,
    "accounts_url": _url_fault,
    "capi_url": _url_fault,
    "upload_hosts": _hosts_fault,
    "upload_chunk_bytes": _chunk_fault,
    "proxy_url": _proxy_fault,
}
_AS: Mapping[str, Callable[[str], Any]] = {
    "client_secret": Secret,
    "refresh_token": Secret,
    "token": Secret,
    "ads_api_url": _address,
    "accounts_url": _address,
    "upload_hosts": _host_names,
    "upload_chunk_bytes": lambda value: None if value == "whole" else int(value),
    "proxy_url": Secret,
    "ca_bundle": Path,
}
"""How the text of a setting is read, if not as it is."""


def _read(texts: Mapping[str, str]) -> dict[str, Any]:
    return {setting: _AS.get(setting, str)(value) for setting, value in texts.items()}
