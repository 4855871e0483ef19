"""What the page tells about data sets."""

from __future__ import annotations

from spotify_pipeline.sandbox.ads import ad_accounts_of_dataset, is_routed
from spotify_pipeline.sandbox.store import CapiConnection, Dataset, SandboxState, Tally, in_utc_seconds


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
