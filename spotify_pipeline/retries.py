"""How often and how long each thing is tried, over all layers: one type, and every use of it.

``docs/reference/retries.md`` shows the same as a table. Where a server asks for a longer pause, it gets it (see
``requested_pause`` in :mod:`spotify_pipeline.spotify.retry`).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

ANY_NUMBER = sys.maxsize
_DAY = 86_400.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long one thing is tried. Times are seconds.

    Attributes:
        what: is tried, and when it is retried.
        tries: at most, the first included.
        pauses: at most, before the second try, the third and so on; the last one holds for all that follow. Without
            any, the next try begins at once.
        chance: the share of a pause that is random, so that those who wait do not come back together: 0 for none, 1
            for a pause of anything up to its full length.
        within: of the first try, in which the last one must begin.
        one_try: that one try may take.
        after: what happens when it was tried for the last time.
    """

    what: str
    tries: int = ANY_NUMBER
    pauses: tuple[float, ...] = ()
    chance: float = 0.0
    within: float = math.inf
    one_try: float = math.inf
    after: str

    @property
    def retries(self) -> int:
        """Tries after the first."""
        return self.tries - 1

    def pause(self, tried: int, random: float = 1.0) -> float:
        """Seconds to wait after try number ``tried`` and before the next; ``random`` is from 0 to 1."""
        if not self.pauses:
            return 0.0
        longest = self.pauses[min(tried, len(self.pauses)) - 1]
        return longest * (1 - self.chance + self.chance * random)

    def until(
        self,
        look: Callable[[], T],
        good: Callable[[T], bool],
        sleep: Callable[[float], None],
        *,
        within: float | None = None,
        clock: Callable[[], float] | None = None,
    ) -> T:
        """What ``look`` returns: the first that is ``good``, or the last where none is.

        Args:
            look: makes one try. What it raises passes through.
            good: whether that is what was waited for.
            sleep: for the pauses, which are at their longest.
            within: instead of the policy's.
            clock: tells the time that counts; without it only the pauses count.
        """
        limit = self.within if within is None else within
        began, paused, tried = clock() if clock else 0.0, 0.0, 0
        while True:
            seen, tried = look(), tried + 1
            if good(seen) or tried >= self.tries or (clock() - began if clock else paused) >= limit:
                return seen
            pause = self.pause(tried)
            sleep(pause)
            paused += pause


# Calls of Spotify

API_CALL = RetryPolicy(
    what="A call that changes nothing, and a request of events that was surely not carried out: on a network error, "
    "408, 429 or a server error, while the rate limiter has retries left. Any other call is sent once",
    tries=4,
    pauses=(1, 2, 4),
    chance=1,
    within=300,  # in which it may wait for the rate limiter, too
    one_try=120,
    after="The run's step is retried, or fails",
)
TOKEN_RENEWAL = RetryPolicy(
    what="A renewal of the access token with one refresh token, if surely no response was lost",
    tries=3,
    pauses=(1, 2),
    chance=1,
    within=90,
    one_try=40,  # while other processes wait
    after="As for any call",
)
REFRESH_TOKENS = RetryPolicy(
    what="Refresh tokens: the stored one, the one before, the one of the settings; each after one was rejected",
    tries=3,
    after="Somebody must sign in",
)
UNSAVED_TOKENS = RetryPolicy(
    what="Saving renewed tokens that could not be saved", pauses=(30,), after="Tried until the process ends"
)

# An upload

UPLOAD_REQUEST = RetryPolicy(
    what="A request to the storage, in a row without one more byte acknowledged",
    tries=25,  # with pauses of at least 32 seconds from the seventh on, this outlasts an outage of ten minutes
    pauses=(1, 2, 4, 8, 16, 32, 64),  # Google, "Retry strategy": truncated exponential backoff
    chance=0.5,  # of the upper half: that many tries must outlast an outage
    within=6 * 3600,  # for the whole upload, whatever it does
    one_try=300,
    after="The run's step is retried, and resumes the upload",
)
UPLOAD_ODDITIES = RetryPolicy(
    what="Of those, the requests that the storage did answer, and not with 408, 429 or a server error",
    tries=8,
    after="As above",
)
UPLOAD_REWINDS = RetryPolicy(what="Sending again what the storage acknowledged and lost", tries=4, after="As above")
UPLOAD_SESSION = RetryPolicy(
    what="The upload from its first byte, after its session is gone", tries=3, after="As above, from the first byte"
)
UPLOAD_URL = RetryPolicy(what="A new upload URL, after one was rejected", tries=2, after="The run fails")
UPLOAD_BYTES = RetryPolicy(
    what="The upload from its first byte, after other bytes arrived than were sent",
    tries=2,
    after="The run fails and names the audience that is suspect",
)
UPLOAD_SESSION_AGE = RetryPolicy(
    what="Resuming an unfinished upload, by later steps and runs",
    within=6 * _DAY,  # Google keeps a session for a week; a day is left for the upload itself
    after="It starts again from the first byte",
)

# Steps and runs

BUCKET_REQUEST = RetryPolicy(
    what="A request to the bucket of lists: if it is not reached, too slow, or answers with a fault of its own",
    tries=7,
    pauses=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2),
    within=60,
    one_try=30,  # obstore's own, which leaves the environment's other settings of it as they are
    after="The run fails; the next run continues it",
)
STEP = RetryPolicy(
    what="The step that sends a list, makes an audience or delivers events: if it is rate limited, Spotify or the "
    "network is unavailable, or the upload is incomplete",
    tries=3,
    pauses=(30, 60),  # a run that is cancelled while it waits ends after the wait only
    chance=1,
    after="The run fails",
)
RUN = RetryPolicy(
    what="A run whose process died (`run_retries` in Dagster's `dagster.yaml`)",
    tries=2,
    after="The next scheduled run continues it",
)
SHOWS_LATE = RetryPolicy(
    what="Looking at Spotify for an audience, or a change of one, that should be there: it may show late",
    tries=4,
    pauses=(2, 5, 10),
    after="It counts as not there",
)
DELIVERY = RetryPolicy(
    what="A batch of events, in a row without one taken: while Spotify cannot be reached or asks for fewer requests",
    tries=9,
    pauses=(1, 2, 4, 8, 15, 30, 60, 60),
    chance=1,
    after="The run's step is retried; events stay pending",
)
ALERT = RetryPolicy(
    what="An alert that the webhook did not take, or that comes after one",
    pauses=(60,),
    one_try=20,
    after="Tried until it is taken",
)

# Waiting for other processes

AUDIENCE_HELD = RetryPolicy(
    what="An audience that another run holds", pauses=(0.5,), within=15 * 60, after="The run fails; nothing was sent"
)
OUTBOX_HELD = RetryPolicy(
    what="A feed's outbox that another run holds",
    pauses=(0.5,),
    within=15 * 60,
    after="The run fails; nothing was sent",
)
OUTBOX_READ = RetryPolicy(
    what="The same, for a reading of the warehouse, which holds up all that would read it",
    pauses=(0.5,),
    within=60,
    after="As above",
)
OUTBOX_MARK = RetryPolicy(
    what="The same, for `replay` and `resume`", pauses=(0.5,), within=30, after="The command fails"
)
OUTBOX_ERASE = RetryPolicy(what="The same, to erase a person's events", pauses=(0.5,), within=5, after="It says so")
WAREHOUSE_READ = RetryPolicy(
    what="The warehouse's file that another process writes to, to read a segment of it (dagster-duckdb's resource)",
    tries=11,
    pauses=(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2),
    after="The run fails; nothing was sent",
)
WAREHOUSE_HELD = RetryPolicy(
    what="The same, for dbt to write to it (`dbt_project/profiles.yml`)",
    tries=5,
    pauses=(1, 2, 4, 8),
    after="The build fails",
)
TOKENS_HELD = RetryPolicy(
    what="The token store that another process has locked; it may renew tokens meanwhile",
    pauses=(0.002, 0.004, 0.008, 0.016, 0.02),
    within=240,  # longer than a healthy renewal takes
    after="The call fails, as for an outage",
)
TOKENS_GLANCE = RetryPolicy(
    what="The same, to save tokens that could not be saved", pauses=TOKENS_HELD.pauses, within=1, after="They wait"
)
RATE_HELD = RetryPolicy(
    what="The rate limiter's file that another process has locked",
    pauses=(0.002,),
    within=10,
    after="The call fails, as for an outage",
)
STATE_HELD = RetryPolicy(
    what="The state's file that another process writes to at this moment", within=30, after="The step fails"
)
TURN = RetryPolicy(
    what="A turn at a lock of the state, at the journal or at dbt's manifest, taken for moments",
    after="Waited for until it comes",
)
