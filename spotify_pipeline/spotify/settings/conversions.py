"""Where events go and with which token, read from the environment when a run starts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.spotify.errors import SettingsInvalid, SettingsMissing
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings.addresses import UUID, bundle_path, check_network, check_plain, check_url

CAPI_URL = "https://capi.spotify.com/capi-direct/events/"
TOKEN_VARIABLE = "SPOTIFY_CAPI_TOKEN"  # noqa: S105  (the name of a variable)
CONNECTION_VARIABLE = "SPOTIFY_CAPI_CONNECTION_ID"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


@dataclass(frozen=True, kw_only=True)
class ConversionsSettings:
    """The Conversions API as one feed uses it. It knows nothing of the sign-in to the Ads API, nor needs it.

    Attributes:
        capi_url: used as it stands; Spotify's own ends with a slash.
        connection_id: of the connection that events are sent to, a UUID.
        token: of that connection, made by Spotify for it alone; hidden in every textual form.
        token_variable: the environment variable that holds the token, for what errors say.
        proxy_url, ca_bundle: as in :class:`SpotifySettings`.

    Raises:
        SettingsInvalid: a value cannot be used; the message names its environment variable.
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
                "What should name the environment variable of the Conversions API's token is not a variable's name.",
                next_step=f"Put the token into a variable such as {TOKEN_VARIABLE}, and name that.",
            )
        check_url("SPOTIFY_CAPI_URL", self.capi_url)
        if self.connection_id is not None and not UUID.fullmatch(self.connection_id):
            raise SettingsInvalid(
                "The connection to send events to (SPOTIFY_CAPI_CONNECTION_ID, or the feed's own) is not a UUID.",
                next_step="Set it to an id that `spotify-pipeline conversions datasets` shows.",
            )
        if self.token is not None:
            check_plain(self.token_variable, self.token.reveal())
        check_network(self.proxy_url, self.ca_bundle)

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
            connection_id: goes before ``SPOTIFY_CAPI_CONNECTION_ID``.

        Raises:
            SettingsInvalid: a variable holds something that cannot be used.
        """
        variables = os.environ if environment is None else environment

        def value(name: str) -> str | None:
            return variables.get(name, "").strip() or None

        def secret(name: str) -> Secret | None:
            text = value(name)
            return None if text is None else Secret(text)

        bundle = value("SPOTIFY_CA_BUNDLE")
        return cls(
            capi_url=value("SPOTIFY_CAPI_URL") or CAPI_URL,
            connection_id=connection_id or value(CONNECTION_VARIABLE),
            token=secret(token_variable),
            token_variable=token_variable,
            proxy_url=secret("SPOTIFY_PROXY_URL"),
            ca_bundle=None if bundle is None else bundle_path(bundle),
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
            SettingsMissing: none is named.
        """
        if self.connection_id is None:
            raise SettingsMissing(
                "SPOTIFY_CAPI_CONNECTION_ID is not set, so nothing was sent to the Conversions API.",
                next_step="Set it to an id that `spotify-pipeline conversions datasets` shows, or name one in the "
                "feed.",
            )
        return self.connection_id
