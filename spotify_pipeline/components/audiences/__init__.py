"""Audiences made from customer lists: YAML, assets, schedules."""

from spotify_pipeline.components.audiences.component import CustomerListAudience
from spotify_pipeline.components.audiences.config import each_suppressed_once
from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.audiences.guards_config import not_null
from spotify_pipeline.components.audiences.membership import membership_steps
from spotify_pipeline.components.audiences.schedules import (
    ALL_ASSETS_JOB,
    AUDIENCE_TAG,
    WATCH_JOB,
    mirror_schedules,
    watch_definitions,
)

__all__ = [
    "ALL_ASSETS_JOB",
    "AUDIENCE_TAG",
    "WATCH_JOB",
    "AudienceChain",
    "CustomerListAudience",
    "each_suppressed_once",
    "membership_steps",
    "mirror_schedules",
    "not_null",
    "watch_definitions",
]
