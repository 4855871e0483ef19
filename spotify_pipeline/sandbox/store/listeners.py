"""The listener base: which digests belong to somebody who uses the service.

No list of listeners exists. A digest belongs to one when a keyed hash of it falls under the share of its type, so
the answer is always the same for the same digest, costs no memory, and holds for any digest there is. A digest is
evenly spread by itself, so the keyed hash need not be a strong one: its first 64 bits times an odd key, modulo 2^64,
is a permutation of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from spotify_pipeline.sandbox.config import SandboxConfig

EMAIL = "EMAIL_ID_SHA256"
PHONE = "PHONE_NUMBER_SHA256"
DEVICE_ID = "DEVICE_ID_SHA256"
TOKENS = (EMAIL, PHONE, DEVICE_ID)
"""Spotify's names of the identifier types, as the header of a customer list spells them."""
UNSPECIFIED = "UNSPECIFIED"
"""The type of a column without a header; matched as e-mail."""

_WHOLE = 1 << 64
_MASK = _WHOLE - 1


@dataclass(frozen=True)
class Listeners:
    """A listener base with an odd key and, per identifier type, the bound under which a keyed hash matches."""

    key: int
    bounds: Mapping[str, int]

    @classmethod
    def of(cls, config: SandboxConfig) -> Listeners:
        """The listener base that ``config`` describes."""
        shares = {
            EMAIL: config.email_share,
            PHONE: config.phone_share,
            DEVICE_ID: config.device_id_share,
            UNSPECIFIED: config.email_share,
        }
        key = int.from_bytes(hashlib.sha256(config.listener_seed.encode()).digest()[:8], "big") | 1
        return cls(key, {token: int(share * _WHOLE) for token, share in shares.items()})

    def include(self, token: str, digest: bytes) -> bool:
        """Whether the 64 lower-case hex characters ``digest`` of identifier type ``token`` belong to a listener."""
        return int(digest[:16], 16) * self.key & _MASK < self.bounds[token]

    def steady_number(self, name: str, below: int) -> int:
        """A number from 0 to ``below`` - 1 that is always the same for ``name``."""
        return int.from_bytes(hashlib.sha256(f"{self.key} {name}".encode()).digest(), "big") % below


@dataclass(frozen=True)
class SizeRange:
    """An audience's size as Spotify tells it: approximate, never exact."""

    minimum: int
    maximum: int

    def as_json(self) -> dict[str, int]:
        """The document's ``AudienceSizeRange``."""
        return {"min": self.minimum, "max": self.maximum}


NOBODY = SizeRange(0, 0)


def size_range(matched: int) -> SizeRange:
    """A range around ``matched``, a tenth of its magnitude wide and at least 100: 1,234 gives 1,200 to 1,300."""
    if matched == 0:
        return NOBODY
    step = max(100, 10 ** (len(str(matched)) - 2))
    low = matched // step * step
    return SizeRange(low, low + step)
