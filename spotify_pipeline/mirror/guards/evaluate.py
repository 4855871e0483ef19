"""Decides whether a list may be sent. Pure: no file, no clock, no Spotify."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from spotify_pipeline.mirror.guards.approval import Approval, ApprovalOf, ApprovalSource, ApprovedChange
from spotify_pipeline.mirror.guards.base import Decision, Finding, Guard, Outcome
from spotify_pipeline.mirror.guards.changes import MAX_SHRINK, moved_by_rules
from spotify_pipeline.mirror.guards.comparison_guards import Drain, HistoryKept
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.limits import GuardLimits
from spotify_pipeline.mirror.guards.registry import GUARDS, finding_of
from spotify_pipeline.mirror.guards.words import exact, percent, share_of

_HISTORY = HistoryKept()
_DIGEST_SHOWN = 12


def decide(
    facts: GuardFacts,
    limits: GuardLimits,
    *,
    audience: str,
    ad_account_id: str,
    approval: Approval | None,
    own_guards: Sequence[Guard] = (),
) -> Decision:
    """Whether the list may be sent, with a finding of each guard.

    An approval that does not hold for this very list, audience, ad account and time is ignored, and the decision says
    why.

    Args:
        facts: what is known.
        limits: of the audience.
        audience: the audience's folder name.
        ad_account_id: where the list is sent.
        approval: that a person gave, if any.
        own_guards: of the project. They are asked after ours, and can only block.

    Raises:
        Exception: a guard failed. The caller must treat that as blocked.
    """
    flaw = why_void(approval, facts, limits, audience, ad_account_id) if approval is not None else ""
    valid = approval if not flaw else None
    found = [(each, each.judge(facts, limits)) for each in GUARDS]
    found += [(each, finding_of(each, facts, limits)) for each in own_guards]
    findings = tuple(finding for _, finding in found)
    final = frozenset(each.name for each, _ in found if each.is_final)
    if valid is not None:
        moved_by = moved_by_rules(facts, limits)
        findings = tuple(_after(valid, moved_by, guard, finding) for guard, finding in found)
        if any(each.outcome is Outcome.BLOCKED and each.guard not in final for each in findings):
            flaw = f"The approval of {valid.approved_at} is for {_extent(valid)}, which is less than what blocks."
    return Decision(
        audience=audience,
        ad_account_id=ad_account_id,
        snapshot=facts.manifest.snapshot,
        file_sha256=facts.manifest.sha256,
        decided_at=facts.now.astimezone(UTC).isoformat(),
        limits=limits,
        findings=findings,
        history=facts.history,
        final=final,
        approval=valid,
        approval_problem=flaw,
    )


def why_void(approval: Approval, facts: GuardFacts, limits: GuardLimits, audience: str, ad_account_id: str) -> str:
    """Why an approval is worth nothing here, as a sentence; empty where it holds."""
    if (approval.audience, approval.ad_account_id) != (audience, ad_account_id):
        return (
            f"The approval that was given is for {approval.audience} in ad account {approval.ad_account_id}, so it "
            "does not count here."
        )
    if facts.now >= datetime.fromisoformat(approval.expires_at):
        return f"The approval that was given expired at {approval.expires_at}, so it does not count."
    live = facts.previous.manifest if facts.previous is not None else None
    if approval.change is not None and (live is None or live.sha256 != approval.change.live_sha256):
        return (
            "The approval that was given is for a change of the list with digest "
            f"{approval.change.live_sha256[:_DIGEST_SHOWN]}, and Spotify has another by now, so it does not count."
        )
    if approval.rules is not None:
        versions = (live.rules_version, facts.manifest.rules_version) if live is not None else None
        if versions != (approval.rules.before, approval.rules.now):
            return (
                f"The approval that was given is for the change from version {approval.rules.before} of the identity "
                f"rules to {approval.rules.now}, and that is not what lies between these lists, so it does not count."
            )
        return ""
    if approval.change is None and approval.file_sha256 != facts.manifest.sha256:
        return (
            f"The approval that was given is for the list with digest {str(approval.file_sha256)[:_DIGEST_SHOWN]}, and "
            "this is another one, so it does not count."
        )
    if approval.source is ApprovalSource.ROLLBACK and facts.went_back_to is not None:
        was = facts.went_back_to.rows
        kept_out = share_of(max(was - facts.manifest.list_rows, 0), was)
        if kept_out > exact(limits[MAX_SHRINK]):
            return (
                f"The word that was given with the rollback is for the list as it was sent, and {percent(kept_out)} of "
                f"it are kept out by now, {percent(exact(limits[MAX_SHRINK]))} may be, so it does not count."
            )
    return ""


def without_history(decision: Decision, problem: str) -> Decision:
    """The decision once Spotify turned out to have a list where the journal says that nothing was ever sent.

    Args:
        decision: that was made in the belief that it is the first list.
        problem: what was found, in words, as the rest of a sentence.
    """
    return _with_history(decision, _HISTORY.missing(problem))


def outdated(decision: Decision, problems: Sequence[str]) -> Decision:
    """The decision where what it was made from turned out to be older than what was sent.

    Args:
        decision: that was made.
        problems: what contradicts, each as a part of a sentence.
    """
    (before,) = [each for each in decision.findings if each.guard == _HISTORY.name]
    blocking = _HISTORY.outdated(problems)
    if before.outcome is Outcome.BLOCKED:
        blocking = replace(blocking, sentence=f"{before.sentence} {blocking.sentence}")
    return _with_history(decision, blocking)


def _with_history(decision: Decision, blocking: Finding) -> Decision:
    """The decision with another finding of the history, which an approval of this very file overrides and no other."""
    approval = decision.approval
    finding = _after(approval, None, _HISTORY, blocking) if approval is not None else blocking
    findings = tuple(finding if each.guard == _HISTORY.name else each for each in decision.findings)
    return replace(decision, findings=findings, history=History.MISSING)


def block_message(decision: Decision) -> str:
    """The message when guards block: which, why, that the audience is unchanged, and what to do."""
    blocking = decision.blocked_by
    why = " ".join(f"[{each.guard}] {each.sentence}" for each in blocking)
    final = [each.guard for each in blocking if each.guard in decision.final]
    if final:
        way = f"No approval can override: {', '.join(final)}."
    else:
        way = (
            "If the list is right all the same, run: spotify-pipeline approve "
            f'{decision.audience} --file-digest {decision.file_sha256[:_DIGEST_SHOWN]} --reason "...", then '
            f"materialize {decision.audience}/spotify_audience for {decision.snapshot}."
        )
        if all(each.beyond for each in blocking):
            way += (
                f" If it is the change that is right, whatever list comes next: spotify-pipeline approve "
                f'{decision.audience} --change --reason "...".'
            )
    said = [
        f"The list of {decision.audience} for {decision.snapshot} is held back.",
        why,
        "Nothing was sent; the audience at Spotify is as it was.",
        decision.approval_problem,
        way,
    ]
    return " ".join(each for each in said if each)


def change_within(decision: Decision, margin: float, live_sha256: str) -> ApprovedChange | None:
    """The change that a blocked decision shows, with a margin in shares; None where no share says what blocks.

    An approval of a loss or an exchange since the list that Spotify has counts since the lists before it, too.
    """
    if decision.allowed or not all(each.beyond and each.guard not in decision.final for each in decision.blocked_by):
        return None
    within = {
        each.guard: {what: round(share + margin, 4) for what, share in each.beyond.items()}
        for each in decision.blocked_by
    }
    lately = within.setdefault(Drain.name, {})
    for guard in GUARDS:
        for what, share in within.get(guard.name, {}).items() if guard.adds_up_as else ():
            summed = f"{what} {guard.adds_up_as}"
            lately[summed] = max(share, lately.get(summed, share))
    return ApprovedChange(live_sha256=live_sha256, within={guard: each for guard, each in within.items() if each})


def _after(approval: Approval, moved_by: tuple[int, int] | None, guard: Guard, finding: Finding) -> Finding:
    """What a guard found, once an approval that is valid is taken into account."""
    if finding.outcome is not Outcome.BLOCKED or not _covers(approval, moved_by, guard, finding):
        return finding
    return replace(finding, outcome=Outcome.OVERRIDDEN)


def _covers(approval: Approval, moved_by: tuple[int, int] | None, guard: Guard, finding: Finding) -> bool:
    """Whether an approval that is valid is for what a guard found."""
    if approval.of not in guard.approvals:
        return False
    if approval.rules is not None:
        return moved_by == (approval.rules.before, approval.rules.now)
    if approval.change is None:
        return True
    within = approval.change.within.get(finding.guard, {})
    most = (within.get(what, within.get("*", 0.0)) for what in finding.beyond)
    return bool(finding.beyond) and all(
        share <= allowed for share, allowed in zip(finding.beyond.values(), most, strict=True)
    )


def _extent(approval: Approval) -> str:
    if approval.of is ApprovalOf.ROLLBACK:
        return "this list as it was once, not for what is known today"
    if approval.change is None:
        return approval.words
    bounds = [(guard, *bound) for guard, each in approval.change.within.items() for bound in each.items()]
    return ", ".join(f"{guard}: {what} up to {percent(exact(share))}" for guard, what, share in bounds)
