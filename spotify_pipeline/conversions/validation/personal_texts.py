"""Personal data where none should be: in ids, which are kept and shown, and in texts that are sent as they stand (P22).

A text is read as a person would read it: percent-encoding and HTML entities decoded, however often, compatibility forms
(full-width letters, other digits) in their plain form, invisible characters left out. Then it holds personal data if

- it contains an e-mail address, also with spaces around its @ or with ``(at)``;
- it contains a phone number in international form: a plus sign, or 00 and groups, or ``tel:``, and 7 to 15
  digits with any separators. Other numbers are left alone: order numbers, EANs and dates look like national ones;
- it contains a device id that is labelled as one (``idfa=``). Other UUIDs are left alone: products have them, too;
- it contains an identifier of the row's own person, in any form, such as their phone number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import polars as pl

from spotify_pipeline.conversions.model import FeedPlan
from spotify_pipeline.conversions.validation.source_columns import text_of
from spotify_pipeline.identity import as_read
from spotify_pipeline.rows import IdentifierPlan, Tally, row_identifiers, text_lists

OwnIdentifiers: TypeAlias = Sequence[tuple[str, pl.Series]]
"""Identifiers of each row: the characters that they are made of, and what to look for, null where there is nothing."""

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


def holds_personal_data(text: pl.Series, own: OwnIdentifiers = ()) -> pl.Series:
    """Whether personal data stands anywhere in each text; no for null.

    Args:
        text: as the warehouse has it.
        own: see ``own_identifiers``; of the same rows.
    """
    plain = as_read(text)
    found = plain.str.contains(_PATTERN).fill_null(value=False)
    for alphabet, values in own:
        squeezed = plain.str.to_lowercase().str.replace_all(f"[^{alphabet}]", "")
        pairs = pl.DataFrame({"text": squeezed, "value": values})
        found |= pairs.select(pl.col("text").str.contains(pl.col("value"), literal=True).fill_null(value=False))["text"]
    return found


def own_identifiers(rows: pl.DataFrame, plan: FeedPlan) -> OwnIdentifiers:
    """What of the identifiers of each row, as given and as they are read, is to be found in its texts."""
    found: list[tuple[str, pl.Series]] = []
    for name, source in plan.identifiers.identifiers.items() if plan.identifiers is not None else ():
        found += _of_type(rows, IdentifierPlan(identifiers={name: source}), name)
    return found


def _of_type(rows: pl.DataFrame, only: IdentifierPlan, name: str) -> OwnIdentifiers:
    source = only.identifiers[name]
    alphabet = source.kind.trace_alphabet
    if alphabet is None:
        return []
    read = row_identifiers(rows, only, Tally(only.types))[name]
    given = [each for values in (*(rows[column] for column in source.columns), read) for each in _one_by_one(values)]
    return [(alphabet, source.kind.traces(each)) for each in given]


def _one_by_one(values: pl.Series) -> list[pl.Series]:
    """The first of each row's values as text, the second, and so on; null where there are no more."""
    lists = text_lists(values)
    if lists is None:
        return [text_of(values)]
    return [text_of(lists.list.get(n, null_on_oob=True)) for n in range(cast("int", lists.list.len().max() or 0))]
