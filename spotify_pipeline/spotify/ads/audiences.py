"""The Ads API's operations on audiences: list, show, create, edit, delete, and the URLs to upload their lists with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from spotify_pipeline.spotify.ads.expected import Done, ExistingObject, NewObject, ObjectList
from spotify_pipeline.spotify.ads.models import Audience, AudienceDataset
from spotify_pipeline.spotify.ads.pages import all_audiences, objects
from spotify_pipeline.spotify.ads.request import AD_ACCOUNT, RestrictedCalls
from spotify_pipeline.spotify.errors import InvalidRequest
from spotify_pipeline.spotify.event_names import is_signal, signal_event_name
from spotify_pipeline.spotify.lenient_json import JsonObject
from spotify_pipeline.spotify.upload import UploadTicket
from spotify_pipeline.spotify_limits import LONGEST_DESCRIPTION, LOOKBACK_DAYS, NAME_LENGTH, PAGE_SIZE

CUSTOM, LOOKALIKE = "CUSTOM", "LOOKALIKE"
WEB_EVENT, AD_ENGAGEMENT = "WEB_EVENT", "AD_ENGAGEMENT"
EXPOSURE_TYPES = ("IMPRESSIONS", "CLICKS")
_ECHOED = {
    "description": "description",
    "audience_type": "type",
    "subtype": "subtype",
    "seed_audience_id": "seed_audience_id",
}
"""Fields of a create request, and those of its response that repeat them."""
_AUDIENCES = AD_ACCOUNT + "/audiences"
_AUDIENCE = _AUDIENCES + "/{audience_id}"
_UPLOAD_URL = _AUDIENCES + "/upload_url"


class AudienceOperations:
    """Part of :class:`SpotifyAdsClient`, which lists the errors that every method may raise."""

    _call: RestrictedCalls

    def audiences(self, ad_account_id: str, *, query: str | None = None, complete: bool = False) -> Iterator[Audience]:
        """All audiences of an ad account, by name, each id once; pages are requested as they are needed.

        ``query`` is Spotify's keyword search. With ``complete``, fewer than Spotify counts are an UnexpectedResponse.
        """

        def page_from(offset: int) -> JsonObject:
            # By name and not by time of change: an audience that changes while we read must not move to a page behind.
            where = [
                ("limit", str(PAGE_SIZE)),
                ("offset", str(offset)),
                ("sort_field", "NAME"),
                ("sort_direction", "ASC"),
            ]
            return self._call.get(
                _AUDIENCES,
                "list the audiences",
                ObjectList("audiences"),
                query=where if query is None else [("q", query), *where],
                ids={"ad_account_id": ad_account_id},
            )

        return all_audiences(page_from, complete=complete)

    def audience(self, ad_account_id: str, audience_id: str) -> Audience:
        """One audience.

        Raises:
            NotFound: it does not exist, or no longer does.
        """
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        return Audience.from_json(self._call.get(_AUDIENCE, "show the audience", _its(audience_id), ids=ids))

    def create_customer_list_audience(
        self, ad_account_id: str, *, audience_id: str, name: str, description: str | None
    ) -> Audience:
        """Create the audience whose list has been uploaded.

        Args:
            ad_account_id: where.
            audience_id: of the ticket that the list was uploaded with. After an error with ``may_have_happened``,
                look for this audience before creating it again.
            name: 2 to 80 characters.
            description: at most 80 characters.

        Raises:
            InvalidRequest: name or description have another length, or Spotify rejects them.
        """
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": "CUSTOMER_LIST",
            "audience_id": audience_id,
            **_name_and_description(name, description),
        }
        created = self._call.write(
            "POST",
            _AUDIENCES,
            "create the audience",
            _its(audience_id),
            body=body,
            ids={"ad_account_id": ad_account_id},
        )
        return Audience.from_json(created)

    def create_lookalike_audience(
        self, ad_account_id: str, *, name: str, description: str | None, seed_audience_id: str
    ) -> Audience:
        """Create an audience of people who are like those of another.

        Spotify chooses its id, so repeating the call makes a second one: after an error with ``may_have_happened``,
        look for it among the audiences before creating it again.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            seed_audience_id: the audience that they are to be like.

        Raises:
            InvalidRequest: name or description have another length, or Spotify rejects them.
            NotFound: the seed audience does not exist.
        """
        body: dict[str, object] = {
            "audience_type": LOOKALIKE,
            "seed_audience_id": seed_audience_id,
            **_name_and_description(name, description),
        }
        return self._created(ad_account_id, "create the lookalike audience", body)

    def create_web_event_audience(
        self,
        ad_account_id: str,
        *,
        name: str,
        description: str | None,
        dataset_ids: Sequence[str],
        included_events: Sequence[str],
        excluded_events: Sequence[str] = (),
        lookback_days: int,
    ) -> Audience:
        """Create an audience of people whose events arrived in data sets; Spotify fills it.

        Spotify chooses its id, as for :meth:`create_lookalike_audience`.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            dataset_ids: of data sets that are shared with the ad account.
            included_events: people who did one of these are in it. Any spelling; sent as ``ADDTOCART``.
            excluded_events: people who did one of these are not. Likewise.
            lookback_days: how long ago an event may be: 30, 60, 90 or 180.

        Raises:
            InvalidRequest: an argument is not valid, or Spotify rejects it.
            NotFound: a data set does not exist.
        """
        if not dataset_ids or not included_events:
            raise InvalidRequest("A web event audience needs a data set and an event to include.")
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": WEB_EVENT,
            "dataset_ids": [*dataset_ids],
            "included_events": _signals(included_events),
            "lookback_days": _lookback(lookback_days),
            **_name_and_description(name, description),
        }
        if excluded_events:
            body["excluded_events"] = _signals(excluded_events)
        return self._created(ad_account_id, "create the web event audience", body)

    def create_ad_engagement_audience(
        self,
        ad_account_id: str,
        *,
        name: str,
        description: str | None,
        campaign_ids: Sequence[str] = (),
        ad_set_ids: Sequence[str] = (),
        exposure_type: str,
        lookback_days: int,
    ) -> Audience:
        """Create an audience of people who heard, saw or clicked ads; Spotify fills it.

        Spotify chooses its id, as for :meth:`create_lookalike_audience`.

        Args:
            ad_account_id: where.
            name: 2 to 80 characters.
            description: at most 80 characters.
            campaign_ids, ad_set_ids: whose ads count: give one of the two.
            exposure_type: IMPRESSIONS or CLICKS.
            lookback_days: how long ago that may be: 30, 60, 90 or 180.

        Raises:
            InvalidRequest: an argument is not valid, or Spotify rejects it.
            NotFound: a campaign or ad set does not exist.
        """
        if bool(campaign_ids) == bool(ad_set_ids):
            raise InvalidRequest("An ad engagement audience is made of campaigns or of ad sets: give one of the two.")
        if exposure_type not in EXPOSURE_TYPES:
            raise InvalidRequest("The exposure type of an ad engagement audience must be IMPRESSIONS or CLICKS.")
        whose = {"campaign_ids": [*campaign_ids]} if campaign_ids else {"ad_set_ids": [*ad_set_ids]}
        body: dict[str, object] = {
            "audience_type": CUSTOM,
            "subtype": AD_ENGAGEMENT,
            **whose,
            "exposure_type": exposure_type,
            "lookback_days": _lookback(lookback_days),
            **_name_and_description(name, description),
        }
        return self._created(ad_account_id, "create the ad engagement audience", body)

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
            InvalidRequest: neither is given, or one has a length that Spotify does not accept.
            NotFound: the audience does not exist.
        """
        texts = _name_and_description(name, description)
        if not texts:
            raise InvalidRequest("Cannot edit the audience: neither a name nor a description is given.")
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        body = {"audience_type": audience_type, **texts}
        edited = self._call.write("PATCH", _AUDIENCE, "edit the audience", _its(audience_id), body=body, ids=ids)
        return Audience.from_json(edited)

    def delete_audience(self, ad_account_id: str, audience_id: str) -> None:
        """Delete an audience. This cannot be undone.

        Raises:
            NotFound: it does not exist.
            Conflict: an ad set uses it (status LIVE).
        """
        self._call.write(
            "DELETE",
            _AUDIENCE,
            "delete the audience",
            Done({"audience_id": audience_id}),
            succeeds=frozenset({200, 204}),  # the document says 200 with a count; older pages say 204
            ids={"ad_account_id": ad_account_id, "audience_id": audience_id},
        )

    def audience_datasets(self, ad_account_id: str, *, query: str | None = None) -> list[AudienceDataset]:
        """The data sets that a web event audience of the ad account may be made of, 50 at most.

        ``query`` is Spotify's keyword search; with it, one can be found among more.
        """
        limit = [("limit", str(PAGE_SIZE))]
        found = self._call.get(
            _AUDIENCES + "/datasets",
            "list the data sets for audiences",
            ObjectList("datasets"),
            query=limit if query is None else [("q", query), *limit],
            ids={"ad_account_id": ad_account_id},
        )
        return [AudienceDataset.from_json(each) for each in objects(found, "datasets")]

    def new_upload(self, ad_account_id: str) -> UploadTicket:
        """Request a URL to upload the list of an audience that does not exist yet; its id is in the ticket."""
        expected = NewObject("upload", needs=("upload_url",))
        return self._ticket(_UPLOAD_URL, expected, ids={"ad_account_id": ad_account_id})

    def replacement_upload(self, ad_account_id: str, audience_id: str) -> UploadTicket:
        """Request a URL to upload a list that replaces all members of an audience.

        Raises:
            NotFound: the audience does not exist.
            UnexpectedResponse: the URL is for another audience, whose list it would have replaced.
        """
        expected = ExistingObject("audience", audience_id, needs=("upload_url",))
        ids = {"ad_account_id": ad_account_id, "audience_id": audience_id}
        return self._ticket(_UPLOAD_URL + "/{audience_id}", expected, ids=ids)

    def _ticket(self, route: str, expected: NewObject | ExistingObject, ids: Mapping[str, str]) -> UploadTicket:
        given = self._call.write("POST", route, "give an upload URL", expected, succeeds=frozenset({200}), ids=ids)
        return UploadTicket.from_json(given)

    def _created(self, ad_account_id: str, doing: str, body: Mapping[str, object]) -> Audience:
        """Create an audience whose id Spotify chooses; the response is recognised by what was asked for."""
        asked = {answered: str(body[name]) for name, answered in _ECHOED.items() if name in body}
        expected = NewObject("audience", name=str(body["name"]), says=asked)
        created = self._call.write("POST", _AUDIENCES, doing, expected, body=body, ids={"ad_account_id": ad_account_id})
        return Audience.from_json(created)


def _its(audience_id: str) -> ExistingObject:
    return ExistingObject("audience", audience_id)


def _name_and_description(name: str | None, description: str | None) -> dict[str, object]:
    """Those of the two that are given, for the body of a write.

    Raises:
        InvalidRequest: one has a length that Spotify does not accept.
    """
    shortest, longest = NAME_LENGTH
    if name is not None and not shortest <= len(name) <= longest:
        raise InvalidRequest(f"An audience's name must have {shortest} to {longest} characters.")
    if description is not None and len(description) > LONGEST_DESCRIPTION:
        raise InvalidRequest(f"An audience's description must have at most {LONGEST_DESCRIPTION} characters.")
    texts = {"name": name, "description": description}
    return {key: value for key, value in texts.items() if value is not None}


def _signals(events: Sequence[str]) -> list[str]:
    if not all(is_signal(event) for event in events):
        raise InvalidRequest("An event of a web event audience is not one of Spotify's.")
    return [signal_event_name(event) for event in events]


def _lookback(days: int) -> int:
    if days not in LOOKBACK_DAYS:
        allowed = f"{', '.join(map(str, LOOKBACK_DAYS[:-1]))} or {LOOKBACK_DAYS[-1]}"
        raise InvalidRequest(f"An audience's lookback must be {allowed} days.")
    return days
