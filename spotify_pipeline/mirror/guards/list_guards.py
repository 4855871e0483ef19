"""Guards that look only at the list to be sent. Each is a pure function of the facts and the limits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from spotify_pipeline.customer_list import ERASED, OVER_LIMIT, SUPPRESSED, Manifest, array_remark
from spotify_pipeline.identity import Rejection
from spotify_pipeline.mirror.guards.base import Finding, GuardName
from spotify_pipeline.mirror.guards.changes import ENOUGH_VALUES
from spotify_pipeline.mirror.guards.facts import GuardFacts
from spotify_pipeline.mirror.guards.findings import counted, exact, found, hours, not_applicable, percent, share_of
from spotify_pipeline.mirror.guards.limits import GuardLimits

_CONSTANT_ONE_IN = 100
_CLOCKS_MAY_DIFFER = timedelta(days=1)
_KEPT_OUT_LATER = (ERASED, SUPPRESSED, OVER_LIMIT)
"""Reasons for which people are dropped after ``values_kept`` was counted."""


def empty(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """An empty list would take everybody out of the audience."""
    return found(
        GuardName.EMPTY,
        blocks=facts.manifest.list_rows <= 0,
        figure=f"{counted(facts.manifest.list_rows)} rows",
        limit="more than 0 rows",
        sentence=f"The list is empty: of {_origin(facts.manifest)}. Look at the segment, its consent column and its "
        "suppressions.",
    )


def minimum(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """A short list is ignored by Spotify, or targets almost nobody."""
    rows = counted(facts.manifest.list_rows)
    return found(
        GuardName.MINIMUM,
        blocks=facts.manifest.list_rows < limits.min_rows,
        figure=f"{rows} rows",
        limit=f"at least {limits.min_rows:,} rows",
        sentence=f"The list has {rows} rows and at least {limits.min_rows:,} are needed (Spotify is reported to ignore "
        f"lists of fewer than 1,000). Of {_origin(facts.manifest)}. Look at the segment or change guards.min_rows.",
    )


def invalid(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """Many values that are no identifiers: the column holds something else than it did, or than the YAML says."""
    turned: Counter[str] = Counter()
    for kind, reasons in facts.manifest.rejected.items():
        turned[kind] = sum(count for reason, count in reasons.items() if reason != Rejection.MISSING)
    looked_at = turned + Counter(facts.manifest.values_kept)
    shares = {"all types": share_of(turned.total(), looked_at.total())}
    for kind, values in sorted(looked_at.items()):
        if values >= ENOUGH_VALUES:
            shares[kind] = share_of(turned[kind], values)
    allowed = exact(limits.max_invalid)
    beyond = [f"{kind} {percent(share)}" for kind, share in shares.items() if share > allowed]
    return found(
        GuardName.INVALID,
        beyond={kind: share for kind, share in shares.items() if share > allowed},
        figure=", ".join(f"{kind} {percent(share)}" for kind, share in shares.items()),
        limit=f"at most {percent(allowed)}",
        sentence=f"Of the identifiers found, too many are not valid ({', '.join(beyond)}; at most {percent(allowed)} "
        "may be). Look at what the columns of these types hold now, and at which columns the YAML names."
        + array_remark(facts.manifest.arrays_as_text, looked_at),
    )


def column_constant(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """Almost everybody has the same identifier: a join or a default value went wrong."""
    manifest = facts.manifest
    cells = Counter(manifest.cells)
    values = {column.value: max(cells[column], _values(manifest, column)) for column in manifest.columns}
    same = [
        kind
        for kind, count in values.items()
        if count >= ENOUGH_VALUES and manifest.digests[kind] * _CONSTANT_ONE_IN <= count
    ]
    return found(
        GuardName.COLUMN_CONSTANT,
        blocks=bool(same),
        figure=", ".join(
            f"{kind} {counted(manifest.digests[kind])} different of {counted(count)}" for kind, count in values.items()
        ),
        limit=f"more than 1 different in {_CONSTANT_ONE_IN}, from {ENOUGH_VALUES} values on",
        sentence=f"Nearly all people have the same {' and the same '.join(same)}. Look at the column and at the joins "
        "that fill it.",
    )


def partial_read(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """A segment that was not read to its end looks like a small one."""
    manifest = facts.manifest
    counted_there = "not counted" if manifest.source_rows is None else counted(manifest.source_rows)
    return found(
        GuardName.PARTIAL_READ,
        blocks=manifest.source_rows not in (None, manifest.rows_read),
        figure=f"{counted(manifest.rows_read)} rows read, by the warehouse's count {counted_there}",
        limit="all rows of the segment",
        sentence=f"Of the segment {counted(manifest.rows_read)} rows were read, and the warehouse counted "
        f"{counted_there}: the read ended early, or the segment changed under it. Materialize the identifiers again.",
    )


def stale_source(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """An old segment: what fills it has stopped."""
    most, updated_at = limits.max_source_age, facts.manifest.source_updated_at
    if most is None:
        return not_applicable(GuardName.STALE_SOURCE, figure="age not asked for", limit="none stated")
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
    return found(
        GuardName.STALE_SOURCE,
        blocks=blocks,
        figure=figure,
        limit=f"at most {hours(most)} old, and not dated ahead",
        sentence=f"{problem}; at most {hours(most)} are allowed. Look at the job that fills the segment.",
    )


def erased(facts: GuardFacts, _limits: GuardLimits) -> Finding:
    """Somebody who asked to be forgotten would be sent again."""
    rows = counted(facts.erased_rows)
    return found(
        GuardName.ERASED,
        blocks=facts.erased_rows > 0,
        figure=f"{rows} rows",
        limit="0 rows",
        sentence=f"The list holds {rows} rows of people who asked to be forgotten. Materialize the customer list "
        "again: it is then built without them.",
    )


def oversize(facts: GuardFacts, limits: GuardLimits) -> Finding:
    """A file that Spotify would not take."""
    size = f"{facts.manifest.bytes:,} bytes"
    return found(
        GuardName.OVERSIZE,
        blocks=facts.manifest.bytes > limits.max_bytes and not facts.split,
        figure=f"{size}, sent in parts" if facts.split else size,
        limit=f"at most {limits.max_bytes:,} bytes a file",
        sentence=f"The list has {size} and a file may have {limits.max_bytes:,}. Make the segment smaller, or let the "
        "YAML say that the list is split or truncated.",
    )


def _origin(manifest: Manifest) -> str:
    return f"{counted(manifest.rows_read)} rows read, {counted(manifest.rows_kept)} were kept"


def _values(manifest: Manifest, kind: str) -> int:
    """How many values of a type the people in the list brought, by their share of the people that were counted."""
    dropped = Counter(manifest.rows_dropped)
    counted_then = manifest.rows_kept + sum(dropped[reason] for reason in _KEPT_OUT_LATER)
    return int(Counter(manifest.values_kept)[kind] * share_of(manifest.rows_kept, counted_then))
