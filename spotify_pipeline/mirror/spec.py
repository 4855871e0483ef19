"""What the configuration asks an audience at Spotify to be."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from spotify_pipeline.spotify_limits import LONGEST_DESCRIPTION, NAME_LENGTH


@dataclass(frozen=True, kw_only=True)
class AudienceSpec:
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
        """A short mark that never changes, by which the audience is found again when the journal is lost."""
        return f"[sp:{hashlib.sha256(self.audience.encode()).hexdigest()[:8]}]"

    def texts_for(self, audience_name: str, audience_description: str | None) -> tuple[str, str]:
        """Name and description that an existing audience is to have.

        An adopted audience keeps what somebody wrote of it where the YAML states nothing, and needs no key: its id
        is in the YAML.
        """
        if self.adopted_audience_id is None:
            return self.name, self.full_description
        name = self.name if self.name_is_stated else audience_name
        return name, self.description or audience_description or ""

    def part(self, number: int, of: int) -> AudienceSpec:
        """The audience of one part of the list, where it is split.

        The first part keeps the audience's identity, so that an audience whose list outgrew one file is renamed and
        no second one made of it; a folder's name has no point in it, so the keys of the others are nobody's else.
        """
        if of == 1:
            return self
        suffix = f" ({number}/{of})"
        room = NAME_LENGTH[1] - len(suffix)
        name = self.name if len(self.name) <= room else f"{self.name[: room - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
        named = replace(self, name=name + suffix)
        return named if number == 1 else replace(named, audience=f"{self.audience}.{number}", adopted_audience_id=None)

    def lookalike(self, name: str, description: str | None) -> AudienceSpec:
        """The audience of people like those of this one."""
        return AudienceSpec(
            audience=lookalike_key(self.audience), name=name, description=description, ad_account_id=self.ad_account_id
        )

    @property
    def full_description(self) -> str:
        """The description as Spotify gets it: with the key behind it, where both fit into Spotify's limit."""
        keyed = f"{self.description} {self.key}" if self.description else self.key
        return keyed if len(keyed) <= LONGEST_DESCRIPTION else str(self.description)


def lookalike_key(audience: str) -> str:
    """The key in the journal of the lookalike of an audience."""
    return f"{audience}.lookalike"


def folder_of(key: str) -> str:
    """The audience's folder name, of the key of an audience, of a part of it or of its lookalike."""
    return key.partition(".")[0]
