"""The asset that is an audience's lookalike: listeners whom Spotify finds to be like those of the audience.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audiences.config import LookalikeConfig
from spotify_pipeline.components.audiences.definition import AudienceAtSpotify, AudienceDefinition, spotify_pool
from spotify_pipeline.components.audiences.partitions import nothing_materialized, skipped_in_backfill
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import audience_state, receipts_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource
from spotify_pipeline.components.run_log import StepCalls
from spotify_pipeline.mirror import Lookalike, MirrorRefused, sync_event_based


def lookalike_asset(audience: AudienceAtSpotify, stated: LookalikeConfig) -> dg.AssetsDefinition:
    """The lookalike of an audience, created once and renamed where the YAML says so."""
    mirrored = audience if isinstance(audience, AudienceDefinition) else None

    @dg.asset(
        key=audience.lookalike_key,
        deps=[audience.audience_key],
        partitions_def=mirrored.config.cadence.partitions() if mirrored is not None else None,
        group_name=audience.folder,
        kinds={"spotify"},
        pool=spotify_pool(audience.folder),
        output_required=False,
        description=f'The lookalike "{stated.name}" of the audience "{audience.name}". Spotify keeps it up to date.',
    )
    def lookalike(
        context: dg.AssetExecutionContext, spotify_home: PipelineHome, spotify_ads: SpotifyAdsResource
    ) -> Iterator[dg.MaterializeResult | dg.Output[None]]:
        if mirrored is not None and skipped_in_backfill(mirrored, context, datetime.now(UTC)):
            yield from nothing_materialized(context)
            return

        calls = StepCalls(context)
        with sanitized_failures(retried=context.retry_number):
            account = spotify_ads.account_of(audience)
            seed = spotify_home.journal.read(audience.folder, account).audience_id
            if seed is None:
                raise MirrorRefused(
                    f"There is no audience of {audience.folder} yet that a lookalike could be made of. Materialize "
                    f"{audience.folder}/spotify_audience first."
                )
            with spotify_ads.client(calls, authorization=audience.config.authorization) as client:
                outcome = sync_event_based(
                    client,
                    spotify_home.journal,
                    audience.spec(account).lookalike(stated.name, stated.description),
                    Lookalike(seed_audience_id=seed),
                    evidence={"run_id": context.run.run_id},
                    trace_ids=calls.trace_ids,
                )
        if outcome.recovered:
            context.log.warning(outcome.recovered)
        yield dg.MaterializeResult(
            metadata={
                "done": dg.TextMetadataValue(str(outcome.action)),
                **audience_state(outcome.audience),
                "seed audience id": dg.TextMetadataValue(seed),
                **receipts_metadata(outcome.receipts),
            }
        )

    return lookalike
