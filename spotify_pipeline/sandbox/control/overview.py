"""What the sandbox's own endpoints and its page tell about audiences, the lists that arrived, and data sets."""

from __future__ import annotations

from dataclasses import asdict

from spotify_pipeline.sandbox.ads import ad_accounts_of_dataset, is_routed
from spotify_pipeline.sandbox.lists import AudienceStatus, settle, status_of
from spotify_pipeline.sandbox.store import (
    Audience,
    CapiConnection,
    Dataset,
    ReceivedList,
    SandboxState,
    Tally,
    in_utc_seconds,
)


async def overview(state: SandboxState, *, wait_for_all: bool) -> list[dict[str, object]]:
    """Every audience of every ad account, ready for JSON, the newest last.

    ``wait_for_all`` waits until every list has been judged; without it a list may lack its judgement.
    """
    audiences = state.audiences.all()
    await settle(state, audiences, wait_for_all=wait_for_all)
    return [_audience(state, audience, status_of(state, audience)) for audience in audiences]


def clock_response(state: SandboxState) -> dict[str, object]:
    """The sandbox's time and how far it is ahead of the machine's."""
    return {"now": in_utc_seconds(state.clock.now()), "offset_seconds": state.clock.offset_seconds}


def _audience(state: SandboxState, audience: Audience, current: AudienceStatus) -> dict[str, object]:
    lists = state.received_lists.of(audience.id)
    return {
        "id": audience.id,
        "ad_account_id": audience.ad_account_id,
        "name": audience.name,
        "description": audience.description,
        "type": audience.type,
        "subtype": audience.subtype,
        "status": current.status,
        "forced_status": audience.forced_status,
        "size": current.size.as_json(),
        "created_at": in_utc_seconds(audience.created_at),
        "updated_at": in_utc_seconds(current.updated_at),
        "lists_received": len(lists),
        "times_replaced": sum(received.replacement for received in lists),
        "serving_list": current.serving.id if current.serving else None,
        "list": _list(lists[-1], current) if lists else None,
    }


def _list(received: ReceivedList, current: AudienceStatus) -> dict[str, object]:
    """The newest list. ``outcome`` says what came, or will come, of it."""
    verdict = received.judgement
    if current.processing is not None and current.processing.id == received.id:
        outcome = "processing"
    elif current.serving is not None and current.serving.id == received.id:
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


def dataset_overview(state: SandboxState) -> list[dict[str, object]]:
    """Every data set: what sends to it, who may use it, and what arrived."""
    return [_dataset(state, dataset) for dataset in state.datasets.all()]


def _dataset(state: SandboxState, dataset: Dataset) -> dict[str, object]:
    tallies = state.events.tallies(dataset.id)
    last = max((tally.last_at for tally in tallies), default=None)
    names = list(dict.fromkeys(tally.name for tally in tallies))
    return {
        "id": dataset.id,
        "name": dataset.name,
        "connections": [_connection(state, one) for one in state.capi_connections.of(dataset.id)],
        "pixels": state.pixels.of(dataset.id),
        "shared_with": [account.name for account in ad_accounts_of_dataset(state, dataset.id)],
        "events": [_events(name, [tally for tally in tallies if tally.name == name]) for name in names],
        "last_received_at": None if last is None else in_utc_seconds(last),
    }


def _connection(state: SandboxState, connection: CapiConnection) -> dict[str, object]:
    active = [token for token in state.capi_tokens.of(connection.id) if not token.deleted]
    return {
        "id": connection.id,
        "name": connection.name,
        "tokens": len(active),
        "routed": is_routed(state, connection),
    }


def _events(name: str, tallies: list[Tally]) -> dict[str, object]:
    return {
        "name": name,
        "distinct": sum(tally.events for tally in tallies),
        "repeated": sum(tally.repeated for tally in tallies),
        "altered": sum(tally.altered for tally in tallies),
        "lost": sum(tally.events for tally in tallies if not tally.routed),
    }
