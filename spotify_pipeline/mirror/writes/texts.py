"""Changes the name and description of an audience, and checks that Spotify did."""

from __future__ import annotations

import logging
from collections.abc import Callable

from spotify_pipeline.mirror.writes.write_ahead import WriteAheadLog
from spotify_pipeline.retries import SHOWS_LATE
from spotify_pipeline.spotify import Audience, SpotifyAdsClient, SpotifyError, SpotifyUnavailable
from spotify_pipeline.spotify.ads import CUSTOM


def with_texts(
    client: SpotifyAdsClient,
    wal: WriteAheadLog,
    found: Audience,
    name: str,
    description: str,
    *,
    ad_account_id: str,
    sleep: Callable[[float], None],
    audience_type: str = CUSTOM,
) -> Audience:
    """The audience as it is shown once it was renamed or re-described, where Spotify has other texts.

    It is looked at afterwards, whatever the answer says: that may be lost, or about another audience. Where Spotify
    takes the change and shows the old texts all the same, that is reported once, and the same is not asked for again
    until one of the two changes.

    Raises:
        SpotifyError: it was refused; or, with ``may_have_happened``, it is not seen to be done.
        HomeError, MirrorRefused: as of the wal.
    """
    wal.edited(found)  # by a run before that did not come to say so
    if _has(found, name, description) or wal.is_ignored(found, name, description):
        return found
    wal.editing(found, name, description)
    answer, doubt = None, None
    try:
        answer = client.edit_audience(
            ad_account_id, found.id, name=name, description=description or None, audience_type=audience_type
        )
    except SpotifyError as error:
        if not error.may_have_happened:
            raise
        doubt = error
    try:
        shown = _looked_at(client, ad_account_id, found.id, name, description, sleep)
    except SpotifyError:
        if answer is None or not _has(answer, name, description):
            raise doubt or _unseen(found.id) from None
        shown = answer
    if _has(shown, name, description):
        if doubt is not None:
            wal.note(f"The answer to the change of name or description of audience {found.id} was lost; it was made.")
        wal.edited(shown)
    elif doubt is not None:
        raise doubt
    else:
        wal.ignored(shown)
        wal.note(
            f"Spotify took the change of name or description of audience {found.id}, and shows the old ones all the "
            "same. They are not asked for again until the YAML or Spotify says otherwise.",
            level=logging.WARNING,
        )
    return shown


def _looked_at(
    client: SpotifyAdsClient,
    ad_account_id: str,
    audience_id: str,
    name: str,
    description: str,
    sleep: Callable[[float], None],
) -> Audience:
    """The audience as shown now; a change that is not seen at once is looked for again."""
    return SHOWS_LATE.until(
        lambda: client.audience(ad_account_id, audience_id), lambda shown: _has(shown, name, description), sleep
    )


def _unseen(audience_id: str) -> SpotifyError:
    return SpotifyUnavailable(
        f"Spotify took the change of name or description of audience {audience_id}, and could not be asked whether it "
        "was made.",
        next_step="Run again.",
        may_have_happened=True,
    )


def _has(audience: Audience, name: str, description: str) -> bool:
    return (audience.name, audience.description or "") == (name, description)
