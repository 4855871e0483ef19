"""What one response of the storage means. No I/O: a response in, a meaning, an offset or an object's state out.

Google's documents "Performing resumable uploads" and "Resumable uploads with the XML API". Errors come as XML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from spotify_pipeline.spotify.transport import Response

# One range from the first byte on. Several Range headers reach us joined by commas, so they do not match.
_STORED_RANGE = re.compile(r"bytes=0-(0|[1-9][0-9]{0,17})")
_DIGITS = re.compile(r"[0-9]{1,18}")
_XML_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_HTML = re.compile(rb"\s*<(!doctype\s+html|html)", re.IGNORECASE)
_RESUME = 308
_COMPLETE = frozenset({200, 201})
_TRANSIENT = frozenset({408, 429})
_GONE = frozenset({404, 410, 499})


class Meaning(Enum):
    """What the storage says of an upload session, by status and headers."""

    INCOMPLETE = auto()
    """308, or a 200 that stands for it: :func:`next_offset` says how much is stored."""
    COMPLETE = auto()
    """The object is finished: :func:`stated` says what it holds."""
    FOREIGN = auto()
    """A success that is not from the storage: a sign-in page, or a status that it does not use."""
    NOT_READY = auto()
    """A server error, or too many requests: to be retried later."""
    GONE = auto()
    """The session was cancelled, or is too old."""
    BAD_DIGEST = auto()
    """The bytes that arrived have another checksum than announced."""
    ELSEWHERE = auto()
    """A redirect."""
    REFUSED = auto()


def meaning(response: Response) -> Meaning:
    """The meaning of a response to a PUT on a session."""
    status = response.status
    if status in _COMPLETE and response.headers.get("x-http-status-code-override") == str(_RESUME):
        status = _RESUME
    if status == _RESUME:  # resume and redirect share a number; only the redirect names a place
        return Meaning.ELSEWHERE if "location" in response.headers else Meaning.INCOMPLETE
    if status in _COMPLETE:
        return Meaning.FOREIGN if _is_page(response) else Meaning.COMPLETE
    if status < 300:
        return Meaning.FOREIGN
    if status < 400:
        return Meaning.ELSEWHERE
    return _meaning_of_refusal(response)


def _meaning_of_refusal(response: Response) -> Meaning:
    if response.status >= 500 or response.status in _TRANSIENT:
        return Meaning.NOT_READY
    if response.status in _GONE:
        return Meaning.GONE
    return Meaning.BAD_DIGEST if _code(response) == "BadDigest" else Meaning.REFUSED


def _is_page(response: Response) -> bool:
    """Whether it is a page for people, as a hotel's network or a proxy shows in place of any response."""
    if not stated(response).nothing:
        return False
    html = response.headers.get("content-type", "").lower().startswith("text/html")
    return html or _HTML.match(response.body[:4096]) is not None


class MalformedRange(ValueError):
    """The storage's ``Range`` is not one range that begins with byte 0."""


def next_offset(response: Response) -> int | None:
    """How many bytes of the file the storage has, so the offset to resume from; None where it does not say.

    ``Range: bytes=0-K`` means that byte K is the last one stored. Without it, the response to a status query means
    that nothing is stored; the response to a chunk means nothing.

    Raises:
        MalformedRange: the header is not valid.
    """
    stored = response.headers.get("range")
    if stored is None:
        return None
    matched = _STORED_RANGE.fullmatch(stored.strip(" \t"))
    if matched is None:
        raise MalformedRange
    return int(matched[1]) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the storage states about a finished object; empty or None for what is missing or unreadable.

    Attributes:
        lengths, crc32c, md5: all values stated; more than one if they differ.
        etag: of the object.
    """

    lengths: frozenset[int] = frozenset()
    crc32c: frozenset[str] = frozenset()
    md5: frozenset[str] = frozenset()
    etag: str | None = None

    @property
    def nothing(self) -> bool:
        """Neither a length nor a hash: something between us and the storage may have responded."""
        return not self.lengths and not self.crc32c and not self.md5


def stated(response: Response) -> Stated:
    """Read ``x-goog-stored-content-length``, ``x-goog-hash: crc32c=...,md5=...`` (one header or several) and ETag."""
    lengths = (part.strip() for part in response.headers.get("x-goog-stored-content-length", "").split(","))
    parts = (part.strip().split("=", 1) for part in response.headers.get("x-goog-hash", "").split(","))
    hashes = [(part[0], part[1]) for part in parts if len(part) == 2]
    return Stated(
        lengths=frozenset(int(length) for length in lengths if _DIGITS.fullmatch(length)),
        crc32c=frozenset(value for name, value in hashes if name == "crc32c"),
        md5=frozenset(value for name, value in hashes if name == "md5"),
        etag=response.headers.get("etag", "").strip('"')[:128] or None,
    )


def status_and_code(response: Response) -> str:
    """Status and Google's code for a sentence: ``403 (ExpiredToken)``. Nothing else in the response is safe to show."""
    code = _code(response)
    return f"{response.status} ({code})" if code else str(response.status)


def _code(response: Response) -> str | None:
    matched = _XML_CODE.search(response.body[:4096])
    return matched[1].decode() if matched else None
