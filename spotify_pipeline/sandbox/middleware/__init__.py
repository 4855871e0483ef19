"""What every request passes: access, the request log, and the faults that are scripted for it."""

from spotify_pipeline.sandbox.middleware.middleware import RequestMiddleware

__all__ = [
    "RequestMiddleware",
]
