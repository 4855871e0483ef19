"""A resumable upload as a state machine: a response in, the next step out. No I/O, no clock, no randomness.

The protocol, after Google's "Performing resumable uploads", "Resumable uploads with the XML API" and "Retry strategy":

- A ``POST`` to a signed URL with ``x-goog-resumable: start`` opens a session; its URI comes in ``Location``.
- A ``PUT`` to the session carries a range of the file. Unless the range ends the file it is a multiple of 256 KiB,
  and the response is 308. ``Range: bytes=0-K`` says what is stored by now: continue at K + 1, wherever the range ended.
- A ``PUT`` without a body and with ``Content-Range: bytes */SIZE`` asks how far the upload is. 308 without ``Range``
  then means that nothing is stored; 200 or 201, that the object is finished. Ask this after any doubt.
- 200 or 201 finishes the object and states its size and checksums in headers. Nothing else proves an upload, and
  they are trusted only once every byte was sent.
- 404, 410 and 499 mean that the session is gone. Other 4xx but 408 and 429 are final. A redirect is never followed:
  the storage sends none, and the body is a list of people.

The driver carries out :attr:`ResumableUpload.step` and reports the result, with
:meth:`~ResumableUpload.on_response` or :meth:`~ResumableUpload.on_no_response` for :class:`Start`,
:class:`SendRange` and :class:`AskStatus`, with :meth:`~ResumableUpload.on_done` for the rest, until the step is
:class:`Finished` or an error is raised. The driver bounds the time; the machine bounds everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from spotify_pipeline.retries import (
    UPLOAD_BYTES,
    UPLOAD_ODDITIES,
    UPLOAD_REQUEST,
    UPLOAD_REWINDS,
    UPLOAD_SESSION,
    UPLOAD_URL,
)
from spotify_pipeline.spotify.errors import SpotifyError, UploadDataLoss, UploadIncomplete
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload import errors as failures
from spotify_pipeline.spotify.upload.responses import (
    MalformedRange,
    Meaning,
    meaning,
    next_offset,
    stated,
    status_and_code,
)

_OPENED = frozenset({200, 201})
_URL_REFUSED = frozenset({400, 401, 403})


@dataclass(frozen=True, slots=True)
class Start:
    """Open a session with the signed URL."""


@dataclass(frozen=True, slots=True)
class UseSession:
    """Check the session's address, and store it, before a byte is sent there."""

    location: Secret


@dataclass(frozen=True, slots=True)
class SendRange:
    """Send the bytes from offset ``first`` up to, not including, ``end``. ``final``: they end the file."""

    first: int
    end: int
    final: bool


@dataclass(frozen=True, slots=True)
class AskStatus:
    """Ask how far the upload is. ``may_finish``: the storage may have every byte, and finish the object now."""

    may_finish: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait after the ``faults``-th fault in a row, ``then`` continue. ``response`` may ask for a longer pause."""

    faults: int
    response: Response | None
    then: Start | SendRange | AskStatus


class RenewalReason(StrEnum):
    """Why a new upload URL is needed."""

    URL_REFUSED = "the upload URL was rejected"
    SESSION_GONE = "the upload session is gone"
    OTHER_BYTES = "other bytes arrived than were sent"


@dataclass(frozen=True, slots=True)
class RenewUrl:
    """Get a new signed URL, for an upload from the first byte. ``failure``: to raise when there is none."""

    reason: RenewalReason
    failure: SpotifyError = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finished:
    """The object is complete, as the storage states; the fields are those of :class:`UploadProof`."""

    md5: str | None
    verified: bool
    etag: str | None


Step: TypeAlias = Start | UseSession | SendRange | AskStatus | Pause | RenewUrl | Finished


class ResumableUpload:
    """One upload. See the module for how to drive it.

    Attributes:
        step: what to do next.
        acknowledged: bytes of the file that the storage says it has.
        faults: in a row, without one more byte acknowledged.
        loss: set once the storage has finished an object of other bytes. Until the upload is :class:`Finished`, this
            is the error to report, whatever else ends it: a replaced audience may be built from those bytes.
    """

    def __init__(
        self, *, size: int, crc32c: str, chunk_bytes: int | None, md5: str | None = None, resumes: bool = False
    ) -> None:
        """
        Args:
            size: bytes of the file, at least 1.
            crc32c, md5: of the file, as the storage would state them; without an MD5 the storage's is ignored.
            chunk_bytes: of one range, a multiple of 256 KiB; None for one range to the end of the file.
            resumes: there is a session, opened for this same file by an earlier process.
        """
        self._size = size
        self._crc32c = crc32c
        self._md5 = md5
        self._chunk_bytes = chunk_bytes
        self._urls_renewed = 0
        self._restarts = 0
        self._times_sent_again = 0
        self._rewinds = 0
        self._left_whole = False
        self.loss: UploadDataLoss | None = None
        # An earlier process may have sent every byte without learning that it arrived.
        self._enter_session(sent=size if resumes else 0)
        self.step: Step = self._ask() if resumes else Start()

    def _enter_session(self, *, sent: int) -> None:
        self.acknowledged = 0
        self._sent = sent  # no byte at or after this offset was ever sent to this session
        self.faults = self._oddities = 0
        self._unexplained = False
        self._unreadable = False
        self._hasty = False  # the current question was asked without a pause
        self._placed = False
        self._unproven = sent > 0  # of another process: it may no longer accept bytes

    def on_response(self, response: Response, *, taken: int = 0) -> None:
        """A response to the step.

        Args:
            response: with any status.
            taken: how many bytes of a range were handed to the connection; the response may have come before the last.

        Raises:
            UploadRefused: the storage rejects it, or redirects.
            UploadDataLoss: the storage holds something else than was sent.
            UploadIncomplete: the upload cannot be completed and proven.
            SpotifyUnavailable: no session could be opened.
        """
        if isinstance(self.step, Start):
            self._started(response)
            return
        self._count_sent(taken)
        match meaning(response):
            case Meaning.INCOMPLETE:
                self._incomplete(response)
            case Meaning.COMPLETE:
                self._complete(response)
            case Meaning.FOREIGN:
                self._explain(response, failures.not_the_storage(response))
            case Meaning.NOT_READY:
                self._fault(self._ask(), response)
            case Meaning.GONE:
                self._restart(response)
            case Meaning.BAD_DIGEST:
                self._send_again(failures.bad_digest(response))
            case Meaning.ELSEWHERE:
                raise self._end(failures.redirected(response))
            case Meaning.REFUSED:
                raise self._end(failures.refused(response))

    def on_no_response(self, reason: str, *, taken: int = 0) -> None:
        """No response came, for a ``reason`` in words; ``taken`` bytes of a range may have arrived.

        Raises:
            UploadIncomplete, SpotifyUnavailable: there were too many faults.
        """
        starting = isinstance(self.step, Start)
        self._count_sent(taken)
        self._fault(Start() if starting else self._ask(), None, reason)

    def on_done(self) -> None:
        """A :class:`UseSession`, :class:`Pause` or :class:`RenewUrl` was carried out."""
        match self.step:
            case Pause(then=then):
                self.step = then
            case UseSession():
                self._enter_session(sent=0)
                self.step = self._range()
            case RenewUrl():
                self._left_whole = self._left_whole or self._sent == self._size
                self._enter_session(sent=0)
                self.step = Start()
            case _:
                raise AssertionError("This step needs a response.")

    def _started(self, response: Response) -> None:
        status = response.status
        if status in _OPENED:
            location = response.headers.get("location")
            if not location:
                raise self._end(failures.no_session(response))
            self.step = UseSession(Secret(location))
        elif status in _URL_REFUSED and self._urls_renewed < UPLOAD_URL.retries:
            self._urls_renewed += 1
            self.step = RenewUrl(RenewalReason.URL_REFUSED, self._end(failures.url_refused(response)))
        elif meaning(response) is Meaning.NOT_READY:
            self._fault(Start(), response)
        elif 300 <= status < 400:
            raise self._end(failures.redirected(response))
        else:
            raise self._end(failures.url_refused(response))

    def _incomplete(self, response: Response) -> None:
        asked = isinstance(self.step, AskStatus)
        try:
            offset = next_offset(response)
        except MalformedRange:
            if self._unreadable:
                raise self._end(failures.unreadable_range(response)) from None
            self._unreadable = True
            self._doubt(response)
            return
        if offset is None and not asked:
            self._doubt(response)  # only the response to a question means that nothing is stored
            return
        self._unreadable = self._unexplained = False
        hasty, self._hasty = self._hasty, False
        grown = self._acknowledge(offset or 0, response)
        if self.acknowledged == self._size:
            self._fault(self._ask(), response)  # every byte is there, and yet it is not finished
        elif asked and hasty and not grown:
            self.step = Pause(self.faults, response, self._range())
        elif asked or grown:
            self.step = self._range()
        else:
            self._fault(self._range(), response)

    def _acknowledge(self, offset: int, response: Response) -> bool:
        """Accept the storage's offset, forward or back; whether it grew."""
        if offset > self._sent:
            raise self._end(failures.more_than_sent(response))
        if offset < self.acknowledged:
            self._rewinds += 1
            if self._rewinds > UPLOAD_REWINDS.retries:
                raise self._end(failures.keeps_losing(self._rewinds, response))
        grown = offset > self.acknowledged
        if grown:
            self.faults = self._oddities = 0
            self._unproven = self._unproven and not self._placed
        self._placed = True
        self.acknowledged = offset
        return grown

    def _complete(self, response: Response) -> None:
        if self._sent < self._size:
            raise self._end(failures.too_soon(response))
        saying = stated(response)
        if saying.lengths - {self._size}:
            raise self._end(failures.other_length(response))
        stated_md5 = saying.md5 if self._md5 is not None else frozenset[str]()
        if saying.crc32c - {self._crc32c} or stated_md5 - {self._md5}:
            self.loss = failures.other_bytes(response)
            self._send_again(self.loss)
        elif not saying.lengths and not saying.crc32c and not stated_md5:
            self._explain(response, failures.unconfirmed(response.status))
        else:
            self.acknowledged = self._size
            verified = bool(saying.crc32c or stated_md5)
            self.step = Finished(md5=self._md5 if stated_md5 else None, verified=verified, etag=saying.etag)

    def _explain(self, response: Response, failure: UploadIncomplete) -> None:
        """After a success that states nothing: ask once, and fail if the response is no better."""
        if self._unexplained:
            raise self._end(failure)
        self._unexplained = True
        self._doubt(response)

    def _doubt(self, response: Response) -> None:
        self._count_fault(response, "")
        self._hasty = True
        self.step = self._ask()

    def _fault(self, then: Start | SendRange | AskStatus, response: Response | None, reason: str = "") -> None:
        self._count_fault(response, reason)
        self._hasty = False
        self.step = Pause(self.faults, response, then)

    def _count_fault(self, response: Response | None, reason: str) -> None:
        unavailable = response is None or meaning(response) is Meaning.NOT_READY
        self.faults += 1
        self._oddities += not unavailable
        if self.faults < UPLOAD_REQUEST.tries and self._oddities < UPLOAD_ODDITIES.tries:
            return
        last = reason if response is None else f"status {status_and_code(response)}."
        status = None if response is None else response.status
        if isinstance(self.step, Start):
            raise self._end(failures.not_begun(self.faults, last, status))
        sick = not unavailable or (response is not None and self._unproven)
        raise self._end((failures.sick_session if sick else failures.stuck)(self.faults, last, status))

    def _restart(self, response: Response) -> None:
        failure = self._end(failures.session_gone(response))
        if self._restarts >= UPLOAD_SESSION.retries:
            raise failure
        self._restarts += 1
        self.step = RenewUrl(RenewalReason.SESSION_GONE, failure)

    def _send_again(self, loss: UploadDataLoss) -> None:
        failure = self._end(loss)
        if self._times_sent_again >= UPLOAD_BYTES.retries:
            raise failure
        self._times_sent_again += 1
        self.step = RenewUrl(RenewalReason.OTHER_BYTES, failure)

    def _range(self) -> SendRange:
        first = self.acknowledged
        end = self._size if self._chunk_bytes is None else min(self._size, first + self._chunk_bytes)
        return SendRange(first, end, final=end == self._size)

    def _ask(self) -> AskStatus:
        return AskStatus(may_finish=self._sent == self._size)

    def _count_sent(self, taken: int) -> None:
        if isinstance(self.step, SendRange):
            self._sent = max(self._sent, min(self.step.end, self.step.first + taken))

    def ended_by(self, failure: SpotifyError) -> SpotifyError:
        """The error to end with: what it says of the audience must be true for all that was done before."""
        if self.loss is not None:
            return self.loss
        whole = self._left_whole or self._sent == self._size
        return failures.after_the_last_byte(failure) if whole else failure

    def _end(self, failure: SpotifyError) -> SpotifyError:
        unexplained = self._unexplained and self._sent == self._size
        if unexplained and not isinstance(failure, UploadDataLoss):
            resumable = isinstance(failure, UploadIncomplete) and failure.resumable
            failure = failures.unconfirmed(failure.status, resumable=resumable)
        return self.ended_by(failure)
