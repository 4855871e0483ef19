"""The guards' machine, for tests that need more than pure functions."""

from spotify_pipeline_tests.mirror.guards.conftest import machine

__all__ = ["machine"]
