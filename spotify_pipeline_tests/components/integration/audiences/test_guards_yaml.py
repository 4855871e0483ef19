"""What an audience's YAML may say of guards, suppressions, size, age and retention, and what each mistake is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from spotify_pipeline.components.audiences.config import AudienceConfig, GuardsConfig
from spotify_pipeline.components.deployment import audience_definitions
from spotify_pipeline.mirror import GuardLimits
from spotify_pipeline_tests.components.conftest import GOOD

NAME = "  name: Lapsed subscribers\n"
SUPPRESSED = """
type: spotify_pipeline.SuppressionList
attributes:
  segment: {dbt_model: do_not_contact}
  identifiers: {email: email}
"""


def with_line(line: str) -> str:
    return GOOD.replace(NAME, f"{NAME}  {line}\n", 1)


def test_w09_without_a_word_on_guards_every_one_has_its_default() -> None:
    assert GuardsConfig().limits() == GuardLimits()
    stated = GuardsConfig.model_validate({"min_rows": 5}).limits()
    assert stated == GuardLimits(min_rows=5)


@pytest.mark.parametrize("guard", GuardsConfig.model_fields)
def test_w09_no_guard_can_be_turned_off(mistake: Callable[..., str], guard: str) -> None:
    for nothing in ("null", "off", "-1"):
        said = mistake(with_line(f"guards: {{{guard}: {nothing}}}"))
        assert re.search(r"lapsed/defs\.yaml:4\b", said), said


def test_shares_and_durations_are_what_was_written() -> None:
    config = GuardsConfig.model_validate(
        {"max_shrink": "12.5%", "max_growth": "300 %", "max_churn": 0.4, "max_source_age": "36h"}
    )
    assert (config.max_shrink, config.max_growth, config.max_churn) == (0.125, 3.0, 0.4)
    assert config.max_source_age == timedelta(hours=36)


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
        ("guards: {max_source_age: 36h}", "goes with segment.updated_at, which is not stated"),
        ("guards: {max_bytes: 2000000000}", "less than or equal to 1073741824"),
        ("max_age: 30", 'not a duration: write hours or days, such as "36h" or "7d"'),
        ("oversize: drop", "state one of fail, split and truncate: {order_by, keep}"),
        ("oversize: {truncate: {order_by: cancelled_on, keep: newest}}", "'highest' or 'lowest'"),
        ("oversize: {truncate: {order_by: cancelled, keep: highest}}", "has no column cancelled. Did you mean cancel"),
        ("suppress: [do_not_contakt]", "there is no dbt model do_not_contakt. Did you mean do_not_contact?"),
        ("suppress: [stg_events, stg_events]", "suppress lists stg_events twice"),
        ("suppress: [{dbt_model: a, table: b}]", "state one of dbt_model"),
        ("suppress: [{dbt_model: do_not_contact, identifiers: {email: mail}}]", "has no column mail. Did you mean"),
        ("suppress: [{table: erasure}]", "erasure is the name of a suppression list of every audience"),
        ("retain: {identifiers: -1}", "greater than or equal to 0"),
        ("retain: {days: 0}", "greater than or equal to 1"),
        ("lookalike: L", "at least 2 characters"),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(mistake: Callable[..., str], line: str, sentence: str) -> None:
    said = mistake(with_line(line))
    assert sentence in said
    assert re.search(r"lapsed/defs\.yaml:4\b", said), said


def test_w06_a_column_of_times_needs_a_limit_on_their_age(mistake: Callable[..., str]) -> None:
    said = mistake(GOOD.replace("    consent_column", "    updated_at: cancelled_on\n    consent_column"))
    assert "goes with guards.max_source_age, which is not stated" in said
    assert re.search(r"lapsed/defs\.yaml:6\b", said), said


def test_a_model_without_a_column_that_identifies_anybody_suppresses_nobody(mistake: Callable[..., str]) -> None:
    devices = GOOD.replace("    email: [email, billing_email]\n", "").replace(
        "    phone: {column: phone, region_column: country, default_region: SE}\n", ""
    )
    said = mistake(devices.replace(NAME, f"{NAME}  suppress: [do_not_contact]\n"))
    assert "do_not_contact has none of the columns that identify people of this audience. Its columns are: " in said


def test_p13_a_suppression_list_of_the_project_applies_to_every_audience(load: Callable[..., dg.Definitions]) -> None:
    definitions = load(
        {
            "suppressions/opted_out": SUPPRESSED,
            "first": GOOD,
            "second": GOOD.replace(NAME, "  name: Second\n  suppress: [{dbt_model: vip_customers}]\n"),
        }
    )
    chains = {chain.folder: chain for chain in audience_definitions(definitions)}
    assert [each.name for each in chains["first"].suppressions] == ["opted_out"]
    assert [each.name for each in chains["second"].suppressions] == ["opted_out", "vip_customers"]
    graph = definitions.resolve_asset_graph()
    parents = graph.get(chains["second"].list_key).parent_keys
    assert {key.path[-1] for key in parents} == {"identifiers", "do_not_contact", "vip_customers"}


def test_a_suppression_list_without_its_settings_says_what_it_needs(mistake: Callable[..., str]) -> None:
    assert "a suppression list needs segment and identifiers" in mistake("type: spotify_pipeline.SuppressionList\n")


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
    assert GuardsConfig.model_validate(stated).limits().max_drain == drain
