"""What a run's log and metadata say of its calls and of its progress."""

from spotify_pipeline.components.run_log.calls import calls_metadata, new_call_log
from spotify_pipeline.components.run_log.delivery_progress import DeliveryProgressLog
from spotify_pipeline.components.run_log.step_calls import StepCalls
from spotify_pipeline.components.run_log.upload_progress import UploadProgressLog

__all__ = [
    "DeliveryProgressLog",
    "StepCalls",
    "UploadProgressLog",
    "calls_metadata",
    "new_call_log",
]
