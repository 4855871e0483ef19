"""Sends a customer list to the storage that a signed URL of Spotify's names, and proves that it arrived.

The protocol is in :mod:`.resumable_upload`, its requests in :mod:`.storage_requests`, what drives them in
:mod:`.upload_loop`, the file in :mod:`.open_source_file`.
"""

from __future__ import annotations

import random as dice
import time
from collections.abc import Callable
from pathlib import Path
from typing import Unpack

from spotify_pipeline.spotify.errors import UploadIncomplete
from spotify_pipeline.spotify.transport import HttpClient
from spotify_pipeline.spotify.upload.driver import StorageRequests, UploadDriver, UploadHooks, UploadTiming
from spotify_pipeline.spotify.upload.models import OpenUpload, UploadProof, UploadTicket
from spotify_pipeline.spotify.upload.source_file import SourceFile, open_source_file
from spotify_pipeline.spotify.upload.state_machine import ResumableUpload
from spotify_pipeline.spotify.upload_hosts import UploadHosts

TIME_LIMIT = 6 * 3600.0
OLDEST_SESSION = 6 * 86_400.0  # Google keeps a session for a week; a day is left for the upload itself


class Uploader:
    """Uploads over one HTTP client, which brings no authentication, cookie or header of Spotify's."""

    def __init__(
        self,
        http: HttpClient,
        hosts: UploadHosts,
        *,
        chunk_bytes: int | None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = dice.random,
        time_limit: float = TIME_LIMIT,
    ) -> None:
        """
        Args:
            http: for the storage alone.
            hosts: that a signed URL or a session may lead to.
            chunk_bytes: of one request, a multiple of 256 KiB; None sends a file in one request.
            clock: seconds since the epoch, for the age of a session and a ``Retry-After`` that is a date.
            monotonic: seconds that no setting of the clock moves, for the time limit and the rate.
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
        file: Path,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Send ``file``, and return what proves its arrival. What breaks off on the way is taken up where it broke.

        Args:
            ticket: of :meth:`SpotifyAdsClient.new_upload` or ``replacement_upload``; good for one upload.
            file: the customer list.
            size: its bytes, as they were when it was built.
            crc32c: its CRC32C then, base64 of the big-endian bytes; what is sent is checked against it.
            md5: its MD5 then, base64, where it is known; the storage's is compared with it.
            hooks: see :class:`UploadHooks`.

        Raises:
            UploadRefused: a check of ours, or the storage, says no.
            UploadDataLoss: the storage holds something else than was sent; the audience is suspect.
            UploadIncomplete: the file was on its way and its arrival is not proven.
            SpotifyUnavailable: the storage could not be reached to begin.
            UntrustedServer: the storage's certificate is not valid.
        """
        with open_source_file(file, size=size, crc32c=crc32c) as outgoing:
            return self._run(ticket, outgoing, md5, hooks)

    def resume(
        self,
        opened: OpenUpload,
        file: Path,
        *,
        size: int,
        crc32c: str,
        md5: str | None = None,
        **hooks: Unpack[UploadHooks],
    ) -> UploadProof:
        """Go on with a session that an earlier process opened, from the byte that the storage asks for next.

        A session that is over six days old, or for another list, is left alone, and ``renew`` asked for a ticket.

        Raises:
            UploadIncomplete: the session cannot be used and there is no ``renew``; else as of :meth:`upload`.
        """
        with open_source_file(file, size=size, crc32c=crc32c) as outgoing:
            if self._usable(opened, outgoing):
                return self._run(opened, outgoing, md5, hooks)
            renew = hooks.get("renew")
            if renew is None:
                raise UploadIncomplete("The upload that was begun is too old to go on with, or was of another list.")
            return self._run(renew(), outgoing, md5, hooks)

    def _usable(self, opened: OpenUpload, outgoing: SourceFile) -> bool:
        age = abs(self._clock() - opened.opened_at)  # a clock that was set back makes it negative
        return age < OLDEST_SESSION and (opened.size, opened.crc32c) == (outgoing.size, outgoing.crc32c)

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
