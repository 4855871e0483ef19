"""Decides whether a list may be sent. Pure: no file, no clock, no Spotify."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from spotify_pipeline.mirror.guards import comparison_guards as comparisons
from spotify_pipeline.mirror.guards import list_guards as list_checks
from spotify_pipeline.mirror.guards.approval import Approval, ApprovalSource, ApprovedChange
from spotify_pipeline.mirror.guards.base import FINAL, Decision, Finding, GuardName, Outcome
from spotify_pipeline.mirror.guards.changes import moved_by_rules
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.findings import exact, percent, share_of
from spotify_pipeline.mirror.guards.limits import GuardLimits

_GUARDS: Mapping[GuardName, Callable[[GuardFacts, GuardLimits], Finding]] = {
    GuardName.EMPTY: list_checks.empty,
    GuardName.MINIMUM: list_checks.minimum,
    GuardName.SHRINK: comparisons.shrink,
    GuardName.GROWTH: comparisons.growth,
    GuardName.CHURN: comparisons.churn,
    GuardName.DRAIN: comparisons.drain,
    GuardName.INVALID: list_checks.invalid,
    GuardName.COLUMN_GONE: comparisons.column_gone,
    GuardName.COLUMN_CONSTANT: list_checks.column_constant,
    GuardName.PARTIAL_READ: list_checks.partial_read,
    GuardName.STALE_SOURCE: list_checks.stale_source,
    GuardName.SWAPPED: comparisons.swapped,
    GuardName.AD_ACCOUNT: comparisons.ad_account,
    GuardName.HISTORY: comparisons.history,
    GuardName.SUPPRESSIONS: comparisons.suppressions,
    GuardName.ERASED: list_checks.erased,
    GuardName.OVERSIZE: list_checks.oversize,
}
_MOVED_BY_RULES = frozenset(
    {GuardName.SHRINK, GuardName.GROWTH, GuardName.CHURN, GuardName.DRAIN, GuardName.COLUMN_GONE}
)
_NOT_BY_ROLLBACK = frozenset({GuardName.AD_ACCOUNT, GuardName.HISTORY, GuardName.SUPPRESSIONS})
"""A rollback says that a list is right as it was once; not that what this machine knows or reads today is right."""
_SINCE_THOSE_BEFORE = {GuardName.SHRINK: "fewer", GuardName.CHURN: "exchanged", GuardName.COLUMN_GONE: "fewer"}
_DIGEST_SHOWN = 12


def decide(
    facts: GuardFacts, limits: GuardLimits, *, audience: str, ad_account_id: str, approval: Approval | None
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

    Raises:
        Exception: a guard failed. The caller must treat that as blocked.
    """
    flaw = why_void(approval, facts, limits, audience, ad_account_id) if approval is not None else ""
    valid = approval if not flaw else None
    findings = tuple(_GUARDS[guard](facts, limits) for guard in GuardName)
    if valid is not None:
        covers = partial(_covers, valid, moved_by_rules(facts, limits))
        findings = tuple(_overridden(each) if covers(each) else each for each in findings)
        if any(each.outcome is Outcome.BLOCKED and each.guard not in FINAL for each in findings):
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
        if kept_out > exact(limits.max_shrink):
            return (
                f"The word that was given with the rollback is for the list as it was sent, and {percent(kept_out)} of "
                f"it are kept out by now, {percent(exact(limits.max_shrink))} may be, so it does not count."
            )
    return ""


def without_history(decision: Decision, problem: str) -> Decision:
    """The decision once Spotify turned out to have a list where the journal says that nothing was ever sent.

    Args:
        decision: that was made in the belief that it is the first list.
        problem: what was found, in words, as the rest of a sentence.
    """
    return _with_history(decision, comparisons.missing_history(problem))


def outdated(decision: Decision, problems: Sequence[str]) -> Decision:
    """The decision where what it was made from turned out to be older than what was sent.

    Args:
        decision: that was made.
        problems: what contradicts, each as a part of a sentence.
    """
    (before,) = [each for each in decision.findings if each.guard is GuardName.HISTORY]
    blocking = comparisons.outdated_history(problems)
    if before.outcome is Outcome.BLOCKED:
        blocking = replace(blocking, sentence=f"{before.sentence} {blocking.sentence}")
    return _with_history(decision, blocking)


def _with_history(decision: Decision, blocking: Finding) -> Decision:
    """The decision with another finding of the history, which an approval of this very file overrides and no other."""
    approval = decision.approval
    finding = _overridden(blocking) if approval is not None and _covers(approval, None, blocking) else blocking
    findings = tuple(finding if each.guard is GuardName.HISTORY else each for each in decision.findings)
    return replace(decision, findings=findings, history=History.MISSING)


def block_message(decision: Decision) -> str:
    """The message when guards block: which, why, that the audience is unchanged, and what to do."""
    blocking = decision.blocked_by
    why = " ".join(f"[{each.guard}] {each.sentence}" for each in blocking)
    final = [each.guard.value for each in blocking if each.guard in FINAL]
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
    if decision.allowed or not all(each.beyond and each.guard not in FINAL for each in decision.blocked_by):
        return None
    within: dict[str, dict[str, float]] = {
        str(each.guard): {what: round(share + margin, 4) for what, share in each.beyond.items()}
        for each in decision.blocked_by
    }
    lately = within.setdefault(str(GuardName.DRAIN), {})
    for guard, ending in _SINCE_THOSE_BEFORE.items():
        for what, share in within.get(str(guard), {}).items():
            lately[f"{what} {ending}"] = max(share, lately.get(f"{what} {ending}", share))
    return ApprovedChange(live_sha256=live_sha256, within={guard: each for guard, each in within.items() if each})


def _covers(approval: Approval, moved_by: tuple[int, int] | None, finding: Finding) -> bool:
    """Whether an approval that is valid is for what a guard found."""
    if approval.rules is not None:
        return finding.guard in _MOVED_BY_RULES and moved_by == (approval.rules.before, approval.rules.now)
    if approval.change is None:
        return approval.source is not ApprovalSource.ROLLBACK or finding.guard not in _NOT_BY_ROLLBACK
    within = approval.change.within.get(str(finding.guard), {})
    most = (within.get(what, within.get("*", 0.0)) for what in finding.beyond)
    return bool(finding.beyond) and all(
        share <= allowed for share, allowed in zip(finding.beyond.values(), most, strict=True)
    )


def _extent(approval: Approval) -> str:
    if approval.source is ApprovalSource.ROLLBACK:
        return "this list as it was once, not for what is known today"
    if approval.change is None:
        return approval.words
    bounds = [(guard, *bound) for guard, each in approval.change.within.items() for bound in each.items()]
    return ", ".join(f"{guard}: {what} up to {percent(exact(share))}" for guard, what, share in bounds)


def _overridden(finding: Finding) -> Finding:
    if finding.outcome is not Outcome.BLOCKED or finding.guard in FINAL:
        return finding
    return replace(finding, outcome=Outcome.OVERRIDDEN)
