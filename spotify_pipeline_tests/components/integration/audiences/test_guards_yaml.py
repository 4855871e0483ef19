"""What an audience's YAML may say of guards, suppressions, size, age and retention, and what each mistake is told."""

from __future__ import annotations

import re
from collections.abc import Callable

import dagster as dg
import pytest

from spotify_pipeline.components.connection import audience_definitions
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


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("guards: {max_source_age: 36h}", "requires segment.updated_at, which is missing"),
        ("oversize: {truncate: {order_by: cancelled, keep: highest}}", "has no column cancelled. Did you mean cancel"),
        ("suppress: [do_not_contakt]", "there is no dbt model do_not_contakt. Did you mean do_not_contact?"),
        ("suppress: [{dbt_model: do_not_contact, identifiers: {email: mail}}]", "has no column mail. Did you mean"),
        ("suppress: [{table: erasure}]", "erasure is the name of a suppression list of every audience"),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(mistake: Callable[..., str], line: str, sentence: str) -> None:
    said = mistake(with_line(line))
    assert sentence in said
    assert re.search(r"lapsed/defs\.yaml:4\b", said), said


def test_w06_a_column_of_times_needs_a_limit_on_their_age(mistake: Callable[..., str]) -> None:
    said = mistake(GOOD.replace("    consent_column", "    updated_at: cancelled_on\n    consent_column"))
    assert "requires guards.max_source_age, which is missing" in said
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
