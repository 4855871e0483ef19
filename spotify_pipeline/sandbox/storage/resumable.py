"""Upload sessions: where their bytes go as they arrive, and how an object is finished.

Bytes are written to the session's file the moment they come, so a cut connection loses none of the whole 256 KiB
quanta before it. The file's length is the only record of progress: it cannot disagree with the bytes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import google_crc32c
from starlette.concurrency import run_in_threadpool

from spotify_pipeline.sandbox.http import committed
from spotify_pipeline.sandbox.storage.responses import StoreRefusal
from spotify_pipeline.sandbox.store import (
    ReceivedList,
    SandboxState,
    SessionState,
    Upload,
    UploadSession,
    secret_digest,
)

_HASHED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class _Proof:
    size: int
    crc32c: str
    md5: str
    sha256: str


class UploadSessions:
    """All sessions of one sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._writers: dict[str, object] = {}
        self._finishing: dict[str, asyncio.Event] = {}

    def start(self, upload: Upload) -> str:
        """Open a session for an object and return its secret, Google's ``upload_id``.

        Sessions older than a week are dropped now: a client that gave one up never asks for it again.
        """
        self._drop_expired()
        secret = secrets.token_urlsafe(120)
        session = UploadSession(id=secret_digest(secret), upload_id=upload.id, created_at=self._state.clock.now())
        os.close(os.open(self._file(session), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        self._state.sessions.put(session)
        return secret

    async def find(self, secret: str, object_name: str) -> UploadSession:
        """The session with this secret, once no other request is finishing it.

        Raises:
            StoreRefusal: 404 for an unknown one, 404 when it is older than a week, 410 when it was cancelled.
        """
        finishing = self._finishing.get(secret_digest(secret))
        if finishing is not None:
            await finishing.wait()
        session = self._state.sessions.get(secret_digest(secret))
        if session is None or session.upload_id != object_name:
            raise _no_such_upload()
        if self._expired(session):
            self._state.forget_session(session.id)
            raise _no_such_upload()
        if session.state is SessionState.CANCELLED:
            raise StoreRefusal(410, "Gone", "The upload session is no longer available.")
        return session

    def stored(self, session: UploadSession) -> int:
        """How many bytes of an unfinished session count.

        Raises:
            StoreRefusal: 404 when its bytes are gone, as its audience was deleted or the sandbox reset meanwhile.
        """
        try:
            return committed(self._file(session).stat().st_size)
        except FileNotFoundError:
            raise _no_such_upload() from None

    async def take(self, session: UploadSession, first: int, end: int | None, body: AsyncIterator[bytes]) -> int:
        """Write a body whose first byte has offset ``first``, and return the offset after its last byte.

        Bytes that are stored already are read past. ``end`` is the offset the body may not pass. A newer request on
        the same session takes over; the older one is refused.

        Raises:
            StoreRefusal: the body is too long, the object exceeds the limit, or a newer request took over.
        """
        limit = self._state.config.maximum_object_bytes
        stored = self.stored(session)
        writer = self._writers[session.id] = object()
        position = first
        with self._file(session).open("r+b", buffering=0) as file:
            file.truncate(stored)
            file.seek(stored)
            async for piece in body:
                if self._writers.get(session.id) is not writer:
                    raise StoreRefusal(503, "ServiceUnavailable", "Another request continues this upload.")
                if end is not None and position + len(piece) > end:
                    raise StoreRefusal(400, "InvalidArgument", "The body is longer than announced.")
                if position + len(piece) > limit:
                    raise too_large(limit)
                fresh = piece[max(0, stored - position) :]
                position += len(piece)
                if fresh:
                    file.write(fresh)
        return position

    async def finish(self, session: UploadSession) -> ReceivedList:
        """Turn a session's bytes into a received list. Requests that come meanwhile wait for the end of it.

        Raises:
            StoreRefusal: 404 when the upload or its bytes are gone, as its audience was deleted meanwhile.
        """
        done = self._finishing[session.id] = asyncio.Event()
        try:
            proof = await run_in_threadpool(_proof_of, self._file(session))
            return self._receive(session, proof)
        except FileNotFoundError:
            raise _no_such_upload() from None
        finally:
            del self._finishing[session.id]
            self._writers.pop(session.id, None)
            done.set()

    def cancel(self, session: UploadSession) -> None:
        """Give up a session and its bytes."""
        self._writers.pop(session.id, None)
        self._file(session).unlink(missing_ok=True)
        self._state.sessions.put(replace(session, state=SessionState.CANCELLED))

    def _receive(self, session: UploadSession, proof: _Proof) -> ReceivedList:
        upload = self._state.uploads.get(session.upload_id)
        if upload is None:
            self._state.forget_session(session.id)
            raise _no_such_upload()
        now = self._state.clock.now()
        received = ReceivedList(
            id=str(uuid.uuid4()),
            upload_id=upload.id,
            audience_id=upload.audience_id,
            replacement=upload.replacement,
            completed_at=now,
            size=proof.size,
            crc32c=proof.crc32c,
            md5=proof.md5,
            sha256=proof.sha256,
            list_format=self._state.list_format,
        )
        self._file(session).rename(self._state.list_file(received.id))
        self._state.received_lists.put(received)
        self._state.sessions.put(replace(session, state=SessionState.COMPLETE, received_list_id=received.id))
        audience = self._state.audiences.get(upload.audience_id)
        if audience is not None:
            self._state.audiences.put(replace(audience, updated_at=now))
        return received

    def _expired(self, session: UploadSession) -> bool:
        age = (self._state.clock.now() - session.created_at).total_seconds()
        return age >= self._state.config.session_seconds

    def _drop_expired(self) -> None:
        for file in list(self._state.sessions_directory.iterdir()):
            session = self._state.sessions.get(file.name)
            if session is not None and self._expired(session):
                self._state.forget_session(session.id)

    def _file(self, session: UploadSession) -> Path:
        return self._state.session_file(session.id)


def too_large(limit: int) -> StoreRefusal:
    """The object would exceed the limit (Spotify's is said to be 1 GiB)."""
    return StoreRefusal(400, "EntityTooLarge", f"Your proposed upload exceeds the maximum of {limit} bytes.")


def _no_such_upload() -> StoreRefusal:
    return StoreRefusal(404, "NoSuchUpload", "The requested upload was not found.")


def _proof_of(path: Path) -> _Proof:
    checksum = google_crc32c.Checksum()
    md5 = hashlib.md5(usedforsecurity=False)
    sha256 = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_HASHED_AT_ONCE):
            checksum.update(block)
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return _Proof(
        size=size,
        crc32c=base64.b64encode(checksum.digest()).decode(),
        md5=base64.b64encode(md5.digest()).decode(),
        sha256=sha256.hexdigest(),
    )
