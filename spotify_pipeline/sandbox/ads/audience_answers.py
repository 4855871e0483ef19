"""An audience as the Ads API shows it: the document's ``AudienceResponse``, unused fields left out."""

from __future__ import annotations

from spotify_pipeline.sandbox.lists import Standing
from spotify_pipeline.sandbox.store import Audience, SandboxState, in_utc_seconds

_SOURCES = {
    "CUSTOMER_LIST": "CUSTOMER_LIST",
    "WEB_EVENT": "PIXEL",
    "AD_ENGAGEMENT": "AD_ENGAGEMENT",
    None: "AUDIENCE",
}


def audience_answer(state: SandboxState, audience: Audience, standing: Standing) -> dict[str, object]:
    """The answer for one audience."""
    answer: dict[str, object | None] = {
        "id": audience.id,
        "created_at": in_utc_seconds(audience.created_at),
        "updated_at": in_utc_seconds(standing.updated_at),
        "name": audience.name,
        "description": audience.description,
        "type": audience.type,
        "subtype": audience.subtype,
        "status": standing.status,
        "size": standing.size.as_json(),
        "sources": [_SOURCES[audience.subtype]],
        "lookalike_audience_ids": _lookalikes(state, audience),
        "included_events": list(audience.included_events),
        "excluded_events": list(audience.excluded_events),
        "lookback_days": audience.lookback_days,
        "campaign_ids": list(audience.campaign_ids),
        "ad_set_ids": list(audience.ad_set_ids),
        "exposure_type": audience.exposure_type,
        "datasets": _datasets(state, audience),
        "audience_category": audience.type,
        **_seed(state, audience),
    }
    return {name: value for name, value in answer.items() if value is not None and value != []}


def _lookalikes(state: SandboxState, audience: Audience) -> list[str]:
    siblings = state.audiences.of(audience.ad_account_id)
    return [other.id for other in siblings if other.seed_audience_id == audience.id]


def _datasets(state: SandboxState, audience: Audience) -> list[dict[str, str]]:
    found = [state.datasets.get(id_) for id_ in audience.dataset_ids]
    return [{"id": dataset.id, "name": dataset.name} for dataset in found if dataset is not None]


def _seed(state: SandboxState, audience: Audience) -> dict[str, str]:
    if audience.seed_audience_id is None:
        return {}
    seed = state.audiences.get(audience.seed_audience_id)
    name = {"seed_audience_name": seed.name} if seed else {}
    return {"seed_audience_id": audience.seed_audience_id, **name}
