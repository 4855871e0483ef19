"""One run, from what the journal and Spotify say to an audience that holds the list."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from spotify_pipeline.customer_list import Manifest, StoredFile, verify_customer_list
from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.guards import History
from spotify_pipeline.mirror.journal import SentList, Unfinished, WriteKind
from spotify_pipeline.mirror.receipts import ReceiptKind, RunEvidence
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.create import create_audience
from spotify_pipeline.mirror.sync.decision import SendDecision
from spotify_pipeline.mirror.sync.lookup import our_audience
from spotify_pipeline.mirror.sync.receipt_content import list_evidence
from spotify_pipeline.mirror.sync.result import MirrorAction, MirrorOutcome
from spotify_pipeline.mirror.sync.stale_state import StaleStateCheck
from spotify_pipeline.mirror.sync.upload import ListUpload, OnProgress
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import doubles, only_one, shown_audience, with_texts
from spotify_pipeline.spotify import Audience, NotFound, SpotifyAdsClient, SpotifyError, UploadProof

_HOLDS_NOTHING = frozenset({"EMPTY", "ARCHIVED"})
"""Statuses in which an audience is sent even the list that it was sent last."""

_log = logging.getLogger("spotify_pipeline.mirror")


class MirrorRun:
    """The decisions of one run, while it holds the audience's lease."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        wal: ListWriteAheadLog,
        spec: AudienceSpec,
        customer_list: StoredFile,
        manifest: Manifest,
        *,
        decision: SendDecision,
        max_age: timedelta | None,
        evidence: RunEvidence,
        sleep: Callable[[float], None],
        on_progress: OnProgress | None,
        stale_state: StaleStateCheck,
    ) -> None:
        self._client = client
        self._wal = wal
        self._spec = spec
        self._customer_list = customer_list
        self._manifest = manifest
        self._upload = ListUpload(client, wal, spec, customer_list, manifest, on_progress=on_progress)
        self._sleep = sleep
        self._decision = decision
        self._max_age = max_age
        self._evidence = evidence
        self._stale_state = stale_state
        self._unproven: str | None = None
        self._upload_was_forgotten = False
        wal.with_first_write = (decision.use_approval,)
        self._before = wal.entry

    def carry_out(self) -> MirrorOutcome:
        """Find the audience, settle what a run before left open, then create or replace. See AudienceMirror.mirror."""
        self._wal.refuse_older(self._manifest, self._before)
        verify_customer_list(self._customer_list, self._manifest)
        self._decision.judge(self._before)
        found = our_audience(self._client, self._spec, self._wal, self._sleep)
        self._wal.refuse_overtaken()  # or what the entry says and what Spotify shows are of two times
        self._decision.refuse_unknown(found, self._before)
        if found is not None:
            self._unproven = self._stale_state.unproven(self._before, self._spec.audience, found)
        self._wal.evidence = list_evidence(self._manifest, self._decision.decision, self._evidence)
        in_creation = self._before.in_creation
        if in_creation is not None:
            found = self._settled(in_creation, found)
        if found is None:
            return self._create()
        # Texts before the list: were they refused afterwards, a list that was sent would look like a failed run.
        described = self._with_stated_texts(found)
        if self._is_sent(found):  # as it is shown, not as the answer to an edit has it: that may say less
            return self._sent_already(described, created=in_creation is not None)
        return self._replace(described)

    def _asked_for(self, audience_id: str) -> Audience:
        return create_audience(self._client, self._wal, self._spec, audience_id, self._sleep)

    def _settled(self, in_creation: Unfinished, found: Audience | None) -> Audience | None:
        """The audience whose creation a run before asked for; None where a new upload is needed for one."""
        asked_for = in_creation.audience_id or ""
        same_list = in_creation.holds(SentList.of(self._manifest))
        if same_list:
            self._wal.going_on(self._manifest)
        if found is None:
            found = self._asked_for_again(asked_for, same_list=same_list)
            if found is None:
                return None
        elif self._spec.adopted_audience_id not in (None, asked_for):
            self._wal.note(
                f"A run before asked for audience {asked_for}; the YAML adopts {found.id} now. If the former exists "
                "at Spotify, nothing here looks after it."
            )
        elif found.id == self._before.audience_id:
            self._wal.note(
                f"Audience {found.id} had seemed gone and is shown again; audience {asked_for}, asked for in its "
                "place, is not."
            )
        else:
            self._wal.note(f"Audience {found.id}, whose creation was begun by a run before, was found at Spotify.")
        begun = self._wal.entry.unfinished
        if found.id == asked_for and begun is not None and begun.list is not None:
            # Its upload was proven before the creation was asked for, and it exists: both are known now.
            self._wal.accept(ReceiptKind.CREATED, found, begun.list)
        return found

    def _asked_for_again(self, audience_id: str, *, same_list: bool) -> Audience | None:
        """The audience, created now from the list uploaded for it, or None where that upload is given up.

        Another list than ours may have been withdrawn: it goes live only while two audiences would be the worse,
        which is as long as the creation that was asked for may still be carried out.
        """
        if not same_list and not self._wal.creation_may_land:
            late = shown_audience(self._client, self._spec, audience_id, self._sleep)
            if late is None:
                self._wal.note(
                    f"A run before uploaded another list and asked for audience {audience_id}, which Spotify did not "
                    "create. That upload was dropped."
                )
                self._wal.give_up()
            else:
                self._wal.note(f"Audience {late.id}, whose creation was begun by a run before, shows late.")
            return late
        try:
            found = self._asked_for(audience_id)
        except NotFound:
            self._upload_was_forgotten = True
            self._wal.note("The upload of an audience that was not created is forgotten at Spotify.")
            self._wal.give_up()
            return None
        self._wal.note(f"Audience {found.id}, whose creation was begun by a run before, was asked for again.")
        return found

    def _create(self) -> MirrorOutcome:
        lost = self._before.audience_id
        if lost is not None:
            _log.warning(
                "%s: audience %s, which the journal names, is gone from Spotify, and none bears its key or name. It is "
                "created again.",
                self._spec.audience,
                lost,
            )
        audience, proof = self._uploaded_and_created()
        if audience.id != proof.audience_id:
            # Ours by key or name, but not what was uploaded to: what it holds is not known.
            return self._replace(audience)
        self._wal.accept(ReceiptKind.CREATED, audience, SentList.of(self._manifest), proof)
        self._refuse_doubles(audience)
        return self._outcome(self._created(), audience, proof)

    def _uploaded_and_created(self) -> tuple[Audience, UploadProof]:
        """The new audience and the proof of its upload, which is repeated once where Spotify does not know it."""
        while True:
            proof = self._upload.send(WriteKind.CREATE)
            try:
                return self._asked_for(proof.audience_id), proof
            except NotFound as forgotten:
                if self._upload_was_forgotten:
                    forgotten.next_step = (
                        "The list has just arrived, and this is not the first upload that Spotify does not know. "
                        "Check that the user who signed in may use this ad account; if so, report it with the trace id."
                    )
                    raise
            self._upload_was_forgotten = True
            self._wal.note("Spotify did not know the upload any more, and the list was uploaded again.")
            self._wal.give_up()

    def _refuse_doubles(self, created: Audience) -> None:
        """Say so where another deployment, whose journal is not ours, has made this audience at the same time."""
        try:
            marked = doubles(self._spec, self._client.audiences(self._spec.ad_account_id), created.id)
        except SpotifyError:
            return
        if marked:
            only_one(self._spec, {**marked, created.id: created}, after=f"The list was sent to {created.id}.")

    def _replace(self, found: Audience) -> MirrorOutcome:
        proof = self._upload.send(WriteKind.REPLACE, found.id)
        self._wal.accept(ReceiptKind.REPLACED, found, SentList.of(self._manifest), proof)
        return self._outcome(MirrorAction.REPLACED, self._as_it_stands(found), proof)

    def _is_sent(self, found: Audience) -> bool:
        """Whether this very list was the last we sent to this audience, and Spotify does not say it lost it (C17)."""
        entry = self._wal.entry
        return (
            entry.unfinished is None
            and not entry.suspect
            and self._decision.decision.history is not History.MISSING
            and entry.audience_id == found.id
            and entry.file_sha256 == self._manifest.sha256
            and found.status not in _HOLDS_NOTHING
            and not self._is_too_old()
        )

    def _is_too_old(self) -> bool:
        """Whether the list was proven to be at Spotify so long ago that it is to be sent again."""
        if self._max_age is None:
            return False
        accepted = self._wal.entry.accepted_at
        age = accepted and datetime.fromisoformat(self._wal.now()) - datetime.fromisoformat(accepted)
        return not isinstance(age, timedelta) or age > self._max_age

    def _sent_already(self, found: Audience, *, created: bool) -> MirrorOutcome:
        # Accepted as of now: a list built between the two must not land after this one.
        self._wal.confirm(found.id, SentList.of(self._manifest))
        return self._outcome(self._created() if created else MirrorAction.UNCHANGED, found, None)

    def _with_stated_texts(self, found: Audience) -> Audience:
        """The audience, renamed or re-described where the YAML says otherwise than Spotify."""
        account, texts = self._spec.ad_account_id, self._spec.texts_for(found.name, found.description)
        return with_texts(self._client, self._wal, found, *texts, ad_account_id=account, sleep=self._sleep)

    def _as_it_stands(self, known: Audience) -> Audience:
        """The audience after its list was sent; as it was known before, if Spotify cannot be asked now.

        Raises:
            MirrorRefused: it was deleted while its list was being sent.
        """
        try:
            shown = shown_audience(self._client, self._spec, known.id, self._sleep)
        except SpotifyError:
            return known
        if shown is None:
            raise MirrorRefused(
                f"Audience {known.id} of {self._spec.audience} was deleted at Spotify while its list was sent. Run "
                "again to create it."
            )
        return shown

    def _created(self) -> MirrorAction:
        return MirrorAction.CREATED if self._before.audience_id is None else MirrorAction.RECREATED

    def _outcome(self, action: MirrorAction, audience: Audience, proof: UploadProof | None) -> MirrorOutcome:
        return MirrorOutcome(
            action=action,
            audience=audience,
            proof=proof,
            decision=self._decision.decision,
            receipts=tuple(self._wal.written),
            previous_snapshot=self._before.snapshot,
            recovered=self._wal.notes,
            unproven=self._unproven,
            bytes_sent=self._upload.bytes_sent,
        )
