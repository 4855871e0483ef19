"""Guards that look only at the list to be sent."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from spotify_pipeline.customer_list import ERASED, OVER_LIMIT, SUPPRESSED, Manifest, array_remark
from spotify_pipeline.identity import Rejection
from spotify_pipeline.mirror.guards.approval import LIST_IS_RIGHT, SHARE_IS_RIGHT, ApprovalOf
from spotify_pipeline.mirror.guards.base import Finding, Guard
from spotify_pipeline.mirror.guards.changes import ENOUGH_VALUES
from spotify_pipeline.mirror.guards.facts import GuardFacts
from spotify_pipeline.mirror.guards.limits import (
    GuardLimits,
    Limit,
    LimitKind,
)
from spotify_pipeline.mirror.guards.words import counted, exact, hours, percent, share_of
from spotify_pipeline.spotify_limits import FEWEST_ROWS, LARGEST_FILE

MIN_ROWS = Limit(
    field="min_rows",
    kind=LimitKind.COUNT,
    default=FEWEST_ROWS,
    meaning="the fewest rows that may be sent; below it the audience keeps its list. Spotify is reported to ignore "
    "shorter lists",
)
MAX_INVALID = Limit(
    field="max_invalid",
    kind=LimitKind.SHARE,
    default=0.20,
    meaning="how many of the identifiers found may be rejected as not valid",
)
MAX_SOURCE_AGE: Limit[timedelta | None] = Limit(
    field="max_source_age",
    kind=LimitKind.AGE,
    default=None,
    meaning="how old the newest row of the segment may be, by `segment.updated_at`: `36h`, `7d`; hours or days, 1h to "
    "3650d",
)
MAX_BYTES = Limit(
    field="max_bytes",
    kind=LimitKind.COUNT,
    default=LARGEST_FILE,
    most=LARGEST_FILE,
    meaning="the largest file, in bytes; at most the default",
)
_FINAL = frozenset[ApprovalOf]()
"""A person cannot know better, or Spotify would not take the list."""
_CONSTANT_ONE_IN = 100
_CLOCKS_MAY_DIFFER = timedelta(days=1)
_KEPT_OUT_LATER = (ERASED, SUPPRESSED, OVER_LIMIT)
"""Reasons for which people are dropped after ``values_kept`` was counted."""


class Empty(Guard):
    """An empty list would take everybody out of the audience."""

    name = "empty"
    approvals = _FINAL

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        return self.found(
            blocks=facts.manifest.list_rows <= 0,
            figure=f"{counted(facts.manifest.list_rows)} rows",
            limit="more than 0 rows",
            sentence=f"The list is empty: of {_origin(facts.manifest)}. Look at the segment, its consent column and "
            "its suppressions.",
        )


class Minimum(Guard):
    """A short list is ignored by Spotify, or targets almost nobody."""

    name = "minimum"
    limit = MIN_ROWS
    approvals = LIST_IS_RIGHT

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        rows = counted(facts.manifest.list_rows)
        return self.found(
            blocks=facts.manifest.list_rows < limits[MIN_ROWS],
            figure=f"{rows} rows",
            limit=f"at least {limits[MIN_ROWS]:,} rows",
            sentence=f"The list has {rows} rows and at least {limits[MIN_ROWS]:,} are needed (Spotify is reported to "
            f"ignore lists of fewer than 1,000). Of {_origin(facts.manifest)}. Look at the segment or change "
            f"guards.{MIN_ROWS.field}.",
        )


class Invalid(Guard):
    """Many values that are no identifiers: the column holds something else than it did, or than the YAML says."""

    name = "invalid share"
    limit = MAX_INVALID
    approvals = SHARE_IS_RIGHT

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        turned: Counter[str] = Counter()
        for kind, reasons in facts.manifest.rejected.items():
            turned[kind] = sum(count for reason, count in reasons.items() if reason != Rejection.MISSING)
        looked_at = turned + Counter(facts.manifest.values_kept)
        shares = {"all types": share_of(turned.total(), looked_at.total())}
        for kind, values in sorted(looked_at.items()):
            if values >= ENOUGH_VALUES:
                shares[kind] = share_of(turned[kind], values)
        allowed = exact(limits[MAX_INVALID])
        beyond = [f"{kind} {percent(share)}" for kind, share in shares.items() if share > allowed]
        return self.found(
            beyond={kind: share for kind, share in shares.items() if share > allowed},
            figure=", ".join(f"{kind} {percent(share)}" for kind, share in shares.items()),
            limit=f"at most {percent(allowed)}",
            sentence=f"Of the identifiers found, too many are not valid ({', '.join(beyond)}; at most "
            f"{percent(allowed)} may be). Look at what the columns of these types hold now, and at which columns the "
            "YAML names." + array_remark(facts.manifest.arrays_as_text, looked_at),
        )


class ColumnConstant(Guard):
    """Almost everybody has the same identifier: a join or a default value went wrong."""

    name = "column constant"
    approvals = LIST_IS_RIGHT

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        manifest = facts.manifest
        cells = Counter(manifest.cells)
        values = {column: max(cells[column], _values(manifest, column)) for column in manifest.columns}
        same = [
            kind
            for kind, count in values.items()
            if count >= ENOUGH_VALUES and manifest.digests[kind] * _CONSTANT_ONE_IN <= count
        ]
        return self.found(
            blocks=bool(same),
            figure=", ".join(
                f"{kind} {counted(manifest.digests[kind])} different of {counted(count)}"
                for kind, count in values.items()
            ),
            limit=f"more than 1 different in {_CONSTANT_ONE_IN}, from {ENOUGH_VALUES} values on",
            sentence=f"Nearly all people have the same {' and the same '.join(same)}. Look at the column and at the "
            "joins that fill it.",
        )


class PartialRead(Guard):
    """A segment that was not read to its end looks like a small one."""

    name = "partial read"
    approvals = _FINAL

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        manifest = facts.manifest
        counted_there = "not counted" if manifest.source_rows is None else counted(manifest.source_rows)
        return self.found(
            blocks=manifest.source_rows not in (None, manifest.rows_read),
            figure=f"{counted(manifest.rows_read)} rows read, by the warehouse's count {counted_there}",
            limit="all rows of the segment",
            sentence=f"Of the segment {counted(manifest.rows_read)} rows were read, and the warehouse counted "
            f"{counted_there}: the read ended early, or the segment changed under it. Materialize the identifiers "
            "again.",
        )


class StaleSource(Guard):
    """An old segment: what fills it has stopped."""

    name = "stale source"
    limit = MAX_SOURCE_AGE
    approvals = LIST_IS_RIGHT

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        most, updated_at = limits[MAX_SOURCE_AGE], facts.manifest.source_updated_at
        if most is None:
            return self.not_applicable(figure="age not asked for", limit="none stated")
        if updated_at is None:
            figure = "age not known"
            problem = "When the newest row was changed is not known: the column is empty, or the segment is"
            blocks = True
        else:
            age = facts.now - updated_at
            ahead = age < -_CLOCKS_MAY_DIFFER
            figure = f"newest row dated {hours(-age)} ahead" if age < timedelta(0) else f"newest row {hours(age)} old"
            problem = f"The segment may be stale: {figure}, by this machine's clock"
            blocks = ahead or age > most
        return self.found(
            blocks=blocks,
            figure=figure,
            limit=f"at most {hours(most)} old, and not dated ahead",
            sentence=f"{problem}; at most {hours(most)} are allowed. Look at the job that fills the segment.",
        )


class Erased(Guard):
    """Somebody who asked to be forgotten would be sent again."""

    name = "erased people"
    approvals = _FINAL

    def judge(self, facts: GuardFacts, _limits: GuardLimits) -> Finding:
        rows = counted(facts.erased_rows)
        return self.found(
            blocks=facts.erased_rows > 0,
            figure=f"{rows} rows",
            limit="0 rows",
            sentence=f"The list holds {rows} rows of people who asked to be forgotten. Materialize the customer list "
            "again: it is then built without them.",
        )


class Oversize(Guard):
    """A file that Spotify would not take."""

    name = "oversize"
    limit = MAX_BYTES
    approvals = _FINAL

    def judge(self, facts: GuardFacts, limits: GuardLimits) -> Finding:
        size = f"{facts.manifest.bytes:,} bytes"
        return self.found(
            blocks=facts.manifest.bytes > limits[MAX_BYTES] and not facts.split,
            figure=f"{size}, sent in parts" if facts.split else size,
            limit=f"at most {limits[MAX_BYTES]:,} bytes a file",
            sentence=f"The list has {size} and a file may have {limits[MAX_BYTES]:,}. Make the segment smaller, or "
            "let the YAML say that the list is split or truncated.",
        )


def _origin(manifest: Manifest) -> str:
    return f"{counted(manifest.rows_read)} rows read, {counted(manifest.rows_kept)} were kept"


def _values(manifest: Manifest, kind: str) -> int:
    """How many values of a type the people in the list brought, by their share of the people that were counted."""
    dropped = Counter(manifest.rows_dropped)
    counted_then = manifest.rows_kept + sum(dropped[reason] for reason in _KEPT_OUT_LATER)
    return int(Counter(manifest.values_kept)[kind] * share_of(manifest.rows_kept, counted_then))
