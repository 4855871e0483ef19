"""What the sandbox's own endpoints and its page tell about audiences and the lists that arrived."""

from __future__ import annotations

from dataclasses import asdict

from spotify_pipeline.sandbox.lists import Standing, settle, standing_of
from spotify_pipeline.sandbox.store import Audience, ReceivedList, SandboxState, in_utc_seconds


async def overview(state: SandboxState, *, wait_for_all: bool) -> list[dict[str, object]]:
    """Every audience of every ad account, ready for JSON, the newest last.

    ``wait_for_all`` waits until every list has been judged; without it a list may lack its judgement.
    """
    audiences = state.audiences.all()
    await settle(state, audiences, wait_for_all=wait_for_all)
    return [_audience(state, audience, standing_of(state, audience)) for audience in audiences]


def clock_answer(state: SandboxState) -> dict[str, object]:
    """The sandbox's time and how far it is ahead of the machine's."""
    return {"now": in_utc_seconds(state.clock.now()), "offset_seconds": state.clock.offset_seconds}


def _audience(state: SandboxState, audience: Audience, standing: Standing) -> dict[str, object]:
    lists = state.received_lists.of(audience.id)
    return {
        "id": audience.id,
        "ad_account_id": audience.ad_account_id,
        "name": audience.name,
        "description": audience.description,
        "type": audience.type,
        "subtype": audience.subtype,
        "status": standing.status,
        "forced_status": audience.forced_status,
        "size": standing.size.as_json(),
        "created_at": in_utc_seconds(audience.created_at),
        "updated_at": in_utc_seconds(standing.updated_at),
        "lists_received": len(lists),
        "times_replaced": sum(received.replacement for received in lists),
        "serving_list": standing.serving.id if standing.serving else None,
        "list": _list(lists[-1], standing) if lists else None,
    }


def _list(received: ReceivedList, standing: Standing) -> dict[str, object]:
    """The newest list. ``outcome`` says what came, or will come, of it."""
    verdict = received.judgement
    if standing.processing is not None and standing.processing.id == received.id:
        outcome = "processing"
    elif standing.serving is not None and standing.serving.id == received.id:
        outcome = "serving"
    else:
        outcome = "refused"
    return {
        "id": received.id,
        "object": received.upload_id,
        "received_at": in_utc_seconds(received.completed_at),
        "bytes": received.size,
        "crc32c": received.crc32c,
        "md5": received.md5,
        "sha256": received.sha256,
        "outcome": outcome,
        **(asdict(verdict) if verdict else {}),
    }
