"""One audience of the configuration: its names, the keys of its assets, and what every run of it refuses."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import datetime

import dagster as dg

from spotify_pipeline.components.audiences.config import AudienceConfig, LookalikeConfig
from spotify_pipeline.components.resources import AudienceAttributes
from spotify_pipeline.components.sources import SuppressionSource
from spotify_pipeline.components.yaml import config_error, named_by_folder
from spotify_pipeline.customer_list import Manifest
from spotify_pipeline.mirror import AudienceSpec, MirrorRefused
from spotify_pipeline.mirror.guards import Guard, GuardLimits
from spotify_pipeline.rows import ERASURE
from spotify_pipeline.spotify_limits import NAME_LENGTH
from spotify_pipeline.warehouse import Relation

SPOTIFY_POOL = "spotify_ads_api"


@dataclass(frozen=True)
class AudienceAtSpotify:
    """An audience of any kind, as its assets and checks at Spotify need to know it."""

    folder: str
    """The folder's name: the audience's identity."""
    config: AudienceAttributes
    """Its YAML."""
    project: str = field(default="", kw_only=True)
    """The project's name: what is stored with Dagster may also be of other projects."""

    @property
    def audience_key(self) -> dg.AssetKey:
        """The asset that is the audience at Spotify."""
        return self._key("spotify_audience")

    @property
    def lookalike_key(self) -> dg.AssetKey:
        """The asset that is the lookalike of the audience, where the YAML asks for one."""
        return self._key("lookalike")

    def _key(self, asset: str) -> dg.AssetKey:
        prefix = self.config.key_prefix
        return dg.AssetKey([*(prefix.split("/") if prefix else []), self.folder, asset])

    @property
    def name(self) -> str:
        """The audience's name in Ads Manager."""
        return self.config.name or self.folder

    def spec(self, ad_account_id: str) -> AudienceSpec:
        """The audience as the mirror needs to know it."""
        return AudienceSpec(
            audience=self.folder,
            name=self.name,
            description=self.config.description,
            ad_account_id=ad_account_id,
            name_is_stated=self.config.name is not None,
        )


@dataclass(frozen=True)
class AudienceDefinition(AudienceAtSpotify):
    """One audience of the configuration, with everything it refers to looked up."""

    config: AudienceConfig
    segment_key: dg.AssetKey
    relation: Relation
    suppressions: tuple[SuppressionSource, ...] = ()
    """Who is kept out: the lists of every audience, and this one's own."""
    own_guards: tuple[Guard, ...] = ()
    """The guards that the project adds to ours."""

    @property
    def identifiers_key(self) -> dg.AssetKey:
        """The asset of normalized identifiers."""
        return self._key("identifiers")

    @property
    def list_key(self) -> dg.AssetKey:
        """The asset of hashed customer lists."""
        return self._key("customer_list")

    @property
    def limits(self) -> GuardLimits:
        """What its list must keep to.

        Raises:
            GuardLimitError: a limit of the YAML is wrong; definitions that are loaded have none.
        """
        return self.config.guards.limits(self.own_guards)

    def spec(self, ad_account_id: str) -> AudienceSpec:
        """The audience as the mirror needs to know it, with the one that it takes over."""
        return replace(super().spec(ad_account_id), adopted_audience_id=self.config.audience_id)

    @property
    def config_fingerprint(self) -> str:
        """A mark of what a list is made from: the segment, the identifiers, the consent asked for, and the order."""
        made_from = [
            str(self.relation),
            self.config.identifiers.mark(),
            self.config.segment.consent_column,
        ]
        made_from += [self.config.segment.updated_at] if self.config.segment.updated_at is not None else []
        made_from += ["python"] if self.config.segment.python is not None else []
        cut = self.config.oversize.truncate
        made_from += [cut.model_dump_json()] if cut is not None else []
        return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()

    def refuse_other_settings(self, config_fingerprint: str, asset: str) -> None:
        """Refuse a list or identifiers that the current YAML would not have produced.

        Raises:
            MirrorRefused: the segment, the identifiers, the consent or the layout were different.
        """
        if config_fingerprint != self.config_fingerprint:
            raise MirrorRefused(
                f"The YAML of {self.folder} has changed since: its segment, identifiers, consent or layout were "
                f"others. Nothing was sent. Materialize {self.folder}/{asset} and what follows it again."
            )

    def refuse_other_list(self, manifest: Manifest) -> None:
        """Stop before a list is sent that the YAML as it is now would not have made.

        Raises:
            MirrorRefused: its settings, its layout or the suppression lists applied were others.
        """
        self.refuse_other_settings(manifest.config_fingerprint, "identifiers")
        if manifest.layout != self.config.layout:
            self.refuse_other_settings("", "customer_list")
        missing = sorted({ERASURE, *(each.name for each in self.suppressions)} - {*manifest.suppressions})
        if missing:
            raise MirrorRefused(
                f"The list of {self.folder} for {manifest.snapshot} was built without the suppressions that apply "
                f"now ({', '.join(missing)}). Nothing was sent. Materialize {self.folder}/customer_list and what "
                "follows it again."
            )

    def refuse_unless_newest(self, partition: str, now: datetime, *, retried: int = 0, sending: bool = False) -> None:
        """Stop a run for a window that is not open: the warehouse holds the segment of today, not of back then.

        Args:
            partition: the window that the run is for.
            now: decides which window is open.
            retried: how often this step was retried already; the tries before may have sent something.
            sending: whether it is the list that would be sent; then the sentence says how an older one can be.

        Raises:
            MirrorRefused: ``partition`` is older than the newest one, or has not begun.
        """
        newest = self.config.cadence.newest_partition(now)
        if partition != newest and retried:
            raise MirrorRefused(
                f"Partition {partition} of {self.folder} is no longer the one that is open ({newest}), so it is not "
                "retried. An upload that an earlier try of this run began may have arrived. Materialize "
                f"{newest}, which finds out and replaces the list."
            )
        if partition != newest:
            raise MirrorRefused(
                f"Partition {partition} of {self.folder} is not the one that is open ({newest}). The warehouse holds "
                f"the segment as it is now, so only {newest} can be built and sent. Nothing was sent."
                + (self._way_back(partition) if sending else "")
            )

    def _way_back(self, partition: str) -> str:
        return (
            f" To send the list of {partition} once more, if it is kept, run: spotify-pipeline rollback "
            f'{self.folder} {partition} --reason "...", or materialize it with the run config '
            'rollback: {reason: "...", approved_by: "..."}.'
        )


def spotify_pool(audience: str) -> str:
    """The concurrency pool of what is sent for an audience and its lookalike: one step at a time.

    Other audiences have their own: a list that takes hours holds none of them up. The audience's lock keeps the order
    of its lists, all processes share one rate limit, and how many lists are sent at once is bounded by Dagster's runs.
    """
    return f"{SPOTIFY_POOL}_{audience}"


def audience_named_by(name: str | None, context: dg.ComponentLoadContext) -> str:
    """The name of the folder that an audience's file is in: its identity. ``name`` is the one that the file states.

    Raises:
        AudienceConfigError: it cannot serve.
    """
    folder = named_by_folder(context, "an audience")
    if name is None and len(folder) < NAME_LENGTH[0]:
        raise config_error(context, (), "state a name: Spotify wants 2 to 80 characters and the folder's name has one")
    return folder


def refuse_own_name(name: str, lookalike: LookalikeConfig | None, context: dg.ComponentLoadContext) -> None:
    """Refuse a lookalike that is called as its audience: in Ads Manager nobody could tell them apart."""
    if lookalike is not None and lookalike.name.strip().casefold() == name.strip().casefold():
        raise config_error(context, ("lookalike",), f"is called {name}, as its audience is. Give it a name of its own")
