"""Who decides something, and why: for approvals, rollbacks and retirements."""

from __future__ import annotations

import getpass

from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.mirror import validated_name, validated_reason

__all__ = ["validated_reason", "who_decides"]


def who_decides(by: str | None) -> str:
    """The name that ``--by`` gives, else the user's.

    Raises:
        CommandError: this machine has no name for the user, as in some containers.
        MirrorRefused: the name cannot be shown.
    """
    if by is not None and by.strip():
        return validated_name(by)
    try:
        return validated_name(getpass.getuser())
    except (KeyError, OSError):
        raise CommandError("This machine has no name for your user. Say who decides with --by.") from None
