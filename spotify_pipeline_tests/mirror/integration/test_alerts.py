"""A person is told of each change once, and of no change never; and the webhook's address stays a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotify_pipeline.components.alerts.channels import deliver, webhook_client
from spotify_pipeline.mirror.alerts import AlertKind, Alerts
from spotify_pipeline.state import StateError, StateStore
from spotify_pipeline.state.tables import alert as rows

NOW = datetime(2026, 11, 16, 6, 0, tzinfo=UTC)
URL = "https://hooks.example.com/services/T0/B0/s3cr3tpath"


@pytest.fixture
def alerts(state: StateStore) -> Alerts:
    return Alerts(state)


def blocked(alerts: Alerts, *codes: str, audience: str = "lapsed", days: int = 0) -> None:
    sentence = (
        f"Audience {audience} is blocked by {', '.join(codes)}." if codes else f"Audience {audience} is sent again."
    )
    alerts.state(audience, AlertKind.BLOCKED, codes, sentence, NOW + timedelta(days=days))


def tell(alerts: Alerts) -> list[str]:
    told = [each.sentence for each in alerts.due()]
    for each in alerts.due():
        alerts.telling(each)
        alerts.told(each)
    return told


class Webhook:
    """Keeps what is posted, and answers as told."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self._answer = answer or (lambda _: httpx.Response(200, text="ok"))
        self.client = webhook_client(httpx.MockTransport(self._take))

    def _take(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answer(request)

    @property
    def texts(self) -> list[str]:
        return [json.loads(request.content)["text"] for request in self.requests]


def test_w14_five_blocked_runs_are_one_alert(alerts: Alerts) -> None:
    told = []
    for day in range(5):
        blocked(alerts, "shrink", days=day)
        told += tell(alerts)
    assert told == ["Audience lapsed is blocked by shrink."]


def test_w14_another_reason_and_the_recovery_are_alerts_of_their_own(alerts: Alerts) -> None:
    told = []
    for codes in [("shrink",), ("shrink",), ("churn", "shrink"), ("shrink", "churn"), (), (), ("shrink",)]:
        blocked(alerts, *codes)
        told += tell(alerts)
    assert told == [
        "Audience lapsed is blocked by shrink.",
        "Audience lapsed is blocked by churn, shrink.",
        "Audience lapsed is sent again.",
        "Audience lapsed is blocked by shrink.",
    ]


def test_w14_what_was_over_before_anybody_was_told_is_no_alert(alerts: Alerts) -> None:
    blocked(alerts)
    blocked(alerts, "shrink")
    blocked(alerts)
    assert alerts.due() == []


def test_an_untold_alert_is_told_with_its_newest_sentence_and_first_time(alerts: Alerts) -> None:
    for days, left in enumerate(["5 days left", "4 days left"]):
        alerts.state("lapsed", AlertKind.ERASURE_DUE, ["soon"], left, NOW + timedelta(days=days))
    (alert,) = alerts.due()
    assert (alert.sentence, alert.since, alert.resolved) == ("4 days left", NOW.isoformat(), False)


def test_audiences_and_kinds_do_not_speak_for_each_other(alerts: Alerts) -> None:
    blocked(alerts, "shrink")
    tell(alerts)
    blocked(alerts, "shrink", audience="lapsed.2")
    alerts.state("lapsed", AlertKind.ORPHAN, ["shrink"], "Left behind.", NOW)
    assert [(each.audience, each.kind) for each in alerts.due()] == [
        ("lapsed", AlertKind.ORPHAN),
        ("lapsed.2", AlertKind.BLOCKED),
    ]
    assert len(alerts.standing()) == 3


def test_w14_a_crash_between_delivery_and_its_note_repeats_the_alert(alerts: Alerts) -> None:
    blocked(alerts, "shrink")
    (alert,) = alerts.due()
    alerts.telling(alert)
    assert alerts.due() == [alert]


def test_w14_after_such_a_crash_the_recovery_is_told_too(alerts: Alerts) -> None:
    """Somebody may have been told that it is blocked, so they must hear that it is not."""
    blocked(alerts, "shrink")
    alerts.telling(alerts.due()[0])
    blocked(alerts)
    assert [each.resolved for each in alerts.due()] == [True]


def test_what_changes_while_it_is_told_stays_due(alerts: Alerts) -> None:
    blocked(alerts, "shrink")
    (alert,) = alerts.due()
    alerts.telling(alert)
    blocked(alerts, "churn")
    alerts.told(alert)
    assert [each.codes for each in alerts.due()] == [("churn",)]


@pytest.mark.parametrize("audience", ["", "../x", "a/b", "A", "a.b", "å", "a\n"])
def test_an_alert_of_what_is_no_audience(alerts: Alerts, audience: str) -> None:
    with pytest.raises(ValueError, match="named by"):
        alerts.state(audience, AlertKind.BLOCKED, ["x"], "", NOW)


@given(st.lists(st.sampled_from([(), ("a",), ("b",), ("a", "b")]), max_size=12), st.data())
def test_w14_the_last_thing_told_is_how_it_stands(
    tmp_path_factory: pytest.TempPathFactory, states: list[tuple[str, ...]], data: st.DataObject
) -> None:
    """Whatever happens in between: told again only if it changed, and once all is told, the last word is the truth."""
    alerts = Alerts(StateStore.in_home(tmp_path_factory.mktemp("home")))
    told: list[tuple[str, ...]] = [()]
    for codes in states:
        blocked(alerts, *codes)
        if data.draw(st.booleans()):
            told += [each.codes for each in alerts.due()]
            tell(alerts)
    told += [each.codes for each in alerts.due()]
    assert told[-1] == (states[-1] if states else ())
    assert all(one != other for one, other in pairwise(told))


def test_w14_each_due_alert_is_posted_once(alerts: Alerts) -> None:
    webhook = Webhook()
    for _ in range(5):
        blocked(alerts, "shrink")
        blocked(alerts, "churn", audience="loyal")
        deliver(alerts, URL, webhook.client)
    assert webhook.texts == ["Audience lapsed is blocked by shrink.", "Audience loyal is blocked by churn."]
    (request, _) = webhook.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert json.loads(request.content).keys() == {"text"}


def refuse(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError(f"no way to {request.url}", request=request)


def drop(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout(f"late {request.url}", request=request)


def explode(request: httpx.Request) -> httpx.Response:
    raise RuntimeError(f"unexpected {request.url}")


@pytest.mark.parametrize(
    "answer",
    [
        refuse,
        drop,
        explode,
        lambda request: httpx.Response(500, text=str(request.url)),
        lambda _: httpx.Response(404),
        lambda _: httpx.Response(302, headers={"Location": "https://example.org/"}),
    ],
)
def test_p02_a_failed_delivery_stays_due_and_shows_no_address(
    alerts: Alerts,
    state: StateStore,
    answer: Callable[[httpx.Request], httpx.Response],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    webhook = Webhook(answer)
    blocked(alerts, "shrink")
    delivery = deliver(alerts, URL, webhook.client)
    assert (len(delivery.told), len(delivery.waiting), len(webhook.requests)) == (0, 1, 1)
    assert delivery.problem is not None
    assert alerts.due() == list(delivery.waiting)
    assert not any(part in delivery.problem + caplog.text for part in ("s3cr3t", "hooks.example.com"))
    with state.read() as transaction:
        kept = str(transaction.execute(rows.select()).all())
    assert not any(part in kept for part in ("s3cr3t", "hooks.example.com"))


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/s3cr3t", "ftp://example.com/s3cr3t", "s3cr3t", "https://", "http://[s3cr3t"]
)
def test_an_address_that_is_not_safe_is_not_used(alerts: Alerts, url: str) -> None:
    webhook = Webhook()
    blocked(alerts, "shrink")
    delivery = deliver(alerts, url, webhook.client)
    assert (webhook.requests, len(delivery.waiting)) == ([], 1)
    assert "s3cr3t" not in str(delivery.problem)


def test_this_machine_may_be_told_without_tls_and_nobody_without_a_webhook(alerts: Alerts) -> None:
    webhook = Webhook()
    blocked(alerts, "shrink")
    assert len(deliver(alerts, None, webhook.client).waiting) == 1
    assert len(deliver(alerts, "http://127.0.0.1:8080/", webhook.client).told) == 1
    assert deliver(alerts, None, webhook.client).problem is None


def test_w14_what_stands_is_told_again_a_day_later_and_what_is_over_is_not(state: StateStore) -> None:
    time = [NOW]
    alerts = Alerts(state, clock=lambda: time[0])
    blocked(alerts, "shrink")
    tell(alerts)
    for hours, due in ((23, 0), (24, 1), (24, 0), (47, 0), (48, 1)):
        time[0] = NOW + timedelta(hours=hours)
        blocked(alerts, "shrink")
        assert len(alerts.due()) == due, hours
        tell(alerts)
    blocked(alerts)
    tell(alerts)
    time[0] += timedelta(days=30)
    assert alerts.due() == []


def test_w14_of_many_that_say_it_first_at_once_all_are_heard_and_it_is_told_once(state: StateStore) -> None:
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: blocked(Alerts(state), "shrink"), range(8)))
    assert tell(Alerts(state)) == ["Audience lapsed is blocked by shrink."]


def test_an_alert_that_cannot_be_read_is_an_error_and_not_silence(alerts: Alerts, state: StateStore) -> None:
    blocked(alerts, "shrink")
    with state.begin() as transaction:
        transaction.execute(rows.update().values(content="{}"))
    for use in (alerts.due, alerts.standing, lambda: blocked(alerts)):
        with pytest.raises(StateError, match="an alert that this version of the project cannot read"):
            use()
