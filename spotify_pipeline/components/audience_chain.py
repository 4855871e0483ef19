"""The three assets of one audience: identifiers, customer list, audience. They call the rooms that do the work.

No postponed annotations here: Dagster reads those of an asset's function when it is defined, and knows
`MaterializeResult` only without its type argument.
"""

# pyright: reportMissingTypeArgument=false, reportUnknownParameterType=false

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from spotify_pipeline.components.audience_checks import (
    identifiers_check_results,
    identifiers_check_specs,
    list_check_results,
    list_check_specs,
)
from spotify_pipeline.components.audience_config import AudienceConfig
from spotify_pipeline.components.failures import failures_said_plainly
from spotify_pipeline.components.identifier_plan import identifier_plan, segment_columns
from spotify_pipeline.components.metadata import audience_metadata, customer_list_metadata, identifiers_metadata
from spotify_pipeline.components.resources import PipelineHome, SpotifyAds, WarehouseResource
from spotify_pipeline.components.warehouse_project import WAREHOUSE_POOL
from spotify_pipeline.customer_list import build_customer_list, write_identifiers
from spotify_pipeline.mirror import AudienceMirror, AudienceTarget, MirrorRefused
from spotify_pipeline.spotify import CallRecord
from spotify_pipeline.warehouse import Relation

SPOTIFY_POOL = "spotify_ads_api"


@dataclass(frozen=True)
class AudienceChain:
    """One audience of the configuration, with everything it refers to looked up."""

    audience: str
    """The folder's name."""
    config: AudienceConfig
    segment_key: dg.AssetKey
    relation: Relation

    @property
    def identifiers_key(self) -> dg.AssetKey:
        """The asset of normalized identifiers."""
        return dg.AssetKey([self.audience, "identifiers"])

    @property
    def list_key(self) -> dg.AssetKey:
        """The asset of hashed customer lists."""
        return dg.AssetKey([self.audience, "customer_list"])

    @property
    def audience_key(self) -> dg.AssetKey:
        """The asset that is the audience at Spotify."""
        return dg.AssetKey([self.audience, "spotify_audience"])

    @property
    def name(self) -> str:
        """The audience's name in Ads Manager."""
        return self.config.name or self.audience

    def target(self, ad_account_id: str) -> AudienceTarget:
        """The audience as the mirror needs to know it."""
        return AudienceTarget(
            audience=self.audience,
            name=self.name,
            description=self.config.description,
            ad_account_id=ad_account_id,
            adopted_audience_id=self.config.audience_id,
            name_is_stated=self.config.name is not None,
        )

    @property
    def recipe(self) -> str:
        """A mark of what a list is made from: the segment, the identifiers and the consent asked for."""
        made_from = [
            str(self.relation),
            self.config.identifiers.model_dump_json(),
            self.config.segment.consent_column,
        ]
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()

    def refuse_other_settings(self, recipe: str, asset: str) -> None:
        """Stop what would go on from something that the YAML as it is now would not have made.

        Raises:
            MirrorRefused: the segment, the identifiers, the consent or the layout were stated otherwise.
        """
        if recipe != self.recipe:
            raise MirrorRefused(
                f"The YAML of {self.audience} has changed since: its segment, identifiers, consent or layout were "
                f"others. Nothing was sent. Materialize {self.audience}/{asset} and what follows it again."
            )

    def refuse_unless_newest(self, partition: str, now: datetime) -> None:
        """Stop a run for a window that is not open: the warehouse holds the segment of today, not of back then.

        Raises:
            MirrorRefused: ``partition`` is older than the newest one, or has not begun.
        """
        newest = self.config.cadence.newest_partition(now)
        if partition != newest:
            raise MirrorRefused(
                f"Partition {partition} of {self.audience} is not the one that is open ({newest}). The warehouse holds "
                f"the segment as it is now, so only {newest} can be built and sent. Nothing was sent."
            )


def chain_assets(chain: AudienceChain) -> list[dg.AssetsDefinition]:
    """The assets of one audience, in the order data flows."""
    return [_identifiers_asset(chain), _customer_list_asset(chain), _audience_asset(chain)]


def _identifiers_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    plan = identifier_plan(chain.config)

    @dg.asset(
        key=chain.identifiers_key,
        deps=[chain.segment_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"polars", "parquet"},
        pool=WAREHOUSE_POOL,
        check_specs=identifiers_check_specs(chain.identifiers_key),
        description=(
            f"The people of `{chain.relation}` who may be used for advertising, their e-mail addresses, phone numbers "
            "and device ids brought into the one form in which they are hashed.\n\n"
            "Kept in a private file on this machine for the newest partition only, and never shown: the metadata "
            "counts people and says why identifiers were turned away."
        ),
    )
    def identifiers(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource, home: PipelineHome
    ) -> dg.MaterializeResult:
        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, datetime.now(UTC))
            snapshots = home.snapshots
            # What a killed run left half done.
            snapshots.sweep(chain.audience)
            with warehouse.segment(chain.relation) as segment:
                report = write_identifiers(
                    segment.batches(segment_columns(chain.config)),
                    plan,
                    snapshots.identifiers_path(chain.audience, context.partition_key),
                    expected_rows=segment.count(),
                    recipe=chain.recipe,
                )
            snapshots.keep_only_identifiers(chain.audience, context.partition_key)
        return dg.MaterializeResult(
            metadata=identifiers_metadata(report), check_results=identifiers_check_results(report)
        )

    return identifiers


def _customer_list_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    @dg.asset(
        key=chain.list_key,
        deps=[chain.identifiers_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"polars", "csv"},
        check_specs=list_check_specs(chain.list_key),
        description=(
            "The list that is sent to Spotify: one row per person and combination of identifiers, each cell the "
            "SHA-256 of one. A partition is one snapshot of the segment.\n\n"
            f"The last {chain.config.retain.customer_lists} are kept. No raw identifier is in it, but a list of "
            "digests is still personal data: the file is readable by its owner only."
        ),
    )
    def customer_list(context: dg.AssetExecutionContext, home: PipelineHome) -> dg.MaterializeResult:
        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, datetime.now(UTC))
            snapshots = home.snapshots
            report = snapshots.identifiers_report(chain.audience, context.partition_key)
            chain.refuse_other_settings(report.recipe, "identifiers")
            manifest = build_customer_list(
                snapshots.identifiers_path(chain.audience, context.partition_key),
                report,
                snapshots.list_path(chain.audience, context.partition_key),
                layout=chain.config.layout,
                audience=chain.audience,
                snapshot=context.partition_key,
                built_at=datetime.now(UTC),
            )
            snapshots.keep_lists(chain.audience, chain.config.retain.customer_lists)
            checks = list_check_results(
                snapshots.list_path(chain.audience, context.partition_key), manifest, chain.config.guards.min_rows
            )
        for check in checks:
            if not check.passed:
                # Dagster's own message names the check that failed; this says why, and what to do.
                context.log.error(check.description)
        return dg.MaterializeResult(metadata=customer_list_metadata(manifest), check_results=checks)

    return customer_list


def _audience_asset(chain: AudienceChain) -> dg.AssetsDefinition:
    @dg.asset(
        key=chain.audience_key,
        deps=[chain.list_key],
        partitions_def=chain.config.cadence.partitions(),
        group_name=chain.audience,
        kinds={"spotify"},
        pool=SPOTIFY_POOL,
        retry_policy=dg.RetryPolicy(
            max_retries=2, delay=30, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
        ),
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
    ) -> dg.MaterializeResult:
        def log_call(call: CallRecord) -> None:
            context.log.info(str(call))

        with failures_said_plainly():
            chain.refuse_unless_newest(context.partition_key, datetime.now(UTC))
            snapshots = home.snapshots
            manifest = snapshots.manifest(chain.audience, context.partition_key)
            chain.refuse_other_settings(manifest.recipe, "identifiers")
            if manifest.layout != chain.config.layout:
                chain.refuse_other_settings("", "customer_list")
            target = chain.target(spotify.ad_account_id(chain.config.ad_account_id))
            with spotify.client(log_call) as client:
                outcome = AudienceMirror(client, home.journal).mirror(
                    target,
                    snapshots.list_path(chain.audience, context.partition_key),
                    manifest,
                    min_rows=chain.config.guards.min_rows,
                )
        context.log.info("%s: %s with %d rows.", chain.name, outcome.action, manifest.list_rows)
        return dg.MaterializeResult(metadata=audience_metadata(outcome, manifest, spotify.ads_manager_url()))

    return spotify_audience


def _consent_sentence(config: AudienceConfig) -> str:
    if config.segment.consent is not None:
        return f"Consent is not asked for: {config.segment.consent.not_required}"
    return f"Only people whose `{config.segment.consent_column}` is yes are in it."
