"""What a client may ask of audiences: the bodies of create and edit, the query of the list.

Field rules are the OpenAPI document's. Which fields a subtype needs, and which it may not have, is not in the
document; those rules are the sandbox's (see the table of assumptions).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from starlette.requests import Request

from spotify_pipeline.sandbox.ads.errors import invalid
from spotify_pipeline.sandbox.ads.fields import Body, as_uuid, query_choice, query_number, required
from spotify_pipeline.sandbox.store import Audience

NAME_LENGTH = (2, 80)
DESCRIPTION_LENGTH = (0, 80)
LOOKBACK_DAYS = (30, 60, 90, 180)
EXPOSURE_TYPES = ("IMPRESSIONS", "CLICKS")
SUBTYPES = ("CUSTOMER_LIST", "WEB_EVENT", "AD_ENGAGEMENT", "LIVERAMP")
AUDIENCE_TYPES = ("CUSTOM", "LOOKALIKE")
EVENTS = (
    *("VIEW", "PRODUCT", "CHECKOUT", "ADDTOCART", "PURCHASE", "LEAD", "ALIAS", "SIGNUP", "CLICK"),
    *(f"CUSTOM_EVENT_{number}" for number in range(1, 6)),
)
LIST_QUERY = frozenset({"audience_ids", "audience_types", "q", "limit", "offset", "sort_direction", "sort_field"})
LARGEST_PAGE = 50

_BASE = ("audience_type", "name", "description")
_FIELDS = {
    "CUSTOMER_LIST": ("subtype", "audience_id"),
    "WEB_EVENT": ("subtype", "dataset_ids", "included_events", "excluded_events", "lookback_days"),
    "AD_ENGAGEMENT": ("subtype", "campaign_ids", "ad_set_ids", "exposure_type", "lookback_days"),
    "LOOKALIKE": ("seed_audience_id",),
}


def new_audience(body: Body, ad_account_id: str, now: datetime) -> Audience:
    """The audience that a create request describes. Whether the ids in it exist is for the caller to check.

    Raises:
        ApiError: 400.
    """
    audience_type = required("audience_type", body.choice("audience_type", AUDIENCE_TYPES))
    subtype = None
    if audience_type == "CUSTOM":
        subtype = required("subtype", body.choice("subtype", SUBTYPES))
        if subtype == "LIVERAMP":
            raise invalid("SUBTYPE", "LIVERAMP audiences are created by LiveRamp")
    body.allow_only((*_BASE, *_FIELDS[subtype or "LOOKALIKE"]))
    audience = Audience(
        id=body.uuid("audience_id") or str(uuid.uuid4()),
        ad_account_id=ad_account_id,
        type=audience_type,
        subtype=subtype,
        name=required("name", body.text("name", *NAME_LENGTH)),
        description=body.text("description", *DESCRIPTION_LENGTH),
        created_at=now,
        updated_at=now,
        seed_audience_id=body.uuid("seed_audience_id"),
        dataset_ids=body.uuids("dataset_ids"),
        included_events=body.choices("included_events", EVENTS),
        excluded_events=body.choices("excluded_events", EVENTS),
        lookback_days=body.number("lookback_days", LOOKBACK_DAYS),
        campaign_ids=body.uuids("campaign_ids"),
        ad_set_ids=body.uuids("ad_set_ids"),
        exposure_type=body.choice("exposure_type", EXPOSURE_TYPES),
    )
    _check_needed(body, audience)
    return audience


def _check_needed(body: Body, audience: Audience) -> None:
    if audience.type == "LOOKALIKE":
        required("seed_audience_id", audience.seed_audience_id)
    elif audience.subtype == "CUSTOMER_LIST":
        if not body.has("audience_id"):
            raise invalid("AUDIENCE_ID", "audience_id must be the id that came with the upload URL")
    elif audience.subtype == "WEB_EVENT":
        _check_some("dataset_ids", audience.dataset_ids)
        _check_some("included_events", audience.included_events)
        _check_lookback(audience)
    else:
        if bool(audience.campaign_ids) == bool(audience.ad_set_ids):
            raise invalid("CAMPAIGN_IDS", "give either campaign_ids or ad_set_ids")
        required("exposure_type", audience.exposure_type)
        _check_lookback(audience)


def _check_some(name: str, values: tuple[str, ...]) -> None:
    if not values:
        raise invalid(name, f"{name} must not be empty")


def _check_lookback(audience: Audience) -> None:
    if audience.lookback_days is None:
        raise invalid("LOOKBACK_DAYS", "lookback_days must not be null")


@dataclass(frozen=True)
class AudienceEdit:
    """A PATCH: what is None stays."""

    name: str | None
    description: str | None


def audience_edit(body: Body, audience: Audience) -> AudienceEdit:
    """What an edit request changes about ``audience``.

    Raises:
        ApiError: 400, also for an ``audience_type`` that is not the audience's.
    """
    body.allow_only(_BASE)
    audience_type = required("audience_type", body.choice("audience_type", AUDIENCE_TYPES))
    if audience_type != audience.type:
        raise invalid("AUDIENCE_TYPE", f"the audience is of type {audience.type}")
    return AudienceEdit(name=body.text("name", *NAME_LENGTH), description=body.text("description", *DESCRIPTION_LENGTH))


@dataclass(frozen=True)
class ListQuery:
    """Which audiences to list, in which order, and which page of them."""

    ids: frozenset[str]
    types: frozenset[str]
    search: str
    limit: int
    offset: int
    by_name: bool
    descending: bool

    def admits(self, audience: Audience) -> bool:
        """Whether the audience is asked for. ``q`` matches anywhere in the name; ``*`` stands for anything."""
        pattern = "*" + self.search.lower().replace("[", "[[]").replace("?", "[?]") + "*"
        return (
            (not self.ids or audience.id in self.ids)
            and (not self.types or audience.type in self.types)
            and fnmatchcase(audience.name.lower(), pattern)
        )


def list_query(request: Request) -> ListQuery:
    """The query of a list request. Lists repeat their name; a comma does not separate.

    Raises:
        ApiError: 400.
    """
    types = request.query_params.getlist("audience_types")
    for value in types:
        if value not in AUDIENCE_TYPES:
            raise invalid("AUDIENCE_TYPES", "audience_types may only hold CUSTOM, LOOKALIKE")
    return ListQuery(
        ids=frozenset(as_uuid("audience_ids", id_) for id_ in request.query_params.getlist("audience_ids")),
        types=frozenset(types),
        search=request.query_params.get("q", ""),
        limit=query_number(request, "limit", LARGEST_PAGE, 1, LARGEST_PAGE),
        offset=query_number(request, "offset", 0, 0, 2**31 - 1),
        by_name=query_choice(request, "sort_field", "UPDATED_AT", ("NAME", "UPDATED_AT")) == "NAME",
        descending=query_choice(request, "sort_direction", "DESC", ("ASC", "DESC")) == "DESC",
    )
