"""The exception of a run that stops on purpose."""

from __future__ import annotations

from spotify_pipeline.errors import ExpectedError


class MirrorRefused(ExpectedError):
    """A run stops on purpose; the message says why, whether the list was sent (hardly ever), and what to do."""


def way_to_another_kind(audience: str) -> str:
    """What to do when a folder's YAML asks for another kind of audience than the folder already is."""
    return (
        "Put the new one into a folder of another name, and retire the old one: spotify-pipeline retire "
        f"{audience} --policy leave, or --policy delete."
    )
