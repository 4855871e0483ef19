"""What came back from one call, and the one line that a run's log may show of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from spotify_pipeline.spotify.lenient_json import JsonObject, parse_object, text

_WORTH_TELLING = 0.001  # seconds
_TRACE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, read whole (capped at 5 MB). Headers and body may hold secrets, so ``repr`` leaves them out."""

    status: int
    headers: Mapping[str, str] = field(repr=False)  # names in lower case; repeated headers joined by ", "
    body: bytes = field(repr=False)

    def json(self) -> JsonObject | None:
        """The JSON object in the body, or None when it is something else."""
        return parse_object(self.body)

    @property
    def trace_id(self) -> str | None:
        """``sp_trace_id`` of an error's body. Other answers carry none."""
        stated = text(self.json() or {}, "sp_trace_id") if self.status >= 400 else None
        return stated if stated and _TRACE_ID.fullmatch(stated) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """One call as it may be logged: a route template instead of an address, and no header or body.

    Attributes:
        service: "ads-api", "accounts", "storage" or "capi".
        route: template such as ``/ad_accounts/{ad_account_id}/audiences``.
        status: HTTP status, or None when no answer came.
        seconds: from sending to the last byte of the answer.
        attempt: 1 for the first try.
        waited: seconds before it was sent, for the rate budget and between tries.
    """

    service: str
    method: str
    route: str
    status: int | None
    seconds: float
    attempt: int
    trace_id: str | None
    waited: float = 0.0

    def __str__(self) -> str:
        outcome = "no answer" if self.status is None else str(self.status)
        line = f"{self.method} {self.service} {self.route}: {outcome} in {self.seconds:.3f} s, try {self.attempt}"
        if self.waited >= _WORTH_TELLING:
            line += f", waited {self.waited:.3f} s"
        return f"{line}, trace {self.trace_id}" if self.trace_id else line


Observer = Callable[[CallRecord], None]
