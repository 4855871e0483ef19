"""The write-ahead log of a list on its way: a line before each write to Spotify, the upload's session, the outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import (
    Journal,
    JournalEntry,
    JournalError,
    Phase,
    SentList,
    Unfinished,
)
from spotify_pipeline.mirror.receipts import ReceiptKind
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.list_age import from_the_future, older_list
from spotify_pipeline.mirror.sync.receipt_content import list_content
from spotify_pipeline.mirror.writes import Also, WriteAheadLog
from spotify_pipeline.spotify import Audience, OpenUpload, UploadProof
from spotify_pipeline.state import Fence


class ListWriteAheadLog(WriteAheadLog):
    """The entry of one audience while a list is mirrored to it; :class:`WriteAheadLog` says what writing may raise."""

    def __init__(
        self,
        journal: Journal,
        fence: Fence,
        spec: AudienceSpec,
        clock: Callable[[], float],
        *,
        on_accept: Sequence[Also] = (),
    ) -> None:
        """``on_accept``: done in the transaction that says that Spotify holds the list of this run."""
        self._spec = spec
        self._on_accept = on_accept
        super().__init__(journal, fence, audience=spec.audience, ad_account_id=spec.ad_account_id, clock=clock)
        self.with_first_write: Sequence[Also] = ()
        """Done in the transaction that announces the first write to Spotify, which what it raises prevents."""

    def announce(self, entry: JournalEntry) -> None:
        """As :meth:`WriteAheadLog.announce`."""
        self.write(entry, *self.with_first_write)
        self.with_first_write = ()

    def begin(self, unfinished: Unfinished) -> None:
        """Before an upload URL is asked for."""
        begun = replace(unfinished, begun_at=self.now(), evidence=self._evidence_content())
        # A retired audience is mirrored again.
        self.announce(replace(self.entry, unfinished=begun, retired_at=None, retired_policy=None))

    def opening(self, audience_id: str) -> None:
        """Before an upload session is asked for; ``audience_id`` came with the upload URL."""
        begun = self._begun()
        known = begun.audience_id or audience_id
        self.write(replace(self.entry, unfinished=replace(begun, phase=Phase.OPENING, audience_id=known)))

    def sending(self, opened: OpenUpload) -> None:
        """Before the first byte of the list is sent."""
        key = self._spec.audience, self._spec.ad_account_id
        sealed = self._journal.sealed(*key, opened)
        self.write(
            replace(self.entry, unfinished=replace(self._begun(), phase=Phase.SENDING)),
            lambda transaction: self._journal.put_session(transaction, *key, sealed),
        )

    def going_on(self, manifest: Manifest) -> None:
        """Before what was begun is continued: a list of the same bytes counts as built when the newer one was."""
        begun, sent = self._begun(), SentList.of(manifest)
        if begun.list != sent:
            begun = replace(begun, list=sent, evidence=self._evidence_content())
        self.announce(replace(self.entry, unfinished=begun))

    def finishing(self, manifest: Manifest) -> None:
        """Before the bytes are sent that complete the list: the last moment at which nothing has changed at Spotify.

        Raises:
            MirrorRefused: a newer list has been accepted since this run began, or another run has taken over.
        """
        self.refuse_older(manifest, self._journal.read(self._spec.audience, self._spec.ad_account_id))
        self.write(replace(self.entry, unfinished=replace(self._begun(), phase=Phase.FINISHING)))

    def creating(self, audience_id: str) -> None:
        """Before an audience is asked to be created, each time."""
        begun, now = self._begun(), self.now()
        first = now if begun.phase is not Phase.CREATING else begun.begun_at
        asked = replace(begun, phase=Phase.CREATING, audience_id=audience_id, begun_at=first, asked_at=now)
        named = replace(asked, name=self._spec.name, description=self._spec.full_description)
        self.announce(replace(self.entry, unfinished=named))

    def confirm(self, audience_id: str, sent: SentList) -> None:
        """After it was seen that Spotify has had ``sent`` in ``audience_id`` already: it counts as of now."""
        with self._arrived():
            self.write(self.entry.accepting(audience_id, sent, at=None), *self._also(sent))

    def accept(self, kind: ReceiptKind, audience: Audience, sent: SentList, proof: UploadProof | None = None) -> None:
        """After it is proven that Spotify holds ``sent`` in ``audience``; never before.

        Without ``proof``, a run before had it.
        """
        begun = self.entry.unfinished
        fixed: Mapping[str, Any] | None = begun.evidence if begun is not None and begun.list == sent else None
        if fixed is None and self.evidence is not None and self.evidence.file_sha256 == sent.file_sha256:
            fixed = self.evidence.content
        stated = {"audience_id": audience.id, "name": audience.name, "snapshot": sent.snapshot}
        content = {**stated, **list_content(fixed or {"decision": None}, proof)}
        with self._arrived():
            self.done(self.entry.accepting(audience.id, sent, at=self.now()), kind, content, *self._also(sent))

    def give_up(self, *, suspect: bool = False) -> None:
        """What was begun is dropped."""
        self.write(replace(self.entry, unfinished=None, suspect=suspect or self.entry.suspect))

    def session(self) -> OpenUpload | None:
        """The upload session that a run before saved; None also where it cannot be read."""
        with suppress(JournalError):
            return self._journal.session(self._spec.audience, self._spec.ad_account_id)
        return None

    def drop_session(self) -> None:
        """Forget the session, unless it may be another run's by now. One that stays is tried once more."""
        with suppress(HomeError), self._journal.state.writing(self._fence) as transaction:
            self._journal.put_session(transaction, self._spec.audience, self._spec.ad_account_id, None)

    def refuse_older(self, manifest: Manifest, entry: JournalEntry) -> None:
        """Raise MirrorRefused for a list that is older than what Spotify has or may have, or is from the future."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        place = self._journal.state.place
        reason = from_the_future(manifest, now) or older_list(manifest, entry, now=now, place=place)
        if reason is not None:
            raise MirrorRefused(reason)

    def _also(self, sent: SentList) -> Sequence[Also]:
        """What belongs to the acceptance of the list of this run, and not to that of one of a run before."""
        is_own = self.evidence is not None and self.evidence.file_sha256 == sent.file_sha256
        return self._on_accept if is_own else ()

    @contextmanager
    def _arrived(self) -> Generator[None]:
        try:
            yield
        except (HomeError, MirrorRefused) as error:
            raise type(error)(
                f"The list of {self._spec.audience} has arrived at Spotify, and the line in the journal that says "
                f"so could not be written. {error}"
            ) from None

    def _evidence_content(self) -> dict[str, Any] | None:
        return self.evidence.content if self.evidence is not None else None

    def _begun(self) -> Unfinished:
        assert self.entry.unfinished is not None, "a write begins with begin()"  # noqa: S101
        return self.entry.unfinished
