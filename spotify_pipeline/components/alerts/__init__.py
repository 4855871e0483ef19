"""Tells people what they must know: a sensor, and a webhook."""

from spotify_pipeline.components.alerts.sensor import alert_sensor

__all__ = [
    "alert_sensor",
]
