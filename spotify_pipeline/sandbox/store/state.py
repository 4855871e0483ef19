"""Everything one sandbox knows and where it keeps it."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from spotify_pipeline.sandbox.config import DEFAULTS, ListFormat, SandboxConfig, SandboxError
from spotify_pipeline.sandbox.faults import FaultScript
from spotify_pipeline.sandbox.store.clock import Clock, wall_clock
from spotify_pipeline.sandbox.store.database import Collection, Database, Record
from spotify_pipeline.sandbox.store.event_store import EventStore
from spotify_pipeline.sandbox.store.in_memory import RateLimiter, RejectedEvents, RequestLog
from spotify_pipeline.sandbox.store.listeners import Listeners
from spotify_pipeline.sandbox.store.records import (
    AccessToken,
    AdAccount,
    Audience,
    AuthorizationCode,
    Business,
    CapiConnection,
    CapiToken,
    Dataset,
    Grant,
    Pixel,
    ReceivedList,
    RefreshToken,
    Setting,
    Share,
    Upload,
    UploadSession,
)
from spotify_pipeline.sandbox.store.state_directory import DATABASE, LISTS, SESSIONS, claimed, private_folder
from spotify_pipeline.sandbox.store.world import default_world


class SandboxState:
    """The records, files, clock and limits of one sandbox. Open it with :meth:`open`, close it when done.

    With a directory everything survives a restart except the request log, the scripted faults, the rejected events and
    the rate limits' windows.
    """

    def __init__(
        self,
        config: SandboxConfig,
        directory: Path,
        *,
        temporary: bool,
        wall: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self.config = config
        self.directory = directory
        self._temporary = temporary
        self._lock_file = claimed(directory)
        try:
            self.lists_directory = private_folder(directory / LISTS)
            self.sessions_directory = private_folder(directory / SESSIONS)
            self._database = Database(directory / DATABASE)
        except SandboxError:
            os.close(self._lock_file)
            raise
        self.settings = Collection(self._database, Setting)
        self.businesses = Collection(self._database, Business)
        self.ad_accounts = Collection(self._database, AdAccount, lambda account: account.business_id)
        self.datasets = Collection(self._database, Dataset, lambda dataset: dataset.business_id)
        self.shares = Collection(self._database, Share, lambda share: share.ad_account_id)
        self.capi_connections = Collection(self._database, CapiConnection, lambda one: one.dataset_id)
        self.pixels = Collection(self._database, Pixel, lambda pixel: pixel.dataset_id)
        self.capi_tokens = Collection(self._database, CapiToken, lambda token: token.connection_id)
        self.events = EventStore(self._database)
        self.grants = Collection(self._database, Grant)
        self.codes = Collection(self._database, AuthorizationCode)
        self.refresh_tokens = Collection(self._database, RefreshToken, lambda token: token.grant_id)
        self.access_tokens = Collection(self._database, AccessToken, lambda token: token.grant_id)
        self.uploads = Collection(self._database, Upload, lambda upload: upload.audience_id)
        self.sessions = Collection(self._database, UploadSession, lambda session: session.upload_id)
        self.received_lists = Collection(self._database, ReceivedList, lambda received: received.audience_id)
        self.audiences = Collection(self._database, Audience, lambda audience: audience.ad_account_id)
        self.limiter = RateLimiter(config.requests_per_window, config.window_seconds, monotonic)
        self.event_limiter = RateLimiter(config.event_requests_per_window, config.window_seconds, monotonic)
        self.rejected_events = RejectedEvents()
        self.requests = RequestLog()
        self.faults = FaultScript()
        self.listeners = Listeners.of(config)
        offset = self.settings.get("clock_offset")
        self.clock = Clock(float(offset.value) if offset else 0.0, wall=wall)
        self._seed()

    @classmethod
    def open(
        cls,
        config: SandboxConfig | None = None,
        directory: Path | None = None,
        *,
        wall: Callable[[], datetime] = wall_clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> SandboxState:
        """A sandbox whose state is in ``directory``, or in a temporary one that :meth:`close` removes.

        Raises:
            SandboxError: the directory cannot be used, holds other files, or another sandbox is using it.
        """
        chosen = directory or Path(tempfile.mkdtemp(prefix="spotify-sandbox-"))
        return cls(
            config or SandboxConfig(),
            private_folder(chosen.absolute()),
            temporary=directory is None,
            wall=wall,
            monotonic=monotonic,
        )

    def close(self) -> None:
        """Write everything down and let others use the directory."""
        self._database.close()
        os.close(self._lock_file)
        if self._temporary:
            shutil.rmtree(self.directory, ignore_errors=True)

    def reset(self) -> None:
        """Back to the default world on the machine's time: no audience, no list, the seeded refresh token."""
        for received in self.received_lists.all():
            self.list_file(received.id).unlink(missing_ok=True)
        for session in self.sessions.all():
            self.session_file(session.id).unlink(missing_ok=True)
        self._database.clear()
        self.events.clear()
        self.clock.restart()
        self.limiter.clear()
        self.event_limiter.clear()
        self.rejected_events.clear()
        self.requests.clear()
        self.faults.clear()
        self._seed()

    def advance_clock(self, seconds: float) -> None:
        """Move the clock forward and remember by how much."""
        self.clock.advance(seconds)
        self.settings.put(Setting(id="clock_offset", value=str(self.clock.offset_seconds)))

    @property
    def signing_key(self) -> bytes:
        """The key of the store's signed URLs; drawn once per sandbox."""
        stored = self.settings.get("signing_key")
        if stored is None:
            stored = Setting(id="signing_key", value=secrets.token_hex(32))
            self.settings.put(stored)
        return bytes.fromhex(stored.value)

    @property
    def list_format(self) -> ListFormat:
        """How tolerant lists that arrive now are read: the configuration's choice until somebody switches it."""
        stored = self.settings.get("list_format")
        return ListFormat(stored.value) if stored else self.config.list_format

    @list_format.setter
    def list_format(self, chosen: ListFormat) -> None:
        self.settings.put(Setting(id="list_format", value=chosen.value))

    @property
    def terms_accepted(self) -> bool:
        """Whether the client has accepted the Ads API terms."""
        stored = self.settings.get("terms_accepted")
        return stored is None or stored.value == "yes"

    @terms_accepted.setter
    def terms_accepted(self, accepted: bool) -> None:
        self.settings.put(Setting(id="terms_accepted", value="yes" if accepted else "no"))

    def list_file(self, list_id: str) -> Path:
        """Where the bytes of a received list are."""
        return self.lists_directory / list_id

    def session_file(self, session_id: str) -> Path:
        """Where the bytes of an upload under way are."""
        return self.sessions_directory / session_id

    def forget_session(self, session_id: str) -> None:
        """Drop an upload session and its bytes; its URI is unknown from now on."""
        self.sessions.delete(session_id)
        self.session_file(session_id).unlink(missing_ok=True)

    def _seed(self) -> None:
        """Give an empty sandbox the default world; leave one that has been used before as it is."""
        if self.businesses.get(DEFAULTS.business_id) is not None:
            return
        collections: dict[type[Record], Collection[Any]] = {
            one.record_type: one for one in vars(self).values() if isinstance(one, Collection)
        }
        for record in default_world(self.clock.now()):
            collections[type(record)].put(record)
