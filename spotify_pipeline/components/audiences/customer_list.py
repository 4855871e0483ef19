"""The asset of customer lists: hashed rows without those who are kept out, and the guards' word on them.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from spotify_pipeline.components.audiences.checks import (
    codes,
    guard_check_result,
    list_check_results,
    list_check_specs,
    no_prediction,
    not_judged,
)
from spotify_pipeline.components.audiences.definition import AudienceChain
from spotify_pipeline.components.audiences.list_building import build_list
from spotify_pipeline.components.audiences.membership import membership_metadata, membership_steps
from spotify_pipeline.components.audiences.non_consenting import declined_people
from spotify_pipeline.components.audiences.partitions import left_out_of_backfill, without_result
from spotify_pipeline.components.audiences.sync import lists_compared, live_list, predicted, say_blocked
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.metadata import customer_list_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds, WarehouseResource
from spotify_pipeline.components.run_start import started_at
from spotify_pipeline.components.sources import WAREHOUSE_POOL, read_suppressions
from spotify_pipeline.customer_list import Manifest, withdraw
from spotify_pipeline.customer_list.store import set_aside
from spotify_pipeline.mirror import GuardBlocked, JournalEntry, block_message
from spotify_pipeline.printable import markdown_cell
from spotify_pipeline.privacy import ErasureError
from spotify_pipeline.rows import RowsError, Suppressions
from spotify_pipeline.spotify import SpotifyError
from spotify_pipeline.warehouse import SegmentError


def customer_list_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The hashed list of one snapshot, and its manifest."""
    retain = chain.config.retain

    @dg.asset(
        key=chain.list_key,
        deps=list(dict.fromkeys([chain.identifiers_key, *(each.asset_key for each in chain.suppressions)])),
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"polars", "csv"},
        pool=WAREHOUSE_POOL,
        output_required=False,
        check_specs=list_check_specs(chain.list_key),
        description=(
            "The list that is sent to Spotify: one row per person and combination of identifiers, each cell the "
            "SHA-256 of one. A partition is one snapshot of the segment.\n\n"
            f"The last {retain.customer_lists} are kept. No raw identifier is in it, but a list of digests is still "
            f"personal data: the file is readable by its owner only.\n\nKept out: {_kept_out(chain)}."
        ),
    )
    def customer_list(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, home: PipelineHome, spotify: SpotifyAds
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if left_out_of_backfill(chain, context, now):
            yield from without_result(context)
            return
        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, now)
            snapshots = home.snapshots
            snapshots.sweep(chain.audience)
            report = snapshots.identifiers_report(chain.audience, context.partition_key)
            chain.refuse_other_settings(report.recipe, "identifiers")
            suppressions = _suppressions(chain, warehouse, home, context)
            path = snapshots.list_path(chain.audience, context.partition_key)
            source = snapshots.identifiers_path(chain.audience, context.partition_key)
            read_before = source.stat().st_mtime < started_at(context).timestamp()
            account = _account_of(chain, spotify)
            compared = _compared(chain, home, account)
            with set_aside(snapshots, chain.audience, context.partition_key, sent=compared):
                manifest = build_list(
                    chain, source, report, path, snapshot=context.partition_key, suppressions=suppressions
                )
                if read_before:
                    # Who said no since is among the identifiers, with the consent of back then.
                    manifest = withdraw(path, manifest, declined_people(chain, warehouse))
            known = _known(chain, home, account)
            shown = _shown_change(chain, warehouse, home, known, (path, manifest), suppressions)
            guards = _guards_say(chain, home, known, (path, manifest), context)
            # Read anew: another list may have been sent meanwhile, which must not be deleted.
            _keep(chain, home, account, now)
            checks = [*list_check_results(path, manifest), guards]
        for check in checks:
            if not check.passed:
                # Dagster's own message names the check that failed; this says why, and what to do.
                context.log.error(check.description)
        yield dg.MaterializeResult(metadata={**customer_list_metadata(manifest), **shown}, check_results=checks)

    return customer_list


def _kept_out(chain: AudienceChain) -> str:
    unlike = {each.name: each.matches_nobody_of(chain.config.identifiers) for each in chain.suppressions}
    names = [
        f"the people of `{each.relation}`" + (f" (nobody: {unlike[each.name]})" if unlike[each.name] else "")
        for each in chain.suppressions
    ]
    return ", ".join([*names, "and those who asked to be forgotten"] if names else ["those who asked to be forgotten"])


def _suppressions(
    chain: AudienceChain, warehouse: WarehouseResource, home: PipelineHome, context: dg.AssetExecutionContext
) -> Suppressions:
    """Everybody who is kept out. A source that cannot be read blocks the run, and a person is told."""
    try:
        return read_suppressions(chain.suppressions, warehouse, home.ledger)
    except (SegmentError, RowsError, ErasureError) as error:
        say_blocked(chain, home, ["suppressions"], str(error), context.log)
        raise


def _account_of(chain: AudienceChain, spotify: SpotifyAds) -> str | SpotifyError:
    """The ad account, or why it is not known: a list can be built before one is configured."""
    try:
        return spotify.account_of(chain)
    except SpotifyError as not_set:
        return not_set


def _known(chain: AudienceChain, home: PipelineHome, account: str | SpotifyError) -> JournalEntry | SpotifyError:
    """What is known of the audience there, or why nothing is."""
    return account if isinstance(account, SpotifyError) else home.journal.read(chain.audience, account)


def _guards_say(
    chain: AudienceChain,
    home: PipelineHome,
    known: JournalEntry | SpotifyError,
    customer_list: tuple[Path, Manifest],
    context: dg.AssetExecutionContext,
) -> dg.AssetCheckResult:
    if isinstance(known, SpotifyError):
        return no_prediction(str(known))
    try:
        decision = predicted(chain, home, known, customer_list)
        if not decision.allowed:
            raise GuardBlocked(block_message(decision), decision)
        return guard_check_result(decision)
    except GuardBlocked as blocked:
        say_blocked(chain, home, codes(blocked), str(blocked), context.log)
        return not_judged(blocked)


def _shown_change(
    chain: AudienceChain,
    warehouse: WarehouseResource,
    home: PipelineHome,
    known: JournalEntry | SpotifyError,
    customer_list: tuple[Path, Manifest],
    suppressions: Suppressions,
) -> dict[str, dg.MetadataValue]:
    """Who came and who left since the list that Spotify has. For people to read: nothing depends on it."""
    try:
        if isinstance(known, SpotifyError):
            raise known
        steps = membership_steps(chain, warehouse, home.snapshots, live_list(known), customer_list, suppressions)
    except (SpotifyError, SegmentError, RowsError) as error:
        return {"since the list before": dg.MarkdownMetadataValue(f"not known: {markdown_cell(error)}")}
    return membership_metadata(steps)


def _keep(chain: AudienceChain, home: PipelineHome, account: str | SpotifyError, now: datetime) -> None:
    """Delete what is no longer needed; never a list that the next is compared with."""
    retain, snapshots = chain.config.retain, home.snapshots
    snapshots.keep_identifiers(chain.audience, retain.identifiers, older_than=now - retain.identifiers_age)
    if isinstance(account, SpotifyError):
        # Which list Spotify has is not known, so none is deleted by this run.
        return
    snapshots.keep_lists(chain.audience, retain.customer_lists, sent=_compared(chain, home, account))
    snapshots.sweep(chain.audience)


def _compared(chain: AudienceChain, home: PipelineHome, account: str | SpotifyError) -> set[str]:
    """The lists that the next is compared with; none where the ad account is not configured yet."""
    return set() if isinstance(account, SpotifyError) else lists_compared(chain, home, account)
