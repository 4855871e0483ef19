"""Whether a feed may send now: what its guards say, what a person approved, and the check that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import dagster as dg

from spotify_pipeline.components.conversions.feed import FeedDefinition
from spotify_pipeline.conversions import FeedDecision, Outbox, OutboxViews, decide_feed
from spotify_pipeline.mirror import Approval
from spotify_pipeline.mirror.guards import ApprovalStore

FEEDS = "feeds"
"""In place of the ad account that the approvals of audiences name: a feed is approved whatever its connection is."""
DIGEST_SHOWN = 12
FEED_GUARDS = "guards"


@dataclass(frozen=True, kw_only=True)
class FeedSendDecision:
    """What was decided about a feed.

    Attributes:
        feed: its name.
        decision: of its guards.
        approval: that lets it send all the same, if any.
        waiting: events that wait.
    """

    feed: str
    decision: FeedDecision
    approval: Approval | None
    waiting: int

    @property
    def holds(self) -> bool:
        """Whether nothing may be sent."""
        return not self.decision.allowed and self.approval is None

    @property
    def sentence(self) -> str:
        """The decision in words, with what to do."""
        if self.decision.allowed:
            return "No day is unlike the days before it."
        why = " ".join(f"[{each.guard.value}] {each.sentence}" for each in self.decision.held)
        if self.approval is not None:
            return f"{why} Approved by {self.approval.approved_by}: {self.approval.reason}"
        return (
            f"The delivery of {self.feed} is held. {why} Nothing was sent; {self.waiting:,} events wait. If it is a "
            "mistake, fix it: the next run checks these days again. If it is right, run: spotify-pipeline conversions "
            f'approve {self.feed} --digest {self.decision.digest[:DIGEST_SHOWN]} --reason "...", then materialize '
            f"{self.feed}/delivery."
        )


def feed_decision(feed: FeedDefinition, outbox: OutboxViews | Outbox, now: datetime) -> FeedDecision:
    """What the guards of a feed say of the days that its outbox knows."""
    return decide_feed(outbox.readings(), feed.config.guards.limits(), open_day=feed.today(now))


def decide_sending(feed: FeedDefinition, outbox: Outbox, approvals: ApprovalStore, now: datetime) -> FeedSendDecision:
    """Decide about a feed that is about to send. What may pass counts as usual from now on, and an approval is used up.

    Raises:
        ApprovalRefused: the approvals are damaged. Nothing may be sent.
        OutboxError: the outbox cannot be used.
    """
    decision = feed_decision(feed, outbox, now)
    approval = None
    if not decision.allowed:
        standing = approvals.standing(feed.name, FEEDS, decision.digest, now, going_on=False)
        approval = next((each for each in standing if each.file_sha256 == decision.digest), None)
        if approval is not None:
            approvals.use(approval, now, file_sha256=decision.digest)
    if decision.allowed or approval is not None:
        # After the approval: what is let pass needs none any more, should the run break off.
        outbox.accept([*decision.accepted, *dict.fromkeys(each.day for each in decision.held)])
    waiting = sum(each.pending for each in outbox.accounts(outbox.pending_days()))
    return FeedSendDecision(feed=feed.name, decision=decision, approval=approval, waiting=waiting)


def feed_guards_spec(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """That no day is unlike the days before it."""
    return dg.AssetCheckSpec(
        FEED_GUARDS,
        asset=key,
        description="No day has suddenly more rows without consent, of suppressed people, of ignored names or dead "
        "letters than usual, none is without a consent at all, and none is empty. Held: nothing was sent.",
    )


def feed_guards_result(sending: FeedSendDecision) -> dg.AssetCheckResult:
    """What was decided, with a line for each day that is unlike the others. Shares only, as counts say of people."""
    lines = [
        f"| {each.day} | {each.guard.value} | {_share(each.found)} | {_share(each.usual)} |"
        for each in sending.decision.held
    ]
    table = "\n".join(["| day | guard | found | usual |", "|:--|:--|--:|--:|", *lines])
    digest = {"approve": dg.TextMetadataValue(sending.decision.digest)} if sending.holds else {}
    return dg.AssetCheckResult(
        check_name=FEED_GUARDS,
        passed=not sending.holds,
        description=sending.sentence,
        metadata={**({"days": dg.MarkdownMetadataValue(table)} if lines else {}), **digest},
    )


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
