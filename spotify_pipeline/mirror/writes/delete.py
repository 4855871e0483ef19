"""Deletes one audience at Spotify, once, even if the answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from spotify_pipeline.mirror.errors import MirrorRefused
from spotify_pipeline.mirror.journal import RetirementOrder
from spotify_pipeline.mirror.spec import AudienceSpec
from spotify_pipeline.mirror.writes.lookup import confirmed, find_event_based, is_event_based
from spotify_pipeline.mirror.writes.write_ahead import LANDS_WITHIN, WriteAheadLog
from spotify_pipeline.spotify import Audience, Conflict, NotFound, SpotifyAdsClient, SpotifyError

_LIVE = "LIVE"
_ASKED = "deleted"
_GONE = "It was gone at Spotify already."
_NONE_KNOWN = "No audience at Spotify is known to have been made for it."
_ANSWER_LOST = "It was asked to be deleted and the answer was lost; it is gone."


class Deletion:
    """The deletion of one audience, a part of one or a lookalike, while its lease is held."""

    def __init__(
        self,
        client: SpotifyAdsClient,
        wal: WriteAheadLog,
        key: str,
        ad_account_id: str,
        *,
        sleep: Callable[[float], None],
        named: str | None = None,
    ) -> None:
        """``named`` is the audience's id by its receipts, for where the journal does not say."""
        self._sleep = sleep
        self._client = client
        self._wal = wal
        self._key = key
        self._ad_account_id = ad_account_id
        begun = wal.entry.in_creation
        ids = (wal.entry.audience_id, begun.audience_id if begun is not None else None)
        known = [each for each in ids if each is not None]
        self._candidates = known or ([named] if named is not None else [])
        self.audience_id = next(iter(self._candidates), None)
        """At Spotify; None where none is known."""
        self.name: str | None = None
        """As Spotify shows it, if it does."""

    def refuse_unless_possible(self) -> None:
        """Look at the audience before any is deleted.

        Raises:
            MirrorRefused: a campaign uses it, two could be it, or its creation may yet be carried out.
        """
        shown = self._shown()
        one_may_come = shown is None or shown.id == self._wal.entry.audience_id
        if one_may_come and self._wal.creation_may_land:
            raise MirrorRefused(
                f"The creation of {self._key} was asked for less than {LANDS_WITHIN.seconds // 60} minutes ago and "
                "may yet be carried out. Nothing was deleted. Try again later."
            )
        if shown is None:
            return
        self.audience_id, self.name = shown.id, shown.name
        if shown.status == _LIVE:
            raise self._in_use("Nothing was deleted.")

    def carry_out(self, order: RetirementOrder) -> str:
        """Delete it; how it went, for the receipt.

        Raises:
            MirrorRefused: a campaign uses it by now.
            SpotifyError: with ``may_have_happened``, it may be gone: call it again. Else it was not deleted.
        """
        if self.audience_id is None:
            return _NONE_KNOWN
        begun_before = self._wal.entry.retiring is not None
        self._wal.write(replace(self._wal.entry, retiring=replace(order, at=self._wal.now())))
        try:
            self._client.delete_audience(self._ad_account_id, self.audience_id)
        except NotFound:
            return _ANSWER_LOST if begun_before else _GONE
        except Conflict:
            self._not_begun()
            raise self._in_use("It was not deleted; what was deleted before it, its receipts say.") from None
        except SpotifyError as error:
            if not error.may_have_happened:
                self._not_begun()
            elif self._is_gone(self.audience_id):
                return _ANSWER_LOST
            raise
        return _ASKED

    def _shown(self) -> Audience | None:
        shown: dict[str, Audience] = {}
        self._wal.refuse_held(*self._candidates)
        for audience_id in self._candidates:
            with suppress(NotFound):
                shown[audience_id] = self._client.audience(self._ad_account_id, audience_id)
        in_creation = self._filled_in_creation()
        if in_creation is not None:
            shown[in_creation.id] = in_creation
        if len(shown) > 1:
            raise MirrorRefused(
                f"{len(shown)} audiences of ad account {self._ad_account_id} could be {self._key}: "
                f"{', '.join(sorted(shown))}. Nothing was deleted. Delete all but one in Ads Manager, then run again."
            )
        return next(iter(shown.values()), None)

    def _filled_in_creation(self) -> Audience | None:
        """An audience that Spotify fills, that was asked for and whose id was not seen."""
        begun = self._wal.entry.in_creation
        if begun is None or begun.audience_id is not None:
            return None
        spec = AudienceSpec(
            audience=self._key,
            name=begun.name or "",
            description=begun.description,
            ad_account_id=self._ad_account_id,
        )
        found = find_event_based(spec, self._client.audiences(self._ad_account_id, complete=True), is_event_based)
        return found and confirmed(self._client, spec, found, self._sleep)

    def _is_gone(self, audience_id: str) -> bool:
        try:
            self._client.audience(self._ad_account_id, audience_id)
        except NotFound:
            return True
        except SpotifyError:
            pass
        return False

    def _not_begun(self) -> None:
        self._wal.not_carried_out(replace(self._wal.entry, retiring=None))

    def _in_use(self, what: str) -> MirrorRefused:
        return MirrorRefused(
            f"Audience {self.audience_id} ({self._key}) is used by a campaign, so Spotify does not delete it. {what} "
            "Take it out of its ad sets in Ads Manager first, then run again; or leave it at Spotify."
        )
