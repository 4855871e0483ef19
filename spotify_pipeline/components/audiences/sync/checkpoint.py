"""What Dagster's storage knows of what was sent: it is elsewhere than this machine's directory, and is seldom put back.

Each materialization of an audience says in its metadata which receipts were the newest then. A storage that is new or
was pruned knows nothing, nor does a materialization that somebody reported from outside; that proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import BaseModel, StrictInt, ValidationError

from spotify_pipeline.components.audiences.definition import AudienceDefinition
from spotify_pipeline.components.resources import PipelineHome
from spotify_pipeline.mirror import Checkpoint, MirrorOutcome

STATE = "state when sent"
LOOKED_THROUGH = 100
"""Materializations of an audience, newest first: the first of them counts, unless it was reported from outside."""
_MANY = 10**9
_DIGEST = re.compile(r"[0-9a-f]{64}")


class State(BaseModel):
    """What a materialization says of what was known when the audience was sent."""

    ad_account_id: str
    project: str | None = None
    receipts: dict[str, tuple[StrictInt, str | None]] = {}
    newest_erasure: str | None = None


def state_metadata(
    audience: AudienceDefinition, home: PipelineHome, ad_account_id: str, outcomes: Sequence[MirrorOutcome]
) -> dict[str, dg.MetadataValue]:
    """What a later run is to find in Dagster's storage; also of a run that sent nothing."""
    spec = audience.spec(ad_account_id)
    keys = [spec.part(number, len(outcomes)).audience for number in range(1, len(outcomes) + 1)]
    entries = {key: home.journal.read(key, ad_account_id) for key in keys}
    state = State(
        ad_account_id=ad_account_id,
        project=audience.project,
        receipts={key: (entry.receipts, entry.receipt_head) for key, entry in entries.items()},
        newest_erasure=home.ledger.newest(),
    )
    return {STATE: dg.JsonMetadataValue(state.model_dump(mode="json"))}


def dagster_checkpoint(instance: dg.DagsterInstance, audience: AudienceDefinition, ad_account_id: str) -> Checkpoint:
    """What Dagster's storage knows of an audience in an ad account, across partitions and parts."""
    receipts: dict[str, tuple[int, str]] = {}
    own = audience.audience_key.path[-2:]
    # Under any key that it ever had: a prefix may have been added since.
    for asset in (key for key in instance.all_asset_keys() if key.path[-2:] == own):
        for each in instance.fetch_materializations(asset, limit=LOOKED_THROUGH).records:
            for key, number, digest in _receipts(_metadata(each), audience, ad_account_id):
                if number > receipts.get(key, (0, ""))[0]:
                    receipts[key] = (number, digest)
    newest = _newest_erasure(instance, audience, ad_account_id)
    return Checkpoint(name="Dagster's storage", receipts=receipts, newest_erasure=newest)


def _newest_erasure(instance: dg.DagsterInstance, audience: AudienceDefinition, ad_account_id: str) -> str | None:
    """By the project's audience of the ad account that was sent last: the ledger is one for all of them."""
    name = audience.audience_key.path[-1]
    keys = [key for key in instance.all_asset_keys() if key.path[-1] == name]
    records = [each.asset_entry.last_materialization_record for each in instance.get_asset_records(keys)]
    known = sorted((each for each in records if each is not None), key=lambda each: each.storage_id, reverse=True)
    states = (_state(_metadata(each), audience, ad_account_id) for each in known)
    return next((each.newest_erasure for each in states if each is not None), None)


def _receipts(
    metadata: Mapping[str, Any], audience: AudienceDefinition, ad_account_id: str
) -> Iterator[tuple[str, int, str]]:
    """Key in the journal, number and digest of each receipt that a materialization names and that could be one."""
    state = _state(metadata, audience, ad_account_id)
    for key, (number, digest) in (state.receipts if state is not None else {}).items():
        if 0 < number < _MANY and digest is not None and _DIGEST.fullmatch(digest):
            yield key, number, digest


def _state(metadata: Mapping[str, Any], audience: AudienceDefinition, ad_account_id: str) -> State | None:
    """What a materialization states, if it is of this project, or of a time when that was not noted."""
    try:
        state = State.model_validate(_json(metadata, STATE))
    except ValidationError:
        return None
    ours = state.ad_account_id == ad_account_id and state.project in (None, audience.project)
    return state if ours else None


def _metadata(record: dg.EventLogRecord) -> Mapping[str, Any]:
    materialization = record.event_log_entry.asset_materialization
    return materialization.metadata if materialization is not None else {}


def _json(metadata: Mapping[str, Any], name: str) -> object:
    value = metadata.get(name)
    return value.value if isinstance(value, dg.JsonMetadataValue) else None
