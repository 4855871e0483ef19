"""A block of ``raw.customers``: fictional people, entered with the errors that real tables have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

import polars as pl

from spotify_pipeline.demo import shares
from spotify_pipeline.demo.draws import Draws
from spotify_pipeline.demo.phone_numbers import PLANS, draw_numbers
from spotify_pipeline.demo.spellings import spell_countries, spell_device_ids, spell_emails, spell_phones

# RFC 2606 sets example.com, .net and .org aside; a host below one of them belongs to nobody either.
_DOMAINS: Final = ["example.com", "example.net", "example.org", "mail.example.com", "post.example.net"]
# fmt: off
_FIRST: Final = (
    "alva", "amir", "anna", "arvid", "bella", "carlos", "chloe", "clara", "daniel", "ebba", "elias", "ella",
    "emil", "emma", "erik", "fatima", "felix", "finn", "freya", "hugo", "ida", "ines", "isak", "jack",
    "james", "julia", "kai", "karim", "lea", "leo", "liam", "lina", "lucas", "luis", "maja", "maria",
    "marta", "max", "maya", "mia", "milo", "mira", "nina", "noah", "nora", "olga", "oliver", "omar",
    "oscar", "otto", "paul", "pia", "rosa", "ruben", "sam", "sara", "signe", "sofia", "stella", "theo",
    "tilda", "tom", "vera", "wilma", "yara", "zoe",
)
_LAST: Final = (
    "ahmed", "andersson", "bakke", "becker", "berg", "bernard", "blanc", "brown", "byrne", "carlsson",
    "clark", "dahl", "diaz", "doyle", "dubois", "evans", "fischer", "garcia", "hansen", "hill", "holm",
    "hughes", "iversen", "jansson", "jones", "kelly", "keller", "klein", "kowalski", "lambert", "larsen",
    "lee", "lind", "lopez", "lund", "marin", "martin", "meyer", "moen", "moreau", "murphy", "navarro",
    "nilsen", "nguyen", "novak", "olsen", "ortiz", "palm", "patel", "petit", "quinn", "ramos", "reid",
    "rossi", "roux", "ruiz", "ryan", "sanchez", "santos", "schmidt", "scott", "smith", "soler", "strand",
    "svensson", "torres", "vidal", "wagner", "walsh", "weber", "west", "wilson", "wood", "young",
)
# fmt: on

_YEARS_OF_SIGN_UPS: Final = 8
_SHARE_CANCELLED: Final = 0.24
_SHARE_CANCELLED_IN_LAST_90_DAYS: Final = 0.34  # of those who cancelled
_LAST_90_DAYS: Final = 90


@dataclass(frozen=True, kw_only=True)
class Block:
    """``rows`` customers whose numbers begin at ``first_id``; ``key`` fixes every draw."""

    key: str
    first_id: int
    rows: int
    as_of: date

    def draws(self, topic: str) -> Draws:
        """The random columns of one topic of this block."""
        return Draws(f"{self.key}/{topic}", self.rows)

    def customer_ids(self) -> pl.Series:
        """The customer numbers, ascending."""
        return pl.int_range(self.first_id, self.first_id + self.rows, dtype=pl.Int64, eager=True).alias("customer_id")


def customers(block: Block) -> pl.DataFrame:
    """The rows of ``raw.customers`` for a block, stale ones after the others, in the columns' order of that table."""
    person = _person_of_each_row(block)
    clean = _clean_people(block)[person]
    contactable = clean["signed_up_with"] != "app"
    numbers = draw_numbers(clean["home"], block.draws("phone"))[person]
    numbers = numbers.select(pl.when(contactable).then(pl.all()))
    frame = clean.select(
        block.customer_ids(),
        spell_emails(_kept(clean["email"], contactable), block.draws("email spelling")),
        spell_emails(_kept(clean["second_email"], contactable), block.draws("second spelling")).alias("billing_email"),
        spell_phones(numbers, block.draws("phone spelling")),
        spell_countries(clean["home"], block.draws("country")),
        spell_device_ids(clean["device_id"], block.draws("device spelling")),
        "signed_up_with",
        "signed_up_on",
        "plan",
        "cancelled_on",
        "birth_year",
        pl.lit(_load_of(block.as_of, 1)).alias("loaded_at"),
    )
    return pl.concat([frame, _stale(block, frame)])


def _load_of(as_of: date, days_before: int) -> datetime:
    """The moment, in UTC, of the nightly load ``days_before`` the day."""
    return datetime.combine(as_of, time(3)) - timedelta(days=days_before)


def _person_of_each_row(block: Block) -> pl.Series:
    """Positions in the block: a duplicate account points at the row before it."""
    position = pl.int_range(0, block.rows, dtype=pl.Int64, eager=True)
    # Only odd rows can be duplicates, at twice the share, so that the row pointed at always is an original.
    odd = position % 2 == 1
    duplicate = odd & block.draws("accounts").chance("duplicate", 2 * shares.CUSTOMERS["duplicate_account"])
    return position - duplicate.cast(pl.Int64)


def _kept(values: pl.Series, where: pl.Series) -> pl.Series:
    return pl.select(pl.when(where).then(values).alias(values.name)).to_series()


def _clean_people(block: Block) -> pl.DataFrame:
    """A person in each row, nothing misspelled yet."""
    draws = block.draws("people")
    countries = {country: plan.share for country, plan in PLANS.items()}
    last = next(reversed(countries))
    drawn = (
        block.customer_ids()
        .to_frame()
        .with_columns(
            draws.one_of("first", _FIRST),
            draws.one_of("last", _LAST),
            draws.below("local", 4).alias("local"),
            draws.one_of("domain", _DOMAINS),
            draws.kinds("home", countries).replace(shares.CLEAN, last),
            draws.kinds("second", shares.SECOND_EMAIL),
            draws.kinds("signed_up_with", shares.SIGN_UP).replace(shares.CLEAN, "email"),
            draws.uuids("device_id"),
            draws.one_of("plan", ["premium", "premium", "family", "student"]),
            draws.chance("cancelled", _SHARE_CANCELLED).alias("cancelled"),
            _days_since_cancelling(draws),
            (draws.below("signed_up", 365 * _YEARS_OF_SIGN_UPS) + 1).alias("days"),
            draws.below("birth", 68).alias("birth"),
            draws.chance("born", 0.9).alias("birth_known"),
        )
    )
    # Nobody cancels before signing up: who cancelled signed up that many days earlier.
    days_since = pl.when("cancelled").then("days_since_cancelling").otherwise(0)
    last_day = pl.lit(block.as_of) - pl.duration(days=days_since)
    signed_up = last_day - pl.duration(days="days")
    address = _local_part() + pl.lit("@") + pl.col("domain")
    other = pl.lit("billing.") + _local_part() + pl.lit("@accounts.example.org")
    return drawn.select(
        "home",
        "signed_up_with",
        "device_id",
        address.alias("email"),
        pl.when(second="same_again").then(address).when(second="other").then(other).alias("second_email"),
        signed_up.cast(pl.Date).alias("signed_up_on"),
        "plan",
        pl.when("cancelled").then(last_day.cast(pl.Date)).alias("cancelled_on"),
        pl.when("birth_known").then(pl.col("birth") + 1940).cast(pl.Int32).alias("birth_year"),
    )


def _days_since_cancelling(draws: Draws) -> pl.Series:
    recent = draws.chance("recent", _SHARE_CANCELLED_IN_LAST_90_DAYS)
    lately = draws.below("days", _LAST_90_DAYS)
    earlier = draws.below("days", 900) + _LAST_90_DAYS
    return pl.select(pl.when(recent).then(lately).otherwise(earlier).alias("days_since_cancelling")).to_series()


def _local_part() -> pl.Expr:
    """One of four customs; the customer number in it makes it unique."""
    first, last, number = pl.col("first"), pl.col("last"), pl.col("customer_id").cast(pl.String)
    initial = first.str.slice(0, 1)
    return (
        pl.when(pl.col("local") == 0)
        .then(pl.concat_str(first, pl.lit("."), last, number))
        .when(pl.col("local") == 1)
        .then(pl.concat_str(initial, pl.lit("."), last, pl.lit("_"), number))
        .when(pl.col("local") == 2)
        .then(pl.concat_str(first, number, pl.lit(".music")))
        .otherwise(pl.concat_str(first, pl.lit("."), last, number, pl.lit("+music")))
    )


def _stale(block: Block, current: pl.DataFrame) -> pl.DataFrame:
    """What an earlier load said of some customers: before they gave a phone number, and before they cancelled."""
    again = block.draws("loads").chance("twice", shares.CUSTOMERS["loaded_twice"])
    return current.filter(again).with_columns(
        pl.lit(None, dtype=pl.String).alias("phone"),
        pl.lit(None, dtype=pl.Date).alias("cancelled_on"),
        pl.lit(_load_of(block.as_of, 8)).alias("loaded_at"),
    )
