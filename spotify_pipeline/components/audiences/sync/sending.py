"""Sends an audience's list, whole or in parts, and does what has to follow: who was erased, what is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import sqlalchemy as sa

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import alert_resolved, list_guard, lists_compared
from spotify_pipeline.components.audiences.sync.request import SendRequest
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.customer_list import parts_needed, split_list
from spotify_pipeline.mirror import (
    AudienceMirror,
    Checkpoint,
    JournalError,
    MirrorOutcome,
    RunEvidence,
    mirror_parts,
    parts_known,
)
from spotify_pipeline.mirror.guards import MAX_BYTES
from spotify_pipeline.spotify import SpotifyAdsClient, UploadProgress


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run tells the receipts of itself.

    Attributes:
        run_id: Dagster's.
        trace_ids: of Spotify's answers so far.
        on_progress: is told how far an upload is.
        log: of the run.
    """

    run_id: str
    trace_ids: Callable[[], Sequence[str]]
    on_progress: Callable[[UploadProgress], None]
    log: logging.Logger


def send(
    audience: AudienceDefinition,
    home: PipelineHome,
    client: SpotifyAdsClient,
    ad_account_id: str,
    sent: SendRequest,
    facts: RunFacts,
    checkpoint: Checkpoint,
) -> list[MirrorOutcome]:
    """Make the audience equal to the list; an outcome for each part, where it is sent in parts.

    ``checkpoint`` is what is known elsewhere of what was sent.

    Raises:
        GuardBlocked: a guard holds it back. Nothing was sent.
        MirrorRefused, CustomerListError, HomeError, JournalError, SpotifyError: as ``AudienceMirror.mirror``.
    """
    customer_list = (sent.path, sent.manifest)
    guard = list_guard(audience, home, ad_account_id, customer_list, given=sent.given, went_back_to=sent.went_back_to)
    mirror = AudienceMirror(client, home.journal, ledger=home.ledger, checkpoint=checkpoint)
    with ExitStack() as stack:
        lists = [customer_list]
        parts = _parts(audience, home, ad_account_id, sent)
        if parts > 1:
            folder = stack.enter_context(home.snapshots.parts_directory(audience.folder, sent.manifest.snapshot))
            lists = split_list(*customer_list, parts, folder)
        return mirror_parts(
            mirror,
            audience.spec(ad_account_id),
            lists,
            guard=guard,
            max_age=_max_age(audience, sent),
            evidence=_evidence(audience, home, sent, facts),
            trace_ids=facts.trace_ids,
            on_progress=facts.on_progress,
            on_accept=[partial(_accepted, audience, home, ad_account_id, sent, facts.log)],
        )


def delete_old_lists(audience: AudienceDefinition, home: PipelineHome, ad_account_id: str) -> None:
    """After a list was accepted: those may go that no list is compared with any more."""
    compared = lists_compared(audience, home, ad_account_id)
    home.snapshots.keep_lists(audience.folder, audience.config.retain.customer_lists, sent=compared)


def _accepted(
    audience: AudienceDefinition,
    home: PipelineHome,
    ad_account_id: str,
    sent: SendRequest,
    log: logging.Logger,
    transaction: sa.Connection,
) -> None:
    """What holds as soon as Spotify does: the audience waits for nobody who was erased, and nothing holds it back."""
    if _is_whole(sent) and not _is_elsewhere(audience, home, ad_account_id):
        home.ledger.done(audience.folder, decided_at=sent.manifest.built_at, within=transaction)
    alert_resolved(audience, home, log, transaction)


def _is_whole(sent: SendRequest) -> bool:
    """Whether the list is as it was built, when whole people were left out.

    What is taken out of a list later are rows: other identifiers of that person may stay, where nothing in the list
    says whose they are. So an erasure waits for a list that was built after it.
    """
    manifest = sent.manifest
    return sent.cause != "rollback" and not manifest.former_sha256 and manifest.issued_from is None


def _is_elsewhere(audience: AudienceDefinition, home: PipelineHome, ad_account_id: str) -> bool:
    """Whether the audience is, or may be, in another ad account too, as after a move: there nobody was taken out."""
    try:
        others = [each for each in home.journal.accounts(audience.folder) if each != ad_account_id]
        entries = [home.journal.read(audience.folder, each) for each in others]
    except JournalError:
        return True
    return any(each.audience_id is not None or each.unfinished is not None for each in entries)


def _parts(audience: AudienceDefinition, home: PipelineHome, ad_account_id: str, sent: SendRequest) -> int:
    known = parts_known(home.journal, audience.folder, ad_account_id)
    if not audience.config.oversize.split and known <= 1:
        return 1
    # Parts never become fewer by themselves: one that is no longer sent would stay live with its people.
    return parts_needed(sent.path, sent.manifest, audience.limits[MAX_BYTES], at_least=max(1, known))


def _max_age(audience: AudienceDefinition, sent: SendRequest) -> timedelta | None:
    return None if sent.cause == "rollback" else audience.config.max_age


def _evidence(audience: AudienceDefinition, home: PipelineHome, sent: SendRequest, facts: RunFacts) -> RunEvidence:
    evidence: RunEvidence = {
        "run_id": facts.run_id,
        "cause": sent.cause,
        "erasures": {
            "requests": len(home.ledger.waiting(audience.folder)),
            "rows": sent.erased,
            "newest": home.ledger.newest(),
        },
    }
    if sent.reason is not None:
        evidence |= {"reason": sent.reason, "by": sent.decided_by}
    return evidence
