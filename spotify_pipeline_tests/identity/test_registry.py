"""Which types of identifiers there are, and which classes are refused as one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint

import polars as pl
import pytest

from spotify_pipeline.identity import EventParameter, IdentifierType, IdentifierTypeError, normalize, registered


class Card(IdentifierType):
    """Card numbers."""

    name = "card"
    token = "CARD_SHA256"
    noun = "card number"

    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:  # noqa: ARG002
        return pl.DataFrame({"normalized": values, "rejection": pl.repeat(None, len(values), dtype=pl.String)})


class Account(Card):
    """Account numbers."""

    name = "account"
    token = "ACCOUNT_SHA256"


class SameName(Card):
    token = "OTHER_SHA256"


class SameToken(Card):
    name = "mail"
    token = "EMAIL_ID_SHA256"


class SameParameter(Card):
    name = "other"
    token = "OTHER_SHA256"
    parameter = EventParameter("hashed_phone_number")


class Nameless(IdentifierType):
    token = "OTHER_SHA256"
    noun = "thing"


class Abstract(IdentifierType):
    name = "thing"
    token = "OTHER_SHA256"
    noun = "thing"


class Reserved(Card):
    name = "digest"


class LowerToken(Card):
    token = "card"


class NotAnOption(Card):
    column_options = ("shop_column",)


class NoDefault(Card):
    country: str


class TakesColumn(Card):
    column: str = "x"


class Address(Card):
    parameter = EventParameter("ip_address")


class Careless(Card):
    """Loses a value, and repeats another one as the reason for its rejection."""

    def normalize(self, values: pl.Series, beside: Mapping[str, pl.Series]) -> pl.DataFrame:  # noqa: ARG002
        nothing = pl.repeat(None, len(values), dtype=pl.String, eager=True)
        return pl.DataFrame({"normalized": nothing, "rejection": nothing.set(values == "canary", "canary")})


def entry(*classes: str) -> list[EntryPoint]:
    return [EntryPoint(name=each, value=f"{__name__}:{each}", group="any") for each in classes]


def test_types_of_others_stand_after_ours_by_their_names() -> None:
    assert list(registered(entry("Card", "Account"))) == ["email", "phone", "device_id", "account", "card"]


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (("Card", "SameName"), r"\.Card and .*\.SameName have the same name, card\."),
        (("SameToken",), r"email\.Email and .*\.SameToken have the same token, EMAIL_ID_SHA256\."),
        (("SameParameter",), r"phone\.Phone and .*\.SameParameter have the same parameter, hashed_phone_number\."),
    ],
)
def test_a_name_token_or_parameter_that_is_taken_is_refused_with_both_classes(
    classes: tuple[str, ...], said: str
) -> None:
    with pytest.raises(IdentifierTypeError, match=said):
        registered(entry(*classes))


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("Nameless", "does not say its name"),
        ("Abstract", "has no method normalize"),
        ("Reserved", "is called 'digest'"),
        ("LowerToken", "has the token 'card'"),
        ("NotAnOption", "column_options that are not among its fields"),
        ("TakesColumn", "has an option called column"),
        ("NoDefault", "needs a default for each of its options"),
        ("Address", "has the parameter ip_address"),
        ("entry", "is no identifier type: make it a subclass of IdentifierType"),
        ("Missing", "cannot be loaded: AttributeError"),
    ],
)
def test_a_class_that_cannot_be_used_is_refused_by_its_name(named: str, said: str) -> None:
    with pytest.raises(IdentifierTypeError, match=f"test_registry:{named} .*{said}"):
        registered(entry(named))


def test_a_careless_type_loses_no_value_and_shows_none() -> None:
    verdict = normalize(pl.Series(["canary", "other", None, "a" * 64]), Careless())
    assert verdict.rows() == [(None, "invalid"), (None, "invalid"), (None, "missing"), ("a" * 64, None)]
