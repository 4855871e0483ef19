"""Checks that what was promised holds: people's data is deleted in time, erasures are done, receipts are whole.

The job `spotify_watch_audiences` runs them, so that an audience that is never mirrored again is noticed too.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from spotify_pipeline.components.audiences.config import RetainConfig
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.resources import PLANS, PipelineHome
from spotify_pipeline.customer_list.storage import sweep
from spotify_pipeline.mirror import AlertKind, sent_before
from spotify_pipeline.privacy import ErasureRequest, erasure_alert

RETENTION_KEPT = "retention_kept"
ERASURES_DONE = "erasures_done"
RECEIPTS_WHOLE = "receipts_whole"
OVERDUE = "overdue"
GRACE = timedelta(hours=6)
"""Between two looks of the job: files are deleted at the one, or at the next."""


def privacy_checks(audience: AudienceDefinition) -> dg.AssetChecksDefinition:
    """The checks of one audience. They ask nobody but this machine."""

    @dg.multi_asset_check(
        name=f"{audience.folder}__promises",
        specs=[
            dg.AssetCheckSpec(
                RETENTION_KEPT,
                asset=audience.audience_key,
                description="No file of normalized identifiers is older than retain.days says. What is, is deleted by "
                "this check first.",
            ),
            dg.AssetCheckSpec(
                ERASURES_DONE,
                asset=audience.audience_key,
                description="Nobody who asked to be forgotten waits for this audience beyond the deadline.",
            ),
            dg.AssetCheckSpec(
                RECEIPTS_WHOLE,
                asset=audience.audience_key,
                description="The receipts of this audience are complete and unchanged, according to their own "
                "digests and the journal.",
            ),
        ],
    )
    def promises(spotify_home: PipelineHome) -> Iterator[dg.AssetCheckResult]:
        now = datetime.now(UTC)
        with sanitized_failures():
            yield judge_retention(audience, spotify_home, now)
            yield judge_erasures(audience, spotify_home, now)
            yield judge_receipts(audience, spotify_home)

    return promises


def judge_retention(audience: AudienceDefinition, home: PipelineHome, now: datetime) -> dg.AssetCheckResult:
    """Delete what is too old, then say whether anything is left that is."""
    retain, store = audience.config.retain, home.snapshots
    deleted = store.keep_identifiers(
        audience.folder, max(1, retain.identifiers), older_than=now - retain.identifiers_age
    )
    # What a killed plan left is of people too, and no plan may ever follow.
    swept = store.sweep(audience.folder) + sweep(home.directory / PLANS)
    limit = now - retain.identifiers_age - GRACE
    kept = store.identifiers_written(audience.folder)
    old = [snapshot for snapshot, written_at in kept.items() if written_at < limit]
    sentence = (
        f"{len(old)} files of normalized identifiers of {audience.folder} are older than {retain.days} days and could "
        "not be deleted. Look at who owns them."
        if old
        else f"Files of normalized identifiers: {len(kept)} kept, none older than {retain.days} days."
    )
    home.alerts.state(audience.folder, AlertKind.RETENTION, [OVERDUE] if old else [], sentence, now)
    return dg.AssetCheckResult(
        check_name=RETENTION_KEPT,
        asset_key=audience.audience_key,
        passed=not old,
        description=sentence,
        metadata={"files deleted": len(deleted) + swept, "files kept": len(kept)},
    )


def judge_erasures(audience: AudienceDefinition, home: PipelineHome, now: datetime) -> dg.AssetCheckResult:
    """Whether an erasure waits too long for the audience; if it does, a person is told."""
    blocked = any(
        each.audience == audience.folder and each.kind is AlertKind.BLOCKED for each in home.alerts.standing()
    )
    waiting = waiting_erasures(audience.folder, home, now)
    codes, sentence = erasure_alert(audience.folder, waiting, blocked=blocked, now=now)
    home.alerts.state(audience.folder, AlertKind.ERASURE_DUE, codes, sentence, now)
    return dg.AssetCheckResult(
        check_name=ERASURES_DONE,
        asset_key=audience.audience_key,
        passed=not codes,
        severity=dg.AssetCheckSeverity.ERROR if OVERDUE in codes else dg.AssetCheckSeverity.WARN,
        description=sentence,
        metadata={"requests waiting": len(waiting)},
    )


def judge_receipts(audience: AudienceDefinition, home: PipelineHome) -> dg.AssetCheckResult:
    """Whether the receipts of the audience, its parts and its lookalike are whole."""
    reports = home.receipts.verify(audience.folder)
    wrong = [each for each in reports if not each.whole]
    told = " ".join(f"{each.audience} in ad account {each.ad_account_id}: {each.sentence}" for each in wrong or reports)
    return dg.AssetCheckResult(
        check_name=RECEIPTS_WHOLE,
        asset_key=audience.audience_key,
        passed=not wrong,
        description=told or "Nothing was sent yet.",
        metadata={"receipts kept": sum(each.receipts for each in reports)},
    )


def clean_up_removed(configured: Collection[str], home: PipelineHome, now: datetime) -> None:
    """Clean up for audiences that no YAML file defines any more: they have no run and no check of their own.

    Their old identifiers are deleted, and a person is told of erasures that wait for them.
    """
    store, age = home.snapshots, RetainConfig().identifiers_age
    for name in set(store.audiences()).difference(configured):
        store.sweep(name)
        store.keep_identifiers(name, 1, older_than=now - age)
    waiting = home.ledger.waiting_audiences()
    told = {each.audience for each in home.alerts.standing() if each.kind is AlertKind.ERASURE_DUE}
    for name in sorted((waiting | told).difference(configured)):
        waits = waiting_erasures(name, home, now)
        codes, sentence = erasure_alert(name, waits, blocked=False, mirrored=False, now=now)
        home.alerts.state(name, AlertKind.ERASURE_DUE, codes, sentence, now)


def waiting_erasures(audience: str, home: PipelineHome, now: datetime) -> list[ErasureRequest]:
    """The requests that wait for an audience. None waits for one of which nothing is at Spotify, or ever was."""
    if home.ledger.waiting(audience) and not sent_before(home.journal, audience):
        home.ledger.done(audience, decided_at=now)
    return home.ledger.waiting(audience)
