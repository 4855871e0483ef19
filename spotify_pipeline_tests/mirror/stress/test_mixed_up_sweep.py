"""A sweep: each call to Spotify is answered once with the body of another object, and that one is left alone.

The operations are taken from the client and from what each flow asks: a new one without the check fails here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from spotify_pipeline.home import HomeError
from spotify_pipeline.mirror import (
    AudienceSpec,
    Journal,
    Lookalike,
    MirrorRefused,
    RemovalPolicy,
    WebEvents,
    retire,
    sync_event_based,
)
from spotify_pipeline.sandbox import DEFAULTS, SandboxConfig, SandboxServer, named_fault
from spotify_pipeline.sandbox.store.records import Audience as Kept
from spotify_pipeline.spotify import (
    SpotifyAdsClient,
    SpotifyError,
    TokenStore,
    UnexpectedResponse,
)
from spotify_pipeline.state import StateStore
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList
from spotify_pipeline_tests.mirror.deployment import NOW, Mirroring, no_pause
from spotify_pipeline_tests.sandbox_settings import settings_at
from spotify_pipeline_tests.state_edits import lose

BUSINESS, ACCOUNT, DATASET = DEFAULTS.business_id, DEFAULTS.ad_account_id, DEFAULTS.dataset_id
CONNECTION = DEFAULTS.capi_connection_id
SPEC = AudienceSpec(audience="lapsed", name="Lapsed", description="Cancelled lately", ad_account_id=ACCOUNT)
THEIRS = AudienceSpec(audience="theirs", name="Theirs", description="Somebody else's", ad_account_id=ACCOUNT)
RENAMED = replace(SPEC, name="Lapsed, renamed")
BOUGHT = replace(SPEC, audience="bought", name="Bought")
EVENTS = WebEvents(dataset_ids=(DATASET,), included_events=("LEAD",), lookback_days=30)
BEGUN_BY_ANOTHER_DEPLOYMENT = "theirs"


@dataclass
class World:
    """A sandbox, this deployment, and the audience of somebody else that is there, too."""

    sandbox: SandboxServer
    client: SpotifyAdsClient
    folder: Path
    build_list: BuildList
    other: Kept
    other_list: bytes

    @property
    def journal(self) -> Journal:
        return Journal(StateStore.in_home(self.folder / "home"))

    @property
    def ours(self) -> Mirroring:
        return Mirroring(self.client, self.journal, self.build_list)

    def untouched(self) -> list[str]:
        """What was done to the other, or stands of it anywhere; nothing where all is well."""
        state, other = self.sandbox.state, self.other.id
        sessions = [session.id for upload in state.uploads.of(other) for session in state.sessions.of(upload.id)]
        files = [file for file in (self.folder / "home").rglob("*") if file.is_file()]
        return [
            *(["it is another"] if state.audiences.get(other) != self.other else []),
            *(["its list is another"] if list_of(self.sandbox, other) != self.other_list else []),
            *(["an upload to it was opened"] if len(sessions) > 1 else []),
            *(f"{file.name} names it" for file in files if other.encode() in file.read_bytes()),
        ]


def list_of(sandbox: SandboxServer, audience_id: str) -> bytes | None:
    found = sandbox.state.received_lists.of(audience_id)
    newest = max(found, key=lambda each: each.completed_at, default=None)
    return None if newest is None else sandbox.state.list_file(newest.id).read_bytes()


@contextmanager
def world(folder: Path, build_list: BuildList) -> Iterator[World]:
    with SandboxServer(SandboxConfig(minimum_rows=ENOUGH)) as sandbox:
        settings = settings_at(sandbox.url)
        store = TokenStore(StateStore.in_home(folder / "tokens"))
        with SpotifyAdsClient.open(settings, store, sleep=no_pause) as client:
            client.create_capi_connection(BUSINESS, "Another connection")
            theirs = Mirroring(client, Journal(StateStore.in_home(folder / BEGUN_BY_ANOTHER_DEPLOYMENT)), build_list)
            other = theirs.mirror(THEIRS, range(20)).audience.id
            kept = sandbox.state.audiences.get(other)
            assert kept is not None
            yield World(sandbox, client, folder, build_list, kept, list_of(sandbox, other) or b"")


# Flows: what is there before, and what is swept.


def nothing(there: World) -> None:
    del there


def sent(there: World) -> None:
    there.ours.mirror(SPEC, range(20), "2026-11-09")


def sent_and_forgotten(there: World) -> None:
    sent(there)
    lose(there.journal, SPEC.audience, ACCOUNT)


def mirror(there: World) -> None:
    there.ours.mirror(RENAMED, range(22), "2026-11-16", approved=True)


def delete(there: World) -> None:
    retire(
        there.client, there.journal, audience="lapsed", ad_account_id=ACCOUNT,
        policy=RemovalPolicy.DELETE, reason="The campaign is over.", by="Kim", clock=lambda: NOW, sleep=no_pause,
        wait=0,
    )  # fmt: skip


def like(there: World) -> None:
    seed = str(there.journal.read(SPEC.audience, ACCOUNT).audience_id)
    spec, definition = SPEC.lookalike("Like them", "Like those who cancelled"), Lookalike(seed_audience_id=seed)
    sync_event_based(there.client, there.journal, spec, definition, clock=lambda: NOW, sleep=no_pause, wait=0)


def fill(there: World, name: str = "Bought") -> None:
    spec = replace(BOUGHT, name=name)
    sync_event_based(there.client, there.journal, spec, EVENTS, clock=lambda: NOW, sleep=no_pause, wait=0)


FLOWS: dict[str, tuple[Callable[[World], None], Callable[[World], None]]] = {
    "new": (nothing, mirror),
    "replaced and renamed": (sent, mirror),
    "found again": (sent_and_forgotten, mirror),
    "deleted": (sent, delete),
    "lookalike": (sent, like),
    "filled": (nothing, fill),
    "filled and renamed": (fill, lambda there: fill(there, "Bought, renamed")),
}
EXPECTED = (SpotifyError, MirrorRefused, HomeError)


@pytest.mark.parametrize("flow", FLOWS)
def test_c20_each_call_of_a_flow_is_answered_once_for_another(tmp_path: Path, build_list: BuildList, flow: str):
    before, swept = FLOWS[flow]
    number, operations = 0, set[str]()
    while True:
        number += 1
        with world(tmp_path / str(number), build_list) as there:
            before(there)
            requests = there.sandbox.state.requests.after(0)
            fault = named_fault("answers_for_another", id=there.other.id, nth=number)
            there.sandbox.state.faults.script(fault)
            with suppress(*EXPECTED):
                swept(there)
            struck = [each for each in there.sandbox.state.requests.after(0)[len(requests) :] if each["fault"]]
            if not struck:
                break
            assert there.untouched() == [], f"after {struck[0]['operation']}"
            operations.add(str(struck[0]["operation"]))
            with suppress(MirrorRefused):  # gone already, or asked to be made a moment ago
                swept(there)
            assert there.untouched() == [], f"the run after {struck[0]['operation']}"
    assert number > 2
    assert operations


CALLS: dict[str, Callable[[SpotifyAdsClient, str], object]] = {
    "businesses": lambda client, _: client.businesses(),
    "ad_accounts": lambda client, _: client.ad_accounts(BUSINESS),
    "ad_account": lambda client, _: client.ad_account(ACCOUNT),
    "audiences": lambda client, _: list(client.audiences(ACCOUNT)),
    "audience": lambda client, ours: client.audience(ACCOUNT, ours),
    "audience_datasets": lambda client, _: client.audience_datasets(ACCOUNT),
    "create_customer_list_audience": lambda client, _: client.create_customer_list_audience(
        ACCOUNT, audience_id=client.new_upload(ACCOUNT).audience_id, name="New", description=None
    ),
    "create_lookalike_audience": lambda client, ours: client.create_lookalike_audience(
        ACCOUNT, name="Like", description=None, seed_audience_id=ours
    ),
    "create_web_event_audience": lambda client, _: client.create_web_event_audience(
        ACCOUNT, name="Web", description=None, dataset_ids=[DATASET], included_events=["LEAD"], lookback_days=30
    ),
    "create_ad_engagement_audience": lambda client, _: client.create_ad_engagement_audience(
        ACCOUNT, name="Ads", description=None, campaign_ids=[DATASET], exposure_type="CLICKS", lookback_days=30
    ),
    "edit_audience": lambda client, ours: client.edit_audience(ACCOUNT, ours, name="Edited"),
    "delete_audience": lambda client, ours: client.delete_audience(ACCOUNT, ours),
    "new_upload": lambda client, _: client.new_upload(ACCOUNT),
    "replacement_upload": lambda client, ours: client.replacement_upload(ACCOUNT, ours),
    "datasets": lambda client, _: client.datasets(BUSINESS),
    "dataset": lambda client, _: client.dataset(BUSINESS, DATASET),
    "create_dataset": lambda client, _: client.create_dataset(BUSINESS, "Shop", [DEFAULTS.capi_integration_id]),
    "ad_account_datasets": lambda client, _: client.ad_account_datasets(BUSINESS, ACCOUNT),
    "share_dataset": lambda client, _: client.share_dataset(BUSINESS, DATASET, ACCOUNT),
    "unshare_dataset": lambda client, _: client.unshare_dataset(BUSINESS, DATASET, ACCOUNT),
    "diagnostics": lambda client, _: client.diagnostics(BUSINESS, DATASET),
    "create_capi_connection": lambda client, _: client.create_capi_connection(BUSINESS, "New"),
    "capi_connection": lambda client, _: client.capi_connection(BUSINESS, CONNECTION),
    "capi_tokens": lambda client, _: client.capi_tokens(BUSINESS, CONNECTION),
    "create_capi_token": lambda client, _: client.create_capi_token(BUSINESS, CONNECTION),
    "delete_capi_token": lambda client, _: client.delete_capi_token(BUSINESS, CONNECTION, DEFAULTS.capi_token_id),
}
OF_SEVERAL_CALLS = {"find_capi_connection", "find_dataset", "created_by_spotify"}
WITHOUT_A_CALL = {"open", "close", "upload", "resume_upload", "cancel_upload"}


def test_c20_every_operation_of_the_client_believes_no_answer_for_another(tmp_path: Path, build_list: BuildList):
    methods = {name for name, _ in inspect.getmembers(SpotifyAdsClient, callable) if name[0] != "_"}
    assert methods - OF_SEVERAL_CALLS - WITHOUT_A_CALL == set(CALLS)
    believed: list[str] = []
    with world(tmp_path, build_list) as there:
        sent(there)
        ours = str(there.journal.read(SPEC.audience, ACCOUNT).audience_id)
        for name in sorted(CALLS, key=lambda each: each.startswith(("delete", "unshare"))):
            faults = there.sandbox.state.faults
            faults.clear()
            nth = 2 if name == "create_customer_list_audience" else 1
            faults.script(named_fault("answers_for_another", nth=nth))
            try:
                CALLS[name](there.client, ours)
            except UnexpectedResponse:
                pass
            else:
                believed.append(name)
            assert faults.unconsumed() == [], name
        assert there.untouched() == []
    assert believed == ["new_upload"]  # its id is anybody's: the mirror asks whether there is such an audience
