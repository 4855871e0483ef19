"""The exception of a run that stops on purpose."""

from __future__ import annotations


class MirrorRefused(Exception):
    """A run stops on purpose; the message says why, whether the list was sent (hardly ever), and what to do."""


def way_to_another_kind(audience: str) -> str:
    """What to do where a folder's YAML asks for another kind of audience than the folder already is."""
    return (
        "Give the new one a folder of another name; then say what is to become of the one before: spotify-pipeline "
        f"retire {audience} --policy leave, or --policy delete."
    )
