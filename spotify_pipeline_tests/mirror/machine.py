"""A machine that mirrors one audience to a fake Spotify."""

from __future__ import annotations

from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Journal, JournalEntry, MirrorOutcome, ReceiptBook
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH
from spotify_pipeline_tests.mirror.fake_spotify import AD_ACCOUNT, QUANTUM, FakeSpotify

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
    """Its journal and its tokens are in ``folder``; time is the fake's."""

    def __init__(self, folder: Path, spotify: FakeSpotify, *, chunk_bytes: int | None = QUANTUM) -> None:
        self.folder = folder
        self.spotify = spotify
        self.client = spotify.client(folder, chunk_bytes=chunk_bytes)
        self.journal = Journal(folder / "journal")

    def mirror(self, listed: Listed, spec: AudienceSpec = SPEC, *, approved: bool = False) -> MirrorOutcome:
        guard = Allow(listed[1], spec.ad_account_id, min_rows=ENOUGH, approved=approved)
        return self.mirroring.mirror(spec, *listed, guard=guard)

    @property
    def mirroring(self) -> AudienceMirror:
        time = self.spotify.time
        return AudienceMirror(self.client, self.journal, clock=time, sleep=time.sleep, wait=0)

    @property
    def receipts(self) -> ReceiptBook:
        return ReceiptBook.beside(self.journal)

    @property
    def entry(self) -> JournalEntry:
        return self.journal.read(SPEC.audience, AD_ACCOUNT)

    @property
    def journal_file(self) -> Path:
        return self.folder / "journal" / AD_ACCOUNT / "lapsed.json"

    @property
    def session_file(self) -> Path:
        return self.folder / "journal" / AD_ACCOUNT / "lapsed.session"
