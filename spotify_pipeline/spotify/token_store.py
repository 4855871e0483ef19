"""The file that holds the refresh tokens, which rotate and so cannot live in an environment variable.

One JSON file, mode 0600, in a directory that nobody else can write; written to a temporary name and renamed; a
lock file beside it, held with flock, so that a killed process frees it at once. It holds one authorization for each
pair of accounts service and client id: a local stand-in and Spotify never get each other's tokens.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spotify_pipeline.home import atomic_private_file, home_directory, private_directory
from spotify_pipeline.spotify.errors import SpotifyUnavailable, TokenStoreUnusable
from spotify_pipeline.spotify.lenient_json import JsonObject, as_list, as_object, parse_object, text
from spotify_pipeline.spotify.secret import Secret

FORMAT_VERSION = 1
FILE_NAME = "tokens.json"
_MAX_FILE_BYTES = 1024 * 1024
_LOCK_SECONDS = 180.0  # longer than a refresh that the service makes wait for a minute, twice
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One user's consent, as tokens. All times are seconds since the epoch by this machine's clock.

    Attributes:
        issuer: address of the accounts service that gave the tokens.
        refresh_token: the newest; previous_refresh_token: the one before, tried once when the newest is refused.
        authorized_at: when the user signed in, None where unknown (a seed). Six months later Spotify ends it.
        access_token: the newest, shared by all processes; renew_at: when to ask for the next.
        needs_sign_in: Spotify has refused the refresh token; only a sign-in or a new seed helps.
        seed_sha256: of the last ``SPOTIFY_REFRESH_TOKEN`` taken over, so that it is not taken over twice.
    """

    issuer: str
    client_id: str
    refresh_token: Secret
    previous_refresh_token: Secret | None = None
    authorized_at: float | None = None
    access_token: Secret | None = None
    renew_at: float = 0.0
    needs_sign_in: bool = False
    seed_sha256: str | None = None


class OpenTokens:
    """The store while its lock is held: read, decide, save."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, issuer: str, client_id: str) -> Authorization | None:
        return _read(self._path).get((issuer, client_id))

    def save(self, authorization: Authorization) -> None:
        """Write ``authorization`` and leave all others as they are. On disk when this returns.

        Raises:
            HomeError: the disk is full or the directory not writable; the file is as it was.
            TokenStoreUnusable: the file is damaged or open to others; it is as it was.
        """
        kept = _read(self._path)
        kept[authorization.issuer, authorization.client_id] = authorization
        content = {"version": FORMAT_VERSION, "authorizations": [_to_json(each) for each in kept.values()]}
        with atomic_private_file(self._path) as file:
            file.write(json.dumps(content, indent=2).encode())


class TokenStore:
    """The token file at ``path``. Nothing is read or made before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def at_home(cls, environment: Mapping[str, str] | None = None) -> TokenStore:
        """The store in the project's own directory (``SPOTIFY_PIPELINE_HOME``)."""
        return cls(home_directory(environment) / FILE_NAME)

    def find(self, issuer: str, client_id: str) -> Authorization | None:
        """What is stored now, without waiting for the lock: files are replaced whole, never changed.

        Raises:
            TokenStoreUnusable: the file is damaged, or open to other users of this machine.
        """
        return OpenTokens(self.path).find(issuer, client_id)

    @contextmanager
    def exclusive(
        self, *, sleep: Callable[[float], None] = time.sleep, clock: Callable[[], float] = time.monotonic
    ) -> Generator[OpenTokens]:
        """Hold the store's lock, against other processes and other threads.

        Raises:
            TokenStoreUnusable: see :meth:`find`.
            SpotifyUnavailable: another process has held the lock for three minutes.
        """
        _refuse_unsafe_directory(self.path.parent)
        private_directory(self.path.parent)
        descriptor = _open_lock(self.path.with_name(self.path.name + ".lock"))
        try:
            deadline = clock() + _LOCK_SECONDS
            while not _locked(descriptor):
                if clock() >= deadline:
                    raise SpotifyUnavailable(
                        f"Another process has been using the token store {self.path} for minutes.",
                        next_step="End the process that hangs, then run again.",
                    )
                sleep(_POLL_SECONDS)
            yield OpenTokens(self.path)
        finally:
            os.close(descriptor)  # frees the lock too


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "unknown reason"
        raise TokenStoreUnusable(
            f"The lock of the token store, {path}, cannot be opened ({reason}).",
            next_step="Remove it if it is a symbolic link or another user's, then run again.",
        ) from None


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[tuple[str, str], Authorization]:
    _refuse_unsafe_directory(path.parent)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    except OSError as error:
        if path.is_symlink():
            raise _unsafe(path, "is a symbolic link", "Replace it by the file itself") from None
        reason = os.strerror(error.errno) if error.errno else "unknown reason"
        raise _unsafe(path, f"cannot be opened ({reason})", "Make its owner the user who runs this") from None
    try:
        _refuse_unsafe_file(path, os.fstat(descriptor))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return _parse(path, file.read(_MAX_FILE_BYTES))
    finally:
        os.close(descriptor)


def _refuse_unsafe_directory(directory: Path) -> None:
    try:
        state = directory.stat()
    except FileNotFoundError:
        return
    if state.st_mode & 0o022:
        raise _unsafe(directory, "can be written by other users", f"Run `chmod 700 {directory}`")
    if state.st_uid not in (os.geteuid(), 0):
        raise _unsafe(directory, "belongs to another user", "Use a directory of your own (SPOTIFY_PIPELINE_HOME)")


def _refuse_unsafe_file(path: Path, state: os.stat_result) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise _unsafe(path, "is not a regular file", "Move it away")
    if state.st_uid != os.geteuid():
        raise _unsafe(path, "belongs to another user", "Make its owner the user who runs this")
    if state.st_mode & 0o077:
        raise _unsafe(path, "can be used by other users", f"Run `chmod 600 {path}`")


def _unsafe(path: Path, fault: str, cure: str) -> TokenStoreUnusable:
    return TokenStoreUnusable(
        f"The token store is not safe to use: {path} {fault}.", next_step=f"{cure}, then run again."
    )


def _parse(path: Path, content: bytes) -> dict[tuple[str, str], Authorization]:
    parsed = parse_object(content)
    if parsed is not None and parsed.get("version") != FORMAT_VERSION and isinstance(parsed.get("version"), int):
        raise TokenStoreUnusable(
            f"The token store {path} was written by another version of this software.",
            next_step="Use that version, or move the file away and run `spotify-pipeline login`.",
        )
    entries = as_list((parsed or {}).get("authorizations"))
    known = [_from_json(as_object(entry) or {}) for entry in entries or []]
    if entries is None or None in known:
        raise TokenStoreUnusable(
            f"The token store {path} is damaged.",
            next_step="Restore it, or move it away and run `spotify-pipeline login`; it was left as it is.",
        )
    return {(each.issuer, each.client_id): each for each in known if each is not None}


def _to_json(authorization: Authorization) -> dict[str, object]:
    def revealed(secret: Secret | None) -> str | None:
        return None if secret is None else secret.reveal()

    return {
        "issuer": authorization.issuer,
        "client_id": authorization.client_id,
        "refresh_token": authorization.refresh_token.reveal(),
        "previous_refresh_token": revealed(authorization.previous_refresh_token),
        "authorized_at": authorization.authorized_at,
        "access_token": revealed(authorization.access_token),
        "renew_at": authorization.renew_at,
        "needs_sign_in": authorization.needs_sign_in,
        "seed_sha256": authorization.seed_sha256,
    }


def _from_json(entry: JsonObject) -> Authorization | None:
    issuer, client_id, refresh_token = (text(entry, key) for key in ("issuer", "client_id", "refresh_token"))
    if issuer is None or client_id is None or refresh_token is None:
        return None
    return Authorization(
        issuer=issuer,
        client_id=client_id,
        refresh_token=Secret(refresh_token),
        previous_refresh_token=_secret(entry, "previous_refresh_token"),
        authorized_at=_seconds(entry, "authorized_at"),
        access_token=_secret(entry, "access_token"),
        renew_at=_seconds(entry, "renew_at") or 0.0,
        needs_sign_in=entry.get("needs_sign_in") is True,
        seed_sha256=text(entry, "seed_sha256"),
    )


def _secret(entry: JsonObject, key: str) -> Secret | None:
    value = text(entry, key)
    return None if value is None else Secret(value)


def _seconds(entry: JsonObject, key: str) -> float | None:
    value = entry.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
