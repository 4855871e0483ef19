"""A run's own page of the journal: what it knows, what it writes before each write to Spotify, what it found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.journal import Journal
from spotify_pipeline.mirror.journal_entry import SESSION_OPEN, JournalEntry, Phase, SentList, Unfinished
from spotify_pipeline.mirror.lease import Lease
from spotify_pipeline.mirror.refusal import MirrorRefused, older_list
from spotify_pipeline.mirror.saved_session import save_session, saved_session
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import OpenUpload

_log = logging.getLogger("spotify_pipeline.mirror")


class Record:
    """The entry of one audience, read when its lease was taken, and written only while the lease is held.

    Every method that writes returns once the line is durable, and raises instead if that cannot be had, so that the
    write to Spotify that was to follow is not made:

        HomeError: the disk is full, or the directory cannot be written.
        MirrorRefused: another run has taken the audience over.
    """

    def __init__(self, journal: Journal, lease: Lease, target: AudienceTarget, clock: Callable[[], float]) -> None:
        self._journal = journal
        self._lease = lease
        self._target = target
        self._clock = clock
        self._session_file = journal.session_file(target.audience, target.ad_account_id)
        self._findings: list[str] = []
        self.entry = journal.read(target.audience, target.ad_account_id)

    @property
    def findings(self) -> str | None:
        """What the run found left half done and how it went on, or None where there was nothing."""
        return " ".join(self._findings) or None

    def found(self, sentence: str) -> None:
        """Remember a finding, and say it in the log."""
        self._findings.append(sentence)
        _log.info("%s: %s", self._target.audience, sentence)

    def write(self, entry: JournalEntry) -> None:
        """Make ``entry`` what is known."""
        self._lease.require()
        self._journal.write(self._target.audience, entry)
        self.entry = entry

    def begin(self, unfinished: Unfinished) -> None:
        """Before an upload URL is asked for."""
        self.write(replace(self.entry, unfinished=replace(unfinished, begun_at=self._now())))

    def opening(self, audience_id: str) -> None:
        """Before an upload session is asked for; ``audience_id`` came with the upload URL."""
        begun = self._begun()
        known = begun.audience_id or audience_id
        self.write(replace(self.entry, unfinished=replace(begun, phase=Phase.OPENING, audience_id=known)))

    def sending(self, opened: OpenUpload) -> None:
        """Before the first byte of the list is sent."""
        self._lease.require()
        save_session(self._session_file, opened)
        self.write(replace(self.entry, unfinished=replace(self._begun(), phase=Phase.SENDING)))

    def finishing(self, manifest: Manifest) -> None:
        """Before the bytes are sent that complete the list: the last moment at which nothing has changed at Spotify.

        Raises:
            MirrorRefused: a newer list has been accepted since this run began, or another run has taken over.
        """
        self._lease.require()
        self.refuse_older(manifest, self._journal.read(self._target.audience, self._target.ad_account_id))
        if self._begun().phase is not Phase.FINISHING:
            self.write(replace(self.entry, unfinished=replace(self._begun(), phase=Phase.FINISHING)))

    def creating(self, audience_id: str) -> None:
        """Before an audience is asked to be created, each time."""
        begun = self._begun()
        if begun.phase is Phase.CREATING:
            asked = replace(begun, attempt=begun.attempt + 1)
        else:
            asked = replace(begun, phase=Phase.CREATING, audience_id=audience_id, begun_at=self._now())
        named = replace(asked, name=self._target.name, description=self._target.full_description)
        self.write(replace(self.entry, unfinished=named))

    def editing(self) -> None:
        """Before name or description are changed."""
        self.write(replace(self.entry, edit_begun_at=self._now()))

    def accept(self, audience_id: str, sent: SentList) -> None:
        """After it is proven that Spotify holds ``sent`` in ``audience_id``; never before."""
        self.write(self.entry.accepting(audience_id, sent))
        self.drop_session()

    def give_up(self, *, suspect: bool = False) -> None:
        """What was begun is not gone on with."""
        self.write(replace(self.entry, unfinished=None, suspect=suspect or self.entry.suspect))
        self.drop_session()

    def session(self) -> OpenUpload | None:
        """The upload session that a run before left open, if it was sending to it."""
        begun = self.entry.unfinished
        return saved_session(self._session_file) if begun is not None and begun.phase in SESSION_OPEN else None

    def drop_session(self) -> None:
        """Forget the session, unless it may be another run's by now."""
        if self._lease.held:
            self._session_file.unlink(missing_ok=True)

    @staticmethod
    def refuse_older(manifest: Manifest, entry: JournalEntry) -> None:
        """Raise MirrorRefused for a list that is older than what Spotify has or may have."""
        reason = older_list(manifest, entry)
        if reason is not None:
            raise MirrorRefused(reason)

    def _begun(self) -> Unfinished:
        assert self.entry.unfinished is not None, "a write begins with begin()"  # noqa: S101
        return self.entry.unfinished

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()
