"""`spotify-pipeline conversions guards` and `approve`: what holds a feed, and lets it send once."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from spotify_pipeline.cli.attribution import who_decides
from spotify_pipeline.cli.audiences import LONGEST_HOURS, SHORTEST_DIGEST
from spotify_pipeline.cli.conversions.feeds import FeedArgument
from spotify_pipeline.cli.errors import CommandError
from spotify_pipeline.cli.project import chosen_feed, load_definitions, project_state
from spotify_pipeline.cli.table import print_table
from spotify_pipeline.conversions import FeedDecision, view_outbox
from spotify_pipeline.mirror import Approval, ApprovalSource, ApprovalStore, validated_reason


def guards(feed: FeedArgument) -> None:
    """Show which days hold a feed, and why. Exits 1 if a day holds it."""
    decision = _decision_of(feed)
    lines = [(each.day.isoformat(), each.guard.value, each.sentence) for each in decision.held]
    if not lines:
        sys.stdout.write("No day is unlike the days before it.\n")
        return
    print_table("days that hold the delivery", ("day", "guard", "why"), lines)
    sys.stdout.write(f"Digest to approve: {decision.digest[:SHORTEST_DIGEST]}\n")
    raise typer.Exit(1)


def approve(
    feed: FeedArgument,
    digest: Annotated[str, typer.Option(metavar="DIGEST", help="That `conversions guards` and the held run name.")],
    reason: Annotated[str, typer.Option(help="Why it is right, in a sentence.")],
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who approves; by default your user name.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=LONGEST_HOURS, help="How long the approval waits to be used.")] = 24,
) -> None:
    """Let a feed send once although days of it are unlike the days before them.

    The approval holds for these days, each for its reason, and is used up by the next delivery. Nothing is sent by this
    command.
    """
    from spotify_pipeline.components.conversions import FEEDS

    why, who = validated_reason(reason), who_decides(by)
    decision = _decision_of(feed)
    if decision.allowed:
        raise CommandError(f"No guard holds {feed} now. Nothing was approved.")
    given = digest.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}", given) or not decision.digest.startswith(given):
        held = ", ".join(f"{each.day} ({each.guard.value})" for each in decision.held)
        raise CommandError(
            f"{given} is not what holds {feed}: that is {held}, with the digest {decision.digest[:SHORTEST_DIGEST]}. "
            "Nothing was approved."
        )
    now = datetime.now(UTC)
    approval = Approval(
        audience=feed,
        ad_account_id=FEEDS,
        file_sha256=decision.digest,
        reason=why,
        approved_by=who,
        approved_at=now.isoformat(),
        expires_at=(now + timedelta(hours=hours)).isoformat(),
        source=ApprovalSource.COMMAND,
    )
    ApprovalStore(project_state()).give(approval)
    days = ", ".join(dict.fromkeys(each.day.isoformat() for each in decision.held))
    sys.stdout.write(
        f"Approved by {who}: {feed} may send although {days} is unlike the days before it, once, until "
        f"{approval.expires_at[:16].replace('T', ' ')} UTC.\nNow materialize {feed}/delivery.\n"
    )


def _decision_of(feed: str) -> FeedDecision:
    from spotify_pipeline.components.conversions import feed_decision

    chosen = chosen_feed(load_definitions(), feed)
    with view_outbox(feed, project_state()) as outbox:
        return feed_decision(chosen, outbox, datetime.now(UTC))
