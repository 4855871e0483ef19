"""Personal data where none should be: in ids, which are kept and shown, and in texts that are sent as they stand (P22).

A text is read as a person would read it: percent-encoding and HTML entities decoded, however often, compatibility forms
(full-width letters, other digits) in their plain form, invisible characters left out. Then it holds personal data if

- it contains an e-mail address, also with spaces around its @ or with ``(at)``;
- it contains a phone number in international form: a plus sign, or 00 and groups, or ``tel:``, and 7 to 15
  digits with any separators. Other numbers are left alone: order numbers, EANs and dates look like national ones;
- it contains a device id that is labelled as one (``idfa=``). Other UUIDs are left alone: products have them, too;
- it contains the row's own phone number or device id, in any form.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias, cast
from urllib.parse import unquote

import polars as pl

from spotify_pipeline.conversions.model import FeedPlan
from spotify_pipeline.conversions.validation.source_columns import text_of
from spotify_pipeline.identity import IdentifierType, unwrapped, whole_numbers
from spotify_pipeline.rows import IdentifierPlan, Tally, row_identifiers, text_lists

OwnIdentifiers: TypeAlias = Sequence[tuple[str, pl.Series]]
"""Identifiers of each row: the characters that they are made of, and what to look for, null where there is nothing."""

_MOST_DECODINGS = 8
_BETWEEN = r"[\s().\p{Pd}/_~]{0,3}"
# A user's name behind a slash is no address. Combining marks are among the letters: some countries' domains need them.
_ADDRESS = r"(?is)[^/\s]\s*(?:@|[(\[{]\s*at\s*[)\]}])\s*(?:[\w-]+\.)+[\p{L}\p{M}]{2,}"
_FROM_ABROAD = rf"(?s)(?:^|[^\p{{L}}\p{{N}}])\+\(?[1-9](?:{_BETWEEN}[0-9]){{6,14}}(?:[^0-9]|$)"
_FROM_ABROAD_IN_GROUPS = (
    r"(?s)(?:^|[^\p{L}\p{N}.,])00[\s().\p{Pd}/]{0,2}[1-9][0-9]{0,2}"
    r"(?:[\s().\p{Pd}/]{1,3}[0-9]{2,7}){2,6}(?:[^0-9]|$)"
)
_DIALLED = rf"(?is)(?:^|[^\p{{L}}])(?:tel|sms|msisdn)\s*[:=]\s*[+(]?[0-9](?:{_BETWEEN}[0-9]){{6,14}}"
_NAMED_DEVICE = (
    r"(?is)(?:idfa|idfv|gaid|aaid|adid|maid|rdid|(?:device|advertising)[_-]?id)[\s:=/]{1,3}"
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
)
_PATTERN = "|".join(f"(?:{each})" for each in (_ADDRESS, _FROM_ABROAD, _FROM_ABROAD_IN_GROUPS, _DIALLED, _NAMED_DEVICE))
_PHONE_TAIL = 8
"""Digits of a phone number by which it is found, for its beginning depends on where it is dialled."""
_DEVICE_DIGITS = 32


def holds_personal_data(text: pl.Series, own: OwnIdentifiers = ()) -> pl.Series:
    """Whether personal data stands anywhere in each text; no for null.

    Args:
        text: as the warehouse has it.
        own: see ``own_identifiers``; of the same rows.
    """
    plain = _plain(text)
    found = plain.str.contains(_PATTERN).fill_null(value=False)
    for alphabet, values in own:
        squeezed = plain.str.to_lowercase().str.replace_all(f"[^{alphabet}]", "")
        pairs = pl.DataFrame({"text": squeezed, "value": values})
        found |= pairs.select(pl.col("text").str.contains(pl.col("value"), literal=True).fill_null(value=False))["text"]
    return found


def own_identifiers(rows: pl.DataFrame, plan: FeedPlan) -> OwnIdentifiers:
    """The phone numbers and device ids of each row, as given and as they are read, to be found in its texts."""
    found: list[tuple[str, pl.Series]] = []
    for kind in (IdentifierType.PHONE, IdentifierType.DEVICE_ID):
        if plan.identifiers is None or kind not in plan.identifiers.identifiers:
            continue
        only = IdentifierPlan(identifiers={kind: plan.identifiers.identifiers[kind]})
        read = row_identifiers(rows, only, Tally(only.types))[kind.value]
        for values in (*(rows[column] for column in only.identifiers[kind].columns), read):
            for each in _one_by_one(values):
                alphabet = "0-9" if kind is IdentifierType.PHONE else "0-9a-f"
                found.append((alphabet, _phone_tails(each) if kind is IdentifierType.PHONE else _device_digits(each)))
    return found


def _one_by_one(values: pl.Series) -> list[pl.Series]:
    """The first of each row's values as text, the second, and so on; null where there are no more."""
    lists = text_lists(values)
    if lists is None:
        return [text_of(values)]
    return [text_of(lists.list.get(n, null_on_oob=True)) for n in range(cast("int", lists.list.len().max() or 0))]


def _phone_tails(given: pl.Series) -> pl.Series:
    whole, _ = whole_numbers(unwrapped(given))  # also where no region says which number it is
    plain = _plain(whole)
    digits = plain.str.replace_all("[^0-9]", "").str.tail(_PHONE_TAIL)
    # A digest is no number to be dialled.
    dialled = (digits.str.len_bytes() == _PHONE_TAIL) & (plain.str.len_chars() < _DEVICE_DIGITS)
    return digits.set(~dialled.fill_null(value=False), None)


def _device_digits(given: pl.Series) -> pl.Series:
    digits = given.str.to_lowercase().str.replace_all("[^0-9a-f]", "")
    # Nobody's device: all zeros.
    whole = (digits.str.len_bytes() == _DEVICE_DIGITS) & (digits != "0" * _DEVICE_DIGITS)
    return digits.set(~whole.fill_null(value=False), None)


def _plain(text: pl.Series) -> pl.Series:
    """Each text as a person would read it."""
    written = text.str.contains(r"[%&]|[^\x00-\x7f]").fill_null(value=False)
    if not written.any():
        return text
    read = {each: _read(each) for each in text.filter(written).unique()}
    return text.clone().scatter(written.arg_true(), [read[each] for each in text.filter(written)])


def _read(text: str) -> str:
    for _ in range(_MOST_DECODINGS):
        before, text = text, unicodedata.normalize("NFKC", unquote(html.unescape(text)))
        if text == before:
            break
    shown = (each for each in text.replace("\u3002", ".") if unicodedata.category(each) != "Cf")
    return "".join(str(unicodedata.decimal(each, each)) for each in shown)
