"""The file that stores the refresh tokens, which rotate and so cannot be kept in an environment variable.

One JSON file, mode 0600, in a directory that nobody else can write to; written to a temporary name and renamed. A lock
file beside it is locked with flock; the lock is released when the process dies. The store has one authorization for
each accounts service, client id and label: a local stand-in and Spotify never get each other's tokens.

The lock holds on this machine only. Several machines need a sign-in each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spotify_pipeline.home import private_directory
from spotify_pipeline.locks import exclusive
from spotify_pipeline.retries import TOKENS_HELD
from spotify_pipeline.spotify.auth.authorization import Authorization, AuthorizationKey, StoreContents
from spotify_pipeline.spotify.auth.store_files import StoreFiles
from spotify_pipeline.spotify.auth.store_safety import MOUNT_TABLE
from spotify_pipeline.spotify.errors import SpotifyUnavailable, TokenStoreUnusable
from spotify_pipeline.spotify.settings import DEFAULT_LABEL

FILE_NAME = "tokens.json"


class OpenTokens:
    """The store while it is locked: read, decide, save."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files

    def find(self, issuer: str, client_id: str, label: str = DEFAULT_LABEL) -> Authorization | None:
        return self._contents().authorizations.get(AuthorizationKey(issuer, client_id, label))

    def used_bootstrap_token(self, key: AuthorizationKey) -> str | None:
        """SHA-256 of the bootstrap token that a sign-out has used up, None when there is none."""
        return self._contents().signed_out.get(key)

    def bootstrap_token_is_used(self, key: AuthorizationKey, fingerprint: str) -> bool:
        """See :meth:`StoreContents.bootstrap_token_is_used`."""
        return self._contents().bootstrap_token_is_used(key, fingerprint)

    def save(self, authorization: Authorization) -> None:
        """Write ``authorization`` and leave all others unchanged. It is on disk, twice, when this returns.

        Raises:
            HomeError: the disk is full or the directory not writable; the file is unchanged.
            TokenStoreUnusable: the file and its copy are damaged or open to others; they are unchanged.
        """
        self._files.write(self._with(authorization))

    def save_mark(self, authorization: Authorization) -> None:
        """As :meth:`save`, for a change without a new token: the copy is left unchanged."""
        self._files.write(self._with(authorization), copy=False)

    def forget(self, used_bootstrap_tokens: Mapping[AuthorizationKey, str | None]) -> None:
        """Remove authorizations with their tokens, and left-over damaged files, which may hold them too.

        Args:
            used_bootstrap_tokens: of which; the digest of the one that must not be used again, None for none.
        """
        contents = self._contents()
        kept = {key: each for key, each in contents.authorizations.items() if key not in used_bootstrap_tokens}
        spent = {key: digest for key, digest in used_bootstrap_tokens.items() if digest is not None}
        self._files.replace(StoreContents(kept, {**contents.signed_out, **spent}))

    def forget_all(self, used_bootstrap_tokens: Mapping[AuthorizationKey, str]) -> None:
        """Remove everything, even from damaged files. Used bootstrap tokens stay known."""
        try:
            contents = self._files.read()
        except TokenStoreUnusable:
            contents = StoreContents()
        taken = {
            key: each.bootstrap_sha256
            for key, each in contents.authorizations.items()
            if each.bootstrap_sha256 is not None
        }
        self._files.replace(StoreContents(signed_out={**contents.signed_out, **taken, **used_bootstrap_tokens}))

    def _with(self, authorization: Authorization) -> StoreContents:
        contents = self._contents()
        spent = {key: digest for key, digest in contents.signed_out.items() if key != authorization.key}
        return StoreContents({**contents.authorizations, authorization.key: authorization}, spent)

    def _contents(self) -> StoreContents:
        return self._files.read(restore=True)


class TokenStore:
    """The token file at ``path``. Touches no file before the first call.

    ``mount_table`` is where Linux lists mounted file systems.
    """

    def __init__(self, path: Path, *, mount_table: Path = MOUNT_TABLE) -> None:
        self.path = path
        self._files = StoreFiles(path, mount_table)

    @classmethod
    def in_home(cls, home: Path) -> TokenStore:
        """The store in the project's directory."""
        return cls(home / FILE_NAME)

    def find(self, issuer: str, client_id: str, label: str = DEFAULT_LABEL) -> Authorization | None:
        """What is stored now, without waiting for the lock: files are replaced whole.

        Raises:
            TokenStoreUnusable: the file and its copy are damaged, or open to other users of this machine.
        """
        return self._files.read().authorizations.get(AuthorizationKey(issuer, client_id, label))

    def all(self) -> list[Authorization]:
        """Every authorization, by service, client id and label. Errors as for :meth:`find`."""
        return [each for _, each in sorted(self._files.read().authorizations.items())]

    def is_damaged(self) -> bool:
        """Whether the store exists and is damaged, even if its copy is used instead."""
        return self._files.is_damaged()

    def bootstrap_token_is_used(self, key: AuthorizationKey, fingerprint: str) -> bool:
        """See :meth:`StoreContents.bootstrap_token_is_used`. Errors as for :meth:`find`."""
        return self._files.read().bootstrap_token_is_used(key, fingerprint)

    @contextmanager
    def exclusive(
        self,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        within: float = TOKENS_HELD.within,
    ) -> Generator[OpenTokens]:
        """Lock the store, against other processes and threads.

        Raises:
            TokenStoreUnusable: see :meth:`find`.
            HomeError: the lock file cannot be made or locked.
            SpotifyUnavailable: another process has held the lock for ``within`` seconds, by default four minutes.
        """
        self._files.refuse_unsafe_place()
        private_directory(self.path.parent)
        busy = SpotifyUnavailable(
            f"Another process has locked the token store {self.path} for minutes.",
            next_step="End the process that hangs, then run again.",
        )
        lock = self.path.with_name(self.path.name + ".lock")
        with exclusive(lock, TOKENS_HELD, busy=busy, within=within, sleep=sleep, clock=clock):
            self._files.end_interrupted_writes()
            yield OpenTokens(self._files)
