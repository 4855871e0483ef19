"""Checks who decides something and why, before it goes into a receipt: from the command line or a run's config."""

from __future__ import annotations

from spotify_pipeline.mirror.errors import MirrorRefused

SHORTEST_REASON = 10


def validated_reason(reason: str) -> str:
    """The reason for a receipt, on one line.

    Raises:
        MirrorRefused: it is too short, or holds characters that cannot be shown.
    """
    line = _line(reason, "reason")
    if len(line) < SHORTEST_REASON:
        raise MirrorRefused(
            f"Give a reason of at least {SHORTEST_REASON} characters: it goes into the receipt. Nothing was changed."
        )
    return line


def validated_name(name: str) -> str:
    """The name of the person who decides, on one line.

    Raises:
        MirrorRefused: it is empty, or holds characters that cannot be shown.
    """
    line = _line(name, "name of who decides")
    if not line:
        raise MirrorRefused("Say who decides: the name is empty. Nothing was changed.")
    return line


def _line(text: str, what: str) -> str:
    line = " ".join(text.split())
    if not line.isprintable():
        raise MirrorRefused(
            f"The {what} holds control characters or others that cannot be shown. Type it again without them. Nothing "
            "was changed."
        )
    return line
