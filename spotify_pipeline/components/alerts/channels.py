"""Tells due alerts to a webhook, such as Slack's: ``{"text": "<sentence>"}``, one POST for each.

The webhook's address is a credential: it is in no log, error or record. Spotify's HTTP client is used for what it
ensures for every call: no proxy, certificate or password of the environment, no redirect, a deadline, silence in logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from spotify_pipeline.mirror import Alert, Alerts
from spotify_pipeline.printable import printable
from spotify_pipeline.retries import ALERT
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline.spotify.transport import HttpClient, Service, Transport

WEBHOOK = Service("alerts", "the alert webhook", read_seconds=10, write_seconds=10, total_seconds=ALERT.one_try)
_LOCAL = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """The outcome of the due alerts.

    Attributes:
        told: those delivered now.
        waiting: those that stay due.
        problem: why they do, in a sentence; None where nothing waits.
    """

    told: tuple[Alert, ...] = ()
    waiting: tuple[Alert, ...] = ()
    problem: str | None = None


def webhook_client(transport: Transport | None = None) -> HttpClient:
    """A client for webhooks; close it, or use it in a ``with`` block. ``transport`` replaces the network, for tests."""
    return HttpClient(WEBHOOK, transport=transport)


def deliver(alerts: Alerts, webhook_url: str | None, client: HttpClient) -> Delivery:
    """Tell every due alert, and note that it was told.

    A failure ends it: that alert and those after it stay due for the next time. It raises nothing of the network, as
    an alert that cannot be told must not stop what it is about.

    Args:
        alerts: of this machine.
        webhook_url: https, or http to 127.0.0.1; None where nobody is to be told.
        client: as ``webhook_client`` gives it.

    Raises:
        HomeError: it cannot be noted that an alert is told.
    """
    due = alerts.due()
    if not due:
        return Delivery()
    if webhook_url is None:
        return Delivery(waiting=tuple(due), problem="No webhook is set, so nobody was told.")
    if not _is_usable(webhook_url):
        sentence = "The alert webhook's address is not an https:// address, so nobody was told. Correct it."
        return Delivery(waiting=tuple(due), problem=sentence)
    for position, alert in enumerate(due):
        alerts.telling(alert)
        problem = _post(alert, webhook_url, client)
        if problem is not None:
            return Delivery(told=tuple(due[:position]), waiting=tuple(due[position:]), problem=problem)
        alerts.told(alert)
    return Delivery(told=tuple(due))


def _post(alert: Alert, webhook_url: str, client: HttpClient) -> str | None:
    """Why it was not told, in a sentence; None if it was."""
    try:
        answer = client.send("POST", webhook_url, route="/", json={"text": printable(alert.sentence, lines=True)})
    except SpotifyError as error:
        return f"{error.message} The alert is told again later."
    except Exception as error:  # noqa: BLE001 - whatever it is, its message may hold the address
        return f"The alert webhook could not be used ({type(error).__name__}). The alert is told again later."
    if not 200 <= answer.status < 300:
        return f"The alert webhook answered with status {answer.status}. The alert is told again later."
    return None


def _is_usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == _LOCAL)
        )
    except ValueError:
        return False
