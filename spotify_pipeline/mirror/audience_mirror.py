"""Makes an audience at Spotify equal to a customer list.

Spotify offers full replacement only and reports no errors in a file, so everything that can be known beforehand is
checked beforehand: the file against its manifest, the number of rows, which audience is ours. Then a new audience is
uploaded first and created with the id that the upload answered (Spotify's order); an existing one is replaced by
uploading to it, with no further call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from spotify_pipeline.customer_list import Manifest, verify_customer_list
from spotify_pipeline.mirror.journal import Journal, JournalEntry
from spotify_pipeline.mirror.refusal import MirrorRefused, too_few_rows
from spotify_pipeline.mirror.search import find_audience
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import (
    Audience,
    NotFound,
    SpotifyAdsClient,
    SpotifyError,
    UploadProof,
)

CUSTOMER_LIST = "CUSTOMER_LIST"


class MirrorAction(StrEnum):
    """What was done at Spotify."""

    CREATED = "created"
    REPLACED = "replaced"
    RECREATED = "created again"
    """The audience had been deleted at Spotify."""


@dataclass(frozen=True, kw_only=True)
class MirrorOutcome:
    """An audience that was mirrored, as Spotify shows it afterwards."""

    action: MirrorAction
    audience: Audience
    proof: UploadProof
    previous_snapshot: str | None


class AudienceMirror:
    """Mirrors customer lists through one signed-in client, remembering in one journal."""

    def __init__(self, client: SpotifyAdsClient, journal: Journal) -> None:
        self._client = client
        self._journal = journal

    def mirror(
        self, target: AudienceTarget, customer_list: Path, manifest: Manifest, *, min_rows: int
    ) -> MirrorOutcome:
        """Make the target audience equal to the list in ``customer_list``.

        Raises:
            MirrorRefused: the list must not be sent, or the audience is not ours to replace. Nothing was written.
            CustomerListError: the file is not the one the manifest describes. Nothing was written.
            SpotifyError: Spotify refused or was not reached. A list half uploaded changes no audience.
        """
        with self._journal.exclusive(target.audience, target.ad_account_id):
            return self._mirror(target, customer_list, manifest, min_rows)

    def _mirror(self, target: AudienceTarget, customer_list: Path, manifest: Manifest, min_rows: int) -> MirrorOutcome:
        entry = self._journal.read(target.audience, target.ad_account_id)
        self._refuse_unless_sendable(entry, manifest, min_rows)
        verify_customer_list(customer_list, manifest)
        found = self._ours(target, entry)
        if found is not None:
            return self._replace(target, entry, found, customer_list, manifest)
        lost = entry.audience_id is not None
        return self._create(target, entry, customer_list, manifest, MirrorAction.RECREATED if lost else None)

    @staticmethod
    def _refuse_unless_sendable(entry: JournalEntry, manifest: Manifest, min_rows: int) -> None:
        reason = too_few_rows(manifest, min_rows)
        if reason is not None:
            raise MirrorRefused(reason)
        if entry.built_at is not None and manifest.built_at < datetime.fromisoformat(entry.built_at):
            raise MirrorRefused(
                f"The list of {manifest.audience} for {manifest.snapshot} was built before the one Spotify has "
                f"({entry.snapshot}). Nothing was sent. Materialize the customer list again for the partition that is "
                "open, then the audience."
            )

    def _ours(self, target: AudienceTarget, entry: JournalEntry) -> Audience | None:
        """The audience to replace, or None when one is to be created."""
        if target.adopted_audience_id is not None:
            try:
                return self._replaceable(
                    target, self._client.audience(target.ad_account_id, target.adopted_audience_id)
                )
            except NotFound:
                raise MirrorRefused(
                    f"Ad account {target.ad_account_id} has no audience {target.adopted_audience_id}, which the YAML "
                    f"of {target.audience} adopts. Correct audience_id, or remove it to have a new audience created."
                ) from None
        for known in (entry.audience_id, entry.pending_audience_id):
            if known is None:
                continue
            try:
                return self._replaceable(target, self._client.audience(target.ad_account_id, known))
            except NotFound:
                continue
        return find_audience(target, self._client.audiences(target.ad_account_id))

    @staticmethod
    def _replaceable(target: AudienceTarget, audience: Audience) -> Audience:
        if audience.subtype not in (None, CUSTOMER_LIST):
            raise MirrorRefused(
                f"Audience {audience.id} is of the kind {audience.subtype}, not a customer list, so {target.audience} "
                "cannot be mirrored to it. Nothing was sent. Correct audience_id in the YAML."
            )
        return audience

    def _replace(
        self, target: AudienceTarget, entry: JournalEntry, found: Audience, customer_list: Path, manifest: Manifest
    ) -> MirrorOutcome:
        previous = entry.snapshot
        # Before the list: were it refused afterwards, a list that was sent would stand there as a failed run.
        described = self._with_stated_texts(target, found)
        entry = self._journal.update(target.audience, entry, audience_id=found.id, pending_audience_id=None)
        ticket = self._client.replacement_upload(target.ad_account_id, found.id)
        proof = self._client.upload(ticket, customer_list, size=manifest.bytes, crc32c=manifest.crc32c)
        self._accepted(target, entry, found.id, manifest)
        return MirrorOutcome(
            action=MirrorAction.REPLACED,
            audience=self._as_it_stands(target.ad_account_id, described),
            proof=proof,
            previous_snapshot=previous,
        )

    def _create(
        self,
        target: AudienceTarget,
        entry: JournalEntry,
        customer_list: Path,
        manifest: Manifest,
        action: MirrorAction | None,
    ) -> MirrorOutcome:
        ticket = self._client.new_upload(target.ad_account_id)
        proof = self._client.upload(ticket, customer_list, size=manifest.bytes, crc32c=manifest.crc32c)
        entry = self._journal.update(target.audience, entry, audience_id=None, pending_audience_id=ticket.audience_id)
        audience = self._create_once(target, ticket.audience_id)
        self._accepted(target, entry, audience.id, manifest)
        return MirrorOutcome(
            action=action or MirrorAction.CREATED, audience=audience, proof=proof, previous_snapshot=entry.snapshot
        )

    def _create_once(self, target: AudienceTarget, audience_id: str) -> Audience:
        """Ask for the audience to be created; where the answer is lost, look instead (C02, C03, C04)."""
        try:
            return self._client.create_customer_list_audience(
                target.ad_account_id,
                audience_id=audience_id,
                name=target.name,
                description=target.full_description,
            )
        except SpotifyError as error:
            if not error.may_have_happened:
                raise
            try:
                return self._client.audience(target.ad_account_id, audience_id)
            except NotFound:
                raise error from None

    def _accepted(self, target: AudienceTarget, entry: JournalEntry, audience_id: str, manifest: Manifest) -> None:
        self._journal.update(
            target.audience,
            entry,
            audience_id=audience_id,
            pending_audience_id=None,
            snapshot=manifest.snapshot,
            built_at=manifest.built_at.astimezone(UTC).isoformat(),
            fingerprint=manifest.fingerprint,
            file_sha256=manifest.sha256,
        )

    def _with_stated_texts(self, target: AudienceTarget, found: Audience) -> Audience:
        """The audience, renamed or re-described where the YAML says otherwise than Spotify."""
        name, description = target.texts_for(found.name, found.description)
        if found.name == name and (found.description or "") == description:
            return found
        return self._client.edit_audience(target.ad_account_id, found.id, name=name, description=description or None)

    def _as_it_stands(self, ad_account_id: str, known: Audience) -> Audience:
        """The audience after its list was sent; as it was known before, if Spotify cannot be asked now."""
        try:
            return self._client.audience(ad_account_id, known.id)
        except SpotifyError:
            return known
