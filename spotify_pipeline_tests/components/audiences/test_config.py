"""What an audience's YAML may say, and what each mistake is told: the models alone, without Dagster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from spotify_pipeline.components.audiences.config import AudienceConfig, GuardsConfig
from spotify_pipeline.components.yaml.errors import FOLDER_NAME
from spotify_pipeline.mirror.guards import MAX_DRAIN, guard_limits
from spotify_pipeline_tests.components.conftest import GOOD

UUID = "ce4ff15e-f04d-48b9-9ddf-fb3c85fbd57a"


def with_line(line: str) -> str:
    return GOOD.replace("name: Lapsed subscribers", f"name: Lapsed subscribers\n  {line}", 1)


def told(content: str) -> str:
    attributes: dict[str, Any] = yaml.safe_load(content)["attributes"]
    with pytest.raises(ValidationError) as refused:
        AudienceConfig.model_validate(attributes)
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(with_line("ad_account_id: my-account"), "not a UUID", id="account"),
        pytest.param(
            with_line("authorization: Nordic team"),
            "not the label of an authorization: up to 40 small letters, digits, - and _",
            id="authorization",
        ),
        pytest.param(with_line(f"authorization: {'a' * 41}"), "up to 40 small", id="long label"),
        pytest.param(with_line("audience_id: 12345"), "string", id="audience number"),
        pytest.param(with_line(f"audience_id: {UUID}x"), "not a UUID", id="audience"),
        pytest.param(GOOD.replace("every: week", "every: weekly"), "'day', 'week', 'month' or 'once'", id="every"),
        pytest.param(GOOD.replace("on: monday", "on: montag"), "on must be a day of the week", id="day"),
        pytest.param(GOOD.replace('"06:00"', '"6 am"'), "match pattern", id="time"),
        pytest.param(GOOD.replace("default_region: SE", "default_region: Sweden"), "two-letter country", id="country"),
        pytest.param(GOOD.replace("default_region: SE", "default_region: NO"), 'write "NO" in quotes', id="norway"),
        pytest.param(GOOD.replace("name: Lapsed subscribers", "name: L"), "at least 2 characters", id="short name"),
        pytest.param(GOOD.replace("name: Lapsed subscribers", f"name: {'L' * 81}"), "at most 80", id="long name"),
        pytest.param(with_line(f"description: {'d' * 81}"), "at most 80", id="description"),
        pytest.param(
            with_line("mode: add"),
            "the only mode is mirror: Spotify replaces a customer list as a whole and has no call that adds people",
            id="mode",
        ),
        pytest.param(with_line("layout: tall"), "'wide' or 'long'", id="layout"),
        pytest.param(with_line("guards: {min_rows: 0}"), "greater than", id="minimum"),
        pytest.param(
            with_line("supress: [x]"), "no such field. Did you mean suppress? Allowed: name", id="misspelled field"
        ),
        pytest.param(
            GOOD.replace("    consent_column: marketing_consent\n", ""),
            "specify one of consent_column",
            id="no consent",
        ),
        pytest.param(
            GOOD.replace("dbt_model: lapsed_subscribers", "dbt_model: lapsed_subscribers\n    table: a.b"),
            "specify one of dbt_model",
            id="two segments",
        ),
        pytest.param(
            GOOD.replace("[email, billing_email]", "[email, email]"), "the column email is listed twice", id="twice"
        ),
        pytest.param(GOOD.replace("name: Lapsed subscribers", "name: [a]"), "valid string", id="type"),
        pytest.param(
            GOOD.replace("consent_column: marketing_consent", "consent_column: on"), "quote it: YAML reads", id="on"
        ),
        pytest.param(GOOD.replace("[email, billing_email]", "no"), "quote it: YAML reads it as true or", id="no"),
        pytest.param(GOOD.replace("billing_email]", "off]"), "quote it: YAML reads it as true or false", id="off"),
        pytest.param(GOOD.replace("device_id: device_id", "device_id: yes"), "quote it: YAML reads", id="yes"),
        pytest.param(GOOD.replace("region_column: country", "region_column: Off"), "quote it: YAML", id="column off"),
        pytest.param(GOOD.replace("name: Lapsed subscribers", "name: No"), "quote it: YAML reads", id="name no"),
    ],
)
def test_each_mistake_is_told_what_is_allowed(content: str, sentence: str) -> None:
    assert sentence in told(content)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("guards: {max_shrink: 30}", 'write a share as "30%" or as a number such as 0.3; it is at most 99%'),
        ('guards: {max_shrink: "30"}', 'not a share: write "30%" or 0.3'),
        ('guards: {max_shrink: "100%"}', "a share from 0% to 99% is allowed here"),
        ("guards: {max_shrink: .nan}", "such as 0.3"),
        ("guards: {max_growth: 30000}", "it is at most 10,000%"),
        ("guards: {max_invalid: true}", "not a share"),
        ("guards: {max_source_age: 2w}", 'not a duration: write hours or days, such as "36h" or "7d"'),
        ("guards: {max_source_age: 0h}", "a duration is from 1h to 3650d"),
        ("guards: {max_bytes: 2000000000}", "less than or equal to 1073741824"),
        ("max_age: 30", 'not a duration: write hours or days, such as "36h" or "7d"'),
        ("oversize: drop", "specify one of fail, split and truncate: {order_by, keep}"),
        ("oversize: {truncate: {order_by: cancelled_on, keep: newest}}", "'highest' or 'lowest'"),
        ("suppress: [stg_events, stg_events]", "suppress lists stg_events twice"),
        ("suppress: [{dbt_model: a, table: b}]", "specify one of dbt_model"),
        ("retain: {identifiers: -1}", "greater than or equal to 0"),
        ("retain: {days: 0}", "greater than or equal to 1"),
        ("lookalike: L", "at least 2 characters"),
    ],
)
def test_each_mistake_about_limits_is_told_what_is_allowed(line: str, sentence: str) -> None:
    assert sentence in told(with_line(line))


@pytest.mark.parametrize("folder", ["Lapsed", "lapsed-subscribers", "9lives", "l" * 64, "läpsed", "lapsed.se", "v1.2"])
def test_s03_a_folder_name_that_cannot_be_an_identity_is_none(folder: str) -> None:
    assert FOLDER_NAME.fullmatch(folder) is None


def test_w09_without_a_word_on_guards_every_one_has_its_default() -> None:
    assert GuardsConfig().limits() == guard_limits()
    stated = GuardsConfig.model_validate({"min_rows": 5}).limits()
    assert stated == guard_limits(min_rows=5)


@pytest.mark.parametrize("guard", GuardsConfig.model_fields)
def test_w09_no_guard_can_be_turned_off(guard: str) -> None:
    for nothing in (None, False, -1):
        with pytest.raises(ValidationError):
            GuardsConfig.model_validate({guard: nothing})


def test_shares_and_durations_are_what_was_written() -> None:
    config = GuardsConfig.model_validate(
        {"max_shrink": "12.5%", "max_growth": "300 %", "max_churn": 0.4, "max_source_age": "36h"}
    )
    aged = timedelta(hours=36)
    stated = guard_limits(max_shrink=0.125, max_growth=3.0, max_churn=0.4, max_source_age=aged)
    assert config.limits() == stated


def test_short_forms_stand_for_the_long_ones() -> None:
    base = {"segment": {"table": "a.b", "consent_column": "c"}, "identifiers": {"email": "e"}, "cadence": "once"}
    config = AudienceConfig.model_validate(
        {**base, "suppress": ["model"], "lookalike": "Alike", "oversize": "split", "max_age": "30d"}
    )
    assert config.suppress[0].dbt_model == "model"
    assert config.lookalike is not None
    assert config.lookalike.name == "Alike"
    assert config.oversize.split
    assert config.max_age == timedelta(days=30)
    assert not AudienceConfig.model_validate({**base, "oversize": "fail"}).oversize.split


@pytest.mark.parametrize(
    ("stated", "drain"),
    [
        ({}, 0.4),
        ({"max_shrink": "50%"}, 0.5),
        ({"max_shrink": "20%"}, 0.4),
        ({"max_shrink": 0.5, "max_drain": 0.35}, 0.35),
    ],
)
def test_w19_losses_that_add_up_are_limited_at_no_less_than_one_loss_unless_it_is_said(
    stated: dict[str, object], drain: float
) -> None:
    assert GuardsConfig.model_validate(stated).limits()[MAX_DRAIN] == drain
