"""One run: from what the journal and Spotify say to an audience that holds the list."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from spotify_pipeline.customer_list import Manifest, verify_customer_list
from spotify_pipeline.mirror.creation import Creation
from spotify_pipeline.mirror.journal_entry import SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.list_sender import ListSender, OnProgress
from spotify_pipeline.mirror.outcome import MirrorAction, MirrorOutcome
from spotify_pipeline.mirror.reconcile import our_audience
from spotify_pipeline.mirror.record import Record
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience, NotFound, SpotifyAdsClient, SpotifyError, UploadProof

_HOLDS_NOTHING = frozenset({"EMPTY", "ARCHIVED"})
"""Statuses in which an audience is sent even the list that it was sent last."""

_log = logging.getLogger("spotify_pipeline.mirror")


class MirrorRun:
    """The decisions of one run, while it holds the audience's lease."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        record: Record,
        target: AudienceTarget,
        customer_list: Path,
        manifest: Manifest,
        *,
        sleep: Callable[[float], None],
        on_progress: OnProgress | None,
    ) -> None:
        self._client = client
        self._record = record
        self._target = target
        self._customer_list = customer_list
        self._manifest = manifest
        self._sender = ListSender(client, record, target, customer_list, manifest, on_progress=on_progress)
        self._creation = Creation(client, record, target, sleep)
        self._before = record.entry

    def carry_out(self) -> MirrorOutcome:
        """Find the audience, settle what a run before left open, then create or replace. See AudienceMirror.mirror."""
        self._record.refuse_older(self._manifest, self._before)
        verify_customer_list(self._customer_list, self._manifest)
        found = our_audience(self._client, self._target, self._before)
        in_creation = self._before.in_creation
        if in_creation is not None:
            found = self._settled(in_creation, found)
        if found is None:
            return self._create()
        # Texts before the list: were they refused afterwards, a list that was sent would stand there as a failed run.
        described = self._with_stated_texts(found)
        if self._is_sent(described):
            return self._sent_already(described, created=in_creation is not None)
        return self._replace(described)

    def _settled(self, in_creation: Unfinished, found: Audience | None) -> Audience | None:
        """The audience whose creation a run before asked for; None where that upload is forgotten by Spotify."""
        asked_for = in_creation.audience_id or ""
        if found is None:
            try:
                found = self._creation.create(asked_for)
            except NotFound:
                self._record.found("The upload of an audience that was not created is forgotten at Spotify.")
                self._record.give_up()
                return None
            self._record.found(f"Audience {found.id}, whose creation was begun by a run before, was asked for again.")
        elif found.id == asked_for or self._target.adopted_audience_id is None:
            self._record.found(f"Audience {found.id}, whose creation was begun by a run before, was found at Spotify.")
        else:
            self._record.found(
                f"A run before asked for audience {asked_for}; the YAML adopts {found.id} now. If the former exists "
                "at Spotify, nothing here looks after it."
            )
        if found.id == asked_for and in_creation.list is not None:
            # Its upload was proven before the creation was asked for, and it exists: both are known now.
            self._record.accept(found.id, in_creation.list)
        return found

    def _create(self) -> MirrorOutcome:
        lost = self._before.audience_id
        if lost is not None:
            _log.warning(
                "%s: audience %s, which the journal names, is gone from Spotify, and none bears its key or name. It is "
                "created again.",
                self._target.audience,
                lost,
            )
        proof = self._sender.send(WriteKind.CREATE)
        try:
            audience = self._creation.create(proof.audience_id)
        except NotFound:
            self._record.found("Spotify did not know the upload any more, and the list was uploaded again.")
            proof = self._sender.send(WriteKind.CREATE)
            audience = self._creation.create(proof.audience_id)
        if audience.id != proof.audience_id:
            # Ours by key or name, but not what was uploaded to: what it holds is not known.
            return self._replace(audience)
        self._record.accept(audience.id, SentList.of(self._manifest))
        return self._outcome(self._created(), audience, proof)

    def _replace(self, found: Audience) -> MirrorOutcome:
        proof = self._sender.send(WriteKind.REPLACE, found.id)
        self._record.accept(found.id, SentList.of(self._manifest))
        return self._outcome(MirrorAction.REPLACED, self._as_it_stands(found), proof)

    def _is_sent(self, found: Audience) -> bool:
        """Whether Spotify is known to hold this very list in this audience, and not to have lost it (C17)."""
        entry = self._record.entry
        return (
            entry.unfinished is None
            and not entry.suspect
            and entry.audience_id == found.id
            and entry.file_sha256 == self._manifest.sha256
            and found.status not in _HOLDS_NOTHING
        )

    def _sent_already(self, found: Audience, *, created: bool) -> MirrorOutcome:
        # Accepted as of now: a list built between the two must not land after this one.
        self._record.accept(found.id, SentList.of(self._manifest))
        return self._outcome(self._created() if created else MirrorAction.UNCHANGED, found, None)

    def _with_stated_texts(self, found: Audience) -> Audience:
        """The audience, renamed or re-described where the YAML says otherwise than Spotify."""
        name, description = self._target.texts_for(found.name, found.description)
        if found.name == name and (found.description or "") == description:
            return found
        self._record.editing()
        return self._client.edit_audience(
            self._target.ad_account_id, found.id, name=name, description=description or None
        )

    def _as_it_stands(self, known: Audience) -> Audience:
        """The audience after its list was sent; as it was known before, if Spotify cannot be asked now."""
        try:
            return self._client.audience(self._target.ad_account_id, known.id)
        except SpotifyError:
            return known

    def _created(self) -> MirrorAction:
        return MirrorAction.CREATED if self._before.audience_id is None else MirrorAction.RECREATED

    def _outcome(self, action: MirrorAction, audience: Audience, proof: UploadProof | None) -> MirrorOutcome:
        return MirrorOutcome(
            action=action,
            audience=audience,
            proof=proof,
            previous_snapshot=self._before.snapshot,
            recovered=self._record.findings,
            bytes_sent=self._sender.bytes_sent,
        )
