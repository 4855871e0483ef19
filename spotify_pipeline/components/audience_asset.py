"""The asset that is the audience at Spotify: it shows, while it runs and afterwards, what the mirror does.

No postponed annotations here: see `list_assets`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audience_chain import AudienceChain
from spotify_pipeline.components.audience_config import AudienceConfig
from spotify_pipeline.components.backfill import left_out_of_backfill, without_result
from spotify_pipeline.components.call_table import calls_metadata, new_call_log
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.metadata import audience_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds
from spotify_pipeline.components.upload_lines import UploadLines
from spotify_pipeline.mirror import AudienceMirror
from spotify_pipeline.spotify import CallRecord, SignInKind

SPOTIFY_POOL = "spotify_ads_api"


def audience_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    """The audience at Spotify, kept equal to the newest customer list."""

    @dg.asset(
        key=chain.audience_key,
        deps=[chain.list_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"spotify"},
        pool=SPOTIFY_POOL,
        output_required=False,
        description=(
            f'The audience "{chain.name}" at Spotify, an exact mirror of the segment '
            f"{chain.config.cadence.in_words()}.\n\n"
            + (f"{chain.config.description}\n\n" if chain.config.description else "")
            + _consent_sentence(chain.config)
            + " Spotify replaces a list as a whole and takes up to three days to match it."
        ),
    )
    def spotify_audience(
        context: dg.AssetExecutionContext, home: PipelineHome, spotify: SpotifyAds
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        now = datetime.now(UTC)
        if left_out_of_backfill(chain, context, now):
            yield from without_result(context)
            return
        calls = new_call_log()

        def on_call(call: CallRecord) -> None:
            context.log.info(str(call))
            calls(call)

        def calls_shown() -> dict[str, dg.MetadataValue]:
            return calls_metadata(calls, retried=context.retry_number)

        with failures_said_plainly(retried=context.retry_number, metadata=calls_shown):
            chain.refuse_unless_newest(context.partition_key, now, retried=context.retry_number)
            snapshots = home.snapshots
            manifest = snapshots.manifest(chain.audience, context.partition_key)
            chain.refuse_other_settings(manifest.recipe, "identifiers")
            if manifest.layout != chain.config.layout:
                chain.refuse_other_settings("", "customer_list")
            sign_in = spotify.sign_in(chain.config.authorization, now)
            if sign_in.kind is SignInKind.ENDS_SOON:
                context.log.warning(sign_in.sentence)
            target = chain.target(spotify.ad_account_id(chain.config.ad_account_id))
            with spotify.client(on_call, authorization=chain.config.authorization) as client:
                outcome = AudienceMirror(client, home.journal).mirror(
                    target,
                    snapshots.list_path(chain.audience, context.partition_key),
                    manifest,
                    min_rows=chain.config.guards.min_rows,
                    on_progress=UploadLines(context.log.info),
                )
        if outcome.recovered:
            context.log.warning(outcome.recovered)
        if outcome.proof is not None and not outcome.proof.verified:
            context.log.warning(
                "The storage stated the list's size and no checksum, so it is not proven that it holds the same bytes."
            )
        context.log.info("%s: %s. The list has %d rows.", chain.name, outcome.action, manifest.list_rows)
        yield dg.MaterializeResult(
            metadata={**audience_metadata(outcome, manifest, spotify.ads_manager_url()), **calls_shown()}
        )

    return spotify_audience


def _consent_sentence(config: AudienceConfig) -> str:
    if config.segment.consent is not None:
        return f"Consent is not asked for: {config.segment.consent.not_required}"
    return f"Only people whose `{config.segment.consent_column}` is yes are in it."
