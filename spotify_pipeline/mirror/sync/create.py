"""Creates an audience once, whatever becomes of Spotify's answers.

Spotify's own tools say: never repeat a create call blindly; look for the audience by the id that came with the upload
URL. So a lost answer is followed by looking, and only what is not there is asked for again, with the same id.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.sync.write_ahead import ListWriteAheadLog
from spotify_pipeline.mirror.writes import confirmed, find_audience, shown_audience
from spotify_pipeline.spotify import Audience, Conflict, NotFound, SpotifyAdsClient, SpotifyError, SpotifyUnavailable

_LOOK_FIRST = (
    "It is not known whether the audience was created. Run again: the run looks for it before it asks for it again."
)
_MAY_MEAN_THAT_IT_EXISTS = frozenset({400, 404, 409})
"""How Spotify may refuse an id whose creation it carried out before: taken, or its upload used up."""


class Creation:
    """The creation of one audience whose list has been uploaded."""

    def __init__(
        self, client: SpotifyAdsClient, wal: ListWriteAheadLog, spec: AudienceSpec, sleep: Callable[[float], None]
    ) -> None:
        self._client = client
        self._wal = wal
        self._spec = spec
        self._sleep = sleep

    def create(self, audience_id: str) -> Audience:
        """The audience, created with the id of its upload, or found where the answer was lost (C02, C03, C04).

        Raises:
            NotFound: Spotify does not know the upload (any more). Nothing was created, then or before.
            MirrorRefused: the answer was lost, and several audiences could be the one.
            SpotifyError: with ``may_have_happened``, the audience may exist: the next run looks for it. Else it was
                refused for certain, and the entry says what it said before.
        """
        first = self._created_or_in_doubt(audience_id, may_exist=self._wal.creation_may_land)
        if isinstance(first, Audience):
            return first
        if not first.may_have_happened:
            raise _open_outcome(first)
        self._wal.note(f"The creation of audience {audience_id} was lost on its way, and asked for once more.")
        second = self._created_or_in_doubt(audience_id, may_exist=True)
        if isinstance(second, Audience):
            return second
        raise _open_outcome(second if second.may_have_happened else first)

    def _created_or_in_doubt(self, audience_id: str, *, may_exist: bool) -> Audience | SpotifyError:
        """The audience, or the error that leaves it open whether there is one.

        Args:
            audience_id: to ask for.
            may_exist: whether it was asked for before, and that may have been carried out or may yet be: then even
                a refusal proves nothing.
        """
        try:
            return self._asked(audience_id)
        except SpotifyError as error:
            if not error.may_have_happened and not (may_exist and error.status in _MAY_MEAN_THAT_IT_EXISTS):
                raise
            doubt = error
        found = self._looked_for(audience_id, doubt)
        if found is None:
            return doubt
        self._wal.note(f"The answer to the creation of audience {found.id} was lost; it was found at Spotify.")
        return found

    def _asked(self, audience_id: str) -> Audience:
        """Ask for the audience. Where the id is taken, it is by this very audience, created by a call before."""
        account, before = self._spec.ad_account_id, self._wal.entry.unfinished
        self._wal.creating(audience_id)
        try:
            return self._client.create_customer_list_audience(
                account, audience_id=audience_id, name=self._spec.name, description=self._spec.full_description
            )
        except Conflict as taken:
            try:
                return self._client.audience(account, audience_id)
            except NotFound:
                self._wal.not_carried_out(replace(self._wal.entry, unfinished=before))
                taken.next_step = (
                    f"Spotify shows no audience {audience_id}, so something else is taken: perhaps the name "
                    f'"{self._spec.name}". Look for it in Ads Manager, archived audiences included, and choose '
                    "another name in the YAML; then run again."
                )
                raise taken from None
        except SpotifyError as error:
            if not error.may_have_happened:
                self._wal.not_carried_out(replace(self._wal.entry, unfinished=before))
            raise

    def _looked_for(self, audience_id: str, doubt: SpotifyError) -> Audience | None:
        try:
            shown = shown_audience(self._client, self._spec, audience_id, self._sleep)
            if shown is not None:
                return shown
            listed = self._client.audiences(self._spec.ad_account_id, complete=True)
            found = find_audience(self._spec, listed, self._wal.entry.in_creation)
            if found is None or found.id == audience_id:
                return found
            return confirmed(self._client, self._spec, found, self._sleep)
        except SpotifyError:
            raise _open_outcome(doubt) from None


def _open_outcome(doubt: SpotifyError) -> SpotifyError:
    if isinstance(doubt, NotFound):
        # Of this type it would say that nothing was created.
        return SpotifyUnavailable(doubt.message, next_step=_LOOK_FIRST, trace_id=doubt.trace_id, may_have_happened=True)
    doubt.next_step = _LOOK_FIRST if doubt.may_have_happened else f"{doubt.next_step} {_LOOK_FIRST}"
    return doubt
