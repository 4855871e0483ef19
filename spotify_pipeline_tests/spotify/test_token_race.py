"""Several processes and one token store, against an accounts service that rotates and punishes reuse."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from spotify_pipeline.spotify import Secret, SpotifySettings, TokenStore
from spotify_pipeline.spotify.http import ACCOUNTS, HttpClient
from spotify_pipeline.spotify.oauth import AccountsService
from spotify_pipeline.spotify.tokens import TokenProvider
from spotify_pipeline_tests.spotify.scripted import Seen, loopback_server

PROCESSES, TRIALS = 4, 12
SPAWN = multiprocessing.get_context("spawn")


class RotatingAccounts:
    """Each refresh token works once; a second use ends the authorization for good, as RFC 9700 recommends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.current = "seed"
        self.calls = 0
        self.dead = False

    def __call__(self, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.calls += 1
            self.dead = self.dead or parse_qs(seen.body.decode())["refresh_token"] != [self.current]
            if self.dead:
                return 400, {}, b'{"error": "invalid_grant"}'
            self.current = f"rotated-{self.calls}"
            body = {"access_token": f"access-{self.calls}", "refresh_token": self.current, "expires_in": 3600}
        time.sleep(0.02)  # long enough for the others to arrive
        return 200, {}, json.dumps(body).encode()


def settings_for(accounts_url: str) -> SpotifySettings:
    return SpotifySettings(client_id="client-1", refresh_token=Secret("seed"), accounts_url=accounts_url)


def race(path: Path, accounts_url: str, start: Any, results: Any) -> None:
    """One process: at each trial the token has just ended for everybody."""
    settings = settings_for(accounts_url)
    hour = 0.0
    accounts = AccountsService(settings, HttpClient(ACCOUNTS), clock=time.time)
    provider = TokenProvider(settings, TokenStore(path), accounts, clock=lambda: hour, random=lambda: 0.5)
    for trial in range(1, TRIALS + 1):
        hour = 1_800_000_000.0 + trial * 3600
        start.wait(60)
        results.put((trial, provider.access_token().reveal()))


def test_o01_processes_at_expiry_make_one_token_call_and_no_dead_grant(store: TokenStore):
    accounts = RotatingAccounts()
    with loopback_server(accounts) as url:
        start, results = SPAWN.Barrier(PROCESSES), SPAWN.Queue()
        workers = [SPAWN.Process(target=race, args=(store.path, url, start, results)) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        given = [results.get(timeout=120) for _ in range(PROCESSES * TRIALS)]
        for worker in workers:
            worker.join(30)
    assert not accounts.dead
    assert accounts.calls == TRIALS
    assert {trial: {token for each, token in given if each == trial} for trial in range(1, TRIALS + 1)} == {
        trial: {f"access-{trial}"} for trial in range(1, TRIALS + 1)
    }


def hold_the_lock(path: Path, holding: Any) -> None:
    with TokenStore(path).exclusive():
        holding.set()
        time.sleep(600)


def test_o02_killed_process_frees_the_lock_at_once(store: TokenStore):
    holding = SPAWN.Event()
    holder = SPAWN.Process(target=hold_the_lock, args=(store.path, holding))
    holder.start()
    assert holding.wait(60)
    assert holder.pid is not None
    os.kill(holder.pid, signal.SIGKILL)
    killed = time.monotonic()
    with store.exclusive():
        assert time.monotonic() - killed < 1
    holder.join(30)
