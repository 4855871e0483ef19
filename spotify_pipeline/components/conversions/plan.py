"""From a feed's YAML to the plans that judging and delivery follow."""

from __future__ import annotations

from spotify_pipeline.components.conversions.config import FeedConfig
from spotify_pipeline.components.sources import columns_by_type
from spotify_pipeline.conversions import DeliveryPlan, FeedPlan, OptOutPolicy, TimeSource
from spotify_pipeline.rows import IdentifierPlan


def feed_plan(config: FeedConfig) -> FeedPlan:
    """Which columns of the events hold which parameters, and what is done with events that are not sent."""
    stated, opt_out = config.identifiers, config.opt_out
    return FeedPlan(
        event_name=config.event_name.source,
        names=config.event_name.mapping,
        event_id=config.event_id.source,
        event_time=TimeSource(
            column=config.event_time.column,
            zone=config.timezone,
            unit=config.event_time.unit,
            missing_is_now=config.event_time.missing == "now",
        ),
        identifiers=IdentifierPlan(identifiers=columns_by_type(stated)) if stated is not None else None,
        ip_address=config.ip_address,
        amount=config.amount,
        currency=config.currency.source if config.currency is not None else None,
        content_name=config.content_name,
        content_category=config.content_category,
        event_source_url=config.event_source_url,
        action_source=config.action_source.source if config.action_source is not None else None,
        consent_column=config.events.consent_column,
        opt_out_column=opt_out.column if opt_out is not None else None,
        opt_out_policy=opt_out.policy if opt_out is not None else OptOutPolicy.FLAG,
        purchase_needs_amount=config.purchase_without_amount == "refuse",
        max_age=config.max_age,
    )


def delivery_plan(config: FeedConfig) -> DeliveryPlan:
    """How events are sent."""
    stated = config.delivery
    return DeliveryPlan(
        batch_events=stated.batch, guarantee=stated.guarantee, taken_answers=tuple(stated.taken_answers)
    )
