"""A deployment that mirrors to a sandbox, and what is to be seen there afterwards."""

from __future__ import annotations

from typing import Any

from spotify_pipeline.mirror import AudienceMirror, AudienceSpec, Journal, MirrorOutcome
from spotify_pipeline.sandbox import SandboxServer
from spotify_pipeline.spotify import Audience, SpotifyAdsClient
from spotify_pipeline_tests.mirror.allowing import Allow
from spotify_pipeline_tests.mirror.conftest import ENOUGH, BuildList

NOW = 1_800_000_000.0
"""By the machine's clock: after every list of these tests was built."""


def no_pause(seconds: float) -> None:
    """Nothing is waited for here."""


class Mirroring:
    """One deployment: a client, a journal, and the lists it mirrors."""

    def __init__(self, client: SpotifyAdsClient, journal: Journal, build_list: BuildList) -> None:
        self.client: Any = client  # a test may put one beside it that fails
        self.journal, self.build_list = journal, build_list

    def mirror(
        self,
        spec: AudienceSpec,
        people: range,
        snapshot: str = "2026-11-16",
        built_on: str | None = None,
        *,
        approved: bool = False,
    ) -> MirrorOutcome:
        file, manifest = self.build_list(people, snapshot, spec.audience, built_on)
        mirror = AudienceMirror(self.client, self.journal, clock=lambda: NOW, sleep=no_pause, wait=0)
        guard = Allow(manifest, spec.ad_account_id, min_rows=ENOUGH, approved=approved)
        return mirror.mirror(spec, file, manifest, guard=guard)


def at_spotify(client: SpotifyAdsClient, spec: AudienceSpec) -> list[Audience]:
    return list(client.audiences(spec.ad_account_id))


def received(sandbox: SandboxServer, audience_id: str) -> bytes:
    newest = max(sandbox.state.received_lists.of(audience_id), key=lambda each: each.completed_at)
    return sandbox.state.list_file(newest.id).read_bytes()


def calls(sandbox: SandboxServer) -> list[dict[str, object]]:
    return sandbox.state.requests.after(0)


def writes(sandbox: SandboxServer) -> list[str]:
    """The calls that change something at Spotify, in order."""
    return [
        f"{each['method']} {each['route']}"
        for each in calls(sandbox)
        if each["method"] != "GET" and "/api/token" not in str(each["route"])
    ]
