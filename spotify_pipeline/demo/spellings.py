"""Spell identifiers as real tables do: padded, upper case, hashed already, invalid, missing.

Each function takes the clean values and a stream of draws, and returns a String series of the same height and order.
The kinds and their shares are in :mod:`spotify_pipeline.demo.shares`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Final

import polars as pl

from spotify_pipeline.demo import shares
from spotify_pipeline.demo.draws import Draws
from spotify_pipeline.demo.phone_numbers import GROUPS

NO_BREAK_SPACE: Final = "\u00a0"
BYTE_ORDER_MARK: Final = "\ufeff"
ZERO_WIDTH_SPACE: Final = "\u200b"
SHA256_OF_NOTHING: Final = hashlib.sha256(b"").hexdigest()

_ASCII_PADDING: Final = [(" ", ""), ("", " "), ("  ", " "), ("\t", ""), ("", "\r\n"), ("", "\n"), ("\x0b", "")]
_PHONE_PADDING: Final = [*_ASCII_PADDING, (NO_BREAK_SPACE, ""), ("", ZERO_WIDTH_SPACE), (BYTE_ORDER_MARK, "")]
_BLANKS: Final = ["", "", " ", "   ", "\t", NO_BREAK_SPACE]
_NOT_A_PHONE: Final = ["n/a", "unknown", "-", "ask reception", "see notes"]

# How the groups of a phone number are joined: before the first, after it, and between the others.
_STYLES: Final = [("", "", ""), ("", " ", " "), ("", "-", " "), ("(", ") ", "-"), ("", ".", "."), ("", "-", "-")]
_STYLES_TABLE: Final = pl.DataFrame(
    [*_STYLES, ("", NO_BREAK_SPACE, NO_BREAK_SPACE)], schema=["open", "after_first", "between"], orient="row"
).with_row_index("style")

_Hash = Callable[[bytes], str]


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _sha1(value: bytes) -> str:
    return hashlib.sha1(value, usedforsecurity=False).hexdigest()


def _md5(value: bytes) -> str:
    return hashlib.md5(value, usedforsecurity=False).hexdigest()


_HASHES: Final[Mapping[str, _Hash]] = {"sha256_lower": _sha256, "sha256_upper": _sha256, "sha1": _sha1, "md5": _md5}


def _hashed(clean: pl.Series, kind: pl.Series) -> pl.Series:
    """The hash of those values whose kind asks for one; null for the others."""
    hashed = [
        _HASHES[name](value.encode()) if value is not None and name in _HASHES else None
        for value, name in zip(clean.to_list(), kind.to_list(), strict=True)
    ]
    return pl.Series("hashed", hashed, dtype=pl.String)


def _chosen(spelled: Mapping[str, pl.Expr], otherwise: pl.Expr) -> pl.Expr:
    """The expression of the row's ``kind``, else ``otherwise``."""
    return reduce(
        lambda rest, item: pl.when(pl.col("kind") == item[0]).then(item[1]).otherwise(rest),
        spelled.items(),
        otherwise,
    )


def _padded(value: pl.Expr, draws: Draws, padding: list[tuple[str, str]]) -> pl.Expr:
    which = draws.below("padding", len(padding))
    before = pl.Series([pair[0] for pair in padding]).gather(which)
    after = pl.Series([pair[1] for pair in padding]).gather(which)
    return pl.lit(before) + value + pl.lit(after)


def _invalid_email(clean: pl.Expr, draws: Draws) -> pl.Expr:
    forms = [
        clean.str.replace("@", ".", literal=True),
        clean.str.replace("@", "@@", literal=True),
        clean.str.replace(".", " ", literal=True),
        clean.str.replace("@.*$", "@example"),
        clean.str.replace("@", "@-", literal=True),
        clean.str.replace("@.*$", "@example..com"),
        clean + pl.lit(",second@example.org"),
        pl.lit("none"),
    ]
    which = pl.lit(draws.below("invalid", len(forms)))
    return reduce(lambda rest, form: pl.when(which == form[0]).then(form[1]).otherwise(rest), enumerate(forms), clean)


def spell_emails(clean: pl.Series, draws: Draws) -> pl.Series:
    """E-mails with the dirt of ``shares.EMAIL``; null stays null."""
    kind = draws.kinds("kind", shares.EMAIL)
    frame = pl.DataFrame({"clean": clean, "kind": kind, "hashed": _hashed(clean, kind)})
    value = pl.col("clean")
    side = pl.lit(draws.chance("side", 0.5))
    spelled: dict[str, pl.Expr] = {
        "missing": pl.lit(None, dtype=pl.String),
        "blank": pl.lit(draws.one_of("blank", _BLANKS)),
        "upper_case": value.str.to_uppercase(),
        "mixed_case": value.str.slice(0, 1).str.to_uppercase()
        + value.str.slice(1).str.replace("@e", "@E", literal=True),
        "padded": _padded(value, draws, _ASCII_PADDING),
        "no_break_space": pl.when(side).then(NO_BREAK_SPACE + value).otherwise(value + NO_BREAK_SPACE),
        "byte_order_mark": BYTE_ORDER_MARK + value,
        "zero_width": pl.when(side).then(ZERO_WIDTH_SPACE + value).otherwise(value + ZERO_WIDTH_SPACE),
        "non_ascii": pl.when(side).then("åsa." + value).otherwise("ZOË." + value),
        "invalid": _invalid_email(value, draws),
        "sha256_lower": pl.col("hashed"),
        "sha256_upper": pl.col("hashed").str.to_uppercase(),
        "sha256_of_nothing": pl.lit(SHA256_OF_NOTHING),
        "md5": pl.col("hashed"),
    }
    known = pl.when(value.is_not_null()).then(_chosen(spelled, value))
    return frame.select(known.alias("email")).to_series()


def spell_phones(numbers: pl.DataFrame, draws: Draws) -> pl.Series:
    """Phone numbers with the dirt of ``shares.PHONE``.

    Args:
        numbers: as :func:`spotify_pipeline.demo.phone_numbers.draw_numbers` gives; a row of nulls stays null.
        draws: choose how each is written.
    """
    style = draws.below("style", _STYLES_TABLE.height).cast(pl.UInt32).alias("style")
    numbers = numbers.with_columns(style).join(_STYLES_TABLE, on="style", how="left", maintain_order="left")
    compact = pl.concat_str(f"group_{group}" for group in range(GROUPS))
    others = [
        pl.when(pl.col(f"group_{group}") != "").then(pl.col("between") + pl.col(f"group_{group}")).otherwise(pl.lit(""))
        for group in range(2, GROUPS)
    ]
    rest = pl.concat_str("after_first", "group_1", *others)
    frame = numbers.select(
        (pl.lit("+") + pl.col("calling_code") + compact).alias("clean"),
        (pl.col("open") + pl.col("trunk") + pl.col("group_0") + rest).alias("national"),
        (pl.col("open") + pl.col("group_0") + rest).alias("without_trunk"),
        (pl.col("group_0") + rest.str.replace(")", "", literal=True)).alias("after_trunk"),
        "calling_code",
        "trunk",
        "abroad",
    )
    kind = draws.kinds("kind", shares.PHONE)
    frame = frame.with_columns(kind, _hashed(frame["clean"], kind))
    known = pl.when(pl.col("clean").is_not_null()).then(_spelled_phone(draws))
    return frame.select(known.alias("phone")).to_series()


def _spelled_phone(draws: Draws) -> pl.Expr:
    value = pl.col("clean")
    plus = pl.lit("+") + pl.col("calling_code") + pl.lit(" ")
    with_trunk = plus + pl.lit("(") + pl.col("trunk") + pl.lit(")") + pl.col("after_trunk")
    bracketed = pl.lit(draws.chance("bracketed", 0.2)) & (pl.col("trunk") != "")
    spelled: dict[str, pl.Expr] = {
        "missing": pl.lit(None, dtype=pl.String),
        "blank": pl.lit(draws.one_of("blank", _BLANKS)),
        "national": pl.col("national"),
        "international": pl.when(bracketed).then(with_trunk).otherwise(plus + pl.col("without_trunk")),
        "dialled_abroad": pl.col("abroad") + pl.lit(" ") + value.str.strip_prefix("+"),
        "extension": value + pl.lit(" ext. ") + pl.lit(draws.one_of("extension", ["5", "12", "204"])),
        "padded": _padded(value, draws, _PHONE_PADDING),
        "too_short": pl.col("trunk") + pl.col("without_trunk").str.extract(r"(\d{2})"),
        "too_long": value + pl.lit("00000000"),
        "words": pl.lit(draws.one_of("words", _NOT_A_PHONE)),
        "sha256_lower": pl.col("hashed"),
        "sha256_upper": pl.col("hashed").str.to_uppercase(),
        "md5": pl.col("hashed"),
    }
    return _chosen(spelled, value)


def spell_device_ids(clean: pl.Series, draws: Draws) -> pl.Series:
    """Advertising identifiers with the dirt of ``shares.DEVICE_ID``."""
    kind = draws.kinds("kind", shares.DEVICE_ID)
    frame = pl.DataFrame({"clean": clean, "kind": kind, "hashed": _hashed(clean, kind)})
    value = pl.col("clean")
    zeros = value.str.replace_all("[0-9a-f]", "0")
    side = pl.lit(draws.chance("side", 0.5))
    spelled: dict[str, pl.Expr] = {
        "missing": pl.lit(None, dtype=pl.String),
        "upper_case": value.str.to_uppercase(),
        "no_hyphens": value.str.replace_all("-", "", literal=True),
        "zeroed": pl.when(side).then(zeros).otherwise(zeros.str.replace_all("-", "", literal=True)),
        "padded": _padded(value, draws, _ASCII_PADDING),
        "invalid": pl.when(side).then(value.str.slice(0, 35)).otherwise(pl.lit("[") + value + pl.lit("]")),
        "sha256_lower": pl.col("hashed"),
        "sha256_upper": pl.col("hashed").str.to_uppercase(),
        "sha1": pl.col("hashed"),
    }
    return frame.select(_chosen(spelled, value).alias("device_id")).to_series()


def spell_countries(clean: pl.Series, draws: Draws) -> pl.Series:
    """ISO alpha-2 codes with the dirt of ``shares.COUNTRY``; Britain as GB or, half the time, as UK."""
    frame = pl.DataFrame({"clean": clean, "kind": draws.kinds("kind", shares.COUNTRY)})
    uk = (pl.col("clean") == "GB") & pl.lit(draws.chance("uk", 0.5))
    value = pl.when(uk).then(pl.lit("UK")).otherwise(pl.col("clean"))
    spelled: dict[str, pl.Expr] = {
        "missing": pl.lit(None, dtype=pl.String),
        "lower_case": value.str.to_lowercase(),
        "padded": _padded(value, draws, _ASCII_PADDING),
    }
    return frame.select(_chosen(spelled, value).alias("country")).to_series()
