"""The checks a person sees on a feed's assets: that every event is accounted for, and which cannot be sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import dagster as dg

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.components.conversions.reading import Coverage
from spotify_pipeline.conversions import DayAccount, Stop

ROWS_ARE_READ = "rows_are_read"
TIME_BEFORE_START = "time_before_start"
ACCOUNTS_ADD_UP = "accounts_add_up"
NO_DEAD_LETTERS = "no_dead_letters"
ANSWERS_ARE_KNOWN = "answers_are_known"
MOST_DAYS_NAMED = 10


def accounts_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That every event is in one place."""
    return dg.AssetCheckSpec(
        ACCOUNTS_ADD_UP,
        asset=key,
        blocking=True,
        description="Of each day: events read = delivered + waiting + filtered + dead letters, exactly.",
    )


def dead_letters_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That no event is left that cannot be sent."""
    return dg.AssetCheckSpec(
        NO_DEAD_LETTERS,
        asset=key,
        description="No event is a dead letter: one that cannot be sent as it is. The others are sent all the same.",
    )


def answers_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That the feed is not stopped."""
    return dg.AssetCheckSpec(
        ANSWERS_ARE_KNOWN,
        asset=key,
        description="Spotify answered what is known to mean that events were taken, or refused. After any other "
        "success the feed is stopped, and sends nothing until somebody has looked.",
    )


def answers_result(feed: str, stop: Stop | None) -> dg.AssetCheckResult:
    """Whether the feed is stopped, at which answer, and what to do."""
    sentence = "Every answer of Spotify's is known." if stop is None else stop.sentence(feed)
    return dg.AssetCheckResult(check_name=ANSWERS_ARE_KNOWN, passed=stop is None, description=sentence)


def accounts_result(accounts: Sequence[DayAccount]) -> dg.AssetCheckResult:
    """Whether the accounts of some days add up; each that does not, with its numbers."""
    wrong = [each for each in accounts if not each.adds_up]
    if wrong:
        named = "; ".join(_numbers(each) for each in wrong[:MOST_DAYS_NAMED])
        sentence = (
            f"{len(wrong)} of {len(accounts)} days do not add up: {named}. Events are missing from the outbox or are "
            "counted twice. This run sends nothing more. Turn the feed's schedule off, keep its outbox, and report it "
            "with these numbers."
        )
    else:
        sentence = f"{_of_all(accounts)} ({len(accounts)} days)"
    return dg.AssetCheckResult(check_name=ACCOUNTS_ADD_UP, passed=not wrong, description=sentence)


def dead_letters_result(feed: str, accounts: Sequence[DayAccount], *, refused: int = 0) -> dg.AssetCheckResult:
    """How many dead letters there are in these days, why, and what to do.

    Args:
        feed: its name.
        accounts: of the days.
        refused: events that Spotify refused and that wait, as nothing tells yet that it is them.
    """
    doubtful = (
        f"Spotify refused {refused:,} events and accepted no other, so it is not known whether they are at fault: they "
        "wait, and are sent again with the next run. Check the connection, and what the events share."
        if refused
        else ""
    )
    reasons: Counter[str] = Counter()
    for each in accounts:
        reasons.update(each.dead)
    total = reasons.total()
    if not total:
        sentence = doubtful or "There is no dead letter."
        return dg.AssetCheckResult(
            check_name=NO_DEAD_LETTERS, passed=not refused, severity=dg.AssetCheckSeverity.WARN, description=sentence
        )
    said = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common() if count)
    return dg.AssetCheckResult(
        check_name=NO_DEAD_LETTERS,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{total:,} events cannot be sent as they are: {said}. Look at them with `spotify-pipeline "
        f"conversions dead-letters {feed}`. Correct their rows or the YAML; those that Spotify refused are then sent "
        f"again after `spotify-pipeline conversions replay {feed}`, the others by the next run for their day."
        f" {doubtful}".rstrip(),
        metadata={reason: dg.IntMetadataValue(count) for reason, count in reasons.items() if count},
    )


def _numbers(account: DayAccount) -> str:
    return (
        f"{account.day}: {account.read:,} read, {account.delivered:,} delivered, {account.pending:,} waiting, "
        f"{sum(account.filtered.values()):,} filtered, {sum(account.dead.values()):,} dead"
    )


def _of_all(accounts: Sequence[DayAccount]) -> str:
    read, delivered, pending = (
        sum(getattr(each, name) for each in accounts) for name in ("read", "delivered", "pending")
    )
    filtered, dead = (sum(sum(getattr(each, name).values()) for each in accounts) for name in ("filtered", "dead"))
    return f"{read:,} read = {delivered:,} delivered + {pending:,} waiting + {filtered:,} filtered + {dead:,} dead"


def coverage_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That the days of the feed reach the rows of its relation."""
    return dg.AssetCheckSpec(
        ROWS_ARE_READ,
        asset=key,
        description="Rows of the relation are read: not all of them lie before the feed's start or in the future, and "
        "the newest days are not empty while others have rows.",
    )


def coverage_result(feed: FeedDefinition, found: Coverage, *, read: int, with_today: bool) -> dg.AssetCheckResult:
    """Whether rows are read; if not, what may be wrong with their times.

    Args:
        feed: see there.
        found: where its rows lie.
        read: rows that this run read.
        with_today: whether it read the newest day.
    """
    setting = feed.config.event_time
    severity = dg.AssetCheckSeverity.ERROR
    if found.placed and not found.within:
        sentence = (
            f"None of the {found.placed:,} rows of {feed.relation} can be sent: {found.before_start:,} lie before "
            f"{feed.config.start}, the feed's start, and {found.placed - found.before_start:,} in the future."
        )
        if found.meant is not None:
            stated = f"unit: {setting.unit.value}" if setting.unit is not None else "no unit"
            sentence += f" {setting.column} looks like {found.meant}, and event_time states {stated}. Correct that."
        else:
            sentence += f" Check {setting.column}, its unit, and start."
    elif found.placed and with_today and not read:
        severity = dg.AssetCheckSeverity.WARN
        sentence = (
            f"{feed.relation} has {found.placed:,} rows, and none of the days that this run read. If events should "
            "have come, look at what fills it."
        )
    else:
        sentence = f"{found.within:,} of {found.placed:,} rows lie between {feed.config.start} and now."
        return dg.AssetCheckResult(
            check_name=ROWS_ARE_READ, passed=True, description=sentence, metadata=coverage_metadata(found)
        )
    return dg.AssetCheckResult(
        check_name=ROWS_ARE_READ,
        passed=False,
        severity=severity,
        description=sentence,
        metadata=coverage_metadata(found),
    )


def coverage_metadata(found: Coverage) -> dict[str, dg.MetadataValue]:
    """How many rows are in no day's account, as they lie before the feed's start."""
    return {TIME_BEFORE_START: dg.IntMetadataValue(found.before_start)}
