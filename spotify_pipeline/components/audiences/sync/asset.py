"""The asset that is the audience at Spotify: it shows, while it runs and afterwards, what the mirror does.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.checks import (
    codes,
    guard_check_result,
    guard_check_spec,
    not_judged,
    not_verified,
    verified,
    verified_check_spec,
)
from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.audiences.definition import AudienceDefinition, spotify_pool
from spotify_pipeline.components.audiences.guarding import alert_blocked
from spotify_pipeline.components.audiences.partitions import BACKFILL_TAG, nothing_materialized, skipped_in_backfill
from spotify_pipeline.components.audiences.sync.checkpoint import dagster_checkpoint, state_metadata
from spotify_pipeline.components.audiences.sync.request import RunConfig, SendRequest, send_request
from spotify_pipeline.components.audiences.sync.sending import RunFacts, delete_old_lists, send
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import audience_metadata, in_words, receipts_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource, WarehouseResource
from spotify_pipeline.components.run_log import StepCalls, UploadProgressLog
from spotify_pipeline.components.run_start import started_at
from spotify_pipeline.customer_list import CustomerListError, parts_needed
from spotify_pipeline.mirror import GuardBlocked, MirrorOutcome
from spotify_pipeline.mirror.guards import MAX_BYTES
from spotify_pipeline.spotify import SignInKind

SCHEDULE_TAG = "dagster/schedule_name"


def audience_asset(audience: AudienceDefinition) -> dg.AssetsDefinition:
    """The audience at Spotify, kept equal to the newest customer list."""

    @dg.asset(
        key=audience.audience_key,
        deps=[audience.list_key],
        partitions_def=audience.config.cadence.partitions(),
        group_name=audience.folder,
        kinds={"spotify"},
        pool=spotify_pool(audience.folder),
        output_required=False,
        check_specs=[
            guard_check_spec(
                audience.audience_key,
                blocking=False,
                description="What the guards decided before the list was sent. Blocked: nothing was sent.",
            ),
            verified_check_spec(audience.audience_key),
        ],
        description=(
            f'The audience "{audience.name}" at Spotify, an exact mirror of the segment '
            f"{audience.config.cadence.in_words()}.\n\n"
            + (f"{audience.config.description}\n\n" if audience.config.description else "")
            + _consent_sentence(audience.config)
            + " Spotify replaces a list as a whole and takes up to three days to match it."
        ),
    )
    def spotify_audience(
        context: dg.AssetExecutionContext,
        config: RunConfig,
        spotify_home: PipelineHome,
        spotify_ads: SpotifyAdsResource,
        spotify_warehouse: WarehouseResource,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if skipped_in_backfill(audience, context, now):
            yield from nothing_materialized(context)
            return
        calls = StepCalls(context)
        refused: GuardBlocked | CustomerListError | None = None
        outcomes: list[MirrorOutcome] = []
        with sanitized_failures(retried=context.retry_number, metadata=calls.shown):
            account = spotify_ads.account_of(audience)
            sent = send_request(
                audience,
                spotify_home,
                spotify_warehouse,
                account,
                context.partition_key,
                config,
                cause=_cause(context),
                now=now,
                run_started=started_at(context),
                retried=context.retry_number,
            )
            _warn_of_sign_in(audience, spotify_ads, now, context)
            facts = RunFacts(
                run_id=context.run.run_id,
                trace_ids=calls.trace_ids,
                on_progress=UploadProgressLog(context.log.info),
                log=context.log,
            )
            try:
                with spotify_ads.client(calls, authorization=audience.config.authorization) as client:
                    checkpoint = dagster_checkpoint(context.instance, audience, account)
                    outcomes = send(audience, spotify_home, client, account, sent, facts, checkpoint)
            except GuardBlocked as error:
                refused = error
                alert_blocked(audience, spotify_home, codes(error), str(error), context.log)
            except CustomerListError as error:
                refused = error
            else:
                delete_old_lists(audience, spotify_home, account)
        if refused is not None:
            # The evaluation is stored although the step fails, so that the check shows why.
            yield not_judged(refused) if isinstance(refused, GuardBlocked) else not_verified(refused)
            with sanitized_failures(metadata=calls.shown):
                raise refused
        _say_what_was_done(audience, context, outcomes, sent)
        yield dg.MaterializeResult(
            metadata={
                **audience_metadata(outcomes, sent.manifest, spotify_ads.ads_manager_url()),
                **receipts_metadata([receipt for each in outcomes for receipt in each.receipts]),
                **state_metadata(audience, spotify_home, account, outcomes),
                **calls.shown(),
            },
            check_results=[verified(sent.manifest), guard_check_result(outcomes[0].decision)],
        )

    return spotify_audience


def _cause(context: dg.AssetExecutionContext) -> str:
    tags = context.run.tags
    return "schedule" if SCHEDULE_TAG in tags else "backfill" if BACKFILL_TAG in tags else "by hand"


def _warn_of_sign_in(
    audience: AudienceDefinition, spotify: SpotifyAdsResource, now: datetime, context: dg.AssetExecutionContext
) -> None:
    sign_in = spotify.sign_in(audience.config.authorization, now)
    if sign_in.kind is SignInKind.ENDS_SOON:
        context.log.warning(sign_in.sentence)


def _say_what_was_done(
    audience: AudienceDefinition,
    context: dg.AssetExecutionContext,
    outcomes: Sequence[MirrorOutcome],
    sent: SendRequest,
) -> None:
    most = audience.limits[MAX_BYTES]
    if len(outcomes) > 1 and (needed := parts_needed(sent.path, sent.manifest, most)) < len(outcomes):
        spare = [f"{audience.folder}.{number}" for number in range(needed + 1, len(outcomes) + 1)]
        context.log.warning(
            "The list needs %s of the %s parts in which it was sent: one that is not sent would stay live with its "
            'people. To give up %s, run: spotify-pipeline retire %s --policy delete --reason "...", then materialize '
            "it again.",
            needed,
            len(outcomes),
            " and ".join(spare),
            spare[0],
        )
    for outcome in outcomes:
        if outcome.recovered:
            context.log.warning(outcome.recovered)
        if outcome.unproven is not None:
            context.log.warning(outcome.unproven)
        if outcome.proof is not None and not outcome.proof.verified:
            context.log.warning(
                "The storage stated the list's size and no checksum, so it is not proven that it holds the same bytes."
            )
    done = ", ".join(str(each.action) for each in outcomes)
    context.log.info("%s: %s. The list has %s rows.", audience.name, done, in_words(sent.manifest.list_rows))


def _consent_sentence(config: AudienceConfig) -> str:
    if config.segment.consent is not None:
        return f"Consent is not asked for: {config.segment.consent.not_required}"
    return f"Only people whose `{config.segment.consent_column}` is yes are in it."
