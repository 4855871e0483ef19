"""What a run's log and metadata say of its calls and of its progress."""

from spotify_pipeline.components.run_log.calls import calls_metadata, new_call_log
from spotify_pipeline.components.run_log.delivery_progress import DeliveryLines
from spotify_pipeline.components.run_log.step_calls import StepCalls
from spotify_pipeline.components.run_log.upload_progress import UploadLines

__all__ = [
    "DeliveryLines",
    "StepCalls",
    "UploadLines",
    "calls_metadata",
    "new_call_log",
]
