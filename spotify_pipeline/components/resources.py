"""What runs need from outside: the warehouse, this machine's directory, and Spotify.

No value is read when definitions load: credentials and addresses come from the environment when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import duckdb
from dagster_duckdb import DuckDBResource

from spotify_pipeline.components.configured import ConfiguredResource, setting
from spotify_pipeline.customer_list import SnapshotStore
from spotify_pipeline.mirror import Alerts, ApprovalStore, Journal, ReceiptBook
from spotify_pipeline.privacy import ErasureLedger
from spotify_pipeline.spotify import (
    CallRecord,
    SignInState,
    SpotifyAdsClient,
    SpotifySettings,
    TokenStore,
    revealed,
    sign_in_state,
)
from spotify_pipeline.state import StateStore
from spotify_pipeline.warehouse import (
    TO_READ,
    DuckDBWarehouse,
    FunctionWarehouse,
    PythonFunction,
    Relation,
    SegmentReader,
    Warehouse,
    WarehouseHeld,
    chosen_warehouse,
    open_to_read,
)

PLANS = "plan"
"""The directory below the project's own in which plans are made."""
OFFICIAL_API = "https://api-partner.spotify.com"
ADS_MANAGER = "https://adsmanager.spotify.com/"


class WarehouseResource(ConfiguredResource):
    """The warehouse, read-only and locked down while a segment is read."""

    warehouse: Any = setting("warehouse")
    home: Any = setting("home")

    @property
    def file(self) -> Path | None:
        """The DuckDB file; None for a warehouse of another class."""
        stated = self.connected().warehouse
        return stated if isinstance(stated, Path) else None

    @contextmanager
    def segment(self, relation: Relation) -> Generator[SegmentReader]:
        """A reader of one relation, or of a function; the warehouse file is held only inside the block.

        Raises:
            SegmentError: there is no warehouse file, it cannot be read, or another process is writing to it.
        """
        spill = self.connected().home / "spill"
        warehouse = FunctionWarehouse(relation) if isinstance(relation, PythonFunction) else self._opens(spill)
        with warehouse, closing(SegmentReader(warehouse, relation, spill)) as segment:
            yield segment

    def _opens(self, spill: Path) -> Warehouse:
        stated = self.connected().warehouse
        if isinstance(stated, Path):
            return DuckDBWarehouse(stated, spill=spill, connect=_connected)
        return chosen_warehouse(revealed(stated))


def _connected(file: Path) -> duckdb.DuckDBPyConnection:
    """A connection to the warehouse; a process that writes to it is waited for, some 100 seconds at most."""
    try:
        return open_to_read(file)
    except WarehouseHeld as held:
        sentence = str(held)
    try:
        # Its connection outlives this context: the resource would close it only when a block ends well.
        return DuckDBResource(database=str(file), connection_config={**TO_READ}).get_connection().__enter__()
    except duckdb.Error:
        raise WarehouseHeld(sentence) from None


class PipelineHome(ConfiguredResource):
    """What was built, in a directory of this machine, and what is known of each audience, in the state."""

    home: Any = setting("home")
    state: Any = setting("state")
    key: Any = setting("key")
    lists: Any = setting("lists")

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self.connected().home

    @property
    def store(self) -> StateStore:
        """What must not be forgotten."""
        return self.connected().store

    @property
    def snapshots(self) -> SnapshotStore:
        """Where identifiers and customer lists are kept."""
        return self.connected().snapshots

    @property
    def journal(self) -> Journal:
        """Which audience at Spotify is ours, and what was last sent."""
        return Journal(self.store)

    @property
    def approvals(self) -> ApprovalStore:
        """What people approved."""
        return ApprovalStore(self.store)

    @property
    def receipts(self) -> ReceiptBook:
        """What was changed at Spotify."""
        return ReceiptBook(self.store)

    @property
    def ledger(self) -> ErasureLedger:
        """Who asked to be forgotten."""
        return ErasureLedger(self.store)

    @property
    def alerts(self) -> Alerts:
        """What a person must be told."""
        return Alerts(self.store)


class AudienceAttributes(Protocol):
    """What the YAML of any kind of audience may say of what it is called and where it is."""

    @property
    def name(self) -> str | None:
        """Its name in Ads Manager; None for the folder's name."""
        ...

    @property
    def description(self) -> str | None:
        """Who is in it, for people in Ads Manager."""
        ...

    @property
    def key_prefix(self) -> str | None:
        """What comes before the folder in the keys of its assets, with slashes between its parts."""
        ...

    @property
    def ad_account_id(self) -> str | None:
        """The ad account that owns it; None where the YAML leaves that to the environment."""
        ...

    @property
    def authorization(self) -> str | None:
        """The label of the sign-in that writes to it; None for the default one."""
        ...


class ConfiguredAudience(Protocol):
    """An audience of any kind, as the configuration has it."""

    @property
    def config(self) -> AudienceAttributes:
        """Its YAML."""
        ...


class SpotifyAdsResource(ConfiguredResource):
    """Spotify's Ads API v3, signed in with a refresh token or with `spotify-pipeline login`."""

    client_id: Any = setting("client_id")
    client_secret: Any = setting("client_secret")
    refresh_token: Any = setting("refresh_token")
    authorization: Any = setting("authorization")
    ad_account_id: Any = setting("ad_account_id")
    ads_api_url: Any = setting("ads_api_url")
    accounts_url: Any = setting("accounts_url")
    upload_hosts: Any = setting("upload_hosts")
    upload_chunk_bytes: Any = setting("upload_chunk_bytes")
    proxy_url: Any = setting("proxy_url")
    ca_bundle: Any = setting("ca_bundle")
    home: Any = setting("home")
    state: Any = setting("state")
    key: Any = setting("key")

    def settings(self, authorization: str | None = None) -> SpotifySettings:
        """What is set, with the authorization of that label where one is named."""
        return self.connected().spotify(authorization)

    @contextmanager
    def client(
        self, on_call: Callable[[CallRecord], None] | None = None, *, authorization: str | None = None
    ) -> Generator[SpotifyAdsClient]:
        """An open client; each call is reported to ``on_call``, without secrets.

        ``authorization`` is the label of the sign-in to use; by default the environment's.
        """
        settings = self.settings(authorization)
        with SpotifyAdsClient.open(settings, TokenStore(self.connected().store), observer=on_call) as client:
            yield client

    def sign_in(self, authorization: str | None, now: datetime) -> SignInState:
        """How long the sign-in of that label lasts, from its age alone: no call is made."""
        return sign_in_state(self.settings(authorization), TokenStore(self.connected().store), now)

    def account_of(self, audience: ConfiguredAudience) -> str:
        """The ad account that an audience belongs to: the one its YAML states, else the connection's.

        Raises:
            SpotifyError: neither states one.
        """
        return audience.config.ad_account_id or self.connected().spotify().require_ad_account_id()

    def ads_manager_url(self) -> str:
        """Where a person looks at audiences: Ads Manager, or the sandbox's page."""
        api = self.connected().spotify().ads_api_url
        if api.startswith(OFFICIAL_API):
            return ADS_MANAGER
        scheme, _, rest = api.partition("://")
        return f"{scheme}://{rest.split('/')[0]}/"


class AlertWebhook(ConfiguredResource):
    """Where alerts are posted to, beside Dagster's log."""

    alert_webhook: Any = setting("alert_webhook")

    @property
    def address(self) -> str | None:
        """The address, which is a credential; None where alerts are only logged."""
        found = self.connected().alert_webhook
        return found.reveal() if found is not None else None
