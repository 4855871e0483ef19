"""Uploads a customer list to the storage that Spotify's signed URL names, and proves that it arrived.

The protocol is in :mod:`.state_machine`, its requests and the loop in :mod:`.driver`, the file in :mod:`.source_file`.
"""

from __future__ import annotations

import random as randomness
import time
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from spotify_pipeline.retries import UPLOAD_REQUEST, UPLOAD_SESSION_AGE
from spotify_pipeline.spotify.errors import UploadIncomplete
from spotify_pipeline.spotify.transport import HttpClient
from spotify_pipeline.spotify.upload.driver import StorageRequests, UploadDriver, UploadHooks, UploadTiming
from spotify_pipeline.spotify.upload.models import OpenUpload, UploadProof, UploadTicket
from spotify_pipeline.spotify.upload.source_file import ListObject, SourceFile, open_source_file
from spotify_pipeline.spotify.upload.state_machine import ResumableUpload
from spotify_pipeline.spotify.upload_hosts import UploadHosts


class Uploader:
    """Uploads over one HTTP client, which sends no authentication, cookie or header of Spotify's."""

    def __init__(
        self,
        http: HttpClient,
        hosts: UploadHosts,
        *,
        chunk_bytes: int | None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
        time_limit: float = UPLOAD_REQUEST.within,
    ) -> None:
        """
        Args:
            http: for the storage alone.
            hosts: that a signed URL or a session may name.
            chunk_bytes: of one request, a multiple of 256 KiB; None sends a file in one request.
            clock: seconds since the epoch, for the age of a session and a ``Retry-After`` that is a date.
            monotonic: seconds that setting the clock does not change, for the time limit and the rate.
            sleep, random: for pauses; random from 0 to 1.
            time_limit: seconds that one upload may take, pauses included.
        """
        self._http = http
        self._hosts = hosts
        self._chunk_bytes = chunk_bytes
        self._clock = clock
        self._pacing = UploadTiming(clock=clock, monotonic=monotonic, sleep=sleep, random=random, time_limit=time_limit)

    def upload(
        self,
        ticket: UploadTicket,
        file: Path | ListObject,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Send ``file``, and return the proof that it arrived. An interrupted upload is resumed where it broke off.

        Args:
            ticket: of :meth:`SpotifyAdsClient.new_upload` or ``replacement_upload``; good for one upload.
            file: the customer list.
            size: its number of bytes when it was built.
            crc32c: its CRC32C then, base64 of the big-endian bytes; the sent bytes are checked against it.
            md5: its MD5 then, base64, if known; the storage's is compared with it.
            hooks: see :class:`UploadHooks`.

        Raises:
            UploadRefused: one of our checks, or the storage, rejects it.
            UploadDataLoss: the storage holds something else than was sent; the audience is suspect.
            UploadIncomplete: sending began, and the arrival is not proven.
            SpotifyUnavailable: the storage could not be reached to start.
            UntrustedServer: the storage's certificate is not valid.
        """
        with open_source_file(file, size=size, crc32c=crc32c) as outgoing:
            return self._run(ticket, outgoing, md5, hooks)

    def resume(
        self,
        opened: OpenUpload,
        file: Path | ListObject,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Resume a session that an earlier process opened, from the byte that the storage needs next.

        A session that is over six days old, or for another list, is not used; ``renew`` gives a ticket instead.

        Raises:
            UploadIncomplete: the session cannot be used and there is no ``renew``; else as for :meth:`upload`.
        """
        with open_source_file(file, size=size, crc32c=crc32c) as outgoing:
            if self._usable(opened, outgoing):
                return self._run(opened, outgoing, md5, hooks)
            renew = hooks.get("renew")
            if renew is None:
                raise UploadIncomplete("The unfinished upload is too old to resume, or is of another list.")
            return self._run(renew(), outgoing, md5, hooks)

    def cancel(self, opened: OpenUpload) -> None:
        """Give up a session that an earlier process opened: bytes that it still sends complete nothing.

        Nothing is retried, and any answer counts: the session may have ended.

        Raises:
            UploadRefused: its address is not allowed.
            SpotifyUnavailable: the storage was not reached.
        """
        session = self._hosts.check(opened.uri.reveal(), what="The upload session")
        StorageRequests(self._http, opened.size).cancel(session)

    def _usable(self, opened: OpenUpload, outgoing: SourceFile) -> bool:
        age = abs(self._clock() - opened.opened_at)  # a clock that was set back makes it negative
        return age < UPLOAD_SESSION_AGE.within and (opened.size, opened.crc32c) == (outgoing.size, outgoing.crc32c)

    def _run(
        self, at: UploadTicket | OpenUpload, outgoing: SourceFile, md5: str | None, hooks: UploadHooks
    ) -> UploadProof:
        machine = ResumableUpload(
            size=outgoing.size,
            crc32c=outgoing.crc32c,
            md5=md5,
            chunk_bytes=self._chunk_bytes,
            resumes=isinstance(at, OpenUpload),
        )
        requests = StorageRequests(self._http, outgoing.size)
        loop = UploadDriver(
            at, machine, outgoing, requests=requests, hosts=self._hosts, hooks=hooks, pacing=self._pacing
        )
        return loop.run()
