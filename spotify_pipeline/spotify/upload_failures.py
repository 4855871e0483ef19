"""The errors that end an upload, as sentences. What decides on them is :mod:`.resumable_upload`."""

from __future__ import annotations

from spotify_pipeline.spotify.answer import Answer
from spotify_pipeline.spotify.errors import SpotifyUnavailable, UploadDataLoss, UploadIncomplete, UploadRefused
from spotify_pipeline.spotify.upload_answers import told


def url_refused(answer: Answer) -> UploadRefused:
    return UploadRefused(
        f"The storage refuses the signed upload URL: status {told(answer)}.",
        status=answer.status,
        next_step="Nothing was replaced. Run again; a new upload URL is asked for. If it is refused again, check this "
        "machine's clock.",
    )


def no_session(answer: Answer) -> UploadRefused:
    message = "The storage opened no upload session: its answer has no Location."
    return UploadRefused(message, status=answer.status)


def redirected(answer: Answer) -> UploadRefused:
    return UploadRefused(
        f"The storage sent the upload to another address (status {answer.status}), and a customer list follows no "
        "redirect.",
        status=answer.status,
    )


def refused(answer: Answer) -> UploadRefused:
    return UploadRefused(f"The storage refuses the upload: status {told(answer)}.", status=answer.status)


def session_gone(answer: Answer) -> UploadIncomplete:
    return UploadIncomplete(f"The upload session is gone: status {told(answer)}.", status=answer.status)


def not_begun(tries: int, last: str, status: int | None) -> SpotifyUnavailable:
    return SpotifyUnavailable(f"No upload could be begun in {tries} tries in a row; the last: {last}", status=status)


def stuck(tries: int, last: str, status: int | None) -> UploadIncomplete:
    return UploadIncomplete(
        f"The upload came no further in {tries} tries in a row; the last: {last}",
        status=status,
        next_step="Check the network, then run again; do not create or trust the audience before that.",
    )


def unreadable_range(answer: Answer) -> UploadIncomplete:
    message = "The storage does not say in a readable way how much of the customer list it has, even when asked again."
    return UploadIncomplete(message, status=answer.status)


def keeps_losing(rewinds: int, answer: Answer) -> UploadIncomplete:
    message = f"The storage has lost parts of the customer list that it had acknowledged, {rewinds} times."
    return UploadIncomplete(message, status=answer.status)


def not_the_storage(answer: Answer) -> UploadIncomplete:
    return UploadIncomplete(
        f"Something other than the storage answers the upload (status {answer.status}), even when asked again.",
        status=answer.status,
        next_step="Look for a proxy or a network that asks to sign in; then run again.",
    )


def unconfirmed(status: int | None) -> UploadIncomplete:
    return UploadIncomplete(
        "The storage called the upload complete, but states neither a checksum nor a length of what it holds, even "
        "when asked again.",
        next_step="The audience may hold the list or not: run again to upload the whole list.",
        status=status,
    )


def more_than_sent(answer: Answer) -> UploadDataLoss:
    message = "The storage says that it holds more of the customer list than was sent."
    return UploadDataLoss(message, status=answer.status)


def too_soon(answer: Answer) -> UploadDataLoss:
    message = "The storage called the upload complete before it was sent whole."
    return UploadDataLoss(message, status=answer.status, may_have_happened=True)


def other_length(answer: Answer) -> UploadDataLoss:
    message = "The storage holds another number of bytes than were sent."
    return UploadDataLoss(message, status=answer.status, may_have_happened=True)


def other_bytes(answer: Answer) -> UploadDataLoss:
    message = "The storage holds other bytes than were sent: the checksums differ."
    return UploadDataLoss(message, status=answer.status, may_have_happened=True)


def bad_digest(answer: Answer) -> UploadDataLoss:
    message = "The customer list was changed on its way to the storage: the checksums differ."
    return UploadDataLoss(message, status=answer.status)
