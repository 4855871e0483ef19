"""Sending events: events per second against a plain loop and against drt, over the same rows to the same sandbox.

    python -m benchmarks.conversions [--events 20000] [--alone 2000] [--rounds 2]

The sandbox is in a process of its own, without a rate limit, and checks every event; all sides wait for it. Rows hold
digests already, so that nobody hashes. Each round takes all ways in turn; the best round of each counts. What they are:

* ``loop``: DuckDB's rows, one request per event over one connection, as anybody would write first; nothing is checked,
  remembered or tried again;
* ``drt, record``: drt-core's REST API destination, one request per event, from the same DuckDB file;
* ``drt, batch``: the same with 100 events in a request;
* ``product``: rows are judged and kept in the outbox, then sent 100 in a request, each settled on disk.

The first two send fewer events (``--alone``), as they are slow. Then one event in a thousand is refused, and the table
says what became of the others.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import yaml
from drt.cli.main import app as drt_app
from typer.testing import CliRunner

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
    validate_events,
)
from spotify_pipeline.identity import Email
from spotify_pipeline.rows import IdentifierColumns, IdentifierPlan
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer
from spotify_pipeline.spotify import ConversionsClient, ConversionsSettings, RateLimiter
from spotify_pipeline.spotify.retry import RateLimit
from spotify_pipeline.state import StateStore
from spotify_pipeline.warehouse import DuckDBWarehouse, Relation, SegmentReader

BATCH = 100
UNLIMITED = RateLimit(per_second=1_000_000, burst=1_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--alone", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with tempfile.TemporaryDirectory() as folder, sandbox() as origin:
        bench = Bench(Path(folder), origin)
        speeds(bench, arguments.events, arguments.alone, arguments.rounds)
        refusals(bench)


class Bench:
    """One folder with the rows and all that the ways leave behind, and the sandbox's address."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.folder = folder
        self.url = f"{origin}/capi-direct/events/"
        self.origin = origin
        self.runs = 0

    def rows(self, events: int) -> Path:
        """A DuckDB file with that many purchases of one day, ids of this run alone, the e-mail as a digest."""
        self.runs += 1
        file = self.folder / f"events-{self.runs}.duckdb"
        with duckdb.connect(file) as connection:
            connection.execute(
                """create table purchases as select 'event-' || ? || '-' || i as event_id,
                sha256(i || '@example.com') as email,
                strftime(timestamp '2026-11-15' + to_seconds((i * 7) % 86400), '%Y-%m-%dT%H:%M:%S.000Z') as happened_at,
                cast(5 + i % 200 + 0.99 as decimal(10, 2)) as amount, 'SEK' as currency from range(?) as t(i)""",
                [self.runs, events],
            )
        return file

    def received(self) -> int:
        """Distinct events that the sandbox has."""
        answer = httpx.get(f"{self.origin}/sandbox/events").raise_for_status().json()
        return int(answer["distinct"])


def loop(bench: Bench, file: Path) -> None:
    """One request per event."""
    headers = {"Authorization": f"Bearer {DEFAULTS.capi_token}"}
    with duckdb.connect(file, read_only=True) as connection, httpx.Client(headers=headers) as client:
        for event_id, email, happened_at, amount, currency in connection.execute("from purchases").fetchall():
            event = {
                "event_name": "PURCHASE",
                "event_id": event_id,
                "event_time": happened_at,
                "user_data": {"hashed_emails": [email]},
                "event_details": {"amount": float(amount), "currency": currency},
            }
            body = {"capi_connection_id": DEFAULTS.capi_connection_id, "events": [event]}
            client.post(bench.url, json={"conversion_events": body})


_EVENT = (
    '{"event_name": "PURCHASE", "event_id": "{{ row.event_id }}", "event_time": "{{ row.happened_at }}", '
    '"user_data": {"hashed_emails": ["{{ row.email }}"]}, '
    '"event_details": {"amount": {{ row.amount }}, "currency": "{{ row.currency }}"}}'
)
_AROUND = '{"conversion_events": {"capi_connection_id": "CONNECTION", "events": [EVENTS]}}'


def drt(bench: Bench, file: Path, *, batch: int | None) -> None:
    """drt's own command line, in this process."""
    around = _AROUND.replace("CONNECTION", DEFAULTS.capi_connection_id)
    many = "{% for row in rows %}" + _EVENT + "{% if not loop.last %},{% endif %}{% endfor %}"
    sending: dict[str, object] = (
        {"body_mode": "batch", "batch_template": around.replace("EVENTS", many), "max_records_per_request": batch}
        if batch
        else {"body_template": around.replace("EVENTS", _EVENT)}
    )
    project = bench.folder / f"drt-{file.stem}"
    (project / "syncs").mkdir(parents=True)
    home = project / "home"
    (home / ".drt").mkdir(parents=True)
    profile = {"bench": {"type": "duckdb", "database": str(file)}}
    (home / ".drt" / "profiles.yml").write_text(yaml.safe_dump(profile))
    (project / "drt_project.yml").write_text(yaml.safe_dump({"name": "bench", "profile": "bench", "version": "1.0"}))
    sync = {
        "name": "purchases",
        "model": "select * from purchases",
        "destination": {
            "type": "rest_api",
            "url": bench.url,
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "auth": {"type": "bearer", "token_env": "BENCH_TOKEN"},
            "rate_limit": {"requests_per_second": 100_000},
            **sending,
        },
        "sync": {"mode": "full", "batch_size": 10_000, "on_error": "skip"},
    }
    (project / "syncs" / "purchases.yml").write_text(yaml.safe_dump(sync))
    kept = {name: os.environ.get(name) for name in ("HOME", "BENCH_TOKEN", "DRT_TELEMETRY_DISABLED")}
    before = Path.cwd()
    os.environ.update(HOME=str(home), BENCH_TOKEN=DEFAULTS.capi_token, DRT_TELEMETRY_DISABLED="1")
    os.chdir(project)
    try:
        result = CliRunner().invoke(drt_app, ["run"])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
    finally:
        os.chdir(before)
        for name, value in kept.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


PLAN = FeedPlan(
    event_name=Constant("PURCHASE"),
    event_id=EventIdSource(columns=("event_id",)),
    event_time=TimeSource(column="happened_at"),
    identifiers=IdentifierPlan(identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))}),
    amount="amount",
    currency=Column("currency"),
    max_age=timedelta(days=3650),
)


def product(bench: Bench, file: Path, *, batch: int = BATCH) -> None:
    """Judged, kept, delivered, settled."""
    now = datetime.now(UTC)
    settings = ConversionsSettings.from_environment(
        {"SPOTIFY_CAPI_TOKEN": DEFAULTS.capi_token, "SPOTIFY_CAPI_URL": bench.url},
        connection_id=DEFAULTS.capi_connection_id,
    )
    home = bench.folder / f"home-{file.stem}"
    unlimited = RateLimiter.of_file(home / "rate", limit=UNLIMITED)
    with (
        duckdb.connect(file, read_only=True) as connection,
        open_outbox("bench", StateStore.in_home(home)) as outbox,
        ConversionsClient(settings, StateStore.in_home(home), rate_limiter=unlimited) as client,
    ):
        reader = SegmentReader(DuckDBWarehouse.over(connection), Relation.parse("purchases"), home / "spill")
        day = Day.of(datetime(2026, 11, 15, tzinfo=UTC).date(), "UTC", now=now)
        judged = (validate_events(rows, PLAN, now=now) for rows in reader.batches(PLAN.columns))
        outbox.record(day.date, judged, at=now)
        deliver(outbox, client.send, DeliveryPlan(batch_events=batch), clock=lambda: datetime.now(UTC))
        (account,) = outbox.accounts([day.date])
        assert account.adds_up, account


def batch_of_drt(bench: Bench, file: Path) -> None:
    drt(bench, file, batch=BATCH)


def record_of_drt(bench: Bench, file: Path) -> None:
    drt(bench, file, batch=None)


WAYS: dict[str, tuple[Callable[[Bench, Path], None], bool]] = {
    "loop": (loop, True),
    "drt, record": (record_of_drt, True),
    "drt, batch": (batch_of_drt, False),
    "product": (product, False),
}
"""Each way, and whether it sends one event a request."""


def speeds(bench: Bench, events: int, alone: int, rounds: int) -> None:
    best = dict.fromkeys(WAYS, 0.0)
    for _ in range(rounds):
        for name, (way, slow) in WAYS.items():
            wanted = alone if slow else events
            file = bench.rows(wanted)
            before = bench.received()
            began = time.perf_counter()
            way(bench, file)
            seconds = time.perf_counter() - began
            assert bench.received() - before == wanted, (name, bench.received() - before, wanted)
            best[name] = max(best[name], wanted / seconds)
    print(f"{'way':<14}{'events per second':>20}{'the loop is 1':>16}")
    for name, speed in best.items():
        print(f"{name:<14}{speed:>20,.0f}{speed / best['loop']:>16.1f}")


def refusals(bench: Bench) -> None:
    """A thousand events of which Spotify refuses one: how many arrive."""
    print(f"\n{'1,000 events, one of them refused':<40}{'arrived':>10}")
    for name, (way, _) in WAYS.items():
        file, before = bench.rows(1_000), bench.received()
        poisoned = {"event_ids": [f"event-{bench.runs}-500"]}
        httpx.post(f"{bench.origin}/sandbox/poison", json=poisoned).raise_for_status()
        way(bench, file)
        print(f"{name:<40}{bench.received() - before:>10,}")


@contextmanager
def sandbox() -> Iterator[str]:
    """A sandbox in a process of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.conversions", "--serve", str(port)])
    origin = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            with suppress(OSError):
                urllib.request.urlopen(origin).close()
                break
            time.sleep(0.1)
        yield origin
    finally:
        process.terminate()
        process.wait()


def serve(port: int) -> None:
    with SandboxServer(SandboxConfig(event_requests_per_window=10**9), port=port):
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
