"""Wipes that one list and the list before do not show: thinned lists, exchanged columns, losses that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import polars as pl

from spotify_pipeline.customer_list import redact_list, redacted_copy
from spotify_pipeline.identity import digest
from spotify_pipeline.mirror.guards import GuardBlocked
from spotify_pipeline.mirror.receipts.sent_lists import SHORTEST_WINDOW, compared_with
from spotify_pipeline.rows import DigestSet
from spotify_pipeline_tests.on_disk import on_disk
from spotify_pipeline_tests.stress.wipes.bench import BEGIN, LIVE_ROWS, Bench, Listed, people

Happening = Callable[[Bench], None]
Segments = Callable[[], Iterator[pl.DataFrame]]
SHOPS = pl.concat_str(pl.lit("+1201555"), (pl.int_range(pl.len()) % 60 + 1_000).cast(pl.String))
NULL = pl.lit(None, dtype=pl.String)


def nothing(_: Bench) -> None:
    """Nothing more was sent before."""


def live_list(bench: Bench) -> Listed:
    key = f"{BEGIN:%Y-%m-%d}"
    return on_disk(bench.store.list_path("lapsed", key)), bench.store.manifest("lapsed", key)


def emails(first: int, last: int) -> DigestSet:
    return DigestSet.of(digest(pl.Series([f"person{n}@example.com" for n in range(first, last)], dtype=pl.String)))


def without(bench: Bench, gone: int, issued_at: datetime) -> Listed:
    """A copy of the live list, without its first people."""
    file, manifest = redacted_copy(bench.store, live_list(bench), emails(0, gone), issued_at=issued_at)
    return on_disk(file), manifest


def alone(gone: int) -> Happening:
    """The audience is materialized alone, and so many of its people may not be in it any more."""

    def happen(bench: Bench) -> None:
        bench.send(without(bench, gone, BEGIN))

    return happen


def held_back(gone: int, then: Happening) -> Happening:
    """A run before was held back, for more was gone then."""

    def happen(bench: Bench) -> None:
        with suppress(GuardBlocked):
            alone(gone)(bench)
        bench.later(hours=1)
        then(bench)

    return happen


def chain(first: int, last: int) -> Happening:
    return lambda bench: bench.send(bench.build(people(first, last))) and None


def rolled_back(gone: int) -> Happening:
    """An older list is issued anew, of which nobody knows that it was ever sent."""

    def happen(bench: Bench) -> None:
        bench.send(without(bench, gone, bench.now))

    return happen


def forgotten(*spans: tuple[int, int], confirmed: int = 0, then: Happening) -> Happening:
    """People are asked to be forgotten, call by call; the first ``confirmed`` of them by a second word."""

    def happen(bench: Bench) -> None:
        everybody = DigestSet.of()
        for span in spans:
            everybody |= emails(*span)
            compared = compared_with(bench.journal, "lapsed", bench.account, bench.now - SHORTEST_WINDOW)
            for path, manifest in bench.store.lists("lapsed"):
                redact_list(path, manifest, everybody, sent=compared)
        bench.erased, bench.confirmed = lambda: everybody, lambda: emails(0, confirmed)
        then(bench)

    return happen


AS_SENT = (
    ("W17", "consent of 76 % is gone, the audience alone", alone(1_520), "shrink"),
    ("W17", "a suppression suddenly holds 74 %, the audience alone", alone(1_480), "shrink"),
    ("W17", "one person too many is suppressed, the audience alone", alone(601), "shrink"),
    ("W17", "a held run with 82 % gone, then the chain with 78 %", held_back(1_640, chain(1_560, 2_000)), "shrink"),
    ("W17", "a held run with 82 % gone, then alone with 40 %", held_back(1_640, alone(800)), "shrink"),
    ("W17", "a rollback to a list of which 60 % are suppressed", rolled_back(1_200), "shrink"),
    ("W17", "80 % were forgotten by mistake", forgotten((0, 1_600), then=chain(1_600, 2_000)), "shrink"),
    ("W17", "80 % were forgotten, the audience alone", forgotten((0, 1_600), then=alone(0)), "shrink"),
    (
        "W17",
        "25 % were forgotten, three times",
        forgotten((0, 500), (500, 1_000), (1_000, 1_500), then=chain(1_500, 2_000)),
        "shrink",
    ),
    (
        "W17",
        "forgetting was confirmed for 20 %, and 80 % were forgotten",
        forgotten((0, 400), (400, 1_600), confirmed=400, then=chain(1_600, 2_000)),
        "shrink",
    ),
    (
        "W17",
        "20 % were forgotten and confirmed, and 40 % of the others are lost",
        forgotten((0, 400), confirmed=400, then=chain(1_040, 2_000)),
        "shrink",
    ),
    (
        "W17",
        "all were forgotten and confirmed, and strangers come in their place",
        forgotten((0, 2_000), confirmed=2_000, then=chain(30_000, 31_900)),
        "growth",
    ),
)


def columns(**changed: pl.Expr) -> Happening:
    """An ordinary day but for these columns."""
    return lambda bench: bench.send(bench.build(people(0, LIVE_ROWS).with_columns(**changed))) and None


def salted(name: str) -> pl.Expr:
    return pl.concat_str(pl.lit("salt"), name)


N = pl.int_range(pl.len())
OTHER_PHONES = pl.concat_str(pl.lit("+1"), 301 + N // 100 % 600, pl.lit("555"), 1_000 + N % 100)
OTHER_IDS = pl.concat_str(pl.lit("ffff"), pl.col("device_id").str.slice(4))

COLUMNS = (
    ("W18", "every e-mail hash is salted, phones as before", columns(email=salted("email")), "churn"),
    ("W18", "every phone is another's, e-mails as before", columns(phone=OTHER_PHONES), "churn"),
    ("W18", "every device id is another's", columns(device_id=OTHER_IDS), "churn"),
    (
        "W18",
        "e-mails are strangers', phones 60 shop numbers on all rows",
        columns(email=salted("email"), phone=SHOPS, device_id=NULL),
        "churn",
    ),
    (
        "W18",
        "two of three e-mails are strangers'",
        columns(email=pl.when(N % 3 > 0).then(salted("email")).otherwise("email")),
        "churn",
    ),
    (
        "W18",
        "e-mail is NULL for 89 %",
        columns(email=pl.when(N % 100 < 89).then(NULL).otherwise("email")),
        "column gone",
    ),
    (
        "W18",
        "phone is NULL for 31 %",
        columns(phone=pl.when(N % 100 < 31).then(NULL).otherwise("phone")),
        "column gone",
    ),
    ("W18", "60 shop numbers take the place of all phones", columns(phone=SHOPS), "column gone"),
)


def days(segments: Segments, **step: float) -> tuple[Happening, Happening]:
    """One list after another is sent until one is held back; and that one is tried again."""
    held: dict[int, pl.DataFrame] = {}

    def until_blocked(bench: Bench) -> None:
        for rows in segments():
            bench.later(**step)
            held[id(bench)] = rows
            try:
                bench.send(bench.build(rows))
            except GuardBlocked:
                return

    def again(bench: Bench) -> None:
        bench.later(minutes=1)
        bench.send(bench.build(held.pop(id(bench))))

    return until_blocked, again


def shrinking(share: float, times: int) -> Segments:
    def segments() -> Iterator[pl.DataFrame]:
        rows = LIVE_ROWS
        for _ in range(times):
            rows = round(rows * (1 - share))
            yield people(LIVE_ROWS - rows, LIVE_ROWS)

    return segments


def exchanging(share: float, times: int, *, more: int = 0) -> Segments:
    moved = int(LIVE_ROWS * share)
    return lambda: (people(moved * n, LIVE_ROWS + moved * n + more * n) for n in range(1, times + 1))


def seesaw() -> Iterator[pl.DataFrame]:
    """A quarter is lost, strangers take their place, and again."""
    first, last = 0, LIVE_ROWS
    for _ in range(4):
        first += LIVE_ROWS // 4
        yield people(first, last)
        last += LIVE_ROWS // 4
        yield people(first, last)


def phones_in_steps(other: pl.Expr) -> Segments:
    return lambda: (
        people(0, LIVE_ROWS).with_columns(phone=pl.when(400 * n > N).then(other).otherwise("phone"))
        for n in range(1, 6)
    )


def drained(name: str, segments: Segments, **step: float) -> tuple[str, str, Happening, Happening, str]:
    return ("W19", name, *days(segments, **step), "drain")


def without_the_oldest(how: Callable[[Listed], object]) -> tuple[Happening, Happening]:
    """A quarter is others each day, and the list that was live first is not there, or damaged, from the third on."""
    segments = exchanging(0.25, 5)
    step, again = days(segments, days=1)

    def happen(bench: Bench) -> None:
        bench.later(days=1)
        bench.send(bench.build(next(segments())))
        how(live_list(bench))
        step(bench)

    return happen, again


DRAINS = (
    (
        "W19",
        "a quarter is others each day, the first list is gone",
        *without_the_oldest(lambda it: it[0].unlink()),
        "drain",
    ),
    (
        "W19",
        "a quarter is others each day, the first list is damaged",
        *without_the_oldest(lambda it: it[0].write_bytes(it[0].read_bytes()[:-1_000])),
        "drain",
    ),
    drained("9 % fewer each day for 17 days", shrinking(0.09, 17), days=1),
    drained("15 % fewer every other day", shrinking(0.15, 8), days=2),
    drained("29 % fewer, four times within one partition", shrinking(0.29, 4), minutes=10),
    drained("29 % fewer, four days in a row", shrinking(0.29, 4), days=1),
    drained("half are others, six times", exchanging(0.5, 6), days=1),
    drained("half are others, six times within one partition", exchanging(0.5, 6), minutes=10),
    drained("half are others, and a few more each time", exchanging(0.5, 6, more=5), days=1),
    drained("a quarter is lost and replaced by strangers, four times", seesaw, days=1),
    drained("a fifth of the phones is others' each day", phones_in_steps(OTHER_PHONES), days=1),
    drained("a fifth of the phones goes NULL each day", phones_in_steps(NULL), days=1),
)
