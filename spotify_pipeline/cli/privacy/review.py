"""What `forget` says before it acts: how many people of which audiences at Spotify would go; too many are refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import load_definitions
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.mirror.guards import MAX_SHRINK, counted, exact, guard_limits, percent
from spotify_pipeline.privacy import Attribution, LiveLoss, Review


def said_before(*, yes: bool, by: str | None) -> Review:
    """Prints what would go, and refuses what is beyond an audience's ``max_shrink`` without ``--yes``.

    Args:
        yes: ``--yes`` was given.
        by: who gives it; by default the user.
    """

    def review(losses: Sequence[LiveLoss]) -> Attribution | None:
        print_table(
            "lists at Spotify would lose rows by it",
            ("live list of", "rows that go", "of", "share"),
            map(_cells, losses),
        )
        sys.stdout.write("\n")
        limits = _limits() if any(each.going for each in losses) else {}
        default = guard_limits()[MAX_SHRINK]
        beyond = [each for each in losses if each.share > exact(limits.get(each.audience, default))]
        if beyond and not yes:
            told = " and ".join(
                f"{each.audience} ({percent(each.share)} of the list that Spotify has, at most "
                f"{percent(exact(limits.get(each.audience, default)))} by its max_shrink)"
                for each in beyond
            )
            raise CommandError(
                f"So many people at a time may be a wrong file: they are a large share of {told}. Nothing was recorded "
                "or changed. Look at what you gave; if it is meant, run it again with --yes."
            )
        return Attribution(by=who_decides(by), at=datetime.now(UTC)) if yes else None

    return review


def _cells(loss: LiveLoss) -> tuple[str, ...]:
    if loss.rows is None:
        return loss.audience, "not known", "not kept here as it was sent", ""
    more = f", and {counted(loss.gone)} before" if loss.gone else ""
    return loss.audience, f"{counted(loss.going)}{more}", f"{loss.rows:,}", percent(loss.share)


def _limits() -> dict[str, float]:
    """The ``max_shrink`` of each audience; the defaults hold where the project's YAML cannot be read."""
    from spotify_pipeline.components import audience_definitions

    try:
        audiences = audience_definitions(load_definitions())
    except CommandError as error:
        default = percent(exact(guard_limits()[MAX_SHRINK]))
        sys.stderr.write(f"warning: {error} Until then every audience counts with the default max_shrink, {default}.\n")
        return {}
    return {definition.folder: definition.limits[MAX_SHRINK] for definition in audiences}
