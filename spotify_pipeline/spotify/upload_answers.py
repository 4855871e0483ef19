"""What the storage's answers mean. No I/O: an answer in, a session URI or a proof out.

Google's documents "Performing resumable uploads" and "Resumable uploads with the XML API". Errors come as XML.
"""

from __future__ import annotations

import re

from spotify_pipeline.spotify.answer import Answer
from spotify_pipeline.spotify.errors import SpotifyError, SpotifyUnavailable, UploadIncomplete, UploadRefused
from spotify_pipeline.spotify.models import UploadProof
from spotify_pipeline.spotify.outgoing_file import OutgoingFile

_XML_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_RESUME = 308
_COMPLETE = frozenset({200, 201})
_TRANSIENT = frozenset({408, 429})
_GONE = frozenset({404, 410, 499})


def session_location(answer: Answer) -> str:
    """The session URI that the storage gives for a signed URL; unchecked.

    Raises:
        UploadRefused: the storage refuses the signed URL, sends us elsewhere, or gives no session.
        SpotifyUnavailable: a server error or too many requests.
    """
    status = answer.status
    if status in _COMPLETE:
        location = answer.headers.get("location")
        if not location:
            raise UploadRefused("The storage opened no upload session: its answer has no Location.", status=status)
        return location
    if status >= 500 or status in _TRANSIENT:
        raise SpotifyUnavailable(f"The upload storage is not ready: status {_told(answer)}.", status=status)
    if 300 <= status < 400:
        raise _redirected(status)
    raise UploadRefused(
        f"The storage refuses the signed upload URL: status {_told(answer)}.",
        status=status,
        next_step="Nothing was replaced. Run again; a new upload URL is asked for. If it is refused again, check this "
        "machine's clock.",
    )


def require_completed(answer: Answer, sent: OutgoingFile) -> None:
    """Let only an answer pass that calls the upload complete. What it says of the bytes is for :func:`stated_proof`.

    Raises:
        UploadIncomplete: the storage has a part, or it cannot be known.
        UploadRefused: the storage refuses the upload.
    """
    if _stands_for_resume(answer):
        raise UploadIncomplete("The storage has kept a part of the customer list only.", status=answer.status)
    if answer.status not in _COMPLETE:
        raise _refused_while_sending(answer)
    if not sent.handed_over:
        raise _unproven("The storage called the upload complete before it was sent whole.", answer.status)


def stated_proof(answer: Answer, sent: OutgoingFile) -> UploadProof | None:
    """What the storage states about the object that it holds; None where it states neither a hash nor a length.

    Raises:
        UploadIncomplete: it states another length or another checksum than was sent.
    """
    if answer.status not in _COMPLETE or _stands_for_resume(answer):
        return None
    stored = answer.headers.get("x-goog-stored-content-length")
    if stored is not None and stored.strip() != str(sent.size):
        raise _unproven("The storage holds another number of bytes than were sent.", answer.status)
    stated = _stated_hashes(answer)
    ours = {"crc32c": sent.checksums.crc32c, "md5": sent.checksums.md5}
    if any(value != ours[name] for name, value in stated):
        raise _unproven("The storage holds other bytes than were sent: the checksums differ.", answer.status)
    if stored is None and not stated:
        return None
    named = {name for name, _ in stated}
    return UploadProof(
        bytes=sent.size,
        crc32c=ours["crc32c"],
        md5=ours["md5"] if "md5" in named else None,
        verified=bool(named),
        etag=answer.headers.get("etag", "").strip('"')[:128] or None,
    )


def unconfirmed(status: int) -> UploadIncomplete:
    """The error for a success that states nothing, when asking again has told no more."""
    return UploadIncomplete(
        "The storage called the upload complete, but states neither a checksum nor a length of what it holds, even "
        "when asked again.",
        next_step="The audience may hold the list or not: run again to upload the whole list.",
        status=status,
        may_have_happened=True,
    )


def _stands_for_resume(answer: Answer) -> bool:
    return answer.status == _RESUME or answer.headers.get("x-http-status-code-override") == str(_RESUME)


def _unproven(message: str, status: int) -> UploadIncomplete:
    # The storage took something for complete, so a replacement may have been carried out with the wrong bytes.
    return UploadIncomplete(message, status=status, may_have_happened=True)


def _stated_hashes(answer: Answer) -> list[tuple[str, str]]:
    """``x-goog-hash: crc32c=...,md5=...``, in one header or several; other hashes are left out."""
    pairs = (part.strip().split("=", 1) for part in answer.headers.get("x-goog-hash", "").split(","))
    return [(pair[0], pair[1]) for pair in pairs if len(pair) == 2 and pair[0] in ("crc32c", "md5")]


def _refused_while_sending(answer: Answer) -> SpotifyError:
    status = answer.status
    if status in _GONE:
        return UploadIncomplete(f"The upload session is gone: status {_told(answer)}.", status=status)
    if status >= 500 or status in _TRANSIENT:
        message = f"The storage broke the upload off: status {_told(answer)}."
        return UploadIncomplete(message, status=status, may_have_happened=True)
    if status < 400:
        return _redirected(status)
    return UploadRefused(f"The storage refuses the upload: status {_told(answer)}.", status=status)


def _redirected(status: int) -> UploadRefused:
    return UploadRefused(
        f"The storage sent the upload to another address (status {status}), and a customer list follows no redirect.",
        status=status,
    )


def _told(answer: Answer) -> str:
    code = _XML_CODE.search(answer.body[:4096])
    return f"{answer.status} ({code[1].decode()})" if code else str(answer.status)
