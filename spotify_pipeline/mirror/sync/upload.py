"""Uploads a customer list, with a line in the journal before each write, and continues a broken upload."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

from spotify_pipeline.customer_list import Manifest, StoredFile
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import SESSION_OPEN, Phase, SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import CLOCKS_DIFFER_BY
from spotify_pipeline.spotify import (
    InvalidRequest,
    NotFound,
    OpenUpload,
    PermissionDenied,
    SpotifyAdsClient,
    SpotifyError,
    UploadDataLoss,
    UploadIncomplete,
    UploadProgress,
    UploadProof,
    UploadRefused,
    UploadTicket,
)

_log = logging.getLogger("spotify_pipeline.mirror")

OnProgress = Callable[[UploadProgress], None]


class ListUpload:
    """One list, on its way to one audience."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        wal: ListWriteAheadLog,
        spec: AudienceSpec,
        customer_list: StoredFile,
        manifest: Manifest,
        *,
        on_progress: OnProgress | None,
    ) -> None:
        self._client = client
        self._wal = wal
        self._spec = spec
        self._customer_list = customer_list
        self._manifest = manifest
        self._on_progress = on_progress
        self._renewals = 0
        self._continued_at = 0
        self.bytes_sent = 0
        """Bytes of the list put on the wire by this run, those sent again included."""

    def send(self, kind: WriteKind, audience_id: str | None = None) -> UploadProof:
        """Upload the list whole: what a run before left of an upload of this very list is continued.

        Args:
            kind: for a new audience, or to replace the list of one.
            audience_id: the audience whose list is replaced.
        """
        opened = self._left_open(kind, audience_id)
        renew = partial(self._ticket, kind, audience_id)
        if opened is None:
            upload = partial(self._client.upload, renew())
        else:
            _log.info("%s: a run before left an upload of this list open; it is continued.", self._spec.audience)
            upload = partial(self._client.resume_upload, opened)
        self._renewals = 0
        with self._failures_journalled():
            proof = upload(
                self._customer_list,
                size=self._manifest.bytes,
                crc32c=self._manifest.crc32c,
                md5=self._manifest.md5,
                renew=renew,
                on_open=self._wal.sending,
                on_progress=self._progressed,
                before_send=self._wal.refuse_overtaken,
                before_finish=partial(self._wal.finishing, self._manifest),
            )
        self.bytes_sent += proof.bytes_sent
        if opened is not None:
            self._wal.note(self._how_it_went_on(proof))
        return proof

    def _left_open(self, kind: WriteKind, audience_id: str | None) -> OpenUpload | None:
        """The session to continue, if a run before was sending this very list to the same audience."""
        begun, opened = self._wal.entry.unfinished, self._wal.session()
        if begun is None or begun.phase not in SESSION_OPEN:
            return None
        same_list = begun.holds(SentList.of(self._manifest))
        same_audience = begun.kind is kind and (audience_id is None or begun.audience_id == audience_id)
        if same_list and same_audience and opened is not None:
            self._wal.going_on(self._manifest)
            return opened
        if opened is not None:
            # A run that was stopped and overtaken may have nothing left to do but to send the last bytes.
            with suppress(SpotifyError):
                self._client.cancel_upload(opened)
        if same_list and same_audience:
            self._wal.note("An upload was broken off and its session is not known any more; it was begun again.")
        elif same_list:
            self._wal.note("An upload of this list to another audience was broken off, and dropped.")
        else:
            self._wal.note("An upload of another list was broken off, and dropped.")
        return None

    def _ticket(self, kind: WriteKind, audience_id: str | None) -> UploadTicket:
        self._renewals += 1
        self._wal.begin(
            Unfinished(
                kind=kind,
                phase=Phase.ASKING,
                audience_id=audience_id,
                list=SentList.of(self._manifest),
            )
        )
        if audience_id is None:
            ticket = self._client.new_upload(self._spec.ad_account_id)
            self._refuse_existing(ticket.audience_id)
        else:
            ticket = self._client.replacement_upload(self._spec.ad_account_id, audience_id)
        self._wal.opening(ticket.audience_id)
        return ticket

    def _refuse_existing(self, audience_id: str) -> None:
        """Refuse an upload for a new audience whose id is one that there is: its list would be replaced.

        Whether Spotify shows an id before it is created is not documented. What it might show then has no name yet, or
        this one's, and is no older than the upload.

        Raises:
            MirrorRefused: the audience is another. No byte was sent.
        """
        try:
            shown = self._client.audience(self._spec.ad_account_id, audience_id)
        except (NotFound, PermissionDenied, InvalidRequest):  # how an id that is no audience yet may be answered
            return
        begun = datetime.fromisoformat(self._wal.now()) - CLOCKS_DIFFER_BY
        if shown.name not in ("", self._spec.name) or (shown.created_at is not None and shown.created_at < begun):
            raise MirrorRefused(
                f"Spotify answered the call for a new upload with the id of an audience that there is ({audience_id}), "
                f"which is not the one of {self._spec.audience}. Nothing was sent. Something between this machine "
                "and Spotify may mix answers up. Run again; if it stays so, report it."
            )

    @contextmanager
    def _failures_journalled(self) -> Generator[None]:
        try:
            yield
        except UploadDataLoss as loss:
            loss.next_step = (
                "Treat the audience as suspect until a run ends well. Run again: the list is then sent whole, even if "
                "it is the one that Spotify accepted last. If it happens again, something between this machine and the "
                "storage changes what passes through it."
            )
            # Where that cannot be written, the entry still says unfinished, and what is unfinished is sent again.
            with suppress(HomeError, MirrorRefused):
                self._wal.give_up(suspect=True)
            raise
        except UploadRefused:
            self._wal.drop_session()
            raise
        except UploadIncomplete as failure:
            if not failure.resumable:
                self._wal.drop_session()
            raise

    def _progressed(self, progress: UploadProgress) -> None:
        if progress.remaining is None:  # nothing was sent by us yet: this is what the storage had
            self._continued_at = progress.stored
        if self._on_progress is not None:
            self._on_progress(progress)

    def _how_it_went_on(self, proof: UploadProof) -> str:
        if self._renewals:
            return "An upload that was broken off could not be continued, and was begun again."
        if proof.bytes_sent == 0:
            return "An upload that was broken off had arrived whole; no byte was sent again."
        return f"An upload that was broken off was continued at byte {self._continued_at:,}."
