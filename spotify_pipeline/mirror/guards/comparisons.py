"""Guards that hold the list to be sent against what came before: pure functions of the facts and the limits."""

from __future__ import annotations

from fractions import Fraction

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards.decision import Finding, GuardName
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.findings import SMALL, counted, exact, found, not_applicable, percent, share_of
from spotify_pipeline.mirror.guards.limits import GuardLimits

_MEANINGFUL = Fraction(5, 100)
_LEFT_OF_A_COLUMN = Fraction(10, 100)
_NOTHING_BEFORE = "no list to compare with"
_KEPT_OR_NONE = "the list that Spotify has is kept here, or there is none"


def shrink(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Many people fewer than Spotify has."""
    allowed = exact(limits.max_shrink)
    limit = f"at most {percent(allowed)} fewer"
    if facts.previous is None:
        return not_applicable(GuardName.SHRINK, figure=_NOTHING_BEFORE, limit=limit)
    before, now = facts.previous.manifest.list_rows, facts.manifest.list_rows
    lost = share_of(max(before - now, 0), before)
    figure = _sizes(before, now, f"{percent(lost)} fewer")
    return found(
        GuardName.SHRINK,
        blocks=lost > allowed,
        figure=figure,
        limit=limit,
        sentence=f"The list shrank too much: {figure}, {limit} are allowed. Look whether a source or a join of the "
        "segment lost rows.",
    )


def growth(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Many people more than Spotify has."""
    allowed = exact(limits.max_growth)
    limit = f"at most {percent(allowed)} more"
    if facts.previous is None:
        return not_applicable(GuardName.GROWTH, figure=_NOTHING_BEFORE, limit=limit)
    before, now = facts.previous.manifest.list_rows, facts.manifest.list_rows
    figure = _sizes(before, now, f"{percent(share_of(max(now - before, 0), before))} more")
    return found(
        GuardName.GROWTH,
        blocks=now > before * (1 + allowed),
        figure=figure,
        limit=limit,
        sentence=f"The list grew too much: {figure}, {limit} are allowed. Look whether the segment lost a filter or a "
        "join doubles its rows.",
    )


def churn(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Other people than Spotify has, though the number is much the same."""
    allowed = exact(limits.max_churn)
    limit = f"at most {percent(allowed)} exchanged"
    if facts.previous is None:
        return not_applicable(GuardName.CHURN, figure=_NOTHING_BEFORE, limit=limit)
    shorter = min(facts.previous.manifest.list_rows, facts.manifest.list_rows)
    exchanged = share_of(min(facts.previous.added, facts.previous.removed), shorter)
    figure = (
        f"{counted(facts.previous.added)} rows added, {counted(facts.previous.removed)} removed, "
        f"{counted(facts.previous.staying)} staying, {percent(exchanged)} exchanged"
    )
    rules, rules_before = facts.manifest.rules_version, facts.previous.manifest.rules_version
    cause = (
        "Look whether the segment is the right one, and whether its identifier columns hold what they did."
        if rules == rules_before
        else f"The identity rules changed from version {rules_before} to {rules}, so all digests may have changed for "
        "that reason alone: compare the segment itself with what it was."
    )
    return found(
        GuardName.CHURN,
        blocks=exchanged > allowed,
        figure=figure,
        limit=limit,
        sentence=f"Too many people are others than before: {figure}, {limit} are allowed. {cause}",
    )


def column_gone(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """An identifier that many people had, and nearly nobody has now."""
    limit = f"no type of {percent(_MEANINGFUL)} of the rows or more loses over {percent(1 - _LEFT_OF_A_COLUMN)}"
    if facts.previous is None:
        return not_applicable(GuardName.COLUMN_GONE, figure=_NOTHING_BEFORE, limit=limit)
    before = _per_row(facts.previous.manifest)
    # What is in no row of an empty list is not gone from a column: that is the business of other guards.
    now = _per_row(facts.manifest) if facts.manifest.list_rows else before
    gone = [
        kind
        for kind, share in before.items()
        if share >= _MEANINGFUL and now.get(kind, Fraction(0)) < share * _LEFT_OF_A_COLUMN
    ]
    return found(
        GuardName.COLUMN_GONE,
        blocks=bool(gone),
        figure=", ".join(
            f"{kind} {percent(now.get(kind, Fraction(0)))} of the rows, {percent(share)} before"
            for kind, share in before.items()
        ),
        limit=limit,
        sentence=f"Nearly nobody has a value of {' or '.join(gone)} any more, and many had before. Look whether the "
        "column became NULL or was renamed, or the YAML no longer names it.",
    )


def swapped(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """The list of another audience."""
    limit = "no other audience more alike than its own list before"
    if facts.twin is None:
        if facts.previous is None:
            return not_applicable(GuardName.SWAPPED, figure=_NOTHING_BEFORE, limit=limit)
        return found(GuardName.SWAPPED, figure="no such audience", limit=limit)
    alike, own = percent(exact(facts.twin.likeness)), percent(exact(facts.twin.own_likeness))
    return found(
        GuardName.SWAPPED,
        blocks=True,
        figure=f"{alike} like {facts.twin.audience}, {own} like its own list before",
        limit=limit,
        sentence=f"The list is {alike} like the one that Spotify has of {facts.twin.audience}, and {own} like its own "
        "before. Look whether the YAML files of the two name each other's segment.",
    )


def ad_account(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """An ad account to which this audience was never sent, while it was to another."""
    others = ", ".join(facts.other_accounts)
    return found(
        GuardName.AD_ACCOUNT,
        blocks=bool(facts.other_accounts),
        figure=f"sent before to {others}" if others else "no other ad account",
        limit="the ad account it was sent to before",
        sentence=f"By the journal this audience was sent to ad account {others} and never to this one. Look at the ad "
        "account that the YAML or SPOTIFY_AD_ACCOUNT_ID names.",
    )


def history(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """Without the list that Spotify has, most guards are blind."""
    if facts.history is History.MISSING:
        return missing_history(facts.history_problem or "what was sent before is not known")
    figure = "first list" if facts.history is History.FIRST else "kept here"
    return found(GuardName.HISTORY, figure=figure, limit=_KEPT_OR_NONE)


def missing_history(problem: str) -> Finding:
    """The finding where it is not known what Spotify has; ``problem`` says why, as the rest of a sentence."""
    return found(
        GuardName.HISTORY,
        blocks=True,
        figure=problem,
        limit=_KEPT_OR_NONE,
        sentence=f"The list cannot be compared with the one that Spotify has: {problem}. Compare its counts with what "
        "you expect of the segment.",
    )


def suppressions(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """A source of suppressions that is gone or nearly empty would let people in who are to be kept out."""
    allowed = exact(limits.max_suppression_loss)
    limit = f"every source of the list before, none emptied, none of {SMALL} or more with over {percent(allowed)} fewer"
    if facts.previous is None:
        return not_applicable(GuardName.SUPPRESSIONS, figure=_NOTHING_BEFORE, limit=limit)
    before, now = _suppressing(facts.previous.manifest), _suppressing(facts.manifest)
    if not facts.previous.manifest.suppression_values:
        now = facts.manifest.suppressions  # before, only digests were counted
    lacking = [name for name, count in before.items() if _suppresses_less(count, now.get(name), allowed)]
    told = [
        f"{name} {counted(now[name]) if name in now else 'not applied'}, {counted(count)} before"
        for name, count in before.items()
    ]
    return found(
        GuardName.SUPPRESSIONS,
        blocks=bool(lacking),
        figure="; ".join(told) or "none before",
        limit=limit,
        sentence=f"Suppressions are lacking ({' and '.join(lacking)}), so people may be let in who are to be kept out: "
        f"{'; '.join(told)}. Look at these segments and at the YAML.",
    )


def _suppressing(manifest: Manifest) -> dict[str, int]:
    """How many digests each source has, and, of a segment of several types, how many usable values of each: one column
    that is lost may be few of all.
    """
    found = dict(manifest.suppressions)
    for name, values in manifest.suppression_values.items():
        if len(values) > 1:
            found |= {f"{name}: {kind}": counts["usable"] for kind, counts in values.items()}
    return found


def _suppresses_less(before: int, now: int | None, allowed: Fraction) -> bool:
    if now is None or (now == 0 and before > 0):
        return True
    return before >= SMALL and share_of(before - now, before) > allowed


def _sizes(before: int, now: int, change: str) -> str:
    sizes = f"{counted(before)} rows before, {counted(now)} now"
    return f"{sizes}, {change}" if before else sizes


def _per_row(manifest: Manifest) -> dict[str, Fraction]:
    return {kind: share_of(count, manifest.list_rows) for kind, count in manifest.digests.items()}
