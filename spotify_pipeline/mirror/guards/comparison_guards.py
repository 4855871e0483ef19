"""Guards that compare the list with what was sent before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror.guards.approval import LIST_IS_RIGHT, SHARE_IS_RIGHT, ApprovalOf
from spotify_pipeline.mirror.guards.base import Finding, Guard
from spotify_pipeline.mirror.guards.changes import (
    MAX_SHRINK,
    columns_lost,
    erased_people,
    exchanged,
    lost,
    moved_by_rules,
)
from spotify_pipeline.mirror.guards.facts import GuardFacts, History
from spotify_pipeline.mirror.guards.limits import GuardLimits, Limit, LimitKind
from spotify_pipeline.mirror.guards.words import SMALL, counted, exact, percent, share_of

MAX_GROWTH = Limit(
    field="max_growth",
    kind=LimitKind.GROWTH,
    default=2.0,
    meaning="how much longer; 200% is three times as long",
)
MAX_CHURN = Limit(
    field="max_churn",
    kind=LimitKind.SHARE,
    default=0.60,
    meaning="how many people may be different from before: the smaller of those added and removed, as a share of the "
    "shorter list; also of the values of each type, from 100 values and 5% of the rows on",
)
MAX_DRAIN = Limit(
    field="max_drain",
    kind=LimitKind.SHARE,
    default=0.40,  # above max_shrink, so that one step at its limit leaves room for ordinary days, and below half
    meaning="how much shorter a list may be than any that Spotify had within a week, or four cadences if that is "
    "longer (four months for `once`): small losses add up. At least `guards.max_shrink`, unless you set it. In that "
    "time, halfway from it to all people, or of one column's values, may be exchanged, or `guards.max_churn` if that "
    "is more",
)
MAX_SUPPRESSION_LOSS = Limit(
    field="max_suppression_loss",
    kind=LimitKind.SHARE,
    default=0.50,
    meaning="how much smaller a suppression segment may be than before",
)
_OR_RULES = SHARE_IS_RIGHT | {ApprovalOf.RULES}
_NOTHING_BEFORE = "no list to compare with"
_KEPT_OR_NONE = "the list that Spotify has is kept here, or there is none"


class Shrink(Guard):
    """Many people fewer than Spotify has."""

    name = "shrink"
    limit = MAX_SHRINK
    approvals = _OR_RULES
    adds_up_as = "fewer"

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed = exact(limits[MAX_SHRINK])
        limit = f"at most {percent(allowed)} fewer"
        if facts.previous is None:
            return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
        share = lost(facts.previous, facts.manifest)
        fewer = f"{percent(share)} fewer{erased_people(facts.previous)}"
        figure = _sizes(facts.previous.manifest.list_rows, facts.manifest.list_rows, fewer)
        return self.found(
            beyond=_beyond({"rows": share}, allowed),
            figure=figure,
            limit=limit,
            sentence=f"The list shrank too much: {figure}, {limit} are allowed. "
            + _cause(facts, limits, "Check whether a source or a join of the segment lost rows."),
        )


class Growth(Guard):
    """Many people more than Spotify has."""

    name = "growth"
    limit = MAX_GROWTH
    approvals = _OR_RULES

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed = exact(limits[MAX_GROWTH])
        limit = f"at most {percent(allowed)} more"
        if facts.previous is None:
            return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
        before, now = facts.previous.rows, facts.manifest.list_rows
        share = share_of(max(now - before, 0), before)
        figure = _sizes(before, now, f"{percent(share)} more")
        return self.found(
            beyond={"rows": share} if now > before * (1 + allowed) else {},
            figure=figure,
            limit=limit,
            sentence=f"The list grew too much: {figure}, {limit} are allowed. "
            + _cause(facts, limits, "Check whether the segment lost a filter or a join doubles its rows."),
        )


class Churn(Guard):
    """Other people than Spotify has, though the number is much the same."""

    name = "churn"
    limit = MAX_CHURN
    approvals = _OR_RULES
    adds_up_as = "exchanged"

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed = exact(limits[MAX_CHURN])
        limit = f"at most {percent(allowed)} exchanged"
        if facts.previous is None:
            return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
        shares = exchanged(facts.previous, facts.manifest)
        figure = (
            f"{counted(facts.previous.added)} rows added, {counted(facts.previous.removed)} removed, "
            f"{counted(facts.previous.staying)} staying, {_exchanged_shown(shares)}{erased_people(facts.previous)}"
        )
        beyond = _beyond(shares, allowed)
        columns = [kind for kind in beyond if kind != "people"]
        whose = f"Too many values of {' and '.join(columns)} are others" if columns else "Too many people are others"
        return self.found(
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


class ColumnGone(Guard):
    """An identifier that many people had, and few have now, though they are still in the list."""

    name = "column gone"
    approvals = _OR_RULES
    adds_up_as = "fewer"

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed = exact(limits[MAX_SHRINK])
        limit = f"no type with {percent(allowed)} fewer values, unless the list is as much shorter"
        if facts.previous is None:
            return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
        losses = columns_lost(facts.previous, facts.manifest, allowed)
        before, now = facts.previous.manifest.digests, facts.manifest.digests
        told = [f"{kind} {counted(now.get(kind, 0))} values, {counted(count)} before" for kind, count in before.items()]
        return self.found(
            beyond=losses,
            figure=", ".join(told),
            limit=limit,
            sentence=f"Many people have no value of {' or '.join(losses)} any more, and had one before: "
            f"{', '.join(told)}. "
            + _cause(
                facts, limits, "Check whether the column became NULL or was renamed, or the YAML no longer names it."
            ),
        )


class Drain(Guard):
    """Losses or exchanges that are small each, and add up: against the lists that Spotify had lately."""

    name = "drain"
    limit = MAX_DRAIN
    approvals = _OR_RULES

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed, others = exact(limits[MAX_DRAIN]), _others_lately(limits)
        limit = f"at most {percent(allowed)} fewer and {percent(others)} exchanged since any list of the window"
        since = (*facts.lately, *([facts.went_back_to] if facts.went_back_to is not None else []))
        if not since:
            return self.not_applicable(figure="no other list lately", limit=limit)
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
        return self.found(
            beyond=beyond,
            figure="; ".join(told),
            limit=limit,
            sentence=f"Losses or exchanges add up ({', '.join(beyond)}): {'; '.join(told)}, {limit} are allowed. "
            + _cause(facts, limits, "Look what took people out of the segment, day by day."),
        )


class Swapped(Guard):
    """The list of another audience."""

    name = "swapped segments"
    approvals = LIST_IS_RIGHT

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        limit = "no other audience more alike than its own list before"
        if facts.twin is None:
            if facts.previous is None:
                return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
            return self.found(figure="no such audience", limit=limit)
        alike, own = percent(exact(facts.twin.likeness)), percent(exact(facts.twin.own_likeness))
        return self.found(
            blocks=True,
            figure=f"{alike} like {facts.twin.audience}, {own} like its own list before",
            limit=limit,
            sentence=f"The list is {alike} like the one that Spotify has of {facts.twin.audience}, and {own} like its "
            "own before. Check whether the YAML files of the two name each other's segment.",
        )


class AdAccount(Guard):
    """An ad account to which this audience was never sent, while it was to another."""

    name = "ad account"

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        others = ", ".join(facts.other_accounts)
        return self.found(
            blocks=bool(facts.other_accounts),
            figure=f"sent before to {others}" if others else "no other ad account",
            limit="the ad account it was sent to before",
            sentence=f"The journal says that this audience was sent to ad account {others} and never to this one. "
            "Check the ad account that the YAML or SPOTIFY_AD_ACCOUNT_ID names.",
        )


class HistoryKept(Guard):
    """Without the list that Spotify has, most guards are blind."""

    name = "history"

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        if facts.history is History.MISSING:
            return self.missing(facts.history_problem or "what was sent before is not known")
        figure = "first list" if facts.history is History.FIRST else "kept here"
        return self.found(figure=figure, limit=_KEPT_OR_NONE)

    def missing(self, problem: str) -> Finding:
        """The finding where it is not known what Spotify has; ``problem`` says why, as the rest of a sentence."""
        return self.found(
            blocks=True,
            figure=problem,
            limit=_KEPT_OR_NONE,
            sentence=f"The list cannot be compared with the one that Spotify has: {problem}. Compare its counts with "
            "what you expect of the segment.",
        )

    def outdated(self, problems: Sequence[str]) -> Finding:
        """The finding where this machine knows an older state than was sent; ``problems`` are parts of a sentence."""
        found_out = "; ".join(problems)
        return self.found(
            blocks=True,
            figure=found_out,
            limit="this machine knows the newest state",
            sentence=f"What this machine knows is older than what was sent: {found_out}. Its directory, or a part of "
            "it, was put back from a backup, or is another one's. Restore its newest copy "
            "(docs/how-to/back-up-and-restore.md); if there is none, give the people whom the ledger lacks to `forget` "
            "again, and compare the list's counts with what Ads Manager shows before you approve it.",
        )


class Suppressions(Guard):
    """A source of suppressions that is gone or nearly empty would let people in who are to be kept out."""

    name = "suppressions"
    limit = MAX_SUPPRESSION_LOSS
    approvals = frozenset({ApprovalOf.FILE, ApprovalOf.CHANGE})

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        allowed = exact(limits[MAX_SUPPRESSION_LOSS])
        limit = (
            f"every source of the list before, none emptied, none of {SMALL} or more with over {percent(allowed)} fewer"
        )
        if facts.previous is None:
            return self.not_applicable(figure=_NOTHING_BEFORE, limit=limit)
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
        return self.found(
            beyond=lacking,
            figure="; ".join(told) or "none before",
            limit=limit,
            sentence=f"Suppressions are lacking ({' and '.join(lacking)}), so people may be let in who are to be kept "
            f"out: {'; '.join(told)}. Look at these segments and at the YAML.",
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
    return max(exact(limits[MAX_CHURN]), (1 + exact(limits[MAX_DRAIN])) / 2)


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
