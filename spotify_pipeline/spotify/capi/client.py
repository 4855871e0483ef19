"""Sends events to Spotify's Conversions API, a batch a request."""

from __future__ import annotations

import json
import random as randomness
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType

from spotify_pipeline.retries import API_CALL
from spotify_pipeline.spotify.capi.accepted_responses import CONTRACT_ONLY, AcceptedResponse
from spotify_pipeline.spotify.capi.error_mapping import SentBatch, batch_error
from spotify_pipeline.spotify.errors import InvalidRequest, SpotifyError, SpotifyUnavailable
from spotify_pipeline.spotify.retry import RateLimiter, RetryLoop
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import ConversionsSettings
from spotify_pipeline.spotify.transport import CONVERSIONS, CallRecord, HttpClient, Observer, Response, Transport
from spotify_pipeline.state import StateStore

ROUTE = "/capi-direct/events/"


class ConversionsClient:
    """The client. Use it as a context manager; it holds open connections.

    A request is tried at most four times on a network error, 408, 429 or a server error, with the same bytes: Spotify
    recognises an event by its id. With ``guarantee_once`` it is retried only if it was certainly not carried out: it
    never left this machine, or the response was 429. A 429 pauses all processes that send to this connection.
    """

    def __init__(
        self,
        settings: ConversionsSettings,
        state: StateStore,
        *,
        guarantee_once: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = randomness.random,
        observer: Observer | None = None,
        transport: Transport | None = None,
        rate_limiter: RateLimiter | None = None,
        max_wait: float = API_CALL.within,
        accepted: tuple[AcceptedResponse, ...] = CONTRACT_ONLY,
    ) -> None:
        """Makes no call, and needs no token, before something is sent.

        Args:
            settings: address, connection and token.
            state: through which all processes share the rate limiter.
            guarantee_once: see the class.
            clock: seconds since the epoch.
            sleep, random: for the pauses between tries; random from 0 to 1.
            observer: receives a record of each call as it ends.
            transport: replaces the network; for tests.
            rate_limiter: of calls; by default the one that all who use this state share for this connection,
                with the Ads API's limit, since Spotify states none for the Conversions API.
            max_wait: seconds that one request may wait for the rate limiter and between tries.
            accepted: the responses that mean that all events of a request were accepted; by default the contract's.
        """
        if rate_limiter is None:
            rate_limiter = RateLimiter.of_state(state, f"{settings.capi_url} {settings.connection_id}", sleep=sleep)
        self._settings = settings
        self._guarantee_once = guarantee_once
        self._clock = clock
        self._observer = observer
        self._accepted = accepted
        self._retries = RetryLoop(rate_limiter, max_wait=max_wait, clock=clock, sleep=sleep, random=random)
        self._content = b""
        self._http = HttpClient(
            CONVERSIONS,
            transport=transport,
            observer=self._observed,
            proxy_url=settings.proxy_url,
            ca_bundle=settings.ca_bundle,
        )

    def __enter__(self) -> ConversionsClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, bodies: Sequence[str]) -> None:
        """Send events in one request; returns once Spotify says that it has accepted all of them.

        Args:
            bodies: each one event as JSON, which is sent as it is. Nothing is sent for none.

        Raises:
            InvalidRequest: one of them may be at fault (status 400, 413, 422, or a success that lists events as errors
                by their index). With ``may_have_happened``, Spotify may have accepted some or all of them.
            UnknownSuccess: a success by its status, but not one of the accepted responses.
            CapiTokenRefused, PermissionDenied, NotFound, SettingsMissing, SettingsInvalid: the token, the connection
                or the address is at fault, none of the events.
            RateLimited, SpotifyUnavailable, UntrustedServer, UnexpectedResponse: none of the events is at fault;
                ``may_have_happened`` says whether Spotify may still have accepted them.
        """
        if not bodies:
            return
        token = self._settings.require_token()
        connection_id = self._settings.require_connection_id()
        self._content = request_content(connection_id, bodies)
        try:
            response, lost = self._final_response(token)
            error = batch_error(response, self._batch(len(bodies), response))
        finally:
            self._content = b""
        if error is not None:
            error.may_have_happened = error.may_have_happened or lost
            raise error

    def _batch(self, events: int, response: Response) -> SentBatch:
        return SentBatch(
            events=events,
            token_variable=self._settings.name_of("capi_token"),
            trace_id=self._not_echoed(response.trace_id),
            now=self._clock(),
            accepted=self._accepted,
        )

    def _final_response(self, token: Secret) -> tuple[Response, bool]:
        """The response that is not retried, and whether an earlier try may have been carried out."""
        outcomes: list[Response | SpotifyUnavailable] = []

        def send(attempt: int, waited: float) -> Response | SpotifyUnavailable:
            outcomes.append(self._send(token, attempt, waited))
            return outcomes[-1]

        def may_retry(outcome: Response | SpotifyUnavailable) -> bool:
            return not self._guarantee_once or _surely_not_done(outcome)

        try:
            outcome = self._retries.run(send, may_retry=may_retry)
            if not isinstance(outcome, Response):
                raise outcome
        except SpotifyError as failure:
            lost = any(not _surely_not_done(each) for each in outcomes if each is not failure)
            failure.may_have_happened = failure.may_have_happened or lost
            raise
        return outcome, any(not _surely_not_done(each) for each in outcomes[:-1])

    def _send(self, token: Secret, attempt: int, waited: float) -> Response | SpotifyUnavailable:
        """One try; the error when no response came, as a later try may succeed."""
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token.reveal()}",
            "Content-Type": "application/json",
            "Content-Length": str(len(self._content)),
        }
        try:
            return self._http.send(
                "POST",
                self._settings.capi_url,
                route=ROUTE,
                attempt=attempt,
                waited=waited,
                headers=headers,
                content=[self._content],
            )
        except SpotifyUnavailable as failure:
            return failure

    def _observed(self, record: CallRecord) -> None:
        if self._observer is not None:
            self._observer(replace(record, trace_id=self._not_echoed(record.trace_id)))

    def _not_echoed(self, trace_id: str | None) -> str | None:
        """``trace_id``, unless it repeats what was sent: a digest looks like a trace id."""
        if trace_id is None:
            return None
        token = self._settings.require_token().reveal()
        echoed = trace_id in token or trace_id.lower().encode() in self._content.lower()
        return None if echoed else trace_id


def request_content(connection_id: str, bodies: Sequence[str]) -> bytes:
    """The body of the request: the events' JSON texts as they are, in their envelope.

    Raises:
        InvalidRequest: a text cannot be encoded as UTF-8.
    """
    head = f'{{"conversion_events":{{"capi_connection_id":{json.dumps(connection_id)},"events":['
    try:
        return f"{head}{','.join(bodies)}]}}}}".encode()
    except UnicodeEncodeError:
        pass  # the error is raised outside, as this one holds the text
    raise InvalidRequest("An event cannot be sent: its text contains half of a character. Nothing was sent.")


def _surely_not_done(outcome: Response | SpotifyUnavailable) -> bool:
    return outcome.status == 429 if isinstance(outcome, Response) else not outcome.may_have_happened
