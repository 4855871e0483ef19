"""Drives one :class:`.ResumableUpload`: carries out its steps over HTTP and reports the results to it.

The requests are those of Google's XML API. Spotify's audiences skill, step 4: no header goes to the storage beyond what
the signature covers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict

from spotify_pipeline.retries import UPLOAD_REQUEST
from spotify_pipeline.spotify.errors import SpotifyError, SpotifyUnavailable, UnexpectedResponse, UploadIncomplete
from spotify_pipeline.spotify.retry import requested_pause
from spotify_pipeline.spotify.transport import HttpClient, Response
from spotify_pipeline.spotify.upload.models import OpenUpload, UploadProgress, UploadProof, UploadTicket
from spotify_pipeline.spotify.upload.source_file import SourceFile
from spotify_pipeline.spotify.upload.state_machine import (
    AskStatus,
    Finished,
    Pause,
    RenewUrl,
    ResumableUpload,
    SendRange,
    Start,
    Step,
    UseSession,
)
from spotify_pipeline.spotify.upload_hosts import SignedUrl, UploadHosts

CONTENT_TYPE = "text/csv"  # part of what Spotify signs, so it is sent exactly so
_START_ROUTE = "(signed upload URL)"
_SESSION_ROUTE = "(upload session)"
_REPORTED_BYTES = 1024 * 1024
_log = logging.getLogger(__name__)


class UploadHooks(TypedDict, total=False):
    """Callbacks of an upload's caller. An exception that one raises stops the upload.

    Attributes:
        renew: gives a new ticket when the signed URL is rejected, the session is gone or other bytes arrived.
            Without it, these end the upload.
        on_open: receives a session before its first byte is sent, so that a later run can resume it.
        on_progress: called at most once per MiB or request, during a request: the time that it takes counts against
            that of the request.
        before_send: called right before each request that sends bytes.
        before_finish: called right before the last block of bytes that completes the object, during its request, and
            before each question that may complete it.
    """

    renew: Callable[[], UploadTicket] | None
    on_open: Callable[[OpenUpload], None] | None
    on_progress: Callable[[UploadProgress], None] | None
    before_send: Callable[[], None] | None
    before_finish: Callable[[], None] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadTiming:
    """Clocks and limits of one :class:`.Uploader`.

    Attributes:
        clock: seconds since the epoch.
        monotonic: seconds that setting the clock does not change.
        sleep, random: for pauses; random from 0 to 1.
        time_limit: seconds that one upload may take, pauses included.
    """

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]
    time_limit: float


class UploadDriver:
    """One file on its way to the storage, from a ticket or in an open session."""

    def __init__(
        self,
        at: UploadTicket | OpenUpload,
        machine: ResumableUpload,
        outgoing: SourceFile,
        *,
        requests: StorageRequests,
        hosts: UploadHosts,
        hooks: UploadHooks,
        pacing: UploadTiming,
    ) -> None:
        """
        Raises:
            UploadRefused: the ticket's or the session's address is not allowed.
        """
        self._audience_id = at.audience_id
        if isinstance(at, UploadTicket):
            self._address = hosts.check(at.url.reveal())
        else:
            self._address = hosts.check(at.uri.reveal(), what="The upload session")
        self._machine = machine
        self._outgoing = outgoing
        self._requests = requests
        self._hosts = hosts
        self._hooks = hooks
        self._pacing = pacing
        self._deadline = pacing.monotonic() + pacing.time_limit
        self._meter = ProgressMeter(outgoing.size, pacing.monotonic, hooks.get("on_progress"))
        self._taken = 0  # bytes of the range under way
        self._waited = 0.0

    def run(self) -> UploadProof:
        """Run the upload to its end.

        Raises:
            UploadRefused, UploadIncomplete, UploadDataLoss, SpotifyUnavailable, UntrustedServer: it failed.
        """
        try:
            while not isinstance(step := self._machine.step, Finished):
                self._require_time(0)
                self._carry_out(step)
        except SpotifyError as failure:
            raise self._machine.ended_by(failure) from None
        return UploadProof(
            audience_id=self._audience_id,
            bytes=self._outgoing.size,
            crc32c=self._outgoing.crc32c,
            md5=step.md5,
            verified=step.verified,
            etag=step.etag,
            bytes_sent=self._meter.bytes_sent,
        )

    def _carry_out(self, step: Step) -> None:
        match step:
            case Start():
                self._exchange(lambda attempt: self._requests.start(self._address, attempt))
            case SendRange():
                self._outgoing.read_up_to(step.first)
                self._call("before_send")
                content = self._content(step)
                self._exchange(lambda attempt: self._requests.send(self._address, attempt, step, content))
            case AskStatus():
                if step.may_finish:
                    self._call("before_finish")
                self._exchange(lambda attempt: self._requests.ask(self._address, attempt))
            case UseSession():
                self._use_session(step.location.reveal())
            case Pause():
                self._pause(step)
            case RenewUrl():
                self._renew(step)
            case Finished():
                pass

    def _exchange(self, send: Callable[[Attempt], Response]) -> None:
        attempt = Attempt(self._machine.faults + 1, self._waited)
        self._taken, self._waited = 0, 0.0
        try:
            response = send(attempt)
        except SpotifyUnavailable as failure:
            self._machine.on_no_response(failure.message, taken=self._taken)
        except UnexpectedResponse as failure:
            if isinstance(self._machine.step, Start):
                raise
            self._machine.on_no_response(failure.message, taken=self._taken)
        else:
            self._machine.on_response(response, taken=self._taken)
        self._meter.stands_at(self._machine.acknowledged)

    def _content(self, part: SendRange) -> Iterator[bytes]:
        for block in self._outgoing.blocks(part.first, part.end):
            self._require_time(0)
            if part.first + self._taken + len(block) == self._outgoing.size:
                self._call("before_finish")
            self._count(len(block) - 1)  # if sending a block breaks, its last byte cannot have arrived
            yield block
            self._count(1)
            self._meter.sending(part.first + self._taken)

    def _count(self, count: int) -> None:
        self._taken += count
        self._meter.bytes_sent += count

    def _use_session(self, location: str) -> None:
        self._address = self._hosts.check_session(location, self._address)
        on_open = self._hooks.get("on_open")
        if on_open is not None:
            on_open(
                OpenUpload(
                    audience_id=self._audience_id,
                    uri=self._address.url,
                    opened_at=self._pacing.clock(),
                    size=self._outgoing.size,
                    crc32c=self._outgoing.crc32c,
                )
            )
        self._machine.on_done()

    def _call(self, name: Literal["before_send", "before_finish"]) -> None:
        hook = self._hooks.get(name)
        if hook is not None:
            hook()

    def _renew(self, step: RenewUrl) -> None:
        renew = self._hooks.get("renew")
        if renew is None:
            raise step.failure
        _log.warning("The upload starts again from the first byte, with a new URL: %s.", step.reason)
        ticket = renew()
        self._audience_id = ticket.audience_id
        self._address = self._hosts.check(ticket.url.reveal())
        self._machine.on_done()

    def _pause(self, step: Pause) -> None:
        asked = None
        if step.response is not None:
            asked = requested_pause(step.response.status, step.response.headers, self._pacing.clock())
        jitter = self._pacing.random()
        seconds = UPLOAD_REQUEST.pause(step.faults, jitter)
        if asked is not None:
            seconds = max(seconds, asked + jitter)
        self._require_time(seconds)
        self._pacing.sleep(seconds)
        self._waited = seconds
        self._machine.on_done()

    def _require_time(self, seconds: float) -> None:
        if self._pacing.monotonic() + seconds > self._deadline:
            hours = self._pacing.time_limit / 3600
            raise UploadIncomplete(
                f"The upload did not finish within its limit of {hours:g} hours.",
                next_step="Check the network, then run again: the upload resumes where it broke off.",
            )


@dataclass(frozen=True, slots=True)
class Attempt:
    """The number of a try, from 1, and the seconds waited before it; for the records of calls."""

    number: int
    waited: float


class StorageRequests:
    """The requests of an upload of ``size`` bytes. Each raises what :meth:`HttpClient.send` raises."""

    def __init__(self, http: HttpClient, size: int) -> None:
        self._http = http
        self._size = size

    def start(self, url: SignedUrl, attempt: Attempt) -> Response:
        """Open a session. V4 signatures cover every ``x-goog-`` header, so there is no other."""
        headers = {"x-goog-resumable": "start", "Content-Type": CONTENT_TYPE, "Content-Length": "0"}
        return self._request("POST", url, _START_ROUTE, attempt, headers)

    def send(self, session: SignedUrl, attempt: Attempt, part: SendRange, content: Iterable[bytes]) -> Response:
        """Send a range of the file; the whole file goes without ``Content-Range``, as Spotify shows it."""
        headers = {"Content-Type": CONTENT_TYPE, "Content-Length": str(part.end - part.first)}
        if part.first > 0 or not part.final:
            headers["Content-Range"] = f"bytes {part.first}-{part.end - 1}/{self._size}"
        return self._request("PUT", session, _SESSION_ROUTE, attempt, headers, content)

    def ask(self, session: SignedUrl, attempt: Attempt) -> Response:
        """Ask how far the upload is."""
        headers = {"Content-Length": "0", "Content-Range": f"bytes */{self._size}"}
        return self._request("PUT", session, _SESSION_ROUTE, attempt, headers)

    def cancel(self, session: SignedUrl) -> Response:
        """Give a session up, so that no byte of it can complete the object any more."""
        return self._request("DELETE", session, _SESSION_ROUTE, Attempt(1, 0.0), {"Content-Length": "0"})

    def _request(
        self,
        method: str,
        url: SignedUrl,
        route: str,
        attempt: Attempt,
        headers: dict[str, str],
        content: Iterable[bytes] | None = None,
    ) -> Response:
        return self._http.send(
            method,
            url.url.reveal(),
            route=route,
            attempt=attempt.number,
            waited=attempt.waited,
            headers=headers,
            content=content,
        )


class ProgressMeter:
    """Counts sent bytes, and calls ``tell`` after every MiB and whenever the storage acknowledges another offset.

    ``monotonic`` gives seconds that setting the clock does not change; the upload begins now.
    """

    def __init__(
        self, size: int, monotonic: Callable[[], float], tell: Callable[[UploadProgress], None] | None
    ) -> None:
        self._size = size
        self._monotonic = monotonic
        self._tell = tell
        self._begun = monotonic()
        self._told = 0
        self.bytes_sent = 0

    def sending(self, stored: int) -> None:
        """Bytes were sent: with them the storage has ``stored`` of the file."""
        if stored - self._told >= _REPORTED_BYTES:
            self.stands_at(stored)

    def stands_at(self, stored: int) -> None:
        """The storage has ``stored`` bytes of the file."""
        if self._tell is None or stored == self._told:
            return
        self._told = stored
        seconds = self._monotonic() - self._begun
        rate = self.bytes_sent / seconds if seconds > 0 else 0.0
        remaining = (self._size - stored) / rate if rate > 0 else None
        self._tell(UploadProgress(stored=stored, size=self._size, seconds=seconds, rate=rate, remaining=remaining))
