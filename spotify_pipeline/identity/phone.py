"""Phone numbers: E.164 with ``+``, as libphonenumber reads them; extension dropped.

A number must be *possible* (its length), not *valid* (its range): a new number range must not be lost, and a wrong
number matches nobody.
"""

from __future__ import annotations

import phonenumbers
import polars as pl

from spotify_pipeline.identity import phone_library, plain_phone, text
from spotify_pipeline.identity.strings import require_strings


def known_regions(regions: pl.Series | str | None, height: int) -> pl.Series:
    """The region of each row, in upper case; null where there is none, or none that libphonenumber knows.

    Raises:
        TypeError: ``regions`` does not hold strings.
        ValueError: it has another length than ``height``.
    """
    if not isinstance(regions, pl.Series):
        region = _known(pl.Series([regions], dtype=pl.String)).item()
        return pl.repeat(region, height, dtype=pl.String, eager=True)
    if len(regions) != height:
        raise ValueError(f"regions has {len(regions)} rows and values has {height}: give one region per value.")
    return _known(require_strings(regions, "regions"))


def judged(trimmed: pl.Series, regions: pl.Series) -> pl.DataFrame:
    """Columns ``normalized`` and ``rejection`` for trimmed values; both null where the value is null."""
    rows = pl.DataFrame({"value": trimmed, "region": regions}).with_row_index("row")
    nothing = rows.filter(pl.col("value").is_null())
    plain, others = plain_phone.split(rows.filter(pl.col("value").is_not_null()))
    settled, unproven = plain_phone.read(plain)
    for_library = pl.concat([others, unproven.select(others.columns)])
    verdicts = [
        nothing.select("row", normalized=pl.lit(None, pl.String), rejection=pl.lit(None, pl.String)),
        settled,
        phone_library.read(for_library),
    ]
    return pl.concat(verdicts).sort("row").select("normalized", "rejection")


def _known(regions: pl.Series) -> pl.Series:
    code = pl.col("code")
    # Letters beyond ASCII are kept out first: some have an upper case that is an ASCII letter.
    upper = pl.when(code.str.contains("^[A-Za-z]{2}$")).then(code.str.to_uppercase())
    known = upper.is_in(sorted(phonenumbers.SUPPORTED_REGIONS))
    return text.trimmed(regions).alias("code").to_frame().select(pl.when(known).then(upper)).to_series()
