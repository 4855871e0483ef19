"""Audiences, data sets, connections and tokens as the Ads API shows them, unused fields left out."""

from __future__ import annotations

from datetime import datetime, timedelta

from spotify_pipeline.sandbox.lists import AudienceStatus
from spotify_pipeline.sandbox.store import (
    AdAccount,
    Audience,
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


def dataset_response(state: SandboxState, dataset: Dataset) -> dict[str, object]:
    """The document's ``Dataset``; an integration that it does not have is left out."""
    lately = state.clock.now() - RECEIVING
    names = {tally.name for tally in _seen(state, dataset.id) if tally.last_at >= lately}
    response: dict[str, object] = {
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
        response["pixel"] = _pixel(pixel)
    for connection in state.capi_connections.of(dataset.id):
        response["capi_integration"] = connection_response(state, connection)
    return response


def connection_response(state: SandboxState, connection: CapiConnection) -> dict[str, object]:
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


def token_response(token: CapiToken) -> dict[str, object]:
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


_SOURCES = {
    "CUSTOMER_LIST": "CUSTOMER_LIST",
    "WEB_EVENT": "PIXEL",
    "AD_ENGAGEMENT": "AD_ENGAGEMENT",
    None: "AUDIENCE",
}


def audience_response(state: SandboxState, audience: Audience, current: AudienceStatus) -> dict[str, object]:
    """The answer for one audience."""
    response: dict[str, object | None] = {
        "id": audience.id,
        "created_at": in_utc_seconds(audience.created_at),
        "updated_at": in_utc_seconds(current.updated_at),
        "name": audience.name,
        "description": audience.description,
        "type": audience.type,
        "subtype": audience.subtype,
        "status": current.status,
        "size": current.size.as_json(),
        "sources": [_SOURCES[audience.subtype]],
        "lookalike_audience_ids": _lookalikes(state, audience),
        "included_events": list(audience.included_events),
        "excluded_events": list(audience.excluded_events),
        "lookback_days": audience.lookback_days,
        "campaign_ids": list(audience.campaign_ids),
        "ad_set_ids": list(audience.ad_set_ids),
        "exposure_type": audience.exposure_type,
        "datasets": _datasets(state, audience),
        "audience_category": audience.type,
        **_seed(state, audience),
    }
    return {name: value for name, value in response.items() if value is not None and value != []}


def _lookalikes(state: SandboxState, audience: Audience) -> list[str]:
    siblings = state.audiences.of(audience.ad_account_id)
    return [other.id for other in siblings if other.seed_audience_id == audience.id]


def _datasets(state: SandboxState, audience: Audience) -> list[dict[str, str]]:
    found = [state.datasets.get(id_) for id_ in audience.dataset_ids]
    return [{"id": dataset.id, "name": dataset.name} for dataset in found if dataset is not None]


def _seed(state: SandboxState, audience: Audience) -> dict[str, str]:
    if audience.seed_audience_id is None:
        return {}
    seed = state.audiences.get(audience.seed_audience_id)
    name = {"seed_audience_name": seed.name} if seed else {}
    return {"seed_audience_id": audience.seed_audience_id, **name}
