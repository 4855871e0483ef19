"""Processes that share one state, each with a connection and a memory of its own, and some that are killed."""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from sqlalchemy import Engine, event

from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline.spotify import CallRecord, Secret, SignInRequired, SpotifySettings, TokenStore
from spotify_pipeline.spotify.auth.oauth import AccountsService
from spotify_pipeline.spotify.auth.token_provider import TokenProvider
from spotify_pipeline.spotify.transport import ACCOUNTS, HttpClient
from spotify_pipeline.state import Key, Place, StateStore

_TOUCHES = frozenset({"fcntl.flock", "socket.connect"})
_FORKS = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class SharedState:
    """A state that several processes open: a file in ``home``, or a database with the key that seals it.

    Where it is a database, each process has a home of its own below ``home``, as on a machine of its own.
    """

    home: Path
    database: str | None = None
    key: str | None = None

    def store(self) -> StateStore:
        place = Place.in_home(self.home) if self.database is None else Place.of(self.database, self.home)
        home = self.home if self.database is None else self.home / str(os.getpid())
        return StateStore(place, home, key=lambda: None if self.key is None else Key.of(self.key))


def prepare_processes() -> None:
    """Import what all need once, before the first begins."""
    _FORKS.set_forkserver_preload(["spotify_pipeline.spotify", "spotify_pipeline.sandbox", "psycopg"])


@dataclass(frozen=True)
class Order:
    """What one worker is to do: begin at a moment of the monotonic clock, with its own clock at ``now``.

    ``rejected`` is an access token that the API has just refused. With ``die_at`` or ``die_before`` it does it in a
    child, which is killed at that moment or before that touch; before none where that is 0.
    """

    begin: float
    now: float
    refresh_itself: str | None = None
    rejected: str | None = None
    die_at: float | None = None
    die_before: int | None = None


@dataclass(frozen=True)
class Reply:
    """An access token, or None for "sign in again"; the token calls it took; how often the outside was touched."""

    token: str | None = None
    calls: int = 0
    touches: int = 0


@dataclass
class _Touches:
    """Counts this process's touches of locks, sockets and the state, and ends it before the one that it is told."""

    counted: int = 0
    die_before: int | None = None
    on: bool = False

    def watch(self) -> None:
        """From now on; what SQLite and libpq do is no audit event of Python's."""
        sys.addaudithook(lambda name, _: self._touched() if name in _TOUCHES else None)
        event.listen(Engine, "before_cursor_execute", lambda *_: self._touched())
        event.listen(Engine, "commit", lambda _: self._touched())

    def _touched(self) -> None:
        if self.on:
            self.counted += 1
            if self.counted == self.die_before:
                os.kill(os.getpid(), signal.SIGKILL)


def settings_for(url: str) -> SpotifySettings:
    return SpotifySettings(client_id=DEFAULTS.client_id, client_secret=Secret(DEFAULTS.client_secret), accounts_url=url)


class _Client:
    """What every process has of its own: connection, memory of the token, clock."""

    def __init__(self, url: str, state: SharedState) -> None:
        self._now = 0.0
        self._calls: list[CallRecord] = []
        self._touches = _Touches()
        self._touches.watch()
        http = HttpClient(ACCOUNTS, observer=self._calls.append)
        self._accounts = AccountsService(settings_for(url), http, clock=self._clock)
        self._provider = TokenProvider(
            settings_for(url), TokenStore(state.store()), self._accounts, clock=self._clock, random=random.random
        )

    def _clock(self) -> float:
        return self._now

    def carry_out(self, order: Order) -> Reply:
        self._now = order.now
        self._calls.clear()
        _sleep_until(order.begin)
        self._touches.counted, self._touches.die_before, self._touches.on = 0, order.die_before, True
        try:
            token = self._token(order).reveal()
        except SignInRequired:
            token = None
        self._touches.on = False
        return Reply(token, len(self._calls), self._touches.counted)

    def _token(self, order: Order) -> Secret:
        if order.refresh_itself is not None:
            return self._accounts.refresh(Secret(order.refresh_itself)).access_token
        if order.rejected is not None:
            return self._provider.replace_rejected(Secret(order.rejected))
        return self._provider.access_token()

    def die_of(self, order: Order) -> Reply:
        child = os.fork()
        if child == 0:
            os._exit(min(self.carry_out(order).touches, 255))
        if order.die_at is not None:
            _sleep_until(order.die_at)
            os.kill(child, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return Reply(touches=max(ended, 0))


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def work(url: str, state: SharedState, orders: Connection) -> None:
    """One process."""
    logging.disable()
    client = _Client(url, state)
    orders.send(Reply())  # ready
    while True:
        order: Order = orders.recv()
        mortal = order.die_at is not None or order.die_before is not None
        orders.send(client.die_of(order) if mortal else client.carry_out(order))


class Worker:
    def __init__(self, url: str, state: SharedState) -> None:
        self._orders, theirs = _FORKS.Pipe()
        self._process = _FORKS.Process(target=work, args=(url, state, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, order: Order) -> None:
        self._orders.send(order)

    def reply(self) -> Reply:
        return self._orders.recv()

    def end(self) -> None:
        self._process.kill()
        self._process.join(30)
        self._orders.close()
