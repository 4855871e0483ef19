"""What the functions refuse, and that no refusal repeats a value."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from spotify_pipeline.identity import digest, identifier_type
from spotify_pipeline_tests.identity.normalizing import normalize_as

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
        lambda: normalize_as(values, "email"),
        lambda: digest(values),
        lambda: normalize_as(pl.Series(["0701234567"]), "phone", regions=values),
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
        normalize_as(not_a_series, "email")
    assert SECRET not in str(caught.value)


def test_a_region_per_row_means_one_for_each_value() -> None:
    with pytest.raises(
        ValueError, match="region_column has 1 rows and values has 2: give one text per value"
    ) as caught:
        normalize_as(pl.Series(["0701234567", "0707654321"]), "phone", regions=pl.Series(["SE"]))
    assert "070" not in str(caught.value)


def test_an_unknown_case_is_refused() -> None:
    title: Any = "title"
    with pytest.raises(ValueError, match="should be 'lower' or 'upper'"):
        normalize_as(pl.Series(["x"]), "device_id", case=title)


def test_an_unknown_identifier_type_is_refused() -> None:
    with pytest.raises(ValueError, match="postcode is no identifier type here; there are email, phone, device_id"):
        identifier_type("postcode")
