"""A million events, a fifth of all requests failing, and the sender killed five times: is each event there once?

python -m spotify_pipeline_tests.conversions.stress.storm [--events 1000000] [--kills 5] [--postgres]

The events are read from a DuckDB table, judged, kept in the outbox and sent by a process of its own to the sandbox,
which answers a fifth of the requests with 503 or 429, drops connections before or after it took the events, and takes
a batch without answering. The process gets SIGKILL once while it reads and then at random points of the delivery, and
is started again until it ends well. Then the ids that the sandbox has are compared with those that had to arrive.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import sqlalchemy as sa

from spotify_pipeline.conversions import (
    Column,
    Constant,
    Day,
    DeliveryPlan,
    EventIdSource,
    FeedPlan,
    TimeSource,
    deliver,
    open_outbox,
    range_of,
    rows_of,
    validate_events,
    view_outbox,
)
from spotify_pipeline.conversions.outbox.model import DayAccount
from spotify_pipeline.identity import Email
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.sandbox.faults import named_fault
from spotify_pipeline.spotify import ConversionsClient, RateLimiter, SpotifyError
from spotify_pipeline.spotify.retry import RateLimit
from spotify_pipeline.state import StateStore, new_key, tables
from spotify_pipeline.warehouse import Between
from spotify_pipeline_tests import postgres_server
from spotify_pipeline_tests.spotify.from_variables import conversions_settings_of
from spotify_pipeline_tests.spotify.stress.racing_processes import SharedState
from spotify_pipeline_tests.warehouse.readers import reader_of

DAYS = (date(2026, 11, 14), date(2026, 11, 15))
FEED = "storm"
DATABASE_VARIABLE, KEY_VARIABLE = "STORM_DATABASE", "STORM_KEY"
FASTER = 100
MOST_RUNS = 20
SEED = 20261122
LONGEST = timedelta(hours=2)
PLAN = FeedPlan(
    event_name=Constant("PURCHASE"),
    event_id=EventIdSource(columns=("event_id",)),
    event_time=TimeSource(column="happened_at"),
    identifiers=IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))}),
    amount="amount",
    currency=Column("currency"),
    consent_column="consent",
    max_age=timedelta(days=3650),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a storm.

    Attributes:
        lost: ids that had to arrive and did not.
        strange: ids that arrived and must not have.
        again: arrivals of an event that the sandbox had already: what deduplication by id is for.
        altered: arrivals under the id of an event with another body.
        accounts: of each day.
        expected: delivered, filtered and dead events, as counted by SQL from the table.
        kills, runs: SIGKILLs sent, and processes started.
        requests, faults: that the sandbox saw, and those that it made fail.
        seconds: of all of it.
    """

    events: int
    lost: int
    strange: int
    again: int
    altered: int
    accounts: tuple[DayAccount, ...]
    expected: tuple[int, int, int]
    kills: int
    runs: int
    requests: int
    faults: int
    seconds: float

    @property
    def exact(self) -> bool:
        counted = (
            sum(each.delivered for each in self.accounts),
            sum(sum(each.filtered.values()) for each in self.accounts),
            sum(sum(each.dead.values()) for each in self.accounts),
        )
        added_up = all(each.adds_up and not each.pending for each in self.accounts)
        return added_up and counted == self.expected and sum(each.read for each in self.accounts) == self.events

    @property
    def survived(self) -> bool:
        return self.exact and (self.lost, self.strange, self.altered) == (0, 0, 0)

    def __str__(self) -> str:
        delivered, filtered, dead = self.expected
        return (
            f"{self.events:,} events: {delivered:,} to deliver, {filtered:,} to filter, {dead:,} dead\n"
            f"{self.requests:,} requests, {self.faults:,} of them made to fail ({self.faults / self.requests:.1%}); "
            f"{self.kills} SIGKILLs, {self.runs} runs, {self.seconds:,.0f} s\n"
            f"lost {self.lost:,}, arrived that must not {self.strange:,}, arrived again and known by their id "
            f"{self.again:,}, with another body {self.altered:,}\n"
            f"accounting {'exact' if self.exact else 'WRONG: ' + repr(self.accounts)}"
        )


def storm(folder: Path, *, events: int, kills: int, database: str | None = None) -> Outcome:
    """One storm below ``folder``, with the outbox in a file there, or in the PostgreSQL of that URL."""
    began = time.monotonic()
    shared = SharedState(folder / "home", database, new_key() if database else None)
    if database:
        shared.store().create()
    warehouse = folder / "warehouse.duckdb"
    must_arrive, expected, rows = write_events(warehouse, events)
    config = SandboxConfig(event_requests_per_window=10**9)
    with SandboxServer(config, state_directory=folder / "sandbox") as server:
        server.state.faults.script(named_fault("events_storm"))
        dice = random.Random(SEED)
        # The first while the events are read, the others when so many have arrived.
        points = [0, *sorted(dice.randrange(events // 20, events * 17 // 20) for _ in range(kills - 1))]
        struck, runs = 0, 0
        while True:
            runs += 1
            process = _started(folder, server.url, shared)
            while process.poll() is None:
                if time.monotonic() - began > LONGEST.total_seconds():
                    process.kill()
                    raise TimeoutError("the storm takes too long")
                if struck < len(points) and _is_due(points[struck], shared, server, dice):
                    os.kill(process.pid, signal.SIGKILL)
                    struck += 1
                    process.wait()
                time.sleep(0.02)
            if process.returncode == 0:
                break
            if runs > kills + MOST_RUNS:
                raise RuntimeError("the sender ends without having sent everything, whatever it is given")
        arrived = set(received_ids(server))
        tallies = server.state.events.tallies()
        requests = server.state.requests.next_number() - 1
        faults = sum(each.consumed for each in server.state.faults.report())
        with view_outbox(FEED, shared.store()) as outbox:
            accounts = tuple(outbox.accounts())
    return Outcome(
        events=rows,
        lost=len(must_arrive - arrived),
        strange=len(arrived - must_arrive),
        again=sum(each.repeated for each in tallies),
        altered=sum(each.altered for each in tallies),
        accounts=accounts,
        expected=expected,
        kills=struck,
        runs=runs,
        requests=requests,
        faults=faults,
        seconds=time.monotonic() - began,
    )


def write_events(file: Path, events: int) -> tuple[set[str], tuple[int, int, int], int]:
    """The table; the ids that must arrive, how many events come out how, and how many rows there are."""
    with duckdb.connect(file) as connection:
        connection.execute(
            """create table purchases as select 'order-' || i as event_id, 'person' || (i % 300000) || '@example.com'
            as email, timestamp '2026-11-14' + to_milliseconds((i * 172799) % 172800000) as happened_at,
            cast(5 + i % 200 as decimal(10, 2)) + 0.99 as amount, case when i % 997 = 0 then 'crowns' else 'SEK' end
            as currency, i % 50 <> 0 as consent from range(?) as t(i)""",
            [events],
        )
        connection.execute("insert into purchases from purchases where hash(event_id) % 200 = 0")  # loaded twice
        query = "select event_id from purchases where consent and currency = 'SEK'"
        must_arrive = {str(each) for (each,) in connection.execute(query).fetchall()}
        counted = connection.execute(
            "select count(*), count(distinct event_id) filter (consent and currency <> 'SEK') from purchases"
        ).fetchall()
    ((rows, dead),) = counted
    return must_arrive, (len(must_arrive), rows - len(must_arrive) - dead, dead), rows


def _started(folder: Path, origin: str, shared: SharedState) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "spotify_pipeline_tests.conversions.stress.storm", "--send", str(folder), origin]
    where = {DATABASE_VARIABLE: shared.database or "", KEY_VARIABLE: shared.key or ""}
    return subprocess.Popen(command, env={**os.environ, **where})


def _is_due(point: int, shared: SharedState, server: SandboxServer, dice: random.Random) -> bool:
    if point == 0:
        store = shared.store()
        if store.place.file is not None and not store.place.file.exists():
            return False
        with store.read() as transaction:
            is_opened = transaction.scalar(sa.select(sa.func.count()).select_from(tables.feed)) != 0
        if is_opened:
            time.sleep(dice.uniform(0.1, 1.0))
        return is_opened
    return sum(each.events for each in server.state.events.tallies()) >= point


def received_ids(server: SandboxServer) -> Iterator[str]:
    """The ids of all events that the sandbox has, each once."""
    after = 0
    while page := server.state.events.page(after, 10_000):
        yield from (str(each["event_id"]) for each in page)
        after = int(str(page[-1]["number"]))


def send(folder: Path, origin: str) -> None:
    """Read both days and send all that waits. Run until it ends well."""
    variables = os.environ.get
    shared = SharedState(folder / "home", variables(DATABASE_VARIABLE) or None, variables(KEY_VARIABLE) or None)
    settings = conversions_settings_of(
        {"SPOTIFY_CAPI_TOKEN": DEFAULTS.capi_token, "SPOTIFY_CAPI_URL": f"{origin}/capi-direct/events/"},
        connection_id=DEFAULTS.capi_connection_id,
    )
    # Pauses are a hundredth of what they are, and nothing else is limited.
    rate_limiter = RateLimiter.of_file(
        folder / "rate",
        limit=RateLimit(per_second=1_000_000, burst=1_000),
        monotonic=lambda: time.monotonic() * FASTER,
        sleep=_shortly,
    )
    now = datetime.now(UTC)
    with (
        duckdb.connect(folder / "warehouse.duckdb", read_only=True) as connection,
        open_outbox(FEED, shared.store()) as outbox,
        ConversionsClient(settings, StateStore.in_home(folder), rate_limiter=rate_limiter, sleep=_shortly) as client,
    ):
        reader = reader_of(connection, "purchases")
        kind = reader.columns()[PLAN.event_time.column]
        for each in DAYS:
            day = Day.of(each, "UTC", now=now)
            bounds = range_of(day, PLAN, kind)
            assert bounds is not None
            only = Between(PLAN.event_time.column, bounds.at_least, bounds.below, bounds.or_missing)
            frames = reader.batches(PLAN.columns, only=only)
            verdicts = (validate_events(rows_of(day, rows, PLAN), PLAN, now=now) for rows in frames)
            outbox.record(each, verdicts, at=now)
        deliver(outbox, client.send, DeliveryPlan(), clock=lambda: datetime.now(UTC), sleep=_shortly)


def _shortly(seconds: float) -> None:
    time.sleep(seconds / FASTER)


def main() -> bool:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--postgres", action="store_true", help="keep the outbox in a PostgreSQL")
    parser.add_argument("--send", nargs=2, metavar=("FOLDER", "ORIGIN"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        try:
            send(Path(arguments.send[0]), arguments.send[1])
        except SpotifyError as error:
            sys.exit(str(error))
        return True
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        database = opened.enter_context(postgres_server.running()) if arguments.postgres else None
        outcome = storm(folder, events=arguments.events, kills=arguments.kills, database=database)
    sys.stdout.write(f"{outcome}\n")
    return outcome.survived


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
