"""A wrong YAML does not load, and says the file, the line and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable

import dagster as dg
import pytest

from spotify_pipeline.cli.project import innermost_mistake
from spotify_pipeline_tests.components.conftest import GOOD
from spotify_pipeline_tests.components.feeds import FEED


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        pytest.param(
            GOOD.replace("email: [email,", "e_mail: [email,"),
            8,
            "no such field. Did you mean email? Allowed: ",
            id="key",
        ),
        pytest.param(
            GOOD.replace("billing_email", "biling_email"),
            8,
            "segments.lapsed_subscribers has no column biling_email. Did you mean billing_email? Its columns are: ",
            id="email column",
        ),
        pytest.param(GOOD + "  lookalike: {name: Lapsed subscribers}\n", 12, "as its audience is", id="own name"),
        pytest.param(GOOD.replace("region_column: country", "region_column: land"), 9, "no column land", id="region"),
        pytest.param(GOOD.replace("device_id: device_id", "device_id: idfa"), 10, "no column idfa", id="device column"),
        pytest.param(
            GOOD.replace("consent_column: marketing_consent", "consent_column: agreed"),
            6,
            "agreed",
            id="consent",
        ),
        pytest.param(
            GOOD.replace("dbt_model: lapsed_subscribers", "dbt_model: lapsed_subscriber"),
            5,
            "there is no dbt model lapsed_subscriber. Did you mean lapsed_subscribers? The models are: ",
            id="model",
        ),
        pytest.param(
            GOOD.replace("Europe/Stockholm", "Europe/Stokholm"),
            11,
            "Did you mean Europe/Stockholm",
            id="zone",
        ),
        pytest.param(
            GOOD.replace("consent_column: marketing_consent", "consent_column: cancelled_on"),
            6,
            "segments.lapsed_subscribers.cancelled_on holds DATE, which can never say yes",
            id="consent of a type that never says yes",
        ),
        pytest.param(
            GOOD.replace("billing_email]", "cancelled_on]"),
            8,
            "segments.lapsed_subscribers.cancelled_on holds DATE, of which no identifier can be made",
            id="identifier of a type that holds none",
        ),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(
    mistake: Callable[..., str], content: str, line: int, sentence: str
) -> None:
    said = mistake(content)
    assert sentence in said
    assert re.search(rf"lapsed/defs\.yaml:{line}\b", said), said
    assert "attributes." in said


def test_an_audience_without_attributes_says_what_it_needs(mistake: Callable[..., str]) -> None:
    said = mistake("type: spotify_pipeline.CustomerListAudience\n")
    assert "an audience needs at least segment, identifiers and cadence" in said


@pytest.mark.parametrize("folder", ["Lapsed", "lapsed.se"])
def test_s03_a_folder_that_cannot_be_an_identity_is_refused(mistake: Callable[..., str], folder: str) -> None:
    assert f"the folder is called '{folder}'; an audience's folder is named with" in mistake(GOOD, folder)


@pytest.mark.parametrize("folder", ["do_not_mail.se"])
def test_s03_a_dot_in_the_folder_of_a_list_or_feed_is_refused(mistake: Callable[..., str], folder: str) -> None:
    # Taken for the ending of a file's name, it would have named the list after the folder above.
    table = "type: spotify_pipeline.SuppressionList\nattributes: {segment: {table: a.b}, identifiers: {email: email}}\n"
    assert f"the folder is called '{folder}'; a suppression list's folder has no dot" in mistake(table, folder)
    assert f"the folder is called '{folder}'; a feed's folder is named with" in mistake(FEED, folder)


def test_every_mistake_is_found_in_every_file_not_only_the_first(load: Callable[..., dg.Definitions]) -> None:
    with pytest.raises(Exception) as refused:
        load({"first": GOOD, "second": GOOD.replace("every: week", "every: weekly")})
    assert "second/defs.yaml:11" in innermost_mistake(refused.value)


@pytest.mark.e2e
def test_one_file_is_one_audience_and_a_second_file_a_second(load: Callable[..., dg.Definitions]) -> None:
    one = load({"lapsed": GOOD}).resolve_asset_graph().get_all_asset_keys()
    two = load({"lapsed": GOOD, "again": GOOD.replace("Lapsed", "Again")}).resolve_asset_graph().get_all_asset_keys()
    assert two - one == {
        dg.AssetKey(["again", asset]) for asset in ("identifiers", "customer_list", "spotify_audience")
    }


def test_the_chain_hangs_together_from_the_dbt_model_to_the_audience(load: Callable[..., dg.Definitions]) -> None:
    graph = load({"lapsed": GOOD}).resolve_asset_graph()
    key = dg.AssetKey(["lapsed", "spotify_audience"])
    chain = [key]
    for _ in range(3):
        (parent,) = graph.get(chain[-1]).parent_keys
        chain.append(parent)
    assert [each.to_user_string() for each in chain] == [
        "lapsed/spotify_audience",
        "lapsed/customer_list",
        "lapsed/identifiers",
        "segments/lapsed_subscribers",
    ]
    for each in chain[:3]:
        assert graph.get(each).group_name == "lapsed"
        assert isinstance(graph.get(each).partitions_def, dg.TimeWindowPartitionsDefinition)
        assert graph.get(each).description


def test_a_table_may_be_an_external_asset_or_somebody_elses(load: Callable[..., dg.Definitions]) -> None:
    table = GOOD.replace("dbt_model: lapsed_subscribers", "table: crm.people")
    owned = table.replace("table: crm.people", "table: crm.people\n    asset_key: crm/people_daily").replace(
        "Lapsed", "Owned"
    )
    third = table.replace("Lapsed", "Third")
    graph = load({"one": table, "two": owned, "three": third}).resolve_asset_graph()
    assert graph.get(dg.AssetKey(["one", "identifiers"])).parent_keys == {dg.AssetKey(["crm", "people"])}
    assert graph.get(dg.AssetKey(["two", "identifiers"])).parent_keys == {dg.AssetKey(["crm", "people_daily"])}
    assert not graph.get(dg.AssetKey(["crm", "people"])).is_materializable


def test_yaml_traps_are_read_as_they_were_meant(load: Callable[..., dg.Definitions]) -> None:
    # YAML 1.1: a bare `on` is the boolean true, and a bare 16:30 is the number 990.
    bare = GOOD.replace('{every: week, on: monday, at: "06:00",', "{every: week, on: monday, at: 16:30,")
    partitions = load({"lapsed": bare}).resolve_asset_graph().get(dg.AssetKey(["lapsed", "identifiers"])).partitions_def
    assert isinstance(partitions, dg.TimeWindowPartitionsDefinition)
    assert partitions.cron_schedule == "30 16 * * 1"
