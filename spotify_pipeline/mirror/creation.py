"""Creates an audience once, whatever becomes of Spotify's answers.

Spotify's own tools say: never repeat a create call blindly; look for the audience by the id that came with the upload
URL. So a lost answer is followed by looking, and only what is not there is asked for again, with the same id.
"""

from __future__ import annotations

from collections.abc import Callable

from spotify_pipeline.mirror.record import Record
from spotify_pipeline.mirror.search import find_audience
from spotify_pipeline.mirror.target import AudienceTarget
from spotify_pipeline.spotify import Audience, Conflict, NotFound, SpotifyAdsClient, SpotifyError

LOOKS_AFTER = (0.0, 2.0, 5.0, 10.0)
"""Seconds to wait before each look for an audience whose creation was not answered: it may show late."""

_LOOK_FIRST = (
    "It is not known whether the audience was created. Run again: the run looks for it before it asks for it again."
)


class Creation:
    """The creation of one audience whose list has been uploaded."""

    def __init__(
        self, client: SpotifyAdsClient, record: Record, target: AudienceTarget, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._record = record
        self._target = target
        self._sleep = sleep

    def create(self, audience_id: str) -> Audience:
        """The audience, created with the id of its upload, or found where the answer was lost (C02, C03, C04).

        Raises:
            NotFound: Spotify does not know the upload (any more). Nothing was created.
            MirrorRefused: the answer was lost, and several audiences could be the one.
            SpotifyError: with ``may_have_happened``, the audience may exist: the next run looks for it.
        """
        try:
            return self._asked(audience_id)
        except SpotifyError as error:
            if not error.may_have_happened:
                raise
            lost = error
        found = self._looked_for(audience_id, lost)
        if found is not None:
            self._record.found(f"The answer to the creation of audience {found.id} was lost; it was found at Spotify.")
            return found
        self._record.found(f"The creation of audience {audience_id} was lost on its way, and asked for once more.")
        try:
            return self._asked(audience_id)
        except SpotifyError as error:
            if not error.may_have_happened:
                raise
            lost = error
        found = self._looked_for(audience_id, lost)
        if found is None:
            raise _open_outcome(lost)
        return found

    def _asked(self, audience_id: str) -> Audience:
        """Ask for the audience. Where the id is taken, it is by this very audience, created by a call before."""
        self._record.creating(audience_id)
        account = self._target.ad_account_id
        try:
            return self._client.create_customer_list_audience(
                account, audience_id=audience_id, name=self._target.name, description=self._target.full_description
            )
        except Conflict as taken:
            try:
                return self._client.audience(account, audience_id)
            except NotFound:
                raise taken from None

    def _looked_for(self, audience_id: str, lost: SpotifyError) -> Audience | None:
        account = self._target.ad_account_id
        try:
            for pause in LOOKS_AFTER:
                if pause:
                    self._sleep(pause)
                try:
                    return self._client.audience(account, audience_id)
                except NotFound:
                    continue
            return find_audience(self._target, self._client.audiences(account), self._record.entry.in_creation)
        except SpotifyError:
            raise _open_outcome(lost) from None


def _open_outcome(lost: SpotifyError) -> SpotifyError:
    lost.next_step = _LOOK_FIRST
    return lost
