"""Errors of this package, one class per kind.

Every message is one sentence, then what to do next. No message contains a token, a signed URL or a session URI.
"""

from __future__ import annotations

from spotify_pipeline.errors import ExpectedError


class SpotifyError(ExpectedError):
    """Base of this package's errors.

    Attributes:
        message: what is wrong and where, one sentence.
        next_step: what to do about it.
        status: HTTP status of the response, or None when there was none.
        trace_id: ``sp_trace_id`` of the response; Spotify's support asks for it.
        may_have_happened: True when the call was a write and Spotify may still have carried it out: the response
            was lost, broken, or a server error. Check before you repeat it.
    """

    usual_next_step = ""

    def __init__(
        self,
        message: str,
        *,
        next_step: str | None = None,
        status: int | None = None,
        trace_id: str | None = None,
        may_have_happened: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.next_step = self.usual_next_step if next_step is None else next_step
        self.status = status
        self.trace_id = trace_id
        self.may_have_happened = may_have_happened

    def __str__(self) -> str:
        sentences = f"{self.message} {self.next_step}".strip()
        return f"{sentences} (Spotify's trace id: {self.trace_id})" if self.trace_id else sentences


class SettingsMissing(SpotifyError):
    """An environment variable that this call needs is not set."""


class SettingsInvalid(SpotifyError):
    """An environment variable is not valid, or Spotify rejects it."""


class SignInRequired(SpotifyError):
    """There is no usable authorization: never signed in, revoked, or older than six months."""

    usual_next_step = "Run `spotify-pipeline login` and sign in again."
    ended = "Spotify no longer accepts the stored authorization: it was revoked, replaced, or is over six months old."


class ScopeMissing(SignInRequired):
    """The user signed in but granted fewer scopes than needed."""


class SignInFailed(SpotifyError):
    """The browser sign-in did not complete: refused, timed out, or the port is taken."""

    usual_next_step = "Run `spotify-pipeline login` again."


class TermsNotAccepted(SpotifyError):
    """403: the Ads API terms have not been accepted for this client id."""

    usual_next_step = (
        "Accept the Ads API terms for your client id at https://adsmanager.spotify.com/api-terms; "
        "it can take an hour to take effect."
    )


class PermissionDenied(SpotifyError):
    """403: the user who signed in may not do this."""

    usual_next_step = (
        "Ask an administrator of the ad account for the role AD_ACCOUNT_ADMIN or AD_ACCOUNT_CONTRIBUTOR. If the "
        "role is right: accept the terms at https://adsmanager.spotify.com/api-terms, and while your app is in "
        "development mode add the user to its allow-list in Spotify's developer dashboard."
    )


class CapiTokenRefused(SpotifyError):
    """401: the Conversions API rejects the token of the feed's connection. No event was accepted."""

    usual_next_step = (
        "Create a new one with `spotify-pipeline conversions create-token`, set the variable to it, then run again. "
        "The events stay pending."
    )


class BusinessNotAllowed(SpotifyError):
    """The authorization is for one business only, and the ad account belongs to another. Nothing was sent."""

    usual_next_step = (
        "Name the authorization for that business as `authorization` in the audience's YAML, or if that has none "
        "in SPOTIFY_AUTHORIZATION; `spotify-pipeline authorizations` lists the existing ones."
    )


class NotFound(SpotifyError):
    """404: the object does not exist, or the user who signed in may not see it."""

    usual_next_step = "Check the id, and that it belongs to this ad account or business."


class InvalidRequest(SpotifyError):
    """Spotify, or our own check before the call, rejects the request. Repeating it cannot help."""

    usual_next_step = "Correct what the message names, then run again."


class Conflict(SpotifyError):
    """409: the object is in use; for instance, an audience that is LIVE cannot be deleted."""

    usual_next_step = "If an ad set uses the audience, remove it there first; then run again."


class RateLimited(SpotifyError):
    """429: too many requests. The call was not carried out, so repeating a write later is safe.

    ``retry_after`` is the pause that the server asked for, in seconds, clamped to 1..60.
    """

    usual_next_step = "Wait a minute, then run again."
    retry_after: float = 30.0


class SpotifyUnavailable(SpotifyError):
    """Spotify could not be reached, or what came back is a server error or not a valid response."""

    usual_next_step = "If your network works, nothing is wrong on your side: run again later."


class UntrustedServer(SpotifyError):
    """The server's TLS certificate is not valid for its name, or its TLS too old. Never retried, never ignored."""

    usual_next_step = (
        "Check the address in your settings. If your network has a proxy that opens TLS connections, name its "
        "certificate authority in SPOTIFY_CA_BUNDLE."
    )


class UnexpectedResponse(SpotifyError):
    """The status is a success, but the response is not what Spotify documents."""

    usual_next_step = "If it happens again, report it with the trace id; Spotify's interface may have changed."


class UnknownSuccess(UnexpectedResponse):
    """Events were sent and the status is a success, but the response does not confirm that they were accepted.

    ``shown`` is the response without anything that may be personal.
    """

    shown = ""
    usual_next_step = (
        "The feed is stopped. Check in Spotify's diagnostics whether the events arrived. If this is how Spotify now "
        "confirms them, add the response to `delivery.taken_answers` in the feed's YAML; if not, send again with "
        "`spotify-pipeline conversions resume FEED`."
    )


class UploadRefused(SpotifyError):
    """The upload was not started, or was stopped on purpose: by one of our checks or by the storage."""

    usual_next_step = "Nothing was replaced. Run again; a new upload URL is requested."


class UploadIncomplete(SpotifyError):
    """The upload was started, but nothing proves that the whole file arrived. Treat it as not uploaded.

    ``resumable`` is False where the session itself is at fault: resuming it would fail the same way.
    """

    suspect = False
    resumable = True
    usual_next_step = "Run again to upload the whole list; do not create or trust the audience before that."


class UploadDataLoss(UploadIncomplete):
    """The storage holds, or claims to hold, something else than was sent.

    ``suspect`` is True: the audience may be built from wrong bytes until a whole list has been uploaded and proven.
    """

    suspect = True
    usual_next_step = (
        "Run again to upload the whole list; do not create or trust the audience before that. If it happens again, "
        "look for a proxy between this machine and the storage."
    )
