"""The errors that end an upload, as sentences. :mod:`.state_machine` decides on them."""

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
    """``failure`` of an upload whose whole list may have arrived: it must not say that nothing was replaced."""
    failure.may_have_happened = True
    if isinstance(failure, UploadRefused):
        advice = failure.next_step.removeprefix(_NOTHING_REPLACED)
        failure.next_step = (
            f"{advice} The whole list may have arrived: do not create or trust the audience before a run has succeeded."
        )
    return failure


def url_refused(response: Response) -> UploadRefused:
    return UploadRefused(
        f"The storage rejects the signed upload URL: status {status_and_code(response)}.",
        status=response.status,
        next_step=f"{_NOTHING_REPLACED}Run again; a new upload URL is requested. If it is rejected again, check this "
        "machine's clock.",
    )


def no_session(response: Response) -> UploadRefused:
    message = "The storage opened no upload session: its response has no Location."
    return UploadRefused(message, status=response.status)


def redirected(response: Response) -> UploadRefused:
    return UploadRefused(
        f"The storage redirected the upload (status {response.status}), and a customer list is never sent to a "
        "redirect.",
        status=response.status,
    )


def refused(response: Response) -> UploadRefused:
    return UploadRefused(f"The storage rejects the upload: status {status_and_code(response)}.", status=response.status)


def session_gone(response: Response) -> UploadIncomplete:
    return UploadIncomplete(f"The upload session is gone: status {status_and_code(response)}.", status=response.status)


def not_begun(tries: int, last: str, status: int | None) -> SpotifyUnavailable:
    return SpotifyUnavailable(f"No upload could be started in {tries} tries in a row; the last: {last}", status=status)


def stuck(tries: int, last: str, status: int | None) -> UploadIncomplete:
    return UploadIncomplete(
        f"The upload made no progress in {tries} tries in a row; the last: {last}",
        status=status,
        next_step="Check the network, then run again: the upload resumes where it broke off.",
    )


def sick_session(tries: int, last: str, status: int | None) -> UploadIncomplete:
    message = f"The upload made no progress in {tries} tries in a row, though the storage responds; the last: {last}"
    return _not_resumable(UploadIncomplete(message, status=status))


def unreadable_range(response: Response) -> UploadIncomplete:
    message = "It is unreadable how much of the customer list the storage has, even when asked again."
    return _not_resumable(UploadIncomplete(message, status=response.status))


def keeps_losing(rewinds: int, response: Response) -> UploadIncomplete:
    message = f"The storage lost parts of the customer list that it had acknowledged, {rewinds} times."
    return _not_resumable(UploadIncomplete(message, status=response.status))


def not_the_storage(response: Response) -> UploadIncomplete:
    failure = UploadIncomplete(
        f"Something other than the storage responds to the upload (status {response.status}), even when asked again.",
        status=response.status,
        next_step="Look for a proxy or a network that asks to sign in; then run again.",
    )
    return _not_resumable(failure)


def unconfirmed(status: int | None, *, resumable: bool = False) -> UploadIncomplete:
    failure = UploadIncomplete(
        "The storage reported the upload as complete, but states neither a checksum nor a length, even when asked "
        "again.",
        next_step="The audience may or may not have the list: run again to upload the whole list.",
        status=status,
    )
    return failure if resumable else _not_resumable(failure)


def more_than_sent(response: Response) -> UploadDataLoss:
    message = "The storage claims to hold more of the customer list than was sent."
    return UploadDataLoss(message, status=response.status)


def too_soon(response: Response) -> UploadDataLoss:
    message = "The storage reported the upload as complete before all of it was sent."
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
