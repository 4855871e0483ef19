"""Makes an audience at Spotify equal to a customer list.

Spotify offers full replacement only and reports no errors in a file, so everything that can be known beforehand is
checked beforehand: the file against its manifest, the number of rows, which audience is ours. Then a new audience is
uploaded first and created with the id that the upload answered (Spotify's order); an existing one is replaced by
uploading to it, with no further call.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.journal import Journal
from spotify_pipeline.mirror.list_sender import OnProgress
from spotify_pipeline.mirror.mirror_run import MirrorRun
from spotify_pipeline.mirror.outcome import MirrorOutcome
from spotify_pipeline.mirror.record import Record
from spotify_pipeline.mirror.refusal import MirrorRefused, too_few_rows
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import SpotifyAdsClient

WAIT_FOR_OTHERS = 15 * 60.0


class AudienceMirror:
    """Mirrors customer lists through one signed-in client, remembering in one journal."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        journal: Journal,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        wait: float = WAIT_FOR_OTHERS,
    ) -> None:
        """
        Args:
            client: signed in.
            journal: of this machine.
            clock: seconds since the epoch, for the journal.
            sleep: for the pauses between looks at Spotify, and at another run that is waited for.
            wait: seconds to wait for another run of the same audience to end, at most.
        """
        self._client = client
        self._journal = journal
        self._clock = clock
        self._sleep = sleep
        self._wait = wait

    def mirror(
        self,
        target: AudienceTarget,
        customer_list: Path,
        manifest: Manifest,
        *,
        min_rows: int,
        on_progress: OnProgress | None = None,
    ) -> MirrorOutcome:
        """Make the target audience equal to the list in ``customer_list``.

        What a run before left half done is found out and gone on with first. Call it again after any error.

        Args:
            target: which audience.
            customer_list: the file.
            manifest: what describes it.
            min_rows: fewer are not sent.
            on_progress: is told how far the upload is.

        Raises:
            MirrorRefused: the list must not be sent, the audience is not ours to replace, or another run has it.
                Nothing was replaced by this run, unless the message says that the list was sent or has arrived.
            CustomerListError: the file is not the one the manifest describes. Nothing was written.
            HomeError: the journal cannot be written, so the write to Spotify that it was for was not made; or the
                message says that the list has arrived.
            JournalError: the journal cannot be read. Nothing was written.
            SpotifyError: Spotify refused or was not reached. A list half uploaded changes no audience.
        """
        reason = too_few_rows(manifest, min_rows)
        if reason is not None:
            raise MirrorRefused(reason)
        with self._journal.lease(target.audience, target.ad_account_id, wait=self._wait, sleep=self._sleep) as lease:
            record = Record(self._journal, lease, target, self._clock)
            run = MirrorRun(
                self._client, record, target, customer_list, manifest, sleep=self._sleep, on_progress=on_progress
            )
            return run.carry_out()
