"""The default world: what every new sandbox holds before anybody calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from spotify_pipeline.sandbox.config import DEFAULTS
from spotify_pipeline.sandbox.records import (
    AdAccount,
    Business,
    Dataset,
    Grant,
    RefreshToken,
    secret_digest,
)

if TYPE_CHECKING:
    from spotify_pipeline.sandbox.state import SandboxState

ADMIN = "AD_ACCOUNT_ADMIN"
CONTRIBUTOR = "AD_ACCOUNT_CONTRIBUTOR"
VIEWER = "AD_ACCOUNT_VIEWER"
ROLES = (ADMIN, CONTRIBUTOR, VIEWER)


def seed_world(state: SandboxState) -> None:
    """Fill an empty sandbox; leave one that has been used before as it is."""
    if state.businesses.get(DEFAULTS.business_id) is not None:
        return
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
            ad_account_id=DEFAULTS.ad_account_id,
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
