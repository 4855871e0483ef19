"""Names of the identity rules: the identifier types, and the reasons for a rejection."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

RULES_VERSION: int = 2
"""In every manifest and receipt. A value that both versions can read has one digest, so digests of the two are
comparable. Version 1 read some damaged values as somebody else's number; version 2 does not."""

DeviceIdCase = Literal["lower", "upper"]
"""How a device id is spelled before it is hashed. Spotify documents no case; ``lower`` is the default."""


class IdentifierType(StrEnum):
    """The identifiers that Spotify matches a customer list by."""

    EMAIL = "email"
    PHONE = "phone"
    DEVICE_ID = "device_id"


class Rejection(StrEnum):
    """Why a raw identifier gives no digest."""

    MISSING = "missing"
    """Null, empty, or only white space, NUL, format characters and a pair of quotes."""

    DIGEST_OF_NOTHING = "digest_of_nothing"
    """The hash of an empty string."""

    OTHER_HASH = "other_hash"
    """As long as an MD5, SHA-1, SHA-224, SHA-384 or SHA-512 digest: Spotify matches SHA-256 only."""

    INVALID = "invalid"
    """Not an e-mail address, possible phone number or device id."""

    NO_REGION = "no_region"
    """A phone number in national form without a region."""

    ZEROED = "zeroed"
    """The all-zero device id of phones that limit ad tracking."""
