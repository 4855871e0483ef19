"""The services that we speak to, and how patient we are with each."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """Whom a client speaks to.

    Attributes:
        key: as in :class:`CallRecord`.
        name: as in the middle of an error's sentence; ``subject`` is the same at its beginning.
        read_seconds, write_seconds: longest silence tolerated while waiting for, or sending, the next bytes.
        total_seconds: from the start of a call to the end of its answer, however steadily that drips.
        slowest_rate: bytes per second; a request may take longer by what its body takes to send at this rate.
    """

    key: str
    name: str
    read_seconds: float = 30
    write_seconds: float = 30
    total_seconds: float = 120
    slowest_rate: float = math.inf

    @property
    def subject(self) -> str:
        return self.name[0].upper() + self.name[1:]


ADS_API = Service("ads-api", "Spotify's Ads API")
ACCOUNTS = Service("accounts", "Spotify's accounts service")
# A batch of events is below a megabyte; at 32 KiB/s it may take half a minute longer than a small call.
CONVERSIONS = Service("capi", "Spotify's Conversions API", slowest_rate=32_768)
# The storage may take a while to answer the last byte of a file. At 32 KiB/s: 9 minutes for a request of 8 MiB.
STORAGE = Service(
    "storage", "the upload storage", read_seconds=120, write_seconds=60, total_seconds=300, slowest_rate=32_768
)
