"""Sends an audience's list, whole or in parts, and does what has to follow: who was erased, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.audiences.sync.guarding import list_guard, lists_compared
from spotify_pipeline.components.audiences.sync.request import ListToSend
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.customer_list import parts_needed, split_list
from spotify_pipeline.mirror import (
    AudienceMirror,
    Checkpoint,
    MirrorOutcome,
    MirrorRefused,
    mirror_parts,
    newest_erasure,
    parts_known,
)
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.spotify import SpotifyAdsClient, UploadProgress


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What a run tells the receipts of itself.

    Attributes:
        run_id: Dagster's.
        trace_ids: of Spotify's answers so far.
        on_progress: is told how far an upload is.
    """

    run_id: str
    trace_ids: Callable[[], Sequence[str]]
    on_progress: Callable[[UploadProgress], None]


def send(
    chain: AudienceChain,
    home: PipelineHome,
    client: SpotifyAdsClient,
    ad_account_id: str,
    sent: ListToSend,
    facts: RunFacts,
    witness: Checkpoint,
) -> list[MirrorOutcome]:
    """Make the audience equal to the list; an outcome for each part, where it is sent in parts.

    ``witness`` is what is known elsewhere of what was sent.

    Raises:
        GuardBlocked: a guard holds it back. Nothing was sent.
        MirrorRefused, CustomerListError, HomeError, JournalError, SpotifyError: as ``AudienceMirror.mirror``.
    """
    customer_list = (sent.path, sent.manifest)
    guard = list_guard(chain, home, ad_account_id, customer_list, given=sent.given, went_back_to=sent.went_back_to)
    mirror = AudienceMirror(client, home.journal, ledger=home.ledger, checkpoint=witness)
    target = chain.target(ad_account_id)
    settings: dict[str, Any] = {
        "guard": guard,
        "max_age": _max_age(chain, sent),
        "evidence": _evidence(chain, home, sent, facts),
        "trace_ids": facts.trace_ids,
        "on_progress": facts.on_progress,
    }
    parts = _parts(chain, home, ad_account_id, sent)
    if parts == 1:
        return [mirror.mirror(target, *customer_list, **settings)]
    with home.snapshots.parts_directory(chain.audience, sent.manifest.snapshot) as folder:
        return mirror_parts(mirror, target, split_list(*customer_list, parts, folder), **settings)


def settle(chain: AudienceChain, home: PipelineHome, ad_account_id: str, sent: ListToSend) -> None:
    """After a list was accepted: its audience no longer waits for those who were erased, and old lists may go.

    Raises:
        MirrorRefused: the ledger cannot be read or written. The message says that the list has arrived.
    """
    try:
        if _is_whole(sent) and not _is_elsewhere(chain, home, ad_account_id):
            home.ledger.done(chain.audience, decided_at=sent.manifest.built_at)
    except ErasureError:
        raise MirrorRefused(
            f"The list of {chain.audience} has arrived at Spotify, and the ledger of erasures, which should note that, "
            "cannot be read or written. Look at its owner and at the disk, or restore it from a backup; then run again."
        ) from None
    compared = lists_compared(chain, home, ad_account_id)
    home.snapshots.keep_lists(chain.audience, chain.config.retain.customer_lists, sent=compared)


def _is_whole(sent: ListToSend) -> bool:
    """Whether the list is as it was built, when whole people were left out.

    What is taken out of a list later are rows: other identifiers of that person may stay, where nothing in the list
    says whose they are. So an erasure waits for a list that was built after it.
    """
    manifest = sent.manifest
    return sent.cause != "rollback" and not manifest.former_sha256 and manifest.issued_from is None


def _is_elsewhere(chain: AudienceChain, home: PipelineHome, ad_account_id: str) -> bool:
    """Whether the audience is in another ad account too, as after a move: there nobody was taken out."""
    others = [each for each in home.journal.accounts(chain.audience) if each != ad_account_id]
    entries = [home.journal.read(chain.audience, each) for each in others]
    return any(each.audience_id is not None or each.unfinished is not None for each in entries)


def _parts(chain: AudienceChain, home: PipelineHome, ad_account_id: str, sent: ListToSend) -> int:
    known = parts_known(home.journal, chain.audience, ad_account_id)
    if not chain.config.oversize.split and known <= 1:
        return 1
    # Parts never become fewer by themselves: one that is no longer sent would stay live with its people.
    return parts_needed(sent.path, sent.manifest, chain.config.guards.max_bytes, at_least=max(1, known))


def _max_age(chain: AudienceChain, sent: ListToSend) -> timedelta | None:
    return None if sent.cause == "rollback" else chain.config.max_age


def _evidence(chain: AudienceChain, home: PipelineHome, sent: ListToSend, facts: RunFacts) -> dict[str, Any]:
    return {
        "run_id": facts.run_id,
        "cause": sent.cause,
        **({"reason": sent.reason, "by": sent.decided_by} if sent.reason is not None else {}),
        "erasures": {
            "requests": len(home.ledger.waiting(chain.audience)),
            "rows": sent.erased,
            "newest": newest_erasure(home.ledger),
        },
    }
