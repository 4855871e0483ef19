"""Guards that compare the list with what was sent before. Each is a pure function of the facts and the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards.base import Finding, GuardName
from spotify_pipeline.mirror.guards.changes import columns_lost, erased_people, exchanged, lost, moved_by_rules
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.findings import SMALL, counted, exact, found, not_applicable, percent, share_of
from spotify_pipeline.mirror.guards.limits import GuardLimits

_NOTHING_BEFORE = "no list to compare with"
_KEPT_OR_NONE = "the list that Spotify has is kept here, or there is none"


def shrink(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Many people fewer than Spotify has."""
    allowed = exact(limits.max_shrink)
    limit = f"at most {percent(allowed)} fewer"
    if facts.previous is None:
        return not_applicable(GuardName.SHRINK, figure=_NOTHING_BEFORE, limit=limit)
    share = lost(facts.previous, facts.manifest)
    fewer = f"{percent(share)} fewer{erased_people(facts.previous)}"
    figure = _sizes(facts.previous.manifest.list_rows, facts.manifest.list_rows, fewer)
    return found(
        GuardName.SHRINK,
        beyond=_beyond({"rows": share}, allowed),
        figure=figure,
        limit=limit,
        sentence=f"The list shrank too much: {figure}, {limit} are allowed. "
        + _cause(facts, limits, "Check whether a source or a join of the segment lost rows."),
    )


def growth(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Many people more than Spotify has."""
    allowed = exact(limits.max_growth)
    limit = f"at most {percent(allowed)} more"
    if facts.previous is None:
        return not_applicable(GuardName.GROWTH, figure=_NOTHING_BEFORE, limit=limit)
    before, now = facts.previous.rows, facts.manifest.list_rows
    share = share_of(max(now - before, 0), before)
    figure = _sizes(before, now, f"{percent(share)} more")
    return found(
        GuardName.GROWTH,
        beyond={"rows": share} if now > before * (1 + allowed) else {},
        figure=figure,
        limit=limit,
        sentence=f"The list grew too much: {figure}, {limit} are allowed. "
        + _cause(facts, limits, "Check whether the segment lost a filter or a join doubles its rows."),
    )


def churn(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Other people than Spotify has, though the number is much the same."""
    allowed = exact(limits.max_churn)
    limit = f"at most {percent(allowed)} exchanged"
    if facts.previous is None:
        return not_applicable(GuardName.CHURN, figure=_NOTHING_BEFORE, limit=limit)
    shares = exchanged(facts.previous, facts.manifest)
    figure = (
        f"{counted(facts.previous.added)} rows added, {counted(facts.previous.removed)} removed, "
        f"{counted(facts.previous.staying)} staying, {_exchanged_shown(shares)}{erased_people(facts.previous)}"
    )
    beyond = _beyond(shares, allowed)
    columns = [kind for kind in beyond if kind != "people"]
    whose = f"Too many values of {' and '.join(columns)} are others" if columns else "Too many people are others"
    return found(
        GuardName.CHURN,
        beyond=beyond,
        figure=figure,
        limit=limit,
        sentence=f"{whose} than before: {figure}, {limit} are allowed. "
        + _cause(
            facts,
            limits,
            "Check whether the segment is the right one, and whether its identifier columns hold what they did.",
        ),
    )


def column_gone(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """An identifier that many people had, and few have now, though they are still in the list."""
    allowed = exact(limits.max_shrink)
    limit = f"no type with {percent(allowed)} fewer values, unless the list is as much shorter"
    if facts.previous is None:
        return not_applicable(GuardName.COLUMN_GONE, figure=_NOTHING_BEFORE, limit=limit)
    losses = columns_lost(facts.previous, facts.manifest, allowed)
    before, now = facts.previous.manifest.digests, facts.manifest.digests
    told = [f"{kind} {counted(now.get(kind, 0))} values, {counted(count)} before" for kind, count in before.items()]
    return found(
        GuardName.COLUMN_GONE,
        beyond=losses,
        figure=", ".join(told),
        limit=limit,
        sentence=f"Many people have no value of {' or '.join(losses)} any more, and had one before: {', '.join(told)}. "
        + _cause(facts, limits, "Check whether the column became NULL or was renamed, or the YAML no longer names it."),
    )


def drain(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Losses or exchanges that are small each, and add up: against the lists that Spotify had lately."""
    allowed, others = exact(limits.max_drain), _others_lately(limits)
    limit = f"at most {percent(allowed)} fewer and {percent(others)} exchanged since any list of the window"
    since = (*facts.lately, *([facts.went_back_to] if facts.went_back_to is not None else []))
    if not since:
        return not_applicable(GuardName.DRAIN, figure="no other list lately", limit=limit)
    beyond: dict[str, Fraction] = {}
    told: list[str] = []
    for before in since:
        fewer = share_of(max(before.rows - facts.manifest.list_rows, 0), before.rows)
        over = _beyond({"rows fewer": fewer}, allowed)
        shown = f"{percent(fewer)} fewer"
        if before.change is not None:
            swaps = exchanged(before.change, facts.manifest)
            over |= {f"{kind} exchanged": share for kind, share in _beyond(swaps, others).items()}
            gone = columns_lost(before.change, facts.manifest, allowed)
            over |= {f"{kind} fewer": share for kind, share in gone.items()}
            shown += f", {_exchanged_shown(swaps)}{erased_people(before.change)}"
        for what, share in over.items():
            beyond[what] = max(share, beyond.get(what, share))
        told.append(_sizes(before.rows_sent, facts.manifest.list_rows, f"{shown} since {before.at[:10]}"))
    return found(
        GuardName.DRAIN,
        beyond=beyond,
        figure="; ".join(told),
        limit=limit,
        sentence=f"Losses or exchanges add up ({', '.join(beyond)}): {'; '.join(told)}, {limit} are allowed. "
        + _cause(facts, limits, "Look what took people out of the segment, day by day."),
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
        "before. Check whether the YAML files of the two name each other's segment.",
    )


def ad_account(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """An ad account to which this audience was never sent, while it was to another."""
    others = ", ".join(facts.other_accounts)
    return found(
        GuardName.AD_ACCOUNT,
        blocks=bool(facts.other_accounts),
        figure=f"sent before to {others}" if others else "no other ad account",
        limit="the ad account it was sent to before",
        sentence=f"The journal says that this audience was sent to ad account {others} and never to this one. Check "
        "the ad account that the YAML or SPOTIFY_AD_ACCOUNT_ID names.",
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


def outdated_history(problems: Sequence[str]) -> Finding:
    """The finding where this machine knows an older state than what was sent; ``problems`` are parts of a sentence."""
    found_out = "; ".join(problems)
    return found(
        GuardName.HISTORY,
        blocks=True,
        figure=found_out,
        limit="this machine knows the newest state",
        sentence=f"What this machine knows is older than what was sent: {found_out}. Its directory, or a part of it, "
        "was put back from a backup, or is another one's. Restore its newest copy "
        "(docs/how-to/back-up-and-restore.md); if there is none, give the people whom the ledger lacks to `forget` "
        "again, and compare the list's counts with what Ads Manager shows before you approve it.",
    )


def suppressions(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """A source of suppressions that is gone or nearly empty would let people in who are to be kept out."""
    allowed = exact(limits.max_suppression_loss)
    limit = f"every source of the list before, none emptied, none of {SMALL} or more with over {percent(allowed)} fewer"
    if facts.previous is None:
        return not_applicable(GuardName.SUPPRESSIONS, figure=_NOTHING_BEFORE, limit=limit)
    before, now = _suppressing(facts.previous.manifest), _suppressing(facts.manifest)
    lacking = {
        name: share_of(count - now.get(name, 0), count)
        for name, count in before.items()
        if _suppresses_less(count, now.get(name), allowed)
    }
    told = [
        f"{name} {counted(now[name]) if name in now else 'not applied'}, {counted(count)} before"
        for name, count in before.items()
    ]
    return found(
        GuardName.SUPPRESSIONS,
        beyond=lacking,
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


def _beyond(shares: Mapping[str, Fraction], allowed: Fraction) -> dict[str, Fraction]:
    return {what: share for what, share in shares.items() if share > allowed}


def _exchanged_shown(shares: Mapping[str, Fraction]) -> str:
    people, *columns = shares.items()
    return ", ".join([f"{percent(people[1])} exchanged", *(f"{kind} {percent(share)}" for kind, share in columns)])


def _others_lately(limits: GuardLimits) -> Fraction:
    """How many may be exchanged in a window: halfway from what may be lost to everybody, or what one step may."""
    return max(exact(limits.max_churn), (1 + exact(limits.max_drain)) / 2)


def _cause(facts: GuardFacts, limits: GuardLimits, otherwise: str) -> str:
    """What to look at; the identity rules where they changed and nothing else explains the move."""
    versions = moved_by_rules(facts, limits)
    if versions is None:
        return otherwise
    return (
        f"The identity rules changed from version {versions[0]} to {versions[1]}, and the segment itself is much as it "
        "was: that alone may explain it. If so, one approval is enough for all audiences: spotify-pipeline approve "
        "--rules-changed."
    )
