"""Blocks of ``raw.shop_events``: what customers ordered and tried in the web shop, as its systems wrote it down."""

from __future__ import annotations

from typing import Final

import polars as pl

from spotify_pipeline.demo import shares
from spotify_pipeline.demo.activity import currency_of, moment, repeated
from spotify_pipeline.demo.customers import Block
from spotify_pipeline.demo.draws import Draws

DAYS: Final = 30  # before the day the data is of
_DAY: Final = 24 * 60 * 60
# Shop events of one person in these days. What is left does nothing there.
_VISITS: Final = {"3": 0.02, "2": 0.05, "1": 0.20}
# Of Google's product taxonomy: concert tickets, headphones, records, musical instruments.
_CATEGORIES: Final = ("499969", "505299", "855", "54")
_PAGES: Final = "https://shop.example.com/thanks"


def shop_events(block: Block, people: pl.DataFrame) -> pl.DataFrame:
    """The rows of ``raw.shop_events`` for a block.

    Args:
        block: fixes the draws.
        people: a row of ``raw.customers`` for each customer of the block.
    """
    visits = block.draws("shop").kinds("visits", _VISITS).replace(shares.CLEAN, "0").cast(pl.Int64)
    events = repeated(people.with_columns(currency_of(pl.col("country"))), visits)
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
        .then(moment(block, draws.uniform("age") * DAYS * _DAY, "happened_at"))
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
