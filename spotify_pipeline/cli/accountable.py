"""Who decides something, and why: what an approval, a rollback and a leave-taking have in common."""

from __future__ import annotations

import getpass

from spotify_pipeline.cli.errors import CommandError

SHORTEST_REASON = 10


def stated_reason(reason: str) -> str:
    """The reason for a receipt, trimmed.

    Raises:
        CommandError: it is too short to say anything.
    """
    if len(reason.strip()) < SHORTEST_REASON:
        raise CommandError(f"State a reason of at least {SHORTEST_REASON} characters: it is what the receipt will say.")
    return reason.strip()


def who_decides(by: str | None) -> str:
    """The name that ``--by`` gives, else the user's.

    Raises:
        CommandError: this machine has no name for the user, as in some containers.
    """
    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("This machine has no name for your user. Say who decides with --by.") from None
