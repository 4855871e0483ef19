"""One entry of the journal: what is known of one audience in one ad account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict

from spotify_pipeline.customer_list import Manifest


def _aware(moment: str) -> str:
    if datetime.fromisoformat(moment).tzinfo is None:
        raise ValueError
    return moment


Moment = Annotated[str, AfterValidator(_aware)]
"""A point in time: ISO 8601 with its offset, which is UTC in what this version writes."""


class WriteKind(StrEnum):
    """What a run set out to do at Spotify."""

    CREATE = "create"
    REPLACE = "replace"


class Phase(StrEnum):
    """The write to Spotify that was begun last. It may have been carried out, and nothing after it was."""

    ASKING = "upload URL asked for"
    OPENING = "upload session asked for"
    SENDING = "list being sent"
    FINISHING = "last bytes of the list sent"
    CREATING = "audience asked to be created"


SESSION_OPEN = frozenset({Phase.SENDING, Phase.FINISHING})
"""Phases in which there is an upload session to continue."""


@dataclass(frozen=True, kw_only=True)
class SentList:
    """Which list: enough to tell it from any other, and to resume its upload."""

    snapshot: str
    built_at: Moment
    file_sha256: str
    size: int
    crc32c: str
    whole_sha256: str | None = None
    """Of the list that this one is a part of, where that was split."""
    parts: int | None = None
    """Into how many parts, where it was."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    @staticmethod
    def of(manifest: Manifest) -> SentList:
        """The list that a manifest describes."""
        return SentList(
            snapshot=manifest.snapshot,
            built_at=manifest.built_at.astimezone(UTC).isoformat(),
            file_sha256=manifest.sha256,
            size=manifest.bytes,
            crc32c=manifest.crc32c,
            whole_sha256=manifest.part.whole_sha256 if manifest.part is not None else None,
            parts=manifest.part.of if manifest.part is not None else None,
        )


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """A creation or a replacement that was begun and is not known to have ended."""

    kind: WriteKind
    phase: Phase
    audience_id: str | None = None
    """The audience that is replaced, or the id that a new one is to be created with, once an upload URL brought it."""
    list: SentList | None = None
    """None for an audience that Spotify fills."""
    name: str | None = None
    """The audience's name at the time."""
    description: str | None = None
    """Its description at the time, as sent."""
    begun_at: Moment | None = None
    """When: in phase CREATING, when its creation was first asked for."""
    asked_at: Moment | None = None
    """In phase CREATING: when its creation was last asked for and not definitely refused."""
    evidence: dict[str, Any] | None = None
    """What the receipt of this write will say of the list and of the decision to send it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    def holds(self, sent: SentList) -> bool:
        """Whether the list that was being sent is this one, byte for byte. It may be of another snapshot."""
        return self.list is not None and self.list.file_sha256 == sent.file_sha256


SettingValue = str | int | list[str]
"""A setting of an audience that Spotify fills, as a plain JSON value."""


@dataclass(frozen=True, kw_only=True)
class EditAsked:
    """A change of name and description that was asked for, until its outcome is known."""

    audience_id: str
    texts: tuple[str, str]
    """Name and description that were asked for."""
    before: tuple[str, str]
    for_list: str | None = None
    """SHA-256 of the list that is to be sent after it."""
    ignored: tuple[str, str] | None = None
    """What Spotify showed all the same, where it took the change and did not make it."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class RetirementOrder:
    """A person's decision about an audience that is no longer mirrored."""

    policy: str
    by: str
    why: str
    at: Moment | None = None
    """When it was first carried out at Spotify."""

    __pydantic_config__ = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """The state of one audience in one ad account."""

    ad_account_id: str
    audience_id: str | None = None
    """The audience at Spotify that is ours, once there is one. What follows was accepted for it."""
    snapshot: str | None = None
    """The partition last accepted by Spotify."""
    built_at: Moment | None = None
    """When that list was built. Keys of two cadences do not sort by time; this does."""
    file_sha256: str | None = None
    """The SHA-256 of the file of that list."""
    whole_sha256: str | None = None
    """Of the list that it was a part of, where that was split."""
    parts: int | None = None
    """Into how many parts, where it was."""
    accepted_at: Moment | None = None
    """When Spotify was last proven to hold a list that this project uploaded to it."""
    receipts: int = 0
    """How many receipts there are of this audience."""
    receipt_head: str | None = None
    """The digest of the last of them."""
    edit_asked: EditAsked | None = None
    retiring: RetirementOrder | None = None
    """A deletion that was begun and is not known to have ended."""
    retired_at: Moment | None = None
    """When a person decided that it is not mirrored any more; None as long as it is."""
    retired_policy: str | None = None
    """What was done with the audience at Spotify then."""
    made_of: dict[str, SettingValue] | None = None
    """Of an audience that Spotify fills by itself: what of, by Spotify's names of the fields."""
    suspect: bool = False
    """The storage was seen to hold something else than was sent, so the list is sent again even if it is the same."""
    edit_begun_at: Moment | None = None
    """When a change of name or description was last begun, until the next list is accepted. For people only."""
    unfinished: Unfinished | None = None

    __pydantic_config__ = ConfigDict(extra="forbid")

    @property
    def in_creation(self) -> Unfinished | None:
        """What was begun, if an audience was asked to be created and it is not known whether it was."""
        begun = self.unfinished
        return begun if begun is not None and begun.phase is Phase.CREATING else None

    @property
    def keeps_session(self) -> bool:
        """Whether an upload session may have to be continued: also after a creation that Spotify then refused."""
        return self.unfinished is not None and self.unfinished.phase in SESSION_OPEN | {Phase.CREATING}

    @property
    def held_ids(self) -> frozenset[str]:
        """The audiences at Spotify that are ours by this entry, or are about to be; none once it was retired."""
        begun = self.unfinished.audience_id if self.unfinished is not None else None
        known = {each for each in (self.audience_id, begun) if each is not None}
        return frozenset(known if self.retired_at is None else ())

    @property
    def may_exist(self) -> bool:
        """Whether there is an audience of this entry at Spotify, or may be, that is not retired."""
        known = self.audience_id is not None or self.unfinished is not None
        return known and self.retired_at is None

    @property
    def is_filled_by_spotify(self) -> bool:
        """Whether Spotify fills, or was asked to fill, the audience by itself: it holds none of our lists."""
        if self.unfinished is not None and self.unfinished.list is not None:
            return False  # a list is being sent in its place
        return self.made_of is not None or (self.asked_spotify_to_fill and self.audience_id is None)

    @property
    def asked_spotify_to_fill(self) -> bool:
        """Whether an audience that Spotify fills was asked to be created, and it is not known whether it was."""
        begun = self.in_creation
        return begun is not None and begun.list is None and begun.audience_id is None

    def filled(self, audience_id: str, made_of: dict[str, SettingValue]) -> JournalEntry:
        """The entry once ``audience_id``, which Spotify fills with ``made_of``, is the audience that is ours."""
        return JournalEntry(
            ad_account_id=self.ad_account_id,
            audience_id=audience_id,
            built_at=self.built_at,
            made_of=made_of,
            receipts=self.receipts,
            receipt_head=self.receipt_head,
            edit_asked=self.edit_asked,
            edit_begun_at=self.edit_begun_at,
        )

    def accepting(self, audience_id: str, sent: SentList, *, at: str | None) -> JournalEntry:
        """The entry once Spotify holds ``sent`` in ``audience_id``, as was proven.

        ``at`` is when; None where it was sent before, and that is not proven again.
        """
        return JournalEntry(
            ad_account_id=self.ad_account_id,
            audience_id=audience_id,
            snapshot=sent.snapshot,
            built_at=sent.built_at,
            file_sha256=sent.file_sha256,
            whole_sha256=sent.whole_sha256,
            parts=sent.parts,
            accepted_at=at or self.accepted_at,
            receipts=self.receipts,
            receipt_head=self.receipt_head,
            edit_asked=self.edit_asked,
        )
