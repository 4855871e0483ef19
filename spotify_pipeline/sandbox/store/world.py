"""The default world: what every new sandbox holds before anybody calls."""

from __future__ import annotations

from datetime import datetime

from spotify_pipeline.sandbox.config import DEFAULTS
from spotify_pipeline.sandbox.store.database import Record
from spotify_pipeline.sandbox.store.records import (
    AdAccount,
    Business,
    CapiConnection,
    CapiToken,
    Dataset,
    Grant,
    Pixel,
    RefreshToken,
    Share,
    secret_digest,
)

ADMIN = "AD_ACCOUNT_ADMIN"
CONTRIBUTOR = "AD_ACCOUNT_CONTRIBUTOR"
VIEWER = "AD_ACCOUNT_VIEWER"
ROLES = (ADMIN, CONTRIBUTOR, VIEWER)


def default_world(now: datetime) -> list[Record]:
    """A business with two ad accounts, a signed-in user, a web shop with a connection, and a pixel."""
    return [
        Business(id=DEFAULTS.business_id, name="Sandbox Business", created_at=now),
        _ad_account(DEFAULTS.ad_account_id, "Sandbox Ad Account", ADMIN, now),
        _ad_account(DEFAULTS.viewer_ad_account_id, "Sandbox Ad Account, look only", VIEWER, now),
        Grant(
            id="seeded",
            client_id=DEFAULTS.client_id,
            user_id=DEFAULTS.user_id,
            authorized_at=now,
            public_client=True,
        ),
        RefreshToken(id=secret_digest(DEFAULTS.refresh_token), grant_id="seeded"),
        Dataset(id=DEFAULTS.dataset_id, name="Sandbox Web Shop", events=("view", "add_to_cart", "purchase")),
        Share.of(DEFAULTS.dataset_id, DEFAULTS.ad_account_id),
        CapiConnection(
            id=DEFAULTS.capi_connection_id,
            integration_id=DEFAULTS.capi_integration_id,
            business_id=DEFAULTS.business_id,
            dataset_id=DEFAULTS.dataset_id,
            name="Sandbox Web Shop",
        ),
        CapiToken(
            id=secret_digest(DEFAULTS.capi_token),
            token_id=DEFAULTS.capi_token_id,
            connection_id=DEFAULTS.capi_connection_id,
            secret=DEFAULTS.capi_token,
            created_at=now,
        ),
        Dataset(id=DEFAULTS.pixel_dataset_id, name="Sandbox Pixel"),
        Pixel(
            id=DEFAULTS.pixel_id,
            integration_id=DEFAULTS.pixel_integration_id,
            business_id=DEFAULTS.business_id,
            dataset_id=DEFAULTS.pixel_dataset_id,
            name="Sandbox Pixel",
            domain="https://shop.example.com",
            created_at=now,
        ),
    ]


def _ad_account(id_: str, name: str, role: str, now: datetime) -> AdAccount:
    return AdAccount(
        id=id_,
        business_id=DEFAULTS.business_id,
        name=name,
        role=role,
        country_code="SE",
        currency_code="SEK",
        created_at=now,
    )
