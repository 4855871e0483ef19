"""The asset that is an audience which Spotify fills by itself.

No postponed annotations here: see `identifiers_asset`.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

from typing import Any, cast

import dagster as dg

from spotify_pipeline.components.audiences.definition import spotify_pool
from spotify_pipeline.components.audiences.event_based.definition import EventAudienceDefinition
from spotify_pipeline.components.failures import sanitized_failures
from spotify_pipeline.components.metadata import audience_state, receipts_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAdsResource
from spotify_pipeline.components.run_log import StepCalls
from spotify_pipeline.mirror import EventBasedDefinition, sync_event_based
from spotify_pipeline.printable import markdown_cell


def event_audience_asset(audience: EventAudienceDefinition) -> dg.AssetsDefinition:
    """The audience at Spotify, created once and renamed where the YAML says so. A run that changes nothing is cheap."""

    @dg.asset(
        key=audience.audience_key,
        group_name=audience.folder,
        kinds={"spotify"},
        pool=spotify_pool(audience.folder),
        description=(
            f'The audience "{audience.name}", which Spotify fills and keeps up to date by itself. {audience.in_words}'
            + (f"\n\n{audience.config.description}" if audience.config.description else "")
        ),
    )
    def spotify_audience(
        context: dg.AssetExecutionContext, spotify_home: PipelineHome, spotify_ads: SpotifyAdsResource
    ) -> dg.MaterializeResult:
        calls = StepCalls(context)
        with sanitized_failures(retried=context.retry_number, metadata=calls.shown):
            account = spotify_ads.account_of(audience)
            with spotify_ads.client(calls, authorization=audience.config.authorization) as client:
                definition = audience.event_based(client, account)
                outcome = sync_event_based(
                    client,
                    spotify_home.journal,
                    audience.spec(account),
                    definition,
                    evidence={"run_id": context.run.run_id},
                    trace_ids=calls.trace_ids,
                )
        if outcome.recovered:
            context.log.warning(outcome.recovered)
        return dg.MaterializeResult(
            metadata={
                "done": dg.TextMetadataValue(str(outcome.action)),
                **audience_state(outcome.audience),
                "made of": dg.MarkdownMetadataValue(_settings_table(definition)),
                "in Ads Manager": dg.UrlMetadataValue(spotify_ads.ads_manager_url()),
                **receipts_metadata(outcome.receipts),
                **calls.shown(),
            }
        )

    return spotify_audience


def _settings_table(made_of: EventBasedDefinition) -> str:
    lines = [
        f"| {name.replace('_', ' ')} | {markdown_cell(_in_words(value))} |" for name, value in made_of.settings.items()
    ]
    return "\n".join(["| what | |", "|:--|:--|", *lines])


def _in_words(value: Any) -> str:  # noqa: ANN401 - JSON is what it is
    return ", ".join(map(str, cast("list[object]", value))) or "none" if isinstance(value, list) else str(value)
