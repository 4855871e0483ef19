"""The default world: what every new sandbox holds before anybody calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotify_pipeline.sandbox.config import DEFAULTS
from spotify_pipeline.sandbox.store.capi_records import CapiConnection, CapiToken, Pixel, Share
from spotify_pipeline.sandbox.store.records import AdAccount, Business, Dataset, Grant, RefreshToken, secret_digest

if TYPE_CHECKING:
    from spotify_pipeline.sandbox.store.state import SandboxState

ADMIN = "AD_ACCOUNT_ADMIN"
CONTRIBUTOR = "AD_ACCOUNT_CONTRIBUTOR"
VIEWER = "AD_ACCOUNT_VIEWER"
ROLES = (ADMIN, CONTRIBUTOR, VIEWER)


def seed_world(state: SandboxState) -> None:
    """Fill an empty sandbox; leave what one that has been used before holds as it is."""
    if state.businesses.get(DEFAULTS.business_id) is None:
        _seed_business(state)
    if state.capi_connections.get(DEFAULTS.capi_connection_id) is None:
        _seed_conversions(state)


def _seed_business(state: SandboxState) -> None:
    now = state.clock.now()
    state.businesses.put(Business(id=DEFAULTS.business_id, name="Sandbox Business", created_at=now))
    accounts = (
        (DEFAULTS.ad_account_id, "Sandbox Ad Account", ADMIN),
        (DEFAULTS.viewer_ad_account_id, "Sandbox Ad Account, look only", VIEWER),
    )
    for id_, name, role in accounts:
        state.ad_accounts.put(
            AdAccount(
                id=id_,
                business_id=DEFAULTS.business_id,
                name=name,
                role=role,
                country_code="SE",
                currency_code="SEK",
                created_at=now,
            )
        )
    state.datasets.put(
        Dataset(
            id=DEFAULTS.dataset_id,
            name="Sandbox Web Shop",
            events=("view", "add_to_cart", "purchase"),
        )
    )
    grant = Grant(
        id="seeded",
        client_id=DEFAULTS.client_id,
        user_id=DEFAULTS.user_id,
        authorized_at=now,
        public_client=True,
    )
    state.grants.put(grant)
    state.refresh_tokens.put(RefreshToken(id=secret_digest(DEFAULTS.refresh_token), grant_id=grant.id))


def _seed_conversions(state: SandboxState) -> None:
    """A connection with a token on the web shop's data set, and a pixel on a data set of its own."""
    now = state.clock.now()
    state.shares.put(Share.of(DEFAULTS.dataset_id, DEFAULTS.ad_account_id))
    state.capi_connections.put(
        CapiConnection(
            id=DEFAULTS.capi_connection_id,
            integration_id=DEFAULTS.capi_integration_id,
            business_id=DEFAULTS.business_id,
            dataset_id=DEFAULTS.dataset_id,
            name="Sandbox Web Shop",
        )
    )
    state.capi_tokens.put(
        CapiToken(
            id=secret_digest(DEFAULTS.capi_token),
            token_id=DEFAULTS.capi_token_id,
            connection_id=DEFAULTS.capi_connection_id,
            secret=DEFAULTS.capi_token,
            created_at=now,
        )
    )
    state.datasets.put(Dataset(id=DEFAULTS.pixel_dataset_id, name="Sandbox Pixel"))
    state.pixels.put(
        Pixel(
            id=DEFAULTS.pixel_id,
            integration_id=DEFAULTS.pixel_integration_id,
            business_id=DEFAULTS.business_id,
            dataset_id=DEFAULTS.pixel_dataset_id,
            name="Sandbox Pixel",
            domain="https://shop.example.com",
            created_at=now,
        )
    )
