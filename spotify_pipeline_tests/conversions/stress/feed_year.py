"""A year of feeds with the noise that shops have: how often would a guard hold a delivery that is right?

python -m spotify_pipeline_tests.conversions.stress.feed_year [--days 365] [--seeds 5]

Five feeds, each read four times a day. A delivery that is held falsely is counted and approved. Every few weeks
something goes wrong, on a copy of the feed: it must be held, and is not accepted.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from spotify_pipeline.conversions.delivery.guards import FeedDecision, FeedLimits, decide_feed
from spotify_pipeline.conversions.outbox.model import DayVerdicts

FIRST = date(2026, 1, 1)
LOOKS = (0.15, 0.45, 0.8, 1.0)
"""How much of a day has happened whenever the feed is read; the last look is after its end."""
KNOWN_DAYS = 40
DISASTER_EVERY = 21

SHARES = ("not_wanted", "no_consent", "suppressed", "dead")

Rows = dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What a feed's days are like, before chance.

    Attributes:
        mean: events of a day.
        weekend: as a share of that.
        no_consent, suppressed, not_wanted, dead: usual shares, as the guards count them.
        drift: how far each share is off on a day, as the standard deviation of the logarithm of its odds.
        events: what happens on single days of the year.
    """

    mean: float
    weekend: float = 1.0
    no_consent: float = 0.3
    suppressed: float = 0.02
    not_wanted: float = 0.1
    dead: float = 0.02
    drift: float = 0.25
    events: Mapping[int, Callable[[Shop], Shop]] = field(default_factory=dict[int, Callable[["Shop"], "Shop"]])


def campaign(shop: Shop) -> Shop:
    """Three times as many events, of newcomers who consent less."""
    return replace(shop, mean=shop.mean * 3, no_consent=shop.no_consent + 0.08)


def bad_export(shop: Shop) -> Shop:
    """Some more rows without an amount, as happens."""
    return replace(shop, dead=shop.dead + 0.06)


SHOPS: dict[str, Shop] = {
    "corner shop": Shop(mean=12, no_consent=0.4, drift=0.2),
    "web shop": Shop(mean=400, weekend=0.6, events={40: campaign, 180: campaign, 328: campaign, 100: bad_export}),
    "wholesale": Shop(mean=90, weekend=0.0, no_consent=0.05, suppressed=0.0, not_wanted=0.3),
    "app": Shop(mean=6_000, weekend=1.3, no_consent=0.62, suppressed=0.04, not_wanted=0.7, dead=0.005, drift=0.15),
    "clinic": Shop(mean=120, weekend=0.3, no_consent=0.75, suppressed=0.08, not_wanted=0.02, dead=0.05),
}


@dataclass
class Year:
    """The outcome for one feed."""

    shop: str
    deliveries: int = 0
    held_falsely: list[str] = field(default_factory=list[str])
    disasters: int = 0
    missed: list[str] = field(default_factory=list[str])


def _all_suppressed(rows: Rows) -> Rows:
    return _all_to(rows, "pending", "suppressed")


def _no_consent_loaded(rows: Rows) -> Rows:
    return {"no_consent": sum(rows.values()) - rows.get("not_wanted", 0), "not_wanted": rows.get("not_wanted", 0)}


def _name_ignored(rows: Rows) -> Rows:
    return {"not_wanted": sum(rows.values())}


def _amounts_gone(rows: Rows) -> Rows:
    return _all_to(rows, "pending", "amount_missing")


def _no_load(rows: Rows) -> Rows:
    return {}


def _all_to(rows: Rows, source: str, target: str) -> Rows:
    changed = Counter(rows)
    changed[target] += changed.pop(source, 0)
    return dict(changed)


DISASTERS: dict[str, Callable[[Rows], Rows]] = {
    "everybody suppressed": _all_suppressed,
    "consent not loaded": _no_consent_loaded,
    "the name ignored": _name_ignored,
    "amounts gone": _amounts_gone,
    "no load": _no_load,
}


def simulated_year(name: str, *, days: int = 365, seed: int = 7, limits: FeedLimits | None = None) -> Year:
    """A year of one feed; the same for the same seed."""
    shop, dice, year = SHOPS[name], random.Random(f"{name} {seed}"), Year(name)
    limits = limits or FeedLimits()
    known: dict[date, DayVerdicts] = {}
    for number in range(days):
        day = FIRST + timedelta(days=number)
        whole = _day(shop, number, dice)
        for look in LOOKS:
            is_over = look == 1.0
            open_day = day + timedelta(days=is_over)
            rows = _part(whole, look, dice)
            before = known.get(day)
            if is_over and number and number % DISASTER_EVERY == 0 and rows.get("pending", 0) > 2 * limits.min_events:
                wrong = list(DISASTERS)[number // DISASTER_EVERY % len(DISASTERS)]
                year.disasters += 1
                struck = DayVerdicts(day=day, rows=DISASTERS[wrong](rows), accepted=None)
                if decide_feed([*known.values(), struck], limits, open_day=open_day).allowed:
                    year.missed.append(f"day {number}: {wrong}")
            known[day] = DayVerdicts(day=day, rows=rows, accepted=before.accepted if before else None)
            decision = decide_feed(list(known.values()), limits, open_day=open_day)
            year.deliveries += 1
            if not decision.allowed:
                year.held_falsely.append(f"day {number} at {look:.0%}: {', '.join(e.sentence for e in decision.held)}")
            _accept(known, decision)
        known.pop(day - timedelta(days=KNOWN_DAYS), None)
    return year


def _accept(known: dict[date, DayVerdicts], decision: FeedDecision) -> None:
    for day in {*decision.accepted, *(each.day for each in decision.held)}:
        known[day] = DayVerdicts(day=day, rows=known[day].rows, accepted=known[day].rows)


def _day(shop: Shop, number: int, dice: random.Random) -> Rows:
    today = shop.events.get(number, lambda same: same)(shop)
    weekday = (FIRST + timedelta(days=number)).weekday()
    mean = today.mean * (today.weekend if weekday >= 5 else 1) * dice.lognormvariate(0, 0.25)
    total = max(0, round(dice.gauss(mean, mean**0.5)))
    today = replace(today, **{name: _moved(getattr(today, name), today.drift, dice) for name in SHARES})
    rows: Counter[str] = Counter()
    for _ in range(total):
        rows[_verdict(today, dice)] += 1
    return dict(rows)


def _verdict(shop: Shop, dice: random.Random) -> str:
    for name in SHARES:
        if dice.random() < getattr(shop, name):
            return "amount_missing" if name == "dead" else name
    return "pending"


def _moved(share: float, drift: float, dice: random.Random) -> float:
    """The share of one day: that much off on the scale of its odds."""
    odds = share / (1 - share) * dice.lognormvariate(0, drift)
    return odds / (1 + odds)


def _part(rows: Rows, share: float, dice: random.Random) -> Rows:
    """What has happened of a day by then: each event with that chance."""
    if share == 1.0:
        return dict(rows)
    return {name: sum(dice.random() < share for _ in range(count)) for name, count in rows.items()}


def years(*, days: int = 365, seed: int = 7) -> Iterator[Year]:
    """A year of every feed."""
    return (simulated_year(name, days=days, seed=seed) for name in SHOPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    for seed in range(arguments.seeds):
        for year in years(days=arguments.days, seed=seed):
            false = len(year.held_falsely)
            sys.stdout.write(
                f"{year.shop:12} {year.deliveries:,} deliveries, {false} held falsely ({false / year.deliveries:.2%}); "
                f"{year.disasters} disasters, {len(year.missed)} missed\n"
            )
            for each in (*year.held_falsely, *year.missed):
                sys.stdout.write(f"  {each}\n")


if __name__ == "__main__":
    main()
