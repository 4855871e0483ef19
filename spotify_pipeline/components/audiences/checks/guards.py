"""The check `guards`: what each guard says of a list, why it is held back, and what to do."""

from __future__ import annotations

import dagster as dg

from spotify_pipeline.mirror import Decision, GuardBlocked, Outcome, block_message
from spotify_pipeline.printable import markdown_cell

GUARDS = "guards"


def guard_check_spec(key: dg.AssetKey, *, blocking: bool, description: str) -> dg.AssetCheckSpec:
    """The check on a list, where it stops what follows, or on the audience, where the mirror has stopped by itself."""
    return dg.AssetCheckSpec(GUARDS, asset=key, blocking=blocking, description=description)


def guard_check_result(decision: Decision) -> dg.AssetCheckResult:
    """What was decided, with a table of all guards."""
    return dg.AssetCheckResult(
        check_name=GUARDS,
        passed=decision.allowed,
        description=decision_in_words(decision),
        metadata={
            "guards": dg.MarkdownMetadataValue(findings_table(decision)),
            "file SHA-256": dg.TextMetadataValue(decision.file_sha256),
            "list before": dg.TextMetadataValue(str(decision.history)),
        },
    )


def not_judged(blocked: GuardBlocked) -> dg.AssetCheckResult:
    """The result where no decision was come to, which blocks as well."""
    if blocked.decision is not None:
        return guard_check_result(blocked.decision)
    return dg.AssetCheckResult(check_name=GUARDS, passed=False, description=str(blocked))


def no_prediction(why: str) -> dg.AssetCheckResult:
    """A warning where it cannot be known yet which audience the list is for. The mirror decides before it sends."""
    return dg.AssetCheckResult(
        check_name=GUARDS,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Not judged yet: {why} The guards are asked again before anything is sent.",
    )


def decision_in_words(decision: Decision) -> str:
    """Whether the list may be sent, in a sentence or a few."""
    if not decision.allowed:
        return block_message(decision)
    approval = decision.approval
    if decision.overridden and approval is not None:
        overridden = ", ".join(each.guard for each in decision.findings if each.outcome is Outcome.OVERRIDDEN)
        return f"Overridden: {overridden}. {approval.approved_by} approved {approval.words}: {approval.reason}"
    return "No guard holds this list back."


def findings_table(decision: Decision) -> str:
    """All findings as a Markdown table: guard, outcome, what was found, the limit. Counts of people are large only."""
    rows = [(_outcome_shown(each.outcome), each) for each in decision.findings]
    lines = [
        f"| {each.guard} | {outcome} | {markdown_cell(each.figure)} | {markdown_cell(each.limit)} |"
        for outcome, each in rows
    ]
    return "\n".join(["| guard | outcome | found | limit |", "|:--|:--|:--|:--|", *lines])


def _outcome_shown(outcome: Outcome) -> str:
    return f"**{outcome}**" if outcome is Outcome.BLOCKED else str(outcome)


def codes(blocked: GuardBlocked) -> list[str]:
    """What blocks, in words that stay the same from run to run."""
    if blocked.decision is None:
        return ["not judged"]
    return [str(each.guard) for each in blocked.decision.blocked_by] or ["approval"]
