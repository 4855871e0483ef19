"""What an upload is given, reports and proves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from spotify_pipeline.spotify.errors import UnexpectedResponse
from spotify_pipeline.spotify.lenient_json import JsonObject, id_in, text
from spotify_pipeline.spotify.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTicket:
    """``CreateUploadUrlResponse``: permission to upload one customer list.

    Attributes:
        audience_id: whose members the list will be. A new audience is created with this id, so that a repeated run
            finds it.
        url: the signed URL; it alone permits writing.
    """

    audience_id: str
    url: Secret

    @classmethod
    def from_json(cls, source: JsonObject) -> Self:
        audience_id, url = id_in(source, "id"), text(source, "upload_url")
        if audience_id is None or url is None:
            raise UnexpectedResponse("Spotify's response holds no id or no upload_url.")
        return cls(audience_id=audience_id, url=Secret(url))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """An open upload session, as a later run needs it to resume.

    Attributes:
        audience_id: of the ticket that opened it.
        uri: the session; it alone permits writing.
        opened_at: seconds since the epoch.
        size, crc32c: of the customer list that the session is for.
    """

    audience_id: str
    uri: Secret
    opened_at: float
    size: int
    crc32c: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProgress:
    """How far an upload is.

    Attributes:
        stored: bytes of the file that the storage has acknowledged, or that are on their way to it. May go back.
        size: bytes of the file.
        seconds: since this upload began, pauses included.
        rate: bytes per second over that time, those sent twice included.
        remaining: seconds at this rate; None while nothing was sent.
    """

    stored: int
    size: int
    seconds: float
    rate: float
    remaining: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadProof:
    """What is known of a finished upload.

    Attributes:
        audience_id: of the ticket that the list was uploaded with in the end. An upload for a new
            audience that had to start again has a new one.
        bytes: of the object, and equal to the size that the storage states where it states one.
        crc32c: of what was sent, base64 big-endian; equal to that of the file when it was built.
        md5: base64; None when the storage stated no MD5, or it could not be compared.
        verified: the storage stated a CRC32C or an MD5 equal to ours. False: it stated only the right length.
        etag: of the stored object.
        bytes_sent: bytes of the file that were sent, those sent twice included.
    """

    audience_id: str
    bytes: int
    crc32c: str
    md5: str | None
    verified: bool
    etag: str | None
    bytes_sent: int
