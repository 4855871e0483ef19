"""A run's own page of the journal: what it knows, what it writes before each write to Spotify, what it found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.journal import Journal
from spotify_pipeline.mirror.journal_entry import JournalEntry, Phase, SentList, Unfinished
from spotify_pipeline.mirror.lease import Lease
from spotify_pipeline.mirror.refusal import MirrorRefused, from_the_future, older_list
from spotify_pipeline.mirror.saved_session import forget_session, remove_leftovers, save_session, saved_session
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import OpenUpload

LANDS_WITHIN = timedelta(minutes=15)
"""So long after a creation was asked for in vain it may still be carried out; later it is not."""

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
        remove_leftovers(self._session_file)
        self.entry = journal.read(target.audience, target.ad_account_id)

    @property
    def findings(self) -> str | None:
        """What the run found left half done and how it went on, or None where there was nothing."""
        return " ".join(self._findings) or None

    @property
    def creation_may_land(self) -> bool:
        """Whether the creation was asked for so lately, and not refused, that it may yet be carried out."""
        begun = self.entry.in_creation
        if begun is None or begun.asked_at is None:
            return False
        return datetime.fromisoformat(self._now()) - datetime.fromisoformat(begun.asked_at) < LANDS_WITHIN

    def holder(self, audience_id: str) -> str | None:
        """The other audience of this project, if any, that has ``audience_id`` at Spotify."""
        account = self._target.ad_account_id
        return self._journal.holder(audience_id, account, other_than=self._target.audience)

    def file_of(self, audience: str) -> Path:
        """Where the entry of an audience of this ad account is kept."""
        return self._journal.file(audience, self._target.ad_account_id)

    def found(self, sentence: str, *, level: int = logging.INFO) -> None:
        """Remember a finding, and say it in the log."""
        self._findings.append(sentence)
        _log.log(level, "%s: %s", self._target.audience, sentence)

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

    def going_on(self, manifest: Manifest) -> None:
        """Before what was begun is gone on with: a list of the same bytes counts as built when the newer one was."""
        sent = SentList.of(manifest)
        if self._begun().list != sent:
            self.write(replace(self.entry, unfinished=replace(self._begun(), list=sent)))

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
        begun, now = self._begun(), self._now()
        first = now if begun.phase is not Phase.CREATING else begun.begun_at
        asked = replace(begun, phase=Phase.CREATING, audience_id=audience_id, begun_at=first, asked_at=now)
        named = replace(asked, name=self._target.name, description=self._target.full_description)
        self.write(replace(self.entry, unfinished=named))

    def not_created(self, before: Unfinished | None) -> None:
        """After a creation was refused for certain: as far as it is concerned, nothing was asked for.

        Where that cannot be written, the creation counts as one that may have been carried out, which is safe.
        """
        with suppress(HomeError, MirrorRefused):
            self.write(replace(self.entry, unfinished=before))

    def editing(self) -> None:
        """Before name or description are changed."""
        self.write(replace(self.entry, edit_begun_at=self._now()))

    def accept(self, audience_id: str, sent: SentList) -> None:
        """After it is proven that Spotify holds ``sent`` in ``audience_id``; never before."""
        try:
            self.write(self.entry.accepting(audience_id, sent))
        except (HomeError, MirrorRefused) as error:
            raise type(error)(
                f"The list of {self._target.audience} has arrived at Spotify, and the line in the journal that says "
                f"so could not be written. {error}"
            ) from None
        self.drop_session()

    def give_up(self, *, suspect: bool = False) -> None:
        """What was begun is not gone on with."""
        self.write(replace(self.entry, unfinished=None, suspect=suspect or self.entry.suspect))
        self.drop_session()

    def session(self) -> OpenUpload | None:
        """The upload session that a run before saved."""
        return saved_session(self._session_file)

    def drop_session(self) -> None:
        """Forget the session, unless it may be another run's by now."""
        if self._lease.held:
            forget_session(self._session_file)

    def refuse_older(self, manifest: Manifest, entry: JournalEntry) -> None:
        """Raise MirrorRefused for a list that is older than what Spotify has or may have, or is from the future."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        journal = self.file_of(self._target.audience)
        reason = from_the_future(manifest, now) or older_list(manifest, entry, now=now, journal=journal)
        if reason is not None:
            raise MirrorRefused(reason)

    def _begun(self) -> Unfinished:
        assert self.entry.unfinished is not None, "a write begins with begin()"  # noqa: S101
        return self.entry.unfinished

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat()
