"""The sign-ins of a project, in its state: refresh tokens rotate, so they cannot be kept in an environment variable.

There is one authorization for each accounts service, client id and label: a local stand-in and Spotify never get each
other's tokens. Who changes one holds a lease, over all processes and machines that use the state: a lock, held while
Spotify is called, and a fence, without which nothing is written. So a process that was stopped and overtaken
replaces no newer token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager

import sqlalchemy as sa

from spotify_pipeline.retries import TOKENS_HELD
from spotify_pipeline.spotify.auth.authorization import AUTHORIZATION, Authorization, AuthorizationKey
from spotify_pipeline.spotify.errors import SpotifyUnavailable
from spotify_pipeline.spotify.settings import DEFAULT_LABEL
from spotify_pipeline.state import Fence, StateError, StateOvertaken, StateStore, place_of, tables

LEASE = "the sign-ins"
_rows = tables.sign_in


class _SignIns:
    """What is stored now, without waiting for who changes it."""

    def __init__(self, state: StateStore) -> None:
        self.state = state

    def find(self, issuer: str, client_id: str, label: str = DEFAULT_LABEL) -> Authorization | None:
        """One authorization, None where nobody signed in.

        Raises:
            StateError: the state cannot be used, this machine lacks its key, or another version wrote it.
        """
        found = self._select(_is(AuthorizationKey(issuer, client_id, label)), _rows.c.content.is_not(None))
        return self._opened(found[0]) if found else None

    def all(self) -> list[Authorization]:
        """Every authorization, by service, client id and label. Errors as for :meth:`find`."""
        found = [self._opened(each) for each in self._select(_rows.c.content.is_not(None))]
        return sorted(found, key=lambda each: each.key)

    def used_bootstrap_token(self, key: AuthorizationKey) -> str | None:
        """SHA-256 of the bootstrap token that a sign-out has used up, None when there is none."""
        found = self._select(_is(key), _rows.c.content.is_(None))
        return found[0].used_bootstrap if found else None

    def bootstrap_token_is_used(self, key: AuthorizationKey, fingerprint: str) -> bool:
        """Whether a bootstrap token was taken over, or signed out, under any label of the client id."""
        same_client = sa.and_(_rows.c.issuer == key.issuer, _rows.c.client_id == key.client_id)
        return bool(self._select(same_client, _rows.c.used_bootstrap == fingerprint))

    def _select(self, *which: sa.ColumnElement[bool]) -> list[sa.Row[tuple[str, str, str, bytes, str]]]:
        with self.state.read() as transaction:
            return list(transaction.execute(sa.select(_rows).where(*which)).all())

    def _opened(self, row: sa.Row[tuple[str, str, str, bytes, str]]) -> Authorization:
        place = place_of(_rows.c.content, row.issuer, row.client_id, row.label)
        return AUTHORIZATION.value(self.state.open(row.content, place).decode())


class OpenTokens(_SignIns):
    """The store while it is held: read, decide, save.

    ``turn`` is the reason where nothing can be written now, as on a full disk: then it can be read, and every change
    raises that.
    """

    def __init__(self, state: StateStore, turn: Fence | StateError) -> None:
        super().__init__(state)
        self._turn = turn

    def require_turn(self) -> None:
        """Return if nobody else has taken the store over.

        Raises:
            StateOvertaken: somebody has.
            StateError: that cannot be known.
        """
        if isinstance(self._turn, Fence) and not self.state.holds(self._turn):
            raise StateOvertaken(f"Another process has taken {LEASE} over since this one began. Run it again.")

    def save(self, authorization: Authorization) -> None:
        """Store ``authorization`` and leave all others unchanged. It is durable when this returns.

        Raises:
            StateOvertaken: another process has taken the store over. Nothing was changed.
            StateError: the disk is full, or the state cannot be used. Nothing was changed, as far as is known.
        """
        content = self.state.seal(
            AUTHORIZATION.text(authorization).encode(), place_of(_rows.c.content, *authorization.key)
        )
        with self._writing() as transaction:
            _put(transaction, authorization.key, content, authorization.bootstrap_sha256)

    def forget(self, used_bootstrap_tokens: Mapping[AuthorizationKey, str | None]) -> None:
        """Remove authorizations with their tokens. Errors as for :meth:`save`; no key is needed.

        Args:
            used_bootstrap_tokens: of which; the digest of the one that must not be used again, None for none.
        """
        with self._writing() as transaction:
            for key, digest in used_bootstrap_tokens.items():
                if digest is not None:
                    _put(transaction, key, None, digest)
                else:
                    transaction.execute(_rows.delete().where(_is(key), _rows.c.content.is_not(None)))

    def forget_all(self, used_bootstrap_tokens: Mapping[AuthorizationKey, str]) -> None:
        """As :meth:`forget`, for every authorization. Used bootstrap tokens stay known."""
        with self._writing() as transaction:
            transaction.execute(_rows.delete().where(_rows.c.used_bootstrap.is_(None)))
            transaction.execute(_rows.update().values(content=None))
            for key, digest in used_bootstrap_tokens.items():
                _put(transaction, key, None, digest)

    def _writing(self) -> AbstractContextManager[sa.Connection]:
        if isinstance(self._turn, StateError):
            raise self._turn
        return self.state.writing(self._turn)


class TokenStore(_SignIns):
    """The sign-ins in ``state``. Nothing is opened before the first call."""

    @property
    def place(self) -> str:
        """Where they are, for sentences."""
        return str(self.state.place)

    @contextmanager
    def exclusive(
        self,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        within: float = TOKENS_HELD.within,
    ) -> Generator[OpenTokens]:
        """Hold the store, against other processes, threads and machines.

        Raises:
            StateError: the state cannot be used.
            SpotifyUnavailable: another process has held it for ``within`` seconds, by default four minutes.
        """
        busy = SpotifyUnavailable(
            f"Another process has locked the sign-ins in {self.place} for minutes.",
            next_step="End the process that hangs, then run again.",
        )
        with self.state.lock(f"lease {LEASE}", TOKENS_HELD, busy=busy, within=within, sleep=sleep, clock=clock):
            yield OpenTokens(self.state, _turn(self.state))


def _turn(state: StateStore) -> Fence | StateError:
    try:
        return state.next_fence(LEASE)
    except StateError as reason:
        return reason


def _is(key: AuthorizationKey) -> sa.ColumnElement[bool]:
    return sa.and_(_rows.c.issuer == key.issuer, _rows.c.client_id == key.client_id, _rows.c.label == key.label)


def _put(transaction: sa.Connection, key: AuthorizationKey, content: bytes | None, used_bootstrap: str | None) -> None:
    transaction.execute(_rows.delete().where(_is(key)))
    transaction.execute(_rows.insert().values(**key._asdict(), content=content, used_bootstrap=used_bootstrap))
