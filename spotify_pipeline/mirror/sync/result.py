"""What a run did at Spotify."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from spotify_pipeline.mirror.guards import Decision
from spotify_pipeline.mirror.receipts import Receipt
from spotify_pipeline.spotify import Audience, UploadProof


class MirrorAction(StrEnum):
    """What was done at Spotify."""

    CREATED = "created"
    REPLACED = "replaced"
    RECREATED = "created again"
    """The audience had been deleted at Spotify."""
    UNCHANGED = "unchanged"
    """Spotify was proven to have this very list, and nothing was sent since; it was not sent again. A list replaced by
    hand in Ads Manager is not noticed."""


@dataclass(frozen=True, kw_only=True)
class MirrorOutcome:
    """An audience that was mirrored, as Spotify shows it afterwards.

    Attributes:
        action: what was done.
        audience: as Spotify shows it now.
        proof: of the upload; None where this run sent no list: it was unchanged, or a run before had uploaded it and
            this one only found, or asked again for, the audience.
        decision: why the list might be sent.
        receipts: those that this run wrote, one of an earlier run that was due included.
        previous_snapshot: what Spotify had accepted before.
        recovered: what the run found left half done by another and how it went on, in sentences; None for nothing.
        unproven: what a person should compare, where nothing elsewhere proves that this machine's directory is in its
            newest state.
        bytes_sent: bytes of the list put on the wire by this run, those sent again included.
    """

    action: MirrorAction
    audience: Audience
    proof: UploadProof | None
    decision: Decision
    previous_snapshot: str | None
    recovered: str | None = None
    bytes_sent: int = 0
    receipts: tuple[Receipt, ...] = ()
    unproven: str | None = None
