"""A feed's YAML: what it makes, and that a wrong one does not load and says the file, the line and what is allowed."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable

import dagster as dg
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline.components.conversions.definitions import find_feeds
from spotify_pipeline.conversions import Column, Constant, OptOutPolicy, TimeUnit
from spotify_pipeline_tests.components.feeds import FEED
from spotify_pipeline_tests.components.runs import refusal

MODEL = """
type: spotify_pipeline.ConversionFeed
attributes:
  events:
    dbt_model: lapsed_subscribers
    consent_column: marketing_consent
  event_name: {value: SIGN_UP}
  event_id: customer_id
  event_time: {column: cancelled_on}
  identifiers:
    email: email
  timezone: Europe/Stockholm
  schedule: {every: hour}
"""
SECRET = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl9pZCI6MX0.c2lnbmF0dXJl"


def with_line(line: str, content: str = MODEL) -> str:
    return content.replace("attributes:", f"attributes:\n  {line}", 1)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        pytest.param(with_line("evnt_id: x"), 3, "no such field. Did you mean event_id? Allowed: events", id="key"),
        pytest.param(MODEL.replace("email: email", "email: e_post"), 10, "has no column e_post", id="email"),
        pytest.param(MODEL.replace("event_id: customer_id", "event_id: id"), 7, "has no column id", id="id"),
        pytest.param(MODEL.replace("column: cancelled_on", "column: gone_at"), 8, "no column gone_at", id="time"),
        pytest.param(
            MODEL.replace("column: cancelled_on", "column: cancelled_on, unit: min"), 8, "'s', 'ms' or 'us'", id="unit"
        ),
        pytest.param(MODEL.replace("consent_column: marketing_consent", "consent_column: yes_"), 5, "yes_", id="asked"),
        pytest.param(
            MODEL.replace("consent_column: marketing_consent", "consent_column: on"), 5, "quote it: YAML", id="on"
        ),
        pytest.param(MODEL.replace("event_id: customer_id", "event_id: no"), 7, "quote it: YAML reads", id="id no"),
        pytest.param(MODEL.replace("{column: cancelled_on}", "off"), 8, "quote it: YAML reads", id="time off"),
        pytest.param(MODEL.replace("{value: SIGN_UP}", "yes"), 6, "quote it: YAML reads", id="name yes"),
        pytest.param(with_line("opt_out: no"), 3, "quote it: YAML reads", id="opt out no"),
        pytest.param(with_line("currency: no\n  amount: customer_id"), 3, "quote it: YAML reads", id="currency no"),
        pytest.param(with_line("ip_address: on"), 3, "quote it: YAML reads", id="ip on"),
        pytest.param(
            MODEL.replace("consent_column: marketing_consent", "consent_column: cancelled_on"),
            5,
            "cancelled_on holds DATE, which can never say yes",
            id="consent of a type that never says yes",
        ),
        pytest.param(
            MODEL.replace("email: email", "phone: marketing_consent"), 10, "holds BOOLEAN, of which no", id="phone type"
        ),
        pytest.param(MODEL.replace("    consent_column: marketing_consent\n", ""), 3, "consent_column", id="consent"),
        pytest.param(MODEL.replace("dbt_model: lapsed", "dbt_model: laps"), 4, "there is no dbt model", id="model"),
        pytest.param(MODEL.replace("value: SIGN_UP", "value: PURCHAS"), 6, "PURCHAS is not one of Spotify", id="name"),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{column: email, names: {a: ignore, b: BUY}}"),
            6,
            "BUY is not one of Spotify's events, which are ",
            id="names",
        ),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{value: LEAD, names: {a: LEAD}}"), 6, "names goes with column", id="both"
        ),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{value: A, column: b}"), 6, "specify a column, or one", id="two"
        ),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{value: ignore}"), 6, "not one of Spotify's events", id="ignore all"
        ),
        pytest.param(
            MODEL.replace("event_id: customer_id", "event_id: {columns: [email, customer_id], hashed: false}"),
            7,
            "several columns make an id only as a hash",
            id="hash",
        ),
        pytest.param(MODEL.replace("Stockholm", "Stokholm"), 11, "Did you mean Europe/Stockholm", id="zone"),
        pytest.param(
            MODEL.replace("every: hour", "every: 7 minutes"), 12, "specify every: hour, every: day", id="pace"
        ),
        pytest.param(MODEL.replace("every: hour", "every: hour, at: '06:00'"), 12, "at goes with every: day", id="at"),
        pytest.param(MODEL.replace("{every: hour}", "sometimes"), 12, "on_update or by_hand", id="schedule"),
        pytest.param(with_line("amount: email"), 3, "amount and currency go together", id="money"),
        pytest.param(with_line("action_source: {value: PHONE}"), 3, "one of WEB, APP, OFFLINE", id="action"),
        pytest.param(with_line("late_window: 31d"), 3, "late_window is longer than max_age", id="window"),
        pytest.param(with_line("amount: email\n  currency: {value: SEKK}"), 4, "code of ISO 4217", id="currency"),
        pytest.param(with_line("amount: email\n  currency: {value: XXX}"), 4, "code of ISO 4217", id="no currency"),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{column: email, names: {paid: PURCHASE, PAID: LEAD}}"),
            6,
            "names gives PAID two meanings",
            id="case",
        ),
        pytest.param(
            MODEL.replace("{value: SIGN_UP}", "{column: email, names: {paid: PURCHASE, ' Paid': ignore}}"),
            6,
            "two meanings",
            id="blank",
        ),
        pytest.param(
            MODEL.replace("column: cancelled_on", "column: cancelled_on, missing: later"),
            8,
            "'refuse' or 'now'",
            id="no",
        ),
        pytest.param(with_line("connection_id: 12"), 3, "string", id="connection"),
        pytest.param(with_line("connection_id: mine"), 3, "not a UUID", id="connection id"),
        pytest.param(with_line("delivery: {batch: 0}"), 3, "greater than", id="batch"),
        pytest.param(with_line("delivery: {guarantee: exactly_once}"), 3, "at_least_once", id="guarantee"),
        pytest.param(with_line("delivery: {taken_answers: [SUCCESS]}"), 3, "status and its JSON", id="answers"),
        pytest.param(with_line("delivery: {taken_answers: []}"), 3, "at least 1", id="no answer"),
        pytest.param(with_line("retain: {events: 20d}"), 3, "retain.events must be two days longer", id="retain"),
        pytest.param(with_line("opt_out: {column: email, policy: hide}"), 3, "'flag' or 'drop'", id="opt out"),
        pytest.param(with_line("suppress: [nobody]"), 3, "there is no dbt model nobody", id="suppress"),
        pytest.param(
            MODEL.replace("  identifiers:\n    email: email\n", ""), 3, "specify identifiers (email, phone,", id="who"
        ),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(
    mistake: Callable[..., str], content: str, line: int, sentence: str
) -> None:
    said = mistake(content, "sign_ups")
    assert sentence in said
    found = re.search(r"defs\.yaml:(\d+)", said)
    assert found is not None
    assert abs(int(found[1]) - line) <= 1


@pytest.mark.e2e
@pytest.mark.parametrize(
    "token",
    [
        SECRET,
        f"{{env: {SECRET}}}",
        f"{{value: {SECRET}}}",
        f"{{env: SPOTIFY_CAPI_TOKEN, value: {SECRET}}}",
        f"[{SECRET}]",
        f"{{{SECRET}: env}}",
    ],
)
@pytest.mark.parametrize("also_wrong", ["", "evnt: 1", "connection_id: mine"])
def test_p03_a_token_in_the_file_is_refused_and_never_repeated(
    load: Callable[..., dg.Definitions], token: str, also_wrong: str
) -> None:
    content = with_line(f"token: {token}")
    with pytest.raises(Exception) as refused:
        load({"sign_ups": with_line(also_wrong, content) if also_wrong else content})
    if not also_wrong:
        assert "name the environment variable that holds the token, as {env: " in innermost_mistake(refused.value)
    assert SECRET not in "".join(traceback.format_exception(refused.value))


def test_the_settings_become_the_plans_of_judging_and_delivery(load: Callable[..., dg.Definitions]) -> None:
    content = FEED.replace("event_time: ordered_at", "event_time: {column: ordered_at, unit: ms}").replace(
        "event_name: {value: PURCHASE}",
        "event_name: {column: event, names: {order_completed: PURCHASE, heartbeat: ignore}}",
    )
    content += "  event_source_url: url\n  opt_out: {column: opted_out, policy: drop}\n  ip_address: ip\n"
    content += "  action_source: {value: WEB}\n  purchase_without_amount: allow\n  timezone: Europe/Stockholm\n"
    content += "  delivery: {batch: 50, guarantee: at_most_once}\n"
    (feed,) = find_feeds(load({"orders": content.replace("event_id: order_id", "event_id: {columns: [a, b]}")}))
    plan = feed.plan
    assert (plan.event_name, plan.names) == (Column("event"), {"order_completed": "PURCHASE", "heartbeat": None})
    assert (plan.event_id.columns, plan.event_id.hashed) == (("a", "b"), True)
    assert (plan.event_time.zone, plan.event_time.unit) == ("Europe/Stockholm", TimeUnit.MILLISECONDS)
    assert (plan.currency, plan.action_source) == (Constant("SEK"), Constant("WEB"))
    assert (plan.opt_out_policy, plan.purchase_needs_amount) == (OptOutPolicy.DROP, False)
    assert {"event", "a", "b", "ordered_at", "email", "agreed", "opted_out", "url", "ip"} <= set(plan.columns)
    assert (feed.delivery_plan.batch_events, feed.delivery_plan.guarantee.value) == (50, "at_most_once")


def test_a_feed_makes_two_assets_of_days_in_its_group(load: Callable[..., dg.Definitions]) -> None:
    graph = load({"orders": FEED}).resolve_asset_graph()
    validated, delivery = (dg.AssetKey(["orders", name]) for name in ("validated_events", "delivery"))
    assert graph.get(delivery).parent_keys == {validated}
    assert graph.get(validated).parent_keys == {dg.AssetKey(["shop", "orders"])}
    assert {graph.get(key).group_name for key in (validated, delivery)} == {"orders"}
    assert isinstance(graph.get(delivery).partitions_def, dg.DailyPartitionsDefinition)
    assert (graph.get(validated).pools, graph.get(delivery).pools) == (
        {"spotify_warehouse"},
        {"spotify_conversions_orders"},
    )
    assert not graph.get(dg.AssetKey(["shop", "orders"])).is_materializable


@pytest.mark.e2e
def test_two_feeds_of_the_same_events_are_refused(load: Callable[..., dg.Definitions]) -> None:
    said = refusal({"orders": FEED, "leads": FEED.replace("PURCHASE", "LEAD")})
    assert said.startswith("The feeds leads and orders send the events of shop.orders to one connection")
    other = FEED.replace("  event_id", "  connection_id: ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a\n  event_id")
    assert len(find_feeds(load({"orders": FEED, "leads": other}))) == 2
    assert len(find_feeds(load({"orders": FEED, "lines": FEED.replace("order_id", "line_id")}))) == 2


ORDERS = "events: {table: shop.orders"
CONNECTION = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FEED, FEED.replace(ORDERS, "events: {table: Shop.Orders")),
        (FEED, FEED.replace(ORDERS, "events: {table: warehouse.shop.orders")),
        (FEED.replace(ORDERS, "events: {table: main.orders"), FEED.replace(ORDERS, "events: {table: ORDERS")),
        (FEED, FEED.replace("order_id", "ORDER_ID")),
        (FEED, with_line(f"connection_id: {CONNECTION}", FEED)),
        (with_line(f"connection_id: {CONNECTION.upper()}", FEED), FEED),
        (
            FEED.replace("event_id: order_id", "event_id: {columns: [order_id, line]}"),
            FEED.replace("event_id: order_id", "event_id: {columns: [Order_Id, LINE], hashed: true}"),
        ),
    ],
)
def test_a23_two_feeds_of_the_same_events_are_refused_however_they_are_written(
    monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setenv("SPOTIFY_CAPI_CONNECTION_ID", CONNECTION)
    said = refusal({"orders": first, "leads": second})
    assert said.startswith("The feeds leads and orders send the events of")


@pytest.mark.e2e
@pytest.mark.parametrize(
    "second",
    [
        FEED.replace(ORDERS, "events: {table: shop.order_lines"),
        FEED.replace(ORDERS, "events: {table: other.orders"),
        FEED.replace("event_id: order_id", "event_id: {columns: [order_id], hashed: true}"),
        with_line("connection_id: 0b4ff15e-f04d-48b9-9ddf-fb3c85fbd57a", FEED),
    ],
)
def test_a23_feeds_that_send_other_events_or_ids_or_elsewhere_are_not(
    load: Callable[..., dg.Definitions], monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    monkeypatch.setenv("SPOTIFY_CAPI_CONNECTION_ID", CONNECTION)
    assert len(find_feeds(load({"orders": FEED, "leads": second}))) == 2


def test_a23_spellings_of_a_name_with_one_meaning_are_no_mistake(load: Callable[..., dg.Definitions]) -> None:
    names = "{column: event, names: {paid: PURCHASE, PAID: purchase}}"
    (feed,) = find_feeds(load({"orders": FEED.replace("{value: PURCHASE}", names)}))
    assert set(feed.plan.names.values()) == {"PURCHASE"}


def test_the_folder_names_the_feed(mistake: Callable[..., str]) -> None:
    assert "a feed's folder is named with up to 63 small letters" in mistake(FEED, "My-Feed")
    assert "at least events" in mistake("type: spotify_pipeline.ConversionFeed\n", "orders")
