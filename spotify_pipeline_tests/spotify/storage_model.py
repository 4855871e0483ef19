"""A model of a resumable upload session at Google's storage, which keeps the rules or breaks one of them on demand.

It answers the steps of the state machine with :class:`Response`, in small numbers of bytes and without HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from spotify_pipeline.spotify.transport import Response
from spotify_pipeline.spotify.upload.state_machine import AskStatus, SendRange
from spotify_pipeline_tests.spotify.uploads import hashes

SESSION_URI = "https://storage.googleapis.com/o?upload_id=1"


@dataclass
class Heard:
    """What the client gets to see of one request: an answer or none, after so many bytes were handed over."""

    answer: Response | None
    taken: int = 0


@dataclass
class StorageModel:
    """One object at a time. ``stored`` are the bytes of the session, ``finished`` says that they are an object."""

    size: int
    stored: bytes = b""
    finished: bool = False
    gone: bool = False
    sessions: int = 0
    high: int = 0  # no byte at or behind this offset ever came to this session
    said: int = 0  # the offset that the last answer made the client go on from
    log: list[str] = field(default_factory=list)

    def start(self) -> Response:
        self.stored, self.finished, self.gone = b"", False, False
        self.high = self.said = 0
        self.sessions += 1
        return Response(201, {"location": SESSION_URI}, b"")

    def put(self, step: SendRange, body: bytes) -> Response:
        """Take a range, as far as it touches what is stored."""
        if self.gone:
            return Response(410, {}, b"")
        if self.finished:
            return self.stand()
        self.high = max(self.high, step.first + len(body))
        if step.first > len(self.stored):
            return Response(503, {}, b"upload offset exceeds already uploaded size")
        self.stored += body[len(self.stored) - step.first :]
        self.finished = len(self.stored) == self.size
        return self.stand()

    def ask(self) -> Response:
        if self.gone:
            return Response(410, {}, b"")
        self.finished = self.finished or len(self.stored) == self.size
        return self.stand()

    def stand(self) -> Response:
        if self.finished:
            length = {"x-goog-stored-content-length": str(len(self.stored))}
            return Response(200, {**length, "x-goog-hash": hashes(self.stored)}, b"")
        self.said = len(self.stored)
        return resume(self.said)

    def answer(self, step: SendRange | AskStatus, body: bytes) -> Response:
        return self.put(step, body) if isinstance(step, SendRange) else self.ask()


def resume(stored: int) -> Response:
    return Response(308, {"range": f"bytes=0-{stored - 1}"} if stored else {}, b"")


Fault = Callable[[StorageModel, SendRange | AskStatus, bytes], Heard]


def status(code: int, **headers: str) -> Fault:
    return lambda *_: Heard(Response(code, headers, b""))


def not_reached(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    return Heard(None)


def half_arrives(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    half = body[: len(body) // 2]
    model.answer(step, half)
    return Heard(None, len(half))


def answer_lost(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    model.answer(step, body)
    return Heard(None, len(body))


def error_though_done(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    model.answer(step, body)
    return Heard(Response(503, {}, b""), len(body))


def partly_kept(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    if not isinstance(step, SendRange):
        return Heard(model.ask())
    return Heard(model.put(step, body[: (len(body) + 1) // 2]), len(body))


def nothing_kept(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    return Heard(model.answer(step, b"")) if isinstance(step, AskStatus) else Heard(model.put(step, b""), len(body))


def no_range(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    answer = model.answer(step, body)
    if answer.status == 308 and isinstance(step, SendRange):
        answer = Response(308, {}, b"")
    return Heard(answer, len(body))


def loses_all(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    if not model.finished:
        model.stored = b""
    return Heard(model.answer(step, body), len(body))


def garbled_range(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    answer = model.answer(step, body)
    return Heard(Response(308, {"range": "bytes=5-9"}, b"") if answer.status == 308 else answer, len(body))


def acknowledges_too_much(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    answer = model.answer(step, body)
    return Heard(resume(model.high + 1) if answer.status == 308 else answer, len(body))


def override(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    answer = model.answer(step, body)
    if answer.status == 308:
        answer = Response(200, {**answer.headers, "x-http-status-code-override": "308"}, b"")
    return Heard(answer, len(body))


def ends_here(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    model.answer(step, body)
    model.finished = not model.gone
    return Heard(model.stand() if model.finished else Response(410, {}, b""), len(body))


def flips_a_bit(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    return Heard(model.answer(step, bytes([body[0] ^ 1]) + body[1:] if body else b""), len(body))


def silent(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    answer = model.answer(step, body)
    return Heard(Response(200, {}, b'{"size": "') if answer.status == 200 else answer, len(body))


def sign_in_page(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    return Heard(Response(200, {"content-type": "text/html"}, b"<html>Sign in</html>"), len(body))


def session_dies(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    model.gone = True
    return Heard(model.answer(step, body))


def answers_early(model: StorageModel, step: SendRange | AskStatus, body: bytes) -> Heard:
    return Heard(Response(503, {}, b""), len(body) // 3)


SURVIVABLE: dict[str, Fault] = {
    "F04 not reached": not_reached,
    "F04 half arrives": half_arrives,
    "F05 error though stored": error_though_done,
    "F05 answers early": answers_early,
    "F06 partly kept": partly_kept,
    "F06 nothing kept": nothing_kept,
    "F07 no range": no_range,
    "F09 loses all": loses_all,
    "F11 answer lost": answer_lost,
    "F12 silent": silent,
    "F16 session dies": session_dies,
    "F18 429": status(429),
    "F21 200 for 308": override,
    "F23 garbled range": garbled_range,
    "F26 a bit flips": flips_a_bit,
    "F32 sign-in page": sign_in_page,
}
FATAL: dict[str, Fault] = {
    "F08 acknowledges too much": acknowledges_too_much,
    "F14 ends here": ends_here,
    "F19 403": status(403),
    "F22 redirect": status(308, location="https://example.com/"),
    "204": status(204),
}
FAULTS = {**SURVIVABLE, **FATAL}
