"""What the functions refuse, and that no refusal repeats a value."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from spotify_pipeline.identity import IdentifierType, digest, normalize

SECRET = "canary@example.com"
NOT_STRINGS = [
    pl.Series([SECRET.encode()]),
    pl.Series([[SECRET]]),
    pl.Series([{"email": SECRET}]),
    pl.Series([SECRET], dtype=pl.Categorical),
    pl.Series([SECRET], dtype=pl.Enum([SECRET])),
    pl.Series([46701234567]),
    pl.Series([SECRET], dtype=pl.Object),
]


@pytest.mark.parametrize("values", NOT_STRINGS, ids=lambda values: type(values.dtype).__name__)
def test_other_types_than_strings_are_refused_by_the_name_of_the_type(values: pl.Series) -> None:
    for refused in (
        lambda: normalize(values, IdentifierType.EMAIL),
        lambda: digest(values),
        lambda: normalize(pl.Series(["0701234567"]), IdentifierType.PHONE, regions=values),
    ):
        with pytest.raises(TypeError, match=r"must be a Polars series of String, not .*\. Cast it to String") as caught:
            refused()
        assert type(values.dtype).__name__ in str(caught.value)
        assert SECRET not in repr(caught.value)
        assert "46701234567" not in repr(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_a_list_is_not_a_series() -> None:
    not_a_series: Any = [SECRET]
    with pytest.raises(TypeError, match="not list") as caught:
        normalize(not_a_series, IdentifierType.EMAIL)
    assert SECRET not in str(caught.value)


def test_a_region_per_row_means_one_for_each_value() -> None:
    with pytest.raises(ValueError, match="regions has 1 rows and values has 2: give one region per value") as caught:
        normalize(pl.Series(["0701234567", "0707654321"]), IdentifierType.PHONE, regions=pl.Series(["SE"]))
    assert "070" not in str(caught.value)


def test_an_unknown_case_is_refused() -> None:
    title: Any = "title"
    with pytest.raises(ValueError, match="device_id_case must be 'lower' or 'upper'"):
        normalize(pl.Series(["x"]), IdentifierType.DEVICE_ID, device_id_case=title)


def test_an_unknown_identifier_type_is_refused() -> None:
    unknown: Any = "postcode"
    with pytest.raises(ValueError, match="postcode"):
        normalize(pl.Series(["x"]), unknown)
