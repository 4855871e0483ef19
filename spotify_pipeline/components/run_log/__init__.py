"""What a run's log and metadata say of its calls and of its progress."""

from spotify_pipeline.components.run_log.calls import StepCalls, calls_metadata, new_call_log
from spotify_pipeline.components.run_log.progress import DeliveryProgressLog, UploadProgressLog

__all__ = [
    "DeliveryProgressLog",
    "StepCalls",
    "UploadProgressLog",
    "calls_metadata",
    "new_call_log",
]
