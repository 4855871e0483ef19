"""The errors that end an upload, as sentences. What decides on them is :mod:`.resumable_upload`."""

from __future__ import annotations

from spotify_pipeline.spotify.errors import (
    SpotifyError,
    SpotifyUnavailable,
    UploadDataLoss,
    UploadIncomplete,
    UploadRefused,
)
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.responses import status_and_code

_NOTHING_REPLACED = "Nothing was replaced. "


def after_the_last_byte(failure: SpotifyError) -> SpotifyError:
    """``failure``, of an upload of which the whole list may have arrived: it must not say that nothing was replaced."""
    failure.may_have_happened = True
    if isinstance(failure, UploadRefused):
        advice = failure.next_step.removeprefix(_NOTHING_REPLACED)
        failure.next_step = (
            f"{advice} The list may have arrived whole before: do not create or trust the audience before a run has "
            "ended well."
        )
    return failure


def url_refused(response: Response) -> UploadRefused:
    return UploadRefused(
        f"The storage refuses the signed upload URL: status {status_and_code(response)}.",
        status=response.status,
        next_step=f"{_NOTHING_REPLACED}Run again; a new upload URL is asked for. If it is refused again, check this "
        "machine's clock.",
    )


def no_session(response: Response) -> UploadRefused:
    message = "The storage opened no upload session: its answer has no Location."
    return UploadRefused(message, status=response.status)


def redirected(response: Response) -> UploadRefused:
    return UploadRefused(
        f"The storage sent the upload to another address (status {response.status}), and a customer list follows no "
        "redirect.",
        status=response.status,
    )


def refused(response: Response) -> UploadRefused:
    return UploadRefused(f"The storage refuses the upload: status {status_and_code(response)}.", status=response.status)


def session_gone(response: Response) -> UploadIncomplete:
    return UploadIncomplete(f"The upload session is gone: status {status_and_code(response)}.", status=response.status)


def not_begun(tries: int, last: str, status: int | None) -> SpotifyUnavailable:
    return SpotifyUnavailable(f"No upload could be begun in {tries} tries in a row; the last: {last}", status=status)


def stuck(tries: int, last: str, status: int | None) -> UploadIncomplete:
    return UploadIncomplete(
        f"The upload came no further in {tries} tries in a row; the last: {last}",
        status=status,
        next_step="Check the network, then run again: the upload goes on where it broke off.",
    )


def sick_session(tries: int, last: str, status: int | None) -> UploadIncomplete:
    message = f"The upload came no further in {tries} tries in a row, though the storage answers; the last: {last}"
    return _not_resumable(UploadIncomplete(message, status=status))


def unreadable_range(response: Response) -> UploadIncomplete:
    message = "The storage does not say in a readable way how much of the customer list it has, even when asked again."
    return _not_resumable(UploadIncomplete(message, status=response.status))


def keeps_losing(rewinds: int, response: Response) -> UploadIncomplete:
    message = f"The storage has lost parts of the customer list that it had acknowledged, {rewinds} times."
    return _not_resumable(UploadIncomplete(message, status=response.status))


def not_the_storage(response: Response) -> UploadIncomplete:
    failure = UploadIncomplete(
        f"Something other than the storage answers the upload (status {response.status}), even when asked again.",
        status=response.status,
        next_step="Look for a proxy or a network that asks to sign in; then run again.",
    )
    return _not_resumable(failure)


def unconfirmed(status: int | None, *, resumable: bool = False) -> UploadIncomplete:
    failure = UploadIncomplete(
        "The storage called the upload complete, but states neither a checksum nor a length of what it holds, even "
        "when asked again.",
        next_step="The audience may hold the list or not: run again to upload the whole list.",
        status=status,
    )
    return failure if resumable else _not_resumable(failure)


def more_than_sent(response: Response) -> UploadDataLoss:
    message = "The storage says that it holds more of the customer list than was sent."
    return UploadDataLoss(message, status=response.status)


def too_soon(response: Response) -> UploadDataLoss:
    message = "The storage called the upload complete before it was sent whole."
    return UploadDataLoss(message, status=response.status, may_have_happened=True)


def other_length(response: Response) -> UploadDataLoss:
    message = "The storage holds another number of bytes than were sent."
    return UploadDataLoss(message, status=response.status, may_have_happened=True)


def other_bytes(response: Response) -> UploadDataLoss:
    message = "The storage holds other bytes than were sent: the checksums differ."
    return UploadDataLoss(message, status=response.status, may_have_happened=True)


def bad_digest(response: Response) -> UploadDataLoss:
    message = "The customer list was changed on its way to the storage: the checksums differ."
    return UploadDataLoss(message, status=response.status)


def _not_resumable(failure: UploadIncomplete) -> UploadIncomplete:
    failure.resumable = False
    return failure
