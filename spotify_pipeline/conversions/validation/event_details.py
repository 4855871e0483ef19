"""What an event was worth, and what it was about: amount, currency, category and name."""

from __future__ import annotations

import iso4217
import polars as pl

from spotify_pipeline.conversions.model import FeedPlan
from spotify_pipeline.conversions.validation.personal_texts import OwnIdentifiers, holds_personal_data
from spotify_pipeline.conversions.validation.source_columns import source_text, text_of

CURRENCIES = frozenset(currency.value for currency in iso4217.Currency) - {"XXX", "XTS"}
"""The active alphabetic codes of ISO 4217, less those for no currency and for tests."""

_LARGEST_AMOUNT = 1_000_000_000_000
_LONGEST_AMOUNT = 40
_NUMBER = r"^[+]?0*([0-9]+(?:\.[0-9]+)?)$"
_CATEGORY = "^[1-9][0-9]{0,5}$"
_PURCHASE = "PURCHASE"


def amounts(values: pl.Series) -> pl.DataFrame:
    """Columns ``amount`` (the shortest plain decimal, as text; null where there is none) and ``amount_unusable``.

    Never a float, which would change it: 19.99 stays 19.99. A thousands separator, an exponent, a sign for less than
    nothing, or more than a million million cannot be used.
    """
    given = text_of(values)
    zero = given.str.contains(r"^-0+(\.0+)?$").fill_null(value=False)
    number = given.set(zero, "0").str.extract(_NUMBER)
    pointed = number.str.contains(".", literal=True).fill_null(value=False)
    shortest = number.str.strip_chars_end("0").str.strip_chars_end(".").zip_with(pointed, number)
    sane = (shortest.str.len_bytes() <= _LONGEST_AMOUNT) & (shortest.cast(pl.Float64) <= _LARGEST_AMOUNT)
    usable = sane.fill_null(value=False)
    return pl.DataFrame({"amount": shortest.set(~usable, None), "amount_unusable": given.is_not_null() & ~usable})


def money(rows: pl.DataFrame, plan: FeedPlan, names: pl.Series) -> pl.DataFrame:
    """What each event was worth.

    Returns:
        Columns ``amount`` (text) and ``currency``, both or none; and what is at fault: ``amount_unusable``,
        ``amount_missing``, ``currency_missing`` (an event that has an amount needs a currency, and a purchase needs
        both), ``currency_unknown``.
    """
    nothing = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
    found = amounts(rows[plan.amount] if plan.amount is not None else nothing)
    # Letters beyond ASCII never pass: some have an upper case that is an ASCII letter.
    given = source_text(rows, plan.currency)
    code = given.str.extract("^([A-Za-z]{3})$").str.to_uppercase()
    known = code.is_in(sorted(CURRENCIES)).fill_null(value=False)
    has_amount = pl.col("amount").is_not_null()
    wants_amount = (pl.col("name") == _PURCHASE).fill_null(value=False) & plan.purchase_needs_amount
    given_currency = pl.col("given").is_not_null()
    return found.with_columns(code=code, given=given, known=known, name=names).select(
        amount=pl.when("known").then("amount"),
        currency=pl.when(has_amount & pl.col("known")).then("code"),
        amount_unusable="amount_unusable",
        amount_missing=~has_amount & ~pl.col("amount_unusable") & wants_amount,
        currency_missing=(has_amount | wants_amount) & ~given_currency,
        currency_unknown=(has_amount | wants_amount) & given_currency & ~pl.col("known"),
    )


def categories(text: pl.Series) -> pl.Series:
    """The number of a category of Google's product taxonomy; null where the trimmed text is not the form of one."""
    return text.str.extract(f"({_CATEGORY})")


def content_names(text: pl.Series, own: OwnIdentifiers = ()) -> pl.Series:
    """The trimmed texts as they stand; null where one holds personal data (see ``personal_texts``)."""
    return text.set(holds_personal_data(text, own), None)
