"""The asset of customer lists: hashed rows without those who are kept out, and the guards' word on them.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from spotify_pipeline.components.audiences.checks import (
    codes,
    guard_check_result,
    list_check_results,
    list_check_specs,
    no_prediction,
    not_judged,
)
from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.audiences.guarding import alert_blocked, lists_compared, live_list, predicted
from spotify_pipeline.components.audiences.list_building import build_list, non_consenting_people
from spotify_pipeline.components.audiences.membership import membership_metadata, membership_steps
from spotify_pipeline.components.audiences.partitions import nothing_materialized, skipped_in_backfill
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import customer_list_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.run_start import started_at
from spotify_pipeline.components.sources import WAREHOUSE_POOL, read_suppressions
from spotify_pipeline.customer_list import ComparedList, StoredList, WrittenRows, redact_list
from spotify_pipeline.customer_list.store import set_aside
from spotify_pipeline.mirror import GuardBlocked, JournalEntry, block_message
from spotify_pipeline.printable import markdown_cell
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.rows import DigestSet, RowsError, Suppressions
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline.warehouse import SegmentError


def customer_list_asset(audience: AudienceDefinition) -> dg.AssetsDefinition:
    """The hashed list of one snapshot, and its manifest."""
    retain = audience.config.retain

    @dg.asset(
        key=audience.list_key,
        deps=list(dict.fromkeys([audience.identifiers_key, *(each.asset_key for each in audience.suppressions)])),
        partitions_def=audience.config.cadence.partitions(),
        group_name=audience.folder,
        kinds={"polars", "csv"},
        pool=WAREHOUSE_POOL,
        output_required=False,
        check_specs=list_check_specs(audience.list_key),
        description=(
            "The list that is sent to Spotify: one row per person and combination of identifiers, each cell the "
            "SHA-256 of one. A partition is one snapshot of the segment.\n\n"
            f"The last {retain.customer_lists} are kept. No raw identifier is in it, but a list of digests is still "
            f"personal data: the file is readable by its owner only.\n\nKept out: {_kept_out(audience)}."
        ),
    )
    def customer_list(
        context: dg.AssetExecutionContext,
        spotify_warehouse: WarehouseResource,
        spotify_home: PipelineHome,
        spotify_ads: SpotifyAdsResource,
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if skipped_in_backfill(audience, context, now):
            yield from nothing_materialized(context)
            return
        with sanitized_failures():
            audience.refuse_unless_newest(context.partition_key, now)
            snapshots = spotify_home.snapshots
            snapshots.sweep(audience.folder)
            report = snapshots.identifiers_report(audience.folder, context.partition_key)
            audience.refuse_other_settings(report.config_fingerprint, "identifiers")
            suppressions = _suppressions(audience, spotify_warehouse, spotify_home, context)
            path = snapshots.list_path(audience.folder, context.partition_key)
            source = snapshots.identifiers_path(audience.folder, context.partition_key)
            written_at = snapshots.identifiers_written(audience.folder)[context.partition_key]
            read_before = written_at < started_at(context)
            account = _account_of(audience, spotify_ads)
            compared = _compared(audience, spotify_home, account)
            # What the list is compared by takes memory, so it is kept only where there is a list to compare it with.
            written = WrittenRows() if compared else None
            declined = snapshots.take_declined(audience.folder, context.partition_key)
            with set_aside(snapshots, audience.folder, context.partition_key, sent=compared):
                manifest = built = build_list(
                    audience,
                    source,
                    report,
                    path,
                    snapshot=context.partition_key,
                    suppressions=suppressions,
                    written=written,
                )
                if read_before:
                    # Who said no since is among the identifiers, with the consent of back then.
                    declined = non_consenting_people(audience, spotify_warehouse)
                    manifest = redact_list(snapshots.stored(audience.folder, context.partition_key)[0], built, declined)
                    written = written if manifest is built else None
                elif declined is not None and written is not None:
                    declined -= written.digests  # another row consents with these
            known = _known(audience, spotify_home, account)
            stored = snapshots.stored(audience.folder, context.partition_key)
            new = ComparedList(stored, written)
            shown = _shown_change(audience, spotify_warehouse, spotify_home, known, new, suppressions, declined)
            guards = _guards_say(audience, spotify_home, known, stored, written, context)
            # Read again: another list may have been sent meanwhile, which must not be deleted.
            _keep(audience, spotify_home, account, now)
            checks = [*list_check_results(manifest), guards]
        for check in checks:
            if not check.passed:
                # Dagster's own message names the check that failed; this says why, and what to do.
                context.log.error(check.description)
        yield dg.MaterializeResult(metadata={**customer_list_metadata(manifest), **shown}, check_results=checks)

    return customer_list


def _kept_out(audience: AudienceDefinition) -> str:
    unlike = {each.name: each.matches_nobody_of(audience.config.identifiers) for each in audience.suppressions}
    names = [
        f"the people of `{each.relation}`" + (f" (nobody: {unlike[each.name]})" if unlike[each.name] else "")
        for each in audience.suppressions
    ]
    return ", ".join([*names, "and those who asked to be forgotten"] if names else ["those who asked to be forgotten"])


def _suppressions(
    audience: AudienceDefinition, warehouse: WarehouseResource, home: PipelineHome, context: dg.AssetExecutionContext
) -> Suppressions:
    """Everybody who is kept out. A source that cannot be read blocks the run, and a person is told."""
    try:
        return read_suppressions(audience.suppressions, warehouse, home.ledger)
    except (SegmentError, RowsError, ErasureError) as error:
        alert_blocked(audience, home, ["suppressions"], str(error), context.log)
        raise


def _account_of(audience: AudienceDefinition, spotify: SpotifyAdsResource) -> str | SpotifyError:
    """The ad account, or why it is not known: a list can be built before one is configured."""
    try:
        return spotify.account_of(audience)
    except SpotifyError as not_set:
        return not_set


def _known(
    audience: AudienceDefinition, home: PipelineHome, account: str | SpotifyError
) -> JournalEntry | SpotifyError:
    """What is known of the audience there, or why nothing is."""
    return account if isinstance(account, SpotifyError) else home.journal.read(audience.folder, account)


def _guards_say(
    audience: AudienceDefinition,
    home: PipelineHome,
    known: JournalEntry | SpotifyError,
    customer_list: StoredList,
    written: WrittenRows | None,
    context: dg.AssetExecutionContext,
) -> dg.AssetCheckResult:
    if isinstance(known, SpotifyError):
        return no_prediction(str(known))
    try:
        decision = predicted(audience, home, known, customer_list, written)
        if not decision.allowed:
            raise GuardBlocked(block_message(decision), decision)
        return guard_check_result(decision)
    except GuardBlocked as blocked:
        alert_blocked(audience, home, codes(blocked), str(blocked), context.log)
        return not_judged(blocked)


def _shown_change(
    audience: AudienceDefinition,
    warehouse: WarehouseResource,
    home: PipelineHome,
    known: JournalEntry | SpotifyError,
    customer_list: ComparedList,
    suppressions: Suppressions,
    declined: DigestSet | None,
) -> dict[str, dg.MetadataValue]:
    """Who came and who left since the list that Spotify has. For people to read: nothing depends on it."""
    try:
        if isinstance(known, SpotifyError):
            raise known
        people = partial(non_consenting_people, audience, warehouse) if declined is None else lambda: declined
        steps = membership_steps(home, live_list(known), customer_list, suppressions, people)
    except (SpotifyError, SegmentError, RowsError, ErasureError) as error:
        return {"since the list before": dg.MarkdownMetadataValue(f"not known: {markdown_cell(error)}")}
    return membership_metadata(steps)


def _keep(audience: AudienceDefinition, home: PipelineHome, account: str | SpotifyError, now: datetime) -> None:
    """Delete what is no longer needed; never a list that the next is compared with."""
    retain, snapshots = audience.config.retain, home.snapshots
    snapshots.keep_identifiers(audience.folder, retain.identifiers, older_than=now - retain.identifiers_age)
    if isinstance(account, SpotifyError):
        # Which list Spotify has is not known, so none is deleted by this run.
        return
    snapshots.keep_lists(audience.folder, retain.customer_lists, sent=_compared(audience, home, account))
    snapshots.sweep(audience.folder)


def _compared(audience: AudienceDefinition, home: PipelineHome, account: str | SpotifyError) -> set[str]:
    """The lists that the next is compared with; none where the ad account is not configured yet."""
    return set() if isinstance(account, SpotifyError) else lists_compared(audience, home, account)
