"""One call of the Ads API: its token, its repetitions, its answer as JSON or as a typed error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from spotify_pipeline.spotify.ads.expected import Done, Expected
from spotify_pipeline.spotify.auth import Access, TokenProvider
from spotify_pipeline.spotify.errors import (
    InvalidRequest,
    SignInRequired,
    SpotifyError,
    SpotifyUnavailable,
    UnexpectedAnswer,
)
from spotify_pipeline.spotify.ids import is_id
from spotify_pipeline.spotify.lenient_json import JsonObject
from spotify_pipeline.spotify.retry import RateBudget, Repetitions, refusal
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.transport import Answer, HttpClient

_MIXED_UP = (
    "Something between this machine and Spotify, such as a cache or a gateway, may mix answers up. Run again; if it "
    "happens again, report it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the OpenAPI document, with the ids and values of one call.

    Attributes:
        method: GET is repeated when that may help; anything else is sent once.
        route: path template as in the document.
        doing: for error sentences, "list the audiences".
        about: what the answer must be about. There is no operation without it.
        ids: for the template's parameters.
        query: names repeat for arrays.
        body: JSON, None for an empty body.
        succeeds: statuses that mean it was done.
    """

    method: str
    route: str
    doing: str
    about: Expected
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
            InvalidRequest: an id holds what cannot be an id, so it would change the path.
        """
        for name, value in self.ids.items():
            if not is_id(value):
                raise InvalidRequest(f"Cannot {self.doing}: the {name} given is not an id.", next_step="It is a UUID.")
        return self.route.format_map(self.ids)


class ApiCalls:
    """Carries operations out, with the tokens of ``tokens`` and within the rate budget of ``budget``.

    A GET is tried at most four times on a network error, 408, 429 or a server error, with full jitter and as late as
    the server asks (60 s at most), while the budget has repetitions left. A write is sent once: its answer may have
    been lost after it was carried out. The one exception is 401, which means that it was not carried out: the token
    is replaced, once, and the call sent again. A 429 pauses everybody who shares the budget.

    ``patience`` is how many seconds one operation may wait in all, for the budget and between its tries.
    """

    def __init__(
        self,
        http: HttpClient,
        base_url: str,
        tokens: TokenProvider,
        *,
        budget: RateBudget,
        patience: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float],
    ) -> None:
        self._http = http
        self._base_url = base_url
        self._tokens = tokens
        self._budget = budget
        self._patience = patience
        self._clock = clock
        self._sleep = sleep
        self._repetitions = Repetitions(budget, clock=clock, random=random)

    def __call__(self, operation: Operation, *, permit: Callable[[Access], None] | None = None) -> JsonObject:
        """The answer's JSON object, which is about what the operation is about; maybe empty for :class:`Done`.

        ``permit`` is asked before each sending, with the very access that goes with it; what it raises stops the
        operation.

        Raises:
            UnexpectedAnswer: it is about something else, or about nothing.
            SpotifyError: the subclass says why, and ``may_have_happened`` whether a write may have been done.
        """
        answer, token = self._answered(operation, permit)
        if answer.status not in operation.succeeds:
            raise self._refusal(answer, operation, token)
        body = answer.json()
        if body is None and isinstance(operation.about, Done):
            return {}
        fault = "is not a JSON object" if body is None else operation.about.fault(body)
        if body is None or fault is not None:
            raise UnexpectedAnswer(
                f"Spotify's answer to the call to {operation.doing} {fault}.",
                next_step=_MIXED_UP if body else None,
                status=answer.status,
                may_have_happened=operation.writes,
            )
        return body

    def _answered(self, operation: Operation, permit: Callable[[Access], None] | None) -> tuple[Answer, Secret]:
        """The first answer that is not to be repeated (a success, a final refusal, the last try's), and its token."""
        url = self._base_url + operation.path()
        left, pause = self._patience, 0.0
        replaced = False
        attempt = 1
        while True:
            leave = self._budget.take(left)
            token = self._token(permit)  # after the wait, in which one may end
            outcome = self._try(operation, url, token, attempt, waited=pause + leave)
            answer = outcome if isinstance(outcome, Answer) else None
            self._repetitions.tell_budget(answer)
            attempt += 1
            if answer is not None and answer.status == 401 and not replaced:
                self._replace_rejected(token)
                replaced, pause = True, 0.0
            else:
                pause = None if operation.writes else self._repetitions.pause_before(attempt, answer)
                if pause is None or leave + pause > left:
                    if isinstance(outcome, Answer):
                        return outcome, token
                    raise outcome
                if pause:
                    self._sleep(pause)
            left -= leave + pause

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

    def _try(
        self, operation: Operation, url: str, token: Secret, attempt: int, *, waited: float
    ) -> Answer | SpotifyUnavailable:
        """One sending; the error when no answer came, for it may pass."""
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token.reveal()}"}
        try:
            return self._http.send(
                operation.method,
                url,
                route=operation.route,
                attempt=attempt,
                waited=waited,
                headers=headers,
                query=operation.query,
                json=operation.body,
            )
        except (SpotifyUnavailable, UnexpectedAnswer) as failure:
            failure.may_have_happened = failure.may_have_happened and operation.writes
            if isinstance(failure, SpotifyUnavailable):
                return failure
            raise

    def _refusal(self, answer: Answer, operation: Operation, token: Secret) -> SpotifyError:
        if answer.status == 401:
            return SignInRequired(
                f"Spotify did not {operation.doing}: it refuses even a new access token (status 401).",
                status=401,
                trace_id=answer.trace_id,
            )
        return refusal(answer, operation.doing, sent=[token], writing=operation.writes, now=self._clock())
