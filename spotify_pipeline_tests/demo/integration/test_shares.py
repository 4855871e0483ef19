"""The demo's raw tables are as dirty as the documented table says, and the README says the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from spotify_pipeline.demo import shares
from spotify_pipeline_tests.demo.dirt import EVERY_PADDING, country_dirt, device_id_dirt, email_dirt, phone_dirt
from spotify_pipeline_tests.demo.warehouses import DBT_PROJECT, rows_of

README_GROUPS: dict[str, Mapping[str, float]] = {
    "customer number": shares.CUSTOMERS,
    "sign-up": shares.SIGN_UP,
    "e-mail": shares.EMAIL,
    "second e-mail": shares.SECOND_EMAIL,
    "phone": shares.PHONE,
    "country": shares.COUNTRY,
    "device id": shares.DEVICE_ID,
    "answer": shares.CONSENT,
    "answers": shares.ANSWERS,
    "shop event": shares.SHOP_EVENT,
    "shop row": shares.SHOP_ROW,
}


def assert_shares(kinds: Counter[str], documented: Mapping[str, float]) -> None:
    """Each observed share lies within five standard deviations of the documented one, and no other kind is there."""
    total = kinds.total()
    assert set(kinds) <= {*documented, shares.CLEAN}
    for kind, share in documented.items():
        tolerance = 5 * sqrt(share * (1 - share) / total)
        assert kinds[kind] / total == pytest.approx(share, abs=tolerance), kind


@pytest.mark.e2e
def test_emails(contactable: list[dict[str, Any]]) -> None:
    assert_shares(Counter(email_dirt(row["email"]) for row in contactable), shares.EMAIL)


def test_phones(contactable: list[dict[str, Any]]) -> None:
    assert_shares(Counter(phone_dirt(row["phone"]) for row in contactable), shares.PHONE)


def test_device_ids(customers: list[dict[str, Any]]) -> None:
    assert_shares(Counter(device_id_dirt(row["device_id"]) for row in customers), shares.DEVICE_ID)


def test_countries(customers: list[dict[str, Any]]) -> None:
    assert_shares(Counter(country_dirt(row["country"]) for row in customers), shares.COUNTRY)


def test_sign_ups_and_those_of_the_app_have_a_device_only(customers: list[dict[str, Any]]) -> None:
    ways = Counter(str(row["signed_up_with"]).replace("email", shares.CLEAN) for row in customers)
    assert_shares(ways, shares.SIGN_UP)
    of_the_app = [row for row in customers if row["signed_up_with"] == "app"]
    assert {(row["email"], row["billing_email"], row["phone"]) for row in of_the_app} == {(None, None, None)}


def test_second_emails_are_dirty_too(contactable: list[dict[str, Any]]) -> None:
    present = [row["billing_email"] for row in contactable if row["billing_email"] is not None]
    readable = [value.strip(EVERY_PADDING).lower() for value in present if "@" in value]
    other = sum(value.endswith("@accounts.example.org") for value in readable)
    documented = shares.SECOND_EMAIL
    all_of_them = documented["same_again"] + documented["other"]
    assert len(present) / len(contactable) == pytest.approx(all_of_them * (1 - shares.EMAIL["missing"]), abs=0.015)
    assert other / len(readable) == pytest.approx(documented["other"] / all_of_them, abs=0.03)
    of_them_dirty = Counter(email_dirt(value) for value in present)
    assert {"upper_case", "padded", "invalid", "sha256_lower"} <= set(of_them_dirty)


def test_people_with_two_accounts(customers: list[dict[str, Any]]) -> None:
    devices = {
        row["customer_id"]: row["device_id"].strip().lower().replace("-", "")
        for row in customers
        if device_id_dirt(row["device_id"]) in ("clean", "upper_case", "no_hyphens", "padded")
    }
    pairs = [(odd, odd + 1) for odd in range(1, 20_000, 2) if odd in devices and odd + 1 in devices]
    twice = sum(devices[first] == devices[second] for first, second in pairs)
    expected = 2 * shares.CUSTOMERS["duplicate_account"]
    assert twice / len(pairs) == pytest.approx(expected, abs=5 * sqrt(expected / len(pairs)))


def test_numbers_loaded_twice_differ_and_the_older_is_stale(raw_warehouse: Path) -> None:
    rows = rows_of(raw_warehouse, "raw.customers")
    share = shares.CUSTOMERS["loaded_twice"]
    assert (len(rows) - 20_000) / 20_000 == pytest.approx(share, abs=5 * sqrt(share / 20_000))
    stale = [row for row in rows if row["loaded_at"].date() == date(2026, 11, 8)]
    assert len(stale) == len(rows) - 20_000
    assert {(row["phone"], row["cancelled_on"]) for row in stale} == {(None, None)}


def test_answers_to_questions_for_consent(raw_warehouse: Path) -> None:
    answers = rows_of(raw_warehouse, "raw.consents")
    kinds = {True: shares.CLEAN, False: "refused", None: "unknown"}
    assert_shares(Counter(kinds[row["granted"]] for row in answers), shares.CONSENT)
    of_person: dict[tuple[int, str], list[datetime]] = {}
    for row in answers:
        of_person.setdefault((row["customer_id"], row["channel"]), []).append(row["changed_at"])
    names = {0: "none", 1: shares.CLEAN, 2: "twice", 3: "three_times"}
    often = Counter(
        "twice_at_once" if len(moments) == 2 and len(set(moments)) == 1 else names[len(moments)]
        for moments in of_person.values()
    )
    often["none"] = 2 * 20_000 - len(of_person)
    assert_shares(often, shares.ANSWERS)
    assert any(moments != sorted(moments) for moments in of_person.values())


def test_shop_events(raw_warehouse: Path) -> None:
    rows = rows_of(raw_warehouse, "raw.shop_events")
    numbers = [row["order_number"] for row in rows if row["order_number"] is not None]
    once = list({row["order_number"] or object(): row for row in rows}.values())
    assert_shares(Counter(row["event"].replace("order_paid", shares.CLEAN) for row in once), shares.SHOP_EVENT)
    written = Counter(shop_dirt(row) for row in once)
    twice = len(numbers) - len(set(numbers))
    written["twice"], written[shares.CLEAN] = twice, written[shares.CLEAN] - twice
    # A trial has neither amount nor currency, so it cannot show that one of them is missing or misspelled.
    seen = {kind: share for kind, share in shares.SHOP_ROW.items() if "currency" not in kind and kind != "no_amount"}
    assert_shares(Counter({kind: written[kind] for kind in [*seen, shares.CLEAN]}), seen)
    paid = Counter(shop_dirt(row) for row in once if row["event"] == "order_paid")
    for kind in ("currency_in_words", "no_amount", "currency_lower_case"):
        share = shares.SHOP_ROW[kind]
        assert paid[kind] / paid.total() == pytest.approx(share, abs=5 * sqrt(share / paid.total()))


def shop_dirt(row: dict[str, Any]) -> str:
    if row["order_number"] is None:
        return "no_number"
    if row["happened_at"] is None:
        return "no_time"
    if not str(row["category"]).isdigit():
        return "category_in_words"
    if not str(row["page"]).startswith("https://"):
        return "page_without_scheme"
    if row["event"] == "trial_started":
        return shares.CLEAN
    if row["amount"] is None:
        return "no_amount"
    if row["currency"] == "crowns":
        return "currency_in_words"
    return "currency_lower_case" if row["currency"].islower() else shares.CLEAN


def test_the_readme_states_the_same_table() -> None:
    line = re.compile(r"\| ([a-z -]+) \| `(\w+)` \| ([\d.]+) % \| .+ \|")
    stated = {
        (found[1], found[2]): float(found[3])
        for found in map(line.fullmatch, (DBT_PROJECT / "README.md").read_text().splitlines())
        if found
    }
    assert stated == {
        (group, kind): pytest.approx(100 * share)
        for group, documented in README_GROUPS.items()
        for kind, share in documented.items()
    }
