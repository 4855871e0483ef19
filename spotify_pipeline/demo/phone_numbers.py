"""Phone numbers of ten countries that belong to nobody, in their own grouping.

Eight countries set numbers aside for films and books; the ranges below are those of their regulators: PTS (SE),
Bundesnetzagentur, notice 148/2021 (DE), Ofcom (GB), ComReg (IE), Arcep (FR), ACMA (AU), and 555-0100 to 555-0199 of the
North American Numbering Plan (US, CA). Norway and Spain set none aside: theirs begin with digits that their plans have
not given out, so they have a possible length but are not valid. Some ranges are small (Sweden's hold 495 numbers), so
several people share a number, as the members of a household would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from spotify_pipeline.demo.draws import Draws


@dataclass(frozen=True, kw_only=True)
class NumberRange:
    """``count`` numbers from ``first`` on; ``groups``: how many digits stand together when it is written."""

    first: str
    count: int
    groups: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class NumberingPlan:
    """How a country writes its numbers, and those of them that may be printed."""

    share: float  # of the customers
    calling_code: str
    trunk: str  # what a national number begins with
    abroad: str  # what is dialled in place of the plus sign
    ranges: tuple[NumberRange, ...]


def _ranges(count: int, groups: tuple[int, ...], *firsts: str) -> tuple[NumberRange, ...]:
    return tuple(NumberRange(first=first, count=count, groups=groups) for first in firsts)


def _nanp(area_codes: str) -> tuple[NumberRange, ...]:
    return _ranges(100, (3, 3, 4), *(f"{area}5550100" for area in area_codes.split()))


_US: Final = (
    "201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 "
    "253 254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 "
    "321 323 330 334 336 337 339 347 351 352 360 361 386 401 402 404 405 406 407 408 409 410 412 413 414 415 417 419"
)
_CA: Final = (
    "204 226 236 249 250 289 306 343 365 403 416 418 431 437 438 450 506 514 519 548 579 581 587 604 613 639 647 705 "
    "709 778 780 782 807 819 825 867 873 902 905"
)
_GB_CITIES: Final = tuple(f"{area}4960000" for area in (*range(113, 119), 121, 131, 141, 151, 161))

PLANS: Final[dict[str, NumberingPlan]] = {
    "SE": NumberingPlan(
        share=0.05,
        calling_code="46",
        trunk="0",
        abroad="00",
        ranges=(
            *_ranges(95, (2, 3, 2, 2), "701740605"),
            *_ranges(100, (2, 3, 2, 2), "313900600", "406280400"),
            *_ranges(100, (1, 3, 3, 2), "846500400"),
            *_ranges(100, (3, 2, 2, 2), "980319200"),
        ),
    ),
    "DE": NumberingPlan(
        share=0.08,
        calling_code="49",
        trunk="0",
        abroad="00",
        ranges=(
            *_ranges(1000, (2, 8), "3023125000", "6990009000", "4066969000", "8999998000"),
            *_ranges(1000, (3, 7), "2214710000"),
            *_ranges(100, (3, 7), "1713920000"),
            *_ranges(100, (3, 8), "17604069000"),
        ),
    ),
    "GB": NumberingPlan(
        share=0.10,
        calling_code="44",
        trunk="0",
        abroad="00",
        ranges=(
            *_ranges(1000, (4, 6), "7700900000", "1632960000"),
            *_ranges(1000, (3, 3, 4), *_GB_CITIES, "1914980000"),
            *_ranges(1000, (2, 4, 4), "2079460000", "2896496000", "2920180000"),
        ),
    ),
    "IE": NumberingPlan(
        share=0.12, calling_code="353", trunk="0", abroad="00", ranges=_ranges(100_000, (2, 3, 4), "209100000")
    ),
    "FR": NumberingPlan(
        share=0.14,
        calling_code="33",
        trunk="0",
        abroad="00",
        ranges=_ranges(
            10_000,
            (1, 2, 2, 2, 2),
            *("199000000", "261910000", "353010000", "465710000", "536490000", "639980000"),
        ),
    ),
    "AU": NumberingPlan(
        share=0.14,
        calling_code="61",
        trunk="0",
        abroad="0011",
        ranges=_ranges(
            10_000,
            (1, 4, 4),
            *(f"{area}{block}0000" for area in "2378" for block in ("5550", "7010")),
        ),
    ),
    "US": NumberingPlan(share=0.14, calling_code="1", trunk="", abroad="011", ranges=_nanp(_US)),
    "CA": NumberingPlan(share=0.05, calling_code="1", trunk="", abroad="011", ranges=_nanp(_CA)),
    "NO": NumberingPlan(
        share=0.09, calling_code="47", trunk="", abroad="00", ranges=_ranges(1_000_000, (2, 2, 2, 2), "60000000")
    ),
    "ES": NumberingPlan(
        share=0.09, calling_code="34", trunk="", abroad="00", ranges=_ranges(10_000_000, (3, 3, 3), "410000000")
    ),
}

GROUPS: Final = 5  # the most groups that any number above is written in


def _range_table() -> pl.DataFrame:
    rows = [
        {
            "country": country,
            "range": position,
            "calling_code": plan.calling_code,
            "trunk": plan.trunk,
            "abroad": plan.abroad,
            "first": int(numbers.first),
            "count": numbers.count,
            **{f"size_{group}": (*numbers.groups, 0, 0, 0, 0)[group] for group in range(GROUPS)},
        }
        for country, plan in PLANS.items()
        for position, numbers in enumerate(plan.ranges)
    ]
    return pl.DataFrame(rows)


_RANGES: Final = _range_table()
_RANGES_OF: Final = pl.DataFrame(
    {"country": list(PLANS), "ranges": [len(plan.ranges) for plan in PLANS.values()]},
)


def draw_numbers(country: pl.Series, draws: Draws) -> pl.DataFrame:
    """A number for each row of ``country``, in order.

    Returns:
        Columns ``calling_code``, ``trunk``, ``abroad``, and ``group_0`` to ``group_4``: the national number in the
        groups it is written in, empty where it has fewer.
    """
    frame = pl.DataFrame({"country": country, "u_range": draws.uniform("range"), "u_number": draws.uniform("number")})
    frame = frame.join(_RANGES_OF, on="country", how="left", maintain_order="left")
    frame = frame.with_columns((pl.col("u_range") * pl.col("ranges")).floor().cast(pl.Int64).alias("range"))
    frame = frame.join(_RANGES, on=["country", "range"], how="left", maintain_order="left")
    offset = (pl.col("u_number") * pl.col("count")).floor().cast(pl.Int64)
    number = (pl.col("first") + offset).cast(pl.String)
    groups: list[pl.Expr] = []
    start = pl.lit(0, dtype=pl.Int64)
    for group in range(GROUPS):
        size = pl.col(f"size_{group}")
        groups.append(number.str.slice(start, size).alias(f"group_{group}"))
        start = start + size
    return frame.select("calling_code", "trunk", "abroad", *groups)
