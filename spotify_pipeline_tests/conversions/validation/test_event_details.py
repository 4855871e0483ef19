"""What an event was worth, what it was about and where it happened: what is sent of it, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.conversions.model.plan import Constant, FeedPlan
from spotify_pipeline_tests.conversions.validating import (
    PLAN,
    bodies,
    body,
    outcome,
    outcomes,
    plan_with,
    rows_with,
    verdict,
    verdicts,
)

PENDING = ("pending", None, None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (0.1, "0.1"),
        (19.99, "19.99"),
        (100.0, "100"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (7, "7"),
        (Decimal("12345678901.230"), "12345678901.23"),
        (Decimal("0.10"), "0.1"),
        (10**12, "1000000000000"),
    ],
)
def test_an_amount_is_sent_exactly_as_it_is(given: Any, sent: str) -> None:
    assert f'"amount":{sent},' in verdict(total=given, category=1)["body"]


def test_an_amount_in_text_is_sent_exactly_as_it_is() -> None:
    texts = ["100.00", "0019.990", "+5", "-0.00", "0.30000000000000000000001"]
    found = [each["body"] for each in verdicts(rows_with(*({"total": text} for text in texts)))]
    for each, sent in zip(found, ["100", "19.99", "5", "0", "0.30000000000000000000001"], strict=True):
        assert f'"amount":{sent}}}' in each


def test_an_amount_of_a_short_float_is_what_was_meant() -> None:
    rows = rows_with({}).with_columns(total=pl.Series([19.99], dtype=pl.Float32))
    assert '"amount":19.99}' in verdicts(rows)[0]["body"]


UNUSABLE_AMOUNT = ("dead", "amount_unusable", "amount")


@pytest.mark.parametrize("given", [True, -3, -0.5, float("nan"), float("inf"), 1e13, 10**12 + 1])
def test_an_amount_that_cannot_be_used(given: Any) -> None:
    found = verdicts(rows_with({"total": given}, {"total": given, "event": "VIEW"}))
    assert [(each["state"], each["reason"], each["fields"]) for each in found] == [UNUSABLE_AMOUNT] * 2


@pytest.mark.parametrize("plan", [PLAN, plan_with(event_name=Constant("VIEW"))])
def test_an_amount_in_text_that_cannot_be_used(plan: FeedPlan) -> None:
    texts = ["1,000.00", "1.000,00", "1 000", "$5", "5 USD", "1e3", "-1", "-0.01", "0x10", ".5", "5.", "NaN", "٥"]
    assert set(outcomes(plan, total=[*texts, "0." + "1" * 50])) == {UNUSABLE_AMOUNT}


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


def test_currencies_in_use() -> None:
    found = bodies(currency=["USD", "eur", " Sek ", "JPY", "KWD"])
    assert [each["event_details"]["currency"] for each in found] == ["USD", "EUR", "SEK", "JPY", "KWD"]
    assert body(plan_with(currency=Constant(" Sek ")))["event_details"]["currency"] == "SEK"


def test_currencies_that_are_none() -> None:
    found = outcomes(currency=["DEM", "XXX", "XTS", "US", "978", "$", "uſd", "HRK"])
    assert set(found) == {("dead", "currency_unknown", "currency")}


@pytest.mark.parametrize("given", ["35", 35, 35.0, Decimal("35.00"), " 35 "])
def test_a_category_is_sent_as_text(given: Any) -> None:
    assert body(category=given)["event_details"]["content_category"] == "35"


@pytest.mark.parametrize("given", [["Apparel & Accessories", "035", "0", "1234567", "35,36", "三"], [-1], [3.5]])
def test_a_category_in_words_is_refused_as_spotify_would(given: list[Any]) -> None:
    assert set(outcomes(category=given)) == {("dead", "category_unusable", "content_category")}


PAGES = {
    "https://example.com": "https://example.com",
    "HTTP://Example.com/A?b=C#d": "http://Example.com/A",
    "https://example.com:8443/a%20b?q=ä": "https://example.com:8443/a%20b",
    "https://example.com?mail=anna@example.com": "https://example.com",
    "https://example.com/thanks?mail=anna%40example.com#top": "https://example.com/thanks",
    "https://example.com/thanks?name=Anna B&tel=+12025550123": "https://example.com/thanks",
    "https://example.com/ä#anna@example.com?b": "https://example.com/ä",
    "https://example.com/@user": "https://example.com/@user",
    "https://example.com/lib@1.2.3/a.js": "https://example.com/lib@1.2.3/a.js",
    "https://[2001:db8::1]/a": "https://[2001:db8::1]/a",
}


def test_p03_a_page_is_sent_without_its_query_and_fragment() -> None:
    assert [each["event_source_url"] for each in bodies(url=list(PAGES))] == list(PAGES.values())


def test_a_page_that_is_none() -> None:
    given = ["example.com", "//example.com/a", "ftp://example.com", "javascript:alert(1)", "https://", "https:///a"]
    given += ["https://anna:secret@example.com/", "https://anna@example.com", "https://example.com/a b", "http:a", "42"]
    given += ["https://example.com/\na", "https://example.com:99999/", "https://[::1", "/thanks", "?a", "#a"]
    assert set(outcomes(url=given)) == {("dead", "url_unusable", "event_source_url")}


ADDRESSES = ["anna@example.com", "ANNA@EXAMPLE.COM", "anna%40example.com", "anna%2540mail.example%2ecom"]
ADDRESSES += ["änna@exämple.com", "anna@exa%C3%A4mple.com", "anna@उदाहरण.भारत"]


def test_p03_an_address_in_a_text_that_is_sent_as_it_stands_is_refused() -> None:
    pages = [f"https://example.com/{part}{each}" for each in ADDRESSES for part in ("", "of/", "of;mail=")]
    assert set(outcomes(url=[*pages, f"{pages[0]}?a#b"])) == {("dead", "url_unusable", "event_source_url")}
    titles = [text for each in ADDRESSES for text in (each, f"A gift for {each}!")]
    assert set(outcomes(title=titles)) == {("dead", "content_name_unusable", "content_name")}
    both = outcome(title=titles[0], url=pages[0])
    assert both == ("dead", "content_name_unusable", "content_name,event_source_url")


def test_a_name_without_an_address_is_sent() -> None:
    titles = ["Dinner @ home.", "3 @ 9.90", "@user", "me@home", "100%40"]
    assert [each["event_details"]["content_name"] for each in bodies(title=titles)] == titles


@pytest.mark.parametrize(("given", "sent"), [("web", "WEB"), (" App ", "APP"), ("OFFLINE", "OFFLINE"), ("", None)])
def test_where_it_happened(given: str, sent: str | None) -> None:
    assert body(channel=given).get("action_source") == sent
    assert body(plan_with(action_source=Constant(given))).get("action_source") == sent


def test_a26_an_unknown_source_is_left_out_and_counted_and_the_event_is_sent() -> None:
    assert outcome(channel="store") == ("pending", None, "action_source")
    assert "action_source" not in body(channel="store")
    assert outcome(channel="store", total="x") == ("dead", "amount_unusable", "amount")
    assert outcome(channel="web") == outcome(channel=None) == ("pending", None, None)
