"""Everything one sandbox knows and where it keeps it."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from spotify_pipeline.sandbox.clock import Clock, wall_clock
from spotify_pipeline.sandbox.config import ListFormat, SandboxConfig, SandboxError
from spotify_pipeline.sandbox.database import Collection, Database
from spotify_pipeline.sandbox.listeners import Listeners
from spotify_pipeline.sandbox.rate_limit import RateLimiter
from spotify_pipeline.sandbox.records import (
    AccessToken,
    AdAccount,
    Audience,
    AuthorizationCode,
    Business,
    Dataset,
    Grant,
    ReceivedList,
    RefreshToken,
    Setting,
    Upload,
    UploadSession,
)
from spotify_pipeline.sandbox.request_log import RequestLog
from spotify_pipeline.sandbox.world import seed_world


class SandboxState:
    """The records, files, clock and limits of one sandbox. Open it with :meth:`open`, close it when done.

    With a directory everything but the request log and the rate limit's window survives a restart.
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
        self._lock_file = _lock(directory)
        self.lists_directory = _private(directory / "lists")
        self.sessions_directory = _private(directory / "sessions")
        try:
            self._database = Database(directory / "sandbox.sqlite")
        except SandboxError:
            os.close(self._lock_file)
            raise
        self.settings = Collection(self._database, Setting)
        self.businesses = Collection(self._database, Business)
        self.ad_accounts = Collection(self._database, AdAccount, lambda account: account.business_id)
        self.datasets = Collection(self._database, Dataset, lambda dataset: dataset.ad_account_id)
        self.grants = Collection(self._database, Grant)
        self.codes = Collection(self._database, AuthorizationCode)
        self.refresh_tokens = Collection(self._database, RefreshToken, lambda token: token.grant_id)
        self.access_tokens = Collection(self._database, AccessToken, lambda token: token.grant_id)
        self.uploads = Collection(self._database, Upload, lambda upload: upload.audience_id)
        self.sessions = Collection(self._database, UploadSession, lambda session: session.upload_id)
        self.received_lists = Collection(self._database, ReceivedList, lambda received: received.audience_id)
        self.audiences = Collection(self._database, Audience, lambda audience: audience.ad_account_id)
        self.limiter = RateLimiter(config.requests_per_window, config.window_seconds, monotonic)
        self.requests = RequestLog()
        self.listeners = Listeners.of(config)
        offset = self.settings.get("clock_offset")
        self.clock = Clock(float(offset.value) if offset else 0.0, wall=wall)
        seed_world(self)

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
            SandboxError: the directory cannot be used, or another sandbox is using it.
        """
        chosen = directory or Path(tempfile.mkdtemp(prefix="spotify-sandbox-"))
        return cls(
            config or SandboxConfig(),
            _private(chosen.absolute()),
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
        self._database.clear()
        for directory in (self.lists_directory, self.sessions_directory):
            for file in directory.iterdir():
                file.unlink(missing_ok=True)
        self.clock.restart()
        self.limiter.clear()
        self.requests.clear()
        seed_world(self)

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
        """How tolerant lists are read: the configuration's choice until somebody switches it."""
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


def _private(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise SandboxError(
            f"the sandbox's directory {directory} cannot be used ({error.strerror}). Name another one."
        ) from None
    return directory


def _lock(directory: Path) -> int:
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise SandboxError(
            f"another sandbox is running on {directory}. Stop it, or name another state directory."
        ) from None
    return descriptor
