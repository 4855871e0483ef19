"""Makes an audience at Spotify equal to a customer list.

Spotify only replaces whole lists and reports no errors in a file. So everything is checked before: the file against
its manifest, the list against the one before, which audience is ours. A new audience is uploaded first and then
created with the id that came with the upload URL; an existing one is replaced by uploading to it, with no other call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from spotify_pipeline.customer_list import Manifest, StoredFile
from spotify_pipeline.mirror.guards import Judge
from spotify_pipeline.mirror.journal import Journal
from spotify_pipeline.mirror.receipts import RunEvidence
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.decision import SendDecision
from spotify_pipeline.mirror.sync.result import MirrorOutcome
from spotify_pipeline.mirror.sync.run import MirrorRun
from spotify_pipeline.mirror.sync.stale_state import Checkpoint, StaleStateCheck
from spotify_pipeline.mirror.sync.upload import OnProgress
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import Also
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.retries import AUDIENCE_HELD
from spotify_pipeline.spotify import SpotifyAdsClient


class AudienceMirror:
    """Mirrors customer lists through one signed-in client, remembering in one journal."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        journal: Journal,
        *,
        ledger: ErasureLedger | None = None,
        checkpoint: Checkpoint | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        wait: float = AUDIENCE_HELD.within,
    ) -> None:
        """
        Args:
            client: signed in.
            journal: of this project.
            ledger: of those who asked to be forgotten; where it is given, one that is older than what was sent holds
                lists back.
            checkpoint: what is known elsewhere of what was sent; where it knows more than the journal, lists are held
                back.
            clock: seconds since the epoch, for the journal.
            sleep: for the pauses between looks at Spotify, and at another run that is waited for.
            wait: seconds to wait for another run of the same audience to end, at most.
        """
        self._client = client
        self._journal = journal
        self._ledger = ledger
        self._checkpoint = checkpoint
        self._clock = clock
        self._sleep = sleep
        self._wait = wait

    def mirror(
        self,
        spec: AudienceSpec,
        customer_list: StoredFile,
        manifest: Manifest,
        *,
        guard: Judge,
        max_age: timedelta | None = None,
        evidence: RunEvidence | None = None,
        trace_ids: Callable[[], Sequence[str]] = tuple,
        on_progress: OnProgress | None = None,
        keys: Sequence[str] = (),
        on_accept: Sequence[Also] = (),
    ) -> MirrorOutcome:
        """Make the audience equal to the list in ``customer_list``.

        What an earlier run left half done is found and finished first. Call it again after any error.

        Args:
            spec: which audience.
            customer_list: the file.
            manifest: what describes it.
            guard: decides whether it may be sent, while the audience is locked, before any call to Spotify.
            max_age: a list that Spotify was last proven to hold longer ago than this is sent again, also unchanged.
            evidence: what the receipt is to say besides.
            trace_ids: the trace ids of Spotify's answers to this run so far, for the receipts.
            on_progress: is told how far the upload is.
            keys: in the journal, of all audiences that the list is sent to, where it is a part of one.
            on_accept: done in the transaction that says that Spotify holds this list, with its receipt.

        Raises:
            GuardBlocked: the guard says no, or failed. Nothing was changed at Spotify.
            MirrorRefused: the list must not be sent, the audience is not ours to replace, or another run has it.
                Nothing was replaced by this run, unless the message says that the list was sent or has arrived.
            CustomerListError: the file is not the one the manifest describes. Nothing was written.
            HomeError: the journal cannot be written, so the write to Spotify that it was for was not made; or the
                message says that the list has arrived.
            JournalError: the journal cannot be read. Nothing was written.
            SpotifyError: Spotify refused or was not reached. A list half uploaded changes no audience.
        """
        with self._journal.lease(spec.audience, spec.ad_account_id, wait=self._wait, sleep=self._sleep) as fence:
            stale_state = StaleStateCheck(
                journal=self._journal,
                ad_account_id=spec.ad_account_id,
                ledger=self._ledger,
                checkpoint=self._checkpoint,
            )
            wal = ListWriteAheadLog(self._journal, fence, spec, self._clock, on_accept=on_accept)
            wal.continue_behind(stale_state.newest_number(spec.audience))
            wal.trace_ids = trace_ids
            run = MirrorRun(
                self._client,
                wal,
                spec,
                customer_list,
                manifest,
                decision=SendDecision(guard, spec, manifest, stale_state=stale_state, keys=keys or (spec.audience,)),
                stale_state=stale_state,
                max_age=max_age,
                evidence=evidence or {},
                sleep=self._sleep,
                on_progress=on_progress,
            )
            return run.carry_out()
