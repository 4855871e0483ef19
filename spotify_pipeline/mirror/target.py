"""The audience that a customer list is to become."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from spotify_pipeline.spotify.ads_api import LONGEST_DESCRIPTION


@dataclass(frozen=True, kw_only=True)
class AudienceTarget:
    """What the YAML asks for, with the ad account it belongs to."""

    audience: str
    """The audience's folder name: its identity in this project, whatever it is called at Spotify."""
    name: str
    """Its name in Ads Manager, 2 to 80 characters."""
    description: str | None
    """What the YAML says of it, within Spotify's limit of 80 characters."""
    ad_account_id: str
    adopted_audience_id: str | None = None
    """An audience that exists at Spotify already and is to be taken over."""
    name_is_stated: bool = True
    """Whether the YAML states the name, or it is the folder's for want of one."""

    @property
    def key(self) -> str:
        """A short mark, the same for ever, by which the audience is found again when the journal is lost."""
        return f"[sp:{hashlib.sha256(self.audience.encode()).hexdigest()[:8]}]"

    def texts_for(self, audience_name: str, audience_description: str | None) -> tuple[str, str]:
        """Name and description that an existing audience is to have.

        An adopted audience keeps what somebody wrote of it where the YAML states nothing, and needs no key: its id
        stands in the YAML.
        """
        if self.adopted_audience_id is None:
            return self.name, self.full_description
        name = self.name if self.name_is_stated else audience_name
        return name, self.description or audience_description or ""

    @property
    def full_description(self) -> str:
        """The description as Spotify gets it: with the key behind it, where both fit into Spotify's limit."""
        keyed = f"{self.description} {self.key}" if self.description else self.key
        return keyed if len(keyed) <= LONGEST_DESCRIPTION else str(self.description)
