"""Audiences made from customer lists: YAML, assets, schedules."""

from spotify_pipeline.components.audiences.component import CustomerListAudience
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import live_list, predicted
from spotify_pipeline.components.audiences.list_building import non_consenting_people
from spotify_pipeline.components.audiences.membership import membership_steps
from spotify_pipeline.components.audiences.scaffolders import audience_of_table
from spotify_pipeline.components.audiences.schedules import (
    AUDIENCE_TAG,
    WATCH_JOB,
    mirror_schedules,
    watch_definitions,
)

__all__ = [
    "AUDIENCE_TAG",
    "WATCH_JOB",
    "AudienceDefinition",
    "CustomerListAudience",
    "audience_of_table",
    "live_list",
    "membership_steps",
    "mirror_schedules",
    "non_consenting_people",
    "predicted",
    "watch_definitions",
]
