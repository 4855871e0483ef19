"""Two machines that share one sign-in, through an hour in which its access token expires again and again."""

from __future__ import annotations

from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.spotify.stress.token_race import Raced, token_race
from spotify_pipeline_tests.stress.machines.world import World

MACHINES = 2
HOUR = 3600
TOKEN_SECONDS = 60
"""For so long a token is valid. It is renewed after half of that."""
EXPIRIES = 2 * HOUR // TOKEN_SECONDS


def refresh_together(world: World, expiries: int = EXPIRIES) -> Raced:
    """Both need a token at the moment at which the last one has ended, by clocks that the harness sets."""
    state = SharedState(world.root / "grant", world.shared.database, world.shared.key)
    with token_race(state, MACHINES, token_seconds=TOKEN_SECONDS) as race:
        return race.race(expiries)
