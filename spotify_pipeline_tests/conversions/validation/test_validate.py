"""Each rule of judging, by an example: what is sent, what is not, and what is said of it."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from spotify_pipeline.conversions.model.errors import EventsError
from spotify_pipeline.conversions.model.plan import Column, OptOutPolicy
from spotify_pipeline.conversions.model.verdict import VERDICTS
from spotify_pipeline.conversions.validation.validate import validate_events
from spotify_pipeline.identity import Email, digest
from spotify_pipeline.rows import DigestSet, IdentifierColumns, IdentifierPlan, RowsError, Suppressions
from spotify_pipeline_tests.conversions.validating import (
    NOW,
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
PHONE, DEVICE = "+12025550123", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"


def hashed(value: str) -> str:
    return digest(pl.Series([value])).item()


def suppressing(**sources: str) -> Suppressions:
    return Suppressions({name: DigestSet.of(pl.Series([hashed(value)])) for name, value in sources.items()})


def test_a_whole_event_as_spotify_takes_it() -> None:
    found = verdict(
        phone="(202) 555-0123", device=DEVICE.upper(), ip="203.0.113.12", title=' A "fine"\ncoat ', category=2271,
        url="https://example.com/thanks?a=1#top", channel="web", opted_out=False, second_email="b@example.org",
    )  # fmt: skip
    assert found["body"] == (
        '{"event_name":"PURCHASE","event_id":"order-1","event_time":"2026-11-22T10:00:00.000Z","user_data":{'
        f'"hashed_emails":["{hashed("anna@example.com")}","{hashed("b@example.org")}"],'
        f'"hashed_phone_number":"{hashed(PHONE)}","device_id":"{DEVICE}","ip_address":"203.0.113.12"}},'
        '"event_details":{"currency":"USD","amount":100,"content_category":"2271",'
        '"content_name":"A \\"fine\\"\\u000acoat"},"event_source_url":"https://example.com/thanks",'
        '"action_source":"WEB","opt_out_targeting":false}'
    )


def test_the_frame_is_as_promised() -> None:
    rows = rows_with({}, {"order_id": None}, {"consent": None})
    for part in (rows, rows.head(0), rows.head(1)):
        found = validate_events(part, PLAN, now=NOW)
        assert dict(found.schema) == dict(VERDICTS)
        assert found.height == part.height
        assert found["key"].null_count() == 0


def test_a12_without_consent_nothing_of_an_event_is_sent() -> None:
    said = [None, "no", "", "maybe", "2"]
    assert outcomes(consent=said) == [("filtered", "no_consent", None)] * 5
    in_people = plan_with(
        consent_column=None,
        identifiers=IdentifierPlan(
            identifiers={"email": IdentifierColumns(kind=Email(), columns=("email",))}, consent_column="consent"
        ),
    )
    assert outcomes(in_people, consent=said) == [("filtered", "no_consent", None)] * 5
    assert outcomes(plan_with(consent_column=None), consent=said) == [PENDING] * 5


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"email": None}, "user_data"),
        ({"email": " "}, "user_data"),
        ({"email": "not an address"}, "hashed_emails"),
        ({"email": None, "second_email": "x", "phone": "12", "device": "?", "ip": "10.0.0.1"},
         "hashed_emails,hashed_phone_number,device_id,ip_address"),
        ({"email": None, "device": "f" * 64}, "device_id"),
        ({"email": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, "hashed_emails"),
        ({"email": None, "device": "00000000-0000-0000-0000-000000000000"}, "device_id"),
    ],
)  # fmt: skip
def test_a12_an_event_of_nobody_is_not_sent(changes: dict[str, Any], fields: str) -> None:
    assert outcome(**changes) == ("dead", "no_identifier", fields)


def test_a12_a_feed_without_any_identifier_sends_nothing() -> None:
    assert outcome(plan_with(identifiers=None, ip_address=None)) == ("dead", "no_identifier", "user_data")
    only_address = plan_with(identifiers=None)
    assert body(only_address, ip="203.0.113.12")["user_data"] == {"ip_address": "203.0.113.12"}


def test_an_unusable_identifier_is_left_out_where_another_remains() -> None:
    found = body(email="x", second_email="Anna@Example.com ", phone="12", device="f" * 64, ip="localhost")
    assert found["user_data"] == {"hashed_emails": [hashed("anna@example.com")]}


def test_an_address_is_sent_once_whether_it_came_hashed_or_not() -> None:
    both = body(email="anna@example.com", second_email=hashed("anna@example.com").upper())
    assert both["user_data"]["hashed_emails"] == [hashed("anna@example.com")]


PUBLIC = {
    "203.0.113.12": "203.0.113.12",
    " 198.51.100.1 ": "198.51.100.1",
    "2001:DB8:0:0::1": "2001:db8::1",
    "::ffff:203.0.113.12": "203.0.113.12",
}
NOBODYS = [
    "203.0.113.012",
    "203.0.113.256",
    "203.0.113.12:443",
    "203.0.113.12, 203.0.113.13",
    "203.0.113.0/24",
    "10.1.2.3",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "0.0.0.0",  # noqa: S104
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "12345",
]


def test_addresses_of_the_public_internet_are_sent() -> None:
    found = [each["user_data"].get("ip_address") for each in bodies(ip=[*PUBLIC, *NOBODYS])]
    assert found == [*PUBLIC.values(), *(None for _ in NOBODYS)]


@pytest.mark.parametrize(("source", "reason"), [("unsubscribed", "suppressed"), ("erasure", "erased")])
def test_p13_whoever_shares_one_digest_with_a_suppression_is_not_sent(source: str, reason: str) -> None:
    of_address = [
        {"email": "A@example.com"},
        {"second_email": "a@example.com"},
        {"second_email": hashed("a@example.com")},
    ]
    shared = {"a@example.com": of_address, PHONE: [{"phone": "202-555-0123"}]}
    shared[DEVICE] = [{"device": DEVICE}, {"device": hashed(DEVICE)}]
    rows = rows_with(*(each for people in shared.values() for each in people))
    for who, people in shared.items():
        found = verdicts(rows, suppressions=suppressing(**{source: who}))
        held = [(each["state"], each["reason"]) for each in found if each["body"] is None]
        assert held == [("filtered", reason)] * len(people)
    assert {each["state"] for each in verdicts(rows, suppressions=suppressing(**{source: "o@example.com"}))} == {
        "pending"
    }


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_p13_a_device_is_suppressed_in_whatever_case_it_was_hashed(case: Any) -> None:
    found = verdict(suppressions=suppressing(unsubscribed=case(DEVICE)), device=DEVICE)
    assert (found["state"], found["reason"]) == ("filtered", "suppressed")


def test_p13_who_asked_to_be_forgotten_is_counted_as_erased() -> None:
    both = suppressing(unsubscribed="anna@example.com", erasure="anna@example.com")
    assert verdict(suppressions=both)["reason"] == "erased"


@pytest.mark.parametrize("said", [["yes", "Y", "2026-01-01", "unclear"], [True], [1], [1.0]])
def test_a11_who_opted_out_is_flagged_or_dropped(said: list[Any]) -> None:
    assert {each["opt_out_targeting"] for each in bodies(opted_out=said)} == {True}
    dropped = outcomes(plan_with(opt_out_policy=OptOutPolicy.DROP), opted_out=said)
    assert set(dropped) == {("filtered", "opted_out", None)}


@pytest.mark.parametrize("said", [[None, "no", " N", "", "false"], [False], [0], [0.0]])
def test_a11_who_did_not_opt_out_is_sent_as_such(said: list[Any]) -> None:
    assert {each["opt_out_targeting"] for each in bodies(opted_out=said)} == {False}
    assert set(outcomes(plan_with(opt_out_policy=OptOutPolicy.DROP), opted_out=said)) == {PENDING}
    assert not [each for each in bodies(plan_with(opt_out_column=None), opted_out=said) if "opt_out_targeting" in each]


def test_a_name_as_long_as_it_is_but_not_an_event_that_is_too_large() -> None:
    assert len(body(title="ä" * 100_000)["event_details"]["content_name"]) == 100_000
    assert outcome(title="ä" * 250_000) == ("dead", "too_large", "content_name")
    assert outcome(title="x", url="https://example.com/" + "a" * 500_000) == ("dead", "too_large", "event_source_url")


def test_what_somebody_decided_goes_before_what_is_at_fault() -> None:
    wrong: dict[str, Any] = {"order_id": None, "total": "-1", "email": "anna@example.com", "opted_out": True}
    wrong |= {"event": "ping", "consent": "no", "happened_at": "2020-01-01", "category": "x", "currency": "?"}
    plan = plan_with(names={"ping": None}, opt_out_policy=OptOutPolicy.DROP)
    suppressions = suppressing(unsubscribed="anna@example.com")
    order: list[str] = []
    for better in ({}, {"event": "nothing known"}, {"consent": "yes"}, {"email": "b@example.com"}, {"opted_out": None},
                   {"happened_at": (NOW + timedelta(days=1)).isoformat()}):  # fmt: skip
        wrong |= better
        found = verdict(plan, suppressions=suppressions, **wrong)
        order.append(found["reason"])
        assert (found["fields"] is None) == (found["state"] == "filtered")
    assert order == ["not_wanted", "no_consent", "suppressed", "opted_out", "too_old", "no_event_id"]
    assert found["fields"] == "event_id,event_name,event_time,amount,content_category"


def test_a_missing_column_is_named_and_so_is_one_of_lists() -> None:
    rows = rows_with({})
    with pytest.raises(EventsError, match="no column 'total'") as missing:
        validate_events(rows.drop("total"), PLAN, now=NOW)
    lists = rows.with_columns(title=pl.Series([["secret@example.com"]]))
    with pytest.raises(EventsError, match="'title' holds List") as nested:
        validate_events(lists, PLAN, now=NOW)
    for raised in (missing, nested):
        assert "example.com" not in str(raised.value)
        assert "Nothing was sent." in str(raised.value)


def test_the_time_of_judging_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        validate_events(rows_with({}), PLAN, now=NOW.replace(tzinfo=None))


def test_the_plan_names_every_column_it_reads() -> None:
    assert sorted(PLAN.columns) == sorted(rows_with({}).columns)
    both = plan_with(event_name=Column("total"))
    assert both.columns.count("total") == 1


def test_a_list_of_texts_is_several_identifiers_of_one_person() -> None:
    emails = [["anna@example.com", "B@example.com", None], [" "], []]
    rows = rows_with({}, {"order_id": "order-2"}, {"order_id": None}).with_columns(email=pl.Series(emails))
    first, second, third = verdicts(rows)
    told = json.loads(first["body"])["user_data"]
    assert told["hashed_emails"] == [hashed("anna@example.com"), hashed("b@example.com")]
    assert (second["reason"], second["fields"]) == ("no_identifier", "user_data")
    assert third["reason"] == "no_event_id"
    unusable = verdicts(rows_with({}).with_columns(email=pl.Series([["anna"]])))[0]
    assert (unusable["reason"], unusable["fields"]) == ("no_identifier", "hashed_emails")


def test_events_without_an_id_are_told_apart_by_the_values_in_their_lists() -> None:
    emails = [
        ["a@example.com", "b@example.com"],
        ["a@example.com" + "b@example.com"],
        ["a@example.com", None],
        None,
        [],
    ]
    rows = rows_with(*[{"order_id": None}] * 5).with_columns(email=pl.Series(emails, dtype=pl.List(pl.String)))
    assert len({each["key"] for each in verdicts(rows)}) == 5


@pytest.mark.parametrize("column", ["title", "order_id", "consent"])
def test_a_list_is_refused_where_one_value_is_asked_for(column: str) -> None:
    with pytest.raises(EventsError, match=f"column '{column}' holds List"):
        verdicts(rows_with({}).with_columns(pl.Series(column, [["yes"]])))


@pytest.mark.parametrize("consent", [1.0, "1.0", "\ufeffyes", Decimal("1.00"), "Y", True])
def test_a_yes_is_a_yes_whatever_the_column_made_of_it(consent: object) -> None:
    assert verdict(consent=consent)["state"] == "pending"


def test_a14_a_consent_column_that_can_never_say_yes_is_refused_by_its_type() -> None:
    with pytest.raises(RowsError, match="consent column 'consent' holds Date, which can never say yes"):
        verdict(consent=NOW.date())
