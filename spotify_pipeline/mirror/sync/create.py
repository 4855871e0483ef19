"""Creates an audience whose list has been uploaded, with the id that came with the upload URL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import CreateOnce, confirmed, find_audience, shown_audience
from spotify_pipeline.spotify import Audience, Conflict, NotFound, SpotifyAdsClient

_LOOK_FIRST = (
    "It is not known whether the audience was created. Run again: the run looks for it before it asks for it again."
)


def create_audience(
    client: SpotifyAdsClient,
    wal: ListWriteAheadLog,
    spec: AudienceSpec,
    audience_id: str,
    sleep: Callable[[float], None],
) -> Audience:
    """The audience, created with the id of its upload, or found where the answer was lost.

    Raises:
        NotFound: Spotify does not know the upload (any more). Nothing was created, then or before.
        MirrorRefused: the answer was lost, and several audiences could be the one.
        SpotifyError: with ``may_have_happened``, the audience may exist: the next run looks for it. Else it was
            refused for certain, and the entry says what it said before.
    """
    account = spec.ad_account_id

    def announce() -> Callable[[], None]:
        before = wal.entry.unfinished
        wal.creating(audience_id)
        return lambda: wal.not_carried_out(replace(wal.entry, unfinished=before))

    def ask() -> Audience:
        return client.create_customer_list_audience(
            account, audience_id=audience_id, name=spec.name, description=spec.full_description
        )

    def if_taken(taken: Conflict) -> Audience | None:
        try:
            return client.audience(account, audience_id)
        except NotFound:
            taken.next_step = (
                f"Spotify shows no audience {audience_id}, so something else is taken: perhaps the name "
                f'"{spec.name}". Look for it in Ads Manager, archived audiences included, and choose '
                "another name in the YAML; then run again."
            )
            return None

    def look() -> Audience | None:
        shown = shown_audience(client, spec, audience_id, sleep)
        if shown is not None:
            return shown
        found = find_audience(spec, client.audiences(account, complete=True), wal.entry.in_creation)
        if found is None or found.id == audience_id:
            return found
        return confirmed(client, spec, found, sleep)

    return CreateOnce(
        ask=ask,
        look_first=_LOOK_FIRST,
        announce=announce,
        look=look,
        if_taken=if_taken,
        found=lambda each: wal.note(
            f"The answer to the creation of audience {each.id} was lost; it was found at Spotify."
        ),
        again=lambda: wal.note(f"The creation of audience {audience_id} was lost on its way, and asked for once more."),
    ).run(may_exist=wal.creation_may_land)
