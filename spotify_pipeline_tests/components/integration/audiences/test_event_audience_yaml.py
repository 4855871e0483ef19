"""The YAML of an audience that Spotify fills: what it becomes, and what each mistake is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from spotify_pipeline.cli.project import AudienceAccount, audience_accounts, innermost_mistake, refuse_event_audiences
from spotify_pipeline.components.audiences.event_based.config import WebEventAudienceConfig
from spotify_pipeline.components.audiences.scaffolders import (
    AdEngagementAudienceScaffolder,
    WebEventAudienceScaffolder,
)
from spotify_pipeline.components.audiences.schedules import WATCH_JOB
from spotify_pipeline.components.connection import event_audience_definitions
from spotify_pipeline_tests.components.runs import PEOPLE, definitions_of

CAMPAIGN = "c0000000-0000-4000-8000-00000000000a"
BOUGHT = """
type: spotify_pipeline.WebEventAudience
attributes:
  name: Bought lately
  dataset: Sandbox Web Shop
  include: [PURCHASE]
  exclude: [LEAD]
  lookback_days: 30
"""
HEARD = f"""
type: spotify_pipeline.AdEngagementAudience
attributes:
  name: Heard the autumn spot
  campaigns: [{CAMPAIGN}]
  exposure: impressions
  lookback_days: 90
  lookalike: Like those who heard it
"""
BOTH = {"bought": BOUGHT, "heard": HEARD}


def told(content: str, folder: str = "bought") -> str:
    with pytest.raises(Exception) as refused:
        definitions_of({folder: content})
    return innermost_mistake(refused.value)


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        pytest.param(
            BOUGHT.replace("PURCHASE", "PURCHASED"), 5, "Did you mean PURCHASE? There are: VIEW, ", id="event"
        ),
        pytest.param(BOUGHT.replace("[PURCHASE]", "[]"), 5, "at least 1 item", id="no event"),
        pytest.param(BOUGHT.replace("[PURCHASE]", "[sign_up, SIGNUP]"), 5, "SIGNUP is listed twice", id="twice"),
        pytest.param(BOUGHT.replace("[LEAD]", "[purchase]"), 2, "both list PURCHASE, so nobody would be", id="both"),
        pytest.param(BOUGHT.replace(": 30", ": 45"), 7, "30, 60, 90 or 180", id="lookback"),
        pytest.param(BOUGHT.replace("dataset:", "data_set:"), 4, "no such field. Did you mean dataset?", id="field"),
        pytest.param(
            BOUGHT.replace("dataset: Sandbox Web Shop", "dataset: a\n  datasets: [b]"),
            2,
            "specify one of dataset",
            id="two",
        ),
        pytest.param(
            BOUGHT.replace("  dataset: Sandbox Web Shop\n", ""), 2, "specify one of dataset", id="no data set"
        ),
        pytest.param(BOUGHT.replace("  lookback_days: 30\n", ""), 2, "lookback_days", id="no lookback"),
        pytest.param(BOUGHT.replace("name: Bought lately", "name: B"), 3, "at least 2 characters", id="name"),
        pytest.param(HEARD.replace(CAMPAIGN, "autumn"), 4, "not a UUID", id="campaign"),
        pytest.param(HEARD.replace("impressions", "views"), 5, "'impressions' or 'clicks'", id="exposure"),
        pytest.param(
            HEARD.replace("  exposure", f"  ad_sets: {CAMPAIGN}\n  exposure"),
            2,
            "specify one of campaigns",
            id="ad sets",
        ),
        pytest.param(
            HEARD.replace("Like those who heard it", "heard the AUTUMN spot"), 7, "as its audience is", id="own name"
        ),
        pytest.param(HEARD + "  cadence: once\n", 8, "no such field. Allowed: name", id="cadence"),
    ],
)
def test_each_mistake_has_its_line_and_its_sentence(content: str, line: int, sentence: str) -> None:
    said = told(content)
    assert sentence in said
    assert re.search(rf"bought/defs\.yaml:{line}\b", said), said


def test_without_attributes_it_says_what_it_needs() -> None:
    assert "needs at least lookback_days, include" in told("type: spotify_pipeline.WebEventAudience\n")


def test_s03_a_folder_that_cannot_be_an_identity_is_refused() -> None:
    assert "the folder is called 'Bought'; an audience's folder is named with" in told(BOUGHT, "Bought")


def test_it_is_one_asset_without_partitions_or_parents_in_a_group_of_its_own() -> None:
    graph = definitions_of(BOTH).resolve_asset_graph()
    for folder in BOTH:
        node = graph.get(dg.AssetKey([folder, "spotify_audience"]))
        assert (node.partitions_def, node.parent_keys, node.group_name) == (None, set(), folder)
    description = graph.get(dg.AssetKey(["bought", "spotify_audience"])).description
    assert "People of Sandbox Web Shop with PURCHASE and not LEAD in the last 30 days." in str(description)
    lookalike = graph.get(dg.AssetKey(["heard", "lookalike"]))
    assert lookalike.parent_keys == {dg.AssetKey(["heard", "spotify_audience"])}


def test_events_are_read_in_any_spelling_and_one_needs_no_list() -> None:
    spelled = BOUGHT.replace("[PURCHASE]", "add_to_cart").replace("[LEAD]", "[CHECK_OUT, custom_event_2]")
    (audience,) = event_audience_definitions(definitions_of({"bought": spelled}))
    assert isinstance(audience.config, WebEventAudienceConfig)
    assert (audience.config.include, audience.config.exclude) == (["ADDTOCART"], ["CHECKOUT", "CUSTOM_EVENT_2"])


def test_the_watch_job_and_the_sign_in_check_know_of_them() -> None:
    definitions = definitions_of({"bought": BOUGHT.replace("  dataset", "  authorization: nordic\n  dataset")})
    job = definitions.resolve_job_def(WATCH_JOB)
    watched = {each.to_user_string() for each in job.asset_layer.asset_graph.asset_check_keys}
    assert {"bought/spotify_audience:targetable", "spotify/shop_ads/authorization:sign_in_lasts"} <= watched


def test_commands_know_of_them_and_those_about_lists_pass_them_over() -> None:
    definitions = definitions_of({"people": PEOPLE, **BOTH})
    assert audience_accounts(definitions) == dict.fromkeys(("bought", "heard", "people"), AudienceAccount(None, None))
    refuse_event_audiences(definitions, ["people"])
    with pytest.raises(Exception, match="Spotify fills heard itself, so there is no list of it"):
        refuse_event_audiences(definitions, ["people", "heard"])


@pytest.mark.parametrize("other", [PEOPLE.replace("name: People", "name: Bought lately"), BOUGHT])
def test_two_audiences_of_one_name_are_refused(other: str) -> None:
    with pytest.raises(Exception) as refused:
        definitions_of({"bought": BOUGHT, "other": other})
    assert re.search("(bought and other|other and bought) have the same name", innermost_mistake(refused.value))


@pytest.mark.parametrize(
    ("scaffolder", "kind"),
    [(WebEventAudienceScaffolder(), "WebEventAudience"), (AdEngagementAudienceScaffolder(), "AdEngagementAudience")],
)
def test_what_is_scaffolded_loads(scaffolder: dg.Scaffolder, kind: str, tmp_path: Path) -> None:
    request: Callable[..., dg.ScaffoldRequest] = dg.ScaffoldRequest
    folder = tmp_path / "win_back"
    folder.mkdir()
    stated = {"type_name": f"spotify_pipeline.{kind}", "target_path": folder, "project_root": tmp_path, "params": None}
    scaffolder.scaffold(request(scaffold_format="yaml", append=False, **stated))
    (audience,) = event_audience_definitions(definitions_of({"win_back": (folder / "defs.yaml").read_text()}))
    assert (audience.folder, audience.name) == ("win_back", "Win back")
    with pytest.raises(ValueError, match="An audience is one YAML file in a folder of its own"):
        scaffolder.scaffold(request(scaffold_format="python", append=False, **stated))
