"""Retires an audience that is no longer mirrored: deletes it at Spotify, or leaves it there."""

from spotify_pipeline.mirror.retirement.service import (
    Orphan,
    RemovalPolicy,
    Retired,
    orphans,
    part_number,
    retire,
    sent_before,
)

__all__ = [
    "Orphan",
    "RemovalPolicy",
    "Retired",
    "orphans",
    "part_number",
    "retire",
    "sent_before",
]
