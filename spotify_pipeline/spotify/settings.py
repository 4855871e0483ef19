"""Where Spotify is and which credentials to use: read from the environment, checked before anything is sent."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from spotify_pipeline.spotify.errors import SettingsInvalid, SettingsMissing
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts, is_loopback

DEFAULT_LABEL: Final = "default"
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ADS_API_URL = "https://api-partner.spotify.com/ads/v3"
ACCOUNTS_URL = "https://accounts.spotify.com"
CAPI_URL = "https://capi.spotify.com/capi-direct/events/"
TOKEN_VARIABLE = "SPOTIFY_CAPI_TOKEN"  # noqa: S105  (the name of a variable)
CONNECTION_VARIABLE = "SPOTIFY_CAPI_CONNECTION_ID"
CHUNK_QUANTUM = 262_144  # Google, "Performing resumable uploads": every chunk but the last is a multiple of 256 KiB
UPLOAD_CHUNK_BYTES = 32 * CHUNK_QUANTUM  # 8 MiB, the minimum that Google recommends
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_PLAIN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class SpotifySettings:
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

    Raises:
        SettingsInvalid: a value is not valid; the message names its environment variable.
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

    def __post_init__(self) -> None:
        _check_plain("SPOTIFY_CLIENT_ID", self.client_id)
        for variable, secret in (
            ("SPOTIFY_CLIENT_SECRET", self.client_secret),
            ("SPOTIFY_REFRESH_TOKEN", self.refresh_token),
        ):
            if secret is not None:
                _check_plain(variable, secret.reveal())
        if not LABEL.fullmatch(self.authorization):
            raise SettingsInvalid(
                "Invalid label of an authorization (SPOTIFY_AUTHORIZATION): use 1 to 40 lower-case letters, digits, - "
                "and _, and begin with a letter or digit.",
                next_step="`spotify-pipeline authorizations` lists the existing ones.",
            )
        _check_url("SPOTIFY_ADS_API_URL", self.ads_api_url)
        _check_url("SPOTIFY_ACCOUNTS_URL", self.accounts_url)
        _check_network(self.proxy_url, self.ca_bundle)
        if self.ad_account_id is not None and not UUID.fullmatch(self.ad_account_id):
            raise SettingsInvalid(
                "SPOTIFY_AD_ACCOUNT_ID is not a UUID.",
                next_step="Set it to an id that `spotify-pipeline ad-accounts` shows.",
            )
        try:
            UploadHosts(self.upload_hosts)
        except ValueError as reason:
            message = f"SPOTIFY_UPLOAD_HOSTS is not valid: {reason}."
            next_step = "Leave it unset for Google's storage, or list hosts separated by commas."
            raise SettingsInvalid(message, next_step=next_step) from None
        if self.upload_chunk_bytes is not None and not _is_chunk(self.upload_chunk_bytes):
            raise _bad_chunk()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> SpotifySettings:
        """Read the ``SPOTIFY_*`` variables of ``environment``, by default of this process. Empty means unset.

        Raises:
            SettingsMissing: ``SPOTIFY_CLIENT_ID`` is not set.
            SettingsInvalid: a variable is not valid.
        """
        variables = _Variables(environment)
        client_id = variables.text("SPOTIFY_CLIENT_ID")
        if client_id is None:
            raise SettingsMissing(
                "SPOTIFY_CLIENT_ID is not set.",
                next_step="Set it to the client id of your app in Spotify's developer dashboard.",
            )
        hosts = variables.text("SPOTIFY_UPLOAD_HOSTS")
        return cls(
            client_id=client_id,
            client_secret=variables.secret("SPOTIFY_CLIENT_SECRET"),
            refresh_token=variables.secret("SPOTIFY_REFRESH_TOKEN"),
            ad_account_id=variables.text("SPOTIFY_AD_ACCOUNT_ID"),
            authorization=variables.text("SPOTIFY_AUTHORIZATION") or DEFAULT_LABEL,
            ads_api_url=(variables.text("SPOTIFY_ADS_API_URL") or ADS_API_URL).rstrip("/"),
            accounts_url=(variables.text("SPOTIFY_ACCOUNTS_URL") or ACCOUNTS_URL).rstrip("/"),
            upload_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()) if hosts else GOOGLE_STORAGE,
            proxy_url=variables.secret("SPOTIFY_PROXY_URL"),
            ca_bundle=variables.path("SPOTIFY_CA_BUNDLE"),
            upload_chunk_bytes=_chunk_bytes(variables.text("SPOTIFY_UPLOAD_CHUNK_BYTES")),
        )

    def choosing(self, label: str) -> SpotifySettings:
        """These settings with the authorization ``label``. The refresh token stays with the one set in the environment.

        Raises:
            SettingsInvalid: ``label`` is not a valid label.
        """
        if label == self.authorization:
            return self
        return replace(self, authorization=label, refresh_token=None)

    def require_ad_account_id(self) -> str:
        """The default ad account.

        Raises:
            SettingsMissing: ``SPOTIFY_AD_ACCOUNT_ID`` is not set.
        """
        if self.ad_account_id is None:
            raise SettingsMissing(
                "SPOTIFY_AD_ACCOUNT_ID is not set.",
                next_step="Set it to an id that `spotify-pipeline ad-accounts` shows, or name one in the audience.",
            )
        return self.ad_account_id


@dataclass(frozen=True, kw_only=True)
class ConversionsSettings:
    """The Conversions API as one feed uses it; independent of the sign-in to the Ads API.

    Attributes:
        capi_url: used as it is; Spotify's own ends with a slash.
        connection_id: of the connection that events are sent to, a UUID.
        token: of that connection alone; hidden in every textual form.
        token_variable: the environment variable that holds the token, for error messages.
        proxy_url, ca_bundle: as in :class:`SpotifySettings`.

    Raises:
        SettingsInvalid: a value is not valid; the message names its environment variable.
    """

    capi_url: str = CAPI_URL
    connection_id: str | None = None
    token: Secret | None = None
    token_variable: str = TOKEN_VARIABLE
    proxy_url: Secret | None = None
    ca_bundle: Path | None = None

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.token_variable):  # not shown: somebody may have put the token itself there
            raise SettingsInvalid(
                "Invalid name of the environment variable that holds the Conversions API's token.",
                next_step=f"Put the token into a variable such as {TOKEN_VARIABLE}, and name that.",
            )
        _check_url("SPOTIFY_CAPI_URL", self.capi_url)
        if self.connection_id is not None and not UUID.fullmatch(self.connection_id):
            raise SettingsInvalid(
                "The connection to send events to (SPOTIFY_CAPI_CONNECTION_ID, or the feed's own) is not a UUID.",
                next_step="Set it to an id that `spotify-pipeline conversions datasets` shows.",
            )
        if self.token is not None:
            _check_plain(self.token_variable, self.token.reveal())
        _check_network(self.proxy_url, self.ca_bundle)

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str] | None = None,
        *,
        token_variable: str = TOKEN_VARIABLE,
        connection_id: str | None = None,
    ) -> ConversionsSettings:
        """Read the variables of ``environment``, by default of this process. Empty means unset.

        Args:
            environment: of a process.
            token_variable: the variable that holds the token.
            connection_id: takes precedence over ``SPOTIFY_CAPI_CONNECTION_ID``.

        Raises:
            SettingsInvalid: a variable is not valid.
        """
        variables = _Variables(environment)
        return cls(
            capi_url=variables.text("SPOTIFY_CAPI_URL") or CAPI_URL,
            connection_id=connection_id or variables.text(CONNECTION_VARIABLE),
            token=variables.secret(token_variable),
            token_variable=token_variable,
            proxy_url=variables.secret("SPOTIFY_PROXY_URL"),
            ca_bundle=variables.path("SPOTIFY_CA_BUNDLE"),
        )

    def require_token(self) -> Secret:
        """The token.

        Raises:
            SettingsMissing: its variable is not set.
        """
        if self.token is None:
            raise SettingsMissing(
                f"{self.token_variable} is not set, so nothing was sent to the Conversions API.",
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
                "SPOTIFY_CAPI_CONNECTION_ID is not set, so nothing was sent to the Conversions API.",
                next_step="Set it to an id that `spotify-pipeline conversions datasets` shows, or name one in the "
                "feed.",
            )
        return self.connection_id


class _Variables:
    """The variables of an environment, by default this process's. Empty means unset."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        self._environment = os.environ if environment is None else environment

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def secret(self, name: str) -> Secret | None:
        value = self.text(name)
        return None if value is None else Secret(value)

    def path(self, name: str) -> Path | None:
        """An absolute path, whether it exists or not."""
        value = self.text(name)
        if value is None:
            return None
        path = Path(value)
        with suppress(RuntimeError):  # `~user` of an unknown user: the file does not exist either
            path = path.expanduser()
        return path.absolute()


def _check_network(proxy_url: Secret | None, ca_bundle: Path | None) -> None:
    if proxy_url is not None and not _is_proxy(proxy_url.reveal()):
        raise SettingsInvalid(
            "SPOTIFY_PROXY_URL is not the address of an HTTP proxy.",
            next_step="Set it to http://host:port, or http://user:password@host:port with both percent-encoded.",
        )
    if ca_bundle is not None and not _is_file(ca_bundle):
        raise SettingsInvalid(
            f"SPOTIFY_CA_BUNDLE names {ca_bundle}, which is not a file that this user can read.",
            next_step="Set it to a PEM file of your network's certificate authority, or leave it unset.",
        )


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
    return ":" in host or _HOST.fullmatch(host) is not None  # a colon: urlsplit took it for an IPv6 address


def _check_plain(variable: str, value: str) -> None:
    if not _PLAIN.fullmatch(value):
        raise SettingsInvalid(
            f"{variable} is empty or contains white space or characters outside ASCII.",
            next_step="Copy it again from where Spotify shows it.",
        )


def _check_url(variable: str, url: str) -> None:
    """Check the address of a service: https, or http to this machine."""
    fault = _url_fault(url)
    if fault is not None:
        raise SettingsInvalid(
            f"{variable} {fault}.",
            next_step="Leave it unset for Spotify's own address, or set it to one such as https://spotify.example.com.",
        )


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


def _chunk_bytes(value: str | None) -> int | None:
    if value is None:
        return UPLOAD_CHUNK_BYTES
    if value == "whole":
        return None
    if not re.fullmatch(r"[0-9]{1,12}", value):
        raise _bad_chunk()
    return int(value)


def _is_chunk(size: int) -> bool:
    return size > 0 and size % CHUNK_QUANTUM == 0


def _bad_chunk() -> SettingsInvalid:
    return SettingsInvalid(
        f"SPOTIFY_UPLOAD_CHUNK_BYTES is not a multiple of {CHUNK_QUANTUM} (256 KiB), which Google's storage requires.",
        next_step=f"Leave it unset for {UPLOAD_CHUNK_BYTES} (8 MiB), or set it to `whole` for one request per list.",
    )
