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
_TRANSIENT = frozenset({408, 429})
_GONE = frozenset({404, 410, 499})


def session_location(answer: Answer) -> str:
    """The session URI that the storage gives for a signed URL; unchecked.

    Raises:
        UploadRefused: the storage refuses the signed URL, sends us elsewhere, or gives no session.
        SpotifyUnavailable: a server error or too many requests.
    """
    status = answer.status
    if status in (200, 201):
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


def proof_of_upload(answer: Answer, sent: OutgoingFile) -> UploadProof:
    """The proof that the storage holds the whole file.

    Raises:
        UploadIncomplete: it does not, or it cannot be known.
        UploadRefused: the storage refuses the upload.
    """
    status = answer.status
    if status == _RESUME or answer.headers.get("x-http-status-code-override") == str(_RESUME):
        raise UploadIncomplete("The storage has kept a part of the customer list only.", status=status)
    if status not in (200, 201):
        raise _refused_while_sending(answer)
    if not sent.handed_over:
        raise _unproven("The storage called the upload complete before it was sent whole.", status)
    stored = answer.headers.get("x-goog-stored-content-length")
    if stored is not None and stored.strip() != str(sent.size):
        raise _unproven("The storage holds another number of bytes than were sent.", status)
    stated = _stated_hashes(answer)
    ours = {"crc32c": sent.checksums.crc32c, "md5": sent.checksums.md5}
    if any(value != ours[name] for name, value in stated):
        raise _unproven("The storage holds other bytes than were sent: the checksums differ.", status)
    named = {name for name, _ in stated}
    return UploadProof(
        bytes=sent.size,
        crc32c=ours["crc32c"],
        md5=ours["md5"] if "md5" in named else None,
        verified=bool(named),
        etag=answer.headers.get("etag", "").strip('"')[:128] or None,
    )


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
