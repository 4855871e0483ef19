"""A data set that a YAML names is the one that is meant, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spotify_pipeline.mirror import (
    AudienceSpec,
    EventBasedAction,
    Journal,
    MirrorRefused,
    ReceiptBook,
    WebEvents,
    dataset_ids,
    sync_event_based,
)
from spotify_pipeline.sandbox import DEFAULTS, SandboxServer
from spotify_pipeline.sandbox.store.records import Dataset, Share
from spotify_pipeline.spotify import SpotifyAdsClient

SHOP = "Sandbox Web Shop"
ACCOUNT = DEFAULTS.ad_account_id


def share(sandbox: SandboxServer, number: int, name: str) -> str:
    dataset_id = f"d0000000-0000-4000-8000-{number:012d}"
    sandbox.state.datasets.put(Dataset(id=dataset_id, name=name))
    sandbox.state.shares.put(Share.of(dataset_id, ACCOUNT))
    return dataset_id


def test_a_name_and_an_id_mean_the_same(client: SpotifyAdsClient) -> None:
    for stated in (SHOP, DEFAULTS.dataset_id, DEFAULTS.dataset_id.upper()):
        assert dataset_ids(client, ACCOUNT, [stated]) == (DEFAULTS.dataset_id,)
    assert dataset_ids(client, ACCOUNT, [SHOP, DEFAULTS.dataset_id]) == (DEFAULTS.dataset_id,)


@pytest.mark.e2e
@pytest.mark.parametrize("stated", ["Web Shop", DEFAULTS.pixel_dataset_id])
def test_one_that_is_not_there_or_not_shared_is_told_with_those_there_are(
    client: SpotifyAdsClient, stated: str
) -> None:
    with pytest.raises(MirrorRefused) as refused:
        dataset_ids(client, ACCOUNT, [stated])
    assert f"can make audiences of no data set {stated}. Nothing was changed." in str(refused.value)
    assert f"There are: {SHOP} ({DEFAULTS.dataset_id}). Correct the YAML, or share" in str(refused.value)


def test_a_name_of_two_is_told_with_the_ids(client: SpotifyAdsClient, sandbox: SandboxServer) -> None:
    other = share(sandbox, 77, SHOP)
    with pytest.raises(MirrorRefused, match=rf"2 data sets called {SHOP}: {DEFAULTS.dataset_id}, {other}\. .*the id"):
        dataset_ids(client, ACCOUNT, [SHOP])
    assert dataset_ids(client, ACCOUNT, [other]) == (other,)


def test_one_beyond_those_listed_at_once_is_found_by_its_name(client: SpotifyAdsClient, sandbox: SandboxServer) -> None:
    ids = {f"Shop {number}": share(sandbox, 100 + number, f"Shop {number}") for number in range(60)}
    for name in ("Shop 3", "Shop 59"):
        assert dataset_ids(client, ACCOUNT, [name]) == (ids[name],)
    assert dataset_ids(client, ACCOUNT, [ids["Shop 59"]]) == (ids["Shop 59"],)
    with pytest.raises(MirrorRefused, match=r"no data set Shop 60\. .* and more\. Correct"):
        dataset_ids(client, ACCOUNT, ["Shop 60"])


def test_the_sandbox_takes_a_web_event_audience_as_spotify_documents_it(
    client: SpotifyAdsClient, journal: Journal, spec: AudienceSpec
) -> None:
    definition = WebEvents(
        dataset_ids=dataset_ids(client, ACCOUNT, [SHOP]),
        included_events=("ADDTOCART", "PURCHASE"),
        excluded_events=("LEAD",),
        lookback_days=180,
    )
    made = [sync_event_based(client, journal, replace(spec, name=name), definition) for name in ("Bought", "Renamed")]
    assert [each.action for each in made] == [EventBasedAction.CREATED, EventBasedAction.RENAMED]
    (found,) = client.audiences(ACCOUNT)
    assert (found.name, found.subtype, found.lookback_days) == ("Renamed", "WEB_EVENT", 180)
    assert (found.dataset_ids, found.excluded_events) == ((DEFAULTS.dataset_id,), ("LEAD",))
    assert all(each.whole for each in ReceiptBook(journal.state).verify())
