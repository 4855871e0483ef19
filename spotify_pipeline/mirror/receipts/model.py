"""A receipt: what was changed at Spotify, with which list, by whose decision, and the proof.

Counts, ids, texts of the audience and digests of files only: no identifier, no digest of a person, no URL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict, cast

RECEIPT_FORMAT = 1


class ReceiptKind(StrEnum):
    """What was changed."""

    CREATED = "created"
    REPLACED = "replaced"
    RENAMED = "renamed"
    """Name or description were changed."""
    DELETED = "deleted"
    LEFT = "left"
    """It is no longer mirrored and stays at Spotify as it is, because a person chose so."""
    LOOKALIKE_CREATED = "lookalike created"
    WEB_EVENT_CREATED = "web event audience created"
    AD_ENGAGEMENT_CREATED = "ad engagement audience created"


class ReceiptDamaged(Exception):
    """The bytes are not those of a receipt as they were written; the message says what is wrong, without a subject."""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """One change of one audience.

    Attributes:
        body: all that it says but its digest, as plain JSON values.
    """

    body: Mapping[str, Any]

    @property
    def number(self) -> int:
        """From 1, without a gap, within an audience and ad account."""
        return int(self.body["number"])

    @property
    def previous(self) -> str:
        """The digest of the receipt before; empty in the first."""
        return str(self.body["previous"])

    @property
    def continues_behind(self) -> tuple[int, str] | None:
        """Number and digest of the newest receipt that was known, where the journal was an older one; else None."""
        stated = cast("list[Any] | None", self.body.get("continues_behind"))
        return (int(stated[0]), str(stated[1])) if stated is not None else None

    @property
    def kind(self) -> ReceiptKind:
        """What was changed."""
        return ReceiptKind(self.body["kind"])

    @property
    def audience(self) -> str:
        """The key of the audience in the journal."""
        return str(self.body["audience"])

    @property
    def ad_account_id(self) -> str:
        """Where it is."""
        return str(self.body["ad_account_id"])

    @property
    def at(self) -> str:
        """When the change was known to be done: ISO 8601, UTC."""
        return str(self.body["at"])

    @property
    def snapshot(self) -> str | None:
        """The partition of the list, where one was sent."""
        return cast("str | None", self.body.get("snapshot"))

    @property
    def file_sha256(self) -> str | None:
        """Of the list, where one was sent."""
        return cast("str | None", self._within("file").get("sha256"))

    @property
    def list_sha256(self) -> str | None:
        """Of the list, where one was sent; of the whole, where this is of a part."""
        return cast("str | None", self._within("part").get("whole_sha256")) or self.file_sha256

    @property
    def rows(self) -> int | None:
        """Of the list, where one was sent."""
        return cast("int | None", self._within("file").get("rows"))

    @property
    def approved_by(self) -> str | None:
        """Who overrode the guards, or retired the audience, as they call themselves; None for nobody."""
        return cast("str | None", self._within("approval").get("by"))

    @property
    def digest(self) -> str:
        """The SHA-256, hex, of the canonical JSON of the body."""
        return hashlib.sha256(_canonical(self.body)).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """All of it, the digest included, as plain JSON values."""
        return {**self.body, "digest": self.digest}

    def to_bytes(self) -> bytes:
        """As it is stored: canonical JSON, so that there is one way only to write it."""
        return _canonical(self.to_json())

    def _within(self, name: str) -> dict[str, Any]:
        return cast("dict[str, Any]", self.body.get(name) or {})

    @staticmethod
    def from_bytes(stored: bytes) -> Receipt:
        """Read what ``to_bytes`` wrote.

        Raises:
            ReceiptDamaged: a byte of it is another.
        """
        try:
            content = cast("object", json.loads(stored))
        except (ValueError, RecursionError):
            raise ReceiptDamaged("is not JSON") from None
        if not isinstance(content, dict):
            raise ReceiptDamaged("is not a JSON object")
        body = cast("dict[str, Any]", content)
        digest = body.pop("digest", None)
        receipt = Receipt(body=body)
        try:
            if receipt.number < 1 or receipt.digest != digest or receipt.to_bytes() != stored:
                raise ReceiptDamaged("does not match its own digest")
            _ = (
                receipt.continues_behind,
                receipt.previous,
                receipt.kind,
                receipt.audience,
                receipt.ad_account_id,
                receipt.at,
            )
        except (KeyError, TypeError, ValueError, IndexError, OverflowError):
            raise ReceiptDamaged("lacks what every receipt says") from None
        return receipt


class ErasureEvidence(TypedDict):
    """Requests to be forgotten, when a list was sent: how many waited, rows taken out, the newest request's id."""

    requests: int
    rows: int
    newest: str | None


class RunEvidence(TypedDict, total=False):
    """What a run adds to its receipts; nothing of a person but who decided something, as they call themselves."""

    run_id: str
    cause: str
    reason: str
    by: str | None
    erasures: ErasureEvidence


@dataclass(frozen=True, kw_only=True)
class ListEvidence:
    """What the receipt of a list will say of it and of the decision to send it: fixed before the first write.

    Attributes:
        file_sha256: of the file that is sent.
        content: all of it, as plain JSON values.
    """

    file_sha256: str
    content: dict[str, Any]

    @property
    def decision(self) -> dict[str, Any]:
        """Why the list may be sent."""
        return cast("dict[str, Any]", self.content["decision"])

    @property
    def decided_sha256(self) -> str:
        """SHA-256 of the list that was decided about: of the whole, where it is split."""
        return str(self.decision["file_sha256"])


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value as JSON gives it back; TypeError or ValueError where it cannot be written as JSON."""
    return cast("dict[str, Any]", json.loads(_canonical(value)))


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
