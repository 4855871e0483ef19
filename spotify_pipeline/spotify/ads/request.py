"""One call of the Ads API: its token, its retries, and its response as JSON or as a typed error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from spotify_pipeline.spotify.ads.expected import Done, ExistingObject, Expected
from spotify_pipeline.spotify.auth import Access, TokenProvider
from spotify_pipeline.spotify.errors import (
    BusinessNotAllowed,
    InvalidRequest,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedResponse,
)
from spotify_pipeline.spotify.lenient_json import JsonObject, is_id, same_id, text
from spotify_pipeline.spotify.retry import RetryLoop, response_error
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport import HttpClient, Response

AD_ACCOUNT = "/ad_accounts/{ad_account_id}"
_MIXED_UP = (
    "Something between this machine and Spotify, such as a cache or a gateway, may mix up responses. Run again; if it "
    "happens again, report it."
)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the OpenAPI document, with the ids and values of one call.

    Attributes:
        method: GET is retried when that may help; anything else is sent once.
        route: path template as in the document.
        doing: for error sentences, "list the audiences".
        expected: what the response must be about. There is no operation without it.
        ids: for the template's parameters.
        query: names repeat for arrays.
        body: JSON, None for an empty body.
        succeeds: statuses that mean it was done.
    """

    method: str
    route: str
    doing: str
    expected: Expected
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Sequence[tuple[str, str]] = ()
    body: Mapping[str, object] | None = None
    succeeds: frozenset[int] = frozenset({200})

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def path(self) -> str:
        """The route with its ids.

        Raises:
            InvalidRequest: an id contains characters that would change the path.
        """
        for name, value in self.ids.items():
            if not is_id(value):
                raise InvalidRequest(f"Cannot {self.doing}: the {name} given is not an id.", next_step="It is a UUID.")
        return self.route.format_map(self.ids)


class ApiCalls:
    """Carries out operations, with the tokens of ``tokens``.

    A GET is retried as ``retries`` says. A write is sent once: its response may have been lost after it was carried
    out. The one exception is 401, which means that it was not carried out: the token is replaced, once, and the call
    sent again.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        tokens: TokenProvider,
        retries: RetryLoop,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._tokens = tokens
        self._retries = retries
        self._clock = clock

    def __call__(self, operation: Operation, *, permit: Callable[[Access], None] | None = None) -> JsonObject:
        """The response's JSON object, which is about what the operation expects; may be empty for :class:`Done`.

        ``permit`` is called before each try, with the access that is sent with it; what it raises stops the operation.

        Raises:
            UnexpectedResponse: it is about something else, or about nothing.
            SpotifyError: the subclass says why, and ``may_have_happened`` whether a write may have been done.
        """
        response, token = self._final_response(operation, permit)
        if response.status not in operation.succeeds:
            raise self._error(response, operation, token)
        body = response.json()
        if body is None and isinstance(operation.expected, Done):
            return {}
        fault = "is not a JSON object" if body is None else operation.expected.fault(body)
        if body is None or fault is not None:
            raise UnexpectedResponse(
                f"Spotify's response to the call to {operation.doing} {fault}.",
                next_step=_MIXED_UP if body else None,
                status=response.status,
                may_have_happened=operation.writes,
            )
        return body

    def _final_response(self, operation: Operation, permit: Callable[[Access], None] | None) -> tuple[Response, Secret]:
        """The response of the last try, and the token that was sent with it."""
        url = self._base_url + operation.path()
        tokens_sent: list[Secret] = []

        def send(attempt: int, waited: float) -> Response | SpotifyUnavailable:
            tokens_sent.append(self._token(permit))  # after the wait, during which the last one may expire
            return self._send(operation, url, tokens_sent[-1], attempt, waited)

        replaced = False

        def resend_at_once(response: Response) -> bool:
            nonlocal replaced
            if response.status != 401 or replaced:
                return False
            replaced = True
            self._replace_rejected(tokens_sent[-1])
            return True

        outcome = self._retries.run(send, may_retry=lambda _: not operation.writes, resend_at_once=resend_at_once)
        if not isinstance(outcome, Response):
            raise outcome
        return outcome, tokens_sent[-1]

    def _token(self, permit: Callable[[Access], None] | None) -> Secret:
        try:
            access = self._tokens.current()
            if permit is not None:
                permit(access)
        except SpotifyError as failure:
            failure.may_have_happened = False  # the call itself was not sent, or refused with 401
            raise
        return access.token

    def _replace_rejected(self, token: Secret) -> None:
        try:
            self._tokens.replace_rejected(token)
        except SpotifyError as failure:
            failure.may_have_happened = False
            raise

    def _send(
        self, operation: Operation, url: str, token: Secret, attempt: int, waited: float
    ) -> Response | SpotifyUnavailable:
        """One try; the error when no response came, as a later try may succeed."""
        try:
            return self._http.send(
                operation.method,
                url,
                route=operation.route,
                attempt=attempt,
                waited=waited,
                headers={"Accept": "application/json", "Authorization": f"Bearer {token.reveal()}"},
                query=operation.query,
                json=operation.body,
            )
        except (SpotifyUnavailable, UnexpectedResponse) as failure:
            failure.may_have_happened = failure.may_have_happened and operation.writes
            if isinstance(failure, SpotifyUnavailable):
                return failure
            raise

    def _error(self, response: Response, operation: Operation, token: Secret) -> SpotifyError:
        if response.status == 401:
            return SignInRequired(
                f"Spotify did not {operation.doing}: it rejects even a new access token (status 401).",
                status=401,
                trace_id=response.trace_id,
            )
        return response_error(response, operation.doing, sent=[token], writing=operation.writes, now=self._clock())


class RestrictedCalls:
    """:class:`ApiCalls` that checks who owns an ad account before the first write to it.

    An authorization may be for one business only. The user who signed in may see several, as an agency's does; a
    mistaken ad account id would then reach another client's audiences. The restriction is that of the authorization
    whose token is sent, checked before every try: somebody may sign in again between two tries. The owner of an ad
    account is looked up once. Reads are not restricted.
    """

    def __init__(self, calls: ApiCalls, label: str) -> None:
        self._calls = calls
        self._label = label
        self._owners: dict[str, str] = {}

    def get(
        self,
        route: str,
        doing: str,
        expected: Expected,
        *,
        query: Sequence[tuple[str, str]] = (),
        ids: Mapping[str, str] = MappingProxyType({}),
    ) -> JsonObject:
        """Read. Errors as for :meth:`ApiCalls.__call__`."""
        return self._calls(Operation("GET", route, doing, expected, ids, query))

    def write(
        self,
        method: str,
        route: str,
        doing: str,
        expected: Expected,
        *,
        body: Mapping[str, object] | None = None,
        succeeds: frozenset[int] = frozenset({200, 201}),
        ids: Mapping[str, str] = MappingProxyType({}),
    ) -> JsonObject:
        """Change something.

        Raises:
            BusinessNotAllowed: the operation would write to another business, or to an ad account of one.
            SpotifyError: as for :meth:`ApiCalls.__call__`.
        """
        business_id, ad_account_id = ids.get("business_id"), ids.get("ad_account_id")

        def permit(access: Access) -> None:
            if access.business_id is None:
                return
            if business_id is not None:
                self._require_business(access.business_id, business_id, doing)
            if ad_account_id is not None:
                self._require_owner(access.business_id, ad_account_id, doing)

        return self._calls(Operation(method, route, doing, expected, ids, (), body, succeeds), permit=permit)

    def _require_business(self, allowed: str, business_id: str, doing: str) -> None:
        if not same_id(business_id, allowed):
            raise BusinessNotAllowed(
                f"Did not {doing}: the authorization `{self._label}` is for the business {allowed} only, not for the "
                f"business {business_id}."
            )

    def _require_owner(self, allowed: str, ad_account_id: str, doing: str) -> None:
        owner = self._owners.get(ad_account_id)
        if owner is None:
            expected = ExistingObject("ad account", ad_account_id)
            found = self.get(AD_ACCOUNT, "show the ad account", expected, ids={"ad_account_id": ad_account_id})
            owner = text(found, "business_id") or ""
        if not same_id(owner, allowed):
            belongs = f"belongs to the business {owner}" if owner else "does not say which business it belongs to"
            raise BusinessNotAllowed(
                f"Did not {doing}: the authorization `{self._label}` is for the business {allowed} only, and the ad "
                f"account {ad_account_id} {belongs}."
            )
        self._owners[ad_account_id] = owner
