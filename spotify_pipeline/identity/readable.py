"""Texts as a person would read them, to find identifiers in them."""

from __future__ import annotations

import html
import unicodedata
from urllib.parse import unquote

import polars as pl

_MOST_DECODINGS = 8


def as_read(text: pl.Series) -> pl.Series:
    """Percent-encoding and HTML entities decoded, however often, compatibility forms (full-width letters, other
    digits) in their plain form, invisible characters left out.
    """
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
