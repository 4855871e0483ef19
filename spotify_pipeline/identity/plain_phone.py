"""Phone numbers written plainly, read by expressions: what libphonenumber would answer, without calling it.

A plain number is an optional ``+``, digits, and the commonest punctuation: no letter, no extension, no digit beyond
ASCII. For those the library's ``parse``, ``is_possible_number`` and E.164 format come down to a few rules over digits
and the region's numbering plan, followed here in the library's order. Where that cannot be shown, a row is left
unproven, and the library answers.
"""

from __future__ import annotations

from functools import cache

import phonenumbers
import polars as pl

from spotify_pipeline.identity.numbering_plan import NumberingPlan, plan_of_country_code, plan_of_region
from spotify_pipeline.identity.types import Rejection

# Punctuation that the library allows between digits; the last is the no-break space of spreadsheets.
_PUNCTUATION = (" ", "(", ")", ".", "-", "/", "\xa0")
_PLAIN = r"^[ ().\-/\x{a0}]*\+?[0-9 ().\-/\x{a0}]+$"
# With up to two digits the library reads the punctuation too; it reads no string over 250 characters.
_FEWEST_DIGITS = 3
_LONGEST_STRING = 250
_CODE_DIGITS = 3

_DIGITS = pl.col("digits")


def split(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows whose ``value`` is plain, with their ``digits`` and whether a ``plus`` leads them, and all others."""
    value = pl.col("value")
    short_enough = value.str.len_bytes() <= _LONGEST_STRING
    marked = rows.with_columns(plain=short_enough & value.str.contains(_PLAIN))
    plain = (
        marked.filter("plain")
        .with_columns(
            plus=value.str.contains("+", literal=True),
            digits=value.str.replace_many([*_PUNCTUATION, "+"], [""] * (len(_PUNCTUATION) + 1)),
        )
        .with_columns(plain=_DIGITS.str.len_bytes() >= _FEWEST_DIGITS)
    )
    others = marked.filter(~pl.col("plain"))
    too_few = plain.filter(~pl.col("plain"))
    return plain.filter("plain").drop("plain"), pl.concat([others, too_few.select(others.columns)]).drop("plain")


def read(plain: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read plain rows (``row``, ``value``, ``region``, ``digits``, ``plus``).

    Returns:
        The rows read, as ``row``, ``normalized`` and ``rejection``; and the rows left to the library, unchanged.
    """
    has_region = pl.col("region").is_not_null()
    settled = [_rejected(plain.filter(~pl.col("plus") & ~has_region), Rejection.NO_REGION)]
    unproven: list[pl.DataFrame] = []
    international = [plain.filter("plus")]
    for (region,), rows in plain.filter(~pl.col("plus") & has_region).partition_by("region", as_dict=True).items():
        plan = plan_of_region(region)
        main_plan = plan_of_country_code(plan.country_code) if plan else None
        if plan is None or main_plan is None:
            unproven.append(rows)
            continue
        dialled = rows.lazy().with_columns(abroad=_international_digits(plan)).collect()
        is_national = pl.col("abroad").is_null()
        international.append(dialled.filter(~is_national).with_columns(digits="abroad").drop("abroad"))
        settled.append(_settled(dialled.filter(is_national), plan, main_plan))
    by_code = pl.concat(international).with_columns(code=_country_code())
    for (code,), rows in by_code.partition_by("code", as_dict=True).items():
        if code is None:
            # After a `+` that no country code follows, the library tries the number as dialled in the region.
            retried = pl.col("plus") & has_region
            unproven.append(rows.filter(retried).select(plain.columns))
            settled.append(_rejected(rows.filter(~retried), Rejection.INVALID))
        elif (plan := plan_of_country_code(code)) is None:
            unproven.append(rows.select(plain.columns))
        else:
            settled.append(_settled(rows.with_columns(digits=_DIGITS.str.slice(len(code))), plan, plan))
    return pl.concat(settled), pl.concat([plain.clear(), *unproven])


@cache
def _international_digits(plan: NumberingPlan) -> pl.Expr:
    """Country code and national number, where digits without ``+`` hold a country code; else null.

    Either they start with the international prefix and no zero follows; or they start with the region's own country
    code, and are a national number without it but not with it, or have too many digits for one.
    """
    after_prefix = plan.international_prefix.dropped_from(_DIGITS)
    has_prefix = plan.international_prefix.leads(_DIGITS) & ~after_prefix.str.starts_with("0")
    after_code = plan.without_national_prefix(_DIGITS.str.slice(len(plan.country_code)))
    needs_code = ~plan.matches(_DIGITS) & plan.matches(after_code)
    has_code = _DIGITS.str.starts_with(plan.country_code) & (needs_code | plan.is_too_long(_DIGITS))
    return pl.when(has_prefix).then(after_prefix).when(has_code).then(pl.lit(plan.country_code) + after_code)


def _settled(national: pl.DataFrame, plan: NumberingPlan, main_plan: NumberingPlan) -> pl.DataFrame:
    """The verdict on national digits: the prefix by the region's plan, the length by its country code's."""
    numbers = national.lazy().select("row", number=_significant(plan))
    return numbers.select("row", *_verdict(main_plan)).collect()


# Expressions are built once per plan: for small batches of many regions, building takes half of the time.
@cache
def _significant(plan: NumberingPlan) -> pl.Expr:
    return plan.significant(_DIGITS)


@cache
def _verdict(main_plan: NumberingPlan) -> tuple[pl.Expr, pl.Expr]:
    number = pl.col("number")
    possible = main_plan.is_possible(number)
    normalized = pl.when(possible).then(pl.lit(f"+{main_plan.country_code}") + number)
    rejection = pl.when(~possible).then(pl.lit(Rejection.INVALID.value))
    return normalized.alias("normalized"), rejection.alias("rejection")


def _rejected(rows: pl.DataFrame, reason: Rejection) -> pl.DataFrame:
    return rows.select("row", normalized=pl.lit(None, pl.String), rejection=pl.lit(reason.value))


def _country_code() -> pl.Expr:
    """The country code that leads the digits, null where none does. No country code is the start of another."""
    first = _DIGITS.str.slice(0, _CODE_DIGITS)
    return first.replace_strict(_code_of_first_digits(), default=None, return_dtype=pl.String)


@cache
def _code_of_first_digits() -> dict[str, str]:
    codes = {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    every_start = (f"{number:0{_CODE_DIGITS}}" for number in range(10**_CODE_DIGITS))
    return {start: code for start in every_start for code in codes if start.startswith(code)}
