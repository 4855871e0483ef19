"""Several processes whose access token ends at once, against a service that rotates tokens and punishes reuse.

    python -m spotify_pipeline_tests.spotify.stress.token_race [--postgres]

prints what comes of it, on SQLite or on a server of its own: with our token store, with every process refreshing for
itself (the named alternative), and when the process that renews is killed, at random moments and before each of its
touches of a lock, a socket or the state. The service is the sandbox, which ends a grant for good when a rotated
refresh token is sent again, as RFC 9700 section 4.14.2 recommends.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.sandbox.accounts.oauth import grant_of_access_token
from spotify_pipeline.sandbox.accounts.oauth import sign_in as new_grant
from spotify_pipeline.spotify import Authorization, Secret, TokenStore
from spotify_pipeline.spotify.auth.token_provider import EARLY
from spotify_pipeline.state import new_key
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.spotify.stress.racing_processes import Order, Reply, SharedState, Worker, prepare_processes

PROCESSES, TRIALS = 8, 50
OURS = "our token store"
_HOUR = 3600
_TOGETHER = 0.02  # seconds from the order to the moment at which all begin


@dataclass
class Raced:
    """What came of the trials: token calls in each, and how many different answers; seen from the service: refresh
    tokens given, and grants that died."""

    calls: list[int] = field(default_factory=list[int])
    answers: list[int] = field(default_factory=list[int])
    rotations: int = 0
    dead_grants: int = 0
    seconds: float = 0.0


@dataclass
class Killed:
    """What came of the kills: how each ended, token calls of those who were left, their longest wait in seconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    calls: list[int] = field(default_factory=list[int])
    calls_afterwards: int = 0
    longest_wait: float = 0.0
    seconds: float = 0.0


class TokenRace:
    """A sandbox, a token store that somebody has signed in to, and processes that share it."""

    def __init__(self, server: SandboxServer, state: SharedState, processes: int, renewed_after: float) -> None:
        self._server = server
        self._renewed_after = renewed_after
        self._store = TokenStore(state.store())
        self._store.state.create()
        self._now = 1_800_000_000.0
        self._workers = [Worker(server.url, state) for _ in range(processes)]
        self._parent = Worker(server.url, state)  # of those that are killed; it never connects itself
        self._replies([*self._workers, self._parent])
        self.sign_in()

    def end(self) -> None:
        for worker in [*self._workers, self._parent]:
            worker.end()

    def sign_in(self) -> str:
        """As a user does: a new grant at the sandbox, stored in place of the one before."""
        self._grant, token = new_grant(self._server.state, public_client=False)
        with self._store.exclusive() as tokens:
            tokens.save(
                Authorization(
                    issuer=self._server.url,
                    client_id=DEFAULTS.client_id,
                    refresh_token=Secret(token),
                    authorized_at=1.0,
                )
            )
        return token

    def race(self, trials: int = TRIALS) -> Raced:
        """In each trial the token has just ended for everybody."""
        raced, begun, before = Raced(), time.monotonic(), self._given()
        for _ in range(trials):
            self._server.state.advance_clock(self._renewed_after)
            self._count(raced, self._together(self._workers))
        raced.seconds, raced.rotations = time.monotonic() - begun, self._given() - before
        return raced

    def race_each_for_itself(self, trials: int) -> Raced:
        """The alternative: every process refreshes, with the refresh token that all know."""
        raced, begun = Raced(), time.monotonic()
        for _ in range(trials):
            self._count(raced, self._together(self._workers, refresh_itself=self.sign_in()))
        raced.seconds = time.monotonic() - begun
        self.sign_in()
        return raced

    def kill_at_random(self, kills: int, *, within: float = 0.05, seed: int = 1) -> Killed:
        """Another process begins to renew and is killed ``within`` seconds, while all the others come for the token."""
        dice = random.Random(seed)
        killed, begun = Killed(), time.monotonic()
        for _ in range(kills):
            self._now += _HOUR
            begin = time.monotonic() + _TOGETHER
            die_at = begin + dice.uniform(0.0, within)
            self._parent.begin(Order(begin, self._now, die_at=die_at))
            self._order(self._workers, begin + dice.uniform(0.0, within))
            self._parent.reply()
            self._judge(killed, die_at)
        killed.seconds = time.monotonic() - begun
        return killed

    def kill_at_each_touch(self) -> Killed:
        """As many trials as a renewal touches locks, sockets and the state; killed before the first, ..."""
        killed, begun = Killed(), time.monotonic()
        self._now += _HOUR
        self._parent.begin(Order(begun, self._now, die_before=0))
        touches = self._parent.reply().touches
        for number in range(1, touches + 1):
            self._now += _HOUR
            self._parent.begin(Order(time.monotonic(), self._now, die_before=number))
            self._parent.reply()
            moment = time.monotonic()
            self._order(self._workers, moment)
            self._judge(killed, moment)
        killed.seconds = time.monotonic() - begun
        return killed

    def _together(self, workers: Sequence[Worker], **what: Any) -> list[Reply]:
        self._now += self._renewed_after
        self._order(workers, time.monotonic() + _TOGETHER, **what)
        return self._replies(workers)

    def _order(self, workers: Sequence[Worker], begin: float, **what: Any) -> None:
        for worker in workers:
            worker.begin(Order(begin, self._now, **what))

    def _replies(self, workers: Sequence[Worker]) -> list[Reply]:
        return [worker.reply() for worker in workers]

    def _count(self, raced: Raced, replies: Sequence[Reply]) -> None:
        raced.calls.append(sum(reply.calls for reply in replies))
        raced.answers.append(len({reply.token for reply in replies}))
        raced.dead_grants += self._is_dead()

    def _judge(self, killed: Killed, moment: float) -> None:
        replies = self._replies(self._workers)
        killed.longest_wait = max(killed.longest_wait, time.monotonic() - moment)
        killed.calls.append(sum(reply.calls for reply in replies))
        tokens = {reply.token for reply in replies}
        token = tokens.pop() if len(tokens) == 1 else "several"
        if token is not None and self._works(token) and not self._is_dead():
            killed.outcomes["went on"] += 1
            return
        if token is not None:
            # The killed process's call reached the service after ours, which ends a grant: the API then refuses the
            # access token, and it is the renewal after that which has to say so.
            killed.calls.append(sum(reply.calls for reply in self._together(self._workers, rejected=token)))
        afterwards = self._together(self._workers)
        if {reply.token for reply in afterwards} == {None}:
            killed.outcomes["sign in"] += 1
            killed.calls_afterwards += sum(reply.calls for reply in afterwards)
        else:
            killed.outcomes["died silently"] += 1
        self.sign_in()

    def _works(self, token: str) -> bool:
        return grant_of_access_token(self._server.state, token) is not None

    def _given(self) -> int:
        return len(self._server.state.refresh_tokens.of(self._grant.id))

    def _is_dead(self) -> bool:
        grant = self._server.state.grants.get(self._grant.id)
        return grant is None or grant.revoked


@contextmanager
def token_race(state: SharedState, processes: int = PROCESSES, *, token_seconds: int = _HOUR) -> Generator[TokenRace]:
    """Everything that a race over this state needs, in which nobody has signed in; for as long as the block lasts."""
    prepare_processes()
    config = SandboxConfig(reuse_revokes_grant=True, requests_per_window=1_000_000, access_token_seconds=token_seconds)
    with SandboxServer(config) as server:
        race = TokenRace(server, state, processes, token_seconds - min(EARLY, token_seconds / 2))
        try:
            yield race
        finally:
            race.end()


def main(arguments: Sequence[str] = ()) -> bool:
    """Print one table for the races and one for the kills; whether no grant of ours died unsaid."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--processes", type=int, default=PROCESSES)
    options.add_argument("--trials", type=int, default=TRIALS)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--postgres", action="store_true")
    given = options.parse_args(arguments)
    write = sys.stdout.write
    right = True
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory())) / "home"
        server = opened.enter_context(postgres_server.running()) if given.postgres else None
        race = opened.enter_context(token_race(SharedState(home, server, new_key()), given.processes))
        write(f"{given.processes} processes whose token ends at once, {'PostgreSQL' if server else 'SQLite'}\n\n")
        write(f"{'':<30}{'trials':>8}{'token calls':>13}{'most in one':>13}{'dead grants':>13}{'seconds':>9}\n")
        for name, raced in (
            (OURS, race.race(given.trials)),
            ("every process for itself", race.race_each_for_itself(given.trials)),
        ):
            counts = f"{len(raced.calls):>8}{sum(raced.calls):>13}{max(raced.calls):>13}{raced.dead_grants:>13}"
            write(f"{name:<30}{counts}{raced.seconds:>9.1f}\n")
            if name == OURS:
                right = max(raced.calls) == 1 and raced.dead_grants == 0
        write(f"\n{'renewing process killed':<30}{'kills':>8}{'went on':>13}{'sign in':>13}{'died silently':>15}")
        write(f"{'longest wait':>14}{'seconds':>9}\n")
        for name, killed in (
            ("at a random moment", race.kill_at_random(given.kills)),
            ("before each touch", race.kill_at_each_touch()),
        ):
            outcomes = killed.outcomes
            counts = f"{outcomes.total():>8}{outcomes['went on']:>13}{outcomes['sign in']:>13}"
            wait = f"{killed.longest_wait:>12.2f} s{killed.seconds:>9.1f}"
            write(f"{name:<30}{counts}{outcomes['died silently']:>15}{wait}\n")
            right = right and not outcomes["died silently"]
    return right


if __name__ == "__main__":
    main(sys.argv[1:])
