"""Blocks of ``raw.consents``, ``raw.events``, ``raw.shop_events``: what customers allowed, heard, read and bought."""

from __future__ import annotations

from datetime import datetime, time
from typing import Final

import polars as pl

from spotify_pipeline.demo import shares
from spotify_pipeline.demo.customers import Block
from spotify_pipeline.demo.draws import Draws

CHANNELS: Final = ("advertising", "newsletter")

_DAY: Final = 24 * 60 * 60  # seconds
_MOST_ANSWERS: Final = 3  # of one person for one channel
_ANSWER_SPACE: Final = len(CHANNELS) * _MOST_ANSWERS

# Listening: who was here in the last 30 days, who was here before that, and (what is left) who never was.
_LISTENING: Final = {"active": 0.56, "lapsed": 0.20}
_NEWSLETTER_READERS: Final = {"recent": 0.42, "earlier": 0.10}  # opened one in the last 60 days, or before
# Purchases of one person in the last year: how many they are. What is left buys nothing.
_PURCHASES: Final = {"12": 0.0008, "10": 0.0008, "4": 0.03, "2": 0.05, "1": 0.10}

_CURRENCY_OF: Final = {"SE": "SEK", "GB": "GBP", "UK": "GBP", "AU": "AUD", "US": "USD", "CA": "CAD", "NO": "NOK"}


# The web shop.
_SHOP_DAYS: Final = 30  # before the day the data is of
# Shop events of one person in these days. What is left does nothing there.
_VISITS: Final = {"3": 0.02, "2": 0.05, "1": 0.20}
# Of Google's product taxonomy: concert tickets, headphones, records, musical instruments.
_CATEGORIES: Final = ("499969", "505299", "855", "54")
_PAGES: Final = "https://shop.example.com/thanks"


def consents(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``raw.consents`` for a block: per person and channel none to three answers, in no order of time.

    Args:
        block: fixes the draws.
        people: a row of ``raw.customers`` for each customer of the block.
    """
    return pl.concat([_answers(block, people, channel) for channel in CHANNELS])


def _answers(block: Block, people: pl.DataFrame, channel: str) -> pl.DataFrame:
    often = block.draws(f"consent/{channel}").kinds("often", shares.ANSWERS)
    counts = {"none": 0, "twice": 2, "three_times": 3, "twice_at_once": 2, shares.CLEAN: 1}
    answers = _repeated(people.with_columns(often), often.replace_strict(counts, return_dtype=pl.Int64))
    draws = Draws(f"{block.key}/consent/{channel}/answers", answers.height)
    ago = draws.uniform("moment") * 900 * _DAY
    # Two answers of one second, as a double click leaves them: the one with the higher number is the later.
    first_of_person = pl.col("changed_at").first().over("customer_id")
    number = pl.col("customer_id") * _ANSWER_SPACE + CHANNELS.index(channel) * _MOST_ANSWERS + pl.col("nth")
    return answers.with_columns(draws.kinds("answer", shares.CONSENT), _moment(block, ago, "changed_at")).select(
        number.alias("consent_id"),
        "customer_id",
        pl.lit(channel).alias("channel"),
        pl.when(pl.col("answer") != "unknown").then(pl.col("answer") == shares.CLEAN).alias("granted"),
        pl.when(often="twice_at_once").then(first_of_person).otherwise("changed_at").alias("changed_at"),
    )


def events(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``raw.events`` for a block.

    Args:
        block: fixes the draws.
        people: a row of ``raw.customers`` for each customer of the block.
    """
    return pl.concat([_listening(block, people), _reading(block, people), _buying(block, people)])


def _listening(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    draws = block.draws("listening")
    kind = draws.kinds("kind", _LISTENING)
    sessions = pl.select(pl.when(kind == shares.CLEAN).then(0).otherwise(draws.below("sessions", 3) + 1)).to_series()
    acts = _repeated(people.with_columns(kind == "active"), sessions)
    return _acts(block, acts, "listened", days=30)


def _reading(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    draws = block.draws("reading")
    kind = draws.kinds("kind", _NEWSLETTER_READERS)
    opened = pl.select(pl.when(kind == shares.CLEAN).then(0).otherwise(draws.below("opened", 2) + 1)).to_series()
    acts = _repeated(people.with_columns(kind == "recent"), opened)
    return _acts(block, acts, "newsletter_opened", days=60)


def _acts(block: Block, acts: pl.DataFrame, event: str, *, days: int) -> pl.DataFrame:
    """The first act of each person of ``kind`` within the last ``days``, all the others before that."""
    draws = Draws(f"{block.key}/{event}", acts.height)
    within = pl.lit(draws.uniform("within")) * days
    before = pl.lit(draws.uniform("before")) * (400 - days) + days
    recent = pl.col("kind") & (pl.col("nth") == 0)
    ago = acts.select(pl.when(recent).then(within).otherwise(before) * _DAY).to_series()
    return acts.select(
        draws.uuids("event_id"),
        "customer_id",
        pl.lit(event).alias("event"),
        _moment(block, ago, "happened_at"),
        pl.lit(None, dtype=pl.String).alias("amount"),
        pl.lit(None, dtype=pl.String).alias("currency"),
    )


def _buying(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    count = block.draws("buying").kinds("count", _PURCHASES).replace(shares.CLEAN, "0").cast(pl.Int64)
    purchases = _repeated(people.with_columns(_currency_of(pl.col("country"))), count)
    draws = Draws(f"{block.key}/purchase", purchases.height)
    cents = draws.below("cents", 12_000) + 300
    amount = (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)
    return purchases.select(
        draws.uuids("event_id"),
        "customer_id",
        pl.lit("purchase").alias("event"),
        _moment(block, draws.uniform("age") * 365 * _DAY, "happened_at"),
        amount.alias("amount"),
        "currency",
    )


def shop_events(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``raw.shop_events`` for a block.

    Args:
        block: fixes the draws.
        people: a row of ``raw.customers`` for each customer of the block.
    """
    visits = block.draws("shop").kinds("visits", _VISITS).replace(shares.CLEAN, "0").cast(pl.Int64)
    events = _repeated(people.with_columns(_currency_of(pl.col("country"))), visits)
    draws = Draws(f"{block.key}/shop_event", events.height)
    cents = draws.below("cents", 20_000) + 500
    amount = (cents // 100).cast(pl.String) + "." + (cents % 100).cast(pl.String).str.zfill(2)
    kind, written = draws.kinds("kind", shares.SHOP_EVENT), draws.kinds("written", shares.SHOP_ROW)
    pays = pl.lit(kind) != "trial_started"
    rows = events.select(
        pl.when(pl.lit(written) != "no_number").then(draws.uuids("order_number")).alias("order_number"),
        "customer_id",
        pl.lit(kind).replace(shares.CLEAN, "order_paid").alias("event"),
        pl.when(pl.lit(written) != "no_time")
        .then(_moment(block, draws.uniform("age") * _SHOP_DAYS * _DAY, "happened_at"))
        .alias("happened_at"),
        pl.when(pays & (pl.lit(written) != "no_amount")).then(pl.lit(amount)).alias("amount"),
        pl.when(pays).then(_currency(pl.col("currency"), pl.lit(written))).alias("currency"),
        pl.when(pl.lit(written) == "category_in_words")
        .then(pl.lit("Headphones"))
        .otherwise(draws.one_of("category", _CATEGORIES))
        .alias("category"),
        pl.when(pl.lit(written) == "page_without_scheme")
        .then(pl.lit(_PAGES.removeprefix("https://")))
        .otherwise(pl.lit(_PAGES))
        .alias("page"),
        pl.lit(written).alias("written"),
    )
    return pl.concat([rows, rows.filter(written="twice")]).drop("written")


def _currency(known: pl.Expr, written: pl.Expr) -> pl.Expr:
    in_words = pl.when(written == "currency_in_words").then(pl.lit("crowns"))
    return in_words.when(written == "currency_lower_case").then(known.str.to_lowercase()).otherwise(known)


def _currency_of(country: pl.Expr) -> pl.Expr:
    """The column ``currency``, ISO 4217, of who lives there."""
    known = country.str.strip_chars().str.to_uppercase().replace_strict(_CURRENCY_OF, default="EUR")
    return known.fill_null("EUR").alias("currency")


def _repeated(people: pl.DataFrame, count: pl.Series) -> pl.DataFrame:
    """Each person ``count`` times, with ``nth`` 0, 1, ...; those of count 0 not at all."""
    nth = pl.select(pl.int_ranges(0, count)).to_series().alias("nth")
    return people.with_columns(nth).filter(count > 0).explode("nth")


def _moment(block: Block, seconds_ago: pl.Series, name: str) -> pl.Expr:
    """UTC, whole seconds: that long before the day ``as_of`` begins, but not before the day the person signed up."""
    ago = pl.duration(seconds=pl.lit(seconds_ago.floor().cast(pl.Int64) + 1))
    moment = (pl.lit(datetime.combine(block.as_of, time())) - ago).dt.cast_time_unit("us")
    on_the_first_day = pl.col("signed_up_on").dt.combine(moment.dt.time())
    return pl.max_horizontal(moment, on_the_first_day).alias(name)
