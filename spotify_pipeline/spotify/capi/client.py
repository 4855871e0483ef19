"""Sends events to Spotify's Conversions API, a batch a request."""

from __future__ import annotations

import json
import random as dice
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType

from spotify_pipeline.spotify.capi.error_mapping import Sent, refusal_of_events
from spotify_pipeline.spotify.capi.taken_answers import BY_CONTRACT, TakenAnswer
from spotify_pipeline.spotify.errors import InvalidRequest, SpotifyError, SpotifyUnavailable
from spotify_pipeline.spotify.retry import PATIENCE, RateBudget, Repetitions
from spotify_pipeline.spotify.secret import Secret
from spotify_pipeline.spotify.settings import ConversionsSettings
from spotify_pipeline.spotify.transport import CONVERSIONS, Answer, CallRecord, HttpClient, Observer, Transport

ROUTE = "/capi-direct/events/"


class ConversionsClient:
    """The client. Use it as a context manager; it holds open connections.

    A request is tried at most four times on a network error, 408, 429 or a server error, with the same bytes: an
    event carries its id, by which Spotify knows it again. With ``guarantee_once`` it is tried again only if it surely
    was not carried out: it never left this machine, or was answered with 429. A 429 pauses all processes that send to
    this connection.
    """

    def __init__(
        self,
        settings: ConversionsSettings,
        *,
        guarantee_once: bool,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        random: Callable[[], float],
        observer: Observer | None,
        transport: Transport | None,
        budget: RateBudget,
        patience: float,
        accepted: tuple[TakenAnswer, ...],
    ) -> None:
        self._settings = settings
        self._guarantee_once = guarantee_once
        self._clock = clock
        self._sleep = sleep
        self._observer = observer
        self._budget = budget
        self._patience = patience
        self._accepted = accepted
        self._repetitions = Repetitions(budget, clock=clock, random=random)
        self._content = b""
        self._http = HttpClient(
            CONVERSIONS,
            transport=transport,
            observer=self._observed,
            proxy_url=settings.proxy_url,
            ca_bundle=settings.ca_bundle,
        )

    @classmethod
    def open(
        cls,
        settings: ConversionsSettings,
        *,
        guarantee_once: bool = False,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = dice.random,
        observer: Observer | None = None,
        transport: Transport | None = None,
        budget: RateBudget | None = None,
        patience: float = PATIENCE,
        accepted: tuple[TakenAnswer, ...] = BY_CONTRACT,
    ) -> ConversionsClient:
        """A client for ``settings``. Makes no call, and asks for no token, before something is sent.

        Args:
            settings: address, connection and token.
            guarantee_once: see the class.
            clock: seconds since the epoch.
            sleep, random: for the pauses between repetitions; random from 0 to 1.
            observer: is told of each call as it ends.
            transport: stands in for the network; for tests.
            budget: of calls; by default the one that all processes of this machine share for this connection, at the
                Ads API's pace, since Spotify states none for the Conversions API.
            patience: seconds that one request may wait for the budget and between tries.
            accepted: the answers that say that all events of a request were taken; by default the contract's.
        """
        if budget is None:
            budget = RateBudget.at_home(f"{settings.capi_url} {settings.connection_id}", sleep=sleep)
        return cls(
            settings,
            guarantee_once=guarantee_once,
            clock=clock,
            sleep=sleep,
            random=random,
            observer=observer,
            transport=transport,
            budget=budget,
            patience=patience,
            accepted=accepted,
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
        """Send some events in one request; returns once Spotify says that it has taken all of them.

        Args:
            bodies: each one event as JSON, which goes out as it is. None: nothing is sent.

        Raises:
            InvalidRequest: one of them may be at fault (status 400, 413, 422, or a success that names events by their
                places as errors). With ``may_have_happened``, Spotify may have taken some or all of them.
            UnknownSuccess: a success by its status, that none of the accepted answers is.
            CapiTokenRefused, PermissionDenied, NotFound, SettingsMissing, SettingsInvalid: the token, the connection
                or the address; about none of the events.
            RateLimited, SpotifyUnavailable, UntrustedServer, UnexpectedAnswer: about none of them;
                ``may_have_happened`` says whether Spotify may have taken them all the same.
        """
        if not bodies:
            return
        token = self._settings.require_token()
        connection_id = self._settings.require_connection_id()
        self._content = request_content(connection_id, bodies)
        try:
            answer, lost = self._answered(token)
            refused = refusal_of_events(answer, self._sent(len(bodies), answer))
        finally:
            self._content = b""
        if refused is not None:
            refused.may_have_happened = refused.may_have_happened or lost
            raise refused

    def _sent(self, events: int, answer: Answer) -> Sent:
        return Sent(
            events=events,
            token_variable=self._settings.token_variable,
            trace_id=self._not_echoed(answer.trace_id),
            now=self._clock(),
            accepted=self._accepted,
        )

    def _answered(self, token: Secret) -> tuple[Answer, bool]:
        """The first answer that is not to be repeated, and whether an earlier try may have been carried out."""
        left, pause = self._patience, 0.0
        attempt = 1
        lost = False
        while True:
            try:
                leave = self._budget.take(left)
                outcome = self._try(token, attempt, waited=pause + leave)
            except SpotifyError as failure:
                failure.may_have_happened = failure.may_have_happened or lost
                raise
            answer = outcome if isinstance(outcome, Answer) else None
            self._repetitions.tell_budget(answer)
            attempt += 1
            may_repeat = not self._guarantee_once or _surely_not_done(outcome)
            again = self._repetitions.pause_before(attempt, answer) if may_repeat else None
            if again is None or leave + again > left:
                if isinstance(outcome, Answer):
                    return outcome, lost
                outcome.may_have_happened = outcome.may_have_happened or lost
                raise outcome
            lost = lost or not _surely_not_done(outcome)
            pause = again
            if pause:
                self._sleep(pause)
            left -= leave + pause

    def _try(self, token: Secret, attempt: int, *, waited: float) -> Answer | SpotifyUnavailable:
        """One sending; the error when no answer came, for it may pass."""
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
        """A digest looks like a trace id; one that is in what was sent is none."""
        if trace_id is None:
            return None
        token = self._settings.require_token().reveal()
        echoed = trace_id in token or trace_id.lower().encode() in self._content.lower()
        return None if echoed else trace_id


def request_content(connection_id: str, bodies: Sequence[str]) -> bytes:
    """The request's body: the events' JSON texts as they are, in their envelope.

    Raises:
        InvalidRequest: a text cannot be written as UTF-8.
    """
    head = f'{{"conversion_events":{{"capi_connection_id":{json.dumps(connection_id)},"events":['
    try:
        return f"{head}{','.join(bodies)}]}}}}".encode()
    except UnicodeEncodeError:
        pass  # and the error is made outside, as this one holds the text
    raise InvalidRequest("An event cannot be sent: its text holds half of a character. Nothing was sent.")


def _surely_not_done(outcome: Answer | SpotifyUnavailable) -> bool:
    return outcome.status == 429 if isinstance(outcome, Answer) else not outcome.may_have_happened
