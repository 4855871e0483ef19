"""Changes that a company means: blocked at first, sent once somebody approved the very list, and never again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from spotify_pipeline.mirror.guards import GuardLimits, guard_limits
from spotify_pipeline.rows import DigestSet, Suppressions
from spotify_pipeline_tests.state_edits import lose
from spotify_pipeline_tests.stress.wipes.bench import LIVE_ROWS, OTHER_ACCOUNT, Bench, Listed, people, suppressing
from spotify_pipeline_tests.stress.wipes.happenings import NO_TEXT, half, live


@dataclass(frozen=True)
class Change:
    """A legitimate change.

    Attributes:
        name: what the company did.
        guard: that blocks the list.
        prepare: makes today's list.
    """

    name: str
    guard: str
    prepare: Callable[[Bench], Listed]


def rows(made: Callable[[], pl.DataFrame]) -> Callable[[Bench], Listed]:
    return lambda bench: bench.build(made())


def column(name: str, value: pl.Expr) -> Callable[[Bench], Listed]:
    return rows(lambda: live().with_columns(value.alias(name)))


def suppressed(suppressions: Suppressions) -> Callable[[Bench], Listed]:
    return lambda bench: bench.build(live(), suppressions=suppressions)


def _stale(bench: Bench) -> Listed:
    bench.limits = guard_limits(max_source_age=timedelta(hours=36))
    return bench.build(live(), updated_at=bench.now - timedelta(days=4))


def _moved(bench: Bench) -> Listed:
    bench.account = OTHER_ACCOUNT
    return bench.build(live())


def _journal_lost(bench: Bench) -> Listed:
    lose(bench.journal, "lapsed")
    return bench.build(live())


def _history_deleted(bench: Bench) -> Listed:
    for file in (bench.list_folder / "lapsed").glob("*05*/*"):
        file.unlink()
    return bench.build(live())


def _tighter(limits: GuardLimits, made: Callable[[], pl.DataFrame]) -> Callable[[Bench], Listed]:
    def prepare(bench: Bench) -> Listed:
        bench.limits = limits
        return bench.build(made())

    return prepare


def _first_and_short(bench: Bench) -> Listed:
    bench.limits = guard_limits(min_rows=2_500)
    return bench.build(live())


CHANGES: tuple[Change, ...] = (
    Change("the segment was narrowed to half", "shrink", rows(half)),
    Change("the segment was narrowed to the minimum", "shrink", rows(lambda: people(0, 1_000))),
    Change("31 % cancelled at once", "shrink", rows(lambda: people(0, 1_380))),
    Change("a country was left out", "shrink", rows(lambda: people(900, LIVE_ROWS))),
    Change("doubles were removed at the source", "shrink", rows(lambda: pl.concat([half(), half()]))),
    Change("consent is asked for anew", "shrink", column("agreed", pl.int_range(pl.len()) % 2 == 0)),
    Change(
        "a competitor's customers were suppressed", "shrink", suppressed(suppressing(range(700), range(70_000, 70_100)))
    ),
    Change("the segment grew tenfold with a new market", "growth", rows(lambda: people(0, 20_000))),
    Change("the segment was widened", "growth", rows(lambda: people(0, 6_100))),
    Change("a season ended: all people are others", "churn", rows(lambda: people(30_000, 32_000))),
    Change("three in four people are others", "churn", rows(lambda: people(1_500, 3_500))),
    Change("another business moved in, and is larger", "churn", rows(lambda: people(40_000, 43_000))),
    Change(
        "a shop's imprint of bad e-mails",
        "invalid share",
        column("email", pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("broken")).otherwise(pl.col("email"))),
    ),
    Change("phones are not collected any more", "column gone", column("phone", NO_TEXT)),
    Change("device ids are not collected any more", "column gone", column("device_id", NO_TEXT)),
    Change("e-mails are not collected any more", "column gone", column("email", NO_TEXT)),
    Change("a call centre's number is everybody's", "column constant", column("phone", pl.lit("+12015550100"))),
    Change("the source is loaded weekly now", "stale source", _stale),
    Change("the campaign moved to another ad account", "ad account", _moved),
    Change("a new machine, without the journal", "history", _journal_lost),
    Change("the list before was deleted by hand", "history", _history_deleted),
    Change(
        "the suppressions were emptied on purpose",
        "suppressions",
        suppressed(Suppressions({"do_not_contact": DigestSet.of()})),
    ),
    Change("the suppressions were cleaned up", "suppressions", suppressed(suppressing(range(70_000, 70_010)))),
    Change(
        "the two audiences changed their roles", "swapped segments", rows(lambda: people(10_000, 10_000 + LIVE_ROWS))
    ),
    Change("a list below the limit that was set", "minimum", _first_and_short),
    Change(
        "a tight limit, passed on purpose", "growth", _tighter(guard_limits(max_growth=0.05), lambda: people(0, 2_200))
    ),
)
