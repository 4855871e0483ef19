"""`spotify-pipeline conversions account`, `dead-letters`, `replay`: the totals of a feed's events."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from spotify_pipeline.cli.dagster import materialize_days
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import chosen_feed, load_definitions, project_state
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.conversions import DayAccount, Dead, Filtered, Guarantee, Outbox, open_outbox, view_outbox
from spotify_pipeline.retries import OUTBOX_MARK

if TYPE_CHECKING:
    import dagster as dg

    from spotify_pipeline.components.conversions import FeedDefinition

FeedArgument = Annotated[str, typer.Argument(metavar="FEED", help="The feed's folder name.")]
DayOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="DAY", help="Of this day only, such as 2026-11-15.")
]
LONGEST_LIST = 1_000


def account(feed: FeedArgument, day: DayOption = None) -> None:
    """Show a feed's account, a line a day: read = delivered + filtered + dead + pending.

    Exits 1 where it is not so, and where the feed is stopped.
    """
    with view_outbox(feed, project_state()) as outbox:
        days, stop = outbox.accounts(_only(day)), outbox.stopped()
    columns = ("day", "read", "delivered", "filtered", "dead", "pending", "")
    print_table("days that were read", columns, [_line(each) for each in days])
    if stop is not None:
        sys.stdout.write(f"{stop.sentence(feed)}\n")
    if not all(each.adds_up for each in days) or stop is not None:
        raise typer.Exit(1)


def dead_letters(feed: FeedArgument, day: DayOption = None) -> None:
    """List the events that could not be sent: their ids, why, and which parameters are at fault. Never a value."""
    with view_outbox(feed, project_state()) as outbox:
        found = outbox.dead_letters(day.date() if day is not None else None, LONGEST_LIST)
    shown = [[_cell(value) for value in row] for row in found.iter_rows()]
    print_table("dead letters", [name.replace("_", " ") for name in found.columns], shown)
    if len(shown) == LONGEST_LIST:
        sys.stdout.write(f"These are the first {LONGEST_LIST:,}; name a --day to see others.\n")


def replay(
    feed: FeedArgument,
    day: DayOption = None,
    reason: Annotated[
        str | None,
        typer.Option(help="Those of this reason, dead or filtered, such as refused, no_consent or not_wanted."),
    ] = None,
    later: Annotated[
        bool, typer.Option("--later", help="Mark them only; they are judged again when their day is read next.")
    ] = False,
) -> None:
    """Validate events again that were not sent, after the cause was fixed, and send those that pass.

    Without a reason: all dead letters. Reads their days again and delivers, in a run of its own that the Dagster UI
    shows. What arrived already is not sent again.
    """
    if reason is not None and reason not in {*Dead, *Filtered}:
        raise CommandError(f"No event has the reason {reason}. There are: {', '.join((*Dead, *Filtered))}.")
    definitions = load_definitions()
    chosen = chosen_feed(definitions, feed)
    with _held(chosen) as outbox:
        marked = outbox.replay(day.date() if day is not None else None, reason)
    if not marked:
        sys.stdout.write(f"There are no such {_named(reason, 0)}.\n")
        return
    count = sum(marked.values())
    sys.stdout.write(
        f"{_named(reason, count)} of {_days(marked)} {'is' if count == 1 else 'are'} to be judged again.\n"
    )
    if not later:
        for first, last in _stretches(marked):
            sys.stdout.write(f"{_judged_again(definitions, chosen, first, last)}\n")
        with view_outbox(feed, project_state()) as outbox:
            accounts = outbox.accounts(sorted(marked))
        if reason in set(Filtered):
            still = sum(each.filtered.get(str(reason), 0) for each in accounts)
            sys.stdout.write(f"{still:,} of these days' rows are filtered for the reason {reason} now.\n")
        else:
            still = sum(sum(each.dead.values()) for each in accounts)
            sys.stdout.write(f"{still:,} of these days' events are dead letters now.\n")


def _held(feed: FeedDefinition) -> AbstractContextManager[Outbox]:
    """A feed's outbox, to mark something in it; a run that holds it is waited for, but not long."""
    return open_outbox(feed.name, project_state(), guarantee=feed.delivery_plan.guarantee, wait=OUTBOX_MARK.within)


def _named(reason: str | None, count: int) -> str:
    """Such as `1 dead letter`; without a number where there is none."""
    one, many = ("filtered row", "filtered rows") if reason in set(Filtered) else ("dead letter", "dead letters")
    return many if not count else f"1 {one}" if count == 1 else f"{count:,} {many}"


def resume(feed: FeedArgument) -> None:
    """Let a feed send again that stopped at an answer of Spotify's which is not known. The next run sends.

    The events of that request are among those it sends, unless the feed sends at most once.
    """
    chosen = chosen_feed(load_definitions(), feed)
    with _held(chosen) as outbox:
        stop = outbox.stopped()
        outbox.resume()
        waiting = sum(each.pending for each in outbox.accounts())
    if stop is None:
        sys.stdout.write(f"{feed} was not stopped.\n")
    else:
        sys.stdout.write(
            f"{feed} had stopped on {stop.at:%Y-%m-%d at %H:%M} UTC, when Spotify answered {stop.answer}. The next run "
            f"sends again: {_of_that_request(chosen.delivery_plan.guarantee)} {waiting:,} events wait. If Spotify "
            "gives that answer again, the feed stops again.\n"
        )


def _of_that_request(guarantee: Guarantee) -> str:
    if guarantee is Guarantee.AT_MOST_ONCE:
        return "not the events of that request, which are dead letters (unconfirmed) that you may replay."
    return "the events of that request, too, with the same ids, so Spotify counts those that it took already once."


def _judged_again(definitions: dg.Definitions, feed: FeedDefinition, first: date, last: date) -> str:
    return materialize_days(definitions, [feed.validated_key, feed.delivery_key], first, last)


def _stretches(days: Iterable[date]) -> list[tuple[date, date]]:
    """The days as ranges without gaps, so that no other day is read."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and (day - found[-1][1]).days == 1:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def _only(day: datetime | None) -> list[date] | None:
    return [day.date()] if day is not None else None


def _line(account: DayAccount) -> tuple[str, ...]:
    return (
        account.day.isoformat(),
        f"{account.read:,}",
        f"{account.delivered:,}",
        _by_reason(account.filtered),
        _by_reason(account.dead),
        f"{account.pending:,}",
        "" if account.adds_up else "DOES NOT ADD UP",
    )


def _by_reason(counts: Mapping[str, int]) -> str:
    if not counts:
        return "0"
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda each: -each[1]))
    return f"{sum(counts.values()):,} ({parts})"


def _days(marked: Mapping[date, int]) -> str:
    days = sorted(marked)
    return str(days[0]) if len(days) == 1 else f"{len(days)} days, {days[0]} to {days[-1]},"


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
