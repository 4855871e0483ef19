"""What an event was worth, what it was about and where it happened: what is sent of it, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.conversions.plan import Constant
from spotify_pipeline_tests.conversions.judging import body, outcome, plan_with, rows_with, verdict, verdicts

PENDING = ("pending", None, None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("100.00", "100"),
        ("0019.990", "19.99"),
        ("+5", "5"),
        (0.1, "0.1"),
        (19.99, "19.99"),
        (100.0, "100"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        ("-0.00", "0"),
        (7, "7"),
        (Decimal("12345678901.230"), "12345678901.23"),
        (Decimal("0.10"), "0.1"),
        (10**12, "1000000000000"),
        ("0.30000000000000000000001", "0.30000000000000000000001"),
    ],
)
def test_an_amount_is_sent_exactly_as_it_is(given: Any, sent: str) -> None:
    assert f'"amount":{sent},' in verdict(total=given, category=1)["body"]


def test_an_amount_of_a_short_float_is_what_was_meant() -> None:
    rows = rows_with({}).with_columns(total=pl.Series([19.99], dtype=pl.Float32))
    assert '"amount":19.99}' in verdicts(rows)[0]["body"]


@pytest.mark.parametrize(
    "given",
    ["1,000.00", "1.000,00", "1 000", "$5", "5 USD", "1e3", "-1", "-0.01", "0x10", ".5", "5.", "NaN", "٥", True, -3,
     -0.5, float("nan"), float("inf"), 1e13, 10**12 + 1, "0." + "1" * 50],
)  # fmt: skip
def test_an_amount_that_cannot_be_used(given: Any) -> None:
    assert outcome(total=given) == ("dead", "amount_unusable", "amount")
    assert outcome(total=given, event="VIEW") == ("dead", "amount_unusable", "amount")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"total": None}, ("dead", "amount_missing", "amount")),
        ({"currency": None}, ("dead", "amount_missing", "currency")),
        ({"total": None, "currency": " "}, ("dead", "amount_missing", "amount,currency")),
        ({"currency": "EURO"}, ("dead", "currency_unknown", "currency")),
        ({"total": None, "currency": "QQQ"}, ("dead", "amount_missing", "amount,currency")),
        ({"event": "VIEW", "total": None, "currency": None}, PENDING),
        ({"event": "VIEW", "total": None, "currency": "QQQ"}, PENDING),
        ({"event": "VIEW", "currency": None}, ("dead", "amount_missing", "currency")),
        ({"event": "VIEW", "currency": "QQQ"}, ("dead", "currency_unknown", "currency")),
    ],
)
def test_a_purchase_needs_amount_and_currency_and_an_amount_a_currency(changes: dict[str, Any], expected: Any) -> None:
    assert outcome(**changes) == expected


def test_a_purchase_may_do_without_if_the_yaml_says_so() -> None:
    lenient = plan_with(purchase_needs_amount=False)
    assert outcome(lenient, total=None) == PENDING
    assert "event_details" not in body(lenient, total=None)
    assert outcome(lenient, currency=None) == ("dead", "amount_missing", "currency")


@pytest.mark.parametrize("code", ["USD", "eur", " Sek ", "JPY", "KWD"])
def test_currencies_in_use(code: str) -> None:
    assert body(currency=code)["event_details"]["currency"] == code.strip().upper()
    assert body(plan_with(currency=Constant(code)))["event_details"]["currency"] == code.strip().upper()


@pytest.mark.parametrize("code", ["DEM", "XXX", "XTS", "US", "978", "$", "uſd", "HRK"])
def test_currencies_that_are_none(code: str) -> None:
    assert outcome(currency=code) == ("dead", "currency_unknown", "currency")


@pytest.mark.parametrize("given", ["35", 35, 35.0, Decimal("35.00"), " 35 "])
def test_a_category_is_sent_as_text(given: Any) -> None:
    assert body(category=given)["event_details"]["content_category"] == "35"


@pytest.mark.parametrize("given", ["Apparel & Accessories", "035", "0", "1234567", -1, 3.5, "35,36", "三"])
def test_a_category_in_words_is_refused_as_spotify_would(given: Any) -> None:
    assert outcome(category=given) == ("dead", "category_unusable", "content_category")


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTP://Example.com/A?b=C#d", "http://Example.com/A?b=C"),
        ("https://example.com:8443/a%20b?q=ä", "https://example.com:8443/a%20b?q=ä"),
        ("https://example.com/@user", "https://example.com/@user"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
    ],
)
def test_a_page_is_sent_without_its_fragment(given: str, sent: str) -> None:
    assert body(url=given)["event_source_url"] == sent


@pytest.mark.parametrize(
    "given",
    ["example.com", "//example.com/a", "ftp://example.com", "javascript:alert(1)", "https://", "https:///a", "http:a",
     "https://anna:secret@example.com/", "https://anna@example.com", "https://example.com/a b", "https://example.com/\na",
     "https://example.com:99999/", "https://[::1", "/thanks", "42"],
)  # fmt: skip
def test_a_page_that_is_none(given: str) -> None:
    assert outcome(url=given) == ("dead", "url_unusable", "event_source_url")


@pytest.mark.parametrize(
    "address",
    ["anna@example.com", "ANNA@EXAMPLE.COM", "anna%40example.com", "anna%2540mail.example.com", "änna@exämple.com"],
)
def test_p03_an_address_in_a_text_that_is_sent_as_it_stands_is_refused(address: str) -> None:
    page = f"https://example.com/thanks?mail={address}"
    assert outcome(url=page) == ("dead", "personal_data", "event_source_url")
    assert outcome(title=f"A gift for {address}!") == ("dead", "personal_data", "content_name")
    assert outcome(title=address, url=page)[2] == "content_name,event_source_url"
    assert body(url=f"https://example.com/thanks#{address}")["event_source_url"] == "https://example.com/thanks"


@pytest.mark.parametrize("title", ["Dinner @ home.", "3 @ 9.90", "@user", "me@home", "100%40"])
def test_a_name_without_an_address_is_sent(title: str) -> None:
    assert body(title=title)["event_details"]["content_name"] == title


@pytest.mark.parametrize(("given", "sent"), [("web", "WEB"), (" App ", "APP"), ("OFFLINE", "OFFLINE"), ("", None)])
def test_where_it_happened(given: str, sent: str | None) -> None:
    assert body(channel=given).get("action_source") == sent
    assert body(plan_with(action_source=Constant(given))).get("action_source") == sent
    assert outcome(channel="store") == ("dead", "action_source_unknown", "action_source")
