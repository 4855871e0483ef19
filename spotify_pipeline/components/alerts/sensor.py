"""Tells people what they must know, through a webhook and Dagster's log: each change once, and daily what stands."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline.components.alerts.channels import deliver, webhook_client
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import AlertWebhook, PipelineHome
from spotify_pipeline.mirror import Alert, Alerts
from spotify_pipeline.printable import printable
from spotify_pipeline.retries import ALERT


def alert_sensor() -> dg.SensorDefinition:
    """A sensor, on by default, that tells due alerts once a minute. It starts no run."""

    @dg.sensor(
        name="spotify_alerts",
        minimum_interval_seconds=int(ALERT.pause(1)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            "Reports what is wrong with an audience, and when it is resolved: runs held back by a guard, erasures that "
            "wait, audiences left behind. To the connection's alert_webhook, where it is set, and to this log."
        ),
    )
    def alerts(
        context: dg.SensorEvaluationContext, spotify_home: PipelineHome, spotify_alert_webhook: AlertWebhook
    ) -> dg.SkipReason:
        with sanitized_failures():
            return dg.SkipReason(tell(spotify_home.alerts, spotify_alert_webhook.address, context))

    return alerts


def tell(alerts: Alerts, webhook: str | None, context: dg.SensorEvaluationContext) -> str:
    """Tell every due alert, to ``webhook`` where there is one; a sentence on what was told.

    Raises:
        HomeError: it cannot be noted that an alert was told.
    """
    if webhook is None:
        # This log is then the one place where they are told.
        told = alerts.due()
        for alert in told:
            alerts.telling(alert)
            _log(alert, context)
            alerts.told(alert)
        return _said(len(told), 0)
    with webhook_client() as client:
        delivery = deliver(alerts, webhook, client)
    for alert in delivery.told:
        _log(alert, context)
    if delivery.problem is not None:
        context.log.error(delivery.problem)
    return _said(len(delivery.told), len(delivery.waiting))


def _log(alert: Alert, context: dg.SensorEvaluationContext) -> None:
    if alert.resolved:
        context.log.info("Over: %s", printable(alert.sentence, lines=True))
    else:
        context.log.error(printable(alert.sentence, lines=True))


def _said(told: int, waiting: int) -> str:
    if not told and not waiting:
        return "There is nothing to tell."
    return f"{told} alerts told, {waiting} waiting."
