"""Data sets, connections, pixels and tokens as the Ads API shows them, and what it sees of the events by now."""

from __future__ import annotations

from datetime import datetime, timedelta

from spotify_pipeline.sandbox.store import (
    AdAccount,
    CapiConnection,
    CapiToken,
    Dataset,
    Pixel,
    SandboxState,
    Tally,
    in_utc_seconds,
)

SIGNAL_NAMES = {"CHECK_OUT": "CHECKOUT", "ADD_TO_CART": "ADDTOCART", "SIGN_UP": "SIGNUP"}
"""Names that the Ads API spells without underscores; the others are the same there."""
RECEIVING = timedelta(days=1)
"""A data set is receiving events if one has arrived within this."""


def seen_until(state: SandboxState) -> datetime:
    """The Ads API shows events that arrived by this moment; later ones are still under way."""
    return state.clock.now() - timedelta(seconds=state.config.diagnostics_delay_seconds)


def is_routed(state: SandboxState, connection: CapiConnection) -> bool:
    """Whether a connection's events get anywhere: not where a pixel has joined its data set late."""
    return not any(pixel.joined_late for pixel in state.pixels.of(connection.dataset_id))


def datasets_of_ad_account(state: SandboxState, ad_account_id: str) -> list[Dataset]:
    """The data sets that an ad account may use."""
    found = [state.datasets.get(share.dataset_id) for share in state.shares.of(ad_account_id)]
    return [dataset for dataset in found if dataset is not None]


def ad_accounts_of_dataset(state: SandboxState, dataset_id: str) -> list[AdAccount]:
    """The ad accounts that may use a data set."""
    found = [
        state.ad_accounts.get(share.ad_account_id) for share in state.shares.all() if share.dataset_id == dataset_id
    ]
    return [account for account in found if account is not None]


def received_names(state: SandboxState, dataset: Dataset) -> list[str]:
    """Names of the events that a data set is seen to have, as the event host spells them."""
    return list(dict.fromkeys(tally.name for tally in _seen(state, dataset.id)))


def dataset_answer(state: SandboxState, dataset: Dataset) -> dict[str, object]:
    """The document's ``Dataset``; an integration that it does not have is left out."""
    lately = state.clock.now() - RECEIVING
    names = {tally.name for tally in _seen(state, dataset.id) if tally.last_at >= lately}
    answer: dict[str, object] = {
        "id": dataset.id,
        "name": dataset.name,
        "ad_set_count": 0,
        "is_archived": False,
        "is_receiving_events": bool(names),
        "is_receiving_lead_events": "LEAD" in names,
        "shared_ad_accounts": [
            {"id": account.id, "name": account.name} for account in ad_accounts_of_dataset(state, dataset.id)
        ],
    }
    for pixel in state.pixels.of(dataset.id):
        answer["pixel"] = _pixel(pixel)
    for connection in state.capi_connections.of(dataset.id):
        answer["capi_integration"] = connection_answer(state, connection)
    return answer


def connection_answer(state: SandboxState, connection: CapiConnection) -> dict[str, object]:
    """The document's ``CapiIntegration``."""
    first: dict[str, datetime] = {}
    for tally in _seen(state, None):
        if tally.connection_id == connection.id:
            first[tally.name] = min(tally.first_at, first.get(tally.name, tally.first_at))
    return {
        "capi_connection_id": connection.id,
        "integration_id": connection.integration_id,
        "name": connection.name,
        "dataset_id": connection.dataset_id,
        "events_received": [
            {"event_type": SIGNAL_NAMES.get(name, name), "first_event_time": in_utc_seconds(at)}
            for name, at in first.items()
        ],
    }


def token_answer(token: CapiToken) -> dict[str, object]:
    """The document's ``CapiAuthTokenResponse``, secret included, as its list of tokens has it."""
    return {
        "capi_auth_token_id": token.token_id,
        "capi_auth_token": token.secret,
        "created_at": in_utc_seconds(token.created_at),
    }


def _seen(state: SandboxState, dataset_id: str | None) -> list[Tally]:
    return [tally for tally in state.events.tallies(dataset_id, seen_until(state)) if tally.routed]


def _pixel(pixel: Pixel) -> dict[str, object]:
    return {
        "id": pixel.id,
        "integration_id": pixel.integration_id,
        "domain": pixel.domain,
        "name": pixel.name,
        "created_at": in_utc_seconds(pixel.created_at),
        "dataset_id": None if pixel.joined_late else pixel.dataset_id,
        "events": [],
        "historical_events": [],
        "events_received": [],
        "aam_opt_in": False,
        "aam_fields": [],
        "cookie_opt_in": True,
    }
