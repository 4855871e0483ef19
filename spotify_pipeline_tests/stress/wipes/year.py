"""A year of daily syncs with the noise that segments have: how often would a guard block a list that is right?

Nothing is uploaded: each day's list is built, judged as a run would judge it, and written into the journal as accepted.
A list that is blocked falsely is counted, and accepted as if somebody had approved it. On some days a disaster
strikes instead, on a copy of that day's segment; it must be blocked, and is not accepted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import polars as pl

from spotify_pipeline.mirror import JournalEntry
from spotify_pipeline.mirror.guards import Decision, guard_limits
from spotify_pipeline.mirror.journal.entry import SentList
from spotify_pipeline.mirror.receipts.book import ReceiptBook
from spotify_pipeline.mirror.receipts.model import RECEIPT_FORMAT, Receipt
from spotify_pipeline.mirror.receipts.sent_lists import SHORTEST_WINDOW, compared_with
from spotify_pipeline.mirror.sync.receipt_content import list_evidence
from spotify_pipeline.sandbox import DEFAULTS
from spotify_pipeline_tests.state_edits import add, keep
from spotify_pipeline_tests.stress.wipes.bench import BEGIN, Bench, Listed

LIMITS = guard_limits(max_source_age=timedelta(hours=48))
KEPT_LISTS = 3
DISASTER_EVERY = 30


@dataclass
class Segment:
    """People who come and go; a number each."""

    dice: random.Random
    members: list[int] = field(default_factory=list[int])
    newest: int = 0

    def join(self, count: int) -> None:
        self.members.extend(range(self.newest, self.newest + count))
        self.newest += count

    def leave(self, share: float) -> None:
        self.members = [each for each in self.members if self.dice.random() >= share]

    def oldest_leave(self, count: int) -> None:
        self.members = self.members[count:]


Day = Callable[[Segment, int], None]


def newsletter(segment: Segment, day: int) -> None:
    """Slow growth, campaigns that bring a quarter in a day, a clean-up of bouncing addresses each quarter."""
    segment.join(int(segment.dice.gauss(12, 5)) if segment.dice.random() > 0.02 else len(segment.members) // 4)
    segment.leave(0.12 if day % 91 == 90 else abs(segment.dice.gauss(0.003, 0.002)))


def lapsed(segment: Segment, day: int) -> None:
    """Cancelled in the last 90 days: a window that moves, fuller after each month's end and each price rise."""
    arrivals = segment.dice.gauss(28, 8) * (2.2 if day % 30 < 2 else 1) * (4 if day == 200 else 1)
    segment.join(max(0, int(arrivals)))
    segment.oldest_leave(max(0, len(segment.members) - 2_500) + segment.dice.randrange(20))


def carts(segment: Segment, day: int) -> None:
    """Left a cart in the last two weeks: a fourteenth goes each day, weekends are half as strong, one week is Black."""
    weekend, black_week = day % 7 >= 5, 322 <= day <= 328
    segment.join(int(segment.dice.gauss(150, 15) * (0.55 if weekend else 1) * (2.8 if black_week else 1)))
    segment.oldest_leave(int(len(segment.members) / 14 * segment.dice.uniform(0.8, 1.2)))


def vip(segment: Segment, day: int) -> None:
    """The best customers, ranked anew on the first of each month: a quarter are others then."""
    if day % 30 == 0:
        segment.leave(0.25)
        segment.join(max(0, 1_500 + segment.dice.randrange(-60, 60) - len(segment.members)))
    segment.leave(0.0005)


def app_users(segment: Segment, day: int) -> None:
    """Opened the app in the last week: half as many after a holiday, half as many again after a push to all."""
    segment.leave(abs(segment.dice.gauss(0.12, 0.03)))
    wave = 1 + 0.12 * segment.dice.uniform(-1, 1) + (0.35 if day in {40, 180, 300} else 0)
    segment.join(max(0, int(2_200 * wave) - len(segment.members)))


AUDIENCES: dict[str, tuple[int, Day]] = {
    "newsletter": (2_600, newsletter),
    "lapsed": (2_500, lapsed),
    "carts": (1_900, carts),
    "vip": (1_500, vip),
    "app_users": (2_200, app_users),
}


@dataclass
class Year:
    """The outcome for one audience."""

    audience: str
    syncs: int = 0
    false_blocks: list[str] = field(default_factory=list[str])
    disasters: int = 0
    missed: list[str] = field(default_factory=list[str])


DISASTERS: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "half lost": lambda rows: rows.head(rows.height // 2),
    "nearly all lost": lambda rows: rows.head(rows.height // 50),
    "none left": lambda rows: rows.head(0),
    "e-mails gone": lambda rows: rows.with_columns(email=pl.lit(None, dtype=pl.String)),
    "e-mails of others": lambda rows: rows.with_columns(
        email=pl.concat_str(pl.lit("other"), "email"), phone=None, device_id=None
    ),
    "e-mails all equal": lambda rows: rows.with_columns(email=pl.lit("none@example.com")),
    "five times as many": lambda rows: pl.concat(
        [rows, *(rows.with_columns(email=pl.concat_str(pl.lit(f"{n}"), "email"), device_id=None) for n in range(4))]
    ),
    "half of the e-mails broken": lambda rows: rows.with_columns(
        email=pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("n/a")).otherwise(pl.col("email"))
    ),
}


def simulated_year(folder: Path, audience: str, *, days: int = 365, seed: int = 7) -> Year:
    """A year of one audience; the same for the same seed."""
    people, change = AUDIENCES[audience]
    dice = random.Random(f"{audience} {seed}")
    segment = Segment(dice)
    segment.join(people)
    # No client: nothing here speaks to Spotify.
    bench = Bench(folder / audience, client=None, sandbox=None, limits=LIMITS)  # type: ignore[arg-type]
    year = Year(audience)
    for day in range(days):
        change(segment, day)
        bench.now = BEGIN + timedelta(days=day)
        rows = _rows(segment.members)
        loaded = bench.now - timedelta(hours=dice.expovariate(1 / 5))
        if day and day % DISASTER_EVERY == 0:
            name = list(DISASTERS)[day // DISASTER_EVERY % len(DISASTERS)]
            year.disasters += 1
            if (
                bench.guard(bench.build(DISASTERS[name](rows), audience, updated_at=loaded), audience)
                .judge(_entry(bench, audience))
                .allowed
            ):
                year.missed.append(f"day {day}: {name}")
        listed = bench.build(rows, audience, updated_at=loaded)
        decision = bench.guard(listed, audience).judge(_entry(bench, audience))
        year.syncs += 1
        if not decision.allowed:
            year.false_blocks.append(f"day {day}: {', '.join(each.guard for each in decision.blocked_by)}")
        _accept(bench, audience, listed, decision)
    return year


def _rows(members: list[int]) -> pl.DataFrame:
    """What a segment shows of these people: e-mails are missing or broken here and there, phones often."""
    frame = pl.DataFrame({"n": members}, schema={"n": pl.Int64})
    n = pl.col("n")
    mixed = (n * 2_654_435_761) % 1_000
    return frame.select(
        email=pl.when(mixed < 40)
        .then(pl.lit("n/a"))
        .when(mixed < 90)
        .then(None)
        .otherwise(pl.format("person{}@example.com", n)),
        phone=pl.when(mixed % 10 < 6)
        .then(None)
        .otherwise(
            pl.concat_str(
                pl.lit("+1"), 201 + n // 100 % 700, pl.lit("555"), (100 + n % 100).cast(pl.String).str.zfill(4)
            )
        ),
        device_id=pl.format("{}-0000-4000-8000-{}", n.cast(pl.String).str.zfill(8), n.cast(pl.String).str.zfill(12)),
        agreed=(mixed % 50) > 0,
    )


def _entry(bench: Bench, audience: str) -> JournalEntry:
    return bench.journal.read(audience, bench.account)


def _accept(bench: Bench, audience: str, listed: Listed, decision: Decision) -> None:
    """What a run leaves behind whose list was accepted; of one that was blocked, as if somebody had approved it."""
    receipts = ReceiptBook(bench.journal.state)
    before = receipts.last(audience, bench.account)
    content = list_evidence(listed[1], decision, {}).content
    if not decision.allowed:
        for each in content["decision"]["findings"]:
            each["outcome"] = "overridden" if each["outcome"] == "blocked" else each["outcome"]
    add(
        bench.journal.state,
        Receipt(
            body={
                **content,
                "format": RECEIPT_FORMAT,
                "number": before[0] + 1 if before else 1,
                "previous": before[1] if before else "",
                "kind": "replaced",
                "audience": audience,
                "ad_account_id": bench.account,
                "at": bench.now.isoformat(),
            }
        ),
    )
    accepted = JournalEntry(ad_account_id=DEFAULTS.ad_account_id).accepting(
        f"the audience {audience}", SentList.of(listed[1]), at=bench.now.isoformat()
    )
    keep(bench.journal, audience, accepted)
    compared = compared_with(bench.journal, audience, bench.account, bench.now - SHORTEST_WINDOW)
    bench.store.keep_lists(audience, KEPT_LISTS, sent=compared)


def years(folder: Path, *, days: int = 365) -> Iterator[Year]:
    """A year of every audience."""
    return (simulated_year(folder, audience, days=days) for audience in AUDIENCES)
