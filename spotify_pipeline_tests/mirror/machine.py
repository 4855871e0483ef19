"""A machine that mirrors one audience to a fake Spotify."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Journal, JournalEntry, MirrorOutcome, ReceiptBook
from spotify_pipeline.spotify import OpenUpload
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, QUANTUM, FakeSpotify
from spotify_pipeline_tests.state_edits import keep, lose

SPEC = AudienceSpec(
    audience="lapsed",
    name="Lapsed subscribers",
    description="Cancelled in the last 90 days",
    ad_account_id=AD_ACCOUNT,
)
THREE_CHUNKS = range(10_000)
"""So many people make a list of 650,016 bytes: two chunks of 256 KiB and a part of one."""

Listed = tuple[Path, Manifest]


class Machine:
    """Its state and its tokens are in ``folder``; time is the fake's."""

    def __init__(
        self,
        folder: Path,
        spotify: FakeSpotify,
        *,
        chunk_bytes: int | None = QUANTUM,
        state: StateStore | None = None,
    ) -> None:
        self.folder = folder
        self.spotify = spotify
        self.client = spotify.client(folder, chunk_bytes=chunk_bytes)
        self.state = state or StateStore.in_home(folder)
        self.journal = Journal(self.state)

    def mirror(self, listed: Listed, spec: AudienceSpec = SPEC, *, approved: bool = False) -> MirrorOutcome:
        guard = Allow(listed[1], spec.ad_account_id, min_rows=ENOUGH, approved=approved)
        return self.mirroring.mirror(spec, *listed, guard=guard)

    @property
    def mirroring(self) -> AudienceMirror:
        time = self.spotify.time
        return AudienceMirror(self.client, self.journal, clock=time, sleep=time.sleep, wait=0)

    @property
    def receipts(self) -> ReceiptBook:
        return ReceiptBook(self.state)

    @property
    def entry(self) -> JournalEntry:
        return self.journal.read(SPEC.audience, AD_ACCOUNT)

    @property
    def session(self) -> OpenUpload | None:
        return self.journal.session(SPEC.audience, AD_ACCOUNT)

    def keep(self, entry: JournalEntry) -> None:
        """Put another entry in the place of its own."""
        keep(self.journal, SPEC.audience, entry)

    def lose_lock(self) -> None:
        """Remove the files of locks, as somebody may: another run then takes the lease while one is under way."""
        for file in (self.folder / "locks").iterdir():
            file.unlink()

    def lose_journal(self) -> None:
        """Delete its entry; its receipts stay."""
        lose(self.journal, SPEC.audience, AD_ACCOUNT)
