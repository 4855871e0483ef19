"""Where Spotify is and who we are to it, read from the environment when a run starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from spotify_pipeline.spotify.errors import SettingsInvalid, SettingsMissing
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings.addresses import UUID, bundle_path, check_network, check_plain, check_url
from spotify_pipeline.spotify.upload_hosts import GOOGLE_STORAGE, UploadHosts

DEFAULT_LABEL: Final = "default"
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
ADS_API_URL = "https://api-partner.spotify.com/ads/v3"
ACCOUNTS_URL = "https://accounts.spotify.com"
CHUNK_QUANTUM = 262_144  # Google, "Performing resumable uploads": every chunk but the last is a multiple of 256 KiB
UPLOAD_CHUNK_BYTES = 32 * CHUNK_QUANTUM  # 8 MiB, the least that Google recommends


@dataclass(frozen=True, kw_only=True)
class SpotifySettings:
    """Addresses and credentials. Secrets are hidden in every textual form (:class:`Secret`).

    Attributes:
        client_id: of the app in Spotify's developer dashboard.
        client_secret: None when the app signs in with PKCE alone.
        refresh_token: seeds the token store; the store's own token, which may have rotated since, is what is used.
        ad_account_id: default ad account, a UUID.
        authorization: label of the authorization to use, where the token store holds several.
        ads_api_url, accounts_url: without a slash at the end.
        upload_hosts: hosts that a signed upload URL may name (see :class:`UploadHosts`).
        proxy_url: HTTP proxy for everything but this machine's own addresses; may hold a user name and password.
        ca_bundle: PEM file of authorities that are trusted beside the usual ones.
        upload_chunk_bytes: of one request of an upload, a multiple of 256 KiB; None sends a file in one request.

    Raises:
        SettingsInvalid: a value cannot be used; the message names its environment variable.
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
        check_plain("SPOTIFY_CLIENT_ID", self.client_id)
        for variable, secret in (
            ("SPOTIFY_CLIENT_SECRET", self.client_secret),
            ("SPOTIFY_REFRESH_TOKEN", self.refresh_token),
        ):
            if secret is not None:
                check_plain(variable, secret.reveal())
        if not LABEL.fullmatch(self.authorization):
            raise SettingsInvalid(
                "The label of an authorization (SPOTIFY_AUTHORIZATION) is lower-case letters, digits, - and _, 40 at "
                "most, and begins with a letter or digit.",
                next_step="`spotify-pipeline authorizations` lists those there are.",
            )
        check_url("SPOTIFY_ADS_API_URL", self.ads_api_url)
        check_url("SPOTIFY_ACCOUNTS_URL", self.accounts_url)
        check_network(self.proxy_url, self.ca_bundle)
        if self.ad_account_id is not None and not UUID.fullmatch(self.ad_account_id):
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
        if self.upload_chunk_bytes is not None and not _is_chunk(self.upload_chunk_bytes):
            raise _bad_chunk()

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
        bundle = value("SPOTIFY_CA_BUNDLE")
        return cls(
            client_id=client_id,
            client_secret=secret("SPOTIFY_CLIENT_SECRET"),
            refresh_token=secret("SPOTIFY_REFRESH_TOKEN"),
            ad_account_id=value("SPOTIFY_AD_ACCOUNT_ID"),
            authorization=value("SPOTIFY_AUTHORIZATION") or DEFAULT_LABEL,
            ads_api_url=(value("SPOTIFY_ADS_API_URL") or ADS_API_URL).rstrip("/"),
            accounts_url=(value("SPOTIFY_ACCOUNTS_URL") or ACCOUNTS_URL).rstrip("/"),
            upload_hosts=tuple(host.strip() for host in hosts.split(",") if host.strip()) if hosts else GOOGLE_STORAGE,
            proxy_url=secret("SPOTIFY_PROXY_URL"),
            ca_bundle=None if bundle is None else bundle_path(bundle),
            upload_chunk_bytes=_chunk_bytes(value("SPOTIFY_UPLOAD_CHUNK_BYTES")),
        )

    def choosing(self, label: str) -> SpotifySettings:
        """These settings with the authorization ``label``. The seed stays with the one that the environment chooses.

        Raises:
            SettingsInvalid: ``label`` is not the label of an authorization.
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
        f"SPOTIFY_UPLOAD_CHUNK_BYTES is not a multiple of {CHUNK_QUANTUM} (256 KiB), which Google's storage asks for.",
        next_step=f"Leave it unset for {UPLOAD_CHUNK_BYTES} (8 MiB), or set it to `whole` for one request per list.",
    )
