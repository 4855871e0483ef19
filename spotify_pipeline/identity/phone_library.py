"""Google's libphonenumber (its Python port), called for one number at a time: correct for all, but slow."""

from __future__ import annotations

import phonenumbers
import polars as pl

from spotify_pipeline.identity.types import Rejection

_VERDICT = pl.Struct({"normalized": pl.String, "rejection": pl.String})
# The library's message for a national number without a usable region; an unknown country code after a `+` has the
# same type and another message.
_NO_REGION = "Missing or invalid default region."


def read(rows: pl.DataFrame) -> pl.DataFrame:
    """Read rows (``row``, ``value``, ``region``) into ``row``, ``normalized`` and ``rejection``.

    The library is called once for each distinct pair of value and region.
    """
    pairs = rows.select("value", "region").unique()
    verdicts = [_verdict(value, region) for value, region in pairs.iter_rows()]
    answers = pairs.with_columns(verdict=pl.Series(verdicts, dtype=_VERDICT)).unnest("verdict")
    return rows.join(answers, on=["value", "region"], how="left", nulls_equal=True).select(
        "row", "normalized", "rejection"
    )


def _verdict(value: str, region: str | None) -> dict[str, str | None]:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        without_region = region is None and str(error).endswith(_NO_REGION)
        return _rejected(Rejection.NO_REGION if without_region else Rejection.INVALID)
    if not phonenumbers.is_possible_number(number):
        return _rejected(Rejection.INVALID)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return {"normalized": e164, "rejection": None}


def _rejected(reason: Rejection) -> dict[str, str | None]:
    return {"normalized": None, "rejection": reason.value}
