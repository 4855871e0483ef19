"""What :class:`.ResumableUpload` asks its driver to do next."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from spotify_pipeline.spotify.errors import SpotifyError
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport import Answer


@dataclass(frozen=True, slots=True)
class Start:
    """Open a session with the signed URL."""


@dataclass(frozen=True, slots=True)
class UseSession:
    """Check where the session is, and remember it, before a byte goes there."""

    location: Secret


@dataclass(frozen=True, slots=True)
class SendRange:
    """Send the bytes from offset ``first`` up to, not including, ``end``. ``final``: they end the file."""

    first: int
    end: int
    final: bool


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Ask how far the upload is. ``may_finish``: the storage may have every byte, and finish the object when asked."""

    may_finish: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait after the ``faults``-th fault in a row, and ``then`` go on. ``answer`` may ask for a pause of its own."""

    faults: int
    answer: Answer | None
    then: Start | SendRange | AskStatus


class Renewal(StrEnum):
    """Why a new upload URL is needed."""

    URL_REFUSED = "the upload URL was refused"
    SESSION_GONE = "the upload session is gone"
    OTHER_BYTES = "other bytes arrived than were sent"


@dataclass(frozen=True, slots=True)
class RenewUrl:
    """Get a new signed URL, for an upload from the first byte. ``failure``: to raise when none can be had."""

    reason: Renewal
    failure: SpotifyError = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The object is whole, by what the storage states; the fields are those of :class:`UploadProof`."""

    md5: str | None
    verified: bool
    etag: str | None


Step: TypeAlias = Start | UseSession | SendRange | AskStatus | Pause | RenewUrl | Finished
