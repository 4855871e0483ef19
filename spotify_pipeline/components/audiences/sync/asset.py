"""The asset that is the audience at Spotify: it shows, while it runs and afterwards, what the mirror does.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.checks import codes, guard_check_result, guard_check_spec, not_judged
from spotify_pipeline.components.audiences.config import AudienceConfig
from spotify_pipeline.components.audiences.definition import AudienceChain, spotify_pool
from spotify_pipeline.components.audiences.partitions import BACKFILL_TAG, left_out_of_backfill, without_result
from spotify_pipeline.components.audiences.sync.blocked_runs import say_blocked, say_sent
from spotify_pipeline.components.audiences.sync.request import ListToSend, list_to_send
from spotify_pipeline.components.audiences.sync.run_config import SendConfig
from spotify_pipeline.components.audiences.sync.sending import RunFacts, send, settle
from spotify_pipeline.components.audiences.sync.witness import dagster_witness, state_metadata
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.metadata import audience_metadata, in_words, receipts_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds, WarehouseResource
from spotify_pipeline.components.run_log import StepCalls, UploadLines
from spotify_pipeline.components.run_start import started_at
from spotify_pipeline.customer_list import parts_needed
from spotify_pipeline.mirror import GuardBlocked, MirrorOutcome
from spotify_pipeline.spotify import SignInKind

SCHEDULE_TAG = "dagster/schedule_name"


def audience_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The audience at Spotify, kept equal to the newest customer list."""

    @dg.asset(
        key=chain.audience_key,
        deps=[chain.list_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"spotify"},
        pool=spotify_pool(chain.audience),
        output_required=False,
        check_specs=[
            guard_check_spec(
                chain.audience_key,
                blocking=False,
                description="What the guards decided about the list when it was to be sent. Blocked: nothing was sent.",
            )
        ],
        description=(
            f'The audience "{chain.name}" at Spotify, an exact mirror of the segment '
            f"{chain.config.cadence.in_words()}.\n\n"
            + (f"{chain.config.description}\n\n" if chain.config.description else "")
            + _consent_sentence(chain.config)
            + " Spotify replaces a list as a whole and takes up to three days to match it."
        ),
    )
    def spotify_audience(
        context: dg.AssetExecutionContext,
        config: SendConfig,
        home: PipelineHome,
        spotify: SpotifyAds,
        warehouse: WarehouseResource,
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if left_out_of_backfill(chain, context, now):
            yield from without_result(context)
            return
        calls = StepCalls(context)
        blocked: GuardBlocked | None = None
        outcomes: list[MirrorOutcome] = []
        with failures_said_plainly(retried=context.retry_number, metadata=calls.shown):
            account = spotify.account_of(chain)
            sent = list_to_send(
                chain,
                home,
                warehouse,
                account,
                context.partition_key,
                config,
                cause=_cause(context),
                now=now,
                run_started=started_at(context),
                retried=context.retry_number,
            )
            _warn_of_sign_in(chain, spotify, now, context)
            facts = RunFacts(
                run_id=context.run.run_id,
                trace_ids=calls.trace_ids,
                on_progress=UploadLines(context.log.info),
            )
            try:
                with spotify.client(calls, authorization=chain.config.authorization) as client:
                    witness = dagster_witness(context.instance, chain, account)
                    outcomes = send(chain, home, client, account, sent, facts, witness)
            except GuardBlocked as error:
                blocked = error
                say_blocked(chain, home, codes(error), str(error), context.log)
            else:
                settle(chain, home, account, sent)
                say_sent(chain, home, context.log)
        if blocked is not None:
            # The evaluation is stored although the step fails, so that the check shows why.
            yield not_judged(blocked)
            with failures_said_plainly(metadata=calls.shown):
                raise blocked
        _say_what_was_done(chain, context, outcomes, sent)
        yield dg.MaterializeResult(
            metadata={
                **audience_metadata(outcomes, sent.manifest, spotify.ads_manager_url()),
                **receipts_metadata([receipt for each in outcomes for receipt in each.receipts]),
                **state_metadata(chain, home, account, outcomes),
                **calls.shown(),
            },
            check_results=[guard_check_result(outcomes[0].decision)],
        )

    return spotify_audience


def _cause(context: dg.AssetExecutionContext) -> str:
    tags = context.run.tags
    return "schedule" if SCHEDULE_TAG in tags else "backfill" if BACKFILL_TAG in tags else "by hand"


def _warn_of_sign_in(
    chain: AudienceChain, spotify: SpotifyAds, now: datetime, context: dg.AssetExecutionContext
) -> None:
    sign_in = spotify.sign_in(chain.config.authorization, now)
    if sign_in.kind is SignInKind.ENDS_SOON:
        context.log.warning(sign_in.sentence)


def _say_what_was_done(
    chain: AudienceChain, context: dg.AssetExecutionContext, outcomes: Sequence[MirrorOutcome], sent: ListToSend
) -> None:
    most = chain.config.guards.max_bytes
    if len(outcomes) > 1 and (needed := parts_needed(sent.path, sent.manifest, most)) < len(outcomes):
        spare = [f"{chain.audience}.{number}" for number in range(needed + 1, len(outcomes) + 1)]
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
    context.log.info("%s: %s. The list has %s rows.", chain.name, done, in_words(sent.manifest.list_rows))


def _consent_sentence(config: AudienceConfig) -> str:
    if config.segment.consent is not None:
        return f"Consent is not asked for: {config.segment.consent.not_required}"
    return f"Only people whose `{config.segment.consent_column}` is yes are in it."
