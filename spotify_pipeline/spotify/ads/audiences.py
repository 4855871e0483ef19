"""The Ads API's operations on audiences: list, show, create, edit, delete. Uploads are beside the client itself.

Audiences that Spotify fills from events are in :mod:`spotify_pipeline.spotify.ads.event_audiences`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from spotify_pipeline.spotify.ads.business_scope import RestrictedCalls
from spotify_pipeline.spotify.ads.expected import Done, Its, Made
from spotify_pipeline.spotify.ads.pages import AUDIENCES, all_audiences
from spotify_pipeline.spotify.ads.request import Operation
from spotify_pipeline.spotify.errors import InvalidRequest
from spotify_pipeline.spotify.models import Audience

CUSTOM, LOOKALIKE = "CUSTOM", "LOOKALIKE"
WEB_EVENT, AD_ENGAGEMENT = "WEB_EVENT", "AD_ENGAGEMENT"
NAME_LENGTH = range(2, 81)
LONGEST_DESCRIPTION = 80
LOOKBACK_DAYS = (30, 60, 90, 180)
EXPOSURE_TYPES = ("IMPRESSIONS", "CLICKS")
_ECHOED = {
    "description": "description",
    "audience_type": "type",
    "subtype": "subtype",
    "seed_audience_id": "seed_audience_id",
}
"""What a creation asks for, and where its answer says so."""
_AUDIENCE = "/ad_accounts/{ad_account_id}/audiences/{audience_id}"


class AudienceOperations:
    """Part of :class:`SpotifyAdsClient`, which says what every method may raise."""

    def __init__(self, calls: RestrictedCalls) -> None:
        self._call = calls

    def audiences(self, ad_account_id: str, *, query: str | None = None, complete: bool = False) -> Iterator[Audience]:
        """All audiences of an ad account, by name, each id once; pages are asked for as they are needed.

        ``query`` is Spotify's keyword search. With ``complete``, fewer than Spotify counts are an UnexpectedAnswer.
        """
        return all_audiences(self._call, ad_account_id, query, complete=complete)

    def audience(self, ad_account_id: str, audience_id: str) -> Audience:
        """One audience.

        Raises:
            NotFound: it does not exist (any more).
        """
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        return Audience.from_json(
            self._call(
                Operation(method="GET", route=_AUDIENCE, doing="show the audience", about=its(audience_id), ids=ids)
            )
        )

    def create_customer_list_audience(
        self, ad_account_id: str, *, audience_id: str, name: str, description: str | None
    ) -> Audience:
        """Create the audience whose list has been uploaded.

        Args:
            ad_account_id: where.
            audience_id: of the ticket that the list was uploaded with. It is the handle: after an error with
                ``may_have_happened``, ask for this audience before creating it again.
            name: 2 to 80 characters.
            description: at most 80 characters.

        Raises:
            InvalidRequest: name or description have another length, or Spotify refuses them.
        """
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": "CUSTOMER_LIST",
            "audience_id": audience_id,
            **name_and_description(name, description),
        }
        ids, doing = {"ad_account_id": ad_account_id}, "create the audience"
        return self._written("POST", AUDIENCES, doing, ids, body, about=its(audience_id))

    def create_lookalike_audience(
        self, ad_account_id: str, *, name: str, description: str | None, seed_audience_id: str
    ) -> Audience:
        """Create an audience of people who are like those of another.

        Spotify chooses its id, so a call that is repeated makes a second one: after an error with
        ``may_have_happened``, look for it among the audiences before creating it again.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            seed_audience_id: the audience that they are to be like.

        Raises:
            InvalidRequest: name or description have another length, or Spotify refuses them.
            NotFound: there is no such seed.
        """
        body: dict[str, object] = {
            "audience_type": LOOKALIKE,
            "seed_audience_id": seed_audience_id,
            **name_and_description(name, description),
        }
        return self.created_by_spotify(ad_account_id, "create the lookalike audience", body)

    def edit_audience(
        self,
        ad_account_id: str,
        audience_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        audience_type: str = CUSTOM,
    ) -> Audience:
        """Change name, description or both; None leaves it. ``audience_type`` is what the audience is, and stays.

        Raises:
            InvalidRequest: neither is given, or one has a length that Spotify does not take.
            NotFound: the audience does not exist.
        """
        texts = name_and_description(name, description)
        if not texts:
            raise InvalidRequest("Cannot edit the audience: neither a name nor a description is given.")
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        body = {"audience_type": audience_type, **texts}
        return self._written("PATCH", _AUDIENCE, "edit the audience", ids, body, about=its(audience_id))

    def created_by_spotify(self, ad_account_id: str, doing: str, body: Mapping[str, object]) -> Audience:
        """Create an audience whose id Spotify chooses: the answer is known by what was asked for."""
        asked = {answered: str(body[name]) for name, answered in _ECHOED.items() if name in body}
        about = Made(what="audience", name=str(body["name"]), says=asked)
        return self._written("POST", AUDIENCES, doing, {"ad_account_id": ad_account_id}, body, about=about)

    def _written(
        self,
        method: str,
        route: str,
        doing: str,
        ids: Mapping[str, str],
        body: Mapping[str, object],
        *,
        about: Its | Made,
    ) -> Audience:
        """Carry out a write that is answered with the audience."""
        done = frozenset({200, 201})
        operation = Operation(method=method, route=route, doing=doing, about=about, ids=ids, body=body, succeeds=done)
        return Audience.from_json(self._call(operation))

    def delete_audience(self, ad_account_id: str, audience_id: str) -> None:
        """Delete an audience, for good.

        Raises:
            NotFound: it does not exist.
            Conflict: an ad set uses it (status LIVE).
        """
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        self._call(
            Operation(
                method="DELETE",
                route=_AUDIENCE,
                doing="delete the audience",
                about=Done(ids={"audience_id": audience_id}),
                ids=ids,
                succeeds=frozenset({200, 204}),  # the document says 200 with a count; older pages say 204
            )
        )


def its(audience_id: str) -> Its:
    """The answer must be about this audience."""
    return Its(what="audience", id=audience_id)


def name_and_description(name: str | None, description: str | None) -> dict[str, object]:
    """What is given of the two, for the body of a write.

    Raises:
        InvalidRequest: one has a length that Spotify does not take.
    """
    if name is not None and len(name) not in NAME_LENGTH:
        raise InvalidRequest("An audience's name has 2 to 80 characters.")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise InvalidRequest("An audience's description has at most 80 characters.")
    texts = {"name": name, "description": description}
    return {key: value for key, value in texts.items() if value is not None}
