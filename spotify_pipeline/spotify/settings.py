"""Where Spotify is and who we are to it, read from the environment when a run starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from spotify_pipeline.spotify.errors import SettingsInvalid, SettingsMissing
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts, is_loopback

ADS_API_URL = "https://api-partner.spotify.com/ads/v3"
ACCOUNTS_URL = "https://accounts.spotify.com"
CAPI_URL = "https://capi.spotify.com/capi-direct/events/"

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLAIN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, kw_only=True)
class SpotifySettings:
    """Addresses and credentials. Secrets are hidden in every textual form (:class:`Secret`).

    Attributes:
        client_id: of the app in Spotify's developer dashboard.
        client_secret: None when the app signs in with PKCE alone.
        refresh_token: seeds the token store; the store's own token, which may have rotated since, is what is used.
        ad_account_id: default ad account, a UUID.
        ads_api_url, accounts_url: without a slash at the end.
        capi_url: address of the Conversions API, used as it stands.
        upload_hosts: hosts that a signed upload URL may name (see :class:`UploadHosts`).

    Raises:
        SettingsInvalid: a value cannot be used; the message names its environment variable.
    """

    client_id: str
    client_secret: Secret | None = None
    refresh_token: Secret | None = None
    ad_account_id: str | None = None
    ads_api_url: str = ADS_API_URL
    accounts_url: str = ACCOUNTS_URL
    capi_url: str = CAPI_URL
    upload_hosts: tuple[str, ...] = GOOGLE_STORAGE

    def __post_init__(self) -> None:
        _check_plain("SPOTIFY_CLIENT_ID", self.client_id)
        for variable, secret in (
            ("SPOTIFY_CLIENT_SECRET", self.client_secret),
            ("SPOTIFY_REFRESH_TOKEN", self.refresh_token),
        ):
            if secret is not None:
                _check_plain(variable, secret.reveal())
        _check_url("SPOTIFY_ADS_API_URL", self.ads_api_url)
        _check_url("SPOTIFY_ACCOUNTS_URL", self.accounts_url)
        _check_url("SPOTIFY_CAPI_URL", self.capi_url)
        if self.ad_account_id is not None and not _UUID.fullmatch(self.ad_account_id):
            raise SettingsInvalid(
                "SPOTIFY_AD_ACCOUNT_ID is not a UUID.",
                next_step="Set it to an id that `spotify-pipeline ad-accounts` shows.",
            )
        try:
            UploadHosts(self.upload_hosts)
        except ValueError as reason:
            message = f"SPOTIFY_UPLOAD_HOSTS cannot be used: {reason}."
            next_step = "Leave it unset for Google's storage, or list hosts with commas between them."
            raise SettingsInvalid(message, next_step=next_step) from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> SpotifySettings:
        """Read the ``SPOTIFY_*`` variables of ``environment``, by default of this process. Empty means unset.

        Raises:
            SettingsMissing: ``SPOTIFY_CLIENT_ID`` is not set.
            SettingsInvalid: a variable holds something that cannot be used.
        """
        variables = os.environ if environment is None else environment

        def value(name: str) -> str | None:
            return variables.get(name, "").strip() or None

        def secret(name: str) -> Secret | None:
            text = value(name)
            return None if text is None else Secret(text)

        client_id = value("SPOTIFY_CLIENT_ID")
        if client_id is None:
            raise SettingsMissing(
                "SPOTIFY_CLIENT_ID is not set.",
                next_step="Set it to the client id of your app in Spotify's developer dashboard.",
            )
        hosts = value("SPOTIFY_UPLOAD_HOSTS")
        return cls(
            client_id=client_id,
            client_secret=secret("SPOTIFY_CLIENT_SECRET"),
            refresh_token=secret("SPOTIFY_REFRESH_TOKEN"),
            ad_account_id=value("SPOTIFY_AD_ACCOUNT_ID"),
            ads_api_url=(value("SPOTIFY_ADS_API_URL") or ADS_API_URL).rstrip("/"),
            accounts_url=(value("SPOTIFY_ACCOUNTS_URL") or ACCOUNTS_URL).rstrip("/"),
            capi_url=value("SPOTIFY_CAPI_URL") or CAPI_URL,
            upload_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()) if hosts else GOOGLE_STORAGE,
        )

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


def _check_plain(variable: str, value: str) -> None:
    if not _PLAIN.fullmatch(value):
        raise SettingsInvalid(
            f"{variable} is empty or holds white space or characters outside ASCII.",
            next_step="Copy it again from where Spotify shows it.",
        )


def _check_url(variable: str, url: str) -> None:
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
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        return "holds a user name, a query or a fragment"
    if parts.scheme == "http" and not is_loopback(host):
        return "begins with http://, which is allowed for this machine (127.0.0.1) only"
    return None
